//! Payment channels.

pub mod args;
mod error;
pub mod methods;
mod voucher;

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::admin::SharedFact;
use crate::{AccountId, Ed25519Key, Hash32, Sha256, Signature64, U128};

pub use error::EscrowError;
pub use voucher::{Kind, VOUCHER_BYTES, VOUCHER_PURPOSE, Voucher};

pub const STANDARD: &str = "charter_escrow";
pub const VERSION: &str = "1.0.0";

/// Rows in one `claim_batch`.
pub const CLAIM_BATCH_MAX: usize = 128;
/// Channels in one `withdraw`.
pub const WITHDRAW_MAX: usize = 128;
/// Shortest and longest time between a payer's request to close and its end.
pub const WITHDRAW_DELAY_MS_MIN: u64 = 15 * 60_000;
pub const WITHDRAW_DELAY_MS_MAX: u64 = 30 * 24 * 3_600_000;
/// Least deposit: a channel for less costs more than it moves.
pub const DEPOSIT_MIN: u128 = 1_000;

pub type ChannelId = Hash32;

/// What a channel's id is made of; the counter is the contract's own and never reset, so no id comes back.
#[derive(BorshSerialize)]
pub struct ChannelSeed<'a> {
    pub domain: Hash32,
    pub payer: &'a AccountId,
    pub payee: &'a AccountId,
    pub voucher_key: &'a Ed25519Key,
    pub withdraw_delay_ms: u64,
    pub open_counter: u64,
}

impl ChannelSeed<'_> {
    pub fn id(&self, sha256: Sha256) -> ChannelId {
        Hash32::of(self, sha256)
    }
}

/// A channel as views and events show it. Amounts are yoctoNEAR.
#[wire]
pub struct Channel {
    pub id: ChannelId,
    pub payer: AccountId,
    pub payee: AccountId,
    pub agent: Option<u64>,
    pub voucher_key: Ed25519Key,
    pub deposited: U128,
    /// Highest cumulative amount that a voucher proved.
    pub claimed: U128,
    /// Of `claimed`, what the payee has been sent.
    pub paid: U128,
    /// What the payer got back when the channel closed.
    pub refunded: U128,
    pub withdraw_delay_ms: u64,
    /// When the payer may take the rest, once it asked to close.
    pub closes_ms: Option<u64>,
    /// Closed for good; the row goes when the last payout has arrived.
    pub closed: bool,
}

/// One row of `claim_batch`: the voucher's variable parts and its signature. Prefix, version, kind and domain are what
/// the contract says they are.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct ClaimRow {
    pub channel: [u8; 32],
    pub cumulative: u128,
    pub expires_at_ms: u64,
    pub counter: u64,
    pub context_root: [u8; 32],
    pub signature: [u8; 64],
}

impl ClaimRow {
    pub fn new(voucher: &Voucher, signature: &Signature64) -> Self {
        Self {
            channel: voucher.channel.0,
            cumulative: voucher.cumulative,
            expires_at_ms: voucher.expires_at_ms,
            counter: voucher.counter,
            context_root: voucher.context_root.0,
            signature: signature.0,
        }
    }

    /// The voucher this row claims to have been signed.
    pub fn voucher(&self, domain: Hash32) -> Voucher {
        Voucher {
            kind: Kind::Voucher,
            domain,
            channel: Hash32(self.channel),
            cumulative: self.cumulative,
            expires_at_ms: self.expires_at_ms,
            counter: self.counter,
            context_root: Hash32(self.context_root),
        }
    }
}

/// Arguments of `claim_batch`, in borsh.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct ClaimBatch {
    pub rows: Vec<ClaimRow>,
    /// Also pay out the caller's own channels among the rows.
    pub withdraw: bool,
}

/// What became of a row: the channel, and either what is claimed on it now or the code of the failure. Two strings, so
/// that the largest batch fits into a receipt's logs.
#[wire]
pub struct ClaimResult(pub ChannelId, pub String);

impl ClaimResult {
    /// What the row raised `claimed` to.
    pub fn claimed(&self) -> Option<u128> {
        self.1.parse().ok()
    }
}

/// A channel, and all that its payee was sent. Of a transfer that failed, nothing was.
#[wire]
pub struct PaidTo(pub ChannelId, pub U128);

/// A row of a batch by its index, and all that its channel's payee was sent.
#[wire]
pub struct PaidRow(pub u8, pub U128);

/// Sums over everything the escrow ever held; see INV-ESC-1.
#[wire]
#[derive(Copy, Default, BorshSerialize, BorshDeserialize)]
pub struct Totals {
    pub deposited: U128,
    pub held: U128,
    pub in_flight: U128,
    pub paid: U128,
    pub refunded: U128,
}

/// Payload of an escrow event.
#[wire]
pub enum Fact {
    /// What all contracts tell of themselves.
    Shared(SharedFact),
    Channel(Channel),
    /// Rows that raised `claimed`, and those that failed.
    Claims(Vec<ClaimResult>),
    /// Rows of a batch that paid its caller. `raised` are indexes of rows whose channel is paid up to what they raised it
    /// to; `due` are rows that raised nothing while something was due: their text is empty. Written once, so that the
    /// largest batch fits into a receipt's logs.
    ClaimsPaid {
        rows: Vec<ClaimResult>,
        raised: Vec<u8>,
        due: Vec<PaidRow>,
    },
    /// What was sent or came back, as it stands now.
    Paid(Vec<PaidTo>),
    /// Gone for good: `[id, paid to payee, refunded to payer]`.
    ChannelClosed(ChannelId, U128, U128),
    /// Gone for good: everything that was claimed arrived, and so did the rest.
    ChannelsClosed(Vec<ChannelId>),
}
