//! What a payee offered and a payer agreed to, of which a channel keeps the hash.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::{AccountId, Hash32, Sha256, U128};

/// Who gets a part of all that is claimed beside the payee: `bps` of 10,000.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Split {
    pub account: AccountId,
    pub bps: u16,
}

/// A split as its channel has it: whose it is, the terms say.
#[wire]
#[derive(Copy)]
pub struct Share {
    pub bps: u16,
    /// What it was sent.
    pub paid: U128,
    /// When a transfer failed that no other has succeeded since.
    pub failed_ms: Option<u64>,
    /// It failed for so long that what is due goes to the payee.
    pub to_payee: bool,
}

/// The hash of a channel's terms. Nothing, where there are none.
pub fn terms_hash(splits: &[Split], offer: Option<Hash32>, sha256: Sha256) -> Option<Hash32> {
    let any = !splits.is_empty() || offer.is_some();
    any.then(|| Hash32::of(&(splits, offer), sha256))
}
