//! Release 2 of the tests' agent: it also keeps how often it has moved to this release.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Failure, adopt};
use charter_types::AccountId;
use charter_types::adopt::Unchanged;
use near_sdk::{PanicOnDefault, Promise, PromiseOrValue, env, near};

#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Agent {
    before: AgentV1,
    moves: u64,
}

/// What release 1 keeps.
#[derive(BorshSerialize, BorshDeserialize)]
struct AgentV1 {
    governance: AccountId,
    registry: AccountId,
    agent: u64,
    words: u64,
    talking: bool,
}

#[near]
impl Agent {
    pub fn words(&self) -> u64 {
        self.before.words
    }

    pub fn release(&self) -> u64 {
        2
    }

    pub fn moves(&self) -> u64 {
        self.moves
    }

    pub fn adopt(&mut self) -> Promise {
        let AgentV1 { governance, registry, agent, .. } = &self.before;
        adopt::ask(governance, registry, *agent, "on_adopt")
    }

    #[handle_result]
    pub fn on_adopt(&mut self) -> Result<PromiseOrValue<Unchanged>, Failure> {
        adopt::settle("migrate")
    }

    /// Not in the middle of a sentence. It takes gas for every word, as rows would that are rewritten.
    #[init(ignore_state)]
    #[handle_result]
    pub fn migrate() -> Result<Self, Failure> {
        let state = adopt::take_over()?;
        let known = borsh::from_slice(&state).map(|Self { before, moves }| (before, moves));
        let Ok((before, moves)) = known.or_else(|_| borsh::from_slice(&state).map(|before| (before, 0))) else {
            env::panic_str("AGENT_STATE: unknown");
        };
        if before.talking {
            env::panic_str("AGENT_TALKING: it has not finished");
        }
        for word in 0..before.words {
            env::sha256_array(word.to_le_bytes());
        }
        Ok(Self { before, moves: moves + 1 })
    }
}
