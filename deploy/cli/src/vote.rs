//! `charter vote`: shows what is voted on, and votes.

use anyhow::ensure;
use charter_types::governance::args::Vote;
use charter_types::governance::{Choice, ProposalId, ProposalState, methods};
use serde_json::json;

use crate::key::input::Consent;
use crate::proposal::Subject;
use crate::session::{Common, Session};
use crate::units::time;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    proposal: ProposalId,
    choice: Answer,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Answer {
    Yes,
    No,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    let (id, me) = (arguments.proposal, &session.me.id);
    let subject = Subject::read(&session, id).await?;
    let known = &subject.proposal;
    ensure!(
        known.council.iter().any(|member| member.account == *me),
        "GOVERNANCE_NOT_MEMBER: {me} was not on the council of line {} when proposal {id} was made",
        known.line
    );
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
    arguments.consent.ask(&format!("{}{:<11} {word}, of {me}\n", subject.sheet(&session).await?, "your vote"))?;
    let vote = Vote { proposal: id, content_hash: known.content_hash, choice };
    session.contracts.governance().call(&session.me, methods::vote, &vote).await?;
    let after = Subject::read(&session, id).await?.proposal;
    let value = json!({ "proposal": id, "choice": choice, "yes": after.yes, "no": after.no, "end_ms": after.end_ms });
    let later = if after.end_ms > known.end_ms {
        format!("; the vote goes on until {}", time(after.end_ms))
    } else {
        String::new()
    };
    session.tell(&value, &format!("voted {word} on proposal {id}: {} yes, {} no so far{later}", after.yes, after.no))
}
