//! Answers in time: what an asker and an acker have agreed on, and what they sign about each request.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::{DAY_MS, Kind, Voucher};
use crate::asset::Asset;
use crate::ethereum::EthAddress;
use crate::key::AnySignature;
use crate::{AccountId, Ed25519Key, Hash32, Sha256, Signature64, U128};

/// Least collateral of either side.
pub const COLLATERAL_MIN: u128 = 1_000;
/// Shortest and longest time after a deadline in which it can be escalated.
pub const WINDOW_MS_MIN: u64 = 60_000;
pub const WINDOW_MS_MAX: u64 = 30 * DAY_MS;
/// How long an acker that did answer has to show it, for nothing: late pay counts from so long after an escalation on.
pub const SHOW_MS: u64 = 60_000;
/// Latest end, from the opening.
pub const EDGE_MS_MAX: u64 = 366 * DAY_MS;
/// Longest name of a model, bytes.
pub const MODEL_BYTES_MAX: usize = 64;
/// Edges that `edges` shows at once.
pub const EDGES_MAX: usize = 100;
/// A cut that its receiver could not take, and can't take so long after, goes back.
pub const CUT_RETURNS_MS: u64 = 90 * DAY_MS;

pub type EdgeId = Hash32;

/// Whose signature shows that a response exists.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Signer {
    /// Signs [`Exchange::response`].
    Ed25519(Ed25519Key),
    /// Signs [`response_text`] as an Ethereum account does (EIP-191); `model` is the first part of it.
    Eip191 { address: EthAddress, model: String },
}

/// `open_edge`: all that the two agree on.
#[wire(strict)]
#[derive(BorshSerialize)]
pub struct OpenEdge {
    pub acker: AccountId,
    pub asset: Asset,
    /// What either side puts, at least 1,000.
    pub collateral: U128,
    /// What each side pays if the edge is cut, at most the collateral.
    pub cut: U128,
    /// Neither of the two.
    pub cut_to: AccountId,
    /// What the acker owes for each second begun, from a minute after the escalation on.
    pub rate_per_s: U128,
    /// Most that it owes for one request: from the rate up to the collateral.
    pub cap: U128,
    /// How long after its deadline a request can be escalated: 1 minute to 30 days.
    pub window_ms: u64,
    /// At most 366 days ahead.
    pub ends_ms: u64,
    pub asker_key: Ed25519Key,
    pub acker_key: Ed25519Key,
    pub signer: Signer,
    /// Hash of what the acker offered.
    pub offer: Option<Hash32>,
}

/// What an edge's id is made of. The counter is the contract's own, counts channels as well and stands last in both: no id
/// comes back, and none is a channel's.
#[derive(BorshSerialize)]
pub struct EdgeSeed<'a> {
    pub domain: Hash32,
    pub asker: &'a AccountId,
    pub terms: &'a OpenEdge,
    pub open_counter: u64,
}

impl EdgeSeed<'_> {
    pub fn id(&self, sha256: Sha256) -> EdgeId {
        Hash32::of(self, sha256)
    }
}

/// How far an edge has got.
#[wire]
#[derive(Copy)]
pub enum EdgeState {
    /// The acker has not joined.
    Open,
    /// It has, and collateral is missing: in a token only.
    Joined,
    /// Both have put theirs: from here on silence costs.
    Live,
    /// Over for good; the row goes when the last transfer has arrived.
    Ended,
}

/// An edge as views and events show it. Amounts are of its asset.
#[wire]
pub struct Edge {
    pub id: EdgeId,
    pub asker: AccountId,
    pub acker: AccountId,
    pub asset: Asset,
    pub collateral: U128,
    pub cut: U128,
    pub cut_to: AccountId,
    pub rate_per_s: U128,
    pub cap: U128,
    pub window_ms: u64,
    pub ends_ms: u64,
    pub asker_key: Ed25519Key,
    pub acker_key: Ed25519Key,
    pub signer: Signer,
    pub offer: Option<Hash32>,
    pub state: EdgeState,
    /// What is here of either side's collateral.
    pub asker_side: U128,
    pub acker_side: U128,
    /// All late pay there ever was: it is taken from the acker's side.
    pub late: U128,
    /// Late pay that is here still.
    pub asker_due: U128,
    /// What both paid for a cut and is here still.
    pub cut_due: U128,
    /// Escalations that are open.
    pub escalations: u32,
}

/// A request that was escalated, as views and events show it.
#[wire]
pub struct Request {
    pub edge: EdgeId,
    pub counter: u64,
    /// Hash of what is asked.
    pub asked: Hash32,
    pub deadline_ms: u64,
    pub escalated_ms: u64,
    /// Late pay that was taken for it from the acker's side.
    pub late: U128,
    /// While it is, each second begun costs, and the edge can't end.
    pub open: bool,
    pub delivered: Option<Delivered>,
}

/// That there is an answer.
#[wire]
#[derive(Copy)]
pub struct Delivered {
    pub at_ms: u64,
    pub response_hash: Hash32,
}

/// `edge`, `join_edge`, `end_edge`, `cut_edge`. An id is the hash of all that was agreed on: who names it agrees to it.
#[wire(strict)]
#[derive(Copy)]
pub struct EdgeRef {
    pub edge: EdgeId,
}

/// `edges`.
#[wire(strict)]
pub struct Edges {
    pub edges: Vec<EdgeId>,
}

/// `escalate`.
#[wire(strict)]
pub struct Escalate {
    pub edge: EdgeId,
    pub counter: u64,
    /// The request's context root.
    pub asked: Hash32,
    /// The ack's.
    pub deadline_ms: u64,
    pub signature: Signature64,
}

/// `deliver`.
#[wire(strict)]
pub struct Deliver {
    pub edge: EdgeId,
    pub counter: u64,
    pub response_hash: Hash32,
    /// Of the kind that the edge's signer makes.
    pub signature: AnySignature,
}

/// `request`, `claim_late`, `forget_request`.
#[wire(strict)]
#[derive(Copy)]
pub struct RequestRef {
    pub edge: EdgeId,
    pub counter: u64,
}

/// One request and all that is signed about it: messages of a voucher's layout and of other kinds, so that none of them is
/// a voucher. What a message does not use is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// [`Voucher::domain`] of the escrow.
    pub domain: Hash32,
    pub edge: EdgeId,
    /// The request's number on the edge. Its asker uses one once, and its acker signs one ack for it.
    pub counter: u64,
    /// Hash of what is asked.
    pub asked: Hash32,
}

impl Exchange {
    fn message(&self, kind: Kind, expires_at_ms: u64, context_root: Hash32) -> Voucher {
        let Self { domain, edge: channel, counter, .. } = *self;
        Voucher { kind, domain, channel, cumulative: 0, expires_at_ms, counter, context_root }
    }

    /// What the asker signs with its `asker_key`.
    pub fn request(&self) -> Voucher {
        self.message(Kind::Request, 0, self.asked)
    }

    /// What the acker signs with its `acker_key`: it answers until the deadline.
    pub fn ack(&self, deadline_ms: u64, sha256: Sha256) -> Voucher {
        self.message(Kind::Ack, deadline_ms, Hash32(sha256(&self.request().to_bytes())))
    }

    /// What an ed25519 signer signs.
    pub fn response(&self, response_hash: Hash32, sha256: Sha256) -> Voucher {
        let both = [self.asked.0, response_hash.0].concat();
        self.message(Kind::Response, 0, Hash32(sha256(&both)))
    }
}

/// What an EIP-191 signer signs, as NEAR AI Cloud writes it. It names neither edge nor number: a hash of what is asked that
/// comes back would be answered by an old response, so what is asked has something in it that does not.
pub fn response_text(model: &str, asked: Hash32, response_hash: Hash32) -> String {
    format!("{model}:{asked}:{response_hash}")
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::Exchange;
    use crate::Hash32;

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    #[test]
    fn each_message_is_of_a_kind_of_its_own_and_names_the_one_before() {
        let (domain, edge, asked, answered) = (Hash32([1; 32]), Hash32([2; 32]), Hash32([4; 32]), Hash32([6; 32]));
        let exchange = Exchange { domain, edge, counter: 3, asked };
        let messages = [exchange.request(), exchange.ack(5, sha256), exchange.response(answered, sha256)];
        let roots = [asked.0, sha256(&messages[0].to_bytes()), sha256(&[[4_u8; 32], [6; 32]].concat())];
        for (message, (kind, root, expires_at_ms)) in
            messages.iter().zip([(4, roots[0], 0), (5, roots[1], 5), (6, roots[2], 0)])
        {
            assert_eq!(message.to_bytes()[5], kind);
            assert_eq!((message.domain, message.channel, message.context_root.0), (domain, edge, root));
            assert_eq!((message.cumulative, message.counter, message.expires_at_ms), (0, 3, expires_at_ms));
        }
    }
}
