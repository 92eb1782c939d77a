//! Headers: what a block commits to.

use near_primitives::bandwidth_scheduler::BandwidthRequests;
use near_primitives::block_header::{BlockHeader, compute_bp_hash_from_validator_stakes};
use near_primitives::congestion_info::CongestionInfo;
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::merkle::merklize;
use near_primitives::sharding::{ShardChunkHeader, ShardChunkHeaderV3};
use near_primitives::stateless_validation::chunk_endorsements_bitmap::ChunkEndorsementsBitmap;
use near_primitives::types::{Balance, BlockHeight, EpochId, Gas, ShardId};

use super::merkle::HashTree;
use super::{Block, Chain};
use crate::genesis::Genesis;
use crate::trie::Trie;

/// The hash light clients use to recognise the block producers: one validator, for ever.
fn producers_hash(genesis: &Genesis) -> CryptoHash {
    compute_bp_hash_from_validator_stakes(&vec![genesis.validator()], true)
}

pub(super) fn genesis(genesis: &Genesis, state: Trie, supply: Balance) -> Block {
    let (version, height) = (genesis.config.protocol_version, genesis.config.genesis_height);
    let mut chunk =
        ShardChunkHeader::V3(ShardChunkHeaderV3::new_dummy(height, ShardId::new(0), CryptoHash::default(), version));
    *chunk.height_included_mut() = height;
    let time = time_of(genesis.time_ns());
    let header = BlockHeader::genesis(
        version,
        height,
        merklize(&[state.root_hash()]).0,
        CryptoHash::default(),
        CryptoHash::default(),
        merklize(&[chunk.chunk_hash().0]).0,
        CryptoHash::default(),
        1,
        time,
        genesis.config.min_gas_price,
        supply,
        producers_hash(genesis),
    );
    Block {
        header,
        chunk,
        transactions: Vec::new(),
        patches: Vec::new(),
        receipts_delayed: false,
        incoming: Vec::new(),
        internal: Vec::new(),
        state,
        changes: Vec::new(),
        outcomes: Vec::new(),
        outcome_root: CryptoHash::default(),
        outcome_tree: HashTree::default(),
        outgoing: Vec::new(),
        gas_used: Gas::ZERO,
        balance_burnt: Balance::ZERO,
    }
}

fn time_of(ns: u64) -> near_time::Utc {
    let ns = i128::from(ns);
    near_time::Utc::from_unix_timestamp_nanos(ns).unwrap_or(near_time::Utc::UNIX_EPOCH)
}

impl Chain {
    /// The random value of the block after `previous`.
    pub(super) fn random_value(previous: &CryptoHash, height: BlockHeight) -> CryptoHash {
        hash(&[previous.as_bytes().as_slice(), &height.to_le_bytes()].concat())
    }

    pub(super) fn chunk_header(&self, height: BlockHeight, tx_root: CryptoHash) -> ShardChunkHeader {
        let previous = self.head();
        let receipts_root = hash(&borsh::to_vec(&previous.outgoing).expect("writing to memory does not fail"));
        let mut chunk = ShardChunkHeaderV3::new(
            *previous.header.hash(),
            previous.state.root_hash(),
            previous.outcome_root,
            // This chain ships no chunk parts: the encoded root only has to tell chunks apart.
            hash(&[previous.header.hash().as_bytes().as_slice(), tx_root.as_bytes()].concat()),
            0,
            height,
            ShardId::new(0),
            previous.gas_used,
            self.genesis.config.gas_limit,
            previous.balance_burnt,
            merklize(&[receipts_root]).0,
            tx_root,
            Vec::new(),
            CongestionInfo::default(),
            BandwidthRequests::empty(),
            None,
            self.signer.unsigned(),
            self.genesis.config.protocol_version,
        );
        self.signer.sign_chunk(&mut chunk);
        chunk.height_included = height;
        ShardChunkHeader::V3(chunk)
    }

    pub(super) fn header(&self, height: BlockHeight, timestamp_ns: u64, chunk: &ShardChunkHeader) -> BlockHeader {
        let previous = self.head();
        let included = chunk.height_included() == height;
        let version = self.genesis.config.protocol_version;
        let ordinal = self.blocks.len() + 1;
        let two_back = self.blocks.len().checked_sub(2).map(|index| *self.blocks[index].header.hash());
        let approval = self.signer.approve(previous.header.hash(), previous.header.height(), height);
        let burnt = if previous.has_chunk() { previous.balance_burnt } else { Balance::ZERO };
        let supply = previous.header.total_supply().saturating_sub(burnt);
        let mut header = BlockHeader::new(
            version,
            version,
            height,
            *previous.header.hash(),
            chunk.chunk_hash().0,
            merklize(&[chunk.prev_state_root()]).0,
            merklize(&[*chunk.prev_outgoing_receipts_root()]).0,
            merklize(&[(chunk.chunk_hash().0, chunk.height_included())]).0,
            merklize(&[*chunk.tx_root()]).0,
            merklize(&[*chunk.prev_outcome_root()]).0,
            timestamp_ns,
            Self::random_value(previous.header.hash(), height),
            Vec::new(),
            vec![included],
            u64::try_from(ordinal).unwrap_or(u64::MAX),
            EpochId::default(),
            EpochId::default(),
            self.genesis.config.min_gas_price,
            supply,
            self.signer.unsigned(),
            two_back.unwrap_or_default(),
            *previous.header.hash(),
            None,
            vec![Some(Box::new(approval))],
            producers_hash(&self.genesis),
            self.block_tree.root(self.block_tree.len()),
            previous.header.height(),
            Some(ChunkEndorsementsBitmap::from_endorsements(vec![vec![included]])),
            None,
            None,
            None,
            None,
        );
        self.signer.sign_header(&mut header);
        header
    }
}
