//! The escrow's records.

use charter_types::escrow::args::Channels;
use charter_types::escrow::{Channel, ClaimResult, Fact, PaidRow, PaidTo};

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
        Fact::Claims(rows) => raised(rows),
        Fact::ClaimsPaid { rows, raised: paid_up, due } => {
            let row = |index: &u8| rows.get(usize::from(*index));
            let paid_up = paid_up.iter().filter_map(row).map(|row| CHANNEL.set(row.0, "paid", &row.1));
            let due = due.iter().filter_map(|PaidRow(index, paid)| Some(CHANNEL.set(row(index)?.0, "paid", paid)));
            raised(rows).into_iter().chain(paid_up).chain(due).collect()
        }
        Fact::Paid(channels) => channels.iter().map(|PaidTo(id, paid)| CHANNEL.set(id, "paid", paid)).collect(),
        Fact::ChannelClosed(id, ..) => vec![CHANNEL.remove(id)],
        Fact::ChannelsClosed(ids) => ids.iter().map(|id| CHANNEL.remove(id)).collect(),
    }
}

fn raised(rows: &[ClaimResult]) -> Vec<Change> {
    let raised = rows.iter().filter(|row| row.claimed().is_some());
    raised.map(|row| CHANNEL.set(row.0, "claimed", &row.1)).collect()
}
