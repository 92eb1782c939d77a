//! Who prepaid how much storage (NEP-145).

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::error::CommonError;
use charter_types::storage::{StorageBalance, StorageBalanceBounds};
use charter_types::{AccountId, U128};
use near_sdk::env;

use crate::Answer;

/// Bytes of the longest storage account row: prefix, account id, record, and what NEAR adds per row.
const ROW_BYTES_MAX: u64 = 1 + 4 + 64 + 24 + 40;

#[derive(Clone, Copy, Default, BorshSerialize, BorshDeserialize)]
struct Account {
    deposited: u128,
    used_bytes: u64,
}

/// Deposits and bytes in use, by account.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct StorageLedger {
    prefix: u8,
    /// Sum of all deposits, so that the contract's own money can be told apart.
    deposited: u128,
}

fn price(bytes: u64) -> u128 {
    env::storage_byte_cost().as_yoctonear().saturating_mul(u128::from(bytes))
}

impl StorageLedger {
    pub fn new(prefix: u8) -> Self {
        Self { prefix, deposited: 0 }
    }

    fn key(&self, account: &AccountId) -> Vec<u8> {
        let mut bytes = vec![self.prefix];
        bytes.extend(borsh::to_vec(account).unwrap_or_default());
        bytes
    }

    fn read(&self, account: &AccountId) -> Option<Account> {
        borsh::from_slice(&env::storage_read(&self.key(account))?).ok()
    }

    fn write(&self, account: &AccountId, record: &Account) {
        env::storage_write(&self.key(account), &borsh::to_vec(record).unwrap_or_default());
    }

    /// Adds to an account's deposit; the first time, its own row is the first thing it pays for.
    pub fn credit(&mut self, account: &AccountId, amount: u128) {
        let mut record = self.read(account).unwrap_or_else(|| {
            let before = env::storage_usage();
            self.write(account, &Account::default());
            Account { deposited: 0, used_bytes: env::storage_usage().saturating_sub(before) }
        });
        record.deposited = record.deposited.saturating_add(amount);
        self.deposited = self.deposited.saturating_add(amount);
        self.write(account, &record);
    }

    /// Books `bytes` to an account.
    pub fn charge(&mut self, account: &AccountId, bytes: u64) -> Answer {
        if bytes == 0 {
            return Ok(());
        }
        let short = |needed, available| CommonError::StorageShort { needed, available };
        let mut record = self.read(account).ok_or_else(|| short(price(bytes), 0))?;
        let available = free(&record);
        record.used_bytes = record.used_bytes.saturating_add(bytes);
        let needed = price(bytes);
        if needed > available {
            return Err(short(needed - available, available).into());
        }
        self.write(account, &record);
        Ok(())
    }

    /// Gives `bytes` back to an account.
    pub fn release(&mut self, account: &AccountId, bytes: u64) {
        if bytes == 0 {
            return;
        }
        if let Some(mut record) = self.read(account) {
            record.used_bytes = record.used_bytes.saturating_sub(bytes);
            self.write(account, &record);
        }
    }

    /// What an account could withdraw; nothing for one without a row.
    pub fn available(&self, account: &AccountId) -> u128 {
        self.read(account).map_or(0, |record| free(&record))
    }

    /// Bytes booked to an account, its own row included.
    pub fn used_bytes(&self, account: &AccountId) -> u64 {
        self.read(account).map_or(0, |record| record.used_bytes)
    }

    /// Sum of all deposits.
    pub fn deposited(&self) -> u128 {
        self.deposited
    }

    /// Takes free money out of an account, the caller sends it.
    pub fn debit(&mut self, account: &AccountId, amount: u128) -> Answer {
        let unknown = || CommonError::StorageUnknown { account: account.clone() };
        let mut record = self.read(account).ok_or_else(unknown)?;
        let available = free(&record);
        if amount > available {
            return Err(CommonError::StorageTooMuch { available }.into());
        }
        record.deposited -= amount;
        self.deposited = self.deposited.saturating_sub(amount);
        self.write(account, &record);
        Ok(())
    }

    /// Removes an account that pays for nothing but its own row; returns its deposit.
    pub fn close(&mut self, account: &AccountId) -> Answer<Option<u128>> {
        let Some(record) = self.read(account) else { return Ok(None) };
        let before = env::storage_usage();
        env::storage_remove(&self.key(account));
        if record.used_bytes > before.saturating_sub(env::storage_usage()) {
            return Err(CommonError::StorageInUse { account: account.clone() }.into());
        }
        self.deposited = self.deposited.saturating_sub(record.deposited);
        Ok(Some(record.deposited))
    }

    pub fn balance(&self, account: &AccountId) -> Option<StorageBalance> {
        let record = self.read(account)?;
        Some(StorageBalance { total: U128(record.deposited), available: U128(free(&record)) })
    }

    pub fn bounds() -> StorageBalanceBounds {
        StorageBalanceBounds { min: U128(price(ROW_BYTES_MAX)), max: None }
    }
}

fn free(record: &Account) -> u128 {
    record.deposited.saturating_sub(price(record.used_bytes))
}
