//! `charter agent recover …`: for an owner's key that is lost. A stolen key is not helped by it: the thief can veto.

use anyhow::Context;
use charter_client::{At, Call};
use charter_types::AccountId;
use charter_types::registry;
use charter_types::registry::args::{AgentAccount, AgentRef, ApproveRecovery, SetRecoverers};
use charter_types::registry::{AgentId, Recoverers, RecoveryProposal};
use serde_json::json;

use super::Which;
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
    /// Names the recoverers, how many of them must agree, and how long the owner can object.
    Set {
        #[command(flatten)]
        which: Which,
        /// A recoverer. Without any, nobody can recover the agent.
        #[arg(long)]
        recoverer: Vec<AccountId>,
        /// How many must agree [default: all].
        #[arg(long)]
        threshold: Option<u8>,
        /// How long the owner may object, 1h to 90d.
        #[arg(long, value_parser = duration_ms, default_value = "7d")]
        delay: u64,
    },
    /// Proposes a new owner, as a recoverer.
    Propose {
        #[command(flatten)]
        which: Which,
        #[arg(long)]
        new_owner: AccountId,
    },
    /// Agrees with another recoverer's proposal, for the new owner that one means.
    Approve {
        #[command(flatten)]
        proposal: Proposal,
        /// Who shall own the agent. A proposal that names somebody else by now is refused.
        #[arg(long)]
        new_owner: AccountId,
    },
    /// Voids every proposal, as the owner.
    Veto {
        #[command(flatten)]
        which: Which,
    },
    /// Hands the agent over, once enough recoverers have agreed and the delay is over.
    Execute(Proposal),
    /// Prepays storage, so that an agent can be handed over to this account.
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
                session.check_account(account).await?;
            }
            let all = u8::try_from(recoverer.len()).context("that is too many recoverers")?;
            let delay_ms = if recoverer.is_empty() { 0 } else { delay };
            let recoverers = Recoverers { accounts: recoverer, threshold: threshold.unwrap_or(all), delay_ms };
            contracts
                .registry()
                .call(me, registry::methods::set_recoverers, &SetRecoverers { agent, recoverers: recoverers.clone() })
                .await?;
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
            session.check_account(&new_owner).await?;
            contracts
                .registry()
                .call(me, registry::methods::propose_recovery, &AgentAccount { agent, account: new_owner })
                .await?;
            say_proposal(session, agent, &me.id).await
        }
        Command::Approve { proposal, new_owner } => {
            let AgentAccount { agent, account: proposer } = proposal.args(session)?;
            let round = find_proposal(session, agent, &proposer).await?.round;
            let args = ApproveRecovery { agent, proposer, new_owner, round };
            contracts.registry().call(me, registry::methods::approve_recovery, &args).await?;
            say_proposal(session, agent, &args.proposer).await
        }
        Command::Veto { which } => {
            let agent = session.agent(which.agent)?;
            contracts
                .registry()
                .call(me, registry::methods::veto_recovery, &registry::args::AgentRef { agent })
                .await?;
            session.tell(
                &json!({ "agent": agent, "vetoed": true }),
                &format!("every proposal about agent {agent} is void"),
            )
        }
        Command::Execute(proposal) => {
            let args = proposal.args(session)?;
            contracts.registry().call(me, registry::methods::execute_recovery, &args).await?;
            let owner = super::read(session, args.agent).await?.owner;
            let text = format!("agent {} belongs to {owner}", args.agent);
            session.tell(&json!({ "agent": args.agent, "owner": owner }), &text)
        }
        Command::Prepare => {
            me.call(&contracts.registry, Call::prepay()).await?;
            session
                .tell(&json!({ "account": me.id, "prepaid": true }), &format!("agents can be handed over to {}", me.id))
        }
    }
}

async fn find_proposal(session: &Session, agent: AgentId, proposer: &AccountId) -> anyhow::Result<RecoveryProposal> {
    let question = AgentRef { agent };
    let registry = session.contracts.registry();
    let found = registry.view(session.rpc(), registry::methods::recovery_proposals, &question, At::Final).await?;
    let proposal = found.into_iter().find(|proposal| proposal.proposer == *proposer);
    proposal.with_context(|| format!("there is no such proposal of {proposer}"))
}

async fn say_proposal(session: &Session, agent: AgentId, proposer: &AccountId) -> anyhow::Result<()> {
    let proposal = find_proposal(session, agent, proposer).await?;
    let text = match proposal.ready_ms {
        0 => format!("{} as owner of agent {agent}: more recoverers have to agree", proposal.new_owner),
        ready_ms => {
            format!("{} as owner of agent {agent}: can be executed from {} on", proposal.new_owner, time(ready_ms))
        }
    };
    session.tell(&proposal, &text)
}
