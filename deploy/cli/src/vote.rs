//! `charter vote`: shows what is voted on, what it asks for, what was stated of it and what one's vote weighs, and votes.

use anyhow::{Context, ensure};
use charter_client::At;
use charter_types::AccountId;
use charter_types::governance::args::{Vote, VoteAsAgent, VoterRef};
use charter_types::governance::{Choice, ProposalId, ProposalState, StakeVote, methods};
use charter_types::registry::AgentId;
use serde::Serialize;
use serde_json::json;

use crate::delegate;
use crate::key::input::Consent;
use crate::proposal::{self, Asked, Files, Subject, stake};
use crate::session::{Common, Session};
use crate::statement::{Said, Sources};
use crate::units::time;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    proposal: ProposalId,
    choice: Answer,
    /// As this agent, by its own account: with what its owner has delegated to it.
    #[arg(long, value_name = "ID")]
    as_agent: Option<AgentId>,
    /// Then say whatever changes, until nothing can become of the proposal any more. With --json each change is a line
    /// with an object of its own: `change`, `state`, `text`, `now_ms`, `left_ms`, `proposal`.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Answer {
    Yes,
    No,
}

/// What a vote counts for.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Weight {
    Council { weight: u64, all: u64 },
    Stake(stake::Weight),
}

impl Weight {
    async fn read(session: &Session, subject: &Subject, agent: Option<AgentId>) -> anyhow::Result<Self> {
        let (known, me) = (&subject.proposal, &session.me.id);
        if let Some(vote) = &known.stake {
            return Ok(Self::Stake(by_stake(session, subject, vote, agent).await?));
        }
        ensure!(
            agent.is_none(),
            "GOVERNANCE_NOT_BY_STAKE: the council decides about proposal {}, and no agent votes for a member of it",
            known.id
        );
        let member = known.council.iter().find(|member| member.account == *me).with_context(|| {
            format!(
                "GOVERNANCE_NOT_MEMBER: {me} was not on the council of line {} when proposal {} was made",
                known.line, known.id
            )
        })?;
        Ok(Self::Council { weight: member.weight, all: proposal::weight(&known.council) })
    }

    fn words(&self, subject: &Subject) -> String {
        match self {
            Self::Council { weight, all } => format!("{weight} of {all}"),
            Self::Stake(weight) => weight.words(subject.asset.as_ref()),
        }
    }
}

/// What of all that was locked at the snapshot is the caller's to vote with.
async fn by_stake(
    session: &Session,
    subject: &Subject,
    vote: &StakeVote,
    agent: Option<AgentId>,
) -> anyhow::Result<stake::Weight> {
    let (id, line, me) = (subject.proposal.id, subject.line.id, &session.me.id);
    let (governance, rpc) = (session.contracts.governance(), session.rpc());
    let voter = VoterRef { proposal: id, account: me.clone() };
    let delegate = delegate::find(session, line, me).await?;
    let votes_as = delegate.as_ref().and_then(|delegate| delegate.agent.as_ref()).map(|agent| agent.agent);
    if let Some(agent) = agent {
        ensure!(
            votes_as == Some(agent),
            "GOVERNANCE_NOT_DELEGATE: {me} is no delegate of line {line} as agent {agent}: it becomes one by \
             `charter delegate stand {line} --agent {agent}`"
        );
    } else if let Some(agent) = votes_as {
        anyhow::bail!("GOVERNANCE_AGENT_VOTES: {me} is an agent's account: say --as-agent {agent}");
    }
    let ballot = governance.view(rpc, methods::stake_ballot, &voter, At::Final).await?;
    if let Some(ballot) = ballot.filter(|ballot| ballot.round == subject.proposal.round) {
        return Ok(stake::Weight::cast(&ballot));
    }
    // What an agent has locked itself is no owner's voice.
    let own = match agent {
        Some(_) => None,
        None => crate::stake::of(session, line, me.clone()).await?,
    };
    let overridden = governance.view(rpc, methods::overridden, &voter, At::Final).await?;
    let delegate = delegate.as_ref().map(|delegate| (delegate, overridden.as_ref()));
    let weight = stake::Weight::at(vote.snapshot_ms, subject.proposal.round, own.as_ref(), delegate);
    ensure!(
        weight.all() > 0,
        "GOVERNANCE_NO_VOTES: nothing that {me} has locked or was delegated counts in this vote, which counts what was \
         locked at {}",
        time(vote.snapshot_ms)
    );
    Ok(weight)
}

async fn cast(session: &Session, subject: &Subject, agent: Option<AgentId>, choice: Choice) -> anyhow::Result<()> {
    let (proposal, content_hash) = (subject.proposal.id, subject.proposal.content_hash);
    let (governance, me) = (session.contracts.governance(), &session.me);
    match agent {
        None => governance.call(me, methods::vote, &Vote { proposal, content_hash, choice }).await?,
        Some(agent) => {
            let args = VoteAsAgent { agent, proposal, content_hash, choice };
            governance.prepay_and_call(me, methods::vote_as_agent, &args).await?
        }
    };
    Ok(())
}

/// For whom: an agent's account votes for the agent's owner.
fn voter(me: &AccountId, agent: Option<AgentId>) -> String {
    agent.map_or_else(|| me.to_string(), |agent| format!("{me} as agent {agent}"))
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    let (id, agent) = (arguments.proposal, arguments.as_agent);
    let subject = Subject::read(&session, id).await?;
    let known = &subject.proposal;
    let weight = Weight::read(&session, &subject, agent).await?;
    let now_ms = session.now_ms().await?;
    ensure!(
        known.state == ProposalState::Voting && now_ms < known.end_ms,
        "GOVERNANCE_VOTE_ENDED: the vote on proposal {id} ended at {}",
        time(known.end_ms)
    );
    let (choice, word) = match arguments.choice {
        Answer::Yes => (Choice::Yes, "yes"),
        Answer::No => (Choice::No, "no"),
    };
    let asked = arguments.files.compare(&session, &subject).await?;
    let asked = asked.as_ref().map_or_else(String::new, Asked::sheet);
    let said = arguments.sources.ask(&session, &subject).await?;
    let said = said.as_ref().map_or_else(String::new, Said::sheet);
    let (sheet, voter) = (subject.sheet(&session).await?, voter(&session.me.id, agent));
    let with = weight.words(&subject);
    arguments.consent.ask(&format!("{sheet}{asked}{said}{:<11} {word}, of {voter}, with {with}\n", "your vote"))?;
    cast(&session, &subject, agent, choice).await?;
    let voted_on = Subject::read(&session, id).await?;
    let Subject { proposal: after, asset, .. } = &voted_on;
    let value = json!({
        "proposal": id, "choice": choice, "yes": after.yes, "no": after.no, "end_ms": after.end_ms,
        "stake": after.stake, "asset": asset, "agent": agent, "weight": weight,
    });
    let later = if after.end_ms > known.end_ms {
        format!("; the vote goes on until {}", time(after.end_ms))
    } else {
        String::new()
    };
    let so_far = proposal::cast(after, asset.as_ref());
    session.tell(&value, &format!("voted {word} on proposal {id}: {so_far} so far{later}"))?;
    if arguments.watch { proposal::watch(&session, &voted_on).await } else { Ok(()) }
}
