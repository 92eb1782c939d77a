//! Gas keys that contracts make and fill, through the host functions of `gas_key_host_fns` (85).

use std::fmt::Write;

use near_crypto::SecretKey;
use near_primitives::account::AccessKey;
use near_primitives::action::{Action, DeployContractAction};
use near_primitives::errors::{
    ActionErrorKind, ActionsValidationError, FunctionCallError, InvalidAccessKeyError, InvalidTxError,
    ReceiptValidationError,
};
use near_primitives::types::{Balance, Gas};
use serde_json::json;

use crate::actor::call;
use crate::desk::{Desk, Sent, calls_to, failure, key, refusal, transfer};

const ALICE: &str = "alice.test.near";
const BOB: &str = "bob.test.near";

/// What data in a module's text looks like.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\{byte:02x}").unwrap();
        text
    })
}

/// A contract of alice's whose `make` gives her a gas key for everything, which it fills with one NEAR, and one for `run` of
/// bob's.
fn maker(full: &SecretKey, calls: &SecretKey, full_nonces: u16) -> Action {
    let public = |key: &SecretKey| escaped(&borsh::to_vec(&key.public_key()).unwrap());
    let (full, calls) = (public(full), public(calls));
    let one_near = escaped(&Balance::from_near(1).as_yoctonear().to_le_bytes());
    let text = format!(
        r#"(module
            (import "env" "promise_batch_create" (func $batch (param i64 i64) (result i64)))
            (import "env" "promise_batch_action_add_gas_key_with_full_access" (func $full (param i64 i64 i64 i64)))
            (import "env" "promise_batch_action_add_gas_key_with_function_call"
                (func $calls (param i64 i64 i64 i64 i64 i64 i64 i64 i64)))
            (import "env" "promise_batch_action_transfer_to_gas_key" (func $fill (param i64 i64 i64 i64)))
            (memory (export "memory") 1)
            (data (i32.const 0) "{full}")
            (data (i32.const 64) "{calls}")
            (data (i32.const 128) "{ALICE}")
            (data (i32.const 160) "{BOB}")
            (data (i32.const 192) "run")
            (data (i32.const 208) "{one_near}")
            ;; At 224 are sixteen zeros: no allowance.
            (func (export "make") (local $batch i64)
                (local.set $batch (call $batch (i64.const {alice}) (i64.const 128)))
                (call $full (local.get $batch) (i64.const 33) (i64.const 0) (i64.const {full_nonces}))
                (call $fill (local.get $batch) (i64.const 33) (i64.const 0) (i64.const 208))
                (call $calls (local.get $batch) (i64.const 33) (i64.const 64) (i64.const 2) (i64.const 224)
                    (i64.const {bob}) (i64.const 160) (i64.const 3) (i64.const 192))))"#,
        alice = ALICE.len(),
        bob = BOB.len(),
    );
    Action::DeployContract(DeployContractAction { code: wat::parse_str(&text).unwrap() })
}

fn made(version: u32, full_nonces: u16) -> (Desk, Sent) {
    let mut desk = Desk::new(version);
    desk.alice(vec![maker(&key("full"), &key("calls"), full_nonces)]).unwrap();
    let mut make = call("make", &json!({}), Balance::ZERO);
    if let Action::FunctionCall(call) = &mut make {
        // A thousand nonces cost more than most calls.
        call.gas = Gas::from_teragas(300);
    }
    let made = desk.alice(vec![make]);
    (desk, made)
}

fn note(desk: &mut Desk, index: u16, method: &str) -> Sent {
    desk.by_gas_key(&key("calls"), index, BOB, vec![call(method, &json!({ "script": [] }), Balance::ZERO)])
}

#[test]
fn keys_made_by_a_contract_are_like_those_of_an_action() {
    for version in [85, 88] {
        let (desk, outcome) = made(version, 3);
        assert!(outcome.unwrap().receipts_outcome.len() >= 2, "{version}: the batch is a receipt of its own");
        let [full, calls] = [key("full"), key("calls")];
        let wanted = [
            (&full, AccessKey::gas_key_full_access(3), Balance::from_near(1)),
            (&calls, AccessKey::gas_key_function_call(2, calls_to(BOB, &["run"], None)), Balance::ZERO),
        ];
        for (key, mut access_key, balance) in wanted {
            let info = access_key.gas_key_info_mut().unwrap();
            info.balance = balance;
            let nonces = info.num_nonces;
            assert_eq!(desk.access_key(ALICE, &key.public_key()), Some(access_key), "{version}");
            let rows: Vec<_> = (0..=nonces).map(|index| desk.nonce(ALICE, &key.public_key(), index)).collect();
            let (last, rows) = rows.split_last().unwrap();
            assert!(last.is_none() && rows.iter().all(|row| row.is_some_and(|nonce| nonce > 0)), "{version}: {rows:?}");
        }
        desk.check_supply();
    }
}

#[test]
fn they_sign_and_pay_as_far_as_the_contract_allowed() {
    let (mut desk, outcome) = made(88, 3);
    outcome.unwrap();
    let before = desk.account(ALICE).amount();
    desk.by_gas_key(&key("full"), 2, BOB, vec![transfer(Balance::from_near(1))]).unwrap();
    // The account gave the deposit, the key the gas.
    assert_eq!(desk.account(ALICE).amount(), before.saturating_sub(Balance::from_near(1)));
    assert!(desk.held(&key("full")) < Balance::from_near(1));
    // The other key holds nothing yet.
    let InvalidTxError::NotEnoughGasKeyBalance { balance, .. } = refusal(note(&mut desk, 0, "run")) else {
        panic!("an empty key paid")
    };
    assert_eq!(balance, Balance::ZERO);
    desk.alice(vec![crate::desk::fund(&key("calls"), Balance::from_near(1))]).unwrap();
    let run = failure(note(&mut desk, 0, "run"));
    assert!(matches!(run, ActionErrorKind::FunctionCallError(FunctionCallError::CompilationError(_))), "{run:?}");
    let InvalidTxError::InvalidAccessKeyError(InvalidAccessKeyError::MethodNameMismatch { method_name }) =
        refusal(note(&mut desk, 1, "stop"))
    else {
        panic!("another method was called")
    };
    assert_eq!(method_name, "stop");
    desk.check_supply();
}

/// The action's own limits hold for contracts, too: the receipt is not sent, and the call that made it fails.
#[test]
fn a_contract_makes_no_key_that_an_action_could_not() {
    for requested_nonces in [0, 1_025] {
        let (desk, outcome) = made(88, requested_nonces);
        let error = failure(outcome);
        let expected = ActionsValidationError::GasKeyInvalidNumNonces { requested_nonces, limit: 1_024 };
        let refused = ActionErrorKind::NewReceiptValidationError(ReceiptValidationError::ActionsValidation(expected));
        assert_eq!(error, refused);
        assert_eq!(desk.access_key(ALICE, &key("full").public_key()), None);
        desk.check_supply();
    }
}

#[test]
fn before_85_such_a_contract_does_not_link() {
    let (desk, outcome) = made(84, 3);
    let error = failure(outcome);
    assert!(matches!(error, ActionErrorKind::FunctionCallError(_)), "{error:?}");
    assert_eq!(desk.access_key(ALICE, &key("full").public_key()), None);
}
