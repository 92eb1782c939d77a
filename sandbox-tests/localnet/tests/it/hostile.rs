//! Whatever is sent to JSON-RPC, the chain answers and goes on. The fuzz target `rpc` does the same for longer.

use std::time::Duration;

use charter_localnet::{Config, Localnet, Producer};
use near_crypto::{InMemorySigner, Signer};
use near_primitives::hash::CryptoHash;
use near_primitives::transaction::SignedTransaction;
use near_primitives::types::Balance;
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof};
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

const CASES: u32 = 20_000;

/// Every method that `dispatch` knows, read from its match arms, and one that it doesn't.
fn methods() -> Vec<&'static str> {
    let arms =
        include_str!("../../src/rpc.rs").split("async fn dispatch(").nth(1).unwrap().split("method_not_found").next();
    let names = arms.unwrap().lines().filter_map(|line| line.trim_start().strip_prefix('"')?.split("=>").next());
    let names =
        names.flat_map(|names| names.split('"')).filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    let names: Vec<_> = names.filter(|name| !name.is_empty()).chain(["no_such_method"]).collect();
    assert!(names.len() >= 40, "{names:?}");
    names
}

/// Names that requests use, so that some of the noise gets past the parser.
const FIELDS: [&str; 26] = [
    "account_id",
    "account_ids",
    "args_base64",
    "block_id",
    "changes_type",
    "chunk_id",
    "delta_height",
    "epoch_id",
    "finality",
    "id",
    "include_proof",
    "key_prefix_base64",
    "light_client_head",
    "limit",
    "method_name",
    "prefix_base64",
    "public_key",
    "receipt_id",
    "receiver_id",
    "records",
    "request_type",
    "shard_id",
    "signed_tx_base64",
    "transaction_hash",
    "tx_hash",
    "wait_until",
];

fn word() -> impl Strategy<Value = Value> {
    const KNOWN: [&str; 19] = [
        "final",
        "optimistic",
        "NONE",
        "test.near",
        "11111111111111111111111111111111",
        "view_state",
        "call_function",
        "AAAA",
        "view_account",
        "view_access_key_list",
        "account_changes",
        "data_changes",
        "receipt",
        "transaction",
        "genesis",
        "ed25519:11111111111111111111111111111111",
        "INCLUDED",
        "one.test.near",
        "run",
    ];
    prop_oneof![3 => select(&KNOWN[..]).prop_map(|word| json!(word)), 1 => ".{0,20}".prop_map(|word| json!(word))]
}

fn noise() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => word(),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<i8>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| json!(number)),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let field = prop_oneof![6 => select(&FIELDS[..]).prop_map(ToOwned::to_owned), 1 => ".{0,10}"];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(field, inner, 0..7).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Requests recorded from nearcore, most of them with one value replaced.
fn recorded() -> impl Strategy<Value = (String, Value)> {
    let recording: Value = serde_json::from_str(include_str!("../data/rpc.json")).unwrap();
    let cases = recording["cases"].as_array().unwrap().iter();
    let cases = cases.filter_map(|case| Some((case["method"].as_str()?.to_owned(), case["params"].clone())));
    let cases: Vec<_> = cases.collect();
    (select(cases), any::<Index>(), proptest::option::weighted(0.9, noise())).prop_map(
        |((method, mut params), place, new)| {
            let fields: Vec<&mut Value> = match &mut params {
                Value::Object(fields) => fields.values_mut().collect(),
                Value::Array(items) => items.iter_mut().collect(),
                _ => Vec::new(),
            };
            if let (Some(new), false) = (new, fields.is_empty()) {
                let place = place.index(fields.len());
                *fields.into_iter().nth(place).unwrap() = new;
            }
            (method, params)
        },
    )
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let named = (select(methods()).prop_map(ToOwned::to_owned), noise());
    let request = prop_oneof![named, recorded()].prop_map(|(method, params)| {
        json!({ "jsonrpc": "2.0", "id": "x", "method": method, "params": params }).to_string().into_bytes()
    });
    let cut = (request, any::<Index>(), any::<u8>(), any::<bool>()).prop_map(|(mut body, place, byte, cut)| {
        if cut {
            let place = place.index(body.len());
            body[place] ^= byte;
        }
        body
    });
    prop_oneof![8 => cut, 1 => vec(any::<u8>(), 0..200)]
}

#[test]
fn no_request_stops_the_chain() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let localnet = Localnet::of_chain(crate::traffic::prepared(88), Producer::Instant).unwrap();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() });
    let ran = runner.run(&body(), |body| {
        let answered = runtime.block_on(async {
            // A transaction status may be waited for; nothing else takes that long.
            let waiting = tokio::time::timeout(Duration::from_millis(50), localnet.answer(&body)).await;
            let alive = localnet.answer(br#"{"jsonrpc":"2.0","id":1,"method":"status","params":[]}"#).await;
            (waiting, alive)
        });
        prop_assert!(answered.1.0.is_success(), "after {}", String::from_utf8_lossy(&body));
        if let (Ok((status, answer)), _) = answered {
            let internal =
                answer["error"]["name"] == "INTERNAL_ERROR" && answer["error"]["data"] == "the chain has stopped";
            prop_assert!(!internal, "{status} to {}", String::from_utf8_lossy(&body));
        }
        Ok(())
    });
    ran.unwrap();
}

/// Edits of the state, some of which no network could have.
fn patch() -> impl Strategy<Value = Vec<u8>> {
    let code_hash = prop_oneof![Just(near_primitives::hash::hash(crate::PROBE)), Just(CryptoHash::hash_bytes(b"x"))];
    let id = select(&["patched.test.near", "other.test.near"][..]);
    let record = (id, any::<u8>(), any::<u64>(), code_hash).prop_map(|(id, kind, number, code_hash)| match kind % 4 {
        0 => json!({ "Account": { "account_id": id, "account": {
            "amount": number.to_string(), "locked": "0", "code_hash": code_hash, "storage_usage": number, "version": "V1",
        } } }),
        1 => json!({ "Contract": { "account_id": id, "code": near_primitives::serialize::to_base64(crate::PROBE) } }),
        2 => json!({ "Data": { "account_id": id, "data_key": "aw==", "value": "dg==" } }),
        _ => json!({ "AccessKey": { "account_id": id, "public_key": "ed25519:11111111111111111111111111111111",
            "access_key": { "nonce": number, "permission": "FullAccess" } } }),
    });
    vec(record, 0..4).prop_map(|records| request("sandbox_patch_state", &json!({ "records": records })))
}

fn view() -> impl Strategy<Value = Vec<u8>> {
    let ids = select(&["patched.test.near", "other.test.near", "test.near", "nobody.near"][..]);
    ids.prop_map(|id| {
        let params = json!({ "request_type": "call_function", "finality": "final", "account_id": id,
            "method_name": "peek", "args_base64": "eyJrZXkiOiJrIn0=" });
        request("query", &params)
    })
}

fn request(method: &str, params: &Value) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "id": "x", "method": method, "params": params }).to_string().into_bytes()
}

async fn head(localnet: &Localnet) -> (u64, CryptoHash) {
    localnet.with(|chain| (chain.head().header.height(), *chain.head().header.hash())).await.unwrap()
}

async fn transfer(localnet: &Localnet, nonce: u64) {
    let signer: Signer = InMemorySigner::from_secret_key(localnet.root_id().clone(), localnet.root_key().clone());
    let (to, deposit) = ("registrar".parse().unwrap(), Balance::from_yoctonear(1));
    let block = head(localnet).await.1;
    let signed = SignedTransaction::send_money(nonce, localnet.root_id().clone(), to, &signer, deposit, block);
    localnet.submit(signed).await.unwrap();
}

/// What a chain kept is that chain, whatever it was asked and whatever was patched into it.
#[test]
fn a_chain_that_was_asked_everything_is_the_same_when_it_is_opened_again() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let home = tempfile::tempdir().unwrap();
    let config = || Config { home: Some(home.path().to_owned()), ..Config::default() };
    let localnet = runtime.block_on(Localnet::start(config())).unwrap();
    let asked = std::cell::Cell::new(0_u64);
    let mut runner =
        TestRunner::new(ProptestConfig { cases: CASES / 10, failure_persistence: None, ..ProptestConfig::default() });
    let ran = runner.run(&prop_oneof![4 => body(), 1 => patch(), 1 => view()], |body| {
        let status = runtime.block_on(async {
            asked.set(asked.get() + 1);
            if asked.get().is_multiple_of(100) {
                transfer(&localnet, asked.get() / 100).await;
            }
            tokio::time::timeout(Duration::from_millis(50), localnet.answer(&body)).await
        });
        if let Ok((status, answer)) = status {
            prop_assert!(!status.is_server_error(), "{status} {answer} to {}", String::from_utf8_lossy(&body));
        }
        Ok(())
    });
    ran.unwrap();
    let kept = runtime.block_on(async {
        while localnet.with(|chain| chain.has_work()).await.unwrap() {}
        head(&localnet).await
    });
    drop(localnet);
    let again = runtime.block_on(crate::restart::reopen(config));
    assert_eq!(runtime.block_on(head(&again)), kept);
}
