//! What arrives at an account for an agent's work: counted from when the row is made, and told to the registry.

use charter_client::At;
use charter_types::escrow::args::{EarningsRef, OfAgent};
use charter_types::escrow::methods;
use serde_json::json;

use super::Which;
use crate::session::Session;
use crate::units::money;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Counts from now on what arrives at your account from channels that name the agent.
    Open {
        #[command(flatten)]
        which: Which,
    },
    /// Ends that, and gives its storage back. What the registry was told stays there.
    End {
        #[command(flatten)]
        which: Which,
    },
    /// Tells the registry what the account that is paid for the agent has earned. Anybody can, and pays for the row there.
    Sync {
        #[command(flatten)]
        which: Which,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let (me, escrow) = (&session.me, session.contracts.escrow());
    match command {
        Command::Open { which } => {
            let args = which.read(session)?;
            escrow.call(me, methods::open_earnings, &args).await?;
            let OfAgent { agent, asset } = args;
            let asked = EarningsRef { agent, account: me.id.clone(), asset };
            let row = escrow.view(session.rpc(), methods::earnings, &asked, At::Final).await?;
            let text = format!("what {} earns for agent {agent} is counted from now on", me.id);
            session.tell(&json!({ "earnings": row }), &text)
        }
        Command::End { which } => {
            let args = which.read(session)?;
            let OfAgent { agent, asset } = args.clone();
            let asked = EarningsRef { agent, account: me.id.clone(), asset };
            let row = escrow.view(session.rpc(), methods::earnings, &asked, At::Final).await?;
            escrow.call(me, methods::end_earnings, &args).await?;
            let earned = row.as_ref().map_or(0, |row| row.earned.0);
            let text = format!("not counted any more; {} were for agent {agent}", money(&args.asset, earned));
            session.tell(&json!({ "ended": row }), &text)
        }
        Command::Sync { which } => {
            let args = which.read(session)?;
            escrow.call(me, methods::sync_reputation, &args).await?;
            let text = format!("the registry has what was earned for agent {}", args.agent);
            session.tell(&json!({ "agent": args.agent, "asset": args.asset }), &text)
        }
    }
}
