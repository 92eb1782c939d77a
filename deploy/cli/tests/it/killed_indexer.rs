//! The indexer is killed at twenty random moments while the chain is busy: nothing is lost and nothing doubled.
//!
//! On the embedded database; on a server if `PGHOST` is set (as `pg_virtualenv` does).

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use charter_client::{Account, Contracts, Rpc, sha256};
use charter_harness::Harness;
use charter_indexer::{Database, Indexer, verify};
use charter_types::Hash32;
use charter_types::registry;
use charter_types::registry::Card;
use charter_types::registry::args::RegisterAgent;

use crate::process::charter;

const KILLS: u32 = 20;
/// Calls there are to lose, a kill. How fast they come is the machine's business.
const CALLS_A_KILL_MIN: u64 = 10;
/// Pause of each of the four callers: busy enough, and it leaves a core to the indexer.
const PACE: Duration = Duration::from_millis(40);

fn database_url() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok();
    let host = variable("PGHOST")?;
    let (port, user) = (variable("PGPORT")?, variable("PGUSER")?);
    let password = variable("PGPASSWORD").unwrap_or_default();
    Some(format!("postgres://{user}:{password}@{host}:{port}/{}", variable("PGDATABASE")?))
}

/// What it says goes to a file: nobody reads a pipe while it works.
fn spawn(arguments: &[String], said: &Path) -> Child {
    let said = File::create(said).unwrap();
    charter().args(["index", "run"]).args(arguments).stdout(Stdio::piped()).stderr(said).spawn().unwrap()
}

fn wait_until_indexing(child: &mut Child, said: &Path) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let Some(line) = lines.next() else {
        panic!("the indexer ended by itself: {}", std::fs::read_to_string(said).unwrap());
    };
    let line = line.unwrap();
    assert!(line.starts_with("indexing from block"), "{line}");
}

/// Registers agents as fast as it can, until told to stop.
async fn traffic(owner: Account, registry: charter_types::AccountId, stop: Arc<AtomicBool>, calls: Arc<AtomicU64>) {
    let contracts = Contracts {
        registry: registry.clone(),
        keys: registry.clone(),
        governance: registry.clone(),
        escrow: registry.clone(),
        verifier: registry,
    };
    while !stop.load(Ordering::Relaxed) {
        let number = calls.load(Ordering::Relaxed);
        let card = Card { uri: format!("https://a.example/{number}"), sha256: Hash32(sha256(&number.to_le_bytes())) };
        let args = RegisterAgent::new(card);
        contracts.registry().call(&owner, registry::methods::register_agent, &args).await.unwrap();
        calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PACE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_indexer_loses_and_doubles_nothing() {
    let harness = Harness::start().await.unwrap();
    let rpc = Rpc::new(harness.rpc_url());
    let folder = tempfile::tempdir().unwrap();
    let contracts = &harness.contracts;
    let deployment = serde_json::json!({
        "registry": contracts.registry, "keys": contracts.keys, "governance": contracts.governance,
        "verifier": contracts.verifier,
        "escrow": contracts.escrow,
    });
    std::fs::write(folder.path().join("deployment.json"), deployment.to_string()).unwrap();
    let mut place = vec![
        "--data-dir".to_owned(),
        folder.path().to_str().unwrap().to_owned(),
        "--rpc-url".to_owned(),
        harness.rpc_url(),
    ];
    if let Some(url) = database_url() {
        place.extend(["--database-url".to_owned(), url]);
    }

    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut workers = Vec::new();
    for name in ["ann", "ben", "cat", "dan"] {
        let account = harness.account(name).await.unwrap();
        let key = account.secret_key().to_string().parse().unwrap();
        let owner = Account::new(account.id().clone(), key, rpc.clone());
        let registry = harness.contracts.registry.clone();
        workers.push(tokio::spawn(traffic(owner, registry, Arc::clone(&stop), Arc::clone(&calls))));
    }
    // Where in its work each indexer is killed differs by an arbitrary amount, up to two seconds: half of them after their
    // start, half after they said that they begin to index.
    let mut pause_ms = u64::from(std::process::id());
    let said = folder.path().join("said");
    for kill in 0..KILLS {
        let mut child = spawn(&place, &said);
        if kill % 2 == 1 {
            tokio::task::block_in_place(|| wait_until_indexing(&mut child, &said));
        }
        pause_ms = (pause_ms * 7_919 + 131) % 2_000;
        tokio::time::sleep(Duration::from_millis(pause_ms + 50)).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let made = calls.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(made >= CALLS_A_KILL_MIN * u64::from(KILLS), "only {made} calls");

    // What is left is read in peace, then compared with the contracts row by row.
    let database = match database_url() {
        Some(url) => Database::connect(&url).await.unwrap(),
        None => Database::embedded(&folder.path().join("db")).await.unwrap(),
    };
    let contracts: Contracts = serde_json::from_value(deployment).unwrap();
    let mut indexer = Indexer::open(rpc.clone(), &contracts, database.pool().clone()).await.unwrap();
    let before = indexer.cursor().height;
    assert!(before > 0, "no indexer lived long enough to commit anything");
    indexer.catch_up().await.unwrap();
    let report = verify(database.pool(), &rpc, &contracts).await.unwrap().unwrap();
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    // Each registration leaves an agent row and two events; heads and owners come on top.
    let agents = calls.load(Ordering::Relaxed);
    assert!(report.rows > agents * 3, "{agents} agents, {} rows", report.rows);
    println!(
        "{KILLS} kills during {made} calls: {} rows compared, first {before} blocks by killed indexers",
        report.rows
    );
    drop(indexer);
    database.close().await;
}
