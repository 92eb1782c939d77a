//! Events, codes and storage in the mock VM.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

#[path = "../../../common/testing/mock_vm.rs"]
mod vm;

use charter_keys::Keys;
use charter_types::keys::{HOST_PROOF_PURPOSE, HostProof};
use charter_types::{Domain, Ed25519Key, Signature64, X25519Key};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vm::{logs, next_call};

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn contract() -> Keys {
    next_call("admin.near", &json!({ "account": "admin.near", "registry": "registry.near" }), 0);
    Keys::new().unwrap()
}

/// Arguments of `register_host`, endorsed for `operator` on `chain_id`.
fn host(operator: &str, chain_id: &str) -> Value {
    let signing = SigningKey::from_bytes(&[5; 32]);
    let (sign_key, encrypt_key) = (Ed25519Key(signing.verifying_key().to_bytes()), X25519Key([9; 32]));
    let proof = HostProof { operator: operator.parse().unwrap(), sign_key, encrypt_key };
    let contract = "contract.near".parse().unwrap();
    let domain = Domain { purpose: HOST_PROOF_PURPOSE, version: 1, chain_id, contract: &contract };
    let proof = Signature64(signing.sign(&domain.message(&proof, sha256)).to_bytes());
    json!({ "sign_key": sign_key, "encrypt_key": encrypt_key, "max_staleness_ms": 1_000, "proof": proof })
}

#[test]
fn registering_a_host_tells_it() {
    let mut contract = contract();
    next_call("hal.near", &host("hal.near", &near_sdk::env::chain_id()), NEAR);
    assert_eq!(contract.register_host().unwrap(), 1);
    insta::assert_snapshot!(logs());
}

#[test]
fn an_endorsement_is_for_one_operator_and_chain() {
    let mut contract = contract();
    for args in [host("eve.near", "test"), host("hal.near", "elsewhere")] {
        next_call("hal.near", &args, NEAR);
        assert_eq!(contract.register_host().unwrap_err().code, "KEYS_BAD_HOST_PROOF");
    }
    let mut weak = host("hal.near", "test");
    weak["encrypt_key"] = json!(X25519Key([0; 32]));
    next_call("hal.near", &weak, NEAR);
    assert_eq!(contract.register_host().unwrap_err().code, "KEYS_WEAK_KEY");
}

#[test]
fn refusals_before_the_registry_is_asked_have_codes() {
    let mut contract = contract();
    let policy = json!({
        "effects": ["read"], "inject": { "query": { "name": "key" } }, "body_bytes_max": 1, "response_bytes_max": 1,
        "targets": [{ "scheme": "https", "host": "A.com", "port": 443, "paths": ["/"], "methods": ["GET"] }],
    });
    let args = json!({ "agent": 1, "label_hash": "11".repeat(32), "ceiling": policy, "envelope": { "inline": "AA==" }, "wraps": [] });
    next_call("alice.near", &args, 0);
    assert_eq!(contract.add_credential().err().unwrap().code, "CHARTER_ONE_YOCTO");
    next_call("alice.near", &args, 1);
    assert_eq!(contract.add_credential().err().unwrap().code, "KEYS_BAD_POLICY");
    let mut lower = args.clone();
    lower["ceiling"]["targets"][0]["host"] = "a.com".into();
    next_call("alice.near", &lower, 1);
    assert_eq!(contract.add_credential().err().unwrap().code, "KEYS_TOO_MANY_WRAPS");
    next_call("eve.near", &json!({ "grant": 7 }), 0);
    assert_eq!(contract.revoke_grant().err().unwrap().code, "KEYS_UNKNOWN_GRANT");
    next_call("eve.near", &json!({ "host": 7 }), 0);
    assert_eq!(contract.revoke_host().unwrap_err().code, "KEYS_UNKNOWN_HOST");
}
