//! What is made from the declarations of methods: `contracts/*/abi.json` and `docs/reference/methods.md`. `cargo xtask abi`
//! writes them.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::fmt::Write;
use std::path::Path;

use charter_types::method::{Codec, Kind, Row};
use charter_types::{abi, contract};

/// Writes the file, or compares it with what it should be.
fn is_current(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("CHARTER_WRITE_ABI").is_some() {
        std::fs::write(&path, text).unwrap();
    } else {
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(known == text, "{} is out of date: run `cargo xtask abi`", path.display());
    }
}

#[test]
fn committed_abis_are_those_of_the_declarations() {
    for (name, rows) in contract::all() {
        let text = serde_json::to_string_pretty(&abi::of(name, rows)).unwrap() + "\n";
        is_current(&format!("contracts/{name}/abi.json"), &text);
    }
}

/// Readers of ABIs know neither `allOf` nor `default`; and where two types had one name, the second got a number.
#[test]
fn schemas_use_what_readers_of_abis_know() {
    for (contract, rows) in contract::all() {
        let abi = abi::of(contract, rows);
        let text = serde_json::to_string(&abi).unwrap();
        for word in ["\"allOf\":", "\"default\":", "\"description\":\"", "\"format\":\""] {
            assert!(!text.contains(word), "{contract} has {word}");
        }
        for name in abi.body.root_schema.definitions.keys() {
            let numbered = name.ends_with(|last: char| last.is_ascii_digit());
            let ours = ["Hash32", "Signature64", "U128", "QuoteCollateralV3"].contains(&name.as_str());
            assert!(!numbered || ours, "{contract} has {name}");
        }
    }
}

#[test]
fn the_reference_page_has_every_method() {
    let mut text = "# Methods\n\nWritten by `cargo xtask abi` from the declarations in `contracts/types/src/*/methods.rs`. Arguments and \
                    answers are\nJSON objects of `charter-types`, unless the row says borsh; their schemas are in \
                    `contracts/*/abi.json`. Callbacks, which only\nthe contracts themselves call, are left out.\n"
        .to_owned();
    for (contract, rows) in contract::all() {
        write!(text, "\n## {contract}\n\n| method | takes | answers | deposit | who | |\n|---|---|---|---|---|---|\n")
            .unwrap();
        for row in rows.iter().filter(|row| row.kind != Kind::Callback) {
            text.push_str(&line(row));
        }
    }
    is_current("docs/reference/methods.md", &text);
}

fn line(row: &Row) -> String {
    let docs = row.docs.concat().trim().replace('|', "\\|");
    let borsh = if matches!(row.codec, Codec::Borsh | Codec::BorshArgs) { " in borsh" } else { "" };
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{}`", text.replace(' ', "")) };
    let (deposit, caller) = match row.kind {
        Kind::Call => (row.rule.deposit.words(), row.rule.caller.words()),
        _ => ("", ""),
    };
    let (args, answer) = (code(row.args), code(row.answer));
    format!("| `{}` | {args}{borsh} | {answer} | {deposit} | {caller} | {docs} |\n", row.name)
}
