//! Permission in use: budgets that two hosts share, approvals for one action, narrowing, suspension, rotation, the five
//! radii of revocation, and keys derived by a stand-in for NEAR's MPC contract.

use std::time::Duration;

use charter_client::sha256;
use charter_harness::{Caller, Harness, call, ok, refused, view};
use charter_types::admin::Setup;
use charter_types::keys::args::{
    AddCredential, AddWraps, AnchorReceipts, AnswerApproval, AttestHost, Check, CheckLive, CreateSecret, Delegate,
    GrantBatch, GrantRef, GrantTerms, HostRef, LeaseRef, Narrow, Received, ReleaseProof, RequestApproval,
    RequestKeyRelease, Reserve, RotateSecret, SecretRef, SetHostStatus, Settle,
};
use charter_types::keys::methods as keys;
use charter_types::keys::{
    Allowance, Asker, Budget, Decision, Denial, Envelope, Grantee, HostStatus, Mode, Policy, Target, Unit, Wrap,
};
use charter_types::method::Method as Declared;
use charter_types::registry::Standing;
use charter_types::registry::args::{AgentAccount, AgentRef};
use charter_types::registry::methods as registry;
use charter_types::{Base64Bytes, Ed25519Key, Hash32, Named, Nothing, Page, U128, X25519Key};
use ed25519_dalek::SigningKey;
use near_workspaces::{Account, AccountId};
use serde_json::Value;

use crate::attestation::Attester;
use charter_harness::arguments::{self, DEPOSIT, get, policy, prepay, register, register_host, terms};

pub fn uses(capacity: u128) -> Allowance {
    Allowance { unit: Unit::Uses, capacity: U128(capacity), refill: U128(0), period_ms: 0 }
}

pub struct Scene {
    pub harness: Harness,
    pub keys: AccountId,
    pub alice: Account,
    pub bob: Account,
    pub carol: Account,
    /// Operators of host 1 and host 2.
    pub hosts: [Account; 2],
    pub agent: u64,
    pub expires_ms: u64,
}

async fn scene() -> Scene {
    scene_on(Harness::start().await.unwrap()).await
}

pub async fn scene_on(harness: Harness) -> Scene {
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol", "hal", "hel"] {
        let person = harness.account(name).await.unwrap();
        prepay(&person, &harness.contracts.keys, DEPOSIT * 5).await;
        people.push(person);
    }
    let [alice, bob, carol, hal, hel] = <[Account; 5]>::try_from(people).unwrap();
    let agent = register(&harness, &alice, vec![carol.id().clone()]).await;
    let keys = harness.contracts.keys.clone();
    assert_eq!(register_host(&harness, &keys, &hal, 5).await, 1);
    assert_eq!(register_host(&harness, &keys, &hel, 6).await, 2);
    let expires_ms = harness.now_ms().await.unwrap() + 30 * 24 * 3_600_000;
    Scene { harness, keys, alice, bob, carol, hosts: [hal, hel], agent, expires_ms }
}

impl Scene {
    fn keys(&self) -> &AccountId {
        &self.keys
    }

    pub fn terms(&self, grantee: Grantee, path: &str) -> GrantTerms {
        terms(grantee, policy(path), self.expires_ms)
    }

    pub fn to_bob(&self) -> GrantTerms {
        self.terms(Grantee::Account(self.bob.id().clone()), "/v1")
    }

    /// A secret sealed to both hosts, with one grant.
    pub async fn add(&self, label: u8, terms: GrantTerms) -> (u64, u64) {
        let mut wraps = Vec::new();
        for host in [1, 2] {
            let found = view(&self.harness.worker, self.keys(), keys::host, &HostRef { host }).await.unwrap();
            let host_generation = found.unwrap().generation;
            wraps.push(Wrap { host, host_generation, sealed: Base64Bytes(vec![2; 80]) });
        }
        let args = AddCredential {
            agent: self.agent,
            epochs: None,
            label_hash: Hash32([label; 32]),
            ceiling: policy("/"),
            envelope: Envelope::Inline(Base64Bytes(vec![1; 64])),
            wraps,
            rotate_by_ms: 0,
            grants: vec![terms],
        };
        let added = ok(&self.alice, self.keys(), keys::add_credential, &args, 1).await;
        (added.secret.unwrap(), added.grants[0])
    }

    pub async fn ok<M: Declared>(&self, by: &Account, method: M, args: &M::Args, deposit: u128) -> M::Answer {
        ok(by, self.keys(), method, args, deposit).await
    }

    async fn refused<M: Declared>(&self, by: &Account, method: M, args: &M::Args, deposit: u128) -> String {
        refused(by, self.keys(), method, args, deposit).await
    }

    /// A secret that the MPC network derives, with grants.
    async fn add_derived(&self, grants: Vec<GrantTerms>) -> (u64, Vec<u64>) {
        let args = CreateSecret {
            agent: self.agent,
            label_hash: Hash32([1; 32]),
            mode: Mode::Mpc,
            ceiling: policy("/"),
            sha256: Hash32::default(),
            rotate_by_ms: 0,
            grants,
        };
        let added = self.ok(&self.alice, keys::create_secret, &args, 1).await;
        (added.secret.unwrap(), added.grants)
    }

    pub async fn standing(&self) -> Standing {
        let args = AgentRef { agent: self.agent };
        let found =
            view(&self.harness.worker, &self.harness.contracts.registry, registry::standing, &args).await.unwrap();
        found.unwrap()
    }

    /// What the contract's view says of bob using a grant with `policy` on host 1.
    async fn decision(&self, grant: u64, policy: Policy, path: &str) -> Decision {
        let asker = Asker::Account(self.bob.id().clone());
        let args = Check { grant, policy, host: 1, asker, standing: self.standing().await, action: get(path) };
        view(&self.harness.worker, self.keys(), keys::check, &args).await.unwrap()
    }

    async fn allowed(&self, grant: u64) -> Option<Denial> {
        match self.decision(grant, policy("/v1"), "/v1/models").await {
            Decision::Deny(denial) => Some(denial),
            Decision::Allow(_) | Decision::NeedsApproval { .. } => None,
        }
    }

    async fn budget(&self, grant: u64) -> Budget {
        let all = view(&self.harness.worker, self.keys(), keys::budgets, &Page::default()).await.unwrap();
        all.into_iter().find(|budget| budget.grant == grant).unwrap()
    }

    pub async fn delegate(&self, parent: u64, budget: Option<Allowance>) -> u64 {
        let grantee = Grantee::Account(self.bob.id().clone());
        let terms = GrantTerms { budget, ..self.terms(grantee, "/v1") };
        let args = Delegate { parent, parent_policy: policy("/v1"), terms };
        let added = self.ok(&self.bob, keys::delegate, &args, 1).await;
        added.grants[0]
    }
}

pub fn reserve(grant: u64, host: u64, amount: u128) -> Reserve {
    Reserve { grant, host, amount: U128(amount), for_ms: 60_000, digest: None }
}

#[tokio::test]
async fn two_hosts_cannot_spend_a_budget_twice_and_children_never_exceed_their_parent() {
    let scene = scene().await;
    let [hal, hel] = &scene.hosts;
    let terms = GrantTerms { budget: Some(uses(10)), hosts: vec![1, 2], ..scene.to_bob() };
    let (_, root) = scene.add(1, terms).await;
    let child = scene.delegate(root, Some(uses(100))).await;
    let other = scene.delegate(root, None).await;
    assert_eq!(scene.refused(hal, keys::reserve, &reserve(child, 2, 1), 0).await, "KEYS_NOT_OPERATOR");
    let first = scene.ok(hal, keys::reserve, &reserve(child, 1, 6), 0).await.unwrap();
    assert_eq!(scene.refused(hel, keys::reserve, &reserve(other, 2, 5), 0).await, "KEYS_BUDGET_SHORT");
    let second = scene.ok(hel, keys::reserve, &reserve(other, 2, 4), 0).await.unwrap();
    assert_eq!(scene.budget(root).await.reserved, U128(10));
    let settle = |used| Settle { lease: first, used: U128(used) };
    assert_eq!(scene.refused(hel, keys::settle, &settle(1), 0).await, "KEYS_NOT_OPERATOR");
    assert_eq!(scene.refused(hal, keys::settle, &settle(7), 0).await, "KEYS_OVER_LEASE");
    scene.ok(hal, keys::settle, &settle(2), 0).await;
    assert_eq!(scene.refused(hal, keys::settle, &settle(2), 0).await, "KEYS_UNKNOWN_LEASE");
    // What nobody settles counts as spent, and anybody may say so once its time is over.
    let lease = LeaseRef { lease: second };
    assert_eq!(scene.refused(&scene.bob, keys::expire, &lease, 0).await, "KEYS_LEASE_OPEN");
    scene.harness.wait(Duration::from_secs(61)).await.unwrap();
    scene.ok(&scene.bob, keys::expire, &lease, 0).await;
    let (above, below) = (scene.budget(root).await, scene.budget(child).await);
    assert_eq!((above.spent, above.reserved, above.level), (U128(6), U128(0), U128(4)));
    assert_eq!((below.spent, below.reserved, below.level), (U128(2), U128(0), U128(98)));
}

#[tokio::test]
async fn an_approval_is_for_one_action_on_one_host_once() {
    let scene = scene().await;
    let [hal, hel] = &scene.hosts;
    let (_, grant) = scene.add(1, GrantTerms { needs_approval: true, hosts: vec![1, 2], ..scene.to_bob() }).await;
    let child = scene.delegate(grant, None).await;
    let Decision::NeedsApproval { digest, .. } = scene.decision(child, policy("/v1"), "/v1/models").await else {
        panic!("no approval asked for")
    };
    assert_eq!(digest, get("/v1/models").digest(sha256), "chain and programs disagree about the digest");
    let with = |digest| Reserve { digest, ..reserve(child, 1, 0) };
    assert_eq!(scene.refused(hal, keys::reserve, &with(None), 0).await, "KEYS_NOT_APPROVED");
    let request =
        RequestApproval { grant: child, digest, host: 1, expires_ms: scene.harness.now_ms().await.unwrap() + 600_000 };
    scene.ok(&scene.bob, keys::request_approval, &request, DEPOSIT).await;
    assert_eq!(scene.refused(&scene.bob, keys::request_approval, &request, DEPOSIT).await, "KEYS_APPROVAL_EXISTS");
    assert_eq!(scene.refused(hal, keys::reserve, &with(Some(digest)), 0).await, "KEYS_NOT_APPROVED");
    let answer = AnswerApproval { grant: child, host: 1, digest, expires_ms: request.expires_ms };
    // Bob made the grant, but it was alice who asked for approvals.
    assert_eq!(scene.refused(&scene.bob, keys::approve, &answer, 1).await, "KEYS_NOT_OWNER");
    let longer = AnswerApproval { expires_ms: answer.expires_ms + 1, ..answer.clone() };
    let elsewhere = AnswerApproval { host: 2, ..answer.clone() };
    for other in [longer, elsewhere] {
        assert_eq!(scene.refused(&scene.alice, keys::approve, &other, 1).await, "KEYS_NO_APPROVAL");
    }
    scene.ok(&scene.alice, keys::approve, &answer, 1).await;
    let elsewhere = Reserve { host: 2, ..with(Some(digest)) };
    assert_eq!(scene.refused(hel, keys::reserve, &elsewhere, 0).await, "KEYS_NOT_APPROVED");
    assert_eq!(scene.refused(hal, keys::reserve, &with(Some(Hash32([7; 32]))), 0).await, "KEYS_NOT_APPROVED");
    scene.ok(hal, keys::reserve, &with(Some(digest)), 0).await;
    assert_eq!(scene.refused(hal, keys::reserve, &with(Some(digest)), 0).await, "KEYS_NOT_APPROVED", "used twice");
    // One that was given before the grant changed is void, and so is a rejected one.
    scene.ok(&scene.bob, keys::request_approval, &request, DEPOSIT).await;
    scene.ok(&scene.alice, keys::reject, &answer, 1).await;
    assert_eq!(scene.refused(hal, keys::reserve, &with(Some(digest)), 0).await, "KEYS_NOT_APPROVED");
}

#[tokio::test]
async fn narrowing_kills_what_was_passed_on_and_never_widens() {
    let scene = scene().await;
    let (_, grant) = scene.add(1, scene.to_bob()).await;
    let child = scene.delegate(grant, None).await;
    assert_eq!(scene.allowed(child).await, None);
    let narrow =
        |from: &str, to: &str, expires_ms| Narrow { grant, policy: policy(from), narrower: policy(to), expires_ms };
    let end = scene.expires_ms;
    assert_eq!(scene.refused(&scene.alice, keys::narrow, &narrow("/v1", "/", end), 1).await, "KEYS_NOT_WITHIN");
    assert_eq!(scene.refused(&scene.alice, keys::narrow, &narrow("/", "/v1", end), 1).await, "KEYS_WRONG_PREIMAGE");
    assert_eq!(scene.refused(&scene.bob, keys::narrow, &narrow("/v1", "/v1/models", end), 1).await, "KEYS_NOT_OWNER");
    assert_eq!(scene.refused(&scene.carol, keys::narrow, &narrow("/v1", "/v1/models", end), 1).await, "KEYS_NOT_OWNER");
    scene.ok(&scene.alice, keys::narrow, &narrow("/v1", "/v1/models", end - 1), 1).await;
    assert_eq!(scene.allowed(child).await, Some(Denial::Revoked), "a child kept more than its parent has");
    assert_eq!(
        scene.refused(&scene.alice, keys::narrow, &narrow("/v1", "/v1", end - 1), 1).await,
        "KEYS_WRONG_PREIMAGE"
    );
    assert_eq!(
        scene.refused(&scene.alice, keys::narrow, &narrow("/v1/models", "/v1", end - 1), 1).await,
        "KEYS_NOT_WITHIN"
    );
    let longer = narrow("/v1/models", "/v1/models", end);
    assert_eq!(scene.refused(&scene.alice, keys::narrow, &longer, 1).await, "KEYS_BAD_EXPIRY");
}

#[tokio::test]
async fn guardians_suspend_and_only_the_owner_resumes_what_they_suspended() {
    let scene = scene().await;
    let (_, grant) = scene.add(1, scene.to_bob()).await;
    let child = scene.delegate(grant, None).await;
    let reference = GrantRef { grant: child };
    scene.ok(&scene.bob, keys::suspend, &reference, 0).await;
    assert_eq!(scene.allowed(child).await, Some(Denial::Suspended));
    scene.ok(&scene.bob, keys::resume, &reference, 1).await;
    scene.ok(&scene.carol, keys::suspend, &reference, 0).await;
    for by in [&scene.bob, &scene.carol] {
        assert_eq!(scene.refused(by, keys::resume, &reference, 1).await, "KEYS_NOT_OWNER");
    }
    scene.ok(&scene.alice, keys::resume, &reference, 1).await;
    assert_eq!(scene.allowed(child).await, None);
    // A parent that stands still holds everything below.
    scene.ok(&scene.alice, keys::suspend, &GrantRef { grant }, 0).await;
    assert_eq!(scene.allowed(child).await, Some(Denial::Suspended));
    assert_eq!(scene.refused(&scene.carol, keys::renounce, &reference, 0).await, "KEYS_NOT_GRANTEE");
    scene.ok(&scene.bob, keys::renounce, &reference, 0).await;
    assert_eq!(scene.allowed(child).await, Some(Denial::Revoked));
}

#[tokio::test]
async fn every_radius_of_revocation_reaches_all_that_depends_on_it() {
    let scene = scene().await;
    let registry = scene.harness.contracts.registry.clone();
    for radius in 0..5_u8 {
        let (secret, grant) = scene.add(radius, scene.to_bob()).await;
        let child = scene.delegate(grant, None).await;
        assert_eq!(scene.allowed(child).await, None, "radius {radius}");
        let denial = match radius {
            0 => {
                scene.ok(&scene.alice, keys::revoke_grant, &GrantRef { grant }, 0).await;
                Denial::Revoked
            }
            1 => {
                scene.ok(&scene.carol, keys::revoke_secret, &SecretRef { secret }, 0).await;
                Denial::SecretRevoked
            }
            2 => {
                scene.ok(&scene.hosts[0], keys::revoke_host, &HostRef { host: 1 }, 0).await;
                Denial::HostRevoked
            }
            3 => {
                // Sealed anew to its new key, the secret can be used on the host again.
                let wraps = vec![Wrap { host: 1, host_generation: 2, sealed: Base64Bytes(vec![3; 80]) }];
                let args = AddWraps { secret, expected_version: 1, wraps };
                scene.ok(&scene.alice, keys::add_wraps, &args, 1).await;
                let agent = AgentRef { agent: scene.agent };
                ok(&scene.carol, &registry, registry::revoke_all, &agent, 0).await;
                Denial::EpochMoved
            }
            _ => {
                ok(&scene.alice, &registry, registry::panic_all, &Nothing {}, 1).await;
                Denial::EpochMoved
            }
        };
        assert_eq!(scene.allowed(child).await, Some(denial), "radius {radius}");
        assert_eq!(scene.allowed(grant).await, Some(denial), "radius {radius}");
        if radius == 2 {
            let args = arguments::change_of_host(&scene.harness, &scene.keys, &scene.hosts[0], (1, 1), 7);
            scene.ok(&scene.hosts[0], keys::change_host_keys, &args, 0).await;
            assert_eq!(scene.allowed(grant).await, Some(denial), "what was sealed to the old key is dead");
        }
    }
}

#[tokio::test]
async fn a_rotated_secret_has_a_new_version_and_who_received_is_not_forgotten() {
    let scene = scene().await;
    let (secret, grant) = scene.add(1, scene.to_bob()).await;
    let rotate = |expected_version| RotateSecret {
        secret,
        expected_version,
        envelope: Envelope::Inline(Base64Bytes(vec![7; 10])),
        wraps: vec![Wrap { host: 2, host_generation: 0, sealed: Base64Bytes(vec![8; 80]) }],
        rotate_by_ms: 0,
    };
    assert_eq!(scene.refused(&scene.alice, keys::rotate_secret, &rotate(2), 1).await, "KEYS_WRONG_VERSION");
    assert_eq!(scene.refused(&scene.bob, keys::rotate_secret, &rotate(1), 1).await, "KEYS_NOT_OWNER");
    scene.ok(&scene.alice, keys::rotate_secret, &rotate(1), 1).await;
    assert_eq!(scene.allowed(grant).await, Some(Denial::NotSealed), "host 1 was not given the new version");
    let received = Received { secret, from: 0, limit: None };
    let who = view(&scene.harness.worker, scene.keys(), keys::who_received, &received).await.unwrap();
    let who: Vec<(u64, u32)> = who.iter().map(|recipient| (recipient.host, recipient.version)).collect();
    assert_eq!(who, [(1, 1), (2, 1), (2, 2)]);
    scene.ok(&scene.alice, keys::retire_secret, &SecretRef { secret }, 1).await;
    assert_eq!(scene.allowed(grant).await, Some(Denial::SecretRetired));
}

#[tokio::test]
async fn hosts_serve_only_in_service_and_anchor_without_gaps() {
    let scene = scene().await;
    let [hal, hel] = &scene.hosts;
    let (_, grant) = scene.add(1, scene.to_bob()).await;
    let status = |status| SetHostStatus { host: 1, status };
    assert_eq!(scene.refused(hel, keys::set_host_status, &status(HostStatus::Suspended), 0).await, "KEYS_NOT_OPERATOR");
    scene.ok(hal, keys::set_host_status, &status(HostStatus::Suspended), 0).await;
    assert_eq!(scene.allowed(grant).await, Some(Denial::HostSuspended));
    assert_eq!(scene.refused(hal, keys::reserve, &reserve(grant, 1, 0), 0).await, "KEYS_HOST_NOT_USABLE");
    scene.ok(hal, keys::set_host_status, &status(HostStatus::Active), 0).await;
    let anchor = |from, to| AnchorReceipts { host: 1, from, to, merkle_root: Hash32([4; 32]) };
    scene.ok(hal, keys::anchor_receipts, &anchor(1, 100), 0).await;
    for (from, to) in [(100, 200), (102, 200), (101, 100)] {
        assert_eq!(scene.refused(hal, keys::anchor_receipts, &anchor(from, to), 0).await, "KEYS_RECEIPT_GAP");
    }
    scene.ok(hal, keys::anchor_receipts, &anchor(101, 101), 0).await;
    let host = view(&scene.harness.worker, scene.keys(), keys::host, &HostRef { host: 1 }).await.unwrap();
    let once = sha256(&[[0; 32], [4; 32]].concat());
    assert_eq!(host.unwrap().receipt_root, Hash32(sha256(&[once, [4; 32]].concat())));
}

#[tokio::test]
async fn contracts_get_the_same_decision_by_asking() {
    let scene = scene().await;
    let (_, grant) = scene.add(1, scene.to_bob()).await;
    let asker = Asker::Account(scene.bob.id().clone());
    let ask = |path: &str| CheckLive { grant, policy: policy("/v1"), host: 1, asker: asker.clone(), action: get(path) };
    for path in ["/v1/models", "/v2"] {
        let decision = scene.ok(&scene.carol, keys::check_live, &ask(path), 0).await;
        assert_eq!(decision, scene.decision(grant, policy("/v1"), path).await);
    }
}

#[tokio::test]
async fn a_batch_of_the_largest_policies_fits_and_is_all_or_nothing() {
    let scene = scene().await;
    let mut widest = policy("/");
    widest.targets[0].paths = (0..7).map(|number| format!("/{number}{}", "p".repeat(120))).collect();
    let wrap = Wrap { host: 1, host_generation: 0, sealed: Base64Bytes(vec![2; 128]) };
    let args = AddCredential {
        agent: scene.agent,
        epochs: None,
        label_hash: Hash32([1; 32]),
        ceiling: widest.clone(),
        envelope: Envelope::Inline(Base64Bytes(vec![1; 4_096])),
        wraps: vec![wrap],
        rotate_by_ms: 0,
        grants: Vec::new(),
    };
    let added = scene.ok(&scene.alice, keys::add_credential, &args, 1).await;
    let secret = added.secret.unwrap();
    let terms = GrantTerms { policy: widest.clone(), budget: Some(uses(5)), hosts: vec![1], ..scene.to_bob() };
    let batch = |count| GrantBatch { secret, ceiling: widest.clone(), grants: vec![terms.clone(); count] };
    for (count, code) in [(0, "KEYS_TOO_MANY_GRANTS"), (9, "KEYS_TOO_MANY_GRANTS"), (8, "KEYS_EVENTS_TOO_LONG")] {
        assert_eq!(scene.refused(&scene.alice, keys::grant_batch, &batch(count), 1).await, code);
    }
    let mut spoilt = batch(4);
    spoilt.grants[3].policy = policy("/elsewhere");
    assert_eq!(scene.refused(&scene.alice, keys::grant_batch, &spoilt, 1).await, "KEYS_NOT_WITHIN");
    scene.ok(&scene.alice, keys::grant_batch, &batch(4), 1).await;
    let small = GrantTerms {
        policy: Policy {
            targets: vec![Target { paths: vec![widest.targets[0].paths[0].clone()], ..widest.targets[0].clone() }],
            ..widest.clone()
        },
        ..terms
    };
    let args = GrantBatch { secret, ceiling: widest, grants: vec![small; 5] };
    scene.ok(&scene.alice, keys::grant_batch, &args, 1).await;
}

/// Answers what near/mpc's contract is asked with the request itself, so that a test sees what it was.
const STAND_IN_MPC: &str = r#"
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "register_len" (func $len (param i64) (result i64)))
  (import "env" "read_register" (func $read (param i64 i64)))
  (import "env" "value_return" (func $return (param i64 i64)))
  (memory 1)
  (func (export "request_app_private_key")
    (call $input (i64.const 0))
    (call $read (i64.const 0) (i64.const 0))
    (call $return (call $len (i64.const 0)) (i64.const 0))))
"#;

/// A keys contract that alice administers, with the stand-in as its MPC contract, and a host that an attestation in the
/// registry vouches for.
async fn scene_with_mpc() -> (Scene, Attester) {
    let mut scene = scene().await;
    let registry = scene.harness.contracts.registry.clone();
    let mpc = scene.harness.account("mpc").await.unwrap();
    mpc.deploy(&wat::parse_str(STAND_IN_MPC).unwrap()).await.unwrap().into_result().unwrap();
    let vault = scene.harness.account("vault").await.unwrap();
    vault.deploy(charter_wasm::Contract::Keys.code()).await.unwrap().into_result().unwrap();
    ok(&vault, vault.id(), keys::new, &Setup { account: scene.alice.id().clone(), registry }, 0).await;
    scene.keys = vault.id().clone();
    for person in [&scene.alice, &scene.hosts[0]] {
        prepay(person, &scene.keys, DEPOSIT * 5).await;
    }
    assert_eq!(register_host(&scene.harness, &scene.keys, &scene.hosts[0], 5).await, 1);
    assert_eq!(
        scene.refused(&scene.bob, keys::set_mpc, &Named { account: mpc.id().clone() }, 0).await,
        "CHARTER_NOT_ADMIN"
    );
    scene.ok(&scene.alice, keys::set_mpc, &Named { account: mpc.id().clone() }, 0).await;
    let attester = Attester::new(&scene.harness, &scene.alice, scene.agent).await;
    (scene, attester)
}

/// Has an attestation name the keys of host 1, and the host point to it.
pub async fn vouch(scene: &Scene, attester: &Attester) {
    let sign_key = Ed25519Key(SigningKey::from_bytes(&[5; 32]).verifying_key().to_bytes());
    attester.attest(sign_key, X25519Key([9; 32])).await;
    scene.ok(&scene.hosts[0], keys::attest_host, &AttestHost { host: 1, agent: scene.agent }, 0).await;
}

fn release(scene: &Scene, grant: u64, app: &str, signed_for: &ReleaseProof) -> RequestKeyRelease {
    let asked = arguments::release(&scene.harness.chain_id, &scene.keys, signed_for);
    RequestKeyRelease { grant, app_public_key: app.to_owned(), ..asked }
}

#[tokio::test]
async fn a_key_is_derived_last_for_an_attested_host_and_for_nobody_else() {
    let (scene, attester) = scene_with_mpc().await;
    let hal = &scene.hosts[0];
    let (secret, grants) = scene.add_derived(vec![scene.terms(Grantee::Host(1), "/v1"), scene.to_bob()]).await;
    let (grant, to_bob) = (grants[0], grants[1]);
    let app = "bls12381g1:6KtVVcAAGacrjNGePN8bp3KV6fYGrw1rFsyc7cVJCqR16Zc2ZFg3HX3hSZxSfv1oH6";
    let proof =
        ReleaseProof { host: 1, host_generation: 0, grant, secret, secret_epoch: 0, app_public_key: app.to_owned() };
    let good = release(&scene, grant, app, &proof);
    assert_eq!(scene.refused(hal, keys::request_key_release, &good, 0).await, "KEYS_NOT_ATTESTED");
    // The registry's attestation has to name the host's own keys.
    attester.attest(Ed25519Key([7; 32]), X25519Key([9; 32])).await;
    let attest = AttestHost { host: 1, agent: scene.agent };
    assert_eq!(scene.refused(hal, keys::attest_host, &attest, 0).await, "KEYS_NOT_ATTESTED");
    vouch(&scene, &attester).await;

    // The stand-in answers with what it was asked.
    let asked = hal.send(scene.keys(), call(keys::request_key_release, &good), 0).await.unwrap();
    let asked: Value = asked.json().unwrap();
    let path = format!("keys/v1/{}/{secret}/0", scene.agent);
    assert_eq!(asked["request"]["derivation_path"], path.as_str());
    assert_eq!(asked["request"]["app_public_key"], app);
    // Strangers, other grants, and proofs for another key, epoch, generation or grant.
    assert_eq!(scene.refused(&scene.bob, keys::request_key_release, &good, 0).await, "KEYS_NOT_OPERATOR");
    let bobs = ReleaseProof { grant: to_bob, ..proof.clone() };
    let bobs = release(&scene, to_bob, app, &bobs);
    assert_eq!(scene.refused(hal, keys::request_key_release, &bobs, 0).await, "KEYS_NOT_GRANTEE");
    for wrong in [
        ReleaseProof { app_public_key: "bls12381g1:other".to_owned(), ..proof.clone() },
        ReleaseProof { secret_epoch: 1, ..proof.clone() },
        ReleaseProof { host_generation: 1, ..proof.clone() },
        ReleaseProof { grant: to_bob, ..proof.clone() },
    ] {
        let wrong = release(&scene, grant, app, &wrong);
        assert_eq!(scene.refused(hal, keys::request_key_release, &wrong, 0).await, "KEYS_BAD_RELEASE_PROOF");
    }
    // After a revocation no proof of before is good for anything.
    scene.ok(&scene.alice, keys::revoke_secret, &SecretRef { secret }, 0).await;
    assert_eq!(scene.refused(hal, keys::request_key_release, &good, 0).await, "KEYS_BAD_RELEASE_PROOF");
    let again = ReleaseProof { secret_epoch: 1, ..proof };
    let again = release(&scene, grant, app, &again);
    assert_eq!(scene.refused(hal, keys::request_key_release, &again, 0).await, "KEYS_GRANT_DEAD");
}

#[tokio::test]
async fn a_sale_or_a_panic_stops_a_release_the_registry_is_asked_about() {
    let (scene, attester) = scene_with_mpc().await;
    let hal = &scene.hosts[0];
    vouch(&scene, &attester).await;
    let (secret, grants) = scene.add_derived(vec![scene.terms(Grantee::Host(1), "/v1")]).await;
    let grant = grants[0];
    let app_public_key = "bls12381g1:app".to_owned();
    let proof = ReleaseProof { host: 1, host_generation: 0, grant, secret, secret_epoch: 0, app_public_key };
    let args = release(&scene, grant, "bls12381g1:app", &proof);
    let registry = &scene.harness.contracts.registry;
    let to_bob = AgentAccount { agent: scene.agent, account: scene.bob.id().clone() };
    ok(&scene.alice, registry, registry::offer_transfer, &to_bob, DEPOSIT).await;
    let accept = arguments::accept(&scene.harness, registry, scene.agent).await;
    ok(&scene.bob, registry, registry::accept_transfer, &accept, DEPOSIT).await;
    assert_eq!(scene.refused(hal, keys::request_key_release, &args, 0).await, "KEYS_EPOCH_MOVED");
}
