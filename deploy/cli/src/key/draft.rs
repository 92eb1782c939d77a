//! Grants before they are signed: of a new key, of a key that is there, and of a part of another grant.

use anyhow::Context;
use charter_client::Outcome;
use charter_types::keys;
use charter_types::keys::args::{AddCredential, Delegate, GrantSecret, GrantTerms};
use charter_types::keys::{Envelope, Host, HostId, Inject, Policy, SecretId};
use charter_types::registry::AgentId;
use zeroize::Zeroizing;

use super::seal::seal_to;
use super::{read, words};
use crate::files::host::HostFile;
use crate::files::hosts::KnownHosts;
use crate::files::notes::{Notes, Permit};
use crate::rules::{self, Rule, Terms, What};
use crate::session::Session;

/// A key to be sealed, and its first grant.
#[derive(clap::Args)]
pub struct NewKey {
    /// What you call it. Only a salted hash of it gets on chain.
    pub label: String,
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub terms: Terms,
    /// Where the host puts the key: header:NAME:PREFIX, query:NAME or basic:USER.
    #[arg(long, value_parser = rules::inject, default_value = rules::BEARER)]
    pub inject: Inject,
    /// The most that any later grant may allow [default: what this one does].
    #[arg(long, value_name = "RULE", value_parser = rules::rule)]
    pub ceiling: Vec<Rule>,
    /// A host to seal the key to [default: the one of `charter host init`].
    #[arg(long)]
    pub host: Vec<HostId>,
    #[arg(long)]
    pub agent: Option<AgentId>,
}

/// A grant that is ready to be signed.
pub struct Draft {
    /// What is granted, for the sheet that is shown first.
    title: String,
    /// What there is once it is signed.
    pub result: String,
    label: Option<String>,
    terms: GrantTerms,
    /// Hosts that can open the secret, where they are known, and how this folder knows each.
    hosts: Vec<Host>,
    recognised: Vec<String>,
    origin: Origin,
}

/// What a grant is made from.
enum Origin {
    NewKey { label: String, agent: AgentId, ceiling: Policy, key: Zeroizing<String> },
    Secret { secret: SecretId, ceiling: Policy },
    Grant(Permit),
}

/// How this folder knows each host. Nothing is sealed or granted to one whose key is not what it was.
fn recognise(session: &Session, hosts: &[Host]) -> anyhow::Result<Vec<String>> {
    let known = KnownHosts::open(session)?;
    hosts.iter().map(|host| known.recognise(host)).collect()
}

/// A grant that is on chain.
pub struct Signed {
    pub secret: Option<SecretId>,
    pub permit: Permit,
    pub outcome: Outcome,
}

impl Draft {
    /// Seals a key and grants its use.
    pub async fn of_key(session: &Session, new: NewKey, key: Zeroizing<String>) -> anyhow::Result<Self> {
        let NewKey { label, what, terms, inject, ceiling, host: ids, agent } = new;
        let agent = session.agent(agent)?;
        let ids = if ids.is_empty() { vec![HostFile::registered(&session.folder)?] } else { ids };
        let hosts = read::hosts(session, &ids).await?;
        let recognised = recognise(session, &hosts)?;
        let policy = rules::policy(&what.allow, inject, what.uses, what.body_max)?;
        let ceiling = rules::ceiling(&ceiling, &policy)?;
        let sealed_to: Vec<String> = ids.iter().map(ToString::to_string).collect();
        Ok(Self {
            title: format!("{label}, of agent {agent}"),
            result: format!("{label} is on chain, sealed to host {}", sealed_to.join(", ")),
            label: Some(label.clone()),
            terms: terms.grant(policy, ids[0], session.now_ms().await?),
            hosts,
            recognised,
            origin: Origin::NewKey { label, agent, ceiling, key },
        })
    }

    /// Grants the use of a key that is on chain.
    pub async fn of_secret(session: &Session, label: String, what: &What, terms: &Terms) -> anyhow::Result<Self> {
        let notes = Notes::open(&session.folder)?;
        let (credential, secret) = notes.credential(&label)?;
        read::check_in_force(session, &label, secret).await?;
        let ceiling = credential.ceiling.clone();
        let policy = rules::within(&ceiling, what)?;
        let (_, sealed_to) = read::recipients(session, secret).await?;
        let first = *sealed_to.first().with_context(|| format!("{label} is sealed to no host"))?;
        let hosts = read::hosts(session, &sealed_to).await?;
        Ok(Self {
            title: format!("{label}, of agent {}", credential.agent),
            result: format!("a use of {label}"),
            terms: terms.grant(policy, first, session.now_ms().await?),
            recognised: recognise(session, &hosts)?,
            hosts,
            label: Some(label),
            origin: Origin::Secret { secret, ceiling },
        })
    }

    /// Delegates a part of a grant.
    pub async fn of_grant(session: &Session, parent: Permit, what: &What, terms: &Terms) -> anyhow::Result<Self> {
        let policy = rules::within(&parent.policy, what)?;
        let above = read::lineage(session, parent.grant).await?.swap_remove(0);
        let part = format!("a part of grant {}", parent.grant);
        Ok(Self {
            title: part.clone(),
            result: part,
            label: parent.label.clone(),
            terms: terms.part_of(&above, policy, session.now_ms().await?)?,
            hosts: Vec::new(),
            recognised: Vec::new(),
            origin: Origin::Grant(parent),
        })
    }

    /// The grant in plain words, to be read before it is signed.
    pub fn sheet(&self) -> String {
        let lines: Vec<_> = self.recognised.iter().map(|known| ("host key", known.clone())).collect();
        words::grant(&self.title, &self.terms, &self.hosts) + &words::sheet(&lines)
    }

    /// Signs and sends it, and remembers its policy.
    pub async fn sign(self, session: &Session) -> anyhow::Result<Signed> {
        let Self { label, terms, hosts, origin, .. } = self;
        let policy = terms.policy.clone();
        let mut notes = Notes::open(&session.folder)?;
        let (contracts, me) = (&session.contracts, &session.me);
        let done = match origin {
            Origin::NewKey { label, agent, ceiling, key } => {
                if let Ok((_, old)) = notes.credential(&label)
                    && read::is_over(session, old).await?
                {
                    notes.forget(&label)?;
                }
                let credential = notes.begin(&label, agent, ceiling.clone())?;
                let epochs = session.standing(agent).await?.epochs;
                let sealed = seal_to(session, &credential, &label, epochs, 1, &key, &hosts)?;
                let args = AddCredential {
                    agent,
                    epochs: Some(epochs),
                    label_hash: credential.label_hash(&label),
                    ceiling,
                    envelope: Envelope::Inline(sealed.envelope),
                    wraps: sealed.wraps,
                    rotate_by_ms: 0,
                    grants: vec![terms],
                };
                let done = contracts.keys().call(me, keys::methods::add_credential, &args).await?;
                notes.finish(&label, done.value.secret.context("the contract names no secret")?);
                done
            }
            Origin::Secret { secret, ceiling } => {
                let args = GrantSecret { secret, ceiling, terms };
                contracts.keys().call(me, keys::methods::grant, &args).await?
            }
            Origin::Grant(Permit { grant: parent, policy: parent_policy, .. }) => {
                let args = Delegate { parent, parent_policy, terms };
                contracts.keys().call(me, keys::methods::delegate, &args).await?
            }
        };
        let grant = *done.value.grants.first().context("the contract names no grant")?;
        let permit = Permit { grant, policy, label };
        notes.keep(permit.clone())?;
        KnownHosts::open(session)?.remember(&hosts)?;
        Ok(Signed { secret: done.value.secret, permit, outcome: done.outcome })
    }
}
