//! Views.

use charter_common::{Answer, methods};
use charter_types::governance::args::{AgentRef, LineRef, ProposalRef};
use charter_types::governance::{Ballot, Enrolment, Line, Proposal, Reason, Release, ReleaseFor};
use charter_types::{AccountId, Page, page_size};
use near_sdk::near;

use crate::{Governance, GovernanceExt};

fn ids(page: Page, next: u64) -> impl Iterator<Item = u64> {
    (page.from.max(1)..next).take(page_size(page.limit))
}

#[methods(governance)]
#[near]
impl Governance {
    pub fn line(&self, LineRef { line }: LineRef) -> Answer<Option<Line>> {
        Ok(self.lines.get(&line))
    }

    pub fn proposal(&self, ProposalRef { proposal }: ProposalRef) -> Answer<Option<Proposal>> {
        Ok(self.proposals.get(&proposal))
    }

    pub fn ballots(&self, ProposalRef { proposal: id }: ProposalRef) -> Answer<Vec<Ballot>> {
        let council = self.proposal_row(id)?.council;
        Ok(council.into_iter().filter_map(|member| self.ballots.get(&(id, member.account))).collect())
    }

    pub fn enrolment(&self, AgentRef { agent }: AgentRef) -> Answer<Option<Enrolment>> {
        Ok(self.enrolments.get(&agent))
    }

    pub fn release_for(&self, AgentRef { agent }: AgentRef) -> Answer<ReleaseFor> {
        let enrolment = self.enrolments.get(&agent);
        let line = enrolment.as_ref().and_then(|enrolment| self.lines.get(&enrolment.line));
        let release = line.as_ref().and_then(|line| self.releases.get(&line.head));
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

    pub fn lines(&self, page: Page) -> Answer<Vec<Line>> {
        Ok(ids(page, self.next_line).filter_map(|id| self.lines.get(&id)).collect())
    }

    pub fn releases(&self, page: Page) -> Answer<Vec<Release>> {
        let found = ids(page, self.next_release).filter_map(|id| self.releases.get(&id));
        Ok(found.collect())
    }

    pub fn proposals(&self, page: Page) -> Answer<Vec<Proposal>> {
        let found = ids(page, self.next_proposal).filter_map(|id| self.proposals.get(&id));
        Ok(found.collect())
    }

    pub fn counts(&self) -> (u64, u64, u64) {
        (self.next_line - 1, self.next_release - 1, self.next_proposal - 1)
    }

    pub fn registry(&self) -> AccountId {
        self.registry.clone()
    }
}
