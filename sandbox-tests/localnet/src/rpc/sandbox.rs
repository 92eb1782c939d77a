//! nearcore's own sandbox methods.

use near_jsonrpc_primitives::types::sandbox::{RpcSandboxFastForwardRequest, RpcSandboxPatchStateRequest};
use serde_json::{Value, json};

use super::{Reply, internal, parse};
use crate::localnet::Localnet;

pub(super) async fn patch_state(localnet: &Localnet, params: Value) -> Reply {
    let request: RpcSandboxPatchStateRequest = parse(params)?;
    localnet.cheats().patch_state(request.records).await.map_err(|error| internal(&error))?;
    Ok(json!({}))
}

pub(super) async fn fast_forward(localnet: &Localnet, params: Value) -> Reply {
    let request: RpcSandboxFastForwardRequest = parse(params)?;
    localnet.cheats().advance_blocks(request.delta_height).await.map_err(|error| internal(&error))?;
    Ok(json!({}))
}
