//! Tasks whose answer the requester committed to when it posted the set: a Merkle tree over them, of which the contract knows
//! the root. Nodes and proofs are those of [`attribution`](crate::attribution).

use charter_types::hash::borsh_bytes;
use charter_types::{Hash32, Sha256};

use crate::attribution::root_of;

/// sha256 of `0x00` and borsh: index u32 · the expected answer's hash 32 · salt 32. The salt keeps the leaf's neighbours from
/// guessing what it says.
pub fn leaf(index: u32, answer: Hash32, salt: Hash32, sha256: Sha256) -> Hash32 {
    Hash32(sha256(&[[0_u8].as_slice(), &borsh_bytes(&(index, answer, salt))].concat()))
}

/// A task that the requester says is a honeypot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a> {
    pub index: u32,
    /// Of the answer that was expected.
    pub answer: Hash32,
    pub salt: Hash32,
    /// Siblings, from the leaf up.
    pub proof: &'a [Hash32],
}

impl Shown<'_> {
    /// Whether it was under the root.
    pub fn is_under(&self, root: Hash32, sha256: Sha256) -> bool {
        root_of(leaf(self.index, self.answer, self.salt, sha256), self.proof, sha256) == root
    }
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use sha2::{Digest, Sha256};

    use super::{Shown, leaf};
    use crate::attribution::node;

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    #[test]
    fn a_leaf_is_of_one_index_answer_and_salt() {
        let (answer, salt) = (Hash32([3; 32]), Hash32([4; 32]));
        let by_hand = [&[0_u8][..], &7_u32.to_le_bytes(), &[3; 32], &[4; 32]].concat();
        assert_eq!(leaf(7, answer, salt, sha256).0, sha256(&by_hand));
        let other = leaf(8, answer, salt, sha256);
        let root = node(leaf(7, answer, salt, sha256), other, sha256);
        let shown = Shown { index: 7, answer, salt, proof: &[other] };
        assert!(shown.is_under(root, sha256));
        for wrong in [
            Shown { index: 8, ..shown },
            Shown { answer: salt, ..shown },
            Shown { salt: answer, ..shown },
            Shown { proof: &[], ..shown },
            Shown { proof: &[root], ..shown },
        ] {
            assert!(!wrong.is_under(root, sha256), "{wrong:?}");
        }
    }
}
