//! What a light client follows: headers with the approvals that make them final.

use near_primitives::hash::{CryptoHash, hash};
use near_primitives::merkle::{MerklePath, combine_hash};
use near_primitives::views::{BlockHeaderInnerLiteView, LightClientBlockLiteView, LightClientBlockView};

use super::{Block, Chain};

impl Chain {
    /// The newest final block that two blocks stand on, if it is newer than `last`; `Err` if `last` is unknown.
    pub fn next_light_client_block(&self, last: &CryptoHash) -> Result<Option<LightClientBlockView>, UnknownBlock> {
        let known = self.block_by_hash(last).ok_or(UnknownBlock)?;
        let final_height = self.final_head().header.height();
        let newest = self.blocks.windows(3).rev().find(|window| window[0].header.height() <= final_height);
        let Some([block, next, after_next]) = newest else { return Ok(None) };
        if block.header.height() <= known.header.height() {
            return Ok(None);
        }
        Ok(Some(LightClientBlockView {
            prev_block_hash: *block.header.prev_hash(),
            next_block_inner_hash: inner_hash(next),
            inner_lite: BlockHeaderInnerLiteView::from(block.header.clone()),
            inner_rest_hash: hash(&block.header.inner_rest_bytes()),
            next_bps: Some(vec![self.genesis.validator().into()]),
            approvals_after_next: after_next.header.approvals().to_vec(),
        }))
    }

    /// A block with its path in the tree of all blocks before `head`.
    pub fn block_proof(
        &self,
        block: &CryptoHash,
        head: &CryptoHash,
    ) -> Result<(LightClientBlockLiteView, MerklePath), UnknownBlock> {
        let place = self.by_hash.get(block).copied().ok_or(UnknownBlock)?;
        let head = self.by_hash.get(head).copied().filter(|head| place < *head).ok_or(UnknownBlock)?;
        Ok((self.blocks[place].header.clone().into(), self.block_tree.path(place, head)))
    }
}

/// A block hash that names no block, or none before the head it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownBlock;

/// What a block's hash commits to beside its predecessor.
fn inner_hash(block: &Block) -> CryptoHash {
    combine_hash(&hash(&block.header.inner_lite_bytes()), &hash(&block.header.inner_rest_bytes()))
}
