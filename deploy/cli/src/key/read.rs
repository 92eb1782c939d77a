//! What the contract says of hosts, secrets and grants.

use anyhow::ensure;
use charter_client::At;
use charter_types::keys;
use charter_types::keys::args::{GrantRef, HostRef, Received, SecretRef, WrapRef};
use charter_types::keys::methods;
use charter_types::keys::{
    Grant, GrantId, Host, HostId, HostStatus, Recipient, SealedKey, Secret, SecretId, SecretStatus,
};

use crate::session::Session;

/// The hosts with these ids.
pub async fn hosts(session: &Session, ids: &[HostId]) -> anyhow::Result<Vec<Host>> {
    let keys = &session.contracts.keys;
    let mut found = Vec::new();
    for host in ids.iter().copied() {
        found.push(session.find(keys, keys::methods::host, &HostRef { host }, &format!("host {host}")).await?);
    }
    Ok(found)
}

/// Those of the hosts that are in service and can open the secret as it is now.
pub async fn live_hosts(session: &Session, secret: SecretId, ids: &[HostId]) -> anyhow::Result<Vec<Host>> {
    let keys = &session.contracts.keys;
    let mut live = Vec::new();
    for host in ids.iter().copied() {
        let found: Option<Host> = session.rpc().view(keys, methods::host, &HostRef { host }, At::Final).await?;
        let question = WrapRef { secret, host };
        let wrap: Option<SealedKey> = session.rpc().view(keys, methods::wrap, &question, At::Final).await?;
        let sealed_to = wrap.map(|wrap| wrap.host_generation);
        live.extend(found.filter(|host| host.status == HostStatus::Active && sealed_to == Some(host.generation)));
    }
    Ok(live)
}

/// A secret, and the hosts that its newest version is sealed to.
pub async fn recipients(session: &Session, secret: SecretId) -> anyhow::Result<(Secret, Vec<HostId>)> {
    let keys = &session.contracts.keys;
    let known: Secret =
        session.find(keys, keys::methods::secret, &SecretRef { secret }, &format!("secret {secret}")).await?;
    let mut found: Vec<Recipient> = Vec::new();
    loop {
        let from = u64::try_from(found.len())?;
        let args = Received { secret, from, limit: None };
        let page: Vec<Recipient> = session.rpc().view(keys, keys::methods::who_received, &args, At::Final).await?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    let newest = found.iter().filter(|recipient| recipient.version == known.version);
    let hosts = newest.map(|recipient| recipient.host).collect();
    Ok((known, hosts))
}

/// Whether a credential may be granted and used at all. It ends for good when its agent's rights are revoked: by the panic
/// button, or because the agent changes hands.
pub async fn is_over(session: &Session, secret: SecretId) -> anyhow::Result<bool> {
    let keys = &session.contracts.keys;
    let found: Option<Secret> = session.rpc().view(keys, methods::secret, &SecretRef { secret }, At::Final).await?;
    let Some(known) = found.filter(|known| known.status == SecretStatus::Active) else { return Ok(true) };
    let standing = session.standing(known.agent).await?;
    ensure!(standing.armed, "agent {} is disarmed: `charter agent rearm` comes first", known.agent);
    Ok(standing.epochs != known.epochs)
}

/// Fails for a credential that is over, and says how it comes back.
pub async fn check_in_force(session: &Session, label: &str, secret: SecretId) -> anyhow::Result<()> {
    ensure!(
        !is_over(session, secret).await?,
        "EPOCH_MOVED: {label} ended when its agent's rights were revoked: `charter key add {label}` seals it anew"
    );
    Ok(())
}

/// A grant, then the grants above it.
pub async fn lineage(session: &Session, grant: GrantId) -> anyhow::Result<Vec<Grant>> {
    let found: Vec<Grant> =
        session.rpc().view(&session.contracts.keys, keys::methods::lineage, &GrantRef { grant }, At::Final).await?;
    ensure!(!found.is_empty(), "there is no grant {grant}");
    Ok(found)
}
