//! Governance's records.

use charter_types::AccountId;
use charter_types::governance::args::{
    AgentRef, HoldingRef, LineRef, ObjectionRef, ProposalRef, ReportRef, StakeRef, StatementRef, VoterRef,
};
use charter_types::governance::{
    Ballot, Delegate, Enrolment, Fact, Holding, Line, Objection, Overridden, Pool, Proposal, Release, Report, Rollout,
    Stake, StakeBallot, Statement, Tally,
};
use serde_json::{Value, json};

use crate::IndexerError;
use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, amount, boolean, number, record, text, word};
use crate::tables::registry::{AGENT, OWNER};
use crate::truth::{Row, Truth};
use crate::views::{self, Chain, HighestId};

pub static TABLES: &[&Table] = &[
    &LINE,
    &RELEASE,
    &PROPOSAL,
    &BALLOT,
    &STATEMENT,
    &OBJECTION,
    &STAKE_POOL,
    &STAKE,
    &DELEGATE,
    &STAKE_BALLOT,
    &OVERRIDDEN,
    &ENROLMENT,
    &ROLLOUT,
    &HEALTH_REPORT,
    &HOLDING,
];

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
        number("line").refers(&LINE).filter(),
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
        number("line").refers(&LINE).filter(),
        word("state").filter(),
        number("yes"),
        number("no"),
        number("objections"),
        number("round"),
        amount("stake_yes").of("stake.yes"),
        amount("stake_no").of("stake.no"),
        amount("stake_all").of("stake.all"),
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
    columns: &[number("proposal").refers(&PROPOSAL).filter(), account("voter").filter()],
    path: "ballots",
    record: record::<Ballot>,
    truth: Truth::PerParent {
        parent: &PROPOSAL,
        of: "proposal",
        rows: |chain, proposal| Box::pin(chain.ask(views::BALLOTS, ProposalRef { proposal })),
    },
};

pub static STATEMENT: Table = Table {
    name: "statement",
    contract: Contract::Governance,
    about: "What accounts state of releases: audits, builds from source, measurements, tests.",
    key: Key::Fields(&["release", "by"]),
    columns: &[
        number("release").refers(&RELEASE).filter(),
        account("by").filter(),
        word("kind"),
        boolean("ok").filter(),
    ],
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
    columns: &[
        number("proposal").refers(&PROPOSAL).filter(),
        account("owner").refers(&OWNER).filter(),
        number("agent").refers(&AGENT),
    ],
    path: "objections",
    record: record::<Objection>,
    truth: Truth::One(|chain, row| Box::pin(objection(chain, row))),
};

async fn objection(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some(Ok((proposal, owner))) = row.parts().map(numbered) else { return Ok(None) };
    chain.ask(views::OBJECTION, ObjectionRef { proposal, owner }).await
}

/// `locked`, here and in [`STAKE`], and `received` of a delegate are the last of a history: what counts from the next period
/// on, if it changed in this one.
pub static STAKE_POOL: Table = Table {
    name: "stake_pool",
    contract: Contract::Governance,
    about: "What is locked on a line that is decided by it, in all. Without a token it is NEAR.",
    key: Key::Fields(&["line"]),
    columns: &[
        number("line").refers(&LINE),
        account("token").of("asset.nep141").filter(),
        amount("locked").of("locked.-1.amount"),
        amount("held").of("books.held"),
        amount("in_flight").of("books.in_flight"),
        number("delegates"),
    ],
    path: "stake-pools",
    record: record::<Pool>,
    truth: Truth::One(|chain, row| Box::pin(pool(chain, row))),
};

async fn pool(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Ok(line) = row.key.parse() else { return Ok(None) };
    chain.ask(views::POOL, LineRef { line }).await
}

pub static STAKE: Table = Table {
    name: "stake",
    contract: Contract::Governance,
    about: "What each account has locked on a line, and which parts of it others vote with.",
    key: Key::Fields(&["line", "holder"]),
    columns: &[
        number("line").refers(&LINE).filter(),
        account("holder").filter(),
        amount("locked").of("locked.-1.amount"),
        amount("unlocking"),
        number("ready_ms"),
        amount("free"),
        amount("in_flight"),
    ],
    path: "stakes",
    record: record::<Stake>,
    truth: Truth::One(|chain, row| Box::pin(stake(chain, row))),
};

async fn stake(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some(Ok((line, account))) = row.parts().map(numbered) else { return Ok(None) };
    chain.ask(views::STAKE, StakeRef { line, account }).await
}

pub static DELEGATE: Table = Table {
    name: "delegate",
    contract: Contract::Governance,
    about: "Accounts that vote on a line with what others delegate to them.",
    key: Key::Fields(&["line", "account"]),
    columns: &[
        number("line").refers(&LINE).filter(),
        account("account").filter(),
        number("number"),
        number("agent").of("agent.agent").refers(&AGENT).filter(),
        amount("received").of("received.-1.amount"),
    ],
    path: "delegates",
    record: record::<Delegate>,
    truth: Truth::One(|chain, row| Box::pin(delegate(chain, row))),
};

async fn delegate(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some(Ok((line, account))) = row.parts().map(numbered) else { return Ok(None) };
    chain.ask(views::DELEGATE_OF, StakeRef { line, account }).await
}

pub static STAKE_BALLOT: Table = Table {
    name: "stake_ballot",
    contract: Contract::Governance,
    about: "Votes by stake as they stand.",
    key: Key::Fields(&["proposal", "voter"]),
    columns: &[
        number("proposal").refers(&PROPOSAL).filter(),
        account("voter").filter(),
        word("choice"),
        amount("own"),
        amount("received"),
        boolean("agent"),
        number("round"),
    ],
    path: "stake-ballots",
    record: record::<StakeBallot>,
    truth: Truth::One(|chain, row| Box::pin(stake_ballot(chain, row))),
};

async fn stake_ballot(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some(Ok((proposal, account))) = row.parts().map(numbered) else { return Ok(None) };
    chain.ask(views::STAKE_BALLOT, VoterRef { proposal, account }).await
}

pub static OVERRIDDEN: Table = Table {
    name: "overridden",
    contract: Contract::Governance,
    about: "What is taken from a delegate's vote by holders who voted themselves.",
    key: Key::Fields(&["proposal", "delegate"]),
    columns: &[
        number("proposal").refers(&PROPOSAL).filter(),
        account("delegate").filter(),
        amount("amount"),
        number("round"),
    ],
    path: "overridden",
    record: record::<Overridden>,
    truth: Truth::One(|chain, row| Box::pin(overridden(chain, row))),
};

async fn overridden(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some(Ok((proposal, account))) = row.parts().map(numbered) else { return Ok(None) };
    chain.ask(views::OVERRIDDEN, VoterRef { proposal, account }).await
}

pub static ENROLMENT: Table = Table {
    name: "enrolment",
    contract: Contract::Governance,
    about: "Which line an agent is on, and what its owner wants of it there.",
    key: Key::Fields(&["agent"]),
    columns: &[
        number("agent").refers(&AGENT),
        number("line").refers(&LINE).filter(),
        account("owner").refers(&OWNER).filter(),
        number("running"),
        number("pin"),
    ],
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
    columns: &[
        number("line").refers(&LINE),
        number("release").refers(&RELEASE),
        word("state").filter(),
        number("stage"),
        number("owners"),
    ],
    path: "rollouts",
    record: record::<Rollout>,
    truth: Truth::Pages { list: views::ROLLOUTS, last: HighestId::Line },
};

pub static HEALTH_REPORT: Table = Table {
    name: "health_report",
    contract: Contract::Governance,
    about: "What owners' agents said of a release while it was rolled out: one voice an owner.",
    key: Key::Fields(&["release", "owner"]),
    columns: &[
        number("release").refers(&RELEASE).filter(),
        account("owner").refers(&OWNER).filter(),
        number("agent").refers(&AGENT),
        boolean("ok").filter(),
    ],
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
    columns: &[number("line").refers(&LINE).filter(), account("owner").refers(&OWNER).filter(), number("agents")],
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
        Fact::BallotsForgotten { proposal, accounts } => {
            let both = |account: &AccountId| {
                [&STAKE_BALLOT, &OVERRIDDEN].map(|table| table.remove(format!("{proposal}/{account}")))
            };
            return accounts.iter().flat_map(both).collect();
        }
        Fact::Line(line) => LINE.put(line),
        Fact::Release(release) => RELEASE.put(release),
        Fact::Proposal(proposal) => PROPOSAL.put(proposal.as_ref()),
        Fact::Tally(Tally { proposal, end_ms, eta_ms, yes, no, stake }) => {
            let set = |field, value: Value| PROPOSAL.set(proposal, field, value);
            return vec![
                set("end_ms", json!(end_ms)),
                set("eta_ms", json!(eta_ms)),
                set("yes", json!(yes)),
                set("no", json!(no)),
                set("stake", json!(stake)),
            ];
        }
        Fact::Ballot(ballot) => BALLOT.put(ballot),
        Fact::Statement(statement) => STATEMENT.put(statement),
        Fact::StatementRetracted { release, by } => STATEMENT.remove(format!("{release}/{by}")),
        Fact::Objection(objection) => OBJECTION.put(objection),
        Fact::Pool(pool) => STAKE_POOL.put(pool),
        Fact::Stake(stake) => STAKE.put(stake),
        Fact::StakeEnded { line, holder } => STAKE.remove(format!("{line}/{holder}")),
        Fact::Delegate(delegate) => DELEGATE.put(delegate),
        Fact::DelegateEnded { line, account } => DELEGATE.remove(format!("{line}/{account}")),
        Fact::StakeBallot(ballot) => STAKE_BALLOT.put(ballot),
        Fact::Overridden(overridden) => OVERRIDDEN.put(overridden),
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
