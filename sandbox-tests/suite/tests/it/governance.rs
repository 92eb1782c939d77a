//! Votes, timelocks, and code that is only deployed if it is the code that was voted for.

use std::time::Duration;

use charter_client::sha256;
use charter_harness::{Caller, Harness, Outcome, call, code_of, failed_with, ok, refused, view};
use charter_types::admin::{Deployment, SetPauser, Upgrade};
use charter_types::governance::args::{ExecuteUpgrade, ProposalRef, ProposeUpgrade, Vote};
use charter_types::governance::methods as governance;
use charter_types::governance::{Choice, EXECUTION_MS, Proposal, ProposalState, UpgradeFailure};
use charter_types::shared::methods as shared;
use charter_types::{Hash32, Named, Nothing, Page};
use charter_wasm::Contract;

use charter_harness::arguments::DEPOSIT;

use crate::funds::longer;
use crate::staked::NEAR;

pub const HOUR: Duration = Duration::from_secs(3_601);

pub async fn proposal(harness: &Harness, id: u64) -> Proposal {
    let args = ProposalRef { proposal: id };
    let found = view(&harness.worker, &harness.contracts.governance, governance::proposal, &args).await.unwrap();
    found.unwrap()
}

async fn deployment(harness: &Harness) -> Deployment {
    view(&harness.worker, &harness.contracts.registry, shared::deployment, &Nothing {}).await.unwrap()
}

/// Proposes and approves `code` for the registry; the timelock has not run yet.
pub async fn approved(harness: &Harness, code: &[u8]) -> u64 {
    let replaces = deployment(harness).await;
    approved_to_replace(harness, code, replaces).await
}

async fn approved_to_replace(harness: &Harness, code: &[u8], replaces: Deployment) -> u64 {
    let governance = &harness.contracts.governance;
    let contract = harness.contracts.registry.clone();
    let args = ProposeUpgrade { contract, code_hash: Hash32(sha256(code)), replaces };
    let root = harness.root();
    let id = ok(root, governance, governance::propose_upgrade, &args, DEPOSIT).await;
    pass(harness, id).await;
    id
}

/// The vote on it, to its end.
async fn pass(harness: &Harness, id: u64) {
    let (root, governance) = (harness.root(), &harness.contracts.governance);
    let content_hash = proposal(harness, id).await.content_hash;
    let vote = Vote { proposal: id, content_hash, choice: Choice::Yes };
    ok(root, governance, governance::vote, &vote, DEPOSIT).await;
    harness.wait(HOUR).await.unwrap();
    ok(root, governance, governance::queue, &ProposalRef { proposal: id }, 0).await;
}

pub async fn execute(harness: &Harness, id: u64, code: &[u8]) -> Outcome {
    let execute = call(governance::execute_upgrade, &ExecuteUpgrade { proposal: id, code: code.to_vec() });
    harness.root().send(&harness.contracts.governance, execute, 0).await.unwrap()
}

#[tokio::test]
async fn an_upgrade_runs_once_after_its_time_with_its_own_bytes() {
    let harness = Harness::start().await.unwrap();
    let code = Contract::Registry.code();
    let id = approved(&harness, code).await;
    let early = execute(&harness, id, code).await;
    assert_eq!(failed_with(&early).as_deref(), Some("GOVERNANCE_TOO_EARLY"));
    harness.wait(HOUR).await.unwrap();
    let mut other = code.to_vec();
    other.push(0);
    let swapped = execute(&harness, id, &other).await;
    assert_eq!(failed_with(&swapped).as_deref(), Some("GOVERNANCE_WRONG_CODE"));
    let done = execute(&harness, id, code).await;
    assert!(done.is_success(), "{done:?}");
    assert_eq!(proposal(&harness, id).await.state, ProposalState::Executed);
    let again = execute(&harness, id, code).await;
    assert_eq!(failed_with(&again).as_deref(), Some("GOVERNANCE_NOT_APPROVED"));
}

#[tokio::test]
async fn a_failed_upgrade_stays_executable_and_leaves_the_contract_as_it_was() {
    let harness = Harness::start().await.unwrap();
    // Code that deploys and then can't migrate: deploying is undone with it.
    let broken = b"\0asm\x01\0\0\0".to_vec();
    let id = approved(&harness, &broken).await;
    harness.wait(HOUR).await.unwrap();
    let before = harness.worker.view_code(&harness.contracts.registry).await.unwrap();
    let failed = execute(&harness, id, &broken).await;
    assert_eq!(failed_with(&failed).as_deref(), Some("GOVERNANCE_UPGRADE_FAILED"));
    let queued = proposal(&harness, id).await;
    assert_eq!((queued.state, queued.failure), (ProposalState::Queued, Some(UpgradeFailure::Failed)));
    assert_eq!(harness.worker.view_code(&harness.contracts.registry).await.unwrap(), before);
}

#[tokio::test]
async fn strangers_neither_propose_nor_vote() {
    let harness = Harness::start().await.unwrap();
    let eve = harness.account("eve").await.unwrap();
    let governance = &harness.contracts.governance;
    let contract = harness.contracts.registry.clone();
    let args = ProposeUpgrade { contract, code_hash: Hash32([1; 32]), replaces: deployment(&harness).await };
    assert_eq!(refused(&eve, governance, governance::propose_upgrade, &args, DEPOSIT).await, "GOVERNANCE_NOT_MEMBER");
    let id = approved(&harness, b"code").await;
    let content_hash = proposal(&harness, id).await.content_hash;
    let vote = Vote { proposal: id, content_hash, choice: Choice::No };
    assert_eq!(refused(&eve, governance, governance::vote, &vote, DEPOSIT).await, "GOVERNANCE_NOT_MEMBER");
    assert_eq!(refused(harness.root(), governance, governance::vote, &vote, DEPOSIT).await, "GOVERNANCE_VOTE_ENDED");
}

/// Valid wasm that does what `code` does, with another hash.
pub fn renamed(code: &[u8], name: &str) -> Vec<u8> {
    let mut other = code.to_vec();
    let length = u8::try_from(name.len()).unwrap();
    other.extend([0, length + 1, length]);
    other.extend(name.as_bytes());
    other
}

#[tokio::test]
async fn an_upgrade_replaces_the_deployment_it_was_voted_on_and_no_other() {
    let harness = Harness::start().await.unwrap();
    let code = Contract::Registry.code();
    let (first, second) = (renamed(code, "a"), renamed(code, "b"));
    let start = deployment(&harness).await;
    let (older, newer) = (approved(&harness, &first).await, approved(&harness, &second).await);
    harness.wait(HOUR).await.unwrap();
    assert!(execute(&harness, newer, &second).await.is_success());
    let now = deployment(&harness).await;
    assert_eq!((now.number, now.sha256), (start.number + 1, Hash32(sha256(&second))));
    // The older one was voted on to replace what is there no more.
    let stale = execute(&harness, older, &first).await;
    assert_eq!(failed_with(&stale).as_deref(), Some("CHARTER_CODE_REPLACED"));
    assert_eq!(deployment(&harness).await, now);
    let queued = proposal(&harness, older).await;
    assert_eq!((queued.state, queued.failure), (ProposalState::Queued, Some(UpgradeFailure::CodeReplaced)));
    // Not even when the code it replaces is back: the number is not.
    let back = approved(&harness, code).await;
    harness.wait(HOUR).await.unwrap();
    assert!(execute(&harness, back, code).await.is_success());
    assert_eq!(deployment(&harness).await.sha256, start.sha256);
    let stale = execute(&harness, older, &first).await;
    assert_eq!(failed_with(&stale).as_deref(), Some("CHARTER_CODE_REPLACED"));
}

/// Forget what governs a half-done upgrade, and one with too little gas is neither done nor possible any more.
#[tokio::test]
async fn with_too_little_gas_or_money_an_upgrade_says_so_and_stays_executable() {
    let harness = Harness::start().await.unwrap();
    let code = longer(Contract::Registry.code(), 10_000);
    let id = approved(&harness, &code).await;
    harness.wait(HOUR).await.unwrap();
    let start = deployment(&harness).await;
    let contracts = &harness.contracts;
    let call = call(governance::execute_upgrade, &ExecuteUpgrade { proposal: id, code: code.clone() });
    for tgas in (10..=130).step_by(10) {
        let fork = harness.fork().await.unwrap();
        let by = fork.rebind(harness.root());
        let outcome = by.send(&contracts.governance, call.clone().tgas(tgas), 0).await.unwrap();
        let (state, now) = (proposal(&fork, id).await.state, deployment(&fork).await);
        let expected = if outcome.is_success() {
            (ProposalState::Executed, start.number + 1)
        } else {
            (ProposalState::Queued, start.number)
        };
        assert_eq!((state, now.number), expected, "{tgas}: {outcome:?}");
        let told = format!("{outcome:?}");
        assert!(outcome.is_success() || told.contains("Exceeded the prepaid gas"), "{tgas}: {told}");
    }
    harness.leave(&contracts.registry, 0).await.unwrap();
    let short = execute(&harness, id, &code).await;
    assert_eq!(failed_with(&short).as_deref(), Some("GOVERNANCE_UPGRADE_FAILED"));
    // The chain says how much; where money of others is held, the contract does (`funds`).
    assert!(format!("{short:?}").contains("LackBalanceForState"), "{short:?}");
    let queued = proposal(&harness, id).await;
    assert_eq!((queued.state, queued.failure), (ProposalState::Queued, Some(UpgradeFailure::Failed)));
    harness.leave(&contracts.registry, NEAR).await.unwrap();
    assert!(execute(&harness, id, &code).await.is_success());
    assert_eq!(deployment(&harness).await.number, start.number + 1);
}

/// Let a proposal be started twice, or let the contract forget what it was to replace, and both codes run.
#[tokio::test]
async fn of_two_upgrades_under_way_at_once_one_is_done() {
    let harness = Harness::start().await.unwrap();
    let (first, second) = (renamed(Contract::Registry.code(), "a"), renamed(Contract::Registry.code(), "b"));
    let start = deployment(&harness).await;
    let (one, other) = (approved(&harness, &first).await, approved(&harness, &second).await);
    let keys_code = renamed(Contract::Keys.code(), "c");
    let keys = &harness.contracts.keys;
    let replaces = view(&harness.worker, keys, shared::deployment, &Nothing {}).await.unwrap();
    let args = ProposeUpgrade { contract: keys.clone(), code_hash: Hash32(sha256(&keys_code)), replaces };
    let elsewhere =
        ok(harness.root(), &harness.contracts.governance, governance::propose_upgrade, &args, DEPOSIT).await;
    pass(&harness, elsewhere).await;
    harness.wait(HOUR).await.unwrap();
    let (done, again, late, aside) = tokio::join!(
        execute(&harness, one, &first),
        execute(&harness, one, &first),
        execute(&harness, other, &second),
        execute(&harness, elsewhere, &keys_code),
    );
    let ended = [&done, &again, &late].map(Outcome::is_success);
    assert_eq!(ended.iter().filter(|done| **done).count(), 1, "{ended:?}");
    assert!(aside.is_success(), "another contract's goes its own way: {aside:?}");
    let ((won, code), (lost, late_code)) =
        if late.is_success() { ((other, &second), (one, &first)) } else { ((one, &first), (other, &second)) };
    let running = deployment(&harness).await;
    assert_eq!((running.number, running.sha256), (start.number + 1, Hash32(sha256(code))));
    let winner = proposal(&harness, won).await;
    assert_eq!((winner.state, winner.failure), (ProposalState::Executed, None));
    // What was asked before the other's code was there knew of nothing that lasts. Asked again, it is told.
    let loser = proposal(&harness, lost).await;
    assert_eq!(loser.state, ProposalState::Queued);
    assert!(loser.failure.is_some(), "{loser:?}");
    let stale = execute(&harness, lost, late_code).await;
    assert_eq!(failed_with(&stale).as_deref(), Some("CHARTER_CODE_REPLACED"));
    let loser = proposal(&harness, lost).await;
    assert_eq!((loser.state, loser.failure), (ProposalState::Queued, Some(UpgradeFailure::CodeReplaced)));
    assert_eq!(deployment(&harness).await, running);
}

/// Every proposal there is, as whoever looks for one finds it: page by page.
async fn listed(harness: &Harness) -> Vec<Proposal> {
    let mut all: Vec<Proposal> = Vec::new();
    loop {
        let from = all.last().map_or(1, |last| last.id + 1);
        let page = Page { from, limit: None };
        let found = view(&harness.worker, &harness.contracts.governance, governance::proposals, &page).await.unwrap();
        if found.is_empty() {
            return all;
        }
        assert!(found[0].id >= from, "a page begins where it should");
        all.extend(found);
    }
}

/// More than a page of views, and than anything is kept of.
const SPAM: usize = 110;

/// Keep the latest hundred, or one for each contract, and whoever may propose pushes out what was approved.
#[tokio::test]
async fn no_number_of_proposals_pushes_out_an_upgrade_that_waits() {
    let harness = Harness::start().await.unwrap();
    let (root, governance) = (harness.root(), &harness.contracts.governance);
    let contract = harness.contracts.registry.clone();
    let code = renamed(Contract::Registry.code(), "a");
    let start = deployment(&harness).await;
    let pending = approved(&harness, &code).await;
    // Of the same line, for the same contract, in its timelock: one in three is voted for, one taken back, one left open.
    let mut spam = Vec::new();
    for number in 0..SPAM {
        let code_hash = Hash32(sha256(&number.to_le_bytes()));
        let args = ProposeUpgrade { contract: contract.clone(), code_hash, replaces: start };
        let id = ok(root, governance, governance::propose_upgrade, &args, DEPOSIT).await;
        match number % 3 {
            0 => {
                let content_hash = proposal(&harness, id).await.content_hash;
                ok(
                    root,
                    governance,
                    governance::vote,
                    &Vote { proposal: id, content_hash, choice: Choice::Yes },
                    DEPOSIT,
                )
                .await;
            }
            1 => ok(root, governance, governance::cancel, &ProposalRef { proposal: id }, 0).await,
            _ => {}
        }
        spam.push(id);
    }
    let early = execute(&harness, pending, &code).await;
    assert_eq!(failed_with(&early).as_deref(), Some("GOVERNANCE_TOO_EARLY"));
    harness.wait(HOUR).await.unwrap();
    for id in spam.iter().step_by(3) {
        let counted = ok(root, governance, governance::queue, &ProposalRef { proposal: *id }, 0).await;
        assert_eq!(counted, ProposalState::Queued);
    }
    // As long as it can be carried out at all.
    harness.wait(Duration::from_millis(EXECUTION_MS - 3_600_000)).await.unwrap();
    let all = listed(&harness).await;
    let waiting: Vec<&Proposal> = all.iter().filter(|known| known.line == 1 && known.id == pending).collect();
    assert_eq!(waiting, [&proposal(&harness, pending).await]);
    assert!(spam.iter().all(|id| all.iter().filter(|known| known.id == *id).count() == 1), "each is listed once");
    let done = execute(&harness, pending, &code).await;
    assert!(done.is_success(), "{done:?}");
    assert_eq!(proposal(&harness, pending).await.state, ProposalState::Executed);
    let now = deployment(&harness).await;
    assert_eq!((now.number, now.sha256), (start.number + 1, Hash32(sha256(&code))));
}

/// Answers `upgrade` with about as many bytes as the gas for it pays for.
const TALKATIVE: &str = r#"(module
    (import "env" "value_return" (func $value_return (param i64 i64)))
    (memory (export "memory") 56)
    (func (export "upgrade") (call $value_return (i64.const 3670016) (i64.const 0)))
    (func (export "deployment")))"#;

/// Fails to upgrade, and says more than a deployment.
const REFUSING: &str = r#"(module
    (import "env" "value_return" (func $value_return (param i64 i64)))
    (memory (export "memory") 1)
    (func (export "upgrade") unreachable)
    (func (export "deployment") (call $value_return (i64.const 32768) (i64.const 0))))"#;

/// With 10 TGas for `on_upgraded` the first stays `Executing` for ever.
#[tokio::test]
async fn whatever_a_contract_answers_its_proposal_does_not_hang() {
    let harness = Harness::start().await.unwrap();
    let governance = &harness.contracts.governance;
    let root = harness.root();
    let replaces = Deployment { number: 0, sha256: Hash32([7; 32]) };
    let expected = [(TALKATIVE, ProposalState::Executed, None), (REFUSING, ProposalState::Queued, Some(()))];
    for (number, (wasm, state, failure)) in expected.into_iter().enumerate() {
        let contract = harness.account(&format!("contract{number}")).await.unwrap();
        contract.deploy(&wat::parse_str(wasm).unwrap()).await.unwrap().into_result().unwrap();
        let args = ProposeUpgrade { contract: contract.id().clone(), code_hash: Hash32(sha256(b"code")), replaces };
        let id = ok(root, governance, governance::propose_upgrade, &args, DEPOSIT).await;
        pass(&harness, id).await;
        harness.wait(HOUR).await.unwrap();
        let outcome = execute(&harness, id, b"code").await;
        let settled: Vec<u64> = outcome.receipt_outcomes().iter().map(|each| each.gas_burnt.as_gas()).collect();
        println!("{state:?}: {settled:?}");
        let done = proposal(&harness, id).await;
        assert_eq!((done.state, done.failure), (state, failure.map(|()| UpgradeFailure::Failed)));
    }
}

#[tokio::test]
async fn governance_takes_over_by_an_upgrade_to_the_code_that_is_there_and_the_admin_is_nobody_then() {
    let harness = Harness::start_with(code_of).await.unwrap();
    let (admin, registry) = (harness.root().clone(), &harness.contracts.registry);
    let (dao, eve) = (harness.account("dao").await.unwrap(), harness.account("eve").await.unwrap());
    let named = |account: &near_workspaces::Account| Named { account: account.id().clone() };
    let code = Contract::Registry.code();
    let upgrade = |code: Vec<u8>, replaces: Deployment| {
        call(shared::upgrade, &Upgrade { approved: Hash32(sha256(&code)), code, replaces })
    };
    let running = deployment(&harness).await;
    // A name mistyped is nobody yet, and can be replaced.
    ok(&admin, registry, shared::set_governance, &named(&eve), 0).await;
    ok(&admin, registry, shared::set_governance, &named(&dao), 0).await;
    let to = |by: &near_workspaces::Account, code: Vec<u8>| {
        let (by, registry, call) = (by.clone(), registry.clone(), upgrade(code, running));
        async move { failed_with(&by.send(&registry, call, 0).await.unwrap()) }
    };
    assert_eq!(to(&eve, code.to_vec()).await.as_deref(), Some("CHARTER_NOT_ADMIN"));
    assert_eq!(to(&dao, renamed(code, "a")).await.as_deref(), Some("CHARTER_NOT_ADMIN"));
    assert_eq!(refused(&dao, registry, shared::set_pauser, &SetPauser { account: None }, 0).await, "CHARTER_NOT_ADMIN");
    assert_eq!(to(&dao, code.to_vec()).await, None);
    assert_eq!(refused(&admin, registry, shared::set_governance, &named(&eve), 0).await, "CHARTER_NOT_ADMIN");
    ok(&dao, registry, shared::set_pauser, &SetPauser { account: None }, 0).await;
    let governance = view(&harness.worker, registry, shared::governance, &Nothing {}).await.unwrap();
    assert_eq!(governance.as_ref(), Some(dao.id()));
    // What was to be replaced has been.
    assert_eq!(to(&dao, renamed(code, "a")).await.as_deref(), Some("CHARTER_CODE_REPLACED"));
}
