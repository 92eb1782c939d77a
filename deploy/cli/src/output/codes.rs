//! What machines know failures by: codes that never change, and these are all there are.

use charter_types::adopt::AdoptError;
use charter_types::error::CommonError;
use charter_types::escrow::EscrowError;
use charter_types::governance::GovernanceError;
use charter_types::keys::{Denial, KeysError};
use charter_types::registry::RegistryError;
use serde_json::json;

/// A contract refused that is not Charter's, as a token's.
pub const FOREIGN: &str = "FOREIGN_CONTRACT";

/// Those of Charter's contracts.
const CONTRACTS: [&[&str]; 6] = [
    CommonError::CODES,
    RegistryError::CODES,
    KeysError::CODES,
    GovernanceError::CODES,
    EscrowError::CODES,
    AdoptError::CODES,
];

/// Those of this program, of the client in it and of a key host. What a contract would refuse is refused with its code by
/// the program, too.
const OWN: [&str; 73] = [
    "CARD_CHANGED",
    "CONTENT_DIFFERS",
    "HOST_BAD_REQUEST",
    "HOST_BUSY",
    "HOST_CHAIN",
    "HOST_CREDENTIAL",
    "HOST_DEFECT",
    "HOST_ENCODING",
    "HOST_HEADER",
    "HOST_KEY_DIFFERS",
    "HOST_NEEDS_APPROVAL",
    "HOST_NO_WRAP",
    "HOST_OVERRIDE",
    "HOST_PLAIN_HTTP",
    "HOST_PRIVATE_ADDRESS",
    "HOST_QUERY",
    "HOST_RATE",
    "HOST_RESPONSE_TOO_LARGE",
    "HOST_SEALED",
    "HOST_SECRET_SHORT",
    "HOST_STALE",
    "HOST_TIMEOUT",
    "HOST_TOKEN",
    "HOST_UNMET",
    "HOST_UNRESOLVED",
    "HOST_UPSTREAM",
    "HOST_URL",
    "OFFER_BAD_FORM",
    "OFFER_BAD_SIGNATURE",
    "OFFER_ENDED",
    "OFFER_NOT_AGREED",
    "OFFER_NOT_NEXT",
    "OFFER_NOT_PAYEE",
    "PAY_ACK_SLOW",
    "PAY_ACK_WORTHLESS",
    "PAY_EXPIRES_SOON",
    "PAY_LOG_DAMAGED",
    "PAY_LOG_IN_USE",
    "PAY_LOG_OTHER",
    "PAY_NOT_NEXT",
    "PAY_STORAGE",
    "PAY_TOO_MANY_EXPIRIES",
    "PAY_UNPROVEN",
    "PAY_UNSEEN",
    "PAY_WRONG_KEY",
    "PAY_WRONG_PRICE",
    "PERMISSIONS_DIFFER",
    "PERMISSIONS_UNREADABLE",
    "POLICY_NUMERIC_HOST",
    "POLICY_PLAIN_HTTP",
    "POLICY_PUBLIC_SUFFIX",
    "PROOF_BAD_NODE",
    "PROOF_BAD_SIGNATURE",
    "PROOF_BLOCK_PATH",
    "PROOF_DOUBLE_PRODUCER",
    "PROOF_LITTLE_STAKE",
    "PROOF_MISSING_NODE",
    "PROOF_NOT_HIGHER",
    "PROOF_NO_NEXT_PRODUCERS",
    "PROOF_NO_PRODUCERS",
    "PROOF_OTHER_BLOCK",
    "PROOF_OTHER_EPOCH",
    "PROOF_OTHER_EXECUTOR",
    "PROOF_OTHER_PRODUCERS",
    "PROOF_OTHER_RECEIPT",
    "PROOF_OTHER_SHARD",
    "PROOF_OTHER_STATE",
    "PROOF_OTHER_VALUE",
    "PROOF_OUTCOME_PATH",
    "PROOF_UNKNOWN_PROTOCOL",
    "PROOF_UNREADABLE",
    "PROOF_WRONG_HASH",
    "TOKEN_STORAGE",
];

/// What stands before the first colon.
fn first(text: &str) -> Option<&str> {
    text.split_once(": ").map(|(code, _)| code)
}

fn is_contracts(code: &str) -> bool {
    CONTRACTS.iter().any(|codes| codes.contains(&code))
}

fn is_denial(code: &str) -> bool {
    serde_json::from_value::<Denial>(json!(code)).is_ok()
}

/// The code at the start of what one of Charter's contracts refused with.
pub fn of_contract(text: &str) -> Option<&str> {
    first(text).filter(|code| is_contracts(code))
}

/// The code at the start of a sentence of this program.
pub fn of_program(sentence: &str) -> Option<&str> {
    first(sentence).filter(|code| OWN.contains(code) || is_contracts(code) || is_denial(code))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::{OWN, first, of_program};

    /// Sources in a folder, and below it.
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// What stands between quotes in the sources of a folder. Tests, which say what they like, are at the end of files.
    fn quotes(folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder), &mut files);
        let mut found = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            let (text, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
            found.extend(text.split('"').map(str::to_owned));
        }
        found
    }

    fn is_code(text: &str) -> bool {
        text.contains('_') && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase())
    }

    /// A sentence whose code is not in the list has none for machines.
    #[test]
    fn every_code_in_the_sources_is_known_and_every_known_one_is_there() {
        let own = quotes("deploy/cli/src");
        let own = own.iter().filter_map(|text| first(text));
        let mut found: BTreeSet<String> = own.filter(|code| is_code(code)).map(str::to_owned).collect();
        for folder in ["agents/client/src", "agents/host/src"] {
            let is_failure = |text: &String| {
                let prefixes = ["HOST_", "OFFER_", "PAY_", "POLICY_", "PROOF_"];
                is_code(text) && prefixes.iter().any(|prefix| text.starts_with(prefix))
            };
            found.extend(quotes(folder).into_iter().filter(is_failure));
        }
        for code in &found {
            assert_eq!(of_program(&format!("{code}: why")), Some(code.as_str()));
        }
        for code in OWN {
            assert!(found.contains(code), "{code} is nobody's any more");
        }
    }
}
