//! One transaction per step: events, rows, heads and the cursor move together or not at all.

use std::collections::BTreeMap;

use charter_types::event::EventHead;
use charter_types::{AccountId, Hash32};
use near_primitives::hash::CryptoHash;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::IndexerError;
use crate::contract::Contract;
use crate::table::{Change, Table};

/// How far the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub height: u64,
    pub hash: CryptoHash,
}

/// The contracts' chains of events as far as they are in the tables.
pub type Heads = BTreeMap<Contract, EventHead>;

/// An event ready to be stored.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    pub height: u64,
    pub receipt_id: String,
    pub log_index: i32,
    pub contract: Contract,
    pub seq: u64,
    pub name: String,
    pub by: String,
    pub log: String,
    pub body: Value,
}

/// A log of ours that could not be read.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    pub height: u64,
    pub receipt_id: String,
    pub log_index: i32,
    pub contract: Contract,
    pub reason: String,
    pub log: String,
}

/// What a step adds.
#[derive(Default)]
pub struct Batch {
    pub events: Vec<StoredEvent>,
    pub dead_letters: Vec<DeadLetter>,
    pub changes: Vec<(u64, Change)>,
    pub heads: Heads,
}

/// Postgres has no unsigned numbers.
pub fn signed(number: u64) -> Result<i64, IndexerError> {
    i64::try_from(number).map_err(|_| IndexerError::TooLarge { number })
}

/// A column with a number that is not negative.
pub fn unsigned(row: &PgRow, column: &'static str) -> Result<u64, IndexerError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| IndexerError::Unreadable { what: column })
}

/// A column with 32 bytes.
fn hash(row: &PgRow, column: &'static str) -> Result<[u8; 32], IndexerError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    bytes.try_into().map_err(|_| IndexerError::Unreadable { what: column })
}

/// A row's chain of events.
pub fn event_head(row: &PgRow) -> Result<EventHead, IndexerError> {
    Ok(EventHead { seq: unsigned(row, "seq")?, head: Hash32(hash(row, "head")?) })
}

/// The cursor and the id of its chain, if the database has one.
pub async fn cursor(connection: &mut PgConnection) -> Result<Option<(Cursor, String)>, IndexerError> {
    let row = sqlx::query("select height, hash, chain_id from cursor").fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let cursor = Cursor { height: unsigned(&row, "height")?, hash: CryptoHash(hash(&row, "hash")?) };
    Ok(Some((cursor, row.try_get("chain_id")?)))
}

/// Gives a fresh database its cursor.
pub async fn start_cursor(connection: &mut PgConnection, chain_id: &str, start: Cursor) -> Result<(), IndexerError> {
    sqlx::query("insert into cursor (height, hash, chain_id) values ($1, $2, $3)")
        .bind(signed(start.height)?)
        .bind(start.hash.as_bytes().as_slice())
        .bind(chain_id)
        .execute(connection)
        .await?;
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
            return Err(IndexerError::OtherChain { expected: account.to_string(), found });
        }
        heads.insert(*contract, event_head(&row)?);
    }
    Ok(heads)
}

/// Commits a step. The last statement moves the cursor from where this indexer believes it to be: if another one moved
/// it meanwhile, nothing of the step is kept.
pub async fn commit(
    connection: &mut PgConnection,
    from: Cursor,
    to: Cursor,
    batch: &Batch,
) -> Result<(), IndexerError> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    insert_events(&mut tx, &batch.events).await?;
    for letter in &batch.dead_letters {
        insert_dead_letter(&mut tx, letter).await?;
    }
    write(&mut tx, Place::Mirror, &batch.changes).await?;
    for (contract, head) in &batch.heads {
        sqlx::query("update contract set seq = $2, head = $3 where name = $1")
            .bind(contract.name())
            .bind(signed(head.seq)?)
            .bind(head.head.0.as_slice())
            .execute(&mut *tx)
            .await?;
    }
    let moved = sqlx::query("update cursor set height = $1, hash = $2 where height = $3 and hash = $4")
        .bind(signed(to.height)?)
        .bind(to.hash.as_bytes().as_slice())
        .bind(signed(from.height)?)
        .bind(from.hash.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
    if moved.rows_affected() != 1 {
        return Err(IndexerError::CursorMoved);
    }
    tx.commit().await?;
    Ok(())
}

async fn insert_events(tx: &mut PgConnection, events: &[StoredEvent]) -> Result<(), IndexerError> {
    if events.is_empty() {
        return Ok(());
    }
    let texts = |pick: &dyn Fn(&StoredEvent) -> String| events.iter().map(pick).collect::<Vec<_>>();
    let numbers =
        |pick: fn(&StoredEvent) -> u64| events.iter().map(|event| signed(pick(event))).collect::<Result<Vec<_>, _>>();
    sqlx::query(
        "insert into event (height, receipt_id, log_index, contract, seq, event, by_account, log, body)
         select * from unnest($1::bigint[], $2::text[], $3::integer[], $4::text[], $5::bigint[], $6::text[], $7::text[],
           $8::text[], $9::jsonb[])",
    )
    .bind(numbers(|event| event.height)?)
    .bind(texts(&|event| event.receipt_id.clone()))
    .bind(events.iter().map(|event| event.log_index).collect::<Vec<_>>())
    .bind(texts(&|event| event.contract.name().to_owned()))
    .bind(numbers(|event| event.seq)?)
    .bind(texts(&|event| event.name.clone()))
    .bind(texts(&|event| event.by.clone()))
    .bind(texts(&|event| event.log.clone()))
    .bind(events.iter().map(|event| event.body.clone()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_dead_letter(tx: &mut PgConnection, letter: &DeadLetter) -> Result<(), IndexerError> {
    sqlx::query(
        "insert into dead_letter (height, receipt_id, log_index, contract, reason, log) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(signed(letter.height)?)
    .bind(&letter.receipt_id)
    .bind(letter.log_index)
    .bind(letter.contract.name())
    .bind(&letter.reason)
    .bind(&letter.log)
    .execute(tx)
    .await?;
    Ok(())
}

/// Where rows are written.
#[derive(Clone, Copy)]
pub enum Place {
    /// The tables themselves.
    Mirror,
    /// Temporary tables that are made again from events.
    Shadow,
}

impl Place {
    /// What a table is called there.
    pub fn name(self, table: &Table) -> String {
        match self {
            Self::Mirror => table.name.to_owned(),
            Self::Shadow => format!("shadow_{}", table.name),
        }
    }
}

/// What is left of a row after all changes of a step.
enum Final {
    Put(u64, Value),
    Remove,
}

/// Rows of one table after all changes of a step, by key.
type Finals = BTreeMap<String, Final>;

/// Changes, each with the height of its block, coalesced per row; then one statement per table and kind.
pub async fn write(tx: &mut PgConnection, place: Place, changes: &[(u64, Change)]) -> Result<(), IndexerError> {
    let mut tables: BTreeMap<&'static str, (&'static Table, Finals)> = BTreeMap::new();
    for (height, change) in changes {
        let table = change.table();
        let (_, rows) = tables.entry(table.name).or_insert_with(|| (table, Finals::new()));
        match change {
            Change::Put { key, body, .. } => {
                rows.insert(key.clone(), Final::Put(*height, body.clone()));
            }
            Change::Remove { key, .. } => {
                rows.insert(key.clone(), Final::Remove);
            }
            Change::Set { key, field, value, .. } => {
                if !rows.contains_key(key)
                    && let Some(body) = load(tx, place, table, key).await?
                {
                    rows.insert(key.clone(), Final::Put(*height, body));
                }
                if let Some(Final::Put(at, body)) = rows.get_mut(key) {
                    body[*field] = value.clone();
                    *at = *height;
                }
            }
        }
    }
    for (table, rows) in tables.into_values() {
        write_table(tx, place, table, rows).await?;
    }
    Ok(())
}

async fn load(tx: &mut PgConnection, place: Place, table: &Table, key: &str) -> Result<Option<Value>, IndexerError> {
    // Names of tables come from descriptors, never from data.
    let text = format!("select body from {} where key = $1", place.name(table));
    let row = sqlx::query(AssertSqlSafe(text)).bind(key).fetch_optional(tx).await?;
    Ok(row.map(|row| row.try_get("body")).transpose()?)
}

async fn write_table(tx: &mut PgConnection, place: Place, table: &Table, rows: Finals) -> Result<(), IndexerError> {
    let name = place.name(table);
    let (mut keys, mut bodies, mut heights, mut gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (key, last) in rows {
        match last {
            Final::Put(height, body) => {
                keys.push(key);
                bodies.push(body);
                heights.push(signed(height)?);
            }
            Final::Remove => gone.push(key),
        }
    }
    if !keys.is_empty() {
        let text = format!(
            "insert into {name} (key, body, height) select * from unnest($1::text[], $2::jsonb[], $3::bigint[])
             on conflict (key) do update set body = excluded.body, height = excluded.height"
        );
        sqlx::query(AssertSqlSafe(text)).bind(keys).bind(bodies).bind(heights).execute(&mut *tx).await?;
    }
    if !gone.is_empty() {
        let text = format!("delete from {name} where key = any($1)");
        sqlx::query(AssertSqlSafe(text)).bind(gone).execute(tx).await?;
    }
    Ok(())
}
