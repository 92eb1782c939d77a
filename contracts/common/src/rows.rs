//! Rows of state, each paid for by a known account.
//!
//! A row is its payer (unless the key names it) and a record with its version. A row that grew when it moved to a newer
//! version says how much: those bytes are the contract's to pay, so what its payer is charged for is always the row less
//! that share. Nobody is charged for a migration, and nobody gets back more than it was charged.

use std::marker::PhantomData;

use borsh::{BorshDeserialize, BorshSerialize};
use near_sdk::env;

use crate::encode::append;
use crate::{Answer, Payer, StorageLedger, Stored};

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
    (u64, u64, charter_types::Hash32),
    charter_types::Hash32,
    String
);

/// A map whose rows remember who paid for their storage and give it back to that account when they go.
///
/// Rows are written at once, so what `storage_usage` says is what they cost. Prefixes are storage keys: each is used once
/// in a contract and never again. In the contract's own state a map takes no bytes.
pub struct Rows<K, S, const PREFIX: u8> {
    kinds: PhantomData<(K, S)>,
}

impl<K, S, const PREFIX: u8> Default for Rows<K, S, PREFIX> {
    fn default() -> Self {
        Self { kinds: PhantomData }
    }
}

impl<K, S, const PREFIX: u8> BorshSerialize for Rows<K, S, PREFIX> {
    fn serialize<W: std::io::Write>(&self, _writer: &mut W) -> std::io::Result<()> {
        Ok(())
    }
}

impl<K, S, const PREFIX: u8> BorshDeserialize for Rows<K, S, PREFIX> {
    fn deserialize_reader<R: std::io::Read>(_reader: &mut R) -> std::io::Result<Self> {
        Ok(Self::default())
    }
}

/// As much as most keys take: a vector that grows costs more than one that is larger.
const KEY_ROOM: usize = 64;

/// For what can't be: a row that must be there is missing, or bytes of our own can't be read.
pub fn corrupt() -> ! {
    env::panic_str("CHARTER_STATE_CORRUPT: a row is missing or can't be read")
}

/// A row without its key.
struct Row {
    payer: Payer,
    share: Share,
    value: Vec<u8>,
}

/// How many bytes of a record migrations added.
#[derive(Clone, Copy, Default)]
struct Share(usize);

/// Who pays for a row, and how much of it, as it was read.
#[derive(Clone, Copy)]
pub struct Seen {
    payer: Payer,
    share: Share,
    new_share: Share,
}

/// In the version byte: the share stands behind it, 4 bytes.
const SHARED: u8 = 0x80;
const SHARE_BYTES: usize = 4;

impl Share {
    /// Bytes of the row that the contract pays for.
    fn bytes(self) -> u64 {
        let bytes = if self.0 == 0 { 0 } else { self.0.saturating_add(SHARE_BYTES) };
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Takes the share out of a row's value.
    fn split_off(value: &mut Vec<u8>) -> Self {
        let Some((version, [a, b, c, d, ..])) = value.split_first_mut() else { return Self(0) };
        if *version & SHARED == 0 {
            return Self(0);
        }
        *version ^= SHARED;
        let share = u32::from_le_bytes([*a, *b, *c, *d]);
        value.drain(1..=SHARE_BYTES);
        Self(usize::try_from(share).unwrap_or_else(|_| corrupt()))
    }

    /// Puts it there. It never is more than the record: then there would be nothing left for the payer to pay.
    fn put_into(self, value: &mut Vec<u8>) -> Self {
        let share = self.0.min(value.len());
        if let (1.., Some(version)) = (share, value.first_mut()) {
            *version |= SHARED;
            let share = u32::try_from(share).unwrap_or_else(|_| corrupt());
            value.splice(1..1, share.to_le_bytes());
        }
        Self(share)
    }
}

/// A table, apart from the types of its keys and records: what all tables do alike is one piece of code.
#[derive(Clone, Copy)]
struct Kind {
    /// Whether rows may have a share of the contract's.
    has_earlier: bool,
    is_bare: fn(&[u8]) -> bool,
}

/// The row under a key, which may say who pays for it.
fn find(key: &[u8], payer: Option<Payer>, kind: Kind) -> Option<Row> {
    let mut value = env::storage_read(key)?;
    let payer = payer.unwrap_or_else(|| {
        let payer = Payer::read(&value).unwrap_or_else(|| corrupt());
        value.drain(..Payer::BYTES);
        payer
    });
    let shared = kind.has_earlier && !(kind.is_bare)(&value);
    let share = if shared { Share::split_off(&mut value) } else { Share::default() };
    Some(Row { payer, share, value })
}

/// Writes a row and books what it costs its payer more or less than before. Of the old row the contract paid for
/// `share`, of this one for `new_share`. If the payer can't pay, the old row is back: a callback that settles all the same
/// must not leave one that nobody was charged for.
fn write(
    (key, says_payer): (&[u8], bool),
    mut value: Vec<u8>,
    payer: Payer,
    (kind, share, new_share): (Kind, Share, Share),
    ledger: &mut StorageLedger,
) -> Answer {
    let new_share = if kind.has_earlier { new_share.put_into(&mut value) } else { new_share };
    let row = if says_payer { value } else { payer.before(&value) };
    let before = env::storage_usage().saturating_add(new_share.bytes());
    let replaced = env::storage_write(key, &row);
    let after = env::storage_usage().saturating_add(share.bytes());
    if after <= before {
        ledger.release(payer, before.saturating_sub(after));
        return Ok(());
    }
    // Only what may have to be put back is read: a tenth of what a row of a batch costs.
    let replaced = replaced.then(env::storage_get_evicted).flatten();
    let charged = ledger.charge(payer, after.saturating_sub(before));
    if charged.is_err() {
        match replaced {
            Some(row) => env::storage_write(key, &row),
            None => env::storage_remove(key),
        };
    }
    charged
}

/// Removes a row and gives its payer back what it was charged.
fn remove(key: &[u8], row: &Row, ledger: &mut StorageLedger) {
    let before = env::storage_usage();
    env::storage_remove(key);
    ledger.release(row.payer, before.saturating_sub(env::storage_usage()).saturating_sub(row.share.bytes()));
}

impl<K: RowKey, S: Stored, const PREFIX: u8> Rows<K, S, PREFIX> {
    fn key(key: &K) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(KEY_ROOM);
        bytes.push(PREFIX);
        append(key, &mut bytes);
        bytes
    }

    const KIND: Kind = Kind { has_earlier: S::HAS_EARLIER, is_bare: S::is_bare };

    fn find(key: &K) -> Option<Row> {
        find(&Self::key(key), key.payer(), Self::KIND)
    }

    fn record(row: &Row) -> S::Record {
        S::read(&row.value).unwrap_or_else(|| corrupt())
    }

    /// The contract's share of a row once it is in the newest version.
    fn share(row: &Row) -> Share {
        Self::share_of(row, || Self::record(row))
    }

    fn share_of<R: std::borrow::Borrow<S::Record>>(row: &Row, record: impl FnOnce() -> R) -> Share {
        if !S::HAS_EARLIER || S::is_newest(&row.value) {
            return row.share;
        }
        let migrated = S::write(record().borrow()).len();
        Share(row.share.0.saturating_add(migrated).saturating_sub(row.value.len()))
    }

    fn write(key: &K, payer: Payer, record: &S::Record, shares: (Share, Share), ledger: &mut StorageLedger) -> Answer {
        let (share, new_share) = shares;
        let place = Self::key(key);
        write((&place, key.payer().is_some()), S::write(record), payer, (Self::KIND, share, new_share), ledger)
    }

    fn replace(key: &K, row: &Row, record: &S::Record, ledger: &mut StorageLedger) -> Answer {
        Self::write(key, row.payer, record, (row.share, Self::share(row)), ledger)
    }

    /// The record, whatever version it was written in.
    pub fn get(&self, key: &K) -> Option<S::Record> {
        Self::find(key).map(|row| Self::record(&row))
    }

    pub fn contains(&self, key: &K) -> bool {
        env::storage_has_key(&Self::key(key))
    }

    /// Who pays for a row.
    pub fn payer(&self, key: &K) -> Option<Payer> {
        Self::find(key).map(|row| row.payer)
    }

    /// Adds a row that `payer` pays for.
    pub fn insert(&self, key: &K, payer: impl Into<Payer>, record: &S::Record, ledger: &mut StorageLedger) -> Answer {
        Self::write(key, payer.into(), record, (Share::default(), Share::default()), ledger)
    }

    /// Replaces a row, now in the newest version. Whoever paid for it pays for its growth or gets back what it shrank by,
    /// the change of version aside.
    pub fn update(&self, key: &K, record: &S::Record, ledger: &mut StorageLedger) -> Answer {
        Self::replace(key, &Self::find(key).unwrap_or_else(|| corrupt()), record, ledger)
    }

    /// The record and what replacing its row takes to know: a batch that reads each row once saves a tenth.
    pub fn get_seen(&self, key: &K) -> Option<(S::Record, Seen)> {
        let row = Self::find(key)?;
        let record = Self::record(&row);
        let new_share = Self::share_of(&row, || &record);
        Some((record, Seen { payer: row.payer, share: row.share, new_share }))
    }

    /// The same as `update`, for a row that nobody has touched since it was seen.
    pub fn update_seen(&self, key: &K, seen: Seen, record: &S::Record, ledger: &mut StorageLedger) -> Answer {
        Self::write(key, seen.payer, record, (seen.share, seen.new_share), ledger)
    }

    /// Replaces a row, or adds one that `payer` pays for.
    pub fn put(&self, key: &K, payer: impl Into<Payer>, record: &S::Record, ledger: &mut StorageLedger) -> Answer {
        match Self::find(key) {
            Some(row) => Self::replace(key, &row, record, ledger),
            None => self.insert(key, payer, record, ledger),
        }
    }

    /// Bytes of a record that whoever pays for the row would pay for, beside its key, its payer and what NEAR adds: all but
    /// the contract's share.
    pub fn record_bytes(&self, key: &K, record: &S::Record) -> usize {
        let bytes = S::write(record).len();
        let share = if S::HAS_EARLIER { Self::find(key).map_or(0, |row| Self::share(&row).0) } else { 0 };
        bytes.saturating_sub(share)
    }

    /// Removes a row, if there is one, and gives its storage back to who paid.
    pub fn remove(&self, key: &K, ledger: &mut StorageLedger) -> bool {
        let Some(row) = Self::find(key) else { return false };
        remove(&Self::key(key), &row, ledger);
        true
    }

    /// Replaces a row; from here on `payer` pays for it, and who paid before gets that back.
    pub fn hand_over(
        &self,
        key: &K,
        payer: impl Into<Payer>,
        record: &S::Record,
        ledger: &mut StorageLedger,
    ) -> Answer {
        let row = Self::find(key).unwrap_or_else(|| corrupt());
        remove(&Self::key(key), &row, ledger);
        Self::write(key, payer.into(), record, (Share::default(), Self::share(&row)), ledger)
    }
}
