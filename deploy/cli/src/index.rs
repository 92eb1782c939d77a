//! `charter index …`: the mirror in Postgres.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use charter_client::{Contracts, Rpc};
use charter_indexer::{Database, Indexer, Report, verify};

use crate::chain::{self, Chain};
use crate::files::DataDir;

#[derive(clap::Args)]
pub struct Place {
    /// Folder with the deployment, the chain and the embedded database.
    #[arg(long)]
    data_dir: PathBuf,
    /// A node; without it the folder's own chain is started.
    #[arg(long)]
    rpc_url: Option<String>,
    /// A PostgreSQL server instead of the embedded database.
    #[arg(long)]
    database_url: Option<String>,
}

#[derive(clap::Subcommand)]
pub enum Command {
    /// Mirrors final blocks until Ctrl-C.
    Run {
        #[command(flatten)]
        place: Place,
        /// Also serve the API here.
        #[arg(long)]
        serve: Option<String>,
    },
    /// Compares the tables with the contracts; fails if they differ.
    Verify {
        #[command(flatten)]
        place: Place,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Serves the API over the tables as they are.
    Serve {
        #[command(flatten)]
        place: Place,
        #[arg(long, default_value = "127.0.0.1:8088")]
        addr: String,
    },
}

pub async fn open_database(folder: &DataDir, url: Option<&str>) -> anyhow::Result<Database> {
    Ok(match url {
        Some(url) => Database::connect(url).await?,
        None => Database::embedded(&folder.database()).await?,
    })
}

/// What the verbs work with. A chain that was started for it stops with it.
struct Open {
    contracts: Contracts,
    rpc: Rpc,
    database: Database,
    _chain: Option<Chain>,
}

async fn open(place: &Place) -> anyhow::Result<Open> {
    let folder = DataDir::new(&place.data_dir)?;
    let contracts = folder.contracts()?;
    let (rpc, chain) = if let Some(url) = &place.rpc_url {
        (Rpc::new(url.clone()), None)
    } else {
        ensure!(folder.chain().exists(), "{} has no chain: pass --rpc-url", place.data_dir.display());
        let chain = chain::start(&folder.chain(), "127.0.0.1:0").await?;
        (Rpc::new(chain.rpc.url()), Some(chain))
    };
    let database = open_database(&folder, place.database_url.as_deref()).await?;
    Ok(Open { contracts, rpc, database, _chain: chain })
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run { place, serve } => run_indexer(&place, serve.as_deref()).await,
        Command::Verify { place, json } => run_verify(&place, json).await,
        Command::Serve { place, addr } => {
            let folder = DataDir::new(&place.data_dir)?;
            let database = open_database(&folder, place.database_url.as_deref()).await?;
            let server = charter_indexer::api::Server::start(database.pool().clone(), &addr).await?;
            println!("API at http://{}", server.addr);
            tokio::select! {
                () = server.wait() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            database.close().await;
            Ok(())
        }
    }
}

/// Compares the tables with the contracts. An empty database proves nothing, and is an error.
pub async fn compare(database: &Database, rpc: &Rpc, contracts: &Contracts) -> anyhow::Result<Report> {
    let report = verify(database.pool(), rpc, contracts).await?;
    report.context("the database is empty: nothing to compare")
}

async fn run_indexer(place: &Place, serve: Option<&str>) -> anyhow::Result<()> {
    let Open { contracts, rpc, database, _chain } = open(place).await?;
    let mut indexer = Indexer::open(rpc, &contracts, database.pool().clone()).await?;
    println!("indexing from block {}", indexer.cursor().height);
    let server = match serve {
        Some(addr) => Some(charter_indexer::api::Server::start(database.pool().clone(), addr).await?),
        None => None,
    };
    if let Some(server) = &server {
        println!("API at http://{}", server.addr);
    }
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    let result = indexer.run(stop).await;
    drop((indexer, server));
    database.close().await;
    Ok(result?)
}

async fn run_verify(place: &Place, json: bool) -> anyhow::Result<()> {
    let Open { contracts, rpc, database, _chain } = open(place).await?;
    let report = compare(&database, &rpc, &contracts).await;
    database.close().await;
    let report = report?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("block {}: {} rows compared, {} mismatches", report.height, report.rows, report.mismatches);
        for line in &report.detail {
            println!("  {line}");
        }
    }
    if report.mismatches > 0 {
        bail!("{} mismatches between the tables and the contracts", report.mismatches);
    }
    Ok(())
}
