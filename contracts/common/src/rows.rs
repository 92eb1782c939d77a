//! Rows of state, each paid for by a known account.

use std::marker::PhantomData;

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::AccountId;
use near_sdk::env;

use crate::{Answer, StorageLedger};

/// A map whose rows remember who paid for their storage and give it back to that account when they go.
///
/// Rows are written at once, so what `storage_usage` says is what they cost.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Rows<K, T> {
    prefix: u8,
    #[borsh(skip)]
    kinds: PhantomData<(K, T)>,
}

impl<K: BorshSerialize, T: BorshSerialize + BorshDeserialize> Rows<K, T> {
    /// Prefixes are storage keys: each is used once in a contract and never again.
    pub fn new(prefix: u8) -> Self {
        Self { prefix, kinds: PhantomData }
    }

    fn key(&self, key: &K) -> Vec<u8> {
        let mut bytes = vec![self.prefix];
        bytes.extend(borsh::to_vec(key).unwrap_or_default());
        bytes
    }

    fn read(&self, key: &K) -> Option<(AccountId, T)> {
        let bytes = env::storage_read(&self.key(key))?;
        Some(borsh::from_slice(&bytes).unwrap_or_else(|_| env::panic_str("CHARTER_STATE_CORRUPT: a row can't be read")))
    }

    pub fn get(&self, key: &K) -> Option<T> {
        self.read(key).map(|(_, value)| value)
    }

    pub fn contains(&self, key: &K) -> bool {
        env::storage_has_key(&self.key(key))
    }

    /// Adds a row that `payer` pays for.
    pub fn insert(&self, key: &K, payer: &AccountId, value: &T, ledger: &mut StorageLedger) -> Answer {
        let before = env::storage_usage();
        let bytes = borsh::to_vec(&(payer, value)).unwrap_or_default();
        env::storage_write(&self.key(key), &bytes);
        ledger.charge(payer, env::storage_usage().saturating_sub(before))
    }

    /// Replaces a row; whoever paid for it pays for its growth or gets back what it shrank by.
    pub fn update(&self, key: &K, value: &T, ledger: &mut StorageLedger) -> Answer {
        let Some((payer, _)) = self.read(key) else { env::panic_str("CHARTER_STATE_CORRUPT: a row is missing") };
        let before = env::storage_usage();
        let bytes = borsh::to_vec(&(&payer, value)).unwrap_or_default();
        env::storage_write(&self.key(key), &bytes);
        let after = env::storage_usage();
        ledger.release(&payer, before.saturating_sub(after));
        ledger.charge(&payer, after.saturating_sub(before))
    }

    /// Removes a row and gives its storage back to who paid.
    pub fn remove(&self, key: &K, ledger: &mut StorageLedger) -> Option<T> {
        let (payer, value) = self.read(key)?;
        let before = env::storage_usage();
        env::storage_remove(&self.key(key));
        ledger.release(&payer, before.saturating_sub(env::storage_usage()));
        Some(value)
    }

    /// Moves what a row costs from one account to another.
    pub fn hand_over(&self, key: &K, payer: &AccountId, ledger: &mut StorageLedger) -> Answer {
        match self.remove(key, ledger) {
            Some(value) => self.insert(key, payer, &value, ledger),
            None => Ok(()),
        }
    }
}
