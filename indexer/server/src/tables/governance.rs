//! Governance's records.

use charter_types::governance::args::{AgentRef, ProposalRef};
use charter_types::governance::{Ballot, Enrolment, Fact, Line, Proposal, Release};
use serde_json::Value;

use crate::IndexerError;
use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, boolean, number, record, text, word};
use crate::truth::{Row, Truth};
use crate::views::{self, Chain, HighestId};

pub static TABLES: &[&Table] = &[&LINE, &RELEASE, &PROPOSAL, &BALLOT, &ENROLMENT];

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
    columns: &[number("id"), number("line").filter(), word("state").filter(), number("yes"), number("no")],
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

pub static ENROLMENT: Table = Table {
    name: "enrolment",
    contract: Contract::Governance,
    about: "Which line an agent is on.",
    key: Key::Fields(&["agent"]),
    columns: &[number("agent"), number("line").filter()],
    path: "enrolments",
    record: record::<Enrolment>,
    truth: Truth::One(|chain, row| Box::pin(enrolment(chain, row))),
};

async fn enrolment(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Ok(agent) = row.key.parse() else { return Ok(None) };
    chain.ask(views::ENROLMENT, AgentRef { agent }).await
}

/// What a fact changes.
pub fn changes(fact: &Fact) -> Vec<Change> {
    vec![match fact {
        Fact::ProposalForgotten { proposal, voters, release } => {
            let ballots = voters.iter().map(|voter| BALLOT.remove(format!("{proposal}/{voter}")));
            let release = release.map(|release| RELEASE.remove(release));
            return std::iter::once(PROPOSAL.remove(proposal)).chain(release).chain(ballots).collect();
        }
        Fact::Line(line) => LINE.put(line),
        Fact::Release(release) => RELEASE.put(release),
        Fact::Proposal(proposal) => PROPOSAL.put(proposal),
        Fact::Ballot(ballot) => BALLOT.put(ballot),
        Fact::Enrolment(enrolment) => ENROLMENT.put(enrolment),
        Fact::EnrolmentEnded(agent) => ENROLMENT.remove(agent),
        // Kept in events alone.
        Fact::Shared(_) | Fact::Denied { .. } => return Vec::new(),
    }]
}
