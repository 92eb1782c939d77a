//! Contracts that play a part: one that publishes code, one that lies, one that does harm.

use near_workspaces::AccountId;

/// Deploys what it is sent as a global contract, by its hash and under its own name: near-workspaces has no call for that.
const PUBLISHER: &str = r#"
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "current_account_id" (func $current (param i64)))
  (import "env" "promise_batch_create" (func $batch (param i64 i64) (result i64)))
  (import "env" "promise_batch_action_deploy_global_contract" (func $deploy (param i64 i64 i64)))
  (import "env" "promise_batch_action_deploy_global_contract_by_account_id" (func $deploy_named (param i64 i64 i64)))
  (memory 1)
  (func (export "publish") (local $promise i64)
    (call $input (i64.const 0))
    (call $current (i64.const 1))
    (local.set $promise (call $batch (i64.const -1) (i64.const 1)))
    (call $deploy (local.get $promise) (i64.const -1) (i64.const 0))
    (call $deploy_named (local.get $promise) (i64.const -1) (i64.const 0))))
"#;

/// Answers `release_for` and `epochs` with what it was told to say last, and fails if that is nothing. `forge` asks itself both,
/// and has `AGENT` called back with its input.
const LIAR: &str = r#"
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "current_account_id" (func $current (param i64)))
  (import "env" "register_len" (func $len (param i64) (result i64)))
  (import "env" "read_register" (func $read (param i64 i64)))
  (import "env" "storage_write" (func $write (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "storage_read" (func $load (param i64 i64 i64) (result i64)))
  (import "env" "value_return" (func $return (param i64 i64)))
  (import "env" "promise_batch_create" (func $batch (param i64 i64) (result i64)))
  (import "env" "promise_and" (func $and (param i64 i64) (result i64)))
  (import "env" "promise_batch_then" (func $then (param i64 i64 i64) (result i64)))
  (import "env" "promise_batch_action_function_call" (func $call (param i64 i64 i64 i64 i64 i64 i64)))
  (import "env" "promise_return" (func $promise_return (param i64)))
  (memory 1)
  (data (i32.const 0) "release_for")
  (data (i32.const 16) "epochs")
  (data (i32.const 32) "on_adopt")
  (data (i32.const 64) "AGENT")
  (func $say (param $key i64)
    (call $input (i64.const 0))
    (drop (call $write (i64.const 1) (local.get $key) (i64.const -1) (i64.const 0) (i64.const 1))))
  (func $answer (param $key i64)
    (if (i64.eqz (call $load (i64.const 1) (local.get $key) (i64.const 2))) (then unreachable))
    (call $read (i64.const 2) (i64.const 1024))
    (call $return (call $len (i64.const 2)) (i64.const 1024)))
  (func (export "say_release_for") (call $say (i64.const 0)))
  (func (export "say_epochs") (call $say (i64.const 16)))
  (func (export "release_for") (call $answer (i64.const 0)))
  (func (export "epochs") (call $answer (i64.const 16)))
  (func $ask (param $length i64) (param $method i64) (result i64) (local $promise i64)
    (local.set $promise (call $batch (i64.const -1) (i64.const 1)))
    (call $call (local.get $promise) (local.get $length) (local.get $method) (i64.const 0) (i64.const 0)
      (i64.const 256) (i64.const 5000000000000))
    (local.get $promise))
  (func (export "forge") (local $callback i64)
    (call $input (i64.const 0))
    (call $current (i64.const 1))
    (i64.store (i32.const 512) (call $ask (i64.const 11) (i64.const 0)))
    (i64.store (i32.const 520) (call $ask (i64.const 6) (i64.const 16)))
    (local.set $callback (call $then (call $and (i64.const 512) (i64.const 2)) (i64.const LENGTH) (i64.const 64)))
    (call $call (local.get $callback) (i64.const 8) (i64.const 32) (i64.const -1) (i64.const 0)
      (i64.const 256) (i64.const 100000000000000))
    (call $promise_return (local.get $callback))))
"#;

/// Migrates, and answers nothing any more.
const BRICK: &str = r#"(module (func (export "migrate")))"#;

fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

pub fn publisher() -> Vec<u8> {
    module(PUBLISHER)
}

pub fn liar(agent: &AccountId) -> Vec<u8> {
    module(&LIAR.replace("AGENT", agent.as_str()).replace("LENGTH", &agent.as_str().len().to_string()))
}

pub fn brick() -> Vec<u8> {
    module(BRICK)
}

/// The same code in other bytes: with a section that means nothing.
pub fn other_bytes(code: &[u8]) -> Vec<u8> {
    [code, &[0, 6, 5], b"other"].concat()
}
