//! Replicas that disagree: answers of a node that is behind, has lost blocks, or lies. Each is decided by the faults' seed and
//! the replica's number together with the request, so that the same replica gives the same question the same answer.

use near_primitives::hash::hash;
use serde_json::{Value, json};

use super::{Reply, dispatch, info, internal, proofs};
use crate::faults::{Faults, RpcFaults};
use crate::localnet::Localnet;

/// How old a stale head is.
const STALE_BLOCKS: usize = 10;

impl Localnet {
    /// The same chain as another node shows it: these faults decide what goes wrong in its answers, by the number of the
    /// replica in them. Faults of the chain itself stay as they are.
    pub fn as_replica(&self, faults: Faults) -> Self {
        let mut replica = self.clone();
        replica.faults = RpcFaults::new(faults);
        replica
    }
}

/// Answers a request as this replica does.
pub(super) async fn answer(localnet: &Localnet, method: &str, mut params: Value) -> Reply {
    let faults = localnet.faults.faults;
    if !faults.disagree() {
        return dispatch(localnet, method, params).await;
    }
    let request = format!("{method} {params}");
    if faults.hides_block(&request) {
        name_another_block(method, &mut params, &request);
    }
    let head = *localnet.heads().borrow();
    let reply = if faults.shows_stale_head(&request, head) {
        stale(localnet, method, params).await
    } else {
        dispatch(localnet, method, params).await
    };
    let mut value = reply?;
    if faults.empties_changes(&request) && is_changes(method) {
        value["changes"] = json!([]);
    }
    if faults.changes_logs(&request) {
        change_logs(&mut value);
    }
    Ok(value)
}

fn is_changes(method: &str) -> bool {
    matches!(method, "changes" | "EXPERIMENTAL_changes" | "block_effects" | "EXPERIMENTAL_changes_in_block")
}

/// Puts a hash that no block has where the request names a block: each method knows best how to say that there is none.
fn name_another_block(method: &str, params: &mut Value, request: &str) {
    let none = json!(hash(request.as_bytes()));
    match params {
        Value::Object(fields) => {
            if let Some(id) = fields.get_mut("block_id").filter(|id| !id.is_null()) {
                *id = none;
            }
        }
        Value::Array(items) if method == "block" || is_changes(method) => {
            if let Some(id) = items.first_mut() {
                *id = none;
            }
        }
        _ => {}
    }
}

/// The answer of a node whose head is some blocks old.
async fn stale(localnet: &Localnet, method: &str, mut params: Value) -> Reply {
    match method {
        "status" => return info::status(localnet, STALE_BLOCKS).await,
        "next_light_client_block" => return proofs::next_block(localnet, params, STALE_BLOCKS).await,
        _ => {}
    }
    if let Value::Object(fields) = &mut params
        && fields.remove("finality").is_some()
    {
        let old = localnet.with(|chain| *chain.head_behind(STALE_BLOCKS).header.hash()).await;
        let old = old.map_err(|error| internal(&error))?;
        fields.insert("block_id".to_owned(), json!(old));
    }
    dispatch(localnet, method, params).await
}

/// Changes every log in an answer. An event is one still, and says something else.
fn change_logs(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Array(logs) if name == "logs" => logs.iter_mut().for_each(change_log),
                    other => change_logs(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(change_logs),
        _ => {}
    }
}

/// Changes the last digit of a log, or puts one behind it.
fn change_log(log: &mut Value) {
    let Value::String(text) = log else { return };
    match text.rfind(|letter: char| letter.is_ascii_digit()) {
        // Not to 0, with which no longer number may begin.
        Some(at) => text.replace_range(at..=at, if text[at..].starts_with('9') { "8" } else { "9" }),
        None => text.push('1'),
    }
}
