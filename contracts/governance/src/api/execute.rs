//! Carrying out what was approved, after its timelock, by anyone.

use charter_common::{Answer, Core, arguments, borsh_arguments, sha256};
use charter_types::Hash32;
use charter_types::governance::args::{ExecuteUpgrade, ProposalRef};
use charter_types::governance::{Fact, GovernanceError, ProposalKind, ProposalState};
use near_sdk::{GasWeight, NearToken, Promise, env, near};

use crate::gas::{ON_UPGRADED, UPGRADE};
use crate::model::check_due;
use crate::storage::{StoredLine, StoredRelease};
use crate::{Governance, GovernanceExt};

#[near]
impl Governance {
    /// Publishes an approved release: the line's head moves and `seq` grows. Takes `ProposalRef`. Anyone, no deposit.
    #[payable]
    #[handle_result(aliased)]
    pub fn publish(&mut self) -> Answer {
        let ProposalRef { proposal: id } = arguments()?;
        Core::check_no_deposit()?;
        let mut proposal = self.proposal_row(id)?;
        let ProposalKind::Release(release_id) = proposal.kind else {
            return Err(GovernanceError::WrongKind {}.into());
        };
        check_due(&proposal, Self::now_ms())?;
        let by = env::predecessor_account_id();
        proposal.state = ProposalState::Executed;
        self.save_proposal("proposal_executed", &by, proposal)?;
        if let Some(mut release) = self.releases.get(&release_id).map(StoredRelease::into_newest) {
            release.published = true;
            let stored = StoredRelease::V1(release.clone());
            self.releases.update(&release_id, &stored, &mut self.core.storage)?;
            let mut line = self.line_row(release.line)?;
            line.seq += 1;
            line.head = release_id;
            self.lines.update(&line.id, &StoredLine::V1(line.clone()), &mut self.core.storage)?;
            self.emit("release_published", &by, Fact::Release(release));
            self.emit("head_moved", &by, Fact::Line(line));
        }
        Ok(())
    }

    /// Sends approved code to the contract it is for, which deploys and migrates in one receipt. Takes `ExecuteUpgrade` in
    /// borsh. Anyone, no deposit. If the contract refuses, the proposal stays executable.
    #[payable]
    #[handle_result(aliased)]
    pub fn execute_upgrade(&mut self) -> Answer<Promise> {
        let ExecuteUpgrade { proposal: id, code } = borsh_arguments()?;
        Core::check_no_deposit()?;
        let mut proposal = self.proposal_row(id)?;
        let ProposalKind::ContractUpgrade { contract, code_hash } = proposal.kind.clone() else {
            return Err(GovernanceError::WrongKind {}.into());
        };
        check_due(&proposal, Self::now_ms())?;
        let found = Hash32(sha256(&code));
        if found != code_hash {
            return Err(GovernanceError::WrongCode { expected: code_hash, found }.into());
        }
        // While it runs nobody can start it again.
        proposal.state = ProposalState::Executing;
        self.save_proposal("upgrade_started", &env::predecessor_account_id(), proposal)?;
        let arguments = borsh::to_vec(&id).unwrap_or_default();
        let settle = Promise::new(env::current_account_id()).function_call(
            "on_upgraded",
            arguments,
            NearToken::ZERO,
            ON_UPGRADED,
        );
        let upgrade =
            Promise::new(contract).function_call_weight("upgrade", code, NearToken::ZERO, UPGRADE, GasWeight(1));
        Ok(upgrade.then(settle))
    }
}
