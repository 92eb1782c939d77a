//! The chain: blocks in order, the pool, and everything a reader may ask about the past.

mod approvals;
mod block;
mod epochs;
mod light_client;
mod merkle;
mod pool;
mod produce;
mod signer;
mod status;
mod supply;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use near_parameters::{RuntimeConfig, RuntimeConfigStore};
use near_primitives::block_header::BlockHeader;
use near_primitives::errors::InvalidTxError;
use near_primitives::hash::CryptoHash;
use near_primitives::receipt::Receipt;
use near_primitives::sharding::ShardChunkHeader;
use near_primitives::state_record::StateRecord;
use near_primitives::transaction::{ExecutionOutcomeWithId, SignedTransaction, Transaction};
use near_primitives::types::{AccountId, BlockHeight, RawStateChangesWithTrieKey};

use crate::admission::KnownKeys;
use crate::faults::Faults;
use crate::genesis::Genesis;
use crate::store::{Entry, Plan, Store};
use crate::trie::Trie;
use merkle::HashTree;
use pool::Pool;
use signer::Signers;

pub use epochs::Epoch;
pub use light_client::UnknownBlock;
pub(crate) use produce::defect;
pub use status::{NoProof, OutcomeProof, Reached, TxStatus};
pub use supply::Supply;

/// The parameters of all protocol versions. Reading them takes longer than anything else at the start.
pub(crate) fn parameters() -> &'static RuntimeConfigStore {
    static PARAMETERS: LazyLock<RuntimeConfigStore> = LazyLock::new(|| RuntimeConfigStore::new(None));
    &PARAMETERS
}

/// A block with everything that came of executing it.
#[derive(Clone)]
pub struct Block {
    pub header: BlockHeader,
    pub epoch: Arc<Epoch>,
    pub chunk: ShardChunkHeader,
    pub transactions: Vec<Arc<SignedTransaction>>,
    /// State edits made before anything else.
    pub patches: Vec<StateRecord>,
    /// A fault: receipts that arrived had to wait.
    pub receipts_delayed: bool,
    /// Receipts that this block's chunk brought in: what the block before sent.
    pub incoming: Vec<Arc<Receipt>>,
    /// Receipts that were made and executed in this block.
    pub internal: Vec<Arc<Receipt>>,
    /// State after this block.
    pub state: Trie,
    pub changes: Vec<RawStateChangesWithTrieKey>,
    pub outcomes: Vec<ExecutionOutcomeWithId>,
    pub outcome_root: CryptoHash,
    outcome_tree: HashTree,
    pub outgoing: Vec<Arc<Receipt>>,
    pub gas_used: near_primitives::types::Gas,
    pub balance_burnt: near_primitives::types::Balance,
}

impl Block {
    /// Whether the block brought a chunk of its own. Without one it repeats the last one's header.
    pub fn has_chunk(&self) -> bool {
        self.chunk.height_included() == self.header.height()
    }

    /// The validator that made it.
    pub fn author(&self) -> &AccountId {
        self.epoch.author(self.header.height())
    }
}

/// Where an outcome is.
#[derive(Clone, Copy)]
struct OutcomePlace {
    block: usize,
    index: usize,
}

/// How many blocks nearcore makes after a block until that is final.
const BLOCKS_UNTIL_FINAL: usize = 2;

/// What a chain does differently from the simplest one: when blocks become final, and what goes wrong.
#[derive(Clone, Debug, Default)]
pub struct ChainOptions {
    /// Blocks between the head and the last final block.
    pub finality_lag: u64,
    /// Blocks, chunks and receipts that are skipped, lost or delayed on purpose.
    pub faults: Faults,
    /// As near-sandbox does, skip heights in two steps where an epoch ends on the way, and leave the last one unfinal until
    /// blocks follow it.
    pub skips_by_epoch: bool,
}

/// A chain in memory. Cloning shares blocks and state, so a fork is cheap.
#[derive(Clone)]
pub struct Chain {
    pub genesis: Arc<Genesis>,
    pub config: Arc<RuntimeConfig>,
    pub options: ChainOptions,
    signers: Arc<Signers>,
    blocks: Vec<Arc<Block>>,
    by_height: HashMap<BlockHeight, usize>,
    by_hash: HashMap<CryptoHash, usize>,
    outcomes: HashMap<CryptoHash, OutcomePlace>,
    receipts: HashMap<CryptoHash, Arc<Receipt>>,
    /// The transaction a receipt descends from.
    origins: HashMap<CryptoHash, CryptoHash>,
    transactions: HashMap<CryptoHash, Arc<SignedTransaction>>,
    /// Transactions that were admitted but could not be paid for when their turn came.
    refused: HashMap<CryptoHash, InvalidTxError>,
    pool: Pool,
    keys: KnownKeys,
    block_tree: HashTree,
    /// The last block that executed something.
    last_execution: Option<usize>,
    /// State edits that wait for the next block.
    patches: Vec<StateRecord>,
    clock_ahead_ns: u64,
    /// The last block made by skipping heights, where it was not final at once.
    skipped_to: Option<usize>,
    /// Blocks that were heads once.
    lost: HashSet<CryptoHash>,
    store: Option<Arc<std::sync::Mutex<Store>>>,
}

/// Why a transaction was not admitted to the pool.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error("{0}")]
    Invalid(InvalidTxError),
}

impl Chain {
    /// A chain with its genesis block.
    pub fn new(genesis: Genesis, options: ChainOptions) -> std::io::Result<Self> {
        let refused = |text: String| std::io::Error::new(std::io::ErrorKind::InvalidInput, text);
        genesis.check_validators().map_err(refused)?;
        crate::code::make_folder()?;
        let config = Arc::clone(parameters().get_config(genesis.config.protocol_version));
        let signers = Arc::new(Signers::new(&genesis));
        let mut chain = Self {
            config,
            options,
            signers,
            blocks: Vec::new(),
            by_height: HashMap::new(),
            by_hash: HashMap::new(),
            outcomes: HashMap::new(),
            receipts: HashMap::new(),
            origins: HashMap::new(),
            transactions: HashMap::new(),
            refused: HashMap::new(),
            pool: Pool::default(),
            keys: KnownKeys::default(),
            block_tree: HashTree::default(),
            last_execution: None,
            patches: Vec::new(),
            clock_ahead_ns: 0,
            skipped_to: None,
            lost: HashSet::new(),
            store: None,
            genesis: Arc::new(genesis),
        };
        let (state, supply) = chain.genesis.state(&chain.config);
        let block = block::genesis(&chain.genesis, state, supply);
        // A genesis from a chain that had skipped time is in the future: time goes on from there.
        chain.clock_ahead_ns = block.header.raw_timestamp().saturating_sub(crate::clock::now_ns());
        chain.push(Arc::new(block));
        Ok(chain)
    }

    /// Replays a stored chain, then keeps writing to the store.
    pub fn open(genesis: Genesis, options: ChainOptions, mut store: Store) -> std::io::Result<Self> {
        let entries = store.read()?;
        let is_new = entries.is_empty();
        let mut chain = Self::replayed(genesis, options, entries)?;
        if is_new {
            store.append(&Entry::Genesis { hash: *chain.genesis_block().header.hash() })?;
        }
        chain.store = Some(Arc::new(std::sync::Mutex::new(store)));
        Ok(chain)
    }

    /// The chain that a log tells of.
    pub(crate) fn replayed(genesis: Genesis, options: ChainOptions, entries: Vec<Entry>) -> std::io::Result<Self> {
        let invalid = |text: String| std::io::Error::new(std::io::ErrorKind::InvalidData, text);
        let mut chain = Self::new(genesis, options)?;
        for entry in entries {
            match entry {
                Entry::Genesis { hash } if hash == *chain.genesis_block().header.hash() => {}
                Entry::Genesis { .. } => {
                    let text = "the blocks in this folder were made from another genesis.json";
                    return Err(invalid(text.to_owned()));
                }
                Entry::Block { plan, hash } => {
                    chain.clock_ahead_ns = plan.clock_ahead_ns;
                    // A block with a chunk took what lost heads had given back.
                    if !plan.chunk_missing {
                        chain.pool.clear();
                        chain.patches.clear();
                    }
                    chain.make_block(&plan);
                    if *chain.head().header.hash() != hash {
                        let text = format!(
                            "block {} in this folder was made by another version of charter-localnet, and comes out \
                             differently here",
                            plan.height
                        );
                        return Err(invalid(text));
                    }
                }
                Entry::Undo => chain.undo_head(),
            }
        }
        // What lost heads had executed and no later block took was only waiting when the log ended, and waits no more.
        let waiting: HashSet<CryptoHash> = chain.pool.hashes().collect();
        chain.transactions.retain(|hash, _| chain.outcomes.contains_key(hash) || waiting.contains(hash));
        Ok(chain)
    }

    /// Executes every block once more, from genesis.
    pub fn replay_from_genesis(&self) -> std::io::Result<Self> {
        let mut chain = Self::new(self.genesis.as_ref().clone(), self.options.clone())?;
        for block in &self.blocks[1..] {
            chain.make_block(&Plan {
                height: block.header.height(),
                timestamp_ns: block.header.raw_timestamp(),
                clock_ahead_ns: 0,
                patches: block.patches.clone(),
                transactions: block.transactions.clone(),
                chunk_missing: !block.has_chunk(),
                receipts_delayed: block.receipts_delayed,
            });
        }
        Ok(chain)
    }

    /// A copy that shares everything so far and writes nowhere.
    pub fn fork(&self) -> Self {
        Self { store: None, ..self.clone() }
    }

    /// A copy without its last blocks.
    pub(crate) fn behind(&self, blocks: usize) -> Self {
        let mut copy = self.fork();
        for _ in 0..blocks.min(copy.blocks.len() - 1) {
            copy.undo_head();
        }
        copy.pool.clear();
        copy
    }

    /// Takes over another chain's blocks, all but the last few.
    pub(crate) fn follow(&mut self, ahead: &Self, blocks_behind: usize) {
        let wanted = ahead.blocks.len().saturating_sub(blocks_behind).max(1);
        let shared = self.blocks.iter().zip(&ahead.blocks).take_while(|(own, other)| Arc::ptr_eq(own, other)).count();
        while self.blocks.len() > shared.max(1) {
            self.undo_head();
        }
        for block in ahead.blocks.get(shared..wanted).unwrap_or_default() {
            self.push(Arc::clone(block));
        }
        self.pool.clear();
    }

    pub fn head(&self) -> &Arc<Block> {
        // The genesis block is always there.
        &self.blocks[self.blocks.len() - 1]
    }

    /// Transactions that wait for the next block.
    pub fn pool_size(&self) -> usize {
        self.pool.len()
    }

    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// The last block that can't be undone.
    pub fn final_head(&self) -> &Arc<Block> {
        &self.blocks[self.final_place()]
    }

    /// What a node that lags takes for its head, final or not.
    pub(crate) fn head_behind(&self, blocks: usize) -> &Arc<Block> {
        if blocks == 0 { self.head() } else { &self.blocks[self.final_place().saturating_sub(blocks)] }
    }

    fn final_place(&self) -> usize {
        let (head, lag) = (self.blocks.len() - 1, usize::try_from(self.options.finality_lag).unwrap_or(usize::MAX));
        let before_skip = self.skipped_to.filter(|skipped| head < skipped + BLOCKS_UNTIL_FINAL);
        let last = before_skip.map_or(head, |skipped| skipped.saturating_sub(1));
        last.min(head.saturating_sub(lag))
    }

    pub fn genesis_block(&self) -> &Arc<Block> {
        &self.blocks[0]
    }

    pub fn block_by_height(&self, height: BlockHeight) -> Option<&Arc<Block>> {
        self.by_height.get(&height).map(|index| &self.blocks[*index])
    }

    pub fn block_by_hash(&self, hash: &CryptoHash) -> Option<&Arc<Block>> {
        self.by_hash.get(hash).map(|index| &self.blocks[*index])
    }

    pub fn block_by_chunk(&self, chunk_hash: &CryptoHash) -> Option<&Arc<Block>> {
        let of_chunk = |block: &&Arc<Block>| block.has_chunk() && block.chunk.chunk_hash().0 == *chunk_hash;
        self.blocks.iter().rev().find(of_chunk)
    }

    /// The receipt with this id, if the chain ever made it.
    pub fn receipt(&self, receipt_id: &CryptoHash) -> Option<&Arc<Receipt>> {
        self.receipts.get(receipt_id)
    }

    /// The transaction that a receipt descends from.
    pub fn origin(&self, receipt_id: &CryptoHash) -> Option<&Arc<SignedTransaction>> {
        self.transactions.get(self.origins.get(receipt_id)?)
    }

    /// Admits a transaction to the pool. It is checked against its signer's state now, and again when its turn comes.
    pub fn submit(&mut self, signed: SignedTransaction) -> Result<(), SubmitError> {
        let hash = signed.get_hash();
        if self.transactions.contains_key(&hash) {
            return Ok(());
        }
        self.check(&signed).map_err(SubmitError::Invalid)?;
        let signed = Arc::new(signed);
        self.transactions.insert(hash, Arc::clone(&signed));
        self.refused.remove(&hash);
        self.pool.push(signed, self.head().header.height());
        Ok(())
    }

    fn check(&mut self, signed: &SignedTransaction) -> Result<(), InvalidTxError> {
        crate::admission::check_transaction(
            &self.config,
            signed,
            self.genesis.config.protocol_version,
            &mut self.keys,
        )?;
        let tx = &signed.transaction;
        self.check_anchor(tx)?;
        // Earlier transactions of the same signer that still wait in the pool are not taken into account here:
        // the state decides when the block is made.
        let state = crate::state::StateUpdate::new(self.head().state.clone());
        let height = self.head().header.height() + 1;
        match crate::admission::accept_transaction(&self.config, &state, tx, self.genesis.config.min_gas_price, height)
        {
            Err(error) if !crate::admission::waits_for_others(tx, &error) => Err(error),
            _ => Ok(()),
        }
    }

    /// A transaction names a block, and is good for a while after it.
    fn check_anchor(&self, tx: &Transaction) -> Result<(), InvalidTxError> {
        let missing = || {
            let lost = self.lost.contains(tx.block_hash());
            if lost { InvalidTxError::InvalidChain } else { InvalidTxError::Expired }
        };
        let base = self.block_by_hash(tx.block_hash()).ok_or_else(missing)?;
        let last = base.header.height().saturating_add(self.genesis.config.transaction_validity_period);
        if self.head().header.height() > last { Err(InvalidTxError::Expired) } else { Ok(()) }
    }
}
