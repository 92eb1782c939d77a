//! What is known of the chain itself: events, heads, the node, and the last comparison.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::belief::{Belief, VerifiedHead};
use super::parameters::Parameters;
use super::problem::Problem;
use super::snapshot::Snapshot;
use super::{Api, Reply};
use crate::IndexerError;
use crate::anchor::{self, Anchored, Standing};
use crate::contract::Contract;
use crate::escape::{escape, undo, undo_json};
use crate::letters::UnknownVersion;
use crate::light::{self, Verified, Which};
use crate::store::Mirrored;
use crate::{letters, store};

/// Blocks that the tables may be behind and still count as current.
pub const LAG_BLOCKS_MAX: u64 = 100;

/// One event.
#[derive(Serialize, JsonSchema)]
pub struct Event {
    seq: u64,
    height: u64,
    receipt_id: String,
    pub event: String,
    /// Who caused it.
    by: String,
    /// Whether its log and its block are proven by the light client; else they are under the head that a node named.
    proven: bool,
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

/// Whether an event's block was proven: as the blocks of its range were.
pub const PROVEN: &str = "coalesce((select light from trust_range where after_height < event.height
                                order by after_height desc limit 1), false)";

/// A row of events, as it is served.
pub fn event(row: &PgRow) -> Result<Event, IndexerError> {
    Ok(Event {
        seq: store::unsigned(row, "seq")?,
        height: store::unsigned(row, "height")?,
        receipt_id: row.try_get("receipt_id")?,
        event: undo(row.try_get("event")?).into_owned(),
        by: row.try_get("by_account")?,
        proven: row.try_get("proven")?,
        new: undo_json(row.try_get("body")?),
    })
}

/// One of the contracts.
pub fn contract(name: &str) -> Result<Contract, Problem> {
    let unknown = || Problem::bad(format!("contract is one of {}", Contract::ALL.map(Contract::name).join(", ")));
    Contract::named(name).ok_or_else(unknown)
}

/// Events of one contract (registry, keys, governance or escrow) after a sequence number, or the newest first.
pub async fn events(State(api): State<Api>, parameters: Parameters) -> Reply {
    parameters.only(&["contract", "event", "after", "limit", "order"])?;
    let (limit, order) = (parameters.limit()?, parameters.order()?);
    let contract = contract(parameters.get("contract").unwrap_or_default())?;
    let number = |text: &str| {
        text.parse::<u64>().map_err(|_| Problem::bad(format!("after is a number from 0 to 2^64-1, not {text}")))
    };
    let after = parameters.get("after").map(number).transpose()?;
    // Numbers count one by one from 1, so nothing comes behind what is more than a column holds.
    let after = after.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
    let name = parameters.get("event").map(escape);
    let place = if after.is_some() { format!("seq {} $2", order.beyond()) } else { "$2::bigint is null".to_owned() };
    let named = if name.is_some() { "event = $3" } else { "$3::text is null" };
    let text = format!(
        "select seq, height, receipt_id, event, by_account, body, {PROVEN} as proven from event
         where contract = $1 and {place} and {named} order by seq {order} limit $4",
        order = order.word(),
    );
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(contract.name())
        .bind(after)
        .bind(name)
        .bind(limit + 1)
        .fetch_all(snapshot.connection())
        .await?;
    let shown = usize::try_from(limit).expect("a limit is at most 100").min(rows.len());
    let items = rows[..shown].iter().map(event).collect::<Result<Vec<_>, _>>()?;
    let next = items.last().filter(|_| rows.len() > shown).map(|last| last.seq);
    snapshot.answer(Events { items, next }).await
}

/// The last comparison of the tables with the contracts.
#[derive(Serialize, JsonSchema)]
pub struct Verification {
    /// Its number: the next comparison has a higher one.
    run: u64,
    /// The block at which it began.
    height: u64,
    /// The block of what was compared last.
    to_height: u64,
    /// How long ago it ended, milliseconds.
    pub age_ms: u64,
    /// Rows and events compared.
    pub rows: u64,
    pub mismatches: u64,
    /// Events that could not be read or applied.
    dead_letters: u64,
    /// The first mismatches, in words.
    detail: Value,
}

pub async fn last_verification(connection: &mut PgConnection) -> Result<Option<Verification>, Problem> {
    let text = "select id, height, coalesce(to_height, height) as to_height, rows, mismatches, dead_letters, detail,
                  greatest(extract(epoch from clock_timestamp() - finished_at) * 1000, 0)::bigint as age_ms
                from verify_run order by id desc limit 1";
    let Some(row) = sqlx::query(text).fetch_optional(connection).await? else { return Ok(None) };
    let number = |column| store::unsigned(&row, column);
    Ok(Some(Verification {
        run: number("id")?,
        height: number("height")?,
        to_height: number("to_height")?,
        age_ms: number("age_ms")?,
        rows: number("rows")?,
        mismatches: number("mismatches")?,
        dead_letters: number("dead_letters")?,
        detail: undo_json(row.try_get("detail")?),
    }))
}

/// The last comparison of the tables with the contracts, if there was one, and what is proven of what is in them.
#[derive(Serialize, JsonSchema)]
pub struct Assurance {
    #[serde(flatten)]
    comparison: Option<Verification>,
    belief: Belief,
}

/// The last comparison of the tables with the contracts, if there was one, and what is proven of what is in them.
pub async fn verification(State(api): State<Api>, parameters: Parameters) -> Reply {
    parameters.only(&[])?;
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let comparison = last_verification(snapshot.connection()).await?;
    let belief = Belief::read(snapshot.connection()).await?;
    snapshot.answer(Assurance { comparison, belief }).await
}

/// A contract that is mirrored.
#[derive(Serialize, JsonSchema)]
pub struct Mirror {
    pub name: String,
    account: String,
    /// Number of its last event.
    pub events: u64,
}

/// How far the tables are, and of which contracts.
#[derive(Serialize, JsonSchema)]
pub struct Status {
    chain_id: Option<String>,
    /// Hash of the chain's first block.
    genesis: Option<String>,
    /// The block that the tables stand for; `null`: the database is empty.
    pub height: Option<u64>,
    /// How old that block is, milliseconds, by its own time and the clock here. If the node's head is as old, it is a
    /// node that stands still, or keeps the newest blocks back.
    pub age_ms: Option<u64>,
    /// The node's newest final block; `null`: nobody asks a node. With a light client: the newest that is proven.
    pub head: Option<u64>,
    /// How many blocks the tables are behind the node.
    pub lag_blocks: Option<u64>,
    /// The newest block that a light client has verified. `null`: the node is believed, or was always.
    pub verified_head: Option<VerifiedHead>,
    /// Of several nodes that are asked, how far the furthest is.
    pub furthest: Option<u64>,
    /// What is wrong with the node.
    pub trouble: Option<String>,
    /// Events that could not be read or applied.
    pub dead_letters: u64,
    pub contracts: Vec<Mirror>,
    /// Up to which block no event of a contract is missing, by what it answered to a transaction.
    pub anchors: Vec<Anchored>,
}

/// How long ago a time was.
pub fn age_ms(time_ms: u64) -> Option<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    // A chain that was made to run ahead has blocks of tomorrow.
    Some(u64::try_from(now.as_millis()).ok()?.saturating_sub(time_ms))
}

impl Status {
    pub async fn read(api: &Api, snapshot: &mut Snapshot) -> Result<Self, Problem> {
        let seen = api.watch.seen();
        let mirrored = snapshot.mirrored().await?;
        let height = mirrored.as_ref().map(|mirrored| mirrored.cursor.height);
        let lag = |(head, height): (u64, u64)| head.saturating_sub(height);
        let rows = sqlx::query("select name, account, seq from contract order by name");
        let rows = rows.fetch_all(snapshot.connection()).await?;
        let item = |row: &PgRow| -> Result<Mirror, Problem> {
            let (name, account) = (row.try_get("name")?, row.try_get("account")?);
            Ok(Mirror { name, account, events: store::unsigned(row, "seq")? })
        };
        let genesis = |mirrored: &Mirrored| mirrored.genesis.map(|hash| hash.to_string());
        let verified: Option<Verified> = light::verified(snapshot.connection(), Which::Newest).await?;
        Ok(Self {
            age_ms: mirrored.as_ref().and_then(|mirrored| mirrored.cursor.time_ms).and_then(age_ms),
            genesis: mirrored.as_ref().and_then(genesis),
            chain_id: mirrored.map(|mirrored| mirrored.chain_id),
            height,
            head: seen.head,
            lag_blocks: seen.head.zip(height).map(lag),
            verified_head: verified.as_ref().map(VerifiedHead::from),
            furthest: seen.furthest,
            trouble: seen.other_chain.or(seen.trouble),
            dead_letters: letters::count(snapshot.connection()).await?,
            contracts: rows.iter().map(item).collect::<Result<Vec<_>, _>>()?,
            anchors: anchor::list(snapshot.connection()).await?,
        })
    }

    /// Why answers are not those of now.
    fn obstacle(&self) -> Option<String> {
        let behind = self.lag_blocks.filter(|lag| *lag > LAG_BLOCKS_MAX);
        let behind = behind.map(|lag| format!("the tables are {lag} blocks behind the node"));
        let empty = self.height.is_none().then(|| "the database is empty".to_owned());
        self.trouble.clone().or(empty).or(behind).or_else(|| self.stale()).or_else(|| self.withheld())
    }

    /// Whether another node has blocks that the one that is asked does not show.
    fn stale(&self) -> Option<String> {
        let (furthest, head) = self.furthest.zip(self.head)?;
        let more = furthest.checked_sub(head).filter(|more| *more > LAG_BLOCKS_MAX)?;
        let why = "lags, or keeps them back";
        Some(format!("another node shows {more} blocks more than the one that is asked, which {why}"))
    }

    /// Whether events are missing that a contract had by its own word.
    fn withheld(&self) -> Option<String> {
        let missing = |anchor: &&Anchored| matches!(anchor.state, Standing::Withheld | Standing::Differs);
        let Anchored { contract, events, height, .. } = self.anchors.iter().find(missing)?;
        Some(format!("{contract} had {events} events at block {height}, and they are not those in the tables"))
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
    /// How old that block is, milliseconds.
    age_ms: Option<u64>,
    head: Option<u64>,
    lag_blocks: Option<u64>,
    /// The newest block that a light client has verified, and how old it is. `null`: the node is believed.
    verified_head: Option<VerifiedHead>,
    /// Of several nodes that are asked, how far the furthest is.
    furthest: Option<u64>,
    /// Up to which block no event of a contract is missing, by what it answered to a transaction.
    anchors: Vec<Anchored>,
    /// Events that could not be read or applied.
    dead_letters: u64,
    /// Versions of events that this program does not know: a contract was upgraded, and a newer program is due.
    unknown_versions: Vec<UnknownVersion>,
    verification: Option<Verification>,
}

/// Whether answers are those of now: 503 and why, if the node has another chain or does not answer, or the tables are
/// far behind it.
pub async fn ready(State(api): State<Api>) -> Reply {
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let status = Status::read(&api, &mut snapshot).await?;
    let verification = last_verification(snapshot.connection()).await?;
    let unknown_versions = letters::unknown_versions(snapshot.connection()).await?;
    let obstacle = status.obstacle();
    let Status { height, age_ms, head, lag_blocks, verified_head, furthest, anchors, dead_letters, .. } = status;
    let ready = Ready {
        ready: obstacle.is_none(),
        height,
        age_ms,
        head,
        lag_blocks,
        verified_head,
        furthest,
        anchors,
        dead_letters,
        unknown_versions,
        verification,
    };
    let Some(why) = obstacle else { return snapshot.answer(ready).await };
    let more = match json!(ready) {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    Ok(Problem::not_ready(why, more).into_response())
}
