//! What a payee owes its creators: a Merkle tree over all of them, of which the contract knows the root.

use charter_types::hash::borsh_bytes;
use charter_types::{AccountId, Hash32, Sha256};

/// A creator and all that it was ever owed. Leaves and nodes begin differently, so that no node is a leaf.
pub fn leaf(account: &AccountId, amount: u128, sha256: Sha256) -> Hash32 {
    Hash32(sha256(&[[0_u8].as_slice(), &borsh_bytes(&(account, amount))].concat()))
}

/// The two in their order as bytes: a proof need not say which was on which side.
pub fn node(one: Hash32, other: Hash32, sha256: Sha256) -> Hash32 {
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    Hash32(sha256(&[[1_u8].as_slice(), &low.0, &high.0].concat()))
}

/// Where a proof leads to from a leaf: siblings, from the leaf up.
pub fn root_of(leaf: Hash32, proof: &[Hash32], sha256: Sha256) -> Hash32 {
    proof.iter().fold(leaf, |below, sibling| node(below, *sibling, sha256))
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use sha2::{Digest, Sha256};

    use super::{leaf, node, root_of};

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    #[test]
    fn a_proof_leads_from_its_own_leaf_alone_to_the_root() {
        let creator = |name: &str, amount| leaf(&name.parse().unwrap(), amount, sha256);
        let [ann, ben, cleo] = [creator("ann.near", 5), creator("ben.near", 7), creator("cleo.near", u128::MAX)];
        let pair = node(ann, ben, sha256);
        assert_eq!(pair, node(ben, ann, sha256));
        let root = node(cleo, pair, sha256);
        assert_eq!(root_of(ann, &[ben, cleo], sha256), root);
        assert_eq!(root_of(cleo, &[pair], sha256), root);
        assert_ne!(root_of(creator("ann.near", 6), &[ben, cleo], sha256), root);
        assert_ne!(root_of(ann, &[cleo, ben], sha256), root);
        assert_eq!(root_of(root, &[], sha256), root, "no node passes for a leaf: it begins otherwise");
        assert_ne!(Hash32(sha256(&[ann.0, ben.0].concat())), pair);
    }
}
