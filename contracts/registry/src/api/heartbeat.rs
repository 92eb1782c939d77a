//! Is the agent alive?

use charter_common::{Answer, methods};
use charter_types::registry::args::AgentRef;
use charter_types::registry::{Fact, Heartbeat, RegistryError};
use near_sdk::{env, near};

use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn heartbeat(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let mut agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        let last_seen_ms = env::block_timestamp_ms();
        let roles = agent.roles(&caller, self.is_armed(&agent), last_seen_ms);
        if !roles.agent {
            return Err(RegistryError::NotAgent { caller }.into());
        }
        if !roles.confirmed {
            agent.confirm(&caller);
            self.save_agent("role_accepted", id, agent)?;
        }
        let payer = self.agent_payer(id)?;
        self.heartbeats.put(&id, payer, &last_seen_ms, &mut self.core.storage)?;
        self.emit("heartbeat", Fact::Heartbeat(Heartbeat { agent: id, last_seen_ms }));
        Ok(())
    }
}
