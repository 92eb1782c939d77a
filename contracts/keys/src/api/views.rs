//! Views.

use charter_common::{Answer, arguments, sha256};
use charter_types::keys::args::{Check, GrantRef, HostRef, SecretRef, WrapRef};
use charter_types::keys::{Decision, Evidence, Grant, Host, Secret, decide};
use charter_types::{AccountId, Base64Bytes, Page, page_size};
use near_sdk::near;

use crate::storage::{StoredGrant, StoredHost, StoredSecret};
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
    pub fn envelope(&self) -> Answer<Option<Base64Bytes>> {
        let SecretRef { secret } = arguments()?;
        Ok(self.envelopes.get(&secret))
    }

    /// A secret's data key as sealed to a host. Takes `WrapRef`.
    #[handle_result(aliased)]
    pub fn wrap(&self) -> Answer<Option<Base64Bytes>> {
        let WrapRef { secret, host } = arguments()?;
        let Some(row) = self.secrets.get(&secret).map(StoredSecret::into_newest) else { return Ok(None) };
        Ok(self.wraps.get(&(secret, row.version, host)))
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
        let page: Page = arguments()?;
        Ok(ids(page, self.next_host).filter_map(|id| self.hosts.get(&id).map(StoredHost::into_newest)).collect())
    }

    #[handle_result(aliased)]
    pub fn secrets(&self) -> Answer<Vec<Secret>> {
        let page: Page = arguments()?;
        let found = ids(page, self.next_secret).filter_map(|id| self.secrets.get(&id));
        Ok(found.map(StoredSecret::into_newest).collect())
    }

    #[handle_result(aliased)]
    pub fn grants(&self) -> Answer<Vec<Grant>> {
        let page: Page = arguments()?;
        let found = ids(page, self.next_grant).filter_map(|id| self.grants.get(&id));
        Ok(found.map(StoredGrant::into_newest).collect())
    }

    /// Highest ids given: hosts, secrets, grants.
    pub fn counts(&self) -> (u64, u64, u64) {
        (self.next_host - 1, self.next_secret - 1, self.next_grant - 1)
    }

    /// May this grant be used for this action? Takes `Check`, with what the registry said at the same block.
    #[handle_result(aliased)]
    pub fn check(&self) -> Answer<Decision> {
        let args: Check = arguments()?;
        let lineage = self.lineage_rows(args.grant)?;
        let secret_id = lineage.first().map(|grant| grant.secret).unwrap_or_default();
        let evidence = Evidence {
            lineage: &lineage,
            policy: &args.policy,
            secret: &self.secret_row(secret_id)?,
            host: &self.host_row(args.host)?,
            authority: &args.authority,
            asker: &args.asker,
            now_ms: Self::now_ms(),
        };
        Ok(decide(&evidence, &args.action, sha256))
    }

    /// The registry whose word this contract takes.
    pub fn registry(&self) -> AccountId {
        self.registry.clone()
    }
}
