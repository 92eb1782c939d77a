//! Hosts, secrets, grants, budgets, leases and approvals before and after an upgrade.

use charter_harness::Harness;
use charter_types::keys::args::GrantTerms;
use charter_types::keys::{Allowance, Asker, Envelope, Grantee, Unit, Wrap};
use charter_types::{Base64Bytes, Ed25519Key, Hash32, U128};
use charter_wasm::Contract;
use near_workspaces::Account;
use serde_json::{Value, json};

use super::Filled;
use crate::attestation::Attester;
use crate::grants_in_use::{Scene, reserve, scene_on, uses, vouch};
use charter_harness::arguments::{DEPOSIT, get, policy};

const DIGESTS: [Hash32; 3] = [Hash32([1; 32]), Hash32([2; 32]), Hash32([3; 32])];

/// Fields that release `faa0a5a` did not know.
const LATER: [&str; 4] = ["hosts", "epochs", "host_generation", "measurements"];

/// Takes out what the release that runs does not know.
pub fn as_known(early: bool, args: &mut Value) {
    match args {
        Value::Object(fields) => {
            fields.retain(|name, _| !early || !LATER.contains(&name.as_str()));
            fields.values_mut().for_each(|field| as_known(early, field));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| as_known(early, item)),
        _ => {}
    }
}

/// Whether this is the code of `faa0a5a`.
async fn is_early(scene: &Scene) -> bool {
    let keys = &scene.harness.contracts.keys;
    let packed = scene.harness.worker.view(keys, "__contract_abi").await.unwrap().result;
    let abi = String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
    !abi.contains("change_host_keys")
}

async fn ok(scene: &Scene, by: &Account, method: &str, args: impl serde::Serialize + Send, deposit: u128) -> Value {
    let mut args = json!(args);
    as_known(is_early(scene).await, &mut args);
    super::ok(by, &scene.harness.contracts.keys, method, args, deposit).await
}

/// A secret sealed to both hosts, with one grant.
async fn add(scene: &Scene, label: u8, terms: GrantTerms) -> Value {
    let wrap = |host| json!({ "host": host, "sealed": Base64Bytes(vec![2; 80]) });
    let args = json!({
        "agent": scene.agent, "label_hash": Hash32([label; 32]), "ceiling": policy("/"),
        "envelope": Envelope::Inline(Base64Bytes(vec![1; 64])), "wraps": [wrap(1), wrap(2)], "rotate_by_ms": 0,
        "grants": [terms],
    });
    ok(scene, &scene.alice, "add_credential", args, 1).await
}

/// Secrets in every mode, with grants to every kind of grantee.
async fn secrets(scene: &Scene) {
    let asset =
        Allowance { unit: Unit::Asset("near".to_owned()), capacity: U128(9), refill: U128(3), period_ms: 1_000 };
    let hosts = vec![1, 2];
    let budgeted = GrantTerms { budget: Some(uses(10)), hosts: hosts.clone(), ..scene.to_bob() };
    let parent = add(scene, 1, budgeted).await["grants"][0].clone();
    let terms = GrantTerms { budget: Some(uses(100)), ..scene.to_bob() };
    let delegate = json!({ "parent": parent, "parent_policy": policy("/v1"), "terms": terms });
    ok(scene, &scene.bob, "delegate", delegate, 1).await;
    add(scene, 2, GrantTerms { needs_approval: true, budget: Some(asset), hosts, ..scene.to_bob() }).await;
    let grantees = [Grantee::Host(1), Grantee::AgentKey(Ed25519Key([7; 32])), Grantee::Measurement(Hash32([8; 32]))];
    let terms: Vec<_> = grantees.into_iter().map(|grantee| scene.terms(grantee, "/v1")).collect();
    let secret = |label, mode| {
        let (label_hash, sha256) = (Hash32([label; 32]), Hash32([9; 32]));
        let ceiling = policy("/");
        json!({ "agent": scene.agent, "label_hash": label_hash, "mode": mode, "ceiling": ceiling, "sha256": sha256, "grants": terms })
    };
    ok(scene, &scene.alice, "create_secret", secret(3, "mpc"), 1).await;
    ok(scene, &scene.alice, "create_secret", secret(4, "external"), 1).await;
    let elsewhere = Envelope::Elsewhere { uri: "ipfs://x".to_owned(), sha256: Hash32([5; 32]), bytes: 9_000 };
    let wraps = vec![Wrap { host: 2, host_generation: 0, sealed: Base64Bytes(vec![4; 80]) }];
    let rotate =
        json!({ "secret": 2, "expected_version": 1, "envelope": elsewhere, "wraps": wraps, "rotate_by_ms": 7 });
    ok(scene, &scene.alice, "rotate_secret", rotate, 1).await;
    // One that is gone but for its row.
    let gone = add(scene, 5, scene.to_bob()).await["secret"].clone();
    ok(scene, &scene.alice, "retire_secret", json!({ "secret": gone }), 1).await;
}

/// Leases with and without an approval, and approvals in every state.
async fn uses_of(scene: &Scene) {
    let [hal, hel] = &scene.hosts;
    ok(scene, hal, "reserve", reserve(2, 1, 6), 0).await;
    let expires_ms = scene.harness.now_ms().await.unwrap() + 600_000;
    for digest in DIGESTS {
        let request = json!({ "grant": 3, "digest": digest, "host": 2, "expires_ms": expires_ms });
        ok(scene, &scene.bob, "request_approval", request, DEPOSIT).await;
    }
    let early = is_early(scene).await;
    let approval = |digest| {
        if early {
            return json!({ "grant": 3, "digest": digest });
        }
        json!({ "grant": 3, "host": 2, "digest": digest, "expires_ms": expires_ms })
    };
    ok(scene, &scene.alice, "approve", approval(DIGESTS[0]), 1).await;
    ok(
        scene,
        hel,
        "reserve",
        json!({ "grant": 3, "host": 2, "amount": "2", "for_ms": 60_000, "digest": DIGESTS[0] }),
        0,
    )
    .await;
    ok(scene, &scene.alice, "approve", approval(DIGESTS[1]), 1).await;
    ok(scene, &scene.alice, "reject", approval(DIGESTS[2]), 1).await;
}

async fn fill(harness: Harness) -> Filled {
    let scene = scene_on(harness).await;
    let (people, values) = fill_scene(&scene).await;
    Filled::new(Contract::Keys, scene.harness, people, values).await
}

async fn fill_scene(scene: &Scene) -> (Vec<Account>, super::Values) {
    let [hal, hel] = &scene.hosts;
    secrets(scene).await;
    uses_of(scene).await;
    let attester = Attester::new(&scene.harness, &scene.alice, scene.agent).await;
    vouch(scene, &attester).await;
    let anchor = json!({ "host": 1, "from": 1, "to": 3, "merkle_root": Hash32([4; 32]) });
    ok(scene, hal, "anchor_receipts", anchor, 0).await;
    ok(scene, hel, "set_host_status", json!({ "host": 2, "status": "suspended" }), 0).await;
    ok(scene, &scene.carol, "suspend", json!({ "grant": 4 }), 0).await;
    ok(scene, &scene.alice, "revoke_grant", json!({ "grant": 5 }), 0).await;
    ok(scene, scene.harness.root(), "set_mpc", json!({ "account": scene.bob.id() }), 0).await;
    let people: Vec<Account> = [&scene.alice, &scene.bob, &scene.carol, hal, hel].into_iter().cloned().collect();
    let numbers = |last: u64| (1..=last).map(|number| json!(number)).collect::<Vec<_>>();
    let values = [
        ("account_id", people.iter().map(|person| json!(person.id())).collect()),
        ("host", numbers(3)),
        ("secret", numbers(6)),
        ("grant", numbers(4)),
        ("lease", numbers(3)),
        ("digest", DIGESTS.map(|digest| json!(digest)).to_vec()),
        ("policy", vec![json!(policy("/v1"))]),
        ("action", vec![json!(get("/v1/models"))]),
        ("asker", vec![json!(Asker::Account(scene.bob.id().clone()))]),
        ("standing", vec![json!(scene.standing().await)]),
    ];
    (people, values.into_iter().collect())
}

/// Leases are settled, approvals used and refused, grants changed, and every secret retired.
async fn change(filled: &Filled) {
    let [alice, bob, carol, hal, hel] = &filled.people[..] else { panic!("five people") };
    let before = [filled.available(hal).await, filled.available(hel).await];
    filled.ok(hal, "settle", json!({ "lease": 1, "used": "2" }), 0).await;
    filled.ok(hel, "settle", json!({ "lease": 2, "used": "2" }), 0).await;
    let (lease, byte) = (1 + 4 * 8 + 16 + 1 + 20 + 9 + 40, 10_000_000_000_000_000_000);
    let after = [filled.available(hal).await, filled.available(hel).await];
    assert_eq!(after, [before[0] + lease * byte, before[1] + (lease + 32) * byte], "a lease, and one with a digest");
    let budgets: Vec<Value> = filled.harness.worker.view(filled.id(), "budgets").await.unwrap().json().unwrap();
    let spent: Vec<_> = budgets.iter().map(|budget| budget["spent"].as_str().unwrap()).collect();
    assert_eq!(spent, ["2", "2", "2"]);
    let owners = filled.available(alice).await;
    filled.ok(hel, "set_host_status", json!({ "host": 2, "status": "active" }), 0).await;
    filled.ok(alice, "resume", json!({ "grant": 4 }), 1).await;
    filled.ok(alice, "revoke_grant", json!({ "grant": 4 }), 0).await;
    // What is rejected stays so, also where it was asked for before hosts were part of an approval's name.
    let question = json!({ "grant": 3, "host": 2, "digest": DIGESTS[2] });
    let asked = filled.harness.worker.view(filled.id(), "approval").args_json(&question).await.unwrap();
    let mut approve = question.clone();
    approve["expires_ms"] = asked.json::<Value>().unwrap()["expires_ms"].clone();
    assert_eq!(filled.refused(alice, "approve", approve, 1).await, "KEYS_REJECTED");
    let reserve = json!({ "grant": 3, "host": 2, "amount": "0", "for_ms": 60_000, "digest": DIGESTS[1] });
    filled.ok(hel, "reserve", reserve, 0).await;
    filled.ok(carol, "revoke_secret", json!({ "secret": 2 }), 0).await;
    assert_eq!(filled.available(alice).await, owners, "rows that kept their size");
    filled.ok(bob, "renounce", json!({ "grant": 1 }), 0).await;
    for secret in 1..=4 {
        filled.ok(alice, "retire_secret", json!({ "secret": secret }), 1).await;
    }
    assert!(filled.available(alice).await > owners, "ciphertexts, data keys and labels are gone");
}

#[tokio::test]
async fn secrets_and_grants_of_every_release_upgrade() {
    super::every_release_upgrades(fill, change, |_| 0).await;
}

#[tokio::test]
async fn todays_code_writes_what_the_newest_release_wrote() {
    super::todays_code_writes_what_the_newest_release_wrote(fill).await;
}
