//! Votes, timelocks, and code that is only deployed if it is the code that was voted for.

use std::time::Duration;

use charter_client::sha256;
use charter_harness::{Caller, Harness, call, failed_with, ok, refused, view};
use charter_types::Hash32;
use charter_types::governance::args::{ExecuteUpgrade, ProposalRef, ProposeUpgrade, Vote};
use charter_types::governance::methods as governance;
use charter_types::governance::{Choice, Proposal, ProposalState};
use charter_wasm::Contract;

use charter_harness::arguments::DEPOSIT;

const HOUR: Duration = Duration::from_secs(3_601);

async fn proposal(harness: &Harness, id: u64) -> Proposal {
    let args = ProposalRef { proposal: id };
    let found = view(&harness.worker, &harness.contracts.governance, governance::proposal, &args).await.unwrap();
    found.unwrap()
}

/// Proposes and approves `code` for the registry; the timelock has not run yet.
async fn approved(harness: &Harness, code: &[u8]) -> u64 {
    let governance = &harness.contracts.governance;
    let args = ProposeUpgrade { contract: harness.contracts.registry.clone(), code_hash: Hash32(sha256(code)) };
    let root = harness.root();
    let id = ok(root, governance, governance::propose_upgrade, &args, DEPOSIT).await;
    let content_hash = proposal(harness, id).await.content_hash;
    let vote = Vote { proposal: id, content_hash, choice: Choice::Yes };
    ok(root, governance, governance::vote, &vote, DEPOSIT).await;
    harness.wait(HOUR).await.unwrap();
    ok(root, governance, governance::queue, &ProposalRef { proposal: id }, 0).await;
    id
}

async fn execute(harness: &Harness, id: u64, code: &[u8]) -> charter_harness::Outcome {
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
    assert_eq!(proposal(&harness, id).await.state, ProposalState::Queued);
    assert_eq!(harness.worker.view_code(&harness.contracts.registry).await.unwrap(), before);
}

#[tokio::test]
async fn strangers_neither_propose_nor_vote() {
    let harness = Harness::start().await.unwrap();
    let eve = harness.account("eve").await.unwrap();
    let governance = &harness.contracts.governance;
    let contract = harness.contracts.registry.clone();
    let args = ProposeUpgrade { contract, code_hash: Hash32([1; 32]) };
    assert_eq!(refused(&eve, governance, governance::propose_upgrade, &args, DEPOSIT).await, "GOVERNANCE_NOT_MEMBER");
    let id = approved(&harness, b"code").await;
    let content_hash = proposal(&harness, id).await.content_hash;
    let vote = Vote { proposal: id, content_hash, choice: Choice::No };
    assert_eq!(refused(&eve, governance, governance::vote, &vote, DEPOSIT).await, "GOVERNANCE_NOT_MEMBER");
    assert_eq!(refused(harness.root(), governance, governance::vote, &vote, DEPOSIT).await, "GOVERNANCE_VOTE_ENDED");
}
