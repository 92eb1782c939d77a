//! INV-GOV-11: what governance's events tell, from the first on, is its state: every row of it, and no other.

use std::collections::BTreeMap;

use charter_harness::Harness;
use charter_types::Page;
use charter_types::event::{Envelope, PREFIX};
use charter_types::governance::args::{
    AgentRef, HoldingRef, LineRef, ObjectionRef, ProposalRef, ReportRef, StakeRef, StatementRef, VoterRef,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{Fact, ProposalId, ReleaseId, Tally};
use charter_types::method::Method;
use serde::Serialize;
use serde_json::{Value, json};

/// Where rows of each kind stand in the contract: the first byte of their keys. It never changes.
const KINDS: [&str; 15] = [
    "line",
    "release",
    "proposal",
    "ballot",
    "enrolment",
    "rollout",
    "report",
    "holding",
    "objection",
    "statement",
    "pool",
    "stake",
    "delegate",
    "stake_ballot",
    "overridden",
];

type Key = (&'static str, Vec<Value>);

#[derive(Default)]
struct Told(BTreeMap<String, (Key, Value)>);

impl Told {
    fn put(&mut self, kind: &'static str, key: &[Value], record: &impl Serialize) {
        let record = serde_json::to_value(record).unwrap();
        self.0.insert(format!("{kind} {key:?}"), ((kind, key.to_vec()), record));
    }

    fn remove(&mut self, kind: &'static str, key: &[Value]) -> bool {
        self.0.remove(&format!("{kind} {key:?}")).is_some()
    }

    fn hear(&mut self, fact: &Fact) {
        match fact {
            Fact::Shared(_) | Fact::Denied { .. } => {}
            Fact::Line(row) => self.put("line", &[json!(row.id)], row),
            Fact::Release(row) => self.put("release", &[json!(row.id)], row),
            Fact::Proposal(row) => self.put("proposal", &[json!(row.id)], row),
            Fact::Tally(tally) => self.count(tally),
            Fact::Ballot(row) => self.put("ballot", &[json!(row.proposal), json!(row.voter)], row),
            Fact::Statement(row) => self.put("statement", &[json!(row.release), json!(row.by)], row),
            Fact::Objection(row) => self.put("objection", &[json!(row.proposal), json!(row.owner)], row),
            Fact::Pool(row) => self.put("pool", &[json!(row.line)], row),
            Fact::Stake(row) => self.put("stake", &[json!(row.line), json!(row.holder)], row),
            Fact::Delegate(row) => self.put("delegate", &[json!(row.line), json!(row.account)], row),
            Fact::StakeBallot(row) => self.put("stake_ballot", &[json!(row.proposal), json!(row.voter)], row),
            Fact::Overridden(row) => self.put("overridden", &[json!(row.proposal), json!(row.delegate)], row),
            Fact::Enrolment(row) => self.put("enrolment", &[json!(row.agent)], row),
            Fact::Holding(row) => self.put("holding", &[json!(row.line), json!(row.owner)], row),
            Fact::Rollout(row) => self.put("rollout", &[json!(row.line)], row),
            Fact::Report(row) => self.put("report", &[json!(row.release), json!(row.owner)], row),
            _ => self.hear_of_an_end(fact),
        }
    }

    /// Puts what a vote changed into what was told of its proposal.
    fn count(&mut self, tally: &Tally) {
        let key = format!("proposal {:?}", [json!(tally.proposal)]);
        let (_, proposal) = self.0.get_mut(&key).expect("INV-GOV-11: votes about what was never proposed");
        let Value::Object(mut told) = serde_json::to_value(tally).unwrap() else { unreachable!() };
        told.remove("proposal");
        proposal.as_object_mut().unwrap().append(&mut told);
    }

    fn hear_of_an_end(&mut self, fact: &Fact) {
        let (kind, ended): (_, Vec<[Value; 2]>) = match fact {
            Fact::StatementRetracted { release, by } => ("statement", vec![[json!(release), json!(by)]]),
            Fact::StakeEnded { line, holder } => ("stake", vec![[json!(line), json!(holder)]]),
            Fact::DelegateEnded { line, account } => ("delegate", vec![[json!(line), json!(account)]]),
            Fact::HoldingEnded { line, owner } => ("holding", vec![[json!(line), json!(owner)]]),
            Fact::ObjectionsForgotten { proposal, owners } => {
                ("objection", owners.iter().map(|owner| [json!(proposal), json!(owner)]).collect())
            }
            Fact::ReportsForgotten { release, owners } => {
                ("report", owners.iter().map(|owner| [json!(release), json!(owner)]).collect())
            }
            Fact::BallotsForgotten { proposal, accounts } => return self.forget_ballots(*proposal, &json!(accounts)),
            Fact::EnrolmentEnded(agent) => {
                assert!(self.remove("enrolment", &[json!(agent)]), "INV-GOV-11: {fact:?}");
                return;
            }
            Fact::ProposalForgotten { proposal, voters, release } => {
                self.forget_proposal(*proposal, *release);
                ("ballot", voters.iter().map(|voter| [json!(proposal), json!(voter)]).collect())
            }
            other => unreachable!("{other:?} is no end"),
        };
        for key in ended {
            assert!(self.remove(kind, &key), "INV-GOV-11: there was no {kind} {key:?} to end");
        }
    }

    fn forget_proposal(&mut self, proposal: ProposalId, release: Option<ReleaseId>) {
        assert!(self.remove("proposal", &[json!(proposal)]), "INV-GOV-11: there was no proposal {proposal}");
        if let Some(release) = release {
            assert!(self.remove("release", &[json!(release)]), "INV-GOV-11: there was no release {release}");
        }
    }

    fn forget_ballots(&mut self, proposal: ProposalId, accounts: &Value) {
        for account in accounts.as_array().unwrap() {
            let key = [json!(proposal), account.clone()];
            let (ballot, taken) = (self.remove("stake_ballot", &key), self.remove("overridden", &key));
            assert!(ballot || taken, "INV-GOV-11: {account} had nothing in {proposal}");
        }
    }
}

/// Compares every row with what was told of it.
pub async fn check(harness: &Harness) {
    let contract = &harness.contracts.governance;
    let logs = harness.logs(contract).await.unwrap();
    let mut told = Told::default();
    for (number, log) in (1..).zip(&logs) {
        let Some(text) = log.strip_prefix(PREFIX) else { panic!("INV-GOV-11: no event: {log}") };
        let event: Envelope<Fact> =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("INV-GOV-11: {error}: {log}"));
        let [entry] = &event.data[..] else { panic!("INV-GOV-11: not one fact: {log}") };
        assert_eq!(entry.seq, number, "INV-GOV-11: {log}");
        told.hear(&entry.new);
    }
    let rows = harness.rows(contract).await.unwrap();
    for (number, kind) in (1..).zip(KINDS) {
        let stored = rows.keys().filter(|key| key.first() == Some(&number) && **key != b"STATE").count();
        let known = told.0.values().filter(|((known, _), _)| *known == kind).count();
        assert_eq!(stored, known, "INV-GOV-11: rows of kind {kind}, and how many were told of");
    }
    for ((kind, key), record) in told.0.values() {
        assert_eq!(asked(harness, kind, key).await, *record, "INV-GOV-11: {kind} {key:?}");
    }
}

/// What a view says of a row.
async fn asked(harness: &Harness, kind: &str, key: &[Value]) -> Value {
    let id = || key[0].as_u64().unwrap();
    let account = || serde_json::from_value(key[1].clone()).unwrap();
    match kind {
        "line" => ask(harness, governance::line, LineRef { line: id() }).await,
        "pool" => ask(harness, governance::pool, LineRef { line: id() }).await,
        "rollout" => ask(harness, governance::rollout, LineRef { line: id() }).await,
        "proposal" => ask(harness, governance::proposal, ProposalRef { proposal: id() }).await,
        "enrolment" => ask(harness, governance::enrolment, AgentRef { agent: id() }).await,
        "release" => {
            let page = ask(harness, governance::releases, Page { from: id(), limit: Some(1) }).await;
            page[0].clone()
        }
        "ballot" => {
            let all = ask(harness, governance::ballots, ProposalRef { proposal: id() }).await;
            let found = all.as_array().unwrap().iter().find(|ballot| ballot["voter"] == key[1]);
            found.cloned().unwrap_or_default()
        }
        "statement" => ask(harness, governance::statement, StatementRef { release: id(), by: account() }).await,
        "objection" => ask(harness, governance::objection, ObjectionRef { proposal: id(), owner: account() }).await,
        "stake" => ask(harness, governance::stake, StakeRef { line: id(), account: account() }).await,
        "delegate" => ask(harness, governance::delegate_of, StakeRef { line: id(), account: account() }).await,
        "holding" => ask(harness, governance::holding, HoldingRef { line: id(), owner: account() }).await,
        "report" => ask(harness, governance::report, ReportRef { release: id(), owner: account() }).await,
        "stake_ballot" => ask(harness, governance::stake_ballot, VoterRef { proposal: id(), account: account() }).await,
        "overridden" => ask(harness, governance::overridden, VoterRef { proposal: id(), account: account() }).await,
        other => unreachable!("{other} is no kind of row"),
    }
}

async fn ask<M: Method<Answer: Serialize>>(harness: &Harness, method: M, args: M::Args) -> Value {
    let answer = harness.look(&harness.contracts.governance, method, &args).await.unwrap();
    serde_json::to_value(answer).unwrap()
}
