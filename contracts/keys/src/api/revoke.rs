//! Taking permission away. Never pausable, and always O(1): what hangs below is dead by comparison.

use charter_common::{Answer, Later, methods};
use charter_types::keys::args::{GrantRef, SecretRef};
use charter_types::keys::{Added, KeysError};
use near_sdk::{PromiseOrValue, env, near};

use super::ask::{Plan, Wish};
use crate::{Keys, KeysExt};

#[methods(keys)]
#[near]
impl Keys {
    pub fn revoke_grant(&mut self, GrantRef { grant: id }: GrantRef) -> Answer<PromiseOrValue<Added>> {
        let grant = self.grant_row(id)?;
        if grant.revoked {
            return Err(KeysError::AlreadyRevoked {}.into());
        }
        let caller = env::predecessor_account_id();
        if grant.grantor == caller {
            return Ok(PromiseOrValue::Value(self.revoke_now(&caller, grant)?));
        }
        Ok(self.ask(grant.agent, Wish::RevokeGrant, &Plan { touched: 1, ..Plan::default() })?.into())
    }

    pub fn revoke_secret(&mut self, SecretRef { secret: id }: SecretRef) -> Answer<Later<Added>> {
        let agent = self.secret_row(id)?.agent;
        self.ask(agent, Wish::RevokeSecret, &Plan { touched: 1, ..Plan::default() })
    }
}
