//! What there is, and what it is good for now.

use anyhow::{Context, bail};
use charter_client::{PermissionView, sha256};
use charter_host::{HttpRequest, action_of};
use charter_rules::decision::check_live;
use charter_types::keys::{Action, Asker, Decision, Grant, HostId, Method, Secret, SecretStatus};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Base64Bytes};
use serde_json::json;

use super::add::recipients;
use super::notes::Notes;
use super::{grant_for, words};
use crate::session::Session;
use crate::units::time;

pub async fn list(session: &Session, agent: AgentId) -> anyhow::Result<()> {
    let keys = &session.contracts.keys;
    let notes = Notes::open(&session.folder)?;
    let standing = crate::agent::standing(session, agent).await?;
    let now_ms = session.now_ms().await?;
    let secrets: Vec<Secret> = session.all(keys, "secrets", |secret: &Secret| secret.id).await?;
    let grants: Vec<Grant> = session.all(keys, "grants", |grant: &Grant| grant.id).await?;
    let mut rows = Vec::new();
    for secret in secrets.iter().filter(|secret| secret.agent == agent) {
        let label = notes.label_of(secret.id);
        let status = if secret.status == SecretStatus::Active { "active" } else { "retired" };
        let name = label.map_or_else(|| format!("secret {}", secret.id), str::to_owned);
        if !session.json {
            println!("{name}, version {}, {status}, times sealed to a host: {}", secret.version, secret.recipients);
        }
        for grant in grants.iter().filter(|grant| grant.secret == secret.id) {
            let mut lineage = vec![grant.clone()];
            while let Some(parent) = lineage.last().and_then(|grant| grant.parent) {
                lineage.extend(grants.iter().find(|grant| grant.id == parent).cloned());
            }
            let live = check_live(&lineage, secret, standing.epochs, now_ms);
            let state = live.map_or_else(charter_types::keys::Denial::code, |()| "LIVE".to_owned());
            let from = grant.parent.map_or_else(String::new, |parent| format!(", from grant {parent}"));
            if !session.json {
                let who = words::who(&grant.grantee);
                println!("  grant {}{from}: {who}, until {}, {state}", grant.id, time(grant.expires_ms));
                for (name, line) in notes.permit(grant.id).into_iter().flat_map(|permit| words::policy(&permit.policy))
                {
                    println!("    {name:<10} {line}");
                }
            }
            rows.push(json!({ "label": label, "secret": secret.id, "grant": grant, "state": state }));
        }
    }
    session.tell_json(&json!({ "agent": agent, "grants": rows }))
}

pub async fn check(
    session: &Session,
    key: &str,
    method: Method,
    url: &str,
    asker: Option<AccountId>,
    host: Option<HostId>,
) -> anyhow::Result<()> {
    let (permit, url) = grant_for(session, key, method, url, None)?;
    let lineage = super::change::lineage(session, permit.grant).await?;
    let sealed_to = match host {
        Some(host) => Some(host),
        None => recipients(session, lineage[0].secret).await?.1.first().copied(),
    };
    let host = sealed_to.context("the key is sealed to no host: name one with --host")?;
    let view = PermissionView::read(session.rpc(), &session.contracts, permit.grant, host).await?;
    let asker = Asker::Account(asker.unwrap_or_else(|| view.host.operator.clone()));
    let request = HttpRequest { method, url: url.clone(), headers: Vec::new(), body: Base64Bytes::default() };
    let action = Action::Http(action_of(&request)?);
    let decision = view.decide(&permit.policy, &asker, &action);
    session.tell_json(&json!({ "grant": permit.grant, "host": host, "url": url, "decision": decision }))?;
    let text = match decision {
        Decision::Allow(_) => format!("grant {} allows it on host {host}", permit.grant),
        Decision::NeedsApproval { .. } => {
            let digest = action.digest(sha256);
            format!(
                "grant {} allows it on host {host} once it is approved; without headers and body: {digest}",
                permit.grant
            )
        }
        Decision::Deny(denial) => bail!("{}: {denial} (grant {}, host {host})", denial.code(), permit.grant),
    };
    if !session.json {
        println!("{text}");
    }
    Ok(())
}
