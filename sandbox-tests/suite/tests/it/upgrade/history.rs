//! Wasm of earlier releases, which `contracts/history` keeps.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use charter_client::sha256;
use charter_types::Hash32;
use charter_wasm::Contract;

/// The smallest there is.
const ZSTD_LEVEL: i32 = 22;

/// One wasm, as `contracts/history/README.md` lists it.
pub struct Listed {
    pub release: String,
    contract: String,
    sha256: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/history")
}

fn list() -> String {
    std::fs::read_to_string(folder().join("README.md")).unwrap()
}

fn listed() -> Vec<Listed> {
    let rows = list();
    let rows = rows.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [_, release, contract, sha256, _, _] = cells[..] else { return None };
        let row = Listed { release: release.to_owned(), contract: contract.to_owned(), sha256: sha256.to_owned() };
        (sha256.len() == 64).then_some(row)
    });
    rows.collect()
}

/// All releases, oldest first.
pub fn releases() -> Vec<String> {
    let mut releases: Vec<String> = listed().into_iter().map(|row| row.release).collect();
    releases.dedup();
    releases
}

fn path(release: &str, contract: &str) -> PathBuf {
    folder().join(release).join(format!("{contract}.wasm.zst"))
}

/// A release's wasm of a contract; today's of one that came later.
pub fn wasm(release: &str, contract: Contract) -> anyhow::Result<Vec<u8>> {
    let path = path(release, contract.name());
    if !path.exists() {
        return Ok(contract.code().to_vec());
    }
    Ok(zstd::decode_all(std::fs::read(path)?.as_slice())?)
}

/// Keeps today's wasm as the next release.
fn keep() {
    let release = format!("{:04}", releases().len() + 1);
    std::fs::create_dir_all(folder().join(&release)).unwrap();
    let mut list = list();
    for contract in Contract::ALL {
        let wasm = contract.code();
        let packed = zstd::encode_all(wasm, ZSTD_LEVEL).unwrap();
        std::fs::write(path(&release, contract.name()), packed).unwrap();
        let sha256 = Hash32(sha256(wasm));
        writeln!(list, "| {release} | {} | `{sha256}` | {} |", contract.name(), wasm.len()).unwrap();
    }
    std::fs::write(folder().join("README.md"), list).unwrap();
}

#[test]
fn every_wasm_has_the_hash_that_is_listed() {
    if std::env::var("CHARTER_WRITE_HISTORY").is_ok() {
        keep();
    }
    let listed = listed();
    assert!(!listed.is_empty());
    for Listed { release, contract, sha256: expected } in listed {
        let packed = std::fs::read(path(&release, &contract)).unwrap();
        let wasm = zstd::decode_all(packed.as_slice()).unwrap();
        assert_eq!(Hash32(sha256(&wasm)).to_string(), expected, "{contract} of {release}");
    }
}
