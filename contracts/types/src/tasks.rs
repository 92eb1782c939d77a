//! Work for a crowd: sets of tasks, judged by panels.

pub mod args;
mod commitment;
mod error;
pub mod methods;
mod money;
mod reviewer;
mod set;
mod task;

use charter_derive::wire;

use crate::Hash32;
use crate::admin::SharedFact;
use crate::asset::Asset;
use crate::registry::AgentId;
use crate::{AccountId, U128};

pub use commitment::{Answer, Domains, VERDICT_PURPOSE, VerdictCommitment, WORK_PURPOSE, WorkCommitment};
pub use error::TasksError;
pub use money::{Balance, Earnings, Record, Totals};
pub use reviewer::{Leaving, Mark, Place, Pool, PoolSlot, Reviewer, Slot};
pub use set::{Deadlines, TaskSet};
pub use task::{Appeal, Outcome, Panel, Seat, Task, TaskState, Verdict};

pub const STANDARD: &str = "charter_tasks";
pub const VERSION: &str = "1.0.0";

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;
const DAY_MS: u64 = 24 * 3_600_000;

/// What a slot in the pool of reviewers is bonded with, yoctoNEAR.
pub const SLOT_BOND: u128 = NEAR;
/// Slots of one reviewer.
pub const SLOTS_MAX: u8 = 16;
/// Seats on the panel that judges a task, and on the one that judges an appeal.
pub const PANEL: u8 = 3;
pub const APPEAL_PANEL: u8 = 7;
/// So many more reviewers than seats there have to be.
pub const REVIEWERS_SLACK: u32 = 3;
/// What a seat that judged against the outcome loses of its bond, and one that kept silent.
pub const MINORITY_LOSS: u128 = SLOT_BOND / 4;
pub const SILENT_LOSS: u128 = SLOT_BOND / 2;
/// Slots that a draw looks at, at most, for a panel of 3 and for one of 7.
pub const PROBES: u32 = 24;
pub const APPEAL_PROBES: u32 = 40;
/// How long slots that leave stay bonded.
pub const UNBOND_DELAY_MS: u64 = 3 * DAY_MS;
/// Least that a worker puts down for a task until its work is revealed.
pub const TAKE_DEPOSIT_MIN: u128 = NEAR / 20;
/// Bytes of an answer that is in the event itself.
pub const ANSWER_BYTES_MAX: usize = 1_024;
/// Bytes of a URI: of a set's specification, and of an answer that is elsewhere.
pub const URI_BYTES_MAX: usize = 256;
/// Tasks in a set, and of them in work at a time.
pub const TASKS_MAX: u32 = 1_000_000;
pub const AT_ONCE_MAX: u32 = 10_000;
/// Shortest and longest of a set's deadlines. `show_ms` may be shorter.
pub const DEADLINE_MS_MIN: u64 = 60_000;
pub const DEADLINE_MS_MAX: u64 = 30 * DAY_MS;
pub const SHOW_MS_MAX: u64 = DAY_MS;
/// Most siblings in the proof of a honeypot.
pub const PROOF_MAX: usize = 32;
/// From so many misses on, if they are more than the hits, a requester's honeypots exclude.
pub const MISSES_MIN: u32 = 2;
/// One of so many reviewers a requester's honeypots can exclude at most; if they name more, they exclude none.
pub const EXCLUDED_PART: u32 = 10;
/// Accounts in one `forget_marks`.
pub const FORGOTTEN_MAX: usize = 16;
/// Rows of indexes that came back, which one `close_set` frees.
pub const FREED_MAX: u32 = 16;

/// From 1 up; none comes back.
pub type SetId = u64;

/// The root over a set's honeypots: see `charter_rules::honeypot`.
pub type HoneypotRoot = Hash32;

/// Payload of an event.
#[wire]
pub enum Fact {
    /// What all contracts tell of themselves.
    Shared(SharedFact),
    Set(Box<TaskSet>),
    /// Gone for good: its last task has ended.
    SetEnded(SetId),
    Task(Box<Task>),
    /// The answer, which stands nowhere else, with the task as it is then.
    Revealed {
        task: Box<Task>,
        answer: Answer,
    },
    /// Gone: with what came of it, or none if the worker kept silent.
    TaskEnded {
        set: SetId,
        index: u32,
        attempt: u32,
        worker: AccountId,
        agent: Option<AgentId>,
        outcome: Option<Outcome>,
    },
    /// What accounts have here, as it is now.
    Balances(Vec<Balance>),
    BalanceEnded {
        account: AccountId,
        asset: Asset,
    },
    /// What of a balance was sent off: see [`Self::Balances`] for what is left.
    Sent {
        balance: Balance,
        amount: U128,
    },
    /// As they are now.
    Reviewers(Vec<Reviewer>),
    Record(Record),
    /// What honeypots say of accounts, as it is now.
    Marks(Vec<Mark>),
    MarksForgotten {
        requester: AccountId,
        accounts: Vec<AccountId>,
    },
    Earnings(Earnings),
    EarningsEnded {
        agent: AgentId,
        account: AccountId,
        asset: Asset,
    },
}
