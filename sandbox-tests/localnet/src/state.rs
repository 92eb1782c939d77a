//! Accounts, keys, code and contract data over the trie, with the changes of the chunk in progress.
//!
//! Look-ups go to the root at the chunk's start plus an overlay. Overlay hits are free of trie gas, as on nearcore.

mod access;
mod recorder;
mod records;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use near_crypto::PublicKey;
use near_primitives::account::{AccessKey, Account};
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{
    AccountId, Balance, Nonce, NonceIndex, RawStateChange, RawStateChangesWithTrieKey, StateChangeCause,
};

use crate::trie::{Trie, Value};
use crate::trie_key::{access_key_handle, access_key_prefix, contract_data_prefix, parse_key_or_nonce};

pub use access::{Found, TrieTouches};
use recorder::Recorder;

/// Values up to this size lie beside their key in nearcore's flat storage; longer ones cost a node to read.
const INLINE_VALUE_MAX: usize = 4_000;

#[derive(Clone)]
struct Change {
    key: TrieKey,
    value: Option<Arc<[u8]>>,
}

/// The value after a chunk's changes so far, and these changes with their causes.
type Committed = (Option<Arc<[u8]>>, RawStateChangesWithTrieKey);

/// The state while one chunk is executed: changes are proposed, then committed with a cause or rolled back.
pub struct StateUpdate {
    base: Trie,
    committed: BTreeMap<Vec<u8>, Committed>,
    proposed: BTreeMap<Vec<u8>, Change>,
    /// Nodes that contracts of this chunk have paid for in full; later visits are cheaper.
    visited: RefCell<HashSet<CryptoHash>>,
    /// What is read, where that is limited: in chunks, not in views.
    recorder: Option<Recorder>,
}

impl StateUpdate {
    pub fn new(base: Trie) -> Self {
        Self {
            base,
            committed: BTreeMap::new(),
            proposed: BTreeMap::new(),
            visited: RefCell::default(),
            recorder: None,
        }
    }

    /// The state of a chunk, whose reads are recorded.
    pub fn recording(base: Trie) -> Self {
        Self { recorder: Some(Recorder::default()), ..Self::new(base) }
    }

    fn overlay(&self, key: &[u8]) -> Option<&Option<Arc<[u8]>>> {
        let proposed = self.proposed.get(key).map(|change| &change.value);
        proposed.or_else(|| self.committed.get(key).map(|(value, _)| value))
    }

    /// The raw value under `key`.
    pub fn get_raw(&self, key: &TrieKey) -> Option<Arc<[u8]>> {
        let raw = key.to_vec();
        if let Some(value) = self.overlay(&raw) {
            return value.clone();
        }
        let found = self.base.look_up(&raw, &mut |node, bytes| self.record(node, bytes))?;
        let is_code = matches!(key, TrieKey::ContractCode { .. } | TrieKey::GlobalContractCode { .. });
        if let (Some(recorder), false) = (&self.recorder, is_code) {
            recorder.value(found);
        }
        Some(Arc::clone(found.bytes()))
    }

    /// The contract code under `key`, if it is the code of this hash: a patched account may name another one, which
    /// nearcore finds nowhere either.
    pub fn code(&self, key: &TrieKey, code_hash: &CryptoHash) -> Option<Arc<[u8]>> {
        let raw = key.to_vec();
        if let Some(value) = self.overlay(&raw) {
            return value.clone().filter(|code| hash(code) == *code_hash);
        }
        let found = self.base.look_up(&raw, &mut |node, bytes| self.record(node, bytes))?;
        (found.hash() == code_hash).then(|| Arc::clone(found.bytes()))
    }

    pub fn get<T: BorshDeserialize>(&self, key: &TrieKey) -> Option<T> {
        let bytes = self.get_raw(key)?;
        Some(borsh::from_slice(&bytes).unwrap_or_else(|error| panic!("state holds a broken {key:?}: {error}")))
    }

    pub fn set_raw(&mut self, key: TrieKey, value: impl Into<Arc<[u8]>>) {
        self.proposed.insert(key.to_vec(), Change { key, value: Some(value.into()) });
    }

    pub fn set<T: BorshSerialize>(&mut self, key: TrieKey, value: &T) {
        self.set_raw(key, borsh::to_vec(value).expect("writing to memory does not fail"));
    }

    pub fn remove(&mut self, key: TrieKey) {
        // As on nearcore, a removal is a change even where nothing was: `changes` shows it.
        self.proposed.insert(key.to_vec(), Change { key, value: None });
    }

    /// Makes the proposed changes part of the chunk.
    pub fn commit(&mut self, cause: &StateChangeCause) {
        for (raw, Change { key, value }) in std::mem::take(&mut self.proposed) {
            let empty = || (None, RawStateChangesWithTrieKey { trie_key: key, changes: Vec::new() });
            let entry = self.committed.entry(raw).or_insert_with(empty);
            let data = value.as_deref().map(<[u8]>::to_vec);
            entry.1.changes.push(RawStateChange { cause: cause.clone(), data });
            entry.0 = value;
        }
    }

    /// Forgets the proposed changes.
    pub fn rollback(&mut self) {
        self.proposed.clear();
    }

    /// The state after the chunk, and what changed in it, key by key.
    pub fn finish(mut self) -> (Trie, Vec<RawStateChangesWithTrieKey>) {
        self.rollback();
        let mut trie = self.base;
        let mut changes = Vec::with_capacity(self.committed.len());
        for (key, (value, change)) in self.committed {
            match value {
                Some(bytes) => trie.insert(&key, Value::new(bytes)),
                None => trie.remove(&key),
            }
            changes.push(change);
        }
        (trie, changes)
    }

    /// Every entry below `prefix`, overlay included, keys ascending.
    pub fn entries_with_prefix(&self, prefix: &[u8]) -> Vec<(Vec<u8>, Arc<[u8]>)> {
        let value =
            |key: &[u8]| self.overlay(key).cloned().unwrap_or_else(|| Some(self.base.get(key)?.bytes().clone()));
        let keys = self.keys_with_prefix(prefix).into_iter();
        keys.filter_map(|key| value(&key).map(|value| (key, value))).collect()
    }

    /// Every key below `prefix`, overlay included, keys ascending.
    pub fn keys_with_prefix(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let mut keys: BTreeMap<Vec<u8>, bool> = self.base.range(prefix).map(|(key, _)| (key, true)).collect();
        for (key, (value, _)) in self.committed.iter().filter(|(key, _)| key.starts_with(prefix)) {
            keys.insert(key.clone(), value.is_some());
        }
        for (key, change) in self.proposed.iter().filter(|(key, _)| key.starts_with(prefix)) {
            keys.insert(key.clone(), change.value.is_some());
        }
        keys.into_iter().filter_map(|(key, present)| present.then_some(key)).collect()
    }

    pub fn account(&self, account_id: &AccountId) -> Option<Account> {
        self.get(&TrieKey::Account { account_id: account_id.clone() })
    }

    pub fn set_account(&mut self, account_id: &AccountId, account: &Account) {
        self.set(TrieKey::Account { account_id: account_id.clone() }, account);
    }

    pub fn access_key(&self, account_id: &AccountId, public_key: &PublicKey) -> Option<AccessKey> {
        self.get(&TrieKey::access_key(account_id.clone(), public_key))
    }

    pub fn set_access_key(&mut self, account_id: &AccountId, public_key: &PublicKey, access_key: &AccessKey) {
        self.set(TrieKey::access_key(account_id.clone(), public_key), access_key);
    }

    /// The last nonce that was used with one of a gas key's nonces.
    pub fn gas_key_nonce(&self, account_id: &AccountId, key: &PublicKey, index: NonceIndex) -> Option<Nonce> {
        self.get(&TrieKey::gas_key_nonce(account_id.clone(), key, index))
    }

    pub fn set_gas_key_nonce(&mut self, account_id: &AccountId, key: &PublicKey, index: NonceIndex, nonce: Nonce) {
        self.set(TrieKey::gas_key_nonce(account_id.clone(), key, index), &nonce);
    }

    /// What all gas keys of an account hold.
    pub fn gas_key_balances(&self, account_id: &AccountId) -> Balance {
        let entries = self.entries_with_prefix(&access_key_prefix(account_id));
        let keys = entries.into_iter().filter(|(raw, _)| access_key_handle(account_id, raw).is_some());
        let keys = keys.filter_map(|(_, value)| AccessKey::try_from_slice(&value).ok());
        let balances = keys.filter_map(|key| key.gas_key_info().map(|gas_key| gas_key.balance));
        balances.fold(Balance::ZERO, Balance::saturating_add)
    }

    /// Removes an account with its code, keys and contract data.
    pub fn remove_account(&mut self, account_id: &AccountId) {
        self.remove(TrieKey::Account { account_id: account_id.clone() });
        self.remove(TrieKey::ContractCode { account_id: account_id.clone() });
        for key in self.keys_with_prefix(&access_key_prefix(account_id)) {
            if let Some(key) = parse_key_or_nonce(account_id, &key) {
                self.remove(key);
            }
        }
        let prefix = contract_data_prefix(account_id);
        for key in self.keys_with_prefix(&prefix) {
            let key = key[prefix.len()..].to_vec();
            self.remove(TrieKey::ContractData { account_id: account_id.clone(), key });
        }
    }
}
