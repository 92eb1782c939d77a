//! When tables are read: all of them at one moment, or each part at its own.
//!
//! A server keeps what was there when a comparison began for as long as it takes. The embedded database has one
//! connection, which the indexer and whoever asks the API wait for. There each part is read in a transaction of its
//! own, and the connection goes back before the chain is asked, so the tables go on between two parts. A part is of one
//! moment in either case and is compared with the chain as of its own block: nothing has to be read again because the
//! cursor moved.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::OwnedMutexGuard;

use crate::IndexerError;
use crate::database::is_server;

/// What is read through it is of one moment.
pub type Moment = Transaction<'static, Postgres>;

const BEGIN: &str = "begin isolation level repeatable read";
/// All of all tables is read, and the chain is asked in between; and whoever exchanges tables is waited for. What is of
/// one moment begins with the first statement after these: were it older than tables that took the place of others, they
/// would seem empty.
const PREPARED: [&str; 4] = [
    "set local statement_timeout = 0",
    "set local idle_in_transaction_session_timeout = 0",
    "set local lock_timeout = 0",
    COMPARING,
];

/// As long as one compares tables on a server, nobody exchanges them.
const COMPARING: &str = "lock table verify_run in row share mode";
/// What whoever exchanges them holds: reading what came of comparisons goes on.
pub const EXCHANGING: &str = "lock table verify_run in exclusive mode";

/// Where moments come from.
pub enum Moments {
    /// It is always the same one.
    One(Option<Moment>),
    /// Each is another one. Temporary tables stay, because there is one connection.
    Each { pool: PgPool, _turn: OwnedMutexGuard<()> },
}

type Turn = Arc<tokio::sync::Mutex<()>>;

/// Whoever compares a database of one connection: the shadows of two would be the same tables.
fn turn(pool: &PgPool) -> Turn {
    static TURNS: Mutex<BTreeMap<String, Turn>> = Mutex::new(BTreeMap::new());
    let options = pool.connect_options();
    let (socket, host, port) = (options.get_socket(), options.get_host(), options.get_port());
    let place = format!("{socket:?} {host} {port} {:?}", options.get_database());
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(turns.entry(place).or_default())
}

async fn forget_temporary_tables(pool: &PgPool) -> Result<(), IndexerError> {
    sqlx::query("discard temp").execute(pool).await?;
    Ok(())
}

impl Moments {
    pub async fn new(pool: &PgPool) -> Result<Self, IndexerError> {
        if is_server(pool) {
            let mut moment = pool.begin_with(BEGIN).await?;
            for statement in PREPARED {
                sqlx::query(statement).execute(&mut *moment).await?;
            }
            return Ok(Self::One(Some(moment)));
        }
        let turn = turn(pool).lock_owned().await;
        // A comparison that was given up left its own.
        forget_temporary_tables(pool).await?;
        Ok(Self::Each { pool: pool.clone(), _turn: turn })
    }

    /// Whether the tables may go on between two moments.
    pub fn go_on(&self) -> bool {
        matches!(self, Self::Each { .. })
    }

    pub async fn open(&mut self) -> Result<Moment, IndexerError> {
        match self {
            Self::One(held) => Ok(held.take().expect("a moment is closed before the next one is opened")),
            Self::Each { pool, .. } => Ok(pool.begin_with(BEGIN).await?),
        }
    }

    pub async fn close(&mut self, moment: Moment) -> Result<(), IndexerError> {
        match self {
            Self::One(held) => *held = Some(moment),
            Self::Each { .. } => moment.commit().await?,
        }
        Ok(())
    }

    /// Leaves nothing behind.
    pub async fn end(self) -> Result<(), IndexerError> {
        match self {
            Self::One(Some(moment)) => moment.rollback().await?,
            Self::One(None) => {}
            Self::Each { pool, .. } => forget_temporary_tables(&pool).await?,
        }
        Ok(())
    }
}
