//! `contracts/*/abi.json` are what the tables say. `cargo xtask abi` writes them.

use std::path::Path;

#[test]
fn committed_abis_are_those_of_the_types() {
    for contract in ["registry", "keys", "governance", "escrow", "verifier"] {
        let abi = charter_types::abi::of(contract).unwrap();
        let text = serde_json::to_string_pretty(&abi).unwrap() + "\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../{contract}/abi.json"));
        if std::env::var_os("CHARTER_WRITE_ABI").is_some() {
            std::fs::write(&path, text).unwrap();
        } else {
            let known = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(known == text, "{} is out of date: run `cargo xtask abi`", path.display());
        }
    }
}

/// Readers of ABIs know neither `allOf` nor `default`; and where two types had one name, the second got a number.
#[test]
fn schemas_use_what_readers_of_abis_know() {
    for contract in ["registry", "keys", "governance", "escrow", "verifier"] {
        let abi = charter_types::abi::of(contract).unwrap();
        let text = serde_json::to_string(&abi).unwrap();
        for word in ["\"allOf\":", "\"default\":", "\"description\":\"", "\"format\":\""] {
            assert!(!text.contains(word), "{contract} has {word}");
        }
        for name in abi.body.root_schema.definitions.keys() {
            let numbered = name.ends_with(|last: char| last.is_ascii_digit());
            assert!(!numbered || ["Hash32", "Signature64", "U128"].contains(&name.as_str()), "{contract} has {name}");
        }
    }
}
