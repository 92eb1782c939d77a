#![doc = include_str!("../README.md")]

mod api;
mod gas;
mod migrate;
mod model;
mod records;
mod storage;

use charter_common::{Core, LayoutVersion, Payer, Rows, charter_contract};
use charter_types::AccountId;
use charter_types::registry::args::Setup;
use charter_types::registry::{AgentId, Fact};
use near_sdk::{PanicOnDefault, env, near};

use records::{
    StoredAgent, StoredAttested, StoredHandle, StoredHeartbeat, StoredOwner, StoredProposal, StoredRecovery,
    StoredReputation,
};
use storage::{Prefix, ReputationKey};

/// Who the agents are and who speaks for them.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Registry {
    layout: LayoutVersion<1>,
    core: Core,
    /// The contract that is asked whether a quote is genuine.
    verifier: AccountId,
    /// Whose reports of reputation count.
    reporters: Vec<AccountId>,
    /// Id of the next agent; ids are dense and never reused.
    next_agent: AgentId,
    /// Last epoch handed out; the counter never goes back, so no epoch value ever returns.
    last_epoch: u64,
    agents: Rows<AgentId, StoredAgent, { Prefix::AGENTS }>,
    owners: Rows<Payer, StoredOwner, { Prefix::OWNERS }>,
    /// The agents of an owner, by position.
    owned: Rows<(Payer, u64), AgentId, { Prefix::OWNED }>,
    /// Short names, those too that were given back lately.
    handles: Rows<String, StoredHandle, { Prefix::HANDLES }>,
    /// When an agent's account was heard of last.
    heartbeats: Rows<AgentId, StoredHeartbeat, { Prefix::HEARTBEATS }>,
    recoveries: Rows<AgentId, StoredRecovery, { Prefix::RECOVERIES }>,
    /// One per recoverer, who pays for it.
    proposals: Rows<(AgentId, AccountId), StoredProposal, { Prefix::PROPOSALS }>,
    attestations: Rows<AgentId, StoredAttested, { Prefix::ATTESTATIONS }>,
    reputations: Rows<ReputationKey, StoredReputation, { Prefix::REPUTATIONS }>,
    /// Agents that exist.
    agent_count: u64,
    /// Whose call a callback answers; not stored.
    #[borsh(skip)]
    by: Option<AccountId>,
}

charter_contract!(Registry, registry, features: ["register"]);

#[charter_common::methods(registry)]
#[near]
impl Registry {
    #[init]
    pub fn new(Setup { account, verifier }: Setup) -> charter_common::Answer<Self> {
        Ok(Self {
            layout: LayoutVersion,
            core: Core::new(STANDARD, account),
            verifier,
            reporters: Vec::new(),
            next_agent: 1,
            last_epoch: 0,
            agents: Rows::default(),
            owners: Rows::default(),
            owned: Rows::default(),
            handles: Rows::default(),
            heartbeats: Rows::default(),
            recoveries: Rows::default(),
            proposals: Rows::default(),
            attestations: Rows::default(),
            reputations: Rows::default(),
            agent_count: 0,
            by: None,
        })
    }
}

impl Registry {
    fn emit(&mut self, event: &str, fact: Fact) {
        let by = self.by.clone().unwrap_or_else(env::predecessor_account_id);
        self.core.events.emit(STANDARD, event, &by, fact);
    }

    /// In callbacks: events name who made the call that is being answered, not the contract that calls itself.
    fn acts_for(&mut self, caller: &AccountId) {
        self.by = Some(caller.clone());
    }

    fn next_epoch(&mut self) -> u64 {
        self.last_epoch += 1;
        self.last_epoch
    }
}
