//! Agents on lines: who decides what they run.

use charter_types::governance::args::{AgentRef, Enroll};
use charter_types::governance::{LineId, methods};
use serde_json::json;

use super::Which;
use crate::proposal;
use crate::session::Session;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Puts the agent on a line, whose council then decides what it may run; or moves it to another.
    Enroll {
        #[command(flatten)]
        which: Which,
        #[arg(long)]
        line: LineId,
    },
    /// Takes the agent off its line: nobody but its owner decides what it runs.
    Leave {
        #[command(flatten)]
        which: Which,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let (me, governance) = (&session.me, session.contracts.governance());
    match command {
        Command::Enroll { which, line } => {
            let agent = session.agent(which.agent)?;
            let line = proposal::line(session, line).await?;
            governance.call(me, methods::enroll, &Enroll { agent, line: line.id }).await?;
            let text = format!("agent {agent} is on line {}, {}", line.id, line.name);
            session.tell(&json!({ "agent": agent, "line": line.id }), &text)
        }
        Command::Leave { which } => {
            let agent = session.agent(which.agent)?;
            governance.call(me, methods::leave, &AgentRef { agent }).await?;
            session.tell(&json!({ "agent": agent, "line": null }), &format!("agent {agent} is on no line"))
        }
    }
}
