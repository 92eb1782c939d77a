//! A chain with channels on it, as far as payers and payees look: a few rules of the escrow's README, written once more.

use std::collections::BTreeMap;

use charter_client::pay::Seen;
use charter_client::voucher::sign;
use charter_types::escrow::{ChannelId, ClaimRow, Kind, Voucher};
use charter_types::{Ed25519Key, Hash32, Signature64};
use ed25519_dalek::SigningKey;

pub const DOMAIN: Hash32 = Hash32([1; 32]);
/// When the chain began.
pub const START_MS: u64 = 1_000_000;
pub const DELAY_MS: u64 = 900_000;
/// Of [`charter_client::pay::Margins::default`].
pub const LOOK_MS: u64 = 60_000;
pub const CLAIM_MS: u64 = 60_000;
pub const SETTLE_MS: u64 = 300_000;

pub fn signing() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn id(number: u8) -> ChannelId {
    Hash32([number; 32])
}

/// A channel with 1,000 in it.
pub fn seen(number: u8) -> Seen {
    Seen {
        id: id(number),
        voucher_key: Ed25519Key(signing().verifying_key().to_bytes()),
        deposited: 1_000,
        claimed: 0,
        withdraw_delay_ms: DELAY_MS,
        locked_until_ms: 0,
        closes_ms: None,
        closed: false,
        at_ms: START_MS,
    }
}

pub fn voucher(number: u8, cumulative: u128) -> Voucher {
    Voucher {
        kind: Kind::Voucher,
        domain: DOMAIN,
        channel: id(number),
        cumulative,
        expires_at_ms: 0,
        counter: 1,
        context_root: Hash32::default(),
    }
}

pub fn signed(voucher: &Voucher) -> Signature64 {
    sign(&signing(), voucher)
}

pub struct Chain {
    pub now_ms: u64,
    pub channels: BTreeMap<ChannelId, Seen>,
}

impl Chain {
    pub fn new(channels: u8) -> Self {
        Self { now_ms: START_MS, channels: (0..channels).map(|number| (id(number), seen(number))).collect() }
    }

    /// What a node shows now.
    pub fn show(&self, channel: ChannelId) -> Seen {
        Seen { at_ms: self.now_ms, ..self.channels[&channel].clone() }
    }

    pub fn request_close(&mut self, channel: ChannelId) {
        let closes_ms = self.now_ms + DELAY_MS;
        let row = self.channels.get_mut(&channel).unwrap();
        row.closes_ms = row.closes_ms.or(Some(closes_ms));
    }

    pub fn cancel_close(&mut self, channel: ChannelId) {
        self.channels.get_mut(&channel).unwrap().closes_ms = None;
    }

    pub fn top_up(&mut self, channel: ChannelId, amount: u128) {
        let row = self.channels.get_mut(&channel).unwrap();
        if row.closes_ms.is_none() && !row.closed {
            row.deposited += amount;
        }
    }

    /// Only the payee can end it before.
    pub fn lock(&mut self, channel: ChannelId, until_ms: u64) {
        let row = self.channels.get_mut(&channel).unwrap();
        row.locked_until_ms = row.locked_until_ms.max(until_ms);
    }

    fn is_over(&self, row: &Seen) -> bool {
        row.closes_ms.is_some_and(|closes_ms| self.now_ms >= closes_ms.max(row.locked_until_ms))
    }

    pub fn finalize_close(&mut self, channel: ChannelId) {
        let is_over = self.is_over(&self.channels[&channel]);
        self.channels.get_mut(&channel).unwrap().closed |= is_over;
    }

    /// Signatures are taken for granted: whether they are good is another test's matter. Somebody ended the channel as soon
    /// as anybody could.
    pub fn claim(&mut self, claim: &ClaimRow) {
        let channel = Hash32(claim.channel);
        let ended = self.channels[&channel].closed || self.is_over(&self.channels[&channel]);
        let expired = claim.expires_at_ms != 0 && claim.expires_at_ms < self.now_ms;
        let row = self.channels.get_mut(&channel).unwrap();
        if !ended && !expired && claim.cumulative <= row.deposited {
            row.claimed = row.claimed.max(claim.cumulative);
        }
    }
}
