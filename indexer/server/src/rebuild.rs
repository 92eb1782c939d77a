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
use crate::decode::{Decoded, decode};
use crate::store::{self, Place};
use crate::table::{Change, Table};
use crate::tables;

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
        "declare told no scroll cursor for select contract, seq, height, event, by_account, log, body from event
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
        store::write(tx, Place::Shadow, &changes).await?;
    }
    sqlx::query("close told").execute(&mut *tx).await?;
    for table in rebuilt_tables() {
        rebuilt.differences.insert(table.name, compare(tx, table).await?);
    }
    Ok(rebuilt)
}

/// Takes up one event: the chain of hashes, its columns, and what it changes.
fn read_event(row: &PgRow, rebuilt: &mut Rebuilt, to: &mut Vec<(u64, Change)>) -> Result<(), IndexerError> {
    let name: String = row.try_get("contract")?;
    let (log, body): (String, Value) = (row.try_get("log")?, row.try_get("body")?);
    let (seq, height) = (store::unsigned(row, "seq")?, store::unsigned(row, "height")?);
    let told = rebuilt.contracts.entry(name.clone()).or_default();
    told.head = EventHead { seq: told.head.seq + 1, head: next_head(&told.head.head, &log, sha256) };
    let event = match Contract::named(&name).map(|contract| decode(contract, &log)) {
        Some(Decoded::Event(event)) => event,
        Some(Decoded::Foreign | Decoded::Unknown { .. }) | None => {
            told.altered.push(format!("event {seq} of {name}: its log can't be read"));
            return Ok(());
        }
    };
    let (event_name, by): (String, String) = (row.try_get("event")?, row.try_get("by_account")?);
    if (event.seq, &event.name, event.by.as_str(), &event.body) != (seq, &event_name, by.as_str(), &body) {
        told.altered.push(format!("event {seq} of {name}: its columns say something else than its log"));
    }
    let ours = changes(&event.fact).into_iter().filter(|change| change.table().truth.needs_events());
    to.extend(ours.map(|change| (height, change)));
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
        let difference = differences.entry(row.try_get("key")?).or_default();
        let side = if row.try_get("ours")? { &mut difference.ours } else { &mut difference.events };
        *side = Some(Version { body: row.try_get("body")?, height: row.try_get("height")? });
    }
    Ok(differences)
}
