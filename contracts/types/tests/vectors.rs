//! Test vectors for other implementations, in `contracts/types/vectors/`: the bytes of every signed message. `CHARTER_WRITE_VECTORS=1 cargo test --test vectors` writes them anew; without it they are compared.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::path::PathBuf;

use charter_types::keys::args::{RELEASE_PURPOSE, ReleaseProof};
use charter_types::keys::{
    ENVELOPE_PURPOSE, EnvelopeContext, HOST_CHANGE_PURPOSE, HOST_PROOF_PURPOSE, HostChange, HostProof,
};
use charter_types::registry::{
    ATTESTATION_PURPOSE, AttestationClaim, Epochs, KEY_PROOF_PURPOSE, KeyProof, Purpose, STATEMENT_PURPOSE, Statement,
};
use charter_types::{AnyKey, Domain, Ed25519Key, Hash32, X25519Key};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Compares a file of vectors with what they should be, or writes it.
fn compare(name: &str, vectors: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    if std::env::var("CHARTER_WRITE_VECTORS").is_ok() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_string_pretty(vectors).unwrap() + "\n").unwrap();
    }
    let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(&written, vectors, "{name} says something else: write it anew if that is meant");
}

#[test]
fn signed_messages_are_as_written() {
    let signing = SigningKey::from_bytes(&[42; 32]);
    let contract = "registry.near".parse().unwrap();
    let keys = "keys.near".parse().unwrap();
    let (sign_key, encrypt_key) = (Ed25519Key([5; 32]), X25519Key([9; 32]));
    let vector =
        |purpose, contract: &charter_types::AccountId, fields: Value, message: &dyn Fn(Domain<'_>) -> Vec<u8>| {
            let bytes = message(Domain { purpose, version: 1, chain_id: "mainnet", contract });
            json!({
                "purpose": purpose, "version": 1, "chain_id": "mainnet", "contract": contract, "fields": fields,
                "message": hex::encode(&bytes), "signature": hex::encode(signing.sign(&bytes).to_bytes()),
            })
        };
    let key = KeyProof { agent: 1, epoch: 2, key: AnyKey::Ed25519(sign_key), purpose: Purpose::Sign, expires_ms: 3 };
    let statement = Statement { agent: 1, epoch: 2, message: b"hello" };
    let claim = AttestationClaim { agent: 1, epoch: 2, nonce: Hash32([3; 32]), sign_key, encrypt_key };
    let host = HostProof { operator: "hal.near".parse().unwrap(), sign_key, encrypt_key };
    let change = HostChange { host: 1, generation: 2, operator: host.operator.clone(), sign_key, encrypt_key };
    let release = ReleaseProof {
        host: 1,
        host_generation: 2,
        grant: 3,
        secret: 4,
        secret_epoch: 5,
        app_public_key: "bls12381g1:app".to_owned(),
    };
    let keys_of = json!({ "sign_key": sign_key, "encrypt_key": encrypt_key });
    let vectors = [
        vector(
            KEY_PROOF_PURPOSE,
            &contract,
            json!({ "agent": 1, "epoch": 2, "key": sign_key, "purpose": "sign", "expires_ms": 3 }),
            &|domain| domain.message(&key, sha256),
        ),
        vector(
            STATEMENT_PURPOSE,
            &contract,
            json!({ "agent": 1, "epoch": 2, "message": hex::encode("hello") }),
            &|domain| domain.message(&statement, sha256),
        ),
        vector(
            ATTESTATION_PURPOSE,
            &contract,
            json!({ "agent": 1, "epoch": 2, "nonce": Hash32([3; 32]), "keys": keys_of }),
            &|domain| domain.message(&claim, sha256),
        ),
        vector(HOST_PROOF_PURPOSE, &keys, json!({ "operator": "hal.near", "keys": keys_of }), &|domain| {
            domain.message(&host, sha256)
        }),
        vector(
            HOST_CHANGE_PURPOSE,
            &keys,
            json!({ "host": 1, "generation": 2, "operator": "hal.near", "keys": keys_of }),
            &|domain| domain.message(&change, sha256),
        ),
        vector(
            RELEASE_PURPOSE,
            &keys,
            json!({
                "host": 1, "host_generation": 2, "grant": 3, "secret": 4, "secret_epoch": 5,
                "app_public_key": "bls12381g1:app",
            }),
            &|domain| domain.message(&release, sha256),
        ),
    ];
    let seed = hex::encode([42; 32]);
    compare("messages.json", &json!({ "signing_key_seed": seed, "messages": vectors }));
}

/// What envelopes and data keys are bound to: associated data, and HPKE's `info`.
#[test]
fn sealed_things_are_bound_to_these_bytes() {
    let contract = "keys.near".parse().unwrap();
    let domain = Domain { purpose: ENVELOPE_PURPOSE, version: 2, chain_id: "mainnet", contract: &contract };
    let (domain, epochs) = (domain.separator(sha256), Epochs { agent: 4, owner: 5 });
    let (label_hash, ceiling_hash) = (Hash32([3; 32]), Hash32([6; 32]));
    let vectors = [None, Some(7)].map(|host| {
        let context = EnvelopeContext { domain, agent: 1, epochs, label_hash, ceiling_hash, version: 2, host };
        json!({
            "chain_id": "mainnet", "contract": "keys.near", "agent": 1, "epochs": epochs, "label_hash": label_hash,
            "ceiling_hash": ceiling_hash, "version": 2, "host": host,
            "bytes": hex::encode(borsh::to_vec(&context).unwrap()),
        })
    });
    compare("sealing.json", &json!({ "purpose": ENVELOPE_PURPOSE, "domain_version": 2, "contexts": vectors }));
}
