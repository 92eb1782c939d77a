//! The end of a deployment: governance takes over by a voted upgrade to the code that is there, and then nobody has a key.
//! Votes and timelocks take days, so each run does what can be done by now, and says what comes next and when.

use anyhow::{Context, ensure};
use charter_client::{Account, At, Contracts};
use charter_types::admin::Deployment;
use charter_types::governance::args::{ExecuteUpgrade, ProposalRef, ProposeUpgrade, Vote};
use charter_types::governance::{Choice, EXECUTION_MS, Proposal, ProposalKind, ProposalState, methods};
use charter_types::{AccountId, Nothing, shared};
use charter_wasm::Contract;
use near_crypto::SecretKey;
use near_primitives::action::{Action, DeleteKeyAction};
use serde::Serialize;

use super::{account_of, governed};
use crate::output::Progress;

/// Where the hand-over of a contract stands.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Step {
    /// The council votes; `charter deploy` goes on after this time.
    Voting { proposal: u64, until_ms: u64 },
    /// Approved; the timelock ends then.
    Waiting { proposal: u64, until_ms: u64 },
    /// Governance alone can upgrade the contract.
    Governed,
}

/// Takes every contract as far as it can be taken now. Keys go last: until governance has shown for every contract that it can
/// upgrade it, they are the only way back.
pub async fn go_on(
    root: &Account,
    key: &SecretKey,
    contracts: &Contracts,
    progress: Progress,
) -> anyhow::Result<Vec<(Contract, Step)>> {
    let mut steps = Vec::new();
    for contract in governed() {
        let step = step(root, contracts, contract, progress).await?;
        steps.push((contract, step));
    }
    if steps.iter().all(|(_, step)| matches!(step, Step::Governed)) {
        for contract in governed() {
            check_shown(root, contracts, contract).await?;
        }
        // The verifier has nobody to govern it: without a key its code is what it is, and governance can move the registry to
        // another one.
        for contract in Contract::ALL {
            delete_keys(root, key, contracts, contract, progress).await?;
        }
    }
    Ok(steps)
}

async fn step(root: &Account, contracts: &Contracts, contract: Contract, progress: Progress) -> anyhow::Result<Step> {
    let rpc = root.rpc();
    let account = account_of(contract, contracts);
    let governance = rpc.view(account, shared::methods::governance, &Nothing {}, At::Final).await?;
    if let Some(governance) = governance {
        ensure!(
            governance == contracts.governance,
            "{account} is governed by {governance}, not by {}",
            contracts.governance
        );
        return Ok(Step::Governed);
    }
    let now_ms = rpc.block(At::Final).await?.header.timestamp / 1_000_000;
    let running = rpc.view(account, shared::methods::deployment, &Nothing {}, At::Final).await?;
    let proposal = match open_proposal(root, contracts, account, running, now_ms).await? {
        Some(proposal) => proposal,
        None => propose(root, contracts, contract, running, progress).await?,
    };
    let reference = ProposalRef { proposal: proposal.id };
    let mut state = proposal.state;
    if state == ProposalState::Voting {
        if now_ms < proposal.end_ms {
            return Ok(Step::Voting { proposal: proposal.id, until_ms: proposal.end_ms });
        }
        progress.step("hand-over", &format!("{account}: counting the votes"));
        state = contracts.governance().call(root, methods::queue, &reference).await?.value;
    }
    ensure!(
        state != ProposalState::Rejected,
        "proposal {} for {account} did not pass: deploy again to propose anew",
        proposal.id
    );
    if now_ms < proposal.eta_ms {
        return Ok(Step::Waiting { proposal: proposal.id, until_ms: proposal.eta_ms });
    }
    progress.step("hand-over", &format!("{account}: governance takes over"));
    let execute = ExecuteUpgrade { proposal: proposal.id, code: contract.code().to_vec() };
    contracts.governance().call(root, methods::execute_upgrade, &execute).await?;
    let governance = rpc.view(account, shared::methods::governance, &Nothing {}, At::Final).await?;
    ensure!(
        governance.as_ref() == Some(&contracts.governance),
        "{account} was upgraded, and is governed by nobody yet"
    );
    Ok(Step::Governed)
}

/// The proposal to replace what runs by itself, if there is one that can still be carried out.
async fn open_proposal(
    root: &Account,
    contracts: &Contracts,
    account: &AccountId,
    running: Deployment,
    now_ms: u64,
) -> anyhow::Result<Option<Proposal>> {
    let (_, _, last) = root.rpc().view(&contracts.governance, methods::counts, &Nothing {}, At::Final).await?;
    let is_open = |proposal: &Proposal| is_open_for(proposal, account, running, now_ms);
    Ok(root.rpc().all(&contracts.governance, methods::proposals, last, is_open).await?.pop())
}

fn is_open_for(proposal: &Proposal, account: &AccountId, running: Deployment, now_ms: u64) -> bool {
    let ProposalKind::ContractUpgrade { contract, code_hash } = &proposal.kind else { return false };
    contract == account
        && *code_hash == running.sha256
        && proposal.replaces == Some(running)
        && matches!(proposal.state, ProposalState::Voting | ProposalState::Queued)
        && now_ms <= proposal.eta_ms.saturating_add(EXECUTION_MS)
}

async fn propose(
    root: &Account,
    contracts: &Contracts,
    contract: Contract,
    replaces: Deployment,
    progress: Progress,
) -> anyhow::Result<Proposal> {
    let account = account_of(contract, contracts).clone();
    ensure!(
        replaces.sha256 == super::code_hash(contract),
        "{account} runs code {}, which this program did not build: hand it over with the one that did",
        replaces.sha256
    );
    progress.step("hand-over", &format!("{account}: proposing to its council that governance takes over"));
    let args = ProposeUpgrade { contract: account, code_hash: replaces.sha256, replaces };
    let governance = contracts.governance();
    let proposal = governance.call(root, methods::propose_upgrade, &args).await?.value;
    let reference = ProposalRef { proposal };
    let seen = governance.view(root.rpc(), methods::proposal, &reference, At::Final).await?;
    let seen = seen.context("the proposal that was just made is not there")?;
    let vote = Vote { proposal, content_hash: seen.content_hash, choice: Choice::Yes };
    governance.call(root, methods::vote, &vote).await?;
    Ok(seen)
}

/// Code of earlier releases calls a contract governed before an upgrade has shown that governance can upgrade it; this
/// program's does not. Where no key is left it doesn't matter any more.
async fn check_shown(root: &Account, contracts: &Contracts, contract: Contract) -> anyhow::Result<()> {
    let (rpc, account) = (root.rpc(), account_of(contract, contracts));
    if rpc.access_keys(account).await?.is_empty() {
        return Ok(());
    }
    let running = rpc.view(account, shared::methods::deployment, &Nothing {}, At::Final).await?;
    ensure!(
        running.sha256 == super::code_hash(contract),
        "{account} is governed but runs code {}, which this program did not build: its keys stay until a vote has upgraded it",
        running.sha256
    );
    Ok(())
}

/// Deletes every access key of a contract's account, and looks whether one is left.
async fn delete_keys(
    root: &Account,
    key: &SecretKey,
    contracts: &Contracts,
    contract: Contract,
    progress: Progress,
) -> anyhow::Result<()> {
    let (rpc, id) = (root.rpc(), account_of(contract, contracts));
    let keys = rpc.access_keys(id).await?;
    if keys.is_empty() {
        return Ok(());
    }
    progress.step("hand-over", &format!("{id}: deleting {} access key(s)", keys.len()));
    let delete = |public_key| Action::DeleteKey(Box::new(DeleteKeyAction { public_key }));
    let actions = keys.into_iter().map(delete).collect();
    Account::new(id.clone(), key.clone(), rpc.clone()).send(id, actions).await?;
    let left = rpc.access_keys(id).await?;
    ensure!(left.is_empty(), "{id} still has {} access key(s)", left.len());
    Ok(())
}
