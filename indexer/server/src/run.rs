//! The loop: read, decode, apply, commit.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use charter_client::{At, Contracts, Rpc, sha256};
use charter_types::AccountId;
use charter_types::event::{EventHead, next_head};
use futures_util::future;
use sqlx::PgPool;

use crate::IndexerError;
use crate::contract::Contract;
use crate::decode::{Decoded, decode};
use crate::rebuild::fill_payments;
use crate::source::{Header, Receipt, Source};
use crate::store::{self, Batch, Cursor, Entry, Heads, Mirrored};
use crate::watch::{Node, Watch};

/// Blocks in one transaction at the most.
const BLOCKS_PER_STEP: usize = 200;
/// Events after which a step is committed.
const EVENTS_PER_STEP: usize = 2_000;
/// Time after which a step is committed, so that a busy chain can't keep work from being kept.
const STEP_TIME: Duration = Duration::from_millis(200);
/// How often an idle indexer looks for a new block.
const POLL: Duration = Duration::from_millis(50);

/// An indexer of one deployment into one database.
pub struct Indexer {
    source: Source,
    contracts: Vec<(Contract, AccountId)>,
    cursor: Cursor,
    /// Blocks that were found on the way back from the head and are not in the tables yet.
    ahead: VecDeque<Header>,
    heads: Heads,
    pool: PgPool,
    watch: Watch,
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
}

impl Indexer {
    /// Picks up where the database is; a fresh one starts at the first block that the node has.
    pub async fn open(rpc: Rpc, contracts: &Contracts, pool: PgPool) -> Result<Self, IndexerError> {
        Self::open_from(rpc, contracts, pool, None).await
    }

    /// The same, where a fresh one starts behind a block: one at which none of the contracts had an event yet.
    pub async fn open_from(
        rpc: Rpc,
        contracts: &Contracts,
        pool: PgPool,
        from: Option<u64>,
    ) -> Result<Self, IndexerError> {
        let contracts: Vec<_> =
            Contract::ALL.into_iter().map(|contract| (contract, contract.account(contracts).clone())).collect();
        let source = Source::new(rpc, contracts.iter().map(|(_, account)| account.clone()).collect());
        let node = source.node().await?;
        let mut connection = pool.acquire().await?;
        let mirrored = store::mirrored(&mut connection).await?;
        drop(connection);
        let cursor = match &mirrored {
            Some(mirrored) => same_chain(&source, &node, mirrored).await?,
            None => start(&source, &contracts, from.unwrap_or(node.earliest)).await?,
        };
        let mut connection = pool.acquire().await?;
        match mirrored {
            None => store::start_cursor(&mut connection, &node.chain_id, node.genesis, cursor).await?,
            Some(Mirrored { genesis: None, .. }) => store::keep_genesis(&mut connection, node.genesis).await?,
            Some(_) => {}
        }
        fill_payments(&mut connection).await?;
        let heads = store::heads(&mut connection, &contracts).await?;
        drop(connection);
        let (ahead, watch) = (VecDeque::new(), Watch::default());
        Ok(Self { source, contracts, cursor, ahead, heads, pool, watch })
    }

    /// Notes what it sees of the node here.
    pub fn watched_by(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Reads what is new, up to a limit, and commits it.
    pub async fn step(&mut self) -> Result<Progress, IndexerError> {
        let mut done = self.try_step().await;
        if let Err(IndexerError::NotContinuous { .. } | IndexerError::UnknownBlock { .. }) = done {
            // Another chain does not follow ours either, and says more.
            done = self.check_chain().await.and(done);
        }
        if let Err(error) = &done {
            self.watch.note_error(error);
            if error.is_the_nodes() {
                self.source.blame(&error.to_string());
            }
            // Nothing was kept: the blocks that were read are read again.
            self.ahead.clear();
        }
        done
    }

    /// Fails if the node's chain is not the one in the tables.
    async fn check_chain(&self) -> Result<(), IndexerError> {
        let node = self.source.node().await?;
        let mut connection = self.pool.acquire().await?;
        let mirrored = store::mirrored(&mut connection).await?;
        mirrored.map_or(Ok(()), |mirrored| node.check(&mirrored))
    }

    async fn try_step(&mut self) -> Result<Progress, IndexerError> {
        let head = self.source.light_head().await?;
        if head.block.height < self.cursor.height {
            // A node that lags, or one whose chain began anew.
            self.check_chain().await?;
        } else if head.block.height == self.cursor.height && head.block.hash != self.cursor.hash {
            return Err(IndexerError::NotContinuous { height: head.block.height });
        }
        self.watch.note(head.block.height, Some(self.cursor.height));
        let began = Instant::now();
        let mut batch = Batch { heads: self.heads.clone(), ..Batch::default() };
        let mut to = self.cursor;
        for _ in 0..BLOCKS_PER_STEP {
            // A step that was dropped halfway may have left later blocks.
            if self.ahead.front().is_none_or(|block| block.prev_hash != to.hash) {
                self.ahead = self.source.new_blocks(to, head).await?.into();
            }
            let Some(block) = self.ahead.front().copied() else { break };
            // What can't be proven yet is left for the next step.
            let Some(receipts) = self.source.receipts(block, head).await? else { break };
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
            return Ok(Progress::Idle);
        }
        self.check_complete(to, &batch.heads).await?;
        let mut connection = self.pool.acquire().await?;
        store::commit(&mut connection, self.cursor, to, &batch).await?;
        self.cursor = to;
        self.source.forget_proven();
        let events = batch.entries.len();
        self.heads = batch.heads;
        self.watch.note(head.block.height, Some(self.cursor.height));
        Ok(Progress::Advanced { height: to.height, events })
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

    /// Runs until `stop` resolves, whatever it is waiting for then. Trouble that may pass is waited out; anything else ends
    /// the run.
    pub async fn run(&mut self, stop: impl Future<Output = ()>) -> Result<(), IndexerError> {
        tokio::pin!(stop);
        loop {
            let done = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                done = self.step() => done,
            };
            let pause = match done {
                Ok(Progress::Advanced { .. }) => continue,
                Ok(Progress::Idle) => POLL,
                Err(error) if error.is_transient() => {
                    tracing::warn!(%error, "trying again");
                    Duration::from_millis(500)
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = &mut stop => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Where a fresh database starts. What a contract told before could never be read.
async fn start(source: &Source, contracts: &[(Contract, AccountId)], height: u64) -> Result<Cursor, IndexerError> {
    let cursor = source.header(At::Height(height)).await?.cursor();
    for (contract, account) in contracts {
        let EventHead { seq, .. } = source.event_head(account, cursor.hash, EventHead::default()).await?;
        if seq > 0 {
            return Err(IndexerError::LateStart { contract: contract.name(), height, seq });
        }
    }
    Ok(cursor)
}

/// Where to go on, if the node has the chain that is in the tables.
async fn same_chain(source: &Source, node: &Node, mirrored: &Mirrored) -> Result<Cursor, IndexerError> {
    node.check(mirrored)?;
    let cursor = mirrored.cursor;
    // A node that lags, or has dropped old blocks, does not know it.
    match source.find(cursor.height).await? {
        Some(block) if block.hash != cursor.hash => Err(IndexerError::OtherChain {
            expected: format!(
                "{} with block {} of height {}, which is the node's",
                node.chain_id, block.hash, block.height
            ),
            found: format!("{} with block {} there", mirrored.chain_id, cursor.hash),
        }),
        _ => Ok(cursor),
    }
}
