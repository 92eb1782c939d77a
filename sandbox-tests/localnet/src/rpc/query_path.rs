//! `query` as the first clients asked it: `[path, data]`, data in base58. nearcore still answers, at its head.

use near_jsonrpc_primitives::errors::RpcError;
use near_jsonrpc_primitives::types::query::RpcQueryRequest;
use near_primitives::types::BlockReference;
use near_primitives::views::QueryRequest;

/// nearcore's limit on path and data together.
const QUERY_BYTES_MAX: usize = 10 * 1024;

fn refused(text: impl std::fmt::Display) -> RpcError {
    RpcError::parse_error(format!("Failed parsing args: {text}"))
}

fn bytes(path: &str, data: &str) -> Result<Vec<u8>, RpcError> {
    // Longer text can't be shorter bytes than this, and base58 takes time that grows with the square of its length.
    if data.len() > 2 * QUERY_BYTES_MAX {
        return Err(refused("Query data size is too large"));
    }
    let bytes = bs58::decode(data).into_vec().map_err(refused)?;
    if bytes.len() > QUERY_BYTES_MAX.saturating_sub(path.len()) {
        return Err(refused("Query data size is too large"));
    }
    Ok(bytes)
}

/// The query that a path means.
pub(super) fn request(path: &str, data: &str) -> Result<RpcQueryRequest, RpcError> {
    let mut parts = path.splitn(3, '/');
    let (kind, account_id, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let account_id = account_id.ok_or_else(|| refused("Not enough query parameters provided"))?;
    let account_id = account_id.parse().map_err(refused)?;
    let request = match (kind, rest) {
        ("account", _) => QueryRequest::ViewAccount { account_id },
        ("access_key", None) => QueryRequest::ViewAccessKeyList { account_id, after_key: None, limit: None },
        ("access_key", Some(key)) => {
            let public_key = key.parse().map_err(|_| refused("Invalid public key"))?;
            QueryRequest::ViewAccessKey { account_id, public_key }
        }
        ("code", _) => QueryRequest::ViewCode { account_id },
        ("contract", _) => {
            let prefix = bytes(path, data)?.into();
            QueryRequest::ViewState { account_id, prefix, include_proof: false, after_key: None, limit: None }
        }
        ("call", Some(method)) => {
            let args = bytes(path, data)?.into();
            QueryRequest::CallFunction { account_id, method_name: method.to_owned(), args }
        }
        ("call", None) => return Err(refused("Method name is missing")),
        _ => return Err(refused(format_args!("Unknown path {kind}"))),
    };
    Ok(RpcQueryRequest { block_reference: BlockReference::latest(), request })
}
