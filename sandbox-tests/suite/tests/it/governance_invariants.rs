//! INV-GOV-1 to 5 and 9 to 11 over random operations on the real wasm: five people with agents and a stranger decide on
//! releases and on who decides, the council of Charter's own line on code of the escrow contract; owners of agents
//! object, guardians cancel and pause, and bonds go in and out. A model (`model.rs`) of what governance should do says
//! before every step whether it may be made, and after it how everything has to look.
//!
//! The lines that each invariant rests on are in `deploy/xtask/src/mutations/list.rs`: `cargo xtask mutations INV-GOV`
//! takes each of them out and sees a test here fail, or for INV-GOV-5 the attack in `lines.rs`. INV-GOV-3 rests on the
//! council that `weight_of` is asked about in `model::vote::cast`: the proposal's copy. INV-GOV-9 rests on `give_back`,
//! in each of its places: leave it out of `save_proposal`, and the bond of what is decided stays; out of
//! `forget_proposal`, that of what nobody counted; out of `take_off`, that of an agent which leaves. What objections
//! and pauses do is nobody's invariant but the model's (INV-GOV-MODEL): leave out `vote_again` and owners undo nothing,
//! the round in `cast` and old ballots are taken out of new tallies, the round in `stop` and who proposed has a veto on
//! what was approved, `check_counted` and who came later objects, `contains` in `object_to` and one owner is as loud as
//! three, `check_moving` and a pause stops nothing.

mod model;
mod money;
mod moves;

use std::collections::BTreeMap;
use std::time::Duration;

use charter_client::sha256;
use charter_harness::arguments::{DEPOSIT, accept, charged_bytes, content, enrolled, prepay, register};
use charter_harness::{Call, Caller, Harness, Outcome, call, failed_with, ok};
use charter_types::admin::Deployment;
use charter_types::governance::args::{
    AgentRef, CreateLine, ExecuteUpgrade, ForgetObjections, Object, ObjectionRef, PauseLine, ProposalRef,
    ProposeAmendment, ProposeRelease, ProposeUpgrade, Vote,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    Ballot, Choice, Constitution, EXECUTION_MS, Enrolment, Line, Member, Params, Proposal, ProposalKind, ProposalState,
    UpgradeFailure,
};
use charter_types::method::Method;
use charter_types::registry::args::AgentAccount;
use charter_types::registry::methods as registry;
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::{AccountId, Hash32, Nothing, Page, U128};
use charter_wasm::Contract;
use near_workspaces::Account;
use proptest::collection::vec;

use crate::governance::renamed;
use crate::invariants::{Run, invariants};
use crate::lengths::Long;
use model::{About, Agent, BROKEN, CENT, CODE, CODES, End, Enrolled, Model, Move, PEOPLES, Person, State, Step};
use money::{Purse, check_money};
use moves::{HOUR_MS, Op, PEOPLE, ROOT, ops};

/// `cargo xtask properties` plays 2,000.
const SEQUENCES: u32 = 20;
/// A call is in a later block than the look before it.
const SLACK_MS: u64 = 60_000;

/// The people's council at the beginning. Its quorum of 4,000 lets the first decide alone about releases, and about
/// nothing else; with the second's no there is a majority of votes, and none of weight.
const WEIGHTS: [u64; 3] = [3, 2, 2];
/// The guardian of both lines at the beginning.
const GUARDIAN: Person = 3;

/// What the contract shows of itself.
#[derive(Clone)]
struct Seen {
    lines: BTreeMap<u64, Line>,
    proposals: BTreeMap<u64, Proposal>,
    ballots: BTreeMap<u64, Vec<Ballot>>,
    enrolments: BTreeMap<Agent, Enrolment>,
    /// How many have agents on each line.
    owners: BTreeMap<u64, u64>,
    purses: Vec<Purse>,
    running: Deployment,
    now_ms: u64,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Came {
    Done,
    /// With this code.
    Refused(String),
    Failed,
}

struct World {
    harness: Harness,
    /// The people, and the root.
    people: Vec<Account>,
    /// What the registry calls their agents.
    agents: Vec<u64>,
    codes: Vec<Vec<u8>>,
    model: Model,
    /// Bytes of the contract before anybody stored anything.
    empty_bytes: u64,
}

impl World {
    fn contract(&self) -> &AccountId {
        &self.harness.contracts.governance
    }

    async fn view<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        self.harness.look(self.contract(), method, args).await.unwrap()
    }

    async fn look(&self) -> Seen {
        let (lines, proposals) = (
            self.view(governance::lines, &Page::default()).await,
            self.view(governance::proposals, &Page { from: self.model.before + 1, limit: Some(100) }).await,
        );
        let mut ballots = BTreeMap::new();
        for proposal in &proposals {
            ballots.insert(proposal.id, self.view(governance::ballots, &ProposalRef { proposal: proposal.id }).await);
        }
        let mut enrolments = BTreeMap::new();
        for (place, agent) in self.agents.iter().enumerate() {
            let enrolment = self.view(governance::enrolment, &AgentRef { agent: *agent }).await;
            enrolments.extend(enrolment.map(|enrolment| (place, enrolment)));
        }
        let rollouts = self.view(governance::rollouts, &Page::default()).await;
        let escrow = &self.harness.contracts.escrow;
        Seen {
            purses: self.purses(&proposals, &enrolments).await,
            enrolments,
            owners: rollouts.into_iter().map(|rollout| (rollout.line, rollout.owners)).collect(),
            lines: lines.into_iter().map(|line| (line.id, line)).collect(),
            proposals: proposals.into_iter().map(|proposal| (proposal.id, proposal)).collect(),
            ballots,
            running: self.harness.look(escrow, shared::deployment, &Nothing {}).await.unwrap(),
            now_ms: self.harness.now_ms().await.unwrap(),
        }
    }

    async fn purses(&self, proposals: &[Proposal], enrolments: &BTreeMap<Agent, Enrolment>) -> Vec<Purse> {
        let mut purses = Vec::new();
        for person in &self.people {
            let account = person.id();
            let balance = self.view(shared::storage_balance_of, &StorageOf { account_id: account.clone() }).await;
            let of_proposals = proposals.iter().filter(|proposal| proposal.proposer == *account);
            let of_agents = enrolments.values().filter(|enrolment| enrolment.owner.as_ref() == Some(account));
            let bonds: u128 =
                of_proposals.map(|proposal| proposal.bond.0).chain(of_agents.map(|enrolment| enrolment.bond.0)).sum();
            let (total, free) = balance.map_or((0, 0), |balance| (balance.total.0, balance.available.0));
            let signed = |yocto: u128| i128::try_from(yocto).unwrap();
            purses.push(Purse { total: signed(total), in_use: signed(total - free), bonds: signed(bonds) });
        }
        purses
    }

    fn rightly(&self, op: &Op) -> Step {
        // Those of before are not in the model; the next one is nowhere yet.
        let proposal = self.model.newest().saturating_sub(op.back).max(self.model.before + 1);
        let step = Step { by: op.by, proposal, paid: op.paid || op.rightly, what: op.what.clone() };
        if !op.rightly {
            return step;
        }
        let about = self.model.proposals.get(&proposal);
        let line = match op.what {
            Move::ProposeUpgrade { .. } => CODE,
            Move::ProposeRelease { .. } | Move::ProposeAmendment { .. } => PEOPLES,
            Move::Pause { line, .. } => line,
            _ => about.map_or(PEOPLES, |proposal| proposal.line),
        };
        let council = about.filter(|_| matches!(op.what, Move::Vote { .. })).map(|proposal| &proposal.by.council);
        let council = council.unwrap_or(&self.model.lines[&line].now.council);
        let member = *council.keys().nth(op.by % council.len()).unwrap();
        let guardian = self.model.lines[&line].now.guardian;
        let by = match op.what {
            Move::Cancel { own } => {
                let proposer = about.map(|proposal| proposal.proposer);
                (if own { proposer } else { guardian.or(proposer) }).unwrap_or(op.by)
            }
            Move::Pause { .. } => guardian.unwrap_or(op.by),
            Move::ProposeRelease { .. }
            | Move::ProposeAmendment { .. }
            | Move::ProposeUpgrade { .. }
            | Move::Vote { .. } => member,
            Move::Enroll { agent, .. } => self.model.owner_of[agent],
            Move::Leave { agent } => self.model.enrolled.get(&agent).map_or(op.by, |enrolled| enrolled.owner),
            Move::Object { .. } => {
                let able = self.model.may_object(proposal);
                let Some((by, agent)) = able.get(op.by % able.len().max(1)) else { return step };
                return Step { by: *by, what: Move::Object { agent: *agent }, ..step };
            }
            _ => op.by,
        };
        Step { by, ..step }
    }

    fn call(&self, step: &Step, seen: &Seen) -> Option<Call> {
        let (reference, line) = (&ProposalRef { proposal: step.proposal }, &seen.lines[&PEOPLES]);
        Some(match &step.what {
            Move::ProposeRelease { stale } => {
                let seq = line.seq.wrapping_sub(u64::from(*stale));
                call(governance::propose_release, &ProposeRelease { line: PEOPLES, seq, content: content() })
            }
            Move::ProposeAmendment { next, stale } => {
                let version = line.version.wrapping_sub(u64::from(*stale));
                let args = ProposeAmendment { line: PEOPLES, version, constitution: constitution(&self.people, next) };
                call(governance::propose_amendment, &args)
            }
            Move::ProposeUpgrade { code, stale } => {
                let code_hash = Hash32(sha256(&self.codes[*code]));
                let number = seen.running.number + u64::from(*stale);
                let replaces = Deployment { number, ..seen.running };
                let contract = self.harness.contracts.escrow.clone();
                call(governance::propose_upgrade, &ProposeUpgrade { contract, code_hash, replaces })
            }
            Move::Vote { yes, of_another } => {
                let known = seen.proposals.get(&step.proposal).map_or(Hash32::default(), |known| known.content_hash);
                let content_hash = if *of_another { Hash32([9; 32]) } else { known };
                let choice = if *yes { Choice::Yes } else { Choice::No };
                call(governance::vote, &Vote { proposal: step.proposal, content_hash, choice })
            }
            Move::Queue => call(governance::queue, reference),
            Move::Publish => call(governance::publish, reference),
            Move::Amend => call(governance::amend, reference),
            Move::Cancel { .. } => call(governance::cancel, reference),
            Move::Forget => call(governance::forget_proposal, reference),
            Move::Execute { swapped } => {
                let about = self.model.proposals.get(&step.proposal).map(|known| &known.about);
                let code = if let Some(About::Code(code, _)) = about { *code } else { 0 };
                let code = if *swapped { (code + 1) % CODES } else { code };
                let args = ExecuteUpgrade { proposal: step.proposal, code: self.codes[code].clone() };
                call(governance::execute_upgrade, &args)
            }
            Move::Object { agent } => {
                call(governance::object, &Object { proposal: step.proposal, agent: self.agents[*agent] })
            }
            Move::ForgetObjections => {
                let owners = self.people.iter().map(|person| person.id().clone()).collect();
                call(governance::forget_objections, &ForgetObjections { proposal: step.proposal, owners })
            }
            Move::Pause { line, ms } => call(governance::pause_line, &PauseLine { line: *line, ms: *ms }),
            Move::Enroll { agent, line } => call(governance::enroll, &enrolled(self.agents[*agent], *line)),
            Move::Leave { agent } => call(governance::leave, &AgentRef { agent: self.agents[*agent] }),
            Move::Sell { .. } | Move::Wait(_) => return None,
        })
    }

    /// From whoever owns it now.
    async fn sell(&mut self, agent: Agent, to: Person) {
        let (from, registry) = (self.model.owner_of[agent], &self.harness.contracts.registry);
        if from == to {
            return;
        }
        let (seller, buyer, id) = (&self.people[from], &self.people[to], self.agents[agent]);
        let offer = AgentAccount { agent: id, account: buyer.id().clone() };
        ok(seller, registry, registry::offer_transfer, &offer, DEPOSIT).await;
        let taken = accept(&self.harness, registry, id).await;
        ok(buyer, registry, registry::accept_transfer, &taken, DEPOSIT).await;
        self.model.owner_of[agent] = to;
    }

    async fn step(&mut self, op: &Op) {
        match op.what {
            Move::Wait(ms) => return self.harness.wait(Duration::from_millis(ms)).await.unwrap(),
            Move::Sell { agent, to } => return self.sell(agent, to).await,
            _ => {}
        }
        let before = self.look().await;
        let step = &self.rightly(op);
        let Some(call) = self.call(step, &before) else { return };
        let method = call.method.clone();
        let by = self.people[step.by].clone();
        let mut what = format!("{method} by {} with {step:?}", by.id());
        let takes = taken_by(&step.what);
        // What is wrong with a deposit is that there is one, or none.
        let wrong = if takes == 0 { DEPOSIT } else { 0 };
        let deposit = if step.paid { takes } else { wrong };
        let head = self.view(shared::event_head, &Nothing {}).await;
        let outcome = by.send(self.contract(), call, deposit).await.unwrap();
        let moved = head != self.view(shared::event_head, &Nothing {}).await;
        what = format!("{what}: {:?}", failed_with(&outcome));
        let came = came_of(&step.what, &outcome, moved, &what);
        TALLY.note(&method, !matches!(came, Came::Refused(_)));
        let after = self.look().await;
        self.predict(step, &came, (before.now_ms, after.now_ms), &what);
        self.check_lines(&after, &what);
        self.check_proposals(&after, &what);
        self.check_agents(&after, step.proposal, &what).await;
        check_tallies(&after, &what);
        check_change(&before, &after, &what);
        let kept = came == Came::Done && takes == DEPOSIT;
        check_money(&before.purses, &after.purses, kept.then_some((step.by, DEPOSIT)), &what);
        self.check_bytes(&what).await;
    }

    /// The model makes the same step. It does not know the second of the call: where the answer depends on that, either
    /// end will do.
    fn predict(&mut self, step: &Step, came: &Came, (from_ms, to_ms): (u64, u64), what: &str) {
        let (mut early, mut late) = (self.model.clone(), self.model.clone());
        let ends = [early.play(step, from_ms), late.play(step, to_ms)];
        let due = self.model.proposals.get(&step.proposal).is_some_and(|proposal| proposal.is_due(to_ms));
        let right = ends.iter().position(|end| is_expected(came, end));
        assert!(right.is_some(), "{}: {ends:?} expected of: {what}", invariant_of(&step.what, due, &ends));
        self.model = if right == Some(0) { early } else { late };
    }

    fn number(&self, account: &AccountId) -> Person {
        self.people.iter().position(|person| person.id() == account).unwrap()
    }

    fn read(&self, council: &[Member], params: Params, guardian: Option<&AccountId>) -> model::Constitution {
        model::Constitution {
            council: council.iter().map(|member| (self.number(&member.account), member.weight)).collect(),
            quorum_bps: params.quorum_bps.into(),
            threshold_bps: params.threshold_bps.into(),
            guardian: guardian.map(|account| self.number(account)),
            extension_ms: params.extension_ms,
            proposal_bond: params.proposal_bond.0,
            enrolment_bond: params.enrolment_bond.0,
        }
    }

    /// Lines look as the model says. Times are the chain's, if they are near.
    fn check_lines(&mut self, seen: &Seen, what: &str) {
        assert_eq!(seen.running.number, self.model.deployment, "INV-GOV-4: {what}");
        for (id, mine) in &self.model.lines {
            let line = &seen.lines[id];
            let now = self.read(&line.council, line.params, line.guardian.as_ref());
            let (head, seq, version) = (line.head, line.seq, line.version);
            assert_eq!((mine.head, mine.seq), (head, seq), "INV-GOV-5: line {id}: {what}");
            assert_eq!((mine.version, &mine.now), (version, &now), "line {id} is not as it should be after {what}");
        }
        for (id, mine) in &mut self.model.lines {
            adopt(&mut mine.paused_until_ms, seen.lines[id].paused_until_ms, what);
        }
    }

    /// The same of proposals.
    fn check_proposals(&mut self, seen: &Seen, what: &str) {
        assert!(self.model.proposals.keys().eq(seen.proposals.keys()), "{what}");
        for (id, mine) in &mut self.model.proposals {
            let proposal = &seen.proposals[id];
            adopt(&mut mine.start_ms, proposal.start_ms, what);
            adopt(&mut mine.end_ms, proposal.end_ms, what);
            assert_eq!(mine.eta_ms(), proposal.eta_ms, "proposal {id}: {what}");
        }
        for (id, mine) in &self.model.proposals {
            let proposal = &seen.proposals[id];
            // INV-GOV-3: the council is that of the beginning; its guardian is the line's.
            let now = self.read(&proposal.council, proposal.params, None);
            let then = model::Constitution { guardian: None, ..mine.by.clone() };
            assert_eq!(then, now, "INV-GOV-3: proposal {id}: {what}");
            let mine_of = |ballot: &Ballot| {
                let (yes, again) = (ballot.choice == Choice::Yes, ballot.round == 1);
                (self.number(&ballot.voter), model::Ballot { yes, again })
            };
            let ballots: BTreeMap<_, _> = seen.ballots[id].iter().map(mine_of).collect();
            assert_eq!(mine.ballots, ballots, "INV-GOV-2: {id}: {what}");
            let tally = (mine.weight(true), mine.weight(false));
            assert_eq!(tally, (proposal.yes, proposal.no), "INV-GOV-1: proposal {id}: {what}");
            let counts = (proposal.owners, proposal.objections, proposal.round);
            assert_eq!((mine.owners, mine.objections, u8::from(mine.again)), counts, "objections to {id}: {what}");
            assert_eq!(mine.bond(), proposal.bond.0, "INV-GOV-9: proposal {id}: {what}");
            let failed = proposal.failure.map(|failure| failure == UpgradeFailure::CodeReplaced);
            let state = match proposal.state {
                ProposalState::Voting => State::Voting,
                ProposalState::Rejected => State::Rejected,
                ProposalState::Queued => State::Approved,
                ProposalState::Executing => panic!("INV-GOV-10: proposal {id} hangs: {what}"),
                ProposalState::Executed => State::Done,
                ProposalState::Cancelled => State::Cancelled,
            };
            assert_eq!((mine.state, mine.failed), (state, failed), "INV-GOV-10: proposal {id}: {what}");
        }
    }

    /// The same of agents, and of who objects to the step's proposal.
    async fn check_agents(&self, seen: &Seen, proposal: u64, what: &str) {
        let mine_of = |enrolment: &Enrolment| Enrolled {
            line: enrolment.line,
            owner: self.number(enrolment.owner.as_ref().unwrap()),
            bond: enrolment.bond.0,
            after: enrolment.since.unwrap() - 1,
        };
        let now: BTreeMap<_, _> = seen.enrolments.iter().map(|(agent, known)| (*agent, mine_of(known))).collect();
        assert_eq!(self.model.enrolled, now, "agents on lines: {what}");
        for line in self.model.lines.keys() {
            assert_eq!(self.model.owners(*line), seen.owners[line], "owners on line {line}: {what}");
        }
        for (person, account) in self.people.iter().enumerate() {
            let question = ObjectionRef { proposal, owner: account.id().clone() };
            let objects = self.view(governance::objection, &question).await.is_some();
            assert_eq!(self.model.objecting.contains(&(proposal, person)), objects, "whether {person} objects: {what}");
        }
    }

    async fn check_bytes(&self, what: &str) {
        let charged = charged_bytes(&self.harness, self.contract(), &self.people).await;
        let usage = self.harness.worker.view_account(self.contract()).await.unwrap().storage_usage;
        assert_eq!(charged, usage - self.empty_bytes, "bytes charged and bytes held: {what}");
    }
}

/// What a call attaches.
fn taken_by(what: &Move) -> u128 {
    match what {
        Move::ProposeRelease { .. }
        | Move::ProposeAmendment { .. }
        | Move::ProposeUpgrade { .. }
        | Move::Vote { .. }
        | Move::Amend => DEPOSIT,
        Move::Object { .. } | Move::Enroll { .. } | Move::Leave { .. } => 1,
        _ => 0,
    }
}

/// The chain's time in place of the model's, if that is near.
fn adopt(mine: &mut u64, chains: u64, what: &str) {
    assert!(mine.abs_diff(chains) <= SLACK_MS, "{mine} against {chains} ms: {what}");
    *mine = chains;
}

/// INV-GOV-1, of what is seen alone.
fn check_tallies(seen: &Seen, what: &str) {
    for (id, ballots) in &seen.ballots {
        let proposal = &seen.proposals[id];
        let now = || ballots.iter().filter(|ballot| ballot.round == proposal.round);
        let cast = |choice| now().filter(|ballot| ballot.choice == choice).map(|ballot| ballot.weight).sum();
        assert_eq!((proposal.yes, proposal.no), (cast(Choice::Yes), cast(Choice::No)), "INV-GOV-1: {what}");
        let all: u64 = proposal.council.iter().map(|member| member.weight).sum();
        assert!(proposal.yes + proposal.no <= all, "INV-GOV-1: more votes than there are: {what}");
    }
}

/// INV-GOV-3, 4 and 5, of what was seen and is.
fn check_change(before: &Seen, after: &Seen, what: &str) {
    for (id, old) in &before.proposals {
        // The model says when one may be forgotten.
        let Some(new) = after.proposals.get(id) else { continue };
        let fixed = |proposal: &Proposal| {
            (proposal.content_hash, proposal.council.clone(), proposal.params, proposal.owners, proposal.base)
        };
        assert!(fixed(old) == fixed(new), "INV-GOV-3: proposal {id} is another one: {what}");
        // It may take longer, once or twice, and never ends earlier.
        let longest_ms = new.start_ms + new.params.vote_ms + new.params.extension_ms;
        let later = old.end_ms <= new.end_ms && new.end_ms <= longest_ms && old.eta_ms <= new.eta_ms;
        assert!(later, "INV-GOV-3: proposal {id} ends otherwise: {what}");
        if old.state != ProposalState::Executed && new.state == ProposalState::Executed {
            let until_ms = new.eta_ms + EXECUTION_MS;
            let in_time = after.now_ms >= new.eta_ms && before.now_ms <= until_ms;
            assert!(old.state == ProposalState::Queued && in_time, "INV-GOV-4: {what}");
            if let ProposalKind::ContractUpgrade { code_hash, .. } = new.kind {
                assert_eq!(after.running.sha256, code_hash, "INV-GOV-4: {what}");
                assert_eq!(Some(before.running), new.replaces, "INV-GOV-4: {what}");
            }
        }
    }
    for (id, old) in &before.lines {
        let new = &after.lines[id];
        let moves = u64::from(old.head != new.head);
        assert_eq!(new.seq, old.seq + moves, "INV-GOV-5: {what}");
    }
}

/// What became of a call. What was refused at once left no event, or it is an upgrade that the contract did not take;
/// what the registry was asked about is refused by a callback, which says so.
fn came_of(of: &Move, outcome: &Outcome, moved: bool, what: &str) -> Came {
    let Some(code) = failed_with(outcome) else { return Came::Done };
    match of {
        Move::Execute { .. } if moved => Came::Failed,
        Move::Object { .. } | Move::Enroll { .. } | Move::Leave { .. } => Came::Refused(code),
        _ => {
            assert!(!moved, "refused, with an event: {what}");
            Came::Refused(code)
        }
    }
}

fn is_expected(came: &Came, end: &End) -> bool {
    match (came, end) {
        (Came::Done, End::Done) | (Came::Failed, End::Failed) => true,
        (Came::Refused(code), End::Refused(codes)) => codes.is_empty() || codes.contains(&code.as_str()),
        _ => false,
    }
}

/// The invariant that stands or falls with whether a move may be made, of a proposal that is due or not.
fn invariant_of(what: &Move, due: bool, ends: &[End]) -> &'static str {
    let against = |code| ends.iter().any(|end| matches!(end, End::Refused(codes) if codes.contains(&code)));
    match what {
        // A vote after the end is about what may be changed; any other about who votes.
        Move::Vote { .. } if against("GOVERNANCE_VOTE_ENDED") => "INV-GOV-2",
        Move::Vote { .. } => "INV-GOV-3",
        Move::Publish | Move::Amend | Move::Execute { swapped: false }
            if due && against("GOVERNANCE_PAUSED") && !against("GOVERNANCE_SUPERSEDED") =>
        {
            "INV-GOV-MODEL"
        }
        Move::Object { .. }
        | Move::ForgetObjections
        | Move::Pause { .. }
        | Move::Cancel { .. }
        | Move::Enroll { .. }
        | Move::Leave { .. } => "INV-GOV-MODEL",
        Move::Publish | Move::Amend if due => "INV-GOV-5",
        Move::Execute { swapped: false } if due => "INV-GOV-10",
        _ => "INV-GOV-4",
    }
}

invariants!(SEQUENCES, play, {
    inv_gov_1_tallies_are_the_ballots_and_within_the_council: "INV-GOV-1",
    inv_gov_2_a_member_has_one_ballot: "INV-GOV-2",
    inv_gov_3_nothing_after_the_beginning_moves_a_vote: "INV-GOV-3",
    inv_gov_4_nothing_is_carried_out_out_of_time_or_with_other_bytes: "INV-GOV-4",
    inv_gov_5_heads_move_forward_only: "INV-GOV-5",
    inv_gov_9_what_bonds_took_stands_in_proposals_and_enrolments_or_is_back: "INV-GOV-9",
    inv_gov_10_a_failed_upgrade_can_be_tried_again: "INV-GOV-10",
    inv_gov_11_what_events_tell_is_what_is_stored: "INV-GOV-11",
});

fn constitution(people: &[Account], of: &model::Constitution) -> Constitution {
    let account = |person: Person| people[person].id().clone();
    let member = |(person, weight): (&Person, &u64)| Member { account: account(*person), weight: *weight };
    let bps = |bps| u16::try_from(bps).unwrap();
    let params = Params {
        vote_ms: HOUR_MS,
        timelock_ms: HOUR_MS,
        quorum_bps: bps(of.quorum_bps),
        threshold_bps: bps(of.threshold_bps),
        extension_ms: of.extension_ms,
        proposal_bond: U128(of.proposal_bond),
        enrolment_bond: U128(of.enrolment_bond),
    };
    Constitution {
        council: of.council.iter().map(member).collect(),
        params,
        guardian: of.guardian.map(account),
        stake: None,
    }
}

/// What the lines begin with.
fn first(line: u64) -> model::Constitution {
    let peoples = line == PEOPLES;
    model::Constitution {
        council: if peoples { (0..).zip(WEIGHTS).collect() } else { [(ROOT, 1)].into() },
        quorum_bps: if peoples { 4_000 } else { 5_001 },
        threshold_bps: 5_001,
        guardian: Some(GUARDIAN),
        extension_ms: HOUR_MS / 2,
        proposal_bond: 2 * CENT,
        enrolment_bond: CENT,
    }
}

/// The chain on which sequences begin: its people, their agents, and codes of the contract that is upgraded.
type Base = (Harness, Vec<Account>, Vec<u64>, Vec<Vec<u8>>);

async fn base() -> Base {
    let base = Harness::start().await.unwrap();
    let contract = base.contracts.governance.clone();
    let mut people = Vec::new();
    for name in ["ann", "ben", "cid", "dan", "eve"] {
        people.push(base.account(name).await.unwrap());
    }
    people.push(base.root().clone());
    for person in &people {
        prepay(person, &contract, 10 * DEPOSIT).await;
    }
    amend_line_for_code(&base, &people).await;
    let Constitution { council, params, guardian, stake } = constitution(&people, &first(PEOPLES));
    let args = CreateLine { name: "scout".to_owned(), council, params, guardian, stake };
    let line = ok(&people[0], &contract, governance::create_line, &args, DEPOSIT).await;
    assert_eq!(line, PEOPLES);
    let mut agents = Vec::new();
    for person in &people[..PEOPLE] {
        let agent = register(&base, person, Vec::new()).await;
        ok(person, &contract, governance::enroll, &enrolled(agent, PEOPLES), 1).await;
        agents.push(agent);
    }
    let code = Contract::Escrow.code();
    let codes = vec![code.to_vec(), renamed(code, "b"), b"\0asm\x01\0\0\0".to_vec()];
    assert_eq!(codes.len(), BROKEN + 1);
    (base, people, agents, codes)
}

/// Governance is set up without a guardian and bonds.
async fn amend_line_for_code(base: &Harness, people: &[Account]) {
    let (root, contract) = (base.root(), &base.contracts.governance);
    let args = ProposeAmendment { line: CODE, version: 0, constitution: constitution(people, &first(CODE)) };
    let proposal = ok(root, contract, governance::propose_amendment, &args, DEPOSIT).await;
    let about = ProposalRef { proposal };
    let content_hash = base.look(contract, governance::proposal, &about).await.unwrap().unwrap().content_hash;
    let vote = Vote { proposal, content_hash, choice: Choice::Yes };
    ok(root, contract, governance::vote, &vote, DEPOSIT).await;
    let hour = Duration::from_millis(HOUR_MS + 1_000);
    base.wait(hour).await.unwrap();
    assert_eq!(ok(root, contract, governance::queue, &about, 0).await, ProposalState::Queued);
    base.wait(hour).await.unwrap();
    ok(root, contract, governance::amend, &about, DEPOSIT).await;
}

fn start(seen: &Seen) -> Model {
    let line = |id| model::Line { now: first(id), version: u64::from(id == CODE), ..model::Line::default() };
    let before = seen.proposals.keys().next_back().copied().unwrap_or_default();
    let there = |person| Enrolled { line: PEOPLES, owner: person, bond: CENT, after: before };
    Model {
        lines: [CODE, PEOPLES].map(|id| (id, line(id))).into(),
        owner_of: (0..PEOPLE).collect(),
        enrolled: (0..PEOPLE).map(|person| (person, there(person))).collect(),
        before,
        deployment: seen.running.number,
        ..Model::default()
    }
}

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people, agents, codes) = runtime.block_on(base());
    let run = Run { whose: "governance", sequences, shrinks: 40, runtime: &runtime, base: &base, people: &people };
    TALLY.play(run, Long(vec(ops(), 10..16)), async |harness, people, ops| {
        let usage = harness.worker.view_account(&harness.contracts.governance).await.unwrap().storage_usage;
        let charged = charged_bytes(&harness, &harness.contracts.governance, &people).await;
        let (agents, codes, empty_bytes) = (agents.clone(), codes.clone(), usage - charged);
        let mut world = World { harness, people, agents, codes, model: Model::default(), empty_bytes };
        // A fork's clock goes on with its first block. Governance took over the contracts by proposals.
        prepay(&world.people[0], world.contract(), 1).await;
        let seen = world.look().await;
        world.model = start(&seen);
        for op in &ops {
            world.step(op).await;
        }
        crate::replayed::check(&world.harness).await;
    })
}
