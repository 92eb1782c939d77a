//! Is the agent alive?

use charter_common::{Answer, Core, arguments};
use charter_types::registry::args::AgentRef;
use charter_types::registry::{Fact, Heartbeat, RegistryError};
use near_sdk::{env, near};

use crate::{Registry, RegistryExt};

#[near]
impl Registry {
    /// The agent says that it is alive. One small row, whose 77 bytes the agent's owner pays the first time. Takes
    /// `AgentRef`. The agent's own account, no deposit.
    #[payable]
    #[handle_result(aliased)]
    pub fn heartbeat(&mut self) -> Answer {
        let AgentRef { agent: id } = arguments()?;
        Core::check_no_deposit()?;
        let agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        let last_seen_ms = env::block_timestamp_ms();
        if !agent.roles(&caller, self.is_armed(&agent), last_seen_ms).agent {
            return Err(RegistryError::NotAgent { caller }.into());
        }
        let payer = self.agent_payer(id)?;
        self.heartbeats.put(&id, payer, &last_seen_ms, &mut self.core.storage)?;
        self.emit("heartbeat", Fact::Heartbeat(Heartbeat { agent: id, last_seen_ms }));
        Ok(())
    }
}
