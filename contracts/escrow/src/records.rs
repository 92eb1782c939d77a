//! How records stand in storage. A layout never changes: a record that does gets a version, see `charter_common::stored`.

use charter_common::{layout, stored};
use charter_types::{AccountId, Ed25519Key};

use crate::model::Channel;

stored!(StoredChannel: 0 = ChannelV1);

layout! {
    struct ChannelV1 for Channel {
        payer: AccountId,
        payee: AccountId,
        agent: Option<u64>,
        voucher_key: Ed25519Key,
        deposited: u128,
        claimed: u128,
        paid: u128,
        refunded: u128,
        withdraw_delay_ms: u64,
        closes_ms: u64,
        closed: bool,
        transfers_open: u8,
    }
}
