//! Values on their way to storage and other contracts. What can't be written is a fault of ours: nothing empty goes instead.

use borsh::BorshSerialize;
use near_sdk::env;
use serde::Serialize;

pub(crate) fn unwritable() -> ! {
    env::panic_str("CHARTER_UNWRITABLE: a value has no encoding")
}

/// A value in borsh at the end of `bytes`. Fails only for more than 4 GiB.
pub(crate) fn append(value: &impl BorshSerialize, bytes: &mut Vec<u8>) {
    if value.serialize(bytes).is_err() {
        unwritable();
    }
}

/// A value in borsh.
pub fn encoded(value: &impl BorshSerialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(value, &mut bytes);
    bytes
}

/// A value in JSON. Fails only for maps whose keys are no text, of which there are none.
pub fn json_encoded(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|_| unwritable())
}
