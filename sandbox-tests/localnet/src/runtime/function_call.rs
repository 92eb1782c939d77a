//! Calls into wasm, from receipts and from views.

use std::sync::Arc;

use near_parameters::vm::Config;
use near_primitives::account::{Account, AccountContract};
use near_primitives::action::{FunctionCallAction, GlobalContractIdentifier};
use near_primitives::config::ViewConfig;
use near_primitives::errors::{ActionErrorKind, CompilationError, FunctionCallError, MethodResolveError};
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::profile_data_v3::ProfileDataV3;
use near_primitives::receipt::{Receipt, VersionedActionReceipt};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{AccountId, Balance, Gas};
use near_primitives::utils::create_random_seed;
use near_primitives::version::ProtocolFeature;
use near_vm_runner::logic::errors::{self as vm, VMRunnerError};
use near_vm_runner::logic::types::PromiseResult;
use near_vm_runner::logic::{GasCounter, ReturnData, VMContext, VMOutcome};
use near_vm_runner::{Contract, ContractCode, ContractRuntimeCache};

use super::global_contracts::code_key;
use super::host::Host;
use super::outcome::ActionResult;
use super::promises::Promises;
use super::{BlockContext, Chunk};
use crate::state::StateUpdate;

/// One function-call action in its receipt.
pub(super) struct Call<'a> {
    pub receipt: &'a Receipt,
    pub action_receipt: &'a VersionedActionReceipt<'a>,
    pub call: &'a FunctionCallAction,
    pub action_hash: CryptoHash,
    pub is_last: bool,
}

/// The code an account runs.
struct AccountCode {
    hash: CryptoHash,
    code: Arc<[u8]>,
}

impl Contract for AccountCode {
    fn hash(&self) -> CryptoHash {
        self.hash
    }

    fn get_code(&self) -> Option<Arc<ContractCode>> {
        Some(Arc::new(ContractCode::new(self.code.to_vec(), Some(self.hash))))
    }
}

/// `None`: the account has no code, or names one that is not there. The cache of compiled code, which knows more than this
/// chain, is not asked then.
fn account_code(state: &StateUpdate, account_id: &AccountId, account: &Account) -> Option<AccountCode> {
    let (hash, code) = match account.contract().into_owned() {
        AccountContract::None => return None,
        AccountContract::Local(hash) => {
            (hash, state.code(&TrieKey::ContractCode { account_id: account_id.clone() }, &hash)?)
        }
        AccountContract::Global(hash) => {
            (hash, state.code(&code_key(&GlobalContractIdentifier::CodeHash(hash)), &hash)?)
        }
        // The account names its owner, who may deploy anew: only the code itself tells its hash.
        AccountContract::GlobalByAccount(owner) => {
            let code = state.get_raw(&code_key(&GlobalContractIdentifier::AccountId(owner)))?;
            (hash(&code), code)
        }
    };
    Some(AccountCode { hash, code })
}

fn run(
    code: &AccountCode,
    method: &str,
    host: &mut Host<'_>,
    vm_context: &VMContext,
    block: &BlockContext,
    gas_counter: impl Fn() -> GasCounter,
) -> Result<VMOutcome, VMRunnerError> {
    let mut run_with = |cache: Option<&dyn ContractRuntimeCache>| {
        let config: Arc<Config> = block.config.wasm_config.clone();
        let prepared = near_vm_runner::prepare(code, config, cache, gas_counter(), method);
        near_vm_runner::run(prepared, host, vm_context, block.config.fees.clone())
    };
    match run_with(crate::code::cache()) {
        // The cache is asked before anything runs. A full disk must not decide about outcomes.
        Err(VMRunnerError::CacheError(_)) => run_with(None),
        ran => ran,
    }
}

fn gas_counter(block: &BlockContext, prepaid: Gas, view: Option<Gas>) -> GasCounter {
    let config = &block.config.wasm_config;
    let limit = view.unwrap_or(config.limit_config.max_gas_burnt);
    GasCounter::new(config.ext_costs.clone(), limit, config.regular_op_cost, prepaid, view.is_some())
}

impl Chunk<'_> {
    pub(super) fn call_function(
        &mut self,
        call: &Call<'_>,
        results: &Arc<[PromiseResult]>,
        account: &mut Option<Account>,
        result: &mut ActionResult,
    ) {
        let Some(own) = account.as_mut() else { return };
        let account_id = call.receipt.receiver_id();
        let Some(code) = account_code(&self.state, account_id, own) else {
            let missing = CompilationError::CodeDoesNotExist { account_id: account_id.clone() };
            let error = FunctionCallError::CompilationError(missing);
            return result.fail(ActionErrorKind::FunctionCallError(error));
        };
        let vm_context = self.vm_context(call, results, own);
        let context = self.context;
        let counter = || gas_counter(context, call.call.gas, None);
        let promises = Promises::new(call.action_hash, self.context.height);
        let recorded_before = if ProtocolFeature::EnforcePerReceiptStorageProofLimit.enabled(self.context.version) {
            self.recorded_before_receipt
        } else {
            self.state.recorded_bytes()
        };
        let mut host = Host::new(&mut self.state, self.context, account_id, promises, recorded_before);
        let ran = run(&code, &call.call.method_name, &mut host, &vm_context, self.context, counter);
        let mut promises = host.into_promises();
        let mut outcome = match ran {
            Ok(outcome) => outcome,
            Err(error) => panic!("the VM could not run {account_id}.{}: {error}", call.call.method_name),
        };
        if outcome.aborted.is_none() {
            let unused = call.call.gas.saturating_sub(outcome.used_gas);
            outcome.used_gas = outcome.used_gas.saturating_add(promises.distribute(unused));
        }
        self.settle_call(call, outcome, promises, own, result);
    }

    fn vm_context(&self, call: &Call<'_>, results: &Arc<[PromiseResult]>, account: &Account) -> VMContext {
        let receivers = if call.is_last { call.action_receipt.output_data_receivers() } else { &[] };
        let key = borsh::to_vec(call.action_receipt.signer_public_key()).expect("writing to memory does not fail");
        VMContext {
            current_account_id: call.receipt.receiver_id().clone(),
            signer_account_id: call.action_receipt.signer_id().clone(),
            signer_account_pk: key,
            predecessor_account_id: call.receipt.predecessor_id().clone(),
            refund_to_account_id: call.receipt.balance_refund_receiver().clone(),
            input: call.call.args.as_slice().into(),
            promise_results: Arc::clone(results),
            block_height: self.context.height,
            block_timestamp: self.context.timestamp_ns,
            epoch_height: self.context.epoch_height,
            account_balance: account.amount(),
            account_locked_balance: account.locked(),
            storage_usage: account.storage_usage(),
            account_contract: account.contract().into_owned(),
            attached_deposit: call.call.deposit,
            prepaid_gas: call.call.gas,
            random_seed: create_random_seed(call.action_hash, self.context.random_seed),
            view_config: None,
            output_data_receivers: receivers.iter().map(|receiver| receiver.receiver_id.clone()).collect(),
        }
    }

    fn settle_call(
        &mut self,
        call: &Call<'_>,
        outcome: VMOutcome,
        promises: Promises,
        account: &mut Account,
        result: &mut ActionResult,
    ) {
        result.gas_burnt = result.gas_burnt.saturating_add(outcome.burnt_gas);
        result.gas_burnt_for_call = result.gas_burnt_for_call.saturating_add(outcome.burnt_gas);
        result.gas_used = result.gas_used.saturating_add(outcome.used_gas);
        result.logs.extend(outcome.logs);
        result.profile.merge(&ProfileDataV3 {
            actions_profile: outcome.profile.actions_profile,
            wasm_ext_profile: outcome.profile.wasm_ext_profile,
            wasm_gas: outcome.profile.wasm_gas,
        });
        if let Some(error) = outcome.aborted {
            return result.fail(ActionErrorKind::FunctionCallError(guest_error(error)));
        }
        account.set_amount(outcome.balance);
        account.set_storage_usage(outcome.storage_usage);
        result.result = Ok(outcome.return_data);
        let receipts = promises.into_receipts(call.receipt.receiver_id(), call.action_receipt);
        result.new_receipts.extend(receipts);
    }
}

/// The VM's error as the outcome names it.
fn guest_error(error: vm::FunctionCallError) -> FunctionCallError {
    let text = error.to_string();
    match error {
        vm::FunctionCallError::CompilationError(error) => match error {
            vm::CompilationError::PrepareError(error) => {
                FunctionCallError::CompilationError(CompilationError::PrepareError(prepare_error(&error)))
            }
            vm::CompilationError::WasmerCompileError { msg } | vm::CompilationError::WasmtimeCompileError { msg } => {
                FunctionCallError::CompilationError(CompilationError::WasmerCompileError { msg })
            }
            vm::CompilationError::CodeDoesNotExist { .. } => FunctionCallError::ExecutionError(text),
        },
        vm::FunctionCallError::MethodResolveError(error) => FunctionCallError::MethodResolveError(match error {
            vm::MethodResolveError::MethodEmptyName => MethodResolveError::MethodEmptyName,
            vm::MethodResolveError::MethodNotFound => MethodResolveError::MethodNotFound,
            vm::MethodResolveError::MethodInvalidSignature => MethodResolveError::MethodInvalidSignature,
        }),
        vm::FunctionCallError::LinkError { .. }
        | vm::FunctionCallError::WasmTrap(_)
        | vm::FunctionCallError::HostError(_)
        | vm::FunctionCallError::LoadingError { .. } => FunctionCallError::ExecutionError(text),
    }
}

/// Both enums encode alike; a variant that one of them lacks counts as broken code.
fn prepare_error(error: &vm::PrepareError) -> near_primitives::errors::PrepareError {
    let bytes = borsh::to_vec(error).expect("writing to memory does not fail");
    borsh::from_slice(&bytes).unwrap_or(near_primitives::errors::PrepareError::Deserialization)
}

/// Gas a view may burn (`max_gas_burnt_view`).
pub const VIEW_GAS: Gas = Gas::from_teragas(300);

/// A read-only call.
pub struct ViewCall<'a> {
    pub account_id: &'a AccountId,
    pub method: &'a str,
    pub args: &'a [u8],
    pub gas_max: Gas,
}

/// Why a view gave no value.
#[derive(Debug)]
pub enum ViewError {
    NoAccount,
    NoCode,
    Failed { error: FunctionCallError, text: String },
}

/// Runs a view against a state, and gives its value and logs.
pub fn view(
    block: &BlockContext,
    state: crate::trie::Trie,
    call: &ViewCall<'_>,
) -> Result<(Vec<u8>, Vec<String>), ViewError> {
    let mut state = StateUpdate::new(state);
    let account = state.account(call.account_id).ok_or(ViewError::NoAccount)?;
    let code = account_code(&state, call.account_id, &account).ok_or(ViewError::NoCode)?;
    let vm_context = VMContext {
        current_account_id: call.account_id.clone(),
        signer_account_id: call.account_id.clone(),
        signer_account_pk: borsh::to_vec(&near_crypto::PublicKey::empty(near_crypto::KeyType::ED25519))
            .expect("writing to memory does not fail"),
        predecessor_account_id: call.account_id.clone(),
        refund_to_account_id: call.account_id.clone(),
        input: call.args.into(),
        promise_results: Arc::from(Vec::new()),
        block_height: block.height,
        block_timestamp: block.timestamp_ns,
        epoch_height: block.epoch_height,
        account_balance: account.amount(),
        account_locked_balance: account.locked(),
        storage_usage: account.storage_usage(),
        account_contract: account.contract().into_owned(),
        attached_deposit: Balance::ZERO,
        prepaid_gas: call.gas_max,
        random_seed: block.random_seed.as_bytes().to_vec(),
        view_config: Some(ViewConfig { max_gas_burnt: call.gas_max }),
        output_data_receivers: Vec::new(),
    };
    let counter = || gas_counter(block, call.gas_max, Some(call.gas_max));
    let promises = Promises::new(CryptoHash::default(), block.height);
    let mut host = Host::new(&mut state, block, call.account_id, promises, 0);
    let failed = |error: FunctionCallError, text: String| ViewError::Failed { error, text };
    let outcome = run(&code, call.method, &mut host, &vm_context, block, counter)
        .map_err(|error| failed(FunctionCallError::WasmUnknownError, error.to_string()))?;
    if let Some(error) = outcome.aborted {
        let text = error.to_string();
        return Err(failed(guest_error(error), text));
    }
    let value = match outcome.return_data {
        ReturnData::Value(bytes) => bytes,
        ReturnData::ReceiptIndex(_) | ReturnData::None => Vec::new(),
    };
    Ok((value, outcome.logs))
}
