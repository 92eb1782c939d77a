//! Replicas of one chain that answer differently: each fault is seen, by those alone that it was asked of, and again.

use charter_localnet::{Config, Faults, Localnet, RpcServer};
use near_primitives::types::{AccountId, Balance};
use near_primitives::views::FinalExecutionOutcomeView;
use serde_json::{Value, json};

use crate::actor::{Actor, ask, call};

/// A chain, a contract and a call of it that wrote a log.
struct Logged {
    localnet: Localnet,
    _rpc: RpcServer,
    contract: AccountId,
    outcome: FinalExecutionOutcomeView,
}

async fn logged() -> Logged {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    let contract = root.create("contract", Balance::from_near(20)).await;
    contract.deploy(crate::PROBE).await;
    let script = json!({ "script": [{ "log": "paid 41" }, { "write": { "key": "k", "len": 3 } }] });
    let outcome = root.send(&contract.id, vec![call("run", &script, Balance::ZERO)]).await.unwrap();
    while localnet.with(|chain| chain.has_work()).await.unwrap() {
        tokio::task::yield_now().await;
    }
    Logged { localnet, _rpc: rpc, contract: contract.id, outcome }
}

fn replica(localnet: &Localnet, faults: Faults) -> Localnet {
    localnet.as_replica(Faults { seed: 5, replica: 1, ..faults })
}

async fn final_height(localnet: &Localnet) -> u64 {
    ask(localnet, "block", json!({ "finality": "final" })).await["result"]["header"]["height"].as_u64().unwrap()
}

#[tokio::test]
async fn changes_are_left_out() {
    let logged = logged().await;
    let bare = replica(&logged.localnet, Faults { empty_changes: 1.0, ..Faults::default() });
    let block = logged.outcome.receipts_outcome[0].block_hash;
    let of_account = json!({ "block_id": block, "changes_type": "account_changes", "account_ids": [logged.contract] });
    for (method, params) in [("changes", of_account), ("block_effects", json!({ "block_id": block }))] {
        let (honest, other) =
            (ask(&logged.localnet, method, params.clone()).await, ask(&bare, method, params.clone()).await);
        assert!(!honest["result"]["changes"].as_array().unwrap().is_empty(), "{honest}");
        assert_eq!(other["result"]["changes"], json!([]));
        assert_eq!(other["result"]["block_hash"], honest["result"]["block_hash"]);
    }
    let status = async |localnet: &Localnet| ask(localnet, "status", json!([])).await["result"]["sync_info"].clone();
    assert_eq!(status(&bare).await, status(&logged.localnet).await, "nothing else is changed");
}

#[tokio::test]
async fn a_block_is_unknown_and_not_skipped() {
    let logged = logged().await;
    let forgetful = replica(&logged.localnet, Faults { unknown_block: 1.0, ..Faults::default() });
    let block = json!(logged.outcome.receipts_outcome[0].block_hash);
    let query = json!({ "request_type": "view_account", "account_id": logged.contract, "block_id": block });
    for (method, params) in [
        ("block", json!({ "block_id": block })),
        ("block", json!({ "block_id": 1 })),
        ("block", json!([block])),
        ("chunk", json!({ "block_id": block, "shard_id": 0 })),
        ("changes", json!({ "block_id": block, "changes_type": "account_changes", "account_ids": [] })),
        ("block_effects", json!({ "block_id": block })),
        ("query", query),
    ] {
        let honest = ask(&logged.localnet, method, params.clone()).await;
        assert!(honest["result"].is_object(), "{method}: {honest}");
        let other = ask(&forgetful, method, params).await;
        assert_eq!(other["error"]["cause"]["name"], "UNKNOWN_BLOCK", "{method}: {other}");
        assert!(other["error"]["cause"]["info"]["skipped_height"].is_null(), "{method}: {other}");
    }
    assert_eq!(final_height(&forgetful).await, final_height(&logged.localnet).await, "the head is known");
}

#[tokio::test]
async fn a_head_is_ten_blocks_old() {
    let logged = logged().await;
    let made = logged.localnet.with(|chain| (0..20).try_for_each(|_| chain.produce()));
    made.await.unwrap().unwrap();
    let stale = replica(&logged.localnet, Faults { stale_head: 1.0, ..Faults::default() });
    let height = final_height(&logged.localnet).await;
    assert_eq!(final_height(&stale).await, height - 10);
    let status = ask(&stale, "status", json!([])).await["result"]["sync_info"].clone();
    assert_eq!(status["latest_block_height"], height - 10);
    let query = json!({ "request_type": "view_account", "account_id": logged.contract, "finality": "optimistic" });
    assert_eq!(ask(&stale, "query", query).await["result"]["block_height"], height - 10);
    let genesis = ask(&stale, "block", json!({ "block_id": 0 })).await["result"]["header"]["hash"].clone();
    let newest = async |localnet: &Localnet| {
        let step = ask(localnet, "next_light_client_block", json!([genesis])).await;
        step["result"]["inner_lite"]["height"].as_u64().unwrap()
    };
    assert_eq!(newest(&stale).await + 10, newest(&logged.localnet).await);
}

/// Change the logs in the answer of `tx` alone, and this fails.
#[tokio::test]
async fn logs_are_others_and_their_proof_fails() {
    let logged = logged().await;
    let liar = replica(&logged.localnet, Faults { other_logs: 1.0, ..Faults::default() });
    let receipt = &logged.outcome.receipts_outcome[0];
    let tx = json!({ "tx_hash": logged.outcome.transaction_outcome.id, "sender_account_id": "test.near" });
    let told = async |localnet: &Localnet| {
        let answer = ask(localnet, "tx", tx.clone()).await;
        answer["result"]["receipts_outcome"][0]["outcome"]["logs"].clone()
    };
    assert_eq!((told(&logged.localnet).await, told(&liar).await), (json!(["paid 41"]), json!(["paid 49"])));
    let head = ask(&logged.localnet, "block", json!({ "finality": "final" })).await["result"]["header"].clone();
    let proof = async |localnet: &Localnet| {
        let params = json!({
            "type": "receipt", "receipt_id": receipt.id, "receiver_id": logged.contract,
            "light_client_head": head["hash"],
        });
        ask(localnet, "light_client_proof", params).await["result"].clone()
    };
    let (honest, other) = (proof(&logged.localnet).await, proof(&liar).await);
    assert_eq!(honest["outcome_proof"]["outcome"]["logs"], json!(["paid 41"]));
    assert_eq!(other["outcome_proof"]["outcome"]["logs"], json!(["paid 49"]));
    assert!(is_proven(&honest) && !is_proven(&other));
}

/// Whether an outcome is below the root in its header.
fn is_proven(proof: &Value) -> bool {
    use near_primitives::hash::CryptoHash;
    use near_primitives::merkle::{MerklePath, compute_root_from_path};
    use near_primitives::views::ExecutionOutcomeWithIdView;
    let outcome: ExecutionOutcomeWithIdView = serde_json::from_value(proof["outcome_proof"].clone()).unwrap();
    let path: MerklePath = serde_json::from_value(proof["outcome_root_proof"].clone()).unwrap();
    let chunk_root = compute_root_from_path(&outcome.proof, CryptoHash::hash_borsh(outcome.to_hashes()));
    let root = compute_root_from_path(&path, CryptoHash::hash_borsh(chunk_root));
    json!(root) == proof["block_header_lite"]["inner_lite"]["outcome_root"]
}

/// Which of the first blocks a replica does not know.
async fn unknown(localnet: &Localnet, faults: Faults) -> Vec<u64> {
    let replica = localnet.as_replica(faults);
    let mut unknown = Vec::new();
    for height in 0..60 {
        if ask(&replica, "block", json!({ "block_id": height })).await["error"].is_object() {
            unknown.push(height);
        }
    }
    unknown
}

/// Leave the replica's number out of the dice, or count requests, and this fails.
#[tokio::test]
async fn the_seed_the_replica_and_the_request_decide() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let made = localnet.with(|chain| (0..60).try_for_each(|_| chain.produce()));
    made.await.unwrap().unwrap();
    let faults = Faults { seed: 7, replica: 1, unknown_block: 0.3, ..Faults::default() };
    let first = unknown(&localnet, faults).await;
    assert!((5..40).contains(&first.len()), "{first:?}");
    assert_eq!(unknown(&localnet, faults).await, first);
    for other in [Faults { replica: 2, ..faults }, Faults { seed: 8, ..faults }] {
        assert_ne!(unknown(&localnet, other).await, first);
    }
    assert!(unknown(&localnet, Faults::default()).await.is_empty());
}
