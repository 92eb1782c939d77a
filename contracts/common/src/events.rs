//! The chain of events.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::event::{EventHead, PREFIX};
use charter_types::{AccountId, Hash32};
use near_sdk::env;
use serde::Serialize;

use crate::encode::{json_encoded, unwritable};

/// Name and version of the standard (NEP-297) that a contract's events are of.
pub type Standard = (&'static str, &'static str);

/// How many events there were and their running hash.
#[derive(Default, BorshSerialize, BorshDeserialize)]
pub struct EventLog {
    seq: u64,
    head: Hash32,
}

impl EventLog {
    pub fn head(&self) -> EventHead {
        EventHead { seq: self.seq, head: self.head }
    }

    /// Logs one fact and moves the head.
    pub fn emit<Fact: Serialize>(&mut self, standard: Standard, event: &str, by: &AccountId, new: Fact) {
        self.emit_json(standard, event, by, &json_encoded(&new));
    }

    /// The same with a fact that is in JSON already.
    ///
    /// An [`Envelope`](charter_types::Envelope), put together by hand: names, numbers and account ids have nothing to escape, and as a
    /// type it would be in the contract once for every type of fact.
    pub fn emit_json(&mut self, (standard, version): Standard, event: &str, by: &AccountId, new: &[u8]) {
        self.seq += 1;
        let (seq, prev) = (self.seq.to_string(), self.head.to_string());
        let head = [PREFIX, r#"{"standard":""#, standard, r#"","version":""#, version, r#"","event":""#, event];
        let entry = [r#"","data":[{"seq":"#, &seq, r#","prev":""#, &prev, r#"","by":""#, by.as_str(), r#"","new":"#];
        let (head, entry) = (head.concat(), entry.concat());
        // Behind the head before it, as it is hashed: so a large log is copied once.
        let chained = [self.head.0.as_slice(), head.as_bytes(), entry.as_bytes(), new, b"}]}"].concat();
        self.head = Hash32(crate::sha256(&chained));
        let log = chained.get(self.head.0.len()..).and_then(|log| str::from_utf8(log).ok());
        env::log_str(log.unwrap_or_else(|| unwritable()));
    }
}
