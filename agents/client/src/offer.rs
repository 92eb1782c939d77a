//! Offers: what a payee sells, at which prices and how well, signed before anybody opens a channel for it. The hash of an
//! offer goes into the channel's terms (`offer` of `open`), and then neither side signs or takes another price.
//! The escrow's README has the bytes; `ts/tests/offer.mjs` reads them with no code of ours.

mod agreed;
mod error;
mod evidence;
mod signed;

use borsh::BorshSerialize;
use charter_types::asset::Asset;
use charter_types::escrow::BPS;
use charter_types::hash::borsh_bytes;
use charter_types::{AccountId, Domain, Hash32, U128};
use serde::{Deserialize, Serialize};

use crate::sha256;

pub use agreed::Agreed;
pub use error::OfferError;
pub use evidence::Evidence;
pub use signed::{By, SignedOffer};

/// Purpose of the offer's [`Domain`].
pub const OFFER_PURPOSE: &str = "charter/offer";
const VERSION: u8 = 1;
/// Prices in one offer.
pub const PRICES_MAX: usize = 64;
/// Longest name of a service.
pub const SERVICE_BYTES_MAX: usize = 256;
/// Longest name of what a price is for.
pub const ITEM_BYTES_MAX: usize = 128;

/// What something costs.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Such as `POST /v1/chat` or `1,000 tokens`: 1 to 128 bytes of printable ASCII, no space at either end.
    pub item: String,
    /// Of one unit, in the smallest unit of the asset.
    pub amount: U128,
    /// Units that one payment may be for.
    pub units_max: u64,
}

/// What the payee says of how well it answers. It binds nobody on chain; an edge of the escrow does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Longest time to an answer; 0 says nothing.
    pub answer_within_ms: u64,
    /// How many of 10,000 requests are answered so; 0 says nothing.
    pub availability_bps: u16,
}

/// What a payee sells.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    pub payee: AccountId,
    /// The payee's agent that does the work. A `Pay` key of that agent may sign.
    pub agent: Option<u64>,
    /// Its URL or name: 1 to 256 bytes of printable ASCII without spaces.
    pub service: String,
    pub asset: Asset,
    /// 1 to 64, each item once.
    pub prices: Vec<Price>,
    pub level: Level,
    /// The last moment at which these prices hold.
    pub expires_at_ms: u64,
    /// Hash of the offer that this one follows.
    pub parent: Option<Hash32>,
}

impl Offer {
    /// What offers for channels of one escrow contract on one chain are signed under.
    pub fn domain(chain_id: &str, escrow: &AccountId) -> Hash32 {
        Domain { purpose: OFFER_PURPOSE, version: VERSION, chain_id, contract: escrow }.separator(sha256)
    }

    /// The bytes that a `Pay` key signs: domain 32 · the offer in borsh.
    pub fn message(&self, domain: Hash32) -> Vec<u8> {
        [domain.0.as_slice(), &borsh_bytes(self)].concat()
    }

    /// What a channel names as its `offer`.
    pub fn hash(&self, domain: Hash32) -> Hash32 {
        Hash32(sha256(&self.message(domain)))
    }

    /// Fails unless limits are kept and every text has one reading.
    pub fn check(&self) -> Result<(), OfferError> {
        let bad = |reason| Err(OfferError::Form { reason });
        if self.service.is_empty() || self.service.len() > SERVICE_BYTES_MAX {
            return bad("a service has a name of 1 to 256 bytes");
        }
        if !self.service.bytes().all(|byte| byte.is_ascii_graphic()) {
            return bad("a service's name is printable ASCII without spaces");
        }
        if self.prices.is_empty() || self.prices.len() > PRICES_MAX {
            return bad("an offer has 1 to 64 prices");
        }
        for (index, price) in self.prices.iter().enumerate() {
            let Price { item, amount, units_max } = price;
            let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
            if item.is_empty() || item.len() > ITEM_BYTES_MAX || item.trim() != item || !item.bytes().all(plain) {
                return bad("an item is 1 to 128 bytes of printable ASCII, without a space at either end");
            }
            if amount.0 == 0 || *units_max == 0 {
                return bad("nothing costs 0, and a payment is for one unit at least");
            }
            if self.prices[..index].iter().any(|before| before.item == *item) {
                return bad("an item has one price");
            }
        }
        if self.level.availability_bps > BPS {
            return bad("availability is 0 to 10,000");
        }
        Ok(())
    }

    /// Whether the prices still hold.
    pub fn holds(&self, now_ms: u64) -> bool {
        now_ms <= self.expires_at_ms
    }

    /// Whether some item costs that, in some number of units.
    pub fn has_price(&self, price: u128) -> bool {
        let is_of = |one: &Price| {
            let units = price.checked_div(one.amount.0).unwrap_or_default();
            price.checked_rem(one.amount.0) == Some(0) && (1..=u128::from(one.units_max)).contains(&units)
        };
        self.prices.iter().any(is_of)
    }

    /// What some units of an item cost together.
    pub fn price_of(&self, item: &str, units: u64) -> Option<u128> {
        let one = self.prices.iter().find(|price| price.item == item)?;
        (1..=one.units_max).contains(&units).then(|| one.amount.0.checked_mul(u128::from(units))).flatten()
    }
}
