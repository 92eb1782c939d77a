//! Views.

use charter_common::{Answer, methods};
use charter_types::governance::args::{
    AgentRef, HoldingRef, LineRef, ObjectionRef, ProposalRef, ReportRef, StakeRef, StatementRef, VoterRef,
};
use charter_types::governance::{
    ArtifactKind, Ballot, Delegate, Enrolment, Holding, Line, Objection, Overridden, Pool, Proposal, Reason, Release,
    ReleaseFor, Report, Rollout, Stake, StakeBallot, Statement,
};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Page, page_size};
use near_sdk::near;

use crate::{Governance, GovernanceExt};

/// Of an agent on no line.
fn unmanaged(agent: AgentId) -> ReleaseFor {
    let (line, release, epochs) = (None, None, None);
    ReleaseFor {
        agent,
        line,
        release,
        seq: 0,
        digests: Vec::new(),
        wasm: Vec::new(),
        reason: Reason::Unmanaged,
        epochs,
    }
}

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

    pub fn pool(&self, LineRef { line }: LineRef) -> Answer<Option<Pool>> {
        Ok(self.pools.get(&line))
    }

    pub fn stake(&self, StakeRef { line, account }: StakeRef) -> Answer<Option<Stake>> {
        Ok(self.stakes.get(&(line, account)))
    }

    pub fn delegate_of(&self, StakeRef { line, account }: StakeRef) -> Answer<Option<Delegate>> {
        Ok(self.delegates.get(&(line, account)))
    }

    pub fn stake_ballot(&self, VoterRef { proposal, account }: VoterRef) -> Answer<Option<StakeBallot>> {
        Ok(self.stake_ballots.get(&(proposal, account)))
    }

    pub fn overridden(&self, VoterRef { proposal, account }: VoterRef) -> Answer<Option<Overridden>> {
        Ok(self.overridden.get(&(proposal, account)))
    }

    pub fn statement(&self, StatementRef { release, by }: StatementRef) -> Answer<Option<Statement>> {
        Ok(self.statements.get(&(release, by)))
    }

    pub fn objection(&self, ObjectionRef { proposal, owner }: ObjectionRef) -> Answer<Option<Objection>> {
        Ok(self.objections.get(&(proposal, owner)))
    }

    pub fn enrolment(&self, AgentRef { agent }: AgentRef) -> Answer<Option<Enrolment>> {
        Ok(self.enrolments.get(&agent))
    }

    pub fn release_for(&self, AgentRef { agent }: AgentRef) -> Answer<ReleaseFor> {
        let Some(enrolment) = self.enrolments.get(&agent) else { return Ok(unmanaged(agent)) };
        let line = self.line_row(enrolment.line)?;
        let (release, reason) = self.told(&enrolment, &line, &self.rollout_of(&line));
        let artifacts = self.releases.get(&release).map_or_else(Vec::new, |release| release.content.artifacts);
        let wasm = artifacts.iter().filter(|artifact| artifact.kind == ArtifactKind::NearWasm);
        Ok(ReleaseFor {
            agent,
            line: Some(line.id),
            release: Some(release).filter(|id| *id != 0),
            seq: line.seq,
            digests: artifacts.iter().map(|artifact| artifact.digest).collect(),
            wasm: wasm.map(|artifact| artifact.digest).collect(),
            reason,
            epochs: Some(enrolment.epochs),
        })
    }

    pub fn holding(&self, HoldingRef { line, owner }: HoldingRef) -> Answer<Option<Holding>> {
        Ok(self.holdings.get(&(line, owner)))
    }

    pub fn rollout(&self, LineRef { line }: LineRef) -> Answer<Option<Rollout>> {
        Ok(self.rollouts.get(&line))
    }

    pub fn rollouts(&self, page: Page) -> Answer<Vec<Rollout>> {
        Ok(ids(page, self.next_line).filter_map(|id| self.rollouts.get(&id)).collect())
    }

    pub fn report(&self, ReportRef { release, owner }: ReportRef) -> Answer<Option<Report>> {
        Ok(self.reports.get(&(release, owner)))
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
