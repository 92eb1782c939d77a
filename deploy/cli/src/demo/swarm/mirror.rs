//! The tables, written while the crowd is at work.

use std::sync::Arc;
use std::time::Duration;

use charter_client::At;
use charter_indexer::{Database, Indexer, Progress};
use tokio::sync::watch;

use super::Ground;
use super::phases::Phases;

/// How often it is looked whether there is something new, and how long trouble that may pass is waited out.
const POLL: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(500);

pub struct Mirror {
    indexer: Indexer,
    ground: Arc<Ground>,
}

impl Mirror {
    pub async fn open(ground: &Arc<Ground>, database: &Database) -> anyhow::Result<Self> {
        let (rpc, pool) = (ground.rpc.clone(), database.pool().clone());
        Ok(Self { indexer: Indexer::open(rpc, &ground.contracts, pool).await?, ground: Arc::clone(ground) })
    }

    /// Writes what comes, until everything has come.
    pub async fn follow(mut self, mut finished: watch::Receiver<bool>) -> anyhow::Result<()> {
        while !*finished.borrow_and_update() {
            match self.indexer.step().await {
                Ok(Progress::Advanced { height, events }) => {
                    self.ground.tally.mirrored(u64::try_from(events)?, height);
                }
                Ok(Progress::WentBack { .. }) => {}
                Ok(Progress::Idle) => tokio::time::sleep(POLL).await,
                Err(error) if error.is_transient() => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Waits until the tables are where the chain is.
pub async fn caught_up(ground: &Arc<Ground>, phases: &mut Phases) -> anyhow::Result<()> {
    let head = ground.rpc.block(At::Final).await?.header.height;
    let from = ground.tally.indexed();
    let behind = async {
        let mut known = from;
        while known < head {
            tokio::time::sleep(POLL).await;
            let now = ground.tally.indexed();
            ground.tally.add(now.saturating_sub(known));
            known = now;
        }
        anyhow::Ok(())
    };
    phases.play("catch-up", "blocks", head.saturating_sub(from), behind).await
}
