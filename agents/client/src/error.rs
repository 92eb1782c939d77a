//! Why a call or view failed.

use near_primitives::hash::CryptoHash;
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
    /// The contract refused, with the text it panicked with.
    #[error("{text}")]
    Refused { text: String },
    #[error("{0}")]
    Arguments(String),
    /// The answer to a transaction was lost, and asking again did not bring it.
    #[error("transaction {hash} may have been carried out, look it up before you send it again: {source}")]
    Unknown { hash: CryptoHash, source: Box<ClientError> },
}

impl ClientError {
    /// Whether a node that was sent a transaction may have taken it all the same. It has not if it could not be connected to, or
    /// says that the transaction is not valid.
    pub(crate) fn is_unsure(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => !source.is_connect(),
            Self::Rpc { error, .. } => {
                error["cause"]["name"] != "INVALID_TRANSACTION" && error["name"] != "REQUEST_VALIDATION_ERROR"
            }
            // A gateway before it may answer with a page of its own.
            Self::Answer { .. } => true,
            Self::Refused { .. } | Self::Arguments(_) | Self::Unknown { .. } => false,
        }
    }

    /// The stable code at the start of a refusal.
    pub fn code(&self) -> Option<&str> {
        let Self::Refused { text } = self else { return None };
        let (code, _) = text.split_once(": ")?;
        code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit()).then_some(code)
    }
}
