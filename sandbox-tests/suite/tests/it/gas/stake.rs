//! Calls of governance where stake decides, with rows as large as they get.

use std::time::Duration;

use charter_harness::ok;
use charter_types::U128;
use charter_types::asset::{Asset, FtOnTransfer};
use charter_types::contract::Governance;
use charter_types::governance::args::{
    CreateLine, DelegateStake, ForgetBallots, LineRef, LockStake, ProposalRef, ProposeRelease, StandAsAgent, Vote,
    VoteAsAgent,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{
    Choice, EXECUTION_MS, HISTORY_MAX, KEPT_MS, PARTS_MAX, PERIOD_MS_MIN, Params, StakeRules,
};
use charter_types::registry::args::SetAgentAccount;
use charter_types::registry::methods as registry;
use near_workspaces::Account;

use super::Table;
use super::governance::vote_on;
use charter_harness::arguments::{DEPOSIT, content, prepay, register};

const UNLOCK_MS: u64 = 4 * PERIOD_MS_MIN;
const PERIOD: Duration = Duration::from_millis(UNLOCK_MS / 8);

async fn line_of(table: &mut Table, owner: &Account, case: &str, asset: Asset) -> u64 {
    let params = Params { vote_ms: PERIOD_MS_MIN, timelock_ms: PERIOD_MS_MIN, extension_ms: 0, ..Params::default() };
    let stake = Some(StakeRules { asset, unlock_ms: UNLOCK_MS, floor: U128(1) });
    let line = CreateLine { name: "staked".to_owned(), council: Vec::new(), params, guardian: None, stake };
    table.note(owner, (Governance, governance::create_line), case, &line, DEPOSIT).await
}

/// The holder, with eight delegates and histories that are full; a friend who votes with a part of it; the token.
pub async fn rows(table: &mut Table, holder: &Account, token: &Account, friend: &Account) {
    let line = line_of(table, holder, "by stake", Asset::Near).await;
    let amount = |yocto| LockStake { line, amount: U128(yocto) };
    table.note(holder, (Governance, governance::lock), "first", &amount(100), DEPOSIT).await;
    let mut delegates = vec![friend.clone()];
    for letter in ["1", "2", "3", "4", "5", "6", "7"] {
        delegates.push(table.person(letter).await);
    }
    assert_eq!(delegates.len(), PARTS_MAX);
    for (number, delegate) in delegates.iter().enumerate() {
        let (stand, part) = (LineRef { line }, DelegateStake { line, to: delegate.id().clone(), amount: U128(5) });
        if number == 0 {
            table.note(delegate, (Governance, governance::stand), "", &stand, DEPOSIT).await;
            table.note(holder, (Governance, governance::delegate), "first", &part, DEPOSIT).await;
        } else {
            ok(delegate, &table.contracts.governance, governance::stand, &stand, DEPOSIT).await;
            ok(holder, &table.contracts.governance, governance::delegate, &part, DEPOSIT).await;
        }
    }
    for turn in 0..u128::try_from(HISTORY_MAX).unwrap() {
        table.harness.wait(PERIOD).await.unwrap();
        let contract = &table.contracts.governance;
        ok(holder, contract, governance::lock, &amount(1), DEPOSIT).await;
        let part = DelegateStake { line, to: friend.id().clone(), amount: U128(6 + turn) };
        ok(holder, contract, governance::delegate, &part, DEPOSIT).await;
    }
    table.harness.wait(PERIOD).await.unwrap();
    let full = "full histories, 8 delegates";
    table.note(holder, (Governance, governance::lock), full, &amount(1), DEPOSIT).await;
    let part = DelegateStake { line, to: friend.id().clone(), amount: U128(5) };
    table.note(holder, (Governance, governance::delegate), full, &part, DEPOSIT).await;
    votes(table, line, holder, friend).await;
    table.note(&delegates[1], (Governance, governance::stand_down), "", &LineRef { line }, 0).await;
    table.harness.wait(PERIOD).await.unwrap();
    table.note(holder, (Governance, governance::unlock), full, &amount(50), 1).await;
    table.harness.wait(PERIOD + Duration::from_millis(UNLOCK_MS)).await.unwrap();
    table.note(holder, (Governance, governance::withdraw_stake), "NEAR", &LineRef { line }, 1).await;
    tokens(table, holder, token).await;
}

/// A delegate votes, then the holder with what it had delegated to eight; then an agent.
async fn votes(table: &mut Table, line: u64, holder: &Account, friend: &Account) {
    let contract = table.contracts.governance.clone();
    let (agent, robot) = (register(&table.harness, holder, Vec::new()).await, table.person("8").await);
    let own = SetAgentAccount { agent, agent_account: Some(robot.id().clone()) };
    ok(holder, &table.harness.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
    prepay(&robot, &contract, DEPOSIT).await;
    let stand = StandAsAgent { line, agent };
    table.note(&robot, (Governance, governance::stand_as_agent), "", &stand, 0).await;
    let part = DelegateStake { line, to: friend.id().clone(), amount: U128(0) };
    ok(holder, &contract, governance::delegate, &part, DEPOSIT).await;
    let part = DelegateStake { line, to: robot.id().clone(), amount: U128(3) };
    ok(holder, &contract, governance::delegate, &part, DEPOSIT).await;
    table.harness.wait(PERIOD).await.unwrap();
    let release = ProposeRelease { line, seq: 0, content: content() };
    let case = "by a holder";
    let proposal = table.note(holder, (Governance, governance::propose_release), case, &release, DEPOSIT).await;
    let Vote { content_hash, .. } = vote_on(table, proposal).await;
    let vote = Vote { proposal, content_hash, choice: Choice::Yes };
    let by_agent = VoteAsAgent { agent, proposal, content_hash, choice: Choice::No };
    table.note(&robot, (Governance, governance::vote_as_agent), "", &by_agent, 0).await;
    let case = super::TAKES;
    table.note(holder, (Governance, governance::vote), case, &vote, DEPOSIT).await;
    let changed = Vote { choice: Choice::No, ..vote };
    table.note(holder, (Governance, governance::vote), "by stake, changed", &changed, DEPOSIT).await;
    let lone = table.person("9").await;
    ok(&lone, &contract, governance::lock, &LockStake { line, amount: U128(9) }, DEPOSIT).await;
    table.harness.wait(PERIOD).await.unwrap();
    let second = ok(holder, &contract, governance::propose_release, &release, DEPOSIT).await;
    let vote = vote_on(table, second).await;
    table.note(&lone, (Governance, governance::vote), "by stake", &vote, DEPOSIT).await;
    table.harness.wait(Duration::from_millis(2 * PERIOD_MS_MIN + EXECUTION_MS + KEPT_MS)).await.unwrap();
    let forgotten = ForgetBallots { proposal: second, accounts: vec![lone.id().clone()] };
    table.note(holder, (Governance, governance::forget_ballots), "one", &forgotten, 0).await;
    ok(holder, &contract, governance::forget_proposal, &ProposalRef { proposal }, 0).await;
}

/// A token that is an account: it may say what it likes, and is believed on its own line.
async fn tokens(table: &mut Table, holder: &Account, token: &Account) {
    let line = line_of(table, holder, "by stake in tokens", Asset::Nep141(token.id().clone())).await;
    let empty = LockStake { line, amount: U128(0) };
    table.note(holder, (Governance, governance::lock), "a row for tokens", &empty, DEPOSIT).await;
    let msg = format!("{{\"line\":{line}}}");
    let told = FtOnTransfer { sender_id: holder.id().clone(), amount: U128(7), msg };
    table.note(token, (Governance, governance::ft_on_transfer), "first", &told, 0).await;
}
