//! The comparison itself, part by part.

use std::collections::{BTreeMap, BTreeSet};

use charter_client::{At, Contracts, Rpc};
use charter_types::event::EventHead;
use charter_types::{Nothing, Page};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgPool, Row};

use super::Report;
use super::events::{self, Events};
use super::found::Found;
use super::moments::{Moment, Moments};
use super::part::{self, ROWS_PER_PART};
use super::shadows::{Difference, Shadows, Version};
use crate::IndexerError;
use crate::contract::Contract;
use crate::letters;
use crate::store::{self, Mirrored};
use crate::table::Table;
use crate::tables;
use crate::truth::{self, OfParent, Rows, Truth};
use crate::views::{Chain, HighestId, View, event_head};
use crate::watch::Node;

/// Rows of another table of which the rows that belong to them are asked for at once.
const PARENTS_PER_PART: u64 = 100;
/// Rows of one table whose mismatch is remembered, so that it counts once though both a view and events tell of it.
const WRONG_MAX: usize = 100_000;

/// A comparison under way.
pub struct Check {
    moments: Moments,
    /// The contracts at the block of what was read last.
    chain: Chain,
    events: Events,
    shadows: Shadows,
    /// How the tables stood when they were read last.
    now: Mirrored,
    dead_letters: u64,
    /// A dead letter became an event after its place was read, or the tables went back.
    is_stale: bool,
    /// Contracts all of whose events are here, and no others.
    proven: BTreeSet<Contract>,
    /// What differs of what is kept beside the records.
    beside: BTreeSet<String>,
    /// Rows of the table at hand that were found to be wrong.
    wrong: BTreeSet<String>,
    rows: u64,
    found: Found,
}

fn show(side: Option<&Value>) -> String {
    side.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits into 64 bits")
}

impl Check {
    /// `None`: the database is still empty.
    pub async fn start(pool: &PgPool, rpc: &Rpc, contracts: &Contracts) -> Result<Option<Self>, IndexerError> {
        let mut moments = Moments::new(pool).await?;
        let mut moment = moments.open().await?;
        let Some(now) = store::mirrored(&mut moment).await? else {
            moments.close(moment).await?;
            moments.end().await?;
            return Ok(None);
        };
        let dead_letters = letters::count(&mut moment).await?;
        let events = Events::new(&mut moment).await?;
        moments.close(moment).await?;
        // Another chain would be nothing but mismatches, or have no such block.
        Node::ask(rpc).await?.check(&now)?;
        let shadows = Shadows::new(moments.go_on());
        Ok(Some(Self {
            moments,
            chain: Chain::new(rpc.clone(), contracts.clone(), At::Hash(now.cursor.hash)),
            events,
            shadows,
            now,
            dead_letters,
            is_stale: false,
            proven: BTreeSet::new(),
            beside: BTreeSet::new(),
            wrong: BTreeSet::new(),
            rows: 0,
            found: Found::default(),
        }))
    }

    /// The result. `None`: it would tell of mismatches that there are none of, because a dead letter was applied
    /// meanwhile.
    pub async fn run(mut self) -> Result<Option<Report>, IndexerError> {
        let height = self.now.cursor.height;
        self.read_events().await?;
        let heads = self.check_heads().await?;
        let since = self.now.cursor;
        let in_order = std::mem::take(&mut self.found);
        for table in tables::all() {
            self.wrong.clear();
            self.ask_views(table).await?;
            self.compare_with_events(table).await?;
        }
        if self.now.cursor != since {
            // Rows were compared with what was told since.
            self.check_heads().await?;
        }
        let mut found = in_order;
        for (name, told) in std::mem::take(&mut self.events.contracts) {
            self.rows += told.head.seq;
            // Nothing follows from a log that the contract did not write.
            if Contract::named(&name).is_some_and(|contract| self.proven.contains(&contract)) {
                found.append(told.altered);
            }
        }
        found.append(self.found);
        self.moments.end().await?;
        let Found { count: mismatches, detail } = found;
        let (to_height, dead_letters) = (self.now.cursor.height, self.dead_letters);
        let (rows, proofs) = (self.rows + heads, Vec::new());
        let report = Report { height, to_height, rows, mismatches, dead_letters, detail, proofs };
        Ok((!self.is_stale).then_some(report))
    }

    /// The tables as they are now, and shadows by all events of now.
    async fn open(&mut self) -> Result<Moment, IndexerError> {
        let mut moment = self.moments.open().await?;
        if !self.moments.go_on() {
            return Ok(moment);
        }
        let now = store::mirrored(&mut moment).await?.ok_or(IndexerError::Unreadable { what: "cursor" })?;
        let dead_letters = letters::count(&mut moment).await?;
        // Tables that went back have fewer events than were read.
        self.is_stale |= dead_letters < self.dead_letters || now.cursor.height < self.now.cursor.height;
        self.dead_letters = dead_letters;
        if now.cursor != self.now.cursor {
            self.events.follow(&mut moment, &mut self.shadows).await?;
            self.chain.move_to(At::Hash(now.cursor.hash), self.events.most());
            self.now = now;
        }
        Ok(moment)
    }

    async fn read_events(&mut self) -> Result<(), IndexerError> {
        let names: Vec<String> = self.events.contracts.keys().cloned().collect();
        for name in names {
            loop {
                let mut moment = self.moments.open().await?;
                let more = self.events.read(&mut moment, &mut self.shadows, &name).await?;
                self.moments.close(moment).await?;
                if !more {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The tables hold every event, in order and unaltered, exactly if the hash over them is the contract's. Returns
    /// how many heads there are.
    async fn check_heads(&mut self) -> Result<u64, IndexerError> {
        let mut moment = self.open().await?;
        let mut kept: BTreeMap<String, (String, EventHead)> = BTreeMap::new();
        for row in sqlx::query("select name, account, seq, head from contract").fetch_all(&mut *moment).await? {
            kept.insert(row.try_get("name")?, (row.try_get("account")?, store::event_head(&row)?));
        }
        let twice = events::twice(&mut moment).await?;
        self.moments.close(moment).await?;
        let most = kept.values().map(|(_, head)| head.seq).max().unwrap_or_default().max(self.events.most());
        self.chain.move_to(At::Hash(self.now.cursor.hash), most);
        self.check_cursor().await?;
        self.check_beside("dead letters that are events, too", twice, 0);
        let names: BTreeSet<String> = kept.keys().chain(self.events.contracts.keys()).cloned().collect();
        for name in &names {
            let contract = Contract::named(name);
            let theirs: Option<EventHead> = match contract {
                Some(contract) => Some(self.chain.ask(event_head(contract), Nothing {}).await?),
                None => None,
            };
            let told = self.events.contracts.get(name).map(|told| told.head);
            let is_proven = theirs.is_some() && told == theirs;
            self.check_beside(&format!("events of {name}"), told.unwrap_or_default(), theirs);
            let (account, head) = kept.remove(name).unzip();
            self.check_beside(&format!("head of {name}"), head, theirs);
            let known = contract.map(|contract| self.chain.account(contract).clone());
            self.check_beside(&format!("account of {name}"), account, known);
            self.proven.retain(|known| contract != Some(*known));
            self.proven.extend(contract.filter(|_| is_proven));
        }
        Ok(2 * count(names.len()))
    }

    /// The cursor's hash is what everything is compared at; what stands beside it is that block's.
    async fn check_cursor(&mut self) -> Result<(), IndexerError> {
        let (height, time_ms) = self.chain.block().await?;
        let cursor = self.now.cursor;
        self.check_beside("height of the cursor", cursor.height, height);
        // It is unknown in a database that no block was added to since it is kept.
        self.check_beside("time of the cursor", cursor.time_ms, cursor.time_ms.map(|_| time_ms));
        Ok(())
    }

    /// Counts a mismatch if what is kept beside the records differs, once.
    fn check_beside(&mut self, what: &str, ours: impl Serialize, theirs: impl Serialize) {
        let (ours, theirs) = (json!(ours), json!(theirs));
        if ours == theirs || !self.beside.insert(what.to_owned()) {
            return;
        }
        let show = |side: &Value| show(Some(side).filter(|side| !side.is_null()));
        self.found.push(format!("{what}: the table has {}, the contract {}", show(&ours), show(&theirs)));
    }

    /// Compares a table with what views show, where there are any.
    async fn ask_views(&mut self, table: &'static Table) -> Result<(), IndexerError> {
        match table.truth {
            Truth::Pages { list, last } => self.ask_pages(table, list, last).await,
            Truth::PerParent { parent, of, rows } => self.ask_of_parents(table, parent, of, rows).await,
            Truth::Batch(_) | Truth::One(_) => self.ask_by_keys(table).await,
            Truth::Rebuild => Ok(()),
        }
    }

    async fn ask_pages(&mut self, table: &Table, list: View<Page>, ids: HighestId) -> Result<(), IndexerError> {
        let column = table.order().name;
        let (mut from, mut last) = (1, self.chain.highest(ids).await?);
        loop {
            let to = to_of(from, ROWS_PER_PART, last);
            let ours = self.read(table, column, from, to).await?;
            last = self.chain.highest(ids).await?;
            let end = to.unwrap_or_else(|| last.saturating_add(1));
            let theirs = truth::listed(&self.chain, table, list, from..end).await?;
            self.differ(table, &ours, &theirs);
            let Some(next) = to else { return Ok(()) };
            from = next;
        }
    }

    /// Which parents there are the chain says, so that one that was deleted by hand is one mismatch and hides none.
    async fn ask_of_parents(
        &mut self,
        table: &Table,
        parent: &'static Table,
        of: &'static str,
        rows: OfParent,
    ) -> Result<(), IndexerError> {
        let Truth::Pages { list, last: ids } = parent.truth else { panic!("no view lists {}", parent.name) };
        let (mut from, mut last) = (1, self.chain.highest(ids).await?);
        loop {
            let to = to_of(from, PARENTS_PER_PART, last);
            let ours = self.read(table, of, from, to).await?;
            last = self.chain.highest(ids).await?;
            let end = to.unwrap_or_else(|| last.saturating_add(1));
            let known = truth::listed(&self.chain, parent, list, from..end).await?;
            let theirs = truth::of_parents(&self.chain, table, (parent, &known), rows).await?;
            self.differ(table, &ours, &theirs);
            let Some(next) = to else { return Ok(()) };
            from = next;
        }
    }

    async fn ask_by_keys(&mut self, table: &Table) -> Result<(), IndexerError> {
        let mut after: Option<String> = None;
        loop {
            let mut moment = self.open().await?;
            let (ours, last) = part::after(&mut moment, table, after.as_deref()).await?;
            self.moments.close(moment).await?;
            let theirs = match table.truth {
                Truth::Batch(rows) => truth::many(&self.chain, table, &ours, rows).await?,
                Truth::One(row) => truth::singly(&self.chain, &ours, row).await?,
                Truth::Pages { .. } | Truth::PerParent { .. } | Truth::Rebuild => return Ok(()),
            };
            self.differ(table, &ours, &theirs);
            let Some(last) = last else { return Ok(()) };
            after = Some(last);
        }
    }

    /// Rows with numbers from one to before another; the first part has all below it, the last one all above.
    async fn read(&mut self, table: &Table, column: &str, from: u64, to: Option<u64>) -> Result<Rows, IndexerError> {
        let mut moment = self.open().await?;
        let from = Some(from).filter(|from| *from > 1);
        let rows = part::between(&mut moment, table, column, (from, to)).await?;
        self.moments.close(moment).await?;
        Ok(rows)
    }

    fn differ(&mut self, table: &Table, ours: &Rows, theirs: &Rows) {
        let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for key in keys {
            let (ours, theirs) = (ours.get(key), theirs.get(key));
            if ours == theirs || self.wrong.contains(key) {
                continue;
            }
            if self.wrong.len() < WRONG_MAX {
                self.wrong.insert(key.clone());
            }
            let (ours, theirs) = (show(ours), show(theirs));
            self.found.push(format!("{} {key}: the table has {ours}, the contract {theirs}", table.name));
        }
    }

    async fn compare_with_events(&mut self, table: &'static Table) -> Result<(), IndexerError> {
        let mut after: Option<String> = None;
        loop {
            let mut moment = self.open().await?;
            let compared = self.shadows.compare(&mut moment, table, after.as_deref()).await?;
            self.moments.close(moment).await?;
            self.rows += compared.rows;
            if self.proven.contains(&table.contract) {
                // A row is reported once.
                let more = compared.differences.iter().filter(|difference| !self.wrong.contains(&difference.key));
                for difference in more {
                    self.found.push(against_events(table, difference));
                }
            }
            let Some(last) = compared.to else { return Ok(()) };
            after = Some(last);
        }
    }
}

/// Where a part that begins with a number ends. `None`: it is the last one.
fn to_of(from: u64, numbers: u64, highest: u64) -> Option<u64> {
    Some(from.saturating_add(numbers)).filter(|to| *to <= highest)
}

fn against_events(table: &Table, Difference { key, ours, events }: &Difference) -> String {
    let name = table.name;
    match (ours, events) {
        (Some(ours), Some(events)) if ours.body == events.body => {
            format!("{name} {key}: the table has it of block {}, its events of block {}", ours.height, events.height)
        }
        _ => {
            let side = |version: &Option<Version>| show(version.as_ref().map(|version| &version.body));
            format!("{name} {key}: the table has {}, its events {}", side(ours), side(events))
        }
    }
}
