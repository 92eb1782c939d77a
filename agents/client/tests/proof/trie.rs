//! nearcore's trie, built at once out of sorted entries and apart from what is tested.

use std::collections::BTreeMap;
use std::sync::Arc;

use near_primitives::hash::CryptoHash;

use crate::chain::sha;

pub struct Trie {
    pub root: CryptoHash,
    /// With the way to each, in half bytes.
    nodes: Vec<(Vec<u8>, Vec<u8>)>,
}

fn nibbles(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [byte / 16, byte % 16]).collect()
}

/// Hex prefix, as Ethereum's yellow paper has it.
fn encode(path: &[u8], is_leaf: bool) -> Vec<u8> {
    let flags = if is_leaf { 2 } else { 0 };
    let padded = if path.len() % 2 == 1 { [&[flags + 1][..], path].concat() } else { [&[flags, 0][..], path].concat() };
    padded.chunks(2).map(|two| two[0] * 16 + two[1]).collect()
}

fn value_of(value: &[u8]) -> (u32, CryptoHash) {
    (u32::try_from(value.len()).unwrap(), sha(value))
}

impl Trie {
    pub fn of(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let mut trie = Self { root: CryptoHash::default(), nodes: Vec::new() };
        let entries: Vec<_> = entries.iter().map(|(key, value)| (nibbles(key), value.clone())).collect();
        if !entries.is_empty() {
            trie.root = trie.build(&entries, 0);
        }
        trie
    }

    /// The node at `depth` that all of these are below, and all nodes below it.
    fn build(&mut self, entries: &[(Vec<u8>, Vec<u8>)], depth: usize) -> CryptoHash {
        let (first, last) = (&entries[0], &entries[entries.len() - 1]);
        let shared = first.0[depth..].iter().zip(&last.0[depth..]).take_while(|(one, other)| one == other).count();
        let bytes = if entries.len() == 1 {
            borsh::to_vec(&(0_u8, encode(&first.0[depth..], true), value_of(&first.1))).unwrap()
        } else if shared > 0 {
            let child = self.build(entries, depth + shared);
            borsh::to_vec(&(3_u8, encode(&first.0[depth..depth + shared], false), child)).unwrap()
        } else {
            self.branch(entries, depth)
        };
        // What a node and all below it take in memory: nothing that is read here depends on it.
        let bytes = [bytes, borsh::to_vec(&u64::try_from(entries.len()).unwrap()).unwrap()].concat();
        let hash = sha(&bytes);
        self.nodes.push((first.0[..depth].to_vec(), bytes));
        hash
    }

    fn branch(&mut self, entries: &[(Vec<u8>, Vec<u8>)], depth: usize) -> Vec<u8> {
        let own = entries.iter().find(|(path, _)| path.len() == depth);
        let (mut bitmap, mut children) = (0_u16, Vec::new());
        for nibble in 0_u8..16 {
            let below = entries.iter().filter(|(path, _)| path.get(depth) == Some(&nibble));
            let below: Vec<_> = below.cloned().collect();
            if !below.is_empty() {
                bitmap += 1 << nibble;
                children.extend(self.build(&below, depth + 1).0);
            }
        }
        let head = match own {
            Some((_, value)) => borsh::to_vec(&(2_u8, value_of(value), bitmap)).unwrap(),
            None => borsh::to_vec(&(1_u8, bitmap)).unwrap(),
        };
        [head, children].concat()
    }

    /// What `view_state` sends for a prefix: the nodes on the way to it and those below.
    pub fn nodes(&self, prefix: &[u8]) -> Vec<Arc<[u8]>> {
        let prefix = nibbles(prefix);
        let near = self.nodes.iter().filter(|(path, _)| path.starts_with(&prefix) || prefix.starts_with(path));
        near.map(|(_, bytes)| bytes.as_slice().into()).collect()
    }
}
