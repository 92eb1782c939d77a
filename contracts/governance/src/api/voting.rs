//! Voting, closing the vote, what the guardian may do, and removing what is over.

use charter_common::{Answer, methods};
use charter_types::AccountId;
use charter_types::governance::args::{ForgetObjections, PauseLine, ProposalRef, Vote};
use charter_types::governance::{Fact, GovernanceError, Proposal, ProposalKind, ProposalState, ReleaseId};
use near_sdk::{env, near};

use crate::model::{cast, check_forgettable, check_objectable, decide, pause, spend_guardian, stop};
use crate::storage::forget;
use crate::{Governance, GovernanceExt};

#[methods(governance)]
#[near]
impl Governance {
    pub fn vote(&mut self, args: Vote) -> Answer {
        let voter = env::predecessor_account_id();
        let mut proposal = self.proposal_row(args.proposal)?;
        let payment = self.core.begin_payment(&voter)?;
        if proposal.stake.is_some() {
            self.vote_by_stake(&mut proposal, &voter, args)?;
        } else {
            self.vote_by_council(&mut proposal, &voter, args)?;
        }
        self.save_tally(&voter, &proposal)?;
        self.core.finish_payment(payment)
    }

    pub fn queue(&mut self, ProposalRef { proposal: id }: ProposalRef) -> Answer<ProposalState> {
        let mut proposal = self.proposal_row(id)?;
        decide(&mut proposal, Self::now_ms())?;
        let state = proposal.state;
        self.save_proposal("vote_closed", &env::predecessor_account_id(), proposal)?;
        Ok(state)
    }

    pub fn cancel(&mut self, ProposalRef { proposal: id }: ProposalRef) -> Answer {
        let mut proposal = self.proposal_row(id)?;
        let mut line = self.line_row(proposal.line)?;
        let caller = env::predecessor_account_id();
        let by_guardian = stop(&mut proposal, &line, &caller, Self::now_ms())?;
        self.save_proposal("proposal_cancelled", &caller, proposal)?;
        if by_guardian {
            spend_guardian(&mut line);
            self.lines.update(&line.id, &line, &mut self.core.storage)?;
            self.emit("guardian_spent", &caller, Fact::Line(line));
        }
        Ok(())
    }

    pub fn pause_line(&mut self, PauseLine { line: id, ms }: PauseLine) -> Answer {
        let (mut line, caller) = (self.line_row(id)?, env::predecessor_account_id());
        pause(&mut line, &caller, ms, Self::now_ms())?;
        self.lines.update(&id, &line, &mut self.core.storage)?;
        self.emit("line_paused", &caller, Fact::Line(line));
        Ok(())
    }

    pub fn forget_objections(&mut self, ForgetObjections { proposal: id, owners }: ForgetObjections) -> Answer {
        // While they count, a second one would count again.
        if self.proposals.get(&id).is_some_and(|proposal| check_objectable(&proposal, Self::now_ms()).is_ok()) {
            return Err(GovernanceError::Objectable {}.into());
        }
        let owners = forget(&self.objections, id, &owners, &mut self.core.storage)?;
        if !owners.is_empty() {
            let fact = Fact::ObjectionsForgotten { proposal: id, owners };
            self.emit("objections_forgotten", &env::predecessor_account_id(), fact);
        }
        Ok(())
    }

    pub fn forget_proposal(&mut self, ProposalRef { proposal: id }: ProposalRef) -> Answer {
        let proposal = self.proposal_row(id)?;
        check_forgettable(&proposal, Self::now_ms())?;
        let storage = &mut self.core.storage;
        storage.give_back(&proposal.proposer, proposal.bond.0);
        let mut voters: Vec<AccountId> = proposal.council.into_iter().map(|member| member.account).collect();
        voters.retain(|voter| self.ballots.remove(&(id, voter.clone()), storage));
        let release = if let ProposalKind::Release(release) = proposal.kind { Some(release) } else { None };
        let unpublished = |release: &ReleaseId| self.releases.get(release).is_some_and(|row| !row.published);
        let release = release.filter(unpublished);
        if let Some(release) = &release {
            self.releases.remove(release, storage);
        }
        self.proposals.remove(&id, storage);
        let forgotten = Fact::ProposalForgotten { proposal: id, voters, release };
        self.emit("proposal_forgotten", &env::predecessor_account_id(), forgotten);
        Ok(())
    }
}

impl Governance {
    fn vote_by_council(&mut self, proposal: &mut Proposal, voter: &AccountId, args: Vote) -> Answer {
        let key = (proposal.id, voter.clone());
        let before = self.ballots.get(&key);
        let ballot = cast(proposal, before.as_ref(), voter, args.content_hash, args.choice, Self::now_ms())?;
        self.ballots.put(&key, voter, &ballot, &mut self.core.storage)?;
        self.emit("voted", voter, Fact::Ballot(ballot));
        Ok(())
    }
}
