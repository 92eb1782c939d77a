//! Votes by stake.

use charter_common::{Answer, Later, methods};
use charter_types::AccountId;
use charter_types::governance::args::{ForgetBallots, Vote, VoteAsAgent};
use charter_types::governance::{Choice, Delegate, Fact, GovernanceError, Part, Proposal, Stake};
use charter_types::registry::Authority;
use near_sdk::{env, near};

use super::delegates::check_agent;
use super::enrol::Wish;
use crate::model::{
    Power, cast_stake, check_forgettable, recast_stake, stake_vote, take_from, take_later, taken_from, voting,
};
use crate::storage::forget;
use crate::{Governance, GovernanceExt};

/// A vote's row with what NEAR adds to it, generously.
const BALLOT_BYTES: u64 = 350;

#[methods(governance)]
#[near]
impl Governance {
    pub fn vote_as_agent(&mut self, args: VoteAsAgent) -> Answer<Later<()>> {
        stake_vote(&mut self.proposal_row(args.proposal)?)?;
        let voted = self.stake_ballots.contains(&(args.proposal, env::predecessor_account_id()));
        self.ask(Wish::Vote(args), if voted { 0 } else { BALLOT_BYTES })
    }

    pub fn forget_ballots(&mut self, ForgetBallots { proposal: id, accounts }: ForgetBallots) -> Answer {
        if let Some(proposal) = self.proposals.get(&id) {
            check_forgettable(&proposal, Self::now_ms())?;
        }
        let mut removed = forget(&self.stake_ballots, id, &accounts, &mut self.core.storage)?;
        for delegate in forget(&self.overridden, id, &accounts, &mut self.core.storage)? {
            if !removed.contains(&delegate) {
                removed.push(delegate);
            }
        }
        if !removed.is_empty() {
            let fact = Fact::BallotsForgotten { proposal: id, accounts: removed };
            self.emit("ballots_forgotten", &env::predecessor_account_id(), fact);
        }
        Ok(())
    }
}

impl Governance {
    pub(super) fn vote_by_stake(&mut self, proposal: &mut Proposal, voter: &AccountId, args: Vote) -> Answer {
        let key = (proposal.line, voter.clone());
        let (stake, delegate) = (self.stakes.get(&key), self.delegates.get(&key));
        if delegate.as_ref().is_some_and(|delegate| delegate.agent.is_some()) {
            return Err(GovernanceError::AgentVotes {}.into());
        }
        let now_ms = Self::now_ms();
        voting(proposal, args.content_hash, now_ms, |proposal| {
            self.count_vote(proposal, voter, args.choice, stake.as_ref(), delegate.as_ref())
        })
    }

    /// What the agent itself has locked is no owner's voice.
    pub(super) fn vote_of_agent(&mut self, caller: &AccountId, args: VoteAsAgent, known: &Authority) -> Answer {
        check_agent(caller, args.agent, known)?;
        let mut proposal = self.proposal_row(args.proposal)?;
        let delegate = self.delegates.get(&(proposal.line, caller.clone()));
        let stands = |row: &Delegate| row.agent.as_ref().is_some_and(|agent| agent.agent == args.agent);
        let no_delegate = || GovernanceError::NotDelegate { account: caller.clone() };
        let delegate = delegate.filter(stands).ok_or_else(no_delegate)?;
        if delegate.agent.as_ref().is_none_or(|agent| agent.owner != known.owner) {
            return Err(GovernanceError::StaleDelegate { agent: args.agent }.into());
        }
        if self.enrolments.get(&args.agent).is_some_and(|enrolment| enrolment.line == proposal.line) {
            return Err(GovernanceError::AgentsLine { agent: args.agent }.into());
        }
        let now_ms = Self::now_ms();
        voting(&mut proposal, args.content_hash, now_ms, |proposal| {
            self.count_vote(proposal, caller, args.choice, None, Some(&delegate))
        })?;
        self.save_tally(caller, &proposal)
    }

    fn count_vote(
        &mut self,
        proposal: &mut Proposal,
        voter: &AccountId,
        choice: Choice,
        stake: Option<&Stake>,
        delegate: Option<&Delegate>,
    ) -> Answer {
        let key = (proposal.id, voter.clone());
        let before = self.stake_ballots.get(&key).filter(|ballot| ballot.round == proposal.round);
        let number = delegate.map_or(0, |delegate| delegate.number);
        let agent = delegate.is_some_and(|delegate| delegate.agent.is_some());
        let ballot = if let Some(mut ballot) = before {
            recast_stake(proposal, &mut ballot, choice, (number, agent))?;
            ballot
        } else {
            let snapshot_ms = stake_vote(proposal)?.snapshot_ms;
            for part in stake.map_or(&[][..], |stake| stake.parts_at(snapshot_ms)) {
                self.take_back(proposal, voter, part)?;
            }
            let power = Power {
                own: stake.map_or(0, |stake| stake.locked_at(snapshot_ms)),
                received: delegate.map_or(0, |delegate| self.left_to(proposal, delegate, snapshot_ms)),
                number,
                agent,
            };
            cast_stake(proposal, voter, choice, power)?
        };
        self.stake_ballots.put(&key, voter, &ballot, &mut self.core.storage)?;
        self.emit("voted", voter, Fact::StakeBallot(ballot));
        Ok(())
    }

    /// What a delegate has received, less what holders have taken back by voting themselves.
    fn left_to(&self, proposal: &Proposal, delegate: &Delegate, snapshot_ms: u64) -> u128 {
        let row = self.overridden.get(&(proposal.id, delegate.account.clone()));
        let taken = row.map_or(0, |row| taken_from(proposal, &row, delegate.number));
        delegate.received_at(snapshot_ms).saturating_sub(taken)
    }

    fn take_back(&mut self, proposal: &mut Proposal, voter: &AccountId, part: &Part) -> Answer {
        let key = (proposal.id, part.delegate.clone());
        if let Some(mut ballot) = self.stake_ballots.get(&key)
            && take_from(proposal, &mut ballot, part.number, part.amount.0)?
        {
            self.stake_ballots.update(&key, &ballot, &mut self.core.storage)?;
            self.emit("overridden", voter, Fact::StakeBallot(ballot));
            return Ok(());
        }
        let before = self.overridden.get(&key);
        if let Some(row) = take_later(proposal, before, (&part.delegate, part.number), part.amount.0) {
            self.overridden.put(&key, voter, &row, &mut self.core.storage)?;
            self.emit("overridden", voter, Fact::Overridden(row));
        }
        Ok(())
    }
}
