//! Compares the tables with the contracts at the block of the cursor, and with their own events.

mod check;
mod events;
mod found;
mod moments;
mod part;
mod prove;
mod shadows;

use std::time::Duration;

use charter_client::{Contracts, Rpc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgPool, Row};

use crate::IndexerError;
use crate::escape::escape_json;
use crate::light::Trust;
use crate::store;
use check::Check;

pub use moments::EXCHANGING;
pub use prove::{Proof, Verdict};

/// The result of one comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The block at which it began.
    pub height: u64,
    /// The block of what was compared last: on the embedded database the tables go on meanwhile.
    #[serde(default)]
    pub to_height: u64,
    /// Rows and events compared.
    pub rows: u64,
    pub mismatches: u64,
    /// Events that could not be read or applied. What they changed is missing in the tables, and may be among the
    /// mismatches.
    #[serde(default)]
    pub dead_letters: u64,
    /// The first mismatches, in words.
    pub detail: Vec<String>,
    /// What was to be proven, and what came of it. One that differs is a mismatch.
    #[serde(default)]
    pub proofs: Vec<Proof>,
}

/// How a comparison is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thoroughness {
    /// Who is believed that the block of the tables is the chain's.
    pub trust: Trust,
    /// Whether the end of each contract's chain of events is looked up in its state, with a proof.
    pub prove: bool,
}

/// How often a comparison begins anew because dead letters were applied meanwhile.
const TRIES: u32 = 3;
/// Until the first comparison of a database that nobody compared yet, if there is not less time between two.
const FIRST: Duration = Duration::from_mins(1);

/// Compares every table with its truth. `None`: the database is still empty.
pub async fn verify(pool: &PgPool, rpc: &Rpc, contracts: &Contracts) -> Result<Option<Report>, IndexerError> {
    verify_as(pool, rpc, contracts, Thoroughness::default()).await
}

/// The same, and proves what can be proven.
pub async fn verify_as(
    pool: &PgPool,
    rpc: &Rpc,
    contracts: &Contracts,
    how: Thoroughness,
) -> Result<Option<Report>, IndexerError> {
    for _ in 0..TRIES {
        let Some(check) = Check::start(pool, rpc, contracts).await? else { return Ok(None) };
        if let Some(mut report) = check.run().await? {
            report.proofs = prove::prove(pool, rpc, contracts, how).await?;
            for proof in report.proofs.iter().filter(|proof| proof.verdict == Verdict::Differs) {
                report.mismatches += 1;
                report.detail.push(proof.to_string());
            }
            note(pool, &report).await?;
            return Ok(Some(report));
        }
    }
    Err(IndexerError::CursorMoved)
}

async fn note(pool: &PgPool, report: &Report) -> Result<(), IndexerError> {
    sqlx::query(
        "insert into verify_run (height, to_height, rows, mismatches, dead_letters, detail)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(store::signed(report.height)?)
    .bind(store::signed(report.to_height)?)
    .bind(store::signed(report.rows)?)
    .bind(store::signed(report.mismatches)?)
    .bind(store::signed(report.dead_letters)?)
    .bind(escape_json(json!(report.detail)))
    .execute(pool)
    .await?;
    Ok(())
}

/// Compares again and again, each time `every` so long after the last one, whoever that was. What goes wrong is logged,
/// and tried again when the next one would be due.
pub async fn verify_every(pool: &PgPool, rpc: &Rpc, contracts: &Contracts, every: Duration) {
    let mut pause = until_due(pool, every).await.unwrap_or(every);
    loop {
        tokio::time::sleep(pause).await;
        match verify(pool, rpc, contracts).await {
            Ok(Some(Report { height, mismatches, detail, .. })) if mismatches > 0 => {
                tracing::error!(height, mismatches, ?detail, "the tables are not as the contracts have them");
            }
            Ok(Some(Report { height, rows, .. })) => tracing::info!(height, rows, "compared, no mismatch"),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the tables could not be compared"),
        }
        pause = every;
    }
}

/// How long it is until a comparison is due.
async fn until_due(pool: &PgPool, every: Duration) -> Result<Duration, IndexerError> {
    let text =
        "select (extract(epoch from clock_timestamp() - max(finished_at)) * 1000)::bigint as ago from verify_run";
    let ago: Option<i64> = sqlx::query(text).fetch_one(pool).await?.try_get("ago")?;
    Ok(pause(ago.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default())), every))
}

/// The same, by how long ago the last one was.
fn pause(ago: Option<Duration>, every: Duration) -> Duration {
    ago.map_or(every.min(FIRST), |ago| every.saturating_sub(ago))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::pause;

    #[test]
    fn one_is_due_so_long_after_the_last_and_soon_if_there_was_none() {
        let hours = Duration::from_hours;
        assert_eq!(pause(Some(Duration::from_mins(20)), hours(1)), Duration::from_mins(40));
        assert_eq!(pause(Some(hours(3)), hours(1)), Duration::ZERO);
        assert_eq!(pause(None, hours(1)), Duration::from_mins(1));
        assert_eq!(pause(None, Duration::from_secs(5)), Duration::from_secs(5));
    }
}
