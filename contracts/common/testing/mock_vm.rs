//! The mock VM: one call after the other on one state.

use near_sdk::test_utils::VMContextBuilder;
use near_sdk::{NearToken, testing_env};
use serde_json::Value;

/// Sets the next call up: who calls, with which arguments and deposit (yoctoNEAR), a second after 1970.
pub fn next_call(caller: &str, args: &Value, deposit: u128) {
    let mut builder = VMContextBuilder::new();
    builder
        .current_account_id("contract.near".parse().unwrap())
        .predecessor_account_id(caller.parse().unwrap())
        .attached_deposit(NearToken::from_yoctonear(deposit))
        .account_balance(NearToken::from_near(100))
        .block_timestamp(1_000_000_000);
    let mut context = builder.build();
    context.input = serde_json::to_vec(args).unwrap().into();
    testing_env!(context);
}

/// Logs of the call, one a line.
pub fn logs() -> String {
    near_sdk::test_utils::get_logs().join("\n")
}
