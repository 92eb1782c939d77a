//! Arguments. near-sdk's own parsing ignores unknown fields and fails without a code.

use borsh::BorshDeserialize;
use charter_types::error::CommonError;
use near_sdk::env;
use serde::de::DeserializeOwned;

use crate::Answer;

/// The call's JSON arguments. No input counts as an empty object.
pub fn arguments<T: DeserializeOwned>() -> Answer<T> {
    let input = env::input().unwrap_or_default();
    let bytes: &[u8] = if input.is_empty() { b"{}" } else { &input };
    serde_json::from_slice(bytes).map_err(|error| bad(&error))
}

/// The call's borsh arguments.
pub fn borsh_arguments<T: BorshDeserialize>() -> Answer<T> {
    T::try_from_slice(&env::input().unwrap_or_default()).map_err(|error| bad(&error))
}

fn bad(error: &dyn std::fmt::Display) -> crate::Failure {
    CommonError::BadArguments { reason: error.to_string() }.into()
}
