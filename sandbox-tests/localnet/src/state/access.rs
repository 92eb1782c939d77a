//! Reads by contracts, with the trie nodes they have to pay for.

use std::sync::Arc;

use near_primitives::hash::CryptoHash;
use near_primitives::trie_key::TrieKey;

use super::recorder::Recorder;
use super::{INLINE_VALUE_MAX, StateUpdate};
use crate::trie::Value;

/// How many nodes a look-up touched: for the first time in this chunk, and again.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct TrieTouches {
    pub new: u64,
    pub cached: u64,
}

/// A value found for a contract, before its bytes are taken.
pub struct Found {
    pub bytes: Arc<[u8]>,
    /// The node that holds the value, unless it comes from the overlay.
    node: Option<CryptoHash>,
    /// Whether taking the bytes costs that node: always before a write; on a read only if it is too long to lie
    /// beside its key.
    charged: bool,
}

impl Found {
    fn in_overlay(bytes: Arc<[u8]>) -> Self {
        Self { bytes, node: None, charged: false }
    }

    fn in_trie(value: &Value, charged: bool) -> Self {
        Self { bytes: Arc::clone(value.bytes()), node: Some(*value.hash()), charged }
    }
}

impl StateUpdate {
    pub(super) fn record(&self, hash: &CryptoHash, bytes: usize) {
        if let Some(recorder) = &self.recorder {
            recorder.node(hash, bytes);
        }
    }

    /// Bytes of the storage proof so far.
    pub fn recorded_bytes(&self) -> usize {
        self.recorder.as_ref().map_or(0, Recorder::bytes)
    }

    fn touch(&self, node: CryptoHash, touches: &mut TrieTouches) {
        if self.visited.borrow_mut().insert(node) {
            touches.new += 1;
        } else {
            touches.cached += 1;
        }
    }

    /// A read by way of flat storage: the path costs nothing.
    pub fn find(&self, key: &TrieKey) -> Option<Found> {
        let key = key.to_vec();
        if let Some(value) = self.overlay(&key) {
            return value.clone().map(Found::in_overlay);
        }
        let value = self.base.look_up(&key, &mut |node, bytes| self.record(node, bytes))?;
        Some(Found::in_trie(value, value.bytes().len() > INLINE_VALUE_MAX))
    }

    /// What taking the bytes of a found value costs. Free reads too make a later visit a cached one.
    pub fn take_touches(&self, found: &Found) -> TrieTouches {
        let mut touches = TrieTouches::default();
        if let Some(node) = found.node {
            self.touch(node, &mut touches);
            self.record(&node, found.bytes.len());
        }
        if found.charged { touches } else { TrieTouches::default() }
    }

    /// A look-up before a write or a removal: every node on the path is paid for, and the value that goes.
    pub fn find_for_write(&self, key: &TrieKey) -> (Option<Found>, TrieTouches) {
        let mut touches = TrieTouches::default();
        let key = key.to_vec();
        if let Some(value) = self.overlay(&key) {
            return (value.clone().map(Found::in_overlay), touches);
        }
        let found = self.base.look_up(&key, &mut |node, bytes| {
            self.touch(*node, &mut touches);
            self.record(node, bytes);
        });
        (found.map(|value| Found::in_trie(value, true)), touches)
    }
}
