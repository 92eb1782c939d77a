//! Operators and guardians.

use charter_common::{Answer, Core, arguments};
use charter_types::registry::args::{AgentAccount, SetOperator};
use near_sdk::{env, near};

use crate::{Registry, RegistryExt};

#[near]
impl Registry {
    /// Adds an operator or replaces what one may do. Takes `SetOperator`. Owner, at least 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn set_operator(&mut self) -> Answer {
        let args: SetOperator = arguments()?;
        self.change(args.agent, "operator_set", None, |agent, now_ms| agent.set_operator(args.operator, now_ms))
    }

    /// Takes `AgentAccount`. The owner (1 yocto), or the operator itself (no deposit).
    #[payable]
    #[handle_result(aliased)]
    pub fn remove_operator(&mut self) -> Answer {
        let args: AgentAccount = arguments()?;
        let mut agent = self.load_agent(args.agent)?;
        self.check_owner_or_self(&agent, &args.account)?;
        agent.remove_operator(&args.account)?;
        self.save_agent("operator_removed", args.agent, agent)
    }

    /// Adds a guardian, who can pause and revoke, never more. Takes `AgentAccount`. Owner, at least 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn set_guardian(&mut self) -> Answer {
        let args: AgentAccount = arguments()?;
        self.change(args.agent, "guardian_set", None, |agent, _| agent.set_guardian(args.account))
    }

    /// Takes `AgentAccount`. The owner (1 yocto), or the guardian itself (no deposit).
    #[payable]
    #[handle_result(aliased)]
    pub fn remove_guardian(&mut self) -> Answer {
        let args: AgentAccount = arguments()?;
        let mut agent = self.load_agent(args.agent)?;
        self.check_owner_or_self(&agent, &args.account)?;
        agent.remove_guardian(&args.account)?;
        self.save_agent("guardian_removed", args.agent, agent)
    }
}

impl Registry {
    fn check_owner_or_self(&self, agent: &crate::model::Agent, account: &charter_types::AccountId) -> Answer {
        let caller = env::predecessor_account_id();
        if caller == *account {
            return Core::check_no_deposit();
        }
        agent.check_owner(&caller)?;
        Core::check_one_yocto()
    }
}
