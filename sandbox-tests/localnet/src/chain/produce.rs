//! Making blocks.

use std::sync::Arc;

use near_primitives::hash::CryptoHash;
use near_primitives::merkle::merklize;
use near_primitives::state_record::StateRecord;
use near_primitives::transaction::{ExecutionOutcomeWithId, SignedTransaction};
use near_primitives::types::{BlockHeight, StateChangeCause};

use super::{Block, Chain, OutcomePlace};
use crate::runtime::{BlockContext, ChunkResult, apply_chunk, has_delayed};
use crate::state::StateUpdate;
use crate::store::Entry;

/// Distance of blocks in time when nobody's clock says otherwise (NEAR's 0.6 s).
const BLOCK_TIME_NS: u64 = 600_000_000;

/// Heights and times beyond the next centuries overflow in clients.
const BLOCKS_SKIPPED_MAX: u64 = 100_000_000;

impl Chain {
    /// Whether a block would do anything.
    pub fn has_work(&self) -> bool {
        let head = self.head();
        !self.pool.is_empty()
            || !self.patches.is_empty()
            || !head.outgoing.is_empty()
            || has_delayed(&head.state)
            // What a block executed is committed to by the next one, and that by the one after: without both no outcome
            // can be proven.
            || self.blocks.iter().rev().take(2).any(|block| !block.outcomes.is_empty())
    }

    /// Makes one block out of the pool.
    pub fn produce(&mut self) -> std::io::Result<()> {
        let height = self.head().header.height().saturating_add(1);
        self.produce_at(height, 0)
    }

    fn produce_at(&mut self, height: BlockHeight, ahead_ns: u64) -> std::io::Result<()> {
        self.clock_ahead_ns = self.clock_ahead_ns.saturating_add(ahead_ns);
        let clock = crate::clock::now_ns().saturating_add(self.clock_ahead_ns);
        let timestamp_ns = clock.max(self.head().header.raw_timestamp().saturating_add(1));
        let patches = std::mem::take(&mut self.patches);
        let transactions = std::mem::take(&mut self.pool);
        if let Some(store) = &self.store {
            let entry = Entry::Block {
                height,
                timestamp_ns,
                clock_ahead_ns: self.clock_ahead_ns,
                patches: serde_json::to_vec(&patches)?,
                transactions: transactions.clone(),
            };
            let mut store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            store.append(&entry)?;
        }
        self.make_block(height, timestamp_ns, patches, transactions);
        Ok(())
    }

    /// Skips `count` heights, as `sandbox_fast_forward` does: one block stands `count` further on in height and time.
    pub fn fast_forward(&mut self, count: u64) -> std::io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        if count > BLOCKS_SKIPPED_MAX {
            let text = format!("at most {BLOCKS_SKIPPED_MAX} blocks can be skipped at once, not {count}");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, text));
        }
        let height = self.head().header.height().saturating_add(count);
        self.produce_at(height, count.saturating_mul(BLOCK_TIME_NS))
    }

    /// Lets time pass without blocks; the next block shows it.
    pub fn advance_time(&mut self, ns: u64) {
        self.clock_ahead_ns = self.clock_ahead_ns.saturating_add(ns);
    }

    /// Edits the state with the next block.
    pub fn patch_state(&mut self, records: Vec<StateRecord>) {
        self.patches.extend(records);
    }

    pub(super) fn make_block(
        &mut self,
        height: BlockHeight,
        timestamp_ns: u64,
        patches: Vec<StateRecord>,
        transactions: Vec<SignedTransaction>,
    ) {
        let previous = Arc::clone(self.head());
        let mut base = StateUpdate::new(previous.state.clone());
        for record in patches.iter().cloned() {
            base.put_record(record);
        }
        base.commit(&StateChangeCause::Migration);
        let (state, patched) = base.finish();
        let context = self.context(height, timestamp_ns);
        let incoming = previous.outgoing.clone();
        let mut result = apply_chunk(&context, state, transactions, incoming.clone());
        result.changes.extend(patched);

        let tx_root = merklize(&result.accepted).0;
        let chunk = self.chunk_header(height, tx_root);
        let header = self.header(height, timestamp_ns, &chunk);
        self.note(&mut result);
        let hashes: Vec<Vec<CryptoHash>> = result.outcomes.iter().map(ExecutionOutcomeWithId::to_hashes).collect();
        let (outcome_root, outcome_paths) = merklize(&hashes);
        self.push(Block {
            header,
            chunk,
            transactions: result.accepted,
            patches,
            incoming,
            state: result.state,
            changes: result.changes,
            outcomes: result.outcomes,
            outcome_root,
            outcome_paths,
            outgoing: result.outgoing,
            gas_used: result.gas_used,
            balance_burnt: result.balance_burnt,
        });
    }

    /// What code sees of the block that executes it.
    pub fn context(&self, height: BlockHeight, timestamp_ns: u64) -> BlockContext {
        BlockContext {
            height,
            timestamp_ns,
            epoch_height: 1,
            gas_price: self.genesis.config.min_gas_price,
            gas_limit: self.genesis.config.gas_limit,
            random_seed: Self::random_value(self.head().header.hash(), height),
            chain_id: self.genesis.config.chain_id.clone(),
            version: self.genesis.config.protocol_version,
            config: Arc::clone(&self.config),
            code_cache: self.code_cache.clone(),
        }
    }

    /// Remembers receipts, where they come from, and transactions that were not let in.
    fn note(&mut self, result: &mut ChunkResult) {
        for (hash, error) in result.refused.drain(..) {
            self.transactions.remove(&hash);
            self.refused.insert(hash, error);
        }
        for receipt in result.internal.iter().chain(&result.outgoing) {
            self.receipts.insert(*receipt.receipt_id(), Arc::new(receipt.clone()));
        }
        for outcome in &result.outcomes {
            let origin = if self.transactions.contains_key(&outcome.id) {
                outcome.id
            } else {
                self.origins.get(&outcome.id).copied().unwrap_or_default()
            };
            for receipt_id in &outcome.outcome.receipt_ids {
                self.origins.insert(*receipt_id, origin);
            }
        }
    }

    pub(super) fn push(&mut self, block: Block) {
        let place = self.blocks.len();
        for (index, outcome) in block.outcomes.iter().enumerate() {
            self.outcomes.insert(outcome.id, OutcomePlace { block: place, index });
        }
        for signed in &block.transactions {
            self.transactions.entry(signed.get_hash()).or_insert_with(|| Arc::new(signed.clone()));
        }
        self.by_height.insert(block.header.height(), place);
        self.by_hash.insert(*block.header.hash(), place);
        self.block_tree.push(*block.header.hash());
        self.blocks.push(Arc::new(block));
    }
}
