//! What RPC says of keys: gas keys with their nonces, ML-DSA keys by their hash, lists in pages.

use charter_localnet::chain::Chain;
use charter_localnet::{Config, Localnet, Producer};
use near_crypto::{KeyType, PublicKeyHandle, SecretKey};
use near_primitives::account::AccessKey;
use near_primitives::action::{Action, DeleteKeyAction};
use near_primitives::state_record::StateRecord;
use near_primitives::types::Balance;
use serde_json::{Value, json};

use crate::actor::{add_key, ask};
use crate::desk::{Desk, fund, id, key, secret, transfer};

const ALICE: &str = "alice.test.near";

async fn query(localnet: &Localnet, kind: &str, fields: Value) -> Value {
    let mut params = json!({ "request_type": kind, "finality": "final", "account_id": ALICE });
    params.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    ask(localnet, "query", params).await
}

fn serving(chain: Chain) -> Localnet {
    Localnet::of_chain(chain, Producer::Instant).unwrap()
}

/// Alice has a gas key with three nonces, one of which was used, and an ML-DSA key.
fn desk() -> (Desk, SecretKey, SecretKey) {
    let (mut desk, gas_key, quantum) = (Desk::new(88), key("gas"), secret(KeyType::MLDSA65, "q"));
    let near = Balance::from_near(1);
    let add_gas_key = add_key(&gas_key, AccessKey::gas_key_full_access(3));
    desk.alice(vec![add_gas_key, fund(&gas_key, near), add_key(&quantum, AccessKey::full_access())]).unwrap();
    (desk, gas_key, quantum)
}

#[tokio::test]
async fn a_gas_key_shows_its_balance_and_each_of_its_nonces() {
    let (mut desk, gas_key, _) = desk();
    let sent = desk.by_gas_key(&gas_key, 1, ALICE, vec![transfer(Balance::from_near(1))]).unwrap();
    let public_key = json!(gas_key.public_key());
    let rows = [0, 1, 2].map(|index| desk.nonce(ALICE, &gas_key.public_key(), index).unwrap());
    let held = desk.held(&gas_key).as_yoctonear().to_string();
    let localnet = serving(desk.chain);
    let asked = json!({ "public_key": public_key });
    let seen = query(&localnet, "view_access_key", asked.clone()).await["result"].clone();
    assert_eq!(seen["nonce"], 0);
    assert_eq!(seen["permission"], json!({ "GasKeyFullAccess": { "balance": held, "num_nonces": 3 } }));
    assert_eq!(query(&localnet, "view_gas_key_nonces", asked).await["result"]["nonces"], json!(rows));
    for (account_id, other) in [(ALICE, key("alice")), (ALICE, key("nobody")), ("nobody.test.near", gas_key.clone())] {
        let fields = json!({ "account_id": account_id, "public_key": other.public_key() });
        let alone = json!({
            "finality": "final", "account_id": account_id, "public_key": other.public_key(),
        });
        for answer in [
            query(&localnet, "view_gas_key_nonces", fields).await,
            ask(&localnet, "EXPERIMENTAL_view_gas_key_nonces", alone).await,
        ] {
            let error = &answer["error"];
            assert_eq!((&error["name"], &error["cause"]["name"]), (&json!("HANDLER_ERROR"), &json!("UNKNOWN_GAS_KEY")));
        }
    }
    let listed = query(&localnet, "view_access_key_list", json!({})).await["result"]["keys"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 3, "nonces are no keys: {listed}");
    // The number of a nonce is part of a transaction, and of no other.
    let hash = sent.transaction.hash;
    let params = json!({ "tx_hash": hash, "sender_account_id": ALICE, "wait_until": "FINAL" });
    let transaction = ask(&localnet, "tx", params).await["result"]["transaction"].clone();
    assert_eq!(transaction["nonce_index"], 1, "{transaction}");
}

#[tokio::test]
async fn an_ml_dsa_key_is_known_by_its_hash() {
    let (desk, _, quantum) = desk();
    let localnet = serving(desk.chain);
    let handle = json!(PublicKeyHandle::from(&quantum.public_key()));
    assert!(handle.as_str().unwrap().starts_with("ml-dsa-65-hash:"));
    let listed = query(&localnet, "view_access_key_list", json!({})).await["result"]["keys"].clone();
    assert!(listed.as_array().unwrap().iter().any(|key| key["public_key"] == handle), "{listed}");
    let seen = query(&localnet, "view_access_key", json!({ "public_key": quantum.public_key() })).await;
    assert_eq!(seen["result"]["permission"], "FullAccess", "{seen}");
    let by_hash = query(&localnet, "view_access_key", json!({ "public_key": handle })).await;
    assert_eq!(by_hash["error"]["cause"]["name"], "PARSE_ERROR", "{by_hash}");
}

#[tokio::test]
async fn long_lists_of_keys_come_in_pages() {
    let mut desk = Desk::new(88);
    let keys: Vec<_> = (0..99).map(|number| key(&number.to_string())).collect();
    desk.alice(keys.iter().map(|key| add_key(key, AccessKey::full_access())).collect()).unwrap();
    let localnet = serving(desk.chain.fork());
    let whole = query(&localnet, "view_access_key_list", json!({})).await["result"]["keys"].clone();
    assert_eq!(whole.as_array().unwrap().len(), 100);
    desk.alice(vec![add_key(&key("more"), AccessKey::gas_key_full_access(5))]).unwrap();
    let localnet = serving(desk.chain);
    let error = query(&localnet, "view_access_key_list", json!({})).await["error"].clone();
    assert_eq!(error["cause"]["name"], "TOO_MANY_ACCESS_KEYS", "{error}");
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let mut fields = json!({ "limit": 40 });
        if !after.is_null() {
            fields["after_key"] = after;
        }
        let page = query(&localnet, "view_access_key_list", fields).await["result"].clone();
        seen.extend(page["keys"].as_array().unwrap().iter().map(|key| key["public_key"].to_string()));
        after = page["last_key"].clone();
        if after.is_null() {
            break;
        }
    }
    let different: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), different.len()), (101, 101));
}

#[tokio::test]
async fn changes_tell_of_keys_and_their_nonces() {
    let (mut desk, gas_key, _) = desk();
    let changes = async |chain: Chain, hash| {
        let localnet = serving(chain);
        let params = json!({
            "changes_type": "all_access_key_changes", "account_ids": [ALICE], "block_id": hash,
        });
        let found = ask(&localnet, "EXPERIMENTAL_changes", params).await["result"]["changes"].clone();
        let one = json!({
            "changes_type": "single_access_key_changes", "block_id": hash,
            "keys": [{ "account_id": ALICE, "public_key": gas_key.public_key() }],
        });
        let single = ask(&localnet, "EXPERIMENTAL_changes", one).await["result"]["changes"].clone();
        let kinds = |list: &Value| {
            let mut kinds: Vec<_> = list.as_array().unwrap().iter().map(|change| change["type"].clone()).collect();
            kinds.sort_by_key(ToString::to_string);
            json!(kinds)
        };
        let touched = ask(&localnet, "EXPERIMENTAL_changes_in_block", json!({ "block_id": hash })).await;
        (kinds(&found), kinds(&single), touched["result"]["changes"].clone())
    };
    let sent = desk.by_gas_key(&gas_key, 1, ALICE, vec![transfer(Balance::from_near(1))]).unwrap();
    let (all, single, touched) = changes(desk.chain.fork(), sent.transaction_outcome.block_hash).await;
    assert!(all.as_array().unwrap().contains(&json!("gas_key_nonce_update")), "{all}");
    assert_eq!(all, single);
    assert!(touched.to_string().contains("access_key_touched"), "{touched}");
    let delete = Action::DeleteKey(Box::new(DeleteKeyAction { public_key: gas_key.public_key() }));
    let sent = desk.alice(vec![delete]).unwrap();
    let (_, single, _) = changes(desk.chain, sent.receipts_outcome[0].block_hash).await;
    assert_eq!(single, json!(["access_key_deletion"]), "rows that go are not told");
}

/// A meta transaction that uses a gas key's nonce touches the nonce alone, and no kind of change is named for it.
#[tokio::test]
async fn a_nonce_that_is_lent_is_a_change_without_a_kind() {
    let (mut desk, gas_key) = (Desk::new(85), key("gas"));
    desk.alice(vec![add_key(&gas_key, AccessKey::gas_key_full_access(1))]).unwrap();
    let nonce = near_primitives::transaction::TransactionNonce::from_nonce_and_index(desk.fresh_nonce(), 0);
    let meta = crate::delegate_v2::wanted(nonce, &gas_key, "bob.test.near", vec![transfer(Balance::from_near(1))]);
    let sent = desk.send("bob.test.near", &key("bob"), ALICE, vec![meta]).unwrap();
    let localnet = serving(desk.chain);
    let block = sent.receipts_outcome[0].block_hash;
    let params = json!({ "changes_type": "all_access_key_changes", "account_ids": [ALICE], "block_id": block });
    let changes = ask(&localnet, "EXPERIMENTAL_changes", params).await["result"]["changes"].clone();
    let kinds: Vec<_> = changes.as_array().unwrap().iter().map(|change| change["type"].clone()).collect();
    assert_eq!(kinds, ["gas_key_nonce_update"], "{changes}");
    let touched = ask(&localnet, "EXPERIMENTAL_changes_in_block", json!({ "block_id": block })).await;
    let of_alice = touched["result"]["changes"].as_array().unwrap().iter().filter(|one| one["account_id"] == ALICE);
    let kinds: Vec<_> = of_alice.map(|one| one["type"].clone()).collect();
    assert!(!kinds.contains(&json!("access_key_touched")), "{kinds:?}");
}

/// A patched gas key works with the nonces that are patched with it, and without them with none.
#[tokio::test]
async fn a_patch_brings_a_gas_keys_nonces() {
    let (mut desk, gas_key) = (Desk::new(88), key("gas"));
    let mut access_key = AccessKey::gas_key_full_access(2);
    access_key.gas_key_info_mut().unwrap().balance = Balance::from_near(1);
    let record = StateRecord::access_key(id(ALICE), gas_key.public_key(), access_key);
    desk.chain.patch_state(vec![record]).unwrap();
    desk.settle();
    let nothing = || vec![transfer(Balance::ZERO)];
    let refused = desk.by_gas_key(&gas_key, 1, ALICE, nothing()).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "Invalid nonce_index Some(1) for key with 2 nonces");
    let public_key = json!({ "public_key": gas_key.public_key() });
    let broken = query(&serving(desk.chain.fork()), "view_gas_key_nonces", public_key).await["error"].to_string();
    assert!(broken.contains("gas key nonce at index 0 does not exist"), "{broken}");
    let rows = (0..2).map(|index| StateRecord::gas_key_nonce(id(ALICE), gas_key.public_key(), index, 7));
    desk.chain.patch_state(rows.collect()).unwrap();
    desk.settle();
    desk.by_gas_key(&gas_key, 1, ALICE, nothing()).unwrap();
}

/// What a dump tells, another chain starts with.
#[tokio::test]
async fn a_dump_keeps_gas_keys_and_ml_dsa_keys() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("chain");
    let chain = Localnet::start(Config { home: Some(home.clone()), ..Config::default() }).await.unwrap();
    let (gas_key, quantum) = (key("gas"), secret(KeyType::MLDSA65, "q"));
    let rpc = chain.serve("127.0.0.1:0").await.unwrap();
    let root = crate::actor::Actor::new(&rpc.url(), chain.root_id(), chain.root_key());
    let actions = vec![
        add_key(&gas_key, AccessKey::gas_key_full_access(2)),
        fund(&gas_key, Balance::from_near(3)),
        add_key(&quantum, AccessKey::full_access()),
    ];
    root.send(&root.id, actions).await.unwrap();
    let usage = root.account(&root.id).await.unwrap().storage_usage;
    let binary = env!("CARGO_BIN_EXE_charter-localnet");
    let mut dump = std::process::Command::new(binary);
    dump.arg("--home").arg(&home).args(["view-state", "dump-state", "--stream"]);
    assert!(dump.output().unwrap().status.success());
    let next = Localnet::start(Config { home: Some(home.join("output")), ..Config::default() }).await.unwrap();
    let rpc = next.serve("127.0.0.1:0").await.unwrap();
    let again = crate::actor::Actor::new(&rpc.url(), next.root_id(), next.root_key());
    assert_eq!(again.account(&again.id).await.unwrap().storage_usage, usage);
    let params = json!({
        "request_type": "view_gas_key_nonces", "finality": "final", "account_id": again.id,
        "public_key": gas_key.public_key(),
    });
    let nonces = async |chain: &Localnet| ask(chain, "query", params.clone()).await["result"]["nonces"].clone();
    assert_eq!(nonces(&next).await, nonces(&chain).await);
    assert_eq!(nonces(&next).await.as_array().unwrap().len(), 2);
    let mut seen = params.clone();
    seen["request_type"] = json!("view_access_key");
    let permission = ask(&next, "query", seen).await["result"]["permission"].clone();
    assert_eq!(permission["GasKeyFullAccess"]["balance"], Balance::from_near(3).as_yoctonear().to_string());
    let by_quantum = crate::actor::Actor { key: quantum, ..again };
    by_quantum.send(&by_quantum.id, vec![transfer(Balance::from_near(1))]).await.unwrap();
}
