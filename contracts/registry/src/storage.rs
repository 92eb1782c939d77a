//! Storage keys, and rows by id. A key is never given another meaning.

use borsh::BorshSerialize;
use charter_common::{Answer, Payer, corrupt, row_keys};
use charter_types::AccountId;
use charter_types::registry::{AgentId, Fact, Recovery, RegistryError};

use near_sdk::env;

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
    pub const RETIRED: u8 = 10;
}

/// Agent, its epoch, reporter, asset.
#[derive(BorshSerialize)]
pub struct ReputationKey(pub AgentId, pub u64, pub AccountId, pub String);

row_keys!(ReputationKey);

/// Ids in one row of retired ids.
pub(crate) const BLOCK_IDS: u64 = 256;

fn retired_key(block: u64) -> Vec<u8> {
    [[Prefix::RETIRED].as_slice(), &block.to_le_bytes()].concat()
}

/// Which ids of a block were retired, a bit each.
fn retired_in(block: u64) -> [u8; 32] {
    let row = env::storage_read(&retired_key(block));
    row.map_or([0; 32], |row| row.try_into().unwrap_or_else(|_| corrupt()))
}

/// Notes that an id was given and is nobody's any more, so that pages can be counted without it. The one kind of row that
/// the contract pays for: 81 bytes for 256 registrations, less than they bring it in fees.
pub(crate) fn mark_retired(id: AgentId) {
    let (block, bit) = (id / BLOCK_IDS, usize::try_from(id % BLOCK_IDS).unwrap_or_default());
    let mut retired = retired_in(block);
    retired[bit / 8] |= 1 << (bit % 8);
    env::storage_write(&retired_key(block), &retired);
}

/// How many of a block's ids were retired.
pub(crate) fn retired_count(block: u64) -> u64 {
    retired_in(block).iter().map(|byte| u64::from(byte.count_ones())).sum()
}

impl crate::Registry {
    pub(crate) fn load_agent(&self, id: AgentId) -> Answer<Agent> {
        let unknown = || RegistryError::UnknownAgent { id };
        Ok(self.agents.get(&id).ok_or_else(unknown)?)
    }

    /// An agent of whoever calls.
    pub(crate) fn own_agent(&self, id: AgentId) -> Answer<Agent> {
        let agent = self.load_agent(id)?;
        agent.check_owner(&env::predecessor_account_id())?;
        Ok(agent)
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

    /// Also a new one's, who pays for it itself.
    pub(crate) fn save_owner(&mut self, event: &str, account: &AccountId, owner: Owner) -> Answer {
        let view = owner.view(account);
        self.owners.put(&account.into(), account, &owner, &mut self.core.storage)?;
        self.emit(event, Fact::Owner(view));
        Ok(())
    }
}
