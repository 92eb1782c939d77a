//! What keeps a release that was voted for from being carried out: owners who object, a vote that came late, the guardian;
//! what is left as a bond meanwhile, and whose word an agent waits for.

use std::time::Duration;

use charter_harness::arguments::{DEPOSIT, charged_bytes, content, enrolled, prepay, register};
use charter_harness::{Call, Caller, call, failed_with, ok, refused, view};
use charter_types::governance::args::{
    AgentRef, CreateLine, ForgetObjections, LineRef, Object, PauseLine, ProposalRef, ProposeRelease, ReleaseRef, State,
    Vote,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    BOND_MIN, Choice, EXECUTION_MS, KEPT_MS, Member, PAUSE_MS_MAX, PERIOD_MS_MIN, Params, ProposalState, Reason,
    RolloutState, StatementKind, Wanted,
};
use charter_types::registry::args::AgentAccount;
use charter_types::registry::methods as registry;
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::{AccountId, Hash32, U128};
use near_workspaces::Account;

use crate::fleet::{Fleet, HOUR, LINE, PARAMS, PERIOD, version};
use charter_harness::arguments::accept;

impl Fleet {
    async fn object(&self, place: usize, proposal: u64) -> Option<String> {
        let args = Object { proposal, agent: self.agents[place] };
        let sent = self.owners[place].send(self.contract(), call(governance::object, &args), 1).await.unwrap();
        failed_with(&sent)
    }

    async fn publishes(&self, proposal: u64) -> Option<String> {
        let sent = call(governance::publish, &ProposalRef { proposal });
        failed_with(&self.harness.root().send(self.contract(), sent, 0).await.unwrap())
    }

    /// What an account could take out of the contract.
    async fn available(&self, account: &AccountId) -> u128 {
        let question = StorageOf { account_id: account.clone() };
        let balance = self.harness.look(self.contract(), shared::storage_balance_of, &question).await.unwrap();
        balance.unwrap().available.0
    }
}

/// Count agents instead of owners, and who has many stops every release of a line; leave out `vote_again`, and owners are
/// asked for nothing.
#[tokio::test]
async fn one_owner_in_ten_has_a_release_voted_on_again_and_one_with_many_agents_does_not() {
    let fleet = Fleet::new(31).await;
    // The first owner has more agents than all others together.
    prepay(&fleet.owners[0], fleet.contract(), 10 * DEPOSIT).await;
    for _ in 0..40 {
        let agent = register(&fleet.harness, &fleet.owners[0], Vec::new()).await;
        ok(&fleet.owners[0], fleet.contract(), governance::enroll, &enrolled(agent, LINE), 1).await;
    }
    let proposal = fleet.queued(version("1.0.0")).await;
    let eta_ms = fleet.proposal(proposal).await.eta_ms;
    assert_eq!(fleet.object(0, proposal).await, None);
    for agent in [fleet.agents[0], fleet.agents[30] + 1] {
        let args = Object { proposal, agent };
        let again = fleet.owners[0].send(fleet.contract(), call(governance::object, &args), 1).await.unwrap();
        assert_eq!(failed_with(&again).as_deref(), Some("GOVERNANCE_OBJECTED"));
    }
    let stretched = fleet.proposal(proposal).await;
    assert_eq!((stretched.objections, stretched.owners), (1, 31));
    assert_eq!(stretched.eta_ms, eta_ms + PERIOD_MS_MIN, "one in a hundred takes the timelock to twice its length");
    // Enrolled since: no say in this one.
    let late = register(&fleet.harness, &fleet.owners[1], Vec::new()).await;
    ok(&fleet.owners[1], fleet.contract(), governance::enroll, &enrolled(late, LINE), 1).await;
    let args = Object { proposal, agent: late };
    assert_eq!(
        refused(&fleet.owners[1], fleet.contract(), governance::object, &args, 1).await,
        "GOVERNANCE_NOT_COUNTED"
    );
    let counting = ForgetObjections { proposal, owners: vec![fleet.owners[0].id().clone()] };
    let root = fleet.harness.root();
    let code = refused(root, fleet.contract(), governance::forget_objections, &counting, 0).await;
    assert_eq!(code, "GOVERNANCE_OBJECTABLE");
    for place in 1..3 {
        assert_eq!(fleet.object(place, proposal).await, None);
    }
    assert_eq!(fleet.proposal(proposal).await.round, 0, "three of 31 are less than one in ten");
    assert_eq!(fleet.object(3, proposal).await, None);
    let again = fleet.proposal(proposal).await;
    assert_eq!((again.state, again.round, again.yes, again.no), (ProposalState::Voting, 1, 0, 0));
    assert!(again.is_contested());
    assert_eq!(fleet.object(4, proposal).await.as_deref(), Some("GOVERNANCE_NOT_OBJECTABLE"));
    fleet.harness.wait(PERIOD).await.unwrap();
    assert_eq!(fleet.publishes(proposal).await.as_deref(), Some("GOVERNANCE_NOT_APPROVED"));
    // Nobody votes again, so it is over: silence is no consent the second time either.
    let about = ProposalRef { proposal };
    let state = ok(root, fleet.contract(), governance::queue, &about, 0).await;
    assert_eq!(state, ProposalState::Rejected);
    // The objections go back to who paid for them.
    let owners = std::slice::from_ref(&fleet.owners[3]);
    let before = charged_bytes(&fleet.harness, fleet.contract(), owners).await;
    let args = ForgetObjections { proposal, owners: (0..5).map(|place| fleet.owners[place].id().clone()).collect() };
    ok(root, fleet.contract(), governance::forget_objections, &args, 0).await;
    assert!(charged_bytes(&fleet.harness, fleet.contract(), owners).await < before - 100);
}

/// Keep the ballots of before, and a vote that owners had undone counts all the same.
#[tokio::test]
async fn what_passes_the_second_vote_is_carried_out() {
    let fleet = Fleet::new(3).await;
    let proposal = fleet.queued(version("1.0.0")).await;
    for place in 0..3 {
        assert_eq!(fleet.object(place, proposal).await, None);
    }
    fleet.vote(proposal, Choice::Yes).await;
    assert_eq!(fleet.proposal(proposal).await.yes, 1);
    fleet.harness.wait(PERIOD).await.unwrap();
    ok(&fleet.chief, fleet.contract(), governance::queue, &ProposalRef { proposal }, 0).await;
    assert_eq!(fleet.publishes(proposal).await.as_deref(), Some("GOVERNANCE_TOO_EARLY"));
    fleet.harness.wait(PERIOD).await.unwrap();
    assert_eq!(fleet.publishes(proposal).await, None);
    assert_eq!(fleet.line().await.seq, 1);
}

/// Read the state alone in `check_objectable`, and who keeps `queue` back leaves owners no time; ask the row for the owner
/// instead of the registry, and who sold an agent objects with it.
#[tokio::test]
async fn owners_object_while_a_vote_runs_and_when_nobody_counted_it() {
    let fleet = Fleet::new(4).await;
    let registry = &fleet.harness.contracts.registry;
    let (seller, buyer, sold) = (&fleet.owners[0], &fleet.owners[1], fleet.agents[0]);
    let proposal = fleet.propose(version("1.0.0")).await;
    let offer = AgentAccount { agent: sold, account: buyer.id().clone() };
    ok(seller, registry, registry::offer_transfer, &offer, DEPOSIT).await;
    ok(buyer, registry, registry::accept_transfer, &accept(&fleet.harness, registry, sold).await, DEPOSIT).await;
    assert_eq!(fleet.object(0, proposal).await.as_deref(), Some("GOVERNANCE_NOT_OWNER"));
    let args = Object { proposal, agent: sold };
    let of_another = refused(buyer, fleet.contract(), governance::object, &args, 1).await;
    assert_eq!(of_another, "GOVERNANCE_STALE_ENROLMENT");
    // Two while it runs, the third behind its end.
    for place in 1..3 {
        assert_eq!(fleet.object(place, proposal).await, None);
    }
    fleet.vote(proposal, Choice::Yes).await;
    fleet.harness.wait(PERIOD).await.unwrap();
    assert_eq!(fleet.object(3, proposal).await, None);
    let again = fleet.proposal(proposal).await;
    assert_eq!((again.state, again.round), (ProposalState::Voting, 1));
    // Late: the timelock of one that nobody counted runs all the same, and nothing is objected to behind it.
    let next = fleet.propose(version("1.0.1")).await;
    fleet.vote(next, Choice::Yes).await;
    fleet.harness.wait(2 * PERIOD).await.unwrap();
    assert_eq!(fleet.object(1, next).await.as_deref(), Some("GOVERNANCE_NOT_OBJECTABLE"));
}

/// INV-GOV-9. Leave `give_back` out of any of its places, and a bond stays; take the bond of the line as it is now, and who
/// joined when it was small gets more than it left.
#[tokio::test]
async fn every_bond_comes_back_to_who_left_it() {
    let bond = U128(3 * BOND_MIN);
    let params = Params { proposal_bond: bond, enrolment_bond: bond, ..PARAMS };
    let fleet = Fleet::with(2, params).await;
    let contract = fleet.contract();
    let (owner, chief) = (&fleet.owners[0], &fleet.chief);
    // An owner who has not got it does not join, and nothing of it stays.
    let poor = fleet.harness.account("poor").await.unwrap();
    let agent = register(&fleet.harness, &poor, Vec::new()).await;
    prepay(&poor, contract, 2 * BOND_MIN).await;
    let before = (fleet.available(poor.id()).await, fleet.rollout().await.owners);
    let join = poor.send(contract, call(governance::enroll, &enrolled(agent, LINE)), 1).await.unwrap();
    assert_eq!(failed_with(&join).as_deref(), Some("CHARTER_STORAGE_SHORT"));
    assert_eq!((fleet.available(poor.id()).await, fleet.rollout().await.owners), before);
    // Out and in again: what is left is the bond's and the rows'.
    let in_it = fleet.available(owner.id()).await;
    let agent = fleet.agents[0];
    ok(owner, contract, governance::leave, &AgentRef { agent }, 1).await;
    assert!(fleet.available(owner.id()).await >= in_it + bond.0);
    ok(owner, contract, governance::enroll, &enrolled(agent, LINE), 1).await;
    assert_eq!(fleet.available(owner.id()).await, in_it);
    // A proposal's comes back whatever becomes of it: rejected, carried out, cancelled, or never counted.
    let free = fleet.available(chief.id()).await;
    let mut ended = Vec::new();
    for end in [ProposalState::Rejected, ProposalState::Executed, ProposalState::Cancelled, ProposalState::Voting] {
        let proposal = fleet.propose(version("1.0.0")).await;
        assert_eq!(fleet.proposal(proposal).await.bond, bond);
        let about = ProposalRef { proposal };
        if end == ProposalState::Executed {
            fleet.vote(proposal, Choice::Yes).await;
        }
        if end == ProposalState::Cancelled {
            ok(chief, contract, governance::cancel, &about, 0).await;
        }
        fleet.harness.wait(PERIOD).await.unwrap();
        if matches!(end, ProposalState::Rejected | ProposalState::Executed) {
            ok(&poor, contract, governance::queue, &about, 0).await;
        }
        fleet.harness.wait(PERIOD).await.unwrap();
        if end == ProposalState::Executed {
            assert_eq!(fleet.proposal(proposal).await.bond, bond, "held until it is over");
            ok(&poor, contract, governance::publish, &about, 0).await;
        }
        assert_eq!(fleet.proposal(proposal).await.state, end);
        assert_eq!(fleet.proposal(proposal).await.bond.0, if end == ProposalState::Voting { bond.0 } else { 0 });
        ended.push(proposal);
    }
    fleet.harness.wait(Duration::from_millis(2 * PERIOD_MS_MIN + EXECUTION_MS + KEPT_MS)).await.unwrap();
    for proposal in ended {
        ok(&poor, contract, governance::forget_proposal, &ProposalRef { proposal }, 0).await;
    }
    // What it attached paid for four bonds and for rows, of which those of the published release stay.
    let back = fleet.available(chief.id()).await - free;
    assert!((4 * bond.0..5 * bond.0).contains(&back), "{back}");
}

/// Leave the bond with the row, and who bought an agent holds what the seller left for it; ask only whether it is pinned, and
/// a seller who pinned it has no way out.
#[tokio::test]
async fn who_sold_an_agent_has_its_bond_back_whatever_the_buyer_pins() {
    let bond = U128(3 * BOND_MIN);
    let fleet = Fleet::with(3, Params { enrolment_bond: bond, ..PARAMS }).await;
    let (contract, registry) = (fleet.contract(), &fleet.harness.contracts.registry);
    let buyer = &fleet.owners[2];
    for (place, frozen) in [(0, true), (1, false)] {
        let (seller, agent) = (&fleet.owners[place], fleet.agents[place]);
        fleet.choose(place, Wanted::Pin(0)).await;
        let offer = AgentAccount { agent, account: buyer.id().clone() };
        ok(seller, registry, registry::offer_transfer, &offer, DEPOSIT).await;
        ok(buyer, registry, registry::accept_transfer, &accept(&fleet.harness, registry, agent).await, DEPOSIT).await;
        let left = fleet.available(seller.id()).await;
        if frozen {
            ok(buyer, contract, governance::freeze, &AgentRef { agent }, 0).await;
        }
        ok(seller, contract, governance::leave, &AgentRef { agent }, 1).await;
        let back = fleet.available(seller.id()).await - left;
        // Of its rows the smaller one goes in any case, and the one that says what is pinned stays.
        assert_eq!(back < bond.0 + BOND_MIN / 4, frozen, "{back}");
        assert!(back > bond.0, "{back}");
        // Once, and what the buyer holds stays held.
        let again = refused(seller, contract, governance::leave, &AgentRef { agent }, 1).await;
        assert_eq!(again, if frozen { "GOVERNANCE_NOT_OWNER" } else { "GOVERNANCE_NOT_ENROLLED" });
        assert_eq!(fleet.told(agent).await.reason, if frozen { Reason::Pinned } else { Reason::Unmanaged });
        assert_eq!(
            fleet.rollout().await.owners,
            2 - u64::try_from(place).unwrap(),
            "a seller without a bond is no owner"
        );
    }
    // Enrolled once more, an agent waits for the same people.
    let auditors = vec![fleet.chief.id().clone()];
    fleet.choose(2, Wanted::Auditors(auditors.clone())).await;
    ok(buyer, contract, governance::enroll, &enrolled(fleet.agents[2], LINE), 1).await;
    let again =
        view(&fleet.harness.worker, contract, governance::enrolment, &AgentRef { agent: fleet.agents[2] }).await;
    assert_eq!(again.unwrap().unwrap().auditors, auditors);
}

/// Two members of a council of three, the large one last: `extend` and only it gives the others time.
#[tokio::test]
async fn a_large_vote_in_the_last_moment_can_be_answered() {
    let fleet = Fleet::new(0).await;
    let contract = fleet.contract();
    let mut council = Vec::new();
    for (name, weight) in [("small", 2), ("middle", 2), ("whale", 5)] {
        council.push((fleet.harness.account(name).await.unwrap(), weight));
    }
    let members =
        council.iter().map(|(account, weight)| Member { account: account.id().clone(), weight: *weight }).collect();
    let hour_ms = 3_600_000;
    let params = Params { vote_ms: 2 * hour_ms, extension_ms: hour_ms, timelock_ms: hour_ms, ..PARAMS };
    let line = CreateLine { name: "whales".to_owned(), council: members, params, guardian: None, stake: None };
    let line = ok(&fleet.chief, contract, governance::create_line, &line, DEPOSIT).await;
    let release = ProposeRelease { line, seq: 0, content: content() };
    let proposal = ok(&council[0].0, contract, governance::propose_release, &release, DEPOSIT).await;
    let content_hash = fleet.proposal(proposal).await.content_hash;
    let vote = async |by: &Account, choice| {
        ok(by, contract, governance::vote, &Vote { proposal, content_hash, choice }, DEPOSIT).await;
        fleet.proposal(proposal).await
    };
    let first = vote(&council[0].0, Choice::No).await;
    fleet.harness.wait(Duration::from_millis(2 * hour_ms - 60_000)).await.unwrap();
    let late = vote(&council[2].0, Choice::Yes).await;
    assert!(late.end_ms > first.end_ms + hour_ms / 2, "{} {}", late.end_ms, first.end_ms);
    assert_eq!(late.eta_ms - late.end_ms, hour_ms);
    // The one who had not voted answers, and the whale, seeing it, comes too late to gain by it.
    fleet.harness.wait(Duration::from_millis(hour_ms / 2)).await.unwrap();
    assert_eq!(vote(&council[1].0, Choice::No).await.no, 4);
}

/// Leave `check_moving` out of any of them, and a guardian's pause stops nothing there; leave it before the way back in
/// `advance`, and it holds agents at what makes them ill.
#[tokio::test]
async fn a_pause_stops_what_goes_on_and_not_what_goes_back() {
    let fleet = Fleet::new(20).await;
    let contract = fleet.contract();
    let first = fleet.publish(version("1.0.0")).await;
    for _ in 0..2 {
        for place in fleet.reached(first).await.into_iter().take(3) {
            fleet.report(place, first, true).await;
        }
        fleet.harness.wait(25 * HOUR).await.unwrap();
        fleet.advance().await;
    }
    assert_eq!(fleet.rollout().await.state, RolloutState::Done);
    let second = fleet.publish(version("1.0.1")).await;
    let third = fleet.due(version("1.0.2")).await;
    let pause = PauseLine { line: LINE, ms: PAUSE_MS_MAX };
    let stranger = &fleet.owners[0];
    assert_eq!(refused(stranger, contract, governance::pause_line, &pause, 0).await, "GOVERNANCE_NOT_GUARDIAN");
    ok(&fleet.chief, contract, governance::pause_line, &pause, 0).await;
    assert_eq!(refused(&fleet.chief, contract, governance::pause_line, &pause, 0).await, "GOVERNANCE_NOT_GUARDIAN");
    assert_eq!(fleet.publishes(third).await.as_deref(), Some("GOVERNANCE_PAUSED"));
    let reached = fleet.reached(second).await;
    for place in &reached[..3] {
        fleet.report(*place, second, true).await;
    }
    fleet.harness.wait(25 * HOUR).await.unwrap();
    assert_eq!(fleet.cant_advance().await, "GOVERNANCE_PAUSED");
    for place in &reached[..3] {
        fleet.report(*place, second, false).await;
    }
    assert_eq!(fleet.advance().await, RolloutState::RolledBack);
    fleet.harness.wait(Duration::from_millis(PAUSE_MS_MAX)).await.unwrap();
    let question = LineRef { line: LINE };
    let line = view(&fleet.harness.worker, contract, governance::line, &question).await.unwrap().unwrap();
    assert_eq!((line.guardian, line.head), (None, first));
    // It was voted on for a head that has gone back meanwhile.
    assert_eq!(fleet.publishes(third).await.as_deref(), Some("GOVERNANCE_SUPERSEDED"));
    let fourth = fleet.publish(version("1.0.3")).await;
    assert_eq!(fleet.rollout().await.release, fourth);
}

/// Take the word of anybody, or a bad one, and an agent runs what its auditors did not pass.
#[tokio::test]
async fn an_agent_waits_for_the_word_of_those_its_owner_named() {
    let fleet = Fleet::new(1).await;
    let contract = fleet.contract();
    let auditor = fleet.harness.account("auditor").await.unwrap();
    let first = fleet.publish(version("1.0.0")).await;
    fleet.report(0, first, true).await;
    fleet.harness.wait(PERIOD).await.unwrap();
    assert_eq!(fleet.advance().await, RolloutState::Done);
    let twice = vec![auditor.id().clone(), auditor.id().clone()];
    let choose = governance_choose(fleet.agents[0], Wanted::Auditors(twice));
    let sent = fleet.owners[0].send(contract, choose, 1).await.unwrap();
    assert_eq!(failed_with(&sent).as_deref(), Some("GOVERNANCE_BAD_AUDITORS"));
    fleet.choose(0, Wanted::Auditors(vec![auditor.id().clone()])).await;
    let second = fleet.publish(version("1.0.1")).await;
    let told = async || {
        let told = fleet.told(fleet.agents[0]).await;
        (told.release, told.reason)
    };
    assert_eq!(told().await, (Some(first), Reason::Unaudited));
    let said = |ok| State {
        release: second,
        kind: StatementKind::Audit,
        digest: content().artifacts[0].digest,
        ok,
        uri: "https://auditor.example/2".to_owned(),
        sha256: Hash32([3; 32]),
    };
    for bad in [State { digest: Hash32([9; 32]), ..said(true) }, State { uri: "with spaces".to_owned(), ..said(true) }]
    {
        let code = refused(&auditor, contract, governance::state, &bad, DEPOSIT).await;
        assert!(["GOVERNANCE_WRONG_DIGEST", "GOVERNANCE_BAD_URI"].contains(&&*code), "{code}");
    }
    ok(fleet.harness.root(), contract, governance::state, &said(true), DEPOSIT).await;
    assert_eq!(told().await.1, Reason::Unaudited, "somebody else's word");
    ok(&auditor, contract, governance::state, &said(false), DEPOSIT).await;
    assert_eq!(told().await.1, Reason::Unaudited, "a bad word");
    ok(&auditor, contract, governance::state, &said(true), DEPOSIT).await;
    assert_eq!(told().await, (Some(second), Reason::Head));
    // It runs it, and goes on doing so whatever the auditor thinks of it now, also when it is enrolled once more.
    fleet.report(0, second, true).await;
    ok(&auditor, contract, governance::retract, &ReleaseRef { release: second }, 1).await;
    assert_eq!(told().await, (Some(second), Reason::Head));
    ok(&fleet.owners[0], contract, governance::enroll, &enrolled(fleet.agents[0], LINE), 1).await;
    assert_eq!(told().await, (Some(second), Reason::Head));
    let left = std::slice::from_ref(&auditor);
    assert_eq!(charged_bytes(&fleet.harness, contract, left).await, 85);
}

fn governance_choose(agent: u64, wanted: Wanted) -> Call {
    call(governance::choose, &charter_types::governance::args::Choose { agent, wanted })
}
