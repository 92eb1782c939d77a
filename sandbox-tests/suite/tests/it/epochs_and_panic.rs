//! Identity: hand-over, epochs, panic, storage that comes back.

use charter_client::sha256;
use charter_harness::{Harness, ok, refused, view};
use charter_types::registry::args::{AddKey, AgentAccount, AgentRef, Pause, Rearm, RemoveKey, SetAgentAccount};
use charter_types::registry::methods as registry;
use charter_types::registry::nft::NftToken;
use charter_types::registry::{Agent, AgentKey, Authority, KEY_PROOF_PURPOSE, KeyProof, PausedBy, Purpose, Status};
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::{AnyKey, Domain, Ed25519Key, Nothing, PageOf, Signature64};
use ed25519_dalek::{Signer, SigningKey};

use charter_harness::arguments::{DEPOSIT, accept, register, unregister};

async fn authority(harness: &Harness, agent: u64, account: &near_workspaces::Account) -> Authority {
    let args = AgentAccount { agent, account: account.id().clone() };
    let answer = view(&harness.worker, &harness.contracts.registry, registry::authority, &args).await.unwrap();
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
    ok(&alice, registry, registry::offer_transfer, &offer, DEPOSIT).await;
    ok(&bob, registry, registry::accept_transfer, &accept(&harness, registry, first).await, DEPOSIT).await;

    let after = authority(&harness, first, &bob).await;
    assert!(after.roles.owner && !after.roles.guardian);
    assert!(after.epochs.agent > before.epochs.agent && after.epochs.owner > before.epochs.owner);
    let of = |account: &near_workspaces::Account| PageOf { account: account.id().clone(), from: 0, limit: None };
    let left = view(&harness.worker, registry, registry::agents_of, &of(&alice)).await.unwrap();
    let got = view(&harness.worker, registry, registry::agents_of, &of(&bob)).await.unwrap();
    let ids = |agents: &[Agent]| agents.iter().map(|agent| agent.id).collect::<Vec<_>>();
    assert_eq!((ids(&left), ids(&got)), (vec![second], vec![first]));
    let token =
        view(&harness.worker, registry, registry::nft_token, &NftToken { token_id: first.to_string() }).await.unwrap();
    assert_eq!(token.unwrap().owner_id.as_str(), bob.id().as_str());

    // Everything alice paid for is free again once her last agent retires.
    ok(&alice, registry, registry::retire, &AgentRef { agent: second }, 1).await;
    unregister(&alice, registry).await;
}

#[tokio::test]
async fn panic_kills_every_right_of_an_owner_until_rearmed_and_old_epochs_stay_dead() {
    let harness = Harness::start().await.unwrap();
    let (alice, bot) = (harness.account("alice").await.unwrap(), harness.account("bot").await.unwrap());
    let registry = &harness.contracts.registry;
    let agent = register(&harness, &alice, vec![]).await;
    let account = SetAgentAccount { agent, agent_account: Some(bot.id().clone()) };
    ok(&alice, registry, registry::set_agent_account, &account, DEPOSIT).await;
    let armed = authority(&harness, agent, &bot).await;
    assert!(armed.armed && armed.roles.agent);
    ok(&alice, registry, registry::panic_all, &Nothing {}, 1).await;
    let panicked = authority(&harness, agent, &bot).await;
    assert!(!panicked.armed && !panicked.roles.agent && panicked.epochs.owner > armed.epochs.owner);
    ok(&alice, registry, registry::rearm, &Rearm { agents: vec![agent] }, 1).await;
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
        assert_eq!(refused(&alice, registry, registry::add_key, &args, DEPOSIT).await, "REGISTRY_BAD_KEY_PROOF");
    }
    let proof = signed(agent, epoch, chain, registry);
    let args = AddKey { agent, key, purpose: Purpose::Sign, expires_ms, proof, endorsed_by: None };
    ok(&alice, registry, registry::add_key, &args, DEPOSIT).await;
}

#[tokio::test]
async fn the_keys_of_an_agent_are_those_that_were_added_and_not_removed() {
    let harness = Harness::start().await.unwrap();
    let alice = harness.account("alice").await.unwrap();
    let registry = &harness.contracts.registry;
    let agent = register(&harness, &alice, vec![]).await;
    let keys = async |agent| view(&harness.worker, registry, registry::keys, &AgentRef { agent }).await.unwrap();
    assert_eq!(keys(agent).await, []);
    let epoch = authority(&harness, agent, &alice).await.epochs.agent;
    let expires_ms = harness.now_ms().await.unwrap() + 1_000_000;
    let mut added = Vec::new();
    for seed in [7, 8] {
        let signing = SigningKey::from_bytes(&[seed; 32]);
        let key = AnyKey::Ed25519(Ed25519Key(signing.verifying_key().to_bytes()));
        let proof = KeyProof { agent, epoch, key, purpose: Purpose::Sign, expires_ms };
        let domain = Domain { purpose: KEY_PROOF_PURPOSE, version: 1, chain_id: &harness.chain_id, contract: registry };
        let proof = Signature64(signing.sign(&domain.message(&proof, sha256)).to_bytes());
        let args = AddKey { agent, key, purpose: Purpose::Sign, expires_ms, proof, endorsed_by: None };
        ok(&alice, registry, registry::add_key, &args, DEPOSIT).await;
        added.push(AgentKey { key, purpose: Purpose::Sign, expires_ms });
    }
    assert_eq!(keys(agent).await, added);
    ok(&alice, registry, registry::remove_key, &RemoveKey { agent, key: added[0].key }, DEPOSIT).await;
    assert_eq!(keys(agent).await, added[1..]);
    assert_eq!(keys(999).await, [], "an id that nothing has");
}

#[tokio::test]
async fn a_guardian_can_pause_even_if_the_owner_has_no_storage_left() {
    let harness = Harness::start().await.unwrap();
    let (alice, guard) = (harness.account("alice").await.unwrap(), harness.account("guard").await.unwrap());
    let registry = &harness.contracts.registry;
    let agent = register(&harness, &alice, vec![guard.id().clone()]).await;
    let balance =
        view(&harness.worker, registry, shared::storage_balance_of, &StorageOf { account_id: alice.id().clone() })
            .await
            .unwrap();
    assert_eq!(balance.unwrap().available.0, 0);
    let pause = Pause { agent, for_ms: Some(1_000) };
    ok(&guard, registry, registry::pause, &pause, 0).await;
    assert!(matches!(
        authority(&harness, agent, &alice).await.status,
        Status::Paused { until_ms: Some(_), by: PausedBy::Guardian }
    ));
}
