//! Events, codes and storage in the mock VM.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

#[path = "../../../common/testing/mock_vm.rs"]
mod vm;

use std::collections::HashMap;

use borsh::BorshSerialize;
use charter_escrow::Escrow;
use charter_types::Ed25519Key;
use charter_types::escrow::ChannelId;
use near_sdk::test_utils::VMContextBuilder;
use near_sdk::{NearToken, PromiseResult, RuntimeFeesConfig, env, test_vm_config, testing_env};
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
    let before = env::storage_usage();
    contract.open().unwrap();
    // The payer's own storage account comes on top the first time.
    let bytes = env::storage_usage() - before;
    assert!(bytes <= 450, "{bytes} bytes");
    // Another one, with everything but splits, and in a token that there is a row of.
    args["asset"] = json!({ "nep141": format!("{}.near", "c".repeat(27)) });
    next_call(&long, &args, NEAR);
    contract.open().unwrap();
    (args["agent"], args["offer"]) = (json!(u64::MAX), json!("11".repeat(32)));
    args["locked_until_ms"] = json!(5_000);
    next_call(&long, &args, NEAR);
    let before = env::storage_usage();
    contract.open().unwrap();
    let bytes = env::storage_usage() - before;
    assert!(bytes <= 450, "{bytes} bytes");
}

/// The callback of what `pending` is about, after a transfer.
fn callback(pending: &impl BorshSerialize, arrived: bool) {
    let mut builder = VMContextBuilder::new();
    builder
        .current_account_id("contract.near".parse().unwrap())
        .predecessor_account_id("contract.near".parse().unwrap())
        .account_balance(NearToken::from_near(100))
        .block_timestamp(1_000_000_000);
    let mut context = builder.build();
    context.input = borsh::to_vec(pending).unwrap().into();
    let result = if arrived { PromiseResult::Successful(Vec::new()) } else { PromiseResult::Failed };
    testing_env!(context, test_vm_config(), RuntimeFeesConfig::test(), HashMap::default(), vec![result]);
}

/// `alice.near` has a storage account with 1 NEAR in it.
fn prepaid() -> Escrow {
    let mut contract = contract();
    next_call("alice.near", &json!({}), NEAR);
    contract.storage_deposit().unwrap();
    contract
}

/// What alice's rows cost, yoctoNEAR.
fn used(contract: &Escrow) -> u128 {
    next_call("eve.near", &json!({ "account_id": "alice.near" }), 0);
    let balance = contract.storage_balance_of().unwrap().unwrap();
    balance.total.0 - balance.available.0
}

fn totals(contract: &Escrow, token: &str) -> Vec<u128> {
    next_call("eve.near", &json!({ "asset": { "nep141": token } }), 0);
    let totals = contract.totals().unwrap();
    [totals.deposited, totals.held, totals.in_flight, totals.paid, totals.refunded].map(|sum| sum.0).to_vec()
}

#[test]
fn a_token_channel_is_filled_by_its_token_alone_and_leaves_nothing_behind() {
    let mut contract = prepaid();
    let before = used(&contract);
    let mut args = opening(7);
    args["asset"] = json!({ "nep141": "usdt.near" });
    next_call("alice.near", &args, NEAR);
    let id = contract.open().unwrap();
    let msg = json!({ "top_up": { "channel": id } }).to_string();
    let sent = |sender: &str, msg: &str| json!({ "sender_id": sender, "amount": "5000", "msg": msg });
    next_call("alice.near", &json!({ "channel": id }), 5_000);
    assert_eq!(contract.top_up().unwrap_err().code, "ESCROW_WRONG_ASSET");
    for (token, sender, msg, code) in [
        ("fake.near", "alice.near", msg.as_str(), "ESCROW_WRONG_ASSET"),
        ("usdt.near", "eve.near", msg.as_str(), "ESCROW_NOT_PAYER"),
        ("usdt.near", "alice.near", "{}", "ESCROW_BAD_MESSAGE"),
        ("usdt.near", "alice.near", r#"{"purse":{"agent":1}}"#, "ESCROW_NO_PURSE"),
    ] {
        next_call(token, &sent(sender, msg), 0);
        assert_eq!(contract.ft_on_transfer().unwrap_err().code, code);
    }
    next_call("usdt.near", &sent("alice.near", &msg), 0);
    assert_eq!(contract.ft_on_transfer().unwrap().0, 0);
    assert_eq!(totals(&contract, "usdt.near"), [5_000, 5_000, 0, 0, 0]);
    next_call("bob.near", &json!({ "channel": id }), 0);
    contract.close().unwrap();
    assert_eq!(totals(&contract, "usdt.near"), [5_000, 0, 5_000, 0, 0]);
    // What is passed on: the channel, the payee's part, the payer's.
    let pending = (id, 0_u128, 5_000_u128);
    callback(&pending, false);
    contract.on_closed();
    assert_eq!(totals(&contract, "usdt.near"), [5_000, 5_000, 0, 0, 0]);
    next_call("eve.near", &json!({ "channel": id }), 0);
    contract.finalize_close().unwrap();
    callback(&pending, true);
    contract.on_closed();
    next_call("eve.near", &json!({ "channel": id }), 0);
    assert!(contract.channel().unwrap().is_none());
    assert_eq!(used(&contract), before, "the channel's row is gone, and the token's");
}

/// As release 0007 passes it on: channels and amounts.
#[test]
fn a_payout_of_before_the_upgrade_is_settled_after_it() {
    let (mut contract, id) = opened();
    for arrived in [false, true] {
        callback(&vec![(id, 0_u128)], arrived);
        contract.on_paid();
        assert_eq!(logs().contains("payout_returned"), !arrived, "{}", logs());
    }
}

#[test]
fn a_purse_is_its_owners_and_gives_nothing_to_who_has_prepaid_nothing() {
    let mut contract = prepaid();
    let before = used(&contract);
    let of = json!({ "agent": 7 });
    next_call("alice.near", &of, 999);
    // Storage is prepaid, and 999 yocto are too little.
    assert_eq!(contract.fill_purse().unwrap_err().code, "ESCROW_DEPOSIT_TOO_SMALL");
    next_call("alice.near", &of, NEAR);
    contract.fill_purse().unwrap();
    let caps = json!({ "agent": 7, "per_day": "10", "per_payee": "5", "until_ms": 9 });
    next_call("alice.near", &caps, 1);
    contract.set_caps().unwrap();
    next_call("eve.near", &json!({ "agent": 7, "owner": "alice.near" }), 0);
    let purse = contract.purse().unwrap().unwrap();
    assert_eq!((purse.balance.0, purse.per_day.0, purse.until_ms), (NEAR, 10, 9));
    let draw = json!({ "agent": 7, "amount": "5", "to": { "open": opening(7) } });
    next_call("bot.near", &draw, 0);
    assert_eq!(contract.draw().err().unwrap().code, "CHARTER_STORAGE_SHORT");
    next_call("eve.near", &of, 0);
    assert_eq!(contract.empty_purse().err().unwrap().code, "ESCROW_NO_PURSE");
    next_call("alice.near", &of, 0);
    assert!(contract.empty_purse().is_ok());
    callback(&(7_u64, "alice.near", 0_u8, NEAR), true);
    contract.on_emptied().detach();
    assert!(logs().contains("purse_ended"), "{}", logs());
    assert_eq!(used(&contract), before);
}

#[test]
fn nothing_is_reserved_or_pulled_where_nothing_is() {
    let (mut contract, id) = opened();
    next_call("bob.near", &json!({ "channels": [id] }), NEAR);
    assert_eq!(contract.reserve().unwrap_err().code, "ESCROW_NOTHING_DUE");
    next_call("carol.near", &json!({ "root": "11".repeat(32), "total": "1" }), 1);
    assert_eq!(contract.post_root().unwrap_err().code, "ESCROW_NO_RESERVE");
    let pull = json!({ "payee": "carol.near", "account": "dan.near", "amount": "1", "proof": [] });
    next_call("eve.near", &pull, NEAR);
    assert_eq!(contract.pull().err().unwrap().code, "ESCROW_NO_RESERVE");
    next_call("carol.near", &json!({}), 1);
    assert_eq!(contract.end_root().err().unwrap().code, "ESCROW_NO_RESERVE");
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
