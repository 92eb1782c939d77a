//! `keys.json`: the NEAR keys of accounts that the folder works with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use near_crypto::{KeyType, SecretKey};
use near_primitives::types::AccountId;
use serde::Deserialize;

use super::{DataDir, read_json, write_json};

/// An account's key file as near-cli writes it.
#[derive(Deserialize)]
pub struct KeyFile {
    pub account_id: AccountId,
    #[serde(alias = "private_key")]
    pub secret_key: SecretKey,
}

impl KeyFile {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is no key file with account_id and private_key", path.display()))
    }
}

pub struct KeyStore {
    path: PathBuf,
    keys: BTreeMap<AccountId, SecretKey>,
}

impl KeyStore {
    pub fn open(folder: &DataDir) -> anyhow::Result<Self> {
        let path = folder.keys();
        Ok(Self { keys: read_json(&path)?.unwrap_or_default(), path })
    }

    /// The key of an account, if the folder has it.
    pub fn known(&self, account: &AccountId) -> Option<SecretKey> {
        self.keys.get(account).cloned()
    }

    /// Keeps a key that was made elsewhere.
    pub fn import(&mut self, account: AccountId, key: SecretKey) -> anyhow::Result<()> {
        self.keys.insert(account, key);
        write_json(&self.path, &self.keys)
    }

    /// The key of an account. A new one is written down before anybody uses it.
    pub fn key(&mut self, account: &AccountId) -> anyhow::Result<SecretKey> {
        if let Some(key) = self.known(account) {
            return Ok(key);
        }
        let key = SecretKey::from_random(KeyType::ED25519);
        self.import(account.clone(), key.clone())?;
        Ok(key)
    }
}
