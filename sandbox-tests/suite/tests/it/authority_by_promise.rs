//! Permission: authority by promise, denials that keep the books, revocations that reach everything below.

use charter_harness::{Caller, Harness, answer, call, failed_with, ok, refused, view};
use charter_rules::decision::check_live;
use charter_types::keys::args::{AddCredential, Delegate, GrantRef, GrantSecret, GrantTerms};
use charter_types::keys::methods as keys;
use charter_types::keys::{Envelope, Grant, Grantee, Wrap};
use charter_types::registry::args::AgentAccount;
use charter_types::registry::{Epochs, methods as registry};
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::{Base64Bytes, Hash32, Nothing, Page};
use near_workspaces::Account;

use charter_harness::arguments::{self, DEPOSIT, policy, register, register_host, terms};

fn to(account: &Account, path: &str, expires_ms: u64) -> GrantTerms {
    terms(Grantee::Account(account.id().clone()), policy(path), expires_ms)
}

struct Scene {
    harness: Harness,
    alice: Account,
    bob: Account,
    eve: Account,
    agent: u64,
    secret: u64,
    grant: u64,
    expires_ms: u64,
}

async fn prepay(harness: &Harness, account: &Account) {
    arguments::prepay(account, &harness.contracts.keys, DEPOSIT * 5).await;
}

/// An agent of alice with a secret, and a grant of it to bob.
async fn scene() -> Scene {
    let harness = Harness::start().await.unwrap();
    let (alice, bob, eve) = (
        harness.account("alice").await.unwrap(),
        harness.account("bob").await.unwrap(),
        harness.account("eve").await.unwrap(),
    );
    let agent = register(&harness, &alice, vec![]).await;
    let keys = &harness.contracts.keys;
    let host = register_host(&harness, keys, &bob, 5).await;
    for account in [&alice, &bob, &eve] {
        prepay(&harness, account).await;
    }
    let expires_ms = harness.now_ms().await.unwrap() + 3_600_000;
    let args = AddCredential {
        agent,
        epochs: None,
        label_hash: Hash32([1; 32]),
        ceiling: policy("/"),
        envelope: Envelope::Inline(Base64Bytes(vec![1; 64])),
        wraps: vec![Wrap { host, host_generation: 0, sealed: Base64Bytes(vec![2; 80]) }],
        rotate_by_ms: 0,
        grants: vec![to(&bob, "/v1", expires_ms)],
    };
    let added = ok(&alice, keys, keys::add_credential, &args, 1).await;
    let (secret, grant) = (added.secret.unwrap(), added.grants[0]);
    Scene { harness, alice, bob, eve, agent, secret, grant, expires_ms }
}

impl Scene {
    async fn lineage(&self, grant: u64) -> Vec<Grant> {
        view(&self.harness.worker, &self.harness.contracts.keys, keys::lineage, &GrantRef { grant }).await.unwrap()
    }

    async fn epochs(&self) -> Epochs {
        let args = AgentAccount { agent: self.agent, account: self.alice.id().clone() };
        let registry = &self.harness.contracts.registry;
        let authority = view(&self.harness.worker, registry, registry::authority, &args).await.unwrap();
        authority.unwrap().epochs
    }

    async fn is_live(&self, grant: u64) -> bool {
        let secrets =
            view(&self.harness.worker, &self.harness.contracts.keys, keys::secrets, &Page::default()).await.unwrap();
        let now_ms = self.harness.now_ms().await.unwrap();
        check_live(&self.lineage(grant).await, &secrets[0], self.epochs().await, now_ms).is_ok()
    }

    async fn delegate(&self, from: &Account, parent: u64, holder: &Account, path: &str) -> charter_harness::Outcome {
        let args = Delegate { parent, parent_policy: policy("/v1"), terms: to(holder, path, self.expires_ms) };
        from.send(&self.harness.contracts.keys, call(keys::delegate, &args), 1).await.unwrap()
    }
}

#[tokio::test]
async fn a_denial_moves_only_the_chain_of_events_and_fails_with_its_code() {
    let scene = scene().await;
    let keys = &scene.harness.contracts.keys;
    let head = |scene: &Scene| {
        let (worker, keys) = (scene.harness.worker.clone(), scene.harness.contracts.keys.clone());
        async move { view(&worker, &keys, shared::event_head, &Nothing {}).await.unwrap() }
    };
    let balance = |scene: &Scene| {
        let (worker, keys) = (scene.harness.worker.clone(), scene.harness.contracts.keys.clone());
        let args = StorageOf { account_id: scene.eve.id().clone() };
        async move { view(&worker, &keys, shared::storage_balance_of, &args).await.unwrap() }
    };
    let (before, money) = (head(&scene).await, balance(&scene).await);
    let grants = view(&scene.harness.worker, keys, keys::grants, &Page::default()).await.unwrap();
    let args =
        GrantSecret { secret: scene.secret, ceiling: policy("/"), terms: to(&scene.eve, "/v1", scene.expires_ms) };
    assert_eq!(refused(&scene.eve, keys, keys::grant, &args, 1).await, "KEYS_NOT_OWNER");
    let after = head(&scene).await;
    assert_eq!(after.seq, before.seq + 1);
    assert_eq!(balance(&scene).await, money, "the reservation was not released");
    let same = view(&scene.harness.worker, keys, keys::grants, &Page::default()).await.unwrap();
    assert_eq!(same, grants);
}

#[tokio::test]
async fn delegation_only_narrows_and_dies_with_its_parent() {
    let scene = scene().await;
    let keys = &scene.harness.contracts.keys;
    for (from, path, code) in [
        (&scene.bob, "/", "KEYS_NOT_WITHIN"),
        (&scene.bob, "/v10", "KEYS_NOT_WITHIN"),
        (&scene.eve, "/v1", "KEYS_NOT_GRANTEE"),
    ] {
        let outcome = scene.delegate(from, scene.grant, &scene.eve, path).await;
        assert_eq!(failed_with(&outcome).as_deref(), Some(code), "{path}");
    }
    let outcome = scene.delegate(&scene.bob, scene.grant, &scene.eve, "/v1/models").await;
    let child = answer(keys::delegate, &outcome).unwrap().grants[0];
    assert!(scene.is_live(child).await);
    let revoked = scene.alice.send(keys, call(keys::revoke_grant, &GrantRef { grant: scene.grant }), 0).await.unwrap();
    assert!(revoked.is_success());
    assert!(!scene.is_live(child).await && !scene.is_live(scene.grant).await);
    let outcome = scene.delegate(&scene.bob, scene.grant, &scene.eve, "/v1").await;
    assert_eq!(failed_with(&outcome).as_deref(), Some("KEYS_GRANT_DEAD"));
}

#[tokio::test]
async fn a_sale_and_a_panic_kill_grants_by_comparison() {
    let scene = scene().await;
    assert!(scene.is_live(scene.grant).await);
    let registry = &scene.harness.contracts.registry;
    let offer = AgentAccount { agent: scene.agent, account: scene.eve.id().clone() };
    ok(&scene.alice, registry, registry::offer_transfer, &offer, DEPOSIT).await;
    let accept = arguments::accept(&scene.harness, registry, scene.agent).await;
    ok(&scene.eve, registry, registry::accept_transfer, &accept, DEPOSIT).await;
    assert!(!scene.is_live(scene.grant).await, "a right survived the sale");
    let args =
        GrantSecret { secret: scene.secret, ceiling: policy("/"), terms: to(&scene.eve, "/v1", scene.expires_ms) };
    assert_eq!(
        refused(&scene.eve, &scene.harness.contracts.keys, keys::grant, &args, 1).await,
        "KEYS_EPOCH_MOVED",
        "the new owner uses the old one's secret"
    );
}

#[tokio::test]
async fn a_revocation_between_promise_and_callback_wins() {
    let scene = scene().await;
    let keys = &scene.harness.contracts.keys;
    // Both are sent before either is done: the delegation asks the registry while the revocation takes effect.
    let args = Delegate {
        parent: scene.grant,
        parent_policy: policy("/v1"),
        terms: to(&scene.eve, "/v1/models", scene.expires_ms),
    };
    let (delegated, revoked) = tokio::join!(
        scene.bob.send(keys, call(keys::delegate, &args), 1),
        scene.alice.send(keys, call(keys::revoke_grant, &GrantRef { grant: scene.grant }), 0)
    );
    assert!(revoked.unwrap().is_success());
    let _ = delegated.unwrap();
    // Whichever came first: nothing that was stored is live.
    let grants = view(&scene.harness.worker, keys, keys::grants, &Page::default()).await.unwrap();
    for grant in grants {
        assert!(!scene.is_live(grant.id).await, "{grant:?}");
    }
}
