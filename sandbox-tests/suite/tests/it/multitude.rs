//! Ten thousand voters, ten thousand agents: what that many hold adds up, and what a call costs does not depend on them.
//!
//! The tests play a hundred; `cargo xtask properties` all.

use charter_harness::arguments::DEPOSIT;
use charter_harness::{Caller, call, ok};
use charter_types::U128;
use charter_types::governance::args::{AgentRef, DelegateStake, LineRef, ProposalRef, Vote};
use charter_types::governance::methods as governance;
use charter_types::governance::{Choice, RolloutState};
use charter_types::method::Method;
use near_workspaces::Account;

use crate::fleet::{Fleet, HOUR, LINE, PERIOD, version};
use crate::invariants::asked_for;
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

async fn costs<M: Method>(by: &Account, fleet: &Fleet, method: M, args: &M::Args, deposit: u128) -> f64 {
    let outcome = by.send(fleet.contract(), call(method, args).tgas(300), deposit).await.unwrap();
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
        let outcome = by.send(self.contract(), call(governance::vote, &args), DEPOSIT).await.unwrap();
        assert!(outcome.is_success(), "{outcome:?}");
        tgas(outcome.total_gas_burnt.as_gas())
    }
}

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
}

/// Walk the agents of a line, or the owners that object, and the last one can't afford to be heard.
#[tokio::test]
async fn a_fleet_of_many_costs_what_a_fleet_of_one_does() {
    let mut fleet = Fleet::new(1).await;
    // Something to go back to.
    a_release_costs(&fleet, "1.0.0", true).await;
    let before = a_release_costs(&fleet, "1.1.0", false).await;
    for _ in 1..multitude() {
        fleet.join().await;
    }
    let after = a_release_costs(&fleet, "1.2.0", false).await;
    for ((method, limit), (before, after)) in STEPS.into_iter().zip(before.into_iter().zip(after)) {
        flat(method, before, after, limit);
    }
}

const STEPS: [(&str, f64); 5] =
    [("vote", 5.0), ("publish", 10.0), ("release_for", 5.0), ("report_health", 10.0), ("advance", 6.0)];

/// A release that is well, or fails, where it goes first; from the vote to what comes of it.
async fn a_release_costs(fleet: &Fleet, semver: &str, well: bool) -> [f64; 5] {
    loop {
        let proposal = fleet.propose(version(semver)).await;
        let content_hash = fleet.proposal(proposal).await.content_hash;
        let vote = Vote { proposal, choice: Choice::Yes, content_hash };
        let vote = costs(&fleet.chief, fleet, governance::vote, &vote, DEPOSIT).await;
        fleet.harness.wait(PERIOD).await.unwrap();
        let about = ProposalRef { proposal };
        ok(&fleet.chief, fleet.contract(), governance::queue, &about, 0).await;
        fleet.harness.wait(PERIOD).await.unwrap();
        let publish = costs(&fleet.chief, fleet, governance::publish, &about, 0).await;
        let release = fleet.rollout().await.release;
        let reached = fleet.reached(release).await;
        if reached.is_empty() {
            continue;
        }
        let place = reached[0];
        // What a host asks all day.
        let asked = AgentRef { agent: fleet.agents[place] };
        let release_for = costs(&fleet.robots[place], fleet, governance::release_for, &asked, 0).await;
        let word = fleet.word(place, release, well);
        let report = costs(&fleet.robots[place], fleet, governance::report_health, &word, 0).await;
        for place in reached.into_iter().skip(1).take(2) {
            fleet.report(place, release, well).await;
        }
        // One agent alone is heard to the end.
        fleet.harness.wait(25 * HOUR).await.unwrap();
        let advance = costs(&fleet.chief, fleet, governance::advance, &LineRef { line: LINE }, 0).await;
        let end = if well { RolloutState::Done } else { RolloutState::RolledBack };
        assert_eq!(fleet.rollout().await.state, end);
        return [vote, publish, release_for, report, advance];
    }
}
