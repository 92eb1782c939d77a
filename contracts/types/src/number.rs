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

impl<'de> Deserialize<'de> for U128 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        // `parse` takes a plus sign and leading zeros; one number has one spelling here.
        let number: u128 = text.parse().map_err(|_| expected(&text))?;
        if number.to_string() == text { Ok(Self(number)) } else { Err(expected(&text)) }
    }
}

fn expected<E: serde::de::Error>(found: &str) -> E {
    E::custom(format_args!("expected a decimal number up to 2^128-1 without sign or leading zeros, found \"{found}\""))
}
