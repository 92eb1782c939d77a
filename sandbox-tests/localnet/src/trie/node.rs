//! Nodes of the trie, their borsh layout, memory usage and hash.

use std::sync::{Arc, OnceLock};

use borsh::BorshSerialize;
use near_primitives::hash::{CryptoHash, hash};

/// A value with its hash, which the node above it commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    bytes: Arc<[u8]>,
    hash: CryptoHash,
}

impl Value {
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { hash: hash(&bytes), bytes }
    }

    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    pub fn hash(&self) -> &CryptoHash {
        &self.hash
    }

    fn reference(&self) -> ValueRef {
        ValueRef { length: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX), hash: self.hash }
    }
}

pub(super) type NodeRef = Arc<Node>;
pub(super) type Children = [Option<NodeRef>; 16];

pub(super) enum Kind {
    Leaf { key: Box<[u8]>, value: Value },
    Extension { key: Box<[u8]>, child: NodeRef },
    Branch { children: Box<Children>, value: Option<Value> },
}

pub(super) struct Node {
    kind: Kind,
    memory_usage: u64,
    hash: OnceLock<CryptoHash>,
}

/// nearcore's price list for the memory usage that each node commits to (`TRIE_COSTS`).
const NODE_COST: u64 = 50;
const KEY_BYTE_COST: u64 = 2;
const VALUE_BYTE_COST: u64 = 1;

#[derive(BorshSerialize)]
struct ValueRef {
    length: u32,
    hash: CryptoHash,
}

/// The layout that is hashed. Variant order is consensus.
#[derive(BorshSerialize)]
enum RawNode {
    Leaf(Vec<u8>, ValueRef),
    BranchNoValue(RawChildren),
    BranchWithValue(ValueRef, RawChildren),
    Extension(Vec<u8>, CryptoHash),
}

#[derive(BorshSerialize)]
struct RawNodeWithSize {
    node: RawNode,
    memory_usage: u64,
}

/// A bitmap of the children that exist, then their hashes.
struct RawChildren(Vec<(usize, CryptoHash)>);

impl BorshSerialize for RawChildren {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        let bitmap = self.0.iter().fold(0_u16, |bits, (index, _)| bits | (1_u16 << index));
        bitmap.serialize(writer)?;
        self.0.iter().try_for_each(|(_, hash)| hash.serialize(writer))
    }
}

impl Node {
    fn make(kind: Kind) -> NodeRef {
        let own = match &kind {
            Kind::Leaf { key, value } => NODE_COST + key_cost(key) + value_cost(value),
            Kind::Extension { key, .. } => NODE_COST + key_cost(key),
            Kind::Branch { value, .. } => NODE_COST + value.as_ref().map_or(0, value_cost),
        };
        let below: u64 = match &kind {
            Kind::Leaf { .. } => 0,
            Kind::Extension { child, .. } => child.memory_usage,
            Kind::Branch { children, .. } => children.iter().flatten().map(|child| child.memory_usage).sum(),
        };
        Arc::new(Self { kind, memory_usage: own + below, hash: OnceLock::new() })
    }

    pub fn leaf(key: &[u8], value: Value) -> NodeRef {
        Self::make(Kind::Leaf { key: key.into(), value })
    }

    pub fn branch(children: impl Into<Box<Children>>, value: Option<Value>) -> NodeRef {
        Self::make(Kind::Branch { children: children.into(), value })
    }

    /// `child` below `prefix`, in the one canonical shape: paths merge, an empty prefix adds no node.
    pub fn extended(prefix: &[u8], child: NodeRef) -> NodeRef {
        if prefix.is_empty() {
            return child;
        }
        match &child.kind {
            Kind::Leaf { key, value } => {
                Self::make(Kind::Leaf { key: [prefix, key].concat().into(), value: value.clone() })
            }
            Kind::Extension { key, child } => {
                Self::make(Kind::Extension { key: [prefix, key].concat().into(), child: Arc::clone(child) })
            }
            Kind::Branch { .. } => Self::make(Kind::Extension { key: prefix.into(), child }),
        }
    }

    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    pub fn hash(&self) -> CryptoHash {
        *self.hash.get_or_init(|| CryptoHash::hash_borsh(self.raw()))
    }

    /// The bytes that are hashed.
    pub fn encoded(&self) -> Vec<u8> {
        borsh::to_vec(&self.raw()).expect("writing to memory does not fail")
    }

    /// How many bytes `encoded` gives.
    pub fn encoded_len(&self) -> usize {
        const HASH: usize = 32;
        const VALUE: usize = 4 + HASH;
        // A vector's length, then hex-prefix bytes.
        let path = |nibbles: &[u8]| 4 + nibbles.len() / 2 + 1;
        let own = match &self.kind {
            Kind::Leaf { key, .. } => path(key) + VALUE,
            Kind::Extension { key, .. } => path(key) + HASH,
            Kind::Branch { children, value } => {
                2 + children.iter().flatten().count() * HASH + value.as_ref().map_or(0, |_| VALUE)
            }
        };
        // The variant before, the memory usage after.
        1 + own + 8
    }

    /// This node's bytes and those of all below it, from the top down.
    pub fn encode_all(&self, out: &mut Vec<Vec<u8>>) {
        out.push(self.encoded());
        match &self.kind {
            Kind::Leaf { .. } => {}
            Kind::Extension { child, .. } => child.encode_all(out),
            Kind::Branch { children, .. } => children.iter().flatten().for_each(|child| child.encode_all(out)),
        }
    }

    fn raw(&self) -> RawNodeWithSize {
        let node = match &self.kind {
            Kind::Leaf { key, value } => RawNode::Leaf(hex_prefix(key, true), value.reference()),
            Kind::Extension { key, child } => RawNode::Extension(hex_prefix(key, false), child.hash()),
            Kind::Branch { children, value } => {
                let below = children.iter().enumerate();
                let below = RawChildren(below.filter_map(|(i, c)| Some((i, c.as_ref()?.hash()))).collect());
                match value {
                    None => RawNode::BranchNoValue(below),
                    Some(value) => RawNode::BranchWithValue(value.reference(), below),
                }
            }
        };
        RawNodeWithSize { node, memory_usage: self.memory_usage }
    }
}

fn key_cost(nibbles: &[u8]) -> u64 {
    // Priced by the bytes of the encoded path, whose first byte is always there.
    u64::try_from(nibbles.len() / 2 + 1).unwrap_or(u64::MAX) * KEY_BYTE_COST
}

fn value_cost(value: &Value) -> u64 {
    u64::try_from(value.bytes.len()).unwrap_or(u64::MAX) * VALUE_BYTE_COST + NODE_COST
}

/// Two nibbles a byte, high one first.
pub(super) fn nibbles_of(key: &[u8]) -> Vec<u8> {
    key.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}

/// Hex-prefix encoding: the first byte tells leaf from extension and carries the odd nibble.
fn hex_prefix(nibbles: &[u8], leaf: bool) -> Vec<u8> {
    let flag = if leaf { 0x20 } else { 0 };
    let (first, rest) = match nibbles.len() % 2 {
        0 => (flag, nibbles),
        _ => (flag | 0x10 | nibbles[0], &nibbles[1..]),
    };
    std::iter::once(first).chain(rest.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1])).collect()
}

pub(super) fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(l, r)| l == r).count()
}
