//! Views.

use charter_common::{Answer, methods};
use charter_types::keys::args::{ApprovalRef, Check, GrantRef, HostRef, LeaseRef, Received, SecretRef, WrapRef};
use charter_types::keys::{Approval, Budget, Decision, Envelope, Grant, Host, Lease, Recipient, SealedKey, Secret};
use charter_types::{AccountId, Page, page_size};
use near_sdk::near;

use crate::{Keys, KeysExt};

fn ids(page: Page, next: u64) -> impl Iterator<Item = u64> {
    (page.from.max(1)..next).take(page_size(page.limit))
}

#[methods(keys)]
#[near]
impl Keys {
    pub fn host(&self, HostRef { host }: HostRef) -> Answer<Option<Host>> {
        Ok(self.hosts.get(&host))
    }

    pub fn secret(&self, SecretRef { secret }: SecretRef) -> Answer<Option<Secret>> {
        Ok(self.secrets.get(&secret))
    }

    pub fn envelope(&self, SecretRef { secret }: SecretRef) -> Answer<Option<Envelope>> {
        Ok(self.envelopes.get(&secret))
    }

    pub fn wrap(&self, WrapRef { secret, host }: WrapRef) -> Answer<Option<SealedKey>> {
        let Some(row) = self.secrets.get(&secret) else { return Ok(None) };
        Ok(self.wraps.get(&(secret, row.version, host)))
    }

    pub fn who_received(&self, Received { secret, from, limit }: Received) -> Answer<Vec<Recipient>> {
        let positions = (from..).take(page_size(limit));
        Ok(positions.map_while(|index| self.recipients.get(&(secret, index))).collect())
    }

    pub fn lineage(&self, GrantRef { grant }: GrantRef) -> Answer<Vec<Grant>> {
        self.lineage_rows(grant)
    }

    pub fn hosts(&self, page: Page) -> Answer<Vec<Host>> {
        let found = ids(page, self.next_host).filter_map(|id| self.hosts.get(&id));
        Ok(found.collect())
    }

    pub fn secrets(&self, page: Page) -> Answer<Vec<Secret>> {
        let found = ids(page, self.next_secret).filter_map(|id| self.secrets.get(&id));
        Ok(found.collect())
    }

    pub fn grants(&self, page: Page) -> Answer<Vec<Grant>> {
        let found = ids(page, self.next_grant).filter_map(|id| self.grants.get(&id));
        Ok(found.collect())
    }

    pub fn budgets(&self, page: Page) -> Answer<Vec<Budget>> {
        let found = ids(page, self.next_grant).filter_map(|id| self.budgets.get(&id));
        Ok(found.collect())
    }

    pub fn lease(&self, LeaseRef { lease }: LeaseRef) -> Answer<Option<Lease>> {
        Ok(self.leases.get(&lease))
    }

    pub fn approval(&self, ApprovalRef { grant, host, digest }: ApprovalRef) -> Answer<Option<Approval>> {
        Ok(match host {
            Some(host) => self.approval_row(grant, host, digest),
            None => self.early_approvals.get(&(grant, digest)),
        })
    }

    pub fn counts(&self) -> (u64, u64, u64) {
        (self.next_host - 1, self.next_secret - 1, self.next_grant - 1)
    }

    pub fn check(&self, args: Check) -> Answer<Decision> {
        self.decide_with(args)
    }

    pub fn registry(&self) -> AccountId {
        self.registry.clone()
    }

    pub fn mpc(&self) -> Option<AccountId> {
        self.mpc.clone()
    }
}
