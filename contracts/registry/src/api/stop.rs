//! Stopping: one agent for a while, one agent's rights for good, all agents of an owner at once.

use charter_common::{Answer, Core, methods};
use charter_types::registry::args::{AgentRef, Pause, Rearm};
use charter_types::registry::{Epochs, REARM_MAX, RegistryError};
use near_sdk::{env, near};

use crate::model::Agent;
use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn pause(&mut self, args: Pause) -> Answer {
        let mut agent = self.load_agent(args.agent)?;
        Self::check_guardian(&agent)?;
        agent.confirm(&env::predecessor_account_id());
        agent.pause(&env::predecessor_account_id(), args.for_ms, env::block_timestamp_ms())?;
        self.save_agent("agent_paused", args.agent, agent)
    }

    pub fn unpause(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        self.change(id, "agent_unpaused", None, |agent, _| agent.unpause(id))
    }

    pub fn revoke_all(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let mut agent = self.load_agent(id)?;
        Self::check_guardian(&agent)?;
        agent.confirm(&env::predecessor_account_id());
        agent.revoke_all(self.next_epoch());
        self.save_agent("agent_revoked", id, agent)
    }

    pub fn panic_all(&mut self) -> Answer {
        let caller = env::predecessor_account_id();
        let none = || RegistryError::NotOwner { caller: caller.clone() };
        let mut owner = self.load_owner(&caller).ok_or_else(none)?;
        owner.epoch = self.next_epoch();
        self.save_owner("owner_panicked", &caller, owner)
    }

    pub fn rearm(&mut self, Rearm { agents }: Rearm) -> Answer {
        if agents.is_empty() || agents.len() > REARM_MAX {
            return Err(RegistryError::TooManyAgents { most: REARM_MAX }.into());
        }
        let caller = env::predecessor_account_id();
        let owner = self.load_owner(&caller).map_or(0, |owner| owner.epoch);
        for id in agents {
            let mut agent = self.load_agent(id)?;
            agent.check_owner(&caller)?;
            agent.rearm(Epochs { agent: self.next_epoch(), owner });
            self.save_agent("agent_rearmed", id, agent)?;
        }
        Ok(())
    }
}

impl Registry {
    pub(crate) fn check_guardian(agent: &Agent) -> Answer {
        let caller = env::predecessor_account_id();
        if agent.owner == caller {
            return Core::check_one_yocto();
        }
        Core::check_no_deposit()?;
        if agent.guardians.contains(&caller) {
            return Ok(());
        }
        Err(RegistryError::NotGuardian { caller }.into())
    }
}
