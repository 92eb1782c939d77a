//! An indexer whose PostgreSQL server restarts, is gone, takes no writes or does not answer goes on where it was. The
//! embedded database is this process, so all of this needs a server (`PGHOST`); without one nothing is tried.
//!
//! Lines whose removal must fail these: `settle` in `keep` and in `try_step`, `settle_back` in `try_step`, `for update` in
//! `stands`, `is_unsure = true` in `keep`, both `close_on_drop`, the loop in `connect`, `drained` and `barks` in `go_on`.

use std::time::{Duration, Instant};

use charter_indexer::{Contract, Database, Indexer, IndexerError, Progress, Watch, verify};
use reqwest::Url;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, Row};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::database;
use crate::node::{Node, contracts};
use crate::proxy::{Proxy, Trouble};
use crate::taken::plain_agent;

/// An outage that has to be survived, and a little more.
const MINUTE: Duration = Duration::from_secs(61);
/// What takes longer than this never ends.
const LONG: Duration = Duration::from_secs(30);

/// An indexer's database behind a network that fails, and a way around it.
struct Scene {
    node: Node,
    url: String,
    direct: PgConnection,
    database: Database,
    proxy: Proxy,
}

fn target(url: &str) -> (String, u16) {
    let url = Url::parse(url).unwrap();
    (url.host_str().unwrap().to_owned(), url.port().unwrap())
}

fn through(url: &str, proxy: &Proxy) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.port())).unwrap();
    url.into()
}

impl Scene {
    async fn start() -> Option<Self> {
        let url = database::on_server().await?;
        let proxy = Proxy::start(target(&url)).await;
        let database = Database::connect(&through(&url, &proxy)).await.unwrap();
        let direct = PgConnection::connect(&url).await.unwrap();
        Some(Self { node: Node::start().await, url, direct, database, proxy })
    }

    async fn open(&self) -> Indexer {
        Indexer::open(self.node.rpc(), &contracts(), self.database.pool().clone()).await.unwrap()
    }

    async fn number(&mut self, text: &'static str) -> i64 {
        sqlx::query(text).fetch_one(&mut self.direct).await.unwrap().get(0)
    }

    /// Resolves once the tables stand for a block.
    async fn until(&mut self, height: i64) {
        while self.number("select height from cursor").await < height {}
    }

    /// Resolves once somebody waits for a lock.
    async fn until_waiting(&mut self) {
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        while self.number(waiting).await == 0 {}
    }

    /// From now on connections may not write, and there are none from before; or they may again, and all from before
    /// may not.
    async fn take_writes(&mut self, takes: bool) {
        let name: String =
            sqlx::query("select current_database()::text").fetch_one(&mut self.direct).await.unwrap().get(0);
        let set = if takes { "reset default_transaction_read_only" } else { "set default_transaction_read_only = on" };
        self.direct.execute(AssertSqlSafe(format!("alter database {name} {set}"))).await.unwrap();
        if !takes {
            let others = "select pg_terminate_backend(pid) from pg_stat_activity
                          where datname = current_database() and pid <> pg_backend_pid()";
            self.direct.execute(others).await.unwrap();
        }
    }

    /// Each event is in the tables once, and what they changed is as the contracts say.
    async fn end_whole(mut self, events: i64) {
        assert_eq!(self.number("select count(*) from event").await, events);
        let pool = PgPool::connect(&self.url).await.unwrap();
        let report = verify(&pool, &self.node.rpc(), &contracts()).await.unwrap().unwrap();
        assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
        pool.close().await;
        self.database.close().await;
    }
}

/// Has an indexer run while something happens, and stops it then.
async fn beside<T>(indexer: &mut Indexer, story: impl Future<Output = T>) -> T {
    let (stop, stopped) = oneshot::channel::<()>();
    let run = indexer.run(async { stopped.await.unwrap() });
    tokio::pin!(run);
    let told = tokio::select! {
        ended = &mut run => panic!("the run ended by itself: {ended:?}"),
        told = timeout(MINUTE + LONG, story) => told.expect("it waits for too long"),
    };
    stop.send(()).unwrap();
    run.await.unwrap();
    told
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_and_not_made_twice() {
    let Some(scene) = Scene::start().await else { return };
    let mut indexer = scene.open().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.proxy.at_commit(Trouble::CutAfter);
    assert_eq!(indexer.step().await.unwrap(), Progress::Advanced { height: 2, events: 1 });
    scene.proxy.met().await;
    scene.node.emit(Contract::Registry, &[plain_agent(2)]);
    assert_eq!(indexer.catch_up().await.unwrap().height, 3);
    scene.end_whole(2).await;
}

#[tokio::test]
async fn tables_that_went_back_without_an_answer_are_found_there() {
    let Some(scene) = Scene::start().await else { return };
    let mut indexer = scene.open().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    indexer.catch_up().await.unwrap();
    // A node keeps the next event back.
    let head = serde_json::to_vec(&scene.node.world(|world| world.head(Contract::Registry))).unwrap();
    let registry = json!(contracts().registry);
    scene.node.emit(Contract::Registry, &[plain_agent(2)]);
    scene.node.lie(move |method, params, answer| {
        if method == "changes" {
            answer["result"]["changes"] = json!([]);
        }
        if params["method_name"] == "event_head" && params["account_id"] == registry {
            answer["result"]["result"] = json!(head);
        }
    });
    assert_eq!(indexer.catch_up().await.unwrap().height, 3);
    scene.node.stop_lying();
    scene.node.emit(Contract::Registry, &[plain_agent(3)]);
    scene.proxy.at_commit(Trouble::CutAfter);
    let cut = indexer.step().await.unwrap_err();
    assert!(cut.is_transient(), "{cut}");
    assert_eq!(indexer.catch_up().await.unwrap().height, 4);
    scene.end_whole(3).await;
}

#[tokio::test]
async fn a_step_that_another_indexer_committed_counts_as_that_one_proved_it() {
    let Some(mut scene) = Scene::start().await else { return };
    let mut indexer = scene.open().await;
    // Stands in for one with a light client that commits the same step, while this one's connection is cut.
    let other = "create function other() returns trigger language plpgsql as 'begin new.light = true; return new; end';
                 create trigger other before insert on trust_range for each row execute function other()";
    scene.direct.execute(other).await.unwrap();
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.proxy.at_commit(Trouble::CutAfter);
    assert_eq!(indexer.step().await.unwrap(), Progress::Advanced { height: 2, events: 1 });
    scene.direct.execute("drop trigger other on trust_range").await.unwrap();
    scene.node.emit(Contract::Registry, &[plain_agent(2)]);
    assert_eq!(indexer.catch_up().await.unwrap().height, 3);
    // What this one believes of its node is not in the other's range.
    assert_eq!(scene.number("select count(*) from trust_range where after_height = 2 and not light").await, 1);
    scene.end_whole(2).await;
}

#[tokio::test]
async fn a_commit_that_never_arrives_is_made_again() {
    let Some(scene) = Scene::start().await else { return };
    let mut indexer = scene.open().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.proxy.at_commit(Trouble::CutBefore);
    let cut = indexer.step().await.unwrap_err();
    assert!(cut.is_transient(), "{cut}");
    assert_eq!(indexer.cursor().height, 1);
    // What was read is kept: the node is not asked again.
    scene.node.lie(|method, _, _| panic!("the node was asked for {method}"));
    assert_eq!(indexer.step().await.unwrap(), Progress::Advanced { height: 2, events: 1 });
    scene.node.stop_lying();
    scene.end_whole(1).await;
}

#[tokio::test]
async fn a_commit_that_is_still_under_way_is_waited_for() {
    let Some(mut scene) = Scene::start().await else { return };
    let mut indexer = scene.open().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.proxy.at_commit(Trouble::Late);
    // Whoever looks before the server has got to it, finds nothing; and would then be late itself.
    let arrives = async {
        scene.until_waiting().await;
        scene.proxy.release();
    };
    let both = async { tokio::join!(indexer.step(), arrives) };
    let (done, ()) = timeout(LONG, both).await.expect("nobody waits for the server");
    assert_eq!(done.unwrap(), Progress::Advanced { height: 2, events: 1 });
    scene.end_whole(1).await;
}

#[tokio::test]
async fn a_minute_without_postgres_loses_and_ends_nothing() {
    let Some(mut scene) = Scene::start().await else { return };
    let watch = Watch::default();
    let mut indexer = scene.open().await.watched_by(watch.clone());
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let story = async {
        scene.until(2).await;
        scene.proxy.refuse().await;
        let (gone, mut changes) = (Instant::now(), watch.subscribe());
        let mut agents = 1;
        // The chain goes on, by one block for each thing that the indexer notes.
        while gone.elapsed() < MINUTE {
            agents += 1;
            scene.node.emit(Contract::Registry, &[plain_agent(agents)]);
            changes.changed().await.unwrap();
        }
        let trouble = watch.seen().trouble.expect("nothing is said of what is waited for");
        assert!(trouble.starts_with("waiting for the database"), "{trouble}");
        scene.proxy.accept().await;
        let agents = i64::try_from(agents).unwrap();
        scene.until(agents + 1).await;
        agents
    };
    let agents = beside(&mut indexer, story).await;
    assert_eq!(watch.seen().trouble, None);
    scene.end_whole(agents).await;
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_waited_for() {
    let Some(mut scene) = Scene::start().await else { return };
    let watch = Watch::default();
    let mut indexer = scene.open().await.watched_by(watch.clone());
    let story = async {
        scene.take_writes(false).await;
        scene.node.emit(Contract::Registry, &[plain_agent(1)]);
        let mut changes = watch.subscribe();
        let says = |trouble: &Option<String>| trouble.as_ref().is_some_and(|trouble| trouble.contains("read-only"));
        drop(changes.wait_for(|seen| says(&seen.trouble)).await.unwrap());
        scene.take_writes(true).await;
        scene.until(2).await;
    };
    beside(&mut indexer, story).await;
    scene.end_whole(1).await;
}

#[tokio::test]
async fn a_server_that_ends_a_connection_at_work_is_waited_for() {
    let Some(mut scene) = Scene::start().await else { return };
    let mut indexer = scene.open().await;
    let mut hand = PgConnection::connect(&scene.url).await.unwrap();
    hand.execute("begin").await.unwrap();
    hand.execute("select height from cursor for update").await.unwrap();
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let story = async {
        scene.until_waiting().await;
        // As every connection is when a server shuts down.
        let at_work = "select pg_terminate_backend(pid) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        scene.direct.execute(at_work).await.unwrap();
        // It is back, and waits again.
        scene.until_waiting().await;
        hand.execute("rollback").await.unwrap();
        scene.until(2).await;
    };
    beside(&mut indexer, story).await;
    scene.end_whole(1).await;
}

#[tokio::test]
async fn a_start_waits_for_a_server_and_not_for_what_never_comes() {
    let Some(url) = database::on_server().await else { return };
    let proxy = Proxy::start(target(&url)).await;
    let through = through(&url, &proxy);
    proxy.hang_up(true);
    let refused = Database::try_connect(&through).await.err();
    assert!(matches!(refused, Some(IndexerError::Open(_))), "{refused:?}");
    proxy.met().await;
    let comes = async {
        proxy.met().await;
        proxy.met().await;
        proxy.hang_up(false);
    };
    let (opened, ()) = tokio::join!(Database::connect(&through), comes);
    opened.unwrap().close().await;
    let (mut nowhere, mut nobody) = (Url::parse(&through).unwrap(), Url::parse(&through).unwrap());
    nowhere.set_path("/no_such_database");
    nobody.set_username("nobody_of_this_name").unwrap();
    for wrong in [nowhere, nobody] {
        let refused = timeout(LONG, Database::connect(wrong.as_str())).await.expect("it waits for what never comes");
        assert!(matches!(refused.err(), Some(IndexerError::Open(_))), "{wrong}");
    }
}

#[tokio::test]
async fn a_step_at_work_is_finished_before_the_indexer_stops_unless_it_takes_too_long() {
    let Some(mut scene) = Scene::start().await else { return };
    let mut indexer = scene.open().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.proxy.at_commit(Trouble::Held);
    // It is asked to stop when the server has yet to hear of the commit.
    let stop = async {
        scene.proxy.met().await;
        scene.proxy.release();
    };
    indexer.run(stop).await.unwrap();
    assert_eq!((indexer.cursor().height, scene.number("select height from cursor").await), (2, 2));

    scene.node.emit(Contract::Registry, &[plain_agent(2)]);
    scene.proxy.at_commit(Trouble::Held);
    let stopped = timeout(LONG, indexer.run(scene.proxy.met())).await;
    stopped.expect("it waits for a commit that never ends").unwrap();
    assert_eq!(indexer.cursor().height, 2);
    // A step that nobody waited for to the end may be in the tables, too.
    scene.proxy.release();
    assert_eq!(indexer.step().await.unwrap(), Progress::Advanced { height: 3, events: 1 });
    scene.end_whole(2).await;
}

#[tokio::test]
async fn a_step_that_hangs_while_the_chain_goes_on_is_named_and_ends_the_run() {
    let Some(scene) = Scene::start().await else { return };
    let mut indexer = scene.open().await.given_up_after(Duration::from_secs(2));
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.proxy.at_commit(Trouble::Held);
    let ended = timeout(LONG, indexer.run(std::future::pending())).await.expect("nobody notices");
    let Err(IndexerError::Stuck { stage, head, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!((stage, head), ("committing to the database", 2));
    scene.proxy.release();
    indexer.catch_up().await.unwrap();
    scene.end_whole(1).await;
}
