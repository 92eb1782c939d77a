//! Several nodes, of which one lies, drips or stands still: it is passed over, and nobody else is.
//!
//! Lines whose removal must fail these: `blame_tellers` in `step`, `over_within` in `given_up_after`, `judge_pace` in
//! `go_on`, `told_head` in `light_head` and in `prove`, and `run` polling `lookout` beside `go_on`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use charter_client::Rpc;
use charter_indexer::{Contract, Indexer, IndexerError, Trust};
use serde_json::{Value, json};

use crate::liar::Liar;
use crate::node::contracts;
use crate::taken::{Scene, plain_agent};
use crate::{epochs, node};

/// Blocks that are enough to tell one that stands still from one that was asked a moment ago.
const MANY: usize = 40;

/// A liar before a node, and the node itself.
async fn beside(node: &node::Node) -> (Liar, Rpc) {
    let url = node.rpc().url().to_owned();
    let liar = Liar::start(url.clone()).await;
    let rpc = Rpc::of([liar.url.clone(), url]);
    (liar, rpc)
}

#[tokio::test]
async fn who_left_receipts_out_is_blamed_and_not_who_noticed() {
    let scene = Scene::start().await;
    let (liar, rpc) = beside(&scene.node).await;
    let mut indexer = Indexer::open(rpc.clone(), &contracts(), scene.pool.clone()).await.unwrap();
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    // Views it can't serve: the other one is asked for these.
    liar.lie(|method, _, answer| match method {
        "changes" => answer["result"]["changes"] = json!([]),
        "query" => *answer = json!("no answer"),
        _ => {}
    });
    let stepped = indexer.step().await;
    assert!(matches!(stepped, Err(IndexerError::Incomplete { .. })), "{stepped:?}");
    let health = rpc.health();
    assert!(health[0].reason.as_ref().unwrap().contains("left some out"), "{health:?}");
    assert!(health[1].passed_over.is_zero(), "{health:?}");
    indexer.catch_up().await.unwrap();
    assert_eq!(scene.one("select count(*)::text from event").await, "1");
    drop(indexer);
    scene.end().await;
}

#[tokio::test]
async fn a_first_node_that_never_ends_an_answer_ends_no_run() {
    let scene = Scene::start().await;
    let (liar, rpc) = beside(&scene.node).await;
    let indexer = Indexer::open(rpc, &contracts(), scene.pool.clone()).await.unwrap();
    let mut indexer = indexer.given_up_after(Duration::from_secs(2));
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    liar.hold("changes");
    let reached = async { while scene.one("select height::text from cursor").await != "2" {} };
    tokio::select! {
        () = reached => {}
        ended = indexer.run(std::future::pending()) => panic!("{ended:?}"),
    }
    drop(indexer);
    scene.end().await;
}

/// The newest head is said to be the newest for ever, or what happened is never proven.
#[tokio::test]
async fn a_node_that_leads_no_further_than_another_is_passed_over() {
    let scene = epochs::Scene::start().await;
    drop(scene.mirror(scene.checkpoint().await).await);
    let still = Liar::start(scene.harness.rpc_url()).await;
    for (agents, method) in [(1, "next_light_client_block"), (2, "light_client_proof")] {
        let rpc = Rpc::of([still.url.clone(), scene.harness.rpc_url()]);
        let indexer = scene.open(rpc, Trust::Stored).await.unwrap();
        let mut indexer =
            indexer.looking_around_every(Duration::from_millis(10)).left_behind_for(Duration::from_millis(10));
        still.lie(move |called, _, answer| {
            if called == method {
                let refused = json!({ "error": { "cause": { "name": "NOT_CONFIRMED", "info": {} } } });
                *answer = if method == "light_client_proof" { refused } else { json!({ "result": {} }) };
            }
        });
        scene.grow(1).await;
        scene.harness.make_blocks(MANY).await.unwrap();
        let reached = async { while scene.number("select count(*) from agent").await < agents {} };
        tokio::select! {
            () = reached => {}
            ended = indexer.run(std::future::pending()) => panic!("{ended:?}"),
        }
        drop(indexer);
    }
    scene.end().await;
}

/// Counts how often a node is asked for its final block.
fn count_finals(counted: &Arc<AtomicUsize>) -> impl FnMut(&str, &Value, &mut Value) + Send + use<> {
    let counted = Arc::clone(counted);
    move |method, params, _| {
        if method == "block" && params["finality"] == "final" {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn nodes_are_compared_in_pauses_too() {
    let scene = Scene::start().await;
    let (first, second) = (Arc::default(), Arc::default());
    let (liar, other) = (Liar::start(scene.node.rpc().url().to_owned()).await, node::Node::start().await);
    let rpc = Rpc::of([liar.url.clone(), other.rpc().url().to_owned()]);
    let indexer = Indexer::open(rpc, &contracts(), scene.pool.clone()).await.unwrap();
    let mut indexer = indexer.looking_around_every(Duration::from_millis(1));
    liar.lie(count_finals(&first));
    other.lie(count_finals(&second));
    // A step asks the first one alone, whoever compares asks both. There is nothing to read, so pauses are all.
    let looked = async {
        loop {
            let (first, second) = (first.load(Ordering::Relaxed), second.load(Ordering::Relaxed));
            let steps = first.saturating_sub(second);
            if steps >= 10 {
                return (steps, second);
            }
            tokio::task::yield_now().await;
        }
    };
    let (steps, looks) = tokio::select! {
        counted = looked => counted,
        ended = indexer.run(std::future::pending()) => panic!("{ended:?}"),
    };
    assert!(looks > 2 * steps, "{looks} comparisons in {steps} pauses");
    drop(indexer);
    scene.end().await;
}
