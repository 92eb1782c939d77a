//! A chain on which every table has a row.

use charter_client::{Contracts, sha256};
use charter_harness::{Caller, Harness, raw};
use charter_types::escrow::WITHDRAW_DELAY_MS_MIN;
use charter_types::escrow::args::Open;
use charter_types::governance::args::{CreateLine, Enroll, ProposeRelease, Setup as GovernanceSetup, Vote};
use charter_types::governance::{Artifact, ArtifactKind, Choice, Member, Params, Proposal, ReleaseContent, methods};
use charter_types::keys::args::{
    AddCredential, AnchorReceipts, GrantTerms, RegisterHost, RequestApproval, Reserve, RotateSecret,
};
use charter_types::keys::{
    Allowance, Effect, Envelope, Grantee, HOST_PROOF_PURPOSE, HostProof, Inject, Method, Policy, Scheme, Target, Unit,
    Wrap,
};
use charter_types::registry::args::{
    AgentAccount, AgentRef, RegisterAgent, ReportReputation, SetAttestationPolicy, SetRecoverers, SetReporters,
    Setup as RegistrySetup,
};
use charter_types::registry::{AttestationPolicy, Card, Measurement, RECOVERY_MS_MIN, Recoverers};
use charter_types::verifier::TcbStatus;
use charter_types::{AccountId, Base64Bytes, Domain, Ed25519Key, Hash32, Named, Page, Signature64, U128, X25519Key};
use ed25519_dalek::{Signer, SigningKey};
use near_workspaces::Account;
use serde::Serialize;
use serde_json::{Value, json};

/// More than any single call stores.
const DEPOSIT: u128 = 1_000_000_000_000_000_000_000_000;

/// Contracts of which alice is the admin, so that their settings can change, and all kinds of records in them.
pub struct World {
    pub harness: Harness,
    pub contracts: Contracts,
    alice: Account,
    bob: Account,
}

async fn ok(by: &Account, to: &AccountId, method: &str, args: impl Serialize + Send, deposit: u128) -> Value {
    let outcome = by.send(to, raw(method, args), deposit).await.unwrap();
    assert!(outcome.is_success(), "{method}: {outcome:?}");
    outcome.json().unwrap_or(Value::Null)
}

/// Another account with the code of a contract.
async fn copy(harness: &Harness, of: &AccountId, name: &str, setup: impl Serialize + Send) -> AccountId {
    let account = harness.account(name).await.unwrap();
    let code = harness.worker.view_code(of).await.unwrap();
    account.deploy(&code).await.unwrap().into_result().unwrap();
    ok(&account, account.id(), "new", setup, 0).await;
    account.id().clone()
}

impl World {
    pub async fn start() -> Self {
        let harness = Harness::start().await.unwrap();
        let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
        let deployed = &harness.contracts;
        let (admin, verifier) = (alice.id().clone(), deployed.verifier.clone());
        let setup = RegistrySetup { account: admin.clone(), verifier: verifier.clone() };
        let registry = copy(&harness, &deployed.registry, "agents", setup).await;
        let setup = json!({ "account": admin, "registry": registry });
        let keys = copy(&harness, &deployed.keys, "vault", setup).await;
        let council = vec![Member { account: admin.clone(), weight: 1 }];
        let setup = GovernanceSetup { account: admin, registry: registry.clone(), council, params: Params::default() };
        let governance = copy(&harness, &deployed.governance, "votes", setup).await;
        let contracts = Contracts { registry, keys, governance, escrow: deployed.escrow.clone(), verifier };
        let world = Self { harness, contracts, alice, bob };
        world.fill_registry().await;
        world.fill_keys().await;
        world.fill_governance().await;
        world.fill_escrow().await;
        world
    }

    async fn fill_registry(&self) {
        let (registry, alice, bob) = (&self.contracts.registry, &self.alice, &self.bob);
        for account in [alice, bob] {
            ok(account, registry, "storage_deposit", json!({}), DEPOSIT).await;
        }
        let card = Card { uri: "https://a.example/card".to_owned(), sha256: Hash32([1; 32]) };
        let agent_account = Some(bob.id().clone());
        let args = RegisterAgent { card, agent_account, operators: Vec::new(), guardians: Vec::new() };
        ok(alice, registry, "register_agent", args, DEPOSIT).await;
        let agent = 1;
        ok(bob, registry, "heartbeat", AgentRef { agent }, 0).await;
        let recoverers = Recoverers { accounts: vec![bob.id().clone()], threshold: 1, delay_ms: RECOVERY_MS_MIN };
        ok(alice, registry, "set_recoverers", SetRecoverers { agent, recoverers }, DEPOSIT).await;
        let to_bob = AgentAccount { agent, account: bob.id().clone() };
        ok(bob, registry, "propose_recovery", to_bob, DEPOSIT).await;
        let measurement = Measurement { sha256: Hash32([2; 32]), from_ms: 0, until_ms: u64::MAX, revoked: false };
        let (measurements, tcb) = (vec![measurement], vec![TcbStatus::UpToDate]);
        let policy = Some(AttestationPolicy { measurements, tcb, max_age_ms: 3_600_000 });
        ok(alice, registry, "set_attestation_policy", SetAttestationPolicy { agent, policy }, DEPOSIT).await;
        ok(alice, registry, "set_reporters", SetReporters { reporters: vec![alice.id().clone()] }, 0).await;
        ok(alice, registry, "set_verifier", Named { account: self.contracts.verifier.clone() }, 0).await;
        let report = ReportReputation { agent, asset: "near".to_owned(), earned: U128(5), payments: 1 };
        ok(alice, registry, "report_reputation", report, 0).await;
    }

    /// Of host `seed`.
    fn host(&self, seed: u8) -> RegisterHost {
        let signing = SigningKey::from_bytes(&[seed; 32]);
        let (sign_key, encrypt_key) = (Ed25519Key(signing.verifying_key().to_bytes()), X25519Key([9; 32]));
        let proof = HostProof { operator: self.bob.id().clone(), sign_key, encrypt_key };
        let (chain_id, contract) = (self.harness.chain_id.as_str(), &self.contracts.keys);
        let domain = Domain { purpose: HOST_PROOF_PURPOSE, version: 1, chain_id, contract };
        let proof = Signature64(signing.sign(&domain.message(&proof, sha256)).to_bytes());
        RegisterHost { sign_key, encrypt_key, max_staleness_ms: 1_000, proof }
    }

    /// A secret with a budgeted grant and one that needs approvals; its first data key was left behind by a rotation.
    async fn fill_keys(&self) {
        let (keys, alice, bob) = (&self.contracts.keys, &self.alice, &self.bob);
        for account in [alice, bob] {
            ok(account, keys, "storage_deposit", json!({}), DEPOSIT).await;
        }
        for seed in [5, 6] {
            ok(bob, keys, "register_host", self.host(seed), DEPOSIT).await;
        }
        let expires_ms = self.harness.now_ms().await.unwrap() + 3_600_000;
        let terms = |needs_approval, budget| GrantTerms {
            grantee: Grantee::Account(bob.id().clone()),
            policy: policy("/v1"),
            not_before_ms: 0,
            expires_ms,
            needs_approval,
            needs_attestation: false,
            no_delegation: false,
            budget,
        };
        let uses = Allowance { unit: Unit::Uses, capacity: U128(100), refill: U128(0), period_ms: 0 };
        let wrap = |host| Wrap { host, sealed: Base64Bytes(vec![2; 80]) };
        let args = AddCredential {
            agent: 1,
            label_hash: Hash32([1; 32]),
            ceiling: policy("/"),
            envelope: Envelope::Inline(Base64Bytes(vec![1; 64])),
            wraps: vec![wrap(1), wrap(2)],
            rotate_by_ms: 0,
            grants: vec![terms(false, Some(uses)), terms(true, None)],
        };
        ok(alice, keys, "add_credential", args, 1).await;
        let args = Reserve { grant: 1, host: 1, amount: U128(5), for_ms: 600_000, digest: None };
        ok(bob, keys, "reserve", args, 0).await;
        let args = RequestApproval { grant: 2, digest: Hash32([3; 32]), host: 1, expires_ms };
        ok(bob, keys, "request_approval", args, DEPOSIT).await;
        let args = AnchorReceipts { host: 1, from: 1, to: 3, merkle_root: Hash32([4; 32]) };
        ok(bob, keys, "anchor_receipts", args, 0).await;
        let envelope = Envelope::Inline(Base64Bytes(vec![3; 64]));
        let args = RotateSecret { secret: 1, expected_version: 1, envelope, wraps: vec![wrap(2)], rotate_by_ms: 0 };
        ok(alice, keys, "rotate_secret", args, 1).await;
        ok(alice, keys, "set_mpc", Named { account: bob.id().clone() }, 0).await;
    }

    async fn fill_governance(&self) {
        let (governance, alice) = (&self.contracts.governance, &self.alice);
        let args = CreateLine { name: "scout".to_owned(), council: Vec::new(), params: Params::default() };
        let line: u64 = serde_json::from_value(ok(alice, governance, "create_line", args, DEPOSIT).await).unwrap();
        let content = ReleaseContent {
            semver: "1.0.0".to_owned(),
            artifacts: vec![Artifact { kind: ArtifactKind::OciImage, digest: Hash32([4; 32]), bytes: 1_000 }],
            source_commit: "a".repeat(40),
            permissions: Hash32::default(),
            reversible: true,
        };
        ok(alice, governance, "propose_release", ProposeRelease { line, content }, DEPOSIT).await;
        let proposals: Vec<Proposal> =
            charter_harness::view(&self.harness.worker, governance, methods::proposals, &Page::default())
                .await
                .unwrap();
        let Proposal { id: proposal, content_hash, .. } = proposals[0].clone();
        ok(alice, governance, "vote", Vote { proposal, content_hash, choice: Choice::Yes }, DEPOSIT).await;
        ok(alice, governance, "storage_deposit", json!({}), DEPOSIT).await;
        ok(alice, governance, "enroll", Enroll { agent: 1, line }, 1).await;
    }

    async fn fill_escrow(&self) {
        let (payee, voucher_key) = (self.bob.id().clone(), Ed25519Key([7; 32]));
        let args = Open { payee, agent: None, voucher_key, withdraw_delay_ms: WITHDRAW_DELAY_MS_MIN };
        ok(&self.alice, &self.contracts.escrow, "open", args, DEPOSIT).await;
    }
}

/// Reading below `path` of one service.
fn policy(path: &str) -> Policy {
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
