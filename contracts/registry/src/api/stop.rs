//! Stopping: one agent for a while, one agent's rights for good, all agents of an owner at once.

use charter_common::{Answer, Core, methods};
use charter_types::AccountId;
use charter_types::registry::args::{AgentRef, Pause, Rearm};
use charter_types::registry::{AgentId, Epochs, REARM_MAX, RegistryError};
use near_sdk::{env, near};

use crate::model::Agent;
use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn pause(&mut self, args: Pause) -> Answer {
        let (mut agent, caller) = self.guarded_agent(args.agent)?;
        agent.confirm(&caller);
        agent.pause(&caller, args.for_ms, env::block_timestamp_ms())?;
        self.save_agent("agent_paused", args.agent, agent)
    }

    pub fn unpause(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        self.change(id, "agent_unpaused", None, |agent, _| agent.unpause(id))
    }

    pub fn revoke_all(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let (mut agent, caller) = self.guarded_agent(id)?;
        agent.confirm(&caller);
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
            let mut agent = self.own_agent(id)?;
            agent.rearm(Epochs { agent: self.next_epoch(), owner });
            self.save_agent("agent_rearmed", id, agent)?;
        }
        Ok(())
    }
}

impl Registry {
    /// An agent whose owner or guardian calls, and who that is.
    pub(crate) fn guarded_agent(&self, id: AgentId) -> Answer<(Agent, AccountId)> {
        let agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        if agent.owner == caller {
            Core::check_one_yocto()?;
        } else {
            Core::check_no_deposit()?;
            if !agent.guardians.contains(&caller) {
                return Err(RegistryError::NotGuardian { caller }.into());
            }
        }
        Ok((agent, caller))
    }
}
