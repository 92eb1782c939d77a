//! INV-REG-1 to 8 over random operations on the real wasm: four accounts, each with any right or none, on up to four
//! agents. After every step what changed is compared with who caused it.
//!
//! The lines of the registry that each invariant rests on; each was taken out, and its test failed:
//! * INV-REG-1 `self.last_epoch += 1` in `lib.rs`
//! * INV-REG-2 `self.operators.clear()` in `Agent::revoke_all`
//! * INV-REG-3 the check of `GUARDIAN_PAUSE_MS_MAX`, or `if owner || until_ms > self.paused_until_ms`, in `Agent::pause`
//! * INV-REG-4 `owner.agents -= 1` in `remove_owned`
//! * INV-REG-5 `ledger.release(…)` in `remove` of `common/src/rows.rs`
//! * INV-REG-6 the comparison with `payout_offered_to` in `Agent::accept_payout`
//! * INV-REG-7 `proposal.round != round` in `model::recovery::check_ready`
//! * INV-REG-8 `self.challenge.until_ms = 0` in `Attested::take_nonce`

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use charter_harness::{Call, Caller, Harness, call, failed_with, view};
use charter_types::method::Method;
use charter_types::registry::args::{
    AgentAccount, AgentRef, Pause, PlainAgent, Rearm, RegisterAgent, RegisterAgents, SetAgentAccount,
    SetAttestationPolicy, SetHandle, SetOperator, SetRecoverers, SetTransferable, SubmitAttestation,
};
use charter_types::registry::methods as registry;
use charter_types::registry::nft::NftTransfer;
use charter_types::registry::{
    Agent, AttestationPolicy, GUARDIAN_PAUSE_MS_MAX, HAND_OVER_MARGIN_MS, Measurement, Operator, Owner, Permission,
    RECOVERY_MS_MIN, Recoverers, Recovery, RecoveryProposal, Status,
};
use charter_types::shared::methods as shared;
use charter_types::verifier::TcbStatus;
use charter_types::{AccountId, Base64Bytes, Ed25519Key, Hash32, Named, Nothing, Page, PageOf, X25519Key};
use near_workspaces::Account;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::TestRunner;

use crate::invariants::invariants;
use charter_harness::arguments::{DEPOSIT, card, charged_bytes, prepay};

const SEQUENCES: u32 = 500;
/// A call is in a later block than the look before it.
const SLACK_MS: u64 = 60_000;
const PEOPLE: usize = 4;

/// Who calls what about which agent, with whom as argument. Most of it is refused.
#[derive(Clone, Debug)]
struct Op {
    by: usize,
    agent: u64,
    other: usize,
    deposit: u128,
    /// Who may do it does it, with the deposit it takes: else almost everything would be refused.
    rightly: bool,
    what: Move,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Move {
    Register,
    RegisterTwo,
    Retire,
    Offer,
    Cancel,
    Accept,
    Transferable,
    NftTransfer,
    SetOperator,
    SetGuardian,
    RemoveGuardian,
    Renounce,
    AgentAccount,
    Pause(Option<u64>),
    Unpause,
    RevokeAll,
    PanicAll,
    Rearm,
    Handle(bool),
    SetPayout,
    AcceptPayout,
    Heartbeat,
    Recoverers(bool),
    Propose,
    Approve,
    Veto,
    Execute,
    Measure,
    Begin,
    Submit,
    Wait(u64),
}

fn pause() -> impl Strategy<Value = Move> {
    proptest::option::of(1_u64..2 * GUARDIAN_PAUSE_MS_MAX).prop_map(Move::Pause)
}

/// A few operations: mostly one, sometimes a recovery as it should go with anything in its middle or a veto, or a guardian
/// who pauses what the owner paused, or a nonce that is used twice. By chance alone few sequences get that far.
fn ops() -> impl Strategy<Value = Vec<Op>> {
    let recovery = (op(), op(), any::<bool>()).prop_map(|(op, between, vetoed)| {
        let step = |what| Op { rightly: true, what, ..op.clone() };
        let between = if vetoed { step(Move::Veto) } else { between };
        let first = [Move::Recoverers(true), Move::Propose, Move::Approve].map(step);
        let last = [Move::Wait(RECOVERY_MS_MIN), Move::Execute].map(step);
        [&first[..], &[between], &last].concat()
    });
    let guarded = (op(), pause(), pause()).prop_map(|(op, owners, guardians)| {
        let step = |what, deposit| Op { rightly: true, what, deposit, ..op.clone() };
        vec![step(Move::SetGuardian, DEPOSIT), step(owners, 1), step(guardians, 0)]
    });
    let attested = op().prop_map(|op| {
        let step = |what| Op { rightly: true, what, deposit: 1, ..op.clone() };
        [Move::Measure, Move::Begin, Move::Submit, Move::Submit].map(step).to_vec()
    });
    prop_oneof![27 => op().prop_map(|op| vec![op]), 1 => recovery, 1 => guarded, 1 => attested]
}

fn op() -> impl Strategy<Value = Op> {
    let what = prop_oneof![
        3 => Just(Move::Register),
        1 => Just(Move::RegisterTwo),
        1 => Just(Move::Retire),
        2 => Just(Move::Offer),
        1 => Just(Move::Cancel),
        2 => Just(Move::Accept),
        1 => Just(Move::Transferable),
        2 => Just(Move::NftTransfer),
        2 => Just(Move::SetOperator),
        2 => Just(Move::SetGuardian),
        1 => Just(Move::RemoveGuardian),
        1 => Just(Move::Renounce),
        2 => Just(Move::AgentAccount),
        2 => pause(),
        1 => Just(Move::Unpause),
        1 => Just(Move::RevokeAll),
        1 => Just(Move::PanicAll),
        1 => Just(Move::Rearm),
        2 => any::<bool>().prop_map(Move::Handle),
        2 => Just(Move::SetPayout),
        2 => Just(Move::AcceptPayout),
        1 => Just(Move::Heartbeat),
        2 => any::<bool>().prop_map(Move::Recoverers),
        2 => Just(Move::Propose),
        2 => Just(Move::Approve),
        1 => Just(Move::Veto),
        2 => Just(Move::Execute),
        1 => Just(Move::Measure),
        1 => Just(Move::Begin),
        1 => Just(Move::Submit),
        2 => prop_oneof![Just(RECOVERY_MS_MIN), Just(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS)].prop_map(Move::Wait),
    ];
    let deposit = prop_oneof![Just(0_u128), Just(1), Just(DEPOSIT)];
    let who = (0..PEOPLE, 1_u64..4, 0..PEOPLE);
    (who, deposit, proptest::bool::weighted(0.7), what).prop_map(|((by, agent, other), deposit, rightly, what)| Op {
        by,
        agent,
        other,
        deposit,
        rightly,
        what,
    })
}

/// What the contract shows of itself.
#[derive(Clone)]
struct Seen {
    agents: BTreeMap<u64, Agent>,
    owners: Vec<Option<Owner>>,
    recoveries: BTreeMap<u64, Recovery>,
    highest: u64,
    now_ms: u64,
}

struct World {
    harness: Harness,
    people: Vec<Account>,
    /// Highest epoch ever seen.
    epoch: u64,
    /// Bytes of the contract before anybody stored anything.
    empty_bytes: u64,
    /// Nonces that the verifier was asked about.
    consumed: BTreeSet<Hash32>,
    /// How it looked after the last call, until time passes.
    seen: Option<Seen>,
}

fn register_one() -> Call {
    let (operators, guardians) = (Vec::new(), Vec::new());
    let args = RegisterAgent { card: card("u"), agent_account: None, operators, guardians };
    call(registry::register_agent, &args)
}

fn register_two() -> Call {
    let plain = PlainAgent { card: card("u"), agent_account: None };
    call(registry::register_agents, &RegisterAgents { agents: vec![plain; 2] })
}

fn measure(agent: u64) -> Call {
    let measurement = Measurement { sha256: Hash32([1; 32]), from_ms: 0, until_ms: u64::MAX, revoked: false };
    let (measurements, tcb) = (vec![measurement], vec![TcbStatus::UpToDate]);
    let policy = Some(AttestationPolicy { measurements, tcb, max_age_ms: 1_000 });
    call(registry::set_attestation_policy, &SetAttestationPolicy { agent, policy })
}

fn submit(agent: u64) -> Call {
    let (quote, collateral) = (Base64Bytes(vec![1; 64]), Base64Bytes::default());
    let (sign_key, encrypt_key) = (Ed25519Key([7; 32]), X25519Key([9; 32]));
    let args = SubmitAttestation { agent, quote, collateral, sign_key, encrypt_key };
    call(registry::submit_attestation, &args)
}

impl World {
    fn registry(&self) -> &AccountId {
        &self.harness.contracts.registry
    }

    async fn view<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        view(&self.harness.worker, self.registry(), method, args).await.unwrap()
    }

    async fn look(&self) -> Seen {
        let agents = self.view(registry::agents, &Page::default()).await;
        let recoveries = self.view(registry::recoveries, &Page::default()).await;
        let (highest, _) = self.view(registry::agent_count, &Nothing {}).await;
        let mut owners = Vec::new();
        for person in &self.people {
            owners.push(self.view(registry::owner, &Named { account: person.id().clone() }).await);
        }
        Seen {
            agents: agents.into_iter().map(|agent| (agent.id, agent)).collect(),
            recoveries: recoveries.into_iter().map(|recovery| (recovery.agent, recovery)).collect(),
            owners,
            highest,
            now_ms: self.harness.now_ms().await.unwrap(),
        }
    }

    fn position(&self, account: &AccountId) -> Option<usize> {
        self.people.iter().position(|person| person.id() == account)
    }

    fn rightly(&self, op: &Op, seen: &Seen) -> Op {
        let Some(agent) = seen.agents.get(&op.agent).filter(|_| op.rightly) else { return op.clone() };
        let owner = self.position(&agent.owner).unwrap_or(op.by);
        let guardian = agent.guardians.first().and_then(|account| self.position(account));
        let recovery = seen.recoveries.get(&op.agent).map(|recovery| recovery.at(seen.now_ms).0);
        let recoverer = |turn: usize| {
            let accounts = recovery.map(|recoverers| &recoverers.accounts).filter(|accounts| !accounts.is_empty());
            accounts.and_then(|accounts| self.position(&accounts[(op.by + turn) % accounts.len()])).unwrap_or(op.by)
        };
        let (by, other, deposit) = match op.what {
            // Without a deposit it is for guardians.
            Move::Pause(_) | Move::RevokeAll if op.deposit == 0 => (guardian.unwrap_or(owner), op.other, 0),
            Move::Retire
            | Move::Cancel
            | Move::NftTransfer
            | Move::Pause(_)
            | Move::RevokeAll
            | Move::PanicAll
            | Move::Rearm
            | Move::Veto
            | Move::Begin
            | Move::Submit => (owner, op.other, 1),
            Move::Accept => (op.by, op.other, DEPOSIT),
            Move::AcceptPayout => (op.by, op.other, 1),
            Move::Heartbeat | Move::Renounce => (op.by, op.other, 0),
            Move::Propose => (recoverer(0), (owner + 1 + op.other % (PEOPLE - 1)) % PEOPLE, DEPOSIT),
            Move::Approve => (recoverer(1), recoverer(0), 1),
            Move::Execute => (op.by, recoverer(0), 0),
            _ => (owner, op.other, DEPOSIT),
        };
        Op { by, other, deposit, ..op.clone() }
    }

    /// The call of an operation.
    fn call(&self, op: &Op, now_ms: u64) -> Option<Call> {
        let agent = op.agent;
        let account = self.people[op.other].id().clone();
        let of = &AgentAccount { agent, account: account.clone() };
        let reference = &AgentRef { agent };
        Some(match op.what {
            Move::Register => register_one(),
            Move::RegisterTwo => register_two(),
            Move::Retire => call(registry::retire, reference),
            Move::Offer => call(registry::offer_transfer, of),
            Move::Cancel => call(registry::cancel_transfer, reference),
            Move::Accept => call(registry::accept_transfer, reference),
            Move::Transferable => call(registry::set_transferable, &SetTransferable { agent, transferable: true }),
            Move::NftTransfer => {
                let (receiver_id, token_id) = (account, agent.to_string());
                let args = NftTransfer { receiver_id, token_id, approval_id: None, memo: None, msg: None };
                call(registry::nft_transfer, &args)
            }
            Move::SetOperator => {
                let operator =
                    Operator { account, permissions: vec![Permission::Attest], expires_ms: now_ms + 1_000_000 };
                call(registry::set_operator, &SetOperator { agent, operator })
            }
            Move::SetGuardian => call(registry::set_guardian, of),
            Move::RemoveGuardian => call(registry::remove_guardian, of),
            Move::Renounce => call(registry::renounce, reference),
            Move::AgentAccount => {
                call(registry::set_agent_account, &SetAgentAccount { agent, agent_account: Some(account) })
            }
            Move::Pause(for_ms) => call(registry::pause, &Pause { agent, for_ms }),
            Move::Unpause => call(registry::unpause, reference),
            Move::RevokeAll => call(registry::revoke_all, reference),
            Move::PanicAll => call(registry::panic_all, &Nothing {}),
            Move::Rearm => call(registry::rearm, &Rearm { agents: vec![agent] }),
            Move::Handle(some) => {
                let handle = some.then(|| format!("name-{}", op.other));
                call(registry::set_handle, &SetHandle { agent, handle })
            }
            Move::SetPayout => call(registry::set_payout, of),
            Move::AcceptPayout => call(registry::accept_payout, reference),
            Move::Heartbeat => call(registry::heartbeat, reference),
            Move::Recoverers(some) => {
                let others = self.people.iter().filter(|person| person.id() != self.people[op.by].id());
                let accounts: Vec<AccountId> = others.take(2).map(|person| person.id().clone()).collect();
                let (threshold, delay_ms) = if some { (2, RECOVERY_MS_MIN) } else { (0, 0) };
                let accounts = if some { accounts } else { Vec::new() };
                let recoverers = Recoverers { accounts, threshold, delay_ms };
                call(registry::set_recoverers, &SetRecoverers { agent, recoverers })
            }
            Move::Propose => call(registry::propose_recovery, of),
            Move::Approve => call(registry::approve_recovery, of),
            Move::Veto => call(registry::veto_recovery, reference),
            Move::Execute => call(registry::execute_recovery, of),
            Move::Measure => measure(agent),
            Move::Begin => call(registry::begin_attestation, reference),
            Move::Submit => submit(agent),
            Move::Wait(_) => return None,
        })
    }

    /// The agent's nonce, if one can be used.
    async fn challenge(&self, agent: u64) -> Option<Hash32> {
        let records = self.view(registry::attestations, &Page::default()).await;
        let challenge = records.into_iter().find(|record| record.agent == agent)?.challenge;
        (challenge.until_ms > 0).then_some(challenge.nonce)
    }

    /// INV-REG-8: the verifier is asked about a nonce at most once, and nothing is left of it whatever it says.
    async fn check_nonce(&mut self, op: &Op, before: Option<Hash32>, code: Option<&str>, what: &str) {
        let after = self.challenge(op.agent).await;
        if code.is_some_and(|code| code.starts_with("VERIFIER_")) {
            let nonce = before.unwrap_or_else(|| panic!("INV-REG-8: asked without a nonce: {what}"));
            assert!(self.consumed.insert(nonce), "INV-REG-8: a nonce was used twice: {what}");
            assert_eq!(after, None, "INV-REG-8: a nonce outlived its submission: {what}");
        } else if op.what == Move::Begin && code.is_none() {
            let nonce = after.unwrap_or_else(|| panic!("INV-REG-8: there is no nonce: {what}"));
            assert!(Some(nonce) != before && !self.consumed.contains(&nonce), "INV-REG-8: a nonce came back: {what}");
        }
    }

    async fn step(&mut self, op: &Op) {
        if let Move::Wait(ms) = op.what {
            self.seen = None;
            return self.harness.wait(Duration::from_millis(ms)).await.unwrap();
        }
        let before = match self.seen.take() {
            Some(seen) => seen,
            None => self.look().await,
        };
        let op = &self.rightly(op, &before);
        let Some(call) = self.call(op, before.now_ms) else { return };
        let method = call.method.clone();
        let question = AgentRef { agent: op.agent };
        let proposals: Vec<RecoveryProposal> = if op.what == Move::Execute {
            self.view(registry::recovery_proposals, &question).await
        } else {
            Vec::new()
        };
        self.seen = Some(before.clone());
        let caller = self.people[op.by].clone();
        let attests = matches!(op.what, Move::Begin | Move::Submit);
        let challenge = if attests { self.challenge(op.agent).await } else { None };
        let head = self.view(shared::event_head, &Nothing {}).await;
        let outcome = caller.send(self.registry(), call, op.deposit).await.unwrap();
        if attests {
            self.check_nonce(op, challenge, failed_with(&outcome).as_deref(), &method).await;
        }
        if outcome.is_failure() {
            // What was refused left no trace, unless the verifier was asked: nothing to compare.
            let told = outcome.logs().iter().any(|log| log.contains("attestation_rejected"));
            let now = self.view(shared::event_head, &Nothing {}).await;
            assert!(told || head == now, "{method}");
            return;
        }
        let after = self.look().await;
        let what = format!("{method} by {} with {op:?}", caller.id());
        self.check_ids_and_epochs(&before, &after, &what);
        for (id, old) in &before.agents {
            let Some(new) = after.agents.get(id) else {
                assert!(method == registry::retire::NAME && old.owner == *caller.id(), "{what}");
                continue;
            };
            Self::check_change(old, new, &before, (&method, caller.id()), &proposals, &what);
        }
        self.check_owners(&after, &what).await;
        self.check_bytes(&what).await;
        self.seen = Some(after);
    }

    /// INV-REG-1.
    fn check_ids_and_epochs(&mut self, before: &Seen, after: &Seen, what: &str) {
        assert!(after.highest >= before.highest, "INV-REG-1: {what}");
        for id in after.agents.keys().filter(|id| !before.agents.contains_key(id)) {
            assert!(*id > before.highest, "INV-REG-1: id {id} came back: {what}");
        }
        let known: Vec<u64> = epochs(before).collect();
        let fresh: Vec<u64> = epochs(after).filter(|epoch| !known.contains(epoch)).collect();
        for epoch in &fresh {
            assert!(*epoch > self.epoch, "INV-REG-1: epoch {epoch} came back: {what}");
        }
        self.epoch = fresh.into_iter().max().unwrap_or(0).max(self.epoch);
    }

    fn check_change(
        old: &Agent,
        new: &Agent,
        before: &Seen,
        (method, caller): (&str, &AccountId),
        proposals: &[RecoveryProposal],
        what: &str,
    ) {
        // INV-REG-2: what the old epoch let anybody do is gone.
        if old.epoch != new.epoch {
            assert!(
                new.operators.is_empty() && new.agent_account.is_none() && new.keys.is_empty(),
                "INV-REG-2: {what}"
            );
        }
        // INV-REG-6.
        if new.payout != new.owner && new.payout != old.payout {
            let asked = old.payout_offered_to.as_ref() == Some(caller);
            assert!(asked && new.payout == *caller && old.owner == new.owner, "INV-REG-6: {what}");
        }
        if old.owner != new.owner {
            assert!(new.guardians.is_empty() && new.payout == new.owner && !new.transferable, "INV-REG-2: {what}");
            let recovery = before.recoveries.get(&old.id);
            let wait_ms = recovery.map_or(0, |recovery| recovery.hand_over_wait_ms(before.now_ms));
            match method {
                registry::accept_transfer::NAME => {
                    assert!(old.offer.as_ref().is_some_and(|offer| offer.to == *caller), "{what}");
                }
                registry::nft_transfer::NAME => {
                    assert!(old.owner == *caller && old.transferable && wait_ms == 0, "{what}");
                }
                // INV-REG-7.
                registry::execute_recovery::NAME => {
                    let (recoverers, round) = recovery.unwrap().at(before.now_ms);
                    let good = |proposal: &RecoveryProposal| {
                        proposal.new_owner == new.owner
                            && proposal.round == round
                            && proposal.approvals.count_ones() >= u32::from(recoverers.threshold)
                            && proposal.ready_ms > 0
                            && proposal.ready_ms <= before.now_ms + SLACK_MS
                    };
                    assert!(proposals.iter().any(good), "INV-REG-7: {what}: {proposals:?}");
                }
                _ => panic!("the agent changed hands: {what}"),
            }
            return;
        }
        // INV-REG-3: who is not the owner takes away, or stops.
        if *caller != old.owner {
            assert!(new.operators.iter().all(|operator| old.operators.contains(operator)), "INV-REG-3: {what}");
            assert!(new.guardians.iter().all(|guardian| old.guardians.contains(guardian)), "INV-REG-3: {what}");
            assert!(new.agent_account.is_none() || new.agent_account == old.agent_account, "INV-REG-3: {what}");
            assert!(new.handle == old.handle && new.card == old.card, "INV-REG-3: {what}");
            assert!(paused_until(new) >= paused_until(old), "INV-REG-3: a pause was shortened: {what}");
            let longest_ms = before.now_ms + SLACK_MS + GUARDIAN_PAUSE_MS_MAX;
            let longer = paused_until(new) > paused_until(old);
            assert!(!longer || paused_until(new) <= longest_ms, "INV-REG-3: a guardian paused for too long: {what}");
        }
    }

    /// INV-REG-4.
    async fn check_owners(&self, seen: &Seen, what: &str) {
        for (person, owner) in self.people.iter().zip(&seen.owners) {
            let own: Vec<u64> =
                seen.agents.values().filter(|agent| agent.owner == *person.id()).map(|agent| agent.id).collect();
            let count = owner.as_ref().map_or(0, |owner| owner.agents);
            assert_eq!(count, u64::try_from(own.len()).unwrap(), "INV-REG-4: {what}");
            let page = PageOf { account: person.id().clone(), from: 0, limit: None };
            let listed = self.view(registry::agents_of, &page).await;
            let mut listed: Vec<u64> = listed.iter().map(|agent| agent.id).collect();
            listed.sort_unstable();
            assert_eq!(listed, own, "INV-REG-4: {what}");
        }
    }

    /// INV-REG-5.
    async fn check_bytes(&self, what: &str) {
        let charged = charged_bytes(&self.harness, self.registry(), &self.people).await;
        let usage = self.harness.worker.view_account(self.registry()).await.unwrap().storage_usage;
        assert_eq!(charged, usage - self.empty_bytes, "INV-REG-5: bytes charged and bytes held: {what}");
    }
}

fn epochs(seen: &Seen) -> impl Iterator<Item = u64> {
    seen.agents.values().map(|agent| agent.epoch).chain(seen.owners.iter().flatten().map(|owner| owner.epoch))
}

fn paused_until(agent: &Agent) -> u64 {
    match &agent.status {
        Status::Active => 0,
        Status::Paused { until_ms, .. } => until_ms.unwrap_or(u64::MAX),
    }
}

invariants!(SEQUENCES, play, {
    inv_reg_1_ids_and_epochs_never_come_back: "INV-REG-1",
    inv_reg_2_an_epoch_that_moves_takes_all_with_it: "INV-REG-2",
    inv_reg_3_guardians_and_operators_never_permit: "INV-REG-3",
    inv_reg_4_an_owners_count_is_its_agents: "INV-REG-4",
    inv_reg_5_bytes_charged_are_bytes_held: "INV-REG-5",
    inv_reg_6_payout_needs_both_consents: "INV-REG-6",
    inv_reg_7_recovery_needs_threshold_delay_and_no_veto: "INV-REG-7",
    inv_reg_8_a_nonce_is_consumed_once: "INV-REG-8",
});

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people) = runtime.block_on(async {
        let base = Harness::start().await.unwrap();
        let mut people = Vec::new();
        for name in ["ann", "ben", "cid", "dan"] {
            let person = base.account(name).await.unwrap();
            // Prepaid, so that agents can be given to everybody.
            let registry = &base.contracts.registry;
            prepay(&person, registry, DEPOSIT).await;
            people.push(person);
        }
        (base, people)
    });
    let config = ProptestConfig {
        cases: base.sequences(sequences),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&vec(ops(), 4..24), |ops| {
            runtime.block_on(async {
                let harness = base.fork().await.unwrap();
                let people: Vec<Account> = people.iter().map(|person| harness.rebind(person)).collect();
                let usage = harness.worker.view_account(&harness.contracts.registry).await.unwrap().storage_usage;
                // The four storage accounts themselves are charged to their owners.
                let empty_bytes = usage - 4 * 85;
                let consumed = BTreeSet::new();
                let mut world = World { harness, people, epoch: 0, empty_bytes, consumed, seen: None };
                for op in ops.iter().flatten() {
                    world.step(op).await;
                }
            });
            Ok(())
        })
        .map_err(|error| error.to_string())
}
