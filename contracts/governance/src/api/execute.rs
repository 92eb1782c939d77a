//! Carrying out what was approved, after its timelock, by anyone.

use charter_common::{Answer, Later, encoded, methods, sha256, then_call};
use charter_types::Hash32;
use charter_types::admin::Upgrade;
use charter_types::governance::args::{ExecuteUpgrade, ProposalRef};
use charter_types::governance::methods::on_upgraded;
use charter_types::governance::{Fact, GovernanceError, ProposalKind, ProposalState, RolloutState};
use charter_types::method::Method;
use charter_types::shared::methods::{deployment, upgrade};
use near_sdk::{Promise, env, near};

use super::rollouts::draw_later;
use crate::gas::{DEPLOYMENT, ON_UPGRADED, UPGRADE};
use crate::model::{begin, change_constitution, check_due, check_moving, move_head};
use crate::{Governance, GovernanceExt};

#[methods(governance)]
#[near]
impl Governance {
    pub fn publish(&mut self, ProposalRef { proposal: id }: ProposalRef) -> Answer {
        let mut proposal = self.proposal_row(id)?;
        let ProposalKind::Release(release_id) = proposal.kind else {
            return Err(GovernanceError::WrongKind {}.into());
        };
        check_due(&proposal, Self::now_ms())?;
        let by = env::predecessor_account_id();
        let mut release = self.release_row(release_id);
        let mut line = self.line_row(proposal.line)?;
        check_moving(&line, Self::now_ms())?;
        let mut rollout = self.rollout_of(&line);
        begin(&mut rollout, line.head, &proposal, &release, Self::now_ms());
        move_head(&mut line, &proposal, &release)?;
        proposal.state = ProposalState::Executed;
        self.save_proposal("proposal_executed", &by, proposal)?;
        release.published = true;
        self.releases.update(&release_id, &release, &mut self.core.storage)?;
        self.lines.update(&line.id, &line, &mut self.core.storage)?;
        self.emit("release_published", &by, Fact::Release(release));
        self.emit("head_moved", &by, Fact::Line(line));
        if rollout.state == RolloutState::Drawing {
            draw_later(&rollout);
        }
        self.save_rollout("rollout_begun", &by, rollout)
    }

    pub fn amend(&mut self, ProposalRef { proposal: id }: ProposalRef) -> Answer {
        let by = env::predecessor_account_id();
        let payment = self.core.begin_payment(&by)?;
        let mut proposal = self.proposal_row(id)?;
        let ProposalKind::Amendment(constitution) = proposal.kind.clone() else {
            return Err(GovernanceError::WrongKind {}.into());
        };
        check_due(&proposal, Self::now_ms())?;
        let mut line = self.line_row(proposal.line)?;
        check_moving(&line, Self::now_ms())?;
        change_constitution(&mut line, &proposal, constitution)?;
        proposal.state = ProposalState::Executed;
        self.save_proposal("proposal_executed", &by, proposal)?;
        // A larger council takes more storage. Who paid before has not agreed to that, and could stop it by having nothing.
        self.lines.hand_over(&line.id, &by, &line, &mut self.core.storage)?;
        if let Some(rollout) = self.rollouts.get(&line.id) {
            self.rollouts.hand_over(&line.id, &by, &rollout, &mut self.core.storage)?;
        }
        self.emit("line_amended", &by, Fact::Line(line.clone()));
        self.open_pool(&line, &by)?;
        self.core.finish_payment(payment)
    }

    pub fn execute_upgrade(&mut self, ExecuteUpgrade { proposal: id, code }: ExecuteUpgrade) -> Answer<Later<bool>> {
        let mut proposal = self.proposal_row(id)?;
        let ProposalKind::ContractUpgrade { contract, code_hash } = proposal.kind.clone() else {
            return Err(GovernanceError::WrongKind {}.into());
        };
        check_due(&proposal, Self::now_ms())?;
        check_moving(&self.line_row(proposal.line)?, Self::now_ms())?;
        let replaces = proposal.replaces.ok_or(GovernanceError::NoDeployment {})?;
        let found = Hash32(sha256(&code));
        if found != code_hash {
            return Err(GovernanceError::WrongCode { expected: code_hash, found }.into());
        }
        // While it runs nobody can start it again.
        proposal.state = ProposalState::Executing;
        self.save_proposal("upgrade_started", &env::predecessor_account_id(), proposal)?;
        // The contract compares all of it with the code that it runs, which nobody else can read on chain.
        let args = upgrade::write(&Upgrade { code, approved: code_hash, replaces });
        let upgraded = then_call(Promise::new(contract.clone()), upgrade, args, UPGRADE, 1);
        // Asked behind it, before it deploys: a failure carries no text, but this tells one that lasts from one that may pass.
        let running = then_call(Promise::new(contract), deployment, Vec::new(), DEPLOYMENT, 0);
        let us = Promise::new(env::current_account_id());
        let settle = then_call(us, on_upgraded, encoded(&id), ON_UPGRADED, 0);
        Ok(Later::to(on_upgraded, upgraded.and(running).then(settle)))
    }
}
