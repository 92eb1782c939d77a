//! near-jsonrpc-client and near-workspaces work against the chain unchanged.

use charter_localnet::{Config, Localnet};
use near_jsonrpc_client::{JsonRpcClient, methods};
use near_primitives::types::{BlockReference, Finality};
use near_primitives::views::QueryRequest;
use near_workspaces::network::ValidatorKey;
use near_workspaces::types::NearToken;

#[tokio::test]
async fn near_jsonrpc_client_reads_blocks_and_accounts() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let client = JsonRpcClient::connect(rpc.url());
    let status = client.call(methods::status::RpcStatusRequest).await.unwrap();
    assert_eq!(status.chain_id, "localnet");
    let block_reference = BlockReference::Finality(Finality::Final);
    let block = client.call(methods::block::RpcBlockRequest { block_reference: block_reference.clone() });
    assert_eq!(block.await.unwrap().header.height, 0);
    let request = QueryRequest::ViewAccount { account_id: "nobody.near".parse().unwrap() };
    let refused = client.call(methods::query::RpcQueryRequest { block_reference, request }).await.unwrap_err();
    let cause = refused.handler_error().unwrap();
    assert!(matches!(cause, methods::query::RpcQueryError::UnknownAccount { .. }), "{cause}");
}

#[tokio::test]
async fn near_workspaces_creates_deploys_calls_and_views() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let home = tempfile::tempdir().unwrap();
    localnet.write_keys(home.path()).unwrap();
    let worker = near_workspaces::sandbox()
        .rpc_addr(&rpc.url())
        .validator_key(ValidatorKey::HomeDir(home.path().to_owned()))
        .await
        .unwrap();
    let contract = worker.dev_deploy(crate::PROBE).await.unwrap();
    let alice = worker.dev_create_account().await.unwrap();
    let before = alice.view_account().await.unwrap().balance;
    let script = serde_json::json!({ "script": [{ "write": { "key": "k", "len": 3 } }, { "log": "hello" }] });
    let outcome = alice
        .call(contract.id(), "run")
        .args_json(script)
        .deposit(NearToken::from_millinear(1))
        .max_gas()
        .transact()
        .await
        .unwrap();
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(outcome.logs()[0], "hello");
    assert!(alice.view_account().await.unwrap().balance < before);
    let failed = alice
        .call(contract.id(), "run")
        .args_json(serde_json::json!({ "script": [{ "panic": "PROBE_PANIC: on purpose" }] }))
        .max_gas()
        .transact()
        .await
        .unwrap();
    assert!(format!("{:?}", failed.into_result().unwrap_err()).contains("PROBE_PANIC: on purpose"));
    let height = worker.view_block().await.unwrap().height();
    worker.fast_forward(50).await.unwrap();
    assert!(worker.view_block().await.unwrap().height() >= height + 50);
}
