//! Arguments. near-sdk's own parsing ignores unknown fields, fails without a code, and is large in wasm.

use borsh::BorshDeserialize;
use charter_types::error::CommonError;
use charter_types::json::{self, FromJson, Json};
use near_sdk::env;

use crate::{Answer, Failure};

// What depends on the type is kept small: every method has a copy of it.

/// The call's JSON arguments. No input counts as an empty object.
pub fn arguments<T: FromJson>() -> Answer<T> {
    T::from_json(own_tree()?).map_err(bad)
}

/// The same of a call that was made before, from the bytes it came with.
pub fn arguments_in<T: FromJson>(input: &[u8]) -> Answer<T> {
    T::from_json(tree(input)?).map_err(bad)
}

fn own_tree() -> Answer<Json> {
    tree(&env::input().unwrap_or_default())
}

fn tree(input: &[u8]) -> Answer<Json> {
    json::parse(if input.is_empty() { b"{}" } else { input }).map_err(bad)
}

fn bad(reason: String) -> Failure {
    CommonError::BadArguments { reason }.into()
}

/// The call's borsh arguments.
pub fn borsh_arguments<T: BorshDeserialize>() -> Answer<T> {
    T::try_from_slice(&env::input().unwrap_or_default()).map_err(|error| bad(error.to_string()))
}
