//! Tables made again from events, for records that no view lists.
//!
//! The logs of all events are read in order, which also gives the hash that a contract's `event_head` must be. What they
//! change is written to temporary tables, by the very code that writes the tables themselves, and compared with these.

use std::collections::BTreeMap;

use charter_client::sha256;
use charter_types::event::{EventHead, next_head};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::IndexerError;
use crate::apply::changes;
use crate::contract::Contract;
use crate::decode::{Decoded, decode, read};
use crate::escape::{undo, undo_json};
use crate::store::{self, Place};
use crate::table::{Change, Table};
use crate::tables;
use crate::tables::escrow::PAYMENT;

/// Events read at once.
const EVENTS_PER_READ: u64 = 2_000;

/// A row as it is on one side, with the block that changed it last.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub body: Value,
    pub height: i64,
}

/// A row that is another in the table than its events say, or on one side only.
#[derive(Debug, Default)]
pub struct Difference {
    pub ours: Option<Version>,
    pub events: Option<Version>,
}

/// What the events of one contract say.
#[derive(Default)]
pub struct Told {
    /// How many there are, and the hash over their logs.
    pub head: EventHead,
    /// Events whose columns say something else than their logs, in words.
    pub altered: Vec<String>,
}

/// What all events say.
#[derive(Default)]
pub struct Rebuilt {
    /// By the contract's name in `event`.
    pub contracts: BTreeMap<String, Told>,
    /// By table, then by key.
    pub differences: BTreeMap<&'static str, BTreeMap<String, Difference>>,
}

fn rebuilt_tables() -> impl Iterator<Item = &'static Table> {
    tables::all().filter(|table| table.truth.needs_events())
}

/// Makes tables again within a transaction and compares them.
pub async fn rebuild(tx: &mut PgConnection) -> Result<Rebuilt, IndexerError> {
    for table in rebuilt_tables() {
        let name = Place::Shadow.name(table);
        let text = format!(
            "create temporary table {name} (key text primary key, body jsonb not null, height bigint not null)
             on commit drop"
        );
        sqlx::query(AssertSqlSafe(text)).execute(&mut *tx).await?;
    }
    let mut rebuilt = Rebuilt::default();
    sqlx::query(
        "declare told no scroll cursor for
         select contract, seq, height, log, event, by_account, body, true as applied from event
         union all
         select contract, seq, height, log, null, null, null, false from dead_letter where seq is not null
         order by contract, seq",
    )
    .execute(&mut *tx)
    .await?;
    loop {
        let text = format!("fetch {EVENTS_PER_READ} from told");
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&mut *tx).await?;
        if rows.is_empty() {
            break;
        }
        let mut changes = Vec::new();
        for row in &rows {
            read_event(row, &mut rebuilt, &mut changes)?;
        }
        let changes: Vec<_> = changes.iter().map(|(height, change)| (*height, change)).collect();
        store::write(tx, Place::Shadow, &changes).await?;
    }
    sqlx::query("close told").execute(&mut *tx).await?;
    for table in rebuilt_tables() {
        rebuilt.differences.insert(table.name, compare(tx, table).await?);
    }
    Ok(rebuilt)
}

/// Takes up one event: the chain of hashes, its columns, and what it changes. A dead letter is in that chain and changes
/// nothing.
fn read_event(row: &PgRow, rebuilt: &mut Rebuilt, to: &mut Vec<(u64, Change)>) -> Result<(), IndexerError> {
    let name: String = row.try_get("contract")?;
    // Bytes that are no text are not what the contract wrote, and neither is what they become here: the hash tells.
    let log = String::from_utf8_lossy(row.try_get("log")?).into_owned();
    let (seq, height) = (store::unsigned(row, "seq")?, store::unsigned(row, "height")?);
    let told = rebuilt.contracts.entry(name.clone()).or_default();
    told.head = EventHead { seq: told.head.seq + 1, head: next_head(&told.head.head, &log, sha256) };
    if !row.try_get::<bool, _>("applied")? {
        return Ok(());
    }
    let event = match Contract::named(&name).map(|contract| decode(contract, &log)) {
        Some(Decoded::Event(event)) => event,
        Some(Decoded::Foreign | Decoded::Unknown { .. } | Decoded::Garbled { .. }) | None => {
            told.altered.push(format!("event {seq} of {name}: its log can't be read"));
            return Ok(());
        }
    };
    let (event_name, by): (&str, &str) = (row.try_get("event")?, row.try_get("by_account")?);
    let body = undo_json(row.try_get("body")?);
    if (event.seq, event.name.as_str(), event.by.as_str(), &event.body) != (seq, &undo(event_name), by, &body) {
        told.altered.push(format!("event {seq} of {name}: its columns say something else than its log"));
    }
    let ours = changes(&event.fact).into_iter().filter(|change| change.table().truth.needs_events());
    to.extend(ours.map(|change| (height, change)));
    Ok(())
}

/// Makes tables of a contract again from its events, in their place.
pub async fn remake(tx: &mut PgConnection, contract: Contract, tables: &[&'static Table]) -> Result<(), IndexerError> {
    for table in tables {
        sqlx::query(AssertSqlSafe(format!("delete from {}", table.name))).execute(&mut *tx).await?;
    }
    let mut after = 0;
    loop {
        let rows =
            sqlx::query("select seq, height, log from event where contract = $1 and seq > $2 order by seq limit $3")
                .bind(contract.name())
                .bind(store::signed(after)?)
                .bind(store::signed(EVENTS_PER_READ)?)
                .fetch_all(&mut *tx)
                .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = store::unsigned(last, "seq")?;
        let mut wanted = Vec::new();
        for row in &rows {
            let height = store::unsigned(row, "height")?;
            let Ok(event) = read(contract, &store::log_line(row)?) else { continue };
            let ours = event.changes.into_iter();
            let ours = ours.filter(|change| tables.iter().any(|table| table.name == change.table().name));
            wanted.extend(ours.map(|change| (height, change)));
        }
        let changes: Vec<_> = wanted.iter().map(|(height, change)| (*height, change)).collect();
        store::write(tx, Place::Mirror, &changes).await?;
    }
}

/// Makes [`PAYMENT`] again, unless it stands where the events of escrow do: in a database of before it rows are
/// missing, and in one that an indexer of before went on with some are old.
pub async fn fill_payments(connection: &mut PgConnection) -> Result<(), IndexerError> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    sqlx::query("set local statement_timeout = 0").execute(&mut *tx).await?;
    // Another indexer at work waits here.
    sqlx::query("select 1 from cursor for update").execute(&mut *tx).await?;
    let text = "select payments_seq, coalesce((select seq from contract where name = $1), 0) as seq from cursor";
    let stands = sqlx::query(text).bind(Contract::Escrow.name()).fetch_one(&mut *tx).await?;
    let seq = store::unsigned(&stands, "seq")?;
    if store::unsigned(&stands, "payments_seq")? != seq {
        remake(&mut tx, Contract::Escrow, &[&PAYMENT]).await?;
        sqlx::query("update cursor set payments_seq = $1").bind(store::signed(seq)?).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Rows of a table that its events do not tell of, and the other way round.
async fn compare(tx: &mut PgConnection, table: &Table) -> Result<BTreeMap<String, Difference>, IndexerError> {
    let text = format!(
        "select true as ours, key, body, height
         from (select key, body, height from {mirror} except select key, body, height from {shadow}) as extra
         union all
         select false, key, body, height
         from (select key, body, height from {shadow} except select key, body, height from {mirror}) as missing",
        mirror = Place::Mirror.name(table),
        shadow = Place::Shadow.name(table),
    );
    let mut differences: BTreeMap<String, Difference> = BTreeMap::new();
    for row in sqlx::query(AssertSqlSafe(text)).fetch_all(tx).await? {
        let difference = differences.entry(undo(row.try_get("key")?).into_owned()).or_default();
        let side = if row.try_get("ours")? { &mut difference.ours } else { &mut difference.events };
        *side = Some(Version { body: undo_json(row.try_get("body")?), height: row.try_get("height")? });
    }
    Ok(differences)
}
