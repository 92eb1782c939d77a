//! What a test does at length, or writes, when a variable asks it to.

use std::process::{Command, ExitCode};

use anyhow::Context;

/// Runs a test of the workspace with the variable that makes it write.
pub fn run(test: &[&str], variable: &str, done: &str) -> anyhow::Result<ExitCode> {
    run_with(test, (variable, "1"), done)
}

/// Runs a test of the workspace with a variable.
pub fn run_with(test: &[&str], (variable, value): (&str, &str), done: &str) -> anyhow::Result<ExitCode> {
    // The whole workspace: with one package, features would differ and its dependencies compile again.
    let ran = Command::new(crate::cargo()).args(["test", "--workspace"]).args(test).env(variable, value).status();
    if !ran.context("cargo did not start")?.success() {
        return Ok(ExitCode::FAILURE);
    }
    println!("{done}");
    Ok(ExitCode::SUCCESS)
}
