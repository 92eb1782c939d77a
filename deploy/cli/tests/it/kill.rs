//! The indexer is killed at twenty random moments while the chain is busy: nothing is lost and nothing doubled.
//!
//! On the embedded database; on a server if `PGHOST` is set (as `pg_virtualenv` does).

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use charter_client::{Account, Contracts, Rpc, sha256};
use charter_harness::Harness;
use charter_types::Hash32;
use charter_types::registry::Card;
use charter_types::registry::args::RegisterAgent;

use crate::process::{charter, run, text};

const KILLS: u32 = 20;
const CALLS_PER_SECOND_MIN: u64 = 50;

fn database_url() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok();
    let host = variable("PGHOST")?;
    let (port, user) = (variable("PGPORT")?, variable("PGUSER")?);
    let password = variable("PGPASSWORD").unwrap_or_default();
    Some(format!("postgres://{user}:{password}@{host}:{port}/{}", variable("PGDATABASE")?))
}

fn spawn(arguments: &[String]) -> Child {
    charter().args(["index", "run"]).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Registers agents as fast as it can, until told to stop.
async fn traffic(owner: Account, registry: charter_types::AccountId, stop: Arc<AtomicBool>, calls: Arc<AtomicU64>) {
    let contracts =
        Contracts { registry: registry.clone(), keys: registry.clone(), governance: registry.clone(), escrow: registry };
    while !stop.load(Ordering::Relaxed) {
        let number = calls.load(Ordering::Relaxed);
        let card = Card { uri: format!("https://a.example/{number}"), sha256: Hash32(sha256(&number.to_le_bytes())) };
        let args = RegisterAgent { card, agent_account: None, operators: Vec::new(), guardians: Vec::new() };
        contracts.register_agent(&owner, &args).await.unwrap();
        calls.fetch_add(1, Ordering::Relaxed);
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
    let began = Instant::now();
    // Where in its work each indexer is killed differs by an arbitrary amount, up to half a second after its start.
    let mut pause_ms = 37_u64;
    for _ in 0..KILLS {
        let mut child = spawn(&place);
        pause_ms = (pause_ms * 7_919 + 131) % 500;
        tokio::time::sleep(Duration::from_millis(pause_ms + 20)).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let per_second = calls.load(Ordering::Relaxed) * 1_000 / u64::try_from(began.elapsed().as_millis()).unwrap().max(1);
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(per_second >= CALLS_PER_SECOND_MIN, "only {per_second} calls a second");

    // What is left is read in peace, then compared with the contracts row by row.
    let agents = calls.load(Ordering::Relaxed);
    let mut child = spawn(&place);
    let deadline = Instant::now() + Duration::from_secs(120);
    let report = loop {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        if database_url().is_none() {
            // The embedded database serves one process.
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let arguments: Vec<&str> =
            ["index", "verify", "--json"].into_iter().chain(place.iter().map(String::as_str)).collect();
        let output = run(&arguments);
        let report: serde_json::Value = serde_json::from_str(&text(&output.stdout)).unwrap_or_default();
        assert_eq!(report["mismatches"], 0, "{report} {}", text(&output.stderr));
        // Each registration leaves an agent row and two events; owners come on top.
        if report["rows"].as_u64().unwrap_or(0) >= agents * 3 || Instant::now() > deadline {
            break report;
        }
        if database_url().is_none() {
            child = spawn(&place);
        }
    };
    let _ = child.kill();
    let _ = child.wait();
    assert!(report["rows"].as_u64().unwrap() >= agents * 3, "{agents} agents, {report}");
}
