//! Votes by what is locked: what counts in them, what does not, and what becomes of the money.

use std::time::Duration;

use charter_harness::arguments::{DEPOSIT, accept, charged_bytes, content, enrolled, prepay};
use charter_harness::{Caller, Harness, call, code_of, failed_with, ok, raw, refused};
use charter_types::U128;
use charter_types::asset::Asset;
use charter_types::governance::args::{
    AgentRef, ForgetBallots, LineRef, Object, ProposalRef, ProposeAmendment, ProposeRelease, Vote, VoterRef,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    BOND_MIN, Choice, Constitution, EXECUTION_MS, HISTORY_MAX, KEPT_MS, PARTS_MAX, Params, ProposalState, Stake,
    StakeRules,
};
use charter_types::registry::args::AgentAccount;
use charter_types::registry::methods as registry;
use charter_wasm::Contract;
use near_workspaces::Account;
use serde_json::json;

use crate::fleet::PERIOD;
use crate::funds::upgrade;
use crate::staked::{HOUR_MS, NEAR, PARAMS_BY_STAKE, Staked, UNLOCK_MS, tell, together, token, tokens_of};

const NO_VOTES: Option<&str> = Some("GOVERNANCE_NO_VOTES");

/// Count what is locked now, and who sees a proposal buys its end.
#[tokio::test]
async fn stake_that_moves_after_the_snapshot_changes_no_vote() {
    let line = Staked::with(Params { vote_ms: 2 * HOUR_MS, ..PARAMS_BY_STAKE }, NEAR).await;
    let (ann, ben) = (line.holder("ann", 30 * NEAR).await, line.holder("ben", 20 * NEAR).await);
    ok(&ben, line.contract(), governance::stand, &LineRef { line: line.line }, DEPOSIT).await;
    line.next_period().await;
    let proposal = line.propose(&ann).await;
    let begun = line.tally(proposal).await;
    assert_eq!(begun.all, U128(50 * NEAR));
    assert_eq!(line.give(&ann, &ben, 20 * NEAR).await, None);
    assert_eq!(line.unlock(&ann, 10 * NEAR).await, None);
    line.lock(&ben, 40 * NEAR).await;
    line.next_period().await;
    assert_eq!(line.vote(&ben, proposal, Choice::Yes).await, None);
    assert_eq!(
        line.votes(proposal).await,
        [20 * NEAR, 0, 0, 0],
        "neither what came since nor what was delegated since"
    );
    assert_eq!(line.vote(&ann, proposal, Choice::No).await, None);
    assert_eq!(line.votes(proposal).await, [20 * NEAR, 30 * NEAR, 0, 0], "what is being unlocked, too");
    let ended = line.tally(proposal).await;
    assert_eq!((ended.snapshot_ms, ended.all), (begun.snapshot_ms, begun.all));
    // It all counts in the next one.
    let next = line.propose(&ann).await;
    assert_eq!(line.tally(next).await.all, U128(80 * NEAR));
    assert_eq!(line.vote(&ben, next, Choice::Yes).await, None);
    assert_eq!(line.votes(next).await, [80 * NEAR, 0, 0, 0]);
}

/// Keep less of a history, and who locks more while a vote runs has no vote in it.
#[tokio::test]
async fn what_counted_at_the_snapshot_is_kept_for_as_long_as_a_vote_asks() {
    let params = Params { vote_ms: 3 * HOUR_MS, ..PARAMS_BY_STAKE };
    let line = Staked::with(params, NEAR).await;
    let ann = line.holder("ann", 5 * NEAR).await;
    line.next_period().await;
    let proposal = line.propose(&line.chief).await;
    let end_ms = line.proposal(proposal).await.end_ms;
    while line.harness.now_ms().await.unwrap() + HOUR_MS + 10_000 < end_ms {
        line.next_period().await;
        line.lock(&ann, NEAR).await;
    }
    assert_eq!(line.stake(&ann).await.unwrap().locked.last().unwrap().amount.0, 7 * NEAR);
    assert_eq!(line.vote(&ann, proposal, Choice::Yes).await, None);
    assert_eq!(line.ballot(proposal, &ann).await.own.0, 5 * NEAR);
}

/// Count from the same period on, and one block is enough: INV-GOV-3.
#[tokio::test]
async fn what_is_locked_in_the_block_of_a_vote_weighs_nothing() {
    let line = Staked::new().await;
    let ann = line.holder("ann", 2 * NEAR).await;
    line.next_period().await;
    let proposal = line.propose(&ann).await;
    let flash = line.harness.account("flash").await.unwrap();
    let content_hash = line.proposal(proposal).await.content_hash;
    let lock = (call(governance::lock, &line.amount(90 * NEAR)), 90 * NEAR + DEPOSIT);
    let vote = (call(governance::vote, &Vote { proposal, content_hash, choice: Choice::Yes }), DEPOSIT);
    let both = together(&flash, line.contract(), vec![lock.clone(), vote]).await;
    assert_eq!(failed_with(&both).as_deref(), NO_VOTES);
    let release = ProposeRelease { line: line.line, seq: 0, content: content() };
    let propose = (call(governance::propose_release, &release), DEPOSIT);
    let both = together(&flash, line.contract(), vec![lock, propose]).await;
    assert_eq!(failed_with(&both).as_deref(), Some("GOVERNANCE_NOT_MEMBER"), "nor does it propose");
    assert_eq!(line.stake(&flash).await, None);
    // Nor in a later block, nor in a proposal that is made in the same period.
    line.lock(&flash, 90 * NEAR).await;
    let later = line.propose(&line.chief).await;
    for proposal in [proposal, later] {
        assert_eq!(line.vote(&flash, proposal, Choice::Yes).await.as_deref(), NO_VOTES);
        assert_eq!(line.tally(proposal).await.all, U128(2 * NEAR));
    }
    line.next_period().await;
    let next = line.propose(&flash).await;
    assert_eq!(line.vote(&flash, next, Choice::Yes).await, None);
    assert_eq!(line.votes(next).await, [90 * NEAR, 0, 0, 0]);
}

#[tokio::test]
async fn stake_borrowed_for_three_blocks_weighs_nothing_and_stays() {
    let line = Staked::new().await;
    let ann = line.holder("ann", 2 * NEAR).await;
    line.next_period().await;
    let borrower = line.holder("borrower", 90 * NEAR).await;
    let proposal = line.propose(&ann).await;
    line.harness.worker.fast_forward(3).await.unwrap();
    assert_eq!(line.vote(&borrower, proposal, Choice::Yes).await.as_deref(), NO_VOTES);
    let now_ms = line.harness.now_ms().await.unwrap();
    let ready_ms = ok(&borrower, line.contract(), governance::unlock, &line.amount(90 * NEAR), 1).await;
    assert!(ready_ms > now_ms + UNLOCK_MS && ready_ms.is_multiple_of(HOUR_MS), "{ready_ms} of {now_ms}");
    // It was there within one period alone: it never counts.
    line.next_period().await;
    let next = line.propose(&ann).await;
    assert_eq!(line.tally(next).await.all, U128(2 * NEAR));
    assert_eq!(line.vote(&borrower, next, Choice::Yes).await.as_deref(), NO_VOTES);
    let has = borrower.view_account().await.unwrap().balance.as_yoctonear();
    assert_eq!(line.withdraw(&borrower).await.as_deref(), Some("GOVERNANCE_NOTHING_READY"));
    line.until(ready_ms - 10_000).await;
    assert_eq!(line.withdraw(&borrower).await.as_deref(), Some("GOVERNANCE_NOTHING_READY"));
    line.until(ready_ms).await;
    assert_eq!(line.withdraw(&borrower).await, None);
    let back = borrower.view_account().await.unwrap().balance.as_yoctonear() - has;
    assert!(back > 89 * NEAR, "{back}");
    assert_eq!(line.stake(&borrower).await, None);
    assert_eq!(line.pool().await.books.held, U128(2 * NEAR));
}

/// Look at what is locked alone, and what somebody votes with leaves, or two vote with it: INV-GOV-1.
#[tokio::test]
async fn what_is_delegated_can_not_be_unlocked_or_delegated_to_another() {
    let line = Staked::new().await;
    let (ann, cid) = (line.holder("ann", 30 * NEAR).await, line.delegate("cid").await);
    let dan = line.delegate("dan").await;
    let short = Some("GOVERNANCE_STAKE_SHORT");
    assert_eq!(line.give(&ann, &cid, 31 * NEAR).await.as_deref(), short);
    assert_eq!(line.give(&ann, &cid, 20 * NEAR).await, None);
    assert_eq!(line.give(&ann, &dan, 10 * NEAR + 1).await.as_deref(), short);
    assert_eq!(line.unlock(&ann, 10 * NEAR + 1).await.as_deref(), short);
    assert_eq!(line.unlock(&ann, 10 * NEAR).await, None);
    assert_eq!(line.unlock(&ann, 1).await.as_deref(), short);
    assert_eq!(line.give(&ann, &cid, 20 * NEAR + 1).await.as_deref(), short, "nor is what is unlocked delegated");
    assert_eq!(line.give(&ann, &cid, 5 * NEAR).await, None);
    assert_eq!(line.unlock(&ann, 15 * NEAR).await, None);
    assert_eq!(line.unlock(&ann, 1).await.as_deref(), short);
    // Who is a delegate no more has nothing.
    ok(&cid, line.contract(), governance::stand_down, &LineRef { line: line.line }, 0).await;
    assert_eq!(line.unlock(&ann, 5 * NEAR).await, None);
    assert_eq!(line.pool().await.books.held, U128(30 * NEAR));
}

/// Believe any token, or make rows for whom it names, and whoever deploys a contract has stake, or has others pay.
#[tokio::test]
async fn a_token_locks_nothing_for_a_victim_that_made_no_row_and_another_token_nothing_at_all() {
    let harness = Harness::start().await.unwrap();
    let (victim, ann) = (harness.account("victim").await.unwrap(), harness.account("ann").await.unwrap());
    let holders = [(ann.id().clone(), 100)];
    let (real, fake) = (token(&harness, "token", &holders).await, token(&harness, "fake", &holders).await);
    let line = Staked::on(harness, Asset::Nep141(real.id().clone()), PARAMS_BY_STAKE, 10).await;
    prepay(&victim, line.contract(), DEPOSIT).await;
    let free = line.available(&victim).await;
    let lie = async |token: &Account| {
        let (receiver, victim) = (line.contract(), victim.id());
        let args = json!({ "receiver": receiver, "sender_id": victim, "amount": "50", "msg": line.message() });
        failed_with(&line.harness.root().send(token.id(), raw("lie", args), 0).await.unwrap())
    };
    let no_row = lie(&real).await;
    assert!(matches!(no_row.as_deref(), Some("GOVERNANCE_NOT_HOLDER" | "GOVERNANCE_WRONG_ASSET")), "{no_row:?}");
    assert_eq!((line.stake(&victim).await, line.available(&victim).await), (None, free));
    // With a row it is the line's token that says so, and no other.
    for holder in [&victim, &ann] {
        ok(holder, line.contract(), governance::lock, &line.amount(0), DEPOSIT).await;
    }
    let (row, free) = (line.stake(&victim).await, line.available(&victim).await);
    assert_eq!(lie(&fake).await.as_deref(), Some("GOVERNANCE_WRONG_ASSET"));
    assert_eq!((line.stake(&victim).await, line.available(&victim).await), (row, free));
    assert_eq!(line.transfer(&ann, fake.id(), 50, &line.message()).await, 0);
    assert_eq!(tokens_of(&line.harness, fake.id(), ann.id()).await, 100);
    for broken in ["", "{}", "50", r#"{"line":2,"for":"victim"}"#, r#"{"line":1}"#, r#"{"line":9}"#] {
        assert_eq!(line.transfer(&ann, real.id(), 50, broken).await, 0, "{broken}");
        assert_eq!(tokens_of(&line.harness, real.id(), ann.id()).await, 100, "{broken}");
    }
    assert_eq!(line.transfer(&ann, real.id(), 50, &line.message()).await, 50);
    assert_eq!(line.stake(&ann).await.unwrap().locked_at(u64::MAX), 50);
    let of_token = refused(&ann, line.contract(), governance::lock, &line.amount(1), DEPOSIT).await;
    assert_eq!(of_token, "GOVERNANCE_WRONG_ASSET");
}

/// More than that, and votes do not fit into the numbers that count them.
#[tokio::test]
async fn a_line_takes_2_to_the_112th_and_no_more() {
    let harness = Harness::start().await.unwrap();
    let ann = harness.account("ann").await.unwrap();
    let most = 1 << 112;
    let real = token(&harness, "token", &[(ann.id().clone(), most + 5)]).await;
    let line = Staked::on(harness, Asset::Nep141(real.id().clone()), PARAMS_BY_STAKE, 10).await;
    ok(&ann, line.contract(), governance::lock, &line.amount(0), DEPOSIT).await;
    assert_eq!(line.transfer(&ann, real.id(), most + 1, &line.message()).await, 0);
    assert_eq!(line.transfer(&ann, real.id(), most, &line.message()).await, most);
    assert_eq!(line.transfer(&ann, real.id(), 1, &line.message()).await, 0);
    assert_eq!(tokens_of(&line.harness, real.id(), ann.id()).await, 5);
    line.next_period().await;
    let proposal = line.propose(&ann).await;
    assert_eq!(line.vote(&ann, proposal, Choice::Yes).await, None);
    assert_eq!(line.queue(proposal).await, ProposalState::Queued);
}

/// Forget either of them, and what is delegated counts twice, or not at all: INV-GOV-2.
#[tokio::test]
async fn who_delegated_votes_before_the_delegate_or_after_it_and_takes_the_same() {
    let line = Staked::new().await;
    let (ann, ben) = (line.holder("ann", 30 * NEAR).await, line.holder("ben", 20 * NEAR).await);
    let (cid, dan) = (line.delegate("cid").await, line.delegate("dan").await);
    line.lock(&cid, 4 * NEAR).await;
    for (from, to, amount) in [(&ann, &cid, 10), (&ann, &dan, 7), (&ben, &cid, 20), (&cid, &dan, 3)] {
        assert_eq!(line.give(from, to, amount * NEAR).await, None);
    }
    line.next_period().await;
    let (first, last) = (line.propose(&ann).await, line.propose(&ann).await);
    assert_eq!(line.vote(&cid, first, Choice::Yes).await, None);
    assert_eq!(line.votes(first).await, [34 * NEAR, 0, 0, 0]);
    assert_eq!(line.vote(&dan, first, Choice::Yes).await, None);
    assert_eq!(
        line.votes(first).await,
        [41 * NEAR, 0, 0, 0],
        "without what a delegate has delegated and votes with itself"
    );
    assert_eq!(line.vote(&ann, first, Choice::No).await, None);
    // Nothing of its own, and all that was delegated to the last one is taken before it votes.
    for (voter, choice, code) in [(&ann, Choice::No, None), (&cid, Choice::Yes, None), (&dan, Choice::Yes, NO_VOTES)] {
        assert_eq!(line.vote(voter, last, choice).await.as_deref(), code);
    }
    for proposal in [first, last] {
        assert_eq!(line.votes(proposal).await, [24 * NEAR, 30 * NEAR, 0, 0]);
        let of_cid = line.ballot(proposal, &cid).await;
        assert_eq!((of_cid.own, of_cid.received), (U128(4 * NEAR), U128(20 * NEAR)));
        let taken = VoterRef { proposal, account: cid.id().clone() };
        // From a vote that is cast it is taken at once.
        let later = line.look(governance::overridden, &taken).await.map(|row| row.amount);
        assert_eq!(later, (proposal == last).then_some(U128(10 * NEAR)));
    }
    // Voting again changes the choice, and takes nothing twice.
    assert_eq!(line.vote(&ann, first, Choice::Yes).await, None);
    assert_eq!(line.votes(first).await, [54 * NEAR, 0, 0, 0]);
    assert_eq!(line.vote(&ben, first, Choice::No).await, None);
    assert_eq!(line.votes(first).await, [34 * NEAR, 20 * NEAR, 0, 0]);
}

/// Leave it out, and who runs agents decides: neither a majority of votes nor a quorum is theirs alone.
#[tokio::test]
async fn agents_have_a_third_of_all_votes_at_most() {
    let line = Staked::with(Params { quorum_bps: 1_000, ..PARAMS_BY_STAKE }, NEAR).await;
    let (ann, robot) = (line.holder("ann", 10 * NEAR).await, line.robot("ben").await);
    line.lock(&robot.owner, 60 * NEAR).await;
    line.lock(&robot.account, 5 * NEAR).await;
    assert_eq!(line.stand_as_agent(&robot).await, None);
    assert_eq!(line.give(&robot.owner, &robot.account, 60 * NEAR).await, None);
    let others = line.give(&ann, &robot.account, NEAR).await;
    assert_eq!(others.as_deref(), Some("GOVERNANCE_OTHERS_AGENT"));
    line.next_period().await;
    for (choice, of_agent, end) in [
        (Choice::No, Choice::Yes, ProposalState::Rejected),
        (Choice::Yes, Choice::No, ProposalState::Queued),
        (Choice::Yes, Choice::Yes, ProposalState::Queued),
    ] {
        let proposal = line.propose(&line.chief).await;
        assert_eq!(line.vote_as_agent(&robot, proposal, of_agent).await, None);
        assert_eq!(line.vote(&ann, proposal, choice).await, None);
        let plain = line.vote(&robot.account, proposal, choice).await;
        assert_eq!(plain.as_deref(), Some("GOVERNANCE_AGENT_VOTES"));
        let agents = line.votes(proposal).await[2..].iter().sum::<u128>();
        assert_eq!(agents, 60 * NEAR, "of all it was delegated, and of nothing that it has itself");
        assert_eq!(line.queue(proposal).await, end);
    }
    // Of 75, 10 and half of that are no majority, though 70 said yes.
    let proposal = line.propose_constitution(line.constitution()).await.unwrap();
    assert_eq!(line.vote_as_agent(&robot, proposal, Choice::Yes).await, None);
    assert_eq!(line.vote(&ann, proposal, Choice::Yes).await, None);
    assert_eq!(line.queue(proposal).await, ProposalState::Rejected);
    // Its owner votes itself, with all of it.
    let proposal = line.propose(&line.chief).await;
    assert_eq!(line.vote_as_agent(&robot, proposal, Choice::No).await, None);
    assert_eq!(line.vote(&robot.owner, proposal, Choice::Yes).await, None);
    assert_eq!(line.votes(proposal).await, [60 * NEAR, 0, 0, 0]);
}

#[tokio::test]
async fn an_agent_has_no_vote_on_its_own_line() {
    let line = Staked::new().await;
    let robot = line.robot("ben").await;
    line.lock(&robot.owner, 20 * NEAR).await;
    assert_eq!(line.stand_as_agent(&robot).await, None);
    assert_eq!(line.give(&robot.owner, &robot.account, 20 * NEAR).await, None);
    line.next_period().await;
    let proposal = line.propose(&line.chief).await;
    let (owner, agent) = (&robot.owner, robot.agent);
    ok(owner, line.contract(), governance::enroll, &enrolled(agent, line.line), 1).await;
    let own = line.vote_as_agent(&robot, proposal, Choice::Yes).await;
    assert_eq!(own.as_deref(), Some("GOVERNANCE_AGENTS_LINE"));
    ok(owner, line.contract(), governance::leave, &AgentRef { agent }, 1).await;
    assert_eq!(line.vote_as_agent(&robot, proposal, Choice::Yes).await, None);
    assert_eq!(line.votes(proposal).await, [0, 0, 20 * NEAR, 0]);
    assert_eq!(line.queue(proposal).await, ProposalState::Rejected, "a third of nothing is nothing");
}

/// Ask for the account alone, and who buys an agent votes with what the seller delegated.
#[tokio::test]
async fn an_agent_that_changed_hands_has_no_vote_until_it_stands_again() {
    let line = Staked::new().await;
    let (robot, buyer) = (line.robot("ben").await, line.holder("buyer", 30 * NEAR).await);
    line.lock(&robot.owner, 20 * NEAR).await;
    assert_eq!(line.stand_as_agent(&robot).await, None);
    assert_eq!(line.give(&robot.owner, &robot.account, 20 * NEAR).await, None);
    line.next_period().await;
    let proposal = line.propose(&line.chief).await;
    let (registry, agent) = (&line.harness.contracts.registry, robot.agent);
    let offer = AgentAccount { agent, account: buyer.id().clone() };
    ok(&robot.owner, registry, registry::offer_transfer, &offer, DEPOSIT).await;
    ok(&buyer, registry, registry::accept_transfer, &accept(&line.harness, registry, agent).await, DEPOSIT).await;
    let unnamed = line.vote_as_agent(&robot, proposal, Choice::Yes).await;
    assert!(matches!(unnamed.as_deref(), Some("GOVERNANCE_NOT_AGENT" | "GOVERNANCE_STALE_DELEGATE")), "{unnamed:?}");
    line.name_account(&robot, &buyer).await;
    let sold = line.vote_as_agent(&robot, proposal, Choice::Yes).await;
    assert_eq!(sold.as_deref(), Some("GOVERNANCE_STALE_DELEGATE"));
    ok(&robot.account, line.contract(), governance::stand_down, &LineRef { line: line.line }, 0).await;
    assert_eq!(line.stand_as_agent(&robot).await, None);
    assert_eq!(line.vote_as_agent(&robot, proposal, Choice::Yes).await.as_deref(), NO_VOTES, "it begins with nothing");
    let seller = line.give(&robot.owner, &robot.account, NEAR).await;
    assert_eq!(seller.as_deref(), Some("GOVERNANCE_OTHERS_AGENT"));
    assert_eq!(line.give(&buyer, &robot.account, 30 * NEAR).await, None);
    line.next_period().await;
    let next = line.propose(&line.chief).await;
    assert_eq!(line.vote_as_agent(&robot, next, Choice::Yes).await, None);
    assert_eq!(line.votes(next).await, [0, 0, 30 * NEAR, 0]);
}

#[tokio::test]
async fn the_council_decides_while_less_than_the_floor_is_locked() {
    // Half of it and a little more is the floor.
    let line = Staked::with(PARAMS_BY_STAKE, 5_001 * NEAR / 200).await;
    let ann = line.holder("ann", 50 * NEAR - 1).await;
    line.next_period().await;
    let below = line.propose(&line.chief).await;
    line.lock(&ann, 1).await;
    let same = line.propose(&line.chief).await;
    for proposal in [below, same] {
        let shown = line.proposal(proposal).await;
        assert_eq!((shown.stake, shown.council.len()), (None, 1));
        let code = line.vote(&ann, proposal, Choice::No).await;
        assert_eq!(code.as_deref(), Some("GOVERNANCE_NOT_MEMBER"));
        assert_eq!(line.vote(&line.chief, proposal, Choice::Yes).await, None);
    }
    assert_eq!(line.queue(below).await, ProposalState::Queued);
    line.next_period().await;
    let enough = line.propose(&line.chief).await;
    assert_eq!((line.proposal(enough).await.council.len(), line.tally(enough).await.all), (0, U128(50 * NEAR)));
    assert_eq!(line.vote(&line.chief, enough, Choice::Yes).await.as_deref(), NO_VOTES);
    assert_eq!(line.vote(&ann, enough, Choice::Yes).await, None);
    assert_eq!(line.queue(enough).await, ProposalState::Queued);
}

/// Ask for less than a hundredth, of what is locked and of the floor, and whoever locks dust fills a line with proposals.
#[tokio::test]
async fn a_hundredth_proposes_and_a_yocto_less_does_not() {
    let line = Staked::with(PARAMS_BY_STAKE, NEAR).await;
    let hundredth = NEAR / 20;
    let least = line.holder("least", hundredth).await;
    let less = line.holder("less", hundredth - 1).await;
    line.holder("most", 98 * hundredth + 1).await;
    line.next_period().await;
    line.propose(&least).await;
    let release = ProposeRelease { line: line.line, seq: 0, content: content() };
    let sent = || call(governance::propose_release, &release);
    assert_eq!(line.send(&less, sent(), DEPOSIT).await.as_deref(), Some("GOVERNANCE_NOT_MEMBER"));
    // With what is delegated to it it has enough.
    ok(&less, line.contract(), governance::stand, &LineRef { line: line.line }, DEPOSIT).await;
    assert_eq!(line.give(&least, &less, 1).await, None);
    line.next_period().await;
    assert_eq!(line.send(&less, sent(), DEPOSIT).await, None);
    // Where little is locked it is a hundredth of the floor.
    let small = Staked::with(PARAMS_BY_STAKE, 100 * NEAR).await;
    let dust = small.holder("dust", NEAR - 1).await;
    small.next_period().await;
    let release = ProposeRelease { line: small.line, seq: 0, content: content() };
    let sent = call(governance::propose_release, &release);
    assert_eq!(small.send(&dust, sent, DEPOSIT).await.as_deref(), Some("GOVERNANCE_NOT_MEMBER"));
    small.lock(&dust, 1).await;
    small.next_period().await;
    small.propose(&dust).await;
}

#[tokio::test]
async fn a_whale_that_comes_late_can_be_answered() {
    let params = Params { vote_ms: 2 * HOUR_MS, extension_ms: HOUR_MS, timelock_ms: HOUR_MS, ..PARAMS_BY_STAKE };
    let line = Staked::with(params, NEAR).await;
    let (small, middle) = (line.holder("small", 10 * NEAR).await, line.holder("middle", 20 * NEAR).await);
    let whale = line.holder("whale", 60 * NEAR).await;
    line.next_period().await;
    let proposal = line.propose(&line.chief).await;
    let first_ms = line.proposal(proposal).await.end_ms;
    assert_eq!(line.vote(&small, proposal, Choice::No).await, None);
    line.until(first_ms - 60_000).await;
    assert_eq!(line.vote(&whale, proposal, Choice::Yes).await, None);
    let late = line.proposal(proposal).await;
    assert!(late.end_ms > first_ms + HOUR_MS / 2, "{} {first_ms}", late.end_ms);
    assert_eq!(late.eta_ms - late.end_ms, HOUR_MS);
    line.until(first_ms + HOUR_MS / 2).await;
    assert_eq!(line.vote(&middle, proposal, Choice::No).await, None);
    assert_eq!(line.votes(proposal).await, [60 * NEAR, 30 * NEAR, 0, 0]);
}

/// INV-GOV-9, of a holder's proposal that nobody carries out. Its votes' rows go when the proposal may, and not before.
#[tokio::test]
async fn a_proposal_that_nobody_carried_out_gives_its_bond_back_and_its_votes_rows() {
    let bond = U128(3 * BOND_MIN);
    let line = Staked::with(Params { proposal_bond: bond, ..PARAMS_BY_STAKE }, NEAR).await;
    let (ann, cid) = (line.holder("ann", 20 * NEAR).await, line.delegate("cid").await);
    assert_eq!(line.give(&ann, &cid, 5 * NEAR).await, None);
    line.next_period().await;
    let people = [ann.clone(), cid.clone()];
    let rows = charged_bytes(&line.harness, line.contract(), &people).await;
    let proposal = line.propose(&ann).await;
    assert_eq!(line.proposal(proposal).await.bond, bond);
    assert_eq!(line.vote(&cid, proposal, Choice::Yes).await, None);
    assert_eq!(line.vote(&ann, proposal, Choice::Yes).await, None);
    assert_eq!(line.queue(proposal).await, ProposalState::Queued);
    let (about, root) = (ProposalRef { proposal }, line.harness.root());
    let accounts = vec![ann.id().clone(), cid.id().clone()];
    let forget = ForgetBallots { proposal, accounts };
    line.harness.wait(Duration::from_millis(EXECUTION_MS) + 2 * PERIOD).await.unwrap();
    assert_eq!(refused(root, line.contract(), governance::publish, &about, 0).await, "GOVERNANCE_TOO_LATE");
    assert_eq!(refused(root, line.contract(), governance::forget_ballots, &forget, 0).await, "GOVERNANCE_OPEN");
    line.harness.wait(Duration::from_millis(KEPT_MS)).await.unwrap();
    let free = line.available(&ann).await;
    ok(root, line.contract(), governance::forget_proposal, &about, 0).await;
    assert!(line.available(&ann).await >= free + bond.0);
    assert!(charged_bytes(&line.harness, line.contract(), &people).await > rows, "votes are kept");
    ok(root, line.contract(), governance::forget_ballots, &forget, 0).await;
    assert_eq!(charged_bytes(&line.harness, line.contract(), &people).await, rows);
}

/// A holder that asks for its money and deletes its account in the same receipt: what is sent finds nobody.
const LEAVING: &str = r#"
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "current_account_id" (func $me (param i64)))
  (import "env" "promise_create" (func $call (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "env" "promise_batch_create" (func $batch (param i64 i64) (result i64)))
  (import "env" "promise_batch_action_delete_account" (func $delete (param i64 i64 i64)))
  (memory 1)
  (data (i32.const 0) "GOVERNANCE")
  (data (i32.const 100) "withdraw_stake")
  (data (i32.const 200) "HEIR")
  ;; 1 yocto.
  (data (i32.const 300) "\01")
  (func (export "leave")
    (call $input (i64.const 0))
    (call $me (i64.const 1))
    (drop (call $call (i64.const LENGTH) (i64.const 0) (i64.const 14) (i64.const 100) (i64.const -1) (i64.const 0)
      (i64.const 300) (i64.const 200000000000000)))
    (call $delete (call $batch (i64.const -1) (i64.const 1)) (i64.const HEIRS) (i64.const 200))))
"#;

/// Take it off the books for good when it is sent, and who is gone for a moment has nothing: INV-GOV-12.
#[tokio::test]
async fn a_transfer_to_an_account_that_is_gone_leaves_the_money_ready() {
    let line = Staked::new().await;
    let (ann, leaver) = (line.holder("ann", 20 * NEAR).await, line.holder("leaver", 20 * NEAR).await);
    let ready_ms = ok(&leaver, line.contract(), governance::unlock, &line.amount(20 * NEAR), 1).await;
    line.until(ready_ms).await;
    let (contract, heir) = (line.contract().as_str(), ann.id().as_str());
    let text = LEAVING.replace("LENGTH", &contract.len().to_string()).replace("HEIRS", &heir.len().to_string());
    let text = text.replace("GOVERNANCE", contract).replace("HEIR", heir);
    leaver.deploy(&wat::parse_str(text).unwrap()).await.unwrap().into_result().unwrap();
    let leave = raw("leave", json!({ "line": line.line }));
    let outcome = leaver.send(leaver.id(), leave, 0).await.unwrap();
    assert!(outcome.is_success(), "{outcome:?}");
    let left = line.stake(&leaver).await.unwrap();
    assert_eq!((left.free.0 + left.unlocking.0, left.in_flight), (20 * NEAR, U128(0)));
    let books = line.pool().await.books;
    assert_eq!((books.held, books.in_flight), (U128(40 * NEAR), U128(0)));
    // Who has that name afterwards is owed it.
    let again = line.harness.account("leaver").await.unwrap();
    assert_eq!(line.withdraw(&again).await, None);
    assert_eq!(line.pool().await.books.held, U128(20 * NEAR));
}

#[tokio::test]
async fn a_token_that_refuses_leaves_the_money_ready() {
    let harness = Harness::start().await.unwrap();
    let ann = harness.account("ann").await.unwrap();
    let real = token(&harness, "token", &[(ann.id().clone(), 100)]).await;
    let line = Staked::on(harness, Asset::Nep141(real.id().clone()), PARAMS_BY_STAKE, 10).await;
    ok(&ann, line.contract(), governance::lock, &line.amount(0), DEPOSIT).await;
    assert_eq!(line.transfer(&ann, real.id(), 100, &line.message()).await, 100);
    let ready_ms = ok(&ann, line.contract(), governance::unlock, &line.amount(60), 1).await;
    line.until(ready_ms).await;
    for switch in ["fail", "refuse"] {
        let args = |on: bool| match switch {
            "fail" => json!({ "fails": on }),
            _ => json!({ "account_id": ann.id(), "refuses": on }),
        };
        tell(&line.harness, real.id(), switch, args(true)).await;
        assert!(line.withdraw(&ann).await.is_some(), "{switch}");
        let left = line.stake(&ann).await.unwrap();
        assert_eq!((left.free.0 + left.unlocking.0, left.in_flight), (60, U128(0)), "{switch}");
        assert_eq!(line.pool().await.books.held, U128(100), "{switch}");
        tell(&line.harness, real.id(), switch, args(false)).await;
    }
    assert_eq!(line.withdraw(&ann).await, None);
    assert_eq!(tokens_of(&line.harness, real.id(), ann.id()).await, 60);
    assert_eq!(tokens_of(&line.harness, real.id(), line.contract()).await, 40);
}

#[tokio::test]
async fn what_is_locked_where_stake_was_turned_off_can_be_unlocked_and_withdrawn() {
    let line = Staked::new().await;
    let ann = line.holder("ann", 20 * NEAR).await;
    line.next_period().await;
    let off = Constitution { stake: None, ..line.constitution() };
    let proposal = line.propose_constitution(off).await.unwrap();
    assert_eq!(line.vote(&ann, proposal, Choice::Yes).await, None);
    assert_eq!(line.queue(proposal).await, ProposalState::Queued);
    line.harness.wait(PERIOD).await.unwrap();
    ok(&line.chief, line.contract(), governance::amend, &ProposalRef { proposal }, DEPOSIT).await;
    let shown = line.look(governance::line, &LineRef { line: line.line }).await.unwrap();
    assert_eq!((shown.stake, shown.version), (None, 1));
    let by_council = line.propose(&line.chief).await;
    assert_eq!(line.proposal(by_council).await.stake, None);
    assert_eq!(line.pool().await.books.held, U128(20 * NEAR));
    // It comes back as it was, or not at all.
    let mut other = line.constitution();
    other.stake = other.stake.map(|rules| StakeRules { unlock_ms: 2 * UNLOCK_MS, ..rules });
    for (constitution, code) in [(other, Some("GOVERNANCE_STAKE_FIXED")), (line.constitution(), None)] {
        let args = ProposeAmendment { line: line.line, version: 1, constitution };
        let sent = call(governance::propose_amendment, &args);
        assert_eq!(line.send(&line.chief, sent, DEPOSIT).await.as_deref(), code);
    }
    let ready_ms = ok(&ann, line.contract(), governance::unlock, &line.amount(20 * NEAR), 1).await;
    line.until(ready_ms).await;
    assert_eq!(line.withdraw(&ann).await, None);
    assert_eq!((line.stake(&ann).await, line.pool().await.books.held), (None, U128(0)));
}

/// Keep the first vote's snapshot, or what was taken in it from delegates, and nothing is decided anew.
#[tokio::test]
async fn a_second_vote_counts_what_counts_when_it_is_opened() {
    let line = Staked::with(Params { timelock_ms: 2 * HOUR_MS, ..PARAMS_BY_STAKE }, NEAR).await;
    let mut robots = Vec::new();
    for name in ["first", "second", "third"] {
        let robot = line.robot(name).await;
        ok(&robot.owner, line.contract(), governance::enroll, &enrolled(robot.agent, line.line), 1).await;
        robots.push(robot);
    }
    let (ann, cid) = (line.holder("ann", 30 * NEAR).await, line.delegate("cid").await);
    assert_eq!(line.give(&ann, &cid, 10 * NEAR).await, None);
    line.next_period().await;
    let proposal = line.propose(&line.chief).await;
    let first = line.tally(proposal).await;
    assert_eq!(line.vote(&ann, proposal, Choice::Yes).await, None);
    assert_eq!(line.queue(proposal).await, ProposalState::Queued);
    let ben = line.holder("ben", 60 * NEAR).await;
    line.next_period().await;
    for robot in &robots {
        let objection = Object { proposal, agent: robot.agent };
        ok(&robot.owner, line.contract(), governance::object, &objection, 1).await;
    }
    let again = line.proposal(proposal).await;
    assert_eq!((again.state, again.round), (ProposalState::Voting, 1));
    let second = again.stake.unwrap();
    assert_eq!(second.snapshot_ms, first.snapshot_ms + HOUR_MS);
    assert_eq!((second.all, second.yes, second.no), (U128(90 * NEAR), U128(0), U128(0)));
    assert_eq!(line.vote(&cid, proposal, Choice::No).await, None);
    assert_eq!(line.votes(proposal).await, [0, 10 * NEAR, 0, 0], "what was taken in the first vote was taken there");
    assert_eq!(line.vote(&ann, proposal, Choice::Yes).await, None);
    assert_eq!(line.votes(proposal).await, [30 * NEAR, 0, 0, 0]);
    assert_eq!(line.ballot(proposal, &ann).await.round, 1);
    assert_eq!(line.vote(&ben, proposal, Choice::No).await, None);
    assert_eq!(line.votes(proposal).await, [30 * NEAR, 60 * NEAR, 0, 0]);
    assert_eq!(line.queue(proposal).await, ProposalState::Rejected);
}

/// Give the callback ten TGas, and what a holder of the largest row can't be sent is on its way for good.
#[tokio::test]
async fn what_does_not_arrive_is_ready_again_from_the_largest_row_there_is() {
    let long = |name: &str| format!("{name}{}", "0".repeat(54 - name.len()));
    let all = 1 << 111;
    let harness = Harness::start().await.unwrap();
    let ann = harness.account(&long("ann")).await.unwrap();
    assert_eq!(ann.id().len(), 64);
    let real = token(&harness, "token", &[(ann.id().clone(), all)]).await;
    let line = Staked::on(harness, Asset::Nep141(real.id().clone()), PARAMS_BY_STAKE, 10).await;
    let mut delegates = Vec::new();
    for number in 0..PARTS_MAX {
        delegates.push(line.delegate(&long(&format!("delegate{number}"))).await);
    }
    ok(&ann, line.contract(), governance::lock, &line.amount(0), DEPOSIT).await;
    assert_eq!(line.transfer(&ann, real.id(), all, &line.message()).await, all);
    ok(&ann, line.contract(), governance::unlock, &line.amount(all / 4), 1).await;
    for turn in 0..u128::try_from(HISTORY_MAX).unwrap() {
        line.next_period().await;
        for delegate in &delegates {
            assert_eq!(line.give(&ann, delegate, all / 16 - turn).await, None);
        }
        let more = line.unlock(&ann, 1).await;
        assert_eq!(more.as_deref(), None, "it grows by nothing: {turn}");
    }
    let stake = line.stake(&ann).await.unwrap();
    assert!(stake.delegated.len() + 1 >= HISTORY_MAX && stake.locked.len() + 1 >= HISTORY_MAX, "{stake:?}");
    tell(&line.harness, real.id(), "fail", json!({ "fails": true })).await;
    line.until(stake.ready_ms).await;
    let delegated = |stake: &Stake| stake.delegated.len();
    assert!(line.withdraw(&ann).await.is_some());
    let left = line.stake(&ann).await.unwrap();
    assert_eq!((left.free.0, left.in_flight.0), (all / 4 + 11, 0));
    assert!(delegated(&left) < delegated(&stake), "what no vote counts goes");
}

/// Leave `staked` out of `held`, and code eats what others have locked.
#[tokio::test]
async fn what_is_locked_pays_for_no_code() {
    let line = Staked::on(Harness::start_with(code_of).await.unwrap(), Asset::Near, PARAMS_BY_STAKE, NEAR).await;
    let ann = line.holder("ann", 40 * NEAR).await;
    line.harness.leave(line.contract(), 30 * NEAR).await.unwrap();
    let code = code_of(Contract::Governance).unwrap();
    let again = async || upgrade(&line.harness, line.harness.root(), line.contract(), code.clone()).await;
    assert_eq!(again().await.as_deref(), Some("CHARTER_FUNDS_SHORT"));
    line.harness.leave(line.contract(), 41 * NEAR).await.unwrap();
    assert_eq!(again().await, None);
    let ready_ms = ok(&ann, line.contract(), governance::unlock, &line.amount(40 * NEAR), 1).await;
    line.until(ready_ms).await;
    assert_eq!(line.withdraw(&ann).await, None);
    line.harness.leave(line.contract(), NEAR).await.unwrap();
    assert_eq!(again().await, None, "it is the contract's own by now");
}

/// Let them change while nobody has locked anything, and whoever locks dust before `amend` either stops it or decides by a floor
/// that was meant in another asset.
#[tokio::test]
async fn asset_and_wait_are_those_of_the_first_constitution_that_has_any() {
    let line = Staked::new().await;
    let mine = line.constitution().stake.unwrap();
    let token = Asset::Nep141(line.chief.id().clone());
    for (rules, code) in [
        (StakeRules { asset: token, ..mine.clone() }, Some("GOVERNANCE_STAKE_FIXED")),
        (StakeRules { unlock_ms: 2 * UNLOCK_MS, ..mine.clone() }, Some("GOVERNANCE_STAKE_FIXED")),
        (StakeRules { floor: U128(7), ..mine }, None),
    ] {
        let proposed = line.propose_constitution(Constitution { stake: Some(rules), ..line.constitution() }).await;
        assert_eq!(proposed.err().as_deref(), code);
    }
}
