//! Which account runs a command, on which chain: the profile that `charter init` writes.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use charter_client::{Account, At, Contracts, Rpc};
use charter_types::method::{Method, Of};
use charter_types::registry;
use charter_types::registry::args::AgentRef;
use charter_types::registry::{AgentId, Standing};
use charter_types::storage::StorageOf;
use charter_types::{AccountId, U128, contract, shared};
use serde::{Deserialize, Serialize};

use crate::files::keystore::KeyStore;
use crate::files::{DataDir, read_json, write_json};

/// The file that commands look for, here and in the folders above.
pub const PROFILE: &str = "charter.json";

/// The options of every command that needs a profile.
#[derive(clap::Args)]
pub struct Common {
    /// The profile that `charter init` wrote; without it `charter.json` here or in a folder above.
    #[arg(long, global = true, env = "CHARTER_PROFILE")]
    profile: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// A group of commands that need a profile.
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
    /// A node. Without one: the node of the data folder's own chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpc_url: Option<String>,
    pub account: AccountId,
    /// The agent that commands are about unless they name another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
}

/// An account at work: on a deployment, with a folder for what it has to remember.
pub struct Session {
    pub folder: DataDir,
    pub contracts: Contracts,
    pub chain_id: String,
    pub me: Account,
    pub json: bool,
    /// The file that it was opened from, with what is in it. The people of the demo have none.
    profile: Option<(PathBuf, Profile)>,
}

fn find() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder can't be read")?;
    let found = here.ancestors().map(|folder| folder.join(PROFILE)).find(|path| path.exists());
    found.with_context(|| format!("there is no {PROFILE} here or above: run `charter init` first"))
}

/// Fails if somebody else could have put a profile there: it says which node to believe and where keys are, so whoever
/// writes it sees the next key that is added.
pub fn check_place(profile: &Path) -> anyhow::Result<()> {
    // A name without a folder in front is in the current one.
    let named = profile.parent().filter(|folder| !folder.as_os_str().is_empty());
    check_owned(named.unwrap_or(Path::new(".")))?;
    if profile.exists() { check_owned(profile) } else { Ok(()) }
}

fn check_owned(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let what = std::fs::metadata(path).with_context(|| format!("{} can't be read", path.display()))?;
    // What this process makes belongs to whom it runs as.
    let me = tempfile::tempfile().and_then(|file| file.metadata()).context("no temporary file can be made")?.uid();
    ensure!(
        what.uid() == me,
        "{} belongs to somebody else (user {}), who could change {PROFILE}: work in a folder of your own",
        path.display(),
        what.uid()
    );
    ensure!(
        what.mode() & 0o022 == 0,
        "others can write {}, and so change {PROFILE}: `chmod go-w` it first",
        path.display()
    );
    Ok(())
}

impl Session {
    pub fn new(me: Account, folder: DataDir, contracts: Contracts, chain_id: String) -> Self {
        Self { folder, contracts, chain_id, me, json: false, profile: None }
    }

    pub async fn open(common: &Common) -> anyhow::Result<Self> {
        let path = common.profile.clone().map_or_else(find, Ok)?;
        // Links lead to where the file is.
        let path = path.canonicalize().with_context(|| format!("{} can't be read", path.display()))?;
        check_place(&path)?;
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
                format!(
                    "{} has no running chain: start `charter demo --serve`, or name a node with `charter init --chain`",
                    path.display()
                )
            })?,
        };
        let rpc = Rpc::new(url);
        let status: serde_json::Value = rpc.call("status", serde_json::json!([])).await?;
        let chain_id = status["chain_id"].as_str().context("the node does not say which chain it is")?.to_owned();
        let key = KeyStore::open(&folder)?.known(&profile.account);
        let none =
            || format!("{} has no key of {}: name --credentials FILE", profile.data_dir.display(), profile.account);
        let me = Account::new(profile.account.clone(), key.with_context(none)?, rpc);
        Ok(Self { json, profile: Some((path, profile)), ..Self::new(me, folder, contracts, chain_id) })
    }

    pub fn rpc(&self) -> &Rpc {
        self.me.rpc()
    }

    /// The indexer of the folder's own chain, if that is the one worked on.
    pub fn index(&self) -> anyhow::Result<Option<String>> {
        let elsewhere = self.profile.as_ref().is_some_and(|(_, profile)| profile.rpc_url.is_some());
        if elsewhere { Ok(None) } else { self.folder.index() }
    }

    /// The agent named, or the profile's.
    pub fn agent(&self, named: Option<AgentId>) -> anyhow::Result<AgentId> {
        let usual = self.profile.as_ref().and_then(|(_, profile)| profile.agent);
        named.or(usual).context("name the agent: this profile has none yet")
    }

    /// Makes an agent the one that commands are about, if there is none yet.
    pub fn adopt(&mut self, agent: AgentId) -> anyhow::Result<()> {
        if let Some((_, profile)) = &mut self.profile {
            profile.agent.get_or_insert(agent);
        }
        self.save()
    }

    /// Makes an agent the one that commands are about. Answers which one it was before, if it was another.
    pub fn turn_to(&mut self, agent: AgentId) -> anyhow::Result<Option<AgentId>> {
        let before = self.profile.as_mut().and_then(|(_, profile)| profile.agent.replace(agent));
        self.save()?;
        Ok(before.filter(|before| *before != agent))
    }

    /// Writes the profile down.
    pub fn save(&self) -> anyhow::Result<()> {
        self.profile.as_ref().map_or(Ok(()), |(path, profile)| write_json(path, profile))
    }

    /// A view's answer; an error if there is nothing of that name.
    pub async fn find<M: Method<Answer = Option<T>>, T>(
        &self,
        contract: &AccountId,
        method: M,
        args: &M::Args,
        what: &str,
    ) -> anyhow::Result<T> {
        let found = self.rpc().view(contract, method, args, At::Final).await?;
        found.with_context(|| format!("there is no {what}"))
    }

    /// Calls a method of governance that takes a bond. What of it is not free in the storage account there comes with the
    /// call.
    pub async fn call_with_bond<M: Method + Of<contract::Governance>>(
        &self,
        method: M,
        args: &M::Args,
        bond: U128,
    ) -> anyhow::Result<M::Answer> {
        let mut missing = bond.0;
        if missing > 0 {
            let asked = StorageOf { account_id: self.me.id.clone() };
            let place = &self.contracts.governance;
            let known = self.rpc().view(place, shared::methods::storage_balance_of, &asked, At::Final).await?;
            missing = missing.saturating_sub(known.map_or(0, |balance| balance.available.0));
        }
        let done = self.contracts.governance().call_with_bond(&self.me, method, args, missing).await?;
        Ok(done.value)
    }

    /// What decisions about an agent's credentials need of the registry.
    pub async fn standing(&self, agent: AgentId) -> anyhow::Result<Standing> {
        self.find(&self.contracts.registry, registry::methods::standing, &AgentRef { agent }, &format!("agent {agent}"))
            .await
    }

    /// Fails unless an account exists, before something is given to it for good.
    pub async fn check_account(&self, account: &AccountId) -> anyhow::Result<()> {
        let found = self.rpc().account(account, At::Final).await;
        found.with_context(|| format!("{account} is no account on {}", self.chain_id))?;
        Ok(())
    }

    /// The chain's clock, milliseconds.
    pub async fn now_ms(&self) -> anyhow::Result<u64> {
        Ok(self.rpc().block(At::Final).await?.header.timestamp_nanosec / 1_000_000)
    }

    /// Says what was done: a line for people, or a value for machines.
    pub fn tell(&self, value: &impl Serialize, text: &str) -> anyhow::Result<()> {
        if !self.json {
            say!("{text}");
        }
        self.tell_json(value)
    }

    /// Prints the value for machines, where people have been told already.
    pub fn tell_json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            say!("{}", serde_json::to_string(value)?);
        }
        Ok(())
    }
}
