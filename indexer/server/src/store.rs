//! One transaction per step: events, rows, heads and the cursor move together or not at all.

use std::collections::BTreeMap;

use charter_types::{AccountId, Hash32};
use near_primitives::hash::CryptoHash;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::IndexerError;
use crate::apply::Change;

/// How far the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub height: u64,
    pub hash: CryptoHash,
}

/// A contract's chain of events as far as it is in the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: u64,
    pub head: Hash32,
}

/// An event ready to be stored.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    pub height: u64,
    pub receipt_id: String,
    pub log_index: i32,
    pub contract: &'static str,
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
    pub contract: &'static str,
    pub reason: String,
    pub log: String,
}

/// What a step adds.
#[derive(Default)]
pub struct Batch {
    pub events: Vec<StoredEvent>,
    pub dead_letters: Vec<DeadLetter>,
    pub changes: Vec<(u64, Change)>,
    pub heads: BTreeMap<&'static str, Head>,
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The cursor and the id of its chain, if the database has one.
pub async fn cursor(connection: &mut PgConnection) -> Result<Option<(Cursor, String)>, IndexerError> {
    let row = sqlx::query("select height, hash, chain_id from cursor").fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let height: i64 = row.try_get("height")?;
    let hash: Vec<u8> = row.try_get("hash")?;
    let hash = CryptoHash::try_from(hash.as_slice()).unwrap_or_default();
    Ok(Some((Cursor { height: u64::try_from(height).unwrap_or(0), hash }, row.try_get("chain_id")?)))
}

/// Gives a fresh database its cursor.
pub async fn start_cursor(connection: &mut PgConnection, chain_id: &str, start: Cursor) -> Result<(), IndexerError> {
    sqlx::query("insert into cursor (height, hash, chain_id) values ($1, $2, $3)")
        .bind(signed(start.height))
        .bind(start.hash.as_bytes().as_slice())
        .bind(chain_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// The contracts' heads; contracts that are not there yet are added.
pub async fn heads(
    connection: &mut PgConnection,
    contracts: &[(&'static str, AccountId)],
) -> Result<BTreeMap<&'static str, Head>, IndexerError> {
    let mut heads = BTreeMap::new();
    for (name, account) in contracts {
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
        let seq: i64 = row.try_get("seq")?;
        let head: Vec<u8> = row.try_get("head")?;
        let head = Hash32(head.try_into().unwrap_or_default());
        heads.insert(*name, Head { seq: u64::try_from(seq).unwrap_or(0), head });
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
    apply(&mut tx, &batch.changes).await?;
    for (name, head) in &batch.heads {
        sqlx::query("update contract set seq = $2, head = $3 where name = $1")
            .bind(name)
            .bind(signed(head.seq))
            .bind(head.head.0.as_slice())
            .execute(&mut *tx)
            .await?;
    }
    let moved = sqlx::query("update cursor set height = $1, hash = $2 where height = $3 and hash = $4")
        .bind(signed(to.height))
        .bind(to.hash.as_bytes().as_slice())
        .bind(signed(from.height))
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
    let column = |pick: &dyn Fn(&StoredEvent) -> String| events.iter().map(pick).collect::<Vec<_>>();
    sqlx::query(
        "insert into event (height, receipt_id, log_index, contract, seq, event, by_account, log, body)
         select * from unnest($1::bigint[], $2::text[], $3::integer[], $4::text[], $5::bigint[], $6::text[], $7::text[],
           $8::text[], $9::jsonb[])",
    )
    .bind(events.iter().map(|event| signed(event.height)).collect::<Vec<_>>())
    .bind(column(&|event| event.receipt_id.clone()))
    .bind(events.iter().map(|event| event.log_index).collect::<Vec<_>>())
    .bind(column(&|event| event.contract.to_owned()))
    .bind(events.iter().map(|event| signed(event.seq)).collect::<Vec<_>>())
    .bind(column(&|event| event.name.clone()))
    .bind(column(&|event| event.by.clone()))
    .bind(column(&|event| event.log.clone()))
    .bind(events.iter().map(|event| event.body.clone()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_dead_letter(tx: &mut PgConnection, letter: &DeadLetter) -> Result<(), IndexerError> {
    sqlx::query(
        "insert into dead_letter (height, receipt_id, log_index, contract, reason, log) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(signed(letter.height))
    .bind(&letter.receipt_id)
    .bind(letter.log_index)
    .bind(letter.contract)
    .bind(&letter.reason)
    .bind(&letter.log)
    .execute(tx)
    .await?;
    Ok(())
}

/// What is left of a row after all changes of a step.
enum Final {
    Put(u64, Value),
    Remove,
}

/// Changes coalesced per row, then one statement per table and kind.
async fn apply(tx: &mut PgConnection, changes: &[(u64, Change)]) -> Result<(), IndexerError> {
    let mut rows: BTreeMap<(&'static str, String), Final> = BTreeMap::new();
    for (height, change) in changes {
        match change {
            Change::Put { table, key, body } => {
                rows.insert((table, key.clone()), Final::Put(*height, body.clone()));
            }
            Change::Remove { table, key } => {
                rows.insert((table, key.clone()), Final::Remove);
            }
            Change::Set { table, key, field, value } => {
                let place = (*table, key.clone());
                if !rows.contains_key(&place)
                    && let Some(body) = load(tx, table, key).await?
                {
                    rows.insert(place.clone(), Final::Put(*height, body));
                }
                if let Some(Final::Put(at, body)) = rows.get_mut(&place) {
                    body[*field] = value.clone();
                    *at = *height;
                }
            }
        }
    }
    let mut tables: BTreeMap<&'static str, Vec<(String, Final)>> = BTreeMap::new();
    for ((table, key), last) in rows {
        tables.entry(table).or_default().push((key, last));
    }
    for (table, rows) in tables {
        write_table(tx, table, rows).await?;
    }
    Ok(())
}

async fn load(tx: &mut PgConnection, table: &str, key: &str) -> Result<Option<Value>, IndexerError> {
    // Table names come from `apply.rs`, never from data.
    let text = format!("select body from {table} where key = $1");
    let row = sqlx::query(AssertSqlSafe(text)).bind(key).fetch_optional(tx).await?;
    Ok(row.map(|row| row.try_get("body")).transpose()?)
}

async fn write_table(
    tx: &mut PgConnection,
    table: &'static str,
    rows: Vec<(String, Final)>,
) -> Result<(), IndexerError> {
    let mut keys = Vec::new();
    let mut bodies = Vec::new();
    let mut heights = Vec::new();
    let mut gone = Vec::new();
    for (key, last) in rows {
        match last {
            Final::Put(height, body) => {
                keys.push(key);
                bodies.push(body);
                heights.push(signed(height));
            }
            Final::Remove => gone.push(key),
        }
    }
    if !keys.is_empty() {
        let text = format!(
            "insert into {table} (key, body, height) select * from unnest($1::text[], $2::jsonb[], $3::bigint[])
             on conflict (key) do update set body = excluded.body, height = excluded.height"
        );
        sqlx::query(AssertSqlSafe(text)).bind(keys).bind(bodies).bind(heights).execute(&mut *tx).await?;
    }
    if !gone.is_empty() {
        let text = format!("delete from {table} where key = any($1)");
        sqlx::query(AssertSqlSafe(text)).bind(gone).execute(tx).await?;
    }
    Ok(())
}
