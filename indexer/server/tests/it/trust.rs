//! What a node says of its chain's name and past, before anything of it is proven, decides nothing; and no word of one
//! of several nodes ends a start.
//!
//! Lines whose removal must fail these: `proven` in `Node::check`, `keep_names` and the first `if` in `begin_at`, `rewind` in
//! `begin_at`, `begins_late`, `judged` around `Light::open`, each arm of `is_the_nodes`.

use std::time::Duration;

use charter_client::Rpc;
use charter_indexer::{Indexer, IndexerError, Start, Trust, verify};
use near_primitives::hash::CryptoHash;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::epochs::{FIRST, Scene};
use crate::liar::Liar;
use crate::{node, taken};

/// What takes longer than this never ends.
const LONG: Duration = Duration::from_secs(30);

type Lie = fn(&str, &Value, &mut Value);

fn another_name(method: &str, _: &Value, answer: &mut Value) {
    if method == "status" {
        answer["result"]["chain_id"] = json!("moon");
        answer["result"]["genesis_hash"] = json!(CryptoHash::hash_bytes(b"another"));
    }
}

/// A refusal of nearcore's.
fn refusal(name: &str) -> Value {
    json!({ "error": { "name": "HANDLER_ERROR", "cause": { "name": name, "info": {} }, "code": -32_000 } })
}

#[tokio::test]
async fn a_false_name_that_was_kept_at_the_first_start_turns_no_honest_node_away() {
    let scene = Scene::start().await;
    scene.grow(1).await;
    let liar = Liar::start(scene.harness.rpc_url()).await;
    liar.lie(another_name);
    drop(scene.open(liar.rpc(), scene.checkpoint().await).await.unwrap());
    let moon = "select count(*) from cursor where chain_id = 'moon'";
    assert_eq!(scene.number(moon).await, 1);
    drop(scene.mirror(Trust::Stored).await);
    assert_eq!(scene.number(moon).await, 0, "whoever has the chain names it");
    // Lied to again, it goes on, and so does whoever believes an honest node from then on.
    drop(scene.open(liar.rpc(), Trust::Stored).await.unwrap());
    assert_eq!(scene.number(moon).await, 1);
    let report = verify(&scene.pool, &scene.rpc(), &scene.harness.contracts).await.unwrap().unwrap();
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    scene.grow(1).await;
    drop(scene.mirror(Trust::Node).await);
    assert_eq!(scene.number(moon).await, 0);
    assert_eq!(scene.number("select count(*) from agent").await, 2);
    scene.end().await;
}

#[tokio::test]
async fn with_a_checkpoint_no_node_says_where_a_mirror_begins() {
    let scene = Scene::start().await;
    let begin = Start { from: None, trust: scene.checkpoint().await };
    let opened = Indexer::open_as(scene.rpc(), &scene.harness.contracts, scene.pool.clone(), begin).await;
    assert!(matches!(opened.as_ref().err(), Some(IndexerError::NoBeginning)), "{:?}", opened.err());
    scene.end().await;
}

#[tokio::test]
async fn a_mirror_that_began_too_late_and_is_empty_goes_back() {
    let scene = Scene::start().await;
    scene.grow(1).await;
    scene.rest().await;
    // What was told is not in that block, but before it.
    let late = scene.head().await - 6;
    let liar = Liar::start(scene.harness.rpc_url()).await;
    // Somebody is mistaken, and no contract is there yet, as the node says.
    liar.lie(|_, params, answer| {
        if params["method_name"] == "event_head" {
            *answer = refusal("UNKNOWN_ACCOUNT");
        }
    });
    let begin = Start { from: Some(late), trust: scene.checkpoint().await };
    let open = Indexer::open_as(liar.rpc(), &scene.harness.contracts, scene.pool.clone(), begin);
    let mut indexer = timeout(LONG, open).await.unwrap().unwrap();
    assert_eq!(indexer.cursor().height, late);
    liar.stop_lying();
    scene.grow(1).await;
    let stepped = indexer.step().await;
    assert!(matches!(stepped, Err(IndexerError::Incomplete { .. } | IndexerError::MissingEvent { .. })), "{stepped:?}");
    drop(indexer);
    let mut indexer = scene.open(scene.rpc(), Trust::Stored).await.unwrap();
    assert_eq!(indexer.cursor().height, FIRST);
    indexer.catch_up().await.unwrap();
    // One that has events stays where it is.
    let stands = indexer.cursor();
    drop(indexer);
    assert_eq!(scene.open(scene.rpc(), Trust::Stored).await.unwrap().cursor().hash, stands.hash);
    let report = verify(&scene.pool, &scene.rpc(), &scene.harness.contracts).await.unwrap().unwrap();
    assert_eq!((report.mismatches, scene.number("select count(*) from agent").await), (0, 2), "{:?}", report.detail);
    scene.end().await;
}

#[tokio::test]
async fn what_one_of_several_nodes_says_does_not_end_a_start() {
    let scene = Scene::start().await;
    let checkpoint = scene.checkpoint().await;
    let liar = Liar::start(scene.harness.rpc_url()).await;
    let lies: [(&str, Lie); 5] = [
        ("no block follows the checkpoint", |method, _, answer| {
            if method == "next_light_client_block" {
                answer["result"] = json!({});
            }
        }),
        ("nobody knows the epoch", |method, _, answer| {
            if method == "EXPERIMENTAL_validators_ordered" {
                *answer = refusal("UNKNOWN_EPOCH");
            }
        }),
        ("nobody knows the checkpoint", |method, params, answer| {
            if method == "block" && params["block_id"].is_string() {
                *answer = refusal("UNKNOWN_BLOCK");
            }
        }),
        ("a contract can't be asked", |_, params, answer| {
            if params["method_name"] == "event_head" {
                *answer = refusal("OF_THE_FUTURE");
            }
        }),
        ("there were events before", |_, params, answer| {
            if params["method_name"] == "event_head" {
                let head = json!({ "seq": 7, "head": "7".repeat(64) });
                *answer = json!({ "result": {
                    "result": serde_json::to_vec(&head).unwrap(), "logs": [], "block_height": FIRST,
                    "block_hash": CryptoHash::default(),
                } });
            }
        }),
    ];
    for (name, lie) in lies {
        scene.run("delete from cursor; delete from light_head; delete from trust_range".to_owned()).await;
        liar.lie(lie);
        let rpc = Rpc::of([liar.url.clone(), scene.harness.rpc_url()]);
        let begin = Start { from: Some(FIRST), trust: checkpoint };
        let open = Indexer::open_as(rpc.clone(), &scene.harness.contracts, scene.pool.clone(), begin);
        let opened = timeout(LONG, open).await.unwrap_or_else(|_| panic!("{name}: it waits for ever"));
        drop(opened.unwrap_or_else(|error| panic!("{name}: {error}")));
        let health = rpc.health();
        assert!(!health[0].passed_over.is_zero() && health[1].passed_over.is_zero(), "{name}: {health:?}");
    }
    scene.end().await;
}

#[tokio::test]
async fn one_of_several_nodes_that_has_another_chain_is_passed_over() {
    let scene = taken::Scene::start().await;
    drop(scene.open().await);
    let liar = Liar::start(scene.node.rpc().url().to_owned()).await;
    liar.lie(another_name);
    let open = async |rpc| Indexer::open(rpc, &node::contracts(), scene.pool.clone()).await;
    let alone = timeout(LONG, open(liar.rpc())).await.unwrap();
    assert!(matches!(alone.err(), Some(IndexerError::OtherChain { .. })), "it is said at once");
    let several = Rpc::of([liar.url.clone(), scene.node.rpc().url().to_owned()]);
    drop(timeout(LONG, open(several)).await.unwrap().unwrap());
    scene.end().await;
}
