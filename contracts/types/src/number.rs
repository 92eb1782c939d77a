//! Numbers that JSON can't carry.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 128 bits, a decimal string in JSON.
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

impl Serialize for U128 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string())
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

impl<'de> Deserialize<'de> for U128 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

crate::json_text!(U128);
