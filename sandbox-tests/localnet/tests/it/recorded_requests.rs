//! Every request recorded from nearcore's node gets an answer of the same shape: HTTP status, error name and cause, keys
//! and types. Hashes and heights of the recording are replaced by ours: by position where the replayed history has
//! them, else by the head.

use std::collections::HashMap;

use charter_localnet::replay::replay;
use charter_localnet::{Localnet, Producer};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Recording {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    method: Option<String>,
    params: Option<Value>,
    raw_body: Option<String>,
    http_status: u16,
    response: Value,
}

/// nearcore hangs up on a body that is too large, and measures itself; this chain answers 413 and has no metrics.
const EXCEPTIONS: [&str; 2] = ["raw huge", "GET /metrics"];

/// The recorder's node knew other VM parameters than the crates this chain is made of.
const OTHER_VERSION: &str = ".result.runtime_config.wasm_config";

struct Ours {
    ids: HashMap<String, String>,
    head_height: u64,
    head_hash: String,
    head_chunk: String,
}

impl Ours {
    /// A recorded parameter, in terms of this chain.
    fn translate(&self, key: &str, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (key.clone(), self.translate(key, value))).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.translate(key, item)).collect(),
            Value::String(text) => {
                let is_hash = (43..=44).contains(&text.len()) && text.chars().all(char::is_alphanumeric);
                match self.ids.get(text) {
                    Some(ours) => json!(ours),
                    None if is_hash && key == "chunk_id" => json!(self.head_chunk),
                    None if is_hash => json!(self.head_hash),
                    None => value.clone(),
                }
            }
            Value::Number(number) if key != "shard_id" => match number.as_u64() {
                // The recorder asked for a height far beyond its head.
                Some(height) if height > 100_000 => json!(self.head_height + 100_000),
                Some(_) => json!(self.head_height),
                None => value.clone(),
            },
            other => other.clone(),
        }
    }
}

/// Keys and types. A list has the shape of its first element, as lists differ in length by nature.
fn shape(path: &str, wanted: &Value, ours: &Value, differences: &mut Vec<String>) {
    match (wanted, ours) {
        (Value::Object(wanted), Value::Object(ours)) => {
            for (key, value) in wanted {
                match ours.get(key) {
                    // Variants of an enum are keys too: what stands at this place in our history may be another one.
                    None => differences.push(format!("{path}.{key} is missing")),
                    Some(own) => shape(&format!("{path}.{key}"), value, own, differences),
                }
            }
            for key in ours.keys().filter(|key| !wanted.contains_key(*key)) {
                differences.push(format!("{path}.{key} is not nearcore's"));
            }
        }
        (Value::Array(wanted), Value::Array(ours)) => {
            if let (Some(wanted), Some(ours)) = (wanted.first(), ours.first()) {
                shape(&format!("{path}[0]"), wanted, ours, differences);
            } else if wanted.is_empty() != ours.is_empty() {
                differences.push(format!("{path} has {} elements, nearcore's {}", ours.len(), wanted.len()));
            }
        }
        (wanted, ours) if std::mem::discriminant(wanted) != std::mem::discriminant(ours) => {
            differences.push(format!("{path} is {ours}, nearcore's {wanted}"));
        }
        _ => {}
    }
}

/// Errors are compared word for word, but for hashes, heights and what a parser says of its own position.
fn same_error(wanted: &Value, ours: &Value, differences: &mut Vec<String>) {
    for field in ["name", "code", "message"] {
        if wanted[field] != ours[field] {
            differences.push(format!("error.{field} is {}, nearcore's {}", ours[field], wanted[field]));
        }
    }
    if wanted["cause"]["name"] != ours["cause"]["name"] {
        differences.push(format!("cause is {}, nearcore's {}", ours["cause"], wanted["cause"]));
    }
    shape("error", wanted, ours, differences);
}

/// Accounts, keys and the other contract's data hold heights and nonces; from this contract's name down nearcore's nodes
/// are ours byte for byte.
fn same_trie(wanted: &Value, ours: &Value, differences: &mut Vec<String>) {
    let (wanted, ours) = (wanted.as_array().unwrap(), ours.as_array().unwrap());
    if wanted.len() != ours.len() || wanted[5..] != ours[5..] {
        differences.push(format!("nodes are {ours:?}, nearcore's {wanted:?}"));
    }
}

async fn ask(url: &str, case: &Case, ours: &Ours) -> (u16, Value) {
    let client = reqwest::Client::new();
    let request = if let Some(path) = case.name.strip_prefix("GET ") {
        client.get(format!("{url}{path}"))
    } else if let Some(body) = &case.raw_body {
        client.post(url).header("content-type", "application/json").body(body.clone())
    } else {
        let params = ours.translate("", case.params.as_ref().unwrap_or(&Value::Null));
        client.post(url).json(&json!({ "jsonrpc": "2.0", "id": "1", "method": case.method, "params": params }))
    };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn every_recorded_request_is_answered_as_nearcore_does() {
    let recording: Recording = serde_json::from_str(include_str!("../data/rpc.json")).unwrap();
    let replayed = replay(crate::HISTORY).unwrap();
    let head = replayed.chain.head().clone();
    let ours = Ours {
        ids: replayed.ids,
        head_height: head.header.height(),
        head_hash: head.header.hash().to_string(),
        head_chunk: head.chunk.chunk_hash().0.to_string(),
    };
    let mut ours = ours;
    for case in &recording.cases {
        // The recording says itself which chunk belongs to which block.
        let chunk = case.response.pointer("/result/header/chunk_hash").and_then(Value::as_str);
        let block = case.params.as_ref().and_then(|params| params["block_id"].as_str());
        if let (Some(chunk), Some(block)) = (chunk, block.and_then(|block| ours.ids.get(block))) {
            let own = replayed.chain.block_by_hash(&block.parse().unwrap()).unwrap();
            let own = own.chunk.chunk_hash().0.to_string();
            ours.ids.insert(chunk.to_owned(), own);
        }
    }
    let localnet = Localnet::of_chain(replayed.chain, Producer::Instant).unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let mut report = Vec::new();
    let compared = recording.cases.iter().filter(|case| !EXCEPTIONS.contains(&case.name.as_str()));
    for case in compared {
        let (status, answer) = ask(&rpc.url(), case, &ours).await;
        let mut differences = Vec::new();
        if status != case.http_status {
            differences.push(format!("HTTP {status}, nearcore {}", case.http_status));
        }
        if case.response["error"].is_object() {
            same_error(&case.response["error"], &answer["error"], &mut differences);
        }
        shape("", &case.response, &answer, &mut differences);
        differences.retain(|difference| !difference.starts_with(OTHER_VERSION));
        if case.name == "view_state with proof" {
            same_trie(&case.response["result"]["proof"], &answer["result"]["proof"], &mut differences);
        }
        differences.sort();
        differences.dedup();
        report.extend(differences.into_iter().map(|difference| format!("{}: {difference}", case.name)));
    }
    assert!(report.is_empty(), "{}", report.join("\n"));
}
