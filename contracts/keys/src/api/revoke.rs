//! Taking permission away. Never pausable, and always O(1): what hangs below is dead by comparison.

use charter_common::{Answer, Core, arguments};
use charter_types::keys::args::{GrantRef, SecretRef};
use charter_types::keys::{Added, KeysError};
use near_sdk::{Promise, PromiseOrValue, env, near};

use super::ask::Wish;
use crate::{Keys, KeysExt};

#[near]
impl Keys {
    /// Revokes a grant and all below it. Takes `GrantRef`. At once for who granted it; the agent's owner and guardians are
    /// looked up in the registry first. No deposit.
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
        if grant.grantor == caller {
            return Ok(PromiseOrValue::Value(self.revoke_now(&caller, grant)?));
        }
        Ok(PromiseOrValue::Promise(self.ask(grant.agent, Wish::RevokeGrant, 0, 0)?))
    }

    /// Revokes a secret: every grant of it is dead. Takes `SecretRef`. The agent's owner or a guardian. No deposit. You
    /// can't un-know a key: `who_received` says who must be assumed to have it, so change it at the provider.
    #[payable]
    #[handle_result(aliased)]
    pub fn revoke_secret(&mut self) -> Answer<Promise> {
        let SecretRef { secret: id } = arguments()?;
        Core::check_no_deposit()?;
        let agent = self.secret_row(id)?.agent;
        self.ask(agent, Wish::RevokeSecret, 0, 0)
    }
}
