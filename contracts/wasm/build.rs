//! Builds the contracts for wasm32 into a target folder of their own (the outer one is locked while this runs).

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use wasm_opt::{Feature, OptimizationOptions};

const CONTRACTS: [&str; 6] = ["registry", "keys", "governance", "escrow", "tasks", "verifier"];
/// What tests deploy: two releases of an agent that is a contract, and a token.
const TEST_CONTRACTS: [&str; 3] = ["test-agent-1", "test-agent-2", "test-token"];
const TARGET: &str = "wasm32-unknown-unknown";
/// The smallest there is.
const ZSTD_LEVEL: i32 = 22;

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            println!("cargo::error={text}");
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("cargo did not set {name}"))
}

fn build() -> Result<(), String> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..");
    let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    for watched in ["derive", "types", "rules", "common"].into_iter().chain(CONTRACTS) {
        println!("cargo::rerun-if-changed={}", root.join("contracts").join(watched).join("src").display());
        println!("cargo::rerun-if-changed={}", root.join("contracts").join(watched).join("Cargo.toml").display());
    }
    for contract in CONTRACTS {
        println!("cargo::rerun-if-changed={}", abi(&root, contract).display());
    }
    for contract in TEST_CONTRACTS {
        println!("cargo::rerun-if-changed={}", root.join("sandbox-tests").join(contract).display());
    }
    println!("cargo::rerun-if-changed={}", root.join("Cargo.lock").display());
    let target = target_folder(&out, &root).join("wasm");
    ensure_target()?;
    let abis = target.join("abi");
    std::fs::create_dir_all(&abis).map_err(|error| format!("{}: {error}", abis.display()))?;
    for contract in CONTRACTS {
        compress(&abi(&root, contract), &abis.join(format!("{contract}.json.zst")))?;
    }
    compile(&root, &target, &abis)?;
    for contract in CONTRACTS.into_iter().chain(TEST_CONTRACTS) {
        let file = format!("charter_{}.wasm", contract.replace('-', "_"));
        let built = target.join(TARGET).join("contract").join(&file);
        let small = out.join(&file);
        shrink(&built, &small)?;
        let code = std::fs::read(&small).map_err(|error| format!("{}: {error}", small.display()))?;
        check_imports(contract, &code)?;
    }
    Ok(())
}

fn abi(root: &Path, contract: &str) -> PathBuf {
    root.join("contracts").join(contract).join("abi.json")
}

/// Takes the blanks out of an ABI and compresses it, for the contract to answer `__contract_abi` with.
fn compress(abi: &Path, small: &Path) -> Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", abi.display());
    let text = std::fs::read(abi).map_err(|error| wrong(&error))?;
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| wrong(&error))?;
    let bytes = zstd::encode_all(value.to_string().as_bytes(), ZSTD_LEVEL).map_err(|error| wrong(&error))?;
    // An unchanged file keeps its time, so nothing compiles again.
    if std::fs::read(small).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    std::fs::write(small, bytes).map_err(|error| wrong(&error))
}

/// Binaryen takes a fifth off what LLVM leaves. It may use what rustc uses for this target, and nothing newer.
fn shrink(built: &Path, small: &Path) -> Result<(), String> {
    let mut options = OptimizationOptions::new_optimize_for_size_aggressively();
    options.mvp_features_only();
    let used = [Feature::BulkMemory, Feature::MutableGlobals, Feature::SignExt, Feature::TruncSat];
    for feature in used {
        options.enable_feature(feature);
    }
    options.run(built, small).map_err(|error| format!("{} can't be optimised: {error}", built.display()))
}

/// The outer target folder is three levels above `OUT_DIR`'s profile folder, wherever the user put it.
fn target_folder(out: &Path, root: &Path) -> PathBuf {
    let build = out.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "build"));
    build.and_then(|folder| folder.parent()?.parent()).map_or_else(|| root.join("target"), Path::to_owned)
}

/// A missing target is installed if rustup can, else named.
fn ensure_target() -> Result<(), String> {
    let rustc = variable("RUSTC")?;
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output().map_err(|error| error.to_string())?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    if sysroot.join("lib/rustlib").join(TARGET).exists() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    if added.is_ok_and(|status| status.success()) && sysroot.join("lib/rustlib").join(TARGET).exists() {
        return Ok(());
    }
    Err(format!("the contracts need the Rust target {TARGET}: run `rustup target add {TARGET}`"))
}

fn compile(root: &Path, target: &Path, abis: &Path) -> Result<(), String> {
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    // `--cfg near` keeps panic texts; without path remapping the bytes would depend on where the sources lie.
    let mut flags = vec!["--cfg".to_owned(), "near".to_owned()];
    flags.push(format!("--remap-path-prefix={}=/charter", root.display()));
    if let Ok(home) = home {
        flags.push(format!("--remap-path-prefix={home}=/cargo"));
    }
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.args(["build", "--locked", "--profile", "contract", "--target", TARGET, "--lib"]);
    for contract in CONTRACTS.into_iter().chain(TEST_CONTRACTS) {
        cargo.args(["--package", &format!("charter-{contract}")]);
    }
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CARGO_TARGET_DIR"]
    {
        cargo.env_remove(name);
    }
    let status = cargo
        .current_dir(root)
        .env("CARGO_TARGET_DIR", target)
        .env("CHARTER_ABI_DIR", abis)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .output()
        .map_err(|error| format!("cargo did not start: {error}"))?;
    if status.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&status.stderr);
    let errors: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("Compiling")).collect();
    Err(format!("the contracts did not compile: {}", errors.join(" | ")))
}

/// Refuses wasm that imports something other than NEAR's host functions, which are all in `env`.
fn check_imports(contract: &str, code: &[u8]) -> Result<(), String> {
    for payload in wasmparser::Parser::new(0).parse_all(code) {
        let payload = payload.map_err(|error| format!("{contract} is no wasm: {error}"))?;
        if let wasmparser::Payload::ImportSection(imports) = payload {
            for import in imports {
                let import = import.map_err(|error| format!("{contract} is no wasm: {error}"))?;
                if import.module != "env" {
                    return Err(format!("{contract} imports {}.{}, which NEAR has not", import.module, import.name));
                }
            }
        }
    }
    Ok(())
}
