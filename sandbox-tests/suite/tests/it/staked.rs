//! A line that is decided by what is locked on it.

use std::time::Duration;

use charter_harness::arguments::{DEPOSIT, content, prepay, register};
use charter_harness::{Call, Caller, Harness, Outcome, answer, call, failed_with, ok, raw, test_token};
use charter_types::asset::Asset;
use charter_types::governance::args::{
    CreateLine, DelegateStake, LineRef, LockStake, ProposalRef, ProposeAmendment, ProposeRelease, StakeRef,
    StandAsAgent, Vote, VoteAsAgent, VoterRef,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    Choice, Constitution, Member, Params, Pool, Proposal, ProposalState, Stake, StakeBallot, StakeRules, StakeVote,
};
use charter_types::method::Method;
use charter_types::registry::args::SetAgentAccount;
use charter_types::registry::methods as registry;
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::{AccountId, U128};
use near_workspaces::Account;
use near_workspaces::operations::Function;
use near_workspaces::types::{Gas, NearToken};
use serde_json::json;

use crate::fleet::PARAMS;

pub const NEAR: u128 = 1_000_000_000_000_000_000_000_000;
pub const HOUR_MS: u64 = 3_600_000;
/// So that what changes counts from the next hour on.
pub const UNLOCK_MS: u64 = 8 * HOUR_MS;
/// A vote in which there is time for some calls.
pub const PARAMS_BY_STAKE: Params = Params { vote_ms: HOUR_MS / 6, ..PARAMS };

/// A line that is decided by stake. Its council is the chief, who has nothing.
pub struct Staked {
    pub harness: Harness,
    pub chief: Account,
    asset: Asset,
    params: Params,
    floor: u128,
    pub line: u64,
}

/// An agent with an owner and an account of its own.
pub struct Robot {
    pub agent: u64,
    pub owner: Account,
    pub account: Account,
}

/// A token of the tests with its holders, whose owner is the root.
pub async fn token(harness: &Harness, name: &str, holders: &[(AccountId, u128)]) -> Account {
    let account = harness.account(name).await.unwrap();
    account.deploy(&test_token().unwrap()).await.unwrap().into_result().unwrap();
    tell(harness, account.id(), "new", json!({ "owner": harness.root().id() })).await;
    for (holder, amount) in holders {
        tell(harness, account.id(), "mint", json!({ "account_id": holder, "amount": U128(*amount) })).await;
    }
    account
}

/// What its owner has the token do.
pub async fn tell(harness: &Harness, token: &AccountId, method: &str, args: serde_json::Value) {
    let told = harness.root().send(token, raw(method, args), 0).await.unwrap();
    assert!(told.is_success(), "{method}: {told:?}");
}

pub async fn tokens_of(harness: &Harness, token: &AccountId, holder: &AccountId) -> u128 {
    let question = raw("ft_balance_of", json!({ "account_id": holder }));
    let answer = harness.raw_view(token, question).await.unwrap();
    serde_json::from_slice::<U128>(&answer).unwrap().0
}

/// Calls with their deposits in one transaction.
pub async fn together(by: &Account, contract: &AccountId, calls: Vec<(Call, u128)>) -> Outcome {
    let mut batch = by.batch(contract);
    for (Call { method, args, .. }, deposit) in calls {
        let function = Function::new(&method).args(args).gas(Gas::from_tgas(100));
        batch = batch.call(function.deposit(NearToken::from_yoctonear(deposit)));
    }
    batch.transact().await.unwrap()
}

/// Making it.
impl Staked {
    pub async fn new() -> Self {
        Self::with(PARAMS_BY_STAKE, NEAR).await
    }

    pub async fn with(params: Params, floor: u128) -> Self {
        Self::on(Harness::start().await.unwrap(), Asset::Near, params, floor).await
    }

    pub async fn on(harness: Harness, asset: Asset, params: Params, floor: u128) -> Self {
        let chief = harness.account("chief").await.unwrap();
        let mut made = Self { harness, chief, asset, params, floor, line: 0 };
        let Constitution { params, guardian, stake, .. } = made.constitution();
        let args = CreateLine { name: "staked".to_owned(), council: Vec::new(), params, guardian, stake };
        made.line = ok(&made.chief, made.contract(), governance::create_line, &args, DEPOSIT).await;
        prepay(&made.chief, made.contract(), DEPOSIT).await;
        // What a test does next is done within the hour.
        made.next_period().await;
        made
    }

    pub fn constitution(&self) -> Constitution {
        let stake = StakeRules { asset: self.asset.clone(), unlock_ms: UNLOCK_MS, floor: U128(self.floor) };
        let council = vec![Member { account: self.chief.id().clone(), weight: 1 }];
        Constitution { council, params: self.params, guardian: None, stake: Some(stake) }
    }

    pub async fn holder(&self, name: &str, yocto: u128) -> Account {
        let holder = self.harness.account(name).await.unwrap();
        self.lock(&holder, yocto).await;
        holder
    }

    pub async fn delegate(&self, name: &str) -> Account {
        let delegate = self.harness.account(name).await.unwrap();
        ok(&delegate, self.contract(), governance::stand, &LineRef { line: self.line }, DEPOSIT).await;
        delegate
    }

    pub async fn robot(&self, name: &str) -> Robot {
        let owner = self.harness.account(name).await.unwrap();
        let account = self.harness.account(&format!("{name}-robot")).await.unwrap();
        let agent = register(&self.harness, &owner, Vec::new()).await;
        let robot = Robot { agent, owner, account };
        self.name_account(&robot, &robot.owner).await;
        prepay(&robot.owner, self.contract(), DEPOSIT).await;
        prepay(&robot.account, self.contract(), DEPOSIT).await;
        robot
    }

    pub async fn name_account(&self, robot: &Robot, owner: &Account) {
        let own = SetAgentAccount { agent: robot.agent, agent_account: Some(robot.account.id().clone()) };
        ok(owner, &self.harness.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
    }
}

/// Looking at it.
impl Staked {
    pub fn contract(&self) -> &AccountId {
        &self.harness.contracts.governance
    }

    pub async fn look<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        self.harness.look(self.contract(), method, args).await.unwrap()
    }

    pub async fn pool(&self) -> Pool {
        self.look(governance::pool, &LineRef { line: self.line }).await.unwrap()
    }

    pub async fn stake(&self, holder: &Account) -> Option<Stake> {
        self.look(governance::stake, &StakeRef { line: self.line, account: holder.id().clone() }).await
    }

    pub async fn proposal(&self, proposal: u64) -> Proposal {
        self.look(governance::proposal, &ProposalRef { proposal }).await.unwrap()
    }

    pub async fn tally(&self, proposal: u64) -> StakeVote {
        self.proposal(proposal).await.stake.unwrap()
    }

    /// Yes and no, of people and of agents.
    pub async fn votes(&self, proposal: u64) -> [u128; 4] {
        let tally = self.tally(proposal).await;
        [tally.yes, tally.no, tally.agents_yes, tally.agents_no].map(|votes| votes.0)
    }

    pub async fn ballot(&self, proposal: u64, voter: &Account) -> StakeBallot {
        let question = VoterRef { proposal, account: voter.id().clone() };
        self.look(governance::stake_ballot, &question).await.unwrap()
    }

    pub async fn available(&self, account: &Account) -> u128 {
        let question = StorageOf { account_id: account.id().clone() };
        self.look(shared::storage_balance_of, &question).await.map_or(0, |balance| balance.available.0)
    }

    pub async fn until(&self, ms: u64) {
        let now_ms = self.harness.now_ms().await.unwrap();
        self.harness.wait(Duration::from_millis(ms.saturating_sub(now_ms))).await.unwrap();
    }

    pub async fn next_period(&self) {
        let now_ms = self.harness.now_ms().await.unwrap();
        self.until(now_ms / HOUR_MS * HOUR_MS + HOUR_MS + 1_000).await;
    }
}

/// Acting on it. A code, where there is one.
impl Staked {
    pub async fn lock(&self, by: &Account, yocto: u128) {
        ok(by, self.contract(), governance::lock, &self.amount(yocto), yocto + DEPOSIT).await;
    }

    pub fn amount(&self, amount: u128) -> LockStake {
        LockStake { line: self.line, amount: U128(amount) }
    }

    pub async fn send(&self, by: &Account, call: Call, deposit: u128) -> Option<String> {
        failed_with(&by.send(self.contract(), call, deposit).await.unwrap())
    }

    pub async fn unlock(&self, by: &Account, amount: u128) -> Option<String> {
        self.send(by, call(governance::unlock, &self.amount(amount)), 1).await
    }

    pub async fn withdraw(&self, by: &Account) -> Option<String> {
        self.send(by, call(governance::withdraw_stake, &LineRef { line: self.line }), 1).await
    }

    pub async fn give(&self, by: &Account, to: &Account, amount: u128) -> Option<String> {
        let args = DelegateStake { line: self.line, to: to.id().clone(), amount: U128(amount) };
        self.send(by, call(governance::delegate, &args), DEPOSIT).await
    }

    pub async fn stand_as_agent(&self, robot: &Robot) -> Option<String> {
        let args = StandAsAgent { line: self.line, agent: robot.agent };
        self.send(&robot.account, call(governance::stand_as_agent, &args), 0).await
    }

    pub async fn propose(&self, by: &Account) -> u64 {
        let args = ProposeRelease { line: self.line, seq: 0, content: content() };
        ok(by, self.contract(), governance::propose_release, &args, DEPOSIT).await
    }

    pub async fn propose_constitution(&self, constitution: Constitution) -> Result<u64, String> {
        let args = ProposeAmendment { line: self.line, version: 0, constitution };
        let sent = call(governance::propose_amendment, &args);
        let outcome = self.chief.send(self.contract(), sent, DEPOSIT).await.unwrap();
        match failed_with(&outcome) {
            Some(code) => Err(code),
            None => Ok(answer(governance::propose_amendment, &outcome).unwrap()),
        }
    }

    pub async fn vote(&self, by: &Account, proposal: u64, choice: Choice) -> Option<String> {
        let content_hash = self.proposal(proposal).await.content_hash;
        self.send(by, call(governance::vote, &Vote { proposal, content_hash, choice }), DEPOSIT).await
    }

    pub async fn vote_as_agent(&self, robot: &Robot, proposal: u64, choice: Choice) -> Option<String> {
        let content_hash = self.proposal(proposal).await.content_hash;
        let vote = VoteAsAgent { agent: robot.agent, proposal, content_hash, choice };
        self.send(&robot.account, call(governance::vote_as_agent, &vote), 0).await
    }

    pub async fn queue(&self, proposal: u64) -> ProposalState {
        self.until(self.proposal(proposal).await.end_ms + 1).await;
        ok(self.harness.root(), self.contract(), governance::queue, &ProposalRef { proposal }, 0).await
    }

    /// Sends tokens to be locked; how many were.
    pub async fn transfer(&self, by: &Account, token: &AccountId, amount: u128, msg: &str) -> u128 {
        let args = json!({ "receiver_id": self.contract(), "amount": U128(amount), "msg": msg });
        let sent = by.send(token, raw("ft_transfer_call", args), 1).await.unwrap();
        assert!(sent.is_success(), "{sent:?}");
        sent.json::<U128>().unwrap().0
    }

    pub fn message(&self) -> String {
        json!({ "line": self.line }).to_string()
    }
}
