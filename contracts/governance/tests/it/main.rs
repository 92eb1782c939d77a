//! Events, codes and storage in the mock VM.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

#[path = "../../../common/testing/mock_vm.rs"]
mod vm;

use charter_governance::Governance;
use serde_json::{Value, json};
use vm::{logs, next_call};

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;

fn contract() -> Governance {
    let params = json!({ "vote_ms": 60_000, "timelock_ms": 60_000, "quorum_bps": 1, "threshold_bps": 5_001 });
    let council = json!([{ "account": "admin.near", "weight": 1 }]);
    let args = json!({ "account": "admin.near", "registry": "registry.near", "council": council, "params": params });
    next_call("admin.near", &args, 0);
    Governance::new().unwrap()
}

fn release() -> Value {
    json!({
        "line": 2, "seq": 0,
        "content": {
            "semver": "1.0.0",
            "artifacts": [{ "kind": "near_wasm", "digest": "22".repeat(32), "bytes": 10 }],
            "source_commit": "ab".repeat(20),
            "permissions": "33".repeat(32),
            "reversible": true,
        },
    })
}

fn proposed() -> Governance {
    let mut contract = contract();
    next_call("alice.near", &json!({ "name": "scout" }), NEAR);
    assert_eq!(contract.create_line().unwrap(), 2);
    next_call("alice.near", &release(), NEAR);
    assert_eq!(contract.propose_release().unwrap(), 1);
    contract
}

#[test]
fn proposing_tells_the_release_and_the_proposal() {
    let _contract = proposed();
    insta::assert_snapshot!(logs());
}

#[test]
fn refusals_have_codes() {
    let mut contract = proposed();
    next_call("eve.near", &release(), NEAR);
    assert_eq!(contract.propose_release().unwrap_err().code, "GOVERNANCE_NOT_MEMBER");
    let mut broken = release();
    broken["content"]["semver"] = "one".into();
    next_call("alice.near", &broken, NEAR);
    assert_eq!(contract.propose_release().unwrap_err().code, "GOVERNANCE_BAD_CONTENT");
    next_call("alice.near", &json!({ "proposal": 1, "content_hash": "00".repeat(32), "choice": "yes" }), NEAR);
    assert_eq!(contract.vote().unwrap_err().code, "GOVERNANCE_WRONG_CONTENT_HASH");
    next_call("alice.near", &json!({ "proposal": 1 }), 0);
    assert_eq!(contract.queue().unwrap_err().code, "GOVERNANCE_VOTE_RUNNING");
    next_call("alice.near", &json!({ "proposal": 1 }), 0);
    assert_eq!(contract.publish().unwrap_err().code, "GOVERNANCE_NOT_APPROVED");
    next_call("eve.near", &json!({ "proposal": 1 }), 0);
    assert_eq!(contract.cancel().unwrap_err().code, "GOVERNANCE_NOT_PROPOSER");
}
