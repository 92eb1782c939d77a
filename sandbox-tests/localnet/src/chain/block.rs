//! Headers: what a block commits to.

use near_primitives::bandwidth_scheduler::BandwidthRequests;
use near_primitives::block_header::BlockHeader;
use near_primitives::congestion_info::CongestionInfo;
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::merkle::merklize;
use near_primitives::sharding::{ShardChunkHeader, ShardChunkHeaderV3};
use near_primitives::stateless_validation::chunk_endorsements_bitmap::ChunkEndorsementsBitmap;
use near_primitives::types::{AccountId, Balance, BlockHeight, Gas, ShardId};

use super::epochs::Epoch;
use super::merkle::HashTree;
use super::{Block, Chain};
use crate::genesis::Genesis;
use crate::trie::Trie;

pub(super) fn genesis(genesis: &Genesis, state: Trie, supply: Balance) -> Block {
    let (version, height) = (genesis.config.protocol_version, genesis.config.genesis_height);
    let mut chunk =
        ShardChunkHeader::V3(ShardChunkHeaderV3::new_dummy(height, ShardId::new(0), CryptoHash::default(), version));
    *chunk.height_included_mut() = height;
    let time = time_of(genesis.time_ns());
    let epoch = Epoch::of_genesis(genesis);
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
        epoch.next_bp_hash,
    );
    Block {
        header,
        epoch,
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

    pub(super) fn chunk_header(
        &self,
        height: BlockHeight,
        tx_root: CryptoHash,
        author: &AccountId,
    ) -> ShardChunkHeader {
        let (previous, signer) = (self.head(), self.signers.of(author));
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
            signer.unsigned(),
            self.genesis.config.protocol_version,
        );
        signer.sign_chunk(&mut chunk);
        chunk.height_included = height;
        ShardChunkHeader::V3(chunk)
    }

    /// The last final blocks that a header at `height` names: with endorsements upon it by the next block, and by the next two.
    fn last_final_blocks(&self, height: BlockHeight) -> (CryptoHash, CryptoHash) {
        let previous = &self.head().header;
        if !self.genesis.has_several_validators() {
            // As this chain's headers always were: kept chains have to come out the same.
            let two_back = self.blocks.len().checked_sub(2).map(|index| *self.blocks[index].header.hash());
            return (*previous.hash(), two_back.unwrap_or_default());
        }
        let follows = previous.height().saturating_add(1) == height;
        let once = if follows { *previous.hash() } else { *previous.last_ds_final_block() };
        (once, *previous.last_final_block_for_height(height))
    }

    pub(super) fn header(
        &self,
        height: BlockHeight,
        timestamp_ns: u64,
        chunk: &ShardChunkHeader,
        epoch: &Epoch,
    ) -> BlockHeader {
        let (previous, signer) = (self.head(), self.signers.of(epoch.author(height)));
        let included = chunk.height_included() == height;
        let version = self.genesis.config.protocol_version;
        let ordinal = self.blocks.len() + 1;
        let (last_ds_final_block, last_final_block) = self.last_final_blocks(height);
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
            epoch.id,
            epoch.next_id,
            self.genesis.config.min_gas_price,
            supply,
            signer.unsigned(),
            last_final_block,
            last_ds_final_block,
            None,
            self.approvals(height, epoch),
            epoch.next_bp_hash,
            self.block_tree.root(self.block_tree.len()),
            previous.header.height(),
            Some(ChunkEndorsementsBitmap::from_endorsements(vec![vec![included]])),
            None,
            None,
            None,
            None,
        );
        signer.sign_header(&mut header);
        header
    }
}
