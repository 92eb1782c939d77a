//! The chain of events.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::event::{EventHead, next_head};
use charter_types::{AccountId, Entry, Envelope, Hash32};
use near_sdk::env;
use serde::Serialize;

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
    pub fn emit<Fact: Serialize>(&mut self, (standard, version): Standard, event: &str, by: &AccountId, new: Fact) {
        self.seq += 1;
        let entry = Entry { seq: self.seq, prev: self.head, by: by.clone(), new };
        let envelope = Envelope {
            standard: standard.to_owned(),
            version: version.to_owned(),
            event: event.to_owned(),
            data: vec![entry],
        };
        let log = envelope.to_log();
        self.head = next_head(&self.head, &log, crate::sha256);
        env::log_str(&log);
    }
}
