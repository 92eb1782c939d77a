//! Compares the tables with the contracts, both at the block of the cursor.

mod check;

use std::collections::BTreeMap;

use charter_client::{At, Contracts, Rpc};
use charter_types::event::EventHead;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

use crate::IndexerError;
use crate::escape::{escape_json, undo, undo_json};
use crate::letters;
use crate::rebuild::{Rebuilt, rebuild};
use crate::store::{self, Mirrored};
use crate::table::Table;
use crate::tables;
use crate::truth::Rows;
use crate::views::Chain;
use crate::watch::Node;
use check::Check;

/// The result of one comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub height: u64,
    /// Rows and events compared.
    pub rows: u64,
    pub mismatches: u64,
    /// Events that could not be read or applied. What they changed is missing in the tables, and may be among the
    /// mismatches.
    #[serde(default)]
    pub dead_letters: u64,
    /// The first mismatches, in words.
    pub detail: Vec<String>,
}

/// Mismatches described one by one; more are only counted.
const DETAIL_MAX: usize = 20;

/// Everything in the tables, read under one transaction.
struct Mirror {
    mirrored: Mirrored,
    tables: BTreeMap<&'static str, Rows>,
    /// What `contract` says of each chain of events, by name.
    heads: BTreeMap<String, EventHead>,
    rebuilt: Rebuilt,
    dead_letters: u64,
}

/// Compares every table with its truth at the cursor's block. `None`: the database is still empty.
pub async fn verify(pool: &PgPool, rpc: &Rpc, contracts: &Contracts) -> Result<Option<Report>, IndexerError> {
    let mut connection = pool.acquire().await?;
    let Some(mirror) = Mirror::read(&mut connection).await? else { return Ok(None) };
    // The connection goes back before the chain is asked: with the embedded database there is only one.
    drop(connection);
    // Another chain would be nothing but mismatches, or have no such block.
    Node::ask(rpc).await?.check(&mirror.mirrored)?;
    let cursor = mirror.mirrored.cursor;
    let (height, dead_letters) = (cursor.height, mirror.dead_letters);
    let chain = Chain::new(rpc.clone(), contracts.clone(), At::Hash(cursor.hash), mirror.events());
    let (rows, found) = Check::new(chain, mirror).run().await?;
    let mismatches = u64::try_from(found.len()).expect("a length fits into 64 bits");
    let detail = found.into_iter().take(DETAIL_MAX).collect();
    let report = Report { height, rows, mismatches, dead_letters, detail };
    let mut connection = pool.acquire().await?;
    sqlx::query("insert into verify_run (height, rows, mismatches, dead_letters, detail) values ($1, $2, $3, $4, $5)")
        .bind(store::signed(report.height)?)
        .bind(store::signed(report.rows)?)
        .bind(store::signed(report.mismatches)?)
        .bind(store::signed(report.dead_letters)?)
        .bind(escape_json(json!(report.detail)))
        .execute(&mut *connection)
        .await?;
    Ok(Some(report))
}

impl Mirror {
    /// Events of the contract that has most, by either count.
    fn events(&self) -> u64 {
        let told = self.rebuilt.contracts.values().map(|told| told.head.seq);
        self.heads.values().map(|head| head.seq).chain(told).max().unwrap_or_default()
    }

    async fn read(connection: &mut PgConnection) -> Result<Option<Self>, IndexerError> {
        let mut tx = sqlx::Connection::begin(connection).await?;
        sqlx::query("set transaction isolation level repeatable read").execute(&mut *tx).await?;
        // All of all tables is read.
        sqlx::query("set local statement_timeout = 0").execute(&mut *tx).await?;
        let Some(mirrored) = store::mirrored(&mut tx).await? else { return Ok(None) };
        let mut tables = BTreeMap::new();
        for table in tables::all() {
            tables.insert(table.name, read_table(&mut tx, table).await?);
        }
        let mut heads = BTreeMap::new();
        for row in sqlx::query("select name, seq, head from contract").fetch_all(&mut *tx).await? {
            heads.insert(row.try_get("name")?, store::event_head(&row)?);
        }
        let rebuilt = rebuild(&mut tx).await?;
        let dead_letters = letters::count(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(Self { mirrored, tables, heads, rebuilt, dead_letters }))
    }
}

async fn read_table(tx: &mut PgConnection, table: &Table) -> Result<Rows, IndexerError> {
    let text = format!("select key, body from {}", table.name);
    let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(tx).await?;
    let rows = rows.iter().map(|row| Ok((undo(row.try_get("key")?).into_owned(), undo_json(row.try_get("body")?))));
    Ok(rows.collect::<Result<Rows, sqlx::Error>>()?)
}
