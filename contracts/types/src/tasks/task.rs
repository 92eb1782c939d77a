//! A task in work or under judgement.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::SetId;
use crate::registry::AgentId;
use crate::{AccountId, Hash32};

/// What a reviewer says of an answer. In borsh a byte: 0, 1, 2.
#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub enum Verdict {
    Good,
    Bad,
    /// What the answer names can't be fetched, or hashes otherwise.
    Unfetchable,
}

/// What a panel, or in the end the task, came to.
#[wire]
#[derive(Copy)]
pub enum Outcome {
    Good,
    Bad,
    Unfetchable,
    /// No verdict had a majority of the seats, or there was no panel.
    NoMajority,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Good => Self::Good,
            Verdict::Bad => Self::Bad,
            Verdict::Unfetchable => Self::Unfetchable,
        }
    }
}

/// How far a task has got by what was called. What time alone does moves no state: a deadline that is over ends what it is a
/// deadline of, whatever stands here.
#[wire]
#[derive(Copy)]
pub enum TaskState {
    /// The worker has until `until_ms` to commit.
    Taken,
    /// It has until `until_ms` to reveal.
    Committed,
    /// A panel is being drawn.
    Drawing,
    /// The last panel commits and reveals.
    Judging,
    /// Every seat of the last panel has revealed, or there could be none.
    Decided,
    /// The worker and the first panel are settled, the panel of the appeal is not.
    Settling,
}

/// A seat on a panel.
#[wire]
pub struct Seat {
    pub reviewer: AccountId,
    /// The slot that is bonded for it.
    pub slot: u8,
    pub commitment: Option<Hash32>,
    /// Once revealed.
    pub verdict: Option<Verdict>,
}

/// A panel as it is. Without seats: too few could be found, which is `NoMajority`.
#[wire]
pub struct Panel {
    pub seats: Vec<Seat>,
    pub drawn_ms: u64,
    /// Verdicts are committed before this, or until all are.
    pub commit_until_ms: u64,
    /// They are revealed from here on: as it stands, earlier as soon as all have committed.
    pub reveal_from_ms: u64,
    pub reveal_until_ms: u64,
    /// What it comes to is certain from here on: as it stands, earlier as soon as all have revealed.
    pub decided_ms: u64,
    /// What it comes to with the verdicts that are revealed so far.
    pub outcome: Outcome,
}

/// An appeal.
#[wire]
pub struct Appeal {
    /// The worker or the requester.
    pub by: AccountId,
    pub appealed_ms: u64,
    /// None while it is being drawn.
    pub panel: Option<Panel>,
}

/// A task as views and events show it.
#[wire]
pub struct Task {
    pub set: SetId,
    pub index: u32,
    /// Which of the times that this index was taken, from 1 up.
    pub attempt: u32,
    pub state: TaskState,
    pub worker: AccountId,
    /// The worker's agent that earns the reward.
    pub agent: Option<AgentId>,
    pub taken_ms: u64,
    /// When the worker has to have committed, or revealed.
    pub until_ms: Option<u64>,
    pub work_hash: Option<Hash32>,
    /// Of the answer that was revealed.
    pub answer_hash: Option<Hash32>,
    pub revealed_ms: Option<u64>,
    pub panel: Option<Panel>,
    /// Until when it can be appealed, once there is a panel.
    pub appeal_until_ms: Option<u64>,
    pub appeal: Option<Appeal>,
    /// What comes of it with the verdicts that are revealed so far.
    pub outcome: Option<Outcome>,
    /// When that is final, as it stands.
    pub final_ms: Option<u64>,
    /// Whether the requester has shown that it was a honeypot.
    pub shown: bool,
    /// From when on anybody may settle it, as it stands. None while a panel is being drawn.
    pub settle_from_ms: Option<u64>,
}
