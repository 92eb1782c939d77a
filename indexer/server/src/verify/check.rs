//! The comparison itself, once the tables are read.

use std::collections::BTreeSet;

use charter_types::Nothing;
use charter_types::event::EventHead;
use serde_json::{Value, json};

use super::Mirror;
use crate::IndexerError;
use crate::contract::Contract;
use crate::rebuild::Difference;
use crate::table::Table;
use crate::tables;
use crate::truth::{self, Rows, Told};
use crate::views::{Chain, event_head};

pub struct Check {
    chain: Chain,
    mirror: Mirror,
    /// Contracts all of whose events are here, and no others.
    proven: BTreeSet<Contract>,
    rows: u64,
    found: Vec<String>,
}

fn show(side: Option<&Value>) -> String {
    side.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits into 64 bits")
}

impl Check {
    pub fn new(chain: Chain, mirror: Mirror) -> Self {
        Self { chain, mirror, proven: BTreeSet::new(), rows: 0, found: Vec::new() }
    }

    /// Rows compared, and mismatches in words.
    pub async fn run(mut self) -> Result<(u64, Vec<String>), IndexerError> {
        self.events().await?;
        for table in tables::all() {
            let rows = self.mirror.tables.remove(table.name).expect("every table was read");
            self.table(table, &rows).await?;
        }
        Ok((self.rows, self.found))
    }

    /// Counts a head, and a mismatch if the two sides differ.
    fn head(&mut self, what: &str, ours: &EventHead, theirs: Option<&EventHead>) {
        self.rows += 1;
        if Some(ours) != theirs {
            let contract = show(theirs.map(|head| json!(head)).as_ref());
            self.found.push(format!("{what}: the table has {}, the contract {contract}", json!(ours)));
        }
    }

    /// The tables hold every event, in order and unaltered, exactly if these hashes agree.
    async fn events(&mut self) -> Result<(), IndexerError> {
        let names: BTreeSet<String> =
            self.mirror.heads.keys().chain(self.mirror.rebuilt.contracts.keys()).cloned().collect();
        for name in names {
            let told = self.mirror.rebuilt.contracts.remove(&name).unwrap_or_default();
            let theirs: Option<EventHead> = match Contract::named(&name) {
                Some(contract) => Some(self.chain.ask(event_head(contract), Nothing {}).await?),
                None => None,
            };
            self.rows += told.head.seq;
            self.head(&format!("events of {name}"), &told.head, theirs.as_ref());
            if let Some(kept) = self.mirror.heads.remove(&name) {
                self.head(&format!("head of {name}"), &kept, theirs.as_ref());
            }
            // Nothing follows from a log that the contract did not write.
            if Some(told.head) == theirs {
                self.proven.extend(Contract::named(&name));
                self.found.extend(told.altered);
            }
        }
        Ok(())
    }

    async fn table(&mut self, table: &'static Table, ours: &Rows) -> Result<(), IndexerError> {
        let mut keys: BTreeSet<&String> = ours.keys().collect();
        let mut wrong: BTreeSet<&String> = BTreeSet::new();
        let told = truth::ask(&self.chain, table, ours).await?;
        if let Told::All(theirs) | Told::Some(theirs) = &told {
            keys.extend(theirs.keys());
            for key in keys.iter().copied() {
                let (ours, theirs) = (ours.get(key), theirs.get(key));
                if ours != theirs {
                    let (ours, theirs) = (show(ours), show(theirs));
                    self.found.push(format!("{} {key}: the table has {ours}, the contract {theirs}", table.name));
                    wrong.insert(key);
                }
            }
        }
        let differences = self.mirror.rebuilt.differences.remove(table.name).unwrap_or_default();
        if self.proven.contains(&table.contract) {
            keys.extend(differences.keys());
            // A row is reported once.
            let more = differences.iter().filter(|(key, _)| !wrong.contains(key));
            self.found.extend(more.map(|(key, difference)| against_events(table, key, difference)));
        }
        self.rows += count(keys.len());
        if let Told::All(theirs) = told {
            self.chain.learn(table, theirs);
        }
        Ok(())
    }
}

fn against_events(table: &Table, key: &str, Difference { ours, events }: &Difference) -> String {
    let name = table.name;
    match (ours, events) {
        (Some(ours), Some(events)) if ours.body == events.body => {
            format!("{name} {key}: the table has it of block {}, its events of block {}", ours.height, events.height)
        }
        _ => {
            let side = |version: &Option<crate::rebuild::Version>| show(version.as_ref().map(|version| &version.body));
            format!("{name} {key}: the table has {}, its events {}", side(ours), side(events))
        }
    }
}
