//! What a line votes on, said in plain words, and the way of a proposal from its vote to what it decides.

mod count;
mod permissions;
pub mod stake;
mod watch;
mod words;

use anyhow::{Context, bail, ensure};
use charter_client::{At, sha256};
use charter_types::asset::Asset;
use charter_types::governance::args::{LineRef, ProposalRef};
use charter_types::governance::{
    CONTENT_PURPOSE, ContentSeed, EXECUTION_MS, Line, LineId, Pool, Proposal, ProposalId, ProposalKind, ProposalState,
    Release, ReleaseId, methods,
};
use charter_types::{Domain, Hash32, Page};

use crate::session::Session;
use crate::units::time;
use words::sheet;

pub use count::{cast, percent, weight};
pub use permissions::{Asked, Files, unreadable};
pub use watch::watch;
pub use words::{
    UNTIL_OVER, about, amendment, artifact_kind, bond, constitution, of_line, of_release, progress, state,
};

/// A proposal, what it is about, and its line.
pub struct Subject {
    pub proposal: Proposal,
    pub release: Option<Release>,
    pub line: Line,
    /// What is locked on the line, where stake decides about it.
    pub asset: Option<Asset>,
}

pub async fn line(session: &Session, line: LineId) -> anyhow::Result<Line> {
    session.find(&session.contracts.governance, methods::line, &LineRef { line }, &format!("line {line}")).await
}

/// What is locked on a line, if stake has ever decided there.
pub async fn pool(session: &Session, line: LineId) -> anyhow::Result<Option<Pool>> {
    Ok(session.contracts.governance().view(session.rpc(), methods::pool, &LineRef { line }, At::Final).await?)
}

pub async fn release(session: &Session, id: ReleaseId) -> anyhow::Result<Option<Release>> {
    let page = Page { from: id, limit: Some(1) };
    let found = session.contracts.governance().view(session.rpc(), methods::releases, &page, At::Final).await?;
    Ok(found.into_iter().find(|release| release.id == id))
}

impl Subject {
    /// Reads a proposal with all that its hash covers, and fails if it doesn't: what is shown is what is voted on, whatever
    /// the node says.
    pub async fn read(session: &Session, id: ProposalId) -> anyhow::Result<Self> {
        let what = format!("proposal {id}");
        let question = ProposalRef { proposal: id };
        let contract = &session.contracts.governance;
        let proposal = session.find(contract, methods::proposal, &question, &what).await?;
        let line = line(session, proposal.line).await?;
        let release = match proposal.kind {
            ProposalKind::Release(id) => Some(release(session, id).await?.context("its release is not there")?),
            _ => None,
        };
        let asset = match proposal.stake {
            Some(_) => pool(session, proposal.line).await?.map(|pool| pool.asset),
            None => None,
        };
        let subject = Self { proposal, release, line, asset };
        let hash = subject.content_hash(session);
        ensure!(
            hash == subject.proposal.content_hash,
            "CONTENT_DIFFERS: {what} is on content {}, but what the node shows of it hashes to {hash}",
            subject.proposal.content_hash
        );
        Ok(subject)
    }

    fn content_hash(&self, session: &Session) -> Hash32 {
        let Proposal { id, line, kind, base, replaces, .. } = &self.proposal;
        let contract = &session.contracts.governance;
        let domain = Domain { purpose: CONTENT_PURPOSE, version: 1, chain_id: &session.chain_id, contract };
        let release = self.release.as_ref().map(|release| &release.content);
        let domain = domain.separator(sha256);
        let seed =
            ContentSeed { domain, proposal: *id, line: *line, kind, base: *base, release, replaces: replaces.as_ref() };
        Hash32::of(&seed, sha256)
    }

    /// The release that it follows: what runs on the line, and once it does itself, what did before.
    pub async fn head(&self, session: &Session) -> anyhow::Result<Option<Release>> {
        let published = self.release.as_ref().filter(|release| release.published);
        let head = published.map_or(self.line.head, |release| release.parent);
        if head == 0 { Ok(None) } else { release(session, head).await }
    }

    /// Everything about it, for people.
    pub async fn sheet(&self, session: &Session) -> anyhow::Result<String> {
        Ok(sheet(self, self.head(session).await?.as_ref()))
    }

    /// Counts the votes if that is due and not done, and fails unless the proposal may be carried out now.
    pub async fn ready(&mut self, session: &Session) -> anyhow::Result<()> {
        let now_ms = session.now_ms().await?;
        let Proposal { id, end_ms, eta_ms, .. } = self.proposal;
        if self.proposal.state == ProposalState::Voting {
            ensure!(now_ms >= end_ms, "proposal {id} is voted on until {}", time(end_ms));
            let reference = ProposalRef { proposal: id };
            let counted = session.contracts.governance().call(&session.me, methods::queue, &reference).await?;
            self.proposal.state = counted.value;
        }
        match self.proposal.state {
            ProposalState::Queued => {}
            ProposalState::Rejected => {
                bail!("proposal {id} did not pass: {}", count::tally(&self.proposal, self.asset.as_ref()))
            }
            state => bail!("proposal {id} is {}", words::state(state)),
        }
        ensure!(now_ms >= eta_ms, "proposal {id} is approved; it can be carried out from {} on", time(eta_ms));
        let until_ms = eta_ms.saturating_add(EXECUTION_MS);
        ensure!(now_ms <= until_ms, "proposal {id} could be carried out until {}: propose it anew", time(until_ms));
        let Line { id: line, paused_until_ms, .. } = self.line;
        ensure!(now_ms >= paused_until_ms, "GOVERNANCE_PAUSED: line {line} is paused until {}", time(paused_until_ms));
        Ok(())
    }
}
