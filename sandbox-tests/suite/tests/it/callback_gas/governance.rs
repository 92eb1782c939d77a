//! Governance's `on_authority`, beside what `charter_common::ask` sets aside for it.

use std::time::Duration;

use charter_harness::arguments::{DEPOSIT, content, enrolled, prepay, register};
use charter_harness::{Harness, call, ok, view};
use charter_types::asset::Asset;
use charter_types::governance::args::{
    AgentRef, Choose, CreateLine, DelegateStake, LineRef, LockStake, Object, ProposalRef, ProposeAmendment,
    ProposeRelease, ReportHealth, StandAsAgent, Vote, VoteAsAgent,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    AUDITORS_MAX, Choice, Constitution, HISTORY_MAX, MEMBERS_MAX, Member, PERIOD_MS_MIN, Params, StakeRules, Wanted,
};
use charter_types::registry::args::SetAgentAccount;
use charter_types::registry::methods as registry;
use charter_types::{AccountId, U128};
use near_workspaces::Account;

use super::callback_tgas_of;

/// `CALLBACK_GAS`: what `on_authority` has if nothing is left over.
const SET_ASIDE_TGAS: f64 = 10.0;

const UNLOCK_MS: u64 = 4 * PERIOD_MS_MIN;
const STAKE_PERIOD: Duration = Duration::from_millis(UNLOCK_MS / 8);
const PERIOD: Duration = Duration::from_millis(PERIOD_MS_MIN + 1);

/// As long as names get.
fn longest(number: usize) -> AccountId {
    format!("{number:a>64}").parse().unwrap()
}

struct Line {
    harness: Harness,
    owner: Account,
    robot: Account,
    agent: u64,
}

impl Line {
    /// An owner of an agent who has prepaid more than all of it takes.
    async fn new() -> Self {
        let harness = Harness::start().await.unwrap();
        // As long as names of accounts below the root get.
        let name = |letter: &str| letter.repeat(64 - 1 - harness.root().id().len());
        let (owner, robot) = (harness.account(&name("o")).await.unwrap(), harness.account(&name("r")).await.unwrap());
        let agent = register(&harness, &owner, Vec::new()).await;
        let own = SetAgentAccount { agent, agent_account: Some(robot.id().clone()) };
        ok(&owner, &harness.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
        for person in [&owner, &robot] {
            prepay(person, &harness.contracts.governance, 10 * DEPOSIT).await;
        }
        Self { harness, owner, robot, agent }
    }

    fn contract(&self) -> &AccountId {
        &self.harness.contracts.governance
    }

    /// A council as large as there is, in which the owner decides alone.
    fn constitution(&self, stake: Option<StakeRules>) -> Constitution {
        let owner = Member { account: self.owner.id().clone(), weight: 1_000 };
        let others = (1..MEMBERS_MAX).map(|number| Member { account: longest(number), weight: 1 });
        let council = std::iter::once(owner).chain(others).collect();
        let params =
            Params { vote_ms: PERIOD_MS_MIN, timelock_ms: PERIOD_MS_MIN, extension_ms: 0, ..Params::default() };
        Constitution { council, params, guardian: Some(longest(0)), stake }
    }

    async fn create(&self, stake: Option<StakeRules>) -> u64 {
        let Constitution { council, params, guardian, stake } = self.constitution(stake);
        let args = CreateLine { name: "scout".to_owned(), council, params, guardian, stake };
        ok(&self.owner, self.contract(), governance::create_line, &args, 5 * DEPOSIT).await
    }

    /// Another constitution as large as the line's.
    async fn propose(&self, line: u64, stake: Option<StakeRules>) -> u64 {
        let args = ProposeAmendment { line, version: 0, constitution: self.constitution(stake) };
        ok(&self.owner, self.contract(), governance::propose_amendment, &args, 5 * DEPOSIT).await
    }

    async fn vote(&self, proposal: u64) -> Vote {
        let about = ProposalRef { proposal };
        let found = view(&self.harness.worker, self.contract(), governance::proposal, &about).await.unwrap();
        Vote { proposal, content_hash: found.unwrap().content_hash, choice: Choice::Yes }
    }

    /// A release that is published, and what it is told of.
    async fn publish(&self, line: u64) -> u64 {
        let args = ProposeRelease { line, seq: 0, content: content() };
        let proposal = ok(&self.owner, self.contract(), governance::propose_release, &args, DEPOSIT).await;
        ok(&self.owner, self.contract(), governance::vote, &self.vote(proposal).await, DEPOSIT).await;
        let about = ProposalRef { proposal };
        self.harness.wait(PERIOD).await.unwrap();
        ok(&self.owner, self.contract(), governance::queue, &about, 0).await;
        self.harness.wait(PERIOD).await.unwrap();
        ok(&self.owner, self.contract(), governance::publish, &about, 0).await;
        let rollout = view(&self.harness.worker, self.contract(), governance::rollout, &LineRef { line }).await;
        rollout.unwrap().unwrap().release
    }
}

#[tokio::test]
async fn what_is_set_aside_for_an_answer_about_an_agent_is_a_fifth_above_the_worst_case() {
    let scene = Line::new().await;
    let (owner, robot, agent, contract) = (&scene.owner, &scene.robot, scene.agent, scene.contract());
    let line = scene.create(None).await;
    let mut worst: Vec<(&str, f64)> = Vec::new();
    let enroll = call(governance::enroll, &enrolled(agent, line));
    worst.push(("enroll", callback_tgas_of(contract, owner, enroll.clone(), 1).await));
    let proposal = scene.propose(line, None).await;
    ok(owner, contract, governance::vote, &scene.vote(proposal).await, DEPOSIT).await;
    scene.harness.wait(PERIOD).await.unwrap();
    // After the end of the vote, which nobody has counted; and one of one owner stretches the timelock.
    let objection = call(governance::object, &Object { proposal, agent });
    worst.push(("object", callback_tgas_of(contract, owner, objection, 1).await));
    // The first word of an owner's, of what the agent has not run yet.
    let release = scene.publish(line).await;
    let digest = content().artifacts[0].digest;
    let word = call(governance::report_health, &ReportHealth { agent, release, digest, ok: true });
    worst.push(("report_health", callback_tgas_of(contract, robot, word, 0).await));
    let auditors = Wanted::Auditors((0..AUDITORS_MAX).map(longest).collect());
    let choose = call(governance::choose, &Choose { agent, wanted: auditors });
    worst.push(("choose", callback_tgas_of(contract, owner, choose, 1).await));
    // Once more, where it is: it takes its auditors with it, and what they say is looked up.
    worst.push(("enroll again", callback_tgas_of(contract, owner, enroll, 1).await));
    let freeze = call(governance::freeze, &AgentRef { agent });
    worst.push(("freeze", callback_tgas_of(contract, owner, freeze, 0).await));
    worst.extend(by_stake(&scene).await);
    // From one line to another: both have one owner more or less.
    let elsewhere = call(governance::enroll, &enrolled(agent, scene.create(None).await));
    worst.push(("enroll elsewhere", callback_tgas_of(contract, owner, elsewhere, 1).await));
    let leave = call(governance::leave, &AgentRef { agent });
    worst.push(("leave", callback_tgas_of(contract, owner, leave, 1).await));
    for (method, took) in worst {
        println!("{method}: {took:.2} of {SET_ASIDE_TGAS:.1} TGas");
        assert!(took * 1.2 <= SET_ASIDE_TGAS, "{method} takes {took:.2} TGas, {SET_ASIDE_TGAS:.1} are set aside");
    }
}

/// A delegate that is an agent, with a history as long as they get, votes on a constitution as large as they get.
async fn by_stake(scene: &Line) -> [(&'static str, f64); 2] {
    let (owner, robot, agent, contract) = (&scene.owner, &scene.robot, scene.agent, scene.contract());
    let stake = Some(StakeRules { asset: Asset::Near, unlock_ms: UNLOCK_MS, floor: U128(1) });
    let line = scene.create(stake.clone()).await;
    let stand = call(governance::stand_as_agent, &StandAsAgent { line, agent });
    let stands = callback_tgas_of(contract, robot, stand, 0).await;
    let lock = LockStake { line, amount: U128(1_000) };
    ok(owner, contract, governance::lock, &lock, DEPOSIT).await;
    for turn in 0..=u128::try_from(HISTORY_MAX).unwrap() {
        scene.harness.wait(STAKE_PERIOD).await.unwrap();
        let part = DelegateStake { line, to: robot.id().clone(), amount: U128(6 + turn) };
        ok(owner, contract, governance::delegate, &part, DEPOSIT).await;
    }
    scene.harness.wait(STAKE_PERIOD).await.unwrap();
    let proposal = scene.propose(line, stake).await;
    let Vote { content_hash, choice, .. } = scene.vote(proposal).await;
    let args = VoteAsAgent { agent, proposal, content_hash, choice };
    let votes = callback_tgas_of(contract, robot, call(governance::vote_as_agent, &args), 0).await;
    [("stand_as_agent", stands), ("vote_as_agent", votes)]
}
