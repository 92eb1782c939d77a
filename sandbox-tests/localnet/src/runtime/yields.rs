//! Promises that wait for a delivery (NEP-519): stored at once, resumed by data, timed out after 200 blocks.

use std::sync::Arc;

use near_primitives::hash::{CryptoHash, YieldId};
use near_primitives::receipt::{
    DataReceipt, PromiseYieldIndices, PromiseYieldTimeout, Receipt, ReceiptEnum, ReceiptV0, ReceivedData,
    VersionedActionReceipt, VersionedReceiptEnum,
};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{AccountId, StateChangeCause};
use near_primitives::utils::create_receipt_id_from_receipt_id;

use super::Chunk;

impl Chunk<'_> {
    /// Keeps a yielded receipt until its data comes. Its timeout was queued when it was made.
    pub(super) fn store_yield(&mut self, receipt: &Receipt, action: &VersionedActionReceipt<'_>) {
        let Some(data_id) = action.input_data_ids().first().copied() else { return };
        let receiver_id = receipt.receiver_id().clone();
        self.state.set(TrieKey::PromiseYieldReceipt { receiver_id: receiver_id.clone(), data_id }, receipt);
        let mut indices: PromiseYieldIndices = self.state.get(&TrieKey::PromiseYieldIndices).unwrap_or_default();
        let wait = self.context.config.wasm_config.limit_config.yield_timeout_length_in_blocks;
        let timeout = PromiseYieldTimeout { account_id: receiver_id, data_id, expires_at: self.context.height + wait };
        self.state.set(TrieKey::PromiseYieldTimeout { index: indices.next_available_index }, &timeout);
        indices.next_available_index += 1;
        self.state.set(TrieKey::PromiseYieldIndices, &indices);
        self.state.commit(&StateChangeCause::PostponedReceipt { receipt_hash: *receipt.receipt_id() });
    }

    /// Data for a yield: runs it. Without a yield (it ran already) nothing happens.
    pub(super) fn resume_yield(&mut self, receipt: &Receipt, data: &DataReceipt) {
        let receiver_id = receipt.receiver_id().clone();
        let key = TrieKey::PromiseYieldReceipt { receiver_id: receiver_id.clone(), data_id: data.data_id };
        let Some(waiting) = self.state.get::<Receipt>(&key) else { return };
        self.state.remove(key);
        self.forget_yield(&receiver_id, data.data_id);
        let key = TrieKey::ReceivedData { receiver_id, data_id: data.data_id };
        self.state.set(key, &ReceivedData { data: data.data.clone() });
        if let VersionedReceiptEnum::PromiseYield(action) = waiting.versioned_receipt() {
            self.execute(&waiting, &action);
        }
    }

    /// Removes what is kept about a yield beside its receipt.
    fn forget_yield(&mut self, receiver_id: &AccountId, data_id: CryptoHash) {
        self.state.remove(TrieKey::PromiseYieldStatus { receiver_id: receiver_id.clone(), data_id });
        let by_data = TrieKey::DataIdToYieldId { receiver_id: receiver_id.clone(), data_id };
        if let Some(yield_id) = self.state.get::<YieldId>(&by_data) {
            self.state.remove(TrieKey::YieldIdToDataId { receiver_id: receiver_id.clone(), yield_id });
            self.state.remove(by_data);
        }
    }

    /// Sends an empty answer to every yield whose time is over.
    pub(super) fn time_out_yields(&mut self) {
        let mut indices: PromiseYieldIndices = self.state.get(&TrieKey::PromiseYieldIndices).unwrap_or_default();
        let before = indices.first_index;
        while indices.len() > 0 {
            let key = TrieKey::PromiseYieldTimeout { index: indices.first_index };
            let Some(timeout) = self.state.get::<PromiseYieldTimeout>(&key) else { break };
            if timeout.expires_at > self.context.height {
                break;
            }
            self.state.remove(key);
            indices.first_index += 1;
            self.answer_timeout(&timeout);
        }
        if indices.first_index != before {
            self.state.set(TrieKey::PromiseYieldIndices, &indices);
            self.state.commit(&StateChangeCause::UpdatedDelayedReceipts);
        }
    }

    fn answer_timeout(&mut self, timeout: &PromiseYieldTimeout) {
        let account_id = &timeout.account_id;
        let key = TrieKey::PromiseYieldReceipt { receiver_id: account_id.clone(), data_id: timeout.data_id };
        let Some(waiting) = self.state.get::<Receipt>(&key) else { return };
        let mut resume = Receipt::V0(ReceiptV0 {
            predecessor_id: account_id.clone(),
            receiver_id: account_id.clone(),
            receipt_id: CryptoHash::default(),
            receipt: ReceiptEnum::PromiseResume(DataReceipt { data_id: timeout.data_id, data: None }),
        });
        let id = create_receipt_id_from_receipt_id(waiting.receipt_id(), self.context.height, 0);
        resume.set_receipt_id(id);
        self.outgoing.push(Arc::new(resume));
    }
}
