//! How long an answer to a transaction waits, and the older shapes of requests that clients still send.

use charter_localnet::{Config, Localnet};
use near_crypto::{KeyType, Signature};
use near_primitives::action::{Action, TransferAction};
use near_primitives::serialize::to_base64;
use near_primitives::transaction::SignedTransaction;
use near_primitives::types::Balance;
use serde_json::{Value, json};

use crate::actor::{Actor, ask};

async fn started(finality_lag: u64) -> (Localnet, charter_localnet::RpcServer, Actor) {
    let localnet = Localnet::start(Config { finality_lag, ..Config::default() }).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    (localnet, rpc, root)
}

fn text(signed: &SignedTransaction) -> String {
    to_base64(&borsh::to_vec(signed).unwrap())
}

async fn transfer(root: &Actor) -> SignedTransaction {
    let actions = vec![Action::Transfer(TransferAction { deposit: Balance::from_yoctonear(1) })];
    root.sign(&"registrar".parse().unwrap(), actions).await
}

async fn send(localnet: &Localnet, signed: &SignedTransaction, wait_until: &str) -> Value {
    ask(localnet, "send_tx", json!({ "signed_tx_base64": text(signed), "wait_until": wait_until })).await
}

#[tokio::test]
async fn an_answer_names_the_level_that_was_waited_for() {
    for lag in [0, 2, 5] {
        let (localnet, _rpc, root) = started(lag).await;
        for level in ["INCLUDED", "EXECUTED_OPTIMISTIC", "INCLUDED_FINAL", "EXECUTED", "FINAL"] {
            let answer = send(&localnet, &transfer(&root).await, level).await;
            assert_eq!(answer["result"]["final_execution_status"], level, "{answer}");
        }
        let signed = transfer(&root).await;
        let answer = ask(&localnet, "broadcast_tx_commit", json!([text(&signed)])).await;
        assert_eq!(answer["result"]["final_execution_status"], "EXECUTED_OPTIMISTIC", "{answer}");
        // Asked again it says how far the transaction really is.
        let asked = json!({ "tx_hash": signed.get_hash(), "sender_account_id": root.id, "wait_until": "FINAL" });
        assert_eq!(ask(&localnet, "tx", asked).await["result"]["final_execution_status"], "FINAL");
    }
}

/// Clients compare both. Who asks later hears how far it is.
#[tokio::test]
async fn a_status_right_after_sending_names_the_same_level() {
    let (localnet, _rpc, root) = started(0).await;
    let signed = transfer(&root).await;
    let sent = send(&localnet, &signed, "EXECUTED_OPTIMISTIC").await;
    let asked = json!({ "tx_hash": signed.get_hash(), "sender_account_id": root.id });
    assert_eq!(ask(&localnet, "tx", asked.clone()).await["result"], sent["result"]);
    localnet.cheats().advance_time(std::time::Duration::from_secs(2)).await.unwrap();
    assert_eq!(ask(&localnet, "tx", asked).await["result"]["final_execution_status"], "FINAL");
}

#[tokio::test]
async fn whoever_waits_for_nothing_gets_no_outcome_and_no_refusal() {
    let (localnet, _rpc, root) = started(0).await;
    let good = transfer(&root).await;
    let mut bad = SignedTransaction::new(Signature::empty(KeyType::ED25519), good.transaction.clone());
    for signed in [&bad, &good] {
        let answer = send(&localnet, signed, "NONE").await;
        assert_eq!(answer["result"], json!({ "final_execution_status": "NONE" }), "{answer}");
    }
    bad = transfer(&root).await;
    bad.signature = Signature::empty(KeyType::ED25519);
    let refused = send(&localnet, &bad, "INCLUDED").await;
    assert_eq!(refused["error"]["cause"]["name"], "INVALID_TRANSACTION", "{refused}");
}

#[tokio::test]
async fn queries_by_path_are_answered_as_those_by_fields() {
    let (localnet, _rpc, root) = started(0).await;
    let contract = root.create("contract", Balance::from_near(20)).await;
    contract.deploy(crate::PROBE).await;
    // Both are asked at one head.
    while localnet.with(|chain| chain.has_work()).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let (id, key) = (&contract.id, contract.key.public_key());
    let args = bs58::encode(r#"{"key":"k"}"#).into_string();
    let by_path = [
        (format!("account/{id}"), String::new(), json!({ "request_type": "view_account" })),
        (format!("access_key/{id}"), String::new(), json!({ "request_type": "view_access_key_list" })),
        (
            format!("access_key/{id}/{key}"),
            String::new(),
            json!({ "request_type": "view_access_key", "public_key": key }),
        ),
        (format!("code/{id}"), String::new(), json!({ "request_type": "view_code" })),
        (format!("contract/{id}"), String::new(), json!({ "request_type": "view_state", "prefix_base64": "" })),
        (
            format!("call/{id}/peek"),
            args,
            json!({ "request_type": "call_function", "method_name": "peek", "args_base64": "eyJrZXkiOiJrIn0=" }),
        ),
    ];
    for (path, data, mut fields) in by_path {
        fields["account_id"] = json!(id);
        fields["finality"] = json!("optimistic");
        let (by_path, by_fields) =
            (ask(&localnet, "query", json!([path, data])).await, ask(&localnet, "query", fields).await);
        assert!(by_path["result"].is_object(), "{path}: {by_path}");
        assert_eq!(by_path["result"], by_fields["result"], "{path}");
    }
    let huge = "1".repeat(11_000);
    let wrong = ["", "account", "account/UPPER", "call/test.near", "moon/test.near", "access_key/test.near/x"];
    for params in wrong.map(|path| json!([path, ""])).into_iter().chain([
        json!(["contract/test.near", "0OIl"]),
        json!(["contract/test.near", huge]),
        json!(["account/test.near"]),
        json!([]),
    ]) {
        let answer = ask(&localnet, "query", params.clone()).await;
        assert_eq!(answer["error"]["cause"]["name"], "PARSE_ERROR", "{params}: {answer}");
    }
}

#[tokio::test]
async fn a_chunk_is_named_by_its_hash_or_by_block_and_shard() {
    let (localnet, _rpc, _root) = started(0).await;
    localnet.cheats().advance_blocks(1).await.unwrap();
    let (height, block, chunk) = localnet
        .with(|chain| {
            let head = chain.head();
            (head.header.height(), *head.header.hash(), head.chunk.chunk_hash().0)
        })
        .await
        .unwrap();
    for params in [
        json!([chunk]),
        json!({ "chunk_id": chunk }),
        json!([height, 0]),
        json!([[height, 0]]),
        json!([[block, 0]]),
        json!({ "chunk_id": [height, 0] }),
        json!({ "block_id": height, "shard_id": 0 }),
    ] {
        let answer = ask(&localnet, "chunk", params.clone()).await;
        assert_eq!(answer["result"]["header"]["chunk_hash"], json!(chunk), "{params}: {answer}");
    }
    let unknown_shard = ask(&localnet, "chunk", json!({ "chunk_id": [height, 7] })).await;
    assert_eq!(unknown_shard["error"]["cause"]["name"], "INVALID_SHARD_ID");
    for params in [json!({ "chunk_id": [height] }), json!({ "chunk_id": 5 }), json!([[]]), json!({})] {
        let answer = ask(&localnet, "chunk", params.clone()).await;
        assert_eq!(answer["error"]["cause"]["name"], "PARSE_ERROR", "{params}: {answer}");
    }
    let no_block = ask(&localnet, "block", json!({ "block_id": 0, "shard_id": 99_999 })).await;
    assert_eq!(no_block["error"]["cause"]["name"], "PARSE_ERROR", "{no_block}");
}
