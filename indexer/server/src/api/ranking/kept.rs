//! Rankings that were computed: whoever asks for one again, of the same state of the tables, waits for nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use charter_types::asset::Asset;
use serde_json::Map;

use crate::api::problem::Problem;
use crate::api::snapshot::Moment;
use crate::ranking::Ranked;

/// As long as whoever asks waits for those that asked before.
const PATIENCE: Duration = Duration::from_secs(10);
/// Assets whose ranking is kept, each as of one block: all agents, with 48 bytes for each.
const ASSETS_MAX: usize = 8;

/// Who asks.
pub struct Asked {
    pub asset: Asset,
    /// Before any table was looked at.
    pub at: Instant,
    /// How the tables were then.
    pub moment: Moment,
}

/// All agents in their order.
pub struct Kept {
    pub asset: Asset,
    /// Before any table was looked at.
    pub begun: Instant,
    /// The state of the tables that it is of.
    pub moment: Moment,
    pub list: Vec<Ranked>,
}

impl Kept {
    /// Whether it is of the state that was asked about, or of a later one.
    fn answers(&self, asked: &Asked) -> bool {
        self.asset == asked.asset && (self.moment == asked.moment || self.begun >= asked.at)
    }
}

/// What was computed last, for the assets that were asked for last.
#[derive(Default)]
pub struct Rankings {
    /// What was asked for last comes first.
    kept: Mutex<VecDeque<Arc<Kept>>>,
    /// Whoever computes.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Rankings {
    /// What is kept, or what `compute` makes, which is kept then. All that was ever paid is read for it, so that other
    /// answers don't wait for more than one at a time; whoever asks meanwhile takes what comes of it.
    pub async fn get(
        self: &Arc<Self>,
        asked: &Asked,
        compute: impl Future<Output = Result<Kept, Problem>> + Send + 'static,
    ) -> Result<Arc<Kept>, Problem> {
        if let Some(known) = self.find(asked) {
            return Ok(known);
        }
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turn).lock_owned()).await;
        let turn = turn.map_err(|_| Problem::not_ready("others ask for rankings".to_owned(), Map::new()))?;
        // Who had the turn before may have computed it.
        if let Some(known) = self.find(asked) {
            return Ok(known);
        }
        let rankings = Arc::clone(self);
        // Who hangs up ends its request, and not the statement: the next one waits for that all the same.
        let computed = tokio::spawn(async move {
            let _turn = turn;
            let made = Arc::new(compute.await?);
            rankings.keep(Arc::clone(&made));
            Ok::<_, Problem>(made)
        });
        computed.await.unwrap_or_else(|_| Err(Problem::not_ready("the server stops".to_owned(), Map::new())))
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, asked: &Asked) -> Option<Arc<Kept>> {
        let mut kept = self.kept();
        let place = kept.iter().position(|known| known.answers(asked))?;
        let found = kept.remove(place)?;
        kept.push_front(Arc::clone(&found));
        Some(found)
    }

    fn keep(&self, made: Arc<Kept>) {
        let mut kept = self.kept();
        kept.retain(|known| known.asset != made.asset);
        kept.push_front(made);
        kept.truncate(ASSETS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use charter_types::asset::Asset;
    use serde_json::Map;
    use tokio::sync::Semaphore;

    use super::{ASSETS_MAX, Asked, Kept, Rankings};
    use crate::api::problem::Problem;
    use crate::api::snapshot::Moment;

    /// A state of the tables, told from others by its number.
    fn moment(number: u64) -> Moment {
        Moment { mirrored: None, dead_letters: number }
    }

    fn token(number: usize) -> Asset {
        Asset::Nep141(format!("t{number}.near").parse().unwrap())
    }

    fn asked(asset: Asset, number: u64) -> Asked {
        Asked { asset, at: Instant::now(), moment: moment(number) }
    }

    fn list(asset: Asset, number: u64) -> Kept {
        Kept { asset, begun: Instant::now(), moment: moment(number), list: Vec::new() }
    }

    fn problem() -> Problem {
        Problem::not_ready("it can't be computed".to_owned(), Map::new())
    }

    /// Leave out the second look, and each that waited computes it again; leave out both, and so does everybody.
    #[tokio::test]
    async fn who_asks_at_once_shares_one_computation_and_who_asks_later_takes_what_is_kept() {
        const ASKERS: usize = 20;
        let rankings = Arc::new(Rankings::default());
        let (count, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let tasks: Vec<_> = (0..ASKERS)
            .map(|_| {
                let (rankings, count, go) = (Arc::clone(&rankings), Arc::clone(&count), Arc::clone(&go));
                tokio::spawn(async move {
                    let compute = async move {
                        count.fetch_add(1, Ordering::Relaxed);
                        go.acquire().await.unwrap().forget();
                        Ok(list(Asset::Near, 1))
                    };
                    rankings.get(&asked(Asset::Near, 1), compute).await.is_ok()
                })
            })
            .collect();
        // The first of them is at it, and the others wait.
        while count.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        go.add_permits(ASKERS);
        for task in tasks {
            assert!(task.await.unwrap());
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert!(rankings.get(&asked(Asset::Near, 1), async { Err(problem()) }).await.is_ok());
        // Another state, and another asset, are computed.
        for (asset, number) in [(Asset::Near, 2), (token(1), 2)] {
            let (question, made) = (asked(asset.clone(), number), list(asset, number));
            assert_eq!(rankings.get(&question, async { Ok(made) }).await.unwrap().moment, moment(number));
        }
    }

    /// While one computes, blocks come: whoever asked before the next computation began takes what comes of that.
    #[test]
    fn a_later_state_than_the_one_asked_about_is_an_answer_and_an_earlier_one_is_none() {
        let rankings = Rankings::default();
        let before = asked(Asset::Near, 1);
        let made = Kept { begun: before.at + Duration::from_millis(1), ..list(Asset::Near, 3) };
        let after = Asked { at: made.begun + Duration::from_millis(1), ..asked(Asset::Near, 4) };
        rankings.keep(Arc::new(made));
        assert_eq!(rankings.find(&before).unwrap().moment, moment(3));
        assert!(rankings.find(&after).is_none());
        assert!(rankings.find(&Asked { moment: moment(3), ..after }).is_some());
    }

    #[test]
    fn of_as_many_assets_as_a_stranger_asks_for_few_are_kept_and_those_asked_for_last() {
        let rankings = Rankings::default();
        for number in 0..100 {
            rankings.keep(Arc::new(list(Asset::Near, 1)));
            rankings.keep(Arc::new(list(token(number), 1)));
            assert!(rankings.kept().len() <= ASSETS_MAX, "{number}");
        }
        assert!(rankings.find(&asked(Asset::Near, 1)).is_some());
        assert_eq!(rankings.kept().len(), ASSETS_MAX);
        assert!(rankings.find(&asked(token(0), 1)).is_none());
        // One that is asked for again and again stays, though others are computed.
        for number in 0..100 {
            assert!(rankings.find(&asked(Asset::Near, 1)).is_some(), "{number}");
            rankings.keep(Arc::new(list(token(number), 2)));
        }
        // Of an asset there is one.
        rankings.keep(Arc::new(list(Asset::Near, 2)));
        assert_eq!(rankings.kept().iter().filter(|known| known.asset == Asset::Near).count(), 1);
    }

    #[tokio::test]
    async fn what_failed_is_not_kept() {
        let rankings = Arc::new(Rankings::default());
        let question = asked(Asset::Near, 1);
        assert!(rankings.get(&question, async { Err(problem()) }).await.is_err());
        assert!(rankings.get(&question, async { Ok(list(Asset::Near, 1)) }).await.is_ok());
    }
}
