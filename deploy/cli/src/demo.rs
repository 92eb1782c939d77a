//! `charter demo`: the whole story on a real chain, from an empty folder to a proven mirror.

mod attack;
mod canary;
mod deal;
mod grant;
mod pay;
mod register;
mod report;
mod secret;
mod state;
mod swarm;
mod task;
mod token;
mod upstream;
mod vote;
mod world;

use std::path::PathBuf;

use charter_indexer::api::Server;
use charter_indexer::{Indexer, Watch};
use clap::ValueEnum;

use crate::files::DataDir;
use crate::index::{compare, open_database};
use crate::output::{Progress, until_stopped};
use report::Summary;
use state::Step;
use world::World;

pub use state::steps_done;

#[derive(clap::Args)]
pub struct Arguments {
    /// Keep everything in this folder; a second run resumes. Without it a temporary folder is used.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Stop after this step.
    #[arg(long, value_enum, default_value_t = Step::Attack)]
    until: Step,
    /// Print one JSON object at the end instead of a table.
    #[arg(long)]
    json: bool,
    /// Keep the API up afterwards, until Ctrl-C.
    #[arg(long)]
    serve: bool,
    /// Where the API listens. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8088")]
    api_addr: String,
    /// Where the chain's JSON-RPC listens. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    rpc_addr: String,
    /// A PostgreSQL server instead of the embedded database.
    #[arg(long)]
    database_url: Option<String>,
    /// Plays no story but a crowd: so many agents, as many channels with 100 vouchers each, up to 1,000 grants that one
    /// call revokes, and as many voters. Begins with an empty folder.
    #[arg(long, conflicts_with_all = ["until", "serve"])]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=swarm::AGENTS_MAX))]
    scale: Option<u64>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Some(agents) = arguments.scale {
        return Box::pin(swarm::run(&arguments, agents)).await;
    }
    let started = std::time::Instant::now();
    let temporary = tempfile::tempdir()?;
    let root = arguments.data_dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    let folder = DataDir::new(&root)?;
    let progress = Progress::new(arguments.json);
    let mut world = World::start(&folder, &arguments.rpc_addr, progress).await?;

    progress.step("database", "opening PostgreSQL");
    let database = open_database(&folder, arguments.database_url.as_deref()).await?;
    let watch = Watch::default();
    let server = if arguments.serve {
        let server = Server::start(database.pool().clone(), &arguments.api_addr, watch.clone()).await?;
        folder.save_index(&format!("http://{}", server.addr))?;
        Some(server)
    } else {
        None
    };
    for step in Step::value_variants().iter().copied().filter(|step| *step <= arguments.until) {
        if world.state.is_done(step) {
            progress.step(&step.name(), "done before");
            continue;
        }
        let clock = std::time::Instant::now();
        play(&mut world, step).await?;
        world.state.finish(step, clock.elapsed())?;
    }

    progress.step("index", "mirroring into Postgres");
    let indexer = Indexer::open(world.rpc.clone(), &world.contracts, database.pool().clone()).await?;
    let mut indexer = indexer.watched_by(watch);
    indexer.catch_up().await?;
    progress.step("verify", "comparing every row with the contracts");
    let checked = compare(&database, &world.rpc, &world.contracts).await?;
    let summary = Summary::new(&world, &checked, started.elapsed());
    if arguments.json {
        say!("{}", serde_json::to_string(&summary)?);
    } else {
        say!("{}", summary.to_string().trim_end());
    }
    if let Some(server) = server {
        let stop = until_stopped()?;
        if arguments.json {
            let (address, port) = (server.addr.ip(), server.addr.port());
            say!("{}", serde_json::json!({ "address": address, "port": port, "rpc_url": world.rpc.url() }));
        }
        progress
            .step("serve", &format!("API at http://{}, JSON-RPC at {}; Ctrl-C stops", server.addr, world.rpc.url()));
        indexer.run(stop).await?;
        drop(server);
    }
    drop(indexer);
    database.close().await;
    anyhow::ensure!(summary.mismatches == 0, "{} mismatches between Postgres and the contracts", summary.mismatches);
    anyhow::ensure!(summary.secret_leaks == 0, "a secret leaked {} times", summary.secret_leaks);
    Ok(())
}

async fn play(world: &mut World, step: Step) -> anyhow::Result<()> {
    match step {
        Step::Deploy => world.deploy().await,
        Step::Register => register::play(world).await,
        Step::Grant => grant::play(world).await,
        Step::Secret => secret::play(world).await,
        Step::Vote => vote::play(world).await,
        Step::Pay => pay::play(world).await,
        Step::Task => task::play(world).await,
        Step::Attack => attack::play(world).await,
    }
}
