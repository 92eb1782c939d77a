//! The command line of `charter-localnet`, which is also near-sandbox's: `--home DIR init --fast`, then
//! `--home DIR run --rpc-addr A --network-addr B`. Without a word it does both and says where everything is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Config, Faults, Genesis, Localnet, Producer, RpcServer};

/// Blocks while nothing happens come this often under `run`: nearcore's sandbox never stops making them, and programs
/// written for it may wait for the next one.
const IDLE_BLOCK: Duration = Duration::from_millis(500);

/// A NEAR chain in one process.
#[derive(clap::Args)]
pub struct Arguments {
    /// Keep the chain in this folder; a second start resumes it.
    #[arg(long, global = true)]
    home: Option<PathBuf>,
    #[command(flatten)]
    run: RunArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Writes genesis.json, config.json and key files into --home, as near-sandbox does.
    Init(InitArguments),
    /// Runs the chain in --home, as near-sandbox does: quietly, and with blocks while nothing happens.
    Run(RunArguments),
}

#[derive(clap::Args)]
struct InitArguments {
    /// Accepted for near-sandbox's sake: making this chain is always fast.
    #[arg(long)]
    fast: bool,
    #[arg(long, default_value = "localnet")]
    chain_id: String,
    /// The account that owns the supply.
    #[arg(long, default_value = "test.near")]
    account_id: near_account_id::AccountId,
}

#[derive(clap::Args)]
struct RunArguments {
    /// Where JSON-RPC listens [default: 127.0.0.1:3030, or what config.json says]. Port 0 takes a free one.
    #[arg(long)]
    rpc_addr: Option<String>,
    /// Accepted for near-sandbox's sake: this chain talks to no other node.
    #[arg(long)]
    network_addr: Option<String>,
    /// Make a block every so many milliseconds instead of whenever there is work.
    #[arg(long)]
    block_ms: Option<u64>,
    /// Blocks between the head and the last final block [default: 0].
    #[arg(long)]
    finality_lag: Option<u64>,
    /// [default: localnet].
    #[arg(long)]
    chain_id: Option<String>,
    /// What goes wrong, as JSON: {"seed": 7, "skipped_height": 0.1, …}.
    #[arg(long, value_parser = faults)]
    faults: Option<Faults>,
    /// Print JSON, a line when it is ready.
    #[arg(long)]
    json: bool,
}

impl RunArguments {
    /// Options mean the same before `run` and behind it.
    fn or(self, before: Self) -> Self {
        Self {
            rpc_addr: self.rpc_addr.or(before.rpc_addr),
            network_addr: self.network_addr.or(before.network_addr),
            block_ms: self.block_ms.or(before.block_ms),
            finality_lag: self.finality_lag.or(before.finality_lag),
            chain_id: self.chain_id.or(before.chain_id),
            faults: self.faults.or(before.faults),
            json: self.json || before.json,
        }
    }
}

fn faults(text: &str) -> serde_json::Result<Faults> {
    serde_json::from_str(text)
}

/// Does what the command line says; returns when the chain is stopped.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let home = arguments.home.as_deref();
    match arguments.command {
        Some(Command::Init(init)) => {
            let home = home.context("init needs --home: the folder to write to")?;
            anyhow::ensure!(!crate::home::exists(home), "{} holds a chain already", home.display());
            let key = near_crypto::SecretKey::from_random(near_crypto::KeyType::ED25519);
            crate::home::init(home, &Genesis::of_root(&init.chain_id, init.account_id, key))
        }
        Some(Command::Run(run)) => {
            let run = run.or(arguments.run);
            let home = home.context("run needs --home: the folder that init wrote")?;
            anyhow::ensure!(crate::home::exists(home), "{} holds no chain: run init first", home.display());
            let (localnet, rpc) = start(&run, Some(home), Producer::InstantAndIdle(IDLE_BLOCK)).await?;
            let stop = stop_signals()?;
            if run.json {
                tell_programs(&localnet, &rpc, home);
            }
            until_stopped(rpc, stop).await
        }
        None => interactive(&arguments.run, home).await,
    }
}

async fn start(run: &RunArguments, home: Option<&Path>, usual: Producer) -> anyhow::Result<(Localnet, RpcServer)> {
    let config = Config {
        genesis: Genesis::new(run.chain_id.as_deref().unwrap_or("localnet")),
        producer: run.block_ms.map(Duration::from_millis).map_or(usual, Producer::Interval),
        finality_lag: run.finality_lag.unwrap_or_default(),
        faults: run.faults.unwrap_or_default(),
        home: home.map(ToOwned::to_owned),
        ..Config::default()
    };
    let localnet = Localnet::start(config).await?;
    let configured = home.map(crate::home::node_config).transpose()?.and_then(|config| config.rpc_addr);
    let addr = run.rpc_addr.clone().or(configured).unwrap_or_else(|| "127.0.0.1:3030".to_owned());
    let rpc = localnet.serve(&addr).await.with_context(|| format!("{addr} can't be listened on"))?;
    Ok((localnet, rpc))
}

async fn interactive(run: &RunArguments, home: Option<&Path>) -> anyhow::Result<()> {
    let (localnet, rpc) = start(run, home, Producer::Instant).await?;
    // Without a home the keys are kept until the end, so that other tools can read them.
    let kept = tempfile::tempdir()?;
    let keys = home.unwrap_or(kept.path());
    if home.is_none() {
        localnet.write_keys(keys)?;
    }
    let stop = stop_signals()?;
    if run.json {
        tell_programs(&localnet, &rpc, keys);
    } else {
        tell_people(&localnet, &rpc, keys);
    }
    until_stopped(rpc, stop).await
}

fn tell_programs(localnet: &Localnet, rpc: &RpcServer, keys: &Path) {
    let ready = serde_json::json!({
        "rpc": rpc.url(),
        "address": rpc.addr().ip(),
        "port": rpc.addr().port(),
        "chain_id": localnet.chain_id(),
        "protocol_version": localnet.genesis().config.protocol_version,
        "root_account": localnet.root_id(),
        "root_key": keys.join("validator_key.json"),
    });
    println!("{ready}");
}

fn tell_people(localnet: &Localnet, rpc: &RpcServer, keys: &Path) {
    let (url, root) = (rpc.url(), localnet.root_id());
    println!("JSON-RPC      {url}");
    println!("chain         {}, protocol {}", localnet.chain_id(), localnet.genesis().config.protocol_version);
    println!("root account  {root}");
    println!("root key      {}", keys.join("validator_key.json").display());
    println!();
    println!("near-cli-rs   near config add-connection --network-name localnet --connection-name localnet \\");
    println!("                --rpc-url {url}/ --wallet-url {url}/ --explorer-transaction-url {url}/");
    println!("              near account import-account using-private-key \\");
    println!(
        "                \"$(jq -r .secret_key {})\" network-config localnet",
        keys.join("validator_key.json").display()
    );
    println!();
    println!("Ctrl-C stops it");
}

/// Ctrl-C and SIGTERM, from now on.
fn stop_signals() -> std::io::Result<[Signal; 2]> {
    Ok([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?])
}

async fn until_stopped(rpc: RpcServer, [mut interrupted, mut terminated]: [Signal; 2]) -> anyhow::Result<()> {
    tokio::select! {
        () = rpc.wait() => {}
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}
