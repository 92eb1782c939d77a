//! Why a call or view failed.

use std::time::Duration;

use near_jsonrpc_client::methods::RpcHandlerError;
use near_primitives::hash::CryptoHash;
use near_primitives::types::AccountId;
use serde_json::Value;

/// What nearcore says of itself, not of what it was asked.
const UNWELL: [&str; 5] = ["INTERNAL_ERROR", "NODE_IS_SYNCING", "NOT_SYNCED_YET", "NO_NEW_BLOCKS", "NO_SYNCED_BLOCKS"];
/// What this node has not, and another one may have.
const NOT_HERE: [&str; 7] = [
    "DOES_NOT_TRACK_SHARD",
    "GARBAGE_COLLECTED_BLOCK",
    "METHOD_NOT_FOUND",
    "SHARD_NOT_APPLIED",
    "SHARD_NOT_TRACKED",
    "STATE_NOT_AVAILABLE",
    "UNAVAILABLE_SHARD",
];
/// What is not there yet, or never will be: only whoever asked can know which.
const NOT_YET: [&str; 9] = [
    "CHUNK_NOT_CERTIFIED",
    "NOT_CONFIRMED",
    "REQUEST_ROUTED",
    "TIMEOUT_ERROR",
    "UNKNOWN_BLOCK",
    "UNKNOWN_CHUNK",
    "UNKNOWN_RECEIPT",
    "UNKNOWN_TRANSACTION",
    "UNKNOWN_TRANSACTION_OR_RECEIPT",
];
/// How many characters of a body that is no answer are shown to people.
const SHOWN_CHARS_MAX: usize = 200;
/// The same of a node's own words, and of why an answer can't be read: either may be as long as an answer.
const WORDS_CHARS_MAX: usize = 500;

/// In all of them `node` is its scheme, host and port: a path or a query may hold a provider's key.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There was no connection, or it was lost before an answer began.
    #[error("the node at {node} can't be reached")]
    Unreachable { node: String, source: reqwest::Error },
    /// The request was sent, and not answered within [`crate::Limits::answer_time_max`].
    #[error("the node at {node} did not answer {method} in time")]
    TimedOut { node: String, method: String },
    /// Nothing was sent: its rate, or a pause that it asked for, takes longer than [`crate::Limits::turn_time_max`].
    #[error("the node at {node} is not asked anything for another {wait:?}")]
    Busy { node: String, wait: Duration },
    /// An HTTP status that is no success, and no refusal of nearcore's. `pause`: the node said when to come back.
    #[error("the node at {node} answered {method} with HTTP status {status}{}", shown(.body))]
    Status { node: String, method: String, status: u16, body: String, pause: Option<Duration> },
    /// A success, and a body that is not what JSON-RPC, or the method, answers with.
    #[error("the answer of the node at {node} to {method} can't be read{}{}", said(.reason), shown(.body))]
    Unreadable { node: String, method: String, reason: String, body: String },
    #[error("the answer of the node at {node} to {method} has more than {bytes_max} bytes")]
    TooLarge { node: String, method: String, bytes_max: usize },
    /// The node refused. [`ClientError::cause`] is nearcore's name for why.
    #[error("the node answered {method} with an error{}", said(&.error.to_string()))]
    Rpc { method: String, error: Value },
    /// What was answered is not what a contract, or a chain, could have answered.
    #[error("the node's answer to {method} can't be read{}", said(.reason))]
    Answer { method: String, reason: String },
    /// A contract refused, with the text it panicked with, or has no such method. It may be another one than was
    /// called: one that was asked on the way.
    #[error("{text}")]
    Refused { by: AccountId, text: String },
    /// A view came to nothing without a word of its contract: there is no code, or it does not run, or not to its end.
    #[error("{text}")]
    Failed { text: String },
    #[error("{0}")]
    Arguments(String),
    /// The answer to a transaction was lost, and asking again did not bring it.
    #[error("transaction {hash} may have been carried out, look it up before you send it again: {source}")]
    Unknown { hash: CryptoHash, source: Box<ClientError> },
}

/// How a body begins, behind what is said of it.
fn shown(body: &str) -> String {
    begins(body, SHOWN_CHARS_MAX)
}

/// The same of words.
fn said(words: &str) -> String {
    begins(words, WORDS_CHARS_MAX)
}

fn begins(text: &str, chars_max: usize) -> String {
    let start: String = text.trim().chars().take(chars_max).collect();
    if start.is_empty() { start } else { format!(": {start}") }
}

impl ClientError {
    /// nearcore's name for why it refused, such as `UNKNOWN_BLOCK`.
    pub fn cause(&self) -> Option<&str> {
        let Self::Rpc { error, .. } = self else { return None };
        error["cause"]["name"].as_str().or_else(|| error["name"].as_str())
    }

    /// The refusal in the method's own type of errors; `None` also for one that nearcore learnt after those types.
    pub fn as_nearcores<E: RpcHandlerError>(&self) -> Option<E> {
        let Self::Rpc { error, .. } = self else { return None };
        E::parse(error["cause"].clone()).ok().or_else(|| E::parse_legacy_error(error["data"].clone())?.ok())
    }

    /// Whether the same question may be answered later, or by another node. It says nothing of what became of a
    /// transaction.
    pub fn is_transient(&self) -> bool {
        match self {
            // What is no URL stays none.
            Self::Unreachable { source, .. } => !source.is_builder(),
            Self::TimedOut { .. } | Self::Busy { .. } | Self::Unreadable { .. } | Self::Answer { .. } => true,
            Self::Status { status, .. } => matches!(*status, 408 | 425 | 429 | 500 | 502..=504 | 520..=530),
            Self::Rpc { .. } => self.is_caused_by(&UNWELL) || self.is_caused_by(&NOT_YET) || self.is_gateways(),
            Self::TooLarge { .. }
            | Self::Refused { .. }
            | Self::Failed { .. }
            | Self::Arguments(_)
            | Self::Unknown { .. } => false,
        }
    }

    /// Whether there was nobody to ask, or nothing that could be asked: whoever runs this has to mend it.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => source.is_builder(),
            Self::Arguments(_) => true,
            _ => false,
        }
    }

    /// Whether a node said this, so that it may be held against it. One that fails is passed over for that already.
    pub fn is_said(&self) -> bool {
        match self {
            Self::Rpc { .. } => !self.is_failure(),
            Self::Answer { .. } | Self::Refused { .. } | Self::Failed { .. } => true,
            _ => false,
        }
    }

    fn is_caused_by(&self, causes: &[&str]) -> bool {
        self.cause().is_some_and(|cause| causes.contains(&cause))
    }

    /// The code of a refusal that nearcore did not write: a gateway before it did.
    fn foreign_code(&self) -> Option<i64> {
        let Self::Rpc { error, .. } = self else { return None };
        if self.cause().is_some() {
            return None;
        }
        Some(error["code"].as_i64().unwrap_or_default())
    }

    /// Whether a gateway refused, and not for how the request is written.
    fn is_gateways(&self) -> bool {
        self.foreign_code().is_some_and(|code| !matches!(code, -32_700 | -32_602..=-32_600))
    }

    /// Whether the node was asked too fast. Some gateways say so in an answer that is a success for HTTP.
    pub(crate) fn is_haste(&self) -> bool {
        matches!(self, Self::Status { status: 429, .. }) || matches!(self.foreign_code(), Some(-429 | -32_005))
    }

    /// Whether the node failed, whatever it was asked.
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Status { .. }
            | Self::Unreadable { .. }
            | Self::TooLarge { .. } => true,
            Self::Rpc { .. } => self.is_caused_by(&UNWELL) || self.is_gateways(),
            _ => false,
        }
    }

    /// Whether it is about this node, so that another one may answer the same question.
    pub(crate) fn is_of_one_node(&self) -> bool {
        self.is_failure() || matches!(self, Self::Busy { .. }) || self.is_caused_by(&NOT_HERE)
    }

    /// Whether the node certainly never got the request.
    pub(crate) fn is_unsent(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Unreachable { source, .. } => source.is_connect() || source.is_builder(),
            _ => false,
        }
    }

    /// Whether a node that was sent a transaction may have taken it all the same. It has not if it never got it, or
    /// says that it is not valid. That a shard has no room is said of one that was passed on already, too.
    pub(crate) fn is_unsure(&self) -> bool {
        match self {
            Self::Unreachable { .. } => !self.is_unsent(),
            Self::Rpc { error, .. } => {
                let of_now = |name: &&str| !error["data"]["TxExecutionError"]["InvalidTxError"][*name].is_null();
                let passes = ["ShardCongested", "ShardStuck", "StorageError"].iter().any(of_now);
                let refused =
                    error["cause"]["name"] == "INVALID_TRANSACTION" || error["name"] == "REQUEST_VALIDATION_ERROR";
                passes || !refused
            }
            // A gateway before it may answer with a page of its own.
            Self::TimedOut { .. }
            | Self::Status { .. }
            | Self::Unreadable { .. }
            | Self::TooLarge { .. }
            | Self::Answer { .. } => true,
            Self::Busy { .. }
            | Self::Refused { .. }
            | Self::Failed { .. }
            | Self::Arguments(_)
            | Self::Unknown { .. } => false,
        }
    }

    /// Who refused, and in which words.
    pub fn refusal(&self) -> Option<(&AccountId, &str)> {
        let Self::Refused { by, text } = self else { return None };
        Some((by, text.as_str()))
    }

    /// The stable code at the start of a refusal. It is as good as the contract's word: a stranger's may say anything.
    pub fn code(&self) -> Option<&str> {
        let (_, text) = self.refusal()?;
        let (code, _) = text.split_once(": ")?;
        code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit()).then_some(code)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::ClientError;

    fn refused(error: Value) -> ClientError {
        ClientError::Rpc { method: "block".to_owned(), error }
    }

    fn named(cause: &str) -> ClientError {
        refused(json!({ "name": "HANDLER_ERROR", "cause": { "name": cause, "info": {} }, "code": -32_000 }))
    }

    fn status(status: u16) -> ClientError {
        let (node, method) = ("http://a".to_owned(), "block".to_owned());
        ClientError::Status { node, method, status, body: String::new(), pause: None }
    }

    /// Shapes are nearcore's: `RpcTransactionError::InvalidTransaction` with the error of the transaction in `data`.
    #[test]
    fn what_passes_by_itself_says_nothing_of_the_transaction() {
        let invalid = |error: Value| ClientError::Rpc {
            method: "send_tx".to_owned(),
            error: json!({
                "name": "HANDLER_ERROR",
                "cause": { "name": "INVALID_TRANSACTION", "info": {} },
                "data": { "TxExecutionError": { "InvalidTxError": error } },
            }),
        };
        for (error, unsure) in [
            (json!({ "InvalidNonce": { "tx_nonce": 1, "ak_nonce": 2 } }), false),
            (json!("Expired"), false),
            (json!("InvalidSignature"), false),
            (json!({ "ShardCongested": { "shard_id": 1, "congestion_level": 1.0 } }), true),
            (json!({ "ShardStuck": { "shard_id": 1, "missed_chunks": 9 } }), true),
        ] {
            assert_eq!(invalid(error.clone()).is_unsure(), unsure, "{error}");
        }
    }

    /// Call everything transient, and whoever waits for it waits for ever; nothing, and a gateway's bad minute ends a
    /// program.
    #[test]
    fn only_what_may_pass_is_tried_again() {
        for cause in ["INTERNAL_ERROR", "NOT_SYNCED_YET", "UNKNOWN_BLOCK", "NOT_CONFIRMED", "TIMEOUT_ERROR"] {
            assert!(named(cause).is_transient(), "{cause}");
        }
        for cause in ["GARBAGE_COLLECTED_BLOCK", "UNKNOWN_ACCOUNT", "METHOD_NOT_FOUND", "INVALID_TRANSACTION", "X"] {
            assert!(!named(cause).is_transient(), "{cause}");
        }
        for code in [-429, -32_005, -32_000, 0] {
            assert!(refused(json!({ "code": code, "message": "later" })).is_transient(), "{code}");
        }
        for code in [-32_700, -32_602, -32_601, -32_600] {
            assert!(!refused(json!({ "code": code, "message": "never" })).is_transient(), "{code}");
        }
        for (number, passes) in
            [(400, false), (401, false), (404, false), (501, false), (408, true), (429, true), (500, true), (524, true)]
        {
            assert_eq!(status(number).is_transient(), passes, "{number}");
        }
        let busy = ClientError::Busy { node: "http://a".to_owned(), wait: Duration::from_secs(9) };
        assert!(busy.is_transient() && busy.is_unsent() && !busy.is_unsure());
        assert!(
            !ClientError::Refused { by: "keys.near".parse().unwrap(), text: "KEYS_X: no".to_owned() }.is_transient()
        );
    }

    #[test]
    fn haste_is_told_whatever_it_is_wrapped_in() {
        assert!(status(429).is_haste() && !status(503).is_haste());
        assert!(refused(json!({ "code": -429, "message": "slow down" })).is_haste());
        assert!(!named("INTERNAL_ERROR").is_haste());
    }
}
