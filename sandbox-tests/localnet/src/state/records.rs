//! State written from outside the protocol: genesis records and `sandbox_patch_state`.

use near_parameters::RuntimeConfig;
use near_primitives::account::Account;
use near_primitives::state_record::StateRecord;
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{AccountId, StorageUsage};

use super::StateUpdate;
use crate::trie_key::{access_key_prefix, contract_data_prefix};

impl StateUpdate {
    pub fn put_record(&mut self, record: StateRecord) {
        match record {
            StateRecord::Account { account_id, account } => self.set_account(&account_id, &account),
            StateRecord::Data { account_id, data_key, value } => {
                self.set_raw(TrieKey::ContractData { account_id, key: data_key.into() }, Vec::<u8>::from(value));
            }
            StateRecord::Contract { account_id, code } => {
                self.set_raw(TrieKey::ContractCode { account_id }, code);
            }
            StateRecord::AccessKey { account_id, public_key, access_key } => {
                self.set(TrieKey::access_key(account_id, public_key), &access_key);
            }
            StateRecord::GasKeyNonce { account_id, public_key, index, nonce } => {
                self.set(TrieKey::gas_key_nonce(account_id, public_key, index), &nonce);
            }
            // Receipts in flight are the chain's own business; `sandbox_patch_state` of nearcore ignores them too.
            StateRecord::PostponedReceipt(_) | StateRecord::ReceivedData { .. } | StateRecord::DelayedReceipt(_) => {}
        }
    }

    /// The bytes an account pays for, counted from what is stored.
    pub fn storage_usage(&self, account_id: &AccountId, account: &Account, config: &RuntimeConfig) -> StorageUsage {
        let storage = &config.fees.storage_usage_config;
        let length = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        let code = self.get_raw(&TrieKey::ContractCode { account_id: account_id.clone() });
        let mut usage = storage.num_bytes_account
            + code.map_or(0, |code| length(code.len()))
            + account.contract().identifier_storage_usage();
        for prefix in [access_key_prefix(account_id), contract_data_prefix(account_id)] {
            for (key, value) in self.entries_with_prefix(&prefix) {
                usage += length(key.len() - prefix.len()) + length(value.len()) + storage.num_extra_bytes_record;
            }
        }
        usage
    }
}
