//! Committed files that a test makes, and in CI compares.

use std::process::{Command, ExitCode};

use anyhow::Context;

/// Runs a test of the workspace with the variable that makes it write.
pub fn run(test: &[&str], variable: &str, done: &str) -> anyhow::Result<ExitCode> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // The whole workspace: with one package, features would differ and its dependencies compile again.
    let ran = Command::new(cargo).args(["test", "--workspace"]).args(test).env(variable, "1").status();
    if !ran.context("cargo did not start")?.success() {
        return Ok(ExitCode::FAILURE);
    }
    println!("{done}");
    Ok(ExitCode::SUCCESS)
}
