//! Events and dead letters.

use std::pin::Pin;

use sqlx::PgConnection;

use super::rows::{Place, write};
use super::{Entry, Event, signed};
use crate::IndexerError;
use crate::escape::{escape, escape_json};
use crate::pulse::Pulse;
use crate::table::Change;

/// Longest reason that is kept, characters.
const REASON_MAX: usize = 500;

/// Writes entries and what they change, whole or not at all.
pub async fn insert(tx: &mut PgConnection, entries: &[Entry]) -> Result<(), IndexerError> {
    let mut events = Vec::new();
    for entry in entries {
        match &entry.read {
            Ok(event) => events.push((entry, event)),
            Err(reason) => insert_dead_letter(tx, entry, reason).await?,
        }
    }
    insert_events(tx, &events).await?;
    let changes: Vec<(u64, &Change)> =
        events.iter().flat_map(|(entry, event)| event.changes.iter().map(|change| (entry.height, change))).collect();
    write(tx, Place::Mirror, &changes).await
}

/// The same, where some entry can't be written: that one becomes a dead letter, as if it could not be read.
pub async fn insert_by_halves(tx: &mut PgConnection, entries: &[Entry], pulse: &Pulse) -> Result<(), IndexerError> {
    for refused in by_halves(tx, entries, |tx, part| Box::pin(insert(tx, part)), pulse).await? {
        let Refused { entry, reason } = refused;
        tracing::warn!(contract = entry.contract.name(), seq = entry.seq, reason, "an event can't be applied");
        insert_dead_letter(tx, entry, &reason).await?;
    }
    Ok(())
}

/// An entry that the database does not take.
pub struct Refused<'a> {
    pub entry: &'a Entry,
    pub reason: String,
}

/// Something that is done with entries.
pub type Work = for<'a> fn(
    &'a mut PgConnection,
    &'a [Entry],
) -> Pin<Box<dyn Future<Output = Result<(), IndexerError>> + Send + 'a>>;

/// Does something with entries in their order, as many at once as will do: where it is refused, it is undone and done with
/// either half, down to single entries. Returns those that were refused by themselves.
pub async fn by_halves<'a>(
    tx: &mut PgConnection,
    entries: &'a [Entry],
    work: Work,
    pulse: &Pulse,
) -> Result<Vec<Refused<'a>>, IndexerError> {
    let mut refused = Vec::new();
    let mut waiting = vec![entries];
    while let Some(part) = waiting.pop() {
        pulse.beat();
        let mut savepoint = sqlx::Connection::begin(&mut *tx).await?;
        match work(&mut savepoint, part).await {
            Ok(()) => savepoint.commit().await?,
            Err(error) if error.is_refusal() => {
                savepoint.rollback().await?;
                if let [entry] = part {
                    refused.push(Refused { entry, reason: error.to_string() });
                } else {
                    let (first, second) = part.split_at(part.len() / 2);
                    waiting.extend([second, first]);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

/// Makes an event of a dead letter, without what it changes.
pub async fn revive(tx: &mut PgConnection, entry: &Entry, event: &Event) -> Result<(), IndexerError> {
    sqlx::query("delete from dead_letter where height = $1 and receipt_id = $2 and log_index = $3")
        .bind(signed(entry.height)?)
        .bind(&entry.receipt_id)
        .bind(entry.log_index)
        .execute(&mut *tx)
        .await?;
    insert_events(tx, &[(entry, event)]).await
}

async fn insert_events(tx: &mut PgConnection, events: &[(&Entry, &Event)]) -> Result<(), IndexerError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut heights = Vec::with_capacity(events.len());
    let mut numbers = Vec::with_capacity(events.len());
    for (entry, _) in events {
        heights.push(signed(entry.height)?);
        numbers.push(entry.seq.map(signed).transpose()?);
    }
    let texts = |pick: &dyn Fn(&(&Entry, &Event)) -> String| events.iter().map(pick).collect::<Vec<_>>();
    sqlx::query(
        "insert into event (height, receipt_id, log_index, contract, seq, event, by_account, log, body)
         select * from unnest($1::bigint[], $2::text[], $3::integer[], $4::text[], $5::bigint[], $6::text[], $7::text[],
           $8::bytea[], $9::jsonb[])",
    )
    .bind(heights)
    .bind(texts(&|(entry, _)| entry.receipt_id.clone()))
    .bind(events.iter().map(|(entry, _)| entry.log_index).collect::<Vec<_>>())
    .bind(texts(&|(entry, _)| entry.contract.name().to_owned()))
    .bind(numbers)
    .bind(texts(&|(_, event)| escape(&event.name).into_owned()))
    .bind(texts(&|(_, event)| event.by.clone()))
    .bind(events.iter().map(|(entry, _)| entry.log.as_bytes()).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, event)| escape_json(event.body.clone())).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

fn short(reason: &str) -> String {
    let reason: String = reason.chars().take(REASON_MAX).collect();
    escape(&reason).into_owned()
}

async fn insert_dead_letter(tx: &mut PgConnection, entry: &Entry, reason: &str) -> Result<(), IndexerError> {
    sqlx::query(
        "insert into dead_letter (height, receipt_id, log_index, contract, seq, reason, log)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(signed(entry.height)?)
    .bind(&entry.receipt_id)
    .bind(entry.log_index)
    .bind(entry.contract.name())
    .bind(entry.seq.map(signed).transpose()?)
    .bind(short(reason))
    .bind(entry.log.as_bytes())
    .execute(tx)
    .await?;
    Ok(())
}

/// Says of a dead letter why it still is one.
pub async fn note_reason(tx: &mut PgConnection, entry: &Entry, reason: &str) -> Result<(), IndexerError> {
    sqlx::query("update dead_letter set reason = $4 where height = $1 and receipt_id = $2 and log_index = $3")
        .bind(signed(entry.height)?)
        .bind(&entry.receipt_id)
        .bind(entry.log_index)
        .bind(short(reason))
        .execute(tx)
        .await?;
    Ok(())
}
