//! What is known of the chain itself: events, heads, the node, and the last comparison.

use axum::extract::State;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, Row};

use super::parameters::Parameters;
use super::problem::Problem;
use super::snapshot::Snapshot;
use super::{Api, Reply};
use crate::contract::Contract;
use crate::escape::{escape, undo, undo_json};
use crate::store::Mirrored;
use crate::{letters, store};

/// Blocks that the tables may be behind and still count as current.
const LAG_BLOCKS_MAX: u64 = 100;

/// One event.
#[derive(Serialize, JsonSchema)]
pub struct Event {
    seq: u64,
    height: u64,
    receipt_id: String,
    event: String,
    /// Who caused it.
    by: String,
    /// The new value.
    new: Value,
}

/// A page of events.
#[derive(Serialize, JsonSchema)]
pub struct Events {
    items: Vec<Event>,
    /// `after` of the next page, if there is one.
    next: Option<u64>,
}

/// Events of one contract (registry, keys, governance or escrow) after a sequence number.
pub async fn events(State(api): State<Api>, parameters: Parameters) -> Reply {
    parameters.only(&["contract", "event", "after", "limit"])?;
    let limit = parameters.limit()?;
    let contract = parameters.get("contract").and_then(Contract::named);
    let unknown = || Problem::bad(format!("contract is one of {}", Contract::ALL.map(Contract::name).join(", ")));
    let contract = contract.ok_or_else(unknown)?;
    let after = parameters.get("after").unwrap_or("0");
    let after: u64 =
        after.parse().map_err(|_| Problem::bad(format!("after is a number from 0 to 2^64-1, not {after}")))?;
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let rows = sqlx::query(
        "select seq, height, receipt_id, event, by_account, body from event
         where contract = $1 and seq > $2::text::numeric and ($3::text is null or event = $3) order by seq limit $4",
    )
    .bind(contract.name())
    .bind(after.to_string())
    .bind(parameters.get("event").map(escape))
    .bind(limit + 1)
    .fetch_all(snapshot.connection())
    .await?;
    let item = |row: &sqlx::postgres::PgRow| -> Result<Event, Problem> {
        Ok(Event {
            seq: store::unsigned(row, "seq")?,
            height: store::unsigned(row, "height")?,
            receipt_id: row.try_get("receipt_id")?,
            event: undo(row.try_get("event")?).into_owned(),
            by: row.try_get("by_account")?,
            new: undo_json(row.try_get("body")?),
        })
    };
    let shown = usize::try_from(limit).expect("a limit is at most 100").min(rows.len());
    let items = rows[..shown].iter().map(item).collect::<Result<Vec<_>, _>>()?;
    let next = items.last().filter(|_| rows.len() > shown).map(|last| last.seq);
    snapshot.answer(Events { items, next }).await
}

/// The last comparison of the tables with the contracts.
#[derive(Serialize, JsonSchema)]
pub struct Verification {
    height: u64,
    /// Rows and events compared.
    rows: u64,
    mismatches: u64,
    /// Events that could not be read or applied.
    dead_letters: u64,
    /// The first mismatches, in words.
    detail: Value,
}

async fn last_verification(connection: &mut PgConnection) -> Result<Option<Verification>, Problem> {
    let text = "select height, rows, mismatches, dead_letters, detail from verify_run order by id desc limit 1";
    let Some(row) = sqlx::query(text).fetch_optional(connection).await? else { return Ok(None) };
    let number = |column| store::unsigned(&row, column);
    Ok(Some(Verification {
        height: number("height")?,
        rows: number("rows")?,
        mismatches: number("mismatches")?,
        dead_letters: number("dead_letters")?,
        detail: undo_json(row.try_get("detail")?),
    }))
}

/// The last comparison of the tables with the contracts, or `null`.
pub async fn verification(State(api): State<Api>, parameters: Parameters) -> Reply {
    parameters.only(&[])?;
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let last = last_verification(snapshot.connection()).await?;
    snapshot.answer(last).await
}

/// A contract that is mirrored.
#[derive(Serialize, JsonSchema)]
pub struct Mirror {
    name: String,
    account: String,
    /// Number of its last event.
    events: u64,
}

/// How far the tables are, and of which contracts.
#[derive(Serialize, JsonSchema)]
pub struct Status {
    chain_id: Option<String>,
    /// Hash of the chain's first block.
    genesis: Option<String>,
    /// The block that the tables stand for; `null`: the database is empty.
    height: Option<u64>,
    /// The node's newest final block; `null`: nobody asks a node.
    head: Option<u64>,
    /// How many blocks the tables are behind the node.
    lag_blocks: Option<u64>,
    /// What is wrong with the node.
    trouble: Option<String>,
    /// Events that could not be read or applied.
    dead_letters: u64,
    contracts: Vec<Mirror>,
}

impl Status {
    async fn read(api: &Api, snapshot: &mut Snapshot) -> Result<Self, Problem> {
        let seen = api.watch.seen();
        let mirrored = snapshot.mirrored().await?;
        let height = mirrored.as_ref().map(|mirrored| mirrored.cursor.height);
        let lag = |(head, height): (u64, u64)| head.saturating_sub(height);
        let rows = sqlx::query("select name, account, seq from contract order by name");
        let rows = rows.fetch_all(snapshot.connection()).await?;
        let item = |row: &sqlx::postgres::PgRow| -> Result<Mirror, Problem> {
            let (name, account) = (row.try_get("name")?, row.try_get("account")?);
            Ok(Mirror { name, account, events: store::unsigned(row, "seq")? })
        };
        let genesis = |mirrored: &Mirrored| mirrored.genesis.map(|hash| hash.to_string());
        Ok(Self {
            genesis: mirrored.as_ref().and_then(genesis),
            chain_id: mirrored.map(|mirrored| mirrored.chain_id),
            height,
            head: seen.head,
            lag_blocks: seen.head.zip(height).map(lag),
            trouble: seen.other_chain.or(seen.trouble),
            dead_letters: letters::count(snapshot.connection()).await?,
            contracts: rows.iter().map(item).collect::<Result<Vec<_>, _>>()?,
        })
    }

    /// Why answers are not those of now.
    fn obstacle(&self) -> Option<String> {
        let behind = self.lag_blocks.filter(|lag| *lag > LAG_BLOCKS_MAX);
        let behind = behind.map(|lag| format!("the tables are {lag} blocks behind the node"));
        let empty = self.height.is_none().then(|| "the database is empty".to_owned());
        self.trouble.clone().or(empty).or(behind)
    }
}

/// How far the tables are, and of which contracts.
pub async fn status(State(api): State<Api>, parameters: Parameters) -> Reply {
    parameters.only(&[])?;
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let status = Status::read(&api, &mut snapshot).await?;
    snapshot.answer(status).await
}

/// Whether answers are those of now.
#[derive(Serialize, JsonSchema)]
pub struct Ready {
    ready: bool,
    height: Option<u64>,
    head: Option<u64>,
    lag_blocks: Option<u64>,
    verification: Option<Verification>,
}

/// Whether answers are those of now: 503 and why, if the node has another chain or does not answer, or the tables are far
/// behind it.
pub async fn ready(State(api): State<Api>) -> Reply {
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let status = Status::read(&api, &mut snapshot).await?;
    let verification = last_verification(snapshot.connection()).await?;
    let obstacle = status.obstacle();
    let Status { height, head, lag_blocks, .. } = status;
    let ready = Ready { ready: obstacle.is_none(), height, head, lag_blocks, verification };
    let Some(why) = obstacle else { return snapshot.answer(ready).await };
    let more = match json!(ready) {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    Ok(Problem::not_ready(why, more).into_response())
}
