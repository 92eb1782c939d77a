//! Byte strings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

/// Bytes, standard base64 in JSON.
#[wire(text)]
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Base64Bytes(pub Vec<u8>);

impl std::fmt::Display for Base64Bytes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&STANDARD.encode(&self.0))
    }
}

impl std::str::FromStr for Base64Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        STANDARD.decode(text).map(Self).map_err(|_| "expected standard base64".to_owned())
    }
}
