//! Events, codes and storage in the mock VM.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

#[path = "../../../common/testing/mock_vm.rs"]
mod vm;

use charter_registry::Registry;
use charter_types::storage::StorageBalance;
use serde_json::{Value, json};
use vm::{logs, next_call};

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;

fn contract() -> Registry {
    next_call("admin.near", &json!({ "account": "admin.near", "verifier": "verifier.near" }), 0);
    Registry::new().unwrap()
}

fn registration() -> Value {
    json!({ "card": { "uri": "https://a/card.json", "sha256": "11".repeat(32) }, "guardians": ["guard.near"] })
}

fn registered() -> Registry {
    let mut contract = contract();
    next_call("alice.near", &registration(), NEAR);
    assert_eq!(contract.register_agent().unwrap(), 1);
    contract
}

#[test]
fn registering_tells_the_agent_its_owner_and_the_token() {
    let _contract = registered();
    insta::assert_snapshot!(logs());
}

#[test]
fn an_offer_tells_the_agent_with_its_new_value() {
    let mut contract = registered();
    next_call("alice.near", &json!({ "agent": 1, "account": "bob.near" }), NEAR);
    contract.offer_transfer().unwrap();
    insta::assert_snapshot!(logs());
}

#[test]
fn storage_costs_what_it_takes_and_comes_back() {
    let mut contract = registered();
    let alice = json!({ "account_id": "alice.near" });
    next_call("alice.near", &alice, 0);
    let StorageBalance { total, available } = contract.storage_balance_of().unwrap().unwrap();
    assert_eq!(available.0, 0, "what storage did not take went back");
    assert!(total.0 > 0 && total.0 < NEAR / 100, "{total} yoctoNEAR for one agent");
    next_call("alice.near", &json!({ "agent": 1 }), 1);
    contract.retire().unwrap();
    next_call("alice.near", &alice, 0);
    let after = contract.storage_balance_of().unwrap().unwrap();
    assert!(after.available.0 > total.0 * 8 / 10, "{after:?}");
}

#[test]
fn arguments_are_read_strictly() {
    let mut contract = contract();
    for args in [json!({}), json!({ "card": 1 }), json!({ "card": registration()["card"], "colour": "red" })] {
        next_call("alice.near", &args, NEAR);
        assert_eq!(contract.register_agent().unwrap_err().code, "CHARTER_BAD_ARGUMENTS", "{args}");
    }
}
