//! Executes a chunk: transactions become receipts, receipts change the state and make more receipts.
//!
//! The order is nearcore's: transactions, then local receipts, then delayed ones, then incoming ones, then yields that
//! ran out of time. Receipts beyond the chunk's gas limit wait in the delayed queue.

mod account_actions;
mod action;
mod delegate;
mod function_call;
mod global_contracts;
mod host;
mod outcome;
mod promises;
mod queue;
mod receipt;
mod refund;
mod state_init;
mod yields;

use std::collections::VecDeque;
use std::sync::Arc;

use near_parameters::RuntimeConfig;
use near_primitives::errors::InvalidTxError;
use near_primitives::hash::CryptoHash;
use near_primitives::receipt::Receipt;
use near_primitives::transaction::{ExecutionOutcome, ExecutionOutcomeWithId, ExecutionStatus, SignedTransaction};
use near_primitives::types::{
    Balance, BlockHeight, EpochHeight, Gas, ProtocolVersion, RawStateChangesWithTrieKey, StateChangeCause,
};
use near_primitives::utils::create_receipt_id_from_transaction;

use crate::admission::{Accepted, accept_transaction};
use crate::chain::defect;
use crate::defect::caught;
use crate::state::StateUpdate;
use crate::trie::Trie;

pub use function_call::{VIEW_GAS, ViewCall, ViewError, view};
pub use queue::has_delayed;

/// What the block tells the code that runs in it.
#[derive(Clone)]
pub struct BlockContext {
    pub height: BlockHeight,
    pub timestamp_ns: u64,
    pub epoch_height: EpochHeight,
    pub gas_price: Balance,
    pub gas_limit: Gas,
    pub random_seed: CryptoHash,
    pub chain_id: String,
    pub version: ProtocolVersion,
    pub config: Arc<RuntimeConfig>,
}

/// What executing a chunk leaves behind.
pub struct ChunkResult {
    pub state: Trie,
    pub changes: Vec<RawStateChangesWithTrieKey>,
    pub outcomes: Vec<ExecutionOutcomeWithId>,
    /// Receipts to be executed in the next block.
    pub outgoing: Vec<Arc<Receipt>>,
    /// Receipts that were made and executed within this chunk: local ones, yields and their resumes.
    pub internal: Vec<Arc<Receipt>>,
    /// Transactions that were refused, with the reason.
    pub refused: Vec<(Arc<SignedTransaction>, InvalidTxError)>,
    pub accepted: Vec<Arc<SignedTransaction>>,
    pub gas_used: Gas,
    pub balance_burnt: Balance,
}

/// The work of one chunk in progress.
pub(crate) struct Chunk<'a> {
    pub context: &'a BlockContext,
    pub state: StateUpdate,
    pub outcomes: Vec<ExecutionOutcomeWithId>,
    pub outgoing: Vec<Arc<Receipt>>,
    pub internal: Vec<Arc<Receipt>>,
    /// Receipts to execute before anything else of this chunk: yields just made, and what resumes them.
    pub instant: VecDeque<Arc<Receipt>>,
    pub gas_used: Gas,
    pub balance_burnt: Balance,
    /// Size of the storage proof before the receipt in execution.
    pub recorded_before_receipt: usize,
}

/// Executes one chunk on top of `state`.
pub fn apply_chunk(
    context: &BlockContext,
    state: Trie,
    transactions: Vec<Arc<SignedTransaction>>,
    incoming: &[Arc<Receipt>],
) -> ChunkResult {
    let mut chunk = Chunk {
        context,
        state: StateUpdate::recording(state),
        outcomes: Vec::new(),
        outgoing: Vec::new(),
        internal: Vec::new(),
        instant: VecDeque::new(),
        gas_used: Gas::ZERO,
        balance_burnt: Balance::ZERO,
        recorded_before_receipt: 0,
    };
    let (accepted, local, refused) = chunk.convert_transactions(transactions);
    chunk.process_receipts(&local, incoming);
    chunk.time_out_yields();
    let (state, changes) = chunk.state.finish();
    ChunkResult {
        state,
        changes,
        outcomes: chunk.outcomes,
        outgoing: chunk.outgoing,
        internal: chunk.internal,
        refused,
        accepted,
        gas_used: chunk.gas_used,
        balance_burnt: chunk.balance_burnt,
    }
}

type Converted = (Vec<Arc<SignedTransaction>>, Vec<Arc<Receipt>>, Vec<(Arc<SignedTransaction>, InvalidTxError)>);

impl Chunk<'_> {
    fn convert_transactions(&mut self, transactions: Vec<Arc<SignedTransaction>>) -> Converted {
        let mut converted: Converted = Default::default();
        for signed in transactions {
            let tx = &signed.transaction;
            let context = self.context;
            let checked =
                caught(|| accept_transaction(&context.config, &self.state, tx, context.gas_price, context.height));
            match checked.unwrap_or_else(|text| Err(defect(&text))) {
                Err(error) => converted.2.push((signed, error)),
                Ok(accepted) => {
                    let receipt = Arc::new(self.convert(&signed, &accepted));
                    if tx.signer_id() == tx.receiver_id() {
                        self.internal.push(Arc::clone(&receipt));
                        converted.1.push(receipt);
                    } else {
                        self.outgoing.push(receipt);
                    }
                    converted.0.push(signed);
                }
            }
        }
        converted
    }

    fn convert(&mut self, signed: &SignedTransaction, accepted: &Accepted) -> Receipt {
        let tx = &signed.transaction;
        let tx_hash = signed.get_hash();
        self.state.set_access_key(tx.signer_id(), tx.public_key(), &accepted.access_key);
        if let Some((index, nonce)) = accepted.gas_key_nonce {
            self.state.set_gas_key_nonce(tx.signer_id(), tx.public_key(), index, nonce);
        }
        self.state.set_account(tx.signer_id(), &accepted.account);
        self.state.commit(&StateChangeCause::TransactionProcessing { tx_hash });
        let receipt_id = create_receipt_id_from_transaction(&tx_hash, self.context.height);
        let cost = &accepted.cost;
        self.gas_used = self.gas_used.saturating_add(cost.gas_burnt);
        self.balance_burnt = self.balance_burnt.saturating_add(cost.burnt_amount);
        self.outcomes.push(ExecutionOutcomeWithId {
            id: tx_hash,
            outcome: ExecutionOutcome {
                status: ExecutionStatus::SuccessReceiptId(receipt_id),
                receipt_ids: vec![receipt_id],
                gas_burnt: cost.gas_burnt,
                compute_usage: Some(cost.gas_burnt.as_gas()),
                tokens_burnt: cost.burnt_amount,
                executor_id: tx.signer_id().clone(),
                ..ExecutionOutcome::default()
            },
        });
        Receipt::from_tx(
            receipt_id,
            tx.signer_id().clone(),
            tx.receiver_id().clone(),
            tx.public_key().clone(),
            cost.receipt_gas_price,
            tx.actions().to_vec(),
        )
    }
}
