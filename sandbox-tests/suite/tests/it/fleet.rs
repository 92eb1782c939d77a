//! A line with agents on it, each with an owner and an account of its own.

use std::time::Duration;

use charter_harness::arguments::{DEPOSIT, content, enrolled, prepay, register};
use charter_harness::{Call, Harness, Outcome, ok, refused, view};
use charter_types::U128;
use charter_types::governance::args::{
    AgentRef, Choose, CreateLine, LineRef, ProposalRef, ProposeRelease, ReportHealth, Vote,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    Choice, Line, PERIOD_MS_MIN, Params, Proposal, ReleaseContent, ReleaseFor, Rollout, RolloutState, Wanted,
};
use charter_types::registry::args::SetAgentAccount;
use charter_types::registry::methods as registry;
use near_workspaces::{Account, AccountId};

pub const LINE: u64 = 2;
pub const PERIOD: Duration = Duration::from_millis(PERIOD_MS_MIN + 1);
pub const HOUR: Duration = Duration::from_secs(3_601);

/// As short as periods get, without an extension and bonds.
pub const PARAMS: Params = Params {
    vote_ms: PERIOD_MS_MIN,
    timelock_ms: PERIOD_MS_MIN,
    quorum_bps: 5_001,
    threshold_bps: 5_001,
    extension_ms: 0,
    proposal_bond: U128(0),
    enrolment_bond: U128(0),
};

/// A line whose owner is its council, and agents on it, each with an owner and an account of its own.
pub struct Fleet {
    pub harness: Harness,
    pub chief: Account,
    pub owners: Vec<Account>,
    pub robots: Vec<Account>,
    pub agents: Vec<u64>,
}

impl Fleet {
    pub async fn new(size: usize) -> Self {
        Self::with(size, PARAMS).await
    }

    /// The chief is the line's guardian as well.
    pub async fn with(size: usize, params: Params) -> Self {
        let harness = Harness::start().await.unwrap();
        let chief = harness.account("chief").await.unwrap();
        let guardian = Some(chief.id().clone());
        let args = CreateLine { name: "scout".to_owned(), council: Vec::new(), params, guardian, stake: None };
        let contract = &harness.contracts.governance;
        assert_eq!(ok(&chief, contract, governance::create_line, &args, DEPOSIT).await, LINE);
        prepay(&chief, contract, DEPOSIT).await;
        let mut fleet = Self { harness, chief, owners: Vec::new(), robots: Vec::new(), agents: Vec::new() };
        for _ in 0..size {
            fleet.join().await;
        }
        fleet
    }

    /// One more owner with an agent.
    pub async fn join(&mut self) {
        let number = self.owners.len();
        let owner = self.harness.account(&format!("owner{number}")).await.unwrap();
        let robot = self.harness.account(&format!("robot{number}")).await.unwrap();
        let agent = register(&self.harness, &owner, Vec::new()).await;
        let own = SetAgentAccount { agent, agent_account: Some(robot.id().clone()) };
        ok(&owner, &self.harness.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
        prepay(&owner, self.contract(), DEPOSIT).await;
        prepay(&robot, self.contract(), DEPOSIT).await;
        ok(&owner, self.contract(), governance::enroll, &enrolled(agent, LINE), 1).await;
        self.owners.push(owner);
        self.robots.push(robot);
        self.agents.push(agent);
    }

    pub fn contract(&self) -> &AccountId {
        &self.harness.contracts.governance
    }

    pub async fn rollout(&self) -> Rollout {
        let found = view(&self.harness.worker, self.contract(), governance::rollout, &LineRef { line: LINE }).await;
        found.unwrap().unwrap()
    }

    pub async fn line(&self) -> Line {
        let found = view(&self.harness.worker, self.contract(), governance::line, &LineRef { line: LINE }).await;
        found.unwrap().unwrap()
    }

    pub async fn told(&self, agent: u64) -> ReleaseFor {
        view(&self.harness.worker, self.contract(), governance::release_for, &AgentRef { agent }).await.unwrap()
    }

    /// A proposal of the chief's.
    pub async fn propose(&self, content: ReleaseContent) -> u64 {
        let seq = self.line().await.seq;
        let args = ProposeRelease { line: LINE, seq, content };
        ok(&self.chief, self.contract(), governance::propose_release, &args, DEPOSIT).await
    }

    pub async fn proposal(&self, proposal: u64) -> Proposal {
        let about = ProposalRef { proposal };
        view(&self.harness.worker, self.contract(), governance::proposal, &about).await.unwrap().unwrap()
    }

    /// The chief's vote, which decides alone.
    pub async fn vote(&self, proposal: u64, choice: Choice) {
        let vote = Vote { proposal, content_hash: self.proposal(proposal).await.content_hash, choice };
        ok(&self.chief, self.contract(), governance::vote, &vote, DEPOSIT).await;
    }

    /// A release that is voted for and counted.
    pub async fn queued(&self, content: ReleaseContent) -> u64 {
        let proposal = self.propose(content).await;
        self.vote(proposal, Choice::Yes).await;
        self.harness.wait(PERIOD).await.unwrap();
        ok(&self.chief, self.contract(), governance::queue, &ProposalRef { proposal }, 0).await;
        proposal
    }

    /// A release that may be published: its timelock is over.
    pub async fn due(&self, content: ReleaseContent) -> u64 {
        let proposal = self.queued(content).await;
        self.harness.wait(PERIOD).await.unwrap();
        proposal
    }

    /// The same, published, by nobody in particular. Its id.
    pub async fn publish(&self, content: ReleaseContent) -> u64 {
        let proposal = self.due(content).await;
        ok(&self.owners[0], self.contract(), governance::publish, &ProposalRef { proposal }, 0).await;
        self.rollout().await.release
    }

    pub async fn report(&self, place: usize, release: u64, ok_: bool) {
        ok(&self.robots[place], self.contract(), governance::report_health, &self.word(place, release, ok_), 0).await;
    }

    pub fn word(&self, place: usize, release: u64, ok: bool) -> ReportHealth {
        ReportHealth { agent: self.agents[place], release, digest: content().artifacts[0].digest, ok }
    }

    /// Places of the agents that are told to run a release.
    pub async fn reached(&self, release: u64) -> Vec<usize> {
        let mut reached = Vec::new();
        for (place, agent) in self.agents.iter().enumerate() {
            if self.told(*agent).await.release == Some(release) {
                reached.push(place);
            }
        }
        reached
    }

    pub async fn advance(&self) -> RolloutState {
        // A stranger's call: nobody in particular is needed.
        ok(self.harness.root(), self.contract(), governance::advance, &LineRef { line: LINE }, 0).await
    }

    pub async fn cant_advance(&self) -> String {
        refused(self.harness.root(), self.contract(), governance::advance, &LineRef { line: LINE }, 0).await
    }

    pub async fn choose(&self, place: usize, wanted: Wanted) {
        let args = Choose { agent: self.agents[place], wanted };
        ok(&self.owners[place], self.contract(), governance::choose, &args, 1).await;
    }
}

pub fn version(semver: &str) -> ReleaseContent {
    ReleaseContent { semver: semver.to_owned(), ..content() }
}

/// Calls in one transaction: all or none of their first receipts.
pub async fn batch(by: &Account, contract: &AccountId, calls: &[Call]) -> Outcome {
    let gas = near_workspaces::types::Gas::from_tgas(100);
    calls
        .iter()
        .fold(by.batch(contract), |batch, call| {
            batch.call(near_workspaces::operations::Function::new(&call.method).args(call.args.clone()).gas(gas))
        })
        .transact()
        .await
        .unwrap()
}
