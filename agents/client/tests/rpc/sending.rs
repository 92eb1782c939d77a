//! Transactions: what a node may have got is known to whoever signed it, and is only ever sent again as it was.

use charter_client::{Account, ClientError, Rpc, transfer_action};
use near_crypto::{KeyType, SecretKey};
use near_primitives::hash::CryptoHash;
use near_primitives::types::AccountId;
use near_primitives::views::{BlockHeaderView, BlockView};
use serde_json::{Value, json};

use crate::stand_in::{NodeStandIn, Says, nowhere};

/// How often `Account` sends a transaction of which it hears nothing.
const DELIVERIES: usize = 3;

async fn send(rpc: &Rpc) -> Result<Value, ClientError> {
    rpc.call("send_tx", json!({ "signed_tx_base64": "AA==", "wait_until": "FINAL" })).await
}

#[tokio::test]
async fn what_one_node_may_have_got_is_sent_to_no_other() {
    let second = NodeStandIn::start(Says::result("second")).await;
    for lost in [Says::text(502, "<html>"), Says::text(429, "slow down"), Says::later("0"), Says::Half] {
        let first = NodeStandIn::start(lost.clone()).await;
        let rpc = Rpc::of([&first.url, &second.url]);
        assert!(send(&rpc).await.is_err(), "{lost:?}");
        assert_eq!((first.asked(), second.asked()), (1, 0), "{lost:?}");
    }
}

#[tokio::test]
async fn what_one_node_never_got_is_sent_to_the_next() {
    let (first, second) =
        (NodeStandIn::start(Says::later("60")).await, NodeStandIn::start(Says::result("second")).await);
    let rpc = Rpc::of([&first.url, &second.url]);
    // It wants to be left alone, and is.
    assert_eq!(rpc.call::<Value>("status", json!([])).await.unwrap(), "second");
    assert_eq!(send(&rpc).await.unwrap(), "second");
    assert_eq!((first.asked(), second.asked()), (1, 2));
    let rpc = Rpc::of([nowhere().await, second.url.clone()]);
    assert_eq!(send(&rpc).await.unwrap(), "second");
}

/// What an account asks before it sends, answered; and `sent` for what it sends.
fn around(sent: Says) -> impl FnMut(&Value) -> Says + Send + 'static {
    move |request| match request["method"].as_str() {
        Some("block") => {
            let author = "validator.near".parse().unwrap();
            let block = BlockView { author, header: BlockHeaderView::default(), chunks: Vec::new() };
            Says::result(serde_json::to_value(block).unwrap())
        }
        Some("query") => {
            let (permission, block_hash) = ("FullAccess", CryptoHash::default());
            Says::result(json!({ "nonce": 7, "permission": permission, "block_height": 1, "block_hash": block_hash }))
        }
        _ => sent.clone(),
    }
}

/// Transactions that a node was sent.
fn sent(node: &NodeStandIn) -> Vec<Value> {
    node.requests().into_iter().filter(|request| request["method"] == "send_tx").collect()
}

async fn pay(rpc: Rpc) -> ClientError {
    let (alice, bob): (AccountId, AccountId) = ("alice.near".parse().unwrap(), "bob.near".parse().unwrap());
    let account = Account::new(alice, SecretKey::from_random(KeyType::ED25519), rpc);
    account.send(&bob, vec![transfer_action(1)]).await.unwrap_err()
}

#[tokio::test]
async fn a_transaction_is_only_sent_again_as_it_was() {
    let (first, second) = (NodeStandIn::start(Says::Never).await, NodeStandIn::start(Says::Never).await);
    for node in [&first, &second] {
        node.speak(around(Says::text(502, "<html>")));
    }
    let error = pay(Rpc::of([&first.url, &second.url])).await;
    assert!(matches!(error, ClientError::Unknown { .. }) && !error.is_transient(), "{error:?}");
    let all = [sent(&first), sent(&second)].concat();
    assert_eq!(all.len(), DELIVERIES);
    assert!(all.iter().all(|request| *request == all[0]), "{all:?}");
}

/// Go on within the transport, and a node that knows the transaction already looks like one that refused it: it would
/// be signed anew, and paid twice.
#[tokio::test]
async fn a_nonce_that_another_node_calls_used_is_not_signed_anew() {
    let (first, second) = (NodeStandIn::start(Says::Never).await, NodeStandIn::start(Says::Never).await);
    // Whether it was taken is not known; and it is not asked again so soon.
    first.speak(around(Says::later("60")));
    let late =
        json!({ "TxExecutionError": { "InvalidTxError": { "InvalidNonce": { "tx_nonce": 8, "ak_nonce": 8 } } } });
    let error = json!({
        "name": "HANDLER_ERROR", "cause": { "name": "INVALID_TRANSACTION", "info": {} }, "data": late,
        "code": -32_000, "message": "Server error",
    });
    second.speak(around(Says::json(&json!({ "jsonrpc": "2.0", "id": "charter", "error": error }))));
    let error = pay(Rpc::of([&first.url, &second.url])).await;
    assert!(matches!(error, ClientError::Unknown { .. }), "{error:?}");
    let all = [sent(&first), sent(&second)].concat();
    assert!(!sent(&second).is_empty() && all.iter().all(|request| *request == all[0]), "{all:?}");
    // Where no answer was lost, it is known that another transaction of the key came first: that many are signed.
    let error = pay(Rpc::new(&second.url)).await;
    assert_eq!(error.cause(), Some("INVALID_TRANSACTION"));
    let mut texts: Vec<String> = sent(&second).iter().map(|request| request["params"].to_string()).collect();
    texts.sort_unstable();
    texts.dedup();
    assert!(texts.len() > 2, "each one has a nonce of its own");
}
