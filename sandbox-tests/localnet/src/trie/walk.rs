//! In-order iteration below a key prefix.

use super::Trie;
use super::node::{Kind, NodeRef, Value, nibbles_of};

enum Step<'a> {
    Node(&'a NodeRef, Vec<u8>),
    Value(&'a Value, Vec<u8>),
}

/// Iterator over `(key, value)`, keys ascending.
pub struct Range<'a> {
    stack: Vec<Step<'a>>,
}

impl Trie {
    /// All entries whose key starts with `prefix`, keys ascending.
    pub fn range(&self, prefix: &[u8]) -> Range<'_> {
        let wanted = nibbles_of(prefix);
        let mut rest: &[u8] = &wanted;
        let mut walked = Vec::new();
        let mut next = self.root.as_ref();
        while let Some(node) = next {
            if rest.is_empty() {
                return Range { stack: vec![Step::Node(node, walked)] };
            }
            match node.kind() {
                Kind::Leaf { key, .. } if key.starts_with(rest) => {
                    return Range { stack: vec![Step::Node(node, walked)] };
                }
                Kind::Extension { key, .. } if key.starts_with(rest) => {
                    return Range { stack: vec![Step::Node(node, walked)] };
                }
                Kind::Leaf { .. } => break,
                Kind::Extension { key, child } => {
                    let Some(tail) = rest.strip_prefix(key.as_ref()) else { break };
                    walked.extend_from_slice(key);
                    rest = tail;
                    next = Some(child);
                }
                Kind::Branch { children, .. } => {
                    walked.push(rest[0]);
                    next = children[usize::from(rest[0])].as_ref();
                    rest = &rest[1..];
                }
            }
        }
        Range { stack: Vec::new() }
    }
}

impl<'a> Range<'a> {
    fn expand(&mut self, node: &'a NodeRef, path: Vec<u8>) {
        match node.kind() {
            Kind::Leaf { key, value } => self.stack.push(Step::Value(value, [path.as_slice(), key].concat())),
            Kind::Extension { key, child } => self.stack.push(Step::Node(child, [path.as_slice(), key].concat())),
            Kind::Branch { children, value } => {
                for nibble in (0_u8..16).rev() {
                    if let Some(child) = &children[usize::from(nibble)] {
                        self.stack.push(Step::Node(child, [path.as_slice(), &[nibble]].concat()));
                    }
                }
                if let Some(value) = value {
                    self.stack.push(Step::Value(value, path));
                }
            }
        }
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = (Vec<u8>, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.stack.pop()? {
                Step::Node(node, path) => self.expand(node, path),
                Step::Value(value, path) => {
                    let key = path.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect();
                    return Some((key, value));
                }
            }
        }
    }
}
