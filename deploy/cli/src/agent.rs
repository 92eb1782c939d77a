//! `charter agent …`: who an agent is, and who may do what with it.

mod card;
mod line;
mod offer;
mod recover;

use anyhow::{bail, ensure};
use charter_types::AccountId;
use charter_types::Nothing;
use charter_types::registry;
use charter_types::registry::args::{AgentAccount, AgentRef, Pause, RegisterAgent, SetCard};
use charter_types::registry::{Agent, AgentId, Operator, Permission, Status};
use serde_json::json;

use crate::session::{Group, Session};
use crate::units::{duration_ms, length, time};
use card::CardFile;

pub use card::find_card;

/// How long an operator's permissions last.
const OPERATOR_MS: u64 = 365 * 24 * 3_600_000;

#[derive(clap::Args)]
pub struct Which {
    /// The agent's id [default: the profile's].
    #[arg(long)]
    agent: Option<AgentId>,
}

#[derive(clap::Subcommand)]
pub enum Command {
    /// Registers an agent of yours.
    Register {
        #[command(flatten)]
        card: CardFile,
        /// The agent's own account.
        #[arg(long)]
        agent_account: Option<AccountId>,
        /// An operator, as ACCOUNT:PERMISSIONS with card, agent_account, keys, attest. It is one for a year.
        #[arg(long, value_name = "ACCOUNT:PERMISSIONS", value_parser = operator)]
        operator: Vec<(AccountId, Vec<Permission>)>,
        /// A guardian, who may stop the agent and nothing else.
        #[arg(long)]
        guardian: Vec<AccountId>,
    },
    /// Shows an agent as the registry has it.
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Replaces the card, unless somebody else has replaced it meanwhile.
    Card {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        card: CardFile,
    },
    /// Offers the agent to another account, accepts one that is offered to you, or takes an offer back.
    #[command(group = clap::ArgGroup::new("side").required(true))]
    Transfer {
        #[command(flatten)]
        which: Which,
        #[arg(long, group = "side")]
        to: Option<AccountId>,
        #[arg(long, group = "side")]
        accept: bool,
        #[arg(long, group = "side")]
        cancel: bool,
    },
    /// Stops the agent until the pause is ended, or for a while. Guardians may stop it for up to 7 days.
    Pause {
        #[command(flatten)]
        which: Which,
        /// For how long, as 2h or 3d.
        #[arg(long = "for", value_name = "TIME", value_parser = duration_ms, conflicts_with = "end")]
        for_ms: Option<u64>,
        /// End the pause.
        #[arg(long)]
        end: bool,
    },
    /// Revokes every right of every agent you own, at once and for good. Agents can be rearmed; rights are granted anew.
    Panic,
    /// Gives agents new epochs after a panic. What was granted before stays revoked.
    Rearm {
        /// Their ids [default: the profile's agent].
        agents: Vec<AgentId>,
    },
    #[command(flatten)]
    Cards(card::Command),
    #[command(flatten)]
    Offers(offer::Command),
    #[command(flatten)]
    Lines(line::Command),
    /// Recovery of an agent whose owner's key is lost.
    #[command(subcommand)]
    Recover(recover::Command),
}

fn operator(text: &str) -> Result<(AccountId, Vec<Permission>), String> {
    let (account, permissions) = text.split_once(':').ok_or("expected ACCOUNT:PERMISSIONS, as bob.near:card,keys")?;
    let account = account.parse().map_err(|error| format!("{account} is no account id: {error}"))?;
    let permission = |name: &str| {
        let known = serde_json::from_value(json!(name));
        known.map_err(|_| format!("expected card, agent_account, keys or attest, found \"{name}\""))
    };
    Ok((account, permissions.split(',').map(permission).collect::<Result<_, _>>()?))
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let mut session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Register { card, agent_account, operator, guardian } => {
            let expires_ms = session.now_ms().await?.saturating_add(OPERATOR_MS);
            let named = |(account, permissions)| Operator { account, permissions, expires_ms };
            let operators = operator.into_iter().map(named).collect();
            let (card, shape) = card.read(&session)?;
            let args = RegisterAgent { card, agent_account, operators, guardians: guardian, keys: None };
            let agent =
                session.contracts.registry().call(&session.me, registry::methods::register_agent, &args).await?.value;
            let before = session.turn_to(agent)?;
            let name = global_name(&session, agent);
            let value = json!({ "agent": agent, "name": name, "shape": shape });
            let turned = before.map_or_else(String::new, |before| {
                format!("; commands without --agent are about it from now on, no longer about agent {before}")
            });
            session.tell(&value, &format!("agent {agent} registered: {name} (card: {shape}){turned}"))
        }
        Command::Show { which } => show(&session, session.agent(which.agent)?).await,
        Command::Card { which, card } => {
            let agent = session.agent(which.agent)?;
            let known = read(&session, agent).await?;
            let expected_revision = known.card_revision;
            let (card, shape) = card.read(&session)?;
            if known.card == card {
                let value = json!({ "agent": agent, "card": card, "revision": expected_revision, "shape": shape });
                let text =
                    format!("agent {agent} has this card already, revision {expected_revision}: nothing was signed");
                return session.tell(&value, &text);
            }
            session
                .contracts
                .registry()
                .call(
                    &session.me,
                    registry::methods::set_card,
                    &SetCard { agent, card: card.clone(), expected_revision },
                )
                .await?;
            let revision = expected_revision + 1;
            let value = json!({ "agent": agent, "card": card, "revision": revision, "shape": shape });
            let text = format!("agent {agent} has card {}, revision {revision} ({shape})", card.uri);
            session.tell(&value, &text)
        }
        Command::Transfer { which, to, accept, .. } => {
            let agent = session.agent(which.agent)?;
            transfer(&mut session, agent, to, accept).await
        }
        Command::Pause { which, for_ms, end } => pause(&session, session.agent(which.agent)?, for_ms, end).await,
        Command::Panic => {
            session.contracts.registry().call(&session.me, registry::methods::panic_all, &Nothing {}).await?;
            let text = format!(
                "every right of every agent of {} is revoked; `charter agent rearm` begins anew",
                session.me.id
            );
            session.tell(&json!({ "owner": session.me.id, "armed": false }), &text)
        }
        Command::Rearm { agents } => {
            let agents = if agents.is_empty() { vec![session.agent(None)?] } else { agents };
            session
                .contracts
                .registry()
                .call(&session.me, registry::methods::rearm, &registry::args::Rearm { agents: agents.clone() })
                .await?;
            let named: Vec<String> = agents.iter().map(ToString::to_string).collect();
            session.tell(&json!({ "agents": agents, "armed": true }), &format!("rearmed: {}", named.join(", ")))
        }
        Command::Cards(command) => card::run(&session, command).await,
        Command::Offers(command) => offer::run(&mut session, command).await,
        Command::Lines(command) => line::run(&session, command).await,
        Command::Recover(command) => recover::run(&session, command).await,
    }
}

/// Unique among all chains and registries (CAIP style).
fn global_name(session: &Session, agent: AgentId) -> String {
    format!("near:{}:{}/{agent}", session.chain_id, session.contracts.registry)
}

pub async fn read(session: &Session, agent: AgentId) -> anyhow::Result<Agent> {
    session
        .find(&session.contracts.registry, registry::methods::agent, &AgentRef { agent }, &format!("agent {agent}"))
        .await
}

fn say_status(status: &Status, armed: bool, now_ms: u64) -> String {
    match status {
        _ if !armed => "disarmed: the owner pressed the panic button".to_owned(),
        status if status.is_active(now_ms) => "active".to_owned(),
        Status::Paused { until_ms: Some(until_ms), .. } => format!("paused until {}", time(*until_ms)),
        _ => "paused".to_owned(),
    }
}

async fn show(session: &Session, id: AgentId) -> anyhow::Result<()> {
    let agent = read(session, id).await?;
    let standing = session.standing(id).await?;
    if session.json {
        return session.tell(&json!({ "agent": agent, "armed": standing.armed, "name": global_name(session, id) }), "");
    }
    let list = |accounts: Vec<String>| if accounts.is_empty() { "none".to_owned() } else { accounts.join(", ") };
    let account = |account: Option<&AccountId>| account.map_or_else(|| "none".to_owned(), ToString::to_string);
    say!("agent      {id}, {}", global_name(session, id));
    say!("owner      {}", agent.owner);
    say!("status     {}", say_status(&agent.status, standing.armed, session.now_ms().await?));
    say!("handle     {}", agent.handle.as_deref().unwrap_or("none"));
    say!("card       {}, revision {}, {}", agent.card.uri, agent.card_revision, card::say_shape(session, &agent));
    say!("account    {}", account(agent.agent_account.as_ref()));
    say!("payout     {}", agent.payout);
    say!("operators  {}", list(agent.operators.iter().map(|operator| operator.account.to_string()).collect()));
    say!("guardians  {}", list(agent.guardians.iter().map(ToString::to_string).collect()));
    say!("keys       {}", list(agent.keys.iter().map(|key| key.key.to_string()).collect()));
    say!("offered    {}", account(agent.offer.as_ref().map(|offer| &offer.to)));
    Ok(())
}

async fn transfer(session: &mut Session, agent: AgentId, to: Option<AccountId>, accept: bool) -> anyhow::Result<()> {
    let contracts = session.contracts.clone();
    if let Some(to) = to {
        contracts
            .registry()
            .call(&session.me, registry::methods::offer_transfer, &AgentAccount { agent, account: to.clone() })
            .await?;
        let from_ms = read(session, agent).await?.offer.map_or(0, |offer| offer.from_ms);
        let wait =
            if from_ms > session.now_ms().await? { format!(" from {} on", time(from_ms)) } else { String::new() };
        let text = format!("agent {agent} is offered to {to}, who may accept{wait}");
        return session.tell(&json!({ "agent": agent, "offered_to": to, "from_ms": from_ms }), &text);
    }
    if accept {
        let offered = read(session, agent).await?;
        let (expected_revision, expected_handle) = (offered.card_revision, offered.handle);
        let args = registry::args::AcceptTransfer { agent, expected_revision, expected_handle };
        contracts.registry().call(&session.me, registry::methods::accept_transfer, &args).await?;
        session.adopt(agent)?;
        let text = format!("agent {agent} is yours; whatever others were allowed is revoked");
        return session.tell(&json!({ "agent": agent, "owner": session.me.id }), &text);
    }
    contracts
        .registry()
        .call(&session.me, registry::methods::cancel_transfer, &registry::args::AgentRef { agent })
        .await?;
    session.tell(&json!({ "agent": agent, "offered_to": null }), &format!("agent {agent} is offered to nobody"))
}

async fn pause(session: &Session, agent: AgentId, for_ms: Option<u64>, end: bool) -> anyhow::Result<()> {
    let (contracts, me) = (&session.contracts, &session.me);
    let known = read(session, agent).await?;
    let owner = known.owner == me.id;
    if end {
        contracts.registry().call(me, registry::methods::unpause, &registry::args::AgentRef { agent }).await?;
        return session.tell(&json!({ "agent": agent, "paused": false }), &format!("agent {agent} may act again"));
    }
    let args = Pause { agent, for_ms };
    if owner {
        contracts.registry().call(me, registry::methods::pause, &args).await?;
    } else if known.guardians.contains(&me.id) {
        ensure!(for_ms.is_some(), "a guardian pauses for a while: say how long, up to 7 days, as --for 2h");
        contracts.registry().pay(me, registry::methods::pause, &args, 0).await?;
    } else {
        bail!("{} is neither the owner of agent {agent} nor one of its guardians", me.id);
    }
    let until = for_ms.map_or_else(|| "until the pause is ended".to_owned(), |ms| format!("for {}", length(ms)));
    session
        .tell(&json!({ "agent": agent, "paused": true, "for_ms": for_ms }), &format!("agent {agent} is paused {until}"))
}
