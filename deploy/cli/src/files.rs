//! What a data folder holds: a module for each file that has a shape of its own.

pub mod host;
pub mod hosts;
pub mod keystore;
pub mod notes;
pub mod payments;

use std::path::{Path, PathBuf};

use anyhow::Context;
use charter_client::Contracts;
use charter_host::HttpRequest;
use charter_types::{AccountId, Hash32};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::output::know;

/// Names of files and folders in `--data-dir`.
#[derive(Clone)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    pub fn new(root: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(root).with_context(|| format!("{} can't be created", root.display()))?;
        Ok(Self { root: root.to_owned() })
    }

    /// The chain's own folder.
    pub fn chain(&self) -> PathBuf {
        self.root.join("chain")
    }

    /// The embedded database's folder.
    pub fn database(&self) -> PathBuf {
        self.root.join("db")
    }

    pub fn keys(&self) -> PathBuf {
        self.root.join("keys.json")
    }

    /// What `charter key` remembers of credentials.
    pub fn credentials(&self) -> PathBuf {
        self.root.join("credentials.json")
    }

    /// Keys of hosts as they were when the folder saw them first.
    pub fn known_hosts(&self) -> PathBuf {
        self.root.join("hosts.json")
    }

    /// Keeps a card as it was registered; the registry has its hash only.
    pub fn keep_card(&self, sha256: Hash32, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.card(sha256);
        let folder = path.parent().context("a card has a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be created", folder.display()))?;
        std::fs::write(&path, bytes).with_context(|| format!("{} can't be written", path.display()))
    }

    /// Where a card is kept, if it was registered from here.
    pub fn card(&self, sha256: Hash32) -> PathBuf {
        self.root.join("cards").join(format!("{sha256}.json"))
    }

    /// Keeps a request that waits for approval, so that whoever approves sees it: the chain has its digest only.
    pub fn keep_request(&self, digest: Hash32, request: &HttpRequest) -> anyhow::Result<PathBuf> {
        let path = self.request(digest);
        let folder = path.parent().context("a request has a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be created", folder.display()))?;
        write_json(&path, request)?;
        Ok(path)
    }

    /// Where a request is kept that was asked from here and waits for approval.
    pub fn request(&self, digest: Hash32) -> PathBuf {
        self.root.join("requests").join(format!("{digest}.json"))
    }

    /// What an account keeps of its payments through one escrow, which is known by its vouchers' domain. Only its owner can
    /// read it.
    pub fn payments(&self, account: &AccountId, domain: Hash32) -> anyhow::Result<PathBuf> {
        use std::os::unix::fs::DirBuilderExt;
        let path = self.root.join("payments").join(account.as_str()).join(domain.to_string());
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.with_context(|| format!("{} can't be created", path.display()))?;
        Ok(path)
    }

    /// What an account committed to as a worker or a reviewer, and has to reveal. Only its owner can read it.
    pub fn commitments(&self, account: &AccountId, contract: &AccountId) -> PathBuf {
        self.root.join("commitments").join(account.as_str()).join(contract.as_str())
    }

    /// Where the spec of a set of tasks is kept, if it was posted or read here.
    pub fn spec(&self, sha256: Hash32) -> PathBuf {
        self.root.join("specs").join(format!("{sha256}.json"))
    }

    /// Where the answers and salts of a set's honeypots are kept, if it was posted from here.
    pub fn honeypots(&self, root: Hash32) -> PathBuf {
        self.root.join("honeypots").join(format!("{root}.json"))
    }

    /// The key host's folder, which only its owner can read.
    pub fn host(&self) -> anyhow::Result<PathBuf> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        let path = self.root.join("host");
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.with_context(|| format!("{} can't be created", path.display()))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
        Ok(path)
    }

    /// Notes where the folder's own chain is listening.
    pub fn save_node(&self, url: &str) -> anyhow::Result<()> {
        write_json(&self.root.join("node.json"), &url)
    }

    /// Where the folder's own chain was listening last.
    pub fn node(&self) -> anyhow::Result<Option<String>> {
        read_json(&self.root.join("node.json"))
    }

    /// Notes where the indexer of the folder's own chain is listening.
    pub fn save_index(&self, url: &str) -> anyhow::Result<()> {
        write_json(&self.root.join("index.json"), &url)
    }

    /// Where it was listening last.
    pub fn index(&self) -> anyhow::Result<Option<String>> {
        read_json(&self.root.join("index.json"))
    }

    /// What the demo has done so far.
    pub fn demo(&self) -> PathBuf {
        self.root.join("demo.json")
    }

    /// The folder of somebody in the demo: everybody works on a machine of their own.
    pub fn person(&self, name: &str) -> anyhow::Result<Self> {
        Self::new(&self.root.join("people").join(name))
    }

    fn deployment(&self) -> PathBuf {
        self.root.join("deployment.json")
    }

    pub fn save_deployment(&self, contracts: &Contracts) -> anyhow::Result<()> {
        write_json(&self.deployment(), contracts)
    }

    /// Where the contracts are.
    pub fn contracts(&self) -> anyhow::Result<Contracts> {
        let missing =
            || format!("{} has no deployment: run `charter demo` or `charter deploy` first", self.root.display());
        let contracts: Contracts = read_json(&self.deployment())?.with_context(missing)?;
        know(&contracts);
        Ok(contracts)
    }
}

/// Reads a file that somebody named.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))
}

/// Reads a JSON file; `None` if there is none.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let value = serde_json::from_str(&text);
            Ok(Some(value.with_context(|| format!("{} can't be read", path.display()))?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} can't be read", path.display())),
    }
}

/// Replaces a JSON file as a whole, readable by its owner only.
pub fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("{} can't be written", folder.display()))?;
    file.write_all(&serde_json::to_vec_pretty(value)?)?;
    file.persist(path).with_context(|| format!("{} can't be written", path.display()))?;
    Ok(())
}
