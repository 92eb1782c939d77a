//! Arguments that tests have in common.

use charter_client::sha256;
use charter_types::governance::args::Enroll;
use charter_types::governance::{Artifact, ArtifactKind, LineId, ReleaseContent};
use charter_types::keys::args::{
    ChangeHostKeys, GrantTerms, RELEASE_PURPOSE, RegisterHost, ReleaseProof, RequestKeyRelease,
};
use charter_types::keys::methods as keys;
use charter_types::keys::{
    Action, Effect, Grantee, HOST_CHANGE_PURPOSE, HOST_PROOF_PURPOSE, HostChange, HostId, HostProof, HttpAction,
    Inject, Method, Policy, Scheme, Target,
};
use charter_types::registry::args::{AcceptTransfer, AgentRef, ApproveRecovery, RegisterAgent};
use charter_types::registry::methods as registry;
use charter_types::registry::{AgentId, Card};
use charter_types::shared::methods as shared;
use charter_types::storage::{StorageDeposit, StorageOf, StorageUnregister};
use charter_types::{AccountId, Domain, Ed25519Key, Hash32, Signature64, X25519Key};
use ed25519_dalek::{Signer, SigningKey};
use near_workspaces::Account;

use crate::{Harness, ok, view};

/// More than any single call stores.
pub const DEPOSIT: u128 = 100_000_000_000_000_000_000_000;

/// Opens a storage account, or adds to it.
pub async fn prepay(by: &Account, contract: &AccountId, yocto: u128) {
    ok(by, contract, shared::storage_deposit, &StorageDeposit::default(), yocto).await;
}

/// Closes a storage account, which has to pay for nothing any more.
pub async fn unregister(by: &Account, contract: &AccountId) {
    assert!(ok(by, contract, shared::storage_unregister, &StorageUnregister::default(), 1).await, "there was none");
}

pub fn card(uri: &str) -> Card {
    Card { uri: uri.to_owned(), sha256: Hash32(sha256(uri.as_bytes())) }
}

pub async fn register(harness: &Harness, owner: &Account, guardians: Vec<AccountId>) -> AgentId {
    let args = RegisterAgent { guardians, ..RegisterAgent::new(card("https://a/card")) };
    ok(owner, &harness.contracts.registry, registry::register_agent, &args, DEPOSIT).await
}

/// Takes an agent over as it is now.
pub async fn accept(harness: &Harness, registry: &AccountId, agent: AgentId) -> AcceptTransfer {
    let seen = view(&harness.worker, registry, registry::agent, &AgentRef { agent }).await.expect("the node answers");
    let seen = seen.expect("there is such an agent");
    AcceptTransfer { agent, expected_revision: seen.card_revision, expected_handle: seen.handle }
}

/// Agrees with somebody's proposal as it is now; one that nobody made, if there is none.
pub async fn approval(
    harness: &Harness,
    registry: &AccountId,
    agent: AgentId,
    proposer: &AccountId,
) -> ApproveRecovery {
    let all = view(&harness.worker, registry, registry::recovery_proposals, &AgentRef { agent }).await;
    let all = all.expect("the node answers");
    let found = all.into_iter().find(|proposal| proposal.proposer == *proposer);
    let (new_owner, round) = found.map_or((proposer.clone(), 0), |proposal| (proposal.new_owner, proposal.round));
    ApproveRecovery { agent, proposer: proposer.clone(), new_owner, round }
}

/// Reading below `path` of one service.
pub fn policy(path: &str) -> Policy {
    Policy {
        effects: vec![Effect::Read],
        targets: vec![Target {
            scheme: Scheme::Https,
            host: "api.example.com".to_owned(),
            port: 443,
            paths: vec![path.to_owned()],
            methods: vec![Method::Get],
        }],
        inject: Inject::Header { name: "authorization".to_owned(), prefix: "Bearer ".to_owned() },
        body_bytes_max: 100,
        response_bytes_max: 100,
        rate: None,
        near_calls: Vec::new(),
    }
}

/// Reading `path` of that service.
pub fn get(path: &str) -> Action {
    Action::Http(HttpAction {
        scheme: Scheme::Https,
        host: "api.example.com".to_owned(),
        port: 443,
        path: path.to_owned(),
        method: Method::Get,
        body_bytes: 0,
        content_sha256: Hash32::default(),
        effects: Vec::new(),
    })
}

pub fn terms(grantee: Grantee, policy: Policy, expires_ms: u64) -> GrantTerms {
    GrantTerms {
        grantee,
        policy,
        not_before_ms: 0,
        expires_ms,
        hosts: Vec::new(),
        needs_approval: false,
        measurements: Vec::new(),
        no_delegation: false,
        budget: None,
    }
}

/// Arguments that register a host of `operator`, with the signing key of a seed.
pub fn host(harness: &Harness, keys: &AccountId, operator: &Account, seed: u8) -> RegisterHost {
    host_of(&harness.chain_id, keys, operator, seed)
}

/// The same on any chain.
pub fn host_of(chain_id: &str, keys: &AccountId, operator: &Account, seed: u8) -> RegisterHost {
    let signing = SigningKey::from_bytes(&[seed; 32]);
    let (sign_key, encrypt_key) = (Ed25519Key(signing.verifying_key().to_bytes()), X25519Key([9; 32]));
    let proof = HostProof { operator: operator.id().clone(), sign_key, encrypt_key };
    let domain = Domain { purpose: HOST_PROOF_PURPOSE, version: 1, chain_id, contract: keys };
    let proof = Signature64(signing.sign(&domain.message(&proof, sha256)).to_bytes());
    RegisterHost { sign_key, encrypt_key, max_staleness_ms: 1_000, proof }
}

/// Arguments that give a host at `generation` the signing key of another seed, and an encryption key of that seed.
pub fn change_of_host(
    harness: &Harness,
    keys: &AccountId,
    operator: &Account,
    (host, generation): (HostId, u64),
    seed: u8,
) -> ChangeHostKeys {
    let signing = SigningKey::from_bytes(&[seed; 32]);
    let (sign_key, encrypt_key) = (Ed25519Key(signing.verifying_key().to_bytes()), X25519Key([seed; 32]));
    let next = generation + 1;
    let proof = HostChange { host, generation: next, operator: operator.id().clone(), sign_key, encrypt_key };
    let domain = Domain { purpose: HOST_CHANGE_PURPOSE, version: 1, chain_id: &harness.chain_id, contract: keys };
    let proof = Signature64(signing.sign(&domain.message(&proof, sha256)).to_bytes());
    ChangeHostKeys { host, generation, sign_key, encrypt_key, proof }
}

/// Asks for a derived key, signed with the seed 5 of [`host`].
pub fn release(chain_id: &str, keys: &AccountId, proof: &ReleaseProof) -> RequestKeyRelease {
    let domain = Domain { purpose: RELEASE_PURPOSE, version: 1, chain_id, contract: keys };
    let signature = SigningKey::from_bytes(&[5; 32]).sign(&domain.message(proof, sha256)).to_bytes();
    let (grant, host, app_public_key) = (proof.grant, proof.host, proof.app_public_key.clone());
    RequestKeyRelease { grant, host, app_public_key, proof: Signature64(signature) }
}

pub async fn register_host(harness: &Harness, keys: &AccountId, operator: &Account, seed: u8) -> HostId {
    let args = host(harness, keys, operator, seed);
    ok(operator, keys, keys::register_host, &args, DEPOSIT).await
}

/// Bytes of a contract's storage that are charged to these accounts.
///
/// # Panics
/// If the node does not answer.
pub async fn charged_bytes(harness: &Harness, contract: &AccountId, people: &[Account]) -> u64 {
    let mut charged = 0;
    for person in people {
        let question = StorageOf { account_id: person.id().clone() };
        let balance = harness.look(contract, shared::storage_balance_of, &question).await;
        let balance = balance.expect("the node answers");
        let used = balance.map_or(0, |balance| balance.total.0 - balance.available.0);
        charged += u64::try_from(used / 10_000_000_000_000_000_000).expect("a contract has less than 2^64 bytes");
    }
    charged
}

/// Puts an agent on a line, where it takes what [`content`] asks for.
pub fn enrolled(agent: AgentId, line: LineId) -> Enroll {
    Enroll { agent, line, policy: charter_types::governance::Policy::default(), accepted: Some(content().permissions) }
}

/// A release as it should be.
pub fn content() -> ReleaseContent {
    ReleaseContent {
        semver: "1.0.0".to_owned(),
        artifacts: vec![Artifact { kind: ArtifactKind::OciImage, digest: Hash32([1; 32]), bytes: 1 }],
        source_commit: "0".repeat(40),
        permissions: Hash32::default(),
        reversible: true,
    }
}
