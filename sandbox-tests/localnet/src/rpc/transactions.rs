//! Sending transactions, and what became of them.

use std::time::Duration;

use near_jsonrpc_primitives::errors::RpcError;
use near_jsonrpc_primitives::types::transactions::{
    RpcSendTransactionRequest, RpcTransactionError, RpcTransactionResponse, RpcTransactionStatusRequest,
    TransactionInfo,
};
use near_primitives::hash::CryptoHash;
use near_primitives::transaction::SignedTransaction;
use near_primitives::types::AccountId;
use near_primitives::views::{
    FinalExecutionOutcomeViewEnum, FinalExecutionOutcomeWithReceiptView, FinalExecutionStatus, ReceiptView,
    TxExecutionStatus,
};
use serde_json::{Value, json};

use super::{Reply, internal, parse, to_value};
use crate::chain::TxStatus;
use crate::localnet::{Error, Localnet};

/// nearcore's polling time-out.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nearcore's sandbox takes until a block is final. So long a status names no more than was asked for, because
/// clients compare it with what sending the transaction answered.
const FINALITY_TIME: Duration = Duration::from_secs(1);

fn decode(params: Value) -> Result<SignedTransaction, RpcError> {
    match params {
        Value::Array(items) => {
            let (signed,): (SignedTransaction,) =
                parse(Value::Array(items)).map_err(|error| rename(error, "Failed to decode transaction: "))?;
            Ok(signed)
        }
        other => Ok(parse::<RpcSendTransactionRequest>(other)?.signed_transaction),
    }
}

/// Array-style calls name the decoding, as nearcore does.
fn rename(error: RpcError, prefix: &str) -> RpcError {
    let text = error.data.as_ref().and_then(|data| data.as_str()).unwrap_or_default().to_owned();
    let text = text.rsplit("due to: ").next().unwrap_or(&text).to_owned();
    RpcError::parse_error(format!("{prefix}{text}"))
}

fn refused(error: Error) -> RpcError {
    match error {
        Error::Refused(context) => RpcTransactionError::InvalidTransaction { context }.into(),
        other => internal(&other),
    }
}

pub(super) async fn send(localnet: &Localnet, params: Value) -> Reply {
    let (signed, wait_until) = match params {
        Value::Array(_) => (decode(params)?, TxExecutionStatus::ExecutedOptimistic),
        other => {
            let request: RpcSendTransactionRequest = parse(other)?;
            (request.signed_transaction, request.wait_until)
        }
    };
    let hash = signed.get_hash();
    if wait_until == TxExecutionStatus::None {
        // Like nearcore, this answers at once, whatever becomes of the transaction.
        let _ = localnet.broadcast(signed).await;
        return without_outcome(wait_until);
    }
    localnet.broadcast(signed).await.map_err(refused)?;
    answer(localnet, hash, wait_until, Asked::Sent).await
}

/// What is known of a transaction whose outcome nobody waited for.
fn without_outcome(final_execution_status: TxExecutionStatus) -> Reply {
    to_value(RpcTransactionResponse { final_execution_outcome: None, final_execution_status })
}

pub(super) async fn broadcast_async(localnet: &Localnet, params: Value) -> Reply {
    let signed = decode(params)?;
    let hash = signed.get_hash();
    // Like nearcore, this answers with the hash whatever becomes of the transaction.
    let _ = localnet.broadcast(signed).await;
    to_value(hash)
}

pub(super) async fn broadcast_commit(localnet: &Localnet, params: Value) -> Reply {
    let signed = decode(params)?;
    let hash = signed.get_hash();
    localnet.broadcast(signed).await.map_err(refused)?;
    answer(localnet, hash, TxExecutionStatus::ExecutedOptimistic, Asked::Sent).await
}

pub(super) async fn status(localnet: &Localnet, params: Value, with_receipts: bool) -> Reply {
    let (hash, wait_until) = match params {
        Value::Array(items) => {
            let (hash, _): (CryptoHash, AccountId) = parse(Value::Array(items))?;
            (hash, TxExecutionStatus::ExecutedOptimistic)
        }
        other => {
            let request: RpcTransactionStatusRequest = parse(other)?;
            let hash = match request.transaction_info {
                TransactionInfo::Transaction { signed_tx } => signed_tx.get_hash(),
                TransactionInfo::TransactionId { tx_hash, .. } => tx_hash,
            };
            (hash, request.wait_until)
        }
    };
    answer(localnet, hash, wait_until, if with_receipts { Asked::StatusWithReceipts } else { Asked::Status }).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// With the transaction: the answer comes, on any NEAR, as soon as the level is reached that was waited for, and names
    /// it. This chain may be further already. Who asks for the status right afterwards expects the same level.
    Sent,
    Status,
    StatusWithReceipts,
}

async fn answer(localnet: &Localnet, hash: CryptoHash, until: TxExecutionStatus, asked: Asked) -> Reply {
    let status = localnet.wait(hash, until.clone(), PATIENCE).await.map_err(|error| internal(&error))?;
    match status {
        TxStatus::Unknown => Err(RpcTransactionError::UnknownTransaction { requested_transaction_hash: hash }.into()),
        TxStatus::Refused(context) => Err(RpcTransactionError::InvalidTransaction { context }.into()),
        TxStatus::Pending if until == TxExecutionStatus::None => without_outcome(until),
        TxStatus::Executed { outcome, reached, age } if reached.satisfies(&until) => {
            let is_new = until != TxExecutionStatus::None && age < FINALITY_TIME;
            let named = if asked == Asked::Sent || is_new { until } else { reached.level() };
            // nearcore has no outcome yet when a transaction is included.
            let unanswered = matches!(outcome.status, FinalExecutionStatus::NotStarted | FinalExecutionStatus::Started);
            if unanswered && matches!(named, TxExecutionStatus::Included | TxExecutionStatus::IncludedFinal) {
                return without_outcome(named);
            }
            let outcome = if asked == Asked::StatusWithReceipts {
                let listed = outcome.clone();
                let receipts = localnet.with(move |chain| chain.receipts_of(&listed)).await;
                let receipts = receipts.map_err(|error| internal(&error))?;
                let view = FinalExecutionOutcomeWithReceiptView { final_outcome: *outcome, receipts };
                FinalExecutionOutcomeViewEnum::FinalExecutionOutcomeWithReceipt(view)
            } else {
                FinalExecutionOutcomeViewEnum::FinalExecutionOutcome(*outcome)
            };
            to_value(RpcTransactionResponse { final_execution_outcome: Some(outcome), final_execution_status: named })
        }
        TxStatus::Pending | TxStatus::Executed { .. } => Err(RpcTransactionError::TimeoutError(None).into()),
    }
}

#[derive(serde::Deserialize)]
struct ReceiptRequest {
    receipt_id: CryptoHash,
}

fn unknown_receipt(receipt_id: CryptoHash) -> RpcError {
    let cause = json!({ "name": "UNKNOWN_RECEIPT", "info": { "receipt_id": receipt_id } });
    RpcError::new_internal_or_handler_error(Some(cause.clone()), cause)
}

pub(super) async fn receipt(localnet: &Localnet, params: Value) -> Reply {
    let ReceiptRequest { receipt_id } = parse(params)?;
    let found = localnet.with(move |chain| chain.receipt(&receipt_id).cloned()).await;
    let receipt = found.map_err(|error| internal(&error))?.ok_or_else(|| unknown_receipt(receipt_id))?;
    to_value(ReceiptView::from(receipt.as_ref().clone()))
}

pub(super) async fn receipt_to_tx(localnet: &Localnet, params: Value) -> Reply {
    let ReceiptRequest { receipt_id } = parse(params)?;
    let found = localnet.with(move |chain| chain.origin(&receipt_id).cloned()).await;
    let signed = found.map_err(|error| internal(&error))?.ok_or_else(|| unknown_receipt(receipt_id))?;
    Ok(json!({
        "transaction_hash": signed.get_hash(),
        "sender_account_id": signed.transaction.signer_id(),
    }))
}
