//! Arguments. near-sdk's own parsing ignores unknown fields, fails without a code, and is large in wasm.

use borsh::BorshDeserialize;
use charter_types::error::CommonError;
use charter_types::json::{self, FromJson};
use near_sdk::env;

use crate::Answer;

/// The call's JSON arguments. No input counts as an empty object.
pub fn arguments<T: FromJson>() -> Answer<T> {
    let input = env::input().unwrap_or_default();
    let bytes: &[u8] = if input.is_empty() { b"{}" } else { &input };
    json::read(bytes).map_err(|reason| CommonError::BadArguments { reason }.into())
}

/// The call's borsh arguments.
pub fn borsh_arguments<T: BorshDeserialize>() -> Answer<T> {
    let bad = |error: std::io::Error| CommonError::BadArguments { reason: error.to_string() }.into();
    T::try_from_slice(&env::input().unwrap_or_default()).map_err(bad)
}
