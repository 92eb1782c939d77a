//! What an aged Sybil costs in `docs/reputation.md` is what its calls cost in `docs/reference/gas.json`.
//! `CHARTER_WRITE_PRICES=1` writes it anew.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::Value;

/// Calls for one voice: an agent, a payment to the one to be raised, one to the next Sybil, both claimed and closed.
const CALLS: [(u32, &str, &str, &str); 5] = [
    (1, "registry", "register_agent", "first of its owner"),
    (1, "escrow", "open", "first of its payer"),
    (1, "escrow", "open", "second of its payer"),
    (2, "escrow", "claim_batch", "1 row"),
    (2, "escrow", "close", "with something for both"),
];
/// NEAR that a byte of state locks.
const NEAR_PER_BYTE: f64 = 0.000_01;
const HEAD: &str = "| voices | NEAR burnt | NEAR locked |\n|--:|--:|--:|\n";

fn docs(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file)
}

fn table() -> String {
    let known: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(docs("reference/gas.json")).unwrap()).unwrap();
    let (mut burnt, mut locked) = (0.0, 0.0);
    for (times, contract, method, case) in CALLS {
        let is_it = |row: &&Value| row["contract"] == contract && row["method"] == method && row["case"] == case;
        let row = known.iter().find(is_it).unwrap_or_else(|| panic!("{contract} {method}, {case} is not measured"));
        burnt += f64::from(times) * row["near"].as_f64().unwrap();
        locked += f64::from(times) * row["state_bytes"].as_f64().unwrap() * NEAR_PER_BYTE;
    }
    let mut table = HEAD.to_owned();
    for (voices, number) in [("1", 1.0), ("100", 100.0), ("10,000", 10_000.0)] {
        writeln!(table, "| {voices} | {:.4} | {:.4} |", number * burnt, number * locked).unwrap();
    }
    table
}

#[test]
fn the_docs_price_a_sybil_by_the_gas_table() {
    let (path, table) = (docs("reputation.md"), table());
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(HEAD).expect("the page has the table");
    let (_, after) = rest.split_once("\n\n").expect("something follows the table");
    let expected = format!("{before}{table}\n{after}");
    if std::env::var_os("CHARTER_WRITE_PRICES").is_some() {
        std::fs::write(path, expected).unwrap();
        return;
    }
    assert_eq!(text, expected, "docs/reputation.md is out of date: CHARTER_WRITE_PRICES=1 writes it");
}
