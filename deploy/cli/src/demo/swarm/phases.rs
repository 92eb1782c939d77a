//! One phase after the other: how far it is, how fast it goes, and what it came to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Ground;
use crate::output::Progress;

/// How often somebody hears how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// What has happened so far.
#[derive(Default)]
pub struct Tally {
    /// What the phase counts.
    done: AtomicU64,
    transactions: AtomicU64,
    events: AtomicU64,
    /// The block that the tables stand for.
    indexed: AtomicU64,
}

impl Tally {
    pub fn add(&self, count: u64) {
        self.done.fetch_add(count, Ordering::Relaxed);
    }

    pub fn sent(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    pub fn mirrored(&self, events: u64, height: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
        self.indexed.store(height, Ordering::Relaxed);
    }

    pub fn indexed(&self) -> u64 {
        self.indexed.load(Ordering::Relaxed)
    }

    fn look(&self) -> Look {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (done, transactions, events) = (load(&self.done), load(&self.transactions), load(&self.events));
        Look { at: Instant::now(), done, transactions, events }
    }
}

/// Counts at a moment.
#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    done: u64,
    transactions: u64,
    events: u64,
}

/// So many in a time, in one second.
pub fn per_second(count: u64, elapsed_ms: u64) -> u64 {
    count.saturating_mul(1_000) / elapsed_ms.max(1)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What a phase came to.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    pub name: &'static str,
    pub of: &'static str,
    pub count: u64,
    pub transactions: u64,
    pub elapsed_ms: u64,
    pub per_second: u64,
}

pub struct Phases {
    ground: Arc<Ground>,
    progress: Progress,
    begun: Look,
    all: Vec<Phase>,
}

impl Phases {
    pub fn new(ground: &Arc<Ground>, progress: Progress) -> Self {
        Self { ground: Arc::clone(ground), progress, begun: ground.tally.look(), all: Vec::new() }
    }

    /// Plays a phase to its end. `of_all` says how many there will be, if anybody knows. What is played again is added
    /// to what it came to before.
    pub async fn play<T>(
        &mut self,
        name: &'static str,
        of: &'static str,
        of_all: u64,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        self.ground.tally.done.store(0, Ordering::Relaxed);
        let began = self.ground.tally.look();
        let (mut work, mut last) = (Box::pin(work), began);
        let value = loop {
            tokio::select! {
                done = &mut work => break done?,
                () = tokio::time::sleep(REPORT_EVERY) => last = self.report(name, of, of_all, last),
            }
        };
        let now = self.ground.tally.look();
        let elapsed_ms = millis(now.at.duration_since(began.at));
        let (count, transactions) = (now.done, now.transactions - began.transactions);
        self.keep(name, of, count, transactions, elapsed_ms);
        let text = format!("{count} {of}, {} a second; {} events mirrored", per_second(count, elapsed_ms), now.events);
        self.progress.step(name, &text);
        Ok(value)
    }

    fn keep(&mut self, name: &'static str, of: &'static str, count: u64, transactions: u64, elapsed_ms: u64) {
        if !self.all.iter().any(|phase| phase.name == name) {
            self.all.push(Phase { name, of, count: 0, transactions: 0, elapsed_ms: 0, per_second: 0 });
        }
        for phase in self.all.iter_mut().filter(|phase| phase.name == name) {
            phase.count += count;
            phase.transactions += transactions;
            phase.elapsed_ms += elapsed_ms;
            phase.per_second = per_second(phase.count, phase.elapsed_ms);
        }
    }

    /// Says how far it is, and what happened since it was said last.
    fn report(&self, name: &str, of: &str, of_all: u64, last: Look) -> Look {
        let now = self.ground.tally.look();
        let elapsed_ms = millis(now.at.duration_since(last.at));
        let rate = |now: u64, before: u64| per_second(now.saturating_sub(before), elapsed_ms);
        let all = if of_all > 0 { format!(" of {of_all}") } else { String::new() };
        let memory = memory_mib("VmRSS:").map_or_else(String::new, |mib| format!(", {mib} MiB"));
        let text = format!(
            "{}{all} {of}, {} a second; {} transactions, {} a second; {} events mirrored, {} a second{memory}",
            now.done,
            rate(now.done, last.done),
            now.transactions,
            rate(now.transactions, last.transactions),
            now.events,
            rate(now.events, last.events),
        );
        self.progress.step(name, &text);
        now
    }

    /// Events that were mirrored, and how long everything has taken, milliseconds.
    pub fn mirrored(&self) -> (u64, u64) {
        let now = self.ground.tally.look();
        (now.events, millis(now.at.duration_since(self.begun.at)))
    }

    /// What all of them came to, and how many transactions that took.
    pub fn finish(self) -> (Vec<Phase>, u64) {
        (self.all, self.ground.tally.look().transactions)
    }
}

/// A line of what Linux says of this process: what it holds now (`VmRSS:`), or ever held (`VmHWM:`).
pub fn memory_mib(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|text| text.strip_prefix(line))?;
    let kib: u64 = value.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1_024)
}
