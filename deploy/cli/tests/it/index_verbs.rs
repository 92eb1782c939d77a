//! `charter index …` as a process: what it says when it is ready, how far it is, and that it ends when asked to.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use charter_harness::Harness;
use charter_indexer::Database;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::process::{charter, run, text};

pub fn note_deployment(folder: &Path, harness: Option<&Harness>) {
    let deployment = match harness {
        Some(harness) => serde_json::to_string(&harness.contracts).unwrap(),
        None => r#"{"registry":"r.near","keys":"k.near","governance":"g.near","escrow":"e.near","verifier":"v.near"}"#
            .to_owned(),
    };
    std::fs::write(folder.join("deployment.json"), deployment).unwrap();
}

/// With an environment that speaks of a server: the embedded database has nothing to do with it.
pub fn start(arguments: &[&str]) -> Child {
    charter()
        .env("PGPORT", "1")
        .env("PGSSLMODE", "require")
        .arg("index")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends a signal and waits for the end, which is a good one.
pub fn ends_well(mut child: Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{signal}: {status}");
}

#[test]
fn the_indexer_ends_well_while_it_waits_for_a_node_that_never_answers() {
    for signal in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        note_deployment(folder.path(), None);
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        silent.set_nonblocking(true).unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let mut child = start(&["run", "--data-dir", folder.path().to_str().unwrap(), "--rpc-url", &url]);
        // Once it has connected it waits for an answer.
        let asking = loop {
            if let Ok((asking, _)) = silent.accept() {
                break asking;
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended before it asked");
            std::thread::yield_now();
        };
        ends_well(child, signal);
        drop(asking);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_says_where_it_is_and_that_there_is_no_more() {
    let harness = Harness::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    note_deployment(folder.path(), Some(&harness));
    let (path, url) = (folder.path().to_str().unwrap(), harness.rpc_url());
    let mut child = start(&["run", "--data-dir", path, "--rpc-url", &url, "--serve", "127.0.0.1:0"]);
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut reported = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    assert!(first.starts_with("indexing from block "), "{first}");
    let api = said.next().unwrap().unwrap();
    let api = api.strip_prefix("API at ").unwrap().to_owned();
    let done = tokio::task::block_in_place(|| reported.find(|line| line.as_ref().unwrap().contains("there is")));
    let done = done.unwrap().unwrap();
    assert!(done.contains("index  block "), "{done}");
    let status: Value = reqwest::get(format!("{api}/v1/status")).await.unwrap().json().await.unwrap();
    assert!(status["height"].is_u64() && status["lag_blocks"].is_u64(), "{status}");
    ends_well(child, "-INT");
}

/// A database of its own on the server that `PGHOST` names, if one does.
async fn on_server() -> Option<String> {
    let host = std::env::var("PGHOST").ok()?;
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let base = format!("postgres://{}:{}@{host}:{}", variable("PGUSER"), variable("PGPASSWORD"), variable("PGPORT"));
    let mut admin = PgConnection::connect(&format!("{base}/{}", variable("PGDATABASE"))).await.unwrap();
    let name = format!("stuck_{}", std::process::id());
    admin.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
    Some(format!("{base}/{name}"))
}

/// Nodes that don't answer are gone past, so that what hangs is a database: a server's, where somebody holds a lock.
#[tokio::test(flavor = "multi_thread")]
async fn an_indexer_that_hangs_says_where_and_ends_so_that_it_is_started_again() {
    let Some(database) = on_server().await else { return };
    let harness = Harness::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    note_deployment(folder.path(), Some(&harness));
    let (path, url) = (folder.path().to_str().unwrap(), harness.rpc_url());
    let place = ["index", "run", "--data-dir", path, "--rpc-url", &url, "--database-url", &database];
    let mut command = charter();
    command.args(place).args(["--give-up-after", "2s"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = tokio::task::block_in_place(|| said.next().unwrap().unwrap());
    assert!(first.starts_with("indexing from block "), "{first}");
    let mut hand = PgConnection::connect(&database).await.unwrap();
    hand.execute("begin").await.unwrap();
    hand.execute("select height from cursor for update").await.unwrap();
    harness.make_blocks(4).await.unwrap();
    let ended = tokio::task::block_in_place(|| child.wait_with_output().unwrap());
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(75), "{said}");
    assert!(said.contains("committing to the database"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_indexer_at_work_compares_again_and_again() {
    let harness = Harness::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    note_deployment(folder.path(), Some(&harness));
    let (path, url) = (folder.path().to_str().unwrap(), harness.rpc_url());
    let place = ["run", "--data-dir", path, "--rpc-url", &url, "--serve", "127.0.0.1:0", "--json"];
    let mut child = start(&[place.as_slice(), &["--verify-every", "100ms"]].concat());
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = said.find(|line| line.as_ref().unwrap().contains("\"api\"")).unwrap().unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let verified = format!("{}/v1/verify", ready["api"].as_str().unwrap());
    let last = async || reqwest::get(&verified).await.unwrap().json::<Value>().await.unwrap();
    // Twice: the first one is not the only one.
    for _ in 0..2 {
        let before = last().await["run"].clone();
        let run = loop {
            let run = last().await;
            if run["run"] != before {
                break run;
            }
        };
        assert!(run["mismatches"] == 0 && run["rows"].as_u64().unwrap() > 0, "{run}");
    }
    ends_well(child, "-TERM");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_say_for_machines_where_they_are_and_warn_who_lets_others_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (listens, address) in [("127.0.0.1:0", "127.0.0.1"), ("0.0.0.0:0", "0.0.0.0")] {
        let mut child = start(&["serve", "--data-dir", path, "--addr", listens, "--json"]);
        let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["address"], address, "{ready}");
        let url = format!("http://127.0.0.1:{}/healthz", ready["port"]);
        assert_eq!(reqwest::get(url).await.unwrap().text().await.unwrap(), "ok");
        let mut said = child.stderr.take().unwrap();
        ends_well(child, "-TERM");
        let mut text = String::new();
        said.read_to_string(&mut text).unwrap();
        assert_eq!(text.contains("listens beyond loopback"), address == "0.0.0.0", "{text}");
    }
}

#[test]
fn a_ranking_is_shown_and_says_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let shown = run(&["index", "ranking", "--data-dir", path, "--asset", "nep141:usdt.near", "--json"]);
    assert_eq!(text(&shown.stdout), "{\"items\":[],\"next\":null}\n", "{}", text(&shown.stderr));
    for (option, value, expected) in [
        ("--asset", "usdt.near", "near, nep141:TOKEN"),
        ("--after", "7", "`next` of another page"),
        ("--limit", "0", "1..=100"),
    ] {
        let refused = run(&["index", "ranking", "--data-dir", path, option, value]);
        assert!(!refused.status.success() && text(&refused.stderr).contains(expected), "{}", text(&refused.stderr));
    }
}

#[tokio::test]
async fn dead_letters_are_listed_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::embedded(&folder.path().join("db")).await.unwrap();
    sqlx::query(
        "insert into dead_letter (height, receipt_id, log_index, contract, seq, reason, log)
         values (7, 'r', 0, 'registry', 3, 'version ␀0', 'EVENT_JSON:{}')",
    )
    .execute(database.pool())
    .await
    .unwrap();
    database.close().await;
    let path = folder.path().to_str().unwrap();
    let listed = run(&["index", "dead-letters", "--data-dir", path]);
    assert_eq!(text(&listed.stdout), "block 7, registry, event 3: version \0\n", "{}", text(&listed.stderr));
    let tried = run(&["index", "dead-letters", "--data-dir", path, "--retry", "--json"]);
    let tried: Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!((&tried["applied"], tried["dead_letters"].as_array().unwrap().len()), (&0.into(), 1), "{tried}");
    assert_eq!(tried["dead_letters"][0]["reason"], "it is of another standard", "{tried}");
}

#[tokio::test]
async fn tables_are_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let empty = run(&["index", "reindex", "--data-dir", path]);
    assert!(text(&empty.stderr).contains("the database is empty"), "{}", text(&empty.stderr));
    let database = Database::embedded(&folder.path().join("db")).await.unwrap();
    // Rows that no event speaks of.
    for damage in [
        "insert into cursor (height, hash, chain_id) values (7, decode(repeat('00', 32), 'hex'), 'told')",
        "insert into agent (key, body, height) values ('1', '{}', 7)",
    ] {
        sqlx::query(damage).execute(database.pool()).await.unwrap();
    }
    database.close().await;
    let made = run(&["index", "reindex", "--data-dir", path, "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!((&made["height"], &made["events"], &made["dead_letters"]["left"]), (&7.into(), &0.into(), &0.into()));
    let made = run(&["index", "reindex", "--data-dir", path]);
    assert!(text(&made.stdout).starts_with("block 7: ") && text(&made.stdout).ends_with("from 0 events\n"));
    let database = Database::embedded(&folder.path().join("db")).await.unwrap();
    let left = sqlx::query("select 1 from agent").fetch_all(database.pool()).await.unwrap();
    assert_eq!(left.len(), 0);
    database.close().await;
}
