//! Chains: a network's node by its name, and the chain that commands run beside themselves.

use std::path::Path;

use anyhow::{Context, bail};
use charter_localnet::{Config, Genesis, Localnet, RpcServer};

/// A node of the network named.
pub fn node(network: &str) -> anyhow::Result<String> {
    Ok(match network {
        "localnet" => "http://127.0.0.1:3030".to_owned(),
        "testnet" => "https://rpc.testnet.near.org".to_owned(),
        "mainnet" => "https://rpc.mainnet.near.org".to_owned(),
        url if url.starts_with("http://") || url.starts_with("https://") => url.to_owned(),
        other => bail!("--chain is localnet, testnet, mainnet or a URL, not {other}"),
    })
}

/// A chain with its RPC server.
pub struct Chain {
    pub localnet: Localnet,
    pub rpc: RpcServer,
}

/// Starts or resumes the chain of a data folder.
pub async fn start(home: &Path, rpc_addr: &str) -> anyhow::Result<Chain> {
    let genesis = Genesis::new("charter-localnet");
    let config = Config { genesis, home: Some(home.to_owned()), ..Config::default() };
    let localnet = Localnet::start(config).await?;
    let rpc = localnet.serve(rpc_addr).await.with_context(|| format!("{rpc_addr} can't be listened on"))?;
    Ok(Chain { localnet, rpc })
}
