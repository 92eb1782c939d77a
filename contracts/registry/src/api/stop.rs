//! Stopping: one agent for a while, one agent's rights for good, all agents of an owner at once.

use charter_common::{Answer, Core, arguments};
use charter_types::Nothing;
use charter_types::registry::args::{AgentRef, Pause, Rearm};
use charter_types::registry::{Epochs, REARM_MAX, RegistryError};
use near_sdk::{env, near};

use crate::model::Agent;
use crate::{Registry, RegistryExt};

#[near]
impl Registry {
    /// Pauses an agent. Takes `Pause`. A guardian for a while and without deposit, the owner (1 yocto) as long as it likes.
    #[payable]
    #[handle_result(aliased)]
    pub fn pause(&mut self) -> Answer {
        let args: Pause = arguments()?;
        let mut agent = self.load_agent(args.agent)?;
        Self::check_guardian(&agent)?;
        agent.pause(&env::predecessor_account_id(), args.for_ms, env::block_timestamp_ms())?;
        self.save_agent("agent_paused", args.agent, agent)
    }

    /// Takes `AgentRef`. Owner, at least 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn unpause(&mut self) -> Answer {
        let AgentRef { agent: id } = arguments()?;
        self.change(id, "agent_unpaused", None, |agent, _| agent.unpause(id))
    }

    /// Moves the agent's epoch: every grant, key and role made before is dead, wherever it is stored. O(1). Takes
    /// `AgentRef`. Guardian without deposit, or owner with 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn revoke_all(&mut self) -> Answer {
        let AgentRef { agent: id } = arguments()?;
        let mut agent = self.load_agent(id)?;
        Self::check_guardian(&agent)?;
        agent.revoke_all(self.next_epoch());
        self.save_agent("agent_revoked", id, agent)
    }

    /// Moves the caller's epoch: every agent of this owner loses every right it was given, in one call, O(1). 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn panic_all(&mut self) -> Answer {
        let Nothing {} = arguments()?;
        Core::check_one_yocto()?;
        let caller = env::predecessor_account_id();
        let none = || RegistryError::NotOwner { caller: caller.clone() };
        let mut owner = self.load_owner(&caller).ok_or_else(none)?;
        owner.epoch = self.next_epoch();
        self.save_owner("owner_panicked", &caller, owner)
    }

    /// Gives agents new epochs under the owner's new one; nothing granted before ever lives again. Takes `Rearm`. Owner,
    /// 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn rearm(&mut self) -> Answer {
        let Rearm { agents } = arguments()?;
        Core::check_one_yocto()?;
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
