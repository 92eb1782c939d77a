//! How fast a node is asked: a bucket of tokens, narrower after a refusal for haste, and wider again while nothing is
//! refused. Time is an argument.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// What a node elsewhere is asked if nobody says more.
const USUAL_REQUESTS: i128 = 20;
const USUAL_TIME: Duration = Duration::from_secs(1);
/// Longest time that a rate may be for.
const RATE_TIME_MAX: Duration = Duration::from_hours(24);

/// A bucket's whole width, in thousandths, and the least that refusals leave of it.
const WHOLE: i128 = 1_000;
const NARROWEST: i128 = 10;
/// How much comes back in each time in which nothing is refused.
const WIDENED: i128 = 50;
/// What is refused within so long is refused for one and the same haste.
const STEP_TIME: Duration = Duration::from_secs(1);

/// How fast each node is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rate {
    /// A node on this machine as fast as it answers, any other 20 times a second.
    #[default]
    Usual,
    Unlimited,
    /// So many times within a time, and as many at once.
    AtMost {
        requests: NonZeroU32,
        within: Duration,
    },
}

/// A token bucket in whole numbers: each nanosecond brings `requests × share` to `level`, and a request takes `cost`.
#[derive(Debug)]
struct Bucket {
    requests: i128,
    cost: i128,
    /// How much of the rate is left by refusals, in thousandths.
    share: i128,
    /// Below zero requests are waiting for their turn.
    level: i128,
    filled: Instant,
    narrowed: Option<Instant>,
    changed: Instant,
}

fn nanos(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).unwrap_or(i128::MAX)
}

impl Bucket {
    fn new(requests: i128, within: Duration, now: Instant) -> Self {
        let cost = nanos(within.min(RATE_TIME_MAX)) * WHOLE;
        Self { requests, cost, share: WHOLE, level: requests * cost, filled: now, narrowed: None, changed: now }
    }

    fn fill(&mut self, now: Instant) {
        let passed = nanos(now.saturating_duration_since(self.filled));
        let brought = passed.saturating_mul(self.requests * self.share);
        self.level = self.level.saturating_add(brought).min(self.requests * self.cost);
        self.filled = self.filled.max(now);
    }

    /// How long a request waits for its token. One that would have to wait longer than `patience` takes none.
    fn take(&mut self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        self.fill(now);
        let missing = (self.cost - self.level).max(0);
        let speed = self.requests * self.share;
        // Rounded up: a moment too early would be too many.
        let wait = Duration::from_nanos(u64::try_from((missing + speed - 1) / speed).unwrap_or(u64::MAX));
        if wait > patience {
            return Err(wait);
        }
        self.level -= self.cost;
        Ok(wait)
    }

    /// Half as fast from now on, and nothing saved up.
    fn narrow(&mut self, now: Instant) {
        if self.narrowed.is_some_and(|narrowed| now.saturating_duration_since(narrowed) < STEP_TIME) {
            return;
        }
        self.fill(now);
        self.share = (self.share / 2).max(NARROWEST);
        self.level = self.level.min(0);
        (self.narrowed, self.changed) = (Some(now), now);
    }

    fn widen(&mut self, now: Instant) {
        if self.share < WHOLE && now.saturating_duration_since(self.changed) >= STEP_TIME {
            self.fill(now);
            self.share = (self.share + WIDENED).min(WHOLE);
            self.changed = now;
        }
    }
}

/// When a node may be asked next.
#[derive(Debug)]
pub(super) struct Pace {
    /// `None`: as often as somebody likes.
    bucket: Option<Bucket>,
    paused_until: Option<Instant>,
}

impl Pace {
    pub fn new(rate: Rate, is_near: bool, now: Instant) -> Self {
        let bucket = match rate {
            Rate::Usual => (!is_near).then(|| Bucket::new(USUAL_REQUESTS, USUAL_TIME, now)),
            Rate::Unlimited => None,
            Rate::AtMost { requests, within } => Some(Bucket::new(requests.get().into(), within, now)),
        };
        Self { bucket, paused_until: None }
    }

    /// For how long the node asked not to be asked.
    pub fn pause_left(&self, now: Instant) -> Duration {
        self.paused_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Takes a turn, and says how long to wait for it; fails, and takes none, if that were longer than `patience`.
    pub fn take(&mut self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let pause = self.pause_left(now);
        let Some(left) = patience.checked_sub(pause) else { return Err(pause) };
        let Some(bucket) = &mut self.bucket else { return Ok(pause) };
        match bucket.take(now + pause, left) {
            Ok(wait) => Ok(pause.saturating_add(wait)),
            Err(wait) => Err(pause.saturating_add(wait)),
        }
    }

    /// The node wants to be left alone until then.
    pub fn pause(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    /// The node was asked too fast.
    pub fn slow_down(&mut self, now: Instant) {
        if let Some(bucket) = &mut self.bucket {
            bucket.narrow(now);
        }
    }

    /// The node answered.
    pub fn went_well(&mut self, now: Instant) {
        if let Some(bucket) = &mut self.bucket {
            bucket.widen(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use proptest::{collection, proptest};
    use tokio::time::Instant;

    use super::{Pace, Rate};

    const PATIENT: Duration = Duration::from_hours(1);

    fn pace(requests: u32, within_ms: u64, now: Instant) -> Pace {
        let requests = NonZeroU32::new(requests).unwrap();
        Pace::new(Rate::AtMost { requests, within: Duration::from_millis(within_ms) }, true, now)
    }

    /// How long each of so many requests waits that are made at once.
    fn waits(pace: &mut Pace, now: Instant, number: usize) -> Vec<u128> {
        (0..number).map(|_| pace.take(now, PATIENT).unwrap().as_millis()).collect()
    }

    #[test]
    fn what_was_saved_up_goes_at_once_and_the_rest_at_the_rate() {
        let start = Instant::now();
        let mut pace = pace(4, 1_000, start);
        assert_eq!(waits(&mut pace, start, 7), [0, 0, 0, 0, 250, 500, 750]);
        // Five of the seven are over, and two come first.
        assert_eq!(waits(&mut pace, start + Duration::from_millis(250), 1), [750]);
        // However long nobody asks, no more is saved up.
        assert_eq!(waits(&mut pace, start + Duration::from_hours(9), 5), [0, 0, 0, 0, 250]);
    }

    #[test]
    fn who_can_not_wait_takes_nothing() {
        let start = Instant::now();
        let mut pace = pace(1, 1_000, start);
        let asked = |pace: &mut Pace, patience| pace.take(start, Duration::from_millis(patience));
        assert_eq!(asked(&mut pace, 0), Ok(Duration::ZERO));
        for _ in 0..9 {
            assert_eq!(asked(&mut pace, 999), Err(Duration::from_secs(1)));
        }
        assert_eq!(asked(&mut pace, 1_000), Ok(Duration::from_secs(1)));
    }

    #[test]
    fn only_nodes_elsewhere_have_a_rate_of_their_own_accord() {
        let now = Instant::now();
        for (rate, is_near, waiting) in [(Rate::Usual, true, 0), (Rate::Usual, false, 80), (Rate::Unlimited, false, 0)]
        {
            let mut pace = Pace::new(rate, is_near, now);
            let waits = waits(&mut pace, now, 100);
            assert_eq!(waits.iter().filter(|wait| **wait > 0).count(), waiting, "{rate:?} {is_near}");
        }
    }

    #[test]
    fn haste_halves_the_rate_once_and_quiet_brings_it_back_step_by_step() {
        let start = Instant::now();
        let mut pace = pace(10, 1_000, start);
        // Nine that were under way together are refused together.
        for _ in 0..9 {
            pace.slow_down(start);
        }
        assert_eq!(waits(&mut pace, start, 2), [200, 400]);
        let mut now = start + Duration::from_secs(1);
        pace.slow_down(now);
        assert_eq!(waits(&mut pace, now, 2), [400, 800]);
        // From a quarter to the whole in steps of a twentieth; answers within a step's time count once.
        for step in 1..=15 {
            now += Duration::from_secs(1);
            pace.went_well(now);
            pace.went_well(now);
            let gap = 100_000 / (250 + 50 * step);
            let two = waits(&mut pace, now + Duration::from_mins(1), 11);
            assert!(two[..10].iter().all(|wait| *wait == 0) && two[10] >= gap && two[10] <= gap + 1, "{step}: {two:?}");
            now += Duration::from_mins(1);
        }
        assert_eq!(waits(&mut pace, now + Duration::from_secs(9), 11)[10], 100);
    }

    #[test]
    fn refusals_never_stop_a_node_altogether() {
        let mut now = Instant::now();
        let mut pace = pace(10, 1_000, now);
        for _ in 0..40 {
            now += Duration::from_secs(1);
            pace.slow_down(now);
        }
        assert_eq!(waits(&mut pace, now, 1), [10_000], "one in a hundred is left");
    }

    #[test]
    fn a_pause_is_waited_for_and_the_longest_counts() {
        let now = Instant::now();
        let mut pace = Pace::new(Rate::Unlimited, false, now);
        pace.pause(now + Duration::from_secs(5));
        pace.pause(now + Duration::from_secs(2));
        assert_eq!(pace.take(now, Duration::from_secs(4)), Err(Duration::from_secs(5)));
        assert_eq!(pace.take(now, Duration::from_secs(5)), Ok(Duration::from_secs(5)));
        assert_eq!(pace.take(now + Duration::from_secs(5), Duration::ZERO), Ok(Duration::ZERO));
    }

    proptest! {
        /// Forget to round up, to cap what is saved up, or to take a token, and there is a time with too many in it.
        #[test]
        fn no_time_has_more_requests_than_the_rate_allows(
            requests in 1_u32..8,
            within_ms in 1_u64..3_000,
            gaps_ms in collection::vec(0_u64..700, 1..60),
        ) {
            let mut now = Instant::now();
            let mut pace = pace(requests, within_ms, now);
            let mut sent = Vec::new();
            for gap_ms in gaps_ms {
                now += Duration::from_millis(gap_ms);
                sent.push(now + pace.take(now, PATIENT).unwrap());
            }
            for (first, from) in sent.iter().enumerate() {
                for (last, until) in sent.iter().enumerate().skip(first) {
                    let (number, time) = (u128::try_from(last - first + 1).unwrap(), until.duration_since(*from));
                    let within = u128::from(within_ms) * 1_000_000;
                    // What was saved up at the beginning, and what came in since.
                    let allowed = u128::from(requests) * (within + time.as_nanos());
                    assert!(number * within <= allowed, "{number} within {time:?}");
                }
            }
        }
    }
}
