//! Events, codes and storage in the mock VM.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

#[path = "../../../common/testing/mock_vm.rs"]
mod vm;

use charter_escrow::Escrow;
use charter_types::Ed25519Key;
use charter_types::escrow::ChannelId;
use serde_json::{Value, json};
use vm::{logs, next_call};

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;

fn contract() -> Escrow {
    next_call("admin.near", &json!({ "account": "admin.near" }), 0);
    Escrow::new().unwrap()
}

fn opening(key: u8) -> Value {
    json!({ "payee": "bob.near", "voucher_key": Ed25519Key([key; 32]), "withdraw_delay_ms": 900_000 })
}

fn opened() -> (Escrow, ChannelId) {
    let mut contract = contract();
    next_call("alice.near", &opening(7), NEAR);
    let id = contract.open().unwrap();
    (contract, id)
}

#[test]
fn opening_tells_the_channel() {
    let (_contract, _id) = opened();
    insta::assert_snapshot!(logs());
}

#[test]
fn a_channel_with_long_names_costs_what_the_design_allows() {
    let mut contract = contract();
    let long = format!("{}.near", "a".repeat(27));
    let mut args = opening(7);
    args["payee"] = format!("{}.near", "b".repeat(27)).into();
    next_call(&long, &args, NEAR);
    let before = near_sdk::env::storage_usage();
    contract.open().unwrap();
    // The payer's own storage account comes on top the first time.
    let bytes = near_sdk::env::storage_usage() - before;
    assert!(bytes <= 450, "{bytes} bytes");
}

#[test]
fn refusals_have_codes() {
    let (mut contract, id) = opened();
    next_call("alice.near", &opening(0), NEAR);
    assert_eq!(contract.open().unwrap_err().code, "ESCROW_WEAK_KEY");
    next_call("bob.near", &opening(7), NEAR);
    assert_eq!(contract.open().unwrap_err().code, "ESCROW_SAME_PAYEE");
    // (The mock VM does not roll a refused call back, so this caller is one that has prepaid nothing.)
    next_call("dave.near", &opening(7), 1);
    assert_eq!(contract.open().unwrap_err().code, "CHARTER_STORAGE_SHORT");
    next_call("eve.near", &json!({ "channel": id }), 0);
    assert_eq!(contract.close().unwrap_err().code, "ESCROW_NOT_PAYEE");
    next_call("alice.near", &json!({ "channel": id }), 999);
    assert_eq!(contract.top_up().unwrap_err().code, "ESCROW_DEPOSIT_TOO_SMALL");
    next_call("alice.near", &json!({ "channel": "00".repeat(32) }), 1);
    assert_eq!(contract.request_close().unwrap_err().code, "ESCROW_UNKNOWN_CHANNEL");
}
