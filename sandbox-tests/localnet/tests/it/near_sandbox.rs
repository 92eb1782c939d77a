//! The binary stands in for near-sandbox: near-workspaces and the near-sandbox crate start it without knowing.

use near_sandbox::{GenesisAccount, Sandbox, SandboxConfig};
use near_token::NearToken;
use serde_json::{Value, json};

/// How many chains run beside each other.
const CHAINS: u64 = 8;

/// near-sandbox takes its binary from the environment, so the tests below run in a process that has it there.
#[test]
fn near_sandbox_and_near_workspaces_start_it_as_their_own() {
    let binary = env!("CARGO_BIN_EXE_charter-localnet");
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .env("NEAR_SANDBOX_BIN_PATH", binary)
        .args(["--ignored", "started_by_"])
        .status()
        .unwrap();
    assert!(status.success());
}

async fn rpc(url: &str, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    reqwest::Client::new().post(url).json(&body).send().await.unwrap().json().await.unwrap()
}

async fn account(url: &str, account_id: &str) -> Value {
    let params = json!({ "request_type": "view_account", "account_id": account_id, "finality": "final" });
    rpc(url, "query", params).await["result"].clone()
}

#[tokio::test]
#[ignore = "needs NEAR_SANDBOX_BIN_PATH: run by near_sandbox_and_near_workspaces_start_it_as_their_own"]
async fn started_by_near_sandbox() {
    let carol = GenesisAccount {
        balance: NearToken::from_near(77),
        ..GenesisAccount::default_with_name("carol".parse().unwrap())
    };
    let config = SandboxConfig {
        additional_accounts: vec![carol],
        additional_genesis: Some(json!({ "chain_id": "edited" })),
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::start_sandbox_with_config(config).await.unwrap();
    let url = &sandbox.rpc_addr;
    assert_eq!(rpc(url, "status", json!([])).await["result"]["chain_id"], "edited");
    assert_eq!(account(url, "carol").await["amount"], NearToken::from_near(77).as_yoctonear().to_string());
    assert_eq!(account(url, "sandbox").await["amount"], NearToken::from_near(10_000).as_yoctonear().to_string());

    sandbox.create_account("dave".parse().unwrap()).initial_balance(NearToken::from_near(5)).send().await.unwrap();
    assert_eq!(account(url, "dave").await["amount"], NearToken::from_near(5).as_yoctonear().to_string());
    let before = rpc(url, "status", json!([])).await["result"]["sync_info"]["latest_block_height"].as_u64().unwrap();
    sandbox.fast_forward(1_000).await.unwrap();
    let after = rpc(url, "status", json!([])).await["result"]["sync_info"]["latest_block_height"].as_u64().unwrap();
    assert!(after >= before + 1_000, "{before} to {after}");
}

#[tokio::test]
#[ignore = "needs NEAR_SANDBOX_BIN_PATH: run by near_sandbox_and_near_workspaces_start_it_as_their_own"]
async fn started_by_near_workspaces_many_at_once() {
    let chains = (0..CHAINS).map(|chain| tokio::spawn(deploy_and_call(chain)));
    for chain in chains.collect::<Vec<_>>() {
        chain.await.unwrap();
    }
}

async fn deploy_and_call(chain: u64) {
    let worker = near_workspaces::sandbox().await.unwrap();
    let contract = worker.dev_deploy(crate::PROBE).await.unwrap();
    let script = json!({ "script": [{ "log": format!("chain {chain}") }] });
    let outcome = contract.call("run").args_json(script).max_gas().transact().await.unwrap();
    assert_eq!(outcome.logs(), [format!("chain {chain}")]);
    // A top-level account needs the registrar that near-workspaces wrote into the genesis.
    let (id, key) = worker.generate_dev_account_credentials();
    worker.create_tla(id, key).await.unwrap().into_result().unwrap();
    let height = worker.view_block().await.unwrap().height();
    worker.fast_forward(100).await.unwrap();
    assert!(worker.view_block().await.unwrap().height() >= height + 100);
}
