//! The views that tables are compared with: the one place that knows what they are called.

use charter_client::{At, ClientError, Contracts, Question, Rpc};
use charter_types::escrow::args::{
    Channels, CreatorRef, DrawnRef, EarningsRef, Edges, PurseRef, RequestRef, ReserveOf,
};
use charter_types::governance::args::{
    AgentRef as Enrolled, HoldingRef, LineRef, ObjectionRef, ProposalRef, ReportRef, StakeRef, StatementRef, VoterRef,
};
use charter_types::keys::args::{ApprovalRef, LeaseRef, Received, WrapRef};
use charter_types::method::{Method, answer_json};
use charter_types::registry::args::{AgentRef, ReputationRef};
use charter_types::tasks::args::{BalanceRef, EarningsRef as TaskEarningsRef, MarksOf, SetRef, TaskRef};
use charter_types::{AccountId, Named, Nothing, Page, escrow, governance, keys, registry, shared, tasks};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::IndexerError;
use crate::contract::Contract;

/// A view of a contract that takes `A`.
pub struct View<A> {
    contract: Contract,
    name: &'static str,
    question: fn(&A) -> Question,
}

impl<A> Clone for View<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for View<A> {}

impl<A> View<A> {
    const fn of<M: Method<Args = A>>(contract: Contract, _: M) -> Self {
        Self { contract, name: M::NAME, question: Question::of::<M> }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// The head of a contract's chain of events.
pub const fn event_head(contract: Contract) -> View<Nothing> {
    View::of(contract, shared::methods::event_head)
}

/// A view for each method: `views! { registry of Registry { AGENTS = agents: Page; } }`
macro_rules! views {
    ($($module:ident of $contract:ident { $($name:ident = $method:ident: $args:ty;)* })*) => {
        $($(pub const $name: View<$args> = View::of(Contract::$contract, $module::methods::$method);)*)*
    };
}

views! {
    registry of Registry {
    AGENT_COUNT = agent_count: Nothing;
    AGENTS = agents: Page;
    ATTESTATIONS = attestations: Page;
    HEARTBEATS = heartbeats: Page;
    OWNER = owner: Named;
    RECOVERIES = recoveries: Page;
    RECOVERY_PROPOSALS = recovery_proposals: AgentRef;
    REPORTERS = reporters: Nothing;
    REPUTATION = reputation: ReputationRef;
    VERIFIER = verifier: Nothing;
    }

    keys of Keys {
    APPROVAL = approval: ApprovalRef;
    BUDGETS = budgets: Page;
    GRANTS = grants: Page;
    HOSTS = hosts: Page;
    KEYS_COUNTS = counts: Nothing;
    LEASE = lease: LeaseRef;
    MPC = mpc: Nothing;
    SECRETS = secrets: Page;
    WHO_RECEIVED = who_received: Received;
    WRAP = wrap: WrapRef;
    }

    governance of Governance {
    BALLOTS = ballots: ProposalRef;
    DELEGATE_OF = delegate_of: StakeRef;
    ENROLMENT = enrolment: Enrolled;
    GOVERNANCE_COUNTS = counts: Nothing;
    HOLDING = holding: HoldingRef;
    LINES = lines: Page;
    OBJECTION = objection: ObjectionRef;
    OVERRIDDEN = overridden: VoterRef;
    POOL = pool: LineRef;
    PROPOSALS = proposals: Page;
    RELEASES = releases: Page;
    REPORT = report: ReportRef;
    ROLLOUTS = rollouts: Page;
    STAKE = stake: StakeRef;
    STAKE_BALLOT = stake_ballot: VoterRef;
    STATEMENT = statement: StatementRef;
    }

    escrow of Escrow {
    CHANNELS = channels: Channels;
    CREATOR = creator: CreatorRef;
    DRAWN = drawn: DrawnRef;
    EARNINGS = earnings: EarningsRef;
    EDGES = edges: Edges;
    PURSE = purse: PurseRef;
    REQUEST = request: RequestRef;
    RESERVE_OF = reserve_of: ReserveOf;
    }

    tasks of Tasks {
    BALANCE = balance: BalanceRef;
    MARKS = marks: MarksOf;
    REVIEWER = reviewer: Named;
    TASK = task: TaskRef;
    TASK_EARNINGS = earnings: TaskEarningsRef;
    TASK_SET = task_set: SetRef;
    WORK_RECORD = record: Named;
    }
}

/// More than fit into one log.
const IDS_PER_EVENT_MAX: u64 = 1_000;

/// Ids that a contract gives one after the other.
#[derive(Clone, Copy, Debug)]
pub enum HighestId {
    Agent,
    Host,
    Secret,
    Grant,
    Line,
    Release,
    Proposal,
}

/// The contracts at one block.
pub struct Chain {
    rpc: Rpc,
    contracts: Contracts,
    at: At,
    /// Events of the contract that has most.
    events: u64,
}

impl Chain {
    /// Of which no event is known yet.
    pub fn new(rpc: Rpc, contracts: Contracts, at: At) -> Self {
        Self { rpc, contracts, at, events: 0 }
    }

    /// From now on at another block, by which one of them has so many events.
    pub fn move_to(&mut self, at: At, events: u64) {
        (self.at, self.events) = (at, events);
    }

    pub fn account(&self, contract: Contract) -> &AccountId {
        contract.account(&self.contracts)
    }

    /// Height and time of the block, milliseconds.
    pub async fn block(&self) -> Result<(u64, u64), IndexerError> {
        let header = self.rpc.block(self.at).await?.header;
        Ok((header.height, header.timestamp_nanosec / 1_000_000))
    }

    /// Asks a view.
    pub async fn ask<A, T: DeserializeOwned>(&self, view: View<A>, args: A) -> Result<T, IndexerError> {
        let question = (view.question)(&args);
        let bytes = self.rpc.ask(view.contract.account(&self.contracts), question, self.at).await?;
        let wrong = |reason| ClientError::Answer { method: view.name.to_owned(), reason };
        Ok(answer_json(&bytes).map_err(wrong)?)
    }

    /// The highest id that was ever given.
    pub async fn highest(&self, ids: HighestId) -> Result<u64, IndexerError> {
        let (view, place) = match ids {
            HighestId::Agent => (AGENT_COUNT, 0),
            HighestId::Host => (KEYS_COUNTS, 0),
            HighestId::Secret => (KEYS_COUNTS, 1),
            HighestId::Grant => (KEYS_COUNTS, 2),
            HighestId::Line => (GOVERNANCE_COUNTS, 0),
            HighestId::Release => (GOVERNANCE_COUNTS, 1),
            HighestId::Proposal => (GOVERNANCE_COUNTS, 2),
        };
        let counts: Vec<u64> = self.ask(view, Nothing {}).await?;
        let short = || ClientError::Answer { method: view.name.to_owned(), reason: format!("{ids:?} is missing") };
        let highest = *counts.get(place).ok_or_else(short)?;
        // Somebody asks for all of them, page by page, and would not come to an end.
        if highest > self.events.saturating_mul(IDS_PER_EVENT_MAX) {
            let reason = format!("{highest} of {ids:?} are more than {} events can have made", self.events);
            return Err(ClientError::Answer { method: view.name.to_owned(), reason }.into());
        }
        Ok(highest)
    }

    /// One row of those that a view lists by id.
    pub async fn row(&self, list: View<Page>, id: u64) -> Result<Option<Value>, IndexerError> {
        let page: Vec<Value> = self.ask(list, Page { from: id, limit: Some(1) }).await?;
        Ok(page.into_iter().find(|row| row["id"] == id))
    }
}
