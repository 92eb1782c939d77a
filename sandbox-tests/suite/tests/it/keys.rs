//! Permission: authority by promise, denials that keep the books, revocations that reach everything below.

use charter_harness::{Call, Harness, failed_with, view};
use charter_types::event::EventHead;
use charter_types::keys::args::{AddCredential, Delegate, GrantRef, GrantSecret, GrantTerms};
use charter_types::keys::{Added, Envelope, Grant, Grantee, Secret, Wrap, check_live};
use charter_types::registry::args::{AgentAccount, AgentRef};
use charter_types::registry::{Authority, Epochs};
use charter_types::storage::StorageBalance;
use charter_types::{Base64Bytes, Hash32, Nothing, Page};
use near_workspaces::Account;
use serde_json::json;

use crate::people::{DEPOSIT, policy, register, register_host, terms};

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
    let deposit = account.send(&harness.contracts.keys, "storage_deposit", json!({}), DEPOSIT * 5).await.unwrap();
    deposit.into_result().unwrap();
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
        label_hash: Hash32([1; 32]),
        ceiling: policy("/"),
        envelope: Envelope::Inline(Base64Bytes(vec![1; 64])),
        wraps: vec![Wrap { host, sealed: Base64Bytes(vec![2; 80]) }],
        rotate_by_ms: 0,
        grants: vec![to(&bob, "/v1", expires_ms)],
    };
    let added: Added = alice.send(keys, "add_credential", args, 1).await.unwrap().json().unwrap();
    let (secret, grant) = (added.secret.unwrap(), added.grants[0]);
    Scene { harness, alice, bob, eve, agent, secret, grant, expires_ms }
}

impl Scene {
    async fn lineage(&self, grant: u64) -> Vec<Grant> {
        view(&self.harness.worker, &self.harness.contracts.keys, "lineage", GrantRef { grant }).await.unwrap()
    }

    async fn epochs(&self) -> Epochs {
        let args = AgentAccount { agent: self.agent, account: self.alice.id().clone() };
        let registry = &self.harness.contracts.registry;
        let authority: Option<Authority> = view(&self.harness.worker, registry, "authority", args).await.unwrap();
        authority.unwrap().epochs
    }

    async fn is_live(&self, grant: u64) -> bool {
        let secrets: Vec<Secret> =
            view(&self.harness.worker, &self.harness.contracts.keys, "secrets", Page::default()).await.unwrap();
        let now_ms = self.harness.now_ms().await.unwrap();
        check_live(&self.lineage(grant).await, &secrets[0], self.epochs().await, now_ms).is_ok()
    }

    async fn delegate(&self, from: &Account, parent: u64, holder: &Account, path: &str) -> charter_harness::Outcome {
        let args = Delegate { parent, parent_policy: policy("/v1"), terms: to(holder, path, self.expires_ms) };
        from.send(&self.harness.contracts.keys, "delegate", args, 1).await.unwrap()
    }
}

#[tokio::test]
async fn a_denial_moves_only_the_chain_of_events_and_fails_with_its_code() {
    let scene = scene().await;
    let keys = &scene.harness.contracts.keys;
    let head = |scene: &Scene| {
        let (worker, keys) = (scene.harness.worker.clone(), scene.harness.contracts.keys.clone());
        async move { view::<EventHead>(&worker, &keys, "event_head", Nothing {}).await.unwrap() }
    };
    let balance = |scene: &Scene| {
        let (worker, keys) = (scene.harness.worker.clone(), scene.harness.contracts.keys.clone());
        let args = json!({ "account_id": scene.eve.id() });
        async move { view::<StorageBalance>(&worker, &keys, "storage_balance_of", args).await.unwrap() }
    };
    let (before, money) = (head(&scene).await, balance(&scene).await);
    let grants: Vec<Grant> = view(&scene.harness.worker, keys, "grants", Page::default()).await.unwrap();
    let args =
        GrantSecret { secret: scene.secret, ceiling: policy("/"), terms: to(&scene.eve, "/v1", scene.expires_ms) };
    let outcome = scene.eve.send(keys, "grant", args, 1).await.unwrap();
    assert_eq!(failed_with(&outcome).as_deref(), Some("KEYS_NOT_OWNER"));
    let after = head(&scene).await;
    assert_eq!(after.seq, before.seq + 1);
    assert_eq!(balance(&scene).await, money, "the reservation was not released");
    let same: Vec<Grant> = view(&scene.harness.worker, keys, "grants", Page::default()).await.unwrap();
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
    let added: Added = scene.delegate(&scene.bob, scene.grant, &scene.eve, "/v1/models").await.json().unwrap();
    let child = added.grants[0];
    assert!(scene.is_live(child).await);
    let revoked = scene.alice.send(keys, "revoke_grant", GrantRef { grant: scene.grant }, 0).await.unwrap();
    assert!(revoked.is_success());
    assert!(!scene.is_live(child).await && !scene.is_live(scene.grant).await);
    let outcome = scene.delegate(&scene.bob, scene.grant, &scene.eve, "/v1").await;
    assert_eq!(failed_with(&outcome).as_deref(), Some("KEYS_DEAD"));
}

#[tokio::test]
async fn a_sale_and_a_panic_kill_grants_by_comparison() {
    let scene = scene().await;
    assert!(scene.is_live(scene.grant).await);
    let registry = &scene.harness.contracts.registry;
    let offer = AgentAccount { agent: scene.agent, account: scene.eve.id().clone() };
    scene.alice.send(registry, "offer_transfer", offer, DEPOSIT).await.unwrap().into_result().unwrap();
    let accept = AgentRef { agent: scene.agent };
    scene.eve.send(registry, "accept_transfer", accept, DEPOSIT).await.unwrap().into_result().unwrap();
    assert!(!scene.is_live(scene.grant).await, "a right survived the sale");
    let args =
        GrantSecret { secret: scene.secret, ceiling: policy("/"), terms: to(&scene.eve, "/v1", scene.expires_ms) };
    let outcome = scene.eve.send(&scene.harness.contracts.keys, "grant", args, 1).await.unwrap();
    assert_eq!(failed_with(&outcome).as_deref(), Some("KEYS_EPOCH_MOVED"), "the new owner uses the old one's secret");
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
    let raced = scene.bob.call(keys, "delegate").args_json(args);
    let raced = raced.deposit(near_workspaces::types::NearToken::from_yoctonear(1)).max_gas();
    let (delegated, revoked) =
        tokio::join!(raced.transact(), scene.alice.send(keys, "revoke_grant", GrantRef { grant: scene.grant }, 0));
    assert!(revoked.unwrap().is_success());
    let _ = delegated.unwrap();
    // Whichever came first: nothing that was stored is live.
    let grants: Vec<Grant> = view(&scene.harness.worker, keys, "grants", Page::default()).await.unwrap();
    for grant in grants {
        assert!(!scene.is_live(grant.id).await, "{grant:?}");
    }
}
