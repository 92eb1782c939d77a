//! Keys that an agent is registered with: each asked to be this owner's agent's, once.

use charter_client::sha256;
use charter_harness::arguments::{DEPOSIT, card};
use charter_harness::{Harness, ok, refused, view};
use charter_types::registry::args::{AgentRef, FirstKey, FirstKeys, RegisterAgent};
use charter_types::registry::methods as registry;
use charter_types::registry::{FIRST_KEY_PURPOSE, FIRST_KEYS_MS, FirstKeyProof, Purpose, Status};
use charter_types::{AccountId, AnyKey, Domain, Ed25519Key, Signature64, X25519Key};
use ed25519_dalek::{Signer, SigningKey};

fn signing() -> (SigningKey, Ed25519Key) {
    let signing = SigningKey::from_bytes(&[8; 32]);
    let key = Ed25519Key(signing.verifying_key().to_bytes());
    (signing, key)
}

/// A key for signing and one that it vouches for, which ask to be an agent of `owner`.
fn keys(harness: &Harness, owner: &AccountId, nonce: u64) -> FirstKeys {
    let (signing, own) = signing();
    let expires_ms = u64::MAX;
    let asks = |key: AnyKey, purpose: Purpose, endorsed_by: Option<Ed25519Key>| {
        let statement = FirstKeyProof { owner: owner.clone(), nonce, key, purpose, expires_ms };
        let (chain_id, contract) = (&harness.chain_id, &harness.contracts.registry);
        let domain = Domain { purpose: FIRST_KEY_PURPOSE, version: 1, chain_id, contract };
        let proof = Signature64(signing.sign(&domain.message(&statement, sha256)).to_bytes());
        FirstKey { key, purpose, expires_ms, proof, endorsed_by }
    };
    let sealed_to = AnyKey::X25519(X25519Key([9; 32]));
    FirstKeys {
        nonce,
        keys: vec![asks(AnyKey::Ed25519(own), Purpose::Sign, None), asks(sealed_to, Purpose::Encrypt, Some(own))],
    }
}

fn with(keys: FirstKeys) -> RegisterAgent {
    RegisterAgent { keys: Some(keys), ..RegisterAgent::new(card("https://u")) }
}

/// Let `use_key_nonce` take a nonce twice, and what a key signed for one agent makes it another's, too.
#[tokio::test]
async fn an_agent_starts_with_keys_that_asked_for_it_once() {
    let harness = Harness::start().await.unwrap();
    let (alice, eve) = (harness.account("alice").await.unwrap(), harness.account("eve").await.unwrap());
    let contract = &harness.contracts.registry;
    let register = registry::register_agent;
    let now_ms = harness.now_ms().await.unwrap();
    let good = keys(&harness, alice.id(), now_ms);

    // By nobody else, under no other nonce, and in this order.
    assert_eq!(refused(&eve, contract, register, &with(good.clone()), DEPOSIT).await, "REGISTRY_BAD_KEY_PROOF");
    let other = FirstKeys { nonce: now_ms - 1, ..good.clone() };
    assert_eq!(refused(&alice, contract, register, &with(other), DEPOSIT).await, "REGISTRY_BAD_KEY_PROOF");
    let mut turned = good.clone();
    turned.keys.reverse();
    assert_eq!(refused(&alice, contract, register, &with(turned), DEPOSIT).await, "REGISTRY_BAD_KEY_PROOF");
    let mut twice = good.clone();
    twice.keys.extend(good.keys.clone());
    assert_eq!(refused(&alice, contract, register, &with(twice), DEPOSIT).await, "REGISTRY_KEY_EXISTS");
    for nonce in [0, now_ms - FIRST_KEYS_MS, now_ms + 60_000, u64::MAX] {
        let bad = with(keys(&harness, alice.id(), nonce));
        assert_eq!(refused(&alice, contract, register, &bad, DEPOSIT).await, "REGISTRY_BAD_KEY_NONCE", "{nonce}");
    }

    let id = ok(&alice, contract, register, &with(good.clone()), DEPOSIT).await;
    let agent = view(&harness.worker, contract, registry::agent, &AgentRef { agent: id }).await.unwrap().unwrap();
    let named: Vec<AnyKey> = agent.keys.iter().map(|key| key.key).collect();
    assert_eq!(named, good.keys.iter().map(|key| key.key).collect::<Vec<_>>());

    // Used up, with all that came before it.
    assert_eq!(refused(&alice, contract, register, &with(good), DEPOSIT).await, "REGISTRY_BAD_KEY_NONCE");
    let earlier = with(keys(&harness, alice.id(), now_ms - 1));
    assert_eq!(refused(&alice, contract, register, &earlier, DEPOSIT).await, "REGISTRY_BAD_KEY_NONCE");
    let next = with(keys(&harness, alice.id(), harness.now_ms().await.unwrap()));
    ok(&alice, contract, register, &next, DEPOSIT).await;
}

#[tokio::test]
async fn an_id_is_unknown_then_active_then_retired_for_good() {
    let harness = Harness::start().await.unwrap();
    let alice = harness.account("alice").await.unwrap();
    let contract = &harness.contracts.registry;
    let status = async |agent| view(&harness.worker, contract, registry::status, &AgentRef { agent }).await.unwrap();
    assert_eq!((status(0).await, status(1).await), (None, None));
    let args = RegisterAgent::new(card("https://u"));
    let id = ok(&alice, contract, registry::register_agent, &args, DEPOSIT).await;
    assert_eq!((status(id).await, status(id + 1).await), (Some(Status::Active), None));
    ok(&alice, contract, registry::retire, &AgentRef { agent: id }, 1).await;
    assert_eq!(status(id).await, Some(Status::Retired));
    ok(&alice, contract, registry::register_agent, &args, DEPOSIT).await;
    assert_eq!((status(id).await, status(id + 1).await), (Some(Status::Retired), Some(Status::Active)));
}
