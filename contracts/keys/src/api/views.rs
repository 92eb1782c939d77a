//! Views.

use charter_common::{Answer, arguments};
use charter_types::keys::args::{ApprovalRef, Check, GrantRef, HostRef, LeaseRef, Received, SecretRef, WrapRef};
use charter_types::keys::{Approval, Budget, Decision, Envelope, Grant, Host, Lease, Recipient, SealedKey, Secret};
use charter_types::{AccountId, Page, page_size};
use near_sdk::near;

use crate::storage::{StoredApproval, StoredBudget, StoredGrant, StoredHost, StoredLease, StoredSecret};
use crate::{Keys, KeysExt};

fn ids(page: Page, next: u64) -> impl Iterator<Item = u64> {
    (page.from.max(1)..next).take(page_size(page.limit))
}

#[near]
impl Keys {
    /// Takes `HostRef`.
    #[handle_result(aliased)]
    pub fn host(&self) -> Answer<Option<Host>> {
        let HostRef { host } = arguments()?;
        Ok(self.hosts.get(&host).map(StoredHost::into_newest))
    }

    /// Takes `SecretRef`.
    #[handle_result(aliased)]
    pub fn secret(&self) -> Answer<Option<Secret>> {
        let SecretRef { secret } = arguments()?;
        Ok(self.secrets.get(&secret).map(StoredSecret::into_newest))
    }

    /// Ciphertext of a secret. Takes `SecretRef`.
    #[handle_result(aliased)]
    pub fn envelope(&self) -> Answer<Option<Envelope>> {
        let SecretRef { secret } = arguments()?;
        Ok(self.envelopes.get(&secret))
    }

    /// A secret's data key as sealed to a host. Takes `WrapRef`.
    #[handle_result(aliased)]
    pub fn wrap(&self) -> Answer<Option<SealedKey>> {
        let WrapRef { secret, host } = arguments()?;
        let Some(row) = self.secrets.get(&secret).map(StoredSecret::into_newest) else { return Ok(None) };
        Ok(self.wraps.get(&(secret, row.version, host)))
    }

    /// Hosts that could ever open a secret, in order: what was revoked must be changed at the provider. Takes `Received`.
    #[handle_result(aliased)]
    pub fn who_received(&self) -> Answer<Vec<Recipient>> {
        let Received { secret, from, limit } = arguments()?;
        let positions = (from..).take(page_size(limit));
        Ok(positions.map_while(|index| self.recipients.get(&(secret, index))).collect())
    }

    /// A grant, the one it was delegated from, and so on up to the root. Takes `GrantRef`.
    #[handle_result(aliased)]
    pub fn lineage(&self) -> Answer<Vec<Grant>> {
        let GrantRef { grant } = arguments()?;
        self.lineage_rows(grant)
    }

    /// Takes `Page`; likewise below.
    #[handle_result(aliased)]
    pub fn hosts(&self) -> Answer<Vec<Host>> {
        let found = ids(arguments()?, self.next_host).filter_map(|id| self.hosts.get(&id));
        Ok(found.map(StoredHost::into_newest).collect())
    }

    #[handle_result(aliased)]
    pub fn secrets(&self) -> Answer<Vec<Secret>> {
        let found = ids(arguments()?, self.next_secret).filter_map(|id| self.secrets.get(&id));
        Ok(found.map(StoredSecret::into_newest).collect())
    }

    #[handle_result(aliased)]
    pub fn grants(&self) -> Answer<Vec<Grant>> {
        let found = ids(arguments()?, self.next_grant).filter_map(|id| self.grants.get(&id));
        Ok(found.map(StoredGrant::into_newest).collect())
    }

    /// Budgets, by grant.
    #[handle_result(aliased)]
    pub fn budgets(&self) -> Answer<Vec<Budget>> {
        let found = ids(arguments()?, self.next_grant).filter_map(|id| self.budgets.get(&id));
        Ok(found.map(StoredBudget::into_newest).collect())
    }

    /// Takes `LeaseRef`.
    #[handle_result(aliased)]
    pub fn lease(&self) -> Answer<Option<Lease>> {
        let LeaseRef { lease } = arguments()?;
        Ok(self.leases.get(&lease).map(StoredLease::into_newest))
    }

    /// Takes `ApprovalRef`.
    #[handle_result(aliased)]
    pub fn approval(&self) -> Answer<Option<Approval>> {
        let ApprovalRef { grant, digest } = arguments()?;
        Ok(self.approvals.get(&(grant, digest)).map(StoredApproval::into_newest))
    }

    /// Highest ids given: hosts, secrets, grants.
    pub fn counts(&self) -> (u64, u64, u64) {
        (self.next_host - 1, self.next_secret - 1, self.next_grant - 1)
    }

    /// May this grant be used for this action? Takes `Check`, with what the registry said at the same block.
    #[handle_result(aliased)]
    pub fn check(&self) -> Answer<Decision> {
        let args: Check = arguments()?;
        self.decide_with(args)
    }

    /// The registry whose word this contract takes.
    pub fn registry(&self) -> AccountId {
        self.registry.clone()
    }

    /// NEAR's MPC contract, once it is named.
    pub fn mpc(&self) -> Option<AccountId> {
        self.mpc.clone()
    }
}
