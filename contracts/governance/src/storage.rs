//! Storage keys and stored records. Both only grow.

use charter_common::{Answer, stored};
use charter_types::AccountId;
use charter_types::governance::{
    Ballot, Enrolment, Fact, GovernanceError, Line, LineId, Proposal, ProposalId, Release,
};

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const LINES: u8 = 1;
    pub const RELEASES: u8 = 2;
    pub const PROPOSALS: u8 = 3;
    pub const BALLOTS: u8 = 4;
    pub const ENROLMENTS: u8 = 5;
}

// Wire types are stored as they are.
stored!(StoredLine, Line);
stored!(StoredRelease, Release);
stored!(StoredProposal, Proposal);
stored!(StoredBallot, Ballot);
stored!(StoredEnrolment, Enrolment);

impl crate::Governance {
    pub(crate) fn line_row(&self, id: LineId) -> Answer<Line> {
        Ok(self.lines.get(&id).ok_or(GovernanceError::UnknownLine { id })?.into_newest())
    }

    pub(crate) fn proposal_row(&self, id: ProposalId) -> Answer<Proposal> {
        Ok(self.proposals.get(&id).ok_or(GovernanceError::UnknownProposal { id })?.into_newest())
    }

    pub(crate) fn save_proposal(&mut self, event: &str, by: &AccountId, proposal: Proposal) -> Answer {
        let stored = StoredProposal::V1(proposal.clone());
        self.proposals.update(&proposal.id, &stored, &mut self.core.storage)?;
        self.emit(event, by, Fact::Proposal(proposal));
        Ok(())
    }
}
