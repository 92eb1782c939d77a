//! What actions cost: gas to send, gas to execute, tokens to buy it with.

use near_crypto::{KeyType, PublicKey};
use near_parameters::cost::SignatureKind;
use near_parameters::{
    ActionCosts, RuntimeConfig, RuntimeFeesConfig, gas_key_add_key_exec_fee, gas_key_add_key_send_fee,
    gas_key_transfer_exec_fee, gas_key_transfer_send_fee, transfer_exec_fee, transfer_send_fee,
};
use near_primitives::action::{Action, AddKeyAction};
use near_primitives::errors::IntegerOverflowError;
use near_primitives::transaction::Transaction;
use near_primitives::types::{AccountId, Balance, Gas};
use near_primitives_core::account::id::AccountType;

use crate::delegates::delegate_of;

type Overflow<T> = Result<T, IntegerOverflowError>;

pub fn add_gas(left: Gas, right: Gas) -> Overflow<Gas> {
    left.checked_add(right).ok_or(IntegerOverflowError)
}

pub fn add_balance(left: Balance, right: Balance) -> Overflow<Balance> {
    left.checked_add(right).ok_or(IntegerOverflowError)
}

pub fn gas_to_balance(price: Balance, gas: Gas) -> Overflow<Balance> {
    price.checked_mul(u128::from(gas.as_gas())).ok_or(IntegerOverflowError)
}

fn sum_gas(items: impl IntoIterator<Item = Overflow<Gas>>) -> Overflow<Gas> {
    items.into_iter().try_fold(Gas::ZERO, |sum, item| add_gas(sum, item?))
}

#[derive(Clone, Copy)]
enum Side {
    Send { sender_is_receiver: bool },
    Execute,
}

struct Table<'a> {
    fees: &'a RuntimeFeesConfig,
    side: Side,
}

impl Table<'_> {
    fn fee(&self, cost: ActionCosts) -> Gas {
        let fee = self.fees.fee(cost);
        match self.side {
            Side::Send { sender_is_receiver } => fee.send_fee(sender_is_receiver).gas,
            Side::Execute => fee.exec_fee().gas,
        }
    }

    fn per_byte(&self, base: ActionCosts, byte: ActionCosts, bytes: usize) -> Overflow<Gas> {
        let bytes = u64::try_from(bytes).map_err(|_| IntegerOverflowError)?;
        add_gas(self.fee(base), self.fee(byte).checked_mul(bytes).ok_or(IntegerOverflowError)?)
    }

    fn transfer(&self, account_type: AccountType) -> Gas {
        match self.side {
            Side::Send { sender_is_receiver } => {
                transfer_send_fee(self.fees, sender_is_receiver, true, true, account_type).gas
            }
            Side::Execute => transfer_exec_fee(self.fees, true, true, account_type).gas,
        }
    }

    /// A gas key costs its nonces besides what the key costs.
    fn add_key(&self, add: &AddKeyAction, receiver_id: &AccountId) -> Overflow<Gas> {
        let key = match add.access_key.permission.function_call_permission() {
            Some(permission) => {
                // A method name is stored with its length's byte.
                let bytes = permission.method_names.iter().map(|name| name.len() + 1).sum();
                let (base, byte) = (ActionCosts::add_function_call_key_base, ActionCosts::add_function_call_key_byte);
                self.per_byte(base, byte, bytes)?
            }
            None => self.fee(ActionCosts::add_full_access_key),
        };
        let Some(gas_key) = add.access_key.gas_key_info() else { return Ok(key) };
        let bytes = add.public_key.trie_id_len();
        let nonces = match self.side {
            Side::Send { sender_is_receiver } => gas_key_add_key_send_fee(self.fees, sender_is_receiver),
            Side::Execute => gas_key_add_key_exec_fee(self.fees, receiver_id.len(), bytes, gas_key.num_nonces).total(),
        };
        add_gas(key, nonces.gas)
    }

    fn gas_key_transfer(&self, public_key: &PublicKey, receiver_id: &AccountId) -> Gas {
        let bytes = public_key.trie_id_len();
        let fee = match self.side {
            Side::Send { sender_is_receiver } => gas_key_transfer_send_fee(self.fees, sender_is_receiver, bytes),
            Side::Execute => gas_key_transfer_exec_fee(self.fees, receiver_id.len(), bytes),
        };
        fee.total().gas
    }

    /// The fee of one action; a delegate's own, without what is inside it.
    fn action(&self, action: &Action, receiver_id: &AccountId) -> Overflow<Gas> {
        Ok(match action {
            Action::CreateAccount(_) => self.fee(ActionCosts::create_account),
            Action::DeleteAccount(_) => self.fee(ActionCosts::delete_account),
            Action::Transfer(_) => self.transfer(receiver_id.get_account_type()),
            Action::Stake(_) => self.fee(ActionCosts::stake),
            Action::DeleteKey(_) => self.fee(ActionCosts::delete_key),
            Action::Delegate(_) | Action::DelegateV2(_) => self.fee(ActionCosts::delegate),
            Action::AddKey(add) => self.add_key(add, receiver_id)?,
            Action::TransferToGasKey(transfer) => self.gas_key_transfer(&transfer.public_key, receiver_id),
            Action::WithdrawFromGasKey(withdrawal) => self.gas_key_transfer(&withdrawal.public_key, receiver_id),
            Action::FunctionCall(call) => {
                let bytes = call.method_name.len() + call.args.len();
                self.per_byte(ActionCosts::function_call_base, ActionCosts::function_call_byte, bytes)?
            }
            Action::DeployContract(deploy) => {
                let (base, byte) = (ActionCosts::deploy_contract_base, ActionCosts::deploy_contract_byte);
                self.per_byte(base, byte, deploy.code.len())?
            }
            Action::DeployGlobalContract(deploy) => {
                let (base, byte) = (ActionCosts::deploy_global_contract_base, ActionCosts::deploy_global_contract_byte);
                self.per_byte(base, byte, deploy.code.len())?
            }
            Action::UseGlobalContract(used) => {
                let (base, byte) = (ActionCosts::use_global_contract_base, ActionCosts::use_global_contract_byte);
                self.per_byte(base, byte, used.contract_identifier.len())?
            }
            Action::DeterministicStateInit(init) => {
                let (base, byte) =
                    (ActionCosts::deterministic_state_init_base, ActionCosts::deterministic_state_init_byte);
                let entries = u64::try_from(init.state_init.data().len()).map_err(|_| IntegerOverflowError)?;
                let entries = self.fee(ActionCosts::deterministic_state_init_entry).checked_mul(entries);
                let own = self.per_byte(base, byte, init.state_init.len_bytes())?;
                add_gas(own, entries.ok_or(IntegerOverflowError)?)?
            }
            // Refused before a fee is asked for (see `admission::actions`).
            Action::UniversalStateInit(_) => return Err(IntegerOverflowError),
        })
    }
}

/// Gas to execute one action.
pub fn exec_fee(config: &RuntimeConfig, action: &Action, receiver_id: &AccountId) -> Overflow<Gas> {
    Table { fees: &config.fees, side: Side::Execute }.action(action, receiver_id)
}

/// Gas burnt when actions are sent.
pub fn total_send_fees(
    config: &RuntimeConfig,
    sender_is_receiver: bool,
    actions: &[Action],
    receiver_id: &AccountId,
) -> Overflow<Gas> {
    let table = Table { fees: &config.fees, side: Side::Send { sender_is_receiver } };
    sum_gas(actions.iter().map(|action| {
        let own = table.action(action, receiver_id)?;
        let Some(signed) = delegate_of(action) else { return Ok(own) };
        let inner = signed.delegate_action();
        add_gas(own, total_send_fees(config, sender_is_receiver, &inner.get_actions(), inner.receiver_id())?)
    }))
}

/// Gas that a delegate action will burn when its inner actions are sent.
pub fn total_prepaid_send_fees(config: &RuntimeConfig, actions: &[Action]) -> Overflow<Gas> {
    sum_gas(actions.iter().map(|action| {
        let Some(signed) = delegate_of(action) else { return Ok(Gas::ZERO) };
        let inner = signed.delegate_action();
        let same = inner.sender_id() == inner.receiver_id();
        total_send_fees(config, same, &inner.get_actions(), inner.receiver_id())
    }))
}

/// Gas to execute all actions, those inside a delegate included.
pub fn total_prepaid_exec_fees(config: &RuntimeConfig, actions: &[Action], receiver_id: &AccountId) -> Overflow<Gas> {
    sum_gas(actions.iter().map(|action| {
        let Some(signed) = delegate_of(action) else { return exec_fee(config, action, receiver_id) };
        let inner = signed.delegate_action();
        let own = exec_fee(config, action, inner.receiver_id())?;
        let below = total_prepaid_exec_fees(config, &inner.get_actions(), inner.receiver_id())?;
        add_gas(add_gas(own, below)?, config.fees.fee(ActionCosts::new_action_receipt).exec_fee().gas)
    }))
}

/// Gas attached to function calls.
pub fn total_prepaid_gas(actions: &[Action]) -> Overflow<Gas> {
    sum_gas(actions.iter().map(|action| match delegate_of(action) {
        Some(signed) => total_prepaid_gas(&signed.delegate_action().get_actions()),
        None => Ok(action.get_prepaid_gas()),
    }))
}

/// All gas that is bought for a receipt with these actions before it is executed.
pub fn gas_bought(config: &RuntimeConfig, actions: &[Action], receiver_id: &AccountId) -> Overflow<Gas> {
    sum_gas([
        total_prepaid_gas(actions),
        total_prepaid_send_fees(config, actions),
        total_prepaid_exec_fees(config, actions, receiver_id),
        Ok(config.fees.fee(ActionCosts::new_action_receipt).exec_fee().gas),
    ])
}

/// Tokens attached to actions.
pub fn total_deposit(actions: &[Action]) -> Overflow<Balance> {
    actions.iter().try_fold(Balance::ZERO, |sum, action| {
        let deposit = match delegate_of(action) {
            Some(signed) => total_deposit(&signed.delegate_action().get_actions())?,
            None => action.get_deposit_balance(),
        };
        add_balance(sum, deposit)
    })
}

/// What a transaction costs its signer before anything ran.
pub struct TransactionCost {
    pub gas_burnt: Gas,
    pub burnt_amount: Balance,
    pub receipt_gas_price: Balance,
    /// For gas, burnt or bought.
    pub gas_cost: Balance,
    pub deposit: Balance,
    /// Both.
    pub total_cost: Balance,
}

/// What checking signatures burns: the transaction's and that of a meta transaction in it, by their keys. It is the
/// transaction's, whether the inner signature is good or not.
fn signature_cost(config: &RuntimeConfig, tx: &Transaction) -> Overflow<Gas> {
    let of = |key: &PublicKey| {
        let kind = match key.key_type() {
            KeyType::ED25519 => SignatureKind::Ed25519,
            KeyType::SECP256K1 => SignatureKind::Secp256k1,
            KeyType::MLDSA65 => SignatureKind::MlDsa65,
        };
        config.fees.signature_verification_costs[kind].gas
    };
    let inner = tx.actions().iter().filter_map(delegate_of).map(|signed| Ok(of(signed.delegate_action().public_key())));
    sum_gas(inner.chain([Ok(of(tx.public_key()))]))
}

pub fn transaction_cost(config: &RuntimeConfig, tx: &Transaction, gas_price: Balance) -> Overflow<TransactionCost> {
    let same = tx.signer_id() == tx.receiver_id();
    let receipt = config.fees.fee(ActionCosts::new_action_receipt);
    let send = total_send_fees(config, same, tx.actions(), tx.receiver_id())?;
    let gas_burnt = add_gas(add_gas(receipt.send_fee(same).gas, send)?, signature_cost(config, tx)?)?;
    let gas_remaining = gas_bought(config, tx.actions(), tx.receiver_id())?;
    // From 85 on gas is bought dearer than it burns; the difference comes back with the refund.
    let receipt_gas_price = gas_price.max(config.min_gas_purchase_price);
    let burnt_amount = gas_to_balance(gas_price, gas_burnt)?;
    let gas_cost = add_balance(burnt_amount, gas_to_balance(receipt_gas_price, gas_remaining)?)?;
    let deposit = total_deposit(tx.actions())?;
    let total_cost = add_balance(gas_cost, deposit)?;
    Ok(TransactionCost { gas_burnt, burnt_amount, receipt_gas_price, gas_cost, deposit, total_cost })
}
