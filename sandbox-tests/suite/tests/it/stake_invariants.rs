//! INV-GOV-1 to 3 and 11 of votes by stake, over random operations on the real wasm: six people, two of them the
//! council, one an agent's account and one who never has anything, lock NEAR on one line and a token on another,
//! unlock, delegate to each other, and vote; the token fails and lies, the agent changes hands. A model (`model.rs`)
//! that keeps everything that ever happened, and replays it, says before every step whether it may be made, and after
//! it how everything has to look, to the yocto and the millisecond.

mod calls;
mod checks;
mod model;
mod moves;

use std::collections::BTreeMap;
use std::time::Duration;

use charter_harness::arguments::{DEPOSIT, accept, charged_bytes, enrolled, prepay, register};
use charter_harness::{Caller, Harness, Outcome, answer, failed_with, ok, raw};
use charter_types::asset::Asset;
use charter_types::governance::args::{AgentRef, CreateLine, LineRef};
use charter_types::governance::methods as governance;
use charter_types::governance::{Constitution, Member, Params, Pool, Proposal, StakeRules};
use charter_types::method::Method;
use charter_types::registry::args::{AgentAccount, SetAgentAccount};
use charter_types::registry::methods as registry;
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::{AccountId, Nothing, Page, U128};
use near_workspaces::Account;
use proptest::collection::vec;
use serde_json::json;

use crate::invariants::{Run, invariants};
use crate::staked::token;
use checks::{check_change, check_money};
use model::{
    Act, BEN, BOT, BYSTANDERS, COUNCIL, EVE, EVERYBODY, EXTENSION_MS, End, Fact, LINES, Model, NEAR, PEOPLE, PERIOD_MS,
    Person, QUORUM_BPS, State, Step, THRESHOLD_BPS, TIMELOCK_MS, UNLOCK_MS, VOTE_MS, bond, floor, period_begin_ms,
};
use moves::{Move, Op, Until, ops};

/// A tenth of 500; `cargo xtask properties` plays 2,000.
const SEQUENCES: u32 = 50;
const NAMES: [&str; PEOPLE] = ["ann", "ben", "cid", "dan", "bot", "eve"];
/// What everybody but the last has of the token.
const TOKENS: u128 = 10_000;
/// Somewhat later than a time.
const LATER_MS: u64 = 1_000;

struct World {
    harness: Harness,
    /// The people, and the bystanders.
    people: Vec<Account>,
    /// The line's token, and one that is not.
    tokens: [AccountId; 2],
    /// What the registry calls the agent.
    agent: u64,
    model: Model,
    /// Bytes of the contract before anybody stored anything.
    empty_bytes: u64,
}

/// What the contract shows of itself.
struct Seen {
    proposals: BTreeMap<u64, Proposal>,
    /// What is in its account and is nobody's: neither a holder's, nor in a storage account, nor a bond.
    spare: i128,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Came {
    Done,
    /// With this code; without one, if the receiver of a transfer gave all of it back.
    Refused(String),
}

impl World {
    fn contract(&self) -> &AccountId {
        &self.harness.contracts.governance
    }

    fn id(&self, person: Person) -> AccountId {
        self.people[person].id().clone()
    }

    fn number(&self, account: &AccountId) -> Person {
        self.people.iter().position(|person| person.id() == account).unwrap()
    }

    async fn view<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        self.harness.look(self.contract(), method, args).await.unwrap()
    }

    async fn pool(&self, line: u64) -> Pool {
        self.view(governance::pool, &LineRef { line }).await.unwrap()
    }

    async fn look(&self) -> Seen {
        let page = Page { from: self.model.before + 1, limit: Some(100) };
        let proposals = self.view(governance::proposals, &page).await;
        let mut owed: u128 = proposals.iter().map(|proposal| proposal.bond.0).sum();
        for person in &self.people {
            let question = StorageOf { account_id: person.id().clone() };
            owed += self.view(shared::storage_balance_of, &question).await.map_or(0, |balance| balance.total.0);
        }
        owed += self.pool(NEAR).await.books.held.0;
        let balance = self.harness.worker.view_account(self.contract()).await.unwrap().balance.as_yoctonear();
        let signed = |yocto: u128| i128::try_from(yocto).unwrap();
        let proposals = proposals.into_iter().map(|proposal| (proposal.id, proposal)).collect();
        Seen { proposals, spare: signed(balance) - signed(owed) }
    }

    /// Those of before are not in the model; the next one is nowhere yet.
    fn proposal(&self, op: &Op) -> u64 {
        self.model.newest().saturating_sub(op.back).max(self.model.before + 1)
    }

    /// What is no call that is judged: time, and what the registry and the token are told. Whether it was one of those.
    async fn prepare(&mut self, op: &Op) -> bool {
        let owner = &self.people[self.model.owner];
        match op.what {
            Move::Wait(until) => self.wait(op, until).await,
            Move::Fail(fails) => {
                let call = raw("fail", json!({ "fails": fails }));
                assert!(self.harness.root().send(&self.tokens[0], call, 0).await.unwrap().is_success());
                self.model.fails = fails;
            }
            Move::Enroll if LINES.contains(&op.line) => {
                ok(owner, self.contract(), governance::enroll, &enrolled(self.agent, op.line), 1).await;
                self.model.enrolled = Some(op.line);
            }
            Move::Leave if self.model.enrolled.is_some() => {
                ok(owner, self.contract(), governance::leave, &AgentRef { agent: self.agent }, 1).await;
                self.model.enrolled = None;
            }
            Move::Sell { to } if to != self.model.owner => {
                let (buyer, agent, registry) = (&self.people[to], self.agent, &self.harness.contracts.registry);
                let offer = AgentAccount { agent, account: buyer.id().clone() };
                ok(owner, registry, registry::offer_transfer, &offer, DEPOSIT).await;
                let taken = accept(&self.harness, registry, agent).await;
                ok(buyer, registry, registry::accept_transfer, &taken, DEPOSIT).await;
                // A new owner says anew which account is the agent's.
                let own = SetAgentAccount { agent, agent_account: Some(self.id(BOT)) };
                ok(buyer, registry, registry::set_agent_account, &own, DEPOSIT).await;
                self.model.owner = to;
            }
            Move::Enroll | Move::Leave | Move::Sell { .. } => {}
            _ => return false,
        }
        true
    }

    async fn wait(&self, op: &Op, until: Until) {
        let now_ms = self.harness.now_ms().await.unwrap();
        let about = self.model.proposals.get(&self.proposal(op));
        let then_ms = match until {
            Until::Ms(ms) => now_ms + ms,
            Until::NextPeriod => period_begin_ms(now_ms) + PERIOD_MS + LATER_MS,
            Until::End => about.map_or(0, |proposal| proposal.end_ms + LATER_MS),
            Until::Gone => about.map_or(0, |proposal| proposal.kept_ms() + LATER_MS),
            Until::Ready => {
                let ready = |line, person| self.model.money(line, person, 0).ready_ms;
                let all = LINES.into_iter().flat_map(|line| (0..PEOPLE).map(move |person| ready(line, person)));
                all.max().unwrap_or_default() + LATER_MS
            }
        };
        if then_ms > now_ms {
            self.harness.wait(Duration::from_millis(then_ms - now_ms)).await.unwrap();
        }
    }

    async fn step(&mut self, op: &Op) {
        if self.prepare(op).await {
            return;
        }
        let before = self.look().await;
        let step = &self.rightly(op, self.harness.now_ms().await.unwrap());
        let sent = self.sent(step, &before);
        let by = if matches!(step.act, Act::Lie { .. }) { self.harness.root() } else { &self.people[step.by] };
        let (method, deposit) = (sent.call.method.clone(), sent.deposit);
        let outcome = by.send(&sent.to, sent.call, deposit).await.unwrap();
        let now_ms = self.time_of(&step.act, &outcome).await;
        let came = came_of(&step.act, &outcome, self.contract());
        let what = &format!("{method} with {step:?} at {now_ms}: {came:?}");
        TALLY.note(&method, came == Came::Done);
        let end = self.model.judge(step, now_ms);
        assert!(is_expected(&came, &end), "{}: {end:?} expected of: {what}", invariant_of(&self.model, step, &end));
        if came == Came::Done {
            self.check_answer(step, &outcome, now_ms, what);
            self.model.apply(step, now_ms);
        }
        let after = self.look().await;
        check_change(&before, &after, &step.act, what);
        check_money(&before, &after, deposit, what);
        let id = self.proposal(op);
        let line = if matches!(step.act, Act::Vote { .. } | Act::VoteAsAgent { .. }) {
            self.model.proposals.get(&id).map_or(op.line, |proposal| proposal.line)
        } else {
            op.line
        };
        self.check(&[line], &[id], &after, what).await;
    }

    /// When the contract did it: in its first receipt or, if it asks the registry, in the next one.
    async fn time_of(&self, act: &Act, outcome: &Outcome) -> u64 {
        let mut times = Vec::new();
        for one in outcome.receipt_outcomes().iter().filter(|one| one.executor_id == *self.contract()) {
            let block = self.harness.worker.view_block().block_hash(one.block_hash).await.unwrap();
            times.push(block.timestamp() / 1_000_000);
        }
        times.sort_unstable();
        let asks = matches!(act, Act::StandAsAgent { .. } | Act::VoteAsAgent { .. });
        let place = usize::from(asks && times.len() > 1);
        match times.get(place) {
            Some(ms) => *ms,
            // A token that refuses asks nobody.
            None => self.harness.now_ms().await.unwrap(),
        }
    }

    fn check_answer(&self, Step { by, act, .. }: &Step, outcome: &Outcome, now_ms: u64, what: &str) {
        match *act {
            Act::Unlock { .. } => {
                let ready_ms = period_begin_ms(now_ms) + PERIOD_MS + UNLOCK_MS;
                assert_eq!(answer(governance::unlock, outcome).unwrap(), ready_ms, "INV-GOV-12: {what}");
            }
            Act::Withdraw { line } => {
                let ready = self.model.money(line, *by, now_ms).free;
                assert_eq!(answer(governance::withdraw_stake, outcome).unwrap(), U128(ready), "INV-GOV-12: {what}");
            }
            Act::Propose { .. } => {
                let id = answer(governance::propose_release, outcome).unwrap();
                assert_eq!(id, self.model.newest() + 1, "INV-GOV-MODEL: {what}");
            }
            Act::Queue { id } => {
                let passes = self.model.passes(&self.model.proposals[&id]);
                let mine = if passes { State::Approved } else { State::Rejected };
                assert_eq!(answer(governance::queue, outcome).unwrap(), calls::state(mine), "INV-GOV-1: {what}");
            }
            _ => {}
        }
    }
}

/// What became of a call. Of tokens that were sent, all is taken or nothing.
fn came_of(act: &Act, outcome: &Outcome, contract: &AccountId) -> Came {
    if let Some(code) = failed_with(outcome) {
        return Came::Refused(code);
    }
    let (amount, taken) = match *act {
        Act::Transfer { amount, .. } => (amount, outcome.clone().json::<U128>().unwrap().0),
        Act::Lie { amount, .. } => (amount, amount - outcome.clone().json::<U128>().unwrap().0),
        _ => return Came::Done,
    };
    if taken == amount {
        return Came::Done;
    }
    assert_eq!(taken, 0, "INV-GOV-12: a part of {amount}: {outcome:?}");
    let failures = outcome.receipt_failures();
    let by_it = failures.iter().find(|failure| failure.executor_id == *contract);
    Came::Refused(by_it.map_or(String::new(), |failure| said(&format!("{failure:?}"))))
}

/// The code of a receipt that failed.
fn said(failure: &str) -> String {
    let Some((_, told)) = failure.split_once("Smart contract panicked: ") else { return failure.to_owned() };
    told.split([':', '"', '\\']).next().unwrap_or(told).to_owned()
}

fn is_expected(came: &Came, end: &End) -> bool {
    match (came, end) {
        (Came::Done, End::Done | End::Either(_)) | (Came::Refused(_), End::Failed) => true,
        (Came::Refused(code), End::Refused(codes) | End::Either(codes)) => {
            codes.is_empty() || code.is_empty() || codes.contains(&code.as_str())
        }
        _ => false,
    }
}

/// The invariant that stands or falls with whether a call is taken. A vote after the end, or by who has a ballot, is about
/// what may be changed; any other is about who votes.
fn invariant_of(model: &Model, Step { by, act, .. }: &Step, end: &End) -> &'static str {
    match act {
        Act::Vote { id, .. } | Act::VoteAsAgent { id, .. } => {
            let ended = matches!(end, End::Refused(codes) if codes.contains(&"GOVERNANCE_VOTE_ENDED"));
            let known = model.proposals.get(id);
            let voted = known.is_some_and(|proposal| proposal.cast.iter().any(|cast| cast.voter == *by));
            if ended || voted { "INV-GOV-2" } else { "INV-GOV-3" }
        }
        Act::Lock { .. } | Act::Transfer { .. } | Act::Lie { .. } | Act::Unlock { .. } | Act::Withdraw { .. } => {
            "INV-GOV-12"
        }
        _ => "INV-GOV-MODEL",
    }
}

invariants!(SEQUENCES, play, {
    inv_gov_1_tallies_are_the_ballots_and_within_what_was_locked: "INV-GOV-1",
    inv_gov_2_a_voter_has_one_ballot_and_takes_from_delegates_what_it_delegated: "INV-GOV-2",
    inv_gov_3_nothing_after_the_periods_begin_moves_a_vote: "INV-GOV-3",
    inv_gov_11_what_events_tell_is_what_is_stored: "INV-GOV-11",
    inv_gov_12_what_holders_have_is_what_the_contract_holds: "INV-GOV-12",
    the_contract_and_a_model_of_it_agree: "INV-GOV-MODEL",
});

fn asset(line: u64, token: &AccountId) -> Asset {
    if line == NEAR { Asset::Near } else { Asset::Nep141(token.clone()) }
}

fn constitution(people: &[Account], token: &AccountId, line: u64) -> Constitution {
    let member = |(person, weight): (Person, u128)| Member {
        account: people[person].id().clone(),
        weight: u64::try_from(weight).unwrap(),
    };
    let bps = |bps: u128| u16::try_from(bps).unwrap();
    let params = Params {
        vote_ms: VOTE_MS,
        timelock_ms: TIMELOCK_MS,
        quorum_bps: bps(QUORUM_BPS),
        threshold_bps: bps(THRESHOLD_BPS),
        extension_ms: EXTENSION_MS,
        proposal_bond: U128(bond(line)),
        enrolment_bond: U128(0),
    };
    let stake = StakeRules { asset: asset(line, token), unlock_ms: UNLOCK_MS, floor: U128(floor(line)) };
    Constitution { council: COUNCIL.map(member).to_vec(), params, guardian: None, stake: Some(stake) }
}

/// The chain on which sequences begin: its people, the tokens, and what the registry calls the agent.
type Base = (Harness, Vec<Account>, [AccountId; 2], u64);

async fn base() -> Base {
    let base = Harness::start().await.unwrap();
    let contract = base.contracts.governance.clone();
    let mut people = Vec::new();
    let bystanders = (0..BYSTANDERS).map(|number| format!("bystander{number}"));
    for name in NAMES.map(str::to_owned).into_iter().chain(bystanders) {
        people.push(base.account(&name).await.unwrap());
    }
    let mut tokens = Vec::new();
    for name in ["token", "other"] {
        let holders: Vec<_> = people[..EVE].iter().map(|person| (person.id().clone(), TOKENS)).collect();
        tokens.push(token(&base, name, &holders).await.id().clone());
    }
    let tokens: [AccountId; 2] = tokens.try_into().unwrap();
    for person in &people {
        prepay(person, &contract, 10 * DEPOSIT).await;
    }
    for line in LINES {
        let Constitution { council, params, guardian, stake } = constitution(&people, &tokens[0], line);
        let args = CreateLine { name: format!("line {line}"), council, params, guardian, stake };
        assert_eq!(ok(&people[0], &contract, governance::create_line, &args, DEPOSIT).await, line);
        for bystander in &people[PEOPLE..] {
            ok(bystander, &contract, governance::stand, &LineRef { line }, DEPOSIT).await;
        }
    }
    let agent = register(&base, &people[BEN], Vec::new()).await;
    let own = SetAgentAccount { agent, agent_account: Some(people[BOT].id().clone()) };
    ok(&people[BEN], &base.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
    (base, people, tokens, agent)
}

fn start(before: u64) -> Model {
    let has = |person| if person < EVE { TOKENS } else { 0 };
    let tokens = (0..EVERYBODY).map(has).collect();
    let mut model = Model { before, tokens, owner: BEN, ..Model::default() };
    for line in LINES {
        for (number, person) in (1..).zip(PEOPLE..EVERYBODY) {
            model.note(0, line, person, Fact::Stood { number, owner: None });
        }
    }
    model
}

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people, tokens, agent) = runtime.block_on(base());
    let run = Run { whose: "stake", sequences, shrinks: 60, runtime: &runtime, base: &base, people: &people };
    TALLY.play(run, vec(ops(), 8..12), async |harness, people, ops| {
        // A fork's clock goes on with its first block.
        let contract = harness.contracts.governance.clone();
        prepay(&people[0], &contract, 1).await;
        let usage = harness.worker.view_account(&contract).await.unwrap().storage_usage;
        let empty_bytes = usage - charged_bytes(&harness, &contract, &people).await;
        let (_, _, before) = harness.look(&contract, governance::counts, &Nothing {}).await.unwrap();
        let (tokens, model) = (tokens.clone(), start(before));
        let mut world = World { harness, people, tokens, agent, model, empty_bytes };
        for op in &ops {
            world.step(op).await;
        }
        let (seen, ids) = (world.look().await, world.model.proposals.keys().copied().collect::<Vec<_>>());
        world.check(&LINES, &ids, &seen, "the end of the sequence").await;
        crate::replayed::check(&world.harness).await;
    })
}
