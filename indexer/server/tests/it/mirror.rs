//! The tables say what the contracts say, again and again.

use std::time::Duration;

use charter_client::Rpc;
use charter_harness::arguments::{DEPOSIT, card, content};
use charter_harness::{Caller, Harness, call, ok, view};
use charter_indexer::{Indexer, IndexerError, verify};
use charter_types::Nothing;
use charter_types::governance::args::{CreateLine, ProposalRef, ProposeRelease, Vote};
use charter_types::governance::{Choice, EXECUTION_MS, KEPT_MS, PERIOD_MS_MIN, Params, methods as governance};
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
         select 'event', contract || seq, encode(log, 'escape'), height from event order by 1, 2",
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
async fn a_proposal_that_is_forgotten_leaves_no_row() {
    let harness = Harness::start().await.unwrap();
    let (alice, contract) = (harness.account("alice").await.unwrap(), &harness.contracts.governance);
    let params = Params { vote_ms: PERIOD_MS_MIN, timelock_ms: PERIOD_MS_MIN, extension_ms: 0, ..Params::default() };
    let line = CreateLine { name: "scout".to_owned(), council: Vec::new(), params, guardian: None, stake: None };
    let line = ok(&alice, contract, governance::create_line, &line, DEPOSIT).await;
    let release = ProposeRelease { line, seq: 0, content: content() };
    let proposal = ok(&alice, contract, governance::propose_release, &release, DEPOSIT).await;
    let proposal = ProposalRef { proposal };
    let content_hash =
        view(&harness.worker, contract, governance::proposal, &proposal).await.unwrap().unwrap().content_hash;
    let vote = Vote { proposal: proposal.proposal, content_hash, choice: Choice::No };
    ok(&alice, contract, governance::vote, &vote, DEPOSIT).await;
    let test = database::open().await;
    let pool = test.database.pool().clone();
    let rpc = Rpc::new(harness.rpc_url());
    let mut indexer = Indexer::open(rpc.clone(), &harness.contracts, pool.clone()).await.unwrap();
    let rows =
        "select (select count(*) from proposal) + (select count(*) from ballot) + (select count(*) from release)";
    let ms = 2 * PERIOD_MS_MIN + EXECUTION_MS + KEPT_MS;
    let mut found: Vec<i64> = Vec::new();
    for is_forgotten in [false, true] {
        if is_forgotten {
            harness.wait(Duration::from_millis(ms)).await.unwrap();
            ok(&alice, contract, governance::forget_proposal, &proposal, 0).await;
        }
        indexer.catch_up().await.unwrap();
        let report = verify(&pool, &rpc, &harness.contracts).await.unwrap().unwrap();
        assert_eq!(report.mismatches, 0, "{:?}", report.detail);
        found.push(sqlx::query(rows).fetch_one(&pool).await.unwrap().get(0));
    }
    assert_eq!(found[0] - found[1], 3);
    drop(indexer);
    test.close().await;
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
    let by_hand = "update event set log = replace(encode(log, 'escape'), 'https://a/1', 'https://a/2')::bytea";
    sqlx::query(by_hand).execute(&pool).await.unwrap();
    let report = verify(&pool, &rpc, &harness.contracts).await.unwrap().unwrap();
    assert_eq!(report.mismatches, 1, "{:?}", report.detail);
    assert!(report.detail[0].starts_with("events of registry"), "{:?}", report.detail);
    drop(indexer);
    test.close().await;
}
