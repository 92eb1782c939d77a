//! The key host's files: its seed, the tokens with which agents ask it, and its socket.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use charter_host::{Door, HostKeys, Tokens};
use charter_types::AccountId;
use charter_types::keys::{Asker, HostId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{DataDir, read_json, write_json};

/// `host.json`. Its seed opens everything that is sealed to the host.
#[derive(Serialize, Deserialize)]
pub struct HostFile {
    /// None until the host is registered.
    pub id: Option<HostId>,
    pub operator: AccountId,
    seed: Zeroizing<String>,
}

impl HostFile {
    /// A new host's file, not written yet.
    pub fn new(operator: AccountId) -> Self {
        let mut seed = Zeroizing::new([0_u8; 64]);
        rand::RngCore::fill_bytes(&mut rand::rngs::OsRng, seed.as_mut());
        Self { id: None, operator, seed: Zeroizing::new(hex::encode(seed.as_ref())) }
    }

    fn path(folder: &DataDir) -> anyhow::Result<PathBuf> {
        Ok(folder.host()?.join("host.json"))
    }

    pub fn read(folder: &DataDir) -> anyhow::Result<Option<Self>> {
        read_json(&Self::path(folder)?)
    }

    pub fn write(&self, folder: &DataDir) -> anyhow::Result<()> {
        write_json(&Self::path(folder)?, self)
    }

    /// The id of the folder's host.
    pub fn registered(folder: &DataDir) -> anyhow::Result<HostId> {
        let id = Self::read(folder)?.and_then(|file| file.id);
        id.context("name a host with --host, or make one: `charter host init`")
    }

    pub fn keys(&self) -> anyhow::Result<HostKeys> {
        HostKeys::from_hex(&self.seed).context("the host's seed can't be read")
    }
}

pub fn socket(folder: &DataDir) -> anyhow::Result<PathBuf> {
    Ok(folder.host()?.join("host.sock"))
}

fn listening_path(folder: &DataDir) -> anyhow::Result<PathBuf> {
    Ok(folder.host()?.join("listening.json"))
}

/// Notes the loopback address at which the host listens; none: its socket.
pub fn note_listening(folder: &DataDir, addr: Option<SocketAddr>) -> anyhow::Result<()> {
    write_json(&listening_path(folder)?, &addr)
}

/// Where the folder's host listened last.
pub fn door(folder: &DataDir) -> anyhow::Result<Door> {
    let noted: Option<Option<SocketAddr>> = read_json(&listening_path(folder)?)?;
    noted.flatten().map_or_else(|| socket(folder).map(Door::Socket), |addr| Ok(Door::Loopback(addr)))
}

pub fn tokens(folder: &DataDir) -> anyhow::Result<Tokens> {
    Ok(Tokens::at(folder.host()?.join("tokens.json")))
}

/// Makes a token with which an account asks the host.
pub fn issue(folder: &DataDir, account: AccountId) -> anyhow::Result<String> {
    tokens(folder)?.issue(Asker::Account(account)).context("the file of tokens can't be written")
}

fn own_token_path(folder: &DataDir) -> anyhow::Result<PathBuf> {
    Ok(folder.host()?.join("token.json"))
}

/// The operator's own token, if there is one.
pub fn own_token(folder: &DataDir) -> anyhow::Result<Option<String>> {
    read_json(&own_token_path(folder)?)
}

/// Makes the operator's own token, unless there is one.
pub fn issue_own(folder: &DataDir, operator: AccountId) -> anyhow::Result<()> {
    if own_token(folder)?.is_none() {
        write_json(&own_token_path(folder)?, &issue(folder, operator)?)?;
    }
    Ok(())
}
