//! `charter init`: notes who works here, and on which chain.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use charter_client::{At, Contracts};
use charter_types::AccountId;
use serde_json::json;

use crate::chain::node;
use crate::files::DataDir;
use crate::files::keystore::{KeyFile, KeyStore};
use crate::session::{PROFILE, Profile, Session, check_place};

/// The account that works in a folder of the demo's, unless another is named.
const PERSON: &str = "alice";

#[derive(clap::Args)]
pub struct Arguments {
    /// Folder for keys and notes; with a deployment in it, if `charter demo` or `charter deploy` made one.
    #[arg(long)]
    data_dir: PathBuf,
    /// localnet, testnet, mainnet, or the URL of a node; without it the folder's own chain.
    #[arg(long)]
    chain: Option<String>,
    /// The account below which the contracts are, if the folder does not know.
    #[arg(long)]
    contracts: Option<AccountId>,
    /// Key file of the account that signs, as near-cli writes it.
    #[arg(long, conflicts_with = "account")]
    credentials: Option<PathBuf>,
    /// The account that signs, if the folder has its key [default: alice, below the account of the contracts].
    #[arg(long)]
    account: Option<AccountId>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let folder = DataDir::new(&arguments.data_dir)?;
    if let Some(root) = &arguments.contracts {
        folder.save_deployment(&Contracts::below(root)?)?;
    }
    let contracts = folder.contracts()?;
    let mut keys = KeyStore::open(&folder)?;
    let account = match (&arguments.credentials, arguments.account) {
        (Some(path), _) => {
            let file = KeyFile::read(path)?;
            keys.import(file.account_id.clone(), file.secret_key)?;
            file.account_id
        }
        (None, Some(account)) => account,
        (None, None) => {
            let (_, root) =
                contracts.registry.as_str().split_once('.').context("the contracts have no account above")?;
            format!("{PERSON}.{root}").parse()?
        }
    };
    let path = std::env::current_dir().context("the current folder can't be read")?.join(PROFILE);
    ensure!(!path.exists(), "{} is there already: remove it, or work in another folder", path.display());
    check_place(&path)?;
    let data_dir = arguments.data_dir.canonicalize()?;
    let rpc_url = arguments.chain.as_deref().map(node).transpose()?;
    let profile = Profile { data_dir, rpc_url, account, agent: None };
    let session = Session::start(path.clone(), profile, arguments.json).await?;
    // Without this check a missing account would fail later, with a less clear error.
    session
        .rpc()
        .account(&session.me.id, At::Final)
        .await
        .with_context(|| format!("{} can't be read", session.me.id))?;
    session.save()?;
    let value = json!({
        "profile": path, "account": session.me.id, "chain_id": session.chain_id, "contracts": session.contracts,
    });
    session.tell(&value, &format!("{} on {}, noted in {PROFILE}", session.me.id, session.chain_id))
}
