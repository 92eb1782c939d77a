//! Proposals: a release of a line, another constitution for it, or code for one of Charter's own contracts. Of releases and
//! code only hashes are voted on.

use charter_common::{Answer, methods, separator, sha256};
use charter_types::admin::Deployment;
use charter_types::governance::args::{ProposeAmendment, ProposeRelease, ProposeUpgrade};
use charter_types::governance::{
    CONTENT_PURPOSE, ContentSeed, Fact, Line, Proposal, ProposalId, ProposalKind, ProposalState, Release,
    ReleaseContent,
};
use charter_types::{AccountId, Hash32};
use near_sdk::{env, near};

use crate::model::{check_constitution, check_content, check_pool, check_unmoved};
use crate::{Governance, GovernanceExt, OWN_LINE};

#[methods(governance)]
#[near]
impl Governance {
    pub fn propose_release(&mut self, args: ProposeRelease) -> Answer<ProposalId> {
        self.check_running("propose")?;
        let proposer = env::predecessor_account_id();
        let payment = self.core.begin_payment(&proposer)?;
        let line = self.line_row(args.line)?;
        self.check_proposer(&line, &proposer)?;
        check_unmoved(args.seq, line.seq)?;
        check_content(&args.content)?;
        let release = Release {
            id: self.next_release,
            line: line.id,
            content: args.content,
            parent: line.head,
            published: false,
        };
        self.next_release += 1;
        self.releases.insert(&release.id, &proposer, &release, &mut self.core.storage)?;
        self.emit("release_proposed", &proposer, Fact::Release(release.clone()));
        let kind = ProposalKind::Release(release.id);
        let about = About { base: Some(line.seq), release: Some(&release.content), replaces: None };
        let id = self.open_vote(&line, kind, about, &proposer)?;
        self.core.finish_payment(payment)?;
        Ok(id)
    }

    pub fn propose_upgrade(&mut self, args: ProposeUpgrade) -> Answer<ProposalId> {
        self.check_running("propose")?;
        let proposer = env::predecessor_account_id();
        let payment = self.core.begin_payment(&proposer)?;
        let line = self.line_row(OWN_LINE)?;
        self.check_proposer(&line, &proposer)?;
        let kind = ProposalKind::ContractUpgrade { contract: args.contract, code_hash: args.code_hash };
        let about = About { base: None, release: None, replaces: Some(args.replaces) };
        let id = self.open_vote(&line, kind, about, &proposer)?;
        self.core.finish_payment(payment)?;
        Ok(id)
    }

    pub fn propose_amendment(&mut self, args: ProposeAmendment) -> Answer<ProposalId> {
        self.check_running("propose")?;
        let proposer = env::predecessor_account_id();
        let payment = self.core.begin_payment(&proposer)?;
        let line = self.line_row(args.line)?;
        self.check_proposer(&line, &proposer)?;
        check_unmoved(args.version, line.version)?;
        check_constitution(&args.constitution)?;
        // A pool that is opened later comes with another constitution, and this one is for the line as it is.
        if let (Some(rules), Some(pool)) = (&args.constitution.stake, self.pools.get(&line.id)) {
            check_pool(&pool, rules)?;
        }
        let about = About { base: Some(line.version), release: None, replaces: None };
        let id = self.open_vote(&line, ProposalKind::Amendment(args.constitution), about, &proposer)?;
        self.core.finish_payment(payment)?;
        Ok(id)
    }
}

/// What a vote is about, besides its kind.
struct About<'a> {
    base: Option<u64>,
    release: Option<&'a ReleaseContent>,
    replaces: Option<Deployment>,
}

impl Governance {
    /// Everything the vote depends on is copied into the proposal.
    fn open_vote(
        &mut self,
        line: &Line,
        kind: ProposalKind,
        About { base, release, replaces }: About,
        proposer: &AccountId,
    ) -> Answer<ProposalId> {
        let id = self.next_proposal;
        self.next_proposal += 1;
        let seed = ContentSeed {
            domain: separator(CONTENT_PURPOSE),
            proposal: id,
            line: line.id,
            kind: &kind,
            base,
            release,
            replaces: replaces.as_ref(),
        };
        let content_hash = Hash32::of(&seed, sha256);
        let start_ms = Self::now_ms();
        let stake = self.stake_vote_of(line);
        // One electorate decides.
        let council = if stake.is_some() { Vec::new() } else { line.council.clone() };
        let proposal = Proposal {
            id,
            line: line.id,
            kind,
            content_hash,
            proposer: proposer.clone(),
            params: line.params,
            council,
            start_ms,
            end_ms: start_ms.saturating_add(line.params.vote_ms),
            eta_ms: start_ms.saturating_add(line.params.vote_ms).saturating_add(line.params.timelock_ms),
            yes: 0,
            no: 0,
            state: ProposalState::Voting,
            replaces,
            base,
            failure: None,
            owners: self.rollout_of(line).owners,
            objections: 0,
            round: 0,
            bond: line.params.proposal_bond,
            stake,
        };
        self.core.storage.hold(proposer, proposal.bond.0, 0)?;
        self.proposals.insert(&id, proposer, &proposal, &mut self.core.storage)?;
        self.emit("proposed", proposer, Fact::Proposal(Box::new(proposal)));
        Ok(id)
    }
}
