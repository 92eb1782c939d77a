//! The chain that commands run beside themselves.

use std::path::Path;

use anyhow::Context;
use charter_localnet::{Config, Genesis, Localnet, RpcServer};

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
