//! nearcore's own sandbox methods.

use near_jsonrpc_primitives::errors::RpcError;
use near_jsonrpc_primitives::types::sandbox::{RpcSandboxFastForwardRequest, RpcSandboxPatchStateRequest};
use serde_json::{Value, json};

use super::{Reply, internal, parse};
use crate::localnet::{Error, Localnet};

pub(super) async fn patch_state(localnet: &Localnet, params: Value) -> Reply {
    let request: RpcSandboxPatchStateRequest = parse(params)?;
    match localnet.cheats().patch_state(request.records).await {
        Ok(()) => Ok(json!({})),
        Err(error @ Error::Patch(_)) => Err(RpcError::parse_error(error.to_string())),
        Err(error) => Err(internal(&error)),
    }
}

pub(super) async fn fast_forward(localnet: &Localnet, params: Value) -> Reply {
    let request: RpcSandboxFastForwardRequest = parse(params)?;
    match localnet.cheats().advance_blocks(request.delta_height).await {
        Ok(()) => Ok(json!({})),
        Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::InvalidInput => {
            Err(RpcError::parse_error(error.to_string()))
        }
        Err(error) => Err(internal(&error)),
    }
}
