//! Dead letters: events of ours that could not be read or applied.
//!
//! The indexer goes on without them, so rows may be missing or old until a later version of this program, which can read
//! them, tries again. Since an event carries the full new value, one that comes late must not overwrite what came after it:
//! the tables it changes are made again from all their events.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::IndexerError;
use crate::contract::Contract;
use crate::decode::{self, VERSION};
use crate::escape::undo;
use crate::pulse::Pulse;
use crate::rebuild::remake;
use crate::store::{self, Entry};
use crate::table::Table;

/// An event that is in no table but that of dead letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    pub height: u64,
    pub receipt_id: String,
    pub contract: String,
    /// Its number in the contract's chain of events. `null`: nobody can say whether it is in one.
    pub seq: Option<u64>,
    pub reason: String,
    pub log: String,
}

/// What trying again came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Retried {
    pub applied: u64,
    pub left: u64,
}

const COLUMNS: &str = "select height, receipt_id, log_index, contract, seq, reason, log from dead_letter";

/// All dead letters, in the order of the chain.
pub async fn list(pool: &PgPool) -> Result<Vec<Letter>, IndexerError> {
    let text = format!("{COLUMNS} order by height, contract, seq, receipt_id, log_index");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(pool).await?;
    rows.iter().map(letter).collect()
}

fn letter(row: &PgRow) -> Result<Letter, IndexerError> {
    let seq: Option<i64> = row.try_get("seq")?;
    Ok(Letter {
        height: store::unsigned(row, "height")?,
        receipt_id: row.try_get("receipt_id")?,
        contract: row.try_get("contract")?,
        seq: seq.map(u64::try_from).transpose().map_err(|_| IndexerError::Unreadable { what: "seq" })?,
        reason: undo(row.try_get("reason")?).into_owned(),
        log: store::log_line(row)?,
    })
}

/// How many there are.
pub async fn count(connection: &mut PgConnection) -> Result<u64, IndexerError> {
    let row = sqlx::query("select count(*) as letters from dead_letter").fetch_one(connection).await?;
    store::unsigned(&row, "letters")
}

/// A version of events that nobody knows here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnknownVersion {
    pub contract: String,
    /// As the events have it, in JSON.
    pub version: String,
    pub events: u64,
}

/// Versions that are told of: a contract has one, and before an upgrade another.
const VERSIONS_MAX: u32 = 20;

/// Versions of events that could not be read, and how many there are of each.
pub async fn unknown_versions(connection: &mut PgConnection) -> Result<Vec<UnknownVersion>, IndexerError> {
    let text = format!(
        "select contract, substr(reason, {place}) as version, count(*) as events from dead_letter
         where reason like '{VERSION}%' group by contract, reason order by contract, reason limit {VERSIONS_MAX}",
        place = VERSION.len() + 1,
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(connection).await?;
    let known = |row: &PgRow| -> Result<UnknownVersion, IndexerError> {
        let (contract, version) = (row.try_get("contract")?, undo(row.try_get("version")?).into_owned());
        Ok(UnknownVersion { contract, version, events: store::unsigned(row, "events")? })
    };
    rows.iter().map(known).collect()
}

/// Tries all of them again. Those that can be applied now become events, whole or not at all; the others stay, with the
/// reason of today.
pub async fn retry(pool: &PgPool) -> Result<Retried, IndexerError> {
    let mut tx = pool.begin().await?;
    for unlimited in ["set local statement_timeout = 0", "set local lock_timeout = 0"] {
        sqlx::query(unlimited).execute(&mut *tx).await?;
    }
    // An indexer at work waits here: while tables are made again, nothing new gets in.
    sqlx::query("select 1 from cursor for update").execute(&mut *tx).await?;
    let before = count(&mut tx).await?;
    let text = format!("{COLUMNS} where seq is not null order by contract, seq");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut *tx).await?;
    let entries = rows.iter().filter_map(|row| entry(row).transpose()).collect::<Result<Vec<_>, _>>()?;
    let (readable, unreadable): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.read.is_ok());
    for entry in &unreadable {
        if let Err(reason) = &entry.read {
            store::note_reason(&mut tx, entry, reason).await?;
        }
    }
    let work: store::Work = |tx, part| Box::pin(apply(tx, part));
    for refused in store::by_halves(&mut tx, &readable, work, &Pulse::default()).await? {
        store::note_reason(&mut tx, refused.entry, &refused.reason).await?;
    }
    let left = count(&mut tx).await?;
    tx.commit().await?;
    Ok(Retried { applied: before - left, left })
}

/// A letter as the indexer read it, read again. `None`: the contract is no more.
fn entry(row: &PgRow) -> Result<Option<Entry>, IndexerError> {
    let Letter { height, receipt_id, contract, seq, log, .. } = letter(row)?;
    let Some(contract) = Contract::named(&contract) else { return Ok(None) };
    let read = decode::read(contract, &log);
    Ok(Some(Entry { height, receipt_id, log_index: row.try_get("log_index")?, contract, seq, log, read }))
}

/// Makes letters events, and what they change as if they had been from the start.
async fn apply(tx: &mut PgConnection, entries: &[Entry]) -> Result<(), IndexerError> {
    let mut changed: BTreeMap<&str, (Contract, &'static Table)> = BTreeMap::new();
    for entry in entries {
        let Ok(event) = &entry.read else { continue };
        store::revive(tx, entry, event).await?;
        for change in &event.changes {
            changed.insert(change.table().name, (entry.contract, change.table()));
        }
    }
    for contract in Contract::ALL {
        let tables: Vec<_> =
            changed.values().filter(|(owner, _)| *owner == contract).map(|(_, table)| *table).collect();
        if !tables.is_empty() {
            remake(tx, contract, &tables, &Pulse::default()).await?;
        }
    }
    Ok(())
}
