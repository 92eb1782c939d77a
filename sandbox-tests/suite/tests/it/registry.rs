//! Identity: hand-over, epochs, panic, storage that comes back.

use charter_client::sha256;
use charter_harness::{Call, Harness, failed_with, view};
use charter_types::registry::args::{AddKey, AgentAccount, AgentRef, Pause, Rearm};
use charter_types::registry::{Agent, Authority, KEY_PROOF_PURPOSE, KeyProof, PausedBy, Purpose, Status};
use charter_types::storage::StorageBalance;
use charter_types::{AnyKey, Domain, Ed25519Key, Nothing, PageOf, Signature64};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::json;

use crate::people::{DEPOSIT, register};

async fn authority(harness: &Harness, agent: u64, account: &near_workspaces::Account) -> Authority {
    let args = AgentAccount { agent, account: account.id().clone() };
    let answer: Option<Authority> =
        view(&harness.worker, &harness.contracts.registry, "authority", args).await.unwrap();
    answer.unwrap()
}

#[tokio::test]
async fn a_hand_over_moves_epoch_list_and_storage() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let registry = &harness.contracts.registry;
    let first = register(&harness, &alice, vec![bob.id().clone()]).await;
    let second = register(&harness, &alice, vec![]).await;
    let before = authority(&harness, first, &alice).await;
    let offer = AgentAccount { agent: first, account: bob.id().clone() };
    alice.send(registry, "offer_transfer", offer, DEPOSIT).await.unwrap().into_result().unwrap();
    bob.send(registry, "accept_transfer", AgentRef { agent: first }, DEPOSIT).await.unwrap().into_result().unwrap();

    let after = authority(&harness, first, &bob).await;
    assert!(after.roles.owner && !after.roles.guardian);
    assert!(after.epochs.agent > before.epochs.agent && after.epochs.owner > before.epochs.owner);
    let of = |account: &near_workspaces::Account| PageOf { account: account.id().clone(), from: 0, limit: None };
    let left: Vec<Agent> = view(&harness.worker, registry, "agents_of", of(&alice)).await.unwrap();
    let got: Vec<Agent> = view(&harness.worker, registry, "agents_of", of(&bob)).await.unwrap();
    let ids = |agents: &[Agent]| agents.iter().map(|agent| agent.id).collect::<Vec<_>>();
    assert_eq!((ids(&left), ids(&got)), (vec![second], vec![first]));
    let token: serde_json::Value =
        view(&harness.worker, registry, "nft_token", json!({ "token_id": first.to_string() })).await.unwrap();
    assert_eq!(token["owner_id"], bob.id().as_str());

    // Everything alice paid for is free again once her last agent retires.
    alice.send(registry, "retire", AgentRef { agent: second }, 1).await.unwrap().into_result().unwrap();
    let closed = alice.send(registry, "storage_unregister", json!({}), 1).await.unwrap();
    assert!(closed.json::<bool>().unwrap());
}

#[tokio::test]
async fn panic_kills_every_right_of_an_owner_until_rearmed_and_old_epochs_stay_dead() {
    let harness = Harness::start().await.unwrap();
    let (alice, bot) = (harness.account("alice").await.unwrap(), harness.account("bot").await.unwrap());
    let registry = &harness.contracts.registry;
    let agent = register(&harness, &alice, vec![]).await;
    let account = json!({ "agent": agent, "agent_account": bot.id() });
    alice.send(registry, "set_agent_account", account, DEPOSIT).await.unwrap().into_result().unwrap();
    let armed = authority(&harness, agent, &bot).await;
    assert!(armed.armed && armed.roles.agent);
    alice.send(registry, "panic_all", Nothing {}, 1).await.unwrap().into_result().unwrap();
    let panicked = authority(&harness, agent, &bot).await;
    assert!(!panicked.armed && !panicked.roles.agent && panicked.epochs.owner > armed.epochs.owner);
    alice.send(registry, "rearm", Rearm { agents: vec![agent] }, 1).await.unwrap().into_result().unwrap();
    let rearmed = authority(&harness, agent, &bot).await;
    assert!(rearmed.armed && !rearmed.roles.agent, "a role from before the panic lives again");
    assert!(rearmed.epochs.agent > panicked.epochs.agent);
}

#[tokio::test]
async fn a_key_proof_is_good_for_one_agent_epoch_and_contract() {
    let harness = Harness::start().await.unwrap();
    let alice = harness.account("alice").await.unwrap();
    let registry = &harness.contracts.registry;
    let agent = register(&harness, &alice, vec![]).await;
    let other = register(&harness, &alice, vec![]).await;
    let epoch = authority(&harness, agent, &alice).await.epochs.agent;
    let signing = SigningKey::from_bytes(&[9; 32]);
    let key = AnyKey::Ed25519(Ed25519Key(signing.verifying_key().to_bytes()));
    let expires_ms = harness.now_ms().await.unwrap() + 1_000_000;
    let chain = &harness.chain_id;
    let signed = |agent, epoch, chain_id: &str, contract: &charter_types::AccountId| {
        let proof = KeyProof { agent, epoch, key, purpose: Purpose::Sign, expires_ms };
        let domain = Domain { purpose: KEY_PROOF_PURPOSE, version: 1, chain_id, contract };
        Signature64(signing.sign(&domain.message(&proof, sha256)).to_bytes())
    };
    let escrow = &harness.contracts.escrow;
    for proof in [
        signed(other, epoch, chain, registry),
        signed(agent, epoch + 1, chain, registry),
        signed(agent, epoch, "mainnet", registry),
        signed(agent, epoch, chain, escrow),
    ] {
        let args = AddKey { agent, key, purpose: Purpose::Sign, expires_ms, proof, endorsed_by: None };
        let outcome = alice.send(registry, "add_key", args, DEPOSIT).await.unwrap();
        assert_eq!(failed_with(&outcome).as_deref(), Some("REGISTRY_KEY_PROOF"));
    }
    let proof = signed(agent, epoch, chain, registry);
    let args = AddKey { agent, key, purpose: Purpose::Sign, expires_ms, proof, endorsed_by: None };
    alice.send(registry, "add_key", args, DEPOSIT).await.unwrap().into_result().unwrap();
}

#[tokio::test]
async fn a_guardian_can_pause_even_if_the_owner_has_no_storage_left() {
    let harness = Harness::start().await.unwrap();
    let (alice, guard) = (harness.account("alice").await.unwrap(), harness.account("guard").await.unwrap());
    let registry = &harness.contracts.registry;
    let agent = register(&harness, &alice, vec![guard.id().clone()]).await;
    let balance: StorageBalance =
        view(&harness.worker, registry, "storage_balance_of", json!({ "account_id": alice.id() })).await.unwrap();
    assert_eq!(balance.available.0, 0);
    let pause = Pause { agent, for_ms: Some(1_000) };
    guard.send(registry, "pause", pause, 0).await.unwrap().into_result().unwrap();
    assert!(matches!(
        authority(&harness, agent, &alice).await.status,
        Status::Paused { until_ms: Some(_), by: PausedBy::Guardian }
    ));
}
