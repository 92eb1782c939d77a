//! Rows of state, each paid for by a known account.

use std::marker::PhantomData;

use borsh::{BorshDeserialize, BorshSerialize};
use near_sdk::env;

use crate::{Answer, Payer, StorageLedger};

/// The key of a row. One that begins with who pays need not repeat it in the row.
pub trait RowKey: BorshSerialize {
    fn payer(&self) -> Option<Payer> {
        None
    }
}

impl RowKey for Payer {
    fn payer(&self) -> Option<Payer> {
        Some(*self)
    }
}

impl<T: BorshSerialize> RowKey for (Payer, T) {
    fn payer(&self) -> Option<Payer> {
        Some(self.0)
    }
}

/// Keys that say nothing of who pays.
#[macro_export]
macro_rules! row_keys {
    ($($key:ty),*) => { $(impl $crate::RowKey for $key {})* };
}
row_keys!(
    u64,
    (u64, u64),
    (u64, u32, u64),
    (u64, charter_types::AccountId),
    (u64, charter_types::Hash32),
    charter_types::Hash32,
    String
);

/// A map whose rows remember who paid for their storage and give it back to that account when they go.
///
/// Rows are written at once, so what `storage_usage` says is what they cost.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Rows<K, T> {
    prefix: u8,
    #[borsh(skip)]
    kinds: PhantomData<(K, T)>,
}

fn corrupt() -> ! {
    env::panic_str("CHARTER_STATE_CORRUPT: a row is missing or can't be read")
}

/// Writes a row and books what it costs more or less than before.
fn write(key: &[u8], bytes: &[u8], payer: Payer, ledger: &mut StorageLedger) -> Answer {
    let before = env::storage_usage();
    env::storage_write(key, bytes);
    let after = env::storage_usage();
    ledger.release(payer, before.saturating_sub(after));
    ledger.charge(payer, after.saturating_sub(before))
}

impl<K: RowKey, T: BorshSerialize + BorshDeserialize> Rows<K, T> {
    /// Prefixes are storage keys: each is used once in a contract and never again.
    pub fn new(prefix: u8) -> Self {
        Self { prefix, kinds: PhantomData }
    }

    fn key(&self, key: &K) -> Vec<u8> {
        let mut bytes = vec![self.prefix];
        bytes.extend(borsh::to_vec(key).unwrap_or_default());
        bytes
    }

    fn read(&self, key: &K) -> Option<(Payer, T)> {
        let bytes = env::storage_read(&self.key(key))?;
        let row = match key.payer() {
            Some(payer) => borsh::from_slice(&bytes).map(|value| (payer, value)),
            None => borsh::from_slice(&bytes),
        };
        Some(row.unwrap_or_else(|_| corrupt()))
    }

    fn write(&self, key: &K, payer: Payer, value: &T, ledger: &mut StorageLedger) -> Answer {
        let bytes = if key.payer().is_some() { borsh::to_vec(value) } else { borsh::to_vec(&(payer, value)) };
        write(&self.key(key), &bytes.unwrap_or_default(), payer, ledger)
    }

    pub fn get(&self, key: &K) -> Option<T> {
        self.read(key).map(|(_, value)| value)
    }

    pub fn contains(&self, key: &K) -> bool {
        env::storage_has_key(&self.key(key))
    }

    /// Who pays for a row.
    pub fn payer(&self, key: &K) -> Option<Payer> {
        self.read(key).map(|(payer, _)| payer)
    }

    /// Adds a row that `payer` pays for.
    pub fn insert(&self, key: &K, payer: impl Into<Payer>, value: &T, ledger: &mut StorageLedger) -> Answer {
        self.write(key, payer.into(), value, ledger)
    }

    /// Replaces a row; whoever paid for it pays for its growth or gets back what it shrank by.
    pub fn update(&self, key: &K, value: &T, ledger: &mut StorageLedger) -> Answer {
        let Some((payer, _)) = self.read(key) else { corrupt() };
        self.write(key, payer, value, ledger)
    }

    /// Replaces a row, or adds one that `payer` pays for.
    pub fn put(&self, key: &K, payer: impl Into<Payer>, value: &T, ledger: &mut StorageLedger) -> Answer {
        let payer = self.payer(key).unwrap_or_else(|| payer.into());
        self.write(key, payer, value, ledger)
    }

    /// Removes a row and gives its storage back to who paid.
    pub fn remove(&self, key: &K, ledger: &mut StorageLedger) -> Option<T> {
        let (payer, value) = self.read(key)?;
        let before = env::storage_usage();
        env::storage_remove(&self.key(key));
        ledger.release(payer, before.saturating_sub(env::storage_usage()));
        Some(value)
    }

    /// Moves what a row costs from one account to another.
    pub fn hand_over(&self, key: &K, payer: impl Into<Payer>, ledger: &mut StorageLedger) -> Answer {
        match self.remove(key, ledger) {
            Some(value) => self.insert(key, payer, &value, ledger),
            None => Ok(()),
        }
    }
}
