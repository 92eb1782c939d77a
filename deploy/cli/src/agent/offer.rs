//! What is agreed to, given back or ended for good, each with what it means in plain words before it is signed.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use charter_client::sha256;
use charter_host::HostKeys;
use charter_types::method::{Method, Of};
use charter_types::registry::args::{AcceptPayout, AgentAccount, AgentRef, SubmitAttestation};
use charter_types::registry::{self, Agent, AgentId, AttestationClaim};
use charter_types::{AccountId, Base64Bytes, contract};
use serde_json::json;

use super::{Which, global_name, read, transfer};
use crate::files::host::HostFile;
use crate::files::hosts::fingerprint;
use crate::key::input::Consent;
use crate::key::words;
use crate::session::Session;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Accepts what is offered to you: an agent, or to be paid for one.
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Accept {
        #[command(flatten)]
        which: Which,
        /// The agent itself.
        #[arg(long, group = "what")]
        transfer: bool,
        /// To be paid for what the agent does.
        #[arg(long, group = "what")]
        payout: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Asks an account to be paid for the agent, which it has to accept; you yourself need no asking.
    Payout {
        #[command(flatten)]
        which: Which,
        #[arg(long)]
        to: AccountId,
        #[command(flatten)]
        consent: Consent,
    },
    /// Gives back every role that you have for an agent: operator, guardian, its account.
    Renounce {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        consent: Consent,
    },
    /// Ends an agent for good. Its number is never given again.
    Retire {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        consent: Consent,
    },
    /// Has a TEE's quote verified that is bound to the keys of the host in this folder. Without a quote: asks for the nonce
    /// that it has to be bound to, and says what to put into `report_data`.
    Attest {
        #[command(flatten)]
        which: Which,
        /// The quote, as the TEE made it.
        #[arg(long, requires = "collateral", value_name = "FILE")]
        quote: Option<PathBuf>,
        /// What the quote is checked against: `dcap_qvl::QuoteCollateralV3` in borsh.
        #[arg(long, requires = "quote", value_name = "FILE")]
        collateral: Option<PathBuf>,
        #[command(flatten)]
        consent: Consent,
    },
}

pub async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Accept { which, transfer: true, consent, .. } => take_over(session, &which, &consent).await,
        Command::Accept { which, consent, .. } => be_paid(session, &which, &consent).await,
        Command::Payout { which, to, consent } => ask_to_be_paid(session, &which, &to, &consent).await,
        Command::Renounce { which, consent } => renounce(session, &which, &consent).await,
        Command::Retire { which, consent } => retire(session, &which, &consent).await,
        Command::Attest { which, quote: Some(quote), collateral: Some(collateral), consent } => {
            submit(session, &which, &quote, &collateral, &consent).await
        }
        Command::Attest { which, consent, .. } => begin(session, &which, &consent).await,
    }
}

/// An agent as the registry has it, for the sheet.
async fn look_up(session: &Session, which: &Which) -> anyhow::Result<(AgentId, Agent)> {
    let id = session.agent(which.agent)?;
    Ok((id, read(session, id).await?))
}

fn sheet(session: &Session, agent: &Agent, does: &str, more: &[(&'static str, String)]) -> String {
    let handle = agent.handle.as_ref().map(|handle| format!(", called {handle}")).unwrap_or_default();
    let mut lines = vec![
        ("this", does.to_owned()),
        ("agent", format!("{}, {}{handle}", agent.id, global_name(session, agent.id))),
        ("owner", agent.owner.to_string()),
        ("card", format!("{}, revision {}, {}", agent.card.uri, agent.card_revision, agent.card.sha256)),
    ];
    lines.extend(more.iter().cloned());
    words::sheet(&lines)
}

async fn take_over(session: &mut Session, which: &Which, consent: &Consent) -> anyhow::Result<()> {
    let (id, agent) = look_up(session, which).await?;
    let me = &session.me.id;
    ensure!(
        agent.offer.as_ref().is_some_and(|offer| offer.to == *me),
        "REGISTRY_NOT_OFFERED: agent {id} is not offered to {me}"
    );
    let does = "makes the agent yours; whatever others were allowed is revoked, and you pay its storage";
    consent.ask(&sheet(session, &agent, does, &[]))?;
    transfer(session, id, None, true).await
}

async fn be_paid(session: &Session, which: &Which, consent: &Consent) -> anyhow::Result<()> {
    let (agent, known) = look_up(session, which).await?;
    let more = [("paid now", known.payout.to_string())];
    consent.ask(&sheet(session, &known, "has you be paid for what the agent does", &more))?;
    let args = AcceptPayout { agent, owner: known.owner };
    session.contracts.registry().call(&session.me, registry::methods::accept_payout, &args).await?;
    let me = &session.me.id;
    session.tell(&json!({ "agent": agent, "payout": me }), &format!("{me} is paid for agent {agent}"))
}

async fn ask_to_be_paid(session: &Session, which: &Which, to: &AccountId, consent: &Consent) -> anyhow::Result<()> {
    session.check_account(to).await?;
    let (agent, known) = look_up(session, which).await?;
    let more = [("paid now", known.payout.to_string()), ("to be paid", to.to_string())];
    consent.ask(&sheet(session, &known, "asks an account to be paid for what the agent does", &more))?;
    let args = AgentAccount { agent, account: to.clone() };
    session.contracts.registry().call(&session.me, registry::methods::set_payout, &args).await?;
    let text = if *to == known.owner {
        format!("{to} is paid for agent {agent}")
    } else {
        format!("{to} is asked: `charter agent accept --payout --agent {agent}`")
    };
    session.tell(&json!({ "agent": agent, "payout_offered_to": to }), &text)
}

async fn renounce(session: &Session, which: &Which, consent: &Consent) -> anyhow::Result<()> {
    let (agent, known) = look_up(session, which).await?;
    let me = &session.me.id;
    let mut roles: Vec<&str> = Vec::new();
    roles.extend(known.operators.iter().any(|operator| operator.account == *me).then_some("operator"));
    roles.extend(known.guardians.contains(me).then_some("guardian"));
    roles.extend((known.agent_account.as_ref() == Some(me)).then_some("the agent's account"));
    ensure!(!roles.is_empty(), "{me} has no role for agent {agent}");
    let more = [("roles", roles.join(", "))];
    consent.ask(&sheet(session, &known, "gives back every role you have for the agent", &more))?;
    session.contracts.registry().call(&session.me, registry::methods::renounce, &AgentRef { agent }).await?;
    let text = format!("{me} has no role for agent {agent} any more");
    session.tell(&json!({ "agent": agent, "renounced": roles }), &text)
}

async fn retire(session: &Session, which: &Which, consent: &Consent) -> anyhow::Result<()> {
    let (agent, known) = look_up(session, which).await?;
    let does = "ends the agent for good: its rights, keys and name are gone, its number is never given again";
    consent.ask(&sheet(session, &known, does, &[]))?;
    session.contracts.registry().call(&session.me, registry::methods::retire, &AgentRef { agent }).await?;
    session.tell(&json!({ "agent": agent, "retired": true }), &format!("agent {agent} is retired"))
}

/// The owner shows full access with a yocto; the agent's own account and operators need none.
async fn call<M: Method + Of<contract::Registry>>(
    session: &Session,
    known: &Agent,
    method: M,
    args: &M::Args,
) -> anyhow::Result<M::Answer> {
    let registry = session.contracts.registry();
    let done = if known.owner == session.me.id {
        registry.call(&session.me, method, args).await?
    } else {
        registry.pay(&session.me, method, args, 0).await?
    };
    Ok(done.value)
}

async fn begin(session: &Session, which: &Which, consent: &Consent) -> anyhow::Result<()> {
    let (agent, known) = look_up(session, which).await?;
    let keys = own_host(session)?;
    let (sign_key, encrypt_key) = (keys.sign_public(), keys.encrypt_public());
    let more = [("host key", format!("{}, of this folder", fingerprint(&sign_key, &encrypt_key)))];
    consent.ask(&sheet(session, &known, "asks for a nonce, good for ten minutes and one quote", &more))?;
    let nonce = call(session, &known, registry::methods::begin_attestation, &AgentRef { agent }).await?;
    let claim = AttestationClaim { agent, epoch: known.epoch, nonce, sign_key, encrypt_key };
    let data = hex::encode(claim.report_data(&session.chain_id, &session.contracts.registry, sha256));
    let text =
        format!("report_data {data}\nthen: `charter agent attest --agent {agent} --quote FILE --collateral FILE`");
    session.tell(&json!({ "agent": agent, "nonce": nonce, "report_data": data }), &text)
}

/// Keys of the host in this folder.
fn own_host(session: &Session) -> anyhow::Result<HostKeys> {
    let file = HostFile::read(&session.folder)?;
    file.context("an attestation is about a host's keys: `charter host init`")?.keys()
}

async fn submit(
    session: &Session,
    which: &Which,
    quote: &Path,
    collateral: &Path,
    consent: &Consent,
) -> anyhow::Result<()> {
    let read_file = |path: &Path| std::fs::read(path).with_context(|| format!("{} can't be read", path.display()));
    let (quote, collateral) = (read_file(quote)?, read_file(collateral)?);
    let (agent, known) = look_up(session, which).await?;
    let keys = own_host(session)?;
    let (sign_key, encrypt_key) = (keys.sign_public(), keys.encrypt_public());
    let more = [
        ("host key", format!("{}, of this folder", fingerprint(&sign_key, &encrypt_key))),
        ("quote", format!("{} bytes, SHA-256 {}", quote.len(), hex::encode(sha256(&quote)))),
    ];
    consent.ask(&sheet(session, &known, "has the quote verified, and records the keys if it is good", &more))?;
    let (quote, collateral) = (Base64Bytes(quote), Base64Bytes(collateral));
    let args = SubmitAttestation { agent, quote, collateral, sign_key, encrypt_key };
    call(session, &known, registry::methods::submit_attestation, &args).await?;
    let text = format!("agent {agent} is attested; `charter host attest --agent {agent}` tells the contract of keys");
    session.tell(&json!({ "agent": agent, "attested": true }), &text)
}
