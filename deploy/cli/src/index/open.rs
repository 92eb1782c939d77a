//! What the verbs of the mirror work with: a deployment, a node and whom to believe, a database.

use std::path::PathBuf;

use anyhow::{bail, ensure};
use charter_client::{Contracts, Rpc};
use charter_indexer::{Database, Trust, has_head};
use near_primitives::hash::CryptoHash;

use crate::chain::{self, Chain};
use crate::files::DataDir;

#[derive(clap::Args)]
pub struct Place {
    /// Folder with the deployment, the chain and the embedded database.
    #[arg(long)]
    pub data_dir: PathBuf,
    /// A node, or several with commas between them, which are compared; without it the folder's own chain is started.
    #[arg(long)]
    pub rpc_url: Option<String>,
    /// A PostgreSQL server instead of the embedded database.
    #[arg(long)]
    pub database_url: Option<String>,
}

// Whom to believe. No comment of documentation: clap would take it for the verb's.
#[derive(Clone, Copy, clap::Args)]
pub struct Believed {
    /// Believe the validators who sign for blocks, and no node: from the block with this hash on, of which you know from
    /// elsewhere that it is the chain's. It has to be an epoch old. What was verified is kept, so that later starts need
    /// neither this nor --trust-node, one of which is needed for a node on another machine.
    #[arg(long, value_name = "HASH", value_parser = block_hash, conflicts_with = "trust_node")]
    checkpoint: Option<CryptoHash>,
    /// Believe the node which blocks are the chain's. That is the default for the folder's own chain and for a node on this
    /// machine, if the database has verified nothing yet.
    #[arg(long)]
    trust_node: bool,
}

fn block_hash(text: &str) -> Result<CryptoHash, String> {
    text.parse().map_err(|_| "expected the hash of a block: 32 bytes in base58".to_owned())
}

impl Believed {
    /// Whether nothing was said.
    pub fn is_default(self) -> bool {
        self.checkpoint.is_none() && !self.trust_node
    }

    /// Whom to believe, with this database and this node.
    pub async fn resolve(self, database: &Database, rpc: &Rpc) -> anyhow::Result<Trust> {
        if self.trust_node {
            return Ok(Trust::Node);
        }
        if let Some(hash) = self.checkpoint {
            return Ok(Trust::Checkpoint(hash));
        }
        if has_head(database.pool()).await? {
            return Ok(Trust::Stored);
        }
        if !rpc.is_near() {
            bail!(
                "whom should the index believe? --checkpoint HASH names a block that you know to be the chain's, an \
                 epoch old; --trust-node believes the node"
            );
        }
        Ok(Trust::Node)
    }
}

pub async fn open_database(folder: &DataDir, url: Option<&str>) -> anyhow::Result<Database> {
    Ok(match url {
        Some(url) => Database::try_connect(url).await?,
        None => Database::embedded(&folder.database()).await?,
    })
}

/// The same, for whoever goes on for long: a server that is not there is waited for.
pub async fn wait_for_database(folder: &DataDir, url: Option<&str>) -> anyhow::Result<Database> {
    match url {
        Some(url) => Ok(Database::connect(url).await?),
        None => open_database(folder, None).await,
    }
}

/// The same, for whoever changes nothing: its schema is left as it is. `None`: the folder has none.
pub async fn look_at_database(folder: &DataDir, url: Option<&str>) -> anyhow::Result<Option<Database>> {
    Ok(match url {
        Some(url) => Some(Database::look(url).await?),
        None if folder.database().exists() => Some(Database::look_embedded(&folder.database()).await?),
        None => None,
    })
}

/// What the verbs work with. A chain that was started for it stops with it.
pub struct Open {
    pub contracts: Contracts,
    pub rpc: Rpc,
    pub database: Database,
    pub _chain: Option<Chain>,
}

/// Whether a database that is not there is waited for.
#[derive(Clone, Copy)]
pub enum Patience {
    Waits,
    Fails,
}

pub async fn open(place: &Place, patience: Patience) -> anyhow::Result<Open> {
    let folder = DataDir::new(&place.data_dir)?;
    let contracts = folder.contracts()?;
    let (rpc, chain) = if let Some(url) = &place.rpc_url {
        (Rpc::new(url.clone()), None)
    } else {
        ensure!(folder.chain().exists(), "{} has no chain: pass --rpc-url", place.data_dir.display());
        let chain = chain::start(&folder.chain(), "127.0.0.1:0").await?;
        (Rpc::new(chain.rpc.url()), Some(chain))
    };
    let url = place.database_url.as_deref();
    let database = match patience {
        Patience::Waits => wait_for_database(&folder, url).await?,
        Patience::Fails => open_database(&folder, url).await?,
    };
    Ok(Open { contracts, rpc, database, _chain: chain })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Believed;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        believed: Believed,
    }

    #[test]
    fn a_checkpoint_is_a_hash_and_nobody_believes_a_node_beside_it() {
        let hash = "11111111111111111111111111111111";
        let parse = |arguments: &[&str]| {
            let parsed = Arguments::try_parse_from([&["index"][..], arguments].concat());
            parsed.map(|arguments| arguments.believed.is_default())
        };
        assert!(matches!(parse(&[]), Ok(true)));
        for good in [&["--trust-node"][..], &["--checkpoint", hash]] {
            assert!(matches!(parse(good), Ok(false)), "{good:?}");
        }
        for wrong in [&["--checkpoint", hash, "--trust-node"][..], &["--checkpoint", "latest"], &["--checkpoint"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
