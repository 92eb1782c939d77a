//! `charter index …`: the mirror in Postgres.

mod anchor;
mod check;
mod doctor;
mod mend;
mod open;
mod ranked;
pub mod settings;
mod status;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use charter_client::{Contracts, Rpc};
use charter_indexer::api::{BEYOND_LOOPBACK, Server};
use charter_indexer::ranking::{self, Question};
use charter_indexer::{Database, Indexer, IndexerError, Report, Seen, Start, Watch, verify, verify_every};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::files::DataDir;
use crate::log::Format;
use crate::output::{self, Progress};
use crate::units::duration_ms;
use open::{Believed, Open, Patience, Place, open, wait_for_database};

pub use open::open_database;

/// How often `run` says how far it is while it catches up.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// What an indexer that hangs ends with: `EX_TEMPFAIL` of sysexits.h, trouble that another start may mend.
const STUCK: i32 = 75;
/// After so many epochs those who produced then may have what they had at stake back, and little to lose by their
/// signatures.
const EPOCHS_MAX: u64 = 3;

// What all verbs of the mirror share. No comment of documentation: clap would take it for the group's.
#[derive(clap::Args)]
pub struct Arguments {
    /// A TOML file with options by their long names, `rpc-url = "…"`. What the command line says goes before what the
    /// environment says, and that before the file.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How the log is written on standard error. `CHARTER_LOG` says how much of it: error, warn, info, debug.
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value = "text")]
    pub log: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
pub enum Command {
    /// Mirrors final blocks until Ctrl-C. Waits for a node or a database that is not there.
    Run {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        believed: Believed,
        #[command(flatten)]
        service: Service,
    },
    /// Compares the tables with the contracts; fails if they differ. What is compared with are answers of views, which
    /// are the node's word; with a light client the block that they are asked at is proven to be the chain's.
    Verify {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        believed: Believed,
        /// Also look the end of each contract's chain of events up in its state, with a proof that leads to a proven
        /// block. Where the node can't serve one it says `unproven`: public nodes have none for contracts of more than
        /// 50 kB of state. Needs a light client.
        #[arg(long)]
        prove: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Asks each contract by a transaction how many events it has, and looks whether the tables have them all. The
    /// answer is in a proven outcome, so no node can keep an event back that came before it. `/v1/verify` and `/readyz`
    /// tell what came of it.
    Anchor {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        believed: Believed,
        #[command(flatten)]
        caller: anchor::Caller,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Serves the API over the tables as they are. With a node it says how far they are behind, and serves nothing if that
    /// is another chain's.
    Serve {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        believed: Believed,
        /// Port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8088")]
        addr: String,
        /// Print JSON, a line when it is ready.
        #[arg(long)]
        json: bool,
    },
    /// Says how far the tables are, as the database has it. Nothing is changed, and no node is asked.
    Status {
        #[command(flatten)]
        place: Place,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Says what is wrong: the database, its schema, the nodes and whether they agree, how far the tables are, room on
    /// the disk. Fails if somebody has to do something. Nothing is changed.
    Doctor {
        #[command(flatten)]
        place: Place,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lists events that could not be read or applied, and why.
    DeadLetters {
        #[command(flatten)]
        place: Place,
        /// Try them again: this version may know what an earlier one did not.
        #[arg(long)]
        retry: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Makes all tables of records again from the events, and then dead letters that can be read by now. An indexer may
    /// be at work meanwhile. It takes room for both, the old tables and the new ones; what an attempt leaves behind
    /// that is ended goes with the next one.
    Reindex {
        #[command(flatten)]
        place: Place,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ranks agents by how many owners paid for their work who have an agent of 30 days, and were paid themselves by others
    /// who have one.
    Ranking {
        #[command(flatten)]
        place: Place,
        /// `near`, or `nep141:` and a token's account.
        #[arg(long, default_value = "near")]
        asset: String,
        /// Agents to show.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=ranking::PAGE_MAX))]
        limit: i64,
        /// Go on after a page, by its `next`.
        #[arg(long)]
        after: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

// What `run` does beside mirroring. No comment of documentation: clap would take it for the verb's.
#[derive(clap::Args)]
pub struct Service {
    /// Also serve the API here. Port 0 takes a free one.
    #[arg(long)]
    serve: Option<String>,
    /// End with exit code 75 once the indexer hangs for so long while the chain goes on, so that a supervisor
    /// starts it again. Nodes that don't answer are no reason: of this time each of them gets its part, and the next one is
    /// asked.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "30s")]
    give_up_after: u64,
    /// Start an empty database behind this height instead of the first block that the node has. The contracts' first
    /// events have to come later. With --checkpoint somebody has to say it: a node could have begun where it suits. A
    /// database without any event that began later goes back to it.
    #[arg(long, value_name = "HEIGHT")]
    from: Option<u64>,
    /// Compare the tables with the contracts so often; `never` leaves it to `verify`.
    #[arg(long, value_name = "TIME", value_parser = every, default_value = "1h")]
    verify_every: Every,
    /// Print JSON, a line for each thing that is ready.
    #[arg(long)]
    json: bool,
}

/// How often something is done, if at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Every(Option<Duration>);

fn every(text: &str) -> Result<Every, String> {
    if text == "never" {
        return Ok(Every(None));
    }
    let ms = duration_ms(text).map_err(|why| format!("{why}; or never"))?;
    Ok(Every(Some(Duration::from_millis(ms))))
}

/// Ctrl-C and SIGTERM, from the moment on in which it is made.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// What `work` comes to; `None` if it was asked to stop before.
    async fn before<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.asked() => None,
            done = work => Some(done),
        }
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { config, command, .. } = arguments;
    let mut stop = Stop::new()?;
    match command {
        Command::Run { place, believed, service } => {
            // What an indexer and a comparison keep while they wait is large: here and below it is put on the heap.
            Box::pin(run_indexer(&place, believed, &service, &mut stop)).await
        }
        Command::Verify { place, believed, prove, json } => {
            let verified = stop.before(Box::pin(check::run(&place, believed, prove, json))).await;
            verified.unwrap_or_else(|| bail!("stopped before everything was compared"))
        }
        Command::Anchor { place, believed, caller, json } => {
            let anchored = stop.before(Box::pin(anchor::run(&place, believed, &caller, json))).await;
            anchored.unwrap_or_else(|| bail!("stopped before everything was compared"))
        }
        Command::Serve { place, believed, addr, json } => {
            let served = stop.before(Box::pin(run_server(&place, believed, &addr, json))).await;
            served.unwrap_or(Ok(()))
        }
        Command::Status { place, json } => {
            let told = stop.before(status::run(&place, json)).await;
            told.unwrap_or_else(|| bail!("stopped before it was done"))
        }
        Command::Doctor { place, json } => {
            let looked = stop.before(Box::pin(doctor::run(&place, config.as_deref(), json))).await;
            looked.unwrap_or_else(|| bail!("stopped before everything was looked at"))
        }
        Command::DeadLetters { place, retry, json } => {
            let listed = stop.before(mend::list_letters(&place, retry, json)).await;
            listed.unwrap_or_else(|| bail!("stopped before it was done"))
        }
        Command::Reindex { place, json } => {
            let made = stop.before(mend::reindex_tables(&place, json)).await;
            made.unwrap_or_else(|| bail!("stopped before it was done"))
        }
        Command::Ranking { place, asset, limit, after, json } => {
            let asset = Question::asset(&asset).with_context(|| format!("{asset} is no asset: near, nep141:TOKEN"))?;
            let no_place = |text: String| anyhow!("{text} is no place: `next` of another page is one");
            let after = after.map(|text| text.parse().map_err(|()| no_place(text))).transpose()?;
            let ranked = stop.before(ranked::show(&place, &Question { asset, after, limit }, json)).await;
            ranked.unwrap_or_else(|| bail!("stopped before it was done"))
        }
    }
}

/// Compares the tables with the contracts. An empty database proves nothing, and is an error.
pub async fn compare(database: &Database, rpc: &Rpc, contracts: &Contracts) -> anyhow::Result<Report> {
    let report = verify(database.pool(), rpc, contracts).await?;
    report.context("the database is empty: nothing to compare")
}

/// Says where the API is, once it is.
fn tell_ready(addr: SocketAddr, json: bool) {
    let url = format!("http://{addr}");
    if json {
        println!("{}", json!({ "api": url, "address": addr.ip(), "port": addr.port() }));
    } else {
        println!("API at {url}");
    }
    if !addr.ip().is_loopback() {
        output::warn(&format!("{BEYOND_LOOPBACK}."));
    }
}

async fn run_indexer(place: &Place, believed: Believed, service: &Service, stop: &mut Stop) -> anyhow::Result<()> {
    let Some(opened) = stop.before(open(place, Patience::Waits)).await else { return Ok(()) };
    let opened = opened?;
    let result = mirror(&opened, believed, service, stop).await;
    let Open { database, _chain, .. } = opened;
    if let Err(error) = &result
        && matches!(error.downcast_ref::<IndexerError>(), Some(IndexerError::Stuck { .. }))
    {
        // What hangs could also keep the database from being closed, and the program from ending.
        let _ = output::fail(error, service.json);
        std::process::exit(STUCK);
    }
    database.close().await;
    result
}

async fn mirror(opened: &Open, believed: Believed, service: &Service, stop: &mut Stop) -> anyhow::Result<()> {
    let Open { contracts, rpc, database, .. } = opened;
    let Service { serve, give_up_after, from, verify_every: Every(every), json } = service;
    let (pool, watch) = (database.pool(), Watch::default());
    let trust = believed.resolve(database, rpc).await?;
    let begun = Indexer::open_as(rpc.clone(), contracts, pool.clone(), Start { from: *from, trust });
    let Some(indexer) = stop.before(begun).await else { return Ok(()) };
    let mut indexer = indexer?.watched_by(watch.clone()).given_up_after(Duration::from_millis(*give_up_after));
    if let Some(epochs) = indexer.epochs().filter(|epochs| *epochs > EPOCHS_MAX) {
        output::warn(&format!(
            "the block to go on from was {epochs} epochs old: who produced then may have little to lose by other \
             signatures now. Compare the newest block with another source."
        ));
    }
    let from = indexer.cursor().height;
    if *json {
        println!("{}", json!({ "indexing_from": from }));
    } else {
        println!("indexing from block {from}");
    }
    let server = match serve {
        Some(addr) => Some(Server::start(pool.clone(), addr, watch.clone()).await?),
        None => None,
    };
    if let Some(server) = &server {
        tell_ready(server.addr, *json);
    }
    let compare = async {
        match every {
            Some(every) => verify_every(pool, rpc, contracts, *every).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        done = indexer.run(stop.asked()) => Ok(done?),
        () = report(&watch, from, Progress::new(*json)) => Ok(()),
        () = compare => Ok(()),
    }
}

/// Says now and then how far the tables are, until they are where the chain is.
async fn report(watch: &Watch, from: u64, progress: Progress) {
    let mut changes = watch.subscribe();
    let (mut reported, mut at, mut behind) = (from, Instant::now(), true);
    while changes.changed().await.is_ok() {
        let Seen { head: Some(head), indexed: Some(height), .. } = changes.borrow_and_update().clone() else {
            continue;
        };
        // The newest block can be proven once the next one stands.
        let lag = head.saturating_sub(height);
        if lag <= 1 {
            if behind {
                progress.step("index", &format!("block {height}: that is all there is"));
            }
            (reported, at, behind) = (height, Instant::now(), false);
        } else if at.elapsed() >= REPORT_EVERY {
            let passed = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
            let rate = height.saturating_sub(reported).saturating_mul(1_000) / passed;
            progress.step("index", &format!("block {height} of {head}: {rate} blocks a second, {lag} to go"));
            (reported, at, behind) = (height, Instant::now(), true);
        }
    }
}

async fn run_server(place: &Place, believed: Believed, addr: &str, json: bool) -> anyhow::Result<()> {
    ensure!(
        place.rpc_url.is_some() || believed.is_default(),
        "whom to believe means nothing without a node: --rpc-url"
    );
    let folder = DataDir::new(&place.data_dir)?;
    let database = wait_for_database(&folder, place.database_url.as_deref()).await?;
    let pool = database.pool().clone();
    let server = match &place.rpc_url {
        Some(url) => {
            let rpc = Rpc::new(url.clone());
            let trust = believed.resolve(&database, &rpc).await?;
            Server::start_beside_as(pool, addr, rpc, trust).await?
        }
        None => Server::start(pool, addr, Watch::default()).await?,
    };
    tell_ready(server.addr, json);
    server.wait().await;
    database.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Every, every};

    #[test]
    fn a_schedule_is_a_time_or_never() {
        assert_eq!(every("90s"), Ok(Every(Some(Duration::from_secs(90)))));
        assert_eq!(every("never"), Ok(Every(None)));
        for wrong in ["", "0s", "hourly", "-1h"] {
            let refused = every(wrong).unwrap_err();
            assert!(refused.ends_with("; or never"), "{refused}");
        }
    }
}
