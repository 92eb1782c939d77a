//! Waiting until the tables stand at a height: whoever changed something on the chain sees it here.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Api;
use super::problem::Problem;
use crate::store;

/// As long as a request waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the database is asked where another process writes to it, once for all who wait.
const POLL: Duration = Duration::from_millis(100);

/// What the database said last, and when.
#[derive(Default)]
pub struct Standing(Mutex<Option<(Instant, Option<u64>)>>);

impl Standing {
    async fn ask(&self, api: &Api) -> Result<Option<u64>, Problem> {
        let mut last = self.0.lock().await;
        if let Some((at, height)) = *last
            && at.elapsed() < POLL
        {
            return Ok(height);
        }
        let mut connection = api.pool.acquire().await?;
        let height = store::mirrored(&mut connection).await?.map(|mirrored| mirrored.cursor.height);
        *last = Some((Instant::now(), height));
        Ok(height)
    }
}

/// Returns once the tables stand at a height or above it.
pub async fn reach(api: &Api, height: u64) -> Result<(), Problem> {
    let mut changes = api.watch.subscribe();
    let asked = Instant::now();
    loop {
        let seen = api.watch.seen();
        // Who writes in this process tells of every commit.
        let stands = if seen.here { seen.indexed } else { api.standing.ask(api).await? };
        if stands >= Some(height) {
            return Ok(());
        }
        let left = PATIENCE.saturating_sub(asked.elapsed());
        if left.is_zero() {
            return Err(Problem::behind(height, stands));
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(left.min(POLL)) => {}
        }
    }
}
