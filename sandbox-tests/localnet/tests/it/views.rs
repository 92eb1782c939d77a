//! Views run beside the chain: they keep neither blocks nor other views waiting.

use charter_localnet::{Config, Localnet};
use near_primitives::types::Balance;
use serde_json::{Value, json};

use crate::actor::{Actor, ask};

/// So many long views are asked for at once.
const VIEWS: usize = 8;

/// Burns all the gas that a view may burn.
const SPINNER: &str = r#"(module (memory 1) (func (export "spin") (loop $again (br $again))))"#;

async fn spin(localnet: Localnet, contract: near_primitives::types::AccountId) -> Value {
    let params = json!({
        "request_type": "call_function", "finality": "final", "account_id": contract, "method_name": "spin",
        "args_base64": "",
    });
    ask(&localnet, "query", params).await
}

/// Run views on the chain's thread, and all of them are over before the transaction is.
#[tokio::test]
async fn blocks_go_on_while_views_run() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    let contract = root.create("contract", Balance::from_near(20)).await;
    contract.deploy(&wat::parse_str(SPINNER).unwrap()).await;
    let views: Vec<_> = (0..VIEWS).map(|_| tokio::spawn(spin(localnet.clone(), contract.id.clone()))).collect();
    // Each has asked for its block by then.
    tokio::task::yield_now().await;
    let before = root.head().await.1;
    let alice = root.create("alice", Balance::from_near(1)).await;
    assert!(root.head().await.1 > before);
    assert_eq!(root.account(&alice.id).await.unwrap().amount, Balance::from_near(1), "a look-up overtakes them, too");
    assert!(views.iter().any(|view| !view.is_finished()), "blocks and look-ups waited for the views");
    for view in views {
        let answer = view.await.unwrap();
        let error = answer["result"]["error"].as_str().unwrap();
        assert!(error.contains("gas"), "{error}");
    }
}
