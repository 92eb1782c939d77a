//! A name earned by money that moved.
//!
//! Escrow and tasks keep cumulative totals per agent and asset, escrow those of each account that is paid, and report them
//! here; the registry counts, per epoch, by how much they grew. Who pays itself earns a name, too: nothing may be gated on
//! it.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::AgentId;
use crate::{AccountId, U128};

pub const REPORTERS_MAX: usize = 8;
/// Longest name of an asset: `near`, or an account id.
pub const ASSET_BYTES_MAX: usize = 64;

/// What a reporter said of an agent in one of its epochs.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Reputation {
    pub agent: AgentId,
    /// The agent's epoch when it was reported. A later epoch is another owner's, or another start.
    pub epoch: u64,
    pub reporter: AccountId,
    /// `near`, or the account of a token contract.
    pub asset: String,
    /// `earned_before`, and what has come since, in the asset's smallest unit: by how much an account's total grew from one
    /// report of it to the next. The first report after another account's only says what it is counted from.
    pub earned: U128,
    /// Payments that make it up.
    pub payments: u64,
    pub reported_ms: u64,
    /// The total in the epoch's first report: this epoch's are `earned` less this. What a seller earned is not the buyer's.
    #[wire(default)]
    pub earned_before: U128,
    #[wire(default)]
    pub payments_before: u64,
}
