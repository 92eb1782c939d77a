//! What is held for whom, and what it was for.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::asset::Asset;
use crate::registry::AgentId;
use crate::{AccountId, U128};

/// What an account has here in an asset.
#[wire]
pub struct Balance {
    pub account: AccountId,
    pub asset: Asset,
    pub amount: U128,
    /// On its way out. What does not arrive is in `amount` again.
    pub in_flight: U128,
}

/// Sums over everything there ever was of an asset: `received = held + sending + paid`, always (INV-TSK-1). A token's start
/// anew when nothing is in it any more, and what has come and gone is left out of them once they would not fit into 128 bits.
#[wire]
#[derive(Copy)]
pub struct Totals {
    pub received: U128,
    /// Balances, pots of sets, tasks and appeals, bonds, deposits of workers.
    pub held: U128,
    pub sending: U128,
    pub paid: U128,
}

/// What an account did here. It outlives sets, tasks and bonds.
#[wire]
pub struct Record {
    pub account: AccountId,
    /// Work that was judged good, bad or unfetchable, and work that it took and kept silent about.
    pub done_good: u64,
    pub done_bad: u64,
    pub silent_work: u64,
    /// Verdicts that agreed with the outcome, that did not, and that it never revealed.
    pub majority: u64,
    pub minority: u64,
    pub silent_verdicts: u64,
    /// Rewards, fees and shares of forfeited bonds, in NEAR alone.
    pub earned: U128,
}

/// Rewards of one account for an agent's work in one asset.
#[wire]
pub struct Earnings {
    pub agent: AgentId,
    pub account: AccountId,
    pub asset: Asset,
    pub earned: U128,
    /// One for each task.
    pub payments: u64,
}

/// `balance`, `push_balance`.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct BalanceRef {
    pub account: AccountId,
    #[wire(default)]
    pub asset: Asset,
}
