//! `query`: accounts, keys, code, state and view calls, at any block.

use std::num::NonZeroU32;

use near_crypto::{PublicKey, PublicKeyHandle};
use near_jsonrpc_primitives::errors::RpcError;
use near_jsonrpc_primitives::types::query::{QueryResponseKind, RpcQueryError, RpcQueryRequest, RpcQueryResponse};
use near_primitives::account::AccessKey;
use near_primitives::action::GlobalContractIdentifier;
use near_primitives::hash::hash;
use near_primitives::trie_key::TrieKey;
use near_primitives::types::AccountId;
use near_primitives::views::{
    AccessKeyInfoView, AccessKeyList, AccountView, CallResult, ContractCodeView, GasKeyNoncesView, QueryRequest,
    StateItem, ViewStateResult,
};
use serde_json::{Value, json};

use super::{Reply, blocks, internal, parse, query_path, to_value};
use crate::chain::Block;
use crate::defect::caught;
use crate::localnet::{Error, Localnet};
use crate::runtime::{BlockContext, VIEW_GAS, ViewCall, ViewError, view};
use crate::state::StateUpdate;
use crate::trie_key::{access_key_handle, access_key_prefix, contract_data_prefix};

/// nearcore's default limit for a state that is viewed whole (`trie_viewer_state_size_limit`).
const STATE_BYTES_MAX: usize = 50_000;
/// How many keys nearcore lists at once.
const KEYS_MAX: u32 = 100;

/// `query`, which answers some errors as values for old clients' sake.
pub(super) async fn query(localnet: &Localnet, params: Value) -> Reply {
    let request = match params {
        Value::Array(items) => {
            let (path, data): (String, String) = parse(Value::Array(items))?;
            query_path::request(&path, &data)?
        }
        other => parse(other)?,
    };
    match run(localnet, request).await? {
        (_, Ok(response)) => to_value(response),
        (at, Err(RpcQueryError::ContractExecutionError { vm_error, .. })) => {
            Ok(at.error(&format!("wasm execution failed with error: {vm_error}")))
        }
        (at, Err(error @ RpcQueryError::UnknownAccessKey { .. })) => {
            Ok(at.error(&error.to_string().replace("Access key for public key", "access key")))
        }
        (_, Err(error)) => Err(error.into()),
    }
}

/// `EXPERIMENTAL_view_*` and `EXPERIMENTAL_call_function`: one kind of query each, errors as errors.
pub(super) async fn single<E>(localnet: &Localnet, kind: &str, params: Value) -> Reply
where
    E: From<RpcQueryError> + Into<RpcError>,
{
    let Value::Object(mut fields) = params else {
        return Err(RpcError::parse_error("Failed parsing args: an object was expected".to_owned()));
    };
    fields.insert("request_type".to_owned(), json!(kind));
    let request: RpcQueryRequest = parse(Value::Object(fields))?;
    match run(localnet, request).await? {
        (_, Ok(response)) => to_value(response),
        (_, Err(error)) => Err(E::from(error).into()),
    }
}

/// The block that a query was answered at.
struct AnsweredAt {
    block_height: u64,
    block_hash: near_primitives::hash::CryptoHash,
}

impl AnsweredAt {
    fn error(&self, text: &str) -> Value {
        json!({ "error": text, "logs": [], "block_height": self.block_height, "block_hash": self.block_hash })
    }
}

type Answered = (AnsweredAt, Result<RpcQueryResponse, RpcQueryError>);

async fn run(localnet: &Localnet, request: RpcQueryRequest) -> Result<Answered, RpcError> {
    let RpcQueryRequest { block_reference, request } = request;
    let found = localnet.with(move |chain| {
        let block = blocks::find(chain, &block_reference)
            .map_err(|_| -> RpcError { RpcQueryError::UnknownBlock { block_reference }.into() })?;
        Ok::<_, RpcError>((chain.view_context(&block), block))
    });
    // A block never changes: from here on the chain's thread is not needed.
    let (context, block) = found.await.map_err(|error| internal(&error))??;
    let (block_height, block_hash) = (block.header.height(), *block.header.hash());
    let response = if is_quick(&request) {
        caught(|| answer(&context, &block, &request)).map_err(Error::Defect)
    } else {
        localnet.readers.run(move || answer(&context, &block, &request)).await
    };
    let response = response.map_err(|error| internal(&error))?;
    let response = response.map(|kind| RpcQueryResponse { kind, block_height, block_hash });
    Ok((AnsweredAt { block_height, block_hash }, response))
}

/// Whether a query takes a few look-ups and no more: less than a change of threads.
fn is_quick(request: &QueryRequest) -> bool {
    matches!(
        request,
        QueryRequest::ViewAccount { .. } | QueryRequest::ViewAccessKey { .. } | QueryRequest::ViewGasKeyNonces { .. }
    )
}

fn answer(context: &BlockContext, block: &Block, request: &QueryRequest) -> Result<QueryResponseKind, RpcQueryError> {
    let state = StateUpdate::new(block.state.clone());
    let at = At { block, state };
    match request {
        QueryRequest::ViewAccount { account_id } => at.account(account_id).map(QueryResponseKind::ViewAccount),
        QueryRequest::ViewCode { account_id } => at.code(account_id).map(QueryResponseKind::ViewCode),
        QueryRequest::ViewState { account_id, prefix, after_key, limit, include_proof } => {
            let after = after_key.as_ref().map(|key| key.as_ref());
            let limit = limit.map(|limit| usize::try_from(limit.get()).unwrap_or(usize::MAX));
            let mut found = at.state(account_id, prefix.as_ref(), after, limit)?;
            if *include_proof {
                let prefix = [contract_data_prefix(account_id).as_slice(), prefix.as_ref()].concat();
                found.proof = block.state.prove_prefix(&prefix).into_iter().map(Into::into).collect();
            }
            Ok(QueryResponseKind::ViewState(found))
        }
        QueryRequest::ViewAccessKey { account_id, public_key } => {
            let missing = || RpcQueryError::UnknownAccessKey {
                public_key: public_key.clone(),
                block_height: block.header.height(),
                block_hash: *block.header.hash(),
            };
            let key = at.state.access_key(account_id, public_key).ok_or_else(missing)?;
            Ok(QueryResponseKind::AccessKey(key.into()))
        }
        QueryRequest::ViewAccessKeyList { account_id, after_key, limit } => {
            at.access_keys(account_id, after_key.as_ref(), *limit).map(QueryResponseKind::AccessKeyList)
        }
        QueryRequest::CallFunction { account_id, method_name, args } => {
            at.call(context, account_id, method_name, args.as_ref()).map(QueryResponseKind::CallResult)
        }
        QueryRequest::ViewGlobalContractCode { code_hash } => {
            at.global_code(GlobalContractIdentifier::CodeHash(*code_hash)).map(QueryResponseKind::ViewCode)
        }
        QueryRequest::ViewGlobalContractCodeByAccountId { account_id } => {
            at.global_code(GlobalContractIdentifier::AccountId(account_id.clone())).map(QueryResponseKind::ViewCode)
        }
        QueryRequest::ViewGasKeyNonces { account_id, public_key } => {
            at.gas_key_nonces(account_id, public_key).map(QueryResponseKind::GasKeyNonces)
        }
    }
}

struct At<'a> {
    block: &'a Block,
    state: StateUpdate,
}

impl At<'_> {
    fn unknown_account(&self, account_id: &AccountId) -> RpcQueryError {
        RpcQueryError::UnknownAccount {
            requested_account_id: account_id.clone(),
            block_height: self.block.header.height(),
            block_hash: *self.block.header.hash(),
        }
    }

    fn no_code(&self, account_id: &AccountId) -> RpcQueryError {
        RpcQueryError::NoContractCode {
            contract_account_id: account_id.clone(),
            block_height: self.block.header.height(),
            block_hash: *self.block.header.hash(),
        }
    }

    fn account(&self, account_id: &AccountId) -> Result<AccountView, RpcQueryError> {
        let account = self.state.account(account_id).ok_or_else(|| self.unknown_account(account_id))?;
        Ok(account.into())
    }

    fn code(&self, account_id: &AccountId) -> Result<ContractCodeView, RpcQueryError> {
        let account = self.state.account(account_id).ok_or_else(|| self.unknown_account(account_id))?;
        if let Ok(identifier) = GlobalContractIdentifier::try_from(account.contract().into_owned()) {
            return self.global_code(identifier);
        }
        let code = self.state.get_raw(&TrieKey::ContractCode { account_id: account_id.clone() });
        let code = code.ok_or_else(|| self.no_code(account_id))?;
        Ok(ContractCodeView { hash: hash(&code), code: code.to_vec() })
    }

    fn global_code(&self, identifier: GlobalContractIdentifier) -> Result<ContractCodeView, RpcQueryError> {
        let code = self.state.get_raw(&TrieKey::GlobalContractCode { identifier: identifier.clone().into() });
        let missing = || RpcQueryError::NoGlobalContractCode {
            identifier,
            block_height: self.block.header.height(),
            block_hash: *self.block.header.hash(),
        };
        let code = code.ok_or_else(missing)?;
        Ok(ContractCodeView { hash: hash(&code), code: code.to_vec() })
    }

    fn state(
        &self,
        account_id: &AccountId,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: Option<usize>,
    ) -> Result<ViewStateResult, RpcQueryError> {
        self.account(account_id)?;
        let own = contract_data_prefix(account_id);
        let wanted = [own.as_slice(), prefix].concat();
        let mut values = Vec::new();
        let mut bytes = 0;
        let mut last_key = None;
        for (key, value) in self.block.state.range(&wanted) {
            let key = &key[own.len()..];
            if after.is_some_and(|after| key <= after) {
                continue;
            }
            if limit.is_some_and(|limit| values.len() >= limit) {
                last_key = values.last().map(|item: &StateItem| item.key.clone());
                break;
            }
            bytes += key.len() + value.bytes().len();
            if limit.is_none() && bytes > STATE_BYTES_MAX {
                return Err(RpcQueryError::TooLargeContractState {
                    contract_account_id: account_id.clone(),
                    block_height: self.block.header.height(),
                    block_hash: *self.block.header.hash(),
                });
            }
            values.push(StateItem { key: key.to_vec().into(), value: value.bytes().to_vec().into() });
        }
        Ok(ViewStateResult { values, proof: Vec::new(), last_key })
    }

    /// All keys, or so many after one of them.
    fn access_keys(
        &self,
        account_id: &AccountId,
        after: Option<&PublicKeyHandle>,
        limit: Option<NonZeroU32>,
    ) -> Result<AccessKeyList, RpcQueryError> {
        let prefix = access_key_prefix(account_id);
        let after_raw = after.map(|handle| [prefix.as_slice(), &borsh::to_vec(handle).unwrap_or_default()].concat());
        let keys = self.block.state.range(&prefix).filter_map(|(raw, value)| {
            let handle =
                access_key_handle(account_id, &raw).filter(|_| after_raw.as_ref().is_none_or(|after| raw > *after))?;
            let access_key: AccessKey = borsh::from_slice(value.bytes()).ok()?;
            Some(AccessKeyInfoView::new(handle, access_key.into()))
        });
        let mut keys: Vec<AccessKeyInfoView> = keys.collect();
        let is_paged = after.is_some() || limit.is_some();
        let limit = limit.map_or(KEYS_MAX, |limit| limit.get().min(KEYS_MAX));
        let length = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut last_key = None;
        if keys.len() > length {
            if !is_paged {
                return Err(RpcQueryError::TooManyAccessKeys {
                    requested_account_id: account_id.clone(),
                    limit,
                    block_height: self.block.header.height(),
                    block_hash: *self.block.header.hash(),
                });
            }
            keys.truncate(length);
            last_key = keys.last().map(|key| key.public_key.clone());
        }
        Ok(AccessKeyList { keys, last_key })
    }

    fn gas_key_nonces(&self, account_id: &AccountId, key: &PublicKey) -> Result<GasKeyNoncesView, RpcQueryError> {
        let unknown = || RpcQueryError::UnknownGasKey {
            public_key: key.clone(),
            block_height: self.block.header.height(),
            block_hash: *self.block.header.hash(),
        };
        let found = self.state.access_key(account_id, key);
        let num_nonces = found.and_then(|found| Some(found.gas_key_info()?.num_nonces)).ok_or_else(unknown)?;
        let nonce = |index| {
            let missing = || RpcQueryError::InternalError {
                error_message: format!(
                    "gas key nonce at index {index} does not exist for account {account_id} and public key {key}"
                ),
            };
            self.state.gas_key_nonce(account_id, key, index).ok_or_else(missing)
        };
        Ok(GasKeyNoncesView { nonces: (0..num_nonces).map(nonce).collect::<Result<_, _>>()? })
    }

    fn call(
        &self,
        context: &BlockContext,
        account_id: &AccountId,
        method: &str,
        args: &[u8],
    ) -> Result<CallResult, RpcQueryError> {
        let call = ViewCall { account_id, method, args, gas_max: VIEW_GAS };
        match view(context, self.block.state.clone(), &call) {
            Ok((result, logs)) => Ok(CallResult { result, logs }),
            Err(ViewError::NoAccount) => Err(self.unknown_account(account_id)),
            Err(ViewError::NoCode) => Err(self.execution_error(
                near_primitives::errors::FunctionCallError::CompilationError(
                    near_primitives::errors::CompilationError::CodeDoesNotExist { account_id: account_id.clone() },
                ),
                format!("CompilationError(CodeDoesNotExist {{ account_id: \"{account_id}\" }})"),
            )),
            Err(ViewError::Failed { error, text }) => {
                let vm_error = match &error {
                    near_primitives::errors::FunctionCallError::ExecutionError(_) => {
                        format!("FunctionCallError(HostError(GuestPanic {{ panic_msg: {text:?} }}))")
                    }
                    other => format!("FunctionCallError({other:?})"),
                };
                Err(self.execution_error(error, vm_error))
            }
        }
    }

    fn execution_error(&self, error: near_primitives::errors::FunctionCallError, vm_error: String) -> RpcQueryError {
        RpcQueryError::ContractExecutionError {
            vm_error,
            error,
            block_height: self.block.header.height(),
            block_hash: *self.block.header.hash(),
        }
    }
}
