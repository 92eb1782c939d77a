//! Step after step until somebody asks to stop, with whoever watches over them.

use std::sync::Arc;
use std::time::Duration;

use super::lag::Lag;
use super::{Indexer, Progress};
use crate::IndexerError;
use crate::lookout::Lookout;
use crate::pulse::Watchdog;
use crate::wait::Wait;

/// How often an idle indexer looks for a new block.
const POLL: Duration = Duration::from_millis(50);
/// How long a step may take to be committed that was at work when the indexer was asked to stop.
const DRAIN_TIME: Duration = Duration::from_secs(5);

impl Indexer {
    /// Runs until `stop` resolves. Then nothing more is read, and what was read is committed, unless that takes too
    /// long. Trouble that may pass is waited out, however long it takes; anything else ends the run, and so does a step
    /// that hangs.
    pub async fn run(&mut self, stop: impl Future<Output = ()>) -> Result<(), IndexerError> {
        let lookout = Lookout::new(self.source.rpc(), self.pool.clone(), self.source.light().is_some());
        let looking = lookout.look_around(self.look_around, self.watch.clone());
        // It goes on in pauses, and while a step comes to its end, too.
        tokio::select! {
            done = Box::pin(self.go_on(stop)) => done,
            () = looking => Ok(()),
        }
    }

    async fn go_on(&mut self, stop: impl Future<Output = ()>) -> Result<(), IndexerError> {
        tokio::pin!(stop);
        let (rpc, pulse) = (self.source.rpc().clone(), self.pulse.clone());
        let watchdog = Watchdog { rpc, pulse, patience: self.patience };
        let stopping = Arc::clone(&self.stopping);
        stopping.send_replace(false);
        let (mut wait, mut lag) = (Wait::default(), Lag::new(self.lag_time));
        loop {
            let indexed = self.cursor.height;
            let done = {
                let step = self.step();
                tokio::pin!(step);
                tokio::select! {
                    biased;
                    () = &mut stop => {
                        stopping.send_replace(true);
                        return drained(step).await;
                    }
                    done = &mut step => done,
                    stuck = watchdog.barks(indexed) => return Err(stuck),
                }
            };
            let pause = match done {
                Ok(progress) => {
                    wait.over();
                    self.judge_pace(progress, &mut lag);
                    if matches!(progress, Progress::Advanced { .. }) {
                        continue;
                    }
                    POLL
                }
                Err(error) if error.is_transient() => wait.after(&error),
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = &mut stop => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Passes a node over that leads no further, though another one does.
    fn judge_pace(&self, progress: Progress, lag: &mut Lag) {
        let seen = self.watch.seen();
        let leads_to = match progress {
            Progress::Idle => self.cursor.height,
            Progress::Advanced { .. } | Progress::WentBack { .. } => seen.head.unwrap_or_default(),
        };
        if let Some(reason) = lag.blames(&seen, leads_to, tokio::time::Instant::now()) {
            tracing::warn!(reason, "the node that is asked is passed over");
            self.source.suspects().blame_for_head(&reason);
        }
    }
}

/// Lets a step come to its end that was told to stop reading.
async fn drained(step: impl Future<Output = Result<Progress, IndexerError>>) -> Result<(), IndexerError> {
    match tokio::time::timeout(DRAIN_TIME, step).await {
        Ok(Err(error)) if !error.is_transient() => Err(error),
        Ok(_) => Ok(()),
        Err(_) => {
            tracing::warn!("stopped before a step was committed: it is read again next time");
            Ok(())
        }
    }
}
