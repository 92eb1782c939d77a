//! Whatever a node says, with whatever status, is an answer or an error, and never the end of the program.

use charter_client::Rpc;
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, ProptestConfig, Strategy, any};
use proptest::test_runner::TestRunner;
use proptest::{prop_assert, prop_assert_eq, prop_oneof, sample};
use serde_json::{Value, json};

use crate::stand_in::{NodeStandIn, Says};

const CASES: u32 = 256;

/// proptest reads the variable itself, but not for who says how many there are without it.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

/// Values of JSON, in which the fields are often those that somebody looks for.
fn value() -> impl Strategy<Value = Value> {
    let name =
        sample::select(vec!["result", "error", "name", "cause", "code", "message", "data", "id", "jsonrpc", "x"]);
    let word = sample::select(vec!["HANDLER_ERROR", "INTERNAL_ERROR", "UNKNOWN_BLOCK", "access key x", "2.0", ""]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let fields = btree_map(name.clone().prop_map(str::to_owned), inner.clone(), 0..6);
        prop_oneof![
            1 => vec(inner, 0..4).prop_map(Value::from),
            3 => fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn answer() -> impl Strategy<Value = Vec<u8>> {
    value().prop_map(|result| json!({ "jsonrpc": "2.0", "id": "charter", "result": result }).to_string().into_bytes())
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let beginning = (answer(), 0_usize..120).prop_map(|(mut body, length)| {
        body.truncate(length);
        body
    });
    prop_oneof![
        2 => vec(any::<u8>(), 0..200),
        4 => value().prop_map(|value| value.to_string().into_bytes()),
        2 => answer(),
        2 => beginning,
    ]
}

/// What a body answers, by JSON-RPC's own words.
fn result_in(body: &[u8]) -> Option<Value> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let fields = answer.as_object()?;
    let is_refused = fields.get("error").is_some_and(|error| !error.is_null());
    fields.get("result").filter(|_| !is_refused).cloned()
}

#[test]
fn any_body_with_any_status_is_an_answer_or_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let node = runtime.block_on(NodeStandIn::start(Says::Never));
    let rpc = Rpc::new(&node.url);
    let statuses = sample::select(vec![200_u16, 200, 200, 201, 400, 401, 404, 408, 422, 429, 500, 502, 503, 504]);
    let method = sample::select(vec!["status", "query", "block"]);
    // Where a failure is written down, and to be played again from, is the `proptest!` macro's business.
    let config = ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() };
    let played = TestRunner::new(config).run(&(statuses, method, body()), |(status, method, body)| {
        node.say(Says::text(status, body.clone()));
        let told = runtime.block_on(rpc.call::<Value>(method, json!([])));
        let expected = result_in(&body).filter(|_| status < 300);
        // Two refusals come as results of queries.
        let is_refused = method == "query" && expected.as_ref().is_some_and(|result| result["error"].is_string());
        match told {
            Ok(answer) => prop_assert_eq!(Some(answer), expected.filter(|_| !is_refused)),
            Err(error) => {
                prop_assert!(expected.is_none() || is_refused, "{error:?}");
                // Nothing that is asked of an error stops the program, either.
                let _said = (error.to_string(), error.is_transient(), error.cause(), error.code());
            }
        }
        Ok(())
    });
    played.unwrap();
}
