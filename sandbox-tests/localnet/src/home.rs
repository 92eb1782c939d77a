//! Files in `--home`, under the names that nearcore, near-sandbox and near-workspaces know.

use std::path::{Path, PathBuf};

use anyhow::Context;
use near_crypto::SecretKey;
use near_primitives::state_record::StateRecord;
use near_primitives::types::AccountId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::genesis::{Genesis, GenesisFile};

/// A key in a file. Other tools write `private_key`.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    account_id: AccountId,
    public_key: near_crypto::PublicKey,
    #[serde(alias = "private_key")]
    secret_key: SecretKey,
}

/// What this chain reads of nearcore's `config.json`.
#[derive(Clone, Debug, Default)]
pub struct NodeConfig {
    /// Where JSON-RPC listens if nobody says otherwise.
    pub rpc_addr: Option<String>,
    /// Longest request body, in bytes.
    pub body_bytes_max: Option<usize>,
}

/// nearcore's limit on a request body of JSON-RPC.
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

const GENESIS_FILE: &str = "genesis.json";
const VALIDATOR_FILE: &str = "validator_key.json";
const CONFIG_FILE: &str = "config.json";
const RECORDS_FILE: &str = "records.json";
/// Where nearcore's `config.json` names a file of records.
const RECORDS_FIELD: &str = "genesis_records_file";

/// The log of blocks, in the folder that nearcore's users know to delete to start over.
pub fn log(home: &Path) -> PathBuf {
    home.join("data").join("blocks.log")
}

/// Whether a chain lives in this folder.
pub fn exists(home: &Path) -> bool {
    home.join(GENESIS_FILE).exists()
}

/// Writes what a chain starts from: `genesis.json`, `config.json`, and the keys.
pub fn init(home: &Path, genesis: &Genesis) -> anyhow::Result<()> {
    make(home, genesis, &config(), &genesis.to_file())
}

/// The same with the records in a file that `config.json` names, as nearcore does where there are many.
pub fn init_with_records_beside(home: &Path, genesis: Genesis) -> anyhow::Result<()> {
    let mut config = config();
    config[RECORDS_FIELD] = json!(RECORDS_FILE);
    create(home)?;
    write(home, RECORDS_FILE, &genesis.records)?;
    let without = GenesisFile { config: genesis.config.clone(), records: Vec::new() };
    make(home, &genesis, &config, &without)
}

/// The genesis comes last: a folder that has it has the rest.
fn make(home: &Path, genesis: &Genesis, config: &Value, file: &GenesisFile) -> anyhow::Result<()> {
    create(home)?;
    write_keys(home, genesis)?;
    write(home, CONFIG_FILE, config)?;
    write(home, GENESIS_FILE, file)
}

fn create(home: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(home).with_context(|| format!("{} can't be made", home.display()))
}

/// Brings what is in the folder to the medium, its names included. Blocks do so by themselves.
pub fn sync(home: &Path) -> std::io::Result<()> {
    let home = &home.canonicalize()?;
    for folder in [home.parent(), Some(home), log(home).parent()].into_iter().flatten() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    for entry in std::fs::read_dir(home)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::File::open(entry.path())?.sync_all()?;
        }
    }
    Ok(())
}

fn config() -> Value {
    json!({
        "genesis_file": GENESIS_FILE,
        "validator_key_file": VALIDATOR_FILE,
        "node_key_file": "node_key.json",
        "rpc": { "addr": "127.0.0.1:3030", "limits_config": { "json_payload_max_size": BODY_BYTES_MAX } },
    })
}

/// Reads the chain's start back, as `init` or somebody's editor left it.
pub fn genesis(home: &Path) -> anyhow::Result<Genesis> {
    let key: KeyFile = read(home, VALIDATOR_FILE)?;
    let mut file: GenesisFile = read(home, GENESIS_FILE)?;
    if home.join(CONFIG_FILE).exists() {
        let config: Value = read(home, CONFIG_FILE)?;
        if let Some(name) = config[RECORDS_FIELD].as_str() {
            file.records.extend(read::<Vec<StateRecord>>(home, name)?);
        }
    }
    Genesis::from_file(file, key.secret_key).map_err(|text| anyhow::anyhow!(text))
}

pub fn node_config(home: &Path) -> anyhow::Result<NodeConfig> {
    if !home.join(CONFIG_FILE).exists() {
        return Ok(NodeConfig::default());
    }
    let config: Value = read(home, CONFIG_FILE)?;
    let rpc = &config["rpc"];
    let bytes = rpc["limits_config"]["json_payload_max_size"].as_u64();
    Ok(NodeConfig {
        rpc_addr: rpc["addr"].as_str().map(ToOwned::to_owned),
        body_bytes_max: bytes.and_then(|bytes| usize::try_from(bytes).ok()),
    })
}

/// `validator_key.json`, `node_key.json` and `registrar.json`, all with the root account's key.
pub fn write_keys(home: &Path, genesis: &Genesis) -> anyhow::Result<()> {
    let (root, registrar) = (genesis.root_id(), &crate::genesis::registrar_id());
    for (name, account_id) in [(VALIDATOR_FILE, root), ("node_key.json", root), ("registrar.json", registrar)] {
        let secret_key = genesis.root_key.clone();
        let public_key = secret_key.public_key();
        write(home, name, &KeyFile { account_id: account_id.clone(), public_key, secret_key })?;
    }
    Ok(())
}

fn read<T: DeserializeOwned>(home: &Path, name: &str) -> anyhow::Result<T> {
    let path = home.join(name);
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} can't be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not what nearcore would write", path.display()))
}

fn write(home: &Path, name: &str, content: &impl Serialize) -> anyhow::Result<()> {
    write_at(&home.join(name), content)
}

/// Writes JSON for nearcore's tools and people, whole or not at all.
pub fn write_at(path: &Path, content: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(content)?;
    let is_file = !path.exists() || path.symlink_metadata().is_ok_and(|found| found.is_file());
    let new = path.with_extension("json.new");
    // Through a link, or into a pipe, as it is.
    let written = if is_file {
        std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path))
    } else {
        std::fs::write(path, text)
    };
    written.with_context(|| format!("{} can't be written", path.display()))
}
