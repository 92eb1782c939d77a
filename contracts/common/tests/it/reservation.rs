//! Storage reserved for callbacks.

use charter_common::{RESERVED_MS, Reservation, StorageLedger};
use charter_types::AccountId;
use near_sdk::test_utils::VMContextBuilder;
use near_sdk::{NearToken, env, testing_env};

const FUNDS: u128 = 1_000_000_000_000_000_000_000_000;

/// The next receipt, in block `height` at `now_ms`.
fn at(height: u64, now_ms: u64) {
    let mut builder = VMContextBuilder::new();
    builder
        .current_account_id("contract.near".parse().unwrap())
        .account_balance(NearToken::from_near(100))
        .block_height(height)
        .block_timestamp(now_ms * 1_000_000);
    testing_env!(builder.build());
}

fn ledger(alice: &AccountId) -> StorageLedger {
    at(1, 0);
    let mut ledger = StorageLedger::default();
    ledger.credit(alice, FUNDS);
    ledger
}

#[test]
fn what_a_callback_uses_is_what_was_reserved_and_the_row_is_as_before() {
    let alice: AccountId = "alice.near".parse().unwrap();
    let mut ledger = ledger(&alice);
    let key: Vec<u8> = [[0].as_slice(), &env::sha256_array(alice.as_bytes())[..20]].concat();
    let (free, row) = (ledger.available(&alice), env::storage_read(&key));
    let reserved = ledger.reserve(&alice, 1_000).unwrap();
    let price = env::storage_byte_cost().as_yoctonear() * 1_000;
    assert_eq!(ledger.available(&alice), free - price);
    ledger.end_reservation(&alice, reserved).unwrap();
    assert_eq!((ledger.available(&alice), env::storage_read(&key)), (free, row));
    let none = ledger.reserve(&"bob.near".parse().unwrap(), 0).unwrap();
    ledger.end_reservation(&"bob.near".parse().unwrap(), none).expect("nothing reserved, nothing to lose");
}

/// Let `end_reservation` take any age, and a callback that comes after all gives the same bytes back twice.
#[test]
fn a_reservation_is_freed_once_and_its_callback_only_denies() {
    let alice: AccountId = "alice.near".parse().unwrap();
    let mut ledger = ledger(&alice);
    let free = ledger.available(&alice);
    let late: Reservation = ledger.reserve(&alice, 1_000).unwrap();
    at(9, RESERVED_MS - 1);
    assert_eq!(ledger.free_reserved(&alice), 0);
    at(10, RESERVED_MS);
    assert_eq!(ledger.free_reserved(&alice), 1_000);
    assert_eq!((ledger.free_reserved(&alice), ledger.available(&alice)), (0, free));
    let next = ledger.reserve(&alice, 500).unwrap();
    assert!(ledger.end_reservation(&alice, late).is_err());
    ledger.end_reservation(&alice, next).unwrap();
    // Nor can it use those of the account opened anew under the same name.
    let late = ledger.reserve(&alice, 1_000).unwrap();
    at(20, 3 * RESERVED_MS);
    assert_eq!(ledger.free_reserved(&alice), 1_000);
    ledger.close(&alice).unwrap();
    ledger.credit(&alice, FUNDS);
    let next = ledger.reserve(&alice, 1_000).unwrap();
    assert!(ledger.end_reservation(&alice, late).is_err());
    ledger.end_reservation(&alice, next).unwrap();
}

#[test]
fn a_row_of_the_first_layout_reserves_and_frees() {
    let alice: AccountId = "alice.near".parse().unwrap();
    let mut ledger = ledger(&alice);
    let key: Vec<u8> = [[0].as_slice(), &env::sha256_array(alice.as_bytes())[..20]].concat();
    let early = [FUNDS.to_le_bytes().as_slice(), &85_u64.to_le_bytes()].concat();
    assert_eq!(env::storage_read(&key).unwrap().len(), early.len(), "an account pays for what release faa0a5a had");
    env::storage_write(&key, &early);
    let reserved = ledger.reserve(&alice, 1_000).unwrap();
    ledger.end_reservation(&alice, reserved).unwrap();
    ledger.reserve(&alice, 1_000).unwrap();
    at(5, RESERVED_MS);
    assert_eq!(ledger.free_reserved(&alice), 1_000);
    assert_eq!(env::storage_read(&key).unwrap(), early);
}
