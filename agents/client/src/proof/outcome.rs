//! Outcomes and headers under a head.

use near_primitives::hash::CryptoHash;
use near_primitives::merkle::{Direction, MerklePath, MerklePathItem, combine_hash};
use near_primitives::types::{AccountId, Balance, Gas};
use near_primitives::views::{ExecutionOutcomeWithIdView, ExecutionStatusView, LightClientBlockLiteView};
use serde::{Deserialize, Serialize};

use super::{Header, ProofError, Tip};

/// What `light_client_proof` answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutcomeProof {
    pub outcome_proof: ExecutionOutcomeWithIdView,
    pub outcome_root_proof: MerklePath,
    pub block_header_lite: LightClientBlockLiteView,
    pub block_proof: MerklePath,
}

/// What `EXPERIMENTAL_light_client_block_proof` answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlockProof {
    pub block_header_lite: LightClientBlockLiteView,
    pub block_proof: MerklePath,
}

/// How an execution ended. Why one failed is the node's word, which is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Unknown,
    Failure,
    Value(Vec<u8>),
    Receipt(CryptoHash),
}

impl Status {
    /// Whether what it logged and wrote counts.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Value(_) | Self::Receipt(_))
    }
}

/// What was executed, as far as the chain commits to it: not what the gas went for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenOutcome {
    pub id: CryptoHash,
    pub executor_id: AccountId,
    pub status: Status,
    pub logs: Vec<String>,
    pub receipt_ids: Vec<CryptoHash>,
    pub gas_burnt: Gas,
    pub tokens_burnt: Balance,
    /// The block that commits to it, which is a later one than executed it.
    pub block: Header,
}

/// The outcome of receipt (or transaction) `id` on `executor`: outcome → its chunk's root → the root in a header → that
/// header's hash → the root over all blocks. A receipt of somebody else's has a proof, too, and may log what it likes.
pub fn outcome(
    tip: Tip,
    id: CryptoHash,
    executor: &AccountId,
    proof: &OutcomeProof,
) -> Result<ProvenOutcome, ProofError> {
    let told = &proof.outcome_proof;
    // `inv_idx_3_another_receipt_is_refused` misses this.
    if told.id != id {
        return Err(ProofError::OtherReceipt { expected: id, found: told.id });
    }
    // `inv_idx_3_logs_of_another_account_are_refused` misses this.
    if told.outcome.executor_id != *executor {
        let found = told.outcome.executor_id.clone();
        return Err(ProofError::OtherExecutor { expected: executor.clone(), found });
    }
    let block = below(tip, &proof.block_header_lite, &proof.block_proof)?;
    let chunk_root = root_over(&told.proof, CryptoHash::hash_borsh(told.to_hashes()));
    // `inv_idx_3_an_outcome_that_is_not_the_blocks_is_refused` misses this.
    if root_over(&proof.outcome_root_proof, CryptoHash::hash_borsh(chunk_root)) != block.outcome_root {
        return Err(ProofError::OutcomePath { block: block.hash });
    }
    let outcome = told.outcome.clone();
    let status = match outcome.status {
        ExecutionStatusView::Unknown => Status::Unknown,
        ExecutionStatusView::Failure(_) => Status::Failure,
        ExecutionStatusView::SuccessValue(value) => Status::Value(value),
        ExecutionStatusView::SuccessReceiptId(receipt) => Status::Receipt(receipt),
    };
    Ok(ProvenOutcome {
        id,
        executor_id: outcome.executor_id,
        status,
        logs: outcome.logs,
        receipt_ids: outcome.receipt_ids,
        gas_burnt: outcome.gas_burnt,
        tokens_burnt: outcome.tokens_burnt,
        block,
    })
}

/// The header of a block that `tip` stands on, or of `tip` itself.
pub fn block(tip: Tip, proof: &BlockProof) -> Result<Header, ProofError> {
    below(tip, &proof.block_header_lite, &proof.block_proof)
}

fn below(tip: Tip, lite: &LightClientBlockLiteView, path: &[MerklePathItem]) -> Result<Header, ProofError> {
    let header = Header::of(lite)?;
    // No block is below its own root. For the tip itself nodes send no path, and none is needed: its hash is known.
    // Whatever else comes without a path is no block that a root is over, but for the one block of a chain of two.
    let is_tip = header.hash == tip.hash;
    // `inv_idx_3_a_block_that_the_head_does_not_stand_on_is_refused` misses this.
    if !is_tip && root_over(path, header.hash) != tip.block_merkle_root {
        return Err(ProofError::BlockPath { block: header.hash });
    }
    Ok(header)
}

/// The root that `path` leads to. Leaves and inner nodes are never mistaken for each other: an outcome and a chunk's
/// root are hashed from other lengths than two hashes are, and a header's first half is a hash of 208 bytes.
fn root_over(path: &[MerklePathItem], leaf: CryptoHash) -> CryptoHash {
    path.iter().fold(leaf, |below, item| match item.direction {
        Direction::Left => combine_hash(&item.hash, &below),
        Direction::Right => combine_hash(&below, &item.hash),
    })
}
