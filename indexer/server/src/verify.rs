//! Compares the tables with the contracts, both at the block of the cursor.

mod check;

use std::collections::BTreeMap;

use charter_client::{At, Contracts, Rpc};
use charter_types::event::EventHead;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

use crate::IndexerError;
use crate::rebuild::{Rebuilt, rebuild};
use crate::store::{self, Cursor};
use crate::table::Table;
use crate::tables;
use crate::truth::Rows;
use crate::views::Chain;
use check::Check;

/// The result of one comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub height: u64,
    /// Rows and events compared.
    pub rows: u64,
    pub mismatches: u64,
    /// The first mismatches, in words.
    pub detail: Vec<String>,
}

/// Mismatches described one by one; more are only counted.
const DETAIL_MAX: usize = 20;

/// Everything in the tables, read under one transaction.
struct Mirror {
    cursor: Cursor,
    tables: BTreeMap<&'static str, Rows>,
    /// What `contract` says of each chain of events, by name.
    heads: BTreeMap<String, EventHead>,
    rebuilt: Rebuilt,
}

/// Compares every table with its truth at the cursor's block. `None`: the database is still empty.
pub async fn verify(pool: &PgPool, rpc: &Rpc, contracts: &Contracts) -> Result<Option<Report>, IndexerError> {
    let mut connection = pool.acquire().await?;
    let Some(mirror) = Mirror::read(&mut connection).await? else { return Ok(None) };
    // The connection goes back before the chain is asked: with the embedded database there is only one.
    drop(connection);
    let height = mirror.cursor.height;
    let chain = Chain::new(rpc.clone(), contracts.clone(), At::Hash(mirror.cursor.hash));
    let (rows, found) = Check::new(chain, mirror).run().await?;
    let mismatches = u64::try_from(found.len()).expect("a length fits into 64 bits");
    let report = Report { height, rows, mismatches, detail: found.into_iter().take(DETAIL_MAX).collect() };
    let mut connection = pool.acquire().await?;
    sqlx::query("insert into verify_run (height, rows, mismatches, detail) values ($1, $2, $3, $4)")
        .bind(store::signed(report.height)?)
        .bind(store::signed(report.rows)?)
        .bind(store::signed(report.mismatches)?)
        .bind(json!(report.detail))
        .execute(&mut *connection)
        .await?;
    Ok(Some(report))
}

impl Mirror {
    async fn read(connection: &mut PgConnection) -> Result<Option<Self>, IndexerError> {
        let mut tx = sqlx::Connection::begin(connection).await?;
        sqlx::query("set transaction isolation level repeatable read").execute(&mut *tx).await?;
        let Some((cursor, _)) = store::cursor(&mut tx).await? else { return Ok(None) };
        let mut tables = BTreeMap::new();
        for table in tables::all() {
            tables.insert(table.name, read_table(&mut tx, table).await?);
        }
        let mut heads = BTreeMap::new();
        for row in sqlx::query("select name, seq, head from contract").fetch_all(&mut *tx).await? {
            heads.insert(row.try_get("name")?, store::event_head(&row)?);
        }
        let rebuilt = rebuild(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(Self { cursor, tables, heads, rebuilt }))
    }
}

async fn read_table(tx: &mut PgConnection, table: &Table) -> Result<Rows, IndexerError> {
    let text = format!("select key, body from {}", table.name);
    let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(tx).await?;
    let rows = rows.iter().map(|row| Ok((row.try_get("key")?, row.try_get("body")?)));
    Ok(rows.collect::<Result<Rows, sqlx::Error>>()?)
}
