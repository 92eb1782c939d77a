//! What a payee with many creators keeps for them.

use charter_derive::wire;

use crate::asset::Asset;
use crate::registry::AgentId;
use crate::{AccountId, Hash32, U128};

/// A reserve as views and events show it.
#[wire]
pub struct Reserve {
    /// Never given twice.
    pub number: u64,
    pub payee: AccountId,
    pub asset: Asset,
    /// Over all creators and all that each was ever owed.
    pub root: Hash32,
    /// The root's sum.
    pub total: U128,
    /// All that was ever put in.
    pub reserved: U128,
    /// Sent out, arrived or on its way.
    pub pulled: U128,
    pub in_flight: U128,
    /// When the root was posted.
    pub posted_ms: Option<u64>,
    /// The rest is on its way to the payee.
    pub ending: bool,
}

/// What a creator was sent out of a reserve.
#[wire]
pub struct Creator {
    pub reserve: u64,
    pub account: AccountId,
    pub paid: U128,
}

/// What arrived at an account from channels that name an agent, as they are paid for the agent's work.
#[wire]
pub struct Earnings {
    pub agent: AgentId,
    pub account: AccountId,
    pub asset: Asset,
    pub earned: U128,
    /// One for each channel and transfer.
    pub payments: u64,
}

/// The same of one account in one asset: agent, `earned`, `payments`.
#[wire]
#[derive(Copy)]
pub struct EarningsRow(pub AgentId, pub U128, pub u64);
