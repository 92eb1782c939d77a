//! A chain on which every table has a row.

mod tasks;
mod tokens;

use std::time::Duration;

use charter_client::{Contracts, VoucherSigner, sha256};
use charter_harness::arguments::{DEPOSIT, card, content, enrolled, host, policy, prepay, terms};
use charter_harness::{Harness, code_of, ok, view};
use charter_types::asset::Asset;
use charter_types::escrow::args::{
    Channels, Draw, DrawTo, EdgeRef, Escalate, OfAgent, Open, OpenDrawn, OpenEdge, PostRoot, Pull, SetCaps,
};
use charter_types::escrow::{
    ClaimBatch, ClaimRow, Exchange, Signer, Voucher, WINDOW_MS_MAX, WITHDRAW_DELAY_MS_MIN, methods as escrow,
};
use charter_types::governance::args::{
    CreateLine, DelegateStake, LineRef, LockStake, Object, ProposalRef, ProposeRelease, ReportHealth, State, Vote,
};
use charter_types::governance::{
    Choice, LineId, PERIOD_MS_MIN, PERIODS, Params, Proposal, StakeRules, StatementKind, methods as governance,
};
use charter_types::hash::borsh_bytes;
use charter_types::keys::args::{AddCredential, AnchorReceipts, GrantTerms, RequestApproval, Reserve, RotateSecret};
use charter_types::keys::{Allowance, Envelope, Grantee, Unit, Wrap, methods as keys};
use charter_types::registry::args::{
    AgentAccount, AgentRef, RegisterAgent, ReportReputation, SetAttestationPolicy, SetHandle, SetRecoverers,
    SetReporters,
};
use charter_types::registry::{AttestationPolicy, Measurement, RECOVERY_MS_MIN, Recoverers, methods as registry};
use charter_types::verifier::TcbStatus;
use charter_types::{Base64Bytes, Ed25519Key, Hash32, Named, Page, Signature64, U128};
use ed25519_dalek::{Signer as _, SigningKey};
use near_workspaces::Account;

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;
/// So that eight are a vote, twice its timelock, and more.
const STAKE_PERIOD_MS: u64 = PERIOD_MS_MIN / 2;

/// Contracts of which alice is the admin, so that their settings can change, and all kinds of records in them.
pub struct World {
    pub harness: Harness,
    alice: Account,
    bob: Account,
}

impl World {
    pub async fn start() -> Self {
        let harness = Harness::start_with(code_of).await.unwrap();
        let (alice, bob) = (harness.root().clone(), harness.account("bob").await.unwrap());
        let world = Self { harness, alice, bob };
        world.fill_registry().await;
        world.fill_keys().await;
        world.fill_governance().await;
        world.fill_escrow().await;
        world.fill_purses().await;
        world.fill_edges().await;
        let token = world.fill_tokens().await;
        world.fill_tasks(&token).await;
        world
    }

    pub fn contracts(&self) -> &Contracts {
        &self.harness.contracts
    }

    async fn fill_registry(&self) {
        let (registry, alice, bob) = (&self.contracts().registry, &self.alice, &self.bob);
        for account in [alice, bob] {
            prepay(account, registry, DEPOSIT).await;
        }
        let agent_account = Some(bob.id().clone());
        let args = RegisterAgent { agent_account, ..RegisterAgent::new(card("https://a.example/card")) };
        ok(alice, registry, registry::register_agent, &args, DEPOSIT).await;
        let gone = ok(alice, registry, registry::register_agent, &args, DEPOSIT).await;
        let named = SetHandle { agent: gone, handle: Some("scout".to_owned()) };
        ok(alice, registry, registry::set_handle, &named, DEPOSIT).await;
        ok(alice, registry, registry::retire, &AgentRef { agent: gone }, 1).await;
        let agent = 1;
        ok(bob, registry, registry::heartbeat, &AgentRef { agent }, 0).await;
        let recoverers = Recoverers { accounts: vec![bob.id().clone()], threshold: 1, delay_ms: RECOVERY_MS_MIN };
        ok(alice, registry, registry::set_recoverers, &SetRecoverers { agent, recoverers }, DEPOSIT).await;
        let to_bob = AgentAccount { agent, account: bob.id().clone() };
        ok(bob, registry, registry::propose_recovery, &to_bob, DEPOSIT).await;
        let measurement = Measurement { sha256: Hash32([2; 32]), from_ms: 0, until_ms: u64::MAX, revoked: false };
        let (measurements, tcb) = (vec![measurement], vec![TcbStatus::UpToDate]);
        let policy = Some(AttestationPolicy { measurements, tcb, max_age_ms: 3_600_000 });
        ok(alice, registry, registry::set_attestation_policy, &SetAttestationPolicy { agent, policy }, DEPOSIT).await;
        ok(alice, registry, registry::set_reporters, &SetReporters { reporters: vec![alice.id().clone()] }, 0).await;
        ok(alice, registry, registry::set_verifier, &Named { account: self.contracts().verifier.clone() }, 0).await;
        let report = ReportReputation {
            agent,
            asset: "near".to_owned(),
            earned: U128(5),
            payments: 1,
            epoch: None,
            account: None,
            rest_to: None,
        };
        ok(alice, registry, registry::report_reputation, &report, DEPOSIT).await;
    }

    /// A secret with a budgeted grant and one that needs approvals; its first data key was left behind by a rotation.
    async fn fill_keys(&self) {
        let (keys, alice, bob) = (&self.contracts().keys, &self.alice, &self.bob);
        for account in [alice, bob] {
            prepay(account, keys, DEPOSIT).await;
        }
        for seed in [5, 6] {
            ok(bob, keys, keys::register_host, &host(&self.harness, keys, bob, seed), DEPOSIT).await;
        }
        let expires_ms = self.harness.now_ms().await.unwrap() + 3_600_000;
        let terms = || terms(Grantee::Account(bob.id().clone()), policy("/v1"), expires_ms);
        let uses = Allowance { unit: Unit::Uses, capacity: U128(100), refill: U128(0), period_ms: 0 };
        let wrap = |host| Wrap { host, host_generation: 0, sealed: Base64Bytes(vec![2; 80]) };
        let args = AddCredential {
            agent: 1,
            epochs: None,
            label_hash: Hash32([1; 32]),
            ceiling: policy("/"),
            envelope: Envelope::Inline(Base64Bytes(vec![1; 64])),
            wraps: vec![wrap(1), wrap(2)],
            rotate_by_ms: 0,
            grants: vec![
                GrantTerms { budget: Some(uses), hosts: vec![1, 2], ..terms() },
                GrantTerms { needs_approval: true, hosts: vec![1], ..terms() },
            ],
        };
        ok(alice, keys, keys::add_credential, &args, 1).await;
        let args = Reserve { grant: 1, host: 1, amount: U128(5), for_ms: 600_000, digest: None };
        ok(bob, keys, keys::reserve, &args, 0).await;
        let args = RequestApproval { grant: 2, digest: Hash32([3; 32]), host: 1, expires_ms };
        ok(bob, keys, keys::request_approval, &args, DEPOSIT).await;
        let args = AnchorReceipts { host: 1, from: 1, to: 3, merkle_root: Hash32([4; 32]) };
        ok(bob, keys, keys::anchor_receipts, &args, 0).await;
        let envelope = Envelope::Inline(Base64Bytes(vec![3; 64]));
        let args = RotateSecret { secret: 1, expected_version: 1, envelope, wraps: vec![wrap(2)], rotate_by_ms: 0 };
        ok(alice, keys, keys::rotate_secret, &args, 1).await;
        ok(alice, keys, keys::set_mpc, &Named { account: bob.id().clone() }, 0).await;
    }

    async fn fill_governance(&self) {
        let (governance, alice) = (&self.contracts().governance, &self.alice);
        let params =
            Params { vote_ms: PERIOD_MS_MIN, timelock_ms: PERIOD_MS_MIN, extension_ms: 0, ..Params::default() };
        let args = CreateLine { name: "scout".to_owned(), council: Vec::new(), params, guardian: None, stake: None };
        let line = ok(alice, governance, governance::create_line, &args, DEPOSIT).await;
        for person in [alice, &self.bob] {
            prepay(person, governance, DEPOSIT).await;
        }
        let staked = self.lock(params).await;
        ok(alice, governance, governance::enroll, &enrolled(1, line), 1).await;
        let args = ProposeRelease { line, seq: 0, content: content() };
        ok(alice, governance, governance::propose_release, &args, DEPOSIT).await;
        let (digest, sha256) = (args.content.artifacts[0].digest, Hash32([3; 32]));
        let uri = "https://auditor.example/1".to_owned();
        let statement = State { release: 1, kind: StatementKind::Audit, digest, ok: true, uri, sha256 };
        ok(&self.bob, governance, governance::state, &statement, DEPOSIT).await;
        let proposals = view(&self.harness.worker, governance, governance::proposals, &Page::default()).await.unwrap();
        let Proposal { id: proposal, content_hash, .. } = proposals[0].clone();
        ok(alice, governance, governance::vote, &Vote { proposal, content_hash, choice: Choice::Yes }, DEPOSIT).await;
        let (period, about) = (Duration::from_millis(PERIOD_MS_MIN), ProposalRef { proposal });
        ok(alice, governance, governance::object, &Object { proposal, agent: 1 }, 1).await;
        self.harness.wait(period).await.unwrap();
        ok(alice, governance, governance::queue, &about, 0).await;
        // The owner objects, so the timelock takes twice as long.
        self.harness.wait(period).await.unwrap();
        self.harness.wait(period).await.unwrap();
        ok(alice, governance, governance::publish, &about, 0).await;
        let report = ReportHealth { agent: 1, release: 1, digest: content().artifacts[0].digest, ok: true };
        ok(&self.bob, governance, governance::report_health, &report, 0).await;
        self.vote_by_stake(staked).await;
    }

    /// A line that who has locked NEAR decides. Both have, and bob votes with a part of what is alice's.
    async fn lock(&self, params: Params) -> LineId {
        let (governance, alice, bob) = (&self.contracts().governance, &self.alice, &self.bob);
        let rules = StakeRules { asset: Asset::Near, unlock_ms: STAKE_PERIOD_MS * PERIODS, floor: U128(2 * NEAR) };
        let (name, council) = ("staked".to_owned(), Vec::new());
        let args = CreateLine { name, council, params, guardian: None, stake: Some(rules) };
        let line = ok(alice, governance, governance::create_line, &args, DEPOSIT).await;
        for (holder, amount) in [(alice, 10 * NEAR), (bob, 5 * NEAR)] {
            let args = LockStake { line, amount: U128(amount) };
            ok(holder, governance, governance::lock, &args, amount + DEPOSIT).await;
        }
        ok(bob, governance, governance::stand, &LineRef { line }, DEPOSIT).await;
        let part = DelegateStake { line, to: bob.id().clone(), amount: U128(4 * NEAR) };
        ok(alice, governance, governance::delegate, &part, DEPOSIT).await;
        line
    }

    /// A vote by what was locked a period ago: alice's own takes her part from bob's, which comes later.
    async fn vote_by_stake(&self, line: LineId) {
        let (governance, alice, bob) = (&self.contracts().governance, &self.alice, &self.bob);
        let args = ProposeRelease { line, seq: 0, content: content() };
        let proposal = ok(alice, governance, governance::propose_release, &args, DEPOSIT).await;
        let seen =
            view(&self.harness.worker, governance, governance::proposal, &ProposalRef { proposal }).await.unwrap();
        let content_hash = seen.unwrap().content_hash;
        for (voter, choice) in [(alice, Choice::Yes), (bob, Choice::No)] {
            ok(voter, governance, governance::vote, &Vote { proposal, content_hash, choice }, DEPOSIT).await;
        }
    }

    /// Two channels, claimed by a stranger, by their payee that is paid along, and paid once more.
    async fn fill_escrow(&self) {
        let (escrow, alice, bob) = (&self.contracts().escrow, &self.alice, &self.bob);
        let key = SigningKey::from_bytes(&[7; 32]);
        let (payee, voucher_key) = (bob.id().clone(), Ed25519Key(key.verifying_key().to_bytes()));
        let args = Open::new(payee, voucher_key, WITHDRAW_DELAY_MS_MIN);
        let mut channels = Vec::new();
        for _ in 0..2 {
            channels.push(ok(alice, escrow, escrow::open, &args, DEPOSIT).await);
        }
        let domain = Voucher::domain(&self.harness.chain_id, escrow, sha256);
        let row = |channel: usize, amount| {
            let (voucher, signature) = VoucherSigner::new(key.clone(), domain, channels[channel]).pay(amount).unwrap();
            ClaimRow::new(&voucher, &signature)
        };
        let early = ClaimBatch { rows: vec![row(0, 5_000)], withdraw: false };
        ok(alice, escrow, escrow::claim_batch, &early, 0).await;
        // The first row raises nothing, and its channel is paid nevertheless.
        let both = ClaimBatch { rows: vec![row(0, 4_000), row(1, 3_000)], withdraw: true };
        ok(bob, escrow, escrow::claim_batch, &both, 0).await;
        let late = ClaimBatch { rows: vec![row(0, 9_000)], withdraw: false };
        ok(alice, escrow, escrow::claim_batch, &late, 0).await;
        ok(bob, escrow, escrow::withdraw, &Channels { channels }, 0).await;
    }

    /// A purse of alice's from which bob, the agent's account, draws; a reserve of bob's from which alice pulls; and a row for
    /// what bob earns.
    async fn fill_purses(&self) {
        let (escrow, alice, bob) = (&self.contracts().escrow, &self.alice, &self.bob);
        let (agent, asset) = (1, Asset::Near);
        ok(alice, escrow, escrow::fill_purse, &OfAgent { agent, asset: asset.clone() }, DEPOSIT).await;
        let (per_day, per_payee) = (U128(NEAR), U128(NEAR));
        let caps = SetCaps { agent, asset: asset.clone(), per_day, per_payee, until_ms: u64::MAX };
        ok(alice, escrow, escrow::set_caps, &caps, DEPOSIT).await;
        prepay(bob, escrow, DEPOSIT).await;
        let key = SigningKey::from_bytes(&[9; 32]);
        let open = OpenDrawn {
            payee: self.contracts().keys.clone(),
            voucher_key: Ed25519Key(key.verifying_key().to_bytes()),
            withdraw_delay_ms: WITHDRAW_DELAY_MS_MIN,
            agent: None,
            locked_until_ms: 0,
            splits: Vec::new(),
            offer: None,
        };
        let args = Draw { agent, asset: asset.clone(), amount: U128(5_000), to: DrawTo::Open(open) };
        ok(bob, escrow, escrow::draw, &args, 0).await;
        let voucher_key = Ed25519Key(key.verifying_key().to_bytes());
        let args = Open::new(bob.id().clone(), voucher_key, WITHDRAW_DELAY_MS_MIN);
        let channel = ok(alice, escrow, escrow::open, &args, DEPOSIT).await;
        let domain = Voucher::domain(&self.harness.chain_id, escrow, sha256);
        let (voucher, signature) = VoucherSigner::new(key, domain, channel).pay(5_000).unwrap();
        let claim = ClaimBatch { rows: vec![ClaimRow::new(&voucher, &signature)], withdraw: false };
        ok(bob, escrow, escrow::claim_batch, &claim, 0).await;
        ok(bob, escrow, escrow::reserve, &Channels { channels: vec![channel] }, DEPOSIT).await;
        let (account, amount) = (alice.id().clone(), U128(2_000));
        let leaf = [vec![0], borsh_bytes(&(&account, amount.0))].concat();
        let args = PostRoot { asset: asset.clone(), root: Hash32(sha256(&leaf)), total: amount };
        ok(bob, escrow, escrow::post_root, &args, 1).await;
        let args = Pull { payee: bob.id().clone(), asset: asset.clone(), account, amount, proof: Vec::new() };
        ok(bob, escrow, escrow::pull, &args, DEPOSIT).await;
        let args = OfAgent { agent, asset };
        ok(bob, escrow, escrow::open_earnings, &args, DEPOSIT).await;
    }

    /// A live edge, on which bob has promised an answer and does not give it.
    async fn fill_edges(&self) {
        let (escrow, alice, bob) = (&self.contracts().escrow, &self.alice, &self.bob);
        let key = SigningKey::from_bytes(&[8; 32]);
        let public = Ed25519Key(key.verifying_key().to_bytes());
        let now_ms = self.harness.now_ms().await.unwrap();
        let terms = OpenEdge {
            acker: bob.id().clone(),
            asset: Asset::Near,
            collateral: U128(10_000),
            cut: U128(1_000),
            cut_to: self.contracts().registry.clone(),
            rate_per_s: U128(1),
            cap: U128(5_000),
            window_ms: WINDOW_MS_MAX,
            ends_ms: now_ms + WINDOW_MS_MAX,
            asker_key: public,
            acker_key: public,
            signer: Signer::Ed25519(public),
            offer: None,
        };
        let edge = ok(alice, escrow, escrow::open_edge, &terms, DEPOSIT).await;
        ok(bob, escrow, escrow::join_edge, &EdgeRef { edge }, terms.collateral.0).await;
        let domain = Voucher::domain(&self.harness.chain_id, escrow, sha256);
        let (counter, asked, deadline_ms) = (1, Hash32([1; 32]), now_ms);
        let ack = Exchange { domain, edge, counter, asked }.ack(deadline_ms, sha256);
        let signature = Signature64(key.sign(&ack.to_bytes()).to_bytes());
        let late = Escalate { edge, counter, asked, deadline_ms, signature };
        ok(alice, escrow, escrow::escalate, &late, DEPOSIT).await;
    }
}
