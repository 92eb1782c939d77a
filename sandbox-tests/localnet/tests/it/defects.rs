//! A panic in the chain's thread, or a state that no network has, ends one request and never the chain.

use charter_localnet::{Config, Error, Localnet};
use near_primitives::account::{Account, AccountContract};
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::state_record::StateRecord;
use near_primitives::types::{AccountId, Balance};
use serde_json::{Value, json};

use crate::actor::{Actor, ask, call};

fn account(code_hash: CryptoHash) -> Account {
    Account::new(Balance::from_near(5), Balance::ZERO, AccountContract::from_local_code_hash(code_hash), 100)
}

fn record(account_id: &AccountId, code_hash: CryptoHash) -> StateRecord {
    StateRecord::Account { account_id: account_id.clone(), account: account(code_hash) }
}

fn code(account_id: &AccountId) -> StateRecord {
    StateRecord::Contract { account_id: account_id.clone(), code: crate::PROBE.to_vec() }
}

async fn view(localnet: &Localnet, account_id: &AccountId) -> Value {
    let params = json!({
        "request_type": "call_function", "finality": "final", "account_id": account_id, "method_name": "peek",
        "args_base64": "eyJrZXkiOiJrIn0=",
    });
    ask(localnet, "query", params).await
}

/// Fails without `caught` in `Localnet::with`.
#[tokio::test]
async fn a_panic_answers_that_request_alone() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let before = localnet.with(|chain| *chain.head().header.hash()).await.unwrap();
    let answered = localnet.with(|_| -> () { panic!("on purpose") }).await;
    let Err(Error::Defect(text)) = answered else { panic!("no defect is reported") };
    assert_eq!(text, "a defect in charter-localnet: on purpose");
    assert_eq!(localnet.with(|chain| *chain.head().header.hash()).await.unwrap(), before);
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    root.create("later", Balance::from_near(1)).await;
}

/// Fails without the comparison of hashes in `Chain::patch_state`.
#[tokio::test]
async fn code_that_its_account_does_not_name_is_refused_and_changes_nothing() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let id: AccountId = "patched.test.near".parse().unwrap();
    let own = hash(crate::PROBE);
    let refused = [vec![record(&id, hash(b"another")), code(&id)], vec![code(&id)]];
    for records in refused {
        let answer = ask(&localnet, "sandbox_patch_state", json!({ "records": records })).await;
        assert_eq!(answer["error"]["name"], "REQUEST_VALIDATION_ERROR", "{answer}");
        assert!(answer["error"]["data"].as_str().unwrap().contains("patched.test.near"), "{answer}");
        assert!(view(&localnet, &id).await["error"]["cause"]["name"] == "UNKNOWN_ACCOUNT");
    }
    for records in [vec![record(&id, own), code(&id)], vec![code(&id), record(&id, own)], vec![code(&id)]] {
        let answer = ask(&localnet, "sandbox_patch_state", json!({ "records": records })).await;
        assert_eq!(answer["result"], json!({}), "{answer}");
        assert_eq!(view(&localnet, &id).await["result"]["result"], json!([110, 117, 108, 108]));
    }
}

/// nearcore takes such an account, and finds no code for it. Fails without the hash in `StateUpdate::code`.
#[tokio::test]
async fn an_account_that_names_code_that_is_not_there_has_none() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    let contract = root.create("contract", Balance::from_near(20)).await;
    contract.deploy(crate::PROBE).await;
    assert!(view(&localnet, &contract.id).await["result"]["result"].is_array());
    localnet.cheats().patch_state(vec![record(&contract.id, hash(b"another"))]).await.unwrap();
    let viewed = view(&localnet, &contract.id).await;
    assert!(viewed["result"]["error"].as_str().unwrap().contains("CodeDoesNotExist"), "{viewed}");
    let called = root.send(&contract.id, vec![call("run", &json!({ "script": [] }), Balance::ZERO)]).await.unwrap();
    assert!(format!("{:?}", called.status).contains("CodeDoesNotExist"), "{:?}", called.status);
    localnet.cheats().patch_state(vec![record(&contract.id, hash(crate::PROBE))]).await.unwrap();
    assert!(view(&localnet, &contract.id).await["result"]["result"].is_array());
}
