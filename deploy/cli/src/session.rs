//! Who runs a command, on which chain: what `charter init` wrote down.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use charter_client::{Account, At, Contracts, Rpc};
use charter_types::AccountId;
use charter_types::registry::AgentId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::{DataDir, read_json, write_json};
use crate::keystore::KeyStore;

/// The file that commands look for, here and in the folders above.
pub const PROFILE: &str = "charter.json";

/// What all commands of an operator take.
#[derive(clap::Args)]
pub struct Common {
    /// The profile that `charter init` wrote; without it `charter.json` here or in a folder above.
    #[arg(long, global = true, env = "CHARTER_PROFILE")]
    profile: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// A group of an operator's commands.
#[derive(clap::Args)]
pub struct Group<C: clap::Subcommand> {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: C,
}

/// What `charter init` notes. No key is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    pub data_dir: PathBuf,
    /// A node; none: the one that the data folder's own chain runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpc_url: Option<String>,
    pub account: AccountId,
    /// The agent that commands are about when they name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
}

/// A profile at work.
pub struct Session {
    pub folder: DataDir,
    pub contracts: Contracts,
    pub chain_id: String,
    pub me: Account,
    pub json: bool,
    profile: Profile,
    path: PathBuf,
}

fn find() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder can't be read")?;
    let found = here.ancestors().map(|folder| folder.join(PROFILE)).find(|path| path.exists());
    found.with_context(|| format!("there is no {PROFILE} here or above: run `charter init` first"))
}

impl Session {
    pub async fn open(common: &Common) -> anyhow::Result<Self> {
        let path = common.profile.clone().map_or_else(find, Ok)?;
        let profile: Profile = read_json(&path)?.with_context(|| format!("{} does not exist", path.display()))?;
        Self::start(path, profile, common.json).await
    }

    /// Opens a profile and asks its node which chain it is.
    pub async fn start(path: PathBuf, profile: Profile, json: bool) -> anyhow::Result<Self> {
        if !profile.data_dir.exists() {
            bail!("{} does not exist any more: run `charter init` again", profile.data_dir.display());
        }
        let folder = DataDir::new(&profile.data_dir)?;
        let contracts = folder.contracts()?;
        let url = match &profile.rpc_url {
            Some(url) => url.clone(),
            None => folder.node()?.with_context(|| {
                format!("{} has no running chain: start `charter demo --serve` or name --rpc-url", path.display())
            })?,
        };
        let rpc = Rpc::new(url);
        let status: serde_json::Value = rpc.call("status", serde_json::json!([])).await?;
        let chain_id = status["chain_id"].as_str().context("the node does not say which chain it is")?.to_owned();
        let key = KeyStore::open(&folder.keys())?.known(&profile.account);
        let none =
            || format!("{} has no key of {}: name --credentials FILE", profile.data_dir.display(), profile.account);
        let me = Account::new(profile.account.clone(), key.with_context(none)?, rpc);
        Ok(Self { folder, contracts, chain_id, me, json, profile, path })
    }

    pub fn rpc(&self) -> &Rpc {
        self.me.rpc()
    }

    /// The agent named, or the profile's.
    pub fn agent(&self, named: Option<AgentId>) -> anyhow::Result<AgentId> {
        named.or(self.profile.agent).context("name the agent: this profile has none yet")
    }

    /// Makes an agent the one that commands are about, if there is none yet.
    pub fn adopt(&mut self, agent: AgentId) -> anyhow::Result<()> {
        if self.profile.agent.is_none() {
            self.profile.agent = Some(agent);
            self.save()?;
        }
        Ok(())
    }

    pub fn save(&self) -> anyhow::Result<()> {
        write_json(&self.path, &self.profile)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A view that has to know what it is asked about.
    pub async fn find<T: DeserializeOwned>(
        &self,
        contract: &AccountId,
        method: &str,
        args: &impl Serialize,
        what: &str,
    ) -> anyhow::Result<T> {
        let found: Option<T> = self.rpc().raw_view(contract, method, args, At::Final).await?;
        found.with_context(|| format!("there is no {what}"))
    }

    /// All pages of a list that is ordered by id.
    pub async fn all<T: DeserializeOwned>(
        &self,
        contract: &AccountId,
        method: &str,
        id: impl Fn(&T) -> u64,
    ) -> anyhow::Result<Vec<T>> {
        let mut rows: Vec<T> = Vec::new();
        loop {
            let from = rows.last().map_or(0, |row| id(row) + 1);
            let page = charter_types::Page { from, limit: None };
            let found: Vec<T> = self.rpc().raw_view(contract, method, &page, At::Final).await?;
            if found.is_empty() {
                return Ok(rows);
            }
            rows.extend(found);
        }
    }

    /// The chain's clock, milliseconds.
    pub async fn now_ms(&self) -> anyhow::Result<u64> {
        Ok(self.rpc().block(At::Final).await?.header.timestamp_nanosec / 1_000_000)
    }

    /// Says what was done: a line for people, or a value for machines.
    pub fn tell(&self, value: &impl Serialize, text: &str) -> anyhow::Result<()> {
        if !self.json {
            println!("{text}");
        }
        self.tell_json(value)
    }

    /// The value for machines, where people were told already.
    pub fn tell_json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(value)?);
        }
        Ok(())
    }
}
