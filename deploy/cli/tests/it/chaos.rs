//! The indexer, and the PostgreSQL server it writes to, are killed at random moments, some of them in the middle of an
//! insert or of a commit, while a chain on which things fail is busy: nothing is lost and nothing doubled. What was to
//! come is read from the chain's own outcomes.
//!
//! On a server if `PGHOST` names one of this machine (as `pg_virtualenv` does); else on the embedded database, which is
//! part of the process and dies with it. `cargo xtask chaos` plays more, on a server of its own.

mod figures;
mod killer;
mod load;
mod nodes;
mod program;
mod recorder;
mod server;

use std::path::Path;
use std::time::Duration;

use charter_client::{Contracts, Rpc};
use charter_harness::Harness;
use charter_indexer::{Database, Indexer, Report, verify};
use charter_localnet::chain::ChainOptions;
use charter_localnet::{Localnet, Producer};

use killer::{Killer, Place};
use load::{KINDS, Load};
use nodes::Nodes;
use recorder::{Difference, Logged, first_difference};
use server::Server;

const KILLS: u32 = 20;
/// Calls there are to lose, a kill. How fast they come is the machine's business.
const CALLS_A_KILL_MIN: u64 = 10;
/// How often a node takes the place of the one that stands still, and how often somebody hears how far it is.
const REST: u32 = 10;
/// Blocks between the head and the last final block, so that heads can lose.
const FINALITY_LAG: u64 = 2;
/// Blocks after the last call: all that was done before can be proven then.
const BLOCKS_AFTER: u32 = 20;

/// What `cargo xtask chaos` asks for.
pub struct Wanted {
    kills: u32,
    seed: u64,
    own_server: bool,
    /// Slowest resumption but for one in a hundred.
    resume_ms_max: Option<u64>,
    report: Option<String>,
}

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} can't be {text}")))
}

impl Wanted {
    fn read() -> Self {
        Self {
            kills: variable("CHARTER_KILLS").unwrap_or(KILLS),
            seed: variable("CHARTER_CHAOS_SEED").unwrap_or_else(rand::random),
            own_server: variable("CHARTER_CHAOS_SERVER").unwrap_or(false),
            resume_ms_max: variable("CHARTER_RESUME_MS_MAX"),
            report: variable("CHARTER_CHAOS_REPORT"),
        }
    }
}

/// The same contracts on a chain where blocks fail.
async fn failing(harness: &Harness, seed: u64) -> Localnet {
    let localnet = harness.localnet().expect("the chain has to be in this process");
    let mut chain = localnet.with(|chain| chain.fork()).await.unwrap();
    let faults = nodes::of_blocks(seed);
    chain.options = ChainOptions { finality_lag: FINALITY_LAG, faults, ..ChainOptions::default() };
    Localnet::of_chain(chain, Producer::Instant).unwrap()
}

fn place(folder: &Path, contracts: &Contracts, node: &str, server: Option<&Server>) -> Place {
    std::fs::write(folder.join("deployment.json"), serde_json::to_string(contracts).unwrap()).unwrap();
    let mut arguments = vec!["--data-dir", folder.to_str().unwrap(), "--rpc-url", node];
    if let Some(server) = server {
        arguments.extend(["--database-url", server.url.as_str()]);
    }
    arguments.into_iter().map(str::to_owned).collect()
}

/// What is left is read in peace, and compared with the contracts row by row; then the events, which are compared with
/// the chain's own.
async fn read_in_peace(
    folder: &Path,
    contracts: &Contracts,
    rpc: &Rpc,
    server: Option<&Server>,
) -> (Vec<Logged>, Report) {
    let database = match server {
        Some(server) => Database::connect(&server.url).await.unwrap(),
        None => Database::embedded(&folder.join("db")).await.unwrap(),
    };
    let mut indexer = Indexer::open(rpc.clone(), contracts, database.pool().clone()).await.unwrap();
    assert!(indexer.cursor().height > 0, "no indexer lived long enough to commit anything");
    indexer.catch_up().await.unwrap();
    let report = verify(database.pool(), rpc, contracts).await.unwrap().unwrap();
    drop(indexer);
    let events = recorder::in_database(database.pool()).await;
    database.close().await;
    (events, report)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_when_no_event_is_lost_and_none_doubled() {
    let wanted = Wanted::read();
    eprintln!("chaos: {} kills, seed {}", wanted.kills, wanted.seed);
    let harness = Harness::start().await.unwrap();
    let people = load::people(&harness).await;
    let contracts = harness.contracts.clone();
    let localnet = failing(&harness, wanted.seed).await;
    // For the load and for comparing: what fails there would prove nothing.
    let calm = localnet.serve("127.0.0.1:0").await.unwrap();
    let rpc = Rpc::new(calm.url());
    let mut nodes = Nodes::start(&localnet, wanted.seed).await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::find(wanted.own_server, folder.path()).await;
    let place = place(folder.path(), &contracts, &nodes.url, server.as_ref());

    let load = Load::start(people, &contracts, &rpc);
    let mut killer = Killer::start(place, server, wanted.seed);
    for kill in 0..wanted.kills {
        if kill.is_multiple_of(REST) {
            nodes.stand_still().await;
        }
        tokio::task::block_in_place(|| killer.kill());
        if (kill + 1).is_multiple_of(REST) {
            eprintln!("chaos: {} of {}: {}, {} calls", kill + 1, wanted.kills, killer.figures, load.done().calls());
        }
    }
    let (server, mut figures) = tokio::task::block_in_place(|| killer.finish());
    let done = load.stop().await;
    for _ in 0..BLOCKS_AFTER {
        localnet.cheats().advance_time(Duration::from_secs(1)).await.unwrap();
    }

    let (in_database, report) = read_in_peace(folder.path(), &contracts, &rpc, server.as_ref()).await;
    let on_chain = recorder::on_chain(&localnet, &contracts).await;
    let difference = Difference::of(&on_chain, &in_database);
    figures.compare(&wanted, &done, &difference, on_chain.len(), &report);
    figures.tell(wanted.report.as_deref());
    assert!(difference.is_none() && on_chain == in_database, "{}", first_difference(&on_chain, &in_database));
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    for kind in KINDS {
        assert!(done.by_kind.contains_key(kind), "there were no {kind}: {}", done.last_failure);
    }
    assert!(done.calls() >= CALLS_A_KILL_MIN * u64::from(wanted.kills), "only {} calls", done.calls());
    if let Some(max_ms) = wanted.resume_ms_max {
        let p99 = figures.resume_ms(99);
        assert!(p99.is_some_and(|ms| ms <= max_ms), "resumed in {p99:?} ms (p99), not in {max_ms}");
    }
}
