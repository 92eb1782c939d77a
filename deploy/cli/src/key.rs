//! `charter key …`: credentials that an agent uses without having them, and who may use them for what.

mod approve;
mod change;
mod draft;
pub mod input;
pub mod read;
mod seal;
mod show;
mod state;
pub mod words;

use std::path::PathBuf;

use anyhow::bail;
use charter_types::AccountId;
use charter_types::Hash32;
use charter_types::keys::{GrantId, HostId, Method};
use charter_types::registry::AgentId;
use serde_json::json;

use crate::files::notes::{Notes, Permit};
use crate::rules::{self, Terms, What};
use crate::session::{Group, Session};
use crate::units::duration_ms;
use input::{Consent, Source};

pub use draft::{Draft, NewKey};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Seals a key to key hosts and grants its use, in one transaction.
    Add {
        #[command(flatten)]
        new: NewKey,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        consent: Consent,
    },
    /// Grants the use of a key that is on chain.
    Grant {
        label: String,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        terms: Terms,
        #[command(flatten)]
        consent: Consent,
    },
    /// Delegates a part of a grant that you hold.
    Delegate {
        grant: GrantId,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        terms: Terms,
        /// The grant as you were given it (`charter key permit`), if it was not made here.
        #[arg(long)]
        permit: Option<PathBuf>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Narrows a grant. Everything delegated from it is revoked.
    Narrow {
        grant: GrantId,
        #[command(flatten)]
        what: What,
        /// How long it is good for from now on; it never ends later than before.
        #[arg(long, value_name = "TIME", value_parser = duration_ms)]
        expires: Option<u64>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Revokes for good: a grant and everything delegated from it, a key and all its grants, or a host.
    #[command(group = clap::ArgGroup::new("radius").required(true))]
    Revoke {
        #[arg(long, group = "radius")]
        grant: Option<GrantId>,
        /// A key, by its name.
        #[arg(long, group = "radius")]
        key: Option<String>,
        #[arg(long, group = "radius")]
        host: Option<HostId>,
    },
    #[command(flatten)]
    State(state::Command),
    /// Lists the keys and grants of an agent, and whether they are good now.
    List {
        #[arg(long)]
        agent: Option<AgentId>,
    },
    /// Says whether a grant allows a request now, and why not.
    Check {
        /// A key's name or a grant's number.
        key: String,
        #[arg(value_parser = rules::method)]
        method: Method,
        /// A URL, or a path on the service that the grant is for.
        url: String,
        /// For whom [default: the operator of the host].
        #[arg(long = "as")]
        asker: Option<AccountId>,
        /// On which host [default: one that the key is sealed to].
        #[arg(long)]
        host: Option<HostId>,
    },
    /// Gives a key a new value, sealed to the hosts that can open the old one. Revoked hosts, and those out of service, are
    /// left out.
    Rotate {
        label: String,
        #[command(flatten)]
        source: Source,
    },
    /// Writes a grant with its policy, for its grantee.
    Permit { grant: GrantId },
    /// Asks for a request to be approved; `charter host call` says its digest.
    Ask {
        grant: GrantId,
        digest: Hash32,
        #[arg(long)]
        host: HostId,
        #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1h")]
        expires: u64,
    },
    /// Shows a request that waits for approval, and approves it for one use.
    Approve {
        grant: GrantId,
        digest: Hash32,
        #[arg(long)]
        host: HostId,
        /// The request, as `charter host call` kept it [default: the one kept in this data folder].
        #[arg(long, value_name = "FILE")]
        request: Option<PathBuf>,
        #[command(flatten)]
        consent: Consent,
    },
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Add { new, source, consent } => {
            sign(&session, Draft::of_key(&session, new, source.read()?).await?, &consent).await
        }
        Command::Grant { label, what, terms, consent } => {
            sign(&session, Draft::of_secret(&session, label, &what, &terms).await?, &consent).await
        }
        Command::Delegate { grant, what, terms, permit, consent } => {
            let parent = Notes::open(&session.folder)?.permit_or_file(grant, permit.as_deref())?;
            sign(&session, Draft::of_grant(&session, parent, &what, &terms).await?, &consent).await
        }
        Command::Narrow { grant, what, expires, consent } => {
            change::narrow(&session, grant, &what, expires, &consent).await
        }
        Command::Revoke { grant: Some(grant), .. } => change::revoke_grant(&session, grant).await,
        Command::Revoke { key: Some(label), .. } => change::revoke_key(&session, &label).await,
        Command::Revoke { host: Some(host), .. } => change::revoke_host(&session, host).await,
        Command::Revoke { .. } => bail!("name what to revoke: --grant, --key or --host"),
        Command::State(command) => state::run(&session, command).await,
        Command::List { agent } => show::list(&session, session.agent(agent)?).await,
        Command::Check { key, method, url, asker, host } => {
            show::check(&session, &key, method, &url, asker, host).await
        }
        Command::Rotate { label, source } => seal::rotate(&session, &label, &source.read()?).await,
        Command::Permit { grant } => {
            say!("{}", serde_json::to_string_pretty(Notes::open(&session.folder)?.permit(grant)?)?);
            Ok(())
        }
        Command::Ask { grant, digest, host, expires } => change::ask(&session, grant, digest, host, expires).await,
        Command::Approve { grant, digest, host, request, consent } => {
            approve::approve(&session, grant, digest, host, request.as_deref(), &consent).await
        }
    }
}

/// Shows a grant, and signs it with consent.
async fn sign(session: &Session, draft: Draft, consent: &Consent) -> anyhow::Result<()> {
    consent.ask(&draft.sheet())?;
    let result = draft.result.clone();
    let signed = draft.sign(session).await?;
    let Permit { grant, label, .. } = signed.permit;
    let value = json!({ "secret": signed.secret, "grant": grant, "label": label });
    session.tell(&value, &format!("grant {grant}: {result}"))
}
