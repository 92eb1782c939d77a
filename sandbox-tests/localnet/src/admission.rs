//! Admission: what a transaction must pass before it becomes a receipt, and a receipt before it is sent.

mod actions;
mod signature;

use near_parameters::RuntimeConfig;
use near_primitives::account::{AccessKey, AccessKeyPermission, Account, FunctionCallPermission};
use near_primitives::action::Action;
use near_primitives::errors::{DepositCostFailureReason, InvalidAccessKeyError, InvalidTxError};
use near_primitives::transaction::{NonceMode, SignedTransaction, Transaction, ValidatedTransaction};
use near_primitives::types::{AccountId, Balance, BlockHeight, Nonce, NonceIndex, ProtocolVersion};

use crate::fees::{TransactionCost, transaction_cost};
use crate::state::StateUpdate;

pub use actions::{check_actions, check_receipt};
pub use signature::KnownKeys;

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
    keys: &mut KnownKeys,
) -> Result<(), InvalidTxError> {
    let (limits, tx) = (&config.wasm_config.limit_config, &signed.transaction);
    check_actions(limits, tx.actions(), tx.receiver_id(), version).map_err(InvalidTxError::ActionsValidation)?;
    ValidatedTransaction::check_valid_for_config(config, signed, version)?;
    if keys.verify(signed) { Ok(()) } else { Err(InvalidTxError::InvalidSignature) }
}

/// What an admitted transaction costs, and its signer's account and key after paying.
pub struct Accepted {
    pub account: Account,
    pub access_key: AccessKey,
    /// Which of a gas key's nonces the transaction used, and what it is now.
    pub gas_key_nonce: Option<(NonceIndex, Nonce)>,
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
    let account = state.account(signer_id).ok_or_else(missing)?;
    let no_key = || {
        InvalidTxError::InvalidAccessKeyError(InvalidAccessKeyError::AccessKeyNotFound {
            account_id: signer_id.clone(),
            public_key: Box::new(tx.public_key().clone()),
        })
    };
    let access_key = state.access_key(signer_id, tx.public_key()).ok_or_else(no_key)?;
    let gas_key = access_key.gas_key_info();
    let (is_gas_key, num_nonces) = (gas_key.is_some(), gas_key.map_or(0, |gas_key| gas_key.num_nonces));
    let no_such_nonce = |tx_nonce_index| InvalidTxError::InvalidNonceIndex { tx_nonce_index, num_nonces };
    let accepted = Accepted { account, access_key, gas_key_nonce: None, cost };
    let Some(index) = tx.nonce().nonce_index() else {
        if is_gas_key {
            return Err(no_such_nonce(None));
        }
        check_nonce(tx, accepted.access_key.nonce, height)?;
        return accepted.paid_by_account(config, tx);
    };
    let nonce = state.gas_key_nonce(signer_id, tx.public_key(), index).filter(|_| index < num_nonces);
    check_nonce(tx, nonce.ok_or_else(|| no_such_nonce(Some(index)))?, height)?;
    accepted.paid_by_gas_key(config, tx, index)
}

impl Accepted {
    /// The account pays for all of it, and the key's allowance shrinks by as much.
    fn paid_by_account(mut self, config: &RuntimeConfig, tx: &Transaction) -> Result<Self, InvalidTxError> {
        let (signer_id, cost) = (tx.signer_id(), self.cost.total_cost);
        let balance = self.account.amount();
        let too_poor = || InvalidTxError::NotEnoughBalance { signer_id: signer_id.clone(), balance, cost };
        self.account.set_amount(balance.checked_sub(cost).ok_or_else(too_poor)?);
        self.access_key.nonce = tx.nonce().nonce();
        charge_allowance(&mut self.access_key, tx, cost)?;
        if let Some(amount) = missing_storage_stake(&self.account, config) {
            return Err(InvalidTxError::LackBalanceForState { signer_id: signer_id.clone(), amount });
        }
        self.check_permission(tx)?;
        Ok(self)
    }

    /// The gas key pays for gas, the account for deposits.
    fn paid_by_gas_key(
        mut self,
        config: &RuntimeConfig,
        tx: &Transaction,
        index: NonceIndex,
    ) -> Result<Self, InvalidTxError> {
        let signer_id = tx.signer_id();
        let (gas, deposit) = (self.cost.gas_cost, self.cost.deposit);
        if let Some(gas_key) = self.access_key.gas_key_info_mut() {
            let too_poor = || InvalidTxError::NotEnoughGasKeyBalance {
                signer_id: signer_id.clone(),
                balance: gas_key.balance,
                cost: gas,
            };
            gas_key.balance = gas_key.balance.checked_sub(gas).ok_or_else(too_poor)?;
        }
        self.check_permission(tx)?;
        let no_deposit = |balance, cost, reason| InvalidTxError::NotEnoughBalanceForDeposit {
            signer_id: signer_id.clone(),
            balance,
            cost,
            reason,
        };
        let balance = self.account.amount();
        let too_poor = || no_deposit(balance, deposit, DepositCostFailureReason::NotEnoughBalance);
        let left = balance.checked_sub(deposit).ok_or_else(too_poor)?;
        self.account.set_amount(left);
        if let Some(amount) = missing_storage_stake(&self.account, config) {
            return Err(no_deposit(left, amount, DepositCostFailureReason::LackBalanceForState));
        }
        self.gas_key_nonce = Some((index, tx.nonce().nonce()));
        Ok(self)
    }

    fn check_permission(&self, tx: &Transaction) -> Result<(), InvalidTxError> {
        let permission = self.access_key.permission.function_call_permission();
        let checked =
            permission.map_or(Ok(()), |permission| check_permission(permission, tx.actions(), tx.receiver_id()));
        checked.map_err(InvalidTxError::InvalidAccessKeyError)
    }
}

fn check_nonce(tx: &Transaction, ak_nonce: Nonce, height: BlockHeight) -> Result<(), InvalidTxError> {
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
