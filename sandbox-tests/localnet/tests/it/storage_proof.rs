//! A receipt may read so much state that validators without state could not be shown it: it fails on NEAR, and here.

use charter_localnet::{Config, Localnet};
use near_primitives::types::Balance;
use near_primitives::views::FinalExecutionStatus;
use serde_json::{Value, json};

use crate::actor::{Actor, call};

/// Bytes of each value, about: equal values are proven once. `per_receipt_storage_proof_size_limit` is 4,000,000.
const VALUE: usize = 550_000;

async fn run(root: &Actor, contract: &Actor, script: Vec<Value>) -> FinalExecutionStatus {
    let call = call("run", &json!({ "script": script }), Balance::ZERO);
    root.send(&contract.id, vec![call]).await.unwrap().status
}

#[tokio::test]
async fn reading_more_than_a_proof_holds_fails() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    let contract = root.create("contract", Balance::from_near(200)).await;
    contract.deploy(crate::PROBE).await;
    for key in 0..8 {
        let write = json!({ "write": { "key": key.to_string(), "len": VALUE + key } });
        let written = run(&root, &contract, vec![write]).await;
        assert!(matches!(written, FinalExecutionStatus::SuccessValue(_)), "{written:?}");
    }
    let read = |keys: std::ops::Range<u32>| keys.map(|key| json!({ "read": { "key": key.to_string() } })).collect();
    let fits = run(&root, &contract, read(0..7)).await;
    assert!(matches!(fits, FinalExecutionStatus::SuccessValue(_)), "{fits:?}");
    let FinalExecutionStatus::Failure(error) = run(&root, &contract, read(0..8)).await else {
        panic!("4.4 MB were read")
    };
    assert!(
        error.to_string().contains("Size of the recorded trie storage proof has exceeded the allowed limit"),
        "{error}"
    );
}
