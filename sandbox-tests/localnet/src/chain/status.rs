//! What became of a transaction, and the proof of an outcome.

use std::sync::Arc;
use std::time::Duration;

use near_primitives::errors::InvalidTxError;
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::{MerklePath, merklize};
use near_primitives::transaction::{ExecutionOutcome, ExecutionOutcomeWithIdAndProof, ExecutionStatus};
use near_primitives::views::{
    ExecutionOutcomeWithIdView, FinalExecutionOutcomeView, FinalExecutionStatus, LightClientBlockLiteView, ReceiptView,
    SignedTransactionView, TxExecutionStatus,
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

/// The outcomes that came of a transaction so far.
struct Trail {
    receipts: Vec<OutcomePlace>,
    all_done: bool,
    /// The block of the last of them.
    last_block: usize,
}

impl Chain {
    fn outcome_view(&self, place: OutcomePlace) -> ExecutionOutcomeWithIdView {
        let block = &self.blocks[place.block];
        ExecutionOutcomeWithIdAndProof {
            proof: block.outcome_tree.path(place.index, block.outcomes.len()),
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
        let Some(first) = self.outcomes.get(tx_hash).copied() else { return TxStatus::Pending };
        let trail = self.trail(first);
        let reached = self.reached(first, &trail);
        let outcome = FinalExecutionOutcomeView {
            status: self.final_status(first),
            transaction: SignedTransactionView::from(signed.as_ref().clone()),
            transaction_outcome: self.outcome_view(first),
            receipts_outcome: trail.receipts.iter().map(|place| self.outcome_view(*place)).collect(),
        };
        TxStatus::Executed { outcome: Box::new(outcome), reached, age: self.age(first.block) }
    }

    /// Whether waiting until a transaction is as far as `until` is over: it is, or it never will be.
    pub(crate) fn has_reached(&self, tx_hash: &CryptoHash, until: &TxExecutionStatus) -> bool {
        if self.refused.contains_key(tx_hash) || !self.transactions.contains_key(tx_hash) {
            return true;
        }
        match self.outcomes.get(tx_hash).copied() {
            Some(first) => self.reached(first, &self.trail(first)).satisfies(until),
            None => *until == TxExecutionStatus::None,
        }
    }

    fn outcome(&self, place: OutcomePlace) -> &ExecutionOutcome {
        &self.blocks[place.block].outcomes[place.index].outcome
    }

    /// The receipts that came of a transaction, depth first, as nearcore lists them: each receipt, then all that came of it.
    fn trail(&self, first: OutcomePlace) -> Trail {
        let mut trail = Trail { receipts: Vec::new(), all_done: true, last_block: first.block };
        let mut ahead: Vec<_> = self.outcome(first).receipt_ids.iter().rev().collect();
        while let Some(receipt_id) = ahead.pop() {
            let Some(place) = self.outcomes.get(receipt_id).copied() else {
                trail.all_done = false;
                continue;
            };
            trail.last_block = trail.last_block.max(place.block);
            ahead.extend(self.outcome(place).receipt_ids.iter().rev());
            trail.receipts.push(place);
        }
        trail
    }

    fn age(&self, place: usize) -> Duration {
        let now_ns = crate::clock::now_ns().saturating_add(self.clock_ahead_ns);
        Duration::from_nanos(now_ns.saturating_sub(self.blocks[place].header.raw_timestamp()))
    }

    /// The blocks from the one that executed the last of a transaction's receipts to the head.
    pub(crate) fn blocks_since(&self, tx_hash: &CryptoHash) -> &[Arc<Block>] {
        let first = self.outcomes.get(tx_hash).copied();
        first.map_or(&[], |first| &self.blocks[self.trail(first).last_block..])
    }

    fn reached(&self, first: OutcomePlace, trail: &Trail) -> Reached {
        let final_place = self.final_place();
        let executed = trail.all_done && self.answer(first).is_some();
        Reached {
            included_final: first.block <= final_place,
            executed,
            executed_final: executed && trail.last_block <= final_place,
        }
    }

    /// The outcome that answers a transaction, at the end of returned promises. `None`: it is not there yet.
    fn answer(&self, first: OutcomePlace) -> Option<&ExecutionStatus> {
        let mut place = first;
        loop {
            match &self.outcome(place).status {
                ExecutionStatus::SuccessReceiptId(receipt_id) => place = self.outcomes.get(receipt_id).copied()?,
                ExecutionStatus::Unknown => return None,
                status => return Some(status),
            }
        }
    }

    fn final_status(&self, first: OutcomePlace) -> FinalExecutionStatus {
        match self.answer(first) {
            Some(ExecutionStatus::Failure(error)) => FinalExecutionStatus::Failure(error.clone()),
            Some(ExecutionStatus::SuccessValue(bytes)) => FinalExecutionStatus::SuccessValue(bytes.clone()),
            // A transaction without a receipt has no outcome here, so one that has no answer yet has started.
            _ => FinalExecutionStatus::Started,
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
        // The root over blocks up to the carrier stands in the header after it; the head itself needs no root.
        let carrier = self.carrier(place.block).filter(|carrier| *carrier <= head).ok_or(NoProof::NotConfirmed)?;
        let block = &self.blocks[carrier];
        let mut outcome = self.outcome_view(place);
        outcome.block_hash = *block.header.hash();
        let roots = merklize(&[*block.chunk.prev_outcome_root()]).1;
        Ok(OutcomeProof {
            outcome,
            outcome_root_proof: roots.into_iter().next().unwrap_or_default(),
            block_header_lite: block.header.clone().into(),
            block_proof: self.block_path(carrier, head),
        })
    }
}
