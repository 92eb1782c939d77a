//! Storage keys and stored records. Both only grow: a key or a variant is never given another meaning.

use charter_common::stored;
use charter_types::AccountId;

use crate::model::{Agent, Owner};

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const AGENTS: u8 = 1;
    pub const OWNERS: u8 = 2;
    pub const OWNED: u8 = 3;
}

stored!(StoredAgent, Agent);
stored!(StoredOwner, Owner);

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
