//! Sealing keys, and granting their use.

use anyhow::{Context, ensure};
use charter_client::At;
use charter_host::{SealContext, Sealed, seal};
use charter_types::keys::args::{AddCredential, Delegate, GrantSecret, HostRef, Received, RotateSecret, SecretRef};
use charter_types::keys::{Added, Envelope, Grantee, Host, HostId, Inject, Policy, Recipient, Secret, SecretId};
use charter_types::registry::AgentId;
use serde_json::json;

use super::change::lineage;
use super::notes::{Credential, Notes, Permit};
use super::rules::{self, Rule, Terms, What};
use super::{Consent, Source, words};
use crate::host::HostFile;
use crate::session::Session;

pub struct NewKey {
    pub label: String,
    pub what: What,
    pub terms: Terms,
    pub inject: Inject,
    pub ceiling: Vec<Rule>,
    pub hosts: Vec<HostId>,
    pub agent: Option<AgentId>,
}

async fn host(session: &Session, host: HostId) -> anyhow::Result<Host> {
    session.find(&session.contracts.keys, "host", &HostRef { host }, &format!("host {host}")).await
}

async fn hosts(session: &Session, ids: &[HostId]) -> anyhow::Result<Vec<Host>> {
    let mut found = Vec::new();
    for id in ids {
        found.push(host(session, *id).await?);
    }
    Ok(found)
}

fn seal_to(
    session: &Session,
    credential: &Credential,
    label: &str,
    version: u32,
    key: &str,
    hosts: &[Host],
) -> anyhow::Result<Sealed> {
    let hash = credential.label_hash(label);
    let context = SealContext::new(&session.chain_id, &session.contracts.keys, credential.agent, hash, version);
    let to: Vec<_> = hosts.iter().map(|host| (host.id, host.encrypt_key)).collect();
    Ok(seal(key.as_bytes(), &context, &to)?)
}

fn first_grant(added: &Added) -> anyhow::Result<u64> {
    added.grants.first().copied().context("the contract names no grant")
}

fn told(session: &Session, what: &str, label: Option<&str>, added: &Added) -> anyhow::Result<()> {
    let grant = first_grant(added)?;
    session.tell(&json!({ "secret": added.secret, "grant": grant, "label": label }), &format!("grant {grant}: {what}"))
}

pub async fn add(session: &Session, new: NewKey, source: &Source, consent: &Consent) -> anyhow::Result<()> {
    let NewKey { label, what, terms, inject, ceiling, hosts: ids, agent } = new;
    let agent = session.agent(agent)?;
    let ids = if ids.is_empty() { vec![HostFile::registered(&session.folder)?] } else { ids };
    let hosts = hosts(session, &ids).await?;
    let policy = rules::policy(&what.allow, inject, what.uses, what.body_max)?;
    let ceiling = rules::ceiling(&ceiling, &policy)?;
    let to = terms.to.clone().unwrap_or(Grantee::Host(hosts[0].id));
    let grant = terms.grant(policy.clone(), to, session.now_ms().await?);
    let key = source.read()?;
    consent.ask(&words::grant(&format!("{label}, of agent {agent}"), &grant, &hosts))?;

    let mut notes = Notes::open(&session.folder)?;
    let credential = notes.begin(&label, agent, ceiling.clone())?;
    let sealed = seal_to(session, &credential, &label, 1, &key, &hosts)?;
    let args = AddCredential {
        agent,
        label_hash: credential.label_hash(&label),
        ceiling,
        envelope: Envelope::Inline(sealed.envelope),
        wraps: sealed.wraps,
        rotate_by_ms: 0,
        grants: vec![grant],
    };
    let added = session.contracts.add_credential(&session.me, &args).await?.value;
    notes.finish(&label, added.secret.context("the contract names no secret")?)?;
    notes.keep(Permit { grant: first_grant(&added)?, policy, label: Some(label.clone()) })?;
    let sealed_to: Vec<String> = ids.iter().map(ToString::to_string).collect();
    told(session, &format!("{label} is on chain, sealed to host {}", sealed_to.join(", ")), Some(&label), &added)
}

pub async fn grant(
    session: &Session,
    label: &str,
    what: &What,
    terms: &Terms,
    consent: &Consent,
) -> anyhow::Result<()> {
    let mut notes = Notes::open(&session.folder)?;
    let (credential, secret) = notes.credential(label)?;
    let ceiling = credential.ceiling.clone();
    let policy = within(&ceiling, what)?;
    let (_, sealed_to) = recipients(session, secret).await?;
    let hosts = hosts(session, &sealed_to).await?;
    let first = hosts.first().with_context(|| format!("{label} is sealed to no host"))?;
    let to = terms.to.clone().unwrap_or(Grantee::Host(first.id));
    let grant = terms.grant(policy.clone(), to, session.now_ms().await?);
    consent.ask(&words::grant(&format!("{label}, of agent {}", credential.agent), &grant, &hosts))?;
    let args = GrantSecret { secret, ceiling, terms: grant };
    let added = session.contracts.grant(&session.me, &args).await?.value;
    notes.keep(Permit { grant: first_grant(&added)?, policy, label: Some(label.to_owned()) })?;
    told(session, &format!("a use of {label}"), Some(label), &added)
}

pub async fn delegate(
    session: &Session,
    parent: &Permit,
    what: &What,
    terms: &Terms,
    consent: &Consent,
) -> anyhow::Result<()> {
    let policy = within(&parent.policy, what)?;
    let to = terms.to.clone().context("say to whom: --to")?;
    let above = lineage(session, parent.grant).await?.swap_remove(0);
    let grant = terms.part_of(&above, policy.clone(), to, session.now_ms().await?);
    consent.ask(&words::grant(&format!("a part of grant {}", parent.grant), &grant, &[]))?;
    let args = Delegate { parent: parent.grant, parent_policy: parent.policy.clone(), terms: grant };
    let added = session.contracts.delegate(&session.me, &args).await?.value;
    let permit = Permit { grant: first_grant(&added)?, policy, label: parent.label.clone() };
    Notes::open(&session.folder)?.keep(permit)?;
    told(session, &format!("a part of grant {}", parent.grant), parent.label.as_deref(), &added)
}

/// A policy of the rules given, with the slot and the limits of the one above it.
pub fn within(above: &Policy, what: &What) -> anyhow::Result<Policy> {
    let body_max = what.body_max.min(above.body_bytes_max).min(above.response_bytes_max);
    let uses = what.uses.or(above.rate.map(|rate| (rate.uses, rate.per_ms)));
    let policy = rules::policy(&what.allow, above.inject.clone(), uses, body_max)?;
    ensure!(
        charter_rules::policy::within(&policy, above),
        "KEYS_NOT_WITHIN: the rules allow something that what they come from does not"
    );
    Ok(policy)
}

/// A secret, and the hosts that its newest version is sealed to.
pub async fn recipients(session: &Session, secret: SecretId) -> anyhow::Result<(Secret, Vec<HostId>)> {
    let keys = &session.contracts.keys;
    let known: Secret = session.find(keys, "secret", &SecretRef { secret }, &format!("secret {secret}")).await?;
    let mut found: Vec<Recipient> = Vec::new();
    loop {
        let from = u64::try_from(found.len())?;
        let args = Received { secret, from, limit: None };
        let page: Vec<Recipient> = session.rpc().raw_view(keys, "who_received", &args, At::Final).await?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    let newest = found.iter().filter(|recipient| recipient.version == known.version);
    let hosts = newest.map(|recipient| recipient.host).collect();
    Ok((known, hosts))
}

pub async fn rotate(session: &Session, label: &str, source: &Source) -> anyhow::Result<()> {
    let notes = Notes::open(&session.folder)?;
    let (credential, secret) = notes.credential(label)?;
    let (known, sealed_to) = recipients(session, secret).await?;
    let hosts = hosts(session, &sealed_to).await?;
    let key = source.read()?;
    let version = known.version + 1;
    let sealed = seal_to(session, credential, label, version, &key, &hosts)?;
    let args = RotateSecret {
        secret,
        expected_version: known.version,
        envelope: Envelope::Inline(sealed.envelope),
        wraps: sealed.wraps,
        rotate_by_ms: 0,
    };
    session.contracts.rotate_secret(&session.me, &args).await?;
    let text = format!("{label} has a new value, version {version}; change the old one at the provider");
    session.tell(&json!({ "secret": secret, "label": label, "version": version }), &text)
}
