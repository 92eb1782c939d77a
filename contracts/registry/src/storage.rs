//! Storage keys and stored records. Both only grow: a key or a variant is never given another meaning.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::AccountId;

use crate::model::{Agent, Owner};

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const AGENTS: u8 = 1;
    pub const OWNERS: u8 = 2;
    pub const OWNED: u8 = 3;
}

#[derive(BorshSerialize, BorshDeserialize)]
pub enum StoredAgent {
    V1(Agent),
}

#[derive(BorshSerialize, BorshDeserialize)]
pub enum StoredOwner {
    V1(Owner),
}

impl StoredAgent {
    pub fn into_newest(self) -> Agent {
        let Self::V1(agent) = self;
        agent
    }
}

impl StoredOwner {
    pub fn into_newest(self) -> Owner {
        let Self::V1(owner) = self;
        owner
    }
}

impl crate::Registry {
    pub(crate) fn load_agent(&self, id: u64) -> charter_common::Answer<Agent> {
        let unknown = || charter_types::registry::RegistryError::UnknownAgent { id };
        Ok(self.agents.get(&id).ok_or_else(unknown)?.into_newest())
    }

    pub(crate) fn load_owner(&self, account: &AccountId) -> Option<Owner> {
        self.owners.get(account).map(StoredOwner::into_newest)
    }

    /// Writes an agent back and tells the world.
    pub(crate) fn save_agent(&mut self, event: &str, id: u64, agent: Agent) -> charter_common::Answer {
        let view = agent.view(id);
        self.agents.update(&id, &StoredAgent::V1(agent), &mut self.core.storage)?;
        self.emit(event, charter_types::registry::Fact::Agent(Box::new(view)));
        Ok(())
    }

    pub(crate) fn save_owner(&mut self, event: &str, account: &AccountId, owner: Owner) -> charter_common::Answer {
        let view = owner.view(account);
        self.owners.update(account, &StoredOwner::V1(owner), &mut self.core.storage)?;
        self.emit(event, charter_types::registry::Fact::Owner(view));
        Ok(())
    }
}
