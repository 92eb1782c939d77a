//! Arguments. near-sdk's own parsing ignores unknown fields, fails without a code, and is large in wasm.

use borsh::BorshDeserialize;
use charter_types::error::CommonError;
use charter_types::json::{self, FromJson, Json};
use near_sdk::env;

use crate::{Answer, Failure};

/// The call's JSON arguments. No input counts as an empty object.
pub fn arguments<T: FromJson>() -> Answer<T> {
    // What depends on the type is kept small: every method has a copy of it.
    T::from_json(tree()?).map_err(bad)
}

fn tree() -> Answer<Json> {
    let input = env::input().unwrap_or_default();
    let bytes: &[u8] = if input.is_empty() { b"{}" } else { &input };
    json::parse(bytes).map_err(bad)
}

fn bad(reason: String) -> Failure {
    CommonError::BadArguments { reason }.into()
}

/// The call's borsh arguments.
pub fn borsh_arguments<T: BorshDeserialize>() -> Answer<T> {
    T::try_from_slice(&env::input().unwrap_or_default()).map_err(|error| bad(error.to_string()))
}
