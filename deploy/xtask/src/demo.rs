//! The demo from sources.

use std::process::{Command, ExitCode};

use anyhow::Context;

pub fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    // Without naming the package: features are then those of the whole workspace, as in `cargo test`, and what one of them
    // has compiled the other does not compile again.
    let built =
        Command::new(crate::cargo()).args(["build", "--bin", "charter"]).status().context("cargo did not start")?;
    if !built.success() {
        return Ok(ExitCode::FAILURE);
    }
    let run = Command::new(crate::cargo())
        .args(["run", "--quiet", "--bin", "charter", "--", "demo"])
        .args(arguments)
        .status()
        .context("cargo did not start")?;
    Ok(if run.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
