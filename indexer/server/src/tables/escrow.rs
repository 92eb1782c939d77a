//! The escrow's records.

use charter_types::escrow::args::Channels;
use charter_types::escrow::{Channel, Fact};

use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, amount, boolean, bytes, record};
use crate::truth::Truth;
use crate::views;

pub static TABLES: &[&Table] = &[&CHANNEL];

pub static CHANNEL: Table = Table {
    name: "channel",
    contract: Contract::Escrow,
    about: "Payment channels that exist, amounts in yoctoNEAR. A closed one is in event only.",
    key: Key::Fields(&["id"]),
    columns: &[
        bytes("id"),
        account("payer").filter(),
        account("payee").filter(),
        amount("deposited"),
        amount("claimed"),
        amount("paid"),
        boolean("closed"),
    ],
    path: "channels",
    record: record::<Channel>,
    truth: Truth::Batch(|chain, keys| {
        let channels = keys.into_iter().filter_map(|key| key.parse().ok()).collect();
        Box::pin(chain.ask(views::CHANNELS, Channels { channels }))
    }),
};

/// What a fact changes.
pub fn changes(fact: &Fact) -> Vec<Change> {
    match fact {
        // Kept in events alone.
        Fact::Shared(_) => Vec::new(),
        Fact::Channel(channel) => vec![CHANNEL.put(channel)],
        Fact::Claims(rows) => {
            let raised = rows.iter().filter(|row| row.claimed().is_some());
            raised.map(|row| CHANNEL.set(row.0, "claimed", &row.1)).collect()
        }
        Fact::ChannelClosed(id, ..) => vec![CHANNEL.remove(id)],
    }
}
