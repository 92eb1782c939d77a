//! One run of random sequences, and a test for each invariant that judges it: so every invariant has its line in the
//! output, and no sequence is played twice.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use charter_harness::Harness;
use near_workspaces::Account;
use proptest::prelude::{ProptestConfig, Strategy};
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

/// What broke first in a run, if anything did.
pub struct Verdict(OnceLock<Option<String>>);

impl Verdict {
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Plays the sequences unless that was done. `all` are the invariants of that run.
    pub fn check(&self, invariant: &str, all: &[&str], sequences: u32, play: fn(u32) -> Result<(), String>) {
        let broken = self.0.get_or_init(|| on_all_cores(asked_for().unwrap_or(sequences), play));
        if let Some(text) = broken {
            assert!(!concerns(text, invariant, all), "{text}");
        }
    }
}

/// Whether a failure is this invariant's: it says so, or it names none of them, and then every invariant is in doubt.
fn concerns(text: &str, invariant: &str, all: &[&str]) -> bool {
    let names = |invariant: &str| text.contains(&format!("{invariant}: "));
    names(invariant) || !all.iter().any(|other| names(other))
}

#[test]
fn a_failure_that_names_no_invariant_fails_every_test() {
    let all = ["INV-REG-1", "INV-REG-2"];
    for text in
        ["agent 1 is not as it should be", "INV-REG-: agent 1 is not", "INV-REG-7: of another run", "INV-REG-12: no"]
    {
        assert!(all.iter().all(|invariant| concerns(text, invariant, &all)), "{text}");
    }
    assert!(concerns("INV-REG-1: id 1 came back", "INV-REG-1", &all));
    assert!(!concerns("INV-REG-1: id 1 came back", "INV-REG-2", &all));
}

/// How many sequences somebody wants instead: `cargo xtask properties`.
pub fn asked_for() -> Option<u32> {
    let wanted = std::env::var("CHARTER_SEQUENCES").ok()?;
    Some(wanted.parse().expect("CHARTER_SEQUENCES is a number"))
}

/// How often a failure is made simpler at most, if it is enough for somebody to know that there is one:
/// `cargo xtask mutations`.
fn shrinks_asked_for() -> Option<u32> {
    let wanted = std::env::var("CHARTER_SHRINKS").ok()?;
    Some(wanted.parse().expect("CHARTER_SHRINKS is a number"))
}

const STACK: usize = 64 << 20;

fn on_all_cores(sequences: u32, play: fn(u32) -> Result<(), String>) -> Option<String> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = sequences.div_ceil(u32::try_from(cores).unwrap());
    std::thread::scope(|scope| {
        // Moves of many kinds are deep trees to proptest: more than the 2 MiB that threads have.
        let worker = || std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || play(share)).unwrap();
        let workers: Vec<_> = std::iter::repeat_with(worker).take(cores).collect();
        workers.into_iter().find_map(|worker| worker.join().unwrap().err())
    })
}

/// What random sequences are played on, and how many.
pub struct Run<'a> {
    /// Of which contract.
    pub whose: &'a str,
    pub sequences: u32,
    /// How often a sequence that fails is made simpler, at most.
    pub shrinks: u32,
    pub runtime: &'a Runtime,
    pub base: &'a Harness,
    pub people: &'a [Account],
}

/// How often each method was called: with what came of it, done or refused. Sequences that hardly ever get anywhere would
/// prove as little as some in which nothing is ever wrong.
pub struct Tally {
    ends: Mutex<BTreeMap<String, [u32; 2]>>,
    sequences: AtomicU32,
    /// Fewest steps of a sequence, of those that count theirs.
    steps: AtomicU32,
    failed: AtomicBool,
}

impl Tally {
    pub const fn new() -> Self {
        Self {
            ends: Mutex::new(BTreeMap::new()),
            sequences: AtomicU32::new(0),
            steps: AtomicU32::new(u32::MAX),
            failed: AtomicBool::new(false),
        }
    }

    /// Plays rows of moves, each on a copy of the chain with the people who are on it, until one panics, which is shrunk then.
    pub fn play<Op: Debug>(
        &self,
        Run { whose, sequences, shrinks, runtime, base, people }: Run,
        moves: impl Strategy<Value = Vec<Vec<Op>>>,
        play: impl AsyncFn(Harness, Vec<Account>, Vec<Op>),
    ) -> Result<(), String> {
        let config = ProptestConfig {
            cases: base.sequences(sequences),
            failure_persistence: None,
            max_shrink_iters: shrinks_asked_for().unwrap_or(shrinks),
            ..ProptestConfig::default()
        };
        let failed_here = Cell::new(false);
        let played = TestRunner::new(config).run(&moves, |moves| {
            // What fails on one core ends the run on the others; where it failed it is made simpler.
            if self.failed.load(Ordering::Relaxed) && !failed_here.get() {
                return Ok(());
            }
            self.begin(whose);
            let _on_panic = OnPanic(|| {
                failed_here.set(true);
                self.failed.store(true, Ordering::Relaxed);
            });
            runtime.block_on(async {
                let harness = base.fork().await.unwrap();
                let people = people.iter().map(|person| harness.rebind(person)).collect();
                play(harness, people, moves.into_iter().flatten().collect()).await;
            });
            Ok(())
        });
        played.map_err(|error| error.to_string())
    }

    /// Counts a sequence that begins. Who asked for many sees how far it is, though tests' output is kept back.
    fn begin(&self, whose: &str) {
        let begun = self.sequences.fetch_add(1, Ordering::Relaxed) + 1;
        let Some(wanted) = asked_for() else { return };
        if begun.is_multiple_of((wanted / 50).max(1)) {
            let _ = writeln!(std::io::stderr(), "{whose}: {begun} of {wanted} sequences");
        }
    }

    pub fn note(&self, method: &str, done: bool) {
        self.ends.lock().unwrap().entry(method.to_owned()).or_default()[usize::from(!done)] += 1;
    }

    /// What a sequence did, beside moves for which there was nothing yet.
    pub fn note_steps(&self, steps: u32) {
        self.steps.fetch_min(steps, Ordering::Relaxed);
    }

    /// Fails if a method that was called often was never done or never refused, or if a sequence was short.
    pub fn check(&self) {
        let steps = self.steps.load(Ordering::Relaxed);
        assert!(steps >= STEPS, "a sequence of {steps} steps");
        let tally = self.ends.lock().unwrap();
        if asked_for().is_some() {
            for (method, [done, refused]) in tally.iter() {
                let _ = writeln!(std::io::stderr(), "{method}: done {done} times, refused {refused}");
            }
        }
        let often = tally.iter().filter(|(_, ends)| ends.iter().sum::<u32>() >= OFTEN);
        let lopsided: Vec<_> = often.filter(|(_, ends)| ends.contains(&0)).collect();
        assert!(lopsided.is_empty(), "done and refused: {lopsided:?} of {tally:?}");
    }
}

struct OnPanic<F: Fn()>(F);

impl<F: Fn()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

/// Each sequence has as many.
pub const STEPS: u32 = 30;
/// Of fewer calls, chance may leave one end out.
const OFTEN: u32 = 150;

/// A test for each invariant, of one run of `play`.
macro_rules! invariants {
    ($sequences:expr, $play:expr, { $($test:ident: $invariant:literal,)* }) => {
        static VERDICT: $crate::invariants::Verdict = $crate::invariants::Verdict::new();
        static TALLY: $crate::invariants::Tally = $crate::invariants::Tally::new();
        const ALL: &[&str] = &[$($invariant),*];

        #[test]
        fn every_call_was_done_and_refused() {
            VERDICT.check(ALL[0], ALL, $sequences, $play);
            TALLY.check();
        }

        $(
            #[test]
            fn $test() {
                VERDICT.check($invariant, ALL, $sequences, $play);
            }
        )*
    };
}
pub(crate) use invariants;
