//! Log lines to events.

use charter_types::event::PREFIX;
use charter_types::{AccountId, Entry, Envelope, Hash32, escrow, governance, keys, registry, tasks};
use serde_json::Value;

use crate::apply::changes;
use crate::contract::Contract;
use crate::store;

/// How the reason begins why an event of a version to come can't be read.
pub const VERSION: &str = "version ";

/// A new value, of whichever contract.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Registry(registry::Fact),
    Keys(keys::Fact),
    Governance(governance::Fact),
    Escrow(escrow::Fact),
    Tasks(tasks::Fact),
}

/// One of our events.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub seq: u64,
    pub prev: Hash32,
    pub by: AccountId,
    pub name: String,
    pub fact: Fact,
    /// The fact as JSON.
    pub body: Value,
}

/// What a log line turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    Event(Box<Event>),
    /// Not ours: plain text, or another standard.
    Foreign,
    /// Ours, in a version or shape that this indexer does not know.
    Unknown {
        seq: Option<u64>,
        prev: Option<Hash32>,
        reason: String,
    },
    /// It begins like an event and is no JSON: nobody can say whose it is.
    Garbled {
        reason: String,
    },
}

/// What a log line of a contract's chain of events says and changes; or why that can't be told.
pub fn read(contract: Contract, log: &str) -> Result<store::Event, String> {
    match decode(contract, log) {
        Decoded::Event(event) => Ok((*event).into()),
        Decoded::Unknown { reason, .. } | Decoded::Garbled { reason } => Err(reason),
        Decoded::Foreign => Err("it is of another standard".to_owned()),
    }
}

impl From<Event> for store::Event {
    fn from(event: Event) -> Self {
        Self { changes: changes(&event.fact), name: event.name, by: event.by.to_string(), body: event.body }
    }
}

/// Decodes a log line written by a contract.
pub fn decode(contract: Contract, log: &str) -> Decoded {
    let Some(text) = log.strip_prefix(PREFIX) else { return Decoded::Foreign };
    let json: Value = match serde_json::from_str(text) {
        Ok(json) => json,
        // JSON has more than is read here, such as numbers beyond all bounds. Events of ours begin with their standard.
        Err(error) if text.starts_with(&format!(r#"{{"standard":"{}""#, contract.standard())) => {
            return Decoded::Unknown { seq: None, prev: None, reason: format!("no JSON: {error}") };
        }
        Err(error) => return Decoded::Garbled { reason: format!("no JSON: {error}") },
    };
    // A contract can't speak for another one.
    if json["standard"] != contract.standard() {
        return Decoded::Foreign;
    }
    let entry = &json["data"][0];
    let (seq, prev) = (entry["seq"].as_u64(), entry["prev"].as_str().and_then(|prev| prev.parse().ok()));
    let unknown = |reason: String| Decoded::Unknown { seq, prev, reason };
    let version = json["version"].as_str().and_then(|version| version.split('.').next());
    if version != Some("1") {
        return unknown(format!("{VERSION}{}", json["version"]));
    }
    let body = entry["new"].clone();
    let parsed = match contract {
        Contract::Registry => parse(text).map(|(name, entry)| (name, wrap(entry, Fact::Registry))),
        Contract::Keys => parse(text).map(|(name, entry)| (name, wrap(entry, Fact::Keys))),
        Contract::Governance => parse(text).map(|(name, entry)| (name, wrap(entry, Fact::Governance))),
        Contract::Escrow => parse(text).map(|(name, entry)| (name, wrap(entry, Fact::Escrow))),
        Contract::Tasks => parse(text).map(|(name, entry)| (name, wrap(entry, Fact::Tasks))),
    };
    match parsed {
        Err(reason) => unknown(reason),
        Ok((name, entry)) => Decoded::Event(Box::new(Event {
            seq: entry.seq,
            prev: entry.prev,
            by: entry.by,
            name,
            fact: entry.new,
            body,
        })),
    }
}

/// The hash over all events before one, as it has it.
pub fn prev(contract: Contract, log: &str) -> Option<Hash32> {
    match decode(contract, log) {
        Decoded::Event(event) => Some(event.prev),
        Decoded::Unknown { prev, .. } => prev,
        Decoded::Foreign | Decoded::Garbled { .. } => None,
    }
}

fn wrap<T>(entry: Entry<T>, fact: impl FnOnce(T) -> Fact) -> Entry<Fact> {
    Entry { seq: entry.seq, prev: entry.prev, by: entry.by, new: fact(entry.new) }
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<(String, Entry<T>), String> {
    let envelope: Envelope<T> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let count = envelope.data.len();
    let mut data = envelope.data;
    match data.pop().filter(|_| count == 1) {
        Some(entry) => Ok((envelope.event, entry)),
        None => Err(format!("{count} entries where one was expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Contract, Decoded, decode};

    fn log(standard: &str, version: &str, new: &str) -> String {
        format!(
            r#"EVENT_JSON:{{"standard":"{standard}","version":"{version}","event":"agent_retired","data":[{{"seq":1,"prev":"{}","by":"a.near","new":{new}}}]}}"#,
            "0".repeat(64)
        )
    }

    #[test]
    fn ours_foreign_and_unknown_are_told_apart() {
        let decoded = |text: &str| decode(Contract::Registry, text);
        assert!(matches!(
            decoded(&log("charter_registry", "1.0.0", r#"{"attestation_removed":7}"#)),
            Decoded::Event(_)
        ));
        assert!(matches!(
            decoded(&log("charter_registry", "1.9.0", r#"{"attestation_removed":7}"#)),
            Decoded::Event(_)
        ));
        assert!(matches!(
            decoded(&log("charter_registry", "2.0.0", r#"{"attestation_removed":7}"#)),
            Decoded::Unknown { .. }
        ));
        assert!(matches!(decoded(&log("charter_registry", "1.0.0", r#"{"moved":7}"#)), Decoded::Unknown { .. }));
        assert_eq!(decoded(&log("charter_escrow", "1.0.0", r#"{"attestation_removed":7}"#)), Decoded::Foreign);
        assert_eq!(decoded(&log("nep171", "1.0.0", "{}")), Decoded::Foreign);
        assert!(matches!(decoded("EVENT_JSON:{"), Decoded::Garbled { .. }));
        assert_eq!(decoded("hello"), Decoded::Foreign);
    }
}
