//! Arguments of the contract's methods; `claim_batch` takes [`super::ClaimBatch`] in borsh.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

pub use super::edge::{Deliver, EdgeRef, Edges, Escalate, OpenEdge, RequestRef};
use super::{ChannelId, EdgeId, Split};
use crate::asset::Asset;
use crate::registry::AgentId;
use crate::{AccountId, Ed25519Key, Hash32, U128};

/// `new`.
#[wire(strict)]
pub struct Setup {
    /// Admin until governance takes over.
    pub account: AccountId,
    /// Nobody: the one named `registry` below the same account. Left out then: releases before 0007 know none.
    #[cfg_attr(not(near), serde(skip_serializing_if = "Option::is_none"))]
    pub registry: Option<AccountId>,
}

/// What may be left out is, where it says nothing: releases before 0007 don't know it.
#[wire(strict)]
pub struct Open {
    pub payee: AccountId,
    #[wire(default)]
    #[cfg_attr(not(near), serde(skip_serializing_if = "Asset::is_near"))]
    pub asset: Asset,
    pub voucher_key: Ed25519Key,
    pub withdraw_delay_ms: u64,
    /// The payee's agent that earns this money.
    pub agent: Option<AgentId>,
    #[wire(default)]
    #[cfg_attr(not(near), serde(skip_serializing_if = "is_zero"))]
    pub locked_until_ms: u64,
    #[wire(default)]
    #[cfg_attr(not(near), serde(skip_serializing_if = "Vec::is_empty"))]
    pub splits: Vec<Split>,
    /// Hash of what the payee offered.
    #[cfg_attr(not(near), serde(skip_serializing_if = "Option::is_none"))]
    pub offer: Option<Hash32>,
}

#[cfg(not(near))]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Open {
    /// A channel in NEAR with nothing that may be left out.
    pub fn new(payee: AccountId, voucher_key: Ed25519Key, withdraw_delay_ms: u64) -> Self {
        Self {
            payee,
            asset: Asset::Near,
            voucher_key,
            withdraw_delay_ms,
            agent: None,
            locked_until_ms: 0,
            splits: Vec::new(),
            offer: None,
        }
    }
}

/// `channel`, `top_up`, `close`, `request_close`, `cancel_close`, `finalize_close`.
#[wire(strict)]
#[derive(Copy)]
pub struct ChannelRef {
    pub channel: ChannelId,
}

/// `withdraw`, `reserve`, `channels`.
#[wire(strict)]
pub struct Channels {
    pub channels: Vec<ChannelId>,
}

#[wire(strict)]
#[derive(Copy)]
pub struct ExtendLock {
    pub channel: ChannelId,
    pub locked_until_ms: u64,
}

#[wire(strict)]
pub struct Distribute {
    pub channel: ChannelId,
    /// The terms, as the channel was opened with them.
    #[wire(default)]
    pub splits: Vec<Split>,
    pub offer: Option<Hash32>,
    /// Of the splits, by index.
    pub shares: Vec<u8>,
}

/// What `ft_transfer_call` says that its tokens are for.
#[wire(strict)]
pub enum TransferMsg {
    TopUp {
        channel: ChannelId,
    },
    /// The sender's.
    Purse {
        agent: AgentId,
    },
    Edge {
        edge: EdgeId,
    },
}

/// `totals`, `end_root`.
#[wire(strict)]
#[derive(Default)]
pub struct OfAsset {
    #[wire(default)]
    pub asset: Asset,
}

/// `fill_purse` and `empty_purse`, of the caller's purse; `open_earnings`, `end_earnings`, `sync_reputation`.
#[wire(strict)]
pub struct OfAgent {
    pub agent: AgentId,
    #[wire(default)]
    pub asset: Asset,
}

#[wire(strict)]
pub struct SetCaps {
    pub agent: AgentId,
    #[wire(default)]
    pub asset: Asset,
    pub per_day: U128,
    pub per_payee: U128,
    pub until_ms: u64,
}

/// `purse`.
#[wire(strict)]
pub struct PurseRef {
    pub agent: AgentId,
    pub owner: AccountId,
    #[wire(default)]
    pub asset: Asset,
}

#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Draw {
    pub agent: AgentId,
    #[wire(default)]
    pub asset: Asset,
    pub amount: U128,
    pub to: DrawTo,
}

/// Where the money goes.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum DrawTo {
    Open(OpenDrawn),
    /// A channel that came out of the same purse.
    TopUp(ChannelId),
}

/// [`Open`] without the asset, which is the purse's.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct OpenDrawn {
    pub payee: AccountId,
    pub voucher_key: Ed25519Key,
    pub withdraw_delay_ms: u64,
    pub agent: Option<AgentId>,
    #[wire(default)]
    pub locked_until_ms: u64,
    #[wire(default)]
    pub splits: Vec<Split>,
    pub offer: Option<Hash32>,
}

impl OpenDrawn {
    pub fn of(self, asset: Asset) -> Open {
        let Self { payee, voucher_key, withdraw_delay_ms, agent, locked_until_ms, splits, offer } = self;
        Open { payee, asset, voucher_key, withdraw_delay_ms, agent, locked_until_ms, splits, offer }
    }
}

/// `drawn`.
#[wire(strict)]
pub struct DrawnRef {
    pub agent: AgentId,
    pub owner: AccountId,
    #[wire(default)]
    pub asset: Asset,
    pub payee: AccountId,
}

#[wire(strict)]
pub struct ForgetDraws {
    pub agent: AgentId,
    pub owner: AccountId,
    #[wire(default)]
    pub asset: Asset,
    pub payees: Vec<AccountId>,
}

#[wire(strict)]
pub struct PostRoot {
    #[wire(default)]
    pub asset: Asset,
    pub root: Hash32,
    pub total: U128,
}

#[wire(strict)]
pub struct Pull {
    pub payee: AccountId,
    #[wire(default)]
    pub asset: Asset,
    /// The creator, and all it was ever owed.
    pub account: AccountId,
    pub amount: U128,
    /// Siblings from the leaf up.
    pub proof: Vec<Hash32>,
}

/// `reserve_of`.
#[wire(strict)]
pub struct ReserveOf {
    pub payee: AccountId,
    #[wire(default)]
    pub asset: Asset,
}

#[wire(strict)]
pub struct ForgetCreators {
    /// The number of the reserve.
    pub reserve: u64,
    pub accounts: Vec<AccountId>,
}

/// `creator`.
#[wire(strict)]
pub struct CreatorRef {
    pub reserve: u64,
    pub account: AccountId,
}

/// `earnings`.
#[wire(strict)]
pub struct EarningsRef {
    pub agent: AgentId,
    pub account: AccountId,
    #[wire(default)]
    pub asset: Asset,
}
