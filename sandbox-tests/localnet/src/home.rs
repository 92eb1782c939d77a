//! Files in `--home`: the genesis, and the keys under the names near-workspaces knows.

use std::path::Path;

use near_crypto::SecretKey;
use near_primitives::types::AccountId;
use serde::Serialize;

use crate::genesis::Genesis;

#[derive(Serialize)]
struct KeyFile<'a> {
    account_id: &'a AccountId,
    public_key: near_crypto::PublicKey,
    secret_key: &'a SecretKey,
}

const GENESIS_FILE: &str = "localnet.json";

/// The stored genesis; a new home gets `fresh`.
pub fn genesis(home: &Path, fresh: &Genesis) -> anyhow::Result<Genesis> {
    let path = home.join(GENESIS_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(serde_json::from_str(&text)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::write(&path, serde_json::to_string_pretty(fresh)?)?;
            Ok(fresh.clone())
        }
        Err(error) => Err(error.into()),
    }
}

/// `validator_key.json` and `registrar.json`.
pub fn write_keys(home: &Path, genesis: &Genesis) -> std::io::Result<()> {
    let registrar = crate::genesis::registrar_id();
    for (name, account_id) in [("validator_key.json", &genesis.root_id), ("registrar.json", &registrar)] {
        let secret_key = &genesis.root_key;
        let public_key = secret_key.public_key();
        let file = KeyFile { account_id, public_key, secret_key };
        std::fs::write(home.join(name), serde_json::to_string_pretty(&file)?)?;
    }
    Ok(())
}
