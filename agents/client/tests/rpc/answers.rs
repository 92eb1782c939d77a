//! One node: what each kind of answer is told as, and when it is asked again.

use std::time::Duration;

use charter_client::methods::block::{RpcBlockError, RpcBlockRequest};
use charter_client::{At, ClientError, Limits, Question, Rpc};
use charter_types::{Nothing, keys};
use near_crypto::{KeyType, SecretKey};
use near_primitives::hash::CryptoHash;
use near_primitives::types::AccountId;
use serde_json::{Value, json};

use crate::stand_in::{NodeStandIn, Says, nowhere};

/// The longest answer and the longest time that these tests allow.
const BYTES_MAX: usize = 10_000;
const PAUSE_MAX: Duration = Duration::from_mins(5);

fn rpc(node: &NodeStandIn) -> Rpc {
    Rpc::limited([&node.url], Limits { answer_bytes_max: BYTES_MAX, ..Limits::default() })
}

async fn ask(rpc: &Rpc) -> Result<Value, ClientError> {
    rpc.call("status", json!([])).await
}

async fn told(says: Says) -> ClientError {
    let node = NodeStandIn::start(says).await;
    ask(&rpc(&node)).await.unwrap_err()
}

fn account() -> AccountId {
    "registry.near".parse().unwrap()
}

#[tokio::test]
async fn what_is_no_answer_is_unreadable_and_kept() {
    for body in ["<html>", "\"text\"", "[]", "[1]", "[null,null]", "null", "1", "{}", "{\"error\":null}", ""] {
        match told(Says::text(200, body)).await {
            ClientError::Unreadable { body: kept, method, .. } => assert_eq!((&*kept, &*method), (body, "status")),
            other => panic!("{body}: {other:?}"),
        }
    }
    let error = told(Says::Half).await;
    assert!(matches!(&error, ClientError::Unreadable { body, .. } if body.starts_with("{\"jsonrpc\"")), "{error:?}");
    assert!(error.to_string().contains("breaks off after"), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn what_has_no_end_is_not_read_to_it() {
    let error = told(Says::Endless).await;
    assert!(matches!(error, ClientError::TooLarge { bytes_max: BYTES_MAX, .. }), "{error:?}");
    assert!(!error.is_transient());
    let node = NodeStandIn::start(Says::result("x".repeat(BYTES_MAX / 2))).await;
    assert!(ask(&rpc(&node)).await.is_ok());
}

#[tokio::test]
async fn a_status_is_told_with_its_body() {
    for (status, text, passes) in [(500, "oops", true), (502, "<html>", true), (401, "no", false), (404, "", false)] {
        let error = told(Says::text(status, text)).await;
        assert_eq!(error.is_transient(), passes, "{error}");
        match error {
            ClientError::Status { status: found, body, pause, .. } => {
                assert_eq!((found, body.as_str(), pause), (status, text, None));
            }
            other => panic!("{status}: {other:?}"),
        }
    }
    // A result is one only with a success.
    let answer = json!({ "jsonrpc": "2.0", "id": "charter", "result": 1 });
    assert!(matches!(told(Says::text(500, answer.to_string())).await, ClientError::Status { status: 500, .. }));
}

#[tokio::test]
async fn nobody_there_and_nobody_who_answers_are_told_apart() {
    let nobody = Rpc::new(nowhere().await);
    let error = ask(&nobody).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }) && error.is_transient(), "{error:?}");
    let node = NodeStandIn::start(Says::Never).await;
    let error = ask(&Rpc::new(&node.url).within(Duration::from_millis(20))).await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }) && error.is_transient(), "{error:?}");
    for text in ["", "nonsense"] {
        let error = ask(&Rpc::new(text)).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }) && !error.is_transient(), "{error:?}");
    }
}

#[tokio::test]
async fn a_null_error_is_none_and_a_null_result_is_one() {
    let node = NodeStandIn::start(Says::json(&json!({ "error": null, "result": 7 }))).await;
    assert_eq!(ask(&rpc(&node)).await.unwrap(), 7);
    node.say(Says::result(Value::Null));
    assert_eq!(rpc(&node).call::<Option<u64>>("status", json!([])).await.unwrap(), None);
}

#[tokio::test]
async fn nearcores_refusals_are_told_by_their_names_whatever_the_status() {
    let node = NodeStandIn::start(Says::refusal("UNKNOWN_BLOCK")).await;
    let at = At::Height(7);
    let error = rpc(&node).block(at).await.unwrap_err();
    assert_eq!((error.cause(), error.is_transient()), (Some("UNKNOWN_BLOCK"), true));
    assert!(matches!(error.as_nearcores(), Some(RpcBlockError::UnknownBlock { .. })));
    assert_eq!(node.requests()[0]["params"], json!({ "block_id": 7 }));
    assert_eq!(node.requests()[0]["method"], "block");
    for (status, name, cause) in [
        (500, "INTERNAL_ERROR", "INTERNAL_ERROR"),
        (408, "HANDLER_ERROR", "TIMEOUT_ERROR"),
        (422, "HANDLER_ERROR", "UNKNOWN_BLOCK"),
        (400, "REQUEST_VALIDATION_ERROR", "METHOD_NOT_FOUND"),
    ] {
        let error = json!({ "name": name, "cause": { "name": cause, "info": {} }, "code": 1, "message": "" });
        node.say(Says::text(status, json!({ "jsonrpc": "2.0", "id": "charter", "error": error }).to_string()));
        assert_eq!(ask(&rpc(&node)).await.unwrap_err().cause(), Some(cause), "{status}");
    }
    // A gateway's error is not nearcore's, however it is called.
    node.say(Says::text(403, json!({ "error": { "name": "Forbidden", "code": 1 } }).to_string()));
    assert!(matches!(ask(&rpc(&node)).await, Err(ClientError::Status { status: 403, .. })));
}

#[tokio::test]
async fn what_does_not_fit_the_method_is_unreadable() {
    let node = NodeStandIn::start(Says::result(json!({ "header": 1 }))).await;
    let request = RpcBlockRequest { block_reference: At::Final.into() };
    let error = rpc(&node).send(&request).await.unwrap_err();
    assert!(matches!(&error, ClientError::Unreadable { body, .. } if body.contains("header")), "{error:?}");
}

#[tokio::test]
async fn errors_in_the_results_of_queries_are_refusals() {
    let node = NodeStandIn::start(Says::Never).await;
    let say = |text: &str| {
        let hash = CryptoHash::default();
        node.say(Says::result(json!({ "error": text, "logs": [], "block_height": 1, "block_hash": hash })));
    };
    let panicked = "wasm execution failed with error: FunctionCallError(HostError(GuestPanic { panic_msg: \"x\" }))";
    say(panicked);
    let question = Question::of::<keys::methods::counts>(&Nothing {});
    let error = rpc(&node).ask(&account(), question, At::Final).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { .. }), "{error:?}");
    let key = SecretKey::from_random(KeyType::ED25519).public_key();
    say(&format!("access key {key} does not exist while viewing"));
    let error = rpc(&node).access_key(&account(), &key).await.unwrap_err();
    assert_eq!((error.cause(), error.is_transient()), (Some("UNKNOWN_ACCESS_KEY"), false));
    let asked = &node.requests()[1]["params"];
    let expected = json!({
        "request_type": "view_access_key", "finality": "optimistic", "account_id": account(), "public_key": key,
    });
    assert_eq!(*asked, expected);
}

#[tokio::test]
async fn a_node_is_asked_again_when_it_said_to() {
    // One that is over already, or no time at all, so that nobody has to wait.
    for when in ["0", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let node = NodeStandIn::start(Says::Never).await;
        node.say_in_turn(vec![Says::later(when), Says::result(7)]);
        assert_eq!(ask(&rpc(&node)).await.unwrap(), 7);
        assert_eq!(node.asked(), 2, "{when}");
    }
    // Without a word about when, whoever asked decides.
    let node = NodeStandIn::start(Says::text(429, "slow down")).await;
    assert!(matches!(ask(&rpc(&node)).await, Err(ClientError::Status { status: 429, pause: None, .. })));
    assert_eq!(node.asked(), 1);
}

#[tokio::test]
async fn a_pause_that_is_too_long_to_wait_for_is_kept_all_the_same() {
    for when in ["86400", "Fri, 01 Jan 2100 00:00:00 GMT"] {
        let node = NodeStandIn::start(Says::later(when)).await;
        let rpc = rpc(&node);
        match ask(&rpc).await {
            Err(ClientError::Status { status: 429, body, pause, .. }) => {
                assert_eq!((body.as_str(), pause), ("slow down", Some(PAUSE_MAX)));
            }
            other => panic!("{other:?}"),
        }
        node.say(Says::result(7));
        for handle in [&rpc, &rpc.clone()] {
            let error = ask(handle).await.unwrap_err();
            assert!(matches!(error, ClientError::Busy { wait, .. } if wait <= PAUSE_MAX), "{error:?}");
        }
        assert_eq!(node.asked(), 1, "it was left alone");
    }
}

#[tokio::test]
async fn keys_of_providers_are_in_no_text() {
    let node = NodeStandIn::start(Says::text(401, "no such key: key-of-mine, 12345678")).await;
    let rpc = Rpc::new(format!("{}/v1/key-of-mine?apiKey=12345678", node.url));
    let error = ask(&rpc).await.unwrap_err();
    let health = format!("{:?}", rpc.health());
    for text in [error.to_string(), format!("{error:?}"), format!("{rpc:?}"), health] {
        assert!(!text.contains("key-of-mine") && !text.contains("12345678"), "{text}");
        assert!(text.contains(&node.url), "{text}");
    }
    // Some turn a key down in an answer that is a success for HTTP, some in what can't be read.
    for body in [
        json!({ "error": { "code": -32_000, "message": "bad key", "data": ["key-of-mine", { "key": "12345678" }] } }),
        json!({ "result": { "header": "key-of-mine", "author": 12_345_678 } }),
    ] {
        node.say(Says::text(200, body.to_string()));
        let error = rpc.block(At::Final).await.unwrap_err();
        for text in [error.to_string(), format!("{error:?}"), format!("{:?}", rpc.health())] {
            assert!(!text.contains("key-of-mine") && !text.contains("12345678"), "{text}");
        }
    }
}

#[tokio::test]
async fn what_people_are_shown_of_a_refusal_has_an_end() {
    let long = "x".repeat(1 << 20);
    let node = NodeStandIn::start(Says::text(200, json!({ "error": { "message": long } }).to_string())).await;
    for body in [json!({ "error": { "message": long } }), json!({ "result": { "author": { &long: 1 } } })] {
        node.say(Says::text(200, body.to_string()));
        let text = rpc(&node).block(At::Final).await.unwrap_err().to_string();
        assert!(text.len() < 2_000, "{} bytes", text.len());
    }
}
