//! Where a step is at work, and whoever notices that it hangs there.
//!
//! All that a step waits for has a limit of its own: an answer of the node, a statement, a lock. What has none is a
//! connection that died without a word, or a fault of ours. A supervisor mends either with a restart, if only it is
//! told.

use std::sync::Arc;
use std::time::Duration;

use charter_client::{At, Rpc};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::IndexerError;

/// How often a node is asked that did not say anything of use.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What a step is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing.
    Pause,
    Head,
    Blocks,
    Receipts,
    /// Looking for events that were kept back.
    Back,
    Connection,
    /// Looking up whether a step was committed whose answer was lost.
    Settle,
    Commit,
}

impl Stage {
    /// In words that go on after "it hangs".
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "between steps",
            Self::Head => "asking the node for its head",
            Self::Blocks => "asking the node for the next blocks",
            Self::Receipts => "asking the node for receipts and their proofs",
            Self::Back => "asking the node for events that are missing",
            Self::Connection => "waiting for a connection to the database",
            Self::Settle => "looking up what was committed",
            Self::Commit => "committing to the database",
        }
    }
}

/// A sign of life.
#[derive(Clone, Copy, Debug)]
struct Beat {
    stage: Stage,
    at: Instant,
}

/// The signs of life of whoever is at work.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<watch::Sender<Beat>>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Beat { stage: Stage::Pause, at: Instant::now() })))
    }
}

impl Pulse {
    /// Another stage begins.
    pub fn enter(&self, stage: Stage) {
        self.0.send_replace(Beat { stage, at: Instant::now() });
    }

    /// The stage takes long, and goes on.
    pub fn beat(&self) {
        self.0.send_modify(|beat| beat.at = Instant::now());
    }

    fn last(&self) -> Beat {
        *self.0.borrow()
    }
}

/// Watches over steps.
pub struct Watchdog {
    pub rpc: Rpc,
    pub pulse: Pulse,
    /// How long a step may be without a sign of life.
    pub patience: Duration,
}

impl Watchdog {
    /// Resolves if a step hangs although the node has blocks that are not in the tables. A node that does not answer is
    /// what a step may well wait for.
    pub async fn barks(&self, indexed: u64) -> IndexerError {
        loop {
            let last = self.pulse.last();
            sleep_until(last.at + self.patience).await;
            if self.pulse.last().at != last.at {
                continue;
            }
            let told = timeout(self.patience, self.rpc.block(At::Final)).await;
            let head = told.ok().and_then(Result::ok).map_or(0, |block| block.header.height);
            if head > indexed && self.pulse.last().at == last.at {
                let (stage, seconds) = (last.stage.name(), last.at.elapsed().as_secs());
                tracing::error!(stage, seconds, indexed, head, "the indexer hangs");
                return IndexerError::Stuck { stage, seconds, head };
            }
            sleep(ASK_AGAIN.min(self.patience)).await;
        }
    }
}
