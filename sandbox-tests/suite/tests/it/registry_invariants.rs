//! INV-REG-1 to 9 over random operations on the real wasm: four people and a contract that receives tokens, each with any
//! right or none, on up to four agents; one of the people reports what they earn. A model of what the registry should do
//! (`model.rs`) says before every step whether it may be made, and after it how everything has to look; what the model has
//! no words for is compared with who caused it.
//!
//! The lines that each invariant rests on are in `deploy/xtask/src/mutations/list.rs`: `cargo xtask mutations INV-REG` takes
//! each of them out and sees a test here fail.

mod model;
mod reports;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use charter_harness::{Call, Caller, Harness, Outcome, call, code_of, failed_with, ok};
use charter_types::method::Method;
use charter_types::registry::args::{
    AcceptPayout, AcceptTransfer, AgentAccount, AgentRef, ApproveRecovery, Handle, Pause, PlainAgent, Rearm,
    RegisterAgent, RegisterAgents, RevokeMeasurement, SetAgentAccount, SetAttestationPolicy, SetCard, SetHandle,
    SetOperator, SetRecoverers, SetReporters, SetTransferable, SubmitAttestation,
};
use charter_types::registry::methods as registry;
use charter_types::registry::nft::NftTransfer;
use charter_types::registry::{
    Agent, AttestationPolicy, GUARDIAN_PAUSE_MS_MAX, HAND_OVER_MARGIN_MS, HANDLE_REST_MS, Measurement, Operator, Owner,
    Permission, RECOVERY_MS_MIN, Recoverers, Recovery, RecoveryProposal, Status,
};
use charter_types::shared::methods as shared;
use charter_types::verifier::TcbStatus;
use charter_types::{AccountId, Base64Bytes, Ed25519Key, Hash32, Named, Nothing, Page, PageOf, X25519Key};
use near_workspaces::Account;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::invariants::{Run, invariants};
use crate::ownership::RECEIVER;
use charter_harness::arguments::{DEPOSIT, card, charged_bytes, prepay};
use model::{End, Group, Model, Move, Person, Step};

/// `cargo xtask properties` plays 2,000.
const SEQUENCES: u32 = 60;
/// A call is in a later block than the look before it.
const SLACK_MS: u64 = 60_000;
const PEOPLE: usize = 5;
/// The last of the people is an account with code.
const SHOP: Person = PEOPLE - 1;
/// Whose reports count.
const REPORTER: Person = PEOPLE - 2;
/// Row of retired ids, which the contract pays for.
const RETIRED_ROW_BYTES: u64 = 9 + 32 + 40;

/// A step, and whether who may make it makes it, with the deposit that it takes: else almost everything would be refused.
#[derive(Clone, Debug)]
struct Op {
    step: Step,
    rightly: bool,
}

fn pause() -> impl Strategy<Value = Move> {
    proptest::option::of(1_u64..2 * GUARDIAN_PAUSE_MS_MAX).prop_map(Move::Pause)
}

/// A few operations: mostly one, sometimes a story that chance alone would not tell.
fn ops() -> impl Strategy<Value = Vec<Op>> {
    let rightly = |op: &Op, what| Op { step: Step { what, ..op.step.clone() }, rightly: true };
    let with = |op: &Op, what, deposit| Op { step: Step { deposit, what, ..op.step.clone() }, rightly: true };
    // A recovery as it should go, with anything in its middle or a veto.
    let recovery = (op(), op(), any::<bool>()).prop_map(move |(op, between, vetoed)| {
        let between = if vetoed { rightly(&op, Move::Veto) } else { between };
        let first = [Move::Recoverers(3), Move::Propose, Move::Approve { stale: false }].map(|what| rightly(&op, what));
        let last = [Move::Wait(RECOVERY_MS_MIN), Move::Execute].map(|what| rightly(&op, what));
        [&first[..], &[between], &last].concat()
    });
    // A proposal that outlives its recoverers, the agent's sale, or both.
    let stale = (op(), any::<bool>(), any::<bool>()).prop_map(move |(op, token, again)| {
        let step = |what| rightly(&op, what);
        let mut story =
            [Move::Recoverers(1), Move::Propose, Move::Wait(RECOVERY_MS_MIN), Move::Recoverers(0)].map(step).to_vec();
        story.push(step(Move::Wait(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS)));
        let sale = if token {
            [Move::Transferable(true), Move::NftTransfer]
        } else {
            [Move::Offer, Move::Accept { stale: false }]
        };
        story.extend(sale.map(step));
        if again {
            story.push(step(Move::Recoverers(1)));
        }
        story.push(step(Move::Execute));
        story
    });
    // An agent through the shop, and on.
    let sold_on = (op(), any::<bool>()).prop_map(move |(op, kept)| {
        [Move::Transferable(true), Move::NftCall { kept }, Move::NftTransfer].map(|what| rightly(&op, what)).to_vec()
    });
    // A guardian pauses what the owner paused.
    let guarded = (op(), pause(), pause()).prop_map(move |(op, owners, guardians)| {
        vec![with(&op, Move::SetGuardian, DEPOSIT), with(&op, owners, 1), with(&op, guardians, 0)]
    });
    // A nonce that is used twice, and a measurement that comes back.
    let attested = op().prop_map(move |op| {
        let moves = [
            Move::Measure,
            Move::Begin,
            Move::Submit,
            Move::Submit,
            Move::RevokeMeasurement,
            Move::ClearPolicy,
            Move::Measure,
        ];
        moves.map(|what| with(&op, what, 1)).to_vec()
    });
    // What is offered and taken, named and taken away, or given back.
    let in_pairs = [
        vec![Move::SetPayout, Move::AcceptPayout { stale: false }],
        vec![Move::AgentAccount, Move::Heartbeat],
        vec![Move::SetOperator, Move::RemoveOperator],
        vec![Move::SetGuardian, Move::RemoveGuardian],
        vec![Move::Measure, Move::Begin, Move::RevokeAttestation],
        vec![Move::Recoverers(2), Move::Propose, Move::Withdraw],
        vec![
            Move::Handle(Some(0)),
            Move::Handle(None),
            Move::Wait(HANDLE_REST_MS + 2 * SLACK_MS),
            Move::ReleaseHandle(0),
        ],
    ];
    let paired = (op(), proptest::sample::select(in_pairs.to_vec()))
        .prop_map(move |(op, moves)| moves.into_iter().map(|what| rightly(&op, what)).collect());
    prop_oneof![
        24 => op().prop_map(|op| vec![op]),
        4 => paired,
        1 => recovery,
        1 => stale,
        1 => sold_on,
        1 => guarded,
        1 => attested,
        1 => reports::in_turns()
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let rarely = || proptest::bool::weighted(0.2);
    let gives = prop_oneof![
        3 => Just(Move::Register),
        1 => Just(Move::RegisterTwo),
        1 => Just(Move::Retire),
        1 => rarely().prop_map(|stale| Move::SetCard { stale }),
        2 => Just(Move::Offer),
        1 => Just(Move::Cancel),
        2 => rarely().prop_map(|stale| Move::Accept { stale }),
        1 => any::<bool>().prop_map(Move::Transferable),
        2 => Just(Move::NftTransfer),
        1 => any::<bool>().prop_map(|kept| Move::NftCall { kept }),
        2 => prop_oneof![Just(None), Just(Some(0)), Just(Some(1))].prop_map(Move::Handle),
        1 => (0_usize..2).prop_map(Move::ReleaseHandle),
        2 => Just(Move::SetPayout),
        2 => rarely().prop_map(|stale| Move::AcceptPayout { stale }),
    ];
    let roles = prop_oneof![
        2 => Just(Move::SetOperator),
        1 => Just(Move::RemoveOperator),
        2 => Just(Move::SetGuardian),
        1 => Just(Move::RemoveGuardian),
        1 => Just(Move::AcceptRole),
        1 => Just(Move::Renounce),
        2 => Just(Move::AgentAccount),
        2 => pause(),
        1 => Just(Move::Unpause),
        1 => Just(Move::RevokeAll),
        1 => Just(Move::PanicAll),
        1 => Just(Move::Rearm),
        1 => Just(Move::Heartbeat),
    ];
    let rest = prop_oneof![
        2 => (0_usize..4).prop_map(Move::Recoverers),
        2 => Just(Move::Propose),
        2 => rarely().prop_map(|stale| Move::Approve { stale }),
        1 => Just(Move::Withdraw),
        1 => Just(Move::Veto),
        2 => Just(Move::Execute),
        1 => Just(Move::Measure),
        1 => Just(Move::ClearPolicy),
        1 => Just(Move::RevokeMeasurement),
        1 => Just(Move::RevokeAttestation),
        1 => Just(Move::Begin),
        1 => Just(Move::Submit),
        2 => reports::report(),
        2 => prop_oneof![
            Just(RECOVERY_MS_MIN),
            Just(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS),
            Just(HANDLE_REST_MS + 2 * SLACK_MS)
        ]
        .prop_map(Move::Wait),
    ];
    let what = prop_oneof![5 => gives, 4 => roles, 4 => rest];
    let deposit = prop_oneof![Just(0_u128), Just(1), Just(DEPOSIT)];
    let who = (0..PEOPLE, 1_u64..4, 0..PEOPLE);
    (who, deposit, proptest::bool::weighted(0.7), what).prop_map(|((by, agent, other), deposit, rightly, what)| Op {
        step: Step { by, agent, other, deposit, what },
        rightly,
    })
}

/// What the contract shows of itself.
#[derive(Clone)]
struct Seen {
    agents: BTreeMap<u64, Agent>,
    owners: Vec<Option<Owner>>,
    recoveries: BTreeMap<u64, Recovery>,
    proposals: Vec<RecoveryProposal>,
    highest: u64,
    now_ms: u64,
}

struct World {
    harness: Harness,
    people: Vec<Account>,
    model: Model,
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
    let args = RegisterAgent { operators, guardians, ..RegisterAgent::new(card("https://u")) };
    call(registry::register_agent, &args)
}

fn register_two() -> Call {
    let plain = PlainAgent { card: card("https://u"), agent_account: None };
    call(registry::register_agents, &RegisterAgents { agents: vec![plain; 2] })
}

const MEASURED: Hash32 = Hash32([1; 32]);

fn measure(agent: u64) -> Call {
    let measurement = Measurement { sha256: MEASURED, from_ms: 0, until_ms: u64::MAX, revoked: false };
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

fn name(number: usize) -> String {
    format!("name-{number}")
}

impl World {
    fn registry(&self) -> &AccountId {
        &self.harness.contracts.registry
    }

    async fn view<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        self.harness.look(self.registry(), method, args).await.unwrap()
    }

    async fn look(&self) -> Seen {
        let agents = self.view(registry::agents, &Page::default()).await;
        let recoveries = self.view(registry::recoveries, &Page::default()).await;
        let (highest, _) = self.view(registry::agent_count, &Nothing {}).await;
        let (mut owners, mut proposals) = (Vec::new(), Vec::new());
        for person in &self.people {
            owners.push(self.view(registry::owner, &Named { account: person.id().clone() }).await);
        }
        for recovery in &recoveries {
            proposals.extend(self.view(registry::recovery_proposals, &AgentRef { agent: recovery.agent }).await);
        }
        Seen {
            agents: agents.into_iter().map(|agent| (agent.id, agent)).collect(),
            recoveries: recoveries.into_iter().map(|recovery| (recovery.agent, recovery)).collect(),
            owners,
            proposals,
            highest,
            now_ms: self.harness.now_ms().await.unwrap(),
        }
    }

    fn rightly(&self, op: &Op, now_ms: u64) -> Step {
        let step = &op.step;
        let Some(agent) = self.model.agents.get(&step.agent).filter(|_| op.rightly) else { return step.clone() };
        let owner = agent.owner;
        let due = agent.next.as_ref().filter(|(_, from_ms)| *from_ms <= now_ms).map(|(group, _)| group);
        let group = due.or(agent.recoverers.as_ref()).filter(|group| !group.people.is_empty());
        let recoverer =
            |turn: usize| group.map_or(step.by, |group| group.people[(step.by + turn) % group.people.len()]);
        let proposer = |turn| agent.proposals.keys().next().copied().unwrap_or_else(|| recoverer(turn));
        let (by, other, deposit) = match step.what {
            // Without a deposit it is for guardians.
            Move::Pause(_) | Move::RevokeAll | Move::RevokeMeasurement if step.deposit == 0 => {
                (agent.guardians.first().copied().unwrap_or(owner), step.other, 0)
            }
            Move::Retire
            | Move::Cancel
            | Move::Pause(_)
            | Move::RevokeAll
            | Move::RevokeMeasurement
            | Move::RevokeAttestation
            | Move::PanicAll
            | Move::Rearm
            | Move::Veto
            | Move::Begin
            | Move::Submit => (owner, step.other, 1),
            Move::NftTransfer | Move::NftCall { .. } => (owner, (owner + 1 + step.other % (PEOPLE - 1)) % PEOPLE, 1),
            Move::Offer | Move::SetPayout => (owner, (owner + 1 + step.other % (PEOPLE - 1)) % PEOPLE, DEPOSIT),
            Move::RemoveOperator => (owner, agent.operators.first().copied().unwrap_or(step.other), DEPOSIT),
            Move::RemoveGuardian => (owner, agent.guardians.first().copied().unwrap_or(step.other), DEPOSIT),
            Move::Accept { .. } => (agent.offer.map_or(step.by, |(to, _)| to), step.other, DEPOSIT),
            Move::AcceptPayout { .. } => (agent.payout_offer.unwrap_or(step.by), step.other, 1),
            Move::Heartbeat => (agent.account.unwrap_or(step.by), step.other, 0),
            Move::Renounce | Move::AcceptRole => {
                (agent.guardians.first().copied().or(agent.account).unwrap_or(step.by), step.other, 0)
            }
            Move::ReleaseHandle(_) => (step.by, step.other, 0),
            Move::Report(_) => (REPORTER, step.other, DEPOSIT),
            Move::Propose => (recoverer(0), (owner + 1 + step.other % (PEOPLE - 1)) % PEOPLE, DEPOSIT),
            Move::Approve { .. } => (recoverer(1), proposer(0), 1),
            Move::Withdraw => (proposer(0), step.other, 0),
            Move::Execute => (step.by, proposer(0), DEPOSIT),
            _ => (owner, step.other, DEPOSIT),
        };
        Step { by, other, deposit, ..step.clone() }
    }

    /// The call of a step. What it agrees to is as it is now or, if it is stale, as it was.
    fn call(&self, step: &Step, seen: &Seen) -> Option<Call> {
        let agent = step.agent;
        let account = self.people[step.other].id().clone();
        let of = &AgentAccount { agent, account: account.clone() };
        let reference = &AgentRef { agent };
        let known = seen.agents.get(&agent);
        let revision = |stale: bool| known.map_or(1, |agent| agent.card_revision) + u64::from(stale);
        Some(match step.what {
            Move::Register => register_one(),
            Move::RegisterTwo => register_two(),
            Move::Retire => call(registry::retire, reference),
            Move::SetCard { stale } => {
                let card = card(if step.other.is_multiple_of(2) { "https://u" } else { "https://longer.example" });
                call(registry::set_card, &SetCard { agent, card, expected_revision: revision(stale) })
            }
            Move::Offer => call(registry::offer_transfer, of),
            Move::Cancel => call(registry::cancel_transfer, reference),
            Move::Accept { stale } => {
                let expected_handle = known.and_then(|agent| agent.handle.clone());
                let args = AcceptTransfer { agent, expected_revision: revision(stale), expected_handle };
                call(registry::accept_transfer, &args)
            }
            Move::Transferable(transferable) => {
                call(registry::set_transferable, &SetTransferable { agent, transferable })
            }
            Move::NftTransfer => {
                let (receiver_id, token_id) = (account, agent.to_string());
                let args = NftTransfer { receiver_id, token_id, approval_id: None, memo: None, msg: None };
                call(registry::nft_transfer, &args)
            }
            Move::NftCall { kept } => {
                let (receiver_id, token_id) = (self.people[SHOP].id().clone(), agent.to_string());
                let msg = Some(if kept { "keep" } else { "back" }.to_owned());
                let args = NftTransfer { receiver_id, token_id, approval_id: None, memo: None, msg };
                call(registry::nft_transfer_call, &args)
            }
            Move::SetOperator => {
                let permissions = vec![Permission::Card, Permission::Attest];
                let operator = Operator { account, permissions, expires_ms: u64::MAX };
                call(registry::set_operator, &SetOperator { agent, operator })
            }
            Move::RemoveOperator => call(registry::remove_operator, of),
            Move::SetGuardian => call(registry::set_guardian, of),
            Move::RemoveGuardian => call(registry::remove_guardian, of),
            Move::AcceptRole => call(registry::accept_role, reference),
            Move::Renounce => call(registry::renounce, reference),
            Move::AgentAccount => {
                call(registry::set_agent_account, &SetAgentAccount { agent, agent_account: Some(account) })
            }
            Move::Pause(for_ms) => call(registry::pause, &Pause { agent, for_ms }),
            Move::Unpause => call(registry::unpause, reference),
            Move::RevokeAll => call(registry::revoke_all, reference),
            Move::PanicAll => call(registry::panic_all, &Nothing {}),
            Move::Rearm => call(registry::rearm, &Rearm { agents: vec![agent] }),
            Move::Handle(number) => call(registry::set_handle, &SetHandle { agent, handle: number.map(name) }),
            Move::ReleaseHandle(number) => call(registry::release_handle, &Handle { handle: name(number) }),
            Move::SetPayout => call(registry::set_payout, of),
            Move::AcceptPayout { stale } => {
                let owner = known.map_or(&account, |agent| &agent.owner).clone();
                let another = self.people.iter().map(Account::id).find(|person| **person != owner).unwrap().clone();
                call(registry::accept_payout, &AcceptPayout { agent, owner: if stale { another } else { owner } })
            }
            Move::Heartbeat => call(registry::heartbeat, reference),
            Move::Recoverers(count) => {
                let others = self.people.iter().filter(|person| person.id() != self.people[step.by].id());
                let accounts: Vec<AccountId> = others.take(count).map(|person| person.id().clone()).collect();
                let (threshold, delay_ms) = if count == 0 { (0, 0) } else { (1.max(count - 1), RECOVERY_MS_MIN) };
                let threshold = u8::try_from(threshold).unwrap();
                call(
                    registry::set_recoverers,
                    &SetRecoverers { agent, recoverers: Recoverers { accounts, threshold, delay_ms } },
                )
            }
            Move::Propose => call(registry::propose_recovery, of),
            Move::Approve { stale } => {
                let found = seen.proposals.iter().find(|made| made.agent == agent && made.proposer == account);
                let (new_owner, round) =
                    found.map_or((account.clone(), 0), |made| (made.new_owner.clone(), made.round));
                let round = round - u64::from(stale && round > 0);
                call(registry::approve_recovery, &ApproveRecovery { agent, proposer: account, new_owner, round })
            }
            Move::Withdraw => call(registry::withdraw_proposal, reference),
            Move::Veto => call(registry::veto_recovery, reference),
            Move::Execute => call(registry::execute_recovery, of),
            Move::Measure => measure(agent),
            Move::ClearPolicy => call(registry::set_attestation_policy, &SetAttestationPolicy { agent, policy: None }),
            Move::RevokeMeasurement => {
                call(registry::revoke_measurement, &RevokeMeasurement { agent, sha256: MEASURED })
            }
            Move::RevokeAttestation => call(registry::revoke_attestation, reference),
            Move::Begin => call(registry::begin_attestation, reference),
            Move::Submit => submit(agent),
            Move::Report(of) => self.report(step, of, known),
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
    async fn check_nonce(&mut self, step: &Step, before: Option<Hash32>, code: Option<&str>, what: &str) {
        let after = self.challenge(step.agent).await;
        if code.is_some_and(|code| code.starts_with("VERIFIER_")) {
            let nonce = before.unwrap_or_else(|| panic!("INV-REG-8: asked without a nonce: {what}"));
            assert!(self.consumed.insert(nonce), "INV-REG-8: a nonce was used twice: {what}");
            assert_eq!(after, None, "INV-REG-8: a nonce outlived its submission: {what}");
        } else if step.what == Move::Begin && code.is_none() {
            let nonce = after.unwrap_or_else(|| panic!("INV-REG-8: there is no nonce: {what}"));
            assert!(!self.consumed.contains(&nonce), "INV-REG-8: a nonce came back: {what}");
        }
    }

    async fn step(&mut self, op: &Op) {
        if let Move::Wait(ms) = op.step.what {
            self.seen = None;
            return self.harness.wait(Duration::from_millis(ms)).await.unwrap();
        }
        let before = match self.seen.take() {
            Some(seen) => seen,
            None => self.look().await,
        };
        let step = &self.rightly(op, before.now_ms);
        let Some(call) = self.call(step, &before) else { return };
        let method = call.method.clone();
        let caller = self.people[step.by].clone();
        let what = format!("{call} by {} with {step:?}", caller.id());
        let attests = matches!(step.what, Move::Begin | Move::Submit);
        let challenge = if attests { self.challenge(step.agent).await } else { None };
        let head = self.view(shared::event_head, &Nothing {}).await;
        let outcome = caller.send(self.registry(), call, step.deposit).await.unwrap();
        if attests {
            self.check_nonce(step, challenge, failed_with(&outcome).as_deref(), &what).await;
        }
        let end = end(&outcome);
        TALLY.note(&method, end != End::Refused);
        if end == End::Refused {
            // What was refused left no trace.
            let now = self.view(shared::event_head, &Nothing {}).await;
            assert!(head == now, "{what}");
            self.seen = Some(before.clone());
            let now_ms = self.harness.now_ms().await.unwrap();
            self.predict(step, end, (before.now_ms, now_ms), &format!("{what}: {:?}", failed_with(&outcome)));
            return;
        }
        let after = self.look().await;
        self.predict(step, end, (before.now_ms, after.now_ms), &what);
        self.check_model(&after, &what);
        self.check_ids_and_epochs(&before, &after, &what);
        for (id, old) in &before.agents {
            let Some(new) = after.agents.get(id) else {
                assert!(method == registry::retire::NAME && old.owner == *caller.id(), "{what}");
                continue;
            };
            Self::check_change(old, new, &before, (&method, caller.id()), &what);
        }
        self.check_owners(&after, &what).await;
        self.check_bytes(&after, &what).await;
        self.check_earned(step.agent, &after, &what).await;
        self.seen = Some(after);
    }

    /// The model makes the same step. It does not know the second of the call: where the answer depends on that, either end
    /// will do.
    fn predict(&mut self, step: &Step, end: End, (from_ms, to_ms): (u64, u64), what: &str) {
        let (mut early, mut late) = (self.model.clone(), self.model.clone());
        let ends = [early.play(step, from_ms), late.play(step, to_ms)];
        assert!(ends.contains(&end), "{}: {ends:?} expected of: {what}", invariant_of(step.what));
        self.model = if ends[0] == end { early } else { late };
    }

    /// Everything looks as the model says. Times are the chain's, if they are near.
    fn check_model(&mut self, seen: &Seen, what: &str) {
        let people: Vec<AccountId> = self.people.iter().map(|person| person.id().clone()).collect();
        let number = |account: &AccountId| people.iter().position(|person| person == account).unwrap();
        let numbers = |accounts: &[AccountId]| accounts.iter().map(number).collect::<Vec<_>>();
        let near = |mine: &mut u64, chains: u64| {
            assert!(mine.abs_diff(chains) <= SLACK_MS, "{mine} against {chains} ms: {what}");
            *mine = chains;
        };
        assert_eq!(self.model.highest, seen.highest, "INV-REG-1: {what}");
        assert!(self.model.agents.keys().eq(seen.agents.keys()), "INV-REG-1: {what}");
        for (id, mine) in &mut self.model.agents {
            let agent = &seen.agents[id];
            let recovery = seen.recoveries.get(id);
            let group = |recoverers: &Recoverers| Group {
                people: numbers(&recoverers.accounts),
                threshold: usize::from(recoverers.threshold),
                delay_ms: recoverers.delay_ms,
            };
            if let (Some((_, mine)), Some(offer)) = (&mut mine.offer, &agent.offer) {
                near(mine, offer.from_ms);
            }
            if let (Some((_, mine)), Some(recovery)) = (&mut mine.next, recovery) {
                near(mine, recovery.next_from_ms);
            }
            near(&mut mine.paused_until_ms, paused_until(agent));
            for proposal in seen.proposals.iter().filter(|proposal| proposal.agent == *id) {
                let proposer = number(&proposal.proposer);
                if let Some(mine) = mine.proposals.get_mut(&proposer).and_then(|mine| mine.ready_ms.as_mut()) {
                    near(mine, proposal.ready_ms);
                }
            }
            let owner_epoch = seen.owners[number(&agent.owner)].as_ref().map_or(0, |owner| owner.epoch);
            let mut now = mine.clone();
            now.owner = number(&agent.owner);
            now.armed = agent.owner_epoch == owner_epoch;
            now.account = agent.agent_account.as_ref().map(number);
            now.operators = agent.operators.iter().map(|operator| number(&operator.account)).collect();
            now.guardians = agent.guardians.iter().map(number).collect();
            let named = now.operators.iter().chain(&now.guardians).chain(&now.account);
            let unconfirmed = numbers(&agent.unconfirmed);
            now.confirmed = named.copied().filter(|person| !unconfirmed.contains(person)).collect();
            now.payout = number(&agent.payout);
            now.payout_offer = agent.payout_offered_to.as_ref().map(number);
            now.offer = agent.offer.as_ref().map(|offer| (number(&offer.to), offer.from_ms));
            now.transferable = agent.transferable;
            now.handle = (0..2).find(|number| agent.handle == Some(name(*number)));
            now.revision = agent.card_revision;
            now.recoverers = recovery.map(|recovery| group(&recovery.recoverers));
            now.next = recovery.and_then(|recovery| Some((group(recovery.next.as_ref()?), recovery.next_from_ms)));
            let made = seen.proposals.iter().filter(|proposal| proposal.agent == *id);
            now.proposals = made.map(|proposal| proposed(proposal, &seen.recoveries[id], &people)).collect();
            assert_eq!(*mine, now, "agent {id} is not as it should be after {what}");
        }
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

    fn check_change(old: &Agent, new: &Agent, before: &Seen, (method, caller): (&str, &AccountId), what: &str) {
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
            assert!(new.guardians.is_empty() && new.payout == new.owner, "INV-REG-2: {what}");
            let recovery = before.recoveries.get(&old.id);
            let wait_ms = recovery.map_or(0, |recovery| recovery.hand_over_wait_ms(before.now_ms));
            match method {
                registry::accept_transfer::NAME => {
                    assert!(old.offer.as_ref().is_some_and(|offer| offer.to == *caller), "{what}");
                }
                registry::nft_transfer::NAME | registry::nft_transfer_call::NAME => {
                    assert!(old.owner == *caller && old.transferable && wait_ms == 0, "{what}");
                }
                // INV-REG-7.
                registry::execute_recovery::NAME => {
                    let (recoverers, round) = recovery.unwrap().at(before.now_ms);
                    let good = |proposal: &RecoveryProposal| {
                        proposal.agent == old.id
                            && recoverers.accounts.contains(&proposal.proposer)
                            && proposal.new_owner == new.owner
                            && proposal.round == round
                            && proposal.approvals.count_ones() >= u32::from(recoverers.threshold)
                            && proposal.ready_ms > 0
                            && proposal.ready_ms <= before.now_ms + SLACK_MS
                    };
                    assert!(before.proposals.iter().any(good), "INV-REG-7: {what}: {:?}", before.proposals);
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
            assert!(new.handle == old.handle, "INV-REG-3: {what}");
            let may_set_card = old.operators.iter().any(|operator| operator.account == *caller);
            assert!(new.card == old.card || may_set_card, "INV-REG-3: {what}");
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
    async fn check_bytes(&self, seen: &Seen, what: &str) {
        let charged = charged_bytes(&self.harness, self.registry(), &self.people).await;
        let usage = self.harness.worker.view_account(self.registry()).await.unwrap().storage_usage;
        let retired = seen.highest > u64::try_from(seen.agents.len()).unwrap();
        let own = self.empty_bytes + if retired { RETIRED_ROW_BYTES } else { 0 };
        assert_eq!(charged, usage - own, "INV-REG-5: bytes charged and bytes held: {what}");
    }
}

/// What became of a call.
fn end(outcome: &Outcome) -> End {
    match failed_with(outcome) {
        None => End::Done,
        Some(code) if code.starts_with("VERIFIER_") => End::Judged,
        Some(_) => End::Refused,
    }
}

/// The invariant that stands or falls with whether a move may be made.
fn invariant_of(what: Move) -> &'static str {
    match what {
        Move::Register | Move::RegisterTwo | Move::Handle(_) | Move::ReleaseHandle(_) => "INV-REG-1",
        Move::SetPayout | Move::AcceptPayout { .. } => "INV-REG-6",
        Move::Recoverers(_)
        | Move::Propose
        | Move::Approve { .. }
        | Move::Withdraw
        | Move::Veto
        | Move::Execute
        | Move::Retire
        | Move::Offer
        | Move::Accept { .. }
        | Move::NftTransfer
        | Move::NftCall { .. } => "INV-REG-7",
        Move::Measure
        | Move::ClearPolicy
        | Move::RevokeMeasurement
        | Move::RevokeAttestation
        | Move::Begin
        | Move::Submit => "INV-REG-8",
        Move::Report(_) => "INV-REG-9",
        _ => "INV-REG-3",
    }
}

/// A proposal as the model has it.
fn proposed(proposal: &RecoveryProposal, recovery: &Recovery, people: &[AccountId]) -> (Person, model::Proposal) {
    let number = |account: &AccountId| people.iter().position(|person| person == account).unwrap();
    let accounts = recovery.recoverers.accounts.iter().enumerate();
    let agreed = accounts.filter(|(position, _)| proposal.approvals >> position & 1 == 1);
    let approvals = agreed.map(|(_, account)| number(account)).collect();
    let ready_ms = Some(proposal.ready_ms).filter(|ready_ms| *ready_ms > 0);
    (number(&proposal.proposer), model::Proposal { new_owner: number(&proposal.new_owner), approvals, ready_ms })
}

fn epochs(seen: &Seen) -> impl Iterator<Item = u64> {
    seen.agents.values().map(|agent| agent.epoch).chain(seen.owners.iter().flatten().map(|owner| owner.epoch))
}

fn paused_until(agent: &Agent) -> u64 {
    match &agent.status {
        Status::Active => 0,
        Status::Paused { until_ms, .. } => until_ms.unwrap_or(u64::MAX),
        Status::Retired => panic!("agent {} is listed", agent.id),
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
    inv_reg_9_what_comes_to_one_account_between_two_reports_of_it_counts: "INV-REG-9",
});

/// Agents 1 to 3, of two owners: what nobody has yet can only be refused.
fn beginning() -> [Op; 2] {
    [(0, Move::Register), (1, Move::RegisterTwo)]
        .map(|(by, what)| Op { step: Step { by, agent: 1, other: 0, deposit: DEPOSIT, what }, rightly: true })
}

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people) = runtime.block_on(async {
        // With an admin, who says whose reports count.
        let base = Harness::start_with(code_of).await.unwrap();
        let mut people = Vec::new();
        for name in ["ann", "ben", "cid", "dan", "shop"] {
            let person = base.account(name).await.unwrap();
            prepay(&person, &base.contracts.registry, 10 * DEPOSIT).await;
            people.push(person);
        }
        people[SHOP].deploy(&wat::parse_str(RECEIVER).unwrap()).await.unwrap().into_result().unwrap();
        let reporters = SetReporters { reporters: vec![people[REPORTER].id().clone()] };
        ok(base.root(), &base.contracts.registry, registry::set_reporters, &reporters, 0).await;
        (base, people)
    });
    let run = Run { whose: "registry", sequences, shrinks: 300, runtime: &runtime, base: &base, people: &people };
    TALLY.play(run, vec(ops(), 24..36), async |harness, people, ops| {
        let usage = harness.worker.view_account(&harness.contracts.registry).await.unwrap().storage_usage;
        // The storage accounts themselves are charged to their owners.
        let empty_bytes = usage - 5 * 85;
        let model = Model { shop: SHOP, reporter: REPORTER, ..Model::default() };
        let mut world = World { harness, people, model, epoch: 0, empty_bytes, consumed: BTreeSet::new(), seen: None };
        for op in beginning().iter().chain(&ops) {
            world.step(op).await;
        }
    })
}
