//! What became of a transaction, and the proof of an outcome.

use std::sync::Arc;
use std::time::Duration;

use near_primitives::errors::InvalidTxError;
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::{MerklePath, merklize};
use near_primitives::transaction::ExecutionOutcomeWithIdAndProof;
use near_primitives::views::{
    ExecutionOutcomeWithIdView, ExecutionStatusView, FinalExecutionOutcomeView, FinalExecutionStatus,
    LightClientBlockLiteView, ReceiptView, SignedTransactionView, TxExecutionStatus,
};

use super::{Block, Chain, OutcomePlace};

/// How far a transaction has come.
pub enum TxStatus {
    Unknown,
    /// Let in, not executed yet.
    Pending,
    Refused(InvalidTxError),
    Executed {
        outcome: Box<FinalExecutionOutcomeView>,
        reached: Reached,
        /// How long ago by the chain's clock.
        age: Duration,
    },
}

/// An outcome with its way to the block root.
#[derive(Clone)]
pub struct OutcomeProof {
    pub outcome: ExecutionOutcomeWithIdView,
    pub outcome_root_proof: MerklePath,
    pub block_header_lite: LightClientBlockLiteView,
    pub block_proof: MerklePath,
}

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoProof {
    UnknownOutcome,
    NotConfirmed,
    UnknownHead,
}

/// How far an included transaction is. The levels a client can wait for are no ladder: a transaction may be final before
/// it is executed, and executed before it is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its block can't be undone.
    included_final: bool,
    /// The answer and all receipts are there.
    executed: bool,
    /// So are they in blocks that can't be undone.
    executed_final: bool,
}

impl Reached {
    /// Whether this is as far as `until` asks.
    pub fn satisfies(self, until: &TxExecutionStatus) -> bool {
        match until {
            TxExecutionStatus::None | TxExecutionStatus::Included => true,
            TxExecutionStatus::ExecutedOptimistic => self.executed,
            TxExecutionStatus::IncludedFinal => self.included_final,
            TxExecutionStatus::Executed => self.executed && self.included_final,
            TxExecutionStatus::Final => self.executed_final,
        }
    }

    /// The highest level that holds.
    pub fn level(self) -> TxExecutionStatus {
        let levels = [
            TxExecutionStatus::Final,
            TxExecutionStatus::Executed,
            TxExecutionStatus::IncludedFinal,
            TxExecutionStatus::ExecutedOptimistic,
        ];
        levels.into_iter().find(|level| self.satisfies(level)).unwrap_or(TxExecutionStatus::Included)
    }
}

impl Chain {
    fn outcome_view(&self, place: OutcomePlace) -> ExecutionOutcomeWithIdView {
        let block = &self.blocks[place.block];
        ExecutionOutcomeWithIdAndProof {
            proof: block.outcome_paths[place.index].clone(),
            block_hash: *block.header.hash(),
            outcome_with_id: block.outcomes[place.index].clone(),
        }
        .into()
    }

    pub fn tx_status(&self, tx_hash: &CryptoHash) -> TxStatus {
        if let Some(error) = self.refused.get(tx_hash) {
            return TxStatus::Refused(error.clone());
        }
        let Some(signed) = self.transactions.get(tx_hash) else { return TxStatus::Unknown };
        let Some(place) = self.outcomes.get(tx_hash).copied() else { return TxStatus::Pending };
        let transaction_outcome = self.outcome_view(place);
        let mut receipts_outcome = Vec::new();
        let mut all_done = true;
        let mut last_block = place.block;
        // Depth first, as nearcore lists them: each receipt, then all that came of it.
        let mut ahead: Vec<_> = transaction_outcome.outcome.receipt_ids.iter().rev().copied().collect();
        while let Some(receipt_id) = ahead.pop() {
            let Some(place) = self.outcomes.get(&receipt_id).copied() else {
                all_done = false;
                continue;
            };
            let outcome = self.outcome_view(place);
            last_block = last_block.max(place.block);
            ahead.extend(outcome.outcome.receipt_ids.iter().rev().copied());
            receipts_outcome.push(outcome);
        }
        let status = self.final_status(&transaction_outcome);
        let outcome = FinalExecutionOutcomeView {
            status,
            transaction: SignedTransactionView::from(signed.as_ref().clone()),
            transaction_outcome,
            receipts_outcome,
        };
        let reached = self.reached(&outcome, all_done, last_block, place.block);
        TxStatus::Executed { outcome: Box::new(outcome), reached, age: self.age(place.block) }
    }

    fn age(&self, place: usize) -> Duration {
        let now_ns = crate::clock::now_ns().saturating_add(self.clock_ahead_ns);
        Duration::from_nanos(now_ns.saturating_sub(self.blocks[place].header.raw_timestamp()))
    }

    /// The blocks from the one that executed the last of a transaction's receipts to the head.
    pub(crate) fn blocks_since(&self, tx_hash: &CryptoHash) -> &[Arc<Block>] {
        let TxStatus::Executed { outcome, .. } = self.tx_status(tx_hash) else { return &[] };
        let ids = outcome.receipts_outcome.iter().map(|outcome| outcome.id).chain([*tx_hash]);
        let last = ids.filter_map(|id| Some(self.outcomes.get(&id)?.block)).max();
        last.map_or(&[], |last| &self.blocks[last..])
    }

    fn reached(
        &self,
        outcome: &FinalExecutionOutcomeView,
        all_done: bool,
        last_block: usize,
        first_block: usize,
    ) -> Reached {
        let final_index = self.final_place();
        let answered = !matches!(outcome.status, FinalExecutionStatus::NotStarted | FinalExecutionStatus::Started);
        let executed = answered && all_done;
        Reached {
            included_final: first_block <= final_index,
            executed,
            executed_final: executed && last_block <= final_index,
        }
    }

    /// Follows returned promises to the value that answers the transaction.
    fn final_status(&self, transaction: &ExecutionOutcomeWithIdView) -> FinalExecutionStatus {
        let mut status = transaction.outcome.status.clone();
        loop {
            match status {
                ExecutionStatusView::Unknown => return FinalExecutionStatus::NotStarted,
                ExecutionStatusView::Failure(error) => return FinalExecutionStatus::Failure(error),
                ExecutionStatusView::SuccessValue(bytes) => return FinalExecutionStatus::SuccessValue(bytes),
                ExecutionStatusView::SuccessReceiptId(receipt_id) => {
                    let Some(place) = self.outcomes.get(&receipt_id) else { return FinalExecutionStatus::Started };
                    status = self.outcome_view(*place).outcome.status;
                }
            }
        }
    }

    /// All receipts of a transaction, refunds included.
    pub fn receipts_of(&self, outcome: &FinalExecutionOutcomeView) -> Vec<ReceiptView> {
        let ids = std::iter::once(&outcome.transaction_outcome).chain(&outcome.receipts_outcome);
        let ids = ids.flat_map(|outcome| outcome.outcome.receipt_ids.iter());
        ids.filter_map(|id| Some(ReceiptView::from(self.receipt(id)?.as_ref().clone()))).collect()
    }

    /// The block whose header carries the root over another's outcomes: the next one with a chunk.
    pub(super) fn carrier(&self, executed: usize) -> Option<usize> {
        (executed + 1..self.blocks.len()).find(|place| self.blocks[*place].has_chunk())
    }

    /// The proof that an outcome happened, against the block `head`.
    pub fn outcome_proof(&self, id: &CryptoHash, head: &CryptoHash) -> Result<OutcomeProof, NoProof> {
        let place = self.outcomes.get(id).copied().ok_or(NoProof::UnknownOutcome)?;
        let head = self.by_hash.get(head).copied().ok_or(NoProof::UnknownHead)?;
        // The root over blocks up to the carrier stands in the header after it.
        let carrier = self.carrier(place.block).filter(|carrier| *carrier < head).ok_or(NoProof::NotConfirmed)?;
        let block = &self.blocks[carrier];
        let mut outcome = self.outcome_view(place);
        outcome.block_hash = *block.header.hash();
        let roots = merklize(&[*block.chunk.prev_outcome_root()]).1;
        Ok(OutcomeProof {
            outcome,
            outcome_root_proof: roots.into_iter().next().unwrap_or_default(),
            block_header_lite: block.header.clone().into(),
            block_proof: self.block_tree.path(carrier, head),
        })
    }
}
