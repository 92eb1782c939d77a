//! `charter object`: shows what an owner of agents objects to, and objects.

use anyhow::{Context, ensure};
use charter_client::At;
use charter_types::governance::args::{AgentRef, Object};
use charter_types::governance::{ProposalId, ProposalState, methods};
use charter_types::registry::AgentId;
use serde_json::json;

use crate::key::input::Consent;
use crate::proposal::{self, Subject};
use crate::session::{Common, Session};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    proposal: ProposalId,
    /// One of your agents on the line [default: the profile's].
    #[arg(long)]
    agent: Option<AgentId>,
    #[command(flatten)]
    consent: Consent,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    let (id, governance) = (arguments.proposal, session.contracts.governance());
    let agent = session.agent(arguments.agent)?;
    let subject = Subject::read(&session, id).await?;
    let known = &subject.proposal;
    let now_ms = session.now_ms().await?;
    let open = matches!(known.state, ProposalState::Voting | ProposalState::Queued);
    ensure!(
        known.round == 0 && open && now_ms < known.eta_ms,
        "GOVERNANCE_NOT_OBJECTABLE: owners object until a proposal's timelock ends, and not to what is voted on again; \
         proposal {id} is {}",
        if known.round == 0 { proposal::state(known.state) } else { "voted on again, or was" }
    );
    let enrolment = governance.view(session.rpc(), methods::enrolment, &AgentRef { agent }, At::Final).await?;
    let enrolment = enrolment.with_context(|| format!("GOVERNANCE_NOT_ENROLLED: agent {agent} is on no line"))?;
    ensure!(
        enrolment.line == known.line && enrolment.since.is_some_and(|since| since <= id),
        "GOVERNANCE_NOT_COUNTED: agent {agent} was not on line {} before proposal {id} was made",
        known.line
    );
    let sheet = subject.sheet(&session).await?;
    arguments.consent.ask(&format!("{sheet}{:<11} objects to it, as the owner of agent {agent}\n", "this"))?;
    governance.call(&session.me, methods::object, &Object { proposal: id, agent }).await?;
    let Subject { proposal: after, line, asset, .. } = Subject::read(&session, id).await?;
    let progress = proposal::progress(&after, &line, asset.as_ref(), session.now_ms().await?);
    let text = format!("objected; proposal {id}: {progress}");
    let value = json!({
        "proposal": id, "agent": agent, "objections": after.objections, "owners": after.owners,
        "state": after.state, "round": after.round, "end_ms": after.end_ms, "eta_ms": after.eta_ms,
    });
    session.tell(&value, &text)
}
