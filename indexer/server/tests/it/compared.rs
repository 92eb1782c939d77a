//! Comparing, part by part: whatever a hand does is found in tables of any length, while the tables go on.
//!
//! Lines whose removal must fail these: each arm of `misplaced` and `twice` in `verify/events.rs`, `follow` in
//! `Check::open`, `turn` and `forget_temporary_tables` in `verify/moments.rs`, `buffer_unordered` in `truth.rs`,
//! `offset` in `last_key`, `order by key` in `part::after`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use charter_client::{Rpc, sha256};
use charter_harness::Harness;
use charter_indexer::{Contract, Indexer, verify, verify_every};
use charter_types::Hash32;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor, Row};

use crate::database;
use crate::mirror::register;
use crate::node::contracts;
use crate::taken::{Scene, plain_agent};

/// Rows of a table that is compared in two parts.
const ROWS: u64 = 4_100;
/// The part's last row, and the first one of the next, counted in the order of keys.
const EDGES: [u64; 2] = [4_000, 4_001];
const EVENTS_PER_RECEIPT: usize = 250;

fn tell(scene: &Scene, contract: Contract, facts: &[Value]) {
    for facts in facts.chunks(EVENTS_PER_RECEIPT) {
        scene.node.emit(contract, facts);
    }
}

fn owner(number: u64) -> Value {
    json!({ "owner": { "account": format!("o{number}.near"), "epoch": 1, "agents": 1 } })
}

fn handle(number: u64) -> Value {
    json!({ "handle_rests": { "handle": format!("h{number}"), "until_ms": 1 } })
}

fn channel(number: u64) -> Value {
    json!({ "channel": {
        "id": Hash32(sha256(&number.to_le_bytes())), "payer": "alice.near", "payee": "bob.near", "agent": null,
        "voucher_key": "ed25519:11111111111111111111111111111111", "deposited": "10", "claimed": "0", "paid": "0",
        "refunded": "0", "withdraw_delay_ms": 1, "closes_ms": null, "closed": false,
    } })
}

/// Of one table a view lists the rows, of one a view shows them, of one only events tell.
const LONG: [&str; 3] = ["agent", "channel", "resting_handle"];

/// Tells of the row with a number.
type Fact = fn(u64) -> Value;

#[tokio::test]
async fn tables_of_more_than_a_part_are_compared_to_their_ends() {
    let scene = Scene::start().await;
    scene.node.world(|world| world.ids = ROWS);
    let facts: [(Contract, Fact); 3] =
        [(Contract::Registry, plain_agent), (Contract::Escrow, channel), (Contract::Registry, handle)];
    for (contract, fact) in facts {
        tell(&scene, contract, &(1..=ROWS).map(fact).collect::<Vec<_>>());
    }
    let report = scene.mirror().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    assert!(report.rows >= 6 * ROWS, "{} rows", report.rows);
    for table in LONG {
        let text = format!(
            "create table kept_{table} as
             select key, body, height, row_number() over (order by key) as place from {table}"
        );
        scene.pool.execute(AssertSqlSafe(text)).await.unwrap();
    }
    let [last, next] = EDGES;
    let edges = format!("(select key from kept_TABLE where place in (1, {last}, {next}, {ROWS}))");
    for (text, wrong) in [
        (format!("delete from TABLE where key in {edges}"), 4),
        (format!("update TABLE set height = height + 1 where key in {edges}"), 4),
        (format!("update TABLE set body = body || '{{\"by_hand\": 1}}' where key in {edges}"), 4),
        (
            format!(
                "insert into TABLE (key, body, height) select key || '~', body, height from TABLE where key in {edges}"
            ),
            4,
        ),
        // A whole part is gone; and all.
        (format!("delete from TABLE where key in (select key from kept_TABLE where place > {last})"), ROWS - last),
        ("delete from TABLE".to_owned(), ROWS),
    ] {
        for table in LONG {
            scene.pool.execute(AssertSqlSafe(text.replace("TABLE", table))).await.unwrap();
        }
        let report = scene.verify().await;
        assert_eq!(report.mismatches, 3 * wrong, "{text}: {:?}", report.detail);
        for table in LONG {
            let back = format!(
                "delete from {table};
                 insert into {table} (key, body, height) select key, body, height from kept_{table}"
            );
            scene.pool.execute(AssertSqlSafe(back)).await.unwrap();
        }
    }
    let report = scene.verify().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    scene.end().await;
}

/// Five events in three receipts of two blocks, and a dead letter.
async fn told() -> Scene {
    let scene = Scene::start().await;
    let logs = scene.node.world(|world| {
        let mut logs: Vec<_> = (1..=5).map(|id| world.emit(Contract::Registry, "told", &plain_agent(id))).collect();
        logs.push(world.emit_unknown(Contract::Registry));
        logs
    });
    let part = |logs: &[String]| (Contract::Registry, logs.to_vec());
    scene.node.block(vec![part(&logs[..2]), part(&logs[2..4])]);
    scene.node.block(vec![part(&logs[4..])]);
    scene.node.block(Vec::new());
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 1), "{:?}", report.detail);
    scene
}

/// What is kept beside the records.
const OWN: [&str; 4] = ["event", "dead_letter", "contract", "cursor"];

/// Does something by hand, and undoes it once `verify` has said of what it noticed it.
async fn found(scene: &Scene, text: &str, reported: &str) {
    for table in OWN {
        scene.pool.execute(AssertSqlSafe(format!("create table kept_{table} as select * from {table}"))).await.unwrap();
    }
    let changed = scene.pool.execute(AssertSqlSafe(text.to_owned())).await.unwrap().rows_affected();
    assert_eq!(changed, 1, "{text}");
    let report = scene.verify().await;
    assert!(report.detail.iter().any(|line| line.starts_with(reported)), "{text}: {:?}", report.detail);
    for table in OWN {
        let back =
            format!("delete from {table}; insert into {table} select * from kept_{table}; drop table kept_{table}");
        scene.pool.execute(AssertSqlSafe(back)).await.unwrap();
    }
}

#[tokio::test]
async fn whatever_a_hand_does_to_an_event_is_found() {
    let scene = told().await;
    for (text, reported) in [
        // What is in the log, too.
        ("set event = 'sold' where seq = 3", "3 of registry: its columns say something else"),
        ("set by_account = 'eve.near' where seq = 3", "3 of registry: its columns say something else"),
        ("set body = '{}' where seq = 3", "3 of registry: its columns say something else"),
        // What is not: blocks in their order, a receipt in one block, its logs together and in their order.
        ("set height = 1 where seq = 3", "3 of registry: its block is before that of"),
        ("set height = 1 where seq = 2", "2 of registry: its block is before that of"),
        ("set height = 3 where seq = 4", "4 of registry: its receipt was in a block before"),
        ("set height = 5 where seq = 5", "5 of registry: its block is none of those"),
        ("set height = -1 where seq = 1", "1 of registry: its block is none of those"),
        ("set receipt_id = 'r' where seq = 3", "3 of registry: its receipt has no hash"),
        (
            "set receipt_id = (select receipt_id from event where seq = 1), log_index = 5 where seq = 4",
            "4 of registry: other receipts stand between",
        ),
        ("set log_index = 7 where seq = 1", "2 of registry: its place in its receipt is not behind"),
        ("set log_index = -1 where seq = 1", "1 of registry: its place in its receipt is none"),
    ] {
        found(&scene, &format!("update event {text}"), &format!("event {reported}")).await;
    }
    for (text, reported) in [
        ("update event set seq = 9 where seq = 5", "events of registry: "),
        ("update event set seq = -5 where seq = 5", "events of registry: "),
        ("update event set log = log || '\\x20' where seq = 5", "events of registry: "),
        ("update event set contract = 'keys' where seq = 5", "events of keys: "),
        ("update event set contract = 'other' where seq = 5", "events of other: "),
        ("delete from event where seq = 5", "events of registry: "),
        (
            "insert into event select height, receipt_id, 9, contract, seq, event, by_account, log, body from event
             where seq = 5",
            "events of registry: ",
        ),
    ] {
        found(&scene, text, reported).await;
    }
    assert_eq!(scene.verify().await.mismatches, 0);
    scene.end().await;
}

#[tokio::test]
async fn whatever_a_hand_does_to_what_is_kept_beside_is_found() {
    let scene = told().await;
    for (text, reported) in [
        ("delete from dead_letter", "events of registry: "),
        ("update dead_letter set log = log || '\\x20'", "events of registry: "),
        ("update dead_letter set seq = 9", "event 9 of registry: 6 was due"),
        ("update dead_letter set height = 1", "event 6 of registry: its block is before that of"),
        (
            "insert into dead_letter
             select height, receipt_id, log_index, contract, 'by hand', log, null::bigint from event where seq = 5",
            "dead letters that are events, too: the table has 1",
        ),
        ("update contract set seq = 5 where name = 'registry'", "head of registry: "),
        ("update contract set head = decode(repeat('09', 32), 'hex') where name = 'keys'", "head of keys: "),
        ("update contract set account = 'eve.near' where name = 'keys'", "account of keys: "),
        ("delete from contract where name = 'registry'", "head of registry: the table has nothing"),
        ("update cursor set height = height + 1", "height of the cursor: "),
        ("update cursor set time_ms = time_ms + 1", "time of the cursor: "),
    ] {
        found(&scene, text, reported).await;
    }
    assert_eq!(scene.verify().await.mismatches, 0);
    scene.end().await;
}

#[tokio::test]
async fn others_get_the_connection_between_parts() {
    let scene = Scene::start().await;
    tell(&scene, Contract::Registry, &(0..3 * ROWS).map(handle).collect::<Vec<_>>());
    scene.open().await.catch_up().await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (pool, is_done) = (scene.pool.clone(), Arc::clone(&done));
    let other = tokio::spawn(async move {
        let mut answers = 0;
        while !is_done.load(Ordering::Relaxed) {
            pool.execute("select 1").await.unwrap();
            answers += 1;
        }
        answers
    });
    assert_eq!(scene.verify().await.mismatches, 0);
    done.store(true, Ordering::Relaxed);
    // Whoever waits for a connection gets it once it is given back: that is after each 2,000 events and 4,000 rows.
    let answers = other.await.unwrap();
    assert!(answers >= 10, "{answers}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_go_on_meanwhile_compare_equal() {
    let harness = Harness::start().await.unwrap();
    let alice = harness.account("alice").await.unwrap();
    let test = database::open().await;
    let (pool, rpc) = (test.database.pool().clone(), Rpc::new(harness.rpc_url()));
    register(&harness, &alice, "https://a/0").await;
    let mut indexer = Indexer::open(rpc.clone(), &harness.contracts, pool.clone()).await.unwrap();
    indexer.catch_up().await.unwrap();
    let (stop, contracts) = (Arc::new(AtomicBool::new(false)), harness.contracts.clone());
    let stopped = Arc::clone(&stop);
    let comparing = tokio::spawn(async move {
        let mut reports = Vec::new();
        while !stopped.load(Ordering::Relaxed) {
            reports.push(verify(&pool, &rpc, &contracts).await.unwrap().unwrap());
        }
        reports
    });
    for number in 1..=12 {
        register(&harness, &alice, &format!("https://a/{number}")).await;
        indexer.catch_up().await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let reports = comparing.await.unwrap();
    for report in &reports {
        assert_eq!(report.mismatches, 0, "{report:?}");
        assert!(report.height <= report.to_height, "{report:?}");
    }
    // On a server each is of one moment; with one connection the tables went on.
    let went_on = reports.iter().any(|report| report.height < report.to_height);
    assert_eq!(went_on, std::env::var_os("PGHOST").is_none(), "{reports:?}");
    drop(indexer);
    test.close().await;
}

#[tokio::test]
async fn a_comparison_that_was_given_up_and_another_at_once_are_in_nobodys_way() {
    let scene = told().await;
    // It is given up when its shadows are made.
    scene.node.lie(|method, _, answer| {
        if method == "query" {
            *answer = json!({ "error": { "message": "gone" } });
        }
    });
    verify(&scene.pool, &scene.node.rpc(), &contracts()).await.unwrap_err();
    scene.node.stop_lying();
    let (one, other) = tokio::join!(scene.verify(), scene.verify());
    assert_eq!((one.mismatches, other.mismatches), (0, 0), "{one:?} {other:?}");
    scene.end().await;
}

#[tokio::test]
async fn views_are_asked_many_at_once_and_not_all() {
    let scene = Scene::start().await;
    tell(&scene, Contract::Registry, &(1..=96).map(owner).collect::<Vec<_>>());
    scene.open().await.catch_up().await.unwrap();
    // None is answered before 32 are asked.
    scene.node.gather(32);
    let compared = tokio::time::timeout(Duration::from_mins(1), scene.verify()).await;
    assert_eq!(compared.expect("they are asked one after the other").mismatches, 0);
    assert_eq!(scene.node.most_at_once(), 32);
    scene.end().await;
}

#[tokio::test]
async fn tables_are_compared_again_and_again_and_each_time_is_noted() {
    let scene = told().await;
    scene.pool.execute("delete from verify_run").await.unwrap();
    let (pool, rpc) = (scene.pool.clone(), scene.node.rpc());
    let schedule = tokio::spawn(async move { verify_every(&pool, &rpc, &contracts(), Duration::from_millis(1)).await });
    let noted = async |mismatches: &'static str| {
        let text = format!("select count(*) from verify_run where mismatches {mismatches}");
        while sqlx::query(AssertSqlSafe(text.clone())).fetch_one(&scene.pool).await.unwrap().get::<i64, _>(0) < 2 {}
    };
    noted("= 0").await;
    scene.pool.execute("update agent set height = height + 1 where key = '1'").await.unwrap();
    noted("= 1").await;
    // A node that is gone ends nothing.
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    scene.node.lie(move |_, _, answer| {
        counted.fetch_add(1, Ordering::Relaxed);
        *answer = json!({ "error": { "message": "gone" } });
    });
    while count.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    scene.node.stop_lying();
    scene.pool.execute("delete from verify_run").await.unwrap();
    noted("= 1").await;
    schedule.abort();
    let _ = schedule.await;
    scene.end().await;
}
