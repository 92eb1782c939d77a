//! Storage keys, and rows by id. A key is never given another meaning.

use charter_common::{Answer, Rows, StorageLedger, Stored};
use charter_types::AccountId;
use charter_types::governance::{
    FORGOTTEN_MAX, Fact, GovernanceError, Line, LineId, Pool, Proposal, ProposalId, ProposalState, Tally,
};

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const LINES: u8 = 1;
    pub const RELEASES: u8 = 2;
    pub const PROPOSALS: u8 = 3;
    pub const BALLOTS: u8 = 4;
    pub const ENROLMENTS: u8 = 5;
    pub const ROLLOUTS: u8 = 6;
    pub const REPORTS: u8 = 7;
    pub const HOLDINGS: u8 = 8;
    pub const OBJECTIONS: u8 = 9;
    pub const STATEMENTS: u8 = 10;
    pub const POOLS: u8 = 11;
    pub const STAKES: u8 = 12;
    pub const DELEGATES: u8 = 13;
    pub const STAKE_BALLOTS: u8 = 14;
    pub const OVERRIDDEN: u8 = 15;
}

impl crate::Governance {
    pub(crate) fn line_row(&self, id: LineId) -> Answer<Line> {
        Ok(self.lines.get(&id).ok_or(GovernanceError::UnknownLine { id })?)
    }

    pub(crate) fn pool_row(&self, line: LineId) -> Answer<Pool> {
        Ok(self.pools.get(&line).ok_or(GovernanceError::NoPool { line })?)
    }

    pub(crate) fn proposal_row(&self, id: ProposalId) -> Answer<Proposal> {
        Ok(self.proposals.get(&id).ok_or(GovernanceError::UnknownProposal { id })?)
    }

    /// Once it is over, whoever made it has its bond back.
    pub(crate) fn save_proposal(&mut self, event: &str, by: &AccountId, mut proposal: Proposal) -> Answer {
        if matches!(proposal.state, ProposalState::Rejected | ProposalState::Executed | ProposalState::Cancelled) {
            self.core.storage.give_back(&proposal.proposer, std::mem::take(&mut proposal.bond).0);
        }
        self.proposals.update(&proposal.id, &proposal, &mut self.core.storage)?;
        self.emit(event, by, Fact::Proposal(Box::new(proposal)));
        Ok(())
    }

    /// Saves what a vote changed, and nothing else.
    pub(crate) fn save_tally(&mut self, voter: &AccountId, proposal: &Proposal) -> Answer {
        self.proposals.update(&proposal.id, proposal, &mut self.core.storage)?;
        self.emit("tally_changed", voter, Fact::Tally(Tally::from(proposal)));
        Ok(())
    }
}

/// Removes rows that count no more, of accounts somebody names; those that were there.
pub fn forget<S: Stored, const PREFIX: u8>(
    rows: &Rows<(u64, AccountId), S, PREFIX>,
    id: u64,
    accounts: &[AccountId],
    storage: &mut StorageLedger,
) -> Answer<Vec<AccountId>> {
    if !(1..=FORGOTTEN_MAX).contains(&accounts.len()) {
        return Err(GovernanceError::TooMany {}.into());
    }
    let removed = accounts.iter().filter(|account| rows.remove(&(id, (*account).clone()), storage));
    Ok(removed.cloned().collect())
}
