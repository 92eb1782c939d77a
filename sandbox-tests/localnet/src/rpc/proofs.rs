//! `light_client_proof`.

use near_jsonrpc_primitives::types::light_client::{
    RpcLightClientExecutionProofRequest, RpcLightClientExecutionProofResponse, RpcLightClientProofError,
};
use near_primitives::types::TransactionOrReceiptId;
use serde_json::Value;

use super::{Reply, internal, parse, to_value};
use crate::chain::NoProof;
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
