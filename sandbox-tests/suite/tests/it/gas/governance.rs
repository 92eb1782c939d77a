//! Calls of governance.

use std::time::Duration;

use charter_client::sha256;
use charter_harness::{ok, view};
use charter_types::contract::Governance;
use charter_types::governance::args::{
    AgentRef, Choose, CreateLine, ExecuteUpgrade, ForgetObjections, ForgetReports, LineRef, Object, PauseLine,
    ProposalRef, ProposeAmendment, ProposeRelease, ProposeUpgrade, ReleaseRef, ReportHealth, State, Vote,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    AUDITORS_MAX, Bump, Choice, Constitution, EXECUTION_MS, KEPT_MS, MEMBERS_MAX, Member, PERIOD_MS_MIN, Params,
    Policy, ProposalKind, Reason, StatementKind, URI_BYTES_MAX, Wanted,
};
use charter_types::shared::methods as shared;
use charter_types::{Hash32, Nothing};
use charter_wasm::Contract;
use near_workspaces::Account;

use super::Table;
use charter_harness::arguments::{DEPOSIT, content, enrolled, prepay, register};
use charter_types::registry::args::SetAgentAccount;
use charter_types::registry::methods as registry;

pub async fn vote_on(table: &Table, proposal: u64) -> Vote {
    let (worker, contract) = (&table.harness.worker, &table.contracts.governance);
    let found = view(worker, contract, governance::proposal, &ProposalRef { proposal }).await.unwrap();
    Vote { proposal, content_hash: found.unwrap().content_hash, choice: Choice::Yes }
}

/// A line with one member, and a release from its proposal to its publication; an upgrade of the registry to the code it
/// has.
pub async fn rows(table: &mut Table, owner: &Account) {
    let params = Params { vote_ms: PERIOD_MS_MIN, timelock_ms: PERIOD_MS_MIN, extension_ms: 0, ..Params::default() };
    let line = CreateLine { name: "scout".to_owned(), council: Vec::new(), params, guardian: None, stake: None };
    let line = table.note(owner, (Governance, governance::create_line), "one member", &line, DEPOSIT).await;
    let release = ProposeRelease { line, seq: 0, content: content() };
    let case = "one artifact";
    let proposal = table.note(owner, (Governance, governance::propose_release), case, &release, DEPOSIT).await;
    let vote = vote_on(table, proposal).await;
    table.note(owner, (Governance, governance::vote), "", &vote, DEPOSIT).await;
    let changed = Vote { choice: Choice::No, ..vote };
    table.note(owner, (Governance, governance::vote), "changed", &changed, DEPOSIT).await;
    ok(owner, &table.contracts.governance, governance::vote, &vote, DEPOSIT).await;
    let dropped = ok(owner, &table.contracts.governance, governance::propose_release, &release, DEPOSIT).await;
    table.note(owner, (Governance, governance::cancel), "", &ProposalRef { proposal: dropped }, 0).await;
    let uri = format!("https://auditor.example/{}", "a".repeat(URI_BYTES_MAX - 24));
    let (digest, sha256) = (content().artifacts[0].digest, Hash32([3; 32]));
    let statement = State { release: 1, kind: StatementKind::Audit, digest, ok: true, uri, sha256 };
    table.note(owner, (Governance, governance::state), "the longest URI", &statement, DEPOSIT).await;
    table.note(owner, (Governance, governance::retract), "", &ReleaseRef { release: 1 }, 1).await;
    table.harness.wait(Duration::from_millis(PERIOD_MS_MIN)).await.unwrap();
    table.note(owner, (Governance, governance::queue), "", &ProposalRef { proposal }, 0).await;
    table.harness.wait(Duration::from_millis(PERIOD_MS_MIN)).await.unwrap();
    table.note(owner, (Governance, governance::publish), "", &ProposalRef { proposal }, 0).await;
    let amended = amendments(table, owner, line, params).await;
    let agent = register(&table.harness, owner, Vec::new()).await;
    prepay(owner, &table.contracts.governance, DEPOSIT).await;
    table.note(owner, (Governance, governance::enroll), "", &enrolled(agent, line), 1).await;
    table.note(owner, (Governance, governance::leave), "", &AgentRef { agent }, 1).await;
    rollout(table, owner, params).await;
    upgrade(table).await;
    let full = full_vote(table, params).await;
    table.harness.wait(Duration::from_millis(2 * PERIOD_MS_MIN + EXECUTION_MS + KEPT_MS)).await.unwrap();
    for (proposal, case) in [(dropped, "a release"), (amended, "a council of 32"), (full, "a release, 32 ballots")] {
        table.note(owner, (Governance, governance::forget_proposal), case, &ProposalRef { proposal }, 0).await;
    }
}

/// As large as constitutions and councils get: a vote, and what it decides, cost no more for it than reading them.
async fn amendments(table: &mut Table, owner: &Account, line: u64, params: Params) -> u64 {
    let mut council = vec![Member { account: owner.id().clone(), weight: 1_000 }];
    council.extend(
        (1..MEMBERS_MAX).map(|number| Member { account: format!("{number:0>32}").parse().unwrap(), weight: 1 }),
    );
    let constitution = Constitution { council, params, guardian: Some(owner.id().clone()), stake: None };
    let mut last = 0;
    for (version, case) in [(0, "to a council of 32"), (1, "from 32 to 32")] {
        let amendment = ProposeAmendment { line, version, constitution: constitution.clone() };
        let proposal = table.note(owner, (Governance, governance::propose_amendment), case, &amendment, DEPOSIT).await;
        let vote = vote_on(table, proposal).await;
        table.note(owner, (Governance, governance::vote), case, &vote, DEPOSIT).await;
        table.harness.wait(Duration::from_millis(PERIOD_MS_MIN)).await.unwrap();
        ok(owner, &table.contracts.governance, governance::queue, &ProposalRef { proposal }, 0).await;
        table.harness.wait(Duration::from_millis(PERIOD_MS_MIN)).await.unwrap();
        table.note(owner, (Governance, governance::amend), case, &ProposalRef { proposal }, DEPOSIT).await;
        last = proposal;
    }
    table.note(owner, (Governance, governance::pause_line), "a council of 32", &PauseLine { line, ms: 1 }, 0).await;
    last
}

/// A release that as many vote on as can.
async fn full_vote(table: &Table, params: Params) -> u64 {
    let contract = &table.contracts.governance;
    let mut members = Vec::new();
    for number in 0..MEMBERS_MAX {
        members.push(table.harness.account(&format!("voter{number}")).await.unwrap());
    }
    let council = members.iter().map(|member| Member { account: member.id().clone(), weight: 1 }).collect();
    let line = CreateLine { name: "full".to_owned(), council, params, guardian: None, stake: None };
    let line = ok(&members[0], contract, governance::create_line, &line, DEPOSIT).await;
    let release = ProposeRelease { line, seq: 0, content: content() };
    let proposal = ok(&members[0], contract, governance::propose_release, &release, DEPOSIT).await;
    let vote = vote_on(table, proposal).await;
    for member in &members {
        ok(member, contract, governance::vote, &vote, DEPOSIT).await;
    }
    proposal
}

/// A release that may be published: its vote is counted, its timelock over.
async fn due(table: &Table, owner: &Account, release: ProposeRelease) -> u64 {
    let contract = &table.contracts.governance;
    let proposal = ok(owner, contract, governance::propose_release, &release, DEPOSIT).await;
    let vote = vote_on(table, proposal).await;
    ok(owner, contract, governance::vote, &vote, DEPOSIT).await;
    table.harness.wait(Duration::from_millis(PERIOD_MS_MIN)).await.unwrap();
    ok(owner, contract, governance::queue, &ProposalRef { proposal }, 0).await;
    table.harness.wait(Duration::from_millis(PERIOD_MS_MIN)).await.unwrap();
    proposal
}

/// A release that one owner's agent is asked about, to its end.
async fn rollout(table: &mut Table, owner: &Account, params: Params) {
    let contract = table.contracts.governance.clone();
    let line = CreateLine { name: "fleet".to_owned(), council: Vec::new(), params, guardian: None, stake: None };
    let line = ok(owner, &contract, governance::create_line, &line, DEPOSIT).await;
    let agent = register(&table.harness, owner, Vec::new()).await;
    let robot = table.harness.account("robot").await.unwrap();
    let own = SetAgentAccount { agent, agent_account: Some(robot.id().clone()) };
    ok(owner, &table.harness.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
    prepay(&robot, &contract, DEPOSIT).await;
    ok(owner, &contract, governance::enroll, &enrolled(agent, line), 1).await;
    let release = ProposeRelease { line, seq: 0, content: content() };
    let doubted = ok(owner, &contract, governance::propose_release, &release, DEPOSIT).await;
    table.note(owner, (Governance, governance::object), "", &Object { proposal: doubted, agent }, 1).await;
    ok(owner, &contract, governance::cancel, &ProposalRef { proposal: doubted }, 0).await;
    let objections = ForgetObjections { proposal: doubted, owners: vec![owner.id().clone()] };
    table.note(owner, (Governance, governance::forget_objections), "one", &objections, 0).await;
    let proposal = due(table, owner, release).await;
    table.note(owner, (Governance, governance::publish), "with a draw", &ProposalRef { proposal }, 0).await;
    let found = view(&table.harness.worker, &contract, governance::proposal, &ProposalRef { proposal }).await.unwrap();
    let ProposalKind::Release(release) = found.unwrap().kind else { panic!("a release was proposed") };
    let well = ReportHealth { agent, release, digest: content().artifacts[0].digest, ok: true };
    let report = (Governance, governance::report_health);
    table.note(&robot, report, "first", &well, 0).await;
    table.note(&robot, report, "not well any more", &ReportHealth { ok: false, ..well }, 0).await;
    let policy = Policy::Auto { bump: Bump::Major, soak_ms: 1, new_permissions: true };
    table
        .note(owner, (Governance, governance::choose), "a policy", &Choose { agent, wanted: Wanted::Policy(policy) }, 1)
        .await;
    let auditors = (0..AUDITORS_MAX).map(|number| format!("{number:0>64}").parse().unwrap()).collect();
    let wanted = Wanted::Auditors(auditors);
    table.note(owner, (Governance, governance::choose), "auditors", &Choose { agent, wanted }, 1).await;
    table.note(owner, (Governance, governance::freeze), "", &AgentRef { agent }, 0).await;
    table.harness.wait(Duration::from_millis(PERIOD_MS_MIN)).await.unwrap();
    table.note(owner, (Governance, governance::advance), "to its end", &LineRef { line }, 0).await;
    // There was nothing before, so it is held: the next one takes its place.
    let proposal = due(table, owner, ProposeRelease { line, seq: 1, content: content() }).await;
    ok(owner, &contract, governance::publish, &ProposalRef { proposal }, 0).await;
    audited(table, owner, agent, release + 1).await;
    let forgotten = ForgetReports { release, owners: vec![owner.id().clone()] };
    table.note(owner, (Governance, governance::forget_reports), "one", &forgotten, 0).await;
}

/// What a host asks, where as many accounts as there may be have said that the release is good: a view, in a transaction.
async fn audited(table: &mut Table, owner: &Account, agent: u64, release: u64) {
    let contract = table.contracts.governance.clone();
    let (digest, uri, sha256) = (content().artifacts[0].digest, "https://a.example/1".to_owned(), Hash32([3; 32]));
    let good = State { release, kind: StatementKind::Audit, digest, ok: true, uri, sha256 };
    let mut auditors = Vec::new();
    for number in 0..AUDITORS_MAX {
        let auditor = table.harness.account(&format!("auditor{number}")).await.unwrap();
        ok(&auditor, &contract, governance::state, &good, DEPOSIT).await;
        auditors.push(auditor.id().clone());
    }
    for wanted in [Wanted::Auditors(auditors), Wanted::Unpin] {
        ok(owner, &contract, governance::choose, &Choose { agent, wanted }, 1).await;
    }
    let case = "4 auditors, in a transaction";
    let told = table.note(owner, (Governance, governance::release_for), case, &AgentRef { agent }, 0).await;
    assert_eq!((told.release, told.reason), (Some(release), Reason::Head));
}

async fn upgrade(table: &mut Table) {
    let (root, contract) = (table.harness.root().clone(), table.contracts.governance.clone());
    let code = Contract::Registry.code().to_vec();
    let registry = table.contracts.registry.clone();
    let replaces = view(&table.harness.worker, &registry, shared::deployment, &Nothing {}).await.unwrap();
    let upgrade = ProposeUpgrade { contract: registry, code_hash: Hash32(sha256(&code)), replaces };
    let proposal = table.note(&root, (Governance, governance::propose_upgrade), "", &upgrade, DEPOSIT).await;
    let vote = vote_on(table, proposal).await;
    ok(&root, &contract, governance::vote, &vote, DEPOSIT).await;
    // The line for Charter's own contracts votes for an hour and waits for another.
    table.harness.wait(Duration::from_secs(3_601)).await.unwrap();
    ok(&root, &contract, governance::queue, &ProposalRef { proposal }, 0).await;
    table.harness.wait(Duration::from_secs(3_601)).await.unwrap();
    let execute = ExecuteUpgrade { proposal, code };
    table.note(&root, (Governance, governance::execute_upgrade), "the registry's code", &execute, 0).await;
}
