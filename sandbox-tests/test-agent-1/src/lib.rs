//! Release 1 of an agent that is a contract, for tests: it counts what it says, and adopts other releases by itself.

use borsh::BorshDeserialize;
use charter_common::{Failure, adopt};
use charter_types::AccountId;
use charter_types::adopt::Unchanged;
use near_sdk::{PanicOnDefault, Promise, PromiseOrValue, env, near};

#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Agent {
    governance: AccountId,
    registry: AccountId,
    agent: u64,
    words: u64,
    /// It has not finished what it says.
    talking: bool,
}

#[near]
impl Agent {
    #[init]
    pub fn new(governance: AccountId, registry: AccountId, agent: u64) -> Self {
        Self { governance, registry, agent, words: 0, talking: false }
    }

    pub fn say(&mut self, words: u64) {
        self.words += words;
        self.talking = true;
    }

    pub fn hush(&mut self) {
        self.talking = false;
    }

    pub fn words(&self) -> u64 {
        self.words
    }

    pub fn release(&self) -> u64 {
        1
    }

    pub fn adopt(&mut self) -> Promise {
        adopt::ask(&self.governance, &self.registry, self.agent, "on_adopt")
    }

    /// Without `#[private]`: that strangers get nowhere is up to `settle`, and tested.
    #[handle_result]
    pub fn on_adopt(&mut self) -> Result<PromiseOrValue<Unchanged>, Failure> {
        adopt::settle("migrate")
    }

    /// Back from release 2, whose state begins like this one. What it has more is given up.
    #[init(ignore_state)]
    #[handle_result]
    pub fn migrate() -> Result<Self, Failure> {
        let state = adopt::take_over()?;
        let Ok(agent) = Self::deserialize(&mut state.as_slice()) else { env::panic_str("AGENT_STATE: unknown") };
        Ok(agent)
    }
}
