//! The loop: read, decode, apply, commit.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use charter_client::{At, ClientError, Contracts, Rpc, sha256};
use charter_types::AccountId;
use charter_types::event::{EventHead, next_head};
use sqlx::PgPool;

use crate::IndexerError;
use crate::apply::changes;
use crate::contract::Contract;
use crate::decode::{Decoded, decode};
use crate::source::{Header, Receipt, Source};
use crate::store::{self, Batch, Cursor, DeadLetter, Heads, StoredEvent};

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
    /// Picks up where the database is; a fresh one starts at the chain's first block.
    pub async fn open(rpc: Rpc, contracts: &Contracts, pool: PgPool) -> Result<Self, IndexerError> {
        let status: serde_json::Value = rpc.call("status", serde_json::json!([])).await?;
        let missing =
            |what: &str| ClientError::Answer { method: "status".to_owned(), reason: format!("it has no {what}") };
        let chain_id = status["chain_id"].as_str().ok_or_else(|| missing("chain_id"))?.to_owned();
        let first = &status["sync_info"]["earliest_block_height"];
        let first = first.as_u64().ok_or_else(|| missing("earliest_block_height"))?;
        let contracts: Vec<_> =
            Contract::ALL.into_iter().map(|contract| (contract, contract.account(contracts).clone())).collect();
        let source = Source::new(rpc, contracts.iter().map(|(_, account)| account.clone()).collect());
        let mut connection = pool.acquire().await?;
        let cursor = match store::cursor(&mut connection).await? {
            Some((cursor, found)) if found == chain_id => cursor,
            Some((_, found)) => return Err(IndexerError::OtherChain { expected: chain_id, found }),
            None => {
                let start = source.header(At::Height(first)).await?.cursor();
                store::start_cursor(&mut connection, &chain_id, start).await?;
                start
            }
        };
        let heads = store::heads(&mut connection, &contracts).await?;
        drop(connection);
        Ok(Self { source, contracts, cursor, ahead: VecDeque::new(), heads, pool })
    }

    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Reads what is new, up to a limit, and commits it.
    pub async fn step(&mut self) -> Result<Progress, IndexerError> {
        let done = self.try_step().await;
        if done.is_err() {
            // Nothing was kept: the blocks that were read are read again.
            self.ahead.clear();
        }
        done
    }

    async fn try_step(&mut self) -> Result<Progress, IndexerError> {
        let head = self.source.light_head().await?;
        let began = Instant::now();
        let mut batch = Batch { heads: self.heads.clone(), ..Batch::default() };
        let mut to = self.cursor;
        for _ in 0..BLOCKS_PER_STEP {
            if self.ahead.is_empty() {
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
            if batch.events.len() >= EVENTS_PER_STEP || began.elapsed() >= STEP_TIME {
                break;
            }
        }
        if to == self.cursor {
            return Ok(Progress::Idle);
        }
        let mut connection = self.pool.acquire().await?;
        store::commit(&mut connection, self.cursor, to, &batch).await?;
        self.cursor = to;
        let events = batch.events.len();
        self.heads = batch.heads;
        Ok(Progress::Advanced { height: to.height, events })
    }

    fn read_receipt(&self, block: Header, receipt: &Receipt, batch: &mut Batch) -> Result<(), IndexerError> {
        let watched = self.contracts.iter().find(|(_, account)| *account == receipt.receiver);
        let Some((contract, _)) = watched else { return Ok(()) };
        let contract = *contract;
        for (index, log) in receipt.logs.iter().enumerate() {
            let log_index = i32::try_from(index).expect("a receipt has 100 logs at the most");
            let receipt_id = receipt.id.to_string();
            let head = *batch.heads.entry(contract).or_default();
            let due = head.seq + 1;
            let seq = match decode(contract, log) {
                Decoded::Foreign => continue,
                Decoded::Unknown { seq, reason } => {
                    let name = contract.name();
                    tracing::warn!(name, reason, "an event of ours can't be read; it is kept as a dead letter");
                    batch.dead_letters.push(DeadLetter {
                        height: block.height,
                        receipt_id,
                        log_index,
                        contract,
                        reason,
                        log: log.clone(),
                    });
                    let Some(seq) = seq else { continue };
                    seq
                }
                Decoded::Event(event) => {
                    batch.changes.extend(changes(&event.fact).into_iter().map(|change| (block.height, change)));
                    let seq = event.seq;
                    batch.events.push(StoredEvent {
                        height: block.height,
                        receipt_id,
                        log_index,
                        contract,
                        seq,
                        name: event.name,
                        by: event.by.to_string(),
                        log: log.clone(),
                        body: event.body,
                    });
                    seq
                }
            };
            if seq != due {
                let contract = contract.name().to_owned();
                return Err(IndexerError::MissingEvent { contract, expected: due, found: seq });
            }
            batch.heads.insert(contract, EventHead { seq, head: next_head(&head.head, log, sha256) });
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

    /// Runs until `stop` resolves. Trouble that may pass is waited out; anything else ends the run.
    pub async fn run(&mut self, stop: impl Future<Output = ()>) -> Result<(), IndexerError> {
        tokio::pin!(stop);
        loop {
            let pause = match self.step().await {
                Ok(Progress::Advanced { .. }) => Duration::ZERO,
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
