//! nearcore's Merkle-Patricia trie, persistent and in memory.
//!
//! Node kinds, nibble paths, borsh layout, memory usage and hashes are nearcore's own, because contract gas depends on
//! the shape of the path to a key and because state roots must mean the same. Nodes are shared, so a copy of a
//! [`Trie`] is one pointer: every block keeps its root, and a fork costs nothing.

mod node;
mod walk;

use std::sync::Arc;

use near_primitives::hash::CryptoHash;

pub use node::Value;
use node::{Kind, Node, NodeRef, common_prefix, nibbles_of};

/// An immutable key-value map with a Merkle root.
#[derive(Clone, Default)]
pub struct Trie {
    root: Option<NodeRef>,
}

impl Trie {
    /// The Merkle root; all zeroes for an empty trie.
    pub fn root_hash(&self) -> CryptoHash {
        self.root.as_ref().map_or_else(CryptoHash::default, |node| node.hash())
    }

    /// The value stored under `key`.
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        self.look_up(key, &mut |_, _| {})
    }

    /// Looks `key` up and shows `visit` the hash and encoded size of every node on the way, the last one included.
    pub fn look_up(&self, key: &[u8], visit: &mut dyn FnMut(&CryptoHash, usize)) -> Option<&Value> {
        let path = nibbles_of(key);
        let mut rest: &[u8] = &path;
        let mut node = self.root.as_ref()?;
        loop {
            visit(&node.hash(), node.encoded_len());
            match node.kind() {
                Kind::Leaf { key, value } => return (key.as_ref() == rest).then_some(value),
                Kind::Extension { key, child } => {
                    rest = rest.strip_prefix(key.as_ref())?;
                    node = child;
                }
                Kind::Branch { children, value } => match rest.split_first() {
                    None => return value.as_ref(),
                    Some((nibble, tail)) => {
                        node = children[usize::from(*nibble)].as_ref()?;
                        rest = tail;
                    }
                },
            }
        }
    }

    /// The encoded nodes that prove which entries start with `prefix`: the way to them, then all below.
    pub fn prove_prefix(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let path = nibbles_of(prefix);
        let mut rest: &[u8] = &path;
        let mut nodes = Vec::new();
        let mut node = self.root.as_ref();
        while let Some(current) = node.filter(|_| !rest.is_empty()) {
            nodes.push(current.encoded());
            node = match current.kind() {
                Kind::Leaf { .. } => None,
                Kind::Extension { key, child } => {
                    let shared = common_prefix(key, rest);
                    let below = shared == key.len() || shared == rest.len();
                    rest = &rest[shared..];
                    below.then_some(child)
                }
                Kind::Branch { children, .. } => {
                    let child = children[usize::from(rest[0])].as_ref();
                    rest = &rest[1..];
                    child
                }
            };
        }
        if let Some(node) = node {
            node.encode_all(&mut nodes);
        }
        nodes
    }

    /// Stores `value` under `key`.
    pub fn insert(&mut self, key: &[u8], value: Value) {
        let path = nibbles_of(key);
        self.root = Some(insert_at(self.root.take(), &path, value));
    }

    /// Removes `key`; a key that is not there is left alone.
    pub fn remove(&mut self, key: &[u8]) {
        let path = nibbles_of(key);
        self.root = self.root.take().and_then(|node| remove_at(node, &path));
    }
}

fn insert_at(node: Option<NodeRef>, path: &[u8], value: Value) -> NodeRef {
    let Some(node) = node else { return Node::leaf(path, value) };
    match node.kind() {
        Kind::Leaf { key, value: old } => {
            if key.as_ref() == path {
                return Node::leaf(path, value);
            }
            let shared = common_prefix(key, path);
            let branch =
                split_branch((&key[shared..], Split::Value(old.clone())), (&path[shared..], Split::Value(value)));
            Node::extended(&path[..shared], branch)
        }
        Kind::Extension { key, child } => {
            let shared = common_prefix(key, path);
            if shared == key.len() {
                let child = insert_at(Some(Arc::clone(child)), &path[shared..], value);
                return Node::extended(key, child);
            }
            let branch =
                split_branch((&key[shared..], Split::Node(Arc::clone(child))), (&path[shared..], Split::Value(value)));
            Node::extended(&path[..shared], branch)
        }
        Kind::Branch { children, value: old } => match path.split_first() {
            None => Node::branch(children.clone(), Some(value)),
            Some((nibble, tail)) => {
                let mut children = children.clone();
                let slot = &mut children[usize::from(*nibble)];
                *slot = Some(insert_at(slot.take(), tail, value));
                Node::branch(children, old.clone())
            }
        },
    }
}

/// What hangs below a path that a new branch cuts in two.
enum Split {
    Value(Value),
    Node(NodeRef),
}

fn split_branch(left: (&[u8], Split), right: (&[u8], Split)) -> NodeRef {
    let mut children: Box<node::Children> = Box::default();
    let mut value = None;
    for (path, below) in [left, right] {
        match (path.split_first(), below) {
            (None, Split::Value(own)) => value = Some(own),
            (None, Split::Node(_)) => unreachable!("an extension's key is never empty"),
            (Some((nibble, tail)), Split::Value(own)) => {
                children[usize::from(*nibble)] = Some(Node::leaf(tail, own));
            }
            (Some((nibble, tail)), Split::Node(node)) => {
                children[usize::from(*nibble)] = Some(Node::extended(tail, node));
            }
        }
    }
    Node::branch(children, value)
}

fn remove_at(node: NodeRef, path: &[u8]) -> Option<NodeRef> {
    match node.kind() {
        Kind::Leaf { key, .. } => (key.as_ref() != path).then_some(node),
        Kind::Extension { key, child } => {
            let Some(rest) = path.strip_prefix(key.as_ref()) else { return Some(node) };
            let child = remove_at(Arc::clone(child), rest)?;
            Some(Node::extended(key, child))
        }
        Kind::Branch { children, value } => match path.split_first() {
            None => squash(children.clone(), None),
            Some((nibble, tail)) => {
                let mut children = children.clone();
                let slot = &mut children[usize::from(*nibble)];
                let Some(child) = slot.take() else { return Some(node) };
                *slot = remove_at(child, tail);
                squash(children, value.clone())
            }
        },
    }
}

/// A branch that lost something: gone, a leaf, an extension, or still a branch.
fn squash(children: Box<node::Children>, value: Option<Value>) -> Option<NodeRef> {
    let mut present = children.iter().enumerate().filter(|(_, child)| child.is_some());
    let first = present.next();
    let more = present.next().is_some();
    match (first, value) {
        (None, None) => None,
        (None, Some(value)) => Some(Node::leaf(&[], value)),
        (Some((nibble, Some(child))), None) if !more => {
            let nibble = u8::try_from(nibble).unwrap_or_default();
            Some(Node::extended(&[nibble], Arc::clone(child)))
        }
        (Some(_), value) => Some(Node::branch(children, value)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Trie, Value};

    fn build(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Trie {
        let mut trie = Trie::default();
        for (key, value) in entries {
            trie.insert(key, Value::new(value.clone()));
        }
        trie
    }

    #[test]
    fn an_empty_trie_has_the_zero_root() {
        assert_eq!(Trie::default().root_hash(), super::CryptoHash::default());
    }

    proptest! {
        /// Remove `squash` and removals leave one-child branches behind: the root then differs.
        #[test]
        fn the_root_depends_on_the_content_alone(
            operations in vec((vec(0_u8..4, 0..4), any::<bool>(), any::<u8>()), 0..60)
        ) {
            let mut trie = Trie::default();
            let mut model = BTreeMap::new();
            for (key, keep, byte) in operations {
                if keep {
                    trie.insert(&key, Value::new(vec![byte]));
                    model.insert(key, vec![byte]);
                } else {
                    trie.remove(&key);
                    model.remove(&key);
                }
            }
            prop_assert_eq!(trie.root_hash(), build(&model).root_hash());
            for key in model.keys() {
                let mut sizes = Vec::new();
                trie.look_up(key, &mut |_, bytes| sizes.push(bytes));
                let nodes: Vec<_> = trie.prove_prefix(key).iter().map(Vec::len).take(sizes.len()).collect();
                prop_assert_eq!(&sizes[..nodes.len()], &nodes[..]);
            }
            for (key, value) in &model {
                prop_assert_eq!(trie.get(key).map(|found| found.bytes().to_vec()), Some(value.clone()));
            }
            let walked: BTreeMap<_, _> = trie.range(&[]).map(|(key, value)| (key, value.bytes().to_vec())).collect();
            prop_assert_eq!(walked, model);
        }
    }
}
