#![doc = include_str!("../README.md")]

mod api;
mod migrate;
mod model;
mod storage;

use charter_common::{Core, Rows, charter_contract};
use charter_types::AccountId;
use charter_types::registry::{AgentId, Fact, STANDARD, VERSION};
use near_sdk::{PanicOnDefault, env, near};

use storage::{Prefix, StoredAgent, StoredOwner};

/// Who the agents are and who speaks for them.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Registry {
    core: Core,
    /// Id of the next agent; ids are dense and never reused.
    next_agent: AgentId,
    /// Last epoch handed out; the counter never goes back, so no epoch value ever returns.
    last_epoch: u64,
    agents: Rows<AgentId, StoredAgent>,
    owners: Rows<AccountId, StoredOwner>,
    /// The agents of an owner, by position.
    owned: Rows<(AccountId, u64), AgentId>,
    /// Agents that exist.
    agent_count: u64,
}

charter_contract!(Registry, features: ["register"]);

#[near]
impl Registry {
    /// Sets the contract up; `account` is the admin until governance takes over.
    #[init]
    #[handle_result(aliased)]
    pub fn new() -> charter_common::Answer<Self> {
        let charter_types::Named { account } = charter_common::arguments()?;
        Ok(Self {
            core: Core::new(account),
            next_agent: 1,
            last_epoch: 0,
            agents: Rows::new(Prefix::AGENTS),
            owners: Rows::new(Prefix::OWNERS),
            owned: Rows::new(Prefix::OWNED),
            agent_count: 0,
        })
    }
}

impl Registry {
    fn emit(&mut self, event: &str, fact: Fact) {
        let by = env::predecessor_account_id();
        self.core.events.emit((STANDARD, VERSION), event, &by, fact);
    }

    fn next_epoch(&mut self) -> u64 {
        self.last_epoch += 1;
        self.last_epoch
    }
}
