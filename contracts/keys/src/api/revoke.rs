//! Taking permission away. Never pausable, and always O(1): what hangs below is dead by comparison.

use charter_common::{Answer, Core, arguments};
use charter_types::AccountId;
use charter_types::keys::args::{GrantRef, SecretRef};
use charter_types::keys::{Fact, Grant, Grantee, KeysError, Secret};
use near_sdk::{Promise, PromiseOrValue, env, near};

use super::ask::Wish;
use super::callbacks::Added;
use crate::storage::{StoredGrant, StoredSecret};
use crate::{Keys, KeysExt};

#[near]
impl Keys {
    /// Revokes a grant and all below it. Takes `GrantRef`. At once for who granted it or holds it; the agent's owner and
    /// guardians are looked up in the registry first. No deposit.
    #[payable]
    #[handle_result(aliased)]
    pub fn revoke_grant(&mut self) -> Answer<PromiseOrValue<Added>> {
        let GrantRef { grant: id } = arguments()?;
        Core::check_no_deposit()?;
        let grant = self.grant_row(id)?;
        if grant.revoked {
            return Err(KeysError::AlreadyRevoked {}.into());
        }
        let caller = env::predecessor_account_id();
        if grant.grantor == caller || grant.grantee == Grantee::Account(caller.clone()) {
            self.set_revoked(grant, &caller)?;
            return Ok(PromiseOrValue::Value(Added { secret: None, grant: Some(id) }));
        }
        let promise: Promise = self.ask(grant.agent, Wish::RevokeGrant(id), 0, 0)?;
        Ok(PromiseOrValue::Promise(promise))
    }

    /// Revokes a secret: every grant of it is dead. Takes `SecretRef`. The agent's owner or a guardian. No deposit. You
    /// can't un-know a key: whoever could open it must be assumed to have it, so change it at the provider.
    #[payable]
    #[handle_result(aliased)]
    pub fn revoke_secret(&mut self) -> Answer<Promise> {
        let SecretRef { secret: id } = arguments()?;
        Core::check_no_deposit()?;
        let agent = self.secret_row(id)?.agent;
        self.ask(agent, Wish::RevokeSecret(id), 0, 0)
    }
}

impl Keys {
    pub(crate) fn set_revoked(&mut self, mut grant: Grant, by: &AccountId) -> Answer {
        grant.revoked = true;
        grant.generation += 1;
        let stored = StoredGrant::V1(grant.clone());
        self.grants.update(&grant.id, &stored, &mut self.core.storage)?;
        self.emit("grant_revoked", by, Fact::Grant(grant));
        Ok(())
    }

    pub(crate) fn bump_secret(&mut self, mut secret: Secret, by: &AccountId) -> Answer {
        secret.epoch += 1;
        let stored = StoredSecret::V1(secret.clone());
        self.secrets.update(&secret.id, &stored, &mut self.core.storage)?;
        self.emit("secret_revoked", by, Fact::Secret(secret));
        Ok(())
    }
}
