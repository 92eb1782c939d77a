//! What this machine remembers of credentials: names and policies. The chain keeps only their hashes. No plaintext.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail};
use charter_client::sha256;
use charter_types::Hash32;
use charter_types::keys::{GrantId, Policy, SecretId};
use charter_types::registry::AgentId;
use serde::{Deserialize, Serialize};

use crate::files::{DataDir, read_json, write_json};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    pub agent: AgentId,
    /// What the name is hashed with, so that nobody can guess it from the chain; hex.
    pub salt: String,
    pub ceiling: Policy,
    /// None until the chain has it.
    pub secret: Option<SecretId>,
}

impl Credential {
    pub fn label_hash(&self, label: &str) -> Hash32 {
        Hash32(sha256(&[self.salt.as_bytes(), label.as_bytes()].concat()))
    }
}

/// A grant as whoever holds it needs it: hosts ask for the policy, because the chain keeps only its hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Permit {
    pub grant: GrantId,
    pub policy: Policy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
struct Stored {
    credentials: BTreeMap<String, Credential>,
    permits: BTreeMap<GrantId, Permit>,
}

pub struct Notes {
    path: PathBuf,
    stored: Stored,
}

impl Notes {
    pub fn open(folder: &DataDir) -> anyhow::Result<Self> {
        let path = folder.credentials();
        Ok(Self { stored: read_json(&path)?.unwrap_or_default(), path })
    }

    /// A credential that the chain has.
    pub fn credential(&self, label: &str) -> anyhow::Result<(&Credential, SecretId)> {
        let known =
            self.stored.credentials.get(label).with_context(|| format!("there is no credential {label} here"))?;
        Ok((known, known.secret.with_context(|| format!("{label} did not get on chain: `charter key add` it again"))?))
    }

    /// The salt of a name, kept before the chain hears of it: a second try finds what the first one left.
    pub fn begin(&mut self, label: &str, agent: AgentId, ceiling: Policy) -> anyhow::Result<Credential> {
        let known = self.stored.credentials.get(label);
        if known.is_some_and(|known| known.secret.is_some()) {
            bail!("there is a credential {label} already: `charter key rotate` gives it a new value");
        }
        let salt = known.map_or_else(|| hex::encode(rand::random::<[u8; 16]>()), |known| known.salt.clone());
        let credential = Credential { agent, salt, ceiling, secret: None };
        self.stored.credentials.insert(label.to_owned(), credential.clone());
        self.save()?;
        Ok(credential)
    }

    pub fn finish(&mut self, label: &str, secret: SecretId) -> anyhow::Result<()> {
        if let Some(credential) = self.stored.credentials.get_mut(label) {
            credential.secret = Some(secret);
        }
        self.save()
    }

    pub fn keep(&mut self, permit: Permit) -> anyhow::Result<()> {
        self.stored.permits.insert(permit.grant, permit);
        self.save()
    }

    pub fn permit(&self, grant: GrantId) -> anyhow::Result<&Permit> {
        let known = self.stored.permits.get(&grant);
        known.with_context(|| format!("the policy of grant {grant} is not known here: name --permit FILE"))
    }

    /// Grants of a credential, the newest first.
    pub fn permits_of<'a>(&'a self, label: &'a str) -> impl Iterator<Item = &'a Permit> {
        self.stored.permits.values().rev().filter(move |permit| permit.label.as_deref() == Some(label))
    }

    /// The name of a secret, if it was made here.
    pub fn label_of(&self, secret: SecretId) -> Option<&str> {
        self.stored.credentials.iter().find(|(_, known)| known.secret == Some(secret)).map(|(label, _)| label.as_str())
    }

    fn save(&self) -> anyhow::Result<()> {
        write_json(&self.path, &self.stored)
    }
}
