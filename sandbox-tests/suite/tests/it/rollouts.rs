//! Releases on their way to agents, on the real wasm: who is reached, who says how it is, and how it goes on or back.

use std::collections::BTreeSet;

use charter_client::sha256;
use charter_harness::arguments::{DEPOSIT, charged_bytes, enrolled, prepay, register};
use charter_harness::{Caller, call, failed_with, ok, refused, view};
use charter_types::governance::args::{
    AgentRef, Choose, ForgetReports, HoldingRef, LineRef, ProposalRef, ReportHealth, ReportRef,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{Enrolment, Policy, Reason, ReleaseContent, Rollout, RolloutState, Wanted};
use charter_types::registry::args::{AgentAccount, SetAgentAccount};
use charter_types::registry::methods as registry;
use charter_types::{Hash32, Nothing};

use crate::fleet::{Fleet, HOUR, LINE, PERIOD, batch, version};
use charter_harness::arguments::accept;

/// Which agents a seed puts first, worked out here.
fn cohort(rollout: &Rollout, agents: &[u64], bps: u64) -> Vec<usize> {
    let slot = |agent: &u64| {
        let mut text = rollout.seed.0.to_vec();
        text.extend(agent.to_le_bytes());
        u64::from_le_bytes(sha256(&text)[..8].try_into().unwrap()) % 10_000
    };
    agents.iter().enumerate().filter(|(_, agent)| slot(agent) < bps).map(|(place, _)| place).collect()
}

/// A release that is well reaches everybody, by these shares and no other.
pub async fn goes_to_all(fleet: &Fleet, release: u64, shares: &[u64]) {
    let mut spoken = BTreeSet::new();
    for bps in shares {
        let rollout = fleet.rollout().await;
        assert_eq!((rollout.release, rollout.state), (release, RolloutState::Running));
        let reached = fleet.reached(release).await;
        assert_eq!(reached, cohort(&rollout, &fleet.agents, *bps), "{bps}");
        assert!(spoken.iter().all(|place| reached.contains(place)), "INV-GOV-7: {bps}");
        for place in reached.into_iter().filter(|place| !spoken.contains(place)).take(3).collect::<Vec<_>>() {
            fleet.report(place, release, true).await;
            spoken.insert(place);
        }
        // The longest stage.
        fleet.harness.wait(49 * HOUR).await.unwrap();
        let state = fleet.advance().await;
        assert_eq!(state == RolloutState::Done, *bps == 10_000, "{bps}");
    }
    assert_eq!(fleet.reached(release).await.len(), fleet.agents.len());
}

#[tokio::test]
async fn a_fleet_gets_a_release_in_growing_cohorts_and_goes_back_if_it_fails() {
    let fleet = Fleet::new(100).await;
    let first = fleet.publish(version("1.0.0")).await;
    let rollout = fleet.rollout().await;
    assert_eq!((rollout.state, rollout.counted, rollout.stage().bps), (RolloutState::Running, 100, 1_000));
    let canaries = cohort(&rollout, &fleet.agents, 1_000);
    assert_eq!(fleet.reached(first).await, canaries);
    assert!((1..40).contains(&canaries.len()), "{canaries:?}");
    // The others have nothing yet, and no say.
    let other = (0..100).find(|place| !canaries.contains(place)).unwrap();
    let told = fleet.told(fleet.agents[other]).await;
    assert_eq!((told.release, told.reason), (None, Reason::NoRelease));
    let word = fleet.word(other, first, false);
    let robot = &fleet.robots[other];
    assert_eq!(refused(robot, fleet.contract(), governance::report_health, &word, 0).await, "GOVERNANCE_NOT_TOLD");
    // Time alone opens no stage.
    assert_eq!(fleet.cant_advance().await, "GOVERNANCE_STAGE_RUNNING");
    fleet.harness.wait(48 * HOUR).await.unwrap();
    assert_eq!(fleet.cant_advance().await, "GOVERNANCE_TOO_FEW_REPORTS");
    goes_to_all(&fleet, first, &[1_000, 5_000, 10_000]).await;

    // The next one fails where it goes first, and nobody with a key of the line does anything about it.
    let second = fleet.publish(version("1.1.0")).await;
    let rollout = fleet.rollout().await;
    let canaries = fleet.reached(second).await;
    assert_eq!(canaries, cohort(&rollout, &fleet.agents, 1_000));
    assert!(canaries.len() >= 3, "{canaries:?}");
    assert_eq!(fleet.reached(first).await.len(), 100 - canaries.len());
    for place in &canaries[..3] {
        fleet.report(*place, second, false).await;
    }
    // A failure stays, whatever the agent says later.
    fleet.report(canaries[0], second, true).await;
    let rollout = fleet.rollout().await;
    assert_eq!((rollout.ok, rollout.failed), (0, 3));
    assert_eq!(fleet.advance().await, RolloutState::RolledBack);
    let line = fleet.line().await;
    assert_eq!((line.head, line.seq), (first, 3));
    assert_eq!(fleet.reached(first).await.len(), 100, "all go back, those that ran it too");
    assert_eq!(fleet.cant_advance().await, "GOVERNANCE_NO_ROLLOUT");
    let seed_before = rollout.seed;
    // And another one can follow, with another draw.
    let third = fleet.publish(version("1.1.1")).await;
    let rollout = fleet.rollout().await;
    assert_eq!((rollout.release, rollout.previous), (third, first));
    assert_ne!(rollout.seed, seed_before);
    // Nobody says a word: the stage's two days and fourteen more, and it is held as it is.
    fleet.harness.wait(15 * 24 * HOUR).await.unwrap();
    assert_eq!(fleet.cant_advance().await, "GOVERNANCE_TOO_FEW_REPORTS");
    let canaries = fleet.reached(third).await;
    fleet.harness.wait(24 * HOUR).await.unwrap();
    assert_eq!(fleet.advance().await, RolloutState::Held);
    assert_eq!((fleet.line().await.head, fleet.reached(third).await), (third, canaries));
    assert_eq!(fleet.cant_advance().await, "GOVERNANCE_NO_ROLLOUT");
    // Held, it is superseded by the next.
    let fourth = fleet.publish(version("1.1.2")).await;
    assert_eq!((fleet.rollout().await.previous, fleet.line().await.head), (first, fourth));
}

#[tokio::test]
async fn an_owner_has_one_voice_and_gets_its_storage_back() {
    let mut fleet = Fleet::new(2).await;
    // A second agent of the first owner's.
    let (owner, robot) = (fleet.owners[0].clone(), fleet.robots[0].clone());
    let agent = register(&fleet.harness, &owner, Vec::new()).await;
    let own = SetAgentAccount { agent, agent_account: Some(robot.id().clone()) };
    ok(&owner, &fleet.harness.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
    ok(&owner, fleet.contract(), governance::enroll, &enrolled(agent, LINE), 1).await;
    let question = HoldingRef { line: LINE, owner: owner.id().clone() };
    let holding = view(&fleet.harness.worker, fleet.contract(), governance::holding, &question).await.unwrap();
    assert_eq!((holding.unwrap().agents, fleet.rollout().await.owners), (2, 2));
    let release = fleet.publish(version("1.0.0")).await;
    // Enrolled later: it runs what all run, and is not asked.
    fleet.join().await;
    fleet.report(2, release, false).await;
    assert_eq!(fleet.rollout().await.reports(), 0);
    fleet.report(0, release, true).await;
    let second = ReportHealth { agent, ..fleet.word(0, release, true) };
    ok(&robot, fleet.contract(), governance::report_health, &second, 0).await;
    let rollout = fleet.rollout().await;
    assert_eq!((rollout.ok, rollout.failed), (1, 0));
    ok(&robot, fleet.contract(), governance::report_health, &ReportHealth { ok: false, ..second }, 0).await;
    let question = ReportRef { release, owner: owner.id().clone() };
    let report = view(&fleet.harness.worker, fleet.contract(), governance::report, &question).await.unwrap().unwrap();
    assert_eq!((report.agent, report.ok), (agent, false));
    // A stranger, another agent's account, another digest, another release.
    let word = fleet.word(1, release, true);
    for (by, word, code) in [
        (&fleet.chief, word, "GOVERNANCE_NOT_AGENT"),
        (&robot, word, "GOVERNANCE_NOT_AGENT"),
        (&fleet.robots[1], ReportHealth { digest: Hash32([9; 32]), ..word }, "GOVERNANCE_WRONG_DIGEST"),
        (&fleet.robots[1], ReportHealth { release: 9, ..word }, "GOVERNANCE_NOT_TOLD"),
    ] {
        let sent = by.send(fleet.contract(), call(governance::report_health, &word), 0).await.unwrap();
        assert_eq!(failed_with(&sent).as_deref(), Some(code));
    }
    let forget = ForgetReports { release, owners: vec![owner.id().clone(), fleet.chief.id().clone()] };
    let open = refused(&fleet.chief, fleet.contract(), governance::forget_reports, &forget, 0).await;
    assert_eq!(open, "GOVERNANCE_ROLLOUT_OPEN");
    // One failure of one voice, and there is nothing to go back to: held. The next one takes its place.
    fleet.harness.wait(PERIOD).await.unwrap();
    assert_eq!(fleet.advance().await, RolloutState::Held);
    let next = fleet.publish(version("1.0.1")).await;
    assert_eq!(fleet.reached(next).await, [0, 1, 2]);
    ok(&fleet.chief, fleet.contract(), governance::forget_reports, &forget, 0).await;
    // What is left are the storage accounts themselves.
    assert_eq!(charged_bytes(&fleet.harness, fleet.contract(), &fleet.robots).await, 3 * 85);
    ok(&fleet.chief, fleet.contract(), governance::forget_reports, &forget, 0).await;
}

#[tokio::test]
async fn an_agent_moves_as_far_as_its_owner_lets_it() {
    let fleet = Fleet::new(4).await;
    let first = fleet.publish(version("1.0.0")).await;
    for place in 0..4 {
        fleet.report(place, first, true).await;
    }
    fleet.harness.wait(PERIOD).await.unwrap();
    assert_eq!(fleet.advance().await, RolloutState::Done);
    fleet.choose(0, Wanted::Policy(Policy::Manual)).await;
    fleet.choose(1, Wanted::Pin(first)).await;
    ok(&fleet.owners[2], fleet.contract(), governance::freeze, &AgentRef { agent: fleet.agents[2] }, 0).await;
    let asked = Hash32([8; 32]);
    let second = fleet.publish(ReleaseContent { permissions: asked, ..version("1.0.1") }).await;
    for (place, reason) in [Reason::Manual, Reason::Pinned, Reason::Pinned, Reason::NewPermissions].iter().enumerate() {
        let told = fleet.told(fleet.agents[place]).await;
        assert_eq!((told.release, told.reason), (Some(first), *reason), "{place}");
    }
    let unknown = Choose { agent: fleet.agents[0], wanted: Wanted::Pin(9) };
    let other =
        Choose { agent: fleet.agents[0], wanted: Wanted::Accept { release: second, permissions: Hash32::default() } };
    for (args, code) in [(unknown, "GOVERNANCE_UNKNOWN_RELEASE"), (other, "GOVERNANCE_OTHER_PERMISSIONS")] {
        let sent = fleet.owners[0].send(fleet.contract(), call(governance::choose, &args), 1).await.unwrap();
        assert_eq!(failed_with(&sent).as_deref(), Some(code));
    }
    for place in [0, 3] {
        fleet.choose(place, Wanted::Accept { release: second, permissions: asked }).await;
        assert_eq!(fleet.told(fleet.agents[place]).await.release, Some(second), "{place}");
    }
    fleet.choose(1, Wanted::Pin(0)).await;
    let told = fleet.told(fleet.agents[1]).await;
    assert_eq!((told.release, told.digests), (None, Vec::new()));
    fleet.choose(2, Wanted::Unpin).await;
    assert_eq!(fleet.told(fleet.agents[2]).await.reason, Reason::NewPermissions);
}

#[tokio::test]
async fn who_sold_an_agent_takes_back_what_it_paid_and_the_new_owner_begins_anew() {
    let fleet = Fleet::new(2).await;
    let (seller, buyer, agent) = (&fleet.owners[0], &fleet.owners[1], fleet.agents[0]);
    let registry = &fleet.harness.contracts.registry;
    let paid = charged_bytes(&fleet.harness, fleet.contract(), std::slice::from_ref(seller)).await;
    let offer = AgentAccount { agent, account: buyer.id().clone() };
    ok(seller, registry, registry::offer_transfer, &offer, DEPOSIT).await;
    ok(buyer, registry, registry::accept_transfer, &accept(&fleet.harness, registry, agent).await, DEPOSIT).await;
    // The seller has no say any more, nor has the agent's account before the buyer enrolls it.
    let pin = Choose { agent, wanted: Wanted::Pin(0) };
    for (by, sent, deposit, code) in [
        (seller, call(governance::choose, &pin), 1, "GOVERNANCE_NOT_OWNER"),
        (buyer, call(governance::choose, &pin), 1, "GOVERNANCE_STALE_ENROLMENT"),
        (seller, call(governance::enroll, &enrolled(agent, LINE)), 1, "GOVERNANCE_NOT_OWNER"),
        (seller, call(governance::freeze, &AgentRef { agent }), 0, "GOVERNANCE_NOT_OWNER"),
    ] {
        let sent = by.send(fleet.contract(), sent, deposit).await.unwrap();
        assert_eq!(failed_with(&sent).as_deref(), Some(code));
    }
    // What the buyer froze, the seller does not set free.
    ok(buyer, fleet.contract(), governance::freeze, &AgentRef { agent }, 0).await;
    let free = seller.send(fleet.contract(), call(governance::leave, &AgentRef { agent }), 1).await.unwrap();
    assert_eq!(failed_with(&free).as_deref(), Some("GOVERNANCE_NOT_OWNER"));
    ok(buyer, fleet.contract(), governance::enroll, &enrolled(agent, LINE), 1).await;
    assert_eq!(charged_bytes(&fleet.harness, fleet.contract(), std::slice::from_ref(seller)).await, 85);
    assert!(paid > 300, "{paid}");
    assert_eq!(fleet.rollout().await.owners, 1, "the buyer had an agent there already");
    let again = fleet.contract();
    let found: Option<Enrolment> =
        view(&fleet.harness.worker, again, governance::enrolment, &AgentRef { agent }).await.unwrap();
    assert_eq!(found.unwrap().owner.as_ref(), Some(buyer.id()));
    // Sold on, the row of who owned it meanwhile is taken off by that one.
    let back = AgentAccount { agent, account: seller.id().clone() };
    ok(buyer, registry, registry::offer_transfer, &back, DEPOSIT).await;
    ok(seller, registry, registry::accept_transfer, &accept(&fleet.harness, registry, agent).await, DEPOSIT).await;
    ok(buyer, fleet.contract(), governance::leave, &AgentRef { agent }, 1).await;
    ok(seller, registry, registry::offer_transfer, &offer, DEPOSIT).await;
    ok(buyer, registry, registry::accept_transfer, &accept(&fleet.harness, registry, agent).await, DEPOSIT).await;
    // Another line, and off it: nothing is left of it on either.
    ok(buyer, fleet.contract(), governance::enroll, &enrolled(agent, 1), 1).await;
    for left in [agent, fleet.agents[1]] {
        ok(buyer, fleet.contract(), governance::leave, &AgentRef { agent: left }, 1).await;
    }
    assert_eq!(fleet.rollout().await.owners, 0);
    assert_eq!(charged_bytes(&fleet.harness, fleet.contract(), std::slice::from_ref(buyer)).await, 85);
}

/// Keep a row whose payer can't pay, and a word that was refused is there all the same: never charged, never told, and the
/// next one of its owner's is counted against somebody else's.
#[tokio::test]
async fn a_word_that_nobody_pays_for_leaves_nothing() {
    let fleet = Fleet::new(1).await;
    let poor = fleet.harness.account("poor").await.unwrap();
    let own = SetAgentAccount { agent: fleet.agents[0], agent_account: Some(poor.id().clone()) };
    let registry = &fleet.harness.contracts.registry;
    ok(&fleet.owners[0], registry, registry::set_agent_account, &own, DEPOSIT).await;
    let proposal = fleet.due(version("1.0.0")).await;
    // Nothing is being rolled out yet when it asks, so nothing is set aside; when the registry has answered, it is.
    let word = fleet.word(0, 1, true);
    let outcome = batch(
        &poor,
        fleet.contract(),
        &[call(governance::publish, &ProposalRef { proposal }), call(governance::report_health, &word)],
    )
    .await;
    assert_eq!(failed_with(&outcome).as_deref(), Some("CHARTER_STORAGE_SHORT"), "{outcome:?}");
    assert_eq!(fleet.rollout().await.state, RolloutState::Running);
    let question = ReportRef { release: 1, owner: fleet.owners[0].id().clone() };
    let report = view(&fleet.harness.worker, fleet.contract(), governance::report, &question).await.unwrap();
    assert_eq!((report, fleet.rollout().await.reports()), (None, 0));
    prepay(&poor, fleet.contract(), DEPOSIT).await;
    ok(&poor, fleet.contract(), governance::report_health, &word, 0).await;
    assert_eq!(fleet.rollout().await.reports(), 1);
}

/// Draw the seed in `publish` itself, and a call behind it in one batch knows whom it reaches: whoever publishes undoes it
/// until it likes the draw.
#[tokio::test]
async fn a_batch_that_publishes_can_not_see_the_draw() {
    let fleet = Fleet::new(100).await;
    let proposal = fleet.due(version("1.0.0")).await;
    let publish = call(governance::publish, &ProposalRef { proposal });
    let by = &fleet.owners[0];
    // What stands behind it in the batch: advancing fails if the draw is done, and finds it undone.
    let advance = call(governance::advance, &LineRef { line: LINE });
    let outcome = batch(by, fleet.contract(), &[publish, advance]).await;
    assert!(outcome.is_success(), "{outcome:?}");
    let logs: Vec<Vec<String>> = outcome.receipt_outcomes().iter().map(|each| each.logs.clone()).collect();
    let with = |event: &str| logs.iter().position(|logs| logs.iter().any(|log| log.contains(event)));
    let (published, drawn) = (with("\"release_published\""), with("\"cohorts_drawn\""));
    assert!(published.is_some() && drawn.is_some() && published != drawn, "{logs:?}");
    let rollout = fleet.rollout().await;
    assert_eq!(rollout.state, RolloutState::Running);
    assert_ne!(rollout.seed, Hash32::default());
    // The second draw, which `advance` asked for, changed nothing: there is one event of it.
    let drawn = logs.iter().flatten().filter(|log| log.contains("\"cohorts_drawn\"")).count();
    assert_eq!(drawn, 1);
    // Nobody draws by hand.
    let by_hand = by.call(fleet.contract(), "on_draw").args(vec![0; 16]).transact().await.unwrap();
    assert!(by_hand.is_failure());
    let head = view(&fleet.harness.worker, fleet.contract(), charter_types::shared::methods::event_head, &Nothing {});
    assert!(head.await.unwrap().seq > 0);
}
