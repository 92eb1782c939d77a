//! Views.

use charter_common::{Answer, arguments};
use charter_types::governance::args::{AgentRef, LineRef, ProposalRef};
use charter_types::governance::{Ballot, Enrolment, Line, Proposal, Reason, Release, ReleaseFor};
use charter_types::{AccountId, Page, page_size};
use near_sdk::near;

use crate::storage::{StoredBallot, StoredEnrolment, StoredLine, StoredProposal, StoredRelease};
use crate::{Governance, GovernanceExt};

fn ids(page: Page, next: u64) -> impl Iterator<Item = u64> {
    (page.from.max(1)..next).take(page_size(page.limit))
}

#[near]
impl Governance {
    /// Takes `LineRef`.
    #[handle_result(aliased)]
    pub fn line(&self) -> Answer<Option<Line>> {
        let LineRef { line } = arguments()?;
        Ok(self.lines.get(&line).map(StoredLine::into_newest))
    }

    /// Takes `ProposalRef`.
    #[handle_result(aliased)]
    pub fn proposal(&self) -> Answer<Option<Proposal>> {
        let ProposalRef { proposal } = arguments()?;
        Ok(self.proposals.get(&proposal).map(StoredProposal::into_newest))
    }

    /// Ballots of a proposal, in the order of its council. Takes `ProposalRef`.
    #[handle_result(aliased)]
    pub fn ballots(&self) -> Answer<Vec<Ballot>> {
        let ProposalRef { proposal: id } = arguments()?;
        let council = self.proposal_row(id)?.council;
        let found = council.into_iter().filter_map(|member| self.ballots.get(&(id, member.account)));
        Ok(found.map(StoredBallot::into_newest).collect())
    }

    /// Takes `AgentRef`.
    #[handle_result(aliased)]
    pub fn enrolment(&self) -> Answer<Option<Enrolment>> {
        let AgentRef { agent } = arguments()?;
        Ok(self.enrolments.get(&agent).map(StoredEnrolment::into_newest))
    }

    /// What the agent may run, for a host that asks at boot and on each beat. Takes `AgentRef`.
    #[handle_result(aliased)]
    pub fn release_for(&self) -> Answer<ReleaseFor> {
        let AgentRef { agent } = arguments()?;
        let enrolment = self.enrolments.get(&agent).map(StoredEnrolment::into_newest);
        let line = enrolment.as_ref().and_then(|enrolment| self.lines.get(&enrolment.line));
        let line = line.map(StoredLine::into_newest);
        let release = line.as_ref().and_then(|line| self.releases.get(&line.head)).map(StoredRelease::into_newest);
        let digests = release.iter().flat_map(|release| &release.content.artifacts);
        let reason = match (&enrolment, &release) {
            (None, _) => Reason::Unmanaged,
            (Some(_), None) => Reason::NoRelease,
            (Some(_), Some(_)) => Reason::Head,
        };
        Ok(ReleaseFor {
            agent,
            line: enrolment.as_ref().map(|enrolment| enrolment.line),
            release: release.as_ref().map(|release| release.id),
            seq: line.map_or(0, |line| line.seq),
            digests: digests.map(|artifact| artifact.digest).collect(),
            reason,
            epochs: enrolment.map(|enrolment| enrolment.epochs),
        })
    }

    /// Takes `Page`; likewise below.
    #[handle_result(aliased)]
    pub fn lines(&self) -> Answer<Vec<Line>> {
        let page: Page = arguments()?;
        Ok(ids(page, self.next_line).filter_map(|id| self.lines.get(&id).map(StoredLine::into_newest)).collect())
    }

    #[handle_result(aliased)]
    pub fn releases(&self) -> Answer<Vec<Release>> {
        let page: Page = arguments()?;
        let found = ids(page, self.next_release).filter_map(|id| self.releases.get(&id));
        Ok(found.map(StoredRelease::into_newest).collect())
    }

    #[handle_result(aliased)]
    pub fn proposals(&self) -> Answer<Vec<Proposal>> {
        let page: Page = arguments()?;
        let found = ids(page, self.next_proposal).filter_map(|id| self.proposals.get(&id));
        Ok(found.map(StoredProposal::into_newest).collect())
    }

    /// Highest ids given: lines, releases, proposals.
    pub fn counts(&self) -> (u64, u64, u64) {
        (self.next_line - 1, self.next_release - 1, self.next_proposal - 1)
    }

    /// The registry whose word this contract takes.
    pub fn registry(&self) -> AccountId {
        self.registry.clone()
    }
}
