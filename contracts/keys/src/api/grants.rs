//! Grants: by the owner, or by whoever holds one and passes a part of it on.

use charter_common::{Answer, Core, arguments, sha256};
use charter_types::keys::args::{Delegate, GrantSecret};
use near_sdk::{Promise, env, near};

use super::ask::Wish;
use crate::model::{check_delegation, check_terms};
use crate::{Keys, KeysExt};

#[near]
impl Keys {
    /// Grants the use of a secret within its ceiling. Takes `GrantSecret`. The agent's owner, 1 yocto, prepaid storage.
    /// Resolves to `{secret, grant}`.
    #[payable]
    #[handle_result(aliased)]
    pub fn grant(&mut self) -> Answer<Promise> {
        let args: GrantSecret = arguments()?;
        Core::check_one_yocto()?;
        self.check_running("grant")?;
        let secret = self.secret_row(args.secret)?;
        check_terms(&args.terms, &args.ceiling, secret.ceiling_hash, Self::now_ms(), sha256)?;
        self.check_grantee(&args.terms.grantee)?;
        self.ask(secret.agent, Wish::Grant(args), 1, 0)
    }

    /// Passes a part of a grant on. Takes `Delegate`. Whoever holds the grant, 1 yocto, prepaid storage. Resolves to
    /// `{secret, grant}`.
    #[payable]
    #[handle_result(aliased)]
    pub fn delegate(&mut self) -> Answer<Promise> {
        let args: Delegate = arguments()?;
        Core::check_one_yocto()?;
        self.check_running("grant")?;
        let parent = self.grant_row(args.parent)?;
        check_delegation(&parent, &args.terms, &env::predecessor_account_id())?;
        check_terms(&args.terms, &args.parent_policy, parent.policy_hash, Self::now_ms(), sha256)?;
        self.check_grantee(&args.terms.grantee)?;
        self.ask(parent.agent, Wish::Delegate(args), 1, 0)
    }
}

impl Keys {
    fn check_grantee(&self, grantee: &charter_types::keys::Grantee) -> Answer {
        match grantee {
            charter_types::keys::Grantee::Account(_) => Ok(()),
            charter_types::keys::Grantee::Host(host) => self.host_row(*host).map(|_| ()),
        }
    }
}
