//! What tables are by their events: temporary tables, written by the very code that writes the tables themselves.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::part::{ROWS_PER_PART, keys};
use crate::IndexerError;
use crate::escape::{undo, undo_json};
use crate::store::{self, Place};
use crate::table::{Change, Table};

/// A row as it is on one side, with the block that changed it last.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub body: Value,
    pub height: i64,
}

/// A row that is another in the table than its events say, or on one side only.
#[derive(Debug)]
pub struct Difference {
    pub key: String,
    pub ours: Option<Version>,
    pub events: Option<Version>,
}

/// What came of comparing a range of keys.
#[derive(Default)]
pub struct Compared {
    pub rows: u64,
    pub differences: Vec<Difference>,
    /// Its last key, as the database holds it. `None`: no more keys come.
    pub to: Option<String>,
}

pub struct Shadows {
    /// Tables that have one. Those of which no event tells and that have no row need none.
    made: BTreeSet<&'static str>,
    /// Whether they are read in later transactions, too.
    stay: bool,
}

impl Shadows {
    pub fn new(stay: bool) -> Self {
        Self { made: BTreeSet::new(), stay }
    }

    async fn make(&mut self, tx: &mut PgConnection, table: &'static Table) -> Result<(), IndexerError> {
        if !self.made.insert(table.name) {
            return Ok(());
        }
        let (name, end) = (Place::Shadow.name(table), if self.stay { "preserve rows" } else { "drop" });
        let text = format!(
            "create temporary table {name} (key text primary key, body jsonb not null, height bigint not null)
             on commit {end}"
        );
        sqlx::query(AssertSqlSafe(text)).execute(tx).await?;
        Ok(())
    }

    /// Changes of events, in their order.
    pub async fn write(&mut self, tx: &mut PgConnection, changes: &[(u64, Change)]) -> Result<(), IndexerError> {
        for (_, change) in changes {
            self.make(tx, change.table()).await?;
        }
        let changes: Vec<_> = changes.iter().map(|(height, change)| (*height, change)).collect();
        store::write(tx, Place::Shadow, &changes).await
    }

    /// Compares the table with its shadow in both directions, from behind a key on.
    pub async fn compare(
        &mut self,
        tx: &mut PgConnection,
        table: &'static Table,
        after: Option<&str>,
    ) -> Result<Compared, IndexerError> {
        if !self.made.contains(table.name) && !is_filled(tx, table).await? {
            return Ok(Compared::default());
        }
        self.make(tx, table).await?;
        let to = last_key(tx, table, after).await?;
        let part = keys(after, to.as_deref());
        let (mirror, shadow) = (Place::Mirror.name(table), Place::Shadow.name(table));
        let text = format!(
            "select coalesce(ours.key, told.key) as key, ours.body as ours, ours.height as ours_height,
               told.body as told, told.height as told_height
             from (select key, body, height from {mirror} where {part}) as ours
             full join (select key, body, height from {shadow} where {part}) as told on told.key = ours.key
             where ours.body is distinct from told.body or ours.height is distinct from told.height"
        );
        let rows = sqlx::query(AssertSqlSafe(text)).bind(after).bind(to.as_deref()).fetch_all(&mut *tx).await?;
        let differences = rows.iter().map(difference).collect::<Result<Vec<_>, _>>()?;
        let text = format!("select count(*) as rows from {mirror} where {part}");
        let ours = sqlx::query(AssertSqlSafe(text)).bind(after).bind(to.as_deref()).fetch_one(tx).await?;
        let missing = differences.iter().filter(|difference| difference.ours.is_none()).count();
        let missing = u64::try_from(missing).expect("a length fits into 64 bits");
        Ok(Compared { rows: store::unsigned(&ours, "rows")? + missing, differences, to })
    }
}

async fn is_filled(tx: &mut PgConnection, table: &Table) -> Result<bool, IndexerError> {
    let text = format!("select exists (select 1 from {}) as filled", Place::Mirror.name(table));
    Ok(sqlx::query(AssertSqlSafe(text)).fetch_one(tx).await?.try_get("filled")?)
}

/// Where a range of keys ends, whichever side has them. `None`: with the last one.
async fn last_key(tx: &mut PgConnection, table: &Table, after: Option<&str>) -> Result<Option<String>, IndexerError> {
    let (more, before) = (keys(after, None), ROWS_PER_PART - 1);
    let (mirror, shadow) = (Place::Mirror.name(table), Place::Shadow.name(table));
    let text = format!(
        "select key from (
           (select key from {mirror} where {more} order by key limit {ROWS_PER_PART})
           union
           (select key from {shadow} where {more} order by key limit {ROWS_PER_PART})
         ) as known order by key offset {before} limit 1"
    );
    let row = sqlx::query(AssertSqlSafe(text)).bind(after).bind(None::<&str>).fetch_optional(tx).await?;
    Ok(row.map(|row| row.try_get("key")).transpose()?)
}

fn difference(row: &PgRow) -> Result<Difference, sqlx::Error> {
    let ours = version(row.try_get("ours")?, row.try_get("ours_height")?);
    let events = version(row.try_get("told")?, row.try_get("told_height")?);
    Ok(Difference { key: undo(row.try_get("key")?).into_owned(), ours, events })
}

fn version(body: Option<Value>, height: Option<i64>) -> Option<Version> {
    Some(Version { body: undo_json(body?), height: height? })
}
