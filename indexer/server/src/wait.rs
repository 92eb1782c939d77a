//! Waiting for a node or a database that is not there at the moment: longer each time, and said once.

use std::time::{Duration, Instant};

use crate::IndexerError;

/// Pause after the first failure; each is twice the one before.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest one: so late is it noticed at worst that what was waited for is back.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Attempts that failed one after the other.
pub struct Wait {
    pause: Duration,
    since: Option<Instant>,
    /// Why, as it was said last.
    reason: Option<String>,
}

impl Default for Wait {
    fn default() -> Self {
        Self { pause: PAUSE_MIN, since: None, reason: None }
    }
}

impl Wait {
    /// How long to wait after an attempt that failed. Says why, unless that was said.
    pub fn after(&mut self, error: &IndexerError) -> Duration {
        // Somebody may have to see to it, so it is an error, though none for this program.
        if self.is_news(error.to_string()) {
            tracing::error!(%error, "waiting for {}", error.party());
        }
        self.since.get_or_insert_with(Instant::now);
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE_MAX);
        pause
    }

    fn is_news(&mut self, reason: String) -> bool {
        let is_news = self.reason.as_ref() != Some(&reason);
        self.reason = Some(reason);
        is_news
    }

    /// An attempt succeeded.
    pub fn over(&mut self) {
        if let Some(since) = self.since {
            tracing::warn!(seconds = since.elapsed().as_secs(), "going on after a wait");
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PAUSE_MAX, PAUSE_MIN, Wait};
    use crate::IndexerError;

    #[test]
    fn pauses_get_longer_up_to_a_limit_and_begin_anew() {
        let mut wait = Wait::default();
        let pauses = [PAUSE_MIN; 9].map(|_| wait.after(&IndexerError::CursorMoved));
        assert_eq!((pauses[0], pauses[1], pauses[8]), (PAUSE_MIN, PAUSE_MIN * 2, PAUSE_MAX));
        assert!(pauses.is_sorted());
        wait.over();
        assert_eq!(wait.after(&IndexerError::CursorMoved), PAUSE_MIN);
    }

    #[test]
    fn a_reason_is_said_once_until_it_is_another() {
        let mut wait = Wait::default();
        let said = ["gone", "gone", "full", "full", "gone"].map(|reason| wait.is_news(reason.to_owned()));
        assert_eq!(said, [true, false, true, false, true]);
        wait.after(&IndexerError::CursorMoved);
        wait.over();
        assert!(wait.is_news("gone".to_owned()));
    }
}
