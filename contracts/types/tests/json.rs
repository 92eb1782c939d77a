//! Contracts read arguments by `FromJson`, programs by serde. Both must give the same answer to every text.

use charter_types::json::{FromJson, read};
use charter_types::registry::Authority;
use charter_types::{escrow, governance, keys, registry, tasks};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Every value that differs from `sample` in one place: a field gone or new, or a leaf replaced.
fn variations(sample: &Value) -> Vec<Value> {
    let odd = [json!(null), json!(1), json!(-1), json!(1.5), json!("?"), json!(true), json!([]), json!({})];
    let mut all: Vec<Value> = odd.to_vec();
    match sample {
        Value::Object(fields) => {
            let mut more = fields.clone();
            more.insert("unknown".to_owned(), json!(1));
            all.push(Value::Object(more));
            for (name, field) in fields {
                let mut fewer = fields.clone();
                fewer.remove(name);
                all.push(Value::Object(fewer));
                for changed in variations(field) {
                    let mut other = fields.clone();
                    other.insert(name.clone(), changed);
                    all.push(Value::Object(other));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                for changed in variations(item) {
                    let mut other = items.clone();
                    other[index] = changed;
                    all.push(Value::Array(other));
                }
            }
        }
        _ => {}
    }
    all
}

fn agree<T: FromJson + DeserializeOwned + std::fmt::Debug>(sample: &Value) {
    let name = std::any::type_name::<T>();
    let text = sample.to_string();
    assert!(read::<T>(text.as_bytes()).is_ok(), "{name}: {text}: {:?}", read::<T>(text.as_bytes()));
    for value in variations(sample).into_iter().chain([sample.clone()]) {
        // serde also reads structs from lists, and unit variants from null; contracts do neither.
        let text = value.to_string();
        let (ours, theirs) = (read::<T>(text.as_bytes()), serde_json::from_str::<T>(&text));
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{name}: {text}"),
            (Err(_), Err(_)) => {}
            _ => panic!("{name}: {text}: on chain {ours:?}, off chain {theirs:?}"),
        }
    }
}

#[test]
fn contracts_and_programs_read_the_same() {
    let hash = "11".repeat(32);
    let key = charter_types::Ed25519Key([7; 32]).to_string();
    let x25519 = charter_types::X25519Key([9; 32]).to_string();
    let signature = charter_types::Signature64([8; 64]).to_string();
    let card = json!({ "uri": "u", "sha256": hash });
    let operator = json!({ "account": "op.near", "permissions": ["card", "keys"], "expires_ms": 5 });
    let policy = json!({
        "effects": ["read"], "inject": { "header": { "name": "a", "prefix": "" } }, "body_bytes_max": 1,
        "response_bytes_max": 1, "rate": { "uses": 1, "per_ms": 2 },
        "near_calls": [{ "contract": "a.near", "methods": ["m"], "deposit_max": "1", "gas_max": 2 }],
        "targets": [{ "scheme": "https", "host": "a.com", "port": 443, "paths": ["/"], "methods": ["GET"] }],
    });
    let terms = json!({
        "grantee": { "account": "bob.near" }, "policy": policy, "not_before_ms": 0, "expires_ms": 9,
        "needs_approval": true, "measurements": [], "no_delegation": false,
        "budget": { "unit": { "asset": "near" }, "capacity": "5", "refill": "1", "period_ms": 7 },
    });
    let standing = json!({
        "owner": "a.near", "status": { "state": "active" }, "armed": true, "epochs": { "agent": 1, "owner": 2 },
        "keys": [{ "key": key, "purpose": "sign", "expires_ms": 5 }],
    });
    let authority = json!({
        "owner": "a.near", "status": { "state": "paused", "until_ms": 5, "by": "guardian" }, "armed": true,
        "roles": { "owner": true, "agent": false, "guardian": false, "operator": ["card"] },
        "epochs": { "agent": 1, "owner": 2 },
    });
    agree::<registry::args::RegisterAgent>(
        &json!({ "card": card, "agent_account": null, "operators": [operator], "guardians": ["g.near"] }),
    );
    agree::<registry::args::SetCard>(&json!({ "agent": 1, "card": card, "expected_revision": 1 }));
    agree::<registry::args::AddKey>(
        &json!({ "agent": 1, "key": key, "purpose": "sign", "expires_ms": 1, "proof": signature, "endorsed_by": key }),
    );
    agree::<registry::args::SetRecoverers>(
        &json!({ "agent": 1, "recoverers": { "accounts": ["a.near"], "threshold": 1, "delay_ms": 5 } }),
    );
    let measurement = json!({ "sha256": hash, "from_ms": 1, "until_ms": 2, "revoked": true });
    agree::<registry::args::SetAttestationPolicy>(&json!({
        "agent": 1, "policy": { "measurements": [measurement], "tcb": ["up_to_date"], "max_age_ms": 1 },
    }));
    agree::<registry::nft::NftTransfer>(
        &json!({ "receiver_id": "a.near", "token_id": "1", "approval_id": 1, "memo": "m", "msg": "" }),
    );
    agree::<registry::args::Pause>(&json!({ "agent": 1, "for_ms": 2 }));
    agree::<Authority>(&authority);
    agree::<keys::args::RegisterHost>(
        &json!({ "sign_key": key, "encrypt_key": x25519, "max_staleness_ms": 1, "proof": signature }),
    );
    agree::<keys::args::AddCredential>(&json!({
        "agent": 1, "label_hash": hash, "ceiling": policy, "envelope": { "inline": "AA==" },
        "wraps": [{ "host": 1, "sealed": "" }], "rotate_by_ms": 1, "grants": [terms],
    }));
    agree::<keys::args::PutEnvelope>(&json!({
        "secret": 1, "expected_version": 1, "envelope": { "elsewhere": { "uri": "u", "sha256": hash, "bytes": 1 } },
    }));
    let action = json!({ "http": {
        "scheme": "http", "host": "a", "port": 1, "path": "/", "method": "PUT", "body_bytes": 1,
        "content_sha256": hash, "effects": ["spend"],
    } });
    let near = json!({ "near": {
        "contract": "a.near", "method": "m", "deposit": "1", "gas": 1, "args_sha256": hash,
    } });
    agree::<keys::Action>(&near);
    agree::<keys::args::Check>(&json!({
        "grant": 1, "policy": policy, "host": 1, "asker": { "key": key }, "standing": standing, "action": action,
    }));
    let content = json!({
        "semver": "1.0.0", "artifacts": [{ "kind": "near_wasm", "digest": hash, "bytes": 1 }], "source_commit": "a",
        "permissions": hash, "reversible": true,
    });
    agree::<governance::args::ProposeRelease>(&json!({ "line": 1, "seq": 1, "content": content }));
    agree::<governance::args::CreateLine>(
        &json!({ "name": "n", "council": [{ "account": "a.near", "weight": 1 }], "params": governance::Params::default() }),
    );
    agree::<governance::args::Vote>(&json!({ "proposal": 1, "content_hash": hash, "choice": "no" }));
    agree::<escrow::args::Open>(&json!({ "payee": "a.near", "agent": 1, "voucher_key": key, "withdraw_delay_ms": 1 }));
    let deadlines = json!({
        "work_ms": 1, "reveal_ms": 2, "verdict_ms": 3, "verdict_reveal_ms": 4, "appeal_ms": 5, "show_ms": 6,
    });
    agree::<tasks::args::PostTaskSet>(&json!({
        "spec_uri": "u", "spec_hash": hash, "asset": { "nep141": "t.near" }, "reward": "1", "reviewer_fee": "2",
        "count": 3, "at_once": 1, "take_deposit": "4", "deadlines": deadlines, "honeypots": hash,
    }));
    agree::<tasks::args::RevealWork>(
        &json!({ "set": 1, "index": 2, "answer": { "at": { "uri": "u", "hash": hash } }, "salt": hash }),
    );
    agree::<tasks::args::RevealWork>(
        &json!({ "set": 1, "index": 2, "answer": { "inline": { "bytes": "AA==" } }, "salt": hash }),
    );
    agree::<tasks::args::RevealVerdict>(&json!({ "set": 1, "index": 2, "verdict": "unfetchable", "salt": hash }));
    agree::<tasks::args::ShowHoneypot>(
        &json!({ "set": 1, "index": 2, "answer_hash": hash, "salt": hash, "proof": [hash] }),
    );
    agree::<charter_types::PageOf>(&json!({ "account": "a.near", "from": 1, "limit": 2 }));
    agree::<charter_types::storage::StorageWithdraw>(&json!({ "amount": "12" }));
}
