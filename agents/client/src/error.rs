//! Why a call or view failed.

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
}

impl ClientError {
    /// Whether the node may have done what it was asked for, and its answer did not come.
    pub fn is_lost(&self) -> bool {
        match self {
            // A gateway before it may answer with a page of its own.
            Self::Unreachable { .. } | Self::Answer { .. } => true,
            Self::Rpc { error, .. } => error["cause"]["name"] == "TIMEOUT_ERROR",
            _ => false,
        }
    }

    /// The stable code at the start of a refusal.
    pub fn code(&self) -> Option<&str> {
        let Self::Refused { text } = self else { return None };
        let (code, _) = text.split_once(": ")?;
        code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit()).then_some(code)
    }
}
