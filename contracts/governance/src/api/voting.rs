//! Voting, and closing the vote.

use charter_common::{Answer, Core, arguments};
use charter_types::governance::args::{ProposalRef, Vote};
use charter_types::governance::{Fact, GovernanceError, ProposalState};
use near_sdk::{env, near};

use crate::model::{cast, decide};
use crate::storage::StoredBallot;
use crate::{Governance, GovernanceExt};

#[near]
impl Governance {
    /// Votes, or changes a vote, until the end. Takes `Vote`; `content_hash` repeats what is voted on. Council member; the
    /// deposit (at least 1 yocto) pays for the ballot's storage, the rest comes back.
    #[payable]
    #[handle_result(aliased)]
    pub fn vote(&mut self) -> Answer {
        let args: Vote = arguments()?;
        let voter = env::predecessor_account_id();
        let mut proposal = self.proposal_row(args.proposal)?;
        let payment = self.core.begin_payment(&voter)?;
        let key = (args.proposal, voter.clone());
        let before = self.ballots.get(&key).map(StoredBallot::into_newest);
        let ballot = cast(&mut proposal, before.as_ref(), &voter, args.content_hash, args.choice, Self::now_ms())?;
        let stored = StoredBallot::V1(ballot.clone());
        if before.is_some() {
            self.ballots.update(&key, &stored, &mut self.core.storage)?;
        } else {
            self.ballots.insert(&key, &voter, &stored, &mut self.core.storage)?;
        }
        self.emit("voted", &voter, Fact::Ballot(ballot));
        self.save_proposal("tally_changed", &voter, proposal)?;
        self.core.finish_payment(payment)
    }

    /// Closes a vote that has ended: approved, the timelock runs; else it is rejected. Takes `ProposalRef`. Anyone, no
    /// deposit.
    #[payable]
    #[handle_result(aliased)]
    pub fn queue(&mut self) -> Answer<ProposalState> {
        let ProposalRef { proposal: id } = arguments()?;
        Core::check_no_deposit()?;
        let mut proposal = self.proposal_row(id)?;
        decide(&mut proposal, Self::now_ms())?;
        let state = proposal.state;
        self.save_proposal("vote_closed", &env::predecessor_account_id(), proposal)?;
        Ok(state)
    }

    /// Cancels a proposal that has not been carried out. Takes `ProposalRef`. Its proposer or the line's owner, no
    /// deposit.
    #[payable]
    #[handle_result(aliased)]
    pub fn cancel(&mut self) -> Answer {
        let ProposalRef { proposal: id } = arguments()?;
        Core::check_no_deposit()?;
        let mut proposal = self.proposal_row(id)?;
        let caller = env::predecessor_account_id();
        if caller != proposal.proposer && caller != self.line_row(proposal.line)?.owner {
            return Err(GovernanceError::NotLineOwner { caller }.into());
        }
        if !matches!(proposal.state, ProposalState::Voting | ProposalState::Queued) {
            return Err(GovernanceError::NotCancellable {}.into());
        }
        proposal.state = ProposalState::Cancelled;
        self.save_proposal("proposal_cancelled", &caller, proposal)
    }
}
