//! A mirror that believes no node, but producers' signatures from a block on that somebody vouched for.
//!
//! Lines whose removal must fail these: `check_below`, the `if enters` and the `delete` in `light.rs`, `note_turn` in
//! `attempt`, `stale` and `withheld` in `api/chain.rs`, `state_prefix` in `holds`.

use std::time::Duration;

use charter_client::Rpc;
use charter_harness::{Caller, call};
use charter_indexer::anchor::{self, Standing, Told};
use charter_indexer::api::Server;
use charter_indexer::{
    Contract, IndexerError, Progress, Thoroughness, Trust, Verdict, Watch, has_head, verify, verify_as,
};
use charter_types::Nothing;
use charter_types::shared::methods as shared;
use near_primitives::hash::CryptoHash;
use serde_json::{Value, json};
use sqlx::Executor;

use crate::epochs::{FIRST, Scene};
use crate::liar::Liar;

async fn get(server: &Server, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("http://{}{path}", server.addr)).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn serve(scene: &Scene, watch: Watch) -> Server {
    Server::start(scene.pool.clone(), "127.0.0.1:0", watch).await.unwrap()
}

#[tokio::test]
async fn a_mirror_follows_epochs_whose_producers_change() {
    let scene = Scene::start().await;
    let checkpoint = scene.checkpoint().await;
    let mut indexer = scene.open(scene.rpc(), checkpoint).await.unwrap();
    let before = indexer.epochs().unwrap();
    for _ in 0..4 {
        scene.grow(2).await;
        indexer.catch_up().await.unwrap();
    }
    assert!(before >= 3, "{before} epochs to begin with");
    assert!(indexer.epochs().unwrap() >= before + 3);
    drop(indexer);
    assert_eq!(scene.number("select count(*) from agent").await, 8);
    // One that somebody vouched for, and the last of each epoch.
    assert_eq!(scene.number("select count(*) from light_head where checkpoint").await, 1);
    let doubled = "select count(*) - count(distinct epoch_id) from light_head";
    assert_eq!(scene.number(doubled).await, 0);
    assert_eq!(scene.number("select min(height)::bigint from light_head").await, i64::try_from(FIRST).unwrap());
    // What the next block's header says of the state is proven once that block is.
    scene.rest().await;
    let how = Thoroughness { trust: Trust::Stored, prove: true };
    let report = verify_as(&scene.pool, &scene.rpc(), &scene.harness.contracts, how).await.unwrap().unwrap();
    assert_eq!((report.mismatches, report.proofs.len()), (0, 1 + Contract::ALL.len()), "{report:?}");
    for proof in &report.proofs {
        assert_eq!(proof.verdict, Verdict::Ok, "{proof}");
    }
    scene.end().await;
}

#[tokio::test]
async fn reading_ends_where_the_proven_chain_does_and_goes_on_from_there() {
    let scene = Scene::start().await;
    scene.grow(1).await;
    let mut indexer = scene.mirror(scene.checkpoint().await).await;
    let verified = "select max(height)::bigint from light_head";
    let (stands, verified_height) = (indexer.cursor().height, scene.number(verified).await);
    assert!(i64::try_from(stands).unwrap() <= verified_height);
    assert!(scene.head().await > stands, "a final block is no proven one");
    assert_eq!(indexer.step().await.unwrap(), Progress::Idle);
    drop(indexer);
    // Nobody has to vouch again, and whoever does so may name any block below.
    scene.grow(1).await;
    for trust in [Trust::Stored, scene.checkpoint().await, Trust::Checkpoint(scene.hash(FIRST + 2).await)] {
        let indexer = scene.mirror(trust).await;
        assert!(indexer.cursor().height > stands);
    }
    assert_eq!(scene.number("select count(*) from light_head where checkpoint").await, 1);
    let above = Trust::Checkpoint(scene.hash(scene.head().await).await);
    let refused = scene.open(scene.rpc(), above).await.err();
    assert!(matches!(refused, Some(IndexerError::OtherCheckpoint { .. })), "{refused:?}");
    let nobodys = Trust::Checkpoint(CryptoHash::hash_bytes(b"nobody's"));
    let refused = scene.open(scene.rpc(), nobodys).await.err();
    assert!(matches!(refused, Some(IndexerError::UnknownCheckpoint { .. })), "{refused:?}");
    scene.end().await;
}

#[tokio::test]
async fn a_block_that_is_no_epoch_old_is_no_checkpoint_and_none_is_no_beginning() {
    let scene = Scene::start().await;
    let young = Trust::Checkpoint(scene.hash(scene.head().await).await);
    let refused = scene.open(scene.rpc(), young).await.err();
    assert!(matches!(refused, Some(IndexerError::YoungCheckpoint { .. })), "{refused:?}");
    let refused = scene.open(scene.rpc(), Trust::Stored).await.err();
    assert!(matches!(refused, Some(IndexerError::NoHead)), "{refused:?}");
    assert!(!has_head(&scene.pool).await.unwrap());
    // The chain of another genesis.
    let other = Scene::start().await;
    let refused = scene.open(scene.rpc(), other.checkpoint().await).await.err();
    assert!(matches!(refused, Some(IndexerError::UnknownCheckpoint { .. })), "{refused:?}");
    other.end().await;
    scene.end().await;
}

/// By the number of the event.
async fn proven(server: &Server) -> Vec<bool> {
    let (_, page) = get(server, "/v1/events?contract=registry").await;
    page["items"].as_array().unwrap().iter().map(|event| event["proven"].as_bool().unwrap()).collect()
}

#[tokio::test]
async fn each_event_tells_whether_it_was_proven_or_believed_of_a_node() {
    let scene = Scene::start().await;
    let server = serve(&scene, Watch::default()).await;
    scene.grow(1).await;
    let checkpoint = scene.checkpoint().await;
    let mut ranges = Vec::new();
    for (trust, light) in [(Trust::Node, false), (checkpoint, true), (Trust::Stored, true), (Trust::Node, false)] {
        let before = proven(&server).await;
        drop(scene.mirror(trust).await);
        let after = proven(&server).await;
        // What was read before keeps its word.
        assert_eq!(after[..before.len()], before, "{trust:?}");
        let more = &after[before.len()..];
        assert!(!more.is_empty() && more.iter().all(|proven| *proven == light), "{trust:?}: {after:?}");
        ranges.push(if light { "light_client" } else { "node" });
        scene.grow(1).await;
    }
    let (_, told) = get(&server, "/v1/verify").await;
    let belief = &told["belief"];
    ranges.dedup();
    let told: Vec<_> = belief["ranges"].as_array().unwrap().iter().map(|range| &range["trust"]).collect();
    assert_eq!(told, ranges, "{belief}");
    assert_eq!((&belief["trust"], &belief["checkpoint"]["height"]), (&json!("node"), &json!(FIRST)), "{belief}");
    let is_said = |list: &str, text: &str| belief[list].as_array().unwrap().iter().any(|line| line == text);
    assert!(belief["unproven"][0].as_str().unwrap().starts_with("that the head"), "{belief}");
    assert!(is_said("unproven", "what views answer, and so what tables are compared with"), "{belief}");
    assert_eq!(belief["proven"].as_array().unwrap().len(), 3, "{belief}");
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn readiness_tells_the_age_of_the_verified_head() {
    let scene = Scene::start().await;
    let watch = Watch::default();
    let server = serve(&scene, watch.clone()).await;
    let mut indexer = scene.open(scene.rpc(), scene.checkpoint().await).await.unwrap().watched_by(watch);
    indexer.catch_up().await.unwrap();
    let (status, ready) = get(&server, "/readyz").await;
    let verified = &ready["verified_head"];
    assert_eq!((status, &verified["height"]), (200, &ready["head"]), "{ready}");
    assert!(verified["age_ms"].as_u64().unwrap() < 600_000, "{ready}");
    let (_, told) = get(&server, "/v1/verify").await;
    let belief = &told["belief"];
    assert_eq!((&belief["trust"], &belief["verified_head"]["height"]), (&json!("light_client"), &ready["head"]));
    let unproven = belief["unproven"].as_array().unwrap();
    assert!(unproven.iter().all(|line| !line.as_str().unwrap().starts_with("that the head")), "{belief}");
    let text = reqwest::get(format!("http://{}/metrics", server.addr)).await.unwrap().text().await.unwrap();
    for name in ["charter_verified_head_height ", "charter_verified_head_age_seconds "] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{text}");
    }
    drop((server, indexer));
    scene.end().await;
}

#[tokio::test]
async fn a_node_that_stands_still_is_noticed_beside_another() {
    let scene = Scene::start().await;
    let still = Liar::start(scene.harness.rpc_url()).await;
    let (checkpoint, watch) = (scene.checkpoint().await, Watch::default());
    drop(scene.mirror(checkpoint).await);
    still.lie(|method, _, answer| {
        if method == "next_light_client_block" {
            answer["result"] = json!({});
        }
    });
    let server = serve(&scene, watch.clone()).await;
    let rpc = Rpc::of([still.url.clone(), scene.harness.rpc_url()]);
    let indexer = scene.open(rpc, Trust::Stored).await.unwrap().watched_by(watch);
    let mut indexer = indexer.looking_around_every(Duration::from_millis(10));
    let head = scene.number("select max(height)::bigint from light_head").await;
    scene.harness.make_blocks(120).await.unwrap();
    let noticed = async {
        loop {
            let (status, ready) = get(&server, "/readyz").await;
            if status == 503 && !ready["furthest"].is_null() {
                return ready;
            }
        }
    };
    let ready = tokio::select! {
        ready = noticed => ready,
        ended = indexer.run(std::future::pending()) => panic!("{ended:?}"),
    };
    assert!(ready["detail"].as_str().unwrap().starts_with("another node shows "), "{ready}");
    assert_eq!(ready["head"], head, "{ready}");
    drop((server, indexer));
    scene.end().await;
}

#[tokio::test]
async fn a_protocol_that_nobody_knows_here_is_waited_for_and_named() {
    let scene = Scene::start().await;
    let liar = Liar::start(scene.harness.rpc_url()).await;
    let watch = Watch::default();
    let server = serve(&scene, watch.clone()).await;
    let indexer = scene.open(liar.rpc(), scene.checkpoint().await).await.unwrap();
    let mut indexer = indexer.watched_by(watch);
    indexer.catch_up().await.unwrap();
    let stands = indexer.cursor();
    liar.lie(|method, _, answer| {
        if method == "EXPERIMENTAL_protocol_config" {
            answer["result"]["protocol_version"] = json!(999);
        }
    });
    for _ in 0..2 {
        scene.grow(1).await;
    }
    let refused = indexer.step().await.unwrap_err();
    assert!(refused.is_transient() && refused.to_string().starts_with("PROOF_UNKNOWN_PROTOCOL: "), "{refused}");
    let (status, ready) = get(&server, "/readyz").await;
    assert!(status == 503 && ready["detail"].as_str().unwrap().contains("PROOF_UNKNOWN_PROTOCOL"), "{ready}");
    assert_eq!(indexer.cursor(), stands);
    liar.stop_lying();
    indexer.catch_up().await.unwrap();
    assert!(indexer.cursor().height > stands.height);
    drop((server, indexer));
    scene.end().await;
}

/// What a contract answered to somebody, and where.
async fn ask(scene: &Scene, contract: Contract) -> Told {
    let account = contract.account(&scene.harness.contracts);
    let outcome = scene.alice.send(account, call(shared::event_head, &Nothing {}), 0).await.unwrap();
    let executed = outcome.receipt_outcomes().iter().find(|one| one.executor_id == *account).unwrap();
    let receipt = outcome.outcome().receipt_ids[0];
    Told { contract, receipt: CryptoHash(receipt.0), block: CryptoHash(executed.block_hash.0) }
}

#[tokio::test]
async fn an_anchor_finds_events_that_a_node_kept_back() {
    let scene = Scene::start().await;
    scene.grow(1).await;
    let checkpoint = scene.checkpoint().await;
    let mut indexer = scene.mirror(checkpoint).await;
    let told = [ask(&scene, Contract::Registry).await, ask(&scene, Contract::Keys).await];
    scene.rest().await;
    let (rpc, contracts) = (scene.rpc(), &scene.harness.contracts);
    let take = async |told: &[Told]| {
        let taken = anchor::take(rpc.clone(), contracts, &scene.pool, Trust::Stored, told);
        tokio::time::timeout(Duration::from_secs(30), taken).await.unwrap().unwrap();
    };
    take(&told).await;
    let standing = async || {
        let anchors = anchor::all(&scene.pool).await.unwrap();
        anchors.into_iter().map(|one| (one.contract, one.state, one.proven)).collect::<Vec<_>>()
    };
    let of = |keys, registry| vec![("keys".to_owned(), keys, true), ("registry".to_owned(), registry, true)];
    // All is there already, wherever the tables stand.
    assert_eq!(standing().await, of(Standing::Complete, Standing::Complete));
    // More came, and a node keeps it back: it leaves it out, and says that there is no more.
    let liar = Liar::start(scene.harness.rpc_url()).await;
    drop(indexer);
    let honest = scene.events().await;
    let ours = rpc.view(&contracts.registry, shared::event_head, &Nothing {}, charter_client::At::Final).await.unwrap();
    scene.grow(1).await;
    let told = [ask(&scene, Contract::Registry).await];
    scene.rest().await;
    let head = serde_json::to_vec(&ours).unwrap();
    liar.lie(move |method, params, answer| match method {
        "changes" => answer["result"]["changes"] = json!([]),
        "query" if params["method_name"] == "event_head" && params["account_id"] == "registry.test.near" => {
            answer["result"]["result"] = json!(head);
        }
        _ => {}
    });
    indexer = scene.open(liar.rpc(), Trust::Stored).await.unwrap();
    indexer.catch_up().await.unwrap();
    assert_eq!(scene.events().await, honest, "what is kept back is not there, and nothing else is");
    let server = serve(&scene, Watch::default()).await;
    assert_eq!(get(&server, "/readyz").await.0, 200);
    take(&told).await;
    assert_eq!(standing().await, of(Standing::Complete, Standing::Withheld));
    let (status, ready) = get(&server, "/readyz").await;
    assert!(status == 503 && ready["detail"].as_str().unwrap().starts_with("registry had "), "{ready}");
    let (_, verified) = get(&server, "/v1/verify").await;
    assert_eq!(verified["belief"]["anchors"][1]["state"], "withheld", "{verified}");
    // What a node made up while it was believed does not stand before what is proven.
    let text = "insert into event_anchor (contract, seq, head, height, light)
                select contract, seq + 1, head, 4611686018427387904, false from event_anchor";
    scene.pool.execute(text).await.unwrap();
    assert_eq!(standing().await, of(Standing::Complete, Standing::Withheld));
    drop((server, indexer));
    // A node that shows what came next shows that something is missing: it is read, and nothing has to be made anew.
    scene.grow(1).await;
    drop(scene.mirror(Trust::Stored).await);
    assert_eq!(standing().await, of(Standing::Complete, Standing::Complete));
    assert_eq!(scene.number("select count(*) from agent").await, 3);
    let report = verify(&scene.pool, &scene.rpc(), contracts).await.unwrap().unwrap();
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    scene.end().await;
}

type Bend = Box<dyn Fn(&mut Value) + Send>;

#[tokio::test]
async fn a_state_that_a_node_does_not_show_or_bends_is_unproven_and_never_ok() {
    let scene = Scene::start().await;
    scene.grow(1).await;
    drop(scene.mirror(scene.checkpoint().await).await);
    scene.rest().await;
    let liar = Liar::start(scene.harness.rpc_url()).await;
    let how = Thoroughness { trust: Trust::Stored, prove: true };
    let verdicts = async || {
        let report = verify_as(&scene.pool, &liar.rpc(), &scene.harness.contracts, how).await.unwrap().unwrap();
        (report.mismatches, report.proofs.iter().skip(1).map(|proof| proof.verdict).collect::<Vec<_>>())
    };
    assert_eq!(verdicts().await, (0, vec![Verdict::Ok; 4]));
    let too_large = json!({ "name": "HANDLER_ERROR", "cause": { "name": "TOO_LARGE_CONTRACT_STATE", "info": {} } });
    let bends: [Bend; 4] = [
        Box::new(move |answer| *answer = json!({ "error": too_large })),
        Box::new(|answer| answer["result"]["proof"] = json!([])),
        Box::new(|answer| answer["result"]["values"] = json!([])),
        Box::new(|answer| answer["result"]["values"][0]["value"] = json!("AAAA")),
    ];
    for (number, bend) in bends.into_iter().enumerate() {
        liar.lie(move |_, params, answer| {
            if params["request_type"] == "view_state" {
                bend(answer);
            }
        });
        assert_eq!(verdicts().await, (0, vec![Verdict::Unproven; 4]), "{number}");
    }
    liar.stop_lying();
    // The tables have another end than the contract.
    scene.run("update contract set seq = seq + 1 where name = 'keys'".to_owned()).await;
    let (mismatches, found) = verdicts().await;
    assert_eq!(found, [Verdict::Ok, Verdict::Differs, Verdict::Ok, Verdict::Ok]);
    assert!(mismatches > 0);
    // Who believes a node has nothing proven.
    let report = verify(&scene.pool, &scene.rpc(), &scene.harness.contracts).await.unwrap().unwrap();
    assert!(report.proofs.is_empty(), "{report:?}");
    scene.end().await;
}
