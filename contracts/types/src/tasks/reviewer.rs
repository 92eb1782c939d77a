//! Reviewers, the pool that panels are drawn from, and what honeypots say of accounts.

use charter_derive::wire;

use super::SetId;
use crate::{AccountId, U128};

/// A reviewer as views and events show it.
#[wire]
pub struct Reviewer {
    pub account: AccountId,
    /// Bonded: in the pool or on a panel.
    pub slots: u8,
    /// On their way out of it.
    pub leaving: Vec<Leaving>,
    /// What `withdraw_bond` pays at once: the rest of slots that lost something, and shares of what others lost, yoctoNEAR.
    pub returned: U128,
    /// Verdicts that agreed with the outcome, that did not, and that it never revealed.
    pub majority: u64,
    pub minority: u64,
    pub silent: u64,
    /// Fees in NEAR, and shares of what others lost.
    pub earned: U128,
}

/// Slots that are out of the pool.
#[wire]
#[derive(Copy)]
pub struct Leaving {
    pub slots: u8,
    /// When `withdraw_bond` pays them.
    pub from_ms: u64,
}

/// A slot of a reviewer.
#[wire]
#[derive(Copy)]
pub struct Slot {
    pub slot: u8,
    pub place: Place,
}

#[wire]
#[derive(Copy)]
pub enum Place {
    /// Free, at this position.
    Pool(u32),
    /// On a panel.
    Duty { set: SetId, index: u32, round: u8 },
}

/// The pool, a page of it.
#[wire]
pub struct Pool {
    /// Slots that are free.
    pub size: u32,
    /// Accounts with a slot, free or on a panel.
    pub reviewers: u32,
    pub slots: Vec<PoolSlot>,
}

/// A free slot.
#[wire]
pub struct PoolSlot {
    pub reviewer: AccountId,
    pub slot: u8,
    /// Bonded then. It is drawn for no task that was taken before.
    pub since_ms: u64,
}

/// What a requester's honeypots say of an account. They count for that requester's sets alone.
#[wire]
pub struct Mark {
    pub requester: AccountId,
    pub account: AccountId,
    pub work_right: u32,
    pub work_missed: u32,
    pub review_right: u32,
    pub review_missed: u32,
}

impl Mark {
    /// Whether so many hits and misses exclude.
    pub fn is_out(right: u32, missed: u32) -> bool {
        missed >= super::MISSES_MIN && missed > right
    }

    /// Whether it takes no task of the requester's.
    pub fn excludes_worker(&self) -> bool {
        Self::is_out(self.work_right, self.work_missed)
    }

    /// Whether it judges none, while those so marked are few enough.
    pub fn excludes_reviewer(&self) -> bool {
        Self::is_out(self.review_right, self.review_missed)
    }
}
