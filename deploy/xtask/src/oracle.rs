//! Cedar's decision on whether one policy lies within another, beside ours: `contracts/rules/oracle`.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};

const ORACLE: &str = "contracts/rules/oracle";
/// Where the solver's wheel is unpacked.
const SOLVER: &str = "target/cvc5";

pub fn run(pairs: u32) -> anyhow::Result<ExitCode> {
    let here = std::env::current_dir().context("the current folder can't be read")?;
    let oracle = Path::new(ORACLE);
    ensure!(oracle.exists(), "run it in the root of the repository");
    let options =
        ["-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--no-deps", "--require-hashes", "--upgrade"];
    let installed = Command::new("python3")
        .args(options)
        .args(["--target", SOLVER, "--requirement"])
        .arg(oracle.join("requirements.txt"))
        .status();
    ensure!(installed.context("python3 did not start")?.success(), "the solver can't be installed");
    let ran = Command::new(crate::cargo())
        .args(["run", "--quiet", "--locked", "--target-dir", "target/oracle", "--manifest-path"])
        .arg(oracle.join("Cargo.toml"))
        .args(["--", &pairs.to_string()])
        .env("CVC5", here.join(oracle).join("cvc5"))
        .env("PYTHONPATH", here.join(SOLVER))
        // Lints are for the main workspace.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status();
    Ok(if ran.context("cargo did not start")?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
