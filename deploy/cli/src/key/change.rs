//! Taking away: narrowing and revoking; and approving single requests.

use anyhow::ensure;
use charter_types::Hash32;
use charter_types::keys::args::{ApprovalRef, GrantRef, Narrow, RequestApproval};
use charter_types::keys::{Grant, GrantId, HostId};
use serde_json::json;

use super::add::{recipients, within};
use super::notes::{Notes, Permit};
use super::rules::What;
use super::{Consent, words};
use crate::session::Session;
use crate::units::time;

pub async fn lineage(session: &Session, grant: GrantId) -> anyhow::Result<Vec<Grant>> {
    let found: Vec<Grant> = session
        .rpc()
        .raw_view(&session.contracts.keys, "lineage", &GrantRef { grant }, charter_client::At::Final)
        .await?;
    ensure!(!found.is_empty(), "there is no grant {grant}");
    Ok(found)
}

pub async fn narrow(
    session: &Session,
    grant: GrantId,
    what: &What,
    expires: Option<u64>,
    consent: &Consent,
) -> anyhow::Result<()> {
    let mut notes = Notes::open(&session.folder)?;
    let permit = notes.permit(grant)?.clone();
    let narrower = within(&permit.policy, what)?;
    let known = lineage(session, grant).await?.swap_remove(0);
    let now_ms = session.now_ms().await?;
    let expires_ms = expires.map_or(known.expires_ms, |ms| now_ms.saturating_add(ms).min(known.expires_ms));
    let mut lines = vec![("grant", format!("{grant}, of {}", words::who(&known.grantee)))];
    lines.extend(words::policy(&narrower));
    lines.push(("until", time(expires_ms)));
    consent.ask(&words::sheet(&lines))?;
    let args = Narrow { grant, policy: permit.policy.clone(), narrower: narrower.clone(), expires_ms };
    session.contracts.narrow(&session.me, &args).await?;
    notes.keep(Permit { policy: narrower, ..permit })?;
    let text = format!("grant {grant} is narrower; what was passed on from it is dead");
    session.tell(&json!({ "grant": grant, "expires_ms": expires_ms }), &text)
}

pub async fn revoke_grant(session: &Session, grant: GrantId) -> anyhow::Result<()> {
    session.contracts.revoke_grant(&session.me, grant).await?;
    let text = format!("grant {grant} is dead, with all that was passed on from it");
    session.tell(&json!({ "grant": grant, "revoked": true }), &text)
}

pub async fn revoke_key(session: &Session, label: &str) -> anyhow::Result<()> {
    let notes = Notes::open(&session.folder)?;
    let (_, secret) = notes.credential(label)?;
    session.contracts.revoke_secret(&session.me, secret).await?;
    let (_, hosts) = recipients(session, secret).await?;
    let named: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let text = format!(
        "every grant of {label} is dead; host {} could open it, so change it at the provider",
        named.join(", ")
    );
    session.tell(&json!({ "secret": secret, "revoked": true, "received_by": hosts }), &text)
}

pub async fn revoke_host(session: &Session, host: HostId) -> anyhow::Result<()> {
    session.contracts.revoke_host(&session.me, host).await?;
    let text = format!("nothing that was sealed or granted to host {host} is good any more");
    session.tell(&json!({ "host": host, "revoked": true }), &text)
}

pub async fn ask(session: &Session, grant: GrantId, digest: Hash32, host: HostId, for_ms: u64) -> anyhow::Result<()> {
    let expires_ms = session.now_ms().await?.saturating_add(for_ms);
    let args = RequestApproval { grant, digest, host, expires_ms };
    session.contracts.request_approval(&session.me, &args).await?;
    let text = format!("asked; whoever granted it says `charter key approve {grant} {digest}`");
    session.tell(&json!({ "grant": grant, "digest": digest, "expires_ms": expires_ms }), &text)
}

pub async fn approve(session: &Session, grant: GrantId, digest: Hash32) -> anyhow::Result<()> {
    session.contracts.approve(&session.me, &ApprovalRef { grant, digest }).await?;
    session.tell(&json!({ "grant": grant, "digest": digest, "approved": true }), "approved, for once")
}
