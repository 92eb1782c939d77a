//! Making blocks.

use std::sync::Arc;
use std::time::Instant;

use near_primitives::errors::{InvalidTxError, StorageError};
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::merkle::merklize;
use near_primitives::state_record::StateRecord;
use near_primitives::transaction::SignedTransaction;
use near_primitives::types::{BlockHeight, Gas, Nonce, StateChangeCause};

use super::merkle::HashTree;
use super::pool::{Key, Moment};
use super::{Block, Chain, Epoch, OutcomePlace};
use crate::defect::caught;
use crate::runtime::{BlockContext, apply_chunk, has_delayed};
use crate::state::StateUpdate;
use crate::store::{Entry, Plan};

/// Distance of blocks in time when nobody's clock says otherwise (NEAR's 0.6 s).
const BLOCK_TIME_NS: u64 = 600_000_000;

/// Heights that a fault may leave out one after the other.
const SKIPPED_IN_A_ROW_MAX: u64 = 10;
/// Blocks made for the sake of finality alone.
const FINALITY_BLOCKS_MAX: usize = 100;
/// Heights and times beyond the next centuries overflow in clients.
const BLOCKS_SKIPPED_MAX: u64 = 100_000_000;

/// How a transaction that met a defect is refused: nearcore has no other name for its own failures.
pub(crate) fn defect(text: &str) -> InvalidTxError {
    InvalidTxError::StorageError(StorageError::StorageInconsistentState(text.to_owned()))
}

/// The nonce that follows a key's. Without its key a transaction is refused, whatever its nonce.
fn next_nonce(state: &StateUpdate, (account_id, key, index): &Key) -> Nonce {
    let nonce = match index {
        None => state.access_key(account_id, key).map(|key| key.nonce),
        Some(index) => state.gas_key_nonce(account_id, key, *index),
    };
    nonce.map_or(Nonce::MAX, |nonce| nonce.saturating_add(1))
}

/// A block that is made and not yet part of the chain.
struct Made {
    block: Arc<Block>,
    refused: Vec<(Arc<SignedTransaction>, InvalidTxError)>,
}

impl Chain {
    /// Whether a block would do anything.
    pub fn has_work(&self) -> bool {
        self.is_unsettled() || self.pool.has_due(self.moment(None), |key| self.next_nonce(key))
    }

    /// When the next block is due, if one is: at once (a moment in the past), or when the gap in a key's nonces has been
    /// waited for.
    pub(crate) fn due_at(&self, last_block: Instant) -> Option<Instant> {
        if self.is_unsettled() {
            return Some(last_block);
        }
        self.pool.due_at(last_block, |key| self.next_nonce(key))
    }

    /// Whether there is something to do for a block even without new transactions.
    fn is_unsettled(&self) -> bool {
        let head = self.head();
        !self.patches.is_empty()
            || !head.outgoing.is_empty()
            || has_delayed(&head.state)
            // What was executed can be proven once a block carries its root and another one that block's.
            || self.last_execution.is_some_and(|place| !self.provable(place) || !self.settled(place))
    }

    /// Whether the block at `place` is final, or so many blocks ago that a client had better make some itself.
    fn settled(&self, place: usize) -> bool {
        place <= self.final_place() || self.blocks.len() - place > FINALITY_BLOCKS_MAX
    }

    fn provable(&self, place: usize) -> bool {
        self.carrier(place).is_some_and(|carrier| carrier + 1 < self.blocks.len())
    }

    fn next_nonce(&self, key: &Key) -> Nonce {
        next_nonce(&StateUpdate::new(self.head().state.clone()), key)
    }

    fn moment(&self, now: Option<Instant>) -> Moment {
        Moment { height: self.head().header.height(), now }
    }

    /// Makes one block out of the pool.
    pub fn produce(&mut self) -> std::io::Result<()> {
        self.produce_next(None)
    }

    /// Makes one block, and leaves in the pool what still waits for an earlier nonce.
    pub(crate) fn produce_due(&mut self) -> std::io::Result<()> {
        self.produce_next(Some(Instant::now()))
    }

    fn produce_next(&mut self, now: Option<Instant>) -> std::io::Result<()> {
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
        self.produce_at(height, 0, now)
    }

    fn produce_at(&mut self, height: BlockHeight, ahead_ns: u64, now: Option<Instant>) -> std::io::Result<()> {
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
            let (moment, state) = (self.moment(now), StateUpdate::new(self.head().state.clone()));
            let taken = self.pool.take(moment, |key| next_nonce(&state, key));
            plan.transactions = self.anchored(taken);
        }
        self.make_and_keep(plan)
    }

    /// Those whose block is still one of this chain's; the others are refused. It may have been lost, or be too long ago by
    /// now.
    fn anchored(&mut self, taken: Vec<Arc<SignedTransaction>>) -> Vec<Arc<SignedTransaction>> {
        let anchored = |signed: Arc<SignedTransaction>| match self.check_anchor(&signed.transaction) {
            Ok(()) => Some(signed),
            Err(error) => {
                self.refuse(signed.get_hash(), error);
                None
            }
        };
        taken.into_iter().filter_map(anchored).collect()
    }

    /// Makes a block, keeps it, and only then goes on from it: whatever fails leaves the chain as it was.
    fn make_and_keep(&mut self, plan: Plan) -> std::io::Result<()> {
        let made = match caught(|| self.execute(&plan)) {
            Ok(made) => made,
            Err(text) => {
                // What has met a defect would meet it again.
                for signed in &plan.transactions {
                    self.refuse(signed.get_hash(), defect(&text));
                }
                return Err(std::io::Error::other(text));
            }
        };
        if self.store.is_some() {
            let entry = Entry::Block { plan, hash: *made.block.header.hash() };
            if let Err(error) = self.store(&entry) {
                if let Entry::Block { plan, .. } = entry {
                    self.pool.give_back(plan.transactions, self.head().header.height());
                    self.patches.splice(0..0, plan.patches);
                }
                return Err(error);
            }
        }
        self.go_on_from(made);
        Ok(())
    }

    fn store(&self, entry: &Entry) -> std::io::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        store.lock().unwrap_or_else(std::sync::PoisonError::into_inner).append(entry)
    }

    /// Removes the head, which lost: its transactions wait again, and the rest of it is forgotten.
    pub(super) fn undo_head(&mut self) {
        let Some(block) = self.blocks.pop() else { return };
        self.skipped_to = self.skipped_to.filter(|skipped| *skipped < self.blocks.len());
        self.block_tree.pop();
        self.by_height.remove(&block.header.height());
        self.by_hash.remove(block.header.hash());
        self.lost.insert(*block.header.hash());
        for outcome in &block.outcomes {
            self.outcomes.remove(&outcome.id);
        }
        // What a block without chunk sends is still the older block's, which stays.
        for receipt in block.internal.iter().chain(&block.outgoing).filter(|_| block.has_chunk()) {
            self.receipts.remove(receipt.receipt_id());
        }
        self.last_execution = self.blocks.iter().rposition(|block| !block.outcomes.is_empty());
        self.pool.give_back(block.transactions.clone(), self.head().header.height());
        self.patches.splice(0..0, block.patches.iter().cloned());
    }

    fn refuse(&mut self, hash: CryptoHash, error: InvalidTxError) {
        self.transactions.remove(&hash);
        self.refused.insert(hash, error);
    }

    /// Skips `count` heights, as `sandbox_fast_forward` does: one block stands `count` further on in height and time, and with
    /// `skips_by_epoch` one before it at the end of the last epoch that was skipped.
    pub fn fast_forward(&mut self, count: u64) -> std::io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        if count > BLOCKS_SKIPPED_MAX {
            let text = format!("at most {BLOCKS_SKIPPED_MAX} blocks can be skipped at once, not {count}");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, text));
        }
        let height = self.head().header.height().saturating_add(count);
        if !self.options.skips_by_epoch {
            return self.skip_to(height);
        }
        let last_of_epoch = self.genesis.epoch(height).1.saturating_sub(1);
        if last_of_epoch > self.head().header.height() {
            self.skip_to(last_of_epoch)?;
        }
        self.skip_to(height)?;
        self.skipped_to = Some(self.blocks.len() - 1);
        Ok(())
    }

    fn skip_to(&mut self, height: BlockHeight) -> std::io::Result<()> {
        let count = height.saturating_sub(self.head().header.height());
        self.produce_at(height, count.saturating_mul(BLOCK_TIME_NS), None)
    }

    /// Lets time pass without blocks; the next block shows it.
    pub fn advance_time(&mut self, ns: u64) {
        self.clock_ahead_ns = self.clock_ahead_ns.saturating_add(ns);
    }

    /// Edits the state with the next block. `Err` says why the records make no state that NEAR could have: nearcore stops
    /// at code that its account does not name.
    pub fn patch_state(&mut self, records: Vec<StateRecord>) -> Result<(), String> {
        let mut state = StateUpdate::new(self.head().state.clone());
        for record in self.patches.iter().chain(&records) {
            state.put_record(record.clone());
        }
        for record in &records {
            let StateRecord::Contract { account_id, code } = record else { continue };
            let account =
                state.account(account_id).ok_or_else(|| format!("code for {account_id}, which does not exist"))?;
            let (code_hash, named) = (hash(code), account.local_contract_hash());
            if named != Some(code_hash) {
                let named = named.unwrap_or_default();
                return Err(format!("code of hash {code_hash} for {account_id}, whose code_hash is {named}"));
            }
        }
        self.patches.extend(records);
        Ok(())
    }

    /// Makes a block that was decided elsewhere.
    pub(super) fn make_block(&mut self, plan: &Plan) {
        let made = self.execute(plan);
        self.go_on_from(made);
    }

    fn execute(&self, plan: &Plan) -> Made {
        let (previous, epoch) = (Arc::clone(self.head()), self.epoch_at(plan.height));
        if plan.chunk_missing {
            return Made { block: Arc::new(self.empty_block(plan, &previous, epoch)), refused: Vec::new() };
        }
        let Plan { height, timestamp_ns, patches, transactions, receipts_delayed, .. } = plan.clone();
        let mut base = StateUpdate::new(previous.state.clone());
        for record in patches.iter().cloned() {
            base.put_record(record);
        }
        base.commit(&StateChangeCause::Migration);
        let (state, patched) = base.finish();
        let mut context = self.context(height, timestamp_ns, &epoch);
        if receipts_delayed {
            context.gas_limit = Gas::ZERO;
        }
        let mut result = apply_chunk(&context, state, transactions, &previous.outgoing);
        result.changes.extend(patched);

        let tx_root = merklize(&result.accepted).0;
        let chunk = self.chunk_header(height, tx_root, epoch.author(height));
        let header = self.header(height, timestamp_ns, &chunk, &epoch);
        let mut outcome_tree = HashTree::default();
        for outcome in &result.outcomes {
            outcome_tree.push(CryptoHash::hash_borsh(outcome.to_hashes()));
        }
        let outcome_root = outcome_tree.root(result.outcomes.len());
        let block = Arc::new(Block {
            header,
            epoch,
            chunk,
            transactions: result.accepted,
            patches,
            receipts_delayed,
            incoming: previous.outgoing.clone(),
            internal: result.internal,
            state: result.state,
            changes: result.changes,
            outcomes: result.outcomes,
            outcome_root,
            outcome_tree,
            outgoing: result.outgoing,
            gas_used: result.gas_used,
            balance_burnt: result.balance_burnt,
        });
        Made { block, refused: result.refused }
    }

    fn go_on_from(&mut self, made: Made) {
        for (signed, error) in made.refused {
            self.refuse(signed.get_hash(), error);
        }
        self.push(made.block);
    }

    /// A block whose chunk did not come: it repeats the last one's header and executes nothing.
    fn empty_block(&self, plan: &Plan, previous: &Block, epoch: Arc<Epoch>) -> Block {
        let header = self.header(plan.height, plan.timestamp_ns, &previous.chunk, &epoch);
        Block {
            header,
            epoch,
            transactions: Vec::new(),
            patches: Vec::new(),
            receipts_delayed: plan.receipts_delayed,
            incoming: Vec::new(),
            internal: Vec::new(),
            changes: Vec::new(),
            outcomes: Vec::new(),
            outcome_tree: HashTree::default(),
            ..previous.clone()
        }
    }

    /// What code sees of a block that is there when it only reads.
    pub fn view_context(&self, block: &Block) -> BlockContext {
        self.context(block.header.height(), block.header.raw_timestamp(), &block.epoch)
    }

    /// What code sees of the block that executes it.
    fn context(&self, height: BlockHeight, timestamp_ns: u64, epoch: &Epoch) -> BlockContext {
        BlockContext {
            height,
            timestamp_ns,
            epoch_height: epoch.height,
            gas_price: self.genesis.config.min_gas_price,
            gas_limit: self.genesis.config.gas_limit,
            random_seed: Self::random_value(self.head().header.hash(), height),
            chain_id: self.genesis.config.chain_id.clone(),
            version: self.genesis.config.protocol_version,
            config: Arc::clone(&self.config),
        }
    }

    pub(super) fn push(&mut self, block: Arc<Block>) {
        let place = self.blocks.len();
        for (index, outcome) in block.outcomes.iter().enumerate() {
            self.outcomes.insert(outcome.id, OutcomePlace { block: place, index });
        }
        for signed in &block.transactions {
            // It may have been refused before, sent again, and executed now.
            self.refused.remove(&signed.get_hash());
            self.transactions.entry(signed.get_hash()).or_insert_with(|| Arc::clone(signed));
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
