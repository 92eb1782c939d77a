//! Numbers that JSON can't carry.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

/// 128 bits, a decimal string in JSON.
#[wire(text)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct U128(pub u128);

impl std::fmt::Display for U128 {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

impl From<u128> for U128 {
    fn from(value: u128) -> Self {
        Self(value)
    }
}

impl std::str::FromStr for U128 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `parse` takes a plus sign and leading zeros; one number has one spelling here.
        match text.parse::<u128>() {
            Ok(number) if number.to_string() == text => Ok(Self(number)),
            _ => {
                Err(format!("expected a decimal number up to 2^128-1 without sign or leading zeros, found \"{text}\""))
            }
        }
    }
}
