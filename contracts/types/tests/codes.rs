//! Codes are part of the public interface: this file is their list, and they are unique across the suite.

use charter_types::adopt::AdoptError;
use charter_types::error::CommonError;
use charter_types::escrow::EscrowError;
use charter_types::governance::GovernanceError;
use charter_types::keys::KeysError;
use charter_types::registry::RegistryError;
use charter_types::tasks::TasksError;

#[test]
fn codes_are_unique_and_never_change() {
    let lists = [
        CommonError::CODES,
        RegistryError::CODES,
        KeysError::CODES,
        GovernanceError::CODES,
        EscrowError::CODES,
        AdoptError::CODES,
        TasksError::CODES,
    ];
    let mut codes: Vec<&str> = lists.concat();
    insta::assert_snapshot!(codes.join("\n"));
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count, "a code is used twice");
}
