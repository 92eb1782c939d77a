//! What is earned for an agent's work on tasks: counted from when the row is made, and told to the registry.

use charter_client::At;
use charter_types::AccountId;
use charter_types::registry::AgentId;
use charter_types::tasks::args::{EarningsRef, OfAgent};
use charter_types::tasks::methods;
use serde_json::json;

use super::asset;
use crate::session::Session;
use crate::units::money;

/// An agent, and what money.
#[derive(clap::Args)]
pub struct Which {
    /// The agent's id [default: the profile's].
    #[arg(long)]
    agent: Option<AgentId>,
    /// A token (NEP-141) instead of NEAR.
    #[arg(long, value_name = "ACCOUNT")]
    token: Option<AccountId>,
}

impl Which {
    fn read(self, session: &Session) -> anyhow::Result<OfAgent> {
        Ok(OfAgent { agent: session.agent(self.agent)?, asset: asset(self.token) })
    }
}

#[derive(clap::Subcommand)]
pub enum Command {
    /// Counts from now on what you are paid for tasks that you took with the agent's name.
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
    let (me, tasks) = (&session.me, session.contracts.tasks());
    match command {
        Command::Open { which } => {
            let args = which.read(session)?;
            tasks.call(me, methods::open_earnings, &args).await?;
            let text = format!("what {} earns with tasks for agent {} is counted from now on", me.id, args.agent);
            session.tell(&json!({ "agent": args.agent, "asset": args.asset }), &text)
        }
        Command::End { which } => {
            let args = which.read(session)?;
            let OfAgent { agent, asset } = args.clone();
            let asked = EarningsRef { agent, account: me.id.clone(), asset };
            let row = tasks.view(session.rpc(), methods::earnings, &asked, At::Final).await?;
            tasks.call(me, methods::end_earnings, &args).await?;
            let earned = row.as_ref().map_or(0, |row| row.earned.0);
            let text = format!("not counted any more; {} were for agent {agent}", money(&args.asset, earned));
            session.tell(&json!({ "ended": row }), &text)
        }
        Command::Sync { which } => {
            let args = which.read(session)?;
            tasks.call(me, methods::sync_reputation, &args).await?;
            let text = format!("the registry has what was earned with tasks for agent {}", args.agent);
            session.tell(&json!({ "agent": args.agent, "asset": args.asset }), &text)
        }
    }
}
