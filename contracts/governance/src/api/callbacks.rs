//! Callbacks. They settle and never fail.

use charter_common::{authority_answer, fail_later, methods, succeeded, view_answer_at};
use charter_types::governance::{Fact, GovernanceError, Proposal, ProposalId, ProposalState, UpgradeFailure};
use charter_types::shared::methods::deployment;
use charter_types::{AccountId, ErrorCode, U128};
use near_sdk::{PromiseOrValue, env, near};

use super::enrol::{Pending, Wish};
use super::stake::Withdrawal;
use crate::gas::DEPLOYMENT_BYTES_MAX;
use crate::{Governance, GovernanceExt};

#[methods(governance)]
#[near]
impl Governance {
    /// The registry's answer to who asked for something about an agent.
    #[private]
    pub fn on_authority(&mut self) -> PromiseOrValue<()> {
        let input = env::input().unwrap_or_default();
        let Ok(pending) = borsh::from_slice::<Pending>(&input) else {
            // A question that release 0002 asked, answered after an upgrade: it charged what it kept. It has to be asked again.
            if let Ok((caller, charged_bytes, _)) = borsh::from_slice::<(AccountId, u64, Wish)>(&input) {
                self.core.storage.release(&caller, charged_bytes);
            }
            return PromiseOrValue::Value(());
        };
        let Pending { caller, reserved, wish } = pending;
        let agent = wish.agent();
        let known = authority_answer();
        let ready = self.core.storage.end_reservation(&caller, reserved);
        match ready.and_then(|()| self.act(&caller, &wish, known.as_ref())) {
            Ok(()) => PromiseOrValue::Value(()),
            Err(failure) => {
                self.emit("denied", &caller, Fact::Denied { agent, code: failure.code.to_owned() });
                PromiseOrValue::Promise(fail_later(failure.text()))
            }
        }
    }

    /// After a transfer to a holder.
    #[private]
    pub fn on_withdrawn(&mut self) -> PromiseOrValue<U128> {
        let input = env::input().unwrap_or_default();
        let Ok((line, holder, amount)) = borsh::from_slice::<Withdrawal>(&input) else {
            return PromiseOrValue::Value(U128(0));
        };
        let arrived = succeeded(0);
        let _ = self.settle_withdrawal(line, &holder, amount, arrived);
        if arrived {
            return PromiseOrValue::Value(U128(amount));
        }
        PromiseOrValue::Promise(fail_later(&GovernanceError::WithdrawalFailed {}.panic_text()))
    }

    /// After an upgrade: done, or to be tried again.
    #[private]
    pub fn on_upgraded(&mut self) -> PromiseOrValue<bool> {
        let Ok(id) = borsh::from_slice::<ProposalId>(&env::input().unwrap_or_default()) else {
            return PromiseOrValue::Value(false);
        };
        let upgraded = succeeded(0);
        if let Ok(mut proposal) = self.proposal_row(id) {
            let by = env::current_account_id();
            let event = if upgraded { "proposal_executed" } else { "upgrade_failed" };
            proposal.state = if upgraded { ProposalState::Executed } else { ProposalState::Queued };
            proposal.failure = (!upgraded).then(|| failure(&proposal));
            let _ = self.save_proposal(event, &by, proposal);
        }
        if upgraded {
            return PromiseOrValue::Value(true);
        }
        PromiseOrValue::Promise(fail_later(
            "GOVERNANCE_UPGRADE_FAILED: the contract refused the code, as the proposal's `failure` and the outcomes say",
        ))
    }
}

/// Why an upgrade failed, as far as a contract can know: a promise that fails says nothing.
fn failure(proposal: &Proposal) -> UpgradeFailure {
    // Releases up to 0003 asked for nothing else.
    let asked = env::promise_results_count() > 1;
    match asked.then(|| view_answer_at(1, deployment, DEPLOYMENT_BYTES_MAX)).flatten() {
        Some(running) if Some(running) != proposal.replaces => UpgradeFailure::CodeReplaced,
        _ => UpgradeFailure::Failed,
    }
}
