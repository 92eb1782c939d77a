//! Budgets in use: hosts set a part aside, use it, and say how much they used.

use charter_common::{Answer, methods};
use charter_rules::budget;
use charter_rules::decision::{check_live_here, may_use_up};
use charter_types::AccountId;
use charter_types::Hash32;
use charter_types::keys::args::{LeaseRef, Reserve, Settle};
use charter_types::keys::{ApprovalState, Fact, Grant, GrantId, HostId, KeysError, LEASE_MS_MAX, Lease, LeaseId};
use near_sdk::{env, near};

use crate::{Keys, KeysExt};

#[methods(keys)]
#[near]
impl Keys {
    pub fn reserve(&mut self, Reserve { grant: id, host, amount, for_ms, digest }: Reserve) -> Answer<Option<LeaseId>> {
        self.check_running("release")?;
        if !(1..=LEASE_MS_MAX).contains(&for_ms) {
            return Err(KeysError::LeaseTime {}.into());
        }
        let caller = env::predecessor_account_id();
        let host = self.own_host(host, &caller)?;
        let lineage = self.lineage_rows(id)?;
        let secret = self.secret_row(lineage.first().map(|grant| grant.secret).unwrap_or_default())?;
        let now_ms = Self::now_ms();
        check_live_here(&lineage, &secret, now_ms).map_err(|_| KeysError::Dead { id })?;
        self.check_host_stands(&host, &secret)?;
        if !lineage.first().is_some_and(|grant| may_use_up(grant, &secret, &host, now_ms)) {
            return Err(KeysError::NotHere { host: host.id }.into());
        }
        if let Some(grant) = lineage.iter().find(|grant| grant.needs_approval) {
            self.consume_approval(&caller, lineage.first().unwrap_or(grant), host.id, digest)?;
        }
        if amount.0 == 0 || !lineage.iter().any(|grant| grant.has_budget) {
            return Ok(None);
        }
        for grant in &lineage {
            self.with_budget(&caller, grant.id, |budget| budget::reserve(budget, amount.0, now_ms))?;
        }
        let lease_id = self.next_lease;
        self.next_lease += 1;
        let expires_ms = now_ms.saturating_add(for_ms);
        let lease = Lease { id: lease_id, grant: id, host: host.id, amount, expires_ms, digest };
        self.leases.insert(&lease_id, &caller, &lease, &mut self.core.storage)?;
        self.emit("reserved", &caller, Fact::Lease(lease));
        Ok(Some(lease_id))
    }

    pub fn settle(&mut self, Settle { lease, used }: Settle) -> Answer {
        let caller = env::predecessor_account_id();
        let lease = self.lease_row(lease)?;
        self.own_host(lease.host, &caller)?;
        if used > lease.amount {
            return Err(KeysError::LeaseAmount { amount: lease.amount.0 }.into());
        }
        self.end_lease(&caller, &lease, used.0)
    }

    pub fn expire(&mut self, LeaseRef { lease }: LeaseRef) -> Answer {
        let lease = self.lease_row(lease)?;
        if Self::now_ms() < lease.expires_ms {
            return Err(KeysError::LeaseOpen { until_ms: lease.expires_ms }.into());
        }
        self.end_lease(&env::predecessor_account_id(), &lease, lease.amount.0)
    }
}

impl Keys {
    fn lease_row(&self, id: LeaseId) -> Answer<Lease> {
        Ok(self.leases.get(&id).ok_or(KeysError::UnknownLease { id })?)
    }

    /// INV-KEY-4: a lease leaves here and nowhere else.
    fn end_lease(&mut self, by: &AccountId, lease: &Lease, used: u128) -> Answer {
        let now_ms = Self::now_ms();
        for grant in self.lineage_left(lease.grant) {
            self.with_budget(by, grant.id, |budget| {
                budget::settle(budget, lease.amount.0, used, now_ms);
                Ok(())
            })?;
        }
        self.leases.remove(&lease.id, &mut self.core.storage);
        self.emit("lease_ended", by, Fact::LeaseEnded(lease.id));
        Ok(())
    }

    /// INV-KEY-3: every budget on the way up is asked, so what is below never exceeds what is above.
    pub(crate) fn with_budget(
        &mut self,
        by: &AccountId,
        grant: GrantId,
        change: impl FnOnce(&mut charter_types::keys::Budget) -> Result<(), KeysError>,
    ) -> Answer {
        let Some(mut budget) = self.budgets.get(&grant) else { return Ok(()) };
        change(&mut budget)?;
        self.budgets.update(&grant, &budget, &mut self.core.storage)?;
        self.emit("budget_changed", by, Fact::Budget(budget));
        Ok(())
    }

    fn consume_approval(&mut self, by: &AccountId, grant: &Grant, host: HostId, digest: Option<Hash32>) -> Answer {
        let digest = digest.ok_or(KeysError::NotApproved {})?;
        let approval = self.approval_row(grant.id, host, digest).ok_or(KeysError::NotApproved {})?;
        let good = approval.state == ApprovalState::Approved
            && approval.generation == grant.generation
            && Self::now_ms() < approval.expires_ms;
        if !good {
            return Err(KeysError::NotApproved {}.into());
        }
        self.remove_approval("approval_used", by, &approval);
        Ok(())
    }
}
