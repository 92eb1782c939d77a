//! What a light client follows: headers with the approvals that make them final.

use near_primitives::hash::{CryptoHash, hash};
use near_primitives::merkle::{MerklePath, combine_hash};
use near_primitives::views::validator_stake_view::ValidatorStakeView;
use near_primitives::views::{BlockHeaderInnerLiteView, LightClientBlockLiteView, LightClientBlockView};

use super::{BLOCKS_UNTIL_FINAL, Block, Chain};

impl Chain {
    /// What nearcore gives a light client whose newest block is `last`: the last block it can check of the epoch after `last`'s
    /// or, while the head is in that epoch or still in `last`'s, the last one of all. `None`: nothing newer yet. `Err`: `last` is
    /// unknown. For a node that lags the head is `behind` blocks ago.
    pub fn next_light_client_block(
        &self,
        last: &CryptoHash,
        behind: usize,
    ) -> Result<Option<LightClientBlockView>, UnknownBlock> {
        let known = self.by_hash.get(last).copied().ok_or(UnknownBlock)?;
        // With a longer lag, what later headers call final can still be lost.
        let tip = (self.final_place() + BLOCKS_UNTIL_FINAL).min(self.blocks.len() - 1).saturating_sub(behind);
        let next = self.place_for_light_client(known, tip).filter(|place| *place > known);
        Ok(next.map(|place| self.light_client_block(place)))
    }

    fn place_for_light_client(&self, known: usize, tip: usize) -> Option<usize> {
        let (last, now) = (&self.blocks[known].epoch, &self.blocks[tip].epoch);
        if last.id == now.id || last.next_id == now.id {
            return self.last_checkable(tip);
        }
        // The genesis block has the first epoch's number, and names it as the next one, too.
        let next = if known == 0 { last.height } else { last.height.saturating_add(1) };
        self.last_checkable(self.last_place_of_epoch(next).min(tip))
    }

    /// The newest block that the two after it make final, all three in one epoch.
    fn last_checkable(&self, tip: usize) -> Option<usize> {
        let last = self.last_endorsed(tip)?;
        let epoch = |place: usize| &self.blocks[place].epoch.id;
        if epoch(last + 2) == epoch(last) {
            Some(last)
        } else if epoch(last + 1) == epoch(last) {
            self.last_endorsed(last + 1)
        } else {
            self.last_endorsed(last)
        }
    }

    /// The newest block with others at the next two heights, up to `tip`. Across a skipped height validators do not endorse the
    /// block itself, so nobody could check it.
    fn last_endorsed(&self, tip: usize) -> Option<usize> {
        let height = |block: &Block| block.header.height();
        self.blocks[..=tip].windows(3).rposition(|blocks| {
            height(&blocks[1]) == height(&blocks[0]) + 1 && height(&blocks[2]) == height(&blocks[1]) + 1
        })
    }

    fn light_client_block(&self, place: usize) -> LightClientBlockView {
        let [block, next, after_next] = [0, 1, 2].map(|ahead| &self.blocks[place + ahead]);
        LightClientBlockView {
            prev_block_hash: *block.header.prev_hash(),
            next_block_inner_hash: inner_hash(next),
            inner_lite: BlockHeaderInnerLiteView::from(block.header.clone()),
            inner_rest_hash: hash(&block.header.inner_rest_bytes()),
            next_bps: Some(block.epoch.next_producers.iter().cloned().map(ValidatorStakeView::from).collect()),
            approvals_after_next: after_next.header.approvals().to_vec(),
        }
    }

    /// The way from the block at `place` to the root in the header of the one at `head`. Nothing leads from a block to itself.
    pub(super) fn block_path(&self, place: usize, head: usize) -> MerklePath {
        if place == head { Vec::new() } else { self.block_tree.path(place, head) }
    }

    /// A block with its path in the tree of all blocks before `head`; of `head` itself there is none to go.
    pub fn block_proof(
        &self,
        block: &CryptoHash,
        head: &CryptoHash,
    ) -> Result<(LightClientBlockLiteView, MerklePath), UnknownBlock> {
        let place = self.by_hash.get(block).copied().ok_or(UnknownBlock)?;
        let head = self.by_hash.get(head).copied().filter(|head| place <= *head).ok_or(UnknownBlock)?;
        Ok((self.blocks[place].header.clone().into(), self.block_path(place, head)))
    }
}

/// A block hash that names no block, or one behind the head it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownBlock;

/// What a block's hash commits to beside its predecessor.
fn inner_hash(block: &Block) -> CryptoHash {
    combine_hash(&hash(&block.header.inner_lite_bytes()), &hash(&block.header.inner_rest_bytes()))
}
