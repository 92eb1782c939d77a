//! Sets of tasks.

use charter_derive::wire;

use super::{HoneypotRoot, SetId};
use crate::asset::Asset;
use crate::{AccountId, Hash32, U128};

/// How long each step of a task may take. Whoever is silent for longer is passed by.
#[wire(strict)]
#[derive(Copy)]
pub struct Deadlines {
    /// From `take` to `commit_work`.
    pub work_ms: u64,
    /// From there to `reveal_work`.
    pub reveal_ms: u64,
    /// From the draw to the last `commit_verdict`.
    pub verdict_ms: u64,
    /// From the moment when verdicts can be revealed to the last `reveal_verdict`.
    pub verdict_reveal_ms: u64,
    /// From the first panel's decision to `appeal`.
    pub appeal_ms: u64,
    /// From the final decision to `show_honeypot`, in sets with honeypots.
    pub show_ms: u64,
}

/// A set as views and events show it. Amounts are of its asset.
#[wire]
pub struct TaskSet {
    pub id: SetId,
    pub requester: AccountId,
    /// What is to be done, and its sha256.
    pub spec_uri: String,
    pub spec_hash: Hash32,
    pub asset: Asset,
    /// Of each task.
    pub reward: U128,
    /// Of each of the three reviewers of a task.
    pub reviewer_fee: U128,
    pub count: u32,
    /// So many are in work at a time, at most.
    pub at_once: u32,
    /// What a worker puts down, yoctoNEAR.
    pub take_deposit: U128,
    pub deadlines: Deadlines,
    pub honeypots: Option<HoneypotRoot>,
    pub posted_ms: u64,
    /// Indexes below this were taken.
    pub next: u32,
    /// Of those, how many came back from silent workers and wait to be taken again.
    pub returned: u32,
    /// Tasks that are in work or under judgement.
    pub in_work: u32,
    /// For tasks that are not taken.
    pub escrowed: U128,
    /// No more tasks are taken; those in work go on to their end.
    pub closed: bool,
}

impl TaskSet {
    /// Tasks that can still be taken.
    pub fn remaining(&self) -> u32 {
        if self.closed { 0 } else { self.count.saturating_sub(self.next).saturating_add(self.returned) }
    }
}
