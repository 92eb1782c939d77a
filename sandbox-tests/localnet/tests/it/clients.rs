//! Clients that nobody here wrote work against the chain unchanged: create an account, deploy, call with a deposit, view,
//! fail with an error, handle keys, batch, relay, and view the past. (near-workspaces can't relay.) near-api-js does the same
//! in `npm test` of `tests/js`, so that these tests need no Node.

use charter_localnet::{Config, Localnet};
use near_crypto::{KeyType, SecretKey};
use near_primitives::account::{AccessKey, AccessKeyPermission, FunctionCallPermission};
use near_primitives::action::delegate::{DelegateAction, NonDelegateAction, SignedDelegateAction};
use near_primitives::action::{Action, DeleteKeyAction};
use near_primitives::types::{Balance, BlockId, BlockReference};
use near_primitives::views::FinalExecutionStatus;
use near_workspaces::network::ValidatorKey;
use near_workspaces::operations::Function;
use near_workspaces::types::{AccessKey as NewKey, Gas, NearToken};
use serde_json::{Value, json};

use crate::actor::{Actor, add_key, call, latest};

fn write(length: u32) -> Value {
    json!({ "script": [{ "write": { "key": "k", "len": length } }] })
}

#[tokio::test]
async fn near_jsonrpc_client_does_everything() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    let near = Balance::from_near;

    let contract = root.create("contract", near(20)).await;
    let (alice, bob) = (root.create("alice", near(20)).await, root.create("bob", near(20)).await);
    contract.deploy(crate::PROBE).await;
    let held = root.account(&contract.id).await.unwrap().amount;
    let peek = async |at| root.view(at, &contract.id, "peek", &json!({ "key": "k" })).await;

    alice.send(&contract.id, vec![call("run", &write(3), near(1))]).await.unwrap();
    let received = root.account(&contract.id).await.unwrap().amount.saturating_sub(held);
    assert_eq!(received, near(1), "no share of gas from protocol 87 on");
    assert_eq!(peek(latest()).await, 3);

    let old = alice.head().await.0;
    alice.send(&contract.id, vec![call("run", &write(7), near(0))]).await.unwrap();
    assert_eq!(peek(latest()).await, 7);
    assert_eq!(peek(BlockReference::BlockId(BlockId::Hash(old))).await, 3);

    let panic = json!({ "script": [{ "panic": "PROBE_PANIC: on purpose" }] });
    let failed = alice.send(&contract.id, vec![call("run", &panic, near(1))]).await.unwrap();
    let FinalExecutionStatus::Failure(error) = failed.status else { panic!("{:?}", failed.status) };
    assert!(error.to_string().contains("PROBE_PANIC: on purpose"), "{error}");
    assert_eq!(root.account(&contract.id).await.unwrap().amount, held.saturating_add(near(1)), "the deposit went back");
    let unknown = root.account(&"nobody.near".parse().unwrap()).await.unwrap_err();
    assert!(unknown.contains("does not exist"), "{unknown}");

    // A key for one method: good for it, refused for anything else, gone once deleted.
    let key = SecretKey::from_random(KeyType::ED25519);
    let permission = AccessKeyPermission::FunctionCall(FunctionCallPermission {
        allowance: Some(Balance::from_millinear(250)),
        receiver_id: contract.id.to_string(),
        method_names: vec!["run".to_owned()],
    });
    alice.send(&alice.id, vec![add_key(&key, AccessKey { nonce: 0, permission })]).await.unwrap();
    let guest = Actor { key: key.clone(), ..Actor::new(&rpc.url(), &alice.id, &key) };
    guest.send(&contract.id, vec![call("run", &write(8), near(0))]).await.unwrap();
    let refused = guest.send(&contract.id, vec![call("peek", &write(8), near(0))]).await.unwrap_err();
    assert!(refused.contains("MethodNameMismatch"), "{refused}");
    let public_key = key.public_key();
    alice.send(&alice.id, vec![Action::DeleteKey(Box::new(DeleteKeyAction { public_key }))]).await.unwrap();
    assert!(guest.access_key().await.is_err());

    let batch = |second: &Value| vec![call("run", &write(9), near(0)), call("run", second, near(0))];
    alice.send(&contract.id, batch(&write(10))).await.unwrap();
    assert_eq!(peek(latest()).await, 10);
    alice.send(&contract.id, batch(&panic)).await.unwrap();
    assert_eq!(peek(latest()).await, 10, "a batch does all or nothing");

    // Bob relays and pays; alice acts.
    let before = root.account(&alice.id).await.unwrap().amount;
    let delegate = DelegateAction {
        sender_id: alice.id.clone(),
        receiver_id: contract.id.clone(),
        actions: vec![NonDelegateAction::try_from(call("run", &write(12), near(0))).unwrap()],
        nonce: alice.access_key().await.unwrap().nonce + 1,
        max_block_height: alice.head().await.1 + 100,
        public_key: alice.key.public_key(),
    };
    let signed = SignedDelegateAction::sign(&alice.signer(), delegate);
    bob.send(&alice.id, vec![Action::Delegate(Box::new(signed))]).await.unwrap();
    assert_eq!(peek(latest()).await, 12);
    assert_eq!(root.account(&alice.id).await.unwrap().amount, before);
}

#[tokio::test]
async fn near_workspaces_does_everything_it_can() {
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
    let script = json!({ "script": [{ "write": { "key": "k", "len": 3 } }, { "log": "hello" }] });
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
        .args_json(json!({ "script": [{ "panic": "PROBE_PANIC: on purpose" }] }))
        .max_gas()
        .transact()
        .await
        .unwrap();
    assert!(format!("{:?}", failed.into_result().unwrap_err()).contains("PROBE_PANIC: on purpose"));
    let block = worker.view_block().await.unwrap();
    let write = |length: u32| Function::new("run").args_json(write(length)).gas(Gas::from_tgas(60));
    let panic = Function::new("run").args_json(json!({ "script": [{ "panic": "no" }] })).gas(Gas::from_tgas(60));
    alice.batch(contract.id()).call(write(9)).call(write(10)).transact().await.unwrap().into_result().unwrap();
    assert!(alice.batch(contract.id()).call(write(11)).call(panic).transact().await.unwrap().is_failure());
    let peek = || contract.view("peek").args_json(json!({ "key": "k" }));
    assert_eq!(peek().await.unwrap().json::<u32>().unwrap(), 10);
    assert_eq!(peek().block_hash(*block.hash()).await.unwrap().json::<u32>().unwrap(), 3);
    let key = near_workspaces::types::SecretKey::from_random(near_workspaces::types::KeyType::ED25519).public_key();
    alice
        .batch(alice.id())
        .add_key(key.clone(), NewKey::full_access())
        .transact()
        .await
        .unwrap()
        .into_result()
        .unwrap();
    assert_eq!(alice.view_access_keys().await.unwrap().len(), 2);
    alice.batch(alice.id()).delete_key(key).transact().await.unwrap().into_result().unwrap();
    assert_eq!(alice.view_access_keys().await.unwrap().len(), 1);
    let height = worker.view_block().await.unwrap().height();
    worker.fast_forward(50).await.unwrap();
    assert!(worker.view_block().await.unwrap().height() >= height + 50);
}
