//! The loop: read, decode, apply, commit.

mod back;
mod lag;
mod open;
mod steps;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use charter_client::{At, Rpc, sha256};
use charter_types::AccountId;
use charter_types::event::{EventHead, next_head};
use futures_util::future;
use sqlx::PgPool;
use tokio::sync::watch;

use crate::IndexerError;
use crate::contract::Contract;
use crate::database::is_server;
use crate::decode::{Decoded, decode};
use crate::light::Light;
use crate::pulse::{Pulse, Stage};
use crate::source::{Header, Receipt, Source};
use crate::store::{self, Batch, Cursor, Entry, Heads};
use crate::watch::Watch;

pub use open::Start;

/// Blocks in one transaction at the most.
const BLOCKS_PER_STEP: usize = 200;
/// Events after which a step is committed.
const EVENTS_PER_STEP: usize = 2_000;
/// Time after which a step is committed, so that a busy chain can't keep work from being kept.
const STEP_TIME: Duration = Duration::from_millis(200);
/// How long a step may hang, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often nodes are compared, unless somebody says otherwise.
const LOOK_AROUND: Duration = Duration::from_secs(10);
/// How long a node may lead less far than another one, unless somebody says otherwise.
const LAG_TIME: Duration = Duration::from_secs(30);

/// An indexer of one deployment into one database.
pub struct Indexer {
    /// The nodes, as whoever opened it wants them to be asked.
    rpc: Rpc,
    source: Source,
    contracts: Vec<(Contract, AccountId)>,
    cursor: Cursor,
    /// Blocks that were found on the way back from the head and are not in the tables yet.
    ahead: VecDeque<Header>,
    heads: Heads,
    /// Whether the last block was proven by a light client. `None`: nobody noted it.
    proven: Option<bool>,
    /// What was read and is not known to be in the tables.
    pending: Option<Pending>,
    /// Where the tables were sent back to, and are not known to be.
    sent_back: Option<Cursor>,
    pool: PgPool,
    watch: Watch,
    pulse: Pulse,
    patience: Duration,
    /// How often nodes are compared, if there are several.
    look_around: Duration,
    /// How long a node may lead less far than another one.
    lag_time: Duration,
    /// Whether a step should read nothing more, but commit what it has.
    stopping: Arc<watch::Sender<bool>>,
}

/// What a step read.
struct Pending {
    to: Cursor,
    batch: Batch,
    /// Whether it was sent to the database, which did not answer: it may be in the tables.
    is_unsure: bool,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Advanced {
        height: u64,
        events: usize,
    },
    /// Nothing new, or nothing that can be proven yet.
    Idle,
    /// Events before the last block were missing: the tables stand for an earlier one, and go on from there.
    WentBack {
        height: u64,
    },
}

impl Indexer {
    /// Notes what it sees of the node here.
    pub fn watched_by(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    /// How long a step may hang before a run gives it up. A question to the nodes is over before that: the first of them
    /// that only drips would end each run, and the others were never asked.
    pub fn given_up_after(mut self, patience: Duration) -> Self {
        self.source.ask_by(self.rpc.over_within(patience));
        self.patience = patience;
        self
    }

    /// How long a node may lead less far than another one shows the chain to be, until that one is asked.
    pub fn left_behind_for(mut self, lag_time: Duration) -> Self {
        self.lag_time = lag_time;
        self
    }

    /// How often each node is asked by itself how far the chain is, if there are several.
    pub fn looking_around_every(mut self, every: Duration) -> Self {
        self.look_around = every;
        self
    }

    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// How many epochs the light client went through since it was opened; `None`: the node is believed.
    pub fn epochs(&self) -> Option<u64> {
        self.source.light().map(Light::epochs)
    }

    /// Whether blocks to come are proven otherwise than the last one was, and how.
    fn turns(&self) -> Option<bool> {
        let is_proven = self.source.light().is_some();
        (self.proven != Some(is_proven)).then_some(is_proven)
    }

    /// Reads what is new, up to a limit, and commits it.
    pub async fn step(&mut self) -> Result<Progress, IndexerError> {
        let mut done = self.try_step().await;
        if let Err(IndexerError::NotContinuous { .. } | IndexerError::UnknownBlock { .. }) = done {
            // Another chain does not follow ours either, and says more.
            done = self.check_chain().await.and(done);
        }
        if done.as_ref().is_err_and(IndexerError::shows_a_gap) {
            done = match Box::pin(self.go_back()).await {
                Ok(Some(went_back)) => Ok(went_back),
                // Who asked can't tell, and the database may know more.
                Err(error) if error.party() == "the database" => Err(error),
                Ok(None) | Err(_) => done,
            };
        }
        self.watch.note_requests(self.source.rpc().requests());
        match &done {
            Ok(_) => self.watch.note_done(self.cursor.height),
            Err(error) => {
                self.watch.note_error(error);
                if error.is_of_the_receipts() {
                    self.source.suspects().blame_tellers(&error.to_string());
                }
                // What was read wholly is kept until it is committed; else the blocks are read again.
                if self.pending.is_none() {
                    self.ahead.clear();
                }
            }
        }
        self.pulse.enter(Stage::Pause);
        done
    }

    /// Fails if the node's chain is not the one in the tables. A light client follows no other one, whatever that is called.
    async fn check_chain(&self) -> Result<(), IndexerError> {
        if self.source.light().is_some() {
            return Ok(());
        }
        let mut connection = self.pool.acquire().await?;
        let mirrored = store::mirrored(&mut connection).await?;
        drop(connection);
        if let Some(mirrored) = mirrored {
            self.source.node_of(&mirrored).await?;
        }
        Ok(())
    }

    async fn try_step(&mut self) -> Result<Progress, IndexerError> {
        self.settle_back().await?;
        if self.pending.is_none() {
            self.pending = self.read().await?;
        }
        if self.pending.as_ref().is_some_and(|pending| pending.is_unsure)
            && let Some(progress) = self.settle().await?
        {
            return Ok(progress);
        }
        self.keep().await
    }

    /// Reads blocks that are not in the tables, if there are any.
    async fn read(&mut self) -> Result<Option<Pending>, IndexerError> {
        let mut stopping = self.stopping.subscribe();
        self.source.suspects().begin();
        self.pulse.enter(Stage::Head);
        let Some(head) = unless(&mut stopping, self.source.light_head()).await else { return Ok(None) };
        let head = head?;
        if head.block.height < self.cursor.height {
            // A node that lags, or one whose chain began anew.
            self.check_chain().await?;
        } else if head.block.height == self.cursor.height && head.block.hash != self.cursor.hash {
            let other = IndexerError::NotContinuous { height: head.block.height };
            self.source.suspects().blame_for_head(&other.to_string());
            return Err(other);
        }
        self.watch.note_head(head.block.height, self.cursor.height);
        let began = Instant::now();
        let (turns, tells) = (self.turns(), is_server(&self.pool));
        let mut batch = Batch { heads: self.heads.clone(), turns, tells, ..Batch::default() };
        let mut to = self.cursor;
        for _ in 0..BLOCKS_PER_STEP {
            // A step that was dropped halfway may have left later blocks.
            if self.ahead.front().is_none_or(|block| block.prev_hash != to.hash) {
                self.pulse.enter(Stage::Blocks);
                let Some(blocks) = unless(&mut stopping, self.source.new_blocks(to, head)).await else { break };
                self.ahead = blocks?.into();
            }
            let Some(block) = self.ahead.front().copied() else { break };
            self.pulse.enter(Stage::Receipts);
            let Some(receipts) = unless(&mut stopping, self.source.receipts(block, head)).await else { break };
            // What can't be proven yet is left for the next step.
            let Some(receipts) = receipts? else { break };
            self.ahead.pop_front();
            for receipt in receipts {
                self.read_receipt(block, &receipt, &mut batch)?;
            }
            to = block.cursor();
            if batch.entries.len() >= EVENTS_PER_STEP || began.elapsed() >= STEP_TIME {
                break;
            }
        }
        if to == self.cursor {
            return Ok(None);
        }
        let checked = async {
            self.source.check_block(to, head).await?;
            self.check_complete(to, &batch.heads).await
        };
        let Some(checked) = unless(&mut stopping, checked).await else { return Ok(None) };
        checked?;
        Ok(Some(Pending { to, batch, is_unsure: false }))
    }

    /// Commits what was read. If the answer is lost, the database is asked what became of it, at once or before the
    /// next attempt.
    async fn keep(&mut self) -> Result<Progress, IndexerError> {
        let Some(pending) = &mut self.pending else { return Ok(Progress::Idle) };
        self.pulse.enter(Stage::Connection);
        let mut connection = self.pool.acquire().await?;
        self.pulse.enter(Stage::Commit);
        // From here on nobody but the database knows, even if nobody waits for its answer.
        pending.is_unsure = true;
        let kept = store::commit(&mut connection, self.cursor, pending.to, &pending.batch, &self.pulse).await;
        if kept.as_ref().is_err_and(IndexerError::is_read_only) {
            connection.close_on_drop();
        }
        drop(connection);
        match kept {
            Ok(()) => Ok(self.kept()),
            Err(error) if error.is_transient() => match self.settle().await {
                Ok(Some(progress)) => Ok(progress),
                Err(other) if !other.is_transient() => Err(other),
                Ok(None) | Err(_) => Err(error),
            },
            Err(error) => {
                self.pending = None;
                Err(error)
            }
        }
    }

    /// Asks the database what became of a step whose commit was not answered. `None`: nothing, and it can be made
    /// again.
    async fn settle(&mut self) -> Result<Option<Progress>, IndexerError> {
        let Some(pending) = &mut self.pending else { return Ok(None) };
        self.pulse.enter(Stage::Settle);
        let mut connection = self.pool.acquire().await?;
        let stands = store::stands(&mut connection).await;
        let proven = store::is_proven(&mut connection).await;
        if stands.as_ref().is_err_and(IndexerError::is_read_only) {
            connection.close_on_drop();
        }
        drop(connection);
        let is_at = |wanted: &Cursor, wanted_heads: &Heads, (cursor, heads): &(Cursor, Heads)| {
            cursor.is_at(wanted) && heads == wanted_heads
        };
        match stands? {
            Some(stands) if is_at(&pending.to, &pending.batch.heads, &stands) => {
                tracing::warn!(height = pending.to.height, "a commit was not answered, and was made");
                let progress = self.kept();
                // It may have been another indexer's, that believes somebody else.
                self.proven = proven?;
                Ok(Some(progress))
            }
            Some(stands) if is_at(&self.cursor, &self.heads, &stands) => {
                pending.is_unsure = false;
                Ok(None)
            }
            _ => {
                self.pending = None;
                Err(IndexerError::CursorMoved)
            }
        }
    }

    /// What was read is in the tables.
    fn kept(&mut self) -> Progress {
        let Some(Pending { to, batch, .. }) = self.pending.take() else { return Progress::Idle };
        let events = batch.entries.len();
        (self.cursor, self.heads, self.proven) = (to, batch.heads, batch.turns.or(self.proven));
        self.source.forget_proven();
        Progress::Advanced { height: to.height, events }
    }

    /// Asks each contract how many events it has at the last block, before the cursor moves beyond it: receipts that a node
    /// left out could never be read afterwards.
    async fn check_complete(&self, to: Cursor, heads: &Heads) -> Result<(), IndexerError> {
        let asked = self.contracts.iter().map(|(contract, account)| async move {
            let ours = heads.get(contract).copied().unwrap_or_default();
            let theirs = self.source.event_head(account, to.hash, ours).await?;
            let (contract, height) = (contract.name(), to.height);
            if theirs == ours { Ok(()) } else { Err(IndexerError::Incomplete { contract, height, ours, theirs }) }
        });
        future::try_join_all(asked).await.map(drop)
    }

    fn read_receipt(&self, block: Header, receipt: &Receipt, batch: &mut Batch) -> Result<(), IndexerError> {
        let watched = self.contracts.iter().find(|(_, account)| *account == receipt.receiver);
        let Some((contract, _)) = watched else { return Ok(()) };
        let contract = *contract;
        for (index, log) in receipt.logs.iter().enumerate() {
            let head = *batch.heads.entry(contract).or_default();
            let due = head.seq + 1;
            let (seq, prev, read) = match decode(contract, log) {
                Decoded::Foreign => continue,
                Decoded::Garbled { reason } => (None, None, Err(reason)),
                // All that is of our standard is in the chain of events, whether or not its number can be read.
                Decoded::Unknown { seq, prev, reason } => (Some(seq.unwrap_or(due)), prev, Err(reason)),
                Decoded::Event(event) => (Some(event.seq), Some(event.prev), Ok((*event).into())),
            };
            let name = contract.name();
            if let Err(reason) = &read {
                tracing::warn!(name, seq, reason, "an event of ours can't be read; it is kept as a dead letter");
            }
            if let Some(found) = seq.filter(|seq| *seq != due) {
                return Err(IndexerError::MissingEvent { contract: name.to_owned(), expected: due, found });
            }
            if prev.is_some_and(|prev| prev != head.head) {
                return Err(IndexerError::OtherPast { contract: name.to_owned(), seq: due });
            }
            if seq.is_some() {
                batch.heads.insert(contract, EventHead { seq: due, head: next_head(&head.head, log, sha256) });
            }
            batch.entries.push(Entry {
                height: block.height,
                receipt_id: receipt.id.to_string(),
                log_index: i32::try_from(index).expect("a receipt has 100 logs at the most"),
                contract,
                seq,
                log: log.clone(),
                read,
            });
        }
        Ok(())
    }

    /// Steps until everything up to the final head is in the tables.
    pub async fn catch_up(&mut self) -> Result<Cursor, IndexerError> {
        let head = self.source.header(At::Final).await?;
        while self.cursor.height < head.height {
            if self.step().await? == Progress::Idle {
                // The last block's outcomes can be proven once the next one stands.
                let newest = self.source.header(At::Final).await?;
                if newest.height <= head.height {
                    break;
                }
            }
        }
        Ok(self.cursor)
    }
}

/// What `work` comes to; `None` if the indexer is asked to stop before.
fn unless<T>(stopping: &mut watch::Receiver<bool>, work: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    // A question to the node takes much room, and a step has several.
    let work = Box::pin(work);
    async move {
        let stopped = async {
            // It can't fail: the indexer holds the other end.
            drop(stopping.wait_for(|is_stopping| *is_stopping).await);
        };
        tokio::select! {
            biased;
            () = stopped => None,
            done = work => Some(done),
        }
    }
}
