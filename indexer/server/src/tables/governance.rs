//! Governance's records.

use charter_types::AccountId;
use charter_types::governance::args::{AgentRef, HoldingRef, ObjectionRef, ProposalRef, ReportRef, StatementRef};
use charter_types::governance::{
    Ballot, Enrolment, Fact, Holding, Line, Objection, Proposal, Release, Report, Rollout, Statement,
};
use serde_json::Value;

use crate::IndexerError;
use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, boolean, number, record, text, word};
use crate::truth::{Row, Truth};
use crate::views::{self, Chain, HighestId};

pub static TABLES: &[&Table] =
    &[&LINE, &RELEASE, &PROPOSAL, &BALLOT, &STATEMENT, &OBJECTION, &ENROLMENT, &ROLLOUT, &HEALTH_REPORT, &HOLDING];

pub static LINE: Table = Table {
    name: "line",
    contract: Contract::Governance,
    about: "Release lines.",
    key: Key::Fields(&["id"]),
    columns: &[number("id"), text("name").filter(), number("head"), number("seq")],
    path: "lines",
    record: record::<Line>,
    truth: Truth::Pages { list: views::LINES, last: HighestId::Line },
};

pub static RELEASE: Table = Table {
    name: "release",
    contract: Contract::Governance,
    about: "Releases, proposed and published.",
    key: Key::Fields(&["id"]),
    columns: &[
        number("id"),
        number("line").filter(),
        text("semver").of("content.semver"),
        boolean("published").filter(),
    ],
    path: "releases",
    record: record::<Release>,
    truth: Truth::Pages { list: views::RELEASES, last: HighestId::Release },
};

pub static PROPOSAL: Table = Table {
    name: "proposal",
    contract: Contract::Governance,
    about: "Proposals with their tallies.",
    key: Key::Fields(&["id"]),
    columns: &[
        number("id"),
        number("line").filter(),
        word("state").filter(),
        number("yes"),
        number("no"),
        number("objections"),
        number("round"),
    ],
    path: "proposals",
    record: record::<Proposal>,
    truth: Truth::Pages { list: views::PROPOSALS, last: HighestId::Proposal },
};

pub static BALLOT: Table = Table {
    name: "ballot",
    contract: Contract::Governance,
    about: "Votes as they stand.",
    key: Key::Fields(&["proposal", "voter"]),
    columns: &[number("proposal").filter(), account("voter").filter()],
    path: "ballots",
    record: record::<Ballot>,
    truth: Truth::PerParent {
        parent: &PROPOSAL,
        rows: |chain, proposal| Box::pin(chain.ask(views::BALLOTS, ProposalRef { proposal })),
    },
};

pub static STATEMENT: Table = Table {
    name: "statement",
    contract: Contract::Governance,
    about: "What accounts state of releases: audits, builds from source, measurements, tests.",
    key: Key::Fields(&["release", "by"]),
    columns: &[number("release").filter(), account("by").filter(), word("kind"), boolean("ok").filter()],
    path: "statements",
    record: record::<Statement>,
    truth: Truth::One(|chain, row| Box::pin(statement(chain, row))),
};

async fn statement(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some(Ok((release, by))) = row.parts().map(numbered) else { return Ok(None) };
    chain.ask(views::STATEMENT, StatementRef { release, by }).await
}

pub static OBJECTION: Table = Table {
    name: "objection",
    contract: Contract::Governance,
    about: "Owners who object to a proposal, with one of their agents.",
    key: Key::Fields(&["proposal", "owner"]),
    columns: &[number("proposal").filter(), account("owner").filter(), number("agent")],
    path: "objections",
    record: record::<Objection>,
    truth: Truth::One(|chain, row| Box::pin(objection(chain, row))),
};

async fn objection(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some(Ok((proposal, owner))) = row.parts().map(numbered) else { return Ok(None) };
    chain.ask(views::OBJECTION, ObjectionRef { proposal, owner }).await
}

pub static ENROLMENT: Table = Table {
    name: "enrolment",
    contract: Contract::Governance,
    about: "Which line an agent is on, and what its owner wants of it there.",
    key: Key::Fields(&["agent"]),
    columns: &[number("agent"), number("line").filter(), account("owner").filter(), number("running"), number("pin")],
    path: "enrolments",
    record: record::<Enrolment>,
    truth: Truth::One(|chain, row| Box::pin(enrolment(chain, row))),
};

async fn enrolment(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Ok(agent) = row.key.parse() else { return Ok(None) };
    chain.ask(views::ENROLMENT, AgentRef { agent }).await
}

pub static ROLLOUT: Table = Table {
    name: "rollout",
    contract: Contract::Governance,
    about: "How far the newest release of each line has got among its agents.",
    key: Key::Fields(&["line"]),
    columns: &[number("line"), number("release"), word("state").filter(), number("stage"), number("owners")],
    path: "rollouts",
    record: record::<Rollout>,
    truth: Truth::Pages { list: views::ROLLOUTS, last: HighestId::Line },
};

pub static HEALTH_REPORT: Table = Table {
    name: "health_report",
    contract: Contract::Governance,
    about: "What owners' agents said of a release while it was rolled out: one voice an owner.",
    key: Key::Fields(&["release", "owner"]),
    columns: &[number("release").filter(), account("owner").filter(), number("agent"), boolean("ok").filter()],
    path: "health-reports",
    record: record::<Report>,
    truth: Truth::One(|chain, row| Box::pin(report(chain, row))),
};

async fn report(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some(Ok((release, owner))) = row.parts().map(numbered) else { return Ok(None) };
    chain.ask(views::REPORT, ReportRef { release, owner }).await
}

pub static HOLDING: Table = Table {
    name: "holding",
    contract: Contract::Governance,
    about: "How many agents each owner has on a line.",
    key: Key::Fields(&["line", "owner"]),
    columns: &[number("line").filter(), account("owner").filter(), number("agents")],
    path: "holdings",
    record: record::<Holding>,
    truth: Truth::One(|chain, row| Box::pin(holding(chain, row))),
};

async fn holding(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some(Ok((line, owner))) = row.parts().map(numbered) else { return Ok(None) };
    chain.ask(views::HOLDING, HoldingRef { line, owner }).await
}

/// The parts of a key that is a number and an account.
fn numbered([id, account]: [&str; 2]) -> Result<(u64, AccountId), ()> {
    Ok((id.parse().map_err(drop)?, account.parse().map_err(drop)?))
}

/// What a fact changes.
pub fn changes(fact: &Fact) -> Vec<Change> {
    vec![match fact {
        Fact::ProposalForgotten { proposal, voters, release } => {
            let ballots = voters.iter().map(|voter| BALLOT.remove(format!("{proposal}/{voter}")));
            let release = release.map(|release| RELEASE.remove(release));
            return std::iter::once(PROPOSAL.remove(proposal)).chain(release).chain(ballots).collect();
        }
        Fact::ReportsForgotten { release, owners } => {
            return owners.iter().map(|owner| HEALTH_REPORT.remove(format!("{release}/{owner}"))).collect();
        }
        Fact::ObjectionsForgotten { proposal, owners } => {
            return owners.iter().map(|owner| OBJECTION.remove(format!("{proposal}/{owner}"))).collect();
        }
        Fact::Line(line) => LINE.put(line),
        Fact::Release(release) => RELEASE.put(release),
        Fact::Proposal(proposal) => PROPOSAL.put(proposal.as_ref()),
        Fact::Ballot(ballot) => BALLOT.put(ballot),
        Fact::Statement(statement) => STATEMENT.put(statement),
        Fact::StatementRetracted { release, by } => STATEMENT.remove(format!("{release}/{by}")),
        Fact::Objection(objection) => OBJECTION.put(objection),
        Fact::Enrolment(enrolment) => ENROLMENT.put(enrolment),
        Fact::EnrolmentEnded(agent) => ENROLMENT.remove(agent),
        Fact::Holding(holding) => HOLDING.put(holding),
        Fact::HoldingEnded { line, owner } => HOLDING.remove(format!("{line}/{owner}")),
        Fact::Rollout(rollout) => ROLLOUT.put(rollout),
        Fact::Report(report) => HEALTH_REPORT.put(report),
        // Kept in events alone.
        Fact::Shared(_) | Fact::Denied { .. } => return Vec::new(),
    }]
}
