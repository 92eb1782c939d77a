//! `charter localnet`, and the chain that other commands run beside themselves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use charter_localnet::{Config, Genesis, Localnet, Producer, RpcServer};

#[derive(clap::Args)]
pub struct Arguments {
    /// Where JSON-RPC listens. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3030")]
    rpc_addr: String,
    /// Keep the chain in this folder; a second start resumes it.
    #[arg(long)]
    home: Option<PathBuf>,
    /// Make a block every so many milliseconds instead of whenever there is work.
    #[arg(long)]
    block_ms: Option<u64>,
}

/// A chain with its RPC server.
pub struct Chain {
    pub localnet: Localnet,
    pub rpc: RpcServer,
}

/// Starts or resumes the chain of a data folder.
pub async fn start(home: &Path, rpc_addr: &str) -> anyhow::Result<Chain> {
    let genesis = Genesis { chain_id: "charter-localnet".to_owned(), ..Genesis::default() };
    let config = Config { genesis, home: Some(home.to_owned()), ..Config::default() };
    let localnet = Localnet::start(config).await?;
    let rpc = localnet.serve(rpc_addr).await.with_context(|| format!("{rpc_addr} can't be listened on"))?;
    Ok(Chain { localnet, rpc })
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let producer = arguments.block_ms.map(Duration::from_millis).map_or(Producer::Instant, Producer::Interval);
    let config = Config { producer, home: arguments.home.clone(), ..Config::default() };
    let localnet = Localnet::start(config).await?;
    let addr = &arguments.rpc_addr;
    let rpc = localnet.serve(addr).await.with_context(|| format!("{addr} can't be listened on"))?;
    println!("JSON-RPC      {}", rpc.url());
    println!("root account  {}", localnet.root_id());
    match &arguments.home {
        Some(home) => println!("root key      {}", home.join("validator_key.json").display()),
        None => println!("root key      {}", localnet.root_key()),
    }
    println!("Ctrl-C stops it");
    tokio::select! {
        () = rpc.wait() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
