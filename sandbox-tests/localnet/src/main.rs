//! `charter-localnet`: the chain as a process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use charter_localnet::{Config, Genesis, Localnet, Producer};
use clap::Parser;

/// A NEAR chain in one process.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Where JSON-RPC listens. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3030")]
    rpc_addr: String,
    /// Keep the chain in this folder; a second start resumes it.
    #[arg(long)]
    home: Option<PathBuf>,
    /// Make a block every so many milliseconds instead of whenever there is work.
    #[arg(long)]
    block_ms: Option<u64>,
    /// Blocks between the head and the last final block.
    #[arg(long, default_value_t = 0)]
    finality_lag: u64,
    #[arg(long, default_value = "localnet")]
    chain_id: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("charter-localnet: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), charter_localnet::Error> {
    let genesis = Genesis { chain_id: arguments.chain_id, ..Genesis::default() };
    let producer = arguments.block_ms.map(Duration::from_millis).map_or(Producer::Instant, Producer::Interval);
    let home = arguments.home.clone();
    let config = Config { genesis, producer, finality_lag: arguments.finality_lag, home: arguments.home };
    let localnet = Localnet::start(config).await?;
    let rpc = localnet.serve(&arguments.rpc_addr).await?;
    println!("JSON-RPC at {}", rpc.url());
    println!("root account {} with key {}", localnet.root_id(), localnet.root_key());
    if let Some(home) = home {
        println!("key files in {}", home.display());
    }
    tokio::select! {
        () = rpc.wait() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
