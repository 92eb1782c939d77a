//! Stands in for the verifier where it has to say yes: a quote bound to a test's nonce takes a TDX machine.

use charter_types::verifier::{Report, TcbStatus, Verdict};
use near_workspaces::{Account, AccountId};

use crate::{Caller, Harness, raw_bytes};

/// Answers `verify_quote` with whatever `say` was called with last.
const SAYS_WHAT_IT_IS_TOLD: &str = r#"
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "register_len" (func $len (param i64) (result i64)))
  (import "env" "read_register" (func $read (param i64 i64)))
  (import "env" "storage_write" (func $write (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "storage_read" (func $load (param i64 i64 i64) (result i64)))
  (import "env" "value_return" (func $return (param i64 i64)))
  (memory 4)
  (data (i32.const 0) "verdict")
  (func (export "say")
    (call $input (i64.const 0))
    (call $read (i64.const 0) (i64.const 16))
    (drop (call $write (i64.const 7) (i64.const 0) (call $len (i64.const 0)) (i64.const 16) (i64.const 1))))
  (func (export "verify_quote")
    (drop (call $load (i64.const 7) (i64.const 0) (i64.const 2)))
    (call $read (i64.const 2) (i64.const 16))
    (call $return (call $len (i64.const 2)) (i64.const 16))))
"#;

/// Puts it where the verifier was.
///
/// # Panics
/// As the next one: if the node does not.
pub async fn stand_in(harness: &Harness) {
    let wasm = wat::parse_str(SAYS_WHAT_IT_IS_TOLD).expect("text of a module");
    harness.worker.patch(&harness.contracts.verifier).code(&wasm).transact().await.expect("the node takes code");
}

/// What it answers from now on.
///
/// # Panics
/// If it can't be told.
pub async fn say(by: &Account, verifier: &AccountId, verdict: &Verdict) {
    let said = borsh::to_vec(verdict).expect("a verdict has an encoding");
    let told = by.send(verifier, raw_bytes("say", said), 0).await.expect("the node answers");
    assert!(told.is_success(), "{told:?}");
}

/// What a good quote bound to `report_data` says.
pub fn report(report_data: [u8; 64]) -> Report {
    let tcb = TcbStatus::UpToDate;
    Report { tcb, advisories: Vec::new(), mr_td: [1; 48], rt_mr: [[2; 48]; 4], report_data, ppid: vec![3; 16] }
}
