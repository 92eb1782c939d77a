//! Arguments of the contract's methods; `claim_batch` takes [`super::ClaimBatch`] in borsh.

use charter_derive::wire;

use super::ChannelId;
use crate::{AccountId, Ed25519Key};

#[wire(strict)]
pub struct Open {
    pub payee: AccountId,
    pub agent: Option<u64>,
    pub voucher_key: Ed25519Key,
    pub withdraw_delay_ms: u64,
}

/// `channel`, `top_up`, `close`, `request_close`, `cancel_close`, `finalize_close`.
#[wire(strict)]
#[derive(Copy)]
pub struct ChannelRef {
    pub channel: ChannelId,
}

/// `withdraw`.
#[wire(strict)]
pub struct Channels {
    pub channels: Vec<ChannelId>,
}
