//! Events: NEP-297 logs in a hash chain.
//!
//! A log is `EVENT_JSON:` and an [`Envelope`]. Each contract numbers its events (`seq`, from 1, gapless) and chains them:
//! `head = sha256(prev ‖ log)`, where `log` is the whole line. One view of `event_head` therefore proves to an indexer
//! that it has every event, in order.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Hash32};

/// What a log line starts with.
pub const PREFIX: &str = "EVENT_JSON:";

/// A NEP-297 event. `data` has one entry: one fact, one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<Fact> {
    pub standard: String,
    pub version: String,
    pub event: String,
    pub data: Vec<Entry<Fact>>,
}

/// A fact with its place in the chain of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<Fact> {
    pub seq: u64,
    /// Head before this event.
    pub prev: Hash32,
    /// Who caused it.
    pub by: AccountId,
    /// The full new value, never a difference.
    pub new: Fact,
}

/// The end of a contract's chain of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct EventHead {
    pub seq: u64,
    pub head: Hash32,
}

impl<Fact: Serialize> Envelope<Fact> {
    /// The log line.
    pub fn to_log(&self) -> String {
        format!("{PREFIX}{}", serde_json::to_string(self).unwrap_or_else(|_| panic!("a fact has no JSON encoding")))
    }
}

/// The head after `log`.
pub fn next_head(prev: &Hash32, log: &str, sha256: crate::Sha256) -> Hash32 {
    Hash32(sha256(&[prev.0.as_slice(), log.as_bytes()].concat()))
}
