//! Who prepaid how much storage (NEP-145).

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::error::CommonError;
use charter_types::storage::{StorageBalance, StorageBalanceBounds};
use charter_types::{AccountId, U128};
use near_sdk::env;

use crate::{Answer, Failure, Layout, corrupt, layout, read_whole};

/// Bytes of a storage account's row: prefix, payer, record, and what NEAR adds per row.
const ROW_BYTES: u64 = 1 + 20 + 24 + 40;
/// How long after the last reservation those whose callbacks never came can be freed. A callback comes within a few blocks;
/// the rest is for a chain that stands still.
pub const RESERVED_MS: u64 = 3_600_000;

/// Who pays for a row: the first 20 bytes of the account id's sha256. Rows name their payer, so 20 bytes instead of up to
/// 68 are most of what a row costs beside its record. Two accounts with one payer would share one balance; finding such a
/// pair takes 2^80 hashes and gives its finder nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Payer([u8; Payer::BYTES]);

impl From<&AccountId> for Payer {
    fn from(account: &AccountId) -> Self {
        let mut payer = Self([0; Self::BYTES]);
        payer.0.copy_from_slice(&crate::sha256(account.as_bytes())[..Self::BYTES]);
        payer
    }
}

impl From<&Self> for Payer {
    fn from(payer: &Self) -> Self {
        *payer
    }
}

impl Payer {
    pub(crate) const BYTES: usize = 20;

    /// The payer in front of a row.
    pub(crate) fn read(row: &[u8]) -> Option<Self> {
        row.first_chunk().copied().map(Self)
    }

    pub(crate) fn before(self, value: &[u8]) -> Vec<u8> {
        [self.0.as_slice(), value].concat()
    }
}

#[derive(Clone, Copy, Default)]
pub struct Account {
    deposited: u128,
    used_bytes: u64,
    /// Those of `used_bytes` that are set aside for callbacks on their way.
    reserved_bytes: u64,
    /// When something was last reserved.
    reserved_ms: u64,
}

/// An account with nothing on its way.
#[derive(Clone, Copy)]
pub struct Resting {
    deposited: u128,
    used_bytes: u64,
}

impl From<Resting> for Account {
    fn from(Resting { deposited, used_bytes }: Resting) -> Self {
        Self { deposited, used_bytes, ..Self::default() }
    }
}

layout! { struct AccountV1 for Resting { deposited: u128, used_bytes: u64 } }
layout! { struct AccountV2 for Account { deposited: u128, used_bytes: u64, reserved_bytes: u64, reserved_ms: u64 } }

/// Bare while nothing is reserved, so that no account pays for what lasts a few blocks; the bytes that a reservation adds
/// meanwhile are the contract's.
enum StoredAccount {}

impl StoredAccount {
    /// First byte of a row that has more; it is longer than a bare one.
    const RESERVED: u8 = 1;

    fn read(row: &[u8]) -> Option<Account> {
        if let Some(resting) = read_whole::<AccountV1>(row) {
            return Some(resting.into());
        }
        read_whole::<AccountV2>(row.strip_prefix(&[Self::RESERVED])?)
    }

    fn write(account: &Account) -> Vec<u8> {
        let mut row = Vec::new();
        if account.reserved_bytes == 0 {
            let Account { deposited, used_bytes, .. } = *account;
            AccountV1::write(&Resting { deposited, used_bytes }, &mut row);
        } else {
            row.push(Self::RESERVED);
            AccountV2::write(account, &mut row);
        }
        row
    }
}

/// Storage set aside for what a callback will store. It travels with the callback.
#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize)]
pub struct Reservation {
    pub bytes: u64,
    /// When it was made: after [`RESERVED_MS`] its account may have freed it, and the callback can only deny.
    pub made_ms: u64,
}

/// The storage prefix of the accounts in every contract; other prefixes start above it.
const PREFIX: u8 = 0;

/// Deposits and bytes in use, by account.
#[derive(Default)]
pub struct StorageLedger {
    /// Sum of all deposits, so that the contract's own money can be told apart.
    deposited: u128,
    /// Sum of the bytes of rows that accounts are charged for, and never more than it.
    rows_bytes: u64,
}

/// More than a contract's own code, state and rows: what it stores beyond that was somebody's rows before rows were counted.
const OWN_BYTES: u64 = 600_000;

/// Layouts of the ledger in a contract's state, each behind its number.
#[derive(BorshSerialize, BorshDeserialize)]
enum StoredLedger {
    V0 { deposited: u128 },
    V1 { deposited: u128, rows_bytes: u64 },
}

impl BorshSerialize for StorageLedger {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        let Self { deposited, rows_bytes } = *self;
        StoredLedger::V1 { deposited, rows_bytes }.serialize(writer)
    }
}

impl BorshDeserialize for StorageLedger {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        Ok(match StoredLedger::deserialize_reader(reader)? {
            StoredLedger::V0 { deposited } => {
                Self { deposited, rows_bytes: env::storage_usage().saturating_sub(OWN_BYTES) }
            }
            StoredLedger::V1 { deposited, rows_bytes } => Self { deposited, rows_bytes },
        })
    }
}

/// Rows on their way from one account's charge to another's.
#[must_use = "what `to` was charged is on loan until it arrives"]
pub struct Journey {
    from: AccountId,
    to: AccountId,
    used: (u64, u64),
}

/// More than the rows of one journey ever cost: 1 NEAR.
const LOAN: u128 = 1_000_000_000_000_000_000_000_000;

fn price(bytes: u64) -> u128 {
    env::storage_byte_cost().as_yoctonear().saturating_mul(u128::from(bytes))
}

impl StorageLedger {
    fn key(payer: Payer) -> Vec<u8> {
        [[PREFIX].as_slice(), &payer.0].concat()
    }

    fn read(payer: Payer) -> Option<Account> {
        let bytes = env::storage_read(&Self::key(payer))?;
        Some(StoredAccount::read(&bytes).unwrap_or_else(|| corrupt()))
    }

    fn write(payer: Payer, record: &Account) {
        env::storage_write(&Self::key(payer), &StoredAccount::write(record));
    }

    /// Adds to an account's deposit; the first time, its own row is the first thing it pays for. Returns what was free
    /// before, nothing for an account that was not there.
    pub fn credit(&mut self, account: &AccountId, amount: u128) -> Option<u128> {
        let payer = account.into();
        let known = Self::read(payer);
        let free_before = known.as_ref().map(free);
        let mut record = known.unwrap_or_else(|| {
            let before = env::storage_usage();
            Self::write(payer, &Account::default());
            let used_bytes = env::storage_usage().saturating_sub(before);
            self.rows_bytes = self.rows_bytes.saturating_add(used_bytes);
            Account { used_bytes, ..Account::default() }
        });
        record.deposited = record.deposited.saturating_add(amount);
        self.deposited = self.deposited.saturating_add(amount);
        Self::write(payer, &record);
        free_before
    }

    /// Books `bytes` to an account.
    pub fn charge(&mut self, payer: impl Into<Payer>, bytes: u64) -> Answer {
        self.book(payer.into(), bytes, None)
    }

    /// Books bytes, for a callback if there is a time at which they are reserved.
    fn book(&mut self, payer: Payer, bytes: u64, reserved_ms: Option<u64>) -> Answer {
        if bytes == 0 {
            return Ok(());
        }
        let short = |needed, available| CommonError::StorageShort { needed, available };
        let mut record = Self::read(payer).ok_or_else(|| short(price(bytes), 0))?;
        let available = free(&record);
        record.used_bytes = record.used_bytes.saturating_add(bytes);
        let needed = price(bytes);
        if needed > available {
            return Err(short(needed - available, available).into());
        }
        if let Some(now_ms) = reserved_ms {
            record.reserved_bytes = record.reserved_bytes.saturating_add(bytes);
            record.reserved_ms = now_ms;
        } else {
            self.rows_bytes = self.rows_bytes.saturating_add(bytes);
        }
        Self::write(payer, &record);
        Ok(())
    }

    /// Gives `bytes` back to an account.
    pub fn release(&mut self, payer: impl Into<Payer>, bytes: u64) {
        self.unbook(payer.into(), bytes);
    }

    fn unbook(&mut self, payer: Payer, bytes: u64) {
        if bytes == 0 {
            return;
        }
        if let Some(mut record) = Self::read(payer) {
            record.used_bytes = record.used_bytes.saturating_sub(bytes);
            self.rows_bytes = self.rows_bytes.saturating_sub(bytes);
            Self::write(payer, &record);
        }
    }

    /// Sets `bytes` of an account aside for a callback.
    pub fn reserve(&mut self, account: &AccountId, bytes: u64) -> Answer<Reservation> {
        let made_ms = env::block_timestamp_ms();
        self.book(account.into(), bytes, Some(made_ms))?;
        Ok(Reservation { bytes, made_ms })
    }

    /// Gives back what was reserved, for the callback to book what it stores. Fails if it may have been freed meanwhile:
    /// then the callback may store nothing. No time of its own comes back, so this holds for accounts that were closed and
    /// opened again, too.
    pub fn end_reservation(&mut self, account: &AccountId, reserved: Reservation) -> Answer {
        if reserved.bytes == 0 {
            return Ok(());
        }
        let freed = || Failure::from(CommonError::ReservationFreed {});
        let mut record = Self::read(account.into()).ok_or_else(freed)?;
        let age_ms = env::block_timestamp_ms().saturating_sub(reserved.made_ms);
        let left = record.reserved_bytes.checked_sub(reserved.bytes).filter(|_| age_ms < RESERVED_MS);
        let left = left.ok_or_else(freed)?;
        record.reserved_bytes = left;
        record.used_bytes = record.used_bytes.saturating_sub(reserved.bytes);
        Self::write(account.into(), &record);
        Ok(())
    }

    /// Gives an account back what it reserved for callbacks that never came. Nothing while they still may come; one that comes
    /// all the same finds nothing reserved.
    pub fn free_reserved(&mut self, account: &AccountId) -> u64 {
        let Some(mut record) = Self::read(account.into()) else { return 0 };
        let bytes = record.reserved_bytes;
        if bytes == 0 || env::block_timestamp_ms().saturating_sub(record.reserved_ms) < RESERVED_MS {
            return 0;
        }
        record.reserved_bytes = 0;
        record.used_bytes = record.used_bytes.saturating_sub(bytes);
        Self::write(account.into(), &record);
        bytes
    }

    /// What an account could withdraw; nothing for one without a row.
    pub fn available(&self, account: &AccountId) -> u128 {
        Self::read(account.into()).map_or(0, |record| free(&record))
    }

    /// Bytes booked to an account, its own row included.
    pub fn used_bytes(&self, account: &AccountId) -> u64 {
        Self::read(account.into()).map_or(0, |record| record.used_bytes)
    }

    /// Starts moving rows of `from` to `to`, and the money that they lock with them: what `to` is charged until
    /// [`Self::arrive`] is on loan.
    pub fn depart(&mut self, from: &AccountId, to: &AccountId) -> Journey {
        let journey =
            Journey { from: from.clone(), to: to.clone(), used: (self.used_bytes(from), self.used_bytes(to)) };
        self.move_money(None, Some(to), LOAN);
        journey
    }

    /// Ends it: what `from` no longer pays for follows the rows as far as they need it, and `payer` adds what is short.
    pub fn arrive(&mut self, journey: Journey, payer: &AccountId) -> Answer {
        let Journey { from, to, used } = journey;
        let freed = used.0.saturating_sub(self.used_bytes(&from));
        let needed = self.used_bytes(&to).saturating_sub(used.1);
        self.move_money(Some(&to), None, LOAN);
        self.move_money(Some(&from), Some(&to), price(freed.min(needed)));
        let short = price(needed.saturating_sub(freed));
        let lacks = |needed, available| Err(CommonError::StorageShort { needed, available }.into());
        if *payer == to {
            // It is charged already.
            let Account { deposited, used_bytes, .. } = Self::read(payer.into()).unwrap_or_default();
            let missing = price(used_bytes).saturating_sub(deposited);
            return if missing > 0 { lacks(missing, 0) } else { Ok(()) };
        }
        if short > 0 {
            let available = self.available(payer);
            if short > available {
                return lacks(short - available, available);
            }
            self.move_money(Some(payer), Some(&to), short);
        }
        Ok(())
    }

    /// From one deposit to another. Without an account on either side it is a loan, or pays one back.
    fn move_money(&mut self, from: Option<&AccountId>, to: Option<&AccountId>, amount: u128) {
        for (account, adds) in [(from, false), (to, true)] {
            let Some(account) = account else { continue };
            let payer = account.into();
            let Some(mut record) = Self::read(payer) else { corrupt() };
            let deposited =
                if adds { record.deposited.checked_add(amount) } else { record.deposited.checked_sub(amount) };
            record.deposited = deposited.unwrap_or_else(|| corrupt());
            Self::write(payer, &record);
        }
    }

    /// What of all deposits is free, at least: nobody's rows lock it.
    pub fn free(&self) -> u128 {
        self.deposited.saturating_sub(price(self.rows_bytes))
    }

    /// Takes free money out of an account, the caller sends it.
    pub fn debit(&mut self, account: &AccountId, amount: u128) -> Answer {
        let unknown = || CommonError::StorageUnknown { account: account.clone() };
        let mut record = Self::read(account.into()).ok_or_else(unknown)?;
        let available = free(&record);
        if amount > available {
            return Err(CommonError::StorageTooMuch { available }.into());
        }
        record.deposited -= amount;
        self.deposited = self.deposited.saturating_sub(amount);
        Self::write(account.into(), &record);
        Ok(())
    }

    /// Takes free money out of an account and keeps it for it: a bond. It stays among the deposits. What `bytes` more cost
    /// is left free.
    pub fn hold(&mut self, account: &AccountId, amount: u128, bytes: u64) -> Answer {
        let available = self.available(account);
        let needed = amount.saturating_add(price(bytes));
        if amount > 0 && needed > available {
            return Err(CommonError::StorageShort { needed: needed - available, available }.into());
        }
        if amount > 0 {
            self.move_money(Some(account), None, amount);
        }
        Ok(())
    }

    /// Gives back what was held, also to an account that was closed meanwhile.
    pub fn give_back(&mut self, account: &AccountId, amount: u128) {
        if amount > 0 {
            self.credit(account, 0);
            self.move_money(None, Some(account), amount);
        }
    }

    /// Whether an account is charged for nothing but its own row.
    pub fn pays_for_itself_only(&self, account: &AccountId) -> bool {
        self.used_bytes(account) <= ROW_BYTES
    }

    /// Removes an account that pays for nothing but its own row; returns its deposit.
    pub fn close(&mut self, account: &AccountId) -> Answer<Option<u128>> {
        let Some(record) = Self::read(account.into()) else { return Ok(None) };
        if !self.pays_for_itself_only(account) {
            return Err(CommonError::StorageInUse { account: account.clone() }.into());
        }
        env::storage_remove(&Self::key(account.into()));
        self.deposited = self.deposited.saturating_sub(record.deposited);
        self.rows_bytes = self.rows_bytes.saturating_sub(record.used_bytes);
        Ok(Some(record.deposited))
    }

    pub fn balance(&self, account: &AccountId) -> Option<StorageBalance> {
        let record = Self::read(account.into())?;
        Some(StorageBalance { total: U128(record.deposited), available: U128(free(&record)) })
    }

    pub fn bounds() -> StorageBalanceBounds {
        StorageBalanceBounds { min: U128(price(ROW_BYTES)), max: None }
    }
}

fn free(record: &Account) -> u128 {
    record.deposited.saturating_sub(price(record.used_bytes))
}
