//! From one block to the next, across gaps in heights.

use charter_client::{At, Rpc};
use near_primitives::types::BlockHeight;

use super::{Header, LightHead, Source};
use crate::IndexerError;
use crate::blame::judged;
use crate::store::Cursor;

/// Heights without a block that are tried one by one before wider steps are taken.
const SKIPPED_MAX: u64 = 8;
/// Blocks that are walked back by hash, at the most: between heights that a node does not know there are few.
const WALK_MAX: usize = 10_000;

impl Source {
    /// Blocks after `known` up to `head`, oldest first: the next one, or all of them across a gap in heights.
    ///
    /// A height that a node does not know may have been skipped by the chain, or the node lags behind the one that named the
    /// head. So a later block counts only if hashes lead from it to `known`.
    pub async fn new_blocks(&self, known: Cursor, head: LightHead) -> Result<Vec<Header>, IndexerError> {
        // A lagging node may be behind what is indexed already: nothing new.
        if head.block.height <= known.height {
            return Ok(Vec::new());
        }
        let rpc = self.rpc.clone();
        judged(&rpc, self.walk(&rpc, known, head)).await
    }

    async fn walk(&self, rpc: &Rpc, known: Cursor, head: LightHead) -> Result<Vec<Header>, IndexerError> {
        // Forward by height keeps up however far the head runs ahead; a few heights may be skipped.
        let near = known.height.saturating_add(SKIPPED_MAX);
        for height in known.height + 1..=head.block.height.min(near) {
            if let Some(next) = self.look(rpc, At::Height(height)).await? {
                return self.walk_back(rpc, known, next).await;
            }
        }
        if head.block.height <= near {
            return self.walk_back(rpc, known, head.block).await;
        }
        let beyond = self.beyond_gap(rpc, near, head).await?;
        self.walk_back(rpc, known, beyond).await
    }

    /// A block after a wide gap in heights of which `unknown` is one: the first behind it, if there is one gap alone. Each
    /// question halves what is left, so neither the width of the gap nor how far the head is costs much.
    async fn beyond_gap(&self, rpc: &Rpc, unknown: BlockHeight, head: LightHead) -> Result<Header, IndexerError> {
        let (mut unknown, mut found) = (unknown, head.block);
        let mut step = SKIPPED_MAX;
        while unknown + step < found.height {
            let Some(block) = self.look(rpc, At::Height(unknown + step)).await? else {
                (unknown, step) = (unknown + step, step.saturating_mul(2));
                continue;
            };
            found = block;
        }
        while found.height - unknown > 1 {
            let middle = unknown + (found.height - unknown) / 2;
            let Some(block) = self.look(rpc, At::Height(middle)).await? else {
                unknown = middle;
                continue;
            };
            found = block;
        }
        Ok(found)
    }

    /// From a block by `prev_hash` to `known`.
    async fn walk_back(&self, rpc: &Rpc, known: Cursor, from: Header) -> Result<Vec<Header>, IndexerError> {
        let mut blocks = Vec::new();
        let mut next = from;
        while next.height > known.height && blocks.len() < WALK_MAX {
            blocks.push(next);
            if next.prev_hash == known.hash {
                blocks.reverse();
                return Ok(blocks);
            }
            let before = self.look(rpc, At::Hash(next.prev_hash)).await?;
            let before = before.ok_or(IndexerError::UnknownBlock { height: next.height, before: next.prev_hash })?;
            // Or it would never end.
            if before.height >= next.height {
                return Err(IndexerError::NotContinuous { height: next.height });
            }
            next = before;
        }
        Err(IndexerError::NotContinuous { height: next.height })
    }
}
