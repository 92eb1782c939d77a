//! `charter agent recover …`: for a key that is lost. For one that is stolen it is no help: a thief can veto.

use anyhow::Context;
use charter_types::AccountId;
use charter_types::registry::args::{AgentAccount, AgentRef, SetRecoverers};
use charter_types::registry::{AgentId, Recoverers, RecoveryProposal};
use serde_json::json;

use super::{Which, check_account};
use crate::session::Session;
use crate::units::{duration_ms, length, time};

#[derive(clap::Args)]
pub struct Proposal {
    #[command(flatten)]
    which: Which,
    /// Who proposed the new owner.
    #[arg(long)]
    proposer: AccountId,
}

#[derive(clap::Subcommand)]
pub enum Command {
    /// Says who together may restore the agent, and how long the owner can object.
    Set {
        #[command(flatten)]
        which: Which,
        /// One of them; none: nobody.
        #[arg(long)]
        recoverer: Vec<AccountId>,
        /// How many must agree [default: all].
        #[arg(long)]
        threshold: Option<u8>,
        /// How long the owner may object, 1h to 90d.
        #[arg(long, value_parser = duration_ms, default_value = "7d")]
        delay: u64,
    },
    /// A recoverer proposes a new owner.
    Propose {
        #[command(flatten)]
        which: Which,
        #[arg(long)]
        new_owner: AccountId,
    },
    /// Another recoverer agrees.
    Approve(Proposal),
    /// The owner is there after all: every proposal is void.
    Veto {
        #[command(flatten)]
        which: Which,
    },
    /// Hands the agent over once enough agreed and the delay is over.
    Execute(Proposal),
    /// Prepays storage, so that an agent can come to this account.
    Prepare,
}

impl Proposal {
    fn args(self, session: &Session) -> anyhow::Result<AgentAccount> {
        Ok(AgentAccount { agent: session.agent(self.which.agent)?, account: self.proposer })
    }
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let (contracts, me) = (&session.contracts, &session.me);
    match command {
        Command::Set { which, recoverer, threshold, delay } => {
            let agent = session.agent(which.agent)?;
            for account in &recoverer {
                check_account(session, account).await?;
            }
            let all = u8::try_from(recoverer.len()).context("that is too many recoverers")?;
            let delay_ms = if recoverer.is_empty() { 0 } else { delay };
            let recoverers = Recoverers { accounts: recoverer, threshold: threshold.unwrap_or(all), delay_ms };
            contracts.set_recoverers(me, &SetRecoverers { agent, recoverers: recoverers.clone() }).await?;
            let text = if recoverers.accounts.is_empty() {
                format!("agent {agent} will have no recoverers")
            } else {
                let Recoverers { accounts, threshold, delay_ms } = &recoverers;
                format!(
                    "{threshold} of {} can recover agent {agent}, {} after they agree",
                    accounts.len(),
                    length(*delay_ms)
                )
            };
            session.tell(&json!({ "agent": agent, "recoverers": recoverers }), &text)
        }
        Command::Propose { which, new_owner } => {
            let agent = session.agent(which.agent)?;
            check_account(session, &new_owner).await?;
            contracts.propose_recovery(me, &AgentAccount { agent, account: new_owner }).await?;
            say_proposal(session, agent, &me.id).await
        }
        Command::Approve(proposal) => {
            let args = proposal.args(session)?;
            contracts.approve_recovery(me, &args).await?;
            say_proposal(session, args.agent, &args.account).await
        }
        Command::Veto { which } => {
            let agent = session.agent(which.agent)?;
            contracts.veto_recovery(me, agent).await?;
            session.tell(
                &json!({ "agent": agent, "vetoed": true }),
                &format!("nobody's proposal about agent {agent} counts"),
            )
        }
        Command::Execute(proposal) => {
            let args = proposal.args(session)?;
            contracts.execute_recovery(me, &args).await?;
            let owner = super::read(session, args.agent).await?.owner;
            let text = format!("agent {} belongs to {owner}", args.agent);
            session.tell(&json!({ "agent": args.agent, "owner": owner }), &text)
        }
        Command::Prepare => {
            contracts.prepay_registry(me).await?;
            session.tell(&json!({ "account": me.id, "prepaid": true }), &format!("agents can come to {}", me.id))
        }
    }
}

async fn say_proposal(session: &Session, agent: AgentId, proposer: &AccountId) -> anyhow::Result<()> {
    let question = AgentRef { agent };
    let what = "such proposal";
    let found: Vec<RecoveryProposal> =
        session.find(&session.contracts.registry, "recovery_proposals", &question, what).await?;
    let proposal = found.iter().find(|proposal| proposal.proposer == *proposer);
    let proposal = proposal.with_context(|| format!("there is no {what} of {proposer}"))?;
    let text = match proposal.ready_ms {
        0 => format!("{} as owner of agent {agent}: more recoverers have to agree", proposal.new_owner),
        ready_ms => {
            format!("{} as owner of agent {agent}: can be executed from {} on", proposal.new_owner, time(ready_ms))
        }
    };
    session.tell(proposal, &text)
}
