//! Which receipt runs when: instant ones first, then local, delayed and incoming ones while the chunk has gas.

use std::sync::Arc;

use near_primitives::receipt::{DelayedReceiptIndices, Receipt};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::StateChangeCause;

use super::Chunk;

impl Chunk<'_> {
    pub(super) fn process_receipts(&mut self, local: &[Arc<Receipt>], incoming: &[Arc<Receipt>]) {
        for receipt in local {
            self.process_or_delay(receipt);
        }
        while self.has_gas() {
            let Some(receipt) = self.pop_delayed() else { break };
            self.process_now(&receipt);
        }
        for receipt in incoming {
            self.process_or_delay(receipt);
        }
    }

    fn has_gas(&self) -> bool {
        self.gas_used < self.context.gas_limit
    }

    fn process_or_delay(&mut self, receipt: &Receipt) {
        if self.has_gas() {
            self.process_now(receipt);
        } else {
            self.delay(receipt);
        }
    }

    /// Executes a receipt and whatever instant receipts come of it.
    pub(super) fn process_now(&mut self, receipt: &Receipt) {
        self.process_receipt(receipt);
        while let Some(instant) = self.instant.pop_front() {
            self.process_receipt(&instant);
            self.internal.push(instant);
        }
    }

    fn delay(&mut self, receipt: &Receipt) {
        let mut indices = self.delayed_indices();
        self.state.set(TrieKey::DelayedReceipt { index: indices.next_available_index }, receipt);
        indices.next_available_index += 1;
        self.store_delayed(&indices);
    }

    fn pop_delayed(&mut self) -> Option<Receipt> {
        let mut indices = self.delayed_indices();
        if indices.len() == 0 {
            return None;
        }
        let key = TrieKey::DelayedReceipt { index: indices.first_index };
        let receipt = self.state.get(&key)?;
        self.state.remove(key);
        indices.first_index += 1;
        self.store_delayed(&indices);
        Some(receipt)
    }

    fn delayed_indices(&self) -> DelayedReceiptIndices {
        self.state.get(&TrieKey::DelayedReceiptIndices).unwrap_or_default()
    }

    fn store_delayed(&mut self, indices: &DelayedReceiptIndices) {
        self.state.set(TrieKey::DelayedReceiptIndices, indices);
        self.state.commit(&StateChangeCause::UpdatedDelayedReceipts);
    }
}

/// Whether receipts wait for gas in `state`.
pub fn has_delayed(state: &crate::trie::Trie) -> bool {
    let indices = state.get(&TrieKey::DelayedReceiptIndices.to_vec());
    let indices = indices.and_then(|value| borsh::from_slice::<DelayedReceiptIndices>(value.bytes()).ok());
    indices.is_some_and(|indices| indices.len() > 0)
}
