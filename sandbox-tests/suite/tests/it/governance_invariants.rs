//! INV-GOV-1 to 5 and 10 over random operations on the real wasm: four people and a stranger decide on releases and on who
//! decides, the council of Charter's own line on code of the escrow contract. A model of what governance should do
//! (`model.rs`) says before every step whether it may be made, and after it how everything has to look.
//!
//! The lines that each invariant rests on are in `deploy/xtask/src/mutations/list.rs`: `cargo xtask mutations INV-GOV` takes
//! each of them out and sees a test here fail, or for INV-GOV-5 the attack in `lines.rs`. INV-GOV-3 rests on the council that
//! `weight_of` is asked about in `model::vote::cast`: the proposal's copy.

mod model;

use std::collections::BTreeMap;
use std::time::Duration;

use charter_client::sha256;
use charter_harness::arguments::{DEPOSIT, charged_bytes, content, prepay};
use charter_harness::{Call, Caller, Harness, Outcome, call, ok};
use charter_types::admin::Deployment;
use charter_types::governance::args::{
    CreateLine, ExecuteUpgrade, ProposalRef, ProposeAmendment, ProposeRelease, ProposeUpgrade, Vote,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    Ballot, Choice, Constitution, EXECUTION_MS, Line, Member, Params, Proposal, ProposalKind, ProposalState,
    UpgradeFailure,
};
use charter_types::method::Method;
use charter_types::shared::methods as shared;
use charter_types::{AccountId, Hash32, Nothing, Page};
use charter_wasm::Contract;
use near_workspaces::Account;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::governance::renamed;
use crate::invariants::{Run, invariants};
use model::{About, BROKEN, CODE, CODES, End, Model, Move, PEOPLES, Person, State, Step};

/// `cargo xtask properties` plays 2,000.
const SEQUENCES: u32 = 20;
/// A call is in a later block than the look before it.
const SLACK_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
const PEOPLE: usize = 5;
/// The council of the line for code, after the people.
const ROOT: Person = PEOPLE;

/// The people's council at the beginning. Its quorum of 4,000 lets the first decide alone about releases, and about nothing
/// else; with the second's no there is a majority of votes, and none of weight.
const WEIGHTS: [u64; 3] = [3, 2, 2];

/// A step, whether who may make it makes it, and which of the latest proposals it is about.
#[derive(Clone, Debug)]
struct Op {
    by: Person,
    back: u64,
    paid: bool,
    rightly: bool,
    what: Move,
}

fn rightly(by: Person, back: u64, what: Move) -> Op {
    Op { by, back, paid: true, rightly: true, what }
}

fn constitution() -> impl Strategy<Value = model::Constitution> {
    let members = vec((0..PEOPLE - 1, 1_u64..4), 0..4);
    let share = || prop_oneof![Just(5_001_u64), Just(3_334), Just(6_667), Just(10_000)];
    (members, share(), share(), proptest::option::of(0..PEOPLE)).prop_map(
        |(members, quorum_bps, threshold, guardian)| model::Constitution {
            council: members.into_iter().collect(),
            quorum_bps,
            threshold_bps: threshold.max(5_001),
            guardian,
        },
    )
}

/// Votes of everybody but one yes. Beyond the people `no` counts how many vote at all: the first alone says yes, of more the
/// last says no.
fn all_vote(back: u64, no: Person) -> Vec<Op> {
    let last = no.checked_sub(PEOPLE + 1);
    let no = last.filter(|last| *last > 0).unwrap_or(no);
    let vote = |by| rightly(by, back, Move::Vote { yes: by != no, of_another: false });
    let votes = |by: &Person| last.is_none_or(|last| *by <= last || *by == ROOT);
    (0..=ROOT).filter(votes).map(|by| Op { rightly: false, ..vote(by) }).collect()
}

/// What a few proposals come to: made, voted on, counted, and carried out in some order after some time.
fn story(proposals: Vec<Move>, end: fn(&Move) -> Move) -> impl Strategy<Value = Vec<Op>> {
    let times = prop_oneof![4 => Just(HOUR_MS), 1 => Just(1), 1 => Just(EXECUTION_MS + 2 * HOUR_MS)];
    let count = u64::try_from(proposals.len()).unwrap();
    let order = (any::<bool>(), any::<bool>());
    (0..PEOPLE, 0..PEOPLE + 4, times, order, constitution()).prop_map(move |(by, no, ms, (newest, twice), next)| {
        let mut ops = Vec::new();
        for what in &proposals {
            let what = match what {
                Move::ProposeAmendment { .. } => Move::ProposeAmendment { next: next.clone(), stale: false },
                other => other.clone(),
            };
            ops.push(rightly(by, 0, what));
        }
        let each: Vec<u64> = if newest { (0..count).collect() } else { (0..count).rev().collect() };
        if twice {
            // Somebody else says no at first.
            ops.extend(all_vote(0, (no + 1) % PEOPLE));
        }
        ops.extend(each.iter().flat_map(|back| all_vote(*back, no)));
        ops.push(rightly(by, 0, Move::Wait(HOUR_MS)));
        ops.extend(each.iter().map(|back| rightly(by, *back, Move::Queue)));
        ops.push(rightly(by, 0, Move::Wait(ms)));
        for back in each {
            let index = proposals.len() - 1 - usize::try_from(back).unwrap();
            ops.push(rightly(by, back, end(&proposals[index])));
        }
        ops
    })
}

/// A release that is proposed to one council and voted on when there is another.
fn changed_midway() -> impl Strategy<Value = Vec<Op>> {
    (0..PEOPLE, 0..PEOPLE + 4, constitution()).prop_map(|(by, no, next)| {
        let mut ops = vec![rightly(by, 0, Move::ProposeAmendment { next, stale: false })];
        ops.extend(all_vote(0, PEOPLE));
        let middle = [Move::Wait(HOUR_MS), Move::Queue, Move::Wait(HOUR_MS), Move::ProposeRelease { stale: false }];
        ops.extend(middle.map(|what| rightly(by, 0, what)));
        ops.push(rightly(by, 1, Move::Amend));
        ops.extend(all_vote(0, no));
        let last = [Move::Wait(HOUR_MS), Move::Queue, Move::Wait(HOUR_MS), Move::Publish];
        ops.extend(last.map(|what| rightly(by, 0, what)));
        ops
    })
}

/// A release and an amendment that are voted on and forgotten, too early at first.
fn forgotten() -> impl Strategy<Value = Vec<Op>> {
    let times = prop_oneof![Just(HOUR_MS), Just(24 * HOUR_MS)];
    (0..PEOPLE, times, constitution()).prop_map(|(by, ms, next)| {
        let mut ops = vec![rightly(by, 0, Move::ProposeAmendment { next, stale: false })];
        ops.push(rightly(by, 0, Move::ProposeRelease { stale: false }));
        ops.extend(all_vote(0, PEOPLE));
        let times = [Move::Wait(EXECUTION_MS + HOUR_MS), Move::Forget, Move::Wait(ms), Move::Forget];
        ops.extend(times.map(|what| rightly(by, 0, what)));
        ops.extend([Move::Wait(2 * HOUR_MS), Move::Forget].map(|what| rightly(by, 0, what)));
        ops.push(rightly(by, 1, Move::Forget));
        ops
    })
}

fn end(of: &Move) -> Move {
    match of {
        Move::ProposeAmendment { .. } => Move::Amend,
        Move::ProposeUpgrade { .. } => Move::Execute { swapped: false },
        _ => Move::Publish,
    }
}

fn op() -> impl Strategy<Value = Op> {
    let rarely = || proptest::bool::weighted(0.2);
    let what = prop_oneof![
        2 => rarely().prop_map(|stale| Move::ProposeRelease { stale }),
        2 => (constitution(), rarely()).prop_map(|(next, stale)| Move::ProposeAmendment { next, stale }),
        1 => (0..CODES, rarely()).prop_map(|(code, stale)| Move::ProposeUpgrade { code, stale }),
        8 => (any::<bool>(), rarely()).prop_map(|(yes, of_another)| Move::Vote { yes, of_another }),
        3 => Just(Move::Queue),
        2 => Just(Move::Publish),
        2 => Just(Move::Amend),
        1 => rarely().prop_map(|swapped| Move::Execute { swapped }),
        2 => Just(Move::Cancel),
        2 => Just(Move::Forget),
        2 => prop_oneof![Just(HOUR_MS), Just(1), Just(HOUR_MS / 2)].prop_map(Move::Wait),
    ];
    (0..PEOPLE, 0_u64..3, proptest::bool::weighted(0.9), proptest::bool::weighted(0.6), what)
        .prop_map(|(by, back, paid, rightly, what)| Op { by, back, paid, rightly, what })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let upgrade = |code| Move::ProposeUpgrade { code, stale: false };
    let amendment = || Move::ProposeAmendment { next: model::Constitution::default(), stale: false };
    let release = || Move::ProposeRelease { stale: false };
    prop_oneof![
        20 => op().prop_map(|op| vec![op]),
        2 => story(vec![release()], end),
        1 => story(vec![release(), release()], end),
        1 => story(vec![amendment(), amendment(), release()], end),
        1 => changed_midway(),
        1 => forgotten(),
        1 => (0..CODES).prop_flat_map(move |code| story(vec![upgrade(code), upgrade(0)], end)),
    ]
}

/// What the contract shows of itself.
#[derive(Clone)]
struct Seen {
    lines: BTreeMap<u64, Line>,
    proposals: BTreeMap<u64, Proposal>,
    ballots: BTreeMap<u64, Vec<Ballot>>,
    running: Deployment,
    now_ms: u64,
}

struct World {
    harness: Harness,
    /// The people, and the root.
    people: Vec<Account>,
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
        let escrow = &self.harness.contracts.escrow;
        Seen {
            lines: lines.into_iter().map(|line| (line.id, line)).collect(),
            proposals: proposals.into_iter().map(|proposal| (proposal.id, proposal)).collect(),
            ballots,
            running: self.harness.look(escrow, shared::deployment, &Nothing {}).await.unwrap(),
            now_ms: self.harness.now_ms().await.unwrap(),
        }
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
            _ => about.map_or(PEOPLES, |proposal| proposal.line),
        };
        let council = about.filter(|_| matches!(op.what, Move::Vote { .. })).map(|proposal| &proposal.by.council);
        let council = council.unwrap_or(&self.model.lines[&line].now.council);
        let member = *council.keys().nth(op.by % council.len()).unwrap();
        let guardian = self.model.lines[&line].now.guardian;
        let by = match op.what {
            Move::Cancel => guardian.or(about.map(|proposal| proposal.proposer)).unwrap_or(op.by),
            Move::ProposeRelease { .. }
            | Move::ProposeAmendment { .. }
            | Move::ProposeUpgrade { .. }
            | Move::Vote { .. } => member,
            _ => op.by,
        };
        Step { by, ..step }
    }

    fn constitution(&self, of: &model::Constitution) -> Constitution {
        let account = |person: Person| self.people[person].id().clone();
        let member = |(person, weight): (&Person, &u64)| Member { account: account(*person), weight: *weight };
        let bps = |bps| u16::try_from(bps).unwrap();
        let (quorum_bps, threshold_bps) = (bps(of.quorum_bps), bps(of.threshold_bps));
        Constitution {
            council: of.council.iter().map(member).collect(),
            params: Params { vote_ms: HOUR_MS, timelock_ms: HOUR_MS, quorum_bps, threshold_bps },
            guardian: of.guardian.map(account),
        }
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
                let args = ProposeAmendment { line: PEOPLES, version, constitution: self.constitution(next) };
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
            Move::Cancel => call(governance::cancel, reference),
            Move::Forget => call(governance::forget_proposal, reference),
            Move::Execute { swapped } => {
                let about = self.model.proposals.get(&step.proposal).map(|known| &known.about);
                let code = if let Some(About::Code(code, _)) = about { *code } else { 0 };
                let code = if *swapped { (code + 1) % CODES } else { code };
                let args = ExecuteUpgrade { proposal: step.proposal, code: self.codes[code].clone() };
                call(governance::execute_upgrade, &args)
            }
            Move::Wait(_) => return None,
        })
    }

    async fn step(&mut self, op: &Op) {
        if let Move::Wait(ms) = op.what {
            return self.harness.wait(Duration::from_millis(ms)).await.unwrap();
        }
        let before = self.look().await;
        let step = &self.rightly(op);
        let Some(call) = self.call(step, &before) else { return };
        let method = call.method.clone();
        let by = self.people[step.by].clone();
        let mut what = format!("{method} by {} with {step:?}", by.id());
        let stores = matches!(
            step.what,
            Move::ProposeRelease { .. }
                | Move::ProposeAmendment { .. }
                | Move::ProposeUpgrade { .. }
                | Move::Vote { .. }
                | Move::Amend
        );
        let deposit = if stores == step.paid { DEPOSIT } else { 0 };
        let head = self.view(shared::event_head, &Nothing {}).await;
        let outcome = by.send(self.contract(), call, deposit).await.unwrap();
        let moved = head != self.view(shared::event_head, &Nothing {}).await;
        let end = end_of(&outcome, moved);
        what = format!("{what}: {:?}", charter_harness::failed_with(&outcome));
        TALLY.note(&method, end != End::Refused);
        let after = self.look().await;
        self.predict(step, end, (before.now_ms, after.now_ms), &what);
        self.check_model(&after, &what);
        check_tallies(&after, &what);
        check_change(&before, &after, &what);
        self.check_bytes(&what).await;
    }

    /// The model makes the same step. It does not know the second of the call: where the answer depends on that, either end
    /// will do.
    fn predict(&mut self, step: &Step, end: End, (from_ms, to_ms): (u64, u64), what: &str) {
        let (mut early, mut late) = (self.model.clone(), self.model.clone());
        let ends = [early.play(step, from_ms), late.play(step, to_ms)];
        let due = self.model.proposals.get(&step.proposal).is_some_and(|proposal| proposal.is_due(to_ms));
        assert!(ends.contains(&end), "{}: {ends:?} expected of: {what}", invariant_of(&step.what, due));
        self.model = if ends[0] == end { early } else { late };
    }

    /// Everything looks as the model says. Times are the chain's, if they are near.
    fn check_model(&mut self, seen: &Seen, what: &str) {
        let people: Vec<AccountId> = self.people.iter().map(|person| person.id().clone()).collect();
        let number = |account: &AccountId| people.iter().position(|person| person == account).unwrap();
        let constitution = |council: &[Member], params: Params, guardian: Option<&AccountId>| model::Constitution {
            council: council.iter().map(|member| (number(&member.account), member.weight)).collect(),
            quorum_bps: params.quorum_bps.into(),
            threshold_bps: params.threshold_bps.into(),
            guardian: guardian.map(number),
        };
        assert_eq!(seen.running.number, self.model.deployment, "INV-GOV-4: {what}");
        for (id, mine) in &self.model.lines {
            let line = &seen.lines[id];
            let now = constitution(&line.council, line.params, line.guardian.as_ref());
            let (head, seq, version) = (line.head, line.seq, line.version);
            assert_eq!((mine.head, mine.seq), (head, seq), "INV-GOV-5: line {id}: {what}");
            assert_eq!((mine.version, &mine.now), (version, &now), "line {id} is not as it should be after {what}");
        }
        assert!(self.model.proposals.keys().eq(seen.proposals.keys()), "{what}");
        for (id, mine) in &mut self.model.proposals {
            let proposal = &seen.proposals[id];
            for (mine, chains) in [(&mut mine.end_ms, proposal.end_ms), (&mut mine.eta_ms, proposal.eta_ms)] {
                assert!(mine.abs_diff(chains) <= SLACK_MS, "{mine} against {chains} ms: {what}");
                *mine = chains;
            }
            // INV-GOV-3: the council is that of the beginning; its guardian is the line's.
            let now = constitution(&proposal.council, proposal.params, None);
            let then = model::Constitution { guardian: None, ..mine.by.clone() };
            assert_eq!(then, now, "INV-GOV-3: proposal {id}: {what}");
            let ballots = seen.ballots[id].iter().map(|ballot| (number(&ballot.voter), ballot.choice == Choice::Yes));
            assert!(
                mine.ballots.clone().into_iter().eq(ballots.collect::<BTreeMap<_, _>>()),
                "INV-GOV-2: {id}: {what}"
            );
            let tally = (mine.weight(true), mine.weight(false));
            assert_eq!(tally, (proposal.yes, proposal.no), "INV-GOV-1: proposal {id}: {what}");
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

    async fn check_bytes(&self, what: &str) {
        let charged = charged_bytes(&self.harness, self.contract(), &self.people).await;
        let usage = self.harness.worker.view_account(self.contract()).await.unwrap().storage_usage;
        assert_eq!(charged, usage - self.empty_bytes, "bytes charged and bytes held: {what}");
    }
}

/// INV-GOV-1, of what is seen alone.
fn check_tallies(seen: &Seen, what: &str) {
    for (id, ballots) in &seen.ballots {
        let proposal = &seen.proposals[id];
        let cast = |choice| ballots.iter().filter(|ballot| ballot.choice == choice).map(|ballot| ballot.weight).sum();
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
            (proposal.content_hash, proposal.council.clone(), proposal.params, proposal.end_ms, proposal.eta_ms)
        };
        assert!(fixed(old) == fixed(new), "INV-GOV-3: proposal {id} is another one: {what}");
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

/// What became of a call. What was refused left no event.
fn end_of(outcome: &Outcome, moved: bool) -> End {
    match (outcome.is_success(), moved) {
        (true, _) => End::Done,
        (false, true) => End::Failed,
        (false, false) => End::Refused,
    }
}

/// The invariant that stands or falls with whether a move may be made, of a proposal that is due or not.
fn invariant_of(what: &Move, due: bool) -> &'static str {
    match what {
        Move::Vote { .. } => "INV-GOV-3",
        Move::Publish | Move::Amend if due => "INV-GOV-5",
        Move::Execute { .. } if due => "INV-GOV-10",
        _ => "INV-GOV-4",
    }
}

invariants!(SEQUENCES, play, {
    inv_gov_1_tallies_are_the_ballots_and_within_the_council: "INV-GOV-1",
    inv_gov_2_a_member_has_one_ballot: "INV-GOV-2",
    inv_gov_3_nothing_after_the_beginning_moves_a_vote: "INV-GOV-3",
    inv_gov_4_nothing_is_carried_out_out_of_time_or_with_other_bytes: "INV-GOV-4",
    inv_gov_5_heads_move_forward_only: "INV-GOV-5",
    inv_gov_10_a_failed_upgrade_can_be_tried_again: "INV-GOV-10",
});

async fn base() -> (Harness, Vec<Account>, Vec<Vec<u8>>) {
    let base = Harness::start().await.unwrap();
    let mut people = Vec::new();
    for name in ["ann", "ben", "cid", "dan", "eve"] {
        let person = base.account(name).await.unwrap();
        prepay(&person, &base.contracts.governance, 10 * DEPOSIT).await;
        people.push(person);
    }
    people.push(base.root().clone());
    let member = |(person, weight): (&Account, u64)| Member { account: person.id().clone(), weight };
    let council = people.iter().zip(WEIGHTS).map(member).collect();
    let params = Params { vote_ms: HOUR_MS, timelock_ms: HOUR_MS, quorum_bps: 4_000, ..Params::default() };
    let args = CreateLine { name: "scout".to_owned(), council, params, guardian: Some(people[3].id().clone()) };
    let line = ok(&people[0], &base.contracts.governance, governance::create_line, &args, DEPOSIT).await;
    assert_eq!(line, PEOPLES);
    let code = Contract::Escrow.code();
    let codes = vec![code.to_vec(), renamed(code, "b"), b"\0asm\x01\0\0\0".to_vec()];
    assert_eq!(codes.len(), BROKEN + 1);
    (base, people, codes)
}

fn start(seen: &Seen) -> Model {
    let constitution =
        |council, quorum_bps, guardian| model::Constitution { council, quorum_bps, threshold_bps: 5_001, guardian };
    let line = |now| model::Line { now, ..model::Line::default() };
    let peoples = (0..).zip(WEIGHTS).collect();
    let lines = [
        (CODE, line(constitution([(ROOT, 1)].into(), 5_001, None))),
        (PEOPLES, line(constitution(peoples, 4_000, Some(3)))),
    ];
    let before = seen.proposals.keys().next_back().copied().unwrap_or_default();
    Model { lines: lines.into_iter().collect(), before, deployment: seen.running.number, ..Model::default() }
}

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people, codes) = runtime.block_on(base());
    let run = Run { whose: "governance", sequences, shrinks: 40, runtime: &runtime, base: &base, people: &people };
    TALLY.play(run, vec(ops(), 10..16), async |harness, people, ops| {
        let usage = harness.worker.view_account(&harness.contracts.governance).await.unwrap().storage_usage;
        let charged = charged_bytes(&harness, &harness.contracts.governance, &people).await;
        let (codes, empty_bytes) = (codes.clone(), usage - charged);
        let mut world = World { harness, people, codes, model: Model::default(), empty_bytes };
        // A fork's clock goes on with its first block. Governance took over the contracts by proposals.
        prepay(&world.people[0], world.contract(), 1).await;
        let seen = world.look().await;
        world.model = start(&seen);
        for op in &ops {
            world.step(op).await;
        }
    })
}
