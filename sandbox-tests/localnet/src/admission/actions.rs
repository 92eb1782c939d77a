//! What the actions of a transaction or receipt may be: limits, and what a protocol version knows.

use near_crypto::key_conversion::is_valid_staking_key;
use near_parameters::vm::LimitConfig;
use near_primitives::account::id::AccountType;
use near_primitives::account::{AccessKeyPermission, FunctionCallPermission, GasKeyInfo};
use near_primitives::action::Action;
use near_primitives::action::delegate::VersionedDelegateActionRef;
use near_primitives::deterministic_account_id::DeterministicAccountStateInit;
use near_primitives::errors::{ActionsValidationError, ReceiptValidationError};
use near_primitives::receipt::{Receipt, VersionedReceiptEnum};
use near_primitives::types::{AccountId, Balance, ProtocolVersion};
use near_primitives::utils::derive_near_deterministic_account_id;
use near_primitives::version::ProtocolFeature;

use crate::fees::total_prepaid_gas;

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
    if !ProtocolFeature::PostQuantumSignatures.enabled(version)
        && actions.iter().any(Action::post_quantum_signatures_required)
    {
        return Err(unsupported("PostQuantumSignatures", version));
    }
    check_counts(limits, actions)?;
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
        Action::CreateAccount(_) | Action::DeleteKey(_) | Action::DeleteAccount(_) | Action::UseGlobalContract(_) => {
            Ok(())
        }
        Action::Stake(stake) if !is_valid_staking_key(&stake.public_key) => {
            Err(Refused::UnsuitableStakingKey { public_key: Box::new(stake.public_key.clone()) })
        }
        Action::Stake(_) => Ok(()),
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
        Action::AddKey(add) => {
            let permission = &add.access_key.permission;
            permission.function_call_permission().map_or(Ok(()), |calls| check_key_permission(limits, calls))?;
            add.access_key.gas_key_info().map_or(Ok(()), |gas_key| check_gas_key(permission, gas_key, version))
        }
        Action::Delegate(signed) => check_inner(limits, (&signed.delegate_action).into(), receiver_id, version),
        Action::TransferToGasKey(_) | Action::WithdrawFromGasKey(_) => check_gas_keys(version),
        Action::DelegateV2(_) if !ProtocolFeature::DelegateV2.enabled(version) => {
            Err(unsupported("DelegateV2", version))
        }
        Action::DelegateV2(_) if ProtocolFeature::RejectDelegateV2.enabled(version) => {
            Err(Refused::RemovedProtocolFeature { protocol_feature: "DelegateV2".to_owned(), version })
        }
        Action::DelegateV2(signed) => check_inner(limits, (&signed.delegate_action).into(), receiver_id, version),
        Action::UniversalStateInit(_) => Err(unsupported("UniversalAccounts", version)),
    }
}

fn check_gas_keys(version: ProtocolVersion) -> Result<(), ActionsValidationError> {
    if ProtocolFeature::GasKeys.enabled(version) { Ok(()) } else { Err(unsupported("GasKeys", version)) }
}

/// A gas key starts empty, and pays itself: it has no allowance.
fn check_gas_key(
    permission: &AccessKeyPermission,
    gas_key: &GasKeyInfo,
    version: ProtocolVersion,
) -> Result<(), ActionsValidationError> {
    check_gas_keys(version)?;
    if permission.function_call_permission().is_some_and(|calls| calls.allowance.is_some()) {
        return Err(ActionsValidationError::GasKeyFunctionCallAllowanceNotAllowed);
    }
    let (requested_nonces, limit) = (gas_key.num_nonces, AccessKeyPermission::MAX_NONCES_FOR_GAS_KEY);
    if requested_nonces == 0 || requested_nonces > limit {
        return Err(ActionsValidationError::GasKeyInvalidNumNonces { requested_nonces, limit });
    }
    if gas_key.balance > Balance::ZERO {
        return Err(ActionsValidationError::AddGasKeyWithNonZeroBalance { balance: gas_key.balance });
    }
    Ok(())
}

/// What a delegate carries. `receiver_id` is who gets the delegate itself.
fn check_inner(
    limits: &LimitConfig,
    inner: VersionedDelegateActionRef<'_>,
    receiver_id: &AccountId,
    version: ProtocolVersion,
) -> Result<(), ActionsValidationError> {
    let actions = inner.get_actions();
    let (total_number_of_actions, limit) = (length(actions.len()), limits.max_actions_per_receipt);
    if total_number_of_actions > limit {
        return Err(ActionsValidationError::TotalNumberOfActionsExceeded { total_number_of_actions, limit });
    }
    let withdraws = actions.iter().any(|action| matches!(action, Action::WithdrawFromGasKey(_)));
    if withdraws && ProtocolFeature::RejectWithdrawFromGasKeyInDelegate.enabled(version) {
        return Err(ActionsValidationError::WithdrawFromGasKeyNotAllowedInDelegate);
    }
    let by_own = ProtocolFeature::FixDelegatedDeterministicStateInit.enabled(version);
    check_actions(limits, &actions, if by_own { inner.receiver_id() } else { receiver_id }, version)
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
        if own > limits.max_length_method_name {
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
