//! Storage keys, and rows by id. A key is never given another meaning.

use borsh::BorshSerialize;
use charter_common::{Answer, Payer, row_keys};
use charter_types::AccountId;
use charter_types::registry::{AgentId, Fact, Recovery, RegistryError};

use crate::model::{Agent, Attested, Owner};

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const AGENTS: u8 = 1;
    pub const OWNERS: u8 = 2;
    pub const OWNED: u8 = 3;
    pub const HANDLES: u8 = 4;
    pub const HEARTBEATS: u8 = 5;
    pub const RECOVERIES: u8 = 6;
    pub const PROPOSALS: u8 = 7;
    pub const ATTESTATIONS: u8 = 8;
    pub const REPUTATIONS: u8 = 9;
}

/// Agent, its epoch, reporter, asset.
#[derive(BorshSerialize)]
pub struct ReputationKey(pub AgentId, pub u64, pub AccountId, pub String);

row_keys!(ReputationKey);

impl crate::Registry {
    pub(crate) fn load_agent(&self, id: AgentId) -> Answer<Agent> {
        let unknown = || RegistryError::UnknownAgent { id };
        Ok(self.agents.get(&id).ok_or_else(unknown)?)
    }

    pub(crate) fn load_owner(&self, account: &AccountId) -> Option<Owner> {
        self.owners.get(&account.into())
    }

    pub(crate) fn load_attested(&self, id: AgentId) -> Answer<Attested> {
        let none = || RegistryError::NoPolicy {};
        Ok(self.attestations.get(&id).ok_or_else(none)?)
    }

    pub(crate) fn load_recovery(&self, id: AgentId) -> Option<Recovery> {
        self.recoveries.get(&id)
    }

    /// Who pays for what belongs to an agent.
    pub(crate) fn agent_payer(&self, id: AgentId) -> Answer<Payer> {
        Ok(self.agents.payer(&id).ok_or(RegistryError::UnknownAgent { id })?)
    }

    /// Writes an agent back and tells the world.
    pub(crate) fn save_agent(&mut self, event: &str, id: AgentId, agent: Agent) -> Answer {
        let view = agent.view(id);
        self.agents.update(&id, &agent, &mut self.core.storage)?;
        self.emit(event, Fact::Agent(Box::new(view)));
        Ok(())
    }

    pub(crate) fn save_owner(&mut self, event: &str, account: &AccountId, owner: Owner) -> Answer {
        let view = owner.view(account);
        self.owners.update(&account.into(), &owner, &mut self.core.storage)?;
        self.emit(event, Fact::Owner(view));
        Ok(())
    }
}
