//! What a line's council decides, in which order it may be carried out, and who can stop it.

use std::time::Duration;

use charter_harness::arguments::{DEPOSIT, charged_bytes, content, prepay, unregister};
use charter_harness::{Caller, Harness, call, failed_with, ok, refused, view};
use charter_types::Page;
use charter_types::governance::args::{CreateLine, LineRef, ProposalRef, ProposeAmendment, ProposeRelease, Vote};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    Choice, Constitution, EXECUTION_MS, KEPT_MS, Line, Member, PERIOD_MS_MIN, Params, Proposal, ProposalState,
};
use charter_types::method::{Deposit, Method};
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use near_workspaces::{Account, AccountId};

const LINE: u64 = 2;
const PERIOD: Duration = Duration::from_millis(PERIOD_MS_MIN + 1);
const SUPERSEDED: &str = "GOVERNANCE_SUPERSEDED";

/// A line with a council of equals; its owner is none of them.
struct Dao {
    harness: Harness,
    owner: Account,
    members: Vec<Account>,
}

fn equals(members: &[Account]) -> Vec<Member> {
    members.iter().map(|member| Member { account: member.id().clone(), weight: 1 }).collect()
}

fn short() -> Params {
    Params { vote_ms: PERIOD_MS_MIN, timelock_ms: PERIOD_MS_MIN, extension_ms: 0, ..Params::default() }
}

impl Dao {
    async fn new(size: usize) -> Self {
        let harness = Harness::start().await.unwrap();
        let owner = harness.account("owner").await.unwrap();
        let mut members = Vec::new();
        for number in 0..size {
            members.push(harness.account(&format!("member{number}")).await.unwrap());
        }
        let (name, council) = ("scout".to_owned(), equals(&members));
        let args = CreateLine { name, council, params: short(), guardian: None, stake: None };
        assert_eq!(ok(&owner, &harness.contracts.governance, governance::create_line, &args, DEPOSIT).await, LINE);
        Self { harness, owner, members }
    }

    fn contract(&self) -> &AccountId {
        &self.harness.contracts.governance
    }

    async fn proposal(&self, proposal: u64) -> Proposal {
        let question = ProposalRef { proposal };
        view(&self.harness.worker, self.contract(), governance::proposal, &question).await.unwrap().unwrap()
    }

    async fn line(&self) -> Line {
        let question = LineRef { line: LINE };
        view(&self.harness.worker, self.contract(), governance::line, &question).await.unwrap().unwrap()
    }

    async fn propose(&self, semver: &str) -> u64 {
        let mut content = content();
        semver.clone_into(&mut content.semver);
        let args = ProposeRelease { line: LINE, seq: self.line().await.seq, content };
        ok(&self.members[0], self.contract(), governance::propose_release, &args, DEPOSIT).await
    }

    async fn propose_constitution(&self, constitution: Constitution) -> u64 {
        let args = ProposeAmendment { line: LINE, version: self.line().await.version, constitution };
        ok(&self.members[0], self.contract(), governance::propose_amendment, &args, DEPOSIT).await
    }

    async fn vote(&self, by: &Account, proposal: u64, choice: Choice) {
        let content_hash = self.proposal(proposal).await.content_hash;
        let vote = Vote { proposal, content_hash, choice };
        ok(by, self.contract(), governance::vote, &vote, DEPOSIT).await;
    }

    async fn wait(&self) {
        self.harness.wait(PERIOD).await.unwrap();
    }

    /// All of these members agree, in one vote after the other's end.
    async fn approve(&self, proposals: &[u64], by: &[Account]) {
        for proposal in proposals {
            for member in by {
                self.vote(member, *proposal, Choice::Yes).await;
            }
        }
        self.wait().await;
        for proposal in proposals {
            let reference = ProposalRef { proposal: *proposal };
            let state = ok(&self.owner, self.contract(), governance::queue, &reference, 0).await;
            assert_eq!(state, ProposalState::Queued, "proposal {proposal}");
        }
        self.wait().await;
    }

    /// The code of what is refused.
    async fn told<M: Method<Args = ProposalRef>>(&self, by: &Account, method: M, proposal: u64) -> Option<String> {
        let deposit = if matches!(M::RULE.deposit, Deposit::Nothing) { 0 } else { DEPOSIT };
        failed_with(&by.send(self.contract(), call(method, &ProposalRef { proposal }), deposit).await.unwrap())
    }

    async fn publish(&self, by: &Account, proposal: u64) -> Option<String> {
        self.told(by, governance::publish, proposal).await
    }

    async fn amend(&self, by: &Account, proposal: u64) -> Option<String> {
        self.told(by, governance::amend, proposal).await
    }

    async fn cancel(&self, by: &Account, proposal: u64) -> Option<String> {
        self.told(by, governance::cancel, proposal).await
    }
}

/// G1. Take the comparison out of `move_head` and a stranger takes the line back to 1.0.0, which then looks newer.
#[tokio::test]
async fn a_stranger_does_not_take_a_line_back_to_a_release_that_was_approved_too() {
    let dao = Dao::new(1).await;
    let (member, eve) = (&dao.members[0], dao.harness.account("eve").await.unwrap());
    let (older, newer) = (dao.propose("1.0.0").await, dao.propose("1.0.1").await);
    dao.approve(&[older, newer], &dao.members).await;
    assert_eq!(dao.publish(&eve, newer).await, None);
    let line = dao.line().await;
    assert_eq!((line.head, line.seq), (2, 1));
    dao.harness.wait(Duration::from_millis(EXECUTION_MS / 2)).await.unwrap();
    assert_eq!(dao.publish(&eve, older).await, Some(SUPERSEDED.to_owned()));
    assert_eq!(dao.line().await, line);
    // It is voted on again, for the line as it is.
    let again = dao.propose("1.0.0").await;
    dao.approve(&[again], &dao.members).await;
    assert_eq!(dao.publish(member, again).await, None);
    let line = dao.line().await;
    assert_eq!((line.head, line.seq), (3, 2));
}

/// G5. With the quorum counted from what was cast, or of less than half, the first of these passes.
#[tokio::test]
async fn silence_is_no_and_the_default_asks_for_a_majority_of_all() {
    let dao = Dao::new(5).await;
    let mut proposals = Vec::new();
    for votes in 0..=5_usize {
        let proposal = dao.propose("1.0.0").await;
        for member in &dao.members[..votes] {
            dao.vote(member, proposal, Choice::Yes).await;
        }
        proposals.push(proposal);
    }
    // Two yes of three that voted are not most of five.
    let split = dao.propose("1.0.0").await;
    for (member, choice) in dao.members.iter().zip([Choice::Yes, Choice::Yes, Choice::No]) {
        dao.vote(member, split, choice).await;
    }
    dao.wait().await;
    for (votes, proposal) in proposals.into_iter().chain([split]).enumerate() {
        let state = ok(&dao.owner, dao.contract(), governance::queue, &ProposalRef { proposal }, 0).await;
        let passes = (3..=5).contains(&votes);
        assert_eq!(state == ProposalState::Queued, passes, "{votes} of 5");
    }
}

/// G2. The owner of a line, who is not on its council, has no say; who proposed has none after the vote.
#[tokio::test]
async fn nobody_has_a_veto_that_the_constitution_does_not_name() {
    let dao = Dao::new(3).await;
    let proposal = dao.propose("1.0.0").await;
    assert_eq!(dao.cancel(&dao.owner, proposal).await, Some("GOVERNANCE_NOT_PROPOSER".to_owned()));
    for member in &dao.members[1..] {
        dao.vote(member, proposal, Choice::Yes).await;
    }
    dao.wait().await;
    let late = Some("GOVERNANCE_NOT_CANCELLABLE".to_owned());
    assert_eq!(dao.cancel(&dao.members[0], proposal).await, late, "approved, and nobody has counted it yet");
    ok(&dao.owner, dao.contract(), governance::queue, &ProposalRef { proposal }, 0).await;
    assert_eq!(dao.cancel(&dao.members[0], proposal).await, late);
    assert_eq!(dao.cancel(&dao.owner, proposal).await, Some("GOVERNANCE_NOT_PROPOSER".to_owned()));
    let own = dao.propose("1.0.1").await;
    assert_eq!(dao.cancel(&dao.members[0], own).await, None, "a vote that runs can be taken back");
    assert_eq!(dao.cancel(&dao.members[0], own).await, late, "once");
}

/// Leave `line.guardian = None` out of `cancel` and a guardian stops every vote on who the guardian is.
#[tokio::test]
async fn a_guardian_cancels_once() {
    let dao = Dao::new(1).await;
    let guard = dao.harness.account("guard").await.unwrap();
    let constitution = Constitution {
        council: equals(&dao.members),
        params: short(),
        guardian: Some(guard.id().clone()),
        stake: None,
    };
    let named = dao.propose_constitution(constitution.clone()).await;
    dao.approve(&[named], &dao.members).await;
    assert_eq!(dao.amend(&dao.owner, named).await, None);
    assert_eq!(dao.line().await.guardian.as_ref(), Some(guard.id()));
    let release = dao.propose("1.0.0").await;
    let other = dao.propose_constitution(constitution.clone()).await;
    dao.approve(&[release, other], &dao.members).await;
    assert_eq!(dao.cancel(&guard, release).await, None);
    assert_eq!(dao.proposal(release).await.state, ProposalState::Cancelled);
    assert_eq!(dao.line().await.guardian, None);
    assert_eq!(dao.cancel(&guard, other).await, Some("GOVERNANCE_NOT_PROPOSER".to_owned()));
    let member = &dao.members[0];
    assert_eq!(dao.publish(member, release).await, Some("GOVERNANCE_NOT_APPROVED".to_owned()));
    assert_eq!(dao.amend(member, other).await, Some(SUPERSEDED.to_owned()), "it would bring the guardian back");
    let next = dao.propose_constitution(Constitution { guardian: None, ..constitution }).await;
    dao.approve(&[next], &dao.members).await;
    assert_eq!(dao.cancel(&guard, next).await, Some("GOVERNANCE_NOT_PROPOSER".to_owned()));
    assert_eq!(dao.amend(member, next).await, None);
}

#[tokio::test]
async fn a_council_changes_by_vote_and_running_votes_do_not() {
    let dao = Dao::new(3).await;
    let next = dao.harness.account("next").await.unwrap();
    let council = equals(std::slice::from_ref(&next));
    let amendment = dao
        .propose_constitution(Constitution {
            council: council.clone(),
            params: Params { vote_ms: 2 * PERIOD_MS_MIN, ..short() },
            guardian: None,
            stake: None,
        })
        .await;
    // Another one for the same constitution, approved as well.
    let rival = dao
        .propose_constitution(Constitution {
            council: equals(&dao.members[..1]),
            params: short(),
            guardian: None,
            stake: None,
        })
        .await;
    dao.approve(&[amendment, rival], &dao.members[..2]).await;
    let running = dao.propose("1.0.0").await;
    assert_eq!(dao.amend(&next, amendment).await, None);
    let line = dao.line().await;
    assert_eq!((&line.council, line.params.vote_ms, line.version), (&council, 2 * PERIOD_MS_MIN, 1));
    assert_eq!(dao.amend(&next, rival).await, Some(SUPERSEDED.to_owned()), "voted on for the council before");
    // The vote that runs is those people's who could vote when it began, and nobody else's.
    let vote = Vote { proposal: running, content_hash: dao.proposal(running).await.content_hash, choice: Choice::Yes };
    assert_eq!(refused(&next, dao.contract(), governance::vote, &vote, DEPOSIT).await, "GOVERNANCE_NOT_MEMBER");
    dao.approve(&[running], &dao.members[..2]).await;
    assert_eq!(dao.publish(&next, running).await, None);
    // Who is off the council proposes nothing more.
    let args = ProposeRelease { line: LINE, seq: dao.line().await.seq, content: content() };
    let old = refused(&dao.members[0], dao.contract(), governance::propose_release, &args, DEPOSIT).await;
    assert_eq!(old, "GOVERNANCE_NOT_MEMBER");
    ok(&next, dao.contract(), governance::propose_release, &args, DEPOSIT).await;
}

#[tokio::test]
async fn a_council_is_never_empty() {
    let dao = Dao::new(1).await;
    for council in [Vec::new(), vec![Member { account: dao.owner.id().clone(), weight: 0 }]] {
        let constitution = Constitution { council, params: short(), guardian: None, stake: None };
        let args = ProposeAmendment { line: LINE, version: 0, constitution };
        let told = refused(&dao.members[0], dao.contract(), governance::propose_amendment, &args, DEPOSIT).await;
        assert_eq!(told, "GOVERNANCE_BAD_COUNCIL");
    }
    let params = Params { quorum_bps: 0, ..short() };
    let constitution = Constitution { council: equals(&dao.members), params, guardian: None, stake: None };
    let args = ProposeAmendment { line: LINE, version: 0, constitution };
    let told = refused(&dao.members[0], dao.contract(), governance::propose_amendment, &args, DEPOSIT).await;
    assert_eq!(told, "GOVERNANCE_BAD_PARAMS");
}

/// Let `amend` update the line's row instead of handing it over, and an owner without money keeps the council it likes.
#[tokio::test]
async fn who_paid_for_a_line_neither_stops_a_larger_council_nor_pays_for_it() {
    let dao = Dao::new(1).await;
    let free = async |account: &Account| {
        let question = StorageOf { account_id: account.id().clone() };
        let found = dao.harness.look(dao.contract(), shared::storage_balance_of, &question).await.unwrap();
        found.map(|balance| (balance.total.0, balance.available.0))
    };
    let (total, available) = free(&dao.owner).await.unwrap();
    assert_eq!(available, 0, "the owner has nothing free");
    let mut council = equals(&dao.members);
    council.extend((0..31).map(|number| {
        let account = format!("{number:0>59}.near").parse().unwrap();
        Member { account, weight: 1 }
    }));
    let larger = dao.propose_constitution(Constitution { council, params: short(), guardian: None, stake: None }).await;
    dao.approve(&[larger], &dao.members).await;
    let eve = dao.harness.account("eve").await.unwrap();
    assert_eq!(dao.amend(&eve, larger).await, None);
    assert_eq!(dao.line().await.council.len(), 32);
    // What the owner had paid is free, and its account can be closed; who carried it out pays.
    let (now, available) = free(&dao.owner).await.unwrap();
    assert!(now == total && available > 0, "{available} of {now}");
    assert!(free(&eve).await.is_some());
    unregister(&dao.owner, dao.contract()).await;
}

/// Forget any of the three rows, and somebody pays for ever. Ask for no time, and a stranger takes away what is decided.
#[tokio::test]
async fn what_is_over_is_forgotten_and_everybody_has_their_storage_back() {
    let dao = Dao::new(3).await;
    let eve = dao.harness.account("eve").await.unwrap();
    let charged =
        async |member: &Account| charged_bytes(&dao.harness, dao.contract(), std::slice::from_ref(member)).await;
    let mut before = Vec::new();
    for member in &dao.members {
        prepay(member, dao.contract(), DEPOSIT).await;
        before.push(charged(member).await);
    }
    let (published, left) = (dao.propose("1.0.0").await, dao.propose("1.0.1").await);
    dao.approve(&[published, left], &dao.members).await;
    assert_eq!(dao.publish(&eve, published).await, None);
    let forget = async |proposal| dao.told(&eve, governance::forget_proposal, proposal).await;
    dao.harness.wait(Duration::from_millis(EXECUTION_MS)).await.unwrap();
    assert_eq!(forget(left).await, Some("GOVERNANCE_OPEN".to_owned()));
    dao.harness.wait(Duration::from_millis(KEPT_MS)).await.unwrap();
    for proposal in [published, left] {
        assert_eq!(forget(proposal).await, None);
        assert_eq!(forget(proposal).await, Some("GOVERNANCE_UNKNOWN_PROPOSAL".to_owned()));
    }
    let releases = view(&dao.harness.worker, dao.contract(), governance::releases, &Page::default()).await.unwrap();
    assert_eq!(releases.iter().map(|release| release.id).collect::<Vec<_>>(), [1], "what is published stays");
    assert_eq!(dao.line().await.head, 1);
    for (member, before) in dao.members.iter().zip(&before).skip(1) {
        assert_eq!(charged(member).await, *before);
    }
    // Who proposed it pays for the release that runs.
    let row = charged(&dao.members[0]).await - before[0];
    assert!((200..600).contains(&row), "{row} bytes for one release");
}
