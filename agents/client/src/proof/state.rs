//! Entries of an account's state, and that there is none: nearcore's trie walked again, over the nodes that a node
//! sent.

use std::collections::HashMap;

use borsh::BorshDeserialize;
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::merklize;
use near_primitives::state::{TrieValue, ValueRef};
use near_primitives::trie_key::trie_key_parsers::get_raw_prefix_for_contract_data;
use near_primitives::types::AccountId;
use near_primitives::views::StateItem;

use super::ProofError;

/// More half bytes than any key has (4,228 in the longest name of an account with the longest key): what a walk can't
/// go below.
const NIBBLES_MAX: usize = 8_192;

/// The root of the state that an account is in. Under the root of another shard none of its keys is found, so without
/// this anything could be shown to be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRoot {
    root: CryptoHash,
    account: AccountId,
}

impl AccountRoot {
    /// In a block with one chunk, whose [`super::Header::prev_state_root`] is this: all accounts are in it. The state
    /// is the one that the block found, which is the one that its predecessor left.
    pub fn of_only(
        prev_state_root: CryptoHash,
        chunk_root: CryptoHash,
        account: &AccountId,
    ) -> Result<Self, ProofError> {
        check_chunks(prev_state_root, &[chunk_root])?;
        Ok(Self { root: chunk_root, account: account.clone() })
    }

    /// In a block with several chunks: the one with this index, because `nodes` lead to a key of the account in it. No
    /// header tells which accounts a shard has, but none is in two.
    pub fn of_one(
        prev_state_root: CryptoHash,
        chunk_roots: &[CryptoHash],
        index: usize,
        account: &AccountId,
        key: &[u8],
        nodes: &[TrieValue],
    ) -> Result<Self, ProofError> {
        check_chunks(prev_state_root, chunk_roots)?;
        let root = *chunk_roots.get(index).ok_or(ProofError::OtherState)?;
        // `inv_idx_4_the_shard_of_another_account_shows_nothing` misses this.
        if Nodes::of(nodes).find(root, &nibbles_of(&get_raw_prefix_for_contract_data(account, key)))?.is_none() {
            return Err(ProofError::OtherShard { account: account.clone() });
        }
        Ok(Self { root, account: account.clone() })
    }

    fn path(&self, key: &[u8]) -> Vec<u8> {
        nibbles_of(&get_raw_prefix_for_contract_data(&self.account, key))
    }
}

fn check_chunks(prev_state_root: CryptoHash, chunk_roots: &[CryptoHash]) -> Result<(), ProofError> {
    // `inv_idx_4_state_roots_of_another_block_are_refused` misses this.
    if merklize(chunk_roots).0 == prev_state_root { Ok(()) } else { Err(ProofError::OtherState) }
}

/// Whether `value` is what the account has under `key`, or `None` that it has nothing there. Nodes that lead elsewhere
/// are not looked at, in whatever number and order: `view_state` sends those of all keys with a prefix.
pub fn state(root: &AccountRoot, key: &[u8], value: Option<&[u8]>, nodes: &[TrieValue]) -> Result<(), ProofError> {
    let found = Nodes::of(nodes).find(root.root, &root.path(key))?;
    // `inv_idx_4_another_value_is_refused` misses this.
    let is_so = match (found, value) {
        (Some(found), Some(value)) => found == *value,
        (None, None) => true,
        _ => false,
    };
    if is_so { Ok(()) } else { Err(other_value(key)) }
}

/// Whether the account has exactly `items` under keys with `prefix`, in the order of their keys: `view_state`'s answer
/// with `include_proof`, which nodes refuse for parts of it (`limit`) and for more than 50 kB.
pub fn state_prefix(
    root: &AccountRoot,
    prefix: &[u8],
    items: &[StateItem],
    nodes: &[TrieValue],
) -> Result<(), ProofError> {
    let mut due = items.iter();
    Nodes::of(nodes).walk(root.root, &root.path(prefix), &mut |path, found| {
        // `inv_idx_4_no_entry_is_left_out_of_a_prefix` misses this, and the walk ends at the first entry too many.
        let item = due.next().ok_or_else(|| other_value(prefix))?;
        // `inv_idx_4_entries_of_a_prefix_are_the_states` misses this.
        let is_so = root.path(&item.key) == path && found == *item.value.as_slice();
        if is_so { Ok(()) } else { Err(other_value(&item.key)) }
    })?;
    // `inv_idx_4_no_entry_is_added_to_a_prefix` misses this.
    match due.next() {
        Some(item) => Err(other_value(&item.key)),
        None => Ok(()),
    }
}

fn other_value(key: &[u8]) -> ProofError {
    ProofError::OtherValue { key: hex::encode(key) }
}

/// Two half bytes a byte, the high one first.
fn nibbles_of(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}

/// Nodes by their hashes: whatever is found is what a root commits to.
struct Nodes<'a>(HashMap<CryptoHash, &'a [u8]>);

/// Takes a key's half bytes and its value.
type Tell<'a> = dyn FnMut(&[u8], ValueRef) -> Result<(), ProofError> + 'a;

impl<'a> Nodes<'a> {
    fn of(nodes: &'a [TrieValue]) -> Self {
        Self(nodes.iter().map(|bytes| (CryptoHash::hash_bytes(bytes), bytes.as_ref())).collect())
    }

    fn get(&self, hash: CryptoHash) -> Result<Node, ProofError> {
        // `inv_idx_4_what_a_missing_node_would_show_is_not_shown` misses it if this is an empty one.
        let bytes = self.0.get(&hash).ok_or(ProofError::MissingNode { hash })?;
        Node::read(bytes).ok_or(ProofError::BadNode { hash })
    }

    /// What stands at the end of `path`. Every step uses up a part of it.
    fn find(&self, root: CryptoHash, path: &[u8]) -> Result<Option<ValueRef>, ProofError> {
        let (mut hash, mut rest) = (root, path);
        // The root of an empty state is no hash.
        if root == CryptoHash::default() {
            return Ok(None);
        }
        loop {
            match self.get(hash)? {
                Node::Leaf { path, value } => return Ok((path == rest).then_some(value)),
                Node::Extension { path, child } => match rest.strip_prefix(path.as_slice()) {
                    Some(tail) => (hash, rest) = (child, tail),
                    None => return Ok(None),
                },
                Node::Branch { children, value } => {
                    let Some((nibble, tail)) = rest.split_first() else { return Ok(value) };
                    match children.iter().find(|(place, _)| place == nibble) {
                        Some((_, child)) => (hash, rest) = (*child, tail),
                        None => return Ok(None),
                    }
                }
            }
        }
    }

    /// Tells all that stands below `prefix`, in order. Every way down ends at an entry that is told, after no more than
    /// [`NIBBLES_MAX`] steps, or ends the walk: no nodes, however they hang together, make more of it than was claimed.
    fn walk(&self, root: CryptoHash, prefix: &[u8], tell: &mut Tell<'_>) -> Result<(), ProofError> {
        let mut path = Vec::new();
        // What comes later, the next one last: a node, how much of `path` leads to the node above it, and what leads on
        // from there.
        let mut ahead = vec![(root, 0, None)];
        if root == CryptoHash::default() {
            return Ok(());
        }
        while let Some((hash, above, nibble)) = ahead.pop() {
            path.truncate(above);
            path.extend(nibble);
            // `a_state_deeper_than_any_key_is_refused` misses this.
            if path.len() > NIBBLES_MAX {
                return Err(ProofError::BadNode { hash });
            }
            match self.get(hash)? {
                Node::Leaf { path: rest, value } => {
                    path.extend(rest);
                    if path.starts_with(prefix) {
                        tell(&path, value)?;
                    }
                }
                Node::Extension { path: rest, child } => {
                    path.extend(rest);
                    if path.starts_with(prefix) || prefix.starts_with(&path) {
                        ahead.push((child, path.len(), None));
                    }
                }
                Node::Branch { children, value } => {
                    if let Some(value) = value.filter(|_| path.starts_with(prefix)) {
                        tell(&path, value)?;
                    }
                    let wanted = prefix.get(path.len());
                    let below = children.into_iter().filter(|(place, _)| wanted.is_none_or(|wanted| wanted == place));
                    ahead.extend(below.rev().map(|(place, child)| (child, path.len(), Some(place))));
                }
            }
        }
        Ok(())
    }
}

/// A node, its path in half bytes.
enum Node {
    Leaf { path: Vec<u8>, value: ValueRef },
    Extension { path: Vec<u8>, child: CryptoHash },
    Branch { children: Vec<(u8, CryptoHash)>, value: Option<ValueRef> },
}

/// nearcore's layout.
#[derive(BorshDeserialize)]
enum RawNode {
    Leaf(Vec<u8>, ValueRef),
    BranchNoValue(Children),
    BranchWithValue(ValueRef, Children),
    Extension(Vec<u8>, CryptoHash),
}

/// Those that exist, with their places.
struct Children(Vec<(u8, CryptoHash)>);

impl BorshDeserialize for Children {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let bitmap = u16::deserialize_reader(reader)?;
        let places = (0_u8..16).filter(|place| (bitmap >> place) & 1 == 1);
        let children = places.map(|place| Ok((place, CryptoHash::deserialize_reader(reader)?)));
        children.collect::<borsh::io::Result<_>>().map(Self)
    }
}

impl Node {
    /// `None` if it is not as nearcore writes them, or leads nowhere.
    fn read(bytes: &[u8]) -> Option<Self> {
        // Behind the node stands how much memory it takes with all below it.
        let (node, _) = <(RawNode, u64)>::try_from_slice(bytes).ok()?;
        match node {
            RawNode::Leaf(path, value) => Some(Self::Leaf { path: path_of(&path, true)?, value }),
            RawNode::Extension(path, child) => {
                let path = path_of(&path, false).filter(|path| !path.is_empty())?;
                Some(Self::Extension { path, child })
            }
            RawNode::BranchNoValue(Children(children)) => Self::branch(children, None),
            RawNode::BranchWithValue(value, Children(children)) => Self::branch(children, Some(value)),
        }
    }

    fn branch(children: Vec<(u8, CryptoHash)>, value: Option<ValueRef>) -> Option<Self> {
        (!children.is_empty()).then_some(Self::Branch { children, value })
    }
}

/// A path's half bytes. The first byte of its encoding tells a leaf's from an extension's, and holds the first of an
/// odd number.
fn path_of(encoded: &[u8], is_leaf: bool) -> Option<Vec<u8>> {
    let (first, rest) = encoded.split_first()?;
    let kind = if is_leaf { 2 } else { 0 };
    let odd = match (first >> 4) ^ kind {
        0 if first % 16 == 0 => None,
        1 => Some(first & 15),
        _ => return None,
    };
    Some(odd.into_iter().chain(nibbles_of(rest)).collect())
}
