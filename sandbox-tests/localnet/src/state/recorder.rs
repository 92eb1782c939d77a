//! The size of the storage proof that a chunk would need: every node and value read, once.
//!
//! nearcore's chunk validators hold no state: they check a chunk against such a proof, so a receipt that reads more than
//! `per_receipt_storage_proof_size_limit` fails. Contract code is not part of it (`ExcludeContractCodeFromStateWitness`).

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use near_primitives::hash::CryptoHash;

use crate::trie::Value;

#[derive(Default)]
pub struct Recorder {
    seen: RefCell<HashSet<CryptoHash>>,
    bytes: Cell<usize>,
}

impl Recorder {
    pub fn node(&self, hash: &CryptoHash, bytes: usize) {
        if self.seen.borrow_mut().insert(*hash) {
            self.bytes.set(self.bytes.get() + bytes);
        }
    }

    pub fn value(&self, value: &Value) {
        self.node(value.hash(), value.bytes().len());
    }

    pub fn bytes(&self) -> usize {
        self.bytes.get()
    }
}
