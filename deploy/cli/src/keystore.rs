//! Keys of accounts that the command made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use near_crypto::{KeyType, SecretKey};
use near_primitives::types::AccountId;

use crate::files::{read_json, write_json};

pub struct KeyStore {
    path: PathBuf,
    keys: BTreeMap<AccountId, SecretKey>,
}

impl KeyStore {
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { path: path.to_owned(), keys: read_json(path)?.unwrap_or_default() })
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

    /// The key of an account; a new one is written down before anybody uses it.
    pub fn key(&mut self, account: &AccountId) -> anyhow::Result<SecretKey> {
        if let Some(key) = self.keys.get(account) {
            return Ok(key.clone());
        }
        let key = SecretKey::from_random(KeyType::ED25519);
        self.keys.insert(account.clone(), key.clone());
        write_json(&self.path, &self.keys)?;
        Ok(key)
    }
}
