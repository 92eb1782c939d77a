//! What keys and grants there are, and whether they are good now.

use anyhow::{Context, bail, ensure};
use charter_client::{At, PermissionView, sha256};
use charter_host::{HttpRequest, action_of};
use charter_rules::decision::check_live;
use charter_types::keys;
use charter_types::keys::{Action, Asker, DEPTH_MAX, Decision, Denial, Grant, HostId, Method, Secret, SecretStatus};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Base64Bytes, Nothing};
use serde_json::json;

use super::{read, words};
use crate::files::notes::Notes;
use crate::session::Session;
use crate::units::time;

/// The contract lists all agents' secrets and grants, so every page is read; only the agent's own rows are kept.
pub async fn list(session: &Session, agent: AgentId) -> anyhow::Result<()> {
    let keys = &session.contracts.keys;
    let notes = Notes::open(&session.folder)?;
    let standing = session.standing(agent).await?;
    let now_ms = session.now_ms().await?;
    let (_, last_secret, last_grant) = session.rpc().view(keys, keys::methods::counts, &Nothing {}, At::Final).await?;
    let secrets: Vec<Secret> =
        session.rpc().all(keys, keys::methods::secrets, last_secret, |row: &Secret| row.agent == agent).await?;
    let grants: Vec<Grant> =
        session.rpc().all(keys, keys::methods::grants, last_grant, |row: &Grant| row.agent == agent).await?;
    let mut rows = Vec::new();
    for secret in &secrets {
        let label = notes.label_of(secret.id);
        if !session.json {
            let name = label.map_or_else(|| format!("secret {}", secret.id), str::to_owned);
            let status = if secret.status == SecretStatus::Active { "active" } else { "retired" };
            say!("{name}, version {}, {status}, times sealed to a host: {}", secret.version, secret.recipients);
        }
        for grant in grants.iter().filter(|grant| grant.secret == secret.id) {
            let live = check_live(&lineage(&grants, grant)?, secret, standing.epochs, now_ms);
            let state = live.map_or_else(Denial::code, |()| "LIVE".to_owned());
            if !session.json {
                print(grant, &state, &notes);
            }
            rows.push(json!({ "label": label, "secret": secret.id, "grant": grant, "state": state }));
        }
    }
    session.tell_json(&json!({ "agent": agent, "grants": rows }))
}

fn print(grant: &Grant, state: &str, notes: &Notes) {
    let from = grant.parent.map_or_else(String::new, |parent| format!(", from grant {parent}"));
    say!("  grant {}{from}: {}, until {}, {state}", grant.id, words::who(&grant.grantee), time(grant.expires_ms));
    for (name, line) in notes.permit(grant.id).into_iter().flat_map(|permit| words::policy(&permit.policy)) {
        say!("    {name:<10} {line}");
    }
}

/// A grant, then the grants above it, out of a list that has them all.
fn lineage(grants: &[Grant], grant: &Grant) -> anyhow::Result<Vec<Grant>> {
    let mut lineage = vec![grant.clone()];
    while let Some(parent) = lineage.last().and_then(|grant| grant.parent) {
        let above = grants.iter().find(|grant| grant.id == parent);
        let above = above.with_context(|| format!("grant {} comes from grant {parent}, which is missing", grant.id))?;
        let depth = lineage.len();
        ensure!(depth <= usize::from(DEPTH_MAX), "grant {} is delegated more than {DEPTH_MAX} deep", grant.id);
        lineage.push(above.clone());
    }
    Ok(lineage)
}

pub async fn check(
    session: &Session,
    key: &str,
    method: Method,
    url: &str,
    asker: Option<AccountId>,
    host: Option<HostId>,
) -> anyhow::Result<()> {
    let (permit, url) = Notes::open(&session.folder)?.permit_for(key, method, url, None)?;
    let lineage = read::lineage(session, permit.grant).await?;
    let sealed_to = match host {
        Some(host) => Some(host),
        None => read::recipients(session, lineage[0].secret).await?.1.first().copied(),
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
        say!("{text}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use charter_types::keys::{DEPTH_MAX, Grant, GrantId, Grantee, Snapshot, Suspension};
    use charter_types::registry::Epochs;

    use super::lineage;

    fn grant(id: GrantId, parent: Option<GrantId>) -> Grant {
        Grant {
            id,
            agent: 1,
            secret: 1,
            parent,
            depth: 0,
            grantor: "alice.near".parse().unwrap(),
            grantee: Grantee::Host(1),
            policy_hash: Hash32::default(),
            not_before_ms: 0,
            expires_ms: 0,
            hosts: Vec::new(),
            rate: None,
            needs_approval: false,
            needs_attestation: false,
            measurements: Vec::new(),
            no_delegation: false,
            has_budget: false,
            suspended: Suspension::No,
            revoked: false,
            generation: 1,
            snapshot: Snapshot {
                epochs: Epochs::default(),
                secret_epoch: 0,
                parent_generation: None,
                host_generation: None,
            },
        }
    }

    #[test]
    fn a_lineage_goes_up_to_the_root() {
        let grants = [grant(1, None), grant(2, Some(1)), grant(3, Some(2))];
        let ids: Vec<GrantId> = lineage(&grants, &grants[2]).unwrap().iter().map(|grant| grant.id).collect();
        assert_eq!(ids, [3, 2, 1]);
    }

    #[test]
    fn a_missing_parent_and_a_circle_are_errors() {
        let missing = [grant(2, Some(1))];
        let error = lineage(&missing, &missing[0]).unwrap_err().to_string();
        assert_eq!(error, "grant 2 comes from grant 1, which is missing");
        let circle = [grant(1, Some(2)), grant(2, Some(1))];
        let error = lineage(&circle, &circle[0]).unwrap_err().to_string();
        assert_eq!(error, format!("grant 1 is delegated more than {DEPTH_MAX} deep"));
    }
}
