//! The escrow's records.

pub mod payment;

use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::escrow::args::{
    Channels, CreatorRef, DrawnRef, EarningsRef, Edges, PurseRef, RequestRef, ReserveOf,
};
use charter_types::escrow::{
    Channel, ClaimResult, Creator, Drawn, Earnings, EarningsRow, Edge, Fact, PaidRow, PaidTo, Purse, Request, Reserve,
};
use serde_json::{Value, json};

use crate::IndexerError;
use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, amount, boolean, bytes, number, record, word};
use crate::tables::registry::{AGENT, OWNER};
use crate::truth::{Row, Truth};
use crate::views::{self, Chain};

pub use payment::PAYMENT;

pub static TABLES: &[&Table] = &[&CHANNEL, &PAYMENT, &PURSE, &DRAW, &RESERVE, &CREATOR, &EARNINGS, &EDGE, &REQUEST];

pub static CHANNEL: Table = Table {
    name: "channel",
    contract: Contract::Escrow,
    about: "Payment channels that exist. Without a token they are in NEAR. A closed one is in event only.",
    key: Key::Fields(&["id"]),
    columns: &[
        bytes("id"),
        account("payer").filter(),
        account("payee").filter(),
        amount("deposited"),
        amount("claimed"),
        amount("paid"),
        boolean("closed"),
        account("token").of("asset.nep141").filter(),
        number("agent").refers(&AGENT).filter(),
        number("purse").filter(),
        number("locked_until_ms"),
    ],
    path: "channels",
    record: record::<Channel>,
    truth: Truth::Batch(|chain, keys| {
        let channels = keys.into_iter().filter_map(|key| key.parse().ok()).collect();
        Box::pin(chain.ask(views::CHANNELS, Channels { channels }))
    }),
};

pub static PURSE: Table = Table {
    name: "purse",
    contract: Contract::Escrow,
    about: "What owners let their agents spend, and the caps. Without a token it is NEAR.",
    key: Key::Fields(&["agent", "owner", "asset"]),
    columns: &[
        number("agent").refers(&AGENT).filter(),
        account("owner").refers(&OWNER).filter(),
        account("token").of("asset.nep141").filter(),
        amount("balance"),
        amount("per_day"),
        amount("per_payee"),
        number("until_ms"),
        number("day"),
        amount("drawn"),
    ],
    path: "purses",
    record: record::<Purse>,
    truth: Truth::One(|chain, row| Box::pin(purse(chain, row))),
};

async fn purse(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([agent, owner, asset]) = row.parts() else { return Ok(None) };
    let (Ok(agent), Ok(owner), Some(asset)) = (agent.parse(), owner.parse(), asset_of(asset)) else { return Ok(None) };
    chain.ask(views::PURSE, PurseRef { agent, owner, asset }).await
}

pub static DRAW: Table = Table {
    name: "draw",
    contract: Contract::Escrow,
    about: "What agents last drew from a purse for each payee, and on which day.",
    key: Key::Fields(&["agent", "owner", "asset", "payee"]),
    columns: &[
        number("agent").refers(&AGENT).filter(),
        account("owner").refers(&OWNER).filter(),
        account("token").of("asset.nep141"),
        account("payee").filter(),
        number("day"),
        amount("amount"),
    ],
    path: "draws",
    record: record::<Drawn>,
    truth: Truth::One(|chain, row| Box::pin(drawn(chain, row))),
};

async fn drawn(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([agent, owner, asset, payee]) = row.parts() else { return Ok(None) };
    let (Ok(agent), Some(asset)) = (agent.parse(), asset_of(asset)) else { return Ok(None) };
    let (Ok(owner), Ok(payee)) = (owner.parse(), payee.parse()) else { return Ok(None) };
    chain.ask(views::DRAWN, DrawnRef { agent, owner, asset, payee }).await
}

pub static RESERVE: Table = Table {
    name: "reserve",
    contract: Contract::Escrow,
    about: "What payees keep for their creators. Without a token it is NEAR. One that has ended is in event only.",
    key: Key::Fields(&["payee", "asset"]),
    columns: &[
        number("number"),
        account("payee").filter(),
        account("token").of("asset.nep141").filter(),
        bytes("root"),
        amount("total"),
        amount("reserved"),
        amount("pulled"),
        number("posted_ms"),
        boolean("ending"),
    ],
    path: "reserves",
    record: record::<Reserve>,
    truth: Truth::One(|chain, row| Box::pin(reserve(chain, row))),
};

async fn reserve(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([payee, asset]) = row.parts() else { return Ok(None) };
    let (Ok(payee), Some(asset)) = (payee.parse(), asset_of(asset)) else { return Ok(None) };
    chain.ask(views::RESERVE_OF, ReserveOf { payee, asset }).await
}

pub static CREATOR: Table = Table {
    name: "creator",
    contract: Contract::Escrow,
    about: "What each creator was sent out of a reserve, by the reserve's number.",
    key: Key::Fields(&["reserve", "account"]),
    columns: &[number("reserve").filter(), account("account").filter(), amount("paid")],
    path: "creators",
    record: record::<Creator>,
    truth: Truth::One(|chain, row| Box::pin(creator(chain, row))),
};

async fn creator(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([reserve, account]) = row.parts() else { return Ok(None) };
    let (Ok(reserve), Ok(account)) = (reserve.parse(), account.parse()) else { return Ok(None) };
    chain.ask(views::CREATOR, CreatorRef { reserve, account }).await
}

pub static EARNINGS: Table = Table {
    name: "earnings",
    contract: Contract::Escrow,
    about: "What arrived at accounts from channels that name an agent. Without a token it is NEAR.",
    key: Key::Fields(&["agent", "account", "asset"]),
    columns: &[
        number("agent").refers(&AGENT).filter(),
        account("account").filter(),
        account("token").of("asset.nep141").filter(),
        amount("earned"),
        number("payments"),
    ],
    path: "earnings",
    record: record::<Earnings>,
    truth: Truth::One(|chain, row| Box::pin(earnings(chain, row))),
};

async fn earnings(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([agent, account, asset]) = row.parts() else { return Ok(None) };
    let (Ok(agent), Ok(account)) = (agent.parse(), account.parse()) else { return Ok(None) };
    let Some(asset) = asset_of(asset) else { return Ok(None) };
    chain.ask(views::EARNINGS, EarningsRef { agent, account, asset }).await
}

/// An asset as keys have it.
pub fn asset_of(text: &str) -> Option<Asset> {
    if text == "near" {
        return Some(Asset::Near);
    }
    text.strip_prefix("nep141:")?.parse().ok().map(Asset::Nep141)
}

pub static EDGE: Table = Table {
    name: "edge",
    contract: Contract::Escrow,
    about: "Who answers whom in time. Without a token it is about NEAR. An edge that is over is in event only.",
    key: Key::Fields(&["id"]),
    columns: &[
        bytes("id"),
        account("asker").filter(),
        account("acker").filter(),
        account("token").of("asset.nep141").filter(),
        word("state").filter(),
        amount("collateral"),
        amount("asker_side"),
        amount("acker_side"),
        amount("late"),
        number("escalations"),
        number("ends_ms"),
    ],
    path: "edges",
    record: record::<Edge>,
    truth: Truth::Batch(|chain, keys| {
        let edges = keys.into_iter().filter_map(|key| key.parse().ok()).collect();
        Box::pin(chain.ask(views::EDGES, Edges { edges }))
    }),
};

pub static REQUEST: Table = Table {
    name: "request",
    contract: Contract::Escrow,
    about: "Requests that were escalated, until they are forgotten.",
    key: Key::Fields(&["edge", "counter"]),
    columns: &[
        bytes("edge").refers(&EDGE).filter(),
        number("counter"),
        number("deadline_ms"),
        number("escalated_ms"),
        amount("late"),
        boolean("open").filter(),
        number("delivered_ms").of("delivered.at_ms"),
    ],
    path: "requests",
    record: record::<Request>,
    truth: Truth::One(|chain, row| Box::pin(request(chain, row))),
};

async fn request(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([edge, counter]) = row.parts() else { return Ok(None) };
    let (Ok(edge), Ok(counter)) = (edge.parse(), counter.parse()) else { return Ok(None) };
    chain.ask(views::REQUEST, RequestRef { edge, counter }).await
}

/// What a fact changes.
pub fn changes(fact: &Fact) -> Vec<Change> {
    match fact {
        // Kept in events alone.
        Fact::Shared(_) | Fact::Denied { .. } => Vec::new(),
        Fact::Channel(channel) => payment::put(channel).into(),
        Fact::Claims(rows) => raised(rows),
        Fact::ClaimsPaid { rows, raised: paid_up, due } => {
            let row = |index: &u8| rows.get(usize::from(*index));
            let paid_up = paid_up.iter().filter_map(row).flat_map(|row| payment::paid(&row.0, &row.1));
            let due = due.iter().filter_map(|PaidRow(index, paid)| Some(payment::paid(&row(index)?.0, paid)));
            let due = due.flatten();
            raised(rows).into_iter().chain(paid_up).chain(due).collect()
        }
        Fact::Paid(channels) => channels.iter().flat_map(|PaidTo(id, paid)| payment::paid(id, paid)).collect(),
        Fact::ChannelClosed(id, ..) => vec![CHANNEL.remove(id)],
        Fact::ChannelsClosed(ids) => ids.iter().map(|id| CHANNEL.remove(id)).collect(),
        Fact::Purse(purse) => vec![PURSE.put(purse)],
        Fact::PurseEnded(purse) => vec![PURSE.remove_of(purse)],
        Fact::Drawn(drawn) => vec![DRAW.put(drawn)],
        Fact::DrawsForgotten { agent, owner, asset, payees } => {
            let of = |payee| json!({ "agent": agent, "owner": owner, "asset": asset, "payee": payee });
            payees.iter().map(|payee| DRAW.remove_of(of(payee))).collect()
        }
        Fact::Reserve(reserve) => vec![RESERVE.put(reserve)],
        Fact::ReserveEnded { payee, asset, .. } => {
            vec![RESERVE.remove_of(json!({ "payee": payee, "asset": asset }))]
        }
        Fact::Creator(creator) => vec![CREATOR.put(creator)],
        Fact::CreatorsForgotten { reserve, accounts } => {
            accounts.iter().map(|account| CREATOR.remove(format!("{reserve}/{account}"))).collect()
        }
        Fact::EarningsEnded { agent, account, asset } => {
            let (agent, account, asset) = (*agent, account.clone(), asset.clone());
            vec![EARNINGS.remove_of(EarningsRef { agent, account, asset })]
        }
        Fact::Earnings { account, asset, rows } => rows.iter().map(|row| earned(account, asset, *row)).collect(),
        Fact::Edge(edge) => vec![EDGE.put(edge)],
        Fact::EdgeEnded(id) => vec![EDGE.remove(id)],
        Fact::Request(request) => vec![REQUEST.put(request)],
        Fact::RequestForgotten { edge, counter } => vec![REQUEST.remove(format!("{edge}/{counter}"))],
    }
}

fn raised(rows: &[ClaimResult]) -> Vec<Change> {
    let raised = rows.iter().filter(|row| row.claimed().is_some());
    raised.map(|row| CHANNEL.set(row.0, "claimed", &row.1)).collect()
}

fn earned(account: &AccountId, asset: &Asset, EarningsRow(agent, earned, payments): EarningsRow) -> Change {
    EARNINGS.put(Earnings { agent, account: account.clone(), asset: asset.clone(), earned, payments })
}
