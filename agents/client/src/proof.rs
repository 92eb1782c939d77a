//! A light client: what a node says is believed as far as signatures and hashes bear it out. Pure: answers in, a
//! verdict out; nothing is asked and nothing kept.
//!
//! An operator vouches for one block hash, the [`Checkpoint`]. Its header names the producers of the next epoch by
//! their hash, their signatures make a later block of that epoch a [`Head`], whose header names the next producers, and
//! so on. Under a head's root over all earlier blocks stand headers, and under these outcomes ([`outcome()`]) and the
//! state ([`state()`]).
//!
//! * INV-IDX-1 a head is one only if producers of its epoch with more than two thirds of the stake endorsed the block
//!   after it for the height after that; nobody counts twice.
//! * INV-IDX-2 heads only rise, and stay in their epoch or enter the next; producers are those whose hash the
//!   checkpoint or a head names.
//! * INV-IDX-3 an outcome is that of the receipt and on the account that were asked about, under a root that a head's
//!   root is over.
//! * INV-IDX-4 an entry of the state, or that there is none, is shown under the root of the chunk that its account is
//!   in.
//! * INV-IDX-5 a header's fields are those that its hash commits to, and a checkpoint's header is the one that is
//!   vouched for.
//!
//! Some that a node says no header commits to, so nothing here bears it out: what `changes` lists, at which height a
//! receipt was executed, what a view answers, and that nothing came after what it showed.

mod head;
mod outcome;
mod state;

use borsh::{BorshDeserialize, BorshSerialize};
use near_primitives::hash::CryptoHash;
use near_primitives::types::{AccountId, BlockHeight, ProtocolVersion};
use near_primitives::version::{PROTOCOL_VERSION, ProtocolFeature};
use near_primitives::views::LightClientBlockLiteView;

pub use head::{Checkpoint, Head, header_hash, lite};
pub use outcome::{BlockProof, OutcomeProof, ProvenOutcome, Status, block, outcome};
pub use state::{AccountRoot, state, state_prefix};

/// The first protocol whose headers are laid out as today. None of our contracts is older.
const PROTOCOL_MIN: ProtocolVersion = ProtocolFeature::DynamicResharding.protocol_version();

/// What a block's hash commits to, of what is read here. Whether the block is of the chain is another question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    pub hash: CryptoHash,
    pub prev_hash: CryptoHash,
    pub height: BlockHeight,
    pub epoch_id: CryptoHash,
    pub next_epoch_id: CryptoHash,
    /// Over its chunks' state roots: of the state before the block.
    pub prev_state_root: CryptoHash,
    /// Over what earlier chunks did.
    pub outcome_root: CryptoHash,
    pub timestamp_ns: u64,
    /// Of the next epoch's producers.
    pub next_bp_hash: CryptoHash,
    /// Over the hashes of all blocks before it.
    pub block_merkle_root: CryptoHash,
}

impl Header {
    /// The fields of a header with the hash that they, and no others, have. The number beside the time is not among
    /// them.
    pub fn of(lite: &LightClientBlockLiteView) -> Result<Self, ProofError> {
        let inner = &lite.inner_lite;
        // Outcomes of such blocks hang elsewhere. `inv_idx_5_headers_of_an_unknown_protocol_are_refused` misses this.
        if inner.chunk_execution_root.is_some() {
            return Err(ProofError::UnknownProtocol { what: format!("block {}", inner.height) });
        }
        Ok(Self {
            hash: lite.hash(),
            prev_hash: lite.prev_block_hash,
            height: inner.height,
            epoch_id: inner.epoch_id,
            next_epoch_id: inner.next_epoch_id,
            prev_state_root: inner.prev_state_root,
            outcome_root: inner.outcome_root,
            timestamp_ns: inner.timestamp_nanosec,
            next_bp_hash: inner.next_bp_hash,
            block_merkle_root: inner.block_merkle_root,
        })
    }

    /// What proofs against this block lead to, for who believes in it.
    pub fn tip(&self) -> Tip {
        Tip { hash: self.hash, block_merkle_root: self.block_merkle_root }
    }
}

/// What proofs lead to: a block, and the root over all before it. Of a [`Head`] it is proven; of a header that a node
/// sent it is worth what the node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    pub hash: CryptoHash,
    pub block_merkle_root: CryptoHash,
}

/// Whether an epoch's protocol, which the node tells, is one whose blocks can be judged here. What a header calls its
/// latest version is not asked: it is what the producer's program knows, and ahead of the epoch's while an upgrade is
/// voted on.
pub fn check_protocol(version: ProtocolVersion) -> Result<(), ProofError> {
    // `unknown_protocols_are_refused_by_their_number` misses this.
    if (PROTOCOL_MIN..=PROTOCOL_VERSION).contains(&version) {
        Ok(())
    } else {
        Err(ProofError::UnknownProtocol { what: format!("an epoch with version {version}") })
    }
}

/// Why something is not proven.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("this program does not know the protocol of {what}: use another version of it")]
    UnknownProtocol { what: String },
    #[error("the header's fields do not have the hash {hash} that it gives as its own")]
    WrongHash { hash: CryptoHash },
    #[error("block {found} was shown where {expected} is trusted")]
    OtherBlock { expected: CryptoHash, found: CryptoHash },
    #[error("block {height} is not above the head at {head}")]
    NotHigher { head: BlockHeight, height: BlockHeight },
    #[error("epoch {epoch_id} is neither the head's nor the next one")]
    OtherEpoch { epoch_id: CryptoHash },
    /// A checkpoint knows the next epoch's producers, not its own: it is too young, or the node has fallen behind.
    #[error("the producers of epoch {epoch_id} are not known: the checkpoint has to be of an earlier epoch")]
    NoProducers { epoch_id: CryptoHash },
    #[error("the block enters an epoch and does not say who produces in the one after it")]
    NoNextProducers,
    #[error("the producers do not have the hash {next_bp_hash} that the header names")]
    OtherProducers { next_bp_hash: CryptoHash },
    #[error("{account} is a producer twice")]
    DoubleProducer { account: AccountId },
    #[error("the approval in the place of {account} is not its signature")]
    BadSignature { account: AccountId },
    #[error("{approved} of {total} yoctoNEAR of stake endorse the block, no more than two thirds")]
    LittleStake { approved: u128, total: u128 },
    #[error("a proof of receipt {expected} was asked for and one of {found} sent")]
    OtherReceipt { expected: CryptoHash, found: CryptoHash },
    #[error("the receipt was executed on {found}, not on {expected}")]
    OtherExecutor { expected: AccountId, found: AccountId },
    #[error("the outcome does not lead to the outcome root of block {block}")]
    OutcomePath { block: CryptoHash },
    #[error("block {block} does not lead to the root over all blocks")]
    BlockPath { block: CryptoHash },
    #[error("the chunks' state roots are not those of the block")]
    OtherState,
    #[error("nothing shows that {account} is in that chunk")]
    OtherShard { account: AccountId },
    #[error("node {hash} of the state is missing")]
    MissingNode { hash: CryptoHash },
    #[error("{hash} is no node of a state")]
    BadNode { hash: CryptoHash },
    #[error("the state has something else, or nothing, under the key {key}")]
    OtherValue { key: String },
    #[error("the stored head can't be read: another program wrote it")]
    Unreadable,
}

impl ProofError {
    /// The code, which never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownProtocol { .. } => "PROOF_UNKNOWN_PROTOCOL",
            Self::WrongHash { .. } => "PROOF_WRONG_HASH",
            Self::OtherBlock { .. } => "PROOF_OTHER_BLOCK",
            Self::NotHigher { .. } => "PROOF_NOT_HIGHER",
            Self::OtherEpoch { .. } => "PROOF_OTHER_EPOCH",
            Self::NoProducers { .. } => "PROOF_NO_PRODUCERS",
            Self::NoNextProducers => "PROOF_NO_NEXT_PRODUCERS",
            Self::OtherProducers { .. } => "PROOF_OTHER_PRODUCERS",
            Self::DoubleProducer { .. } => "PROOF_DOUBLE_PRODUCER",
            Self::BadSignature { .. } => "PROOF_BAD_SIGNATURE",
            Self::LittleStake { .. } => "PROOF_LITTLE_STAKE",
            Self::OtherReceipt { .. } => "PROOF_OTHER_RECEIPT",
            Self::OtherExecutor { .. } => "PROOF_OTHER_EXECUTOR",
            Self::OutcomePath { .. } => "PROOF_OUTCOME_PATH",
            Self::BlockPath { .. } => "PROOF_BLOCK_PATH",
            Self::OtherState => "PROOF_OTHER_STATE",
            Self::OtherShard { .. } => "PROOF_OTHER_SHARD",
            Self::MissingNode { .. } => "PROOF_MISSING_NODE",
            Self::BadNode { .. } => "PROOF_BAD_NODE",
            Self::OtherValue { .. } => "PROOF_OTHER_VALUE",
            Self::Unreadable => "PROOF_UNREADABLE",
        }
    }
}
