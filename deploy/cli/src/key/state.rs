//! Verbs that change what a grant, a key or a request is, each with what it means in plain words before it is signed.

use charter_types::Hash32;
use charter_types::keys;
use charter_types::keys::args::{AnswerApproval, ApprovalRef, GrantRef, SecretRef};
use charter_types::keys::{Approval, ApprovalState, Grant, GrantId, HostId};
use serde_json::json;

use super::input::Consent;
use super::{read, words};
use crate::files::hosts::KnownHosts;
use crate::files::notes::Notes;
use crate::session::Session;
use crate::units::time;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Stops a grant, and everything delegated from it, until it is resumed.
    Suspend {
        grant: GrantId,
        #[command(flatten)]
        consent: Consent,
    },
    /// Lets a suspended grant be used again.
    Resume {
        grant: GrantId,
        #[command(flatten)]
        consent: Consent,
    },
    /// Gives a grant back that you hold, with everything delegated from it. It does not come back.
    Renounce {
        grant: GrantId,
        #[command(flatten)]
        consent: Consent,
    },
    /// Rejects a request that waits for approval.
    Reject {
        grant: GrantId,
        digest: Hash32,
        /// The host that asked.
        #[arg(long)]
        host: HostId,
        #[command(flatten)]
        consent: Consent,
    },
    /// Ends a key for good: its grants are dead, its ciphertext is removed, and who paid for it has its storage back.
    Retire {
        /// What you call it.
        label: String,
        #[command(flatten)]
        consent: Consent,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Suspend { grant, consent } => suspend(session, grant, &consent).await,
        Command::Resume { grant, consent } => resume(session, grant, &consent).await,
        Command::Renounce { grant, consent } => renounce(session, grant, &consent).await,
        Command::Reject { grant, digest, host, consent } => reject(session, grant, digest, host, &consent).await,
        Command::Retire { label, consent } => retire(session, &label, &consent).await,
    }
}

/// A grant as people know it: its number, holder and what it is good for, where the folder remembers that.
async fn sheet(session: &Session, grant: GrantId, does: &str) -> anyhow::Result<String> {
    let known: Grant = read::lineage(session, grant).await?.swap_remove(0);
    let notes = Notes::open(&session.folder)?;
    let key = notes.label_of(known.secret).map_or_else(|| format!("secret {}", known.secret), str::to_owned);
    let mut lines = vec![
        ("this", does.to_owned()),
        ("grant", format!("{grant}, of {}", words::who(&known.grantee))),
        ("credential", format!("{key}, of agent {}", known.agent)),
        ("granted by", known.grantor.to_string()),
    ];
    match notes.permit(grant) {
        Ok(permit) => lines.extend(words::policy(&permit.policy)),
        Err(_) => lines.push(("may", format!("what its policy says, {}", known.policy_hash))),
    }
    lines.push(("until", time(known.expires_ms)));
    Ok(words::sheet(&lines))
}

async fn suspend(session: &Session, grant: GrantId, consent: &Consent) -> anyhow::Result<()> {
    consent.ask(&sheet(session, grant, "stops the grant, and all that was delegated from it, until resumed").await?)?;
    session.contracts.keys().call(&session.me, keys::methods::suspend, &GrantRef { grant }).await?;
    session.tell(&json!({ "grant": grant, "suspended": true }), &format!("grant {grant} is suspended"))
}

async fn resume(session: &Session, grant: GrantId, consent: &Consent) -> anyhow::Result<()> {
    consent.ask(&sheet(session, grant, "lets the grant be used again, and what was delegated from it").await?)?;
    session.contracts.keys().call(&session.me, keys::methods::resume, &GrantRef { grant }).await?;
    session.tell(&json!({ "grant": grant, "suspended": false }), &format!("grant {grant} may be used again"))
}

async fn renounce(session: &Session, grant: GrantId, consent: &Consent) -> anyhow::Result<()> {
    consent.ask(&sheet(session, grant, "gives the grant back for good, and all that was delegated from it").await?)?;
    session.contracts.keys().call(&session.me, keys::methods::renounce, &GrantRef { grant }).await?;
    session.tell(&json!({ "grant": grant, "renounced": true }), &format!("grant {grant} is given back"))
}

/// A request is of the host that asked, so nobody answers another's by mistake.
async fn reject(
    session: &Session,
    grant: GrantId,
    digest: Hash32,
    host: HostId,
    consent: &Consent,
) -> anyhow::Result<()> {
    let keys = &session.contracts.keys;
    let what = format!("request {digest} of grant {grant} by host {host}");
    let asked: Approval =
        session.find(keys, keys::methods::approval, &ApprovalRef { grant, digest, host: Some(host) }, &what).await?;
    let row = read::hosts(session, &[host]).await?.swap_remove(0);
    let state = match asked.state {
        ApprovalState::Requested => "nobody has answered it",
        ApprovalState::Approved => "approved, and not used yet",
        ApprovalState::Rejected => "rejected already",
    };
    let lines = [
        ("this", "rejects one request".to_owned()),
        ("grant", grant.to_string()),
        ("request", digest.to_string()),
        ("asked by", format!("{}, until {}; {state}", asked.requested_by, time(asked.expires_ms))),
        ("on", words::trust(&row)),
        ("host key", KnownHosts::open(session)?.recognise(&row)?),
    ];
    consent.ask(&words::sheet(&lines))?;
    let args = AnswerApproval { grant, host, digest, expires_ms: asked.expires_ms };
    session.contracts.keys().call(&session.me, keys::methods::reject, &args).await?;
    let value = json!({ "grant": grant, "digest": digest, "host": host, "rejected": true });
    session.tell(&value, &format!("request {digest} is rejected"))
}

async fn retire(session: &Session, label: &str, consent: &Consent) -> anyhow::Result<()> {
    let mut notes = Notes::open(&session.folder)?;
    let (credential, secret) = notes.credential(label)?;
    let agent = credential.agent;
    let (known, hosts) = read::recipients(session, secret).await?;
    let rows = read::hosts(session, &hosts).await?;
    let mut lines = vec![
        ("this", "ends the key for good: all its grants are dead, its ciphertext is removed".to_owned()),
        ("credential", format!("{label}, of agent {agent}, version {}", known.version)),
    ];
    lines.extend(rows.iter().map(|host| ("could open", words::trust(host))));
    lines.push(("still", "change it at the provider: nobody can be made to forget it".to_owned()));
    consent.ask(&words::sheet(&lines))?;
    session.contracts.keys().call(&session.me, keys::methods::retire_secret, &SecretRef { secret }).await?;
    notes.forget(label)?;
    let text = format!("{label} is retired; change it at the provider");
    session.tell(&json!({ "secret": secret, "retired": true, "received_by": hosts }), &text)
}
