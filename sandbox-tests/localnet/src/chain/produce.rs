//! Making blocks.

use std::sync::Arc;

use near_primitives::errors::InvalidTxError;
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::merklize;
use near_primitives::state_record::StateRecord;
use near_primitives::transaction::{ExecutionOutcomeWithId, NonceMode, SignedTransaction};
use near_primitives::types::{BlockHeight, Gas, StateChangeCause};

use super::{Block, Chain, OutcomePlace};
use crate::admission::waits_for_others;
use crate::runtime::{BlockContext, ChunkResult, apply_chunk, has_delayed};
use crate::state::StateUpdate;
use crate::store::{Entry, Plan};

/// Distance of blocks in time when nobody's clock says otherwise (NEAR's 0.6 s).
const BLOCK_TIME_NS: u64 = 600_000_000;

/// nearcore's `transaction_pool_strict_nonce_ttl_blocks`.
const STRICT_NONCE_BLOCKS: u64 = 64;
/// Heights that a fault may leave out one after the other.
const SKIPPED_IN_A_ROW_MAX: u64 = 10;
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
            // What was executed can be proven once a block carries its root and another one that block's.
            || self.last_execution.is_some_and(|place| !self.provable(place))
    }

    fn provable(&self, place: usize) -> bool {
        self.carrier(place).is_some_and(|carrier| carrier + 1 < self.blocks.len())
    }

    /// Makes one block out of the pool.
    pub fn produce(&mut self) -> std::io::Result<()> {
        let faults = self.options.faults;
        let lost = self.head().header.height();
        let mut height = lost.saturating_add(1);
        if self.final_head().header.height() < lost && faults.loses(lost) {
            self.store(&Entry::Undo)?;
            self.undo_head();
        }
        // A seed that skips every height must not hang the chain.
        let skipped = (0..SKIPPED_IN_A_ROW_MAX).take_while(|more| faults.skips(height + more)).count();
        height += u64::try_from(skipped).unwrap_or(0);
        self.produce_at(height, 0)
    }

    fn produce_at(&mut self, height: BlockHeight, ahead_ns: u64) -> std::io::Result<()> {
        self.clock_ahead_ns = self.clock_ahead_ns.saturating_add(ahead_ns);
        let clock = crate::clock::now_ns().saturating_add(self.clock_ahead_ns);
        let faults = self.options.faults;
        let mut plan = Plan {
            height,
            timestamp_ns: clock.max(self.head().header.raw_timestamp().saturating_add(1)),
            clock_ahead_ns: self.clock_ahead_ns,
            chunk_missing: faults.misses_chunk(height) && self.head().has_chunk(),
            receipts_delayed: faults.delays_receipts(height),
            ..Plan::default()
        };
        if !plan.chunk_missing {
            plan.patches = std::mem::take(&mut self.patches);
            plan.transactions = self.next_transactions();
        }
        if self.store.is_some() {
            self.store(&Entry::Block(plan.clone()))?;
        }
        self.make_block(plan);
        Ok(())
    }

    fn store(&self, entry: &Entry) -> std::io::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        store.lock().unwrap_or_else(std::sync::PoisonError::into_inner).append(entry)
    }

    /// Removes the head, which lost: its transactions wait again, and the rest of it is forgotten.
    pub(super) fn undo_head(&mut self) {
        let Some(block) = self.blocks.pop() else { return };
        self.block_tree.pop();
        self.by_height.remove(&block.header.height());
        self.by_hash.remove(block.header.hash());
        for outcome in &block.outcomes {
            self.outcomes.remove(&outcome.id);
        }
        // What a block without chunk sends is still the older block's, which stays.
        for receipt in block.internal.iter().chain(&block.outgoing).filter(|_| block.has_chunk()) {
            self.receipts.remove(receipt.receipt_id());
        }
        self.last_execution = self.blocks.iter().rposition(|block| !block.outcomes.is_empty());
        self.pool.splice(0..0, block.transactions.iter().cloned());
        self.patches.splice(0..0, block.patches.iter().cloned());
    }

    /// The pool, and those that waited, in the order of their nonces.
    fn next_transactions(&mut self) -> Vec<SignedTransaction> {
        let mut transactions = std::mem::take(&mut self.pool);
        transactions.extend(self.held.iter().map(|(signed, _)| signed.clone()));
        // Stable: without strict nonces the order is that of arrival.
        let strict = |signed: &SignedTransaction| signed.transaction.nonce_mode() == NonceMode::Strict;
        transactions.sort_by_key(|signed| strict(signed).then(|| signed.transaction.nonce().nonce()));
        transactions
    }

    /// Keeps what waits for an earlier nonce, for as long as nearcore's pool does.
    fn hold(&mut self, signed: SignedTransaction, error: InvalidTxError) {
        let hash = signed.get_hash();
        let height = self.head().header.height();
        let until = self.held.iter().find(|(held, _)| held.get_hash() == hash).map(|(_, until)| *until);
        let until = until.unwrap_or(height + STRICT_NONCE_BLOCKS);
        self.held.retain(|(held, _)| held.get_hash() != hash);
        if height < until {
            self.held.push((signed, until));
        } else {
            self.transactions.remove(&hash);
            self.refused.insert(hash, error);
        }
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

    pub(super) fn make_block(&mut self, plan: Plan) {
        let previous = Arc::clone(self.head());
        if plan.chunk_missing {
            return self.make_empty_block(&plan, &previous);
        }
        let Plan { height, timestamp_ns, patches, transactions, receipts_delayed, .. } = plan;
        let mut base = StateUpdate::new(previous.state.clone());
        for record in patches.iter().cloned() {
            base.put_record(record);
        }
        base.commit(&StateChangeCause::Migration);
        let (state, patched) = base.finish();
        let mut context = self.context(height, timestamp_ns);
        if receipts_delayed {
            context.gas_limit = Gas::ZERO;
        }
        let incoming = previous.outgoing.clone();
        let arrived = incoming.iter().map(|receipt| receipt.as_ref().clone()).collect();
        let mut result = apply_chunk(&context, state, transactions, arrived);
        result.changes.extend(patched);

        let tx_root = merklize(&result.accepted).0;
        let chunk = self.chunk_header(height, tx_root);
        let header = self.header(height, timestamp_ns, &chunk);
        self.note(&mut result);
        let hashes: Vec<Vec<CryptoHash>> = result.outcomes.iter().map(ExecutionOutcomeWithId::to_hashes).collect();
        let (outcome_root, outcome_paths) = merklize(&hashes);
        self.push(Arc::new(Block {
            header,
            chunk,
            transactions: result.accepted,
            patches,
            receipts_delayed,
            incoming,
            internal: result.internal.into_iter().map(Arc::new).collect(),
            state: result.state,
            changes: result.changes,
            outcomes: result.outcomes,
            outcome_root,
            outcome_paths,
            outgoing: result.outgoing.into_iter().map(Arc::new).collect(),
            gas_used: result.gas_used,
            balance_burnt: result.balance_burnt,
        }));
    }

    /// A block whose chunk did not come: it repeats the last one's header and executes nothing.
    fn make_empty_block(&mut self, plan: &Plan, previous: &Block) {
        let header = self.header(plan.height, plan.timestamp_ns, &previous.chunk);
        self.push(Arc::new(Block {
            header,
            transactions: Vec::new(),
            patches: Vec::new(),
            receipts_delayed: plan.receipts_delayed,
            incoming: Vec::new(),
            internal: Vec::new(),
            changes: Vec::new(),
            outcomes: Vec::new(),
            outcome_paths: Vec::new(),
            ..previous.clone()
        }));
    }

    /// What code sees of the block that executes it.
    pub fn context(&self, height: BlockHeight, timestamp_ns: u64) -> BlockContext {
        BlockContext {
            height,
            timestamp_ns,
            epoch_height: self.genesis.epoch(height).0,
            gas_price: self.genesis.config.min_gas_price,
            gas_limit: self.genesis.config.gas_limit,
            random_seed: Self::random_value(self.head().header.hash(), height),
            chain_id: self.genesis.config.chain_id.clone(),
            version: self.genesis.config.protocol_version,
            config: Arc::clone(&self.config),
            code_cache: self.code_cache.clone(),
        }
    }

    /// Remembers transactions that were refused.
    fn note(&mut self, result: &mut ChunkResult) {
        for (signed, error) in result.refused.drain(..) {
            if waits_for_others(&signed.transaction, &error) {
                self.hold(signed, error);
                continue;
            }
            self.transactions.remove(&signed.get_hash());
            self.refused.insert(signed.get_hash(), error);
        }
        self.held.retain(|(held, _)| !result.accepted.contains(held));
    }

    pub(super) fn push(&mut self, block: Arc<Block>) {
        let place = self.blocks.len();
        for (index, outcome) in block.outcomes.iter().enumerate() {
            self.outcomes.insert(outcome.id, OutcomePlace { block: place, index });
        }
        for signed in &block.transactions {
            self.transactions.entry(signed.get_hash()).or_insert_with(|| Arc::new(signed.clone()));
        }
        for outcome in &block.outcomes {
            let origin = if self.transactions.contains_key(&outcome.id) {
                outcome.id
            } else {
                self.origins.get(&outcome.id).copied().unwrap_or_default()
            };
            for receipt_id in &outcome.outcome.receipt_ids {
                self.origins.insert(*receipt_id, origin);
            }
        }
        if !block.outcomes.is_empty() {
            self.last_execution = Some(place);
        }
        for receipt in block.internal.iter().chain(&block.outgoing) {
            self.receipts.insert(*receipt.receipt_id(), Arc::clone(receipt));
        }
        self.by_height.insert(block.header.height(), place);
        self.by_hash.insert(*block.header.hash(), place);
        self.block_tree.push(*block.header.hash());
        self.blocks.push(block);
    }
}
