//! The registry, about agent 1, and agent 2 where recoverers matter.

use charter_types::registry::args::{
    AcceptPayout, AcceptTransfer, AddKey, AgentAccount, AgentRef, ApproveRecovery, FirstKey, FirstKeys, Handle, Pause,
    PlainAgent, Rearm, RegisterAgent, RegisterAgents, RemoveKey, ReportReputation, ReputationRef, RevokeMeasurement,
    RotateKey, SetAgentAccount, SetAttestationPolicy, SetCard, SetHandle, SetOperator, SetRecoverers, SetReporters,
    SetTransferable, SubmitAttestation, VerifyProof,
};
use charter_types::registry::methods as registry;
use charter_types::registry::nft::{NftToken, NftTokens, NftTokensOf, NftTransfer};
use charter_types::registry::{Operator, Permission, Purpose, RECOVERY_MS_MIN, Recoverers};
use charter_types::{
    AnyKey, Base64Bytes, Ed25519Key, Hash32, Named, Nothing, Page, PageOf, Signature64, U128, X25519Key,
};

use super::case::{Case, Who};
use super::scene::Scene;
use charter_harness::arguments::card;

const NOT_OWNER: &str = "REGISTRY_NOT_OWNER";
const NOT_PERMITTED: &str = "REGISTRY_NOT_PERMITTED";
const NOT_GUARDIAN: &str = "REGISTRY_NOT_GUARDIAN";
const NOT_ADMIN: &str = "CHARTER_NOT_ADMIN";
const UNKNOWN: &str = "REGISTRY_UNKNOWN_AGENT";

pub fn cases(scene: &Scene) -> Vec<Case> {
    [
        registration(scene),
        agents(scene),
        keys(),
        attestation(),
        roles(scene),
        transfers(scene),
        admin(scene),
        views(scene),
    ]
    .concat()
}

/// A method about an agent, which is its owner's.
fn of_agent<M: charter_types::method::Method>(method: M, args: &M::Args, code: &'static str) -> Case {
    Case::new(method, args, code).unknown("agent", 999, UNKNOWN)
}

fn registration(scene: &Scene) -> Vec<Case> {
    let permissions = vec![Permission::Card];
    let operator = Operator { account: "a.near".parse().unwrap(), permissions, expires_ms: u64::MAX };
    let guardians = vec!["a.near".parse().unwrap()];
    let key = FirstKey {
        key: AnyKey::Ed25519(Ed25519Key([7; 32])),
        purpose: Purpose::Sign,
        expires_ms: u64::MAX,
        proof: Signature64([8; 64]),
        endorsed_by: None,
    };
    let keys = Some(FirstKeys { nonce: scene.now_ms, keys: vec![key] });
    let one = RegisterAgent { operators: vec![operator], guardians, keys, ..RegisterAgent::new(card("https://x")) };
    let plain = PlainAgent { card: card("https://x"), agent_account: None };
    vec![
        Case::new(registry::register_agent, &one, "REGISTRY_BAD_KEY_PROOF"),
        Case::new(registry::register_agents, &RegisterAgents { agents: vec![plain] }, ""),
    ]
}

fn agents(scene: &Scene) -> Vec<Case> {
    let agent = 1;
    let reference = AgentRef { agent };
    let someone = AgentAccount { agent, account: scene.id(Who::Stranger) };
    let set_card = SetCard { agent, card: card("https://x"), expected_revision: 1 };
    let (asset, account) = ("near".to_owned(), Some(scene.id(Who::Owner)));
    let rest_to = account.clone();
    let report = ReportReputation { agent, asset, earned: U128(1), payments: 1, epoch: Some(1), account, rest_to };
    let known = ReputationRef { agent, epoch: 1, reporter: "nobody.near".parse().unwrap(), asset: "near".to_owned() };
    vec![
        of_agent(registry::set_card, &set_card, NOT_PERMITTED).may(&[Who::Operator]),
        of_agent(registry::set_handle, &SetHandle { agent, handle: Some("scout".to_owned()) }, NOT_OWNER),
        of_agent(registry::set_agent_account, &SetAgentAccount { agent, agent_account: None }, NOT_PERMITTED)
            .may(&[Who::Operator]),
        of_agent(registry::set_payout, &someone, NOT_OWNER),
        of_agent(registry::accept_payout, &AcceptPayout { agent, owner: scene.id(Who::Owner) }, "REGISTRY_NOT_OFFERED"),
        of_agent(registry::heartbeat, &reference, "REGISTRY_NOT_AGENT").by(Who::Agent),
        Case::new(registry::release_handle, &Handle { handle: "nobody".to_owned() }, "REGISTRY_UNKNOWN_HANDLE"),
        Case::new(registry::report_reputation, &report, "REGISTRY_NOT_REPORTER"),
        Case::new(registry::remove_reputation, &known, "REGISTRY_NOT_REPORTER"),
        of_agent(registry::retire, &reference, NOT_OWNER),
    ]
}

fn keys() -> Vec<Case> {
    let agent = 1;
    let key = AnyKey::Ed25519(Ed25519Key([7; 32]));
    let (proof, expires_ms) = (Signature64([8; 64]), u64::MAX);
    let add = AddKey { agent, key, purpose: Purpose::Sign, expires_ms, proof, endorsed_by: None };
    let rotate = RotateKey { agent, old: key, key, expires_ms, proof, endorsed_by: None };
    vec![
        of_agent(registry::add_key, &add, NOT_PERMITTED).may(&[Who::Operator]),
        of_agent(registry::rotate_key, &rotate, NOT_PERMITTED).may(&[Who::Operator]),
        of_agent(registry::remove_key, &RemoveKey { agent, key }, NOT_PERMITTED).may(&[Who::Operator]),
    ]
}

fn attestation() -> Vec<Case> {
    let agent = 1;
    let (quote, collateral) = (Base64Bytes(vec![0]), Base64Bytes(vec![0]));
    let (sign_key, encrypt_key) = (Ed25519Key([7; 32]), X25519Key([9; 32]));
    let submit = SubmitAttestation { agent, quote, collateral, sign_key, encrypt_key };
    let measurement = RevokeMeasurement { agent, sha256: Hash32([0x11; 32]) };
    let reference = AgentRef { agent };
    let attesters = [Who::Operator, Who::Agent];
    vec![
        of_agent(registry::set_attestation_policy, &SetAttestationPolicy { agent, policy: None }, NOT_OWNER),
        of_agent(registry::begin_attestation, &reference, NOT_PERMITTED).may(&attesters),
        of_agent(registry::submit_attestation, &submit, NOT_PERMITTED).may(&attesters),
        of_agent(registry::revoke_measurement, &measurement, NOT_GUARDIAN).may(&[Who::Guardian]),
        of_agent(registry::revoke_attestation, &reference, NOT_GUARDIAN).may(&[Who::Guardian]),
    ]
}

fn roles(scene: &Scene) -> Vec<Case> {
    let agent = 1;
    let account = scene.id(Who::Stranger);
    let reference = AgentRef { agent };
    let someone = AgentAccount { agent, account: account.clone() };
    let operator = Operator { account, permissions: Vec::new(), expires_ms: u64::MAX };
    vec![
        of_agent(registry::set_operator, &SetOperator { agent, operator }, NOT_OWNER),
        of_agent(registry::remove_operator, &someone, NOT_OWNER),
        of_agent(registry::set_guardian, &someone, NOT_OWNER),
        of_agent(registry::remove_guardian, &someone, NOT_OWNER),
        of_agent(registry::accept_role, &reference, "REGISTRY_NO_ROLE").may(&[
            Who::Guardian,
            Who::Operator,
            Who::Agent,
        ]),
        of_agent(registry::renounce, &reference, "REGISTRY_NO_ROLE").may(&[Who::Guardian, Who::Operator, Who::Agent]),
        of_agent(registry::pause, &Pause { agent, for_ms: Some(5) }, NOT_GUARDIAN).may(&[Who::Guardian]),
        of_agent(registry::unpause, &reference, NOT_OWNER),
        of_agent(registry::revoke_all, &reference, NOT_GUARDIAN).may(&[Who::Guardian]),
        Case::new(registry::panic_all, &Nothing {}, NOT_OWNER),
        Case::new(registry::rearm, &Rearm { agents: vec![1] }, NOT_OWNER),
    ]
}

fn transfers(scene: &Scene) -> Vec<Case> {
    let agent = 1;
    let account = scene.id(Who::Stranger);
    let reference = AgentRef { agent };
    let someone = AgentAccount { agent, account: account.clone() };
    let token = NftTransfer {
        receiver_id: account.clone(),
        token_id: "1".to_owned(),
        approval_id: None,
        memo: None,
        msg: Some("m".to_owned()),
    };
    let recoverers = Recoverers { accounts: vec![account.clone()], threshold: 1, delay_ms: RECOVERY_MS_MIN };
    let taken = AcceptTransfer { agent, expected_revision: 1, expected_handle: None };
    let agreed = ApproveRecovery { agent: 2, proposer: account.clone(), new_owner: account.clone(), round: 0 };
    let lost = AgentAccount { agent: 2, account };
    vec![
        of_agent(registry::offer_transfer, &someone, NOT_OWNER),
        of_agent(registry::cancel_transfer, &reference, NOT_OWNER),
        of_agent(registry::accept_transfer, &taken, "REGISTRY_NOT_OFFERED"),
        of_agent(registry::set_transferable, &SetTransferable { agent, transferable: true }, NOT_OWNER),
        Case::new(registry::nft_transfer, &token, NOT_OWNER).unknown("token_id", "999", UNKNOWN),
        Case::new(registry::nft_transfer_call, &token, NOT_OWNER).unknown("token_id", "999", UNKNOWN),
        of_agent(registry::set_recoverers, &SetRecoverers { agent, recoverers }, NOT_OWNER),
        of_agent(registry::propose_recovery, &lost, "REGISTRY_NOT_RECOVERER").by(Who::Friend),
        Case::new(registry::approve_recovery, &agreed, "REGISTRY_NO_RECOVERY").unknown(
            "agent",
            999,
            "REGISTRY_NO_RECOVERY",
        ),
        of_agent(registry::veto_recovery, &reference, NOT_OWNER),
        Case::new(registry::withdraw_proposal, &AgentRef { agent: 2 }, "REGISTRY_NO_RECOVERY"),
        of_agent(registry::execute_recovery, &lost, "REGISTRY_NO_RECOVERY"),
    ]
}

fn admin(scene: &Scene) -> Vec<Case> {
    let reporters = SetReporters { reporters: vec![scene.id(Who::Stranger)] };
    vec![
        Case::new(registry::set_verifier, &Named { account: scene.id(Who::Stranger) }, NOT_ADMIN),
        Case::new(registry::set_reporters, &reporters, NOT_ADMIN),
    ]
}

fn views(scene: &Scene) -> Vec<Case> {
    let agent = 1;
    let reference = AgentRef { agent };
    let account = scene.id(Who::Owner);
    let of = AgentAccount { agent, account: account.clone() };
    let page = Page { from: 1, limit: Some(1) };
    let tokens_of = NftTokensOf { account_id: account.clone(), from_index: Some(U128(0)), limit: Some(1) };
    let page_of = PageOf { account: account.clone(), from: 0, limit: Some(1) };
    let tokens = NftTokens { from_index: Some(U128(0)), limit: Some(1) };
    let said = VerifyProof {
        agent,
        message: Base64Bytes(vec![1]),
        public_key: Ed25519Key([7; 32]),
        signature: Signature64([8; 64]),
    };
    let reputation = ReputationRef { agent, epoch: 1, reporter: account.clone(), asset: "near".to_owned() };
    vec![
        Case::new(registry::nft_token, &NftToken { token_id: "1".to_owned() }, ""),
        Case::new(registry::nft_tokens, &tokens, ""),
        Case::new(registry::nft_supply_for_owner, &tokens_of, ""),
        Case::new(registry::nft_tokens_for_owner, &tokens_of, ""),
        Case::new(registry::agent, &reference, ""),
        Case::new(registry::status, &reference, ""),
        Case::new(registry::agents, &page, ""),
        Case::new(registry::agents_of, &page_of, ""),
        Case::new(registry::by_handle, &Handle { handle: "scout".to_owned() }, ""),
        Case::new(registry::owner, &Named { account }, ""),
        Case::new(registry::authority, &of, ""),
        Case::new(registry::standing, &reference, ""),
        Case::new(registry::epochs, &reference, ""),
        Case::new(registry::keys, &reference, ""),
        Case::new(registry::heartbeats, &page, ""),
        Case::new(registry::recoveries, &page, ""),
        Case::new(registry::recovery_proposals, &reference, ""),
        Case::new(registry::attestation, &reference, ""),
        Case::new(registry::attestations, &page, ""),
        Case::new(registry::reputation, &reputation, ""),
        Case::new(registry::verify_proof, &said, ""),
    ]
}
