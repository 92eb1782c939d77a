//! What a node says is compared with what it said before, and with what was asked. Nothing it says stops the program.
//!
//! Lines whose removal must fail these: `executor_id` in the client's `outcome`, `OtherPast` in `read_receipt`, `OtherBlock` in
//! `header`, each arm of `Node::check` and `same_chain`, `check_chain` in `read`, `only_of_this_chain`, the loop in
//! `open`, `head > indexed` in `barks`.

use std::time::Duration;

use charter_client::{ClientError, Rpc};
use charter_indexer::api::Server;
use charter_indexer::{Contract, Indexer, IndexerError, Progress, Start, tables, verify};
use near_primitives::hash::CryptoHash;
use serde_json::{Value, json};
use sqlx::Executor;

use crate::node::{Node, contracts};
use crate::taken::{Chance, Scene, plain_agent};

/// Says that its chain began with another block.
fn other_genesis(method: &str, _: &Value, answer: &mut Value) {
    if method == "status" {
        answer["result"]["genesis_hash"] = json!(CryptoHash::hash_bytes(b"another"));
    }
}

#[tokio::test]
async fn a_proven_log_of_somebody_else_does_not_count() {
    let scene = Scene::start().await;
    let mut indexer = scene.open().await;
    // eve's contract logs what the registry would, and the node says that the receipt was the registry's.
    let log = scene.node.world(|world| world.emit(Contract::Registry, "told", &plain_agent(1)));
    scene.node.block_of(vec![("eve.near".to_owned(), vec![log])]);
    let registry = contracts().registry;
    scene.node.lie(move |method, _, answer| {
        if method == "changes" {
            let cause = json!({ "type": "receipt_processing", "receipt_hash": CryptoHash::hash_borsh(1_u64) });
            answer["result"]["changes"] = json!([{ "cause": cause, "change": { "account_id": registry } }]);
        }
    });
    let refused = indexer.step().await;
    assert!(matches!(refused, Err(IndexerError::Unproven { .. })), "{refused:?}");
    scene.end().await;
}

#[tokio::test]
async fn an_event_that_follows_another_one_is_refused() {
    for version in ["1.0.0", "2.0.0"] {
        let scene = Scene::start().await;
        scene.node.emit(Contract::Registry, &[plain_agent(1)]);
        let mut indexer = scene.open().await;
        indexer.catch_up().await.unwrap();
        let before = scene.node.world(|world| world.head(Contract::Registry)).head.to_string();
        let log = scene.node.world(|world| world.emit(Contract::Registry, "told", &plain_agent(2)));
        let log = log.replace(&before, &"7".repeat(64)).replace("1.0.0", version);
        scene.node.block(vec![(Contract::Registry, vec![log])]);
        let refused = indexer.step().await;
        assert!(matches!(refused, Err(IndexerError::OtherPast { seq: 2, .. })), "{refused:?}");
        scene.end().await;
    }
}

#[tokio::test]
async fn another_block_than_was_asked_for_is_refused() {
    let scene = Scene::start().await;
    let mut indexer = scene.open().await;
    scene.node.block(Vec::new());
    scene.node.lie(|method, params, answer| {
        if method == "block" && params["block_id"] == 2 {
            answer["result"]["header"]["height"] = json!(3);
        }
    });
    let refused = indexer.step().await;
    assert!(matches!(refused, Err(IndexerError::OtherBlock { .. })), "{refused:?}");
    scene.end().await;
}

async fn is_other_chain(scene: &Scene, node: &Node) {
    let opened = Indexer::open(node.rpc(), &contracts(), scene.pool.clone()).await.err();
    assert!(matches!(opened, Some(IndexerError::OtherChain { .. })), "{opened:?}");
}

#[tokio::test]
async fn a_chain_of_the_same_name_that_began_otherwise_is_not_taken_for_the_mirrored_one() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let mut indexer = scene.open().await;
    indexer.catch_up().await.unwrap();
    scene.node.lie(other_genesis);
    is_other_chain(&scene, &scene.node).await;
    let compared = verify(&scene.pool, &scene.node.rpc(), &contracts()).await;
    assert!(matches!(compared, Err(IndexerError::OtherChain { .. })), "{compared:?}");
    let served = Server::start_beside(scene.pool.clone(), "127.0.0.1:0", scene.node.rpc()).await.err();
    let named = served.unwrap().to_string();
    for genesis in [CryptoHash::hash_bytes(b"genesis"), CryptoHash::hash_bytes(b"another")] {
        assert!(named.contains(&genesis.to_string()), "{named}");
    }
    // An indexer at work notices when the chain behind its node begins anew: it is shorter at first, or does not follow.
    scene.node.lie(|method, params, answer| {
        other_genesis(method, params, answer);
        if method == "block" && params["finality"] == "final" {
            answer["result"]["header"]["height"] = json!(1);
        }
    });
    let stopped = indexer.step().await;
    assert!(matches!(stopped, Err(IndexerError::OtherChain { .. })), "{stopped:?}");
    scene.node.block(Vec::new());
    scene.node.lie(|method, params, answer| {
        other_genesis(method, params, answer);
        if method == "block" {
            answer["result"]["header"]["prev_hash"] = json!(CryptoHash::default());
        }
    });
    let stopped = indexer.step().await;
    assert!(matches!(stopped, Err(IndexerError::OtherChain { .. })), "{stopped:?}");
    scene.node.stop_lying();
    assert!(matches!(indexer.step().await, Ok(Progress::Advanced { .. })));
    scene.end().await;
}

#[tokio::test]
async fn a_chain_that_began_alike_and_went_another_way_is_not_taken_for_the_mirrored_one() {
    let (scene, other) = (Scene::start().await, Node::start().await);
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    other.emit(Contract::Registry, &[plain_agent(2)]);
    scene.open().await.catch_up().await.unwrap();
    is_other_chain(&scene, &other).await;
    scene.end().await;
}

#[tokio::test]
async fn a_database_from_before_the_genesis_was_kept_keeps_it_now() {
    let scene = Scene::start().await;
    scene.open().await.catch_up().await.unwrap();
    scene.pool.execute("update cursor set genesis = null").await.unwrap();
    scene.open().await;
    let kept = scene.one("select encode(genesis, 'hex') from cursor").await;
    assert_eq!(kept, hex::encode(CryptoHash::hash_bytes(b"genesis").as_bytes()));
    scene.end().await;
}

async fn get(server: &Server, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("http://{}{path}", server.addr)).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn rows_of_another_chain_are_not_served_as_current() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.open().await.catch_up().await.unwrap();
    let server = Server::start_beside(scene.pool.clone(), "127.0.0.1:0", scene.node.rpc()).await.unwrap();
    let (status, ready) = get(&server, "/readyz").await;
    assert_eq!((status, &ready["ready"], &ready["lag_blocks"]), (200, &json!(true), &json!(0)), "{ready}");
    // The node is asked again and again; what the test waits for is that the answer counts.
    let until = async |path: &str, wanted: u16| loop {
        let (status, body) = get(&server, path).await;
        if status == wanted {
            return body;
        }
    };
    scene.node.lie(other_genesis);
    for path in ["/v1/agents", "/v1/agents/1", "/v1/events?contract=registry", "/v1/verify", "/v1/status"] {
        assert_eq!(until(path, 503).await["code"], "API_OTHER_CHAIN", "{path}");
    }
    let (status, ready) = get(&server, "/readyz").await;
    assert_eq!((status, &ready["code"], &ready["ready"]), (503, &json!("API_NOT_READY"), &json!(false)), "{ready}");
    assert!(ready["detail"].as_str().unwrap().contains("genesis"), "{ready}");
    scene.node.stop_lying();
    until("/v1/agents", 200).await;
    // Behind by more than a little is not ready either, and says by how much.
    for _ in 0..101 {
        scene.node.block(Vec::new());
    }
    let ready = until("/readyz", 503).await;
    assert_eq!(ready["lag_blocks"], 101, "{ready}");
    assert_eq!(get(&server, "/v1/agents").await.0, 200);
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn a_node_that_never_answers_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rpc = Rpc::with_timeout(format!("http://{}", listener.local_addr().unwrap()), Duration::from_millis(20));
    let given_up = rpc.call::<Value>("status", json!([])).await;
    assert!(matches!(given_up, Err(ClientError::TimedOut { .. })), "{given_up:?}");
    assert!(IndexerError::from(given_up.unwrap_err()).is_transient());
}

#[tokio::test]
async fn a_statement_that_never_ends_is_given_up() {
    let test = crate::database::open().await;
    let limit = sqlx::query("show statement_timeout").fetch_one(test.database.pool()).await.unwrap();
    // The embedded database is this process, and nobody else has it.
    let expected = if std::env::var_os("PGHOST").is_some() { "1min" } else { "0" };
    assert_eq!(sqlx::Row::get::<String, _>(&limit, 0), expected);
    test.close().await;
}

#[tokio::test]
async fn the_indexer_stops_when_asked_whatever_it_waits_for() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let mut indexer = scene.open().await;
    // It is asked to stop when it has asked a node that will never answer.
    let asked = scene.node.hang();
    indexer.run(asked).await.unwrap();
    assert_eq!(scene.one("select height::text from cursor").await, "1");
    drop(indexer);
    scene.end().await;
}

#[tokio::test]
async fn a_start_waits_for_a_node_that_has_no_answer_yet() {
    let scene = Scene::start().await;
    let mut asked = 0;
    scene.node.lie(move |_, _, answer| {
        asked += 1;
        if asked <= 3 {
            *answer = json!({ "error": { "message": "not yet" } });
        }
    });
    let tried = Indexer::try_open(scene.node.rpc(), &contracts(), scene.pool.clone(), Start::default()).await;
    let refused = tried.err();
    assert!(matches!(refused, Some(IndexerError::Chain(_))), "{refused:?}");
    drop(scene.open().await);
    scene.end().await;
}

#[tokio::test]
async fn a_node_that_answers_nothing_is_waited_for_and_its_indexer_does_not_hang() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let mut indexer = scene.open().await.given_up_after(Duration::from_millis(50));
    // The step asks, and then whoever watches over it, again and again.
    let asked = [scene.node.hang(), scene.node.hang(), scene.node.hang()];
    let stop = async {
        for question in asked {
            question.await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), indexer.run(stop)).await;
    ended.expect("nobody watches over the step").unwrap();
    drop(indexer);
    scene.end().await;
}

#[tokio::test]
async fn a_null_error_is_none_and_an_answer_without_result_is_one() {
    let node = Node::start().await;
    node.lie(|_, _, answer| answer["error"] = Value::Null);
    assert!(node.rpc().call::<Value>("status", json!([])).await.is_ok());
    for answer in [json!({}), json!({ "error": null }), json!([]), json!("x"), json!(null), json!(1), json!([1, 2, 3])]
    {
        node.lie(move |_, _, sent| *sent = answer.clone());
        let called = node.rpc().call::<Value>("status", json!([])).await;
        assert!(matches!(called, Err(ClientError::Unreadable { .. })), "{called:?}");
    }
    // `null` is a result.
    node.lie(|_, _, sent| *sent = json!({ "result": null }));
    assert!(node.rpc().call::<Option<u64>>("status", json!([])).await.unwrap().is_none());
}

/// JSON pointers to a value and all in it. The template of a block is wide, so lists show their first item only.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    found.push(place.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().take(1).for_each(|item| places(item, &format!("{place}/0"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| places(field, &format!("{place}/{name}"), found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn any_json_is_an_answer_and_none_is_a_panic() {
    let mut chance = Chance::new();
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.node.emit(Contract::Keys, &[json!({ "mpc": "mpc.near" })]);
    scene.node.block(Vec::new());
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(u64::MAX),
        json!(1.5e300),
        json!(""),
        json!("\u{0}"),
        json!("x"),
        json!(CryptoHash::default()),
        json!([]),
        json!([0]),
        json!([[]]),
        json!({}),
        json!({ "error": 1 }),
    ];
    let mut asked = 0;
    for _ in 0..240 {
        let own = ["cursor", "contract", "event", "dead_letter", "trust_range"].into_iter();
        let names = own.chain(tables::all().map(|table| table.name));
        let fresh: String = names.map(|name| ["delete from ", name, "; "].concat()).collect();
        sqlx::raw_sql(sqlx::AssertSqlSafe(fresh)).execute(&scene.pool).await.unwrap();
        let method = ["status", "block", "changes", "light_client_proof", "query"][chance.below(5)];
        // Deep places are many: every level gets its share.
        let (depth, which, what) = (chance.below(6), chance.below(1_000), odd[chance.below(odd.len())].clone());
        let inside = chance.below(2) == 0;
        scene.node.lie(move |called, _, answer| {
            if called != method {
                return;
            }
            // What a view says is JSON within bytes.
            if called == "query" && inside {
                answer["result"]["result"] = json!(what.to_string().into_bytes());
                return;
            }
            let mut found = Vec::new();
            places(answer, "", &mut found);
            found.retain(|place| place.matches('/').count() == depth);
            if let Some(place) = found.get(which % found.len().max(1)) {
                *answer.pointer_mut(place).unwrap() = what.clone();
            }
        });
        let rpc = scene.node.rpc();
        if let Ok(mut indexer) =
            Indexer::try_open(rpc.clone(), &contracts(), scene.pool.clone(), Start::default()).await
            && indexer.catch_up().await.is_ok()
        {
            // Whether it says so or finds differences, it comes to an end.
            asked += u32::from(verify(&scene.pool, &rpc, &contracts()).await.is_ok());
        }
    }
    assert!(asked > 0, "no lie was small enough to get to the comparison");
    scene.end().await;
}
