//! Operators and guardians.

use charter_common::{Answer, Core, arguments};
use charter_types::registry::args::{AgentAccount, AgentRef, SetOperator};
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

    /// Takes `AgentAccount`. Owner, at least 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn remove_operator(&mut self) -> Answer {
        let args: AgentAccount = arguments()?;
        self.change(args.agent, "operator_removed", None, |agent, _| agent.remove_operator(&args.account))
    }

    /// Adds a guardian, who can pause and revoke, never more. Takes `AgentAccount`. Owner, at least 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn set_guardian(&mut self) -> Answer {
        let args: AgentAccount = arguments()?;
        self.change(args.agent, "guardian_set", None, |agent, _| agent.set_guardian(args.account))
    }

    /// Takes `AgentAccount`. Owner, at least 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn remove_guardian(&mut self) -> Answer {
        let args: AgentAccount = arguments()?;
        self.change(args.agent, "guardian_removed", None, |agent, _| agent.remove_guardian(&args.account))
    }

    /// Gives back every role the caller has: operator, guardian, the agent's account. Takes `AgentRef`. Whoever has one,
    /// no deposit.
    #[payable]
    #[handle_result(aliased)]
    pub fn renounce(&mut self) -> Answer {
        let AgentRef { agent: id } = arguments()?;
        Core::check_no_deposit()?;
        let mut agent = self.load_agent(id)?;
        agent.renounce(&env::predecessor_account_id())?;
        self.save_agent("role_renounced", id, agent)
    }
}
