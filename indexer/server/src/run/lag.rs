//! Whoever is asked and shows less than another node, for too long.

use std::time::Duration;

use tokio::time::Instant;

use crate::watch::Seen;

/// Blocks that another node may be ahead: the two were asked at different times.
const BLOCKS_MAX: u64 = 20;

/// Since when another node is ahead of the one that is asked.
pub struct Lag {
    time_max: Duration,
    since: Option<Instant>,
}

impl Lag {
    pub fn new(time_max: Duration) -> Self {
        Self { time_max, since: None }
    }

    /// What the node that leads no further is to blame for, if it is time. `leads_to` is the newest block that it shows, or
    /// the last one in the tables if it proves nothing beyond that.
    pub fn blames(&mut self, seen: &Seen, leads_to: u64, now: Instant) -> Option<String> {
        let furthest = seen.furthest.filter(|furthest| *furthest > leads_to.saturating_add(BLOCKS_MAX));
        let Some(furthest) = furthest else {
            self.since = None;
            return None;
        };
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.time_max {
            return None;
        }
        // Whoever is asked now gets as long.
        self.since = None;
        Some(format!("it leads no further than to block {leads_to}, and another node shows {furthest}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{BLOCKS_MAX, Lag};
    use crate::watch::Seen;

    #[test]
    fn a_node_is_blamed_that_stays_behind_and_not_one_that_catches_up() {
        let time = Duration::from_secs(30);
        let (mut lag, begin) = (Lag::new(time), Instant::now());
        let seen = |furthest| Seen { furthest, ..Seen::default() };
        let ahead = seen(Some(101 + BLOCKS_MAX));
        assert_eq!(lag.blames(&ahead, 100, begin), None);
        assert_eq!(lag.blames(&ahead, 101, begin + time), None, "it is close enough");
        assert_eq!(lag.blames(&seen(None), 100, begin + time), None, "nobody shows more");
        assert_eq!(lag.blames(&ahead, 100, begin + time), None, "it begins anew");
        assert_eq!(lag.blames(&ahead, 100, begin + time + time / 2), None);
        assert!(lag.blames(&ahead, 100, begin + time * 2).is_some());
        assert_eq!(lag.blames(&ahead, 100, begin + time * 2), None, "the next one has its time");
    }
}
