//! The command line of `charter-localnet`, which is also near-sandbox's: `--home DIR init --fast`, then
//! `--home DIR run --rpc-addr A --network-addr B`. Without a word it does both and says where everything is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use near_crypto::{KeyType, SecretKey};
use near_primitives::types::{AccountId, ProtocolVersion};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::genesis::PROTOCOL_VERSIONS;
use crate::{Config, Faults, Genesis, Localnet, Producer, RpcServer};

/// Blocks while nothing happens come this often under `run`: nearcore's sandbox never stops making them, and programs
/// written for it may wait for the next one.
const IDLE_BLOCK: Duration = Duration::from_millis(500);

/// A NEAR chain in one process.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Writes genesis.json, config.json and key files into --home, as near-sandbox does.
    Init(InitArguments),
    /// Runs the chain in --home, as near-sandbox does: quietly, and with blocks while nothing happens.
    Run,
    /// Reads the chain in --home, which may be running.
    ViewState {
        #[command(subcommand)]
        command: ViewStateCommand,
    },
}

/// nearcore's, of five minutes.
const SLOW_EPOCH_LENGTH: u64 = 500;

#[derive(clap::Args)]
struct InitArguments {
    /// Epochs of 60 heights, as near-sandbox's; without it they have 500.
    #[arg(long)]
    fast: bool,
    /// The account that owns the supply.
    #[arg(long, default_value = "test.near")]
    account_id: AccountId,
    /// The root's key comes of this text, as near-sandbox's does: its image starts with one.
    #[arg(long)]
    test_seed: Option<String>,
}

#[derive(clap::Subcommand)]
enum ViewStateCommand {
    /// Writes all accounts, keys, code and data as a genesis.json: a chain can start from it.
    DumpState(DumpArguments),
}

#[derive(clap::Args)]
struct DumpArguments {
    /// Where to [default: output.json in --home].
    #[arg(long)]
    file: Option<PathBuf>,
    /// Write a home into the folder `output` in --home instead, with the records in a file of their own.
    #[arg(long, conflicts_with = "file")]
    stream: bool,
}

/// They mean the same wherever they stand on the command line.
#[derive(clap::Args)]
struct Options {
    /// Keep the chain in this folder; a second start resumes it.
    #[arg(long, global = true)]
    home: Option<PathBuf>,
    /// Where JSON-RPC listens [default: 127.0.0.1:3030, or what config.json says]. Port 0 takes a free one; 0.0.0.0 lets
    /// other machines in.
    #[arg(long, global = true)]
    rpc_addr: Option<String>,
    /// Accepted for near-sandbox's sake: this chain talks to no other node.
    #[arg(long, global = true)]
    network_addr: Option<String>,
    /// Make a block every so many milliseconds instead of whenever there is work.
    #[arg(long, global = true, value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    block_ms: Option<u64>,
    /// Blocks between the head and the last final block [default: 0].
    #[arg(long, global = true)]
    finality_lag: Option<u64>,
    /// Name of a new chain [default: localnet].
    #[arg(long, global = true)]
    chain_id: Option<String>,
    /// Protocol version of a new chain, 84 to 88 [default: 88].
    #[arg(long, global = true, value_parser = clap::value_parser!(ProtocolVersion).range(PROTOCOL_VERSIONS))]
    protocol_version: Option<ProtocolVersion>,
    /// Validators of a new chain, whose keys come of the root's: with more than one, epochs have ids and producers of their
    /// own, as on NEAR [default: 1].
    #[arg(long, global = true, value_parser = clap::value_parser!(u16).range(1..=100))]
    validators: Option<u16>,
    /// Heights of an epoch of a new chain; several validators need at least 4 [default: 60].
    #[arg(long, global = true, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    epoch_length: Option<u64>,
    /// What goes wrong, as JSON: {"seed": 7, "skipped_height": 0.1, …}.
    #[arg(long, global = true, value_parser = faults)]
    faults: Option<Faults>,
    /// Derive a new chain's root key from this number, and the faults if they have no seed of their own: two runs are alike.
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// Write each block to the disk before it is seen, so that a power cut takes nothing that was answered.
    #[arg(long, global = true)]
    fsync: bool,
    /// Print JSON, a line when it is ready.
    #[arg(long, global = true)]
    json: bool,
}

impl Options {
    fn genesis(&self, root_id: AccountId, test_seed: Option<String>) -> Genesis {
        let key = match test_seed.or_else(|| self.seed.map(|seed| seed.to_string())) {
            Some(seed) => SecretKey::from_seed(KeyType::ED25519, &seed),
            None => SecretKey::from_random(KeyType::ED25519),
        };
        let mut genesis = Genesis::of_root(self.chain_id.as_deref().unwrap_or("localnet"), root_id, key);
        if let Some(version) = self.protocol_version {
            genesis.config.protocol_version = version;
        }
        if let Some(length) = self.epoch_length {
            genesis.config.epoch_length = length;
        }
        genesis.with_validators(self.validators.unwrap_or(1))
    }

    fn faults(&self) -> Faults {
        let faults = self.faults.unwrap_or_default();
        Faults { seed: if faults.seed == 0 { self.seed.unwrap_or(0) } else { faults.seed }, ..faults }
    }

    /// A chain that is there keeps its name, version, validators and epochs: they decide what its blocks mean.
    fn check_against(&self, genesis: &Genesis, home: &Path) -> anyhow::Result<()> {
        let (id, version) = (&genesis.config.chain_id, genesis.config.protocol_version);
        let other_id = self.chain_id.as_ref().filter(|wanted| *wanted != id);
        anyhow::ensure!(other_id.is_none(), "the chain in {} is named {id} already", home.display());
        let other_version = self.protocol_version.filter(|wanted| *wanted != version);
        anyhow::ensure!(other_version.is_none(), "the chain in {} is of protocol version {version}", home.display());
        let (count, length) = (genesis.config.validators.len(), genesis.config.epoch_length);
        let other_count = self.validators.filter(|wanted| usize::from(*wanted) != count);
        anyhow::ensure!(other_count.is_none(), "the chain in {} has {count} validators", home.display());
        let other_length = self.epoch_length.filter(|wanted| *wanted != length);
        anyhow::ensure!(other_length.is_none(), "the chain in {} has epochs of {length} heights", home.display());
        Ok(())
    }
}

fn faults(text: &str) -> serde_json::Result<Faults> {
    serde_json::from_str(text)
}

/// Does what the command line says; returns when the chain is stopped.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { options, command } = arguments;
    if matches!(command, Some(Command::Run) | None) {
        // Meanwhile the home is read.
        std::thread::spawn(crate::chain::parameters);
    }
    let home = options.home.as_deref();
    match command {
        Some(Command::Init(init)) => {
            let home = home.context("init needs --home: the folder to write to")?;
            anyhow::ensure!(!crate::home::exists(home), "{} holds a chain already", home.display());
            let mut genesis = options.genesis(init.account_id, init.test_seed);
            if !init.fast && options.epoch_length.is_none() {
                genesis.config.epoch_length = SLOW_EPOCH_LENGTH;
            }
            crate::home::init(home, &genesis)
        }
        Some(Command::Run) => {
            let home = existing(home, "run")?;
            let (localnet, rpc) = start(&options, Some(home), Producer::InstantAndIdle(IDLE_BLOCK)).await?;
            let stop = stop_signals()?;
            if options.json {
                tell_programs(&localnet, &rpc, home);
            }
            until_stopped(rpc, stop).await
        }
        Some(Command::ViewState { command: ViewStateCommand::DumpState(dump) }) => {
            let home = existing(home, "view-state")?;
            let written = if dump.stream {
                crate::dump::write_home(home, &home.join("output"))?
            } else {
                crate::dump::write_file(home, &dump.file.unwrap_or_else(|| home.join("output.json")))?
            };
            println!("{}", written.display());
            Ok(())
        }
        None => interactive(&options, home).await,
    }
}

fn existing<'a>(home: Option<&'a Path>, command: &str) -> anyhow::Result<&'a Path> {
    let home = home.with_context(|| format!("{command} needs --home: the folder that init wrote"))?;
    anyhow::ensure!(crate::home::exists(home), "{} holds no chain: run init first", home.display());
    Ok(home)
}

async fn start(run: &Options, home: Option<&Path>, usual: Producer) -> anyhow::Result<(Localnet, RpcServer)> {
    if let Some(home) = home.filter(|home| crate::home::exists(home)) {
        run.check_against(&crate::home::genesis(home)?, home)?;
    }
    let config = Config {
        genesis: run.genesis(crate::genesis::default_root_id(), None),
        producer: run.block_ms.map(Duration::from_millis).map_or(usual, Producer::Interval),
        finality_lag: run.finality_lag.unwrap_or_default(),
        faults: run.faults(),
        home: home.map(ToOwned::to_owned),
        fsync: run.fsync,
        ..Config::default()
    };
    let localnet = Localnet::start(config).await?;
    let configured = home.map(crate::home::node_config).transpose()?.and_then(|config| config.rpc_addr);
    let addr = run.rpc_addr.clone().or(configured).unwrap_or_else(|| "127.0.0.1:3030".to_owned());
    let rpc = localnet.serve(&addr).await.with_context(|| format!("{addr} can't be listened on"))?;
    if !rpc.addr().ip().is_loopback() {
        eprintln!(
            "warning: whoever reaches {} can edit this chain's state and skip its time; there is no password",
            rpc.addr()
        );
    }
    Ok((localnet, rpc))
}

async fn interactive(run: &Options, home: Option<&Path>) -> anyhow::Result<()> {
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
