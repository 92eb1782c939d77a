//! Cards: the file that describes an agent, of which the registry has the address and the hash. What shape it has, whether
//! it is the one that was registered, what its agent offers, and the same agent in other registries' words. Nothing here asks a
//! network.

mod a2a;
mod did;
mod erc8004;
mod export;
mod file;
mod mcp;
mod offers;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use charter_types::Hash32;
use charter_types::registry::Card;
use serde::Serialize;
use serde_json::Value;

use crate::sha256;

pub use export::{ExportError, Format, Place, Subject, export};
pub use file::{CardError, check};
pub use offers::{CARD_BYTES_MAX, Found, Listed, OFFER_BYTES_MAX, OFFERS, OFFERS_MAX, OFFERS_URI, offers};

/// Which specification a card follows, by the fields that it requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Shape {
    /// An agent card of A2A 1.0 (its `a2a.proto`, in JSON).
    #[serde(rename = "a2a-1.0")]
    A2a1,
    /// An agent card of A2A 0.3.
    #[serde(rename = "a2a-0.3")]
    A2a03,
    /// A registration file of ERC-8004.
    #[serde(rename = "erc-8004")]
    Erc8004,
    /// Anything else. It can be registered; nobody can be expected to understand it.
    #[serde(rename = "unknown")]
    Unknown,
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::A2a1 => "A2A 1.0 agent card",
            Self::A2a03 => "A2A 0.3 agent card",
            Self::Erc8004 => "ERC-8004 registration",
            Self::Unknown => "unknown shape",
        })
    }
}

/// The shape of a card.
pub fn shape(bytes: &[u8]) -> Shape {
    serde_json::from_slice(bytes).map_or(Shape::Unknown, |card| shape_of(&card))
}

fn shape_of(card: &Value) -> Shape {
    if erc8004::is_registration(card) {
        Shape::Erc8004
    } else if a2a::is_card_1(card) {
        // Before 0.3: one file may serve clients of both, with the fields of both.
        Shape::A2a1
    } else if a2a::is_card_03(card) {
        Shape::A2a03
    } else {
        Shape::Unknown
    }
}

/// Whether a file is the card that was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    Same,
    /// Some byte differs from what the registry has the hash of.
    Changed,
}

pub fn compare(registered: &Card, bytes: &[u8]) -> Comparison {
    if registered.sha256 == Hash32(sha256(bytes)) { Comparison::Same } else { Comparison::Changed }
}

/// The card that an address holds itself: `data:` in base64 (RFC 2397), as ERC-8004 has it.
pub fn inline(uri: &str) -> Option<Vec<u8>> {
    let (kind, data) = uri.strip_prefix("data:")?.split_once(',')?;
    kind.ends_with(";base64").then(|| STANDARD.decode(data).ok())?
}

/// A field that is a text and not empty.
fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object[name].as_str().filter(|text| !text.is_empty())
}

fn has_texts(object: &Value, names: &[&str]) -> bool {
    names.iter().all(|name| text(object, name).is_some())
}

/// A field that is a list, all of whose items are as they should be.
fn has_list(object: &Value, name: &str, fits: impl Fn(&Value) -> bool) -> bool {
    object[name].as_array().is_some_and(|items| items.iter().all(fits))
}

/// The items of a list, none if the field is something else.
fn items<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object[name].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::inline;

    #[test]
    fn a_data_address_holds_its_card() {
        assert_eq!(inline("data:application/json;base64,eyJhIjoxfQ==").as_deref(), Some(&br#"{"a":1}"#[..]));
        for other in ["data:application/json,{}", "data:application/json;base64", "data:;base64,!", "ipfs://x", ""] {
            assert_eq!(inline(other), None, "{other}");
        }
    }
}
