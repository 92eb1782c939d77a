//! Attestation: real Intel TDX quotes in the real verifier, and the registry's own checks behind it.
//!
//! dcap-qvl's package carries real quotes, each bound to something of its maker's. A quote bound to our nonce takes a TDX
//! machine, so where the verifier has to say yes to one, a stand-in verifier answers what the test tells it.

use std::path::PathBuf;
use std::process::Command;

use charter_client::sha256;
use charter_harness::{Caller, Harness, call, failed_with, ok, raw_bytes, refused, view};
use charter_types::registry::args::{
    AgentRef, RevokeMeasurement, SetAgentAccount, SetAttestationPolicy, SubmitAttestation,
};
use charter_types::registry::methods as registry;
use charter_types::registry::{AttestationAnswer, AttestationClaim, AttestationPolicy, Invalid, Measurement};
use charter_types::verifier::methods::verify_quote;
use charter_types::verifier::{Question, Report, TcbStatus, Verdict, rejection};
use charter_types::{Base64Bytes, Ed25519Key, Hash32, Nothing, X25519Key};
use dcap_qvl::QuoteCollateralV3;
use near_workspaces::network::Sandbox;
use near_workspaces::{Account, AccountId, Worker};
use serde_json::Value;

use charter_harness::arguments::{DEPOSIT, register};
use charter_harness::stand_in_verifier::{self, report};

/// Where dcap-qvl's package lies, with its samples.
fn samples() -> PathBuf {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    // Packages of other platforms were never fetched: cargo must not look for them.
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--filter-platform",
            host,
            "--manifest-path",
            manifest,
        ])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "dcap-qvl").unwrap();
    PathBuf::from(package["manifest_path"].as_str().unwrap()).parent().unwrap().join("sample")
}

pub struct Sample {
    quote: Vec<u8>,
    collateral: QuoteCollateralV3,
    /// A second at which the collateral is good.
    now_s: u64,
}

pub fn sample() -> Sample {
    let folder = samples();
    let collateral = std::fs::read_to_string(folder.join("tdx_quote_collateral.json")).unwrap();
    // Issued 2025-06-19, to be renewed by 2025-07-19.
    Sample {
        quote: std::fs::read(folder.join("tdx_quote")).unwrap(),
        collateral: serde_json::from_str(&collateral).unwrap(),
        now_s: 1_751_500_800,
    }
}

impl Sample {
    /// With the collateral as dcap-qvl writes it, whose type ours has to be like.
    pub fn question(&self) -> Question {
        borsh::from_slice(&borsh::to_vec(&(&self.quote, &self.collateral, self.now_s)).unwrap()).unwrap()
    }
}

async fn verdict(harness: &Harness, question: Question) -> Verdict {
    view(&harness.worker, &harness.contracts.verifier, verify_quote, &question).await.unwrap()
}

fn code(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Verified(_) => "",
        Verdict::Rejected { code, .. } => code,
    }
}

/// Where a TDX quote's report starts, and its attributes and report data in it (Intel TDX DCAP quote format, version 4).
const REPORT: usize = 48;
const ATTRIBUTES: usize = REPORT + 120;
const REPORT_DATA: usize = REPORT + 520;

#[tokio::test]
async fn a_genuine_quote_is_accepted_and_a_changed_one_is_not() {
    let harness = Harness::start().await.unwrap();
    let genuine = sample();
    let Verdict::Verified(report) = verdict(&harness, genuine.question()).await else {
        panic!("{:?}", verdict(&harness, genuine.question()).await)
    };
    assert_eq!(report.report_data, genuine.quote[REPORT_DATA..REPORT_DATA + 64]);
    assert!(report.mr_td != [0; 48] && report.rt_mr[0] != [0; 48]);

    let late = Sample { now_s: genuine.now_s + 60 * 86_400, ..sample() };
    assert_eq!(code(&verdict(&harness, late.question()).await), rejection::EXPIRED);
    let early = Sample { now_s: genuine.now_s - 60 * 86_400, ..sample() };
    assert_eq!(code(&verdict(&harness, early.question()).await), rejection::EXPIRED);
    let mut debug = sample();
    debug.quote[ATTRIBUTES] |= 1;
    assert_eq!(code(&verdict(&harness, debug.question()).await), rejection::DEBUG);
    for place in [REPORT + 20, REPORT + 140, REPORT_DATA, REPORT_DATA + 63, genuine.quote.len() / 2] {
        let mut flipped = sample();
        flipped.quote[place] ^= 1;
        assert_eq!(code(&verdict(&harness, flipped.question()).await), rejection::NOT_GENUINE, "bit at {place}");
    }
    let mut other = sample();
    other.collateral.tcb_info = other.collateral.tcb_info.replace("UpToDate", "OutOfDate");
    assert_eq!(code(&verdict(&harness, other.question()).await), rejection::NOT_GENUINE);
    for quote in [Vec::new(), vec![0; 5_000], std::fs::read(samples().join("sgx_quote")).unwrap()] {
        assert_eq!(code(&verdict(&harness, Sample { quote, ..sample() }.question()).await), rejection::FORMAT);
    }
    let bytes = raw_bytes("verify_quote", vec![1, 2, 3]);
    let unread = harness.raw_view(&harness.contracts.verifier, bytes).await.unwrap();
    assert_eq!(code(&borsh::from_slice(&unread).unwrap()), rejection::FORMAT);
}

/// 181 TGas with RustCrypto in wasm was measured on nearcore; the host function has to bring it below 100.
#[tokio::test]
async fn verifying_costs_less_than_100_tgas() {
    let harness = Harness::start().await.unwrap();
    let anyone = harness.account("anyone").await.unwrap();
    let outcome = anyone.send(&harness.contracts.verifier, call(verify_quote, &sample().question()), 0).await.unwrap();
    let gas = outcome.total_gas_burnt.as_tgas();
    assert!(outcome.is_success() && gas < 100, "{gas} TGas");
}

struct Scene {
    harness: Harness,
    alice: Account,
    bot: Account,
    guard: Account,
    agent: u64,
}

pub const KEYS: (Ed25519Key, X25519Key) = (Ed25519Key([5; 32]), X25519Key([9; 32]));

fn verified(report: Report) -> Verdict {
    Verdict::Verified(Box::new(report))
}

pub fn policy(from_ms: u64) -> AttestationPolicy {
    let sha256 = report([0; 64]).measurement(sha256);
    let measurement = Measurement { sha256, from_ms, until_ms: u64::MAX, revoked: false };
    AttestationPolicy { measurements: vec![measurement], tcb: vec![TcbStatus::UpToDate], max_age_ms: 86_400_000 }
}

/// An agent with its own account and a policy, and a verifier that says what it is told.
async fn scene() -> Scene {
    let harness = Harness::start().await.unwrap();
    stand_in_verifier::stand_in(&harness).await;
    let (alice, bot, guard) = (
        harness.account("alice").await.unwrap(),
        harness.account("bot").await.unwrap(),
        harness.account("guard").await.unwrap(),
    );
    let agent = register(&harness, &alice, vec![guard.id().clone()]).await;
    let registry = &harness.contracts.registry;
    let account = SetAgentAccount { agent, agent_account: Some(bot.id().clone()) };
    ok(&alice, registry, registry::set_agent_account, &account, DEPOSIT).await;
    let args = SetAttestationPolicy { agent, policy: Some(policy(0)) };
    ok(&alice, registry, registry::set_attestation_policy, &args, DEPOSIT).await;
    Scene { harness, alice, bot, guard, agent }
}

impl Scene {
    async fn nonce(&self) -> Hash32 {
        let args = AgentRef { agent: self.agent };
        ok(&self.bot, &self.harness.contracts.registry, registry::begin_attestation, &args, 0).await
    }

    async fn data(&self, nonce: Hash32) -> [u8; 64] {
        let registry = &self.harness.contracts.registry;
        let agent =
            view(&self.harness.worker, registry, registry::agent, &AgentRef { agent: self.agent }).await.unwrap();
        let (sign_key, encrypt_key) = KEYS;
        let claim = AttestationClaim { agent: self.agent, epoch: agent.unwrap().epoch, nonce, sign_key, encrypt_key };
        claim.report_data(&self.harness.chain_id, registry, sha256)
    }

    async fn verifier_says(&self, verdict: &Verdict) {
        stand_in_verifier::say(&self.alice, &self.harness.contracts.verifier, verdict).await;
    }

    /// What became of a submission: its code, or `None` if the agent is attested.
    async fn submit(&self) -> Option<String> {
        let (sign_key, encrypt_key) = KEYS;
        let some = Base64Bytes(vec![1; 100]);
        let args =
            SubmitAttestation { agent: self.agent, quote: some.clone(), collateral: some, sign_key, encrypt_key };
        let submit = call(registry::submit_attestation, &args);
        failed_with(&self.bot.send(&self.harness.contracts.registry, submit, 0).await.unwrap())
    }

    async fn answer(&self) -> AttestationAnswer {
        let args = AgentRef { agent: self.agent };
        view(&self.harness.worker, &self.harness.contracts.registry, registry::attestation, &args).await.unwrap()
    }
}

/// Attests an agent with whatever keys a test wants, through the real registry and the stand-in verifier.
pub struct Attester {
    owner: Account,
    agent: u64,
    registry: AccountId,
    verifier: AccountId,
    chain_id: String,
    worker: Worker<Sandbox>,
    /// How well patched the platforms are, all of which the agent's owner accepts.
    pub tcb: TcbStatus,
}

impl Attester {
    pub async fn new(harness: &Harness, owner: &Account, agent: u64) -> Self {
        stand_in_verifier::stand_in(harness).await;
        let registry = harness.contracts.registry.clone();
        let tcb = vec![TcbStatus::UpToDate, TcbStatus::SwHardeningNeeded, TcbStatus::OutOfDate];
        let args = SetAttestationPolicy { agent, policy: Some(AttestationPolicy { tcb, ..policy(0) }) };
        ok(owner, &registry, registry::set_attestation_policy, &args, DEPOSIT).await;
        Self {
            owner: owner.clone(),
            agent,
            registry,
            verifier: harness.contracts.verifier.clone(),
            chain_id: harness.chain_id.clone(),
            worker: harness.worker.clone(),
            tcb: TcbStatus::UpToDate,
        }
    }

    pub async fn attest(&self, sign_key: Ed25519Key, encrypt_key: X25519Key) {
        let reference = AgentRef { agent: self.agent };
        let nonce = ok(&self.owner, &self.registry, registry::begin_attestation, &reference, 1).await;
        self.verifier_says_yes(nonce, sign_key, encrypt_key).await;
        let some = Base64Bytes(vec![1; 100]);
        let args =
            SubmitAttestation { agent: self.agent, quote: some.clone(), collateral: some, sign_key, encrypt_key };
        ok(&self.owner, &self.registry, registry::submit_attestation, &args, 1).await;
    }

    /// To a quote that is bound to this nonce and these keys.
    pub async fn verifier_says_yes(&self, nonce: Hash32, sign_key: Ed25519Key, encrypt_key: X25519Key) {
        let reference = AgentRef { agent: self.agent };
        let agent = view(&self.worker, &self.registry, registry::agent, &reference).await.unwrap();
        let claim = AttestationClaim { agent: self.agent, epoch: agent.unwrap().epoch, nonce, sign_key, encrypt_key };
        let data = claim.report_data(&self.chain_id, &self.registry, sha256);
        let said = verified(Report { tcb: self.tcb, ..report(data) });
        stand_in_verifier::say(&self.owner, &self.verifier, &said).await;
    }
}

#[tokio::test]
async fn a_nonce_is_good_for_one_quote_bound_to_it() {
    let scene = scene().await;
    assert_eq!(scene.submit().await.as_deref(), Some("REGISTRY_NO_CHALLENGE"));
    let nonce = scene.nonce().await;
    let good = verified(report(scene.data(nonce).await));
    scene.verifier_says(&good).await;
    assert_eq!(scene.submit().await, None);
    let answer = scene.answer().await;
    assert_eq!((answer.attestation.unwrap().sign_key, answer.invalid), (KEYS.0, None));
    // INV-REG-8: the same quote again, with fresh collateral, and then with a fresh nonce.
    assert_eq!(scene.submit().await.as_deref(), Some("REGISTRY_NO_CHALLENGE"));
    scene.nonce().await;
    assert_eq!(scene.submit().await.as_deref(), Some("REGISTRY_WRONG_REPORT_DATA"));
    // That used the nonce up, whatever the verifier says now.
    assert_eq!(scene.submit().await.as_deref(), Some("REGISTRY_NO_CHALLENGE"));
}

#[tokio::test]
async fn a_quote_for_another_agent_chain_or_key_is_refused() {
    let scene = scene().await;
    let registry = &scene.harness.contracts.registry;
    let nonce = scene.nonce().await;
    let (sign_key, encrypt_key) = KEYS;
    let claim = AttestationClaim { agent: scene.agent, epoch: 2, nonce, sign_key, encrypt_key };
    let chain = &scene.harness.chain_id;
    let data = |claim: &AttestationClaim, chain: &str, contract| claim.report_data(chain, contract, sha256);
    for wrong in [
        data(&AttestationClaim { agent: scene.agent + 1, ..claim.clone() }, chain, registry),
        data(&AttestationClaim { epoch: 77, ..claim.clone() }, chain, registry),
        data(&AttestationClaim { sign_key: Ed25519Key([6; 32]), ..claim.clone() }, chain, registry),
        data(&claim, "mainnet", registry),
        data(&claim, chain, &scene.harness.contracts.keys),
    ] {
        scene.nonce().await;
        scene.verifier_says(&verified(report(wrong))).await;
        assert_eq!(scene.submit().await.as_deref(), Some("REGISTRY_WRONG_REPORT_DATA"));
    }
    assert_eq!(scene.answer().await.attestation, None);
}

#[tokio::test]
async fn rejection_is_a_code_and_silence_is_a_failure() {
    let scene = scene().await;
    scene.nonce().await;
    scene.verifier_says(&Verdict::Rejected { code: rejection::EXPIRED.to_owned(), reason: "late".to_owned() }).await;
    assert_eq!(scene.submit().await.as_deref(), Some(rejection::EXPIRED));
    scene.nonce().await;
    scene
        .alice
        .send(&scene.harness.contracts.verifier, raw_bytes("say", vec![9]), 0)
        .await
        .unwrap()
        .into_result()
        .unwrap();
    assert_eq!(scene.submit().await.as_deref(), Some("REGISTRY_NO_VERDICT"));
    let nonce = scene.nonce().await;
    let old = Report { tcb: TcbStatus::OutOfDate, ..report(scene.data(nonce).await) };
    scene.verifier_says(&verified(old)).await;
    assert_eq!(scene.submit().await.as_deref(), Some("REGISTRY_NOT_ACCEPTED"));
}

#[tokio::test]
async fn an_attestation_dies_with_its_measurement_its_epoch_and_by_a_guardian() {
    let scene = scene().await;
    let registry = &scene.harness.contracts.registry;
    let attest = async || {
        let nonce = scene.nonce().await;
        scene.verifier_says(&verified(report(scene.data(nonce).await))).await;
        scene.submit().await
    };
    assert_eq!(attest().await, None);
    let reference = AgentRef { agent: scene.agent };
    ok(&scene.guard, registry, registry::revoke_attestation, &reference, 0).await;
    assert_eq!(scene.answer().await.attestation, None);
    assert_eq!(attest().await, None);
    let sha256 = policy(0).measurements[0].sha256;
    let revoke = RevokeMeasurement { agent: scene.agent, sha256 };
    ok(&scene.guard, registry, registry::revoke_measurement, &revoke, 0).await;
    assert_eq!(scene.answer().await.invalid, Some(Invalid::Policy));
    assert_eq!(attest().await.as_deref(), Some("REGISTRY_NOT_ACCEPTED"));
    let again = SetAttestationPolicy { agent: scene.agent, policy: Some(policy(1)) };
    assert_eq!(
        refused(&scene.alice, registry, registry::set_attestation_policy, &again, DEPOSIT).await,
        "REGISTRY_BAD_MEASUREMENTS",
        "a bad measurement came back"
    );
    ok(&scene.alice, registry, registry::panic_all, &Nothing {}, 1).await;
    assert_eq!(scene.answer().await.invalid, Some(Invalid::EpochMoved));
}

#[tokio::test]
async fn an_epoch_that_moves_between_question_and_verdict_wins() {
    let scene = scene().await;
    let registry = &scene.harness.contracts.registry;
    let nonce = scene.nonce().await;
    scene.verifier_says(&verified(report(scene.data(nonce).await))).await;
    let (sign_key, encrypt_key) = KEYS;
    let some = Base64Bytes(vec![1; 100]);
    let args = SubmitAttestation { agent: scene.agent, quote: some.clone(), collateral: some, sign_key, encrypt_key };
    let (submitted, panicked) = tokio::join!(
        scene.bot.send(registry, call(registry::submit_attestation, &args), 0),
        scene.alice.send(registry, call(registry::panic_all, &Nothing {}), 1)
    );
    panicked.unwrap().into_result().unwrap();
    // Whichever came first: refused at the door, in the callback, or dead by comparison.
    let code = failed_with(&submitted.unwrap());
    let answer = scene.answer().await;
    assert!(code.is_some() || answer.invalid == Some(Invalid::EpochMoved), "{code:?} {answer:?}");
}
