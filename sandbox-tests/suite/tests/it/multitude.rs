//! Ten thousand voters, ten thousand agents, ten thousand proposals: what that many hold adds up, and what a call costs does
//! not depend on them.
//!
//! The tests play a hundred; `cargo xtask properties` all.

use std::time::Duration;

use charter_harness::arguments::{DEPOSIT, enrolled};
use charter_harness::{Caller, call, view};
use charter_types::governance::args::{
    AgentRef, Choose, DelegateStake, ForgetBallots, ForgetObjections, ForgetReports, LineRef, Object, ProposalRef,
    ProposeRelease, Vote,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{Choice, EXECUTION_MS, KEPT_MS, Policy, RolloutState, Wanted};
use charter_types::method::Method;
use charter_types::{AccountId, Nothing, U128};
use near_workspaces::Account;
use near_workspaces::types::NearToken;

use crate::fleet::{Fleet, HOUR, LINE, PERIOD, version};
use crate::invariants::asked_for;
use crate::rollouts::goes_to_all;
use crate::staked::{NEAR, Staked, together};

/// Five times as many as sequences are played.
fn multitude() -> u128 {
    u128::from(asked_for().map_or(100, |sequences| sequences * 5))
}

/// A row is found by more steps where there are more, and each costs 0.016 TGas: nothing else may grow.
fn flat(method: &str, before: f64, after: f64, limit: f64) {
    println!("{method}: {before} TGas, with many others {after}");
    assert!(after < before + 1.0 && after <= limit, "{method}: {before} TGas, with many others {after}");
}

fn all_flat(steps: &[(&str, f64)], before: &[f64], after: &[f64]) {
    for ((method, limit), (before, after)) in steps.iter().zip(before.iter().zip(after)) {
        flat(method, *before, *after, *limit);
    }
}

async fn costs<M: Method>(by: &Account, contract: &AccountId, method: M, args: &M::Args, deposit: u128) -> f64 {
    let outcome = by.send(contract, call(method, args).tgas(300), deposit).await.unwrap();
    assert!(outcome.is_success(), "{}: {outcome:?}", M::NAME);
    tgas(outcome.total_gas_burnt.as_gas())
}

fn tgas(gas: u64) -> f64 {
    f64::from(u32::try_from(gas / 1_000_000_000).unwrap()) / 1_000.0
}

impl Staked {
    async fn vote_costs(&self, by: &Account, proposal: u64) -> f64 {
        let content_hash = self.proposal(proposal).await.content_hash;
        let args = Vote { proposal, choice: Choice::Yes, content_hash };
        costs(by, self.contract(), governance::vote, &args, DEPOSIT).await
    }

    /// Of somebody who comes, locks and delegates something, takes it back and unlocks it, all within a period: it counts
    /// nowhere.
    async fn stay_costs(&self, name: &str) -> [f64; 4] {
        let (holder, to) = (self.harness.account(name).await.unwrap(), self.delegate(&format!("{name}-to")).await);
        let part = |amount| DelegateStake { line: self.line, to: to.id().clone(), amount: U128(amount) };
        let contract = self.contract();
        let lock = costs(&holder, contract, governance::lock, &self.amount(NEAR), NEAR + DEPOSIT).await;
        let give = costs(&holder, contract, governance::delegate, &part(NEAR), DEPOSIT).await;
        let take = costs(&holder, contract, governance::delegate, &part(0), DEPOSIT).await;
        let unlock = costs(&holder, contract, governance::unlock, &self.amount(NEAR), 1).await;
        [lock, give, take, unlock]
    }

    /// Of taking away a vote of which nothing can come any more.
    async fn forgetting_costs(&self, proposal: u64, voter: &Account) -> f64 {
        self.harness.wait(KEPT).await.unwrap();
        let args = ForgetBallots { proposal, accounts: vec![voter.id().clone()] };
        costs(&self.chief, self.contract(), governance::forget_ballots, &args, 0).await
    }
}

const STAY: [(&str, f64); 4] = [("lock", 6.0), ("delegate", 6.0), ("delegate nothing", 6.0), ("unlock", 6.0)];
/// Longer than any proposal is kept from being forgotten.
const KEPT: Duration = Duration::from_millis(EXECUTION_MS + 2 * KEPT_MS);

/// Enough for stake to decide.
const FIRST: u128 = 3 * NEAR;

/// Keep shares instead of amounts, and of many holders each loses a yocto or finds one: INV-GOV-1.
#[tokio::test]
async fn what_many_holders_delegate_to_eight_adds_up_to_the_yocto_and_a_vote_costs_what_it_did() {
    let many = multitude();
    let line = Staked::new().await;
    let first = line.holder("first", FIRST).await;
    line.next_period().await;
    let alone = line.propose(&line.chief).await;
    let before = line.vote_costs(&first, alone).await;
    let (stay, forgetting) = (line.stay_costs("early").await, line.forgetting_costs(alone, &first).await);
    let mut delegates = Vec::new();
    for number in 0..8 {
        delegates.push(line.delegate(&format!("delegate{number}")).await);
    }
    let amount = |number: u128| NEAR / 20 + 1_000_003 * number + 7;
    let part = |number: u128, place: u128| amount(number) * (place + 1) / 41;
    let mut holders = Vec::new();
    for number in 0..many {
        let holder = line.harness.account(&format!("holder{number}")).await.unwrap();
        let mut calls = vec![(call(governance::lock, &line.amount(amount(number))), amount(number) + DEPOSIT)];
        for (place, delegate) in (0..).zip(&delegates) {
            let (to, amount) = (delegate.id().clone(), U128(part(number, place)));
            calls.push((call(governance::delegate, &DelegateStake { line: line.line, to, amount }), DEPOSIT));
        }
        let done = together(&holder, line.contract(), calls).await;
        assert!(done.is_success(), "{done:?}");
        holders.push(holder);
    }
    let ninth = line.delegate("ninth").await;
    let code = line.give(&holders[0], &ninth, 1).await;
    assert_eq!(code.as_deref(), Some("GOVERNANCE_TOO_MANY_DELEGATES"));
    line.next_period().await;
    let proposal = line.propose(&line.chief).await;
    let all = FIRST + (0..many).map(amount).sum::<u128>();
    assert_eq!(line.tally(proposal).await.all, U128(all));
    for (place, delegate) in (0..).zip(&delegates) {
        assert_eq!(line.vote(delegate, proposal, Choice::Yes).await, None);
        let received: u128 = (0..many).map(|number| part(number, place)).sum();
        assert_eq!(line.ballot(proposal, delegate).await.received, U128(received));
    }
    flat("vote", before, line.vote_costs(&first, proposal).await, 5.0);
    // One in ten votes itself.
    let (voting, silent): (Vec<u128>, Vec<u128>) = (0..many).partition(|number| number % 10 == 0);
    for number in &voting {
        let holder = &holders[usize::try_from(*number).unwrap()];
        assert_eq!(line.vote(holder, proposal, Choice::No).await, None);
    }
    let delegated = |number: &u128| (0..8).map(|place| part(*number, place)).sum::<u128>();
    let yes = FIRST + silent.iter().map(delegated).sum::<u128>();
    let no: u128 = voting.iter().map(|number| amount(*number)).sum();
    assert_eq!(line.votes(proposal).await, [yes, no, 0, 0]);
    let unused: u128 = silent.iter().map(|number| amount(*number) - delegated(number)).sum();
    assert_eq!(yes + no + unused, all);
    all_flat(&STAY, &stay, &line.stay_costs("late").await);
    flat("forget_ballots", forgetting, line.forgetting_costs(proposal, &first).await, 4.0);
}

/// Walk the agents of a line, the owners that object, or what else was proposed, and the last one can't afford to be heard.
#[tokio::test]
async fn a_fleet_of_many_costs_what_a_fleet_of_one_does() {
    let mut fleet = Fleet::new(1).await;
    // Something to go back to.
    a_release_costs(&fleet, "1.0.0", true).await;
    let before = (a_release_costs(&fleet, "1.1.0", false).await, coming_and_going_costs(&fleet).await);
    for _ in 1..multitude() {
        fleet.join().await;
    }
    propose_many(&fleet).await;
    let after = (a_release_costs(&fleet, "1.2.0", false).await, coming_and_going_costs(&fleet).await);
    all_flat(&STEPS, &before.0, &after.0);
    all_flat(&COMING_AND_GOING, &before.1, &after.1);
    // And one that is well: with a thousand owners it goes through every stage there is. None reaches less than ten.
    let reached = |bps: &u64| u128::from(*bps) * multitude() >= 10 * 10_000;
    let shares = [100, 1_000, 5_000, 10_000].into_iter().filter(|bps| *bps == 10_000 || reached(bps));
    let release = fleet.publish(version("1.3.0")).await;
    goes_to_all(&fleet, release, &shares.collect::<Vec<_>>()).await;
}

/// As many proposals as there are agents, of which nobody takes any notice.
async fn propose_many(fleet: &Fleet) {
    const AT_ONCE: usize = 9;
    let many = usize::try_from(multitude()).unwrap().next_multiple_of(AT_ONCE);
    let funds = NearToken::from_yoctonear(2 * DEPOSIT * multitude());
    fleet.harness.root().transfer_near(fleet.chief.id(), funds).await.unwrap().into_result().unwrap();
    let seq = fleet.line().await.seq;
    let proposal = call(governance::propose_release, &ProposeRelease { line: LINE, seq, content: version("9.9.9") });
    for _ in 0..many / AT_ONCE {
        let done = together(&fleet.chief, fleet.contract(), vec![(proposal.clone(), DEPOSIT); AT_ONCE]).await;
        assert!(done.is_success(), "{done:?}");
    }
}

const STEPS: [(&str, f64); 7] = [
    ("vote", 5.0),
    ("queue", 4.0),
    ("publish", 10.0),
    ("release_for", 5.0),
    ("report_health", 10.0),
    ("advance", 6.0),
    ("forget_reports", 4.0),
];

/// A release that is well, or fails, where it goes first; from the vote to what comes of it.
async fn a_release_costs(fleet: &Fleet, semver: &str, well: bool) -> [f64; 7] {
    let (chief, contract) = (&fleet.chief, fleet.contract());
    loop {
        let proposal = fleet.propose(version(semver)).await;
        let content_hash = fleet.proposal(proposal).await.content_hash;
        let vote = Vote { proposal, choice: Choice::Yes, content_hash };
        let vote = costs(chief, contract, governance::vote, &vote, DEPOSIT).await;
        fleet.harness.wait(PERIOD).await.unwrap();
        let about = ProposalRef { proposal };
        let queue = costs(chief, contract, governance::queue, &about, 0).await;
        fleet.harness.wait(PERIOD).await.unwrap();
        let publish = costs(chief, contract, governance::publish, &about, 0).await;
        let release = fleet.rollout().await.release;
        let reached = fleet.reached(release).await;
        if reached.is_empty() {
            continue;
        }
        let place = reached[0];
        // What a host asks all day.
        let asked = AgentRef { agent: fleet.agents[place] };
        let release_for = costs(&fleet.robots[place], contract, governance::release_for, &asked, 0).await;
        let word = fleet.word(place, release, well);
        let report = costs(&fleet.robots[place], contract, governance::report_health, &word, 0).await;
        for place in reached.into_iter().skip(1).take(2) {
            fleet.report(place, release, well).await;
        }
        // One agent alone is heard to the end.
        fleet.harness.wait(25 * HOUR).await.unwrap();
        let advance = costs(chief, contract, governance::advance, &LineRef { line: LINE }, 0).await;
        let end = if well { RolloutState::Done } else { RolloutState::RolledBack };
        assert_eq!(fleet.rollout().await.state, end);
        let spoken = ForgetReports { release, owners: vec![fleet.owners[place].id().clone()] };
        let forget = costs(chief, contract, governance::forget_reports, &spoken, 0).await;
        return [vote, queue, publish, release_for, report, advance, forget];
    }
}

const COMING_AND_GOING: [(&str, f64); 7] = [
    ("propose_release", 6.0),
    ("object", 10.0),
    ("forget_objections", 4.0),
    ("forget_proposal", 5.0),
    ("choose", 10.0),
    ("leave", 11.0),
    ("enroll", 12.0),
];

/// A release that an owner objects to and nobody votes for; then the owner leaves the line, and comes back.
async fn coming_and_going_costs(fleet: &Fleet) -> [f64; 7] {
    let (chief, owner, agent, contract) = (&fleet.chief, &fleet.owners[0], fleet.agents[0], fleet.contract());
    let release = ProposeRelease { line: LINE, seq: fleet.line().await.seq, content: version("0.0.1") };
    let propose = costs(chief, contract, governance::propose_release, &release, DEPOSIT).await;
    let (_, _, proposal) = view(&fleet.harness.worker, contract, governance::counts, &Nothing {}).await.unwrap();
    let object = costs(owner, contract, governance::object, &Object { proposal, agent }, 1).await;
    fleet.harness.wait(KEPT).await.unwrap();
    let objections = ForgetObjections { proposal, owners: vec![owner.id().clone()] };
    let forget_objections = costs(chief, contract, governance::forget_objections, &objections, 0).await;
    let forget = costs(chief, contract, governance::forget_proposal, &ProposalRef { proposal }, 0).await;
    let choice = Choose { agent, wanted: Wanted::Policy(Policy::default()) };
    let choose = costs(owner, contract, governance::choose, &choice, 1).await;
    let leave = costs(owner, contract, governance::leave, &AgentRef { agent }, 1).await;
    let enroll = costs(owner, contract, governance::enroll, &enrolled(agent, LINE), 1).await;
    [propose, object, forget_objections, forget, choose, leave, enroll]
}
