//! What may go wrong between a chain and whoever reads it. Every fault is decided by a seed and what it strikes, so a failure
//! that one run shows, the next one shows again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use near_primitives::hash::hash;
use serde::{Deserialize, Serialize};

/// Chances from 0 (never) to 1 (always). The default is a chain without faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub seed: u64,
    /// Which of several nodes of one chain this is, where they disagree; the chain does not depend on it.
    pub replica: u64,
    /// A height without a block.
    pub skipped_height: f64,
    /// A block without a new chunk: transactions and receipts wait for the next one.
    pub missing_chunk: f64,
    /// A chunk too full for the receipts that arrive: they wait in the queue.
    pub delayed_receipts: f64,
    /// A head that loses: another block takes its place, and its transactions are executed again there. Needs a
    /// finality lag, as final blocks are never lost.
    pub lost_head: f64,
    /// An RPC request answered 408, 429 or 500.
    pub rpc_error: f64,
    /// An RPC answer that comes `slow_ms` milliseconds late.
    pub slow_answer: f64,
    pub slow_ms: u64,
    /// A connection cut in the middle of an RPC answer.
    pub cut_answer: f64,
    /// `changes` that leaves out everything.
    pub empty_changes: f64,
    /// A block that is asked for by its height or hash, and is not known.
    pub unknown_block: f64,
    /// A head that is ten blocks older than it should be, by `status`, a finality, or `next_light_client_block`.
    pub stale_head: f64,
    /// Outcomes and views with other logs than were written.
    pub other_logs: f64,
}

/// What happens to one RPC request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpcFault {
    Timeout,
    TooMany,
    Broken,
    Cut,
}

impl Faults {
    /// A number from 0 to 1 that depends on nothing but the seed, the kind of fault and what it may strike.
    fn dice(&self, kind: &str, what: &[u8]) -> f64 {
        let bytes = [&self.seed.to_le_bytes()[..], kind.as_bytes(), what].concat();
        let digest = hash(&bytes);
        let first = u32::from_le_bytes([digest.0[0], digest.0[1], digest.0[2], digest.0[3]]);
        f64::from(first) / f64::from(u32::MAX)
    }

    /// A chain without faults throws no dice.
    fn strikes(&self, kind: &str, number: u64, chance: f64) -> bool {
        chance > 0.0 && self.dice(kind, &number.to_le_bytes()) < chance
    }

    pub(crate) fn skips(&self, height: u64) -> bool {
        self.strikes("skipped_height", height, self.skipped_height)
    }

    pub(crate) fn misses_chunk(&self, height: u64) -> bool {
        self.strikes("missing_chunk", height, self.missing_chunk)
    }

    pub(crate) fn delays_receipts(&self, height: u64) -> bool {
        self.strikes("delayed_receipts", height, self.delayed_receipts)
    }

    pub(crate) fn loses(&self, height: u64) -> bool {
        self.strikes("lost_head", height, self.lost_head)
    }

    /// Whether this replica may answer anything otherwise than another.
    pub(crate) fn disagree(&self) -> bool {
        [self.empty_changes, self.unknown_block, self.stale_head, self.other_logs].iter().any(|chance| *chance > 0.0)
    }

    /// Whether this replica answers a request otherwise: always when it does once, as a node that is broken.
    fn differs(&self, kind: &str, request: &str, chance: f64) -> bool {
        let what = [&self.replica.to_le_bytes()[..], request.as_bytes()].concat();
        chance > 0.0 && self.dice(kind, &what) < chance
    }

    pub(crate) fn empties_changes(&self, request: &str) -> bool {
        self.differs("empty_changes", request, self.empty_changes)
    }

    pub(crate) fn hides_block(&self, request: &str) -> bool {
        self.differs("unknown_block", request, self.unknown_block)
    }

    /// Thrown anew with each block, or what asks for the head would show one for ever.
    pub(crate) fn shows_stale_head(&self, request: &str, head: u64) -> bool {
        self.differs("stale_head", &format!("{request} at {head}"), self.stale_head)
    }

    pub(crate) fn changes_logs(&self, request: &str) -> bool {
        self.differs("other_logs", request, self.other_logs)
    }
}

/// The faults of one RPC server, which counts its requests.
#[derive(Clone, Default)]
pub(crate) struct RpcFaults {
    pub faults: Faults,
    requests: Arc<AtomicU64>,
}

impl RpcFaults {
    pub fn new(faults: Faults) -> Self {
        Self { faults, requests: Arc::default() }
    }

    /// How long the next request waits, and what else happens to it.
    pub fn next(&self) -> (Duration, Option<RpcFault>) {
        let faults = &self.faults;
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let late = faults.strikes("slow_answer", number, faults.slow_answer);
        let wait = if late { Duration::from_millis(faults.slow_ms) } else { Duration::ZERO };
        let fault = if faults.strikes("rpc_error", number, faults.rpc_error) {
            // The same dice, thrown among three.
            match faults.dice("rpc_error", &number.to_le_bytes()) / faults.rpc_error {
                third if third < 1.0 / 3.0 => Some(RpcFault::Timeout),
                third if third < 2.0 / 3.0 => Some(RpcFault::TooMany),
                _ => Some(RpcFault::Broken),
            }
        } else {
            faults.strikes("cut_answer", number, faults.cut_answer).then_some(RpcFault::Cut)
        };
        (wait, fault)
    }
}
