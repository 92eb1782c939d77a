//! One transaction per step: events, rows, heads and the cursor move together or not at all.

mod entries;
mod rows;
mod stands;

use std::collections::{BTreeMap, BTreeSet};

use charter_types::event::EventHead;
use charter_types::{AccountId, Hash32};
use near_primitives::hash::CryptoHash;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::IndexerError;
use crate::contract::Contract;
use crate::pulse::Pulse;
use crate::table::Change;

pub use entries::{Work, by_halves, note_reason, revive};
pub use rows::{Place, write};
pub use stands::{all_heads, stands};

/// How far the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub height: u64,
    pub hash: CryptoHash,
    /// When the block was made. Unknown in a database that no block was added to since this is kept.
    pub time_ms: Option<u64>,
}

/// The cursor, and which chain it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirrored {
    pub cursor: Cursor,
    /// Escrow's last event that is in the table of payments. A program that does not know that one moves the others on.
    pub payments_seq: u64,
    pub chain_id: String,
    /// Unknown in a database that was made before it was kept.
    pub genesis: Option<CryptoHash>,
    /// Whether the last block was proven by a light client: then its hash tells which chain it is, and names are what
    /// some node said.
    pub proven: bool,
}

/// The contracts' chains of events as far as they are in the tables.
pub type Heads = BTreeMap<Contract, EventHead>;

/// One of our log lines, with its place on the chain.
#[derive(Clone)]
pub struct Entry {
    pub height: u64,
    pub receipt_id: String,
    pub log_index: i32,
    pub contract: Contract,
    /// Its number in the contract's chain of events. `None`: it is in no such chain.
    pub seq: Option<u64>,
    pub log: String,
    /// What it says; or why nobody knows, which makes it a dead letter.
    pub read: Result<Event, String>,
}

/// What an event says.
#[derive(Clone)]
pub struct Event {
    pub name: String,
    pub by: String,
    pub body: Value,
    pub changes: Vec<Change>,
}

/// What a step adds.
#[derive(Default)]
pub struct Batch {
    pub entries: Vec<Entry>,
    pub heads: Heads,
    /// Whether its blocks are proven by a light client; `None`: they are as the last ones before them.
    pub turns: Option<bool>,
    /// Whether the database says that it was committed to whoever listens.
    pub tells: bool,
}

/// Where a server tells other processes how far the tables are.
pub const CHANNEL: &str = "charter_indexed";

/// Postgres has no unsigned numbers. Heights and numbers of events count one by one from where they began, so they fit;
/// what a caller chooses is in wider columns.
pub fn signed(number: u64) -> Result<i64, IndexerError> {
    i64::try_from(number).map_err(|_| IndexerError::TooLarge { number })
}

/// A column with a number that is not negative.
pub fn unsigned(row: &PgRow, column: &'static str) -> Result<u64, IndexerError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| IndexerError::Unreadable { what: column })
}

/// Bytes of a log line.
pub fn log_line(row: &PgRow) -> Result<String, IndexerError> {
    String::from_utf8(row.try_get("log")?).map_err(|_| IndexerError::Unreadable { what: "log" })
}

/// 32 bytes.
fn hash(bytes: Vec<u8>, column: &'static str) -> Result<[u8; 32], IndexerError> {
    bytes.try_into().map_err(|_| IndexerError::Unreadable { what: column })
}

/// A row's chain of events.
pub fn event_head(row: &PgRow) -> Result<EventHead, IndexerError> {
    Ok(EventHead { seq: unsigned(row, "seq")?, head: Hash32(hash(row.try_get("head")?, "head")?) })
}

/// The cursor, if the database has one.
pub async fn mirrored(connection: &mut PgConnection) -> Result<Option<Mirrored>, IndexerError> {
    let text = "select height, hash, time_ms, payments_seq, chain_id, genesis,
                  coalesce((select light from trust_range order by after_height desc limit 1), false) as proven
                from cursor";
    let Some(row) = sqlx::query(text).fetch_optional(connection).await? else { return Ok(None) };
    let time_ms: Option<i64> = row.try_get("time_ms")?;
    let time_ms = time_ms.map(u64::try_from).transpose().map_err(|_| IndexerError::Unreadable { what: "time_ms" })?;
    let (height, hash_of_block) = (unsigned(&row, "height")?, hash(row.try_get("hash")?, "hash")?);
    let cursor = Cursor { height, hash: CryptoHash(hash_of_block), time_ms };
    let genesis: Option<Vec<u8>> = row.try_get("genesis")?;
    let genesis = genesis.map(|bytes| hash(bytes, "genesis").map(CryptoHash)).transpose()?;
    let payments_seq = unsigned(&row, "payments_seq")?;
    let (chain_id, proven) = (row.try_get("chain_id")?, row.try_get("proven")?);
    Ok(Some(Mirrored { cursor, payments_seq, chain_id, genesis, proven }))
}

/// Gives a fresh database its cursor. Where a light client has proven the block, that is noted with it: at the next start
/// names don't count.
pub async fn start_cursor(
    connection: &mut PgConnection,
    chain_id: &str,
    genesis: CryptoHash,
    start: Cursor,
    light: bool,
) -> Result<(), IndexerError> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    if light {
        note_turn(&mut tx, start, light).await?;
    }
    sqlx::query("insert into cursor (height, hash, chain_id, genesis, time_ms) values ($1, $2, $3, $4, $5)")
        .bind(signed(start.height)?)
        .bind(start.hash.as_bytes().as_slice())
        .bind(chain_id)
        .bind(genesis.as_bytes().as_slice())
        .bind(start.time_ms.map(signed).transpose()?)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Notes what a node calls the chain, and its first block.
pub async fn keep_names(
    connection: &mut PgConnection,
    chain_id: &str,
    genesis: CryptoHash,
) -> Result<(), IndexerError> {
    let names = sqlx::query("update cursor set chain_id = $1, genesis = $2").bind(chain_id);
    names.bind(genesis.as_bytes().as_slice()).execute(connection).await?;
    Ok(())
}

/// The contracts' heads; contracts that are not there yet are added.
pub async fn heads(connection: &mut PgConnection, contracts: &[(Contract, AccountId)]) -> Result<Heads, IndexerError> {
    let mut heads = Heads::new();
    for (contract, account) in contracts {
        let name = contract.name();
        sqlx::query("insert into contract (name, account) values ($1, $2) on conflict (name) do nothing")
            .bind(name)
            .bind(account.as_str())
            .execute(&mut *connection)
            .await?;
        let row = sqlx::query("select account, seq, head from contract where name = $1")
            .bind(name)
            .fetch_one(&mut *connection)
            .await?;
        let found: String = row.try_get("account")?;
        if found != account.as_str() {
            return Err(IndexerError::OtherContract { expected: account.to_string(), found });
        }
        heads.insert(*contract, event_head(&row)?);
    }
    Ok(heads)
}

/// Whether the last block in the tables was proven by a light client. `None`: nobody noted it.
pub async fn is_proven(connection: &mut PgConnection) -> Result<Option<bool>, IndexerError> {
    let text = "select light from trust_range order by after_height desc limit 1";
    let row = sqlx::query(text).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get("light")).transpose()?)
}

/// Notes that blocks after this one are proven by a light client, or that they are not.
async fn note_turn(tx: &mut PgConnection, from: Cursor, light: bool) -> Result<(), IndexerError> {
    let text = "insert into trust_range (after_height, light) values ($1, $2)
                on conflict (after_height) do update set light = excluded.light";
    sqlx::query(text).bind(signed(from.height)?).bind(light).execute(tx).await?;
    Ok(())
}

/// How a step's events are written.
#[derive(Clone, Copy)]
enum Care<'a> {
    /// All at once, which is fast.
    Together,
    /// By halves, down to the one that the database refuses: it takes long, so it shows that it goes on.
    ByHalves(&'a Pulse),
}

/// Commits a step. It moves the cursor from where this indexer believes it to be: if another one moved it meanwhile,
/// nothing of the step is kept. An event that the database refuses becomes a dead letter, and the others are kept.
pub async fn commit(
    connection: &mut PgConnection,
    from: Cursor,
    to: Cursor,
    batch: &Batch,
    pulse: &Pulse,
) -> Result<(), IndexerError> {
    match attempt(connection, from, to, batch, Care::Together).await {
        Err(error) if error.is_refusal() => {
            tracing::warn!(%error, "an event of a step is refused; it is looked for");
            attempt(connection, from, to, batch, Care::ByHalves(pulse)).await
        }
        done => done,
    }
}

async fn attempt(
    connection: &mut PgConnection,
    from: Cursor,
    to: Cursor,
    batch: &Batch,
    care: Care<'_>,
) -> Result<(), IndexerError> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    let payments_seq = batch.heads.get(&Contract::Escrow).map_or(0, |head| head.seq);
    // These lines tell whoever ends the process now what it was at: `cargo xtask chaos` reads them.
    tracing::debug!(height = to.height, "a step is written");
    // First, so that of two indexers one waits for the other here and then sees that it is late.
    let moved = sqlx::query(
        "update cursor set height = $1, hash = $2, time_ms = $3, payments_seq = $4 where height = $5 and hash = $6",
    )
    .bind(signed(to.height)?)
    .bind(to.hash.as_bytes().as_slice())
    .bind(to.time_ms.map(signed).transpose()?)
    .bind(signed(payments_seq)?)
    .bind(signed(from.height)?)
    .bind(from.hash.as_bytes().as_slice())
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() != 1 {
        return Err(IndexerError::CursorMoved);
    }
    if let Some(light) = batch.turns {
        note_turn(&mut tx, from, light).await?;
    }
    match care {
        Care::Together => entries::insert(&mut tx, &batch.entries).await?,
        Care::ByHalves(pulse) => entries::insert_by_halves(&mut tx, &batch.entries, pulse).await?,
    }
    // A head moves with an entry alone.
    let told: BTreeSet<Contract> = batch.entries.iter().map(|entry| entry.contract).collect();
    for (contract, head) in batch.heads.iter().filter(|(contract, _)| told.contains(contract)) {
        sqlx::query("update contract set seq = $2, head = $3 where name = $1")
            .bind(contract.name())
            .bind(signed(head.seq)?)
            .bind(head.head.0.as_slice())
            .execute(&mut *tx)
            .await?;
    }
    if batch.tells {
        let tell = sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(to.height.to_string());
        tell.execute(&mut *tx).await?;
    }
    tracing::debug!(height = to.height, "a step is committed");
    tx.commit().await?;
    tracing::debug!(height = to.height, "a step is kept");
    Ok(())
}
