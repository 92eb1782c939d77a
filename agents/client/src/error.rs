//! Why a call or view failed.

use near_primitives::hash::CryptoHash;
use near_primitives::types::AccountId;
use serde_json::Value;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// `node` is its scheme, host and port: a path or a query may hold a provider's key.
    #[error("the node at {node} can't be reached")]
    Unreachable { node: String, source: reqwest::Error },
    #[error("the node answered {method} with an error: {error}")]
    Rpc { method: String, error: Value },
    #[error("the node's answer to {method} can't be read: {reason}")]
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

impl ClientError {
    /// Whether a node that was sent a transaction may have taken it all the same. It has not if it could not be connected to, or
    /// says that the transaction is not valid. That a shard has no room is said of one that was passed on already, too.
    pub(crate) fn is_unsure(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => !source.is_connect(),
            Self::Rpc { error, .. } => {
                let of_now = |name: &&str| !error["data"]["TxExecutionError"]["InvalidTxError"][*name].is_null();
                let passes = ["ShardCongested", "ShardStuck", "StorageError"].iter().any(of_now);
                let refused =
                    error["cause"]["name"] == "INVALID_TRANSACTION" || error["name"] == "REQUEST_VALIDATION_ERROR";
                passes || !refused
            }
            // A gateway before it may answer with a page of its own.
            Self::Answer { .. } => true,
            Self::Refused { .. } | Self::Failed { .. } | Self::Arguments(_) | Self::Unknown { .. } => false,
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
    use serde_json::{Value, json};

    use super::ClientError;

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
}
