//! What channels sent. The contract forgets a channel that is over; who ranks agents by who paid them does not.

use charter_types::asset::Asset;
use charter_types::escrow::{Channel, ChannelId};
use charter_types::registry::AgentId;
use charter_types::{AccountId, U128};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, amount, number, record};
use crate::tables::registry::AGENT;
use crate::truth::Truth;

use super::CHANNEL;

pub static PAYMENT: Table = Table {
    name: "payment",
    contract: Contract::Escrow,
    about: "What each channel has sent its payee. The row stays when the channel is gone. Without a token it is NEAR.",
    key: Key::Fields(&["channel"]),
    columns: &[
        account("payer").filter(),
        account("payee").filter(),
        account("token").of("asset.nep141").filter(),
        number("agent").refers(&AGENT).filter(),
        amount("paid"),
    ],
    path: "payments",
    record: record::<Payment>,
    truth: Truth::Rebuild,
};

/// What a channel has sent its payee.
#[derive(Serialize, JsonSchema)]
pub struct Payment {
    channel: ChannelId,
    payer: AccountId,
    payee: AccountId,
    asset: Asset,
    /// The payee's agent that earns this money, as the payer says.
    agent: Option<AgentId>,
    /// What was sent and did not come back, without what went to shares.
    paid: U128,
}

/// A channel as it is now.
pub fn put(channel: &Channel) -> [Change; 2] {
    let payment = Payment {
        channel: channel.id,
        payer: channel.payer.clone(),
        payee: channel.payee.clone(),
        asset: channel.asset.clone(),
        agent: channel.agent,
        paid: channel.paid,
    };
    [CHANNEL.put(channel), PAYMENT.put(payment)]
}

/// Of a channel that is there, what its payee was sent in all. What was told last of one that is gone had arrived.
pub fn paid(channel: &ChannelId, paid: impl Serialize + Copy) -> [Change; 2] {
    [CHANNEL.set(channel, "paid", paid), PAYMENT.set(channel, "paid", paid)]
}
