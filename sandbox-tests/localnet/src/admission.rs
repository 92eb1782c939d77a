//! Admission: what a transaction must pass before it becomes a receipt, and a receipt before it is sent.

use near_parameters::RuntimeConfig;
use near_parameters::vm::LimitConfig;
use near_primitives::account::id::AccountType;
use near_primitives::account::{AccessKey, AccessKeyPermission, Account, FunctionCallPermission};
use near_primitives::action::Action;
use near_primitives::deterministic_account_id::DeterministicAccountStateInit;
use near_primitives::errors::{ActionsValidationError, InvalidAccessKeyError, InvalidTxError, ReceiptValidationError};
use near_primitives::receipt::{Receipt, VersionedReceiptEnum};
use near_primitives::transaction::{NonceMode, SignedTransaction, Transaction};
use near_primitives::types::{AccountId, Balance, BlockHeight, Nonce, ProtocolVersion};
use near_primitives::utils::derive_near_deterministic_account_id;
use near_primitives::version::ProtocolFeature;

use crate::fees::{TransactionCost, total_prepaid_gas, transaction_cost};
use crate::state::StateUpdate;

/// A key's nonce may run ahead of the block height by this factor (nearcore's `ACCESS_KEY_NONCE_RANGE_MULTIPLIER`).
pub const NONCES_PER_BLOCK: u64 = 1_000_000;

/// Accounts up to this size need no balance (NEP-448).
const ZERO_BALANCE_ACCOUNT_BYTES: u64 = 770;

pub fn first_nonce(height: BlockHeight) -> Nonce {
    height.saturating_sub(1).saturating_mul(NONCES_PER_BLOCK)
}

/// How much balance an account lacks for the storage it uses.
pub fn missing_storage_stake(account: &Account, config: &RuntimeConfig) -> Option<Balance> {
    let bytes = account.storage_usage();
    let required = config.storage_amount_per_byte().checked_mul(u128::from(bytes))?;
    let available = account.amount().checked_add(account.locked())?;
    if available >= required || bytes <= ZERO_BALANCE_ACCOUNT_BYTES {
        return None;
    }
    required.checked_sub(available)
}

/// Checks what can be checked of a transaction without its signer's state.
pub fn check_transaction(
    config: &RuntimeConfig,
    signed: &SignedTransaction,
    version: ProtocolVersion,
) -> Result<(), InvalidTxError> {
    let limits = &config.wasm_config.limit_config;
    let tx = &signed.transaction;
    if tx.gas_keys_required() && !ProtocolFeature::StrictNonce.enabled(version) {
        return Err(InvalidTxError::InvalidTransactionVersion);
    }
    if signed.post_quantum_signatures_required() {
        return Err(InvalidTxError::ActionsValidation(unsupported("PostQuantumSignatures", version)));
    }
    let size = signed.wire_size();
    if size > limits.max_transaction_size {
        return Err(InvalidTxError::TransactionSizeExceeded { size, limit: limits.max_transaction_size });
    }
    if !signed.signature.verify(signed.get_hash().as_ref(), tx.public_key()) {
        return Err(InvalidTxError::InvalidSignature);
    }
    check_actions(limits, tx.actions(), tx.receiver_id(), version).map_err(InvalidTxError::ActionsValidation)
}

/// What an admitted transaction costs, and its signer's account and key after paying.
pub struct Accepted {
    pub account: Account,
    pub access_key: AccessKey,
    pub cost: TransactionCost,
}

/// Checks nonce, permission and balance against the state.
pub fn accept_transaction(
    config: &RuntimeConfig,
    state: &StateUpdate,
    tx: &Transaction,
    gas_price: Balance,
    height: BlockHeight,
) -> Result<Accepted, InvalidTxError> {
    let signer_id = tx.signer_id();
    let cost = transaction_cost(config, tx, gas_price).map_err(|_| InvalidTxError::CostOverflow)?;
    let missing = || InvalidTxError::SignerDoesNotExist { signer_id: signer_id.clone() };
    let mut account = state.account(signer_id).ok_or_else(missing)?;
    let no_key = || {
        InvalidTxError::InvalidAccessKeyError(InvalidAccessKeyError::AccessKeyNotFound {
            account_id: signer_id.clone(),
            public_key: Box::new(tx.public_key().clone()),
        })
    };
    let mut access_key = state.access_key(signer_id, tx.public_key()).ok_or_else(no_key)?;
    check_nonce(tx, access_key.nonce, height)?;
    let too_poor = || InvalidTxError::NotEnoughBalance {
        signer_id: signer_id.clone(),
        balance: account.amount(),
        cost: cost.total_cost,
    };
    let left = account.amount().checked_sub(cost.total_cost).ok_or_else(too_poor)?;
    account.set_amount(left);
    access_key.nonce = tx.nonce().nonce();
    charge_allowance(&mut access_key, tx, cost.total_cost)?;
    if let Some(amount) = missing_storage_stake(&account, config) {
        return Err(InvalidTxError::LackBalanceForState { signer_id: signer_id.clone(), amount });
    }
    if let Some(permission) = access_key.permission.function_call_permission() {
        check_permission(permission, tx.actions(), tx.receiver_id()).map_err(InvalidTxError::InvalidAccessKeyError)?;
    }
    Ok(Accepted { account, access_key, cost })
}

fn check_nonce(tx: &Transaction, ak_nonce: Nonce, height: BlockHeight) -> Result<(), InvalidTxError> {
    if let Some(tx_nonce_index) = tx.nonce().nonce_index() {
        // No key of this chain is a gas key.
        return Err(InvalidTxError::InvalidNonceIndex { tx_nonce_index: Some(tx_nonce_index), num_nonces: 0 });
    }
    let tx_nonce = tx.nonce().nonce();
    if tx_nonce <= ak_nonce || (tx.nonce_mode() == NonceMode::Strict && tx_nonce > ak_nonce + 1) {
        return Err(InvalidTxError::InvalidNonce { tx_nonce, ak_nonce });
    }
    let upper_bound = height.saturating_mul(NONCES_PER_BLOCK);
    if tx_nonce >= upper_bound {
        return Err(InvalidTxError::NonceTooLarge { tx_nonce, upper_bound });
    }
    Ok(())
}

/// Whether a transaction's turn has not come: its nonce must follow the key's without a gap, and others are missing.
pub fn waits_for_others(tx: &Transaction, error: &InvalidTxError) -> bool {
    let InvalidTxError::InvalidNonce { tx_nonce, ak_nonce } = error else { return false };
    tx.nonce_mode() == NonceMode::Strict && tx_nonce > ak_nonce
}

fn charge_allowance(access_key: &mut AccessKey, tx: &Transaction, cost: Balance) -> Result<(), InvalidTxError> {
    let AccessKeyPermission::FunctionCall(FunctionCallPermission { allowance: Some(allowance), .. }) =
        &mut access_key.permission
    else {
        return Ok(());
    };
    let exceeded = || {
        InvalidTxError::InvalidAccessKeyError(InvalidAccessKeyError::NotEnoughAllowance {
            account_id: tx.signer_id().clone(),
            public_key: Box::new(tx.public_key().clone()),
            allowance: *allowance,
            cost,
        })
    };
    *allowance = allowance.checked_sub(cost).ok_or_else(exceeded)?;
    Ok(())
}

/// What a function-call key may do: one call, without deposit, on its receiver, of its methods.
pub fn check_permission(
    permission: &FunctionCallPermission,
    actions: &[Action],
    receiver_id: &AccountId,
) -> Result<(), InvalidAccessKeyError> {
    let [Action::FunctionCall(call)] = actions else { return Err(InvalidAccessKeyError::RequiresFullAccess) };
    if call.deposit > Balance::ZERO {
        return Err(InvalidAccessKeyError::DepositWithFunctionCall);
    }
    if receiver_id.as_str() != permission.receiver_id {
        return Err(InvalidAccessKeyError::ReceiverMismatch {
            tx_receiver: receiver_id.clone(),
            ak_receiver: permission.receiver_id.clone(),
        });
    }
    if !permission.method_names.is_empty() && !permission.method_names.contains(&call.method_name) {
        return Err(InvalidAccessKeyError::MethodNameMismatch { method_name: call.method_name.clone() });
    }
    Ok(())
}

fn length(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

/// Limits on the actions of one receipt.
pub fn check_actions(
    limits: &LimitConfig,
    actions: &[Action],
    receiver_id: &AccountId,
    version: ProtocolVersion,
) -> Result<(), ActionsValidationError> {
    if length(actions.len()) > limits.max_actions_per_receipt {
        return Err(ActionsValidationError::TotalNumberOfActionsExceeded {
            total_number_of_actions: length(actions.len()),
            limit: limits.max_actions_per_receipt,
        });
    }
    let mut delegates = 0_u32;
    for (index, action) in actions.iter().enumerate() {
        if matches!(action, Action::DeleteAccount(_)) && index + 1 != actions.len() {
            return Err(ActionsValidationError::DeleteActionMustBeFinal);
        }
        delegates += u32::from(action.is_delegate());
        if delegates > 1 {
            return Err(ActionsValidationError::DelegateActionMustBeOnlyOne);
        }
        check_action(limits, action, receiver_id, version)?;
    }
    check_counts(limits, actions)?;
    let total = total_prepaid_gas(actions).map_err(|_| ActionsValidationError::IntegerOverflow)?;
    if total > limits.max_total_prepaid_gas {
        return Err(ActionsValidationError::TotalPrepaidGasExceeded {
            total_prepaid_gas: total,
            limit: limits.max_total_prepaid_gas,
        });
    }
    Ok(())
}

/// Limits on what all actions of a receipt may carry together.
fn check_counts(limits: &LimitConfig, actions: &[Action]) -> Result<(), ActionsValidationError> {
    let is_deploy = |action: &&Action| matches!(action, Action::DeployContract(_) | Action::DeployGlobalContract(_));
    let deploys = length(actions.iter().filter(is_deploy).count());
    let limit = limits.max_deploy_actions_per_receipt;
    if deploys > limit {
        let number_of_deploy_actions = deploys;
        return Err(ActionsValidationError::TotalNumberOfDeployActionsExceeded { number_of_deploy_actions, limit });
    }
    let counts = actions.iter().map(Action::state_init_counts);
    let number_of_entries = counts.fold(0_u64, |sum, counts| sum.saturating_add(counts.entries));
    let limit = limits.max_state_init_entries;
    if number_of_entries > limit {
        return Err(ActionsValidationError::TotalNumberOfStateInitEntriesExceeded { number_of_entries, limit });
    }
    Ok(())
}

fn check_action(
    limits: &LimitConfig,
    action: &Action,
    receiver_id: &AccountId,
    version: ProtocolVersion,
) -> Result<(), ActionsValidationError> {
    use ActionsValidationError as Refused;
    match action {
        Action::CreateAccount(_)
        | Action::DeleteKey(_)
        | Action::DeleteAccount(_)
        | Action::Stake(_)
        | Action::UseGlobalContract(_) => Ok(()),
        Action::Transfer(_) => match receiver_id.get_account_type() {
            AccountType::UniversalAccount => Err(unsupported("UniversalAccounts", version)),
            _ => Ok(()),
        },
        Action::DeployContract(deploy) => check_code(limits, &deploy.code),
        Action::DeployGlobalContract(deploy) => check_code(limits, &deploy.code),
        Action::DeterministicStateInit(init) => check_state_init(limits, &init.state_init, receiver_id),
        Action::FunctionCall(call) => {
            let name = length(call.method_name.len());
            let args = length(call.args.len());
            if call.gas.as_gas() == 0 {
                return Err(Refused::FunctionCallZeroAttachedGas);
            }
            if name == 0 && version >= 87 {
                return Err(Refused::FunctionCallEmptyMethodName);
            }
            if name > limits.max_length_method_name {
                let limit = limits.max_length_method_name;
                return Err(Refused::FunctionCallMethodNameLengthExceeded { length: name, limit });
            }
            if args > limits.max_arguments_length {
                let limit = limits.max_arguments_length;
                return Err(Refused::FunctionCallArgumentsLengthExceeded { length: args, limit });
            }
            Ok(())
        }
        Action::AddKey(add) => match &add.access_key.permission {
            AccessKeyPermission::FullAccess => Ok(()),
            AccessKeyPermission::FunctionCall(permission) => check_key_permission(limits, permission),
            _ => Err(unsupported("GasKeys", version)),
        },
        Action::Delegate(signed) => {
            let inner = &signed.delegate_action;
            check_actions(limits, &inner.get_actions(), &inner.receiver_id, version)
        }
        Action::TransferToGasKey(_) | Action::WithdrawFromGasKey(_) => Err(unsupported("GasKeys", version)),
        Action::DelegateV2(_) => Err(unsupported("DelegateV2", version)),
        Action::UniversalStateInit(_) => Err(unsupported("UniversalAccounts", version)),
    }
}

fn check_code(limits: &LimitConfig, code: &[u8]) -> Result<(), ActionsValidationError> {
    let (size, limit) = (length(code.len()), limits.max_contract_size);
    if size > limit { Err(ActionsValidationError::ContractSizeExceeded { size, limit }) } else { Ok(()) }
}

/// A state init belongs to the account whose name is its hash, and fits into storage.
fn check_state_init(
    limits: &LimitConfig,
    state_init: &DeterministicAccountStateInit,
    receiver_id: &AccountId,
) -> Result<(), ActionsValidationError> {
    let derived_id = derive_near_deterministic_account_id(state_init);
    if derived_id != *receiver_id {
        let receiver_id = receiver_id.clone();
        return Err(ActionsValidationError::InvalidDeterministicStateInitReceiver { receiver_id, derived_id });
    }
    for (key, value) in state_init.data() {
        let (length, limit) = (length(key.len()), limits.max_length_storage_key);
        if length > limit {
            return Err(ActionsValidationError::DeterministicStateInitKeyLengthExceeded { length, limit });
        }
        let (length, limit) = (self::length(value.len()), limits.max_length_storage_value);
        if length > limit {
            return Err(ActionsValidationError::DeterministicStateInitValueLengthExceeded { length, limit });
        }
    }
    Ok(())
}

/// What this chain does not execute yet is refused by its protocol name, never approximated.
fn unsupported(feature: &str, version: ProtocolVersion) -> ActionsValidationError {
    ActionsValidationError::UnsupportedProtocolFeature { protocol_feature: feature.to_owned(), version }
}

fn check_key_permission(
    limits: &LimitConfig,
    permission: &FunctionCallPermission,
) -> Result<(), ActionsValidationError> {
    if permission.receiver_id.parse::<AccountId>().is_err() {
        return Err(ActionsValidationError::InvalidAccountId { account_id: permission.receiver_id.clone() });
    }
    let mut total = 0_u64;
    for name in &permission.method_names {
        let own = length(name.len());
        if own == 0 || own > limits.max_length_method_name {
            let limit = limits.max_length_method_name;
            return Err(ActionsValidationError::AddKeyMethodNameLengthExceeded { length: own, limit });
        }
        total = total.saturating_add(own + 1);
    }
    if total > limits.max_number_bytes_method_names {
        return Err(ActionsValidationError::AddKeyMethodNamesNumberOfBytesExceeded {
            total_number_of_bytes: total,
            limit: limits.max_number_bytes_method_names,
        });
    }
    Ok(())
}

/// Limits on a receipt that a contract made.
pub fn check_receipt(
    limits: &LimitConfig,
    receipt: &Receipt,
    version: ProtocolVersion,
) -> Result<(), ReceiptValidationError> {
    let size = length(borsh::object_length(receipt).unwrap_or(usize::MAX));
    if size > limits.max_receipt_size {
        return Err(ReceiptValidationError::ReceiptSizeExceeded { size, limit: limits.max_receipt_size });
    }
    match receipt.versioned_receipt() {
        VersionedReceiptEnum::Action(action) | VersionedReceiptEnum::PromiseYield(action) => {
            let inputs = length(action.input_data_ids().len());
            if inputs > limits.max_number_input_data_dependencies {
                return Err(ReceiptValidationError::NumberInputDataDependenciesExceeded {
                    number_of_input_data_dependencies: inputs,
                    limit: limits.max_number_input_data_dependencies,
                });
            }
            check_actions(limits, action.actions(), receipt.receiver_id(), version)
                .map_err(ReceiptValidationError::ActionsValidation)
        }
        VersionedReceiptEnum::Data(data) | VersionedReceiptEnum::PromiseResume(data) => {
            let returned = length(data.data.as_ref().map_or(0, Vec::len));
            let limit = limits.max_length_returned_data;
            if returned > limit {
                return Err(ReceiptValidationError::ReturnedValueLengthExceeded { length: returned, limit });
            }
            Ok(())
        }
        VersionedReceiptEnum::GlobalContractDistribution(_) => Ok(()),
    }
}
