//! Transactions that wait for a block: each key's by nonce, keys in the order in which they came.
//!
//! nearcore's blocks are so far apart that transactions which overtook each other on the way are put in order by its pool.
//! A chain that makes a block at once has to wait for what is missing before a transaction with a gap in front of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use near_crypto::PublicKey;
use near_primitives::hash::CryptoHash;
use near_primitives::transaction::{NonceMode, SignedTransaction};
use near_primitives::types::{AccountId, BlockHeight, Nonce, NonceIndex};

/// How long a gap in a key's nonces is waited for once nothing comes from anybody: no longer than for the next block of
/// nearcore's sandbox, and long enough for a busy machine. Only a gap costs this.
const GAP_WAIT: Duration = Duration::from_millis(300);
/// Nobody sends so many at once: a nonce that leaves more out does it on purpose.
const GAP_NONCES_MAX: u64 = 10_000;
const WIDE_GAP_WAIT: Duration = Duration::from_millis(5);
/// How long a gap is waited for while others go on sending.
const GAP_WAIT_BESIDE_OTHERS: Duration = Duration::from_secs(3);
/// How long after a transaction came that a later one of its key had overtaken others may still be on their way.
const OVERTAKEN_WAIT: Duration = Duration::from_secs(2);
/// However many overtake each other: whoever waits for an outcome over RPC does so for longer.
const OVERTAKEN_WAIT_MAX: Duration = Duration::from_secs(5);
/// Blocks come this fast while a strict nonce waits, as only their number ends that.
const STRICT_NONCE_BLOCK: Duration = Duration::from_millis(10);
/// nearcore's `transaction_pool_strict_nonce_ttl_blocks`.
const STRICT_NONCE_BLOCKS: u64 = 64;

/// A key's nonces count by themselves, each of a gas key's too.
pub(super) type Key = (AccountId, PublicKey, Option<NonceIndex>);

#[derive(Clone)]
struct Waiting {
    signed: Arc<SignedTransaction>,
    /// A strict nonce may not leave a gap: from this height on it has waited long enough to be refused.
    given_up_at: Option<BlockHeight>,
}

/// What one key has waiting, by nonce and then by arrival.
#[derive(Clone)]
struct Queue {
    waiting: BTreeMap<(Nonce, i64), Waiting>,
    /// When the first of them came, or the last time that some could go.
    since: Instant,
}

/// What tells whether others are still on their way, of whichever key.
#[derive(Clone, Copy, Default)]
struct Arrivals {
    last: Option<Instant>,
    /// When the last one came that a later one of its key had overtaken.
    overtaken: Option<Instant>,
}

#[derive(Clone, Default)]
pub(super) struct Pool {
    queues: HashMap<Key, Queue>,
    arrivals: Arrivals,
    /// Places in the order of arrival: those that are given back come before all others.
    first_place: i64,
    next_place: i64,
}

/// When a block is made: what may go into it.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// The height of the head.
    pub height: BlockHeight,
    /// `None`: gaps are not waited for.
    pub now: Option<Instant>,
}

impl Queue {
    /// When the gap between the first of them and `next` has been waited for long enough.
    fn patience_ends(&self, next: Nonce, arrivals: Arrivals) -> Instant {
        let gap = self.waiting.first_key_value().map_or(0, |((nonce, _), _)| nonce.saturating_sub(next));
        if gap > GAP_NONCES_MAX {
            return self.since + WIDE_GAP_WAIT;
        }
        let quiet = (arrivals.last.unwrap_or(self.since) + GAP_WAIT).min(self.since + GAP_WAIT_BESIDE_OTHERS);
        let overtaken = arrivals.overtaken.map(|at| (at + OVERTAKEN_WAIT).min(self.since + OVERTAKEN_WAIT_MAX));
        overtaken.map_or(quiet, |overtaken| overtaken.max(quiet))
    }

    /// The places of those whose turn it is, `next` being the nonce that follows the key's.
    fn due(&self, next: Nonce, moment: Moment, arrivals: Arrivals) -> Vec<(Nonce, i64)> {
        let gap_allowed = moment.now.is_none_or(|now| self.patience_ends(next, arrivals) <= now);
        let mut next = next;
        let mut due = Vec::new();
        for ((nonce, place), waiting) in &self.waiting {
            let follows = *nonce <= next;
            let may_go = match waiting.given_up_at {
                None => follows || gap_allowed,
                Some(height) => follows || height <= moment.height,
            };
            if may_go {
                due.push((*nonce, *place));
            }
            // A strict nonce behind a gap goes only to be refused.
            if follows || (may_go && waiting.given_up_at.is_none()) {
                next = next.max(nonce.saturating_add(1));
            }
        }
        due
    }
}

impl Pool {
    fn insert(&mut self, signed: Arc<SignedTransaction>, place: i64, height: BlockHeight) {
        let tx = &signed.transaction;
        let now = Instant::now();
        let strict = tx.nonce_mode() == NonceMode::Strict;
        let nonce = tx.nonce().nonce();
        let key = (tx.signer_id().clone(), tx.public_key().clone(), tx.nonce().nonce_index());
        let queue = self.queues.entry(key).or_insert_with(|| Queue { waiting: BTreeMap::new(), since: now });
        self.arrivals.last = Some(now);
        // What is given back overtook nobody: it is put in front, last one first.
        let came = place >= 0;
        if came && queue.waiting.last_key_value().is_some_and(|((last, _), _)| nonce < *last) {
            self.arrivals.overtaken = Some(now);
        }
        let given_up_at = strict.then(|| height.saturating_add(STRICT_NONCE_BLOCKS));
        queue.waiting.insert((nonce, place), Waiting { signed, given_up_at });
    }

    pub fn push(&mut self, signed: Arc<SignedTransaction>, height: BlockHeight) {
        let place = self.next_place;
        self.next_place += 1;
        self.insert(signed, place, height);
    }

    /// Puts back what a block had taken, before everything that came since.
    pub fn give_back(&mut self, taken: Vec<Arc<SignedTransaction>>, height: BlockHeight) {
        for signed in taken.into_iter().rev() {
            self.first_place -= 1;
            self.insert(signed, self.first_place, height);
        }
    }

    pub fn clear(&mut self) {
        self.queues.clear();
    }

    pub fn len(&self) -> usize {
        self.queues.values().map(|queue| queue.waiting.len()).sum()
    }

    /// All that wait.
    pub fn hashes(&self) -> impl Iterator<Item = CryptoHash> {
        self.queues.values().flat_map(|queue| queue.waiting.values().map(|waiting| waiting.signed.get_hash()))
    }

    /// Whether a block at this moment would take something. `next_nonce` tells the nonce that follows a key's.
    pub fn has_due(&self, moment: Moment, next_nonce: impl Fn(&Key) -> Nonce) -> bool {
        self.queues.iter().any(|(key, queue)| !queue.due(next_nonce(key), moment, self.arrivals).is_empty())
    }

    /// When the next block is due for something in here. Strict nonces are given up by the height, so while one waits
    /// there has to be a block now and then.
    pub fn due_at(&self, last_block: Instant, next_nonce: impl Fn(&Key) -> Nonce) -> Option<Instant> {
        let of_queue = |(key, queue): (&Key, &Queue)| {
            let ((nonce, _), first) = queue.waiting.first_key_value()?;
            let next = next_nonce(key);
            if *nonce <= next {
                return Some(last_block);
            }
            let strict = first.given_up_at.is_some();
            Some(if strict { last_block + STRICT_NONCE_BLOCK } else { queue.patience_ends(next, self.arrivals) })
        };
        self.queues.iter().filter_map(of_queue).min()
    }

    /// Takes what goes into a block made at this moment.
    pub fn take(&mut self, moment: Moment, next_nonce: impl Fn(&Key) -> Nonce) -> Vec<Arc<SignedTransaction>> {
        let mut taken = Vec::new();
        for (key, queue) in &mut self.queues {
            let due = queue.due(next_nonce(key), moment, self.arrivals);
            // The key keeps its places among the others', and fills them in the order of its nonces.
            let mut places: Vec<i64> = due.iter().map(|(_, place)| *place).collect();
            places.sort_unstable();
            let in_order = due.iter().filter_map(|at| queue.waiting.remove(at));
            taken.extend(places.into_iter().zip(in_order));
            if !due.is_empty() {
                queue.since = Instant::now();
            }
        }
        self.queues.retain(|_, queue| !queue.waiting.is_empty());
        taken.sort_by_key(|(place, _)| *place);
        taken.into_iter().map(|(_, waiting)| waiting.signed).collect()
    }
}
