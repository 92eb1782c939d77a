//! Tables are made again from events beside an indexer at work, and are then as they would be without.
//!
//! Lines whose removal must fail these: `fill` in `swap`, `for update` in `swap`, `letters` in `swap`, `EXCHANGING` in
//! `swap`, `COMPARING` in `PREPARED`, `rows_affected` in `fill`, the `grant`, the `comment` and the `alter index` of
//! `reindex.rs`.

use charter_indexer::reindex::{Reindex, reindex};
use charter_indexer::{Contract, IndexerError, letters, verify};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};

use crate::database;
use crate::liar::Liar;
use crate::node::contracts;
use crate::taken::{Scene, plain_agent};

/// Agents in tables, in the order of their ids.
const AGENTS: &str = "select coalesce(string_agg(key, ' ' order by id), '') from agent";

#[tokio::test]
async fn what_an_indexer_commits_meanwhile_is_in_the_new_tables() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1), plain_agent(2)]);
    let mut indexer = scene.open().await;
    indexer.catch_up().await.unwrap();
    scene.pool.execute("delete from agent where key = '2'").await.unwrap();
    let mut work = Reindex::begin(scene.pool.clone()).await.unwrap();
    assert_eq!(work.fill().await.unwrap(), 2);
    // A row goes that is in the new tables, and one comes.
    let end = json!({ "agent_retired": { "agent": 1, "owner": "alice.near", "at_ms": 1 } });
    scene.node.emit(Contract::Registry, &[end, plain_agent(3)]);
    indexer.catch_up().await.unwrap();
    let made = work.finish().await.unwrap().unwrap();
    assert_eq!((made.height, made.events), (3, 4));
    assert_eq!(scene.one(AGENTS).await, "2 3");
    let report = scene.verify().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    // The indexer goes on with them.
    scene.node.emit(Contract::Registry, &[plain_agent(4)]);
    indexer.catch_up().await.unwrap();
    let report = scene.verify().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    let left = "select count(*)::text from pg_class where relname like 'next\\_%' or relname like 'reindex%'";
    assert_eq!(scene.one(left).await, "0");
    drop(indexer);
    scene.end().await;
}

/// Two steps of an indexer stand in the queue for the cursor, one before the exchange and one behind it. The embedded
/// database has one connection, and nobody queues.
#[tokio::test]
async fn what_an_indexer_commits_just_before_and_after_the_exchange_is_in_the_new_tables() {
    let Some(url) = database::on_server().await else { return };
    let scene = Scene::start_on(&url).await;
    let (mut indexer, mut hand) = (scene.open().await, PgConnection::connect(&url).await.unwrap());
    let mut work = Reindex::begin(scene.pool.clone()).await.unwrap();
    let waiting = async |wanted: &str| {
        let waiting = "select count(*)::text from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        while scene.one(waiting).await != wanted {}
    };
    hand.execute("begin").await.unwrap();
    hand.execute("select height from cursor for update").await.unwrap();
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let finish = async {
        waiting("1").await;
        work.finish().await
    };
    let begin = async {
        waiting("2").await;
        hand.execute("rollback").await.unwrap();
    };
    let steps = async {
        indexer.step().await.unwrap();
        scene.node.emit(Contract::Registry, &[plain_agent(2)]);
        indexer.catch_up().await.unwrap();
    };
    let ((), made, ()) = tokio::join!(steps, finish, begin);
    assert!(made.unwrap().unwrap().height >= 2);
    assert_eq!(scene.one(AGENTS).await, "1 2");
    let report = scene.verify().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    drop(indexer);
    scene.end().await;
}

/// A comparison is held up before it has read any table. Tables that took their place meanwhile would have no rows as of
/// the moment that it began. The embedded database has one connection, and no moment that lasts.
#[tokio::test]
async fn tables_are_not_exchanged_while_they_are_compared() {
    let Some(url) = database::on_server().await else { return };
    let scene = Scene::start_on(&url).await;
    scene.node.emit(Contract::Registry, &[plain_agent(1), plain_agent(2)]);
    scene.open().await.catch_up().await.unwrap();
    let slow = Liar::start(scene.node.rpc().url().to_owned()).await;
    slow.hold("query");
    let (pool, rpc) = (scene.pool.clone(), slow.rpc());
    let comparing = tokio::spawn(async move { verify(&pool, &rpc, &contracts()).await });
    slow.until_held().await;
    let pool = scene.pool.clone();
    let exchange = reindex(&pool);
    tokio::pin!(exchange);
    let waiting = "select count(*)::text from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    tokio::select! {
        done = &mut exchange => panic!("they were exchanged: {done:?}"),
        () = async { while scene.one(waiting).await == "0" {} } => {}
    }
    // Nobody else waits for the comparison.
    scene.node.block(Vec::new());
    assert_eq!(scene.open().await.catch_up().await.unwrap().height, 3);
    slow.let_go();
    let (made, compared) = tokio::join!(exchange, comparing);
    let report = compared.unwrap().unwrap().unwrap();
    assert_eq!((report.height, report.mismatches), (2, 0), "{:?}", report.detail);
    assert_eq!(made.unwrap().unwrap().events, 2);
    assert_eq!(scene.one(AGENTS).await, "1 2");
    scene.end().await;
}

/// All that makes a table what it is, but its rows.
const SHAPE: &str = "
    select string_agg(line, e'\\n' order by line) from (
      select indexname || indexdef as line from pg_indexes where schemaname = 'public'
      union all
      select concat_ws(' ', table_name, column_name, data_type, is_nullable, generation_expression)
        from information_schema.columns where table_schema = 'public'
      union all
      select concat_ws(' ', relname, obj_description(oid, 'pg_class')) from pg_class
        where relkind = 'r' and relname !~ '^(pg|sql)_'
      union all
      select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
        where contype <> 'n'
      union all
      select concat_ws(' ', relname, privilege_type, is_grantable, grantee) from pg_class, aclexplode(relacl)
        where relkind = 'r' and relname !~ '^(pg|sql)_'
    ) as shape";

#[tokio::test]
async fn tables_that_are_made_again_are_like_those_before_in_all_but_rows() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.open().await.catch_up().await.unwrap();
    scene.pool.execute("grant select on agent to public").await.unwrap();
    scene.pool.execute("alter table agent add constraint wanted check (key <> '0')").await.unwrap();
    let before = scene.one(SHAPE).await;
    assert!(before.contains("agent_by_owner") && before.contains("Agents that exist."), "{before}");
    // What another attempt left behind is no obstacle.
    Reindex::begin(scene.pool.clone()).await.unwrap().fill().await.unwrap();
    for _ in 0..2 {
        reindex(&scene.pool).await.unwrap().unwrap();
        assert_eq!(scene.one(SHAPE).await, before);
    }
    assert_eq!(scene.one(AGENTS).await, "1");
    scene.end().await;
}

#[tokio::test]
async fn a_dead_letter_that_is_applied_meanwhile_is_taken_up() {
    let scene = Scene::start().await;
    scene.pool.execute("alter table agent add constraint unwanted check (id <> 1)").await.unwrap();
    scene.node.emit(Contract::Registry, &[plain_agent(1), plain_agent(2)]);
    scene.open().await.catch_up().await.unwrap();
    let mut work = Reindex::begin(scene.pool.clone()).await.unwrap();
    assert_eq!(work.fill().await.unwrap(), 1);
    scene.pool.execute("alter table agent drop constraint unwanted").await.unwrap();
    assert_eq!(letters::retry(&scene.pool).await.unwrap().applied, 1);
    // Its number is behind those that were taken over: it would be missed.
    assert_eq!(work.finish().await.unwrap(), None);
    assert_eq!(scene.one(AGENTS).await, "1 2");
    assert_eq!(reindex(&scene.pool).await.unwrap().unwrap().events, 2);
    let report = scene.verify().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    scene.end().await;
}

#[tokio::test]
async fn of_two_that_make_tables_again_the_later_one_goes_on() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let mut indexer = scene.open().await;
    indexer.catch_up().await.unwrap();
    let mut first = Reindex::begin(scene.pool.clone()).await.unwrap();
    first.fill().await.unwrap();
    let mut second = Reindex::begin(scene.pool.clone()).await.unwrap();
    scene.node.emit(Contract::Registry, &[plain_agent(2)]);
    indexer.catch_up().await.unwrap();
    let overtaken = first.finish().await;
    assert!(matches!(overtaken, Err(IndexerError::Overtaken)), "{overtaken:?}");
    assert_eq!(second.finish().await.unwrap().unwrap().events, 2);
    let report = scene.verify().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    drop(indexer);
    scene.end().await;
}

#[tokio::test]
async fn of_an_empty_database_there_is_nothing_to_make() {
    let scene = Scene::start().await;
    assert_eq!(reindex(&scene.pool).await.unwrap(), None);
    scene.end().await;
}
