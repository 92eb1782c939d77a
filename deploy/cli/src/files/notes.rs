//! `credentials.json`: names and policies of credentials, of which the chain keeps only the hashes. No plaintext is in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use charter_client::sha256;
use charter_host::{HttpRequest, action_of};
use charter_rules::policy::target_allows;
use charter_types::keys::{GrantId, Method, Policy, SecretId};
use charter_types::registry::AgentId;
use charter_types::{Base64Bytes, Hash32};
use serde::{Deserialize, Serialize};

use super::{DataDir, read_json, write_json};
use crate::rules;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    pub agent: AgentId,
    /// What the name is hashed with, so that nobody can guess it from the chain; hex.
    pub salt: String,
    pub ceiling: Policy,
    /// None until the credential is on chain.
    pub secret: Option<SecretId>,
}

impl Credential {
    pub fn label_hash(&self, label: &str) -> Hash32 {
        Hash32(sha256(&[self.salt.as_bytes(), label.as_bytes()].concat()))
    }
}

/// A grant with its policy. Its holder shows it to the host, because the chain keeps only the policy's hash.
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

    /// A credential that is on chain.
    pub fn credential(&self, label: &str) -> anyhow::Result<(&Credential, SecretId)> {
        let known =
            self.stored.credentials.get(label).with_context(|| format!("there is no credential {label} here"))?;
        Ok((known, known.secret.with_context(|| format!("{label} did not get on chain: `charter key add` it again"))?))
    }

    /// Writes a credential down before it is sent, so that a second try uses the salt of the first.
    pub fn begin(&mut self, label: &str, agent: AgentId, ceiling: Policy) -> anyhow::Result<Credential> {
        // Commands take a number for a grant's.
        ensure!(
            label.parse::<GrantId>().is_err(),
            "a name that is a number means a grant: call it something else than {label}"
        );
        ensure!(!label.trim().is_empty() && !label.contains(char::is_control), "a name is a word or two, in one line");
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

    /// Notes that a credential is on chain. `keep` writes it down, together with its first grant.
    pub fn finish(&mut self, label: &str, secret: SecretId) {
        if let Some(credential) = self.stored.credentials.get_mut(label) {
            credential.secret = Some(secret);
        }
    }

    /// Forgets a credential that is retired, and what was granted of it.
    pub fn forget(&mut self, label: &str) -> anyhow::Result<()> {
        self.stored.credentials.remove(label);
        self.stored.permits.retain(|_, permit| permit.label.as_deref() != Some(label));
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

    /// A grant's permit: from the file named, or as it is remembered here.
    pub fn permit_or_file(&self, grant: GrantId, file: Option<&Path>) -> anyhow::Result<Permit> {
        let Some(path) = file else { return self.permit(grant).cloned() };
        let permit: Option<Permit> = read_json(path)?;
        let permit = permit.with_context(|| format!("{} does not exist", path.display()))?;
        ensure!(permit.grant == grant, "{} is about grant {}, not {grant}", path.display(), permit.grant);
        Ok(permit)
    }

    /// The grant to use for a request, and the whole URL. `key` is a grant's number or a key's name; of a key's grants the
    /// newest that allows the request is taken.
    pub fn permit_for(
        &self,
        key: &str,
        method: Method,
        url: &str,
        file: Option<&Path>,
    ) -> anyhow::Result<(Permit, String)> {
        let candidates: Vec<Permit> = match key.parse() {
            Ok(grant) => vec![self.permit_or_file(grant, file)?],
            Err(_) => self.permits_of(key).cloned().collect(),
        };
        let newest = candidates.first().with_context(|| format!("there is no grant of {key} here"))?;
        let allowed = candidates.iter().find_map(|permit| Some((permit.clone(), target(permit, method, url)?)));
        // A whole URL that no grant allows is asked for all the same: the host says why not.
        match allowed.or_else(|| Some((newest.clone(), url.to_owned()))).filter(|(_, url)| url.contains("://")) {
            Some(found) => Ok(found),
            None => bail!("no grant of {key} allows {url}: name the whole URL to hear why"),
        }
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

/// The URL that a path means under a grant, if one of the grant's targets allows it.
fn target(permit: &Permit, method: Method, url: &str) -> Option<String> {
    permit.policy.targets.iter().find_map(|target| {
        let url = if url.contains("://") { url.to_owned() } else { format!("{}{url}", rules::origin(target)) };
        let request = HttpRequest { method, url: url.clone(), headers: Vec::new(), body: Base64Bytes::default() };
        target_allows(target, &action_of(&request).ok()?).then_some(url)
    })
}
