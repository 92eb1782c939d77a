//! What makes a host worth trusting: its keys, and a TEE's word on them.

use anyhow::{Context, bail, ensure};
use charter_client::At;
use charter_types::keys;
use charter_types::keys::args::AttestHost;
use charter_types::keys::{Host, HostId};
use charter_types::registry::args::AgentRef;
use charter_types::registry::{self, AgentId};
use serde_json::json;

use crate::files::host::HostFile;
use crate::files::hosts::{self, KnownHosts};
use crate::key::input::Consent;
use crate::key::{read, words};
use crate::session::Session;
use crate::units::time;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Shows a host: its keys' fingerprint, to be compared with what its operator says, and why to trust it.
    Show {
        /// The host [default: the one in this folder].
        host: Option<HostId>,
    },
    /// Forgets the key that a host had when this folder saw it first.
    Forget { host: HostId },
    /// Has the chain take an agent's attestation for the host's: a TEE holds the host's keys.
    Attest {
        /// The agent whose attestation names the host's keys [default: the profile's].
        #[arg(long)]
        agent: Option<AgentId>,
        /// The host [default: the one in this folder].
        #[arg(long)]
        host: Option<HostId>,
        #[command(flatten)]
        consent: Consent,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Show { host } => show(session, host).await,
        Command::Forget { host } => {
            let was_known = KnownHosts::open(session)?.forget(host)?;
            let text = if was_known { "is forgotten" } else { "was not known here" };
            session.tell(&json!({ "host": host, "was_known": was_known }), &format!("host {host} {text}"))
        }
        Command::Attest { agent, host, consent } => attest(session, session.agent(agent)?, host, &consent).await,
    }
}

async fn find(session: &Session, host: Option<HostId>) -> anyhow::Result<Host> {
    let id = host.map_or_else(|| HostFile::registered(&session.folder), Ok)?;
    read::hosts(session, &[id]).await?.pop().context("a host")
}

async fn show(session: &Session, host: Option<HostId>) -> anyhow::Result<()> {
    let host = find(session, host).await?;
    let recognised = KnownHosts::open(session)?.recognise(&host);
    let known = recognised.as_ref().map_or_else(ToString::to_string, Clone::clone);
    let lines = [
        ("host", words::trust(&host)),
        ("host key", known),
        ("signs with", host.sign_key.to_string()),
        ("sealed to", host.encrypt_key.to_string()),
    ];
    let value = json!({ "host": host, "fingerprint": hosts::of(&host), "recognised": recognised.is_ok() });
    session.tell(&value, words::sheet(&lines).trim_end())
}

async fn attest(session: &Session, agent: AgentId, host: Option<HostId>, consent: &Consent) -> anyhow::Result<()> {
    let host = find(session, host).await?;
    let known = KnownHosts::open(session)?.recognise(&host)?;
    let registry = session.contracts.registry();
    let answer = registry.view(session.rpc(), registry::methods::attestation, &AgentRef { agent }, At::Final).await?;
    let Some(attestation) = answer.attestation else {
        bail!("agent {agent} is not attested: `charter agent attest --agent {agent}` begins it");
    };
    if let Some(invalid) = answer.invalid {
        bail!("the attestation of agent {agent} is not good any more ({invalid:?})");
    }
    let attested = hosts::fingerprint(&attestation.sign_key, &attestation.encrypt_key);
    let own = hosts::of(&host);
    ensure!(
        attested == own,
        "agent {agent} is attested with the keys {attested}, not with {own}, those of host {}",
        host.id
    );
    let lines = [
        ("this", "says that a TEE holds the host's keys, as agent's attestation does".to_owned()),
        ("host", words::trust(&host)),
        ("host key", known),
        ("agent", agent.to_string()),
        ("measured", attestation.measurement.to_string()),
        ("until", time(attestation.expires_ms)),
    ];
    consent.ask(&words::sheet(&lines))?;
    let args = AttestHost { host: host.id, agent };
    session.contracts.keys().call(&session.me, keys::methods::attest_host, &args).await?;
    let text = format!("host {} is attested as {}", host.id, attestation.measurement);
    session.tell(&json!({ "host": host.id, "agent": agent, "measurement": attestation.measurement }), &text)
}
