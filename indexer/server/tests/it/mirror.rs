//! The tables say what the contracts say, again and again.

use charter_client::Rpc;
use charter_harness::arguments::{DEPOSIT, card};
use charter_harness::{Caller, Harness, call, ok};
use charter_indexer::{Indexer, IndexerError, verify};
use charter_types::Nothing;
use charter_types::registry::args::{AgentRef, RegisterAgent};
use charter_types::registry::methods as registry;
use near_workspaces::Account;
use sqlx::Row;

use crate::database;

pub async fn register(harness: &Harness, owner: &Account, uri: &str) {
    let args = RegisterAgent::new(card(uri));
    ok(owner, &harness.contracts.registry, registry::register_agent, &args, DEPOSIT).await;
}

async fn snapshot(pool: &sqlx::PgPool) -> Vec<String> {
    let rows = sqlx::query(
        "select 'agent' as kind, key, body::text, height from agent union all
         select 'owner', key, body::text, height from owner union all
         select 'event', contract || seq, log, height from event order by 1, 2",
    );
    let rows = rows.fetch_all(pool).await.unwrap();
    let text = |row: &sqlx::postgres::PgRow| {
        let (kind, key, body): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let height: i64 = row.get(3);
        format!("{kind} {key} {body} {height}")
    };
    rows.iter().map(text).collect()
}

#[tokio::test]
async fn replaying_twice_gives_the_same_rows_and_a_retired_agent_is_gone() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    for number in 0..5 {
        register(&harness, &alice, &format!("https://a/{number}")).await;
        register(&harness, &bob, &format!("https://b/{number}")).await;
    }
    let registry = &harness.contracts.registry;
    ok(&alice, registry, registry::retire, &AgentRef { agent: 3 }, 1).await;
    ok(&bob, registry, registry::panic_all, &Nothing {}, 1).await;
    // A failed call leaves logs behind that must not count.
    assert!(bob.send(registry, call(registry::retire, &AgentRef { agent: 1 }), 1).await.unwrap().is_failure());

    let mut seen = Vec::new();
    for _ in 0..2 {
        let test = database::open().await;
        let pool = test.database.pool().clone();
        let rpc = Rpc::new(harness.rpc_url());
        let mut indexer = Indexer::open(rpc.clone(), &harness.contracts, pool.clone()).await.unwrap();
        indexer.catch_up().await.unwrap();
        let report = verify(&pool, &rpc, &harness.contracts).await.unwrap().unwrap();
        assert_eq!(report.mismatches, 0, "{:?}", report.detail);
        let agents: i64 = sqlx::query("select count(*) from agent").fetch_one(&pool).await.unwrap().get(0);
        assert_eq!(agents, 9);
        seen.push(snapshot(&pool).await);
        drop(indexer);
        test.close().await;
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_second_indexer_that_moves_the_cursor_stops_the_first() {
    let harness = Harness::start().await.unwrap();
    let alice = harness.account("alice").await.unwrap();
    let test = database::open().await;
    let pool = test.database.pool().clone();
    let rpc = Rpc::new(harness.rpc_url());
    let mut first = Indexer::open(rpc.clone(), &harness.contracts, pool.clone()).await.unwrap();
    let mut second = Indexer::open(rpc.clone(), &harness.contracts, pool.clone()).await.unwrap();
    register(&harness, &alice, "https://a/1").await;
    second.catch_up().await.unwrap();
    assert!(matches!(first.step().await, Err(IndexerError::CursorMoved | IndexerError::Database(_))));
    let report = verify(&pool, &rpc, &harness.contracts).await.unwrap().unwrap();
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    drop((first, second));
    test.close().await;
}

#[tokio::test]
async fn a_changed_event_breaks_the_chain_of_hashes() {
    let harness = Harness::start().await.unwrap();
    let alice = harness.account("alice").await.unwrap();
    register(&harness, &alice, "https://a/1").await;
    let test = database::open().await;
    let pool = test.database.pool().clone();
    let rpc = Rpc::new(harness.rpc_url());
    let mut indexer = Indexer::open(rpc.clone(), &harness.contracts, pool.clone()).await.unwrap();
    indexer.catch_up().await.unwrap();
    sqlx::query("update event set log = replace(log, 'https://a/1', 'https://a/2')").execute(&pool).await.unwrap();
    let report = verify(&pool, &rpc, &harness.contracts).await.unwrap().unwrap();
    assert_eq!(report.mismatches, 1, "{:?}", report.detail);
    assert!(report.detail[0].starts_with("events of registry"), "{:?}", report.detail);
    drop(indexer);
    test.close().await;
}
