//! What no compiler checks.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;

/// Longest source file and longest test file, lines.
const LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 800;

/// Crates and the ones of ours they may depend on. Dependencies point one way.
const MAY_DEPEND: [(&str, &[&str]); 25] = [
    ("charter-derive", &[]),
    ("charter-types", &["charter-derive"]),
    ("charter-rules", &["charter-types"]),
    ("charter-oracle", &["charter-types", "charter-rules"]),
    ("charter-common", &["charter-types", "charter-derive"]),
    ("charter-registry", &["charter-types", "charter-common"]),
    ("charter-keys", &["charter-types", "charter-rules", "charter-common"]),
    ("charter-governance", &["charter-types", "charter-common"]),
    ("charter-escrow", &["charter-types", "charter-rules", "charter-common"]),
    ("charter-tasks", &["charter-types", "charter-rules", "charter-common"]),
    ("charter-verifier", &["charter-types", "charter-common"]),
    ("charter-test-agent-1", &["charter-types", "charter-common"]),
    ("charter-test-agent-2", &["charter-types", "charter-common"]),
    ("charter-test-token", &[]),
    ("charter-wasm", &[]),
    ("charter-client", &["charter-types", "charter-rules"]),
    ("charter-host", &["charter-types", "charter-rules", "charter-client", "charter-harness"]),
    ("charter-indexer", &["charter-types", "charter-client", "charter-harness"]),
    ("charter-localnet", &[]),
    ("near-jsonrpc-client", &[]),
    ("charter-fuzz", &["charter-localnet"]),
    ("charter-harness", &["charter-types", "charter-client", "charter-localnet", "charter-wasm"]),
    (
        "charter-suite",
        &[
            "charter-types",
            "charter-rules",
            "charter-client",
            "charter-harness",
            "charter-host",
            "charter-indexer",
            "charter-wasm",
        ],
    ),
    (
        "charter",
        &[
            "charter-types",
            "charter-rules",
            "charter-client",
            "charter-host",
            "charter-indexer",
            "charter-localnet",
            "charter-wasm",
            "charter-harness",
        ],
    ),
    ("xtask", &[]),
];

pub fn run() -> anyhow::Result<ExitCode> {
    let files = tracked_files()?;
    let mut problems = Vec::new();
    for file in &files {
        check_file(file, &mut problems)?;
        if file.file_name().is_some_and(|name| name == "Cargo.toml") && file.parent() != Some(Path::new("")) {
            check_manifest(file, &mut problems)?;
        }
    }
    let raw = raw_calls(&files, &mut problems)?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    for (file, uses) in &raw {
        println!("{}: {uses} by the name of a method", file.display());
    }
    println!("tidy: {} files, {} problems", files.len(), problems.len());
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tracked_files() -> anyhow::Result<Vec<PathBuf>> {
    let listed = Command::new("git").args(["ls-files"]).output().context("git did not start")?;
    Ok(String::from_utf8_lossy(&listed.stdout).lines().map(PathBuf::from).collect())
}

fn check_file(file: &Path, problems: &mut Vec<String>) -> anyhow::Result<()> {
    if file.extension().is_none_or(|extension| extension != "rs") || !file.exists() {
        return Ok(());
    }
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let is_test = file.components().any(|part| part.as_os_str() == "tests");
    let max = if is_test { TEST_LINES_MAX } else { LINES_MAX };
    let lines = text.lines().count();
    if lines > max {
        problems.push(format!("{}: {lines} lines, more than {max}", file.display()));
    }
    let in_model = file.components().any(|part| part.as_os_str() == "model");
    if in_model && text.contains("near_sdk::env") {
        problems.push(format!("{}: a model knows no environment", file.display()));
    }
    Ok(())
}

/// Ways to call a method by its name instead of its declaration: what they are called begins with `raw`.
const RAW: [&str; 4] = ["raw(", "raw_bytes(", "raw_call(", "raw_view("];

/// Product code that calls contracts which are not ours.
const CALLS_FOREIGN_CONTRACTS: [&str; 7] = [
    // What they are.
    "contracts/common/src/ask.rs",
    // NEP-141's `ft_transfer` of a token.
    "contracts/common/src/pay.rs",
    // An agent's own methods, whose names it chooses.
    "contracts/common/src/adopt.rs",
    // NEP-171's `nft_on_transfer` of a receiver.
    "contracts/registry/src/api/nft.rs",
    // NEAR's MPC contract.
    "contracts/keys/src/api/release.rs",
    // The same token's `ft_transfer_call`.
    "deploy/cli/src/token.rs",
    // The token that the demo deploys.
    "deploy/cli/src/demo/token.rs",
];

/// Files with calls by name, and how many. Tests of the wire format need them; elsewhere they are for foreign contracts.
fn raw_calls(files: &[PathBuf], problems: &mut Vec<String>) -> anyhow::Result<Vec<(PathBuf, usize)>> {
    let mut found = Vec::new();
    // The declarations themselves have a codec of that name.
    let declared = |file: &Path| file.starts_with("contracts/types");
    let crates = ["agents", "contracts", "deploy/cli", "indexer", "sandbox-tests/harness", "sandbox-tests/suite"];
    for file in files.iter().filter(|file| crates.iter().any(|folder| file.starts_with(folder)) && file.exists()) {
        if file.extension().is_none_or(|extension| extension != "rs") || declared(file) {
            continue;
        }
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let is_use = |line: &str| RAW.iter().any(|name| calls(line, name));
        let uses = text.lines().filter(|line| is_use(line)).count();
        if uses == 0 {
            continue;
        }
        let declares =
            ["agents/client/src/account.rs", "agents/client/src/rpc.rs"].iter().any(|known| file.ends_with(known));
        let foreign = CALLS_FOREIGN_CONTRACTS.iter().any(|known| file.ends_with(known));
        let test =
            file.components().any(|part| part.as_os_str() == "tests") || file.starts_with("sandbox-tests/harness");
        if !declares && !foreign && !test {
            problems.push(format!("{}: calls a method by name; charter-types declares ours", file.display()));
        }
        found.push((file.clone(), uses));
    }
    Ok(found)
}

/// Whether a line calls `name`, not something that only ends like it.
fn calls(line: &str, name: &str) -> bool {
    let before = |at: usize| line[..at].chars().next_back();
    let apart = |last: char| !last.is_alphanumeric() && last != '_';
    line.match_indices(name).any(|(at, _)| before(at).is_none_or(apart)) && !line.trim_start().starts_with("//")
}

/// A leaf folder is its crate's name without `charter-`, and depends only on what it may.
fn check_manifest(file: &Path, problems: &mut Vec<String>) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let name = text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let Some(name) = name else { return Ok(()) };
    let folder = file.parent().and_then(Path::file_name).and_then(|folder| folder.to_str()).unwrap_or_default();
    // The CLI is called after the project, the indexer's folder after what it is beside its dashboard.
    let expected = match name {
        "charter" => "cli",
        "charter-indexer" => "server",
        other => other.strip_prefix("charter-").unwrap_or(other),
    };
    if folder != expected {
        problems.push(format!("{}: {name} belongs in a folder called {expected}", file.display()));
    }
    let Some((_, allowed)) = MAY_DEPEND.iter().find(|(known, _)| *known == name) else {
        problems.push(format!("{}: tidy does not know what {name} may depend on", file.display()));
        return Ok(());
    };
    for line in text.lines() {
        let Some(dependency) = line.split(['.', ' ']).next() else { continue };
        let ours = dependency.starts_with("charter-") || dependency == "xtask";
        if ours && !allowed.contains(&dependency) {
            problems.push(format!("{}: {name} must not depend on {dependency}", file.display()));
        }
    }
    Ok(())
}
