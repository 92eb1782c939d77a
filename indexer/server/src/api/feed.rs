//! Events as they are committed: one reader takes them from the table and tells all who listen, however many they are.
//!
//! Nobody has a connection between two parts, since the embedded database has one, for which the indexer waits. What is told
//! says from where to where it reaches. Whoever misses something sees that, and reads it from the table.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::postgres::{PgListener, PgRow};
use sqlx::{AssertSqlSafe, PgPool, Row};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::chain::{self, Event, PROVEN};
use crate::IndexerError;
use crate::contract::Contract;
use crate::database::is_server;
use crate::escape::escape;
use crate::store::{self, CHANNEL};
use crate::wait::Wait;
use crate::watch::{Seen, Watch};

/// Events that are looked at in one question, and those of them that are read: an event has a few kilobytes.
const SPAN: u16 = 2_000;
const LINES: u16 = 100;
/// Parts that are kept for who is slow. Who is slower reads them from the table.
const PARTS: usize = 16;
/// Listeners at once.
pub const SEATS: usize = 256;
/// Of listeners that are behind, how many ask the database at once.
const TURNS: usize = 2;
/// How often the table is looked at, whoever writes to it. Who does so in this process, or beside a server, says when.
const POLL: Duration = Duration::from_secs(1);

/// An event, and whose it is.
#[derive(Serialize, JsonSchema)]
pub struct Told {
    contract: String,
    #[serde(flatten)]
    event: Event,
}

/// An event as all listeners get it.
pub struct Line {
    pub ordinal: u64,
    contract: String,
    event: String,
    pub json: String,
}

/// The events after a place, up to another one.
pub struct Part {
    pub after: u64,
    pub upto: u64,
    /// Whether there may be more behind it already.
    pub goes_on: bool,
    pub lines: Vec<Line>,
}

/// Which events somebody wants.
#[derive(Default)]
pub struct Wanted {
    pub contract: Option<Contract>,
    pub event: Option<String>,
}

impl Wanted {
    pub fn has(&self, line: &Line) -> bool {
        self.contract.is_none_or(|contract| contract.name() == line.contract)
            && self.event.as_ref().is_none_or(|event| *event == line.event)
    }
}

/// The place of the event that came last.
pub async fn newest(pool: &PgPool) -> Result<u64, IndexerError> {
    let row = sqlx::query("select coalesce(max(ordinal), 0) as newest from event").fetch_one(pool).await?;
    store::unsigned(&row, "newest")
}

fn line(row: &PgRow) -> Result<Line, IndexerError> {
    let (contract, event): (String, _) = (row.try_get("contract")?, chain::event(row)?);
    let (ordinal, name, told) = (store::unsigned(row, "ordinal")?, event.event.clone(), Told { contract, event });
    let json = serde_json::to_string(&told).expect("it is text, numbers and JSON");
    Ok(Line { ordinal, contract: told.contract, event: name, json })
}

/// Events after a place, as many as are read at once. Numbers are given in the order of commits, so that none appears below
/// one that was seen.
async fn read(pool: &PgPool, after: u64, wanted: &Wanted) -> Result<Part, IndexerError> {
    let place = store::signed(after)?;
    let mut connection = pool.acquire().await?;
    // However few are wanted, no more than a span is looked at.
    let text = "select coalesce(max(ordinal), $1) as upto, count(*) as found
                from (select ordinal from event where ordinal > $1 order by ordinal limit $2) as span";
    let row = sqlx::query(text).bind(place).bind(i64::from(SPAN)).fetch_one(&mut *connection).await?;
    let (end, found) = (store::unsigned(&row, "upto")?, store::unsigned(&row, "found")?);
    let text = format!(
        "select ordinal, contract, seq, height, receipt_id, event, by_account, body, {PROVEN} as proven from event
         where ordinal > $1 and ordinal <= $2 and ($3::text is null or contract = $3)
           and ($4::text is null or event = $4) order by ordinal limit $5"
    );
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(place)
        .bind(store::signed(end)?)
        .bind(wanted.contract.map(Contract::name))
        .bind(wanted.event.as_deref().map(escape))
        .bind(i64::from(LINES))
        .fetch_all(&mut *connection)
        .await?;
    drop(connection);
    let lines = rows.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    let last = lines.last().filter(|_| lines.len() == usize::from(LINES)).map(|line| line.ordinal);
    let goes_on = last.is_some() || found == u64::from(SPAN);
    Ok(Part { after, upto: last.unwrap_or(end), goes_on, lines })
}

/// A listener's place.
pub struct Ear {
    pub told: broadcast::Receiver<Arc<Part>>,
    /// Fails to change once nobody tells anything any more.
    pub open: watch::Receiver<()>,
    _seat: OwnedSemaphorePermit,
}

/// Where events are told.
pub struct Feed {
    sender: broadcast::Sender<Arc<Part>>,
    seats: Arc<Semaphore>,
    turns: Semaphore,
    /// Somebody listens.
    came: Notify,
    /// Another process committed something.
    committed: Notify,
    open: watch::Receiver<()>,
}

impl Feed {
    /// Tells what gets into the tables of `pool`, until the task is aborted.
    pub fn start(pool: PgPool, watch: Watch) -> (Arc<Self>, JoinHandle<()>) {
        let (alive, open) = watch::channel(());
        let feed = Arc::new(Self {
            sender: broadcast::Sender::new(PARTS),
            seats: Arc::new(Semaphore::new(SEATS)),
            turns: Semaphore::new(TURNS),
            came: Notify::new(),
            committed: Notify::new(),
            open,
        });
        let teller = Arc::clone(&feed);
        let task = tokio::spawn(async move {
            tokio::select! {
                () = teller.tell(&pool, watch.subscribe()) => {}
                () = teller.hear(&pool, &watch) => {}
            }
            drop(alive);
        });
        (feed, task)
    }

    /// A place to listen from, unless all are taken.
    pub fn listen(&self) -> Option<Ear> {
        let seat = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        let (told, open) = (self.sender.subscribe(), self.open.clone());
        self.came.notify_one();
        Some(Ear { told, open, _seat: seat })
    }

    pub fn listeners(&self) -> usize {
        self.sender.receiver_count()
    }

    /// The same as is told, for who is behind.
    pub async fn catch_up(&self, pool: &PgPool, after: u64, wanted: &Wanted) -> Result<Part, IndexerError> {
        let _turn = self.turns.acquire().await;
        read(pool, after, wanted).await
    }

    async fn tell(&self, pool: &PgPool, mut changes: watch::Receiver<Seen>) {
        let (mut wait, mut place) = (Wait::default(), None);
        loop {
            while self.listeners() == 0 {
                place = None;
                self.came.notified().await;
            }
            let indexed = changes.borrow_and_update().indexed;
            match self.tell_all(pool, &mut place).await {
                Ok(()) => {
                    wait.over();
                    self.more(&mut changes, indexed).await;
                }
                Err(error) => sleep(wait.after(&error)).await,
            }
        }
    }

    /// Tells all there is after a place. Without one it says from where it will.
    async fn tell_all(&self, pool: &PgPool, place: &mut Option<u64>) -> Result<(), IndexerError> {
        let mut after = if let Some(after) = *place {
            after
        } else {
            let upto = newest(pool).await?;
            self.send(Part { after: upto, upto, goes_on: false, lines: Vec::new() });
            upto
        };
        loop {
            *place = Some(after);
            let part = read(pool, after, &Wanted::default()).await?;
            let goes_on = part.goes_on;
            if part.upto > after {
                after = part.upto;
                self.send(part);
            }
            *place = Some(after);
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn send(&self, part: Part) {
        // It fails if nobody listens.
        let _ = self.sender.send(Arc::new(part));
    }

    /// Waits until there may be more.
    async fn more(&self, changes: &mut watch::Receiver<Seen>, indexed: Option<u64>) {
        let moved = async {
            // It can't fail: the API has the other end.
            drop(changes.wait_for(|seen| seen.indexed != indexed).await);
        };
        tokio::select! {
            () = moved => {}
            () = self.committed.notified() => {}
            () = sleep(POLL) => {}
        }
    }

    /// Notes when another process commits, where a server tells of it. A standby tells nothing.
    async fn hear(&self, pool: &PgPool, watch: &Watch) {
        if !is_server(pool) {
            return std::future::pending().await;
        }
        loop {
            // Who writes in this process says so without the database.
            if self.listeners() > 0
                && !watch.seen().here
                && let Err(error) = self.hear_from(pool).await
            {
                tracing::debug!(%error, "the database does not tell of commits; it is asked");
            }
            sleep(POLL).await;
        }
    }

    async fn hear_from(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut told = PgListener::connect_with(pool).await?;
        told.listen(CHANNEL).await?;
        loop {
            told.recv().await?;
            self.committed.notify_one();
        }
    }
}
