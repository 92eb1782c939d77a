//! Operators and guardians.

use charter_common::{Answer, methods};
use charter_types::registry::args::{AgentAccount, AgentRef, SetOperator};
use near_sdk::{env, near};

use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn set_operator(&mut self, args: SetOperator) -> Answer {
        self.change(args.agent, "operator_set", None, |agent, now_ms| agent.set_operator(args.operator, now_ms))
    }

    pub fn remove_operator(&mut self, args: AgentAccount) -> Answer {
        self.change(args.agent, "operator_removed", None, |agent, _| agent.remove_operator(&args.account))
    }

    pub fn set_guardian(&mut self, args: AgentAccount) -> Answer {
        self.change(args.agent, "guardian_set", None, |agent, _| agent.set_guardian(args.account))
    }

    pub fn remove_guardian(&mut self, args: AgentAccount) -> Answer {
        self.change(args.agent, "guardian_removed", None, |agent, _| agent.remove_guardian(&args.account))
    }

    pub fn accept_role(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let mut agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        agent.check_named(&caller)?;
        agent.confirm(&caller);
        self.save_agent("role_accepted", id, agent)
    }

    pub fn renounce(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let mut agent = self.load_agent(id)?;
        agent.renounce(&env::predecessor_account_id())?;
        self.save_agent("role_renounced", id, agent)
    }
}
