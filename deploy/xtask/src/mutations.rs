//! Takes out the lines that security rests on, one at a time, and looks whether the tests that should notice do.
//!
//! The contract is compiled from a copy of the sources, without Binaryen, and deployed by the tests' harness instead of the
//! right one (`CHARTER_WASM_DIR`): nothing but the contract is built again. What is no contract is compiled with its tests
//! from the copy.

mod adopt;
mod escrow;
mod list;
mod proof;
mod stake;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};

use anyhow::{Context, ensure};

use adopt::ADOPT;
use escrow::ESCROW;
use list::{MUTATIONS, Mutation};
use proof::PROOF;
use stake::STAKE;
use tasks::TASKS;

const FOLDER: &str = "target/mutations";
const TARGET: &str = "wasm32-unknown-unknown";
/// What the contracts' build script wrote for them.
const ABIS: &str = "target/wasm/abi";
/// What stands where a contract does for the light client's lines, which are in no wasm.
const CLIENT: &str = "client";
/// A mutation that survives fewer than these is no news.
const SEQUENCES: &str = "60";

/// Those whose invariant, contract or file has `wanted` in its name, from that one of them on.
pub fn run(wanted: &str, from: usize) -> anyhow::Result<ExitCode> {
    let here = std::env::current_dir().context("the current folder can't be read")?;
    let all = MUTATIONS.iter().chain(ADOPT).chain(STAKE).chain(ESCROW).chain(TASKS).chain(PROOF);
    let about = all.filter(|one| one.is_about(wanted));
    let chosen: Vec<(usize, &Mutation)> = (1..).zip(about).skip(from.saturating_sub(1)).collect();
    let last = chosen.last().context(format!("no mutation is about {wanted}, or not as many"))?.0;
    let bench = Bench { here: here.clone(), folder: here.join(FOLDER) };
    let copied = bench.copy_sources()?;
    println!("{} mutations, on a copy of {copied} files in {FOLDER}", chosen.len());
    // Without any the tests have to pass, on contracts that are built this way.
    let grounds: BTreeSet<(&str, &str)> = chosen.iter().map(|(_, one)| (one.contract, one.tests)).collect();
    for (contract, tests) in grounds {
        bench.build(contract)?;
        let told = bench.test(contract, tests)?;
        ensure!(told.status.success(), "{tests} fails as it is:\n{}", text(&told));
    }
    let mut survivors = 0;
    let mut by_own_test = BTreeMap::new();
    for (number, one) in &chosen {
        let noticed = bench.try_out(one)?;
        survivors += usize::from(noticed.is_empty());
        *by_own_test.entry(one.breaks).or_insert(false) |= one.is_noticed_by_own(&noticed);
        let what = if noticed.is_empty() { "SURVIVES".to_owned() } else { format!("noticed by {noticed}") };
        println!("{number} of {last}: {}: {}: {what}", one.breaks, one.file);
    }
    println!("{survivors} of {} survive", chosen.len());
    let unproven: Vec<&str> = by_own_test.iter().filter(|(_, own)| !**own).map(|(breaks, _)| *breaks).collect();
    if !unproven.is_empty() {
        println!("no test of their own noticed anything about {}", unproven.join(", "));
    }
    Ok(if survivors == 0 && unproven.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Bench {
    here: PathBuf,
    folder: PathBuf,
}

impl Bench {
    fn sources(&self) -> PathBuf {
        self.folder.join("sources")
    }

    /// Files that git knows or would know, as they are.
    fn copy_sources(&self) -> anyhow::Result<usize> {
        let listed = Command::new("git").args(["ls-files", "-z", "-co", "--exclude-standard"]).output();
        let listed = String::from_utf8(listed.context("git did not start")?.stdout)?;
        let files: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
        for name in &files {
            let (from, to) = (self.here.join(name), self.sources().join(name));
            let Ok(bytes) = std::fs::read(&from) else { continue };
            // An unchanged file keeps its time, so nothing compiles again.
            if std::fs::read(&to).is_ok_and(|known| known == bytes) {
                continue;
            }
            std::fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
            std::fs::write(&to, bytes).with_context(|| to.display().to_string())?;
        }
        Ok(files.len())
    }

    fn wasm(&self) -> PathBuf {
        self.folder.join("wasm")
    }

    /// The contract as the sources in the copy are, where tests look for it. Others are what they always are.
    fn build(&self, contract: &str) -> anyhow::Result<()> {
        if contract == CLIENT {
            return Ok(());
        }
        let built = Command::new(crate::cargo())
            .args(["build", "--quiet", "--locked", "--profile", "contract", "--lib", "--target", TARGET])
            .args(["--package", &format!("charter-{contract}")])
            .current_dir(self.sources())
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("CHARTER_ABI_DIR", self.here.join(ABIS))
            .env("CARGO_ENCODED_RUSTFLAGS", "--cfg\u{1f}near\u{1f}--force-warn=unused")
            .env_remove("RUSTC_WORKSPACE_WRAPPER")
            .output()
            .context("cargo did not start")?;
        ensure!(built.status.success(), "{contract} does not compile:\n{}", text(&built));
        let file = format!("charter_{}.wasm", contract.replace('-', "_"));
        let _ = std::fs::remove_dir_all(self.wasm());
        std::fs::create_dir_all(self.wasm())?;
        std::fs::copy(self.folder.join("target").join(TARGET).join("contract").join(&file), self.wasm().join(&file))?;
        Ok(())
    }

    fn test(&self, contract: &str, tests: &str) -> anyhow::Result<Output> {
        let mut cargo = Command::new(crate::cargo());
        cargo.args(["test", "--workspace", "--no-fail-fast", "--test"]);
        if contract == CLIENT {
            // Where other crates are compiled already: only ours are others in the copy.
            cargo.arg("proof").current_dir(self.sources()).env("CARGO_TARGET_DIR", self.here.join("target"));
        } else {
            cargo.arg("it").env("CHARTER_WASM_DIR", self.wasm()).env("CHARTER_SEQUENCES", SEQUENCES);
        }
        let ran = cargo.args(["--", tests]).env("CHARTER_SHRINKS", "0").env("RUST_BACKTRACE", "0").output();
        let ran = ran.context("cargo did not start")?;
        ensure!(text(&ran).contains("test result: "), "no test ran:\n{}", text(&ran));
        Ok(ran)
    }

    /// Names of the tests that fail.
    fn try_out(&self, one: &Mutation) -> anyhow::Result<String> {
        let file = self.sources().join(one.file);
        let right = std::fs::read_to_string(&file).with_context(|| one.file.to_owned())?;
        let found = right.matches(one.line).count();
        ensure!(found == 1, "{}: the line is {found} times in {}: {}", one.breaks, one.file, one.line);
        std::fs::write(&file, right.replace(one.line, one.instead))?;
        let told = self.build(one.contract).and_then(|()| self.test(one.contract, one.tests));
        std::fs::write(&file, right)?;
        let told = String::from_utf8_lossy(&told?.stdout).into_owned();
        let failed = told.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
        Ok(failed.collect::<Vec<_>>().join(", "))
    }
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

impl Mutation {
    /// Whether the invariant's own test is among them. What has no number has none.
    fn is_noticed_by_own(&self, noticed: &str) -> bool {
        let numbered = self.breaks.ends_with(|last: char| last.is_ascii_digit());
        !numbered || noticed.contains(&format!("{}_", self.breaks.to_lowercase().replace('-', "_")))
    }

    fn is_about(&self, wanted: &str) -> bool {
        [self.breaks, self.contract, self.file].iter().any(|name| name.contains(wanted))
    }
}

/// Whether every line that the list names is still there, once.
#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ADOPT, ESCROW, MUTATIONS, PROOF, STAKE, TASKS};

    #[test]
    fn every_line_is_where_the_list_says() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for one in MUTATIONS.iter().chain(ADOPT).chain(STAKE).chain(ESCROW).chain(TASKS).chain(PROOF) {
            let text = std::fs::read_to_string(root.join(one.file)).expect(one.file);
            assert_eq!(text.matches(one.line).count(), 1, "{}: {}", one.breaks, one.line);
        }
    }
}
