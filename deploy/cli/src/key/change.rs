//! Taking away: narrowing and revoking; and approving single requests.

use charter_types::Hash32;
use charter_types::keys;
use charter_types::keys::args::{Narrow, RequestApproval};
use charter_types::keys::{GrantId, HostId};
use serde_json::json;

use super::input::Consent;
use super::{read, words};
use crate::files::notes::{Notes, Permit};
use crate::rules::{self, What};
use crate::session::Session;
use crate::units::time;

pub async fn narrow(
    session: &Session,
    grant: GrantId,
    what: &What,
    expires: Option<u64>,
    consent: &Consent,
) -> anyhow::Result<()> {
    let mut notes = Notes::open(&session.folder)?;
    let permit = notes.permit(grant)?.clone();
    let narrower = rules::within(&permit.policy, what)?;
    let known = read::lineage(session, grant).await?.swap_remove(0);
    let now_ms = session.now_ms().await?;
    let expires_ms = expires.map_or(known.expires_ms, |ms| now_ms.saturating_add(ms).min(known.expires_ms));
    let mut lines = vec![("grant", format!("{grant}, of {}", words::who(&known.grantee)))];
    lines.extend(words::policy(&narrower));
    lines.push(("until", time(expires_ms)));
    consent.ask(&words::sheet(&lines))?;
    let args = Narrow { grant, policy: permit.policy.clone(), narrower: narrower.clone(), expires_ms };
    session.contracts.keys().call(&session.me, keys::methods::narrow, &args).await?;
    notes.keep(Permit { policy: narrower, ..permit })?;
    let text = format!("grant {grant} is narrower; everything delegated from it is revoked");
    session.tell(&json!({ "grant": grant, "expires_ms": expires_ms }), &text)
}

pub async fn revoke_grant(session: &Session, grant: GrantId) -> anyhow::Result<()> {
    session.contracts.keys().call(&session.me, keys::methods::revoke_grant, &keys::args::GrantRef { grant }).await?;
    let text = format!("grant {grant} is revoked, and everything delegated from it");
    session.tell(&json!({ "grant": grant, "revoked": true }), &text)
}

pub async fn revoke_key(session: &Session, label: &str) -> anyhow::Result<()> {
    let notes = Notes::open(&session.folder)?;
    let (_, secret) = notes.credential(label)?;
    session.contracts.keys().call(&session.me, keys::methods::revoke_secret, &keys::args::SecretRef { secret }).await?;
    let (_, hosts) = read::recipients(session, secret).await?;
    let named: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let text = format!(
        "every grant of {label} is revoked; host {} could open it, so change it at the provider",
        named.join(", ")
    );
    session.tell(&json!({ "secret": secret, "revoked": true, "received_by": hosts }), &text)
}

pub async fn revoke_host(session: &Session, host: HostId) -> anyhow::Result<()> {
    session.contracts.keys().call(&session.me, keys::methods::revoke_host, &keys::args::HostRef { host }).await?;
    let text = format!("host {host} is revoked, with everything that was sealed or granted to it");
    session.tell(&json!({ "host": host, "revoked": true }), &text)
}

pub async fn ask(session: &Session, grant: GrantId, digest: Hash32, host: HostId, for_ms: u64) -> anyhow::Result<()> {
    let expires_ms = session.now_ms().await?.saturating_add(for_ms);
    let args = RequestApproval { grant, digest, host, expires_ms };
    session.contracts.keys().call(&session.me, keys::methods::request_approval, &args).await?;
    let text = format!("asked; whoever granted it says `charter key approve {grant} {digest} --host {host}`");
    session.tell(&json!({ "grant": grant, "digest": digest, "expires_ms": expires_ms }), &text)
}
