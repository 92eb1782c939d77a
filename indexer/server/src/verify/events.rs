//! What events say: their hash, which a contract's `event_head` must be, and the rows that they make.
//!
//! Columns of `event` that repeat the log are compared with it. Where and when it was logged it does not tell, and no
//! contract does, so of `height`, `receipt_id` and `log_index` only that is checked which follows from the order of
//! events: blocks follow each other, a receipt is in one block, its logs stand together and in their order. That a
//! receipt of a single log has another hash for its id, or that all logs of a receipt are in another block between
//! those of their neighbours, can't be told without asking the chain for the receipt itself.

use std::collections::{BTreeMap, BTreeSet};

use charter_client::sha256;
use charter_types::event::{EventHead, next_head};
use near_primitives::hash::CryptoHash;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::found::Found;
use super::shadows::Shadows;
use crate::IndexerError;
use crate::apply::changes;
use crate::contract::Contract;
use crate::decode::{Decoded, decode};
use crate::escape::{undo, undo_json};
use crate::store;
use crate::table::Change;

/// Events that are read at once. Those of one number are not parted.
const EVENTS_PER_PART: u64 = 2_000;

/// Where an event was logged, as its columns say.
struct Origin {
    height: i64,
    receipt_id: String,
    log_index: i32,
}

/// What the events of one contract say, as far as they were read.
#[derive(Default)]
pub struct Told {
    /// How many there are, and the hash over their logs.
    pub head: EventHead,
    /// Events whose columns say something else than their logs, or than can be.
    pub altered: Found,
    /// The number of the last one, as its column has it.
    after: Option<i64>,
    last: Option<Origin>,
    /// Receipts in the block of the last one.
    receipts: BTreeSet<String>,
}

/// What all events say, as far as they were read.
pub struct Events {
    /// By the contract's name in `event`.
    pub contracts: BTreeMap<String, Told>,
}

/// Names of contracts in the tables of events and dead letters.
async fn names(tx: &mut PgConnection) -> Result<BTreeSet<String>, IndexerError> {
    let mut names: BTreeSet<String> = Contract::ALL.iter().map(|contract| contract.name().to_owned()).collect();
    let mut last = String::new();
    loop {
        // From one to the next by the index: there are few names, and many events.
        let row = sqlx::query(
            "select least((select min(contract) from event where contract > $1),
               (select min(contract) from dead_letter where contract > $1 and seq is not null)) as next",
        );
        let next: Option<String> = row.bind(last).fetch_one(&mut *tx).await?.try_get("next")?;
        let Some(next) = next else { return Ok(names) };
        names.insert(next.clone());
        last = next;
    }
}

/// The next events of contract `$1`, after number `$2`, dead letters among them.
fn part(after: Option<i64>) -> String {
    let more = if after.is_some() { "seq > $2" } else { "seq is not null and $2::bigint is null" };
    let end = format!("order by seq fetch first {EVENTS_PER_PART} rows with ties");
    format!(
        "select told.*, told.height > (select height from cursor) as ahead from (
           (select seq, height, receipt_id, log_index, log, event, by_account, body, true as applied
            from event where contract = $1 and {more} {end})
           union all
           (select seq, height, receipt_id, log_index, log, null, null, null, false
            from dead_letter where contract = $1 and {more} {end})
         ) as told {end}"
    )
}

/// Dead letters that are events, too.
pub async fn twice(tx: &mut PgConnection) -> Result<u64, IndexerError> {
    let row = sqlx::query("select count(*) as twice from dead_letter join event using (height, receipt_id, log_index)");
    store::unsigned(&row.fetch_one(tx).await?, "twice")
}

impl Events {
    /// Of every contract of which there are events, none of them read yet.
    pub async fn new(tx: &mut PgConnection) -> Result<Self, IndexerError> {
        let names = names(tx).await?;
        Ok(Self { contracts: names.into_iter().map(|name| (name, Told::default())).collect() })
    }

    /// Takes up the next events of a contract. `false`: there were none.
    pub async fn read(
        &mut self,
        tx: &mut PgConnection,
        shadows: &mut Shadows,
        name: &str,
    ) -> Result<bool, IndexerError> {
        let told = self.contracts.entry(name.to_owned()).or_default();
        let text = part(told.after);
        let rows = sqlx::query(AssertSqlSafe(text)).bind(name).bind(told.after).fetch_all(&mut *tx).await?;
        let mut changes = Vec::new();
        for row in &rows {
            told.take(name, row, &mut changes)?;
        }
        shadows.write(tx, &changes).await?;
        Ok(!rows.is_empty())
    }

    /// Takes up all that came since.
    pub async fn follow(&mut self, tx: &mut PgConnection, shadows: &mut Shadows) -> Result<(), IndexerError> {
        let names: Vec<String> = self.contracts.keys().cloned().collect();
        for name in names {
            while self.read(tx, shadows, &name).await? {}
        }
        Ok(())
    }

    /// Events of the contract that has most.
    pub fn most(&self) -> u64 {
        self.contracts.values().map(|told| told.head.seq).max().unwrap_or_default()
    }
}

impl Told {
    /// Takes up one event: the chain of hashes, its columns, and what it changes. A dead letter is in that chain and
    /// changes nothing.
    fn take(&mut self, name: &str, row: &PgRow, to: &mut Vec<(u64, Change)>) -> Result<(), IndexerError> {
        // Bytes that are no text are not what the contract wrote, and neither is what they become here: the hash tells.
        let log = String::from_utf8_lossy(row.try_get("log")?).into_owned();
        let (seq, height): (i64, i64) = (row.try_get("seq")?, row.try_get("height")?);
        let (receipt_id, log_index) = (row.try_get("receipt_id")?, row.try_get("log_index")?);
        self.after = Some(seq);
        self.head = EventHead { seq: self.head.seq + 1, head: next_head(&self.head.head, &log, sha256) };
        // A dead letter's number may stand in its column alone.
        if u64::try_from(seq) != Ok(self.head.seq) {
            self.altered.push(format!("event {seq} of {name}: {} was due", self.head.seq));
        }
        if let Some(why) = self.misplaced(Origin { height, receipt_id, log_index }, row.try_get("ahead")?) {
            self.altered.push(format!("event {seq} of {name}: {why}"));
        }
        if !row.try_get::<bool, _>("applied")? {
            return Ok(());
        }
        let event = match Contract::named(name).map(|contract| decode(contract, &log)) {
            Some(Decoded::Event(event)) => event,
            Some(Decoded::Foreign | Decoded::Unknown { .. } | Decoded::Garbled { .. }) | None => {
                self.altered.push(format!("event {seq} of {name}: its log can't be read"));
                return Ok(());
            }
        };
        let (event_name, by): (&str, &str) = (row.try_get("event")?, row.try_get("by_account")?);
        let is_told = i64::try_from(event.seq) == Ok(seq)
            && event.name == undo(event_name)
            && event.by.as_str() == by
            && event.body == undo_json(row.try_get("body")?);
        if !is_told {
            self.altered.push(format!("event {seq} of {name}: its columns say something else than its log"));
        }
        // A block before the first one was found above.
        if let Ok(height) = u64::try_from(height) {
            to.extend(changes(&event.fact).into_iter().map(|change| (height, change)));
        }
        Ok(())
    }

    /// Why an event can't have been logged where its columns say.
    fn misplaced(&mut self, origin: Origin, is_ahead: bool) -> Option<&'static str> {
        let last = self.last.take();
        if last.as_ref().is_none_or(|last| last.height != origin.height) {
            self.receipts.clear();
        }
        let is_same = last.as_ref().is_some_and(|last| last.receipt_id == origin.receipt_id);
        let comes_again = !self.receipts.insert(origin.receipt_id.clone()) && !is_same;
        let why = match &last {
            _ if is_ahead || origin.height < 0 => Some("its block is none of those that were read"),
            _ if origin.receipt_id.parse::<CryptoHash>().is_err() => Some("its receipt has no hash for an id"),
            _ if origin.log_index < 0 => Some("its place in its receipt is none"),
            Some(last) if origin.height < last.height => Some("its block is before that of the event before"),
            Some(last) if is_same && origin.height > last.height => Some("its receipt was in a block before"),
            Some(last) if is_same && origin.log_index <= last.log_index => {
                Some("its place in its receipt is not behind that of the event before")
            }
            _ if comes_again => Some("other receipts stand between the events of its own"),
            _ => None,
        };
        self.last = Some(origin);
        why
    }
}

#[cfg(test)]
mod tests {
    use near_primitives::hash::CryptoHash;

    use super::{Origin, Told};

    fn origin((height, receipt, log_index): (i64, u8, i32)) -> Origin {
        Origin { height, receipt_id: CryptoHash::hash_bytes(&[receipt]).to_string(), log_index }
    }

    #[test]
    fn events_stand_in_the_order_of_blocks_receipts_and_logs() {
        let found = |origins: &[(i64, u8, i32)]| {
            let mut told = Told::default();
            let why = origins.iter().filter_map(|place| told.misplaced(origin(*place), false));
            why.collect::<Vec<_>>()
        };
        assert!(found(&[(1, 1, 0), (1, 1, 3), (1, 2, 0), (1, 3, 5), (4, 4, 1), (4, 5, 0)]).is_empty());
        for (origins, expected) in [
            (vec![(2, 1, 0), (1, 2, 0)], "its block is before that of the event before"),
            (vec![(1, 1, 0), (2, 1, 1)], "its receipt was in a block before"),
            (vec![(1, 1, 1), (1, 1, 1)], "its place in its receipt is not behind that of the event before"),
            (vec![(1, 1, 1), (1, 1, 0)], "its place in its receipt is not behind that of the event before"),
            (vec![(1, 1, 0), (1, 2, 0), (1, 1, 1)], "other receipts stand between the events of its own"),
            (vec![(-1, 1, 0)], "its block is none of those that were read"),
            (vec![(1, 1, -1)], "its place in its receipt is none"),
        ] {
            assert_eq!(found(&origins), [expected], "{origins:?}");
        }
        let mut told = Told::default();
        let text = Origin { receipt_id: "r".to_owned(), ..origin((1, 1, 0)) };
        assert_eq!(told.misplaced(text, false), Some("its receipt has no hash for an id"));
        assert_eq!(told.misplaced(origin((1, 1, 0)), true), Some("its block is none of those that were read"));
    }
}
