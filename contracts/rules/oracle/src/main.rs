//! Is one policy within another? Asks Cedar, whose compiler to SMT is proven in Lean (`cedar-policy-symcc`, `check_implies`),
//! about random pairs, and compares with `charter_rules::policy::within`. `cargo xtask oracle` runs it.
//!
//! Cedar decides about single requests. Rates are about many, so schedules are tried for them, as in the test beside this.

mod cedar;
#[path = "../../tests/oracle/pairs.rs"]
mod pairs;
#[path = "../../tests/oracle/schedule.rs"]
mod schedule;

use std::time::Instant;

use anyhow::{Context, ensure};
use cedar::Cedar;
use charter_rules::policy;
use pairs::Random;

/// Not the one of the test in CI: more pairs, not the same again.
const SEED: u64 = 8_004;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let pairs: u32 = match std::env::args().nth(1) {
        Some(count) => count.parse().context("a number of pairs is expected")?,
        None => 10_000,
    };
    let started = Instant::now();
    let mut random = Random(SEED);
    let mut cedar = Cedar::start()?;
    let (mut within, mut differences) = (0_u32, 0_u32);
    for count in 1..=pairs {
        let (inner, outer) = random.pair();
        let requests = cedar.implies(&inner, &outer).await.with_context(|| format!("{inner:?} {outer:?}"))?;
        let expected = requests && schedule::implies(inner.rate, outer.rate);
        within += u32::from(expected);
        if policy::within(&inner, &outer) != expected {
            differences += 1;
            println!("Cedar says {expected} of {inner:#?}\nwithin {outer:#?}");
        }
        if count % 1_000 == 0 {
            eprintln!("{count} of {pairs} pairs, {differences} differences, {:?}", started.elapsed());
        }
    }
    println!("{pairs} pairs, {within} of them one within the other, {differences} differences");
    ensure!(differences == 0, "Cedar and we differ");
    Ok(())
}
