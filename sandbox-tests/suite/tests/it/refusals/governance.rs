//! Governance: line 2 and its proposal, a release, are the owner's; agent 1 is enrolled.

use charter_harness::arguments::{content, enrolled};
use charter_types::admin::Deployment;
use charter_types::governance::args::{
    AgentRef, Choose, CreateLine, ExecuteUpgrade, ForgetObjections, ForgetReports, HoldingRef, LineRef, Object,
    ObjectionRef, PauseLine, ProposalRef, ProposeAmendment, ProposeRelease, ProposeUpgrade, ReleaseRef, ReportHealth,
    ReportRef, State, StatementRef, Vote,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{Choice, Constitution, Member, Params, StatementKind, Wanted};
use charter_types::{Hash32, Page};

use super::case::{Case, Who};
use super::scene::Scene;

const NOT_MEMBER: &str = "GOVERNANCE_NOT_MEMBER";
const NOT_OWNER: &str = "GOVERNANCE_NOT_OWNER";
pub const UNKNOWN_PROPOSAL: &str = "GOVERNANCE_UNKNOWN_PROPOSAL";

pub fn cases(scene: &Scene) -> Vec<Case> {
    let council = vec![Member { account: scene.id(Who::Owner), weight: 1 }];
    let line = CreateLine { name: "line".to_owned(), council, params: Params::default(), guardian: None, stake: None };
    let constitution = Constitution { council: line.council.clone(), params: line.params, guardian: None, stake: None };
    let amendment = ProposeAmendment { line: 2, version: 0, constitution };
    let release = ProposeRelease { line: 2, seq: 0, content: content() };
    let upgrade = ProposeUpgrade {
        contract: scene.id(Who::Stranger),
        code_hash: Hash32([1; 32]),
        replaces: Deployment { number: 0, sha256: Hash32([2; 32]) },
    };
    let vote = Vote { proposal: scene.proposal, content_hash: scene.content_hash, choice: Choice::Yes };
    let reference = ProposalRef { proposal: scene.proposal };
    let execute = ExecuteUpgrade { proposal: scene.proposal, code: vec![0; 10] };
    let page = Page { from: 1, limit: Some(1) };
    let agent = AgentRef { agent: 1 };
    let report = ReportHealth { agent: 1, release: 1, digest: Hash32([1; 32]), ok: true };
    let digest = content().artifacts[0].digest;
    let (uri, sha256) = ("https://auditor.example/1".to_owned(), Hash32([3; 32]));
    let statement = State { release: 1, kind: StatementKind::Audit, digest, ok: true, uri, sha256 };
    let objection = Object { proposal: scene.proposal, agent: 1 };
    let objections = ForgetObjections { proposal: scene.proposal, owners: vec![scene.id(Who::Owner)] };
    let of_agent = |case: Case| case.unknown("agent", 999, "GOVERNANCE_NOT_ENROLLED");
    let of_proposal = |case: Case| case.unknown("proposal", 999, UNKNOWN_PROPOSAL);
    vec![
        Case::new(governance::create_line, &line, ""),
        Case::new(governance::propose_release, &release, NOT_MEMBER).unknown("line", 999, "GOVERNANCE_UNKNOWN_LINE"),
        Case::new(governance::propose_amendment, &amendment, NOT_MEMBER).unknown(
            "line",
            999,
            "GOVERNANCE_UNKNOWN_LINE",
        ),
        Case::new(governance::propose_upgrade, &upgrade, NOT_MEMBER),
        of_proposal(Case::new(governance::vote, &vote, NOT_MEMBER)),
        of_proposal(Case::new(governance::object, &objection, NOT_OWNER)),
        Case::new(governance::forget_objections, &objections, "GOVERNANCE_OBJECTABLE"),
        Case::new(governance::state, &statement, "").unknown("release", 999, "GOVERNANCE_NO_RELEASE"),
        Case::new(governance::retract, &ReleaseRef { release: 1 }, "GOVERNANCE_NO_STATEMENT"),
        Case::new(governance::pause_line, &PauseLine { line: 2, ms: 1 }, "GOVERNANCE_NOT_GUARDIAN").unknown(
            "line",
            999,
            "GOVERNANCE_UNKNOWN_LINE",
        ),
        of_proposal(Case::new(governance::queue, &reference, "GOVERNANCE_VOTE_RUNNING")),
        of_proposal(Case::new(governance::forget_proposal, &reference, "GOVERNANCE_OPEN")),
        of_proposal(Case::new(governance::cancel, &reference, "GOVERNANCE_NOT_PROPOSER")),
        of_proposal(Case::new(governance::publish, &reference, "GOVERNANCE_NOT_APPROVED")),
        of_proposal(Case::new(governance::amend, &reference, "GOVERNANCE_WRONG_KIND")),
        Case::new(governance::execute_upgrade, &execute, "GOVERNANCE_WRONG_KIND"),
        Case::new(governance::enroll, &enrolled(1, 2), NOT_OWNER).unknown("line", 999, "GOVERNANCE_UNKNOWN_LINE"),
        of_agent(Case::new(governance::leave, &agent, NOT_OWNER)),
        of_agent(Case::new(governance::choose, &Choose { agent: 1, wanted: Wanted::Pin(0) }, NOT_OWNER)),
        of_agent(Case::new(governance::freeze, &agent, NOT_OWNER).may(&[Who::Guardian])),
        of_agent(Case::new(governance::report_health, &report, "GOVERNANCE_NOT_AGENT").by(Who::Agent)),
        Case::new(governance::advance, &LineRef { line: 2 }, "GOVERNANCE_NO_ROLLOUT").unknown(
            "line",
            999,
            "GOVERNANCE_UNKNOWN_LINE",
        ),
        Case::new(governance::forget_reports, &ForgetReports { release: 1, owners: vec![scene.id(Who::Owner)] }, "")
            .unknown("release", 999, "GOVERNANCE_UNKNOWN_RELEASE"),
        Case::new(governance::rollout, &LineRef { line: 2 }, ""),
        Case::new(governance::rollouts, &page, ""),
        Case::new(governance::report, &ReportRef { release: 1, owner: scene.id(Who::Owner) }, ""),
        Case::new(governance::holding, &HoldingRef { line: 2, owner: scene.id(Who::Owner) }, ""),
        Case::new(governance::objection, &ObjectionRef { proposal: 1, owner: scene.id(Who::Owner) }, ""),
        Case::new(governance::statement, &StatementRef { release: 1, by: scene.id(Who::Owner) }, ""),
        Case::new(governance::line, &LineRef { line: 1 }, ""),
        Case::new(governance::lines, &page, ""),
        Case::new(governance::proposal, &reference, ""),
        Case::new(governance::proposals, &page, ""),
        Case::new(governance::ballots, &reference, ""),
        Case::new(governance::releases, &page, ""),
        Case::new(governance::enrolment, &agent, ""),
        Case::new(governance::release_for, &agent, ""),
    ]
}
