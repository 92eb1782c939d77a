//! Payment channels.

pub mod args;
mod attribution;
mod edge;
mod error;
pub mod methods;
mod purse;
mod terms;
mod voucher;

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::admin::SharedFact;
use crate::asset::Asset;
use crate::registry::AgentId;
use crate::{AccountId, Ed25519Key, Hash32, Sha256, Signature64, U128};

pub use attribution::{Creator, Earnings, EarningsRow, Reserve};
pub use edge::{
    COLLATERAL_MIN, CUT_RETURNS_MS, Delivered, EDGE_MS_MAX, EDGES_MAX, Edge, EdgeId, EdgeSeed, EdgeState, Exchange,
    MODEL_BYTES_MAX, Request, SHOW_MS, Signer, WINDOW_MS_MAX, WINDOW_MS_MIN, response_text,
};
pub use error::EscrowError;
pub use purse::{Drawn, Purse};
pub use terms::{Share, Split, terms_hash};
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
/// Latest end of a lock, from the time when it is set.
pub const LOCK_MS_MAX: u64 = 366 * DAY_MS;
/// A day of a purse's caps.
pub const DAY_MS: u64 = 24 * 3_600_000;
/// All of what is shared.
pub const BPS: u16 = 10_000;
pub const SPLITS_MAX: usize = 32;
/// Shares in one `distribute`.
pub const DISTRIBUTE_MAX: usize = 8;
/// What a share could not be sent, and can't be sent so long after, goes to the payee.
pub const SHARE_RETURNS_MS: u64 = 90 * DAY_MS;
/// Assets in which one call pays its caller, and agents whose earnings one transfer raises.
pub const PAID_ASSETS_MAX: usize = 4;
pub const PAID_AGENTS_MAX: usize = 32;
/// How long a reserve stays after its last root.
pub const ROOT_MS: u64 = 90 * DAY_MS;
/// Most siblings in a proof.
pub const PROOF_MAX: usize = 32;
/// Rows in one `forget_draws` or `forget_creators`.
pub const FORGOTTEN_MAX: usize = 32;
/// What opening something in a token takes from its opener, yoctoNEAR: NEP-141 wants one of them with each transfer.
pub const TRANSFER_YOCTO: u128 = 1_000_000_000;

pub type ChannelId = Hash32;

/// What a channel's id is made of; the counter is the contract's own and never reset, so no id comes back.
#[derive(BorshSerialize)]
pub struct ChannelSeed<'a> {
    pub domain: Hash32,
    pub payer: &'a AccountId,
    pub payee: &'a AccountId,
    pub asset: &'a Asset,
    pub voucher_key: &'a Ed25519Key,
    /// Zeroes, where there are no terms.
    pub terms_hash: Hash32,
    pub withdraw_delay_ms: u64,
    pub open_counter: u64,
}

impl ChannelSeed<'_> {
    pub fn id(&self, sha256: Sha256) -> ChannelId {
        Hash32::of(self, sha256)
    }
}

/// A channel as views and events show it. Amounts are of its asset. What has a default releases before 0007 don't tell.
#[wire]
pub struct Channel {
    pub id: ChannelId,
    pub payer: AccountId,
    pub payee: AccountId,
    #[wire(default)]
    pub asset: Asset,
    /// The payee's agent that earns this money.
    pub agent: Option<AgentId>,
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
    /// Nobody but the payee ends the channel before; 0 for no lock.
    #[wire(default)]
    pub locked_until_ms: u64,
    /// See [`terms_hash`].
    pub terms_hash: Option<Hash32>,
    #[wire(default)]
    pub shares: Vec<Share>,
    /// Out of its payer's purse for this agent.
    pub purse: Option<AgentId>,
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
    /// All rows of a batch in JSON, as serde writes them: ids, amounts and codes have nothing to escape, and to look for that
    /// costs four times as much.
    pub fn json(rows: &[Self]) -> Vec<u8> {
        let mut json = Vec::with_capacity(rows.len() * 128);
        for Self(channel, text) in rows {
            json.extend_from_slice(if json.is_empty() { b"[[\"" } else { b",[\"" });
            json.extend_from_slice(&channel.hex());
            json.extend_from_slice(b"\",\"");
            json.extend_from_slice(text.as_bytes());
            json.extend_from_slice(b"\"]");
        }
        json.extend_from_slice(if rows.is_empty() { b"[]" } else { b"]" });
        json
    }

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

/// Sums over everything the escrow ever held of an asset; see INV-ESC-1. A token's start anew when nothing is in it any more,
/// and what has come and gone is left out of them once they would not fit into 128 bits.
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
    Channel(Box<Channel>),
    /// Rows that raised `claimed`, and those that failed.
    Claims(Vec<ClaimResult>),
    /// Rows of a batch that paid its caller. `raised` are indexes of rows whose channel's payee was sent all that they raised
    /// it to. `due` are rows whose channel's payee was sent something else, and what in all: of a channel with splits, or while
    /// the row raised nothing, and then its text is empty. Written once, so that the largest batch fits into a receipt's logs.
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
    Purse(Purse),
    /// The purse is gone, and all it had has arrived.
    PurseEnded(args::PurseRef),
    Drawn(Drawn),
    DrawsForgotten {
        agent: AgentId,
        owner: AccountId,
        asset: Asset,
        payees: Vec<AccountId>,
    },
    /// The registry's answer was no: nothing happened.
    Denied {
        agent: AgentId,
        code: String,
    },
    Reserve(Reserve),
    /// Of this number there never is one again.
    ReserveEnded {
        number: u64,
        payee: AccountId,
        asset: Asset,
    },
    Creator(Creator),
    CreatorsForgotten {
        reserve: u64,
        accounts: Vec<AccountId>,
    },
    EarningsEnded {
        agent: AgentId,
        account: AccountId,
        asset: Asset,
    },
    /// Earnings of one account in one asset, by agent, as they are now.
    Earnings {
        account: AccountId,
        asset: Asset,
        rows: Vec<EarningsRow>,
    },
    Edge(Box<Edge>),
    /// Gone for good: everything arrived.
    EdgeEnded(EdgeId),
    Request(Request),
    /// Gone, and can't come again.
    RequestForgotten {
        edge: EdgeId,
        counter: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::ClaimResult;
    use crate::Hash32;

    #[test]
    fn rows_are_written_by_hand_as_serde_writes_them() {
        let row = |byte, text: &str| ClaimResult(Hash32([byte; 32]), text.to_owned());
        let rows = [row(0x0f, &u128::MAX.to_string()), row(0xa9, ""), row(0xff, "ESCROW_NOT_HIGHER")];
        for count in 0..=rows.len() {
            let rows = &rows[..count];
            assert_eq!(ClaimResult::json(rows), serde_json::to_vec(rows).unwrap());
        }
    }
}
