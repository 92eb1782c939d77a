//! Merkle trees that keep their nodes: over all block hashes, from which light clients learn that a block is part of the chain,
//! and over each block's outcomes.

use near_primitives::hash::CryptoHash;
use near_primitives::merkle::{Direction, MerklePath, MerklePathItem, combine_hash};

/// Complete subtrees, level by level: `levels[k][i]` covers leaves `i·2^k .. (i+1)·2^k`.
#[derive(Clone, Default)]
pub(super) struct HashTree {
    levels: Vec<Vec<CryptoHash>>,
}

impl HashTree {
    pub fn len(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    pub fn push(&mut self, leaf: CryptoHash) {
        let mut node = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(node);
            if nodes.len() % 2 == 1 {
                return;
            }
            node = combine_hash(&nodes[nodes.len() - 2], &nodes[nodes.len() - 1]);
        }
    }

    /// Takes the last leaf away.
    pub fn pop(&mut self) {
        for nodes in &mut self.levels {
            let complete = nodes.len() % 2 == 0;
            nodes.pop();
            if !complete {
                return;
            }
        }
    }

    /// The node that covers up to `2^level` leaves from `index·2^level`, in a tree of the first `size` leaves.
    fn node(&self, level: usize, index: usize, size: usize) -> Option<CryptoHash> {
        let start = index << level;
        if start >= size {
            return None;
        }
        if start + (1 << level) <= size {
            return self.levels[level].get(index).copied();
        }
        let left = self.node(level - 1, 2 * index, size)?;
        Some(match self.node(level - 1, 2 * index + 1, size) {
            Some(right) => combine_hash(&left, &right),
            None => left,
        })
    }

    fn height(size: usize) -> usize {
        usize::try_from(size.next_power_of_two().trailing_zeros()).unwrap_or(0)
    }

    /// Root over the first `size` leaves.
    pub fn root(&self, size: usize) -> CryptoHash {
        self.node(Self::height(size), 0, size).unwrap_or_default()
    }

    /// The path from leaf `index` to the root over the first `size` leaves.
    pub fn path(&self, index: usize, size: usize) -> MerklePath {
        let mut path = Vec::new();
        for level in 0..Self::height(size) {
            let own = index >> level;
            let (sibling, direction) =
                if own.is_multiple_of(2) { (own + 1, Direction::Right) } else { (own - 1, Direction::Left) };
            if let Some(hash) = self.node(level, sibling, size) {
                path.push(MerklePathItem { hash, direction });
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use near_primitives::hash::{CryptoHash, hash};
    use near_primitives::merkle::{PartialMerkleTree, verify_hash};

    use super::HashTree;

    #[test]
    fn roots_are_nearcores_and_every_path_verifies() {
        let mut ours = HashTree::default();
        let mut theirs = PartialMerkleTree::default();
        for size in 0_usize..70 {
            assert_eq!(ours.root(size), theirs.root(), "size {size}");
            for index in 0..size {
                let leaf: CryptoHash = hash(&index.to_le_bytes());
                assert!(verify_hash(ours.root(size), &ours.path(index, size), leaf), "{index} of {size}");
            }
            let leaf = hash(&size.to_le_bytes());
            ours.push(hash(b"a leaf that loses"));
            ours.pop();
            ours.push(leaf);
            theirs.insert(leaf);
        }
    }
}
