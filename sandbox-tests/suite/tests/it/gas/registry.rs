//! Calls of the registry.

use std::time::Duration;

use charter_client::sha256;
use charter_harness::ok;
use charter_types::contract::Registry;
use charter_types::registry::args::{
    AcceptPayout, AddKey, AgentAccount, AgentRef, Handle, Pause, PlainAgent, Rearm, RegisterAgent, RegisterAgents,
    RemoveKey, RevokeMeasurement, RotateKey, SetAgentAccount, SetAttestationPolicy, SetCard, SetHandle, SetOperator,
    SetRecoverers, SetTransferable, SubmitAttestation,
};
use charter_types::registry::methods as registry;
use charter_types::registry::nft::NftTransfer;
use charter_types::registry::{
    AgentId, HANDLE_REST_MS, KEY_PROOF_PURPOSE, KeyProof, Operator, Permission, Purpose, RECOVERY_MS_MIN, Recoverers,
};
use charter_types::{AnyKey, Base64Bytes, Domain, Ed25519Key, Nothing, Signature64};
use ed25519_dalek::{Signer, SigningKey};
use near_workspaces::Account;

use super::Table;
use crate::attestation::{Attester, KEYS, policy};
use crate::ownership::RECEIVER;
use charter_harness::arguments::{DEPOSIT, accept, approval, card, prepay};

fn plain() -> RegisterAgent {
    let card = card("https://alice.example/agents/scout.json");
    RegisterAgent::new(card)
}

fn of(agent: AgentId, account: &Account) -> AgentAccount {
    AgentAccount { agent, account: account.id().clone() }
}

/// One agent from its registration to its end.
pub async fn rows(table: &mut Table, owner: &Account, buyer: &Account, guard: &Account) {
    table.note(owner, (Registry, registry::register_agent), "first of its owner", &plain(), DEPOSIT).await;
    table.note(owner, (Registry, registry::register_agent), "second of its owner", &plain(), DEPOSIT).await;
    let agents = vec![PlainAgent { card: plain().card, agent_account: None }; 20];
    let batch = RegisterAgents { agents };
    table.note(owner, (Registry, registry::register_agents), "20 agents", &batch, 10 * DEPOSIT).await;
    let agent = 1;
    let reference = AgentRef { agent };
    table.note(owner, (Registry, registry::set_guardian), "", &of(agent, guard), DEPOSIT).await;
    let args = SetCard { agent, card: plain().card, expected_revision: 1 };
    table.note(owner, (Registry, registry::set_card), "same length", &args, 1).await;
    let args = SetHandle { agent, handle: Some("scout".to_owned()) };
    table.note(owner, (Registry, registry::set_handle), "", &args, DEPOSIT).await;
    let args = SetAgentAccount { agent, agent_account: Some(guard.id().clone()) };
    table.note(owner, (Registry, registry::set_agent_account), "", &args, DEPOSIT).await;
    prepay(owner, &table.contracts.registry, DEPOSIT).await;
    table.note(guard, (Registry, registry::heartbeat), "first", &reference, 0).await;
    table.note(guard, (Registry, registry::heartbeat), "again", &reference, 0).await;
    let pause = Pause { agent, for_ms: Some(1_000) };
    table.note(guard, (Registry, registry::pause), "by a guardian", &pause, 0).await;
    table.note(guard, (Registry, registry::revoke_all), "by a guardian", &reference, 0).await;
    table.note(owner, (Registry, registry::panic_all), "22 agents", &Nothing {}, 1).await;
    let all = Rearm { agents: (1..=8).collect() };
    table.note(owner, (Registry, registry::rearm), "8 agents", &all, 1).await;
    table.note(owner, (Registry, registry::offer_transfer), "", &of(agent, buyer), DEPOSIT).await;
    let accepted = accept(&table.harness, &table.contracts.registry, agent).await;
    table.note(buyer, (Registry, registry::accept_transfer), "", &accepted, DEPOSIT).await;
    table.note(buyer, (Registry, registry::retire), "", &reference, 1).await;
    table.harness.wait(Duration::from_millis(HANDLE_REST_MS)).await.unwrap();
    let handle = Handle { handle: "scout".to_owned() };
    table.note(buyer, (Registry, registry::release_handle), "", &handle, 0).await;
}

/// What the life of that agent left out, on one of another owner.
pub async fn more_rows(table: &mut Table, owner: &Account, guard: &Account) {
    let contract = table.contracts.registry.clone();
    let agent = ok(owner, &contract, registry::register_agent, &plain(), DEPOSIT).await;
    roles(table, owner, guard, agent).await;
    keys(table, owner, agent).await;
    tokens(table, owner, agent).await;
    recovery(table, owner, guard, agent).await;
}

async fn roles(table: &mut Table, owner: &Account, guard: &Account, agent: AgentId) {
    let reference = AgentRef { agent };
    let operator = Operator {
        account: guard.id().clone(),
        permissions: vec![Permission::Card, Permission::AgentAccount, Permission::Keys, Permission::Attest],
        expires_ms: u64::MAX,
    };
    let args = SetOperator { agent, operator };
    table.note(owner, (Registry, registry::set_operator), "every permission", &args, DEPOSIT).await;
    table.note(owner, (Registry, registry::remove_operator), "", &of(agent, guard), 1).await;
    let contract = table.contracts.registry.clone();
    ok(owner, &contract, registry::set_guardian, &of(agent, guard), DEPOSIT).await;
    table.note(owner, (Registry, registry::remove_guardian), "", &of(agent, guard), 1).await;
    ok(owner, &contract, registry::set_guardian, &of(agent, guard), DEPOSIT).await;
    table.note(guard, (Registry, registry::accept_role), "by a guardian", &reference, 0).await;
    table.note(guard, (Registry, registry::renounce), "by a guardian", &reference, 0).await;
    ok(owner, &contract, registry::pause, &Pause { agent, for_ms: None }, 1).await;
    table.note(owner, (Registry, registry::unpause), "", &reference, 1).await;
    table.note(owner, (Registry, registry::set_payout), "", &of(agent, guard), DEPOSIT).await;
    let accepted = AcceptPayout { agent, owner: owner.id().clone() };
    table.note(guard, (Registry, registry::accept_payout), "", &accepted, 1).await;
    ok(owner, &contract, registry::offer_transfer, &of(agent, guard), DEPOSIT).await;
    table.note(owner, (Registry, registry::cancel_transfer), "", &reference, 1).await;
}

async fn keys(table: &mut Table, owner: &Account, agent: AgentId) {
    let contract = table.contracts.registry.clone();
    let question = AgentRef { agent };
    let epochs = charter_harness::view(&table.harness.worker, &contract, registry::epochs, &question).await.unwrap();
    let (epoch, expires_ms) = (epochs.unwrap().agent, u64::MAX);
    let chain_id = table.harness.chain_id.clone();
    let proven = |seed: u8| {
        let signing = SigningKey::from_bytes(&[seed; 32]);
        let key = AnyKey::Ed25519(Ed25519Key(signing.verifying_key().to_bytes()));
        let proof = KeyProof { agent, epoch, key, purpose: Purpose::Sign, expires_ms };
        let domain = Domain { purpose: KEY_PROOF_PURPOSE, version: 1, chain_id: &chain_id, contract: &contract };
        (key, Signature64(signing.sign(&domain.message(&proof, sha256)).to_bytes()))
    };
    let (old, proof) = proven(1);
    let add = AddKey { agent, key: old, purpose: Purpose::Sign, expires_ms, proof, endorsed_by: None };
    table.note(owner, (Registry, registry::add_key), "", &add, DEPOSIT).await;
    let (key, proof) = proven(2);
    let rotate = RotateKey { agent, old, key, expires_ms, proof, endorsed_by: None };
    table.note(owner, (Registry, registry::rotate_key), "", &rotate, DEPOSIT).await;
    table.note(owner, (Registry, registry::remove_key), "", &RemoveKey { agent, key }, 1).await;
}

async fn recovery(table: &mut Table, owner: &Account, guard: &Account, agent: AgentId) {
    let (friend, contract) = (table.person("f").await, table.contracts.registry.clone());
    let accounts = vec![guard.id().clone(), friend.id().clone()];
    let recoverers = Recoverers { accounts, threshold: 2, delay_ms: RECOVERY_MS_MIN };
    let args = SetRecoverers { agent, recoverers };
    table.note(owner, (Registry, registry::set_recoverers), "two accounts", &args, DEPOSIT).await;
    table.note(guard, (Registry, registry::propose_recovery), "", &of(agent, guard), DEPOSIT).await;
    table.note(owner, (Registry, registry::veto_recovery), "", &AgentRef { agent }, 1).await;
    ok(guard, &contract, registry::propose_recovery, &of(agent, guard), DEPOSIT).await;
    let agreed = approval(&table.harness, &contract, agent, guard.id()).await;
    table.note(&friend, (Registry, registry::approve_recovery), "", &agreed, 1).await;
    ok(&friend, &contract, registry::propose_recovery, &of(agent, guard), DEPOSIT).await;
    table.note(&friend, (Registry, registry::withdraw_proposal), "", &AgentRef { agent }, 0).await;
    table.harness.wait(Duration::from_millis(RECOVERY_MS_MIN)).await.unwrap();
    prepay(guard, &contract, 2 * DEPOSIT).await;
    table.note(&friend, (Registry, registry::execute_recovery), "", &of(agent, guard), DEPOSIT).await;
}

/// To a receiver that keeps it, and back.
async fn tokens(table: &mut Table, owner: &Account, agent: AgentId) {
    let (shop, contract) = (table.person("t").await, table.contracts.registry.clone());
    shop.deploy(&wat::parse_str(RECEIVER).unwrap()).await.unwrap().into_result().unwrap();
    prepay(&shop, &contract, DEPOSIT).await;
    prepay(owner, &contract, DEPOSIT).await;
    let transferable = SetTransferable { agent, transferable: true };
    table.note(owner, (Registry, registry::set_transferable), "", &transferable, 1).await;
    let to = |account: &Account| NftTransfer {
        receiver_id: account.id().clone(),
        token_id: agent.to_string(),
        approval_id: None,
        memo: None,
        msg: Some("keep".to_owned()),
    };
    table.note(owner, (Registry, registry::nft_transfer_call), "the receiver keeps it", &to(&shop), 1).await;
    ok(&shop, &contract, registry::set_transferable, &transferable, 1).await;
    table.note(&shop, (Registry, registry::nft_transfer), "", &to(owner), 1).await;
}

/// With a verifier that says yes without looking: what a real one costs has a row of its own.
pub async fn attestation(table: &mut Table, owner: &Account, agent: AgentId) {
    let args = SetAttestationPolicy { agent, policy: Some(policy(0)) };
    table.note(owner, (Registry, registry::set_attestation_policy), "one measurement", &args, DEPOSIT).await;
    let attester = Attester::new(&table.harness, owner, agent).await;
    let reference = AgentRef { agent };
    let nonce = table.note(owner, (Registry, registry::begin_attestation), "", &reference, 1).await;
    let (sign_key, encrypt_key) = KEYS;
    attester.verifier_says_yes(nonce, sign_key, encrypt_key).await;
    let (quote, collateral) = (Base64Bytes(vec![1; 5_000]), Base64Bytes(vec![1; 10_000]));
    let args = SubmitAttestation { agent, quote, collateral, sign_key, encrypt_key };
    table.note(owner, (Registry, registry::submit_attestation), "without the verifier's own gas", &args, 1).await;
    table.note(owner, (Registry, registry::revoke_attestation), "", &reference, 1).await;
    let args = RevokeMeasurement { agent, sha256: policy(0).measurements[0].sha256 };
    table.note(owner, (Registry, registry::revoke_measurement), "", &args, 1).await;
}
