//! How far a database is, for whoever runs it. It is only looked at: another program may be at work with it.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::IndexerError;
use crate::anchor::{self, Anchored};
use crate::api::age_ms;
use crate::letters::{self, UnknownVersion};
use crate::light::{self, Which};
use crate::store::{self, Mirrored};

/// The last comparison of the tables with the contracts.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    pub height: u64,
    pub rows: u64,
    pub mismatches: u64,
    /// How long ago it ended, milliseconds.
    pub age_ms: u64,
}

/// The newest block that a light client has verified.
#[derive(Clone, Debug, Serialize)]
pub struct VerifiedHead {
    pub height: u64,
    /// How old it is, milliseconds.
    pub age_ms: Option<u64>,
}

/// What the tables stand for, and what is known of them. Its fields are called as `/v1/status` calls them.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    pub chain_id: Option<String>,
    /// The block that the tables stand for; `None`: the database is empty.
    pub height: Option<u64>,
    /// How old that block is, milliseconds.
    pub age_ms: Option<u64>,
    /// `None`: the node is believed.
    pub verified_head: Option<VerifiedHead>,
    /// Number of each contract's last event.
    pub events: BTreeMap<String, u64>,
    pub dead_letters: u64,
    pub unknown_versions: Vec<UnknownVersion>,
    pub verification: Option<Compared>,
    pub anchors: Vec<Anchored>,
    /// What the whole database takes.
    pub database_bytes: u64,
    #[serde(skip)]
    mirrored: Option<Mirrored>,
}

impl State {
    /// All of one moment.
    pub async fn read(pool: &PgPool) -> Result<Self, IndexerError> {
        let mut tx = pool.begin_with("begin isolation level repeatable read read only").await?;
        let mirrored = store::mirrored(&mut tx).await?;
        let verified = light::verified(&mut tx, Which::Newest).await?;
        let cursor = mirrored.as_ref().map(|mirrored| mirrored.cursor);
        let state = Self {
            chain_id: mirrored.as_ref().map(|mirrored| mirrored.chain_id.clone()),
            height: cursor.map(|cursor| cursor.height),
            age_ms: cursor.and_then(|cursor| cursor.time_ms).and_then(age_ms),
            verified_head: verified.map(|head| VerifiedHead { height: head.height, age_ms: age_ms(head.time_ms) }),
            events: events(&mut tx).await?,
            dead_letters: letters::count(&mut tx).await?,
            unknown_versions: letters::unknown_versions(&mut tx).await?,
            verification: compared(&mut tx).await?,
            anchors: anchor::list(&mut tx).await?,
            database_bytes: bytes(&mut tx).await?,
            mirrored,
        };
        tx.commit().await?;
        Ok(state)
    }

    /// Which chain it is of.
    pub(crate) fn mirrored(&self) -> Option<&Mirrored> {
        self.mirrored.as_ref()
    }
}

async fn events(connection: &mut PgConnection) -> Result<BTreeMap<String, u64>, IndexerError> {
    let rows = sqlx::query("select name, seq from contract").fetch_all(connection).await?;
    let known = |row: &PgRow| -> Result<(String, u64), IndexerError> {
        Ok((row.try_get("name")?, store::unsigned(row, "seq")?))
    };
    rows.iter().map(known).collect()
}

async fn compared(connection: &mut PgConnection) -> Result<Option<Compared>, IndexerError> {
    let text = "select height, rows, mismatches,
                  greatest(extract(epoch from clock_timestamp() - finished_at) * 1000, 0)::bigint as age_ms
                from verify_run order by id desc limit 1";
    let Some(row) = sqlx::query(text).fetch_optional(connection).await? else { return Ok(None) };
    let number = |column| store::unsigned(&row, column);
    Ok(Some(Compared {
        height: number("height")?,
        rows: number("rows")?,
        mismatches: number("mismatches")?,
        age_ms: number("age_ms")?,
    }))
}

async fn bytes(connection: &mut PgConnection) -> Result<u64, IndexerError> {
    let row = sqlx::query("select pg_database_size(current_database()) as bytes").fetch_one(connection).await?;
    store::unsigned(&row, "bytes")
}
