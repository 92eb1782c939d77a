//! What light clients ask for: proofs of outcomes and blocks, and the next header.

use near_jsonrpc_primitives::errors::RpcError;
use near_jsonrpc_primitives::types::light_client::{
    RpcLightClientBlockProofRequest, RpcLightClientBlockProofResponse, RpcLightClientExecutionProofRequest,
    RpcLightClientExecutionProofResponse, RpcLightClientNextBlockError, RpcLightClientNextBlockRequest,
    RpcLightClientNextBlockResponse, RpcLightClientProofError,
};
use near_primitives::types::TransactionOrReceiptId;
use serde_json::Value;

use super::{Reply, internal, parse, to_value};
use crate::chain::{NoProof, UnknownBlock};
use crate::localnet::Localnet;

pub(super) async fn outcome(localnet: &Localnet, params: Value) -> Reply {
    let request: RpcLightClientExecutionProofRequest = parse(params)?;
    let id = match request.id {
        TransactionOrReceiptId::Transaction { transaction_hash, .. } => transaction_hash,
        TransactionOrReceiptId::Receipt { receipt_id, .. } => receipt_id,
    };
    let head = request.light_client_head;
    let proof = localnet.with(move |chain| chain.outcome_proof(&id, &head)).await;
    match proof.map_err(|error| internal(&error))? {
        Ok(proof) => to_value(RpcLightClientExecutionProofResponse {
            outcome_proof: proof.outcome,
            outcome_root_proof: proof.outcome_root_proof,
            block_header_lite: proof.block_header_lite,
            block_proof: proof.block_proof,
        }),
        Err(NoProof::UnknownOutcome) => {
            Err(RpcLightClientProofError::UnknownTransactionOrReceipt { transaction_or_receipt_id: id }.into())
        }
        Err(NoProof::NotConfirmed) => {
            Err(RpcLightClientProofError::NotConfirmed { transaction_or_receipt_id: id }.into())
        }
        Err(NoProof::UnknownHead) => {
            let error_message = format!("BLOCK HEADER: {head}");
            Err(RpcLightClientProofError::UnknownBlock { error_message }.into())
        }
    }
}

pub(super) async fn block(localnet: &Localnet, params: Value) -> Reply {
    let RpcLightClientBlockProofRequest { block_hash, light_client_head } = parse(params)?;
    let proof = localnet.with(move |chain| chain.block_proof(&block_hash, &light_client_head)).await;
    let (block_header_lite, block_proof) =
        proof.map_err(|error| internal(&error))?.map_err(|UnknownBlock| -> RpcError {
            let error_message = format!("BLOCK HEADER: {block_hash}");
            RpcLightClientProofError::UnknownBlock { error_message }.into()
        })?;
    to_value(RpcLightClientBlockProofResponse { block_header_lite, block_proof })
}

/// For a node that lags, whose head is `behind` blocks ago, there is less to give.
pub(super) async fn next_block(localnet: &Localnet, params: Value, behind: usize) -> Reply {
    let last = match params {
        Value::Array(_) => parse::<(near_primitives::hash::CryptoHash,)>(params)?.0,
        other => parse::<RpcLightClientNextBlockRequest>(other)?.last_block_hash,
    };
    let found = localnet.with(move |chain| chain.next_light_client_block(&last, behind)).await;
    let block = found.map_err(|error| internal(&error))?.map_err(|UnknownBlock| -> RpcError {
        let error_message = format!("BLOCK HEADER: {last}");
        RpcLightClientNextBlockError::UnknownBlock { error_message }.into()
    })?;
    to_value(RpcLightClientNextBlockResponse { light_client_block: block.map(std::sync::Arc::new) })
}
