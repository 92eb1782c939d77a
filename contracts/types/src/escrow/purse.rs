//! What an owner lets its agent spend.

use charter_derive::wire;

use crate::asset::Asset;
use crate::registry::AgentId;
use crate::{AccountId, U128};

/// A purse as views and events show it.
#[wire]
pub struct Purse {
    pub agent: AgentId,
    pub owner: AccountId,
    pub asset: Asset,
    pub balance: U128,
    /// On its way back to the owner.
    pub in_flight: U128,
    pub per_day: U128,
    pub per_payee: U128,
    /// After this nothing can be drawn; 0: there are no caps yet.
    pub until_ms: u64,
    /// The day of the last draw, since 1970, and what was drawn on it.
    pub day: u64,
    pub drawn: U128,
}

/// What was drawn for one payee on the last day on which something was.
#[wire]
pub struct Drawn {
    pub agent: AgentId,
    pub owner: AccountId,
    pub asset: Asset,
    pub payee: AccountId,
    pub day: u64,
    pub amount: U128,
}
