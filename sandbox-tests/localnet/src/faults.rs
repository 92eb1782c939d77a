//! What may go wrong between a chain and whoever reads it. Every fault is decided by a seed and a number, so a failure
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
    /// A number from 0 to 1 that depends on nothing but the seed, the kind of fault and `number`.
    fn dice(&self, kind: &str, number: u64) -> f64 {
        let bytes = [&self.seed.to_le_bytes()[..], kind.as_bytes(), &number.to_le_bytes()].concat();
        let digest = hash(&bytes);
        let first = u32::from_le_bytes([digest.0[0], digest.0[1], digest.0[2], digest.0[3]]);
        f64::from(first) / f64::from(u32::MAX)
    }

    /// A chain without faults throws no dice.
    fn strikes(&self, kind: &str, number: u64, chance: f64) -> bool {
        chance > 0.0 && self.dice(kind, number) < chance
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
}

/// The faults of one RPC server, which counts its requests.
#[derive(Clone, Default)]
pub(crate) struct RpcFaults {
    faults: Faults,
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
            match faults.dice("rpc_error", number) / faults.rpc_error {
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
