//! Rows that earlier code wrote: what they are read as, what they become, and who pays.

use charter_common::{Payer, Rows, StorageLedger, layout, stored};
use charter_types::AccountId;
use near_sdk::env;

use crate::vm::next_call;

/// A record as code of today has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    pub name: String,
    pub tags: Vec<u64>,
    pub color: u64,
}

/// As it was first.
pub struct First {
    pub name: String,
}

/// As it was next.
pub struct Second {
    pub name: String,
    pub tags: Vec<u64>,
    pub notes: String,
}

layout! { struct ThingV1 for First { name: String } }
layout! { struct ThingV2 for Second { name: String, tags: Vec<u64>, notes: String } }
layout! { struct ThingV3 for Thing { name: String, tags: Vec<u64>, color: u64 } }

impl From<First> for Second {
    fn from(First { name }: First) -> Self {
        Self { name, tags: vec![1, 2, 3], notes: "none so far".repeat(20) }
    }
}

impl From<Second> for Thing {
    fn from(Second { name, tags, .. }: Second) -> Self {
        Self { name, tags, color: 7 }
    }
}

impl From<First> for Thing {
    fn from(first: First) -> Self {
        Second::from(first).into()
    }
}

stored!(Stored1: 0 = ThingV1);
stored!(Stored2: 1 = ThingV2, before 0 = ThingV1);
stored!(Stored3: 2 = ThingV3, before 0 = ThingV1, before 1 = ThingV2);
stored!(Bare1: bare ThingV1);
stored!(Bare3: 100 = ThingV3, before bare ThingV1);

/// One table in three releases.
pub type Table<S> = Rows<u64, S, 1>;
type Own<S> = Rows<Payer, S, 2>;

pub fn first(name: &str) -> First {
    First { name: name.to_owned() }
}

pub fn account(name: &str) -> AccountId {
    format!("{name}.near").parse().unwrap()
}

pub fn ledger(names: &[&str]) -> StorageLedger {
    next_call("alice.near", &serde_json::json!({}), 0);
    let mut ledger = StorageLedger::default();
    for name in names {
        ledger.credit(&account(name), 10_000_000_000_000_000_000_000_000);
    }
    ledger
}

/// The bytes of row 1.
fn row() -> Vec<u8> {
    env::storage_read(&[[1].as_slice(), &1_u64.to_le_bytes()].concat()).unwrap()
}

#[test]
fn an_old_row_is_read_as_the_newest_and_becomes_it_when_it_is_next_written() {
    let mut ledger = ledger(&["alice"]);
    Table::<Stored1>::default().insert(&1, &account("alice"), &first("scout"), &mut ledger).unwrap();
    let written = row();
    let table = Table::<Stored3>::default();
    let thing = table.get(&1).unwrap();
    assert_eq!(thing, Thing { name: "scout".to_owned(), tags: vec![1, 2, 3], color: 7 });
    assert_eq!(row(), written, "reading wrote");
    table.update(&1, &thing, &mut ledger).unwrap();
    // Payer; version 2, with the mark that a share stands behind it; the share, tags and color; the record.
    let share = u32::try_from(4 + 3 * 8 + 8).unwrap().to_le_bytes();
    assert_eq!((&row()[..20], row()[20], &row()[21..25]), (&written[..20], 0x82, share.as_slice()));
    assert_eq!(table.get(&1), Some(thing.clone()));
    table.update(&1, &thing, &mut ledger).unwrap();
    assert_eq!(table.get(&1), Some(thing));
}

#[test]
fn a_migration_costs_its_payer_nothing_and_removal_gives_back_what_was_paid() {
    let mut ledger = ledger(&["alice"]);
    let alice = account("alice");
    let (none, all) = (ledger.used_bytes(&alice), env::storage_usage());
    Table::<Stored1>::default().insert(&1, &alice, &first("scout"), &mut ledger).unwrap();
    let paid = ledger.used_bytes(&alice);
    let table = Table::<Stored2>::default();
    let mut second = table.get(&1).unwrap();
    table.update(&1, &second, &mut ledger).unwrap();
    assert_eq!(ledger.used_bytes(&alice), paid, "the payer paid for the migration");
    let grown = env::storage_usage() - all - (paid - none);
    assert_eq!(grown, 4 + 3 * 8 + 4 + 220 + 4, "tags, notes, and how much they are");
    // What the payer changes, it pays for.
    second.name.push_str("-two");
    table.update(&1, &second, &mut ledger).unwrap();
    assert_eq!(ledger.used_bytes(&alice), paid + 4);
    // The next version takes the notes away and adds a color: 224 bytes less, 8 more.
    let table = Table::<Stored3>::default();
    table.put(&1, &account("bob"), &table.get(&1).unwrap(), &mut ledger).unwrap();
    assert_eq!(ledger.used_bytes(&alice), paid + 4);
    assert_eq!(env::storage_usage() - all - (paid + 4 - none), grown - 224 + 8);
    assert!(table.remove(&1, &mut ledger));
    assert_eq!((ledger.used_bytes(&alice), env::storage_usage()), (none, all));
}

#[test]
fn a_row_removed_in_its_old_version_gives_back_what_was_paid() {
    let mut ledger = ledger(&["alice"]);
    let none = ledger.used_bytes(&account("alice"));
    Table::<Stored1>::default().insert(&1, &account("alice"), &first("scout"), &mut ledger).unwrap();
    assert!(Table::<Stored3>::default().remove(&1, &mut ledger));
    assert!(!Table::<Stored3>::default().remove(&1, &mut ledger));
    assert_eq!(ledger.used_bytes(&account("alice")), none);
}

#[test]
fn a_new_row_is_its_payers_entirely() {
    let mut ledger = ledger(&["alice"]);
    let (none, all) = (ledger.used_bytes(&account("alice")), env::storage_usage());
    let thing = Thing { name: "scout".to_owned(), tags: vec![1], color: 1 };
    let table = Table::<Stored3>::default();
    table.put(&1, &account("alice"), &thing, &mut ledger).unwrap();
    table.update(&1, &thing, &mut ledger).unwrap();
    assert_eq!(ledger.used_bytes(&account("alice")) - none, env::storage_usage() - all);
    assert_eq!(row()[20], 2);
}

#[test]
fn who_takes_a_migrated_row_over_pays_what_its_payer_did() {
    let mut ledger = ledger(&["alice", "bob"]);
    let (alice, bob) = (account("alice"), account("bob"));
    let before = (ledger.used_bytes(&alice), ledger.used_bytes(&bob));
    Table::<Stored1>::default().insert(&1, &alice, &first("scout"), &mut ledger).unwrap();
    let paid = ledger.used_bytes(&alice) - before.0;
    let table = Table::<Stored3>::default();
    let thing = table.get(&1).unwrap();
    assert_eq!(table.record_bytes(&1, &thing), 1 + 4 + 5, "version and name");
    table.hand_over(&1, &bob, &thing, &mut ledger).unwrap();
    assert_eq!((ledger.used_bytes(&alice), ledger.used_bytes(&bob)), (before.0, before.1 + paid));
    assert_eq!(table.record_bytes(&1, &thing), 1 + 4 + 5);
    table.remove(&1, &mut ledger);
    assert_eq!((ledger.used_bytes(&alice), ledger.used_bytes(&bob)), before);
}

#[test]
fn rows_without_a_version_byte_get_one() {
    let mut ledger = ledger(&["alice"]);
    let alice = Payer::from(&account("alice"));
    let none = ledger.used_bytes(&account("alice"));
    Own::<Bare1>::default().insert(&alice, alice, &first("scout"), &mut ledger).unwrap();
    let paid = ledger.used_bytes(&account("alice"));
    let table = Own::<Bare3>::default();
    let thing = table.get(&alice).unwrap();
    assert_eq!(thing.name, "scout");
    for _ in 0..2 {
        table.update(&alice, &thing, &mut ledger).unwrap();
        assert_eq!((table.get(&alice).as_ref(), ledger.used_bytes(&account("alice"))), (Some(&thing), paid));
    }
    assert!(table.remove(&alice, &mut ledger));
    assert_eq!(ledger.used_bytes(&account("alice")), none);
}
