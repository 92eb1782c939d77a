//! Nothing is passed over: what a node leaves out, does not know or can't prove is asked for again.
//!
//! Lines whose removal must fail these: `check_complete` in `try_step`, the loop of `start`, `walk_back` for the block after
//! an unknown height, both loops of `beyond_gap`, the copy of `kept` in `proven`; `go_back` in `step`, `follows` in
//! `before_missing`, `remake` and `head_after` in `take_back`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use charter_indexer::{Contract, Indexer, IndexerError, Progress, Start};
use serde_json::{Value, json};

use crate::node::contracts;
use crate::taken::{Scene, plain_agent};

/// A node's answer that it has no such thing.
fn unknown(name: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": "charter", "error": { "cause": { "name": name } } })
}

async fn is_mirrored(scene: &Scene, events: usize) {
    assert_eq!(scene.one("select count(*)::text from event").await, events.to_string());
    let report = scene.verify().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
}

#[tokio::test]
async fn receipts_that_a_node_leaves_out_are_missed_before_the_cursor_moves() {
    let scene = Scene::start().await;
    let mut indexer = scene.open().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.node.emit(Contract::Registry, &[plain_agent(2)]);
    for left_out in [2, 3] {
        let hidden = scene.node.hash(left_out);
        scene.node.lie(move |method, params, answer| {
            if method == "changes" && params["block_id"] == json!(hidden) {
                answer["result"]["changes"] = json!([]);
            }
        });
        let stepped = indexer.step().await;
        // The first one's absence shows in the number of the second, too.
        let missed = matches!(
            stepped,
            Err(IndexerError::Incomplete { contract: "registry", .. } | IndexerError::MissingEvent { .. })
        );
        assert!(missed, "{left_out}: {stepped:?}");
        assert_eq!(scene.one("select height::text from cursor").await, "1", "{left_out}");
    }
    scene.node.stop_lying();
    indexer.catch_up().await.unwrap();
    is_mirrored(&scene, 2).await;
    scene.end().await;
}

/// What a node that keeps an event back says of how many there are.
fn claims(scene: &Scene, contract: Contract, more: u64) -> impl Fn(&Value, &mut Value) + Send + use<> {
    let mut head = scene.node.world(|world| world.head(contract));
    head.seq += more;
    let (head, account) = (serde_json::to_vec(&head).unwrap(), contract.account(&contracts()).to_string());
    move |params, answer| {
        if params["method_name"] == "event_head" && params["account_id"] == json!(account) {
            answer["result"]["result"] = json!(head);
        }
    }
}

#[tokio::test]
async fn events_that_were_kept_back_and_not_missed_are_read_once_a_node_shows_more() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.node.emit(Contract::Keys, &[json!({ "mpc": "mpc.near" })]);
    let mut indexer = scene.open().await;
    indexer.catch_up().await.unwrap();
    // It leaves the next one out, and says of the number of events what suits. Others' go on.
    let claimed = claims(&scene, Contract::Registry, 0);
    scene.node.emit(Contract::Registry, &[plain_agent(2)]);
    scene.node.emit(Contract::Keys, &[json!({ "mpc": "other.near" })]);
    let hidden = scene.node.hash(4);
    scene.node.lie(move |method, params, answer| {
        if method == "changes" && params["block_id"] == json!(hidden) {
            answer["result"]["changes"] = json!([]);
        }
        claimed(params, answer);
    });
    assert_eq!(indexer.catch_up().await.unwrap().height, 5);
    assert_eq!(scene.one("select count(*)::text from event").await, "3");
    // An honest one shows what follows, and that something was before it.
    scene.node.stop_lying();
    scene.node.emit(Contract::Registry, &[plain_agent(3)]);
    assert_eq!(indexer.step().await.unwrap(), Progress::WentBack { height: 3 });
    // Until all is read again the tables are what they were there.
    assert_eq!(scene.one("select count(*)::text from event").await, "2");
    assert_eq!(scene.one("select body::text from keys_setting").await, r#""mpc.near""#);
    indexer.catch_up().await.unwrap();
    is_mirrored(&scene, 5).await;
    scene.end().await;
}

#[tokio::test]
async fn who_says_that_there_are_more_events_and_shows_none_moves_nothing() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let mut indexer = scene.open().await;
    indexer.catch_up().await.unwrap();
    let claimed = claims(&scene, Contract::Registry, 1);
    scene.node.block(Vec::new());
    scene.node.lie(move |_, params, answer| claimed(params, answer));
    for _ in 0..3 {
        let stepped = indexer.step().await;
        assert!(matches!(stepped, Err(IndexerError::Incomplete { .. })), "{stepped:?}");
        assert_eq!(scene.one("select height::text from cursor").await, "2");
    }
    scene.node.stop_lying();
    indexer.catch_up().await.unwrap();
    is_mirrored(&scene, 1).await;
    scene.end().await;
}

#[tokio::test]
async fn a_height_that_one_node_does_not_know_is_not_taken_for_skipped() {
    let scene = Scene::start().await;
    let mut indexer = scene.open().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.node.emit(Contract::Registry, &[plain_agent(2)]);
    // It does not know the block at all, though it knows the next one: nothing moves.
    let lagging = scene.node.hash(2);
    scene.node.lie(move |method, params, answer| {
        if method == "block" && (params["block_id"] == 2 || params["block_id"] == json!(lagging)) {
            *answer = unknown("UNKNOWN_BLOCK");
        }
    });
    let stepped = indexer.step().await;
    assert!(matches!(&stepped, Err(error) if error.is_transient()), "{stepped:?}");
    assert_eq!(scene.one("select height::text from cursor").await, "1");
    // Another one behind the same address knows it by its hash.
    scene.node.lie(|method, params, answer| {
        if method == "block" && params["block_id"] == 2 {
            *answer = unknown("UNKNOWN_BLOCK");
        }
    });
    indexer.catch_up().await.unwrap();
    is_mirrored(&scene, 2).await;
    scene.end().await;
}

#[tokio::test]
async fn across_a_wide_gap_it_takes_few_questions_and_no_block_is_lost() {
    let scene = Scene::start().await;
    let mut indexer = scene.open().await;
    for _ in 0..200 {
        scene.node.block(Vec::new());
    }
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    for _ in 0..600 {
        scene.node.block(Vec::new());
    }
    // Heights 2 to 201 are not known by number; the first is found behind them, and those before it by their hashes.
    let asked = Arc::new(Mutex::new(0_u32));
    let counted = Arc::clone(&asked);
    scene.node.lie(move |method, params, answer| {
        if method == "block" && params["finality"].is_null() {
            *counted.lock().unwrap() += 1;
            if params["block_id"].as_u64().is_some_and(|height| height < 202) {
                *answer = unknown("UNKNOWN_BLOCK");
            }
        }
    });
    assert!(matches!(indexer.step().await, Ok(Progress::Advanced { .. })));
    // 8 one by one, about 10 in growing steps, about 8 by halves, 200 by hash; the head is 600 further.
    let asked = *asked.lock().unwrap();
    assert!(asked < 300, "{asked} questions");
    scene.node.stop_lying();
    indexer.catch_up().await.unwrap();
    is_mirrored(&scene, 1).await;
    scene.end().await;
}

#[tokio::test]
async fn a_mirror_begins_before_the_first_event_or_not_at_all() {
    let scene = Scene::start().await;
    scene.node.block(Vec::new());
    scene.node.emit(Contract::Keys, &[json!({ "mpc": "mpc.near" })]);
    scene.node.block(Vec::new());
    let open = async |from| {
        let begin = Start { from, ..Start::default() };
        Indexer::open_as(scene.node.rpc(), &contracts(), scene.pool.clone(), begin).await
    };
    for late in [3, 4] {
        let refused = open(Some(late)).await.err();
        assert!(matches!(refused, Some(IndexerError::LateStart { contract: "keys", seq: 1, .. })), "{refused:?}");
    }
    // A node that has dropped old blocks begins too late, too.
    scene.node.lie(|method, _, answer| {
        if method == "status" {
            answer["result"]["sync_info"]["earliest_block_height"] = json!(4);
        }
    });
    assert!(matches!(open(None).await.err(), Some(IndexerError::LateStart { height: 4, .. })));
    assert_eq!(scene.one("select count(*)::text from cursor").await, "0");
    let mut indexer = open(Some(2)).await.unwrap();
    indexer.catch_up().await.unwrap();
    is_mirrored(&scene, 1).await;
    scene.end().await;
}

#[tokio::test]
async fn what_was_proven_is_not_asked_for_again() {
    let scene = Scene::start().await;
    let mut indexer = scene.open().await;
    let logs = |id| scene.node.world(|world| vec![world.emit(Contract::Registry, "told", &plain_agent(id))]);
    let receipts = (1..=40).map(|id| (Contract::Registry, logs(id))).collect();
    scene.node.block(receipts);
    let asked = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let counted = Arc::clone(&asked);
    scene.node.lie(move |method, params, answer| {
        if method == "light_client_proof" {
            let mut asked = counted.lock().unwrap();
            let times = asked.entry(params["receipt_id"].to_string()).or_default();
            *times += 1;
            let first = *times == 1;
            // Of the forty the thirtieth fails once.
            if first && asked.len() == 30 {
                *answer = unknown("INTERNAL_ERROR");
            }
        }
    });
    assert!(indexer.step().await.is_err());
    indexer.catch_up().await.unwrap();
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 40);
    let again = asked.values().filter(|times| **times > 1).count();
    // The one that failed, and those that were on their way then.
    assert!((1..=16).contains(&again), "{again} of 40 were asked for again");
    is_mirrored(&scene, 40).await;
    scene.end().await;
}
