//! Views.

use charter_common::{Answer, arguments};
use charter_types::registry::args::{AgentAccount, AgentRef};
use charter_types::registry::{Agent, AgentId, Authority, Epochs, Owner};
use charter_types::{AccountId, Named, Page, PageOf, page_size};
use near_sdk::{env, near};

use crate::model::Agent as Stored;
use crate::storage::StoredAgent;
use crate::{Registry, RegistryExt};

#[near]
impl Registry {
    /// Takes `AgentRef`.
    #[handle_result(aliased)]
    pub fn agent(&self) -> Answer<Option<Agent>> {
        let AgentRef { agent: id } = arguments()?;
        Ok(self.agents.get(&id).map(|agent| agent.into_newest().view(id)))
    }

    /// Agents by id, from `from` on. Takes `Page`; at most 100 ids are looked at, retired ones are missing.
    #[handle_result(aliased)]
    pub fn agents(&self) -> Answer<Vec<Agent>> {
        let page: Page = arguments()?;
        let ids = (page.from.max(1)..self.next_agent).take(page_size(page.limit));
        Ok(ids.filter_map(|id| Some(self.agents.get(&id)?.into_newest().view(id))).collect())
    }

    /// Highest id ever given, and how many agents exist.
    pub fn agent_count(&self) -> (u64, u64) {
        (self.next_agent - 1, self.agent_count)
    }

    /// Agents of an owner, by position; the order changes when one leaves. Takes `PageOf`.
    #[handle_result(aliased)]
    pub fn agents_of(&self) -> Answer<Vec<Agent>> {
        let PageOf { account, from, limit } = arguments()?;
        Ok(self.owned_agents(&account, from, limit).into_iter().map(|(id, agent)| agent.view(id)).collect())
    }

    /// Takes `Named`.
    #[handle_result(aliased)]
    pub fn owner(&self) -> Answer<Option<Owner>> {
        let Named { account } = arguments()?;
        Ok(self.load_owner(&account).map(|owner| owner.view(&account)))
    }

    /// What an account is to an agent, now. Other contracts act on this answer. Takes `AgentAccount`.
    #[handle_result(aliased)]
    pub fn authority(&self) -> Answer<Option<Authority>> {
        let args: AgentAccount = arguments()?;
        let Some(agent) = self.agents.get(&args.agent).map(StoredAgent::into_newest) else { return Ok(None) };
        let owner_epoch = self.load_owner(&agent.owner).map_or(0, |owner| owner.epoch);
        let armed = agent.owner_epoch == owner_epoch;
        let now_ms = env::block_timestamp_ms();
        Ok(Some(Authority {
            roles: agent.roles(&args.account, armed, now_ms),
            epochs: Epochs { agent: agent.epoch, owner: owner_epoch },
            status: agent.status(),
            owner: agent.owner,
            armed,
        }))
    }

    /// Takes `AgentRef`.
    #[handle_result(aliased)]
    pub fn epochs(&self) -> Answer<Option<Epochs>> {
        let AgentRef { agent: id } = arguments()?;
        let Some(agent) = self.agents.get(&id).map(StoredAgent::into_newest) else { return Ok(None) };
        let owner = self.load_owner(&agent.owner).map_or(0, |owner| owner.epoch);
        Ok(Some(Epochs { agent: agent.epoch, owner }))
    }
}

impl Registry {
    /// A page of an owner's agents, by position.
    pub(crate) fn owned_agents(&self, owner: &AccountId, from: u64, limit: Option<u64>) -> Vec<(AgentId, Stored)> {
        let count = self.load_owner(owner).map_or(0, |owner| owner.agents);
        let positions = (from..count).take(page_size(limit));
        let ids = positions.filter_map(|position| self.owned.get(&(owner.clone(), position)));
        ids.filter_map(|id| Some((id, self.agents.get(&id)?.into_newest()))).collect()
    }
}
