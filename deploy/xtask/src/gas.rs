//! The gas table. It is measured by a test of the suite, which in CI compares instead of writing.

use std::process::{Command, ExitCode};

use anyhow::Context;

pub fn run() -> anyhow::Result<ExitCode> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // The whole workspace: with one package, features would differ and its dependencies compile again.
    let measured = Command::new(cargo)
        .args(["test", "--workspace", "--test", "it", "--", "gas::"])
        .env("CHARTER_WRITE_GAS", "1")
        .status()
        .context("cargo did not start")?;
    if !measured.success() {
        return Ok(ExitCode::FAILURE);
    }
    println!("docs/reference/gas.json and gas.md are written");
    Ok(ExitCode::SUCCESS)
}
