//! Attacks on keys that succeeded on release `faa0a5a`: each is played on its kept wasm with the arguments of then, and on
//! today's, where a code refuses it. Methods are called by name, with what the release that runs knows of the arguments.

use charter_client::sha256;
use charter_harness::{Caller, Harness, call, code_of, failed_with, raw};
use charter_types::keys::args::{GrantTerms, ReleaseProof};
use charter_types::keys::methods as keys;
use charter_types::keys::{Allowance, Grantee, Policy, Rate, Unit};
use charter_types::verifier::TcbStatus;
use charter_types::{Base64Bytes, Ed25519Key, Hash32, X25519Key};
use charter_wasm::Contract;
use ed25519_dalek::SigningKey;
use near_workspaces::Account;
use near_workspaces::operations::Function;
use near_workspaces::types::{Gas, NearToken};
use serde_json::{Value, json};

use crate::attestation::Attester;
use crate::grants_in_use::{Scene, scene_on, uses, vouch};
use crate::upgrade::history;
use crate::upgrade::keys::as_known;
use charter_harness::arguments::{self, DEPOSIT, change_of_host, policy, prepay};

const EARLY: &str = "faa0a5a";
/// Both releases: the attack succeeds on the first and fails on the second.
const RELEASES: [bool; 2] = [true, false];

struct Stage {
    early: bool,
    scene: Scene,
}

async fn stage(early: bool) -> Stage {
    let wasm = |contract: Contract| if early { history::wasm(EARLY, contract) } else { code_of(contract) };
    Stage { early, scene: scene_on(Harness::start_with(wasm).await.unwrap()).await }
}

impl Stage {
    fn hal(&self) -> &Account {
        &self.scene.hosts[0]
    }

    /// Operates host 2.
    fn hel(&self) -> &Account {
        &self.scene.hosts[1]
    }

    /// What a call answers, or its code.
    async fn play(&self, by: &Account, method: &str, mut args: Value, deposit: u128) -> Result<Value, String> {
        as_known(self.early, &mut args);
        let outcome = by.send(&self.scene.keys, raw(method, args), deposit).await.unwrap();
        failed_with(&outcome).map_or_else(|| Ok(outcome.json().unwrap_or(Value::Null)), Err)
    }

    async fn ok(&self, by: &Account, method: &str, args: Value, deposit: u128) -> Value {
        self.play(by, method, args, deposit).await.unwrap_or_else(|code| panic!("{method}: {code}"))
    }

    /// The attack goes through on the early release, and is refused today.
    async fn attack(&self, by: &Account, method: &str, args: Value, deposit: u128, code: &str) {
        let answer = self.play(by, method, args, deposit).await;
        if self.early {
            assert!(answer.is_ok(), "{method} was refused then: {answer:?}");
        } else {
            assert_eq!(answer.unwrap_err(), code, "{method}");
        }
    }

    async fn on_registry(&self, by: &Account, method: &str, args: Value, deposit: u128) {
        let outcome = by.send(&self.scene.harness.contracts.registry, raw(method, args), deposit).await.unwrap();
        assert!(outcome.is_success(), "{method}: {outcome:?}");
    }

    fn wraps(hosts: &[u64]) -> Value {
        let wrap = |host: &u64| json!({ "host": host, "host_generation": 0, "sealed": Base64Bytes(vec![2; 80]) });
        hosts.iter().map(wrap).collect()
    }

    fn credential(&self, label: u8, ceiling: &Policy, grants: &[GrantTerms]) -> Value {
        json!({
            "agent": self.scene.agent, "label_hash": Hash32([label; 32]), "ceiling": ceiling,
            "envelope": { "inline": Base64Bytes(vec![1; 64]) }, "wraps": Self::wraps(&[1, 2]), "grants": grants,
        })
    }

    /// A secret sealed to both hosts.
    async fn add(&self, label: u8, grants: &[GrantTerms]) -> Value {
        self.ok(&self.scene.alice, "add_credential", self.credential(label, &policy("/"), grants), 1).await
    }

    /// One that is sealed to nobody.
    async fn create(&self, mode: &str, grants: &[GrantTerms]) -> Value {
        let args = json!({
            "agent": self.scene.agent, "label_hash": Hash32([9; 32]), "mode": mode, "ceiling": policy("/"),
            "sha256": Hash32([4; 32]), "grants": grants,
        });
        self.ok(&self.scene.alice, "create_secret", args, 1).await
    }

    /// To bob, used up on host 1.
    fn on_host_1(&self, terms: GrantTerms) -> GrantTerms {
        GrantTerms { hosts: vec![1], ..terms }
    }

    async fn available(&self, person: &Account) -> u128 {
        let question = json!({ "account_id": person.id() });
        let worker = &self.scene.harness.worker;
        let asked = worker.view(&self.scene.keys, "storage_balance_of").args_json(question).await.unwrap();
        asked.json::<Value>().unwrap()["available"].as_str().unwrap().parse().unwrap()
    }
}

/// X1. Take the gas per row from `gas::callback` and a callback dies with its reservation.
#[tokio::test]
async fn a_callback_never_runs_out_of_gas_with_something_reserved() {
    for early in RELEASES {
        let stage = stage(early).await;
        let alice = &stage.scene.alice;
        let budgeted = stage.on_host_1(GrantTerms { budget: Some(uses(5)), ..stage.scene.to_bob() });
        let mut lost = 0;
        let gas: &[u64] =
            if early { &[21, 22, 23] } else { &[10, 15, 20, 21, 22, 23, 25, 30, 35, 40, 45, 50, 60, 100] };
        for (label, tgas) in (1..).zip(gas) {
            let before = stage.available(alice).await;
            let mut args = stage.credential(label, &policy("/"), &vec![budgeted.clone(); 6]);
            as_known(early, &mut args);
            let sent = raw("add_credential", args).tgas(*tgas);
            let outcome = alice.send(&stage.scene.keys, sent, 1).await.unwrap();
            if !outcome.is_success() {
                lost += before - stage.available(alice).await;
            }
            assert!(outcome.is_success() || *tgas < 100, "{outcome:?}");
        }
        assert_eq!(lost > 0, early, "what callbacks left reserved");
    }
}

/// K10. Take `may_use_up` from `reserve` and strangers drain what is granted to others.
#[tokio::test]
async fn hosts_that_a_grant_does_not_name_use_nothing_up() {
    for early in RELEASES {
        let stage = stage(early).await;
        let budgeted = stage.on_host_1(GrantTerms { budget: Some(uses(9)), ..stage.scene.to_bob() });
        let sealed = stage.add(1, std::slice::from_ref(&budgeted)).await["grants"][0].clone();
        let external = stage.create("external", &[budgeted]).await["grants"][0].clone();
        for grant in [sealed, external] {
            let reserve = |host| json!({ "grant": grant, "host": host, "amount": "5", "for_ms": 9_000 });
            stage.attack(stage.hel(), "reserve", reserve(2), 0, "KEYS_NOT_HERE").await;
            let rightful = stage.play(stage.hal(), "reserve", reserve(1), 0).await;
            assert_eq!(rightful.err(), early.then(|| "KEYS_BUDGET_SHORT".to_owned()));
        }
        // Today a budget that names no host does not come about.
        let unnamed = GrantTerms { budget: Some(uses(9)), ..stage.scene.to_bob() };
        let args = json!({ "secret": 1, "ceiling": policy("/"), "terms": unnamed });
        stage.attack(&stage.scene.alice, "grant", args, 1, "KEYS_HOSTS_NEEDED").await;
    }
}

/// K11 and K31. Take `may_use_up` from `request_approval`, or the host from the key of the row, and a stranger's request is
/// in the way of the rightful one.
#[tokio::test]
async fn approvals_are_asked_for_by_hosts_of_the_grant_answered_as_asked_and_withdrawn() {
    for early in RELEASES {
        let stage = stage(early).await;
        let Scene { alice, bob, harness, .. } = &stage.scene;
        let asking = stage.on_host_1(GrantTerms { needs_approval: true, ..stage.scene.to_bob() });
        let grant = stage.create("external", &[asking]).await["grants"][0].clone();
        let expires_ms = harness.now_ms().await.unwrap() + 600_000;
        let request = |digest: u8, host: u64, expires_ms: u64| json!({ "grant": grant, "digest": Hash32([digest; 32]), "host": host, "expires_ms": expires_ms });
        stage.attack(stage.hel(), "request_approval", request(1, 2, expires_ms), DEPOSIT, "KEYS_NOT_HERE").await;
        let rightful = stage.play(bob, "request_approval", request(1, 1, expires_ms), DEPOSIT).await;
        assert_eq!(rightful.err(), early.then(|| "KEYS_APPROVAL_EXISTS".to_owned()));
        if early {
            // A stranger used an approval up.
            stage.ok(alice, "approve", json!({ "grant": grant, "digest": Hash32([1; 32]) }), 1).await;
            let reserve = json!({ "grant": grant, "host": 2, "amount": "0", "for_ms": 9, "digest": Hash32([1; 32]) });
            stage.ok(stage.hel(), "reserve", reserve, 0).await;
            continue;
        }
        // Approved as it was asked for, and not for longer.
        let free = stage.available(bob).await;
        stage.ok(bob, "withdraw_approval", json!({ "grant": grant, "host": 1, "digest": Hash32([1; 32]) }), 0).await;
        assert!(stage.available(bob).await > free, "who asked gets its storage back");
        stage.ok(bob, "request_approval", request(1, 1, expires_ms + 9), DEPOSIT).await;
        let swapped = stage.play(alice, "approve", request(1, 1, expires_ms), 1).await;
        assert_eq!(swapped.unwrap_err(), "KEYS_NO_APPROVAL");
        let approved = stage.play(alice, "approve", request(1, 1, expires_ms + 9), 1).await;
        assert!(approved.is_ok(), "{approved:?}");
        // Rejected for good: not asked again, not withdrawn, not approved, until its time is over.
        stage.ok(bob, "request_approval", request(2, 1, expires_ms), DEPOSIT).await;
        stage.ok(alice, "reject", request(2, 1, expires_ms), 1).await;
        let reference = json!({ "grant": grant, "host": 1, "digest": Hash32([2; 32]) });
        for (by, method, args, deposit) in [
            (bob, "request_approval", request(2, 1, expires_ms), DEPOSIT),
            (bob, "withdraw_approval", reference.clone(), 0),
            (alice, "approve", request(2, 1, expires_ms), 1),
        ] {
            assert_eq!(stage.play(by, method, args, deposit).await.unwrap_err(), "KEYS_REJECTED", "{method}");
        }
        let stranger = stage.play(stage.hel(), "withdraw_approval", reference.clone(), 0).await;
        assert_eq!(stranger.unwrap_err(), "KEYS_NOT_GRANTEE");
        harness.wait(std::time::Duration::from_secs(601)).await.unwrap();
        stage.ok(stage.hel(), "withdraw_approval", reference, 0).await;
    }
}

/// K23. Let `retire_secret` compare epochs again and the payer's storage is stuck.
#[tokio::test]
async fn whoever_pays_gets_its_storage_back_after_a_panic_and_after_a_sale() {
    for early in RELEASES {
        let stage = stage(early).await;
        let Scene { alice, bob, agent, .. } = &stage.scene;
        for label in [1, 2, 3] {
            stage.add(label, &[]).await;
        }
        let refused = |answer: Result<Value, String>| {
            assert_eq!(answer.err(), early.then(|| "KEYS_EPOCH_MOVED".to_owned()));
        };
        stage.on_registry(alice, "panic_all", json!({}), 1).await;
        if !early {
            // Retiring takes away, so it needs no armed agent.
            stage.ok(alice, "retire_secret", json!({ "secret": 1 }), 1).await;
        }
        stage.on_registry(alice, "rearm", json!({ "agents": [agent] }), 1).await;
        refused(stage.play(alice, "retire_secret", json!({ "secret": 2 }), 1).await);
        stage.on_registry(alice, "offer_transfer", json!({ "agent": agent, "account": bob.id() }), DEPOSIT).await;
        let mut accept = json!({ "agent": agent });
        if !early {
            (accept["expected_revision"], accept["expected_handle"]) = (json!(1), Value::Null);
        }
        stage.on_registry(bob, "accept_transfer", accept, DEPOSIT).await;
        // The new owner may take away as well; here who paid does.
        let sold = stage.play(alice, "retire_secret", json!({ "secret": 3 }), 1).await;
        assert_eq!(sold.is_err(), early, "{sold:?}");
        if !early {
            let free = stage.available(alice).await;
            for secret in 1..=3 {
                assert_eq!(stage.ok(alice, "clean_secret", json!({ "secret": secret }), 0).await, 0);
                stage.ok(bob, "forget_secret", json!({ "secret": secret }), 0).await;
            }
            assert!(stage.available(alice).await > free);
        }
    }
}

/// K8. Free the label with `retire_secret` and the ciphertext of before opens under a wider ceiling.
#[tokio::test]
async fn nothing_is_sealed_again_under_a_label_while_ciphertexts_of_before_would_open() {
    for early in RELEASES {
        let stage = stage(early).await;
        let Scene { alice, agent, .. } = &stage.scene;
        let narrow = policy("/v1");
        stage.ok(alice, "add_credential", stage.credential(1, &narrow, &[]), 1).await;
        stage.ok(alice, "retire_secret", json!({ "secret": 1 }), 1).await;
        let wide = stage.credential(1, &policy("/"), &[]);
        stage.attack(alice, "add_credential", wide.clone(), 1, "KEYS_LABEL_EXISTS").await;
        if early {
            continue;
        }
        let forget = || stage.play(alice, "forget_secret", json!({ "secret": 1 }), 0);
        assert_eq!(forget().await.unwrap_err(), "KEYS_NOT_CLEAN");
        stage.ok(alice, "clean_secret", json!({ "secret": 1 }), 0).await;
        assert_eq!(forget().await.unwrap_err(), "KEYS_LABEL_HELD");
        // Ciphertexts are bound to the agent's epochs: once they moved, none of before opens.
        stage.on_registry(alice, "revoke_all", json!({ "agent": agent }), 1).await;
        forget().await.unwrap();
        stage.ok(alice, "add_credential", wide, 1).await;
    }
}

/// K2, K8: a ciphertext that was sealed for other epochs is not stored, where nobody could open it.
#[tokio::test]
async fn a_credential_is_stored_for_the_epochs_it_was_sealed_for() {
    let stage = stage(false).await;
    let epochs = stage.scene.standing().await.epochs;
    let mut args = stage.credential(1, &policy("/"), &[]);
    args["epochs"] = json!({ "agent": epochs.agent + 1, "owner": epochs.owner });
    let other = stage.play(&stage.scene.alice, "add_credential", args.clone(), 1).await;
    assert_eq!(other.unwrap_err(), "KEYS_EPOCH_MOVED");
    args["epochs"] = json!(epochs);
    stage.ok(&stage.scene.alice, "add_credential", args, 1).await;
}

/// K26. Leave `check_same` out of `put_envelope` and the data keys that are there open a second ciphertext, under the
/// keystream of the first.
#[tokio::test]
async fn a_data_key_opens_one_ciphertext() {
    for early in RELEASES {
        let stage = stage(early).await;
        let alice = &stage.scene.alice;
        stage.add(1, &[]).await;
        let put = |envelope| json!({ "secret": 1, "expected_version": 1, "envelope": envelope });
        let other = put(json!({ "inline": Base64Bytes(vec![7; 64]) }));
        stage.attack(alice, "put_envelope", other, 1, "KEYS_OTHER_CIPHERTEXT").await;
        if !early {
            let hash = Hash32(sha256(&[1; 64]));
            let moved = json!({ "elsewhere": { "uri": "ipfs://a", "sha256": hash, "bytes": 64 } });
            stage.ok(alice, "put_envelope", put(moved), 1).await;
            stage.ok(alice, "put_envelope", put(json!({ "inline": Base64Bytes(vec![1; 64]) })), 1).await;
        }
    }
}

/// K4. Compare no generation in `check_sealed` and a key that leaked opens what is sealed after its revocation.
#[tokio::test]
async fn a_new_value_goes_to_no_key_that_was_revoked() {
    for early in RELEASES {
        let stage = stage(early).await;
        let Scene { alice, harness, keys, .. } = &stage.scene;
        let hal = stage.hal();
        stage.add(1, &[]).await;
        stage.ok(hal, "revoke_host", json!({ "host": 1 }), 0).await;
        let rotate = |version: u64, wraps: Value| {
            let envelope = json!({ "inline": Base64Bytes(vec![7; 64]) });
            json!({ "secret": 1, "expected_version": version, "envelope": envelope, "wraps": wraps })
        };
        stage.attack(alice, "rotate_secret", rotate(1, Stage::wraps(&[1, 2])), 1, "KEYS_HOST_GENERATION").await;
        if early {
            continue;
        }
        let at =
            |generation: u64| json!([{ "host": 1, "host_generation": generation, "sealed": Base64Bytes(vec![3; 80]) }]);
        let code = stage.play(alice, "rotate_secret", rotate(1, at(1)), 1).await.unwrap_err();
        assert_eq!(code, "KEYS_HOST_NOT_USABLE");
        let add = |version: u64, wraps: Value| json!({ "secret": 1, "expected_version": version, "wraps": wraps });
        let code = stage.play(alice, "add_wraps", add(1, at(1)), 1).await.unwrap_err();
        assert_eq!(code, "KEYS_HOST_NOT_USABLE");
        for status in ["active", "revoked"] {
            let code = stage.play(hal, "set_host_status", json!({ "host": 1, "status": status }), 0).await;
            assert_eq!(code.unwrap_err(), "KEYS_HOST_REVOKED");
        }
        // The host goes on with new keys: what was sealed to the old ones stays dead, and is not rotated to by itself.
        let change = change_of_host(harness, keys, hal, (1, 1), 40);
        for (wrong, code) in [
            (change_of_host(harness, keys, hal, (1, 0), 40), "KEYS_HOST_GENERATION"),
            (change_of_host(harness, keys, stage.hel(), (1, 1), 40), "KEYS_BAD_HOST_CHANGE"),
            (change_of_host(harness, keys, hal, (1, 1), 5), "KEYS_HOST_REVOKED"),
        ] {
            assert_eq!(stage.play(hal, "change_host_keys", json!(wrong), 0).await.unwrap_err(), code);
        }
        let strangers = stage.play(stage.hel(), "change_host_keys", json!(change), 0).await;
        assert_eq!(strangers.unwrap_err(), "KEYS_NOT_OPERATOR");
        stage.ok(hal, "change_host_keys", json!(change), 0).await;
        let replayed = stage.play(hal, "change_host_keys", json!(change), 0).await;
        assert_eq!(replayed.unwrap_err(), "KEYS_HOST_GENERATION");
        let code = stage.play(alice, "rotate_secret", rotate(1, at(2)), 1).await.unwrap_err();
        assert_eq!(code, "KEYS_HOST_NOT_USABLE", "sealed to again without being named by add_wraps");
        stage.ok(alice, "add_wraps", add(1, at(2)), 1).await;
        stage.ok(alice, "rotate_secret", rotate(1, at(2)), 1).await;
        let stale = stage.play(alice, "add_wraps", add(1, at(2)), 1).await;
        assert_eq!(stale.unwrap_err(), "KEYS_WRONG_VERSION");
    }
}

/// K9. Compare uses per time in `rate_within`, let a rate be without its one host, or leave rates above out of the
/// obligations, and delegations multiply a rate.
#[tokio::test]
async fn a_rate_is_counted_by_one_host_over_everything_delegated() {
    for early in RELEASES {
        let stage = stage(early).await;
        let Scene { alice, bob, .. } = &stage.scene;
        let rated = |uses, per_ms| Policy { rate: Some(Rate { uses, per_ms }), ..policy("/v1") };
        let terms = |uses, per_ms| GrantTerms { policy: rated(uses, per_ms), ..stage.scene.to_bob() };
        stage.add(1, &[]).await;
        let grant = |terms: GrantTerms| json!({ "secret": 1, "ceiling": policy("/"), "terms": terms });
        stage.attack(alice, "grant", grant(terms(9, 200)), 1, "KEYS_RATE_HOST").await;
        let two = GrantTerms { hosts: vec![1, 2], ..terms(9, 200) };
        stage.attack(alice, "grant", grant(two), 1, "KEYS_RATE_HOST").await;
        let parent = stage.ok(alice, "grant", grant(stage.on_host_1(terms(9, 200))), 1).await["grants"][0].clone();
        let part = |terms: GrantTerms| json!({ "parent": parent, "parent_policy": rated(9, 200), "terms": terms });
        stage.attack(bob, "delegate", part(terms(4, 90)), 1, "KEYS_NOT_WITHIN").await;
        let elsewhere = GrantTerms { hosts: vec![2], ..terms(4, 100) };
        stage.attack(bob, "delegate", part(elsewhere), 1, "KEYS_BAD_HOSTS").await;
        if early {
            continue;
        }
        let child = stage.ok(bob, "delegate", part(terms(4, 100)), 1).await["grants"][0].clone();
        let check = json!({
            "grant": child, "policy": rated(4, 100), "host": 1, "asker": { "account": bob.id() },
            "standing": stage.scene.standing().await, "action": arguments::get("/v1/models"),
        });
        let decided = stage.scene.harness.worker.view(&stage.scene.keys, "check").args_json(&check).await.unwrap();
        let decided: Value = decided.json().unwrap();
        assert_eq!(decided["allow"]["rate"], json!({ "uses": 4, "per_ms": 100 }));
        let above = json!([{ "grant": parent, "rate": { "uses": 9, "per_ms": 200 } }]);
        assert_eq!(decided["allow"]["rates_above"], above);
        // Nor does narrowing leave a rate without a host that counts it.
        let everywhere = stage.ok(alice, "grant", grant(stage.scene.to_bob()), 1).await["grants"][0].clone();
        let expires_ms = stage.scene.expires_ms;
        let narrow =
            json!({ "grant": everywhere, "policy": policy("/v1"), "narrower": rated(1, 9), "expires_ms": expires_ms });
        assert_eq!(stage.play(alice, "narrow", narrow, 1).await.unwrap_err(), "KEYS_RATE_HOST");
    }
}

/// Answers what near/mpc's contract is asked with a key that nobody derived.
const STAND_IN_MPC: &str = r#"
(module
  (import "env" "value_return" (func $return (param i64 i64)))
  (memory 1)
  (data (i32.const 0) "{\22big_y\22:\22bls12381g1:y\22,\22big_c\22:\22bls12381g1:c\22}")
  (func (export "request_app_private_key") (call $return (i64.const 47) (i64.const 0))))
"#;

/// K21. Leave `count_release` out of `release` and a budget of one use is released any number of times.
#[tokio::test]
async fn a_release_is_a_use_of_every_budget_and_no_way_around_a_rate() {
    for early in RELEASES {
        let stage = stage(early).await;
        let Scene { harness, agent, alice, .. } = &stage.scene;
        let mpc = harness.account("mpc").await.unwrap();
        mpc.deploy(&wat::parse_str(STAND_IN_MPC).unwrap()).await.unwrap().into_result().unwrap();
        stage.ok(harness.root(), "set_mpc", json!({ "account": mpc.id() }), 0).await;
        vouch(&stage.scene, &Attester::new(harness, alice, *agent).await).await;
        let to_host = stage.scene.terms(Grantee::Host(1), "/v1");
        let rate = Some(Rate { uses: 1, per_ms: 86_400_000 });
        let rated = |terms: &GrantTerms| GrantTerms { policy: Policy { rate, ..policy("/v1") }, ..terms.clone() };
        let asset = Allowance { unit: Unit::Asset("near".to_owned()), ..uses(9) };
        let both = GrantTerms { budget: Some(uses(1)), ..rated(&to_host) };
        let priced = GrantTerms { budget: Some(asset), ..to_host.clone() };
        let made = stage.create("mpc", &[both, rated(&to_host), priced]).await;
        let release = async |grant: u64| {
            let proof = ReleaseProof {
                host: 1,
                host_generation: 0,
                grant,
                secret: 1,
                secret_epoch: 0,
                app_public_key: "bls12381g1:app".to_owned(),
            };
            let args = arguments::release(&harness.chain_id, &stage.scene.keys, &proof);
            let sent = call(keys::request_key_release, &args);
            let outcome = stage.hal().send(&stage.scene.keys, sent, 0).await.unwrap();
            failed_with(&outcome)
        };
        let [counted, rate_only, in_asset] = [0, 1, 2].map(|index: usize| made["grants"][index].as_u64().unwrap());
        assert_eq!(release(counted).await, None);
        for (grant, code) in
            [(counted, "KEYS_BUDGET_SHORT"), (rate_only, "KEYS_RELEASE_COUNT"), (in_asset, "KEYS_RELEASE_COUNT")]
        {
            assert_eq!(release(grant).await, (!early).then(|| code.to_owned()), "grant {grant}");
        }
    }
}

/// K16. A grant that asks for an attested host names what it has to run.
#[tokio::test]
async fn an_attested_host_runs_what_the_grant_names() {
    let stage = stage(false).await;
    let Scene { harness, agent, alice, bob, .. } = &stage.scene;
    vouch(&stage.scene, &Attester::new(harness, alice, *agent).await).await;
    let host: Value =
        harness.worker.view(&stage.scene.keys, "host").args_json(json!({ "host": 1 })).await.unwrap().json().unwrap();
    let measurement: Hash32 = serde_json::from_value(host["assurance"]["attested"]["measurement"].clone()).unwrap();
    for (named, denial) in [(measurement, None), (Hash32([0xee; 32]), Some("NOT_ATTESTED"))] {
        let terms = GrantTerms { measurements: vec![named], ..stage.scene.to_bob() };
        let label = named.0[0];
        let grant = stage.add(label, &[terms]).await["grants"][0].clone();
        let check = json!({
            "grant": grant, "policy": policy("/v1"), "host": 1, "asker": { "account": bob.id() },
            "standing": stage.scene.standing().await, "action": arguments::get("/v1/models"),
        });
        let decided = harness.worker.view(&stage.scene.keys, "check").args_json(&check).await.unwrap();
        let decided: Value = decided.json().unwrap();
        assert_eq!(decided["deny"].as_str(), denial, "{decided}");
        // What is passed on can't name another one.
        let other = GrantTerms { measurements: vec![Hash32([0xdd; 32])], ..stage.scene.to_bob() };
        let part = json!({ "parent": grant, "parent_policy": policy("/v1"), "terms": other });
        assert_eq!(stage.play(bob, "delegate", part, 1).await.unwrap_err(), "KEYS_BAD_MEASUREMENTS");
    }
}

/// Who operates a host owns the agent that vouches for it, and so says itself which platforms are good enough. Leave the
/// status out of `set_attested` and a broken one opens what was granted to a measurement.
#[tokio::test]
async fn no_host_is_attested_on_a_platform_that_is_out_of_date() {
    let stage = stage(false).await;
    let Scene { harness, agent, alice, .. } = &stage.scene;
    let mut attester = Attester::new(harness, alice, *agent).await;
    let sign_key = Ed25519Key(SigningKey::from_bytes(&[5; 32]).verifying_key().to_bytes());
    for tcb in [TcbStatus::SwHardeningNeeded, TcbStatus::OutOfDate] {
        attester.tcb = tcb;
        attester.attest(sign_key, X25519Key([9; 32])).await;
        let attest = json!({ "host": 1, "agent": agent });
        stage.attack(stage.hal(), "attest_host", attest, 0, "KEYS_NOT_ATTESTED").await;
    }
    attester.tcb = TcbStatus::UpToDate;
    vouch(&stage.scene, &attester).await;
}

/// K24, INV-KEY-8. Leave `check_unmoved` out of `on_authority` and a grant that was on its way when its host was revoked has
/// the host's new generation: it lives.
#[tokio::test]
async fn a_grant_in_flight_across_a_revocation_lands_dead() {
    for early in RELEASES {
        let stage = stage(early).await;
        let Scene { alice, keys, harness, .. } = &stage.scene;
        stage.add(1, &[]).await;
        let host = arguments::host(harness, keys, alice, 30);
        let host = stage.ok(alice, "register_host", json!(host), DEPOSIT).await;
        let to_host = stage.scene.terms(Grantee::Host(3), "/v1");
        let mut args = json!({ "secret": 1, "ceiling": policy("/"), "terms": to_host });
        as_known(early, &mut args);
        // In one receipt: the question leaves, and before it is answered the host is revoked.
        let action = |method: &str, args: Value, deposit: u128| {
            let gas = Gas::from_tgas(150);
            Function::new(method).args_json(args).gas(gas).deposit(NearToken::from_yoctonear(deposit))
        };
        let both = alice.batch(keys).call(action("grant", args, 1));
        let both = both.call(action("revoke_host", json!({ "host": host }), 0));
        // What the second answers is what the transaction does.
        assert!(both.transact().await.unwrap().is_success());
        let hosts: Vec<Value> = harness.worker.view(keys, "hosts").args_json(json!({})).await.unwrap().json().unwrap();
        assert_eq!(hosts[2]["generation"], 1);
        let grants: Vec<Value> =
            harness.worker.view(keys, "grants").args_json(json!({})).await.unwrap().json().unwrap();
        let alive = grants.iter().any(|grant| grant["snapshot"]["host_generation"] == 1);
        assert_eq!((alive, grants.len()), (early, usize::from(early)), "{grants:?}");
    }
}

/// K25. Retired, a secret gives everything back that was ever sealed, whatever there is of it.
#[tokio::test]
async fn a_secret_with_more_than_64_recipients_gives_all_storage_back() {
    let stage = stage(false).await;
    let Scene { harness, keys, alice, .. } = &stage.scene;
    for seed in 10..16 {
        let args = arguments::host(harness, keys, stage.hal(), seed);
        stage.ok(stage.hal(), "register_host", json!(args), DEPOSIT).await;
    }
    prepay(alice, keys, 20 * DEPOSIT).await;
    let free = stage.available(alice).await;
    let hosts: Vec<u64> = (1..=8).collect();
    let mut args = stage.credential(1, &policy("/"), &[]);
    args["wraps"] = Stage::wraps(&hosts);
    stage.ok(alice, "add_credential", args, 1).await;
    for version in 1..=8 {
        let envelope = json!({ "inline": Base64Bytes(vec![7; 64]) });
        let args =
            json!({ "secret": 1, "expected_version": version, "envelope": envelope, "wraps": Stage::wraps(&hosts) });
        stage.ok(alice, "rotate_secret", args, 1).await;
    }
    for anybody in [alice, stage.hel()] {
        let live = stage.play(anybody, "clean_secret", json!({ "secret": 1 }), 0).await;
        assert_eq!(live.unwrap_err(), "KEYS_NOT_RETIRED");
    }
    stage.ok(alice, "retire_secret", json!({ "secret": 1 }), 1).await;
    let mut left = Vec::new();
    while left.last() != Some(&0) {
        // By anybody: who buys an agent cleans up after its seller.
        left.push(stage.ok(stage.hel(), "clean_secret", json!({ "secret": 1 }), 0).await.as_u64().unwrap());
    }
    assert_eq!(left, [52, 32, 12, 0]);
    stage.on_registry(alice, "revoke_all", json!({ "agent": stage.scene.agent }), 1).await;
    stage.ok(alice, "forget_secret", json!({ "secret": 1 }), 0).await;
    assert_eq!(stage.available(alice).await, free);
}
