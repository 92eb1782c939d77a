//! When blocks are made, and when they are final.

use std::time::Duration;

use charter_localnet::chain::{Chain, ChainOptions};
use charter_localnet::{Config, Faults, Genesis, Localnet, Producer};
use near_primitives::action::{Action, TransferAction};
use near_primitives::types::{Balance, BlockReference, Finality};
use serde_json::{Value, json};

use crate::actor::{Actor, latest};

async fn height(actor: &Actor, block_reference: BlockReference) -> u64 {
    let request = near_jsonrpc_client::methods::block::RpcBlockRequest { block_reference };
    actor.client.call(request).await.unwrap().header.height
}

async fn start(producer: Producer, finality_lag: u64) -> (Localnet, charter_localnet::RpcServer, Actor) {
    let localnet = Localnet::start(Config { producer, finality_lag, ..Config::default() }).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    (localnet, rpc, root)
}

#[tokio::test]
async fn an_interval_makes_blocks_whether_there_is_work_or_not() {
    let (localnet, _rpc, root) = start(Producer::Interval(Duration::from_millis(5)), 0).await;
    let mut heads = localnet.heads();
    while *heads.borrow_and_update() < 5 {
        heads.changed().await.unwrap();
    }
    let alice = root.create("alice", Balance::from_near(1)).await;
    assert_eq!(root.account(&alice.id).await.unwrap().amount, Balance::from_near(1));
}

#[tokio::test]
async fn without_work_the_default_producer_stands_still_and_the_idle_one_does_not() {
    let (_instant, _rpc, root) = start(Producer::Instant, 0).await;
    let (idle, _other, _) = start(Producer::InstantAndIdle(Duration::from_millis(5)), 0).await;
    let mut heads = idle.heads();
    while *heads.borrow_and_update() < 5 {
        heads.changed().await.unwrap();
    }
    assert_eq!(height(&root, latest()).await, 0);
}

#[tokio::test]
async fn finality_lags_as_many_blocks_as_asked() {
    let (_localnet, rpc, root) = start(Producer::InstantAndIdle(Duration::from_millis(5)), 2).await;
    let transfer = Action::Transfer(TransferAction { deposit: Balance::from_near(1) });
    let signed = root.sign(&"registrar".parse().unwrap(), vec![transfer]).await;
    let encoded = near_primitives::serialize::to_base64(&borsh::to_vec(&signed).unwrap());
    let send = async |until: &str| -> Value {
        let params = json!({ "signed_tx_base64": encoded, "wait_until": until });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "send_tx", "params": params });
        reqwest::Client::new().post(rpc.url()).json(&body).send().await.unwrap().json().await.unwrap()
    };
    let first = send("EXECUTED_OPTIMISTIC").await["result"].clone();
    assert_ne!(first["final_execution_status"], "NONE");
    let last = send("FINAL").await["result"].clone();
    assert_eq!(last["final_execution_status"], "FINAL");
    let block = last["receipts_outcome"][0]["block_hash"].as_str().unwrap().parse().unwrap();
    let executed = height(&root, BlockReference::BlockId(near_primitives::types::BlockId::Hash(block))).await;
    let known_final = height(&root, BlockReference::Finality(Finality::Final)).await;
    assert!(known_final >= executed);
    assert!(height(&root, latest()).await >= known_final + 2);
}

/// Staking contracts count epochs; skipped blocks count, too.
#[tokio::test]
async fn epochs_go_by_with_the_heights() {
    let (localnet, _rpc, root) = start(Producer::Instant, 0).await;
    let epochs = async || {
        let request = near_jsonrpc_client::methods::validators::RpcValidatorRequest {
            epoch_reference: near_primitives::types::EpochReference::Latest,
        };
        root.client.call(request).await.unwrap()
    };
    let length = localnet.genesis().config.epoch_length;
    let before = epochs().await.epoch_height;
    localnet.cheats().advance_blocks(10 * length).await.unwrap();
    let after = epochs().await;
    assert_eq!((before, after.epoch_height), (1, 10), "heights 1 to 60 are the first epoch, 541 to 600 the tenth");
    assert_eq!(after.epoch_start_height, 541);
}

/// near-workspaces-js skips 10,000 heights and expects the final head at the last epoch's end, where nearcore still has it.
#[tokio::test]
async fn after_skipped_heights_the_idle_producers_final_head_waits_for_two_blocks() {
    let (localnet, _rpc, root) = start(Producer::InstantAndIdle(Duration::from_hours(1)), 0).await;
    let last = || BlockReference::Finality(Finality::Final);
    root.create("alice", Balance::from_near(1)).await;
    // Until what was executed can be proven.
    let settled = localnet.with(|chain| {
        while chain.has_work() {
            chain.produce().unwrap();
        }
        chain.head().header.height()
    });
    let before = settled.await.unwrap();
    // Within an epoch of 60 heights no block is made on the way.
    localnet.cheats().advance_blocks(10).await.unwrap();
    assert_eq!((height(&root, latest()).await, height(&root, last()).await), (before + 10, before));
    localnet.cheats().advance_blocks(1_000).await.unwrap();
    let skipped = before + 1_010;
    let last_of_epoch = (skipped - 1) / 60 * 60;
    assert_eq!((height(&root, latest()).await, height(&root, last()).await), (skipped, last_of_epoch));
    localnet.with(Chain::produce).await.unwrap().unwrap();
    assert_eq!(height(&root, last()).await, last_of_epoch);
    localnet.with(Chain::produce).await.unwrap().unwrap();
    assert_eq!(height(&root, last()).await, skipped + 2);
    // A transaction brings its own blocks: nobody waits for the idle ones.
    localnet.cheats().advance_blocks(100).await.unwrap();
    root.create("bob", Balance::from_near(1)).await;
    assert!(height(&root, last()).await > skipped + 102);
}

/// A lost head gives the final one back, whatever was skipped.
#[test]
fn a_skip_that_is_lost_leaves_nothing_unfinal() {
    let faults = Faults { lost_head: 1.0, ..Faults::default() };
    let options = ChainOptions { faults, skips_by_epoch: true, ..ChainOptions::default() };
    let mut chain = Chain::new(Genesis::default(), options).unwrap();
    chain.fast_forward(100).unwrap();
    assert_eq!(chain.final_head().header.height(), 60);
    chain.produce().unwrap();
    assert_eq!(chain.head().header.prev_height(), Some(60));
    assert_eq!((chain.head().header.height(), chain.final_head().header.height()), (101, 101));
}
