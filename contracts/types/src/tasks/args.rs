//! Arguments of the contract's methods.

use charter_derive::wire;

pub use super::money::BalanceRef;
use super::{Answer, Deadlines, HoneypotRoot, SetId, Verdict};
pub use crate::admin::Setup;
use crate::asset::Asset;
use crate::registry::AgentId;
use crate::{AccountId, Hash32, U128};

#[wire(strict)]
pub struct PostTaskSet {
    pub spec_uri: String,
    pub spec_hash: Hash32,
    #[wire(default)]
    pub asset: Asset,
    /// Of each task, and of each of its three reviewers.
    pub reward: U128,
    pub reviewer_fee: U128,
    /// Tasks, numbered from 0.
    pub count: u32,
    /// So many are in work at a time, at most.
    pub at_once: u32,
    /// What a worker puts down until it reveals, yoctoNEAR, at least a twentieth of a NEAR.
    pub take_deposit: U128,
    pub deadlines: Deadlines,
    /// Root over tasks whose answers are known.
    pub honeypots: Option<HoneypotRoot>,
}

/// `task_set`, `close_set`.
#[wire(strict)]
#[derive(Copy)]
pub struct SetRef {
    pub set: SetId,
}

#[wire(strict)]
#[derive(Copy)]
pub struct Take {
    pub set: SetId,
    /// The worker's agent that earns the reward.
    pub agent: Option<AgentId>,
}

/// `task`, `draw`, `appeal`, `settle`; what `take` answers.
#[wire(strict)]
#[derive(Copy)]
pub struct TaskRef {
    pub set: SetId,
    pub index: u32,
}

/// `tasks`: those in work among `limit` indexes, at most 100, from `from` on.
#[wire(strict)]
#[derive(Copy)]
pub struct TasksOf {
    pub set: SetId,
    #[wire(default)]
    pub from: u32,
    pub limit: Option<u64>,
}

/// See [`super::WorkCommitment`].
#[wire(strict)]
#[derive(Copy)]
pub struct CommitWork {
    pub set: SetId,
    pub index: u32,
    pub hash: Hash32,
}

#[wire(strict)]
pub struct RevealWork {
    pub set: SetId,
    pub index: u32,
    pub answer: Answer,
    pub salt: Hash32,
}

/// See [`super::VerdictCommitment`].
#[wire(strict)]
#[derive(Copy)]
pub struct CommitVerdict {
    pub set: SetId,
    pub index: u32,
    pub hash: Hash32,
}

#[wire(strict)]
#[derive(Copy)]
pub struct RevealVerdict {
    pub set: SetId,
    pub index: u32,
    pub verdict: Verdict,
    pub salt: Hash32,
}

#[wire(strict)]
pub struct ShowHoneypot {
    pub set: SetId,
    pub index: u32,
    /// Of the answer that was expected.
    pub answer_hash: Hash32,
    pub salt: Hash32,
    /// Siblings from the leaf up.
    pub proof: Vec<Hash32>,
}

#[wire(strict)]
pub struct ForgetMarks {
    pub accounts: Vec<AccountId>,
}

/// `marks`: at most 100 accounts.
#[wire(strict)]
pub struct MarksOf {
    pub requester: AccountId,
    pub accounts: Vec<AccountId>,
}

/// `bond`, `unbond`.
#[wire(strict)]
#[derive(Copy)]
pub struct Slots {
    pub slots: u8,
}

/// `open_balance`, `end_balance`, `totals`.
#[wire(strict)]
#[derive(Default)]
pub struct OfAsset {
    #[wire(default)]
    pub asset: Asset,
}

#[wire(strict)]
#[derive(Default)]
pub struct Withdraw {
    #[wire(default)]
    pub asset: Asset,
    /// None: all of it.
    pub amount: Option<U128>,
}

/// What `ft_transfer_call` says that its tokens are for.
#[wire(strict)]
pub enum TransferMsg {
    /// The sender's balance, which it has opened.
    Deposit {},
}

/// `open_earnings`, `end_earnings`, `sync_reputation`.
#[wire(strict)]
pub struct OfAgent {
    pub agent: AgentId,
    #[wire(default)]
    pub asset: Asset,
}

/// `earnings`.
#[wire(strict)]
pub struct EarningsRef {
    pub agent: AgentId,
    pub account: AccountId,
    #[wire(default)]
    pub asset: Asset,
}
