//! One run of random sequences, and a test for each invariant that judges it: so every invariant has its line in the
//! output, and no sequence is played twice.

use std::num::NonZero;
use std::sync::OnceLock;

/// What broke first in a run, if anything did.
pub struct Verdict(OnceLock<Option<String>>);

impl Verdict {
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Plays the sequences unless that was done. Fails if this invariant is what broke, or something without a name:
    /// then every invariant is in doubt.
    pub fn check(&self, invariant: &str, sequences: u32, play: fn(u32) -> Result<(), String>) {
        let broken = self.0.get_or_init(|| on_all_cores(asked_for().unwrap_or(sequences), play));
        if let Some(text) = broken {
            assert!(!text.contains(&format!("{invariant}: ")) && text.contains("INV-"), "{text}");
        }
    }
}

/// How many sequences somebody wants instead: `cargo xtask properties`.
fn asked_for() -> Option<u32> {
    let wanted = std::env::var("CHARTER_SEQUENCES").ok()?;
    Some(wanted.parse().expect("CHARTER_SEQUENCES is a number"))
}

fn on_all_cores(sequences: u32, play: fn(u32) -> Result<(), String>) -> Option<String> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = sequences.div_ceil(u32::try_from(cores).unwrap());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(move || play(share))).collect();
        workers.into_iter().find_map(|worker| worker.join().unwrap().err())
    })
}

/// A test for each invariant, of one run of `play`.
macro_rules! invariants {
    ($sequences:expr, $play:expr, { $($test:ident: $invariant:literal,)* }) => {
        static VERDICT: $crate::invariants::Verdict = $crate::invariants::Verdict::new();
        $(
            #[test]
            fn $test() {
                VERDICT.check($invariant, $sequences, $play);
            }
        )*
    };
}
pub(crate) use invariants;
