//! Log lines to events.

use charter_types::event::PREFIX;
use charter_types::{AccountId, Entry, Envelope, escrow, governance, keys, registry};
use serde_json::Value;

use crate::contract::Contract;

/// A new value, of whichever contract.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Registry(registry::Fact),
    Keys(keys::Fact),
    Governance(governance::Fact),
    Escrow(escrow::Fact),
}

/// One of our events.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub seq: u64,
    pub prev: charter_types::Hash32,
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
        reason: String,
    },
}

/// Decodes a log line written by a contract.
pub fn decode(contract: Contract, log: &str) -> Decoded {
    let Some(text) = log.strip_prefix(PREFIX) else { return Decoded::Foreign };
    let Ok(json) = serde_json::from_str::<Value>(text) else { return Decoded::Foreign };
    // A contract can't speak for another one.
    if json["standard"] != contract.standard() {
        return Decoded::Foreign;
    }
    let seq = json["data"][0]["seq"].as_u64();
    let unknown = |reason: String| Decoded::Unknown { seq, reason };
    let version = json["version"].as_str().and_then(|version| version.split('.').next());
    if version != Some("1") {
        return unknown(format!("version {}", json["version"]));
    }
    let body = json["data"][0]["new"].clone();
    let parsed = match contract {
        Contract::Registry => parse(text).map(|(name, entry)| (name, wrap(entry, Fact::Registry))),
        Contract::Keys => parse(text).map(|(name, entry)| (name, wrap(entry, Fact::Keys))),
        Contract::Governance => parse(text).map(|(name, entry)| (name, wrap(entry, Fact::Governance))),
        Contract::Escrow => parse(text).map(|(name, entry)| (name, wrap(entry, Fact::Escrow))),
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
        assert_eq!(decoded("EVENT_JSON:{"), Decoded::Foreign);
        assert_eq!(decoded("hello"), Decoded::Foreign);
    }
}
