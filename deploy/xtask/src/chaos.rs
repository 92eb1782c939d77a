//! The chaos test at length, on a PostgreSQL server of its own.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;

/// Where the test writes what happened.
const REPORT: &str = "target/chaos.json";
/// How long 99 of 100 resumptions may take, from a start to the first commit. The test by itself asks for none: it runs
/// beside others.
const RESUME_MS_MAX: u64 = 3_000;

pub struct Options {
    pub kills: u32,
    pub seed: Option<u64>,
    /// Kills the indexer with the database that is part of it, and no server.
    pub embedded: bool,
    pub json: bool,
}

pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let here = std::env::current_dir().context("the current folder can't be read")?;
    anyhow::ensure!(Path::new("deploy/xtask").exists(), "run it in the root of the repository");
    let report = here.join(REPORT);
    // One of an earlier run would be taken for this one's.
    let _ = std::fs::remove_file(&report);
    let mut tests = Command::new(crate::cargo());
    tests
        .args(["test", "--workspace", "--test", "it", "--", "chaos::", "--nocapture"])
        .env("CHARTER_KILLS", options.kills.to_string())
        .env("CHARTER_CHAOS_REPORT", &report)
        .env("CHARTER_CHAOS_SERVER", (!options.embedded).to_string())
        .env("CHARTER_RESUME_MS_MAX", RESUME_MS_MAX.to_string());
    if let Some(seed) = options.seed {
        tests.env("CHARTER_CHAOS_SEED", seed.to_string());
    }
    if options.embedded {
        tests.env_remove("PGHOST");
    }
    if options.json {
        tests.stdout(Stdio::null());
    }
    let ran = tests.status().context("cargo did not start")?;
    if options.json {
        let text = std::fs::read_to_string(&report).with_context(|| format!("{REPORT} was not written"))?;
        print!("{text}");
    }
    Ok(if ran.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
