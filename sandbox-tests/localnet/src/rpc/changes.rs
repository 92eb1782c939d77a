//! `changes` and `block_effects`: what a block changed, and why.

use near_jsonrpc_primitives::errors::RpcError;
use near_jsonrpc_primitives::types::changes::{
    RpcStateChangesError, RpcStateChangesInBlockByTypeRequest, RpcStateChangesInBlockByTypeResponse,
    RpcStateChangesInBlockResponse,
};
use near_primitives::types::{
    RawStateChangesWithTrieKey, StateChangeValue, StateChangeWithCause, StateChanges, StateChangesExt,
};
use near_primitives::views::{StateChangeKindView, StateChangesRequestView};
use serde_json::Value;

use super::{Reply, blocks, internal, parse, to_value};
use crate::localnet::Localnet;

fn unknown_block(error_message: String) -> RpcError {
    RpcStateChangesError::UnknownBlock { error_message }.into()
}

fn all(changes: &[RawStateChangesWithTrieKey]) -> Vec<StateChangeWithCause> {
    // Receipts, data and queues have no kind of their own among the public changes.
    let public = changes.iter().filter(|change| {
        use near_primitives::trie_key::TrieKey;
        matches!(
            change.trie_key,
            TrieKey::Account { .. }
                | TrieKey::AccessKey { .. }
                | TrieKey::GasKeyNonce { .. }
                | TrieKey::ContractCode { .. }
                | TrieKey::ContractData { .. }
        )
    });
    StateChanges::from_changes(public.cloned())
}

pub(super) async fn changes(localnet: &Localnet, params: Value) -> Reply {
    let request: RpcStateChangesInBlockByTypeRequest = parse(params)?;
    let reference = request.block_reference;
    let found = localnet.with(move |chain| blocks::find(chain, &reference));
    let block = found.await.map_err(|error| internal(&error))?.map_err(unknown_block)?;
    let wanted = request.state_changes_request;
    let changes = all(&block.changes).into_iter().filter(|change| matches_request(&change.value, &wanted));
    to_value(RpcStateChangesInBlockResponse {
        block_hash: *block.header.hash(),
        changes: changes.map(Into::into).collect(),
    })
}

fn matches_request(value: &StateChangeValue, wanted: &StateChangesRequestView) -> bool {
    match (wanted, value) {
        (
            StateChangesRequestView::AccountChanges { account_ids },
            StateChangeValue::AccountUpdate { account_id, .. } | StateChangeValue::AccountDeletion { account_id },
        )
        | (
            StateChangesRequestView::AllAccessKeyChanges { account_ids },
            StateChangeValue::AccessKeyUpdate { account_id, .. }
            | StateChangeValue::AccessKeyDeletion { account_id, .. }
            | StateChangeValue::GasKeyNonceUpdate { account_id, .. },
        )
        | (
            StateChangesRequestView::ContractCodeChanges { account_ids },
            StateChangeValue::ContractCodeUpdate { account_id, .. }
            | StateChangeValue::ContractCodeDeletion { account_id },
        ) => account_ids.contains(account_id),
        (
            StateChangesRequestView::SingleAccessKeyChanges { keys },
            StateChangeValue::AccessKeyUpdate { account_id, public_key, .. }
            | StateChangeValue::AccessKeyDeletion { account_id, public_key }
            | StateChangeValue::GasKeyNonceUpdate { account_id, public_key, .. },
        ) => keys.iter().any(|key| {
            let handle: near_crypto::PublicKeyHandle = (&key.public_key).into();
            key.account_id == *account_id && handle == *public_key
        }),
        (
            StateChangesRequestView::DataChanges { account_ids, key_prefix },
            StateChangeValue::DataUpdate { account_id, key, .. } | StateChangeValue::DataDeletion { account_id, key },
        ) => account_ids.contains(account_id) && key.starts_with(key_prefix.as_ref()),
        _ => false,
    }
}

pub(super) async fn kinds(localnet: &Localnet, params: Value) -> Reply {
    let request = super::blocks::reference(params)?;
    let found = localnet.with(move |chain| blocks::find(chain, &request));
    let block = found.await.map_err(|error| internal(&error))?.map_err(unknown_block)?;
    let mut kinds = Vec::new();
    for change in all(&block.changes) {
        let account_id = change.value.affected_account_id().clone();
        let kind = match change.value {
            StateChangeValue::AccountUpdate { .. } | StateChangeValue::AccountDeletion { .. } => {
                StateChangeKindView::AccountTouched { account_id }
            }
            StateChangeValue::DataUpdate { .. } | StateChangeValue::DataDeletion { .. } => {
                StateChangeKindView::DataTouched { account_id }
            }
            StateChangeValue::ContractCodeUpdate { .. } | StateChangeValue::ContractCodeDeletion { .. } => {
                StateChangeKindView::ContractCodeTouched { account_id }
            }
            StateChangeValue::AccessKeyUpdate { .. } | StateChangeValue::AccessKeyDeletion { .. } => {
                StateChangeKindView::AccessKeyTouched { account_id }
            }
            // nearcore names no kind for a gas key's nonce.
            StateChangeValue::GasKeyNonceUpdate { .. } => continue,
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    to_value(RpcStateChangesInBlockByTypeResponse { block_hash: *block.header.hash(), changes: kinds })
}
