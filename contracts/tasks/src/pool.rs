//! The pool of reviewers: free slots at dense positions, and where each slot is.
//!
//! These are no rows that somebody pays for by the byte: with each draw entries change place, and whose they are would have to
//! be charged and given back. Instead every slot pays for one entry and one place, as long as they can be, from when it is
//! bonded until it is gone.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Payer, Stored, encoded};
use charter_types::AccountId;
use charter_types::tasks::{Place, PoolSlot};
use near_sdk::env;

use crate::records::{StoredPlace, StoredPoolSlot};
use crate::storage::Prefix;

/// What a slot pays for: an entry (NEAR's 40 bytes, key of 5, version, name of 4 + 64, slot, time) and a place (40, key of 22,
/// version, 14 of a duty).
pub const SLOT_BYTES: u64 = (40 + 5 + 1 + 68 + 1 + 8) + (40 + 22 + 1 + 14);

/// What of it is in the contract's state.
#[derive(Default, BorshSerialize, BorshDeserialize)]
pub struct Pool {
    /// Slots that are free.
    size: u32,
    /// Accounts with a slot, free or on a panel.
    reviewers: u32,
    /// Bytes that slots pay for and that are not stored now.
    unused_bytes: u64,
}

fn entry_key(position: u32) -> Vec<u8> {
    [[Prefix::POOL].as_slice(), &position.to_le_bytes()].concat()
}

fn place_key(account: &AccountId, slot: u8) -> Vec<u8> {
    [[Prefix::PLACES].as_slice(), &encoded(&(Payer::from(account), slot))].concat()
}

impl Pool {
    pub fn size(&self) -> u32 {
        self.size
    }

    pub fn reviewers(&self) -> u32 {
        self.reviewers
    }

    pub fn unused_bytes(&self) -> u64 {
        self.unused_bytes
    }

    /// An account has its first slot, or had its last.
    pub fn count_reviewer(&mut self, had: bool, has: bool) {
        match (had, has) {
            (false, true) => self.reviewers = self.reviewers.saturating_add(1),
            (true, false) => self.reviewers = self.reviewers.saturating_sub(1),
            _ => {}
        }
    }

    /// Slots were bonded, and pay for what they will need.
    pub fn pays(&mut self, bytes: u64) {
        self.unused_bytes = self.unused_bytes.saturating_add(bytes);
    }

    /// Slots are gone, and pay no more.
    pub fn pays_no_more(&mut self, bytes: u64) {
        self.unused_bytes = self.unused_bytes.saturating_sub(bytes);
    }

    fn write(&mut self, key: &[u8], value: &[u8]) {
        let before = env::storage_usage();
        env::storage_write(key, value);
        self.used(before);
    }

    fn remove(&mut self, key: &[u8]) {
        let before = env::storage_usage();
        env::storage_remove(key);
        self.used(before);
    }

    fn used(&mut self, before: u64) {
        self.unused_bytes = self.unused_bytes.saturating_add(before).saturating_sub(env::storage_usage());
    }

    pub fn entry(&self, position: u32) -> Option<PoolSlot> {
        StoredPoolSlot::read(&env::storage_read(&entry_key(position))?)
    }

    pub fn place(&self, account: &AccountId, slot: u8) -> Option<Place> {
        StoredPlace::read(&env::storage_read(&place_key(account, slot))?)
    }

    pub fn set_place(&mut self, account: &AccountId, slot: u8, place: Place) {
        self.write(&place_key(account, slot), &StoredPlace::write(&place));
    }

    /// A slot is gone.
    pub fn forget(&mut self, account: &AccountId, slot: u8) {
        self.remove(&place_key(account, slot));
    }

    /// Puts a slot at the end.
    pub fn put(&mut self, entry: &PoolSlot) {
        let position = self.size;
        self.size = position.saturating_add(1);
        self.write(&entry_key(position), &StoredPoolSlot::write(entry));
        self.set_place(&entry.reviewer, entry.slot, Place::Pool(position));
    }

    /// Takes a slot out: the last one takes its position. What becomes of its place is for the caller to say.
    pub fn take(&mut self, position: u32) {
        let Some(last) = self.size.checked_sub(1) else { return };
        if position < last
            && let Some(moved) = self.entry(last)
        {
            self.write(&entry_key(position), &StoredPoolSlot::write(&moved));
            self.set_place(&moved.reviewer, moved.slot, Place::Pool(position));
        }
        self.remove(&entry_key(last));
        self.size = last;
    }

    /// The same for many: from the end on, so that none of them is moved to another's position.
    pub fn take_all(&mut self, mut positions: Vec<u32>) {
        positions.sort_unstable();
        while let Some(position) = positions.pop() {
            self.take(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use charter_types::AccountId;
    use charter_types::tasks::{Place, PoolSlot};
    use near_sdk::env;
    use near_sdk::test_utils::VMContextBuilder;
    use near_sdk::testing_env;

    use super::{Pool, SLOT_BYTES};

    fn entry(name: &str, slot: u8) -> PoolSlot {
        PoolSlot { reviewer: name.parse().unwrap(), slot, since_ms: 7 }
    }

    #[test]
    fn positions_stay_dense_and_every_slot_knows_its_own() {
        testing_env!(VMContextBuilder::new().build());
        let names = ["ann", "ben", "cleo", "dan", "eve"];
        let mut pool = Pool::default();
        for (slot, name) in (0..).zip(names) {
            pool.put(&entry(name, slot));
        }
        // The first, the last, and the one that the last would be moved to.
        pool.take_all(vec![0, 4, 1]);
        assert_eq!(pool.size(), 2);
        for (position, (name, slot)) in [(0, ("cleo", 2)), (1, ("dan", 3))] {
            assert_eq!(pool.entry(position), Some(entry(name, slot)));
            let account: AccountId = name.parse().unwrap();
            assert_eq!(pool.place(&account, slot), Some(Place::Pool(position)));
        }
        assert_eq!(pool.entry(2), None);
    }

    #[test]
    fn a_slot_with_the_longest_name_stores_what_it_pays_for() {
        testing_env!(VMContextBuilder::new().build());
        let name = "r".repeat(64);
        let before = env::storage_usage();
        let mut pool = Pool::default();
        pool.pays(SLOT_BYTES);
        pool.put(&entry(&name, 15));
        let stored = env::storage_usage() - before;
        assert_eq!(pool.unused_bytes(), SLOT_BYTES - stored);
        // On a panel its place is longer.
        pool.take(0);
        let duty = Place::Duty { set: 1, index: 2, round: 1 };
        pool.set_place(&name.parse().unwrap(), 15, duty);
        pool.put(&entry(&name, 15));
        pool.set_place(&name.parse().unwrap(), 15, duty);
        assert_eq!((pool.unused_bytes(), env::storage_usage() - before), (0, SLOT_BYTES));
    }
}
