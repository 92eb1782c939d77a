//! One action of a receipt: who may do it, then what it does.

use std::sync::Arc;

use near_primitives::account::Account;
use near_primitives::account::id::AccountType;
use near_primitives::action::Action;
use near_primitives::errors::ActionErrorKind;
use near_primitives::receipt::{Receipt, VersionedActionReceipt};
use near_primitives::types::AccountId;
use near_primitives::utils::create_action_hash_from_receipt_id;
use near_vm_runner::logic::types::PromiseResult;

use super::Chunk;
use super::function_call::Call;
use super::outcome::{ActionResult, overflow};
use crate::fees::exec_fee;

impl Chunk<'_> {
    pub(super) fn apply_action(
        &mut self,
        receipt: &Receipt,
        action_receipt: &VersionedActionReceipt<'_>,
        index: usize,
        results: &Arc<[PromiseResult]>,
        account: &mut Option<Account>,
        actor_id: &mut AccountId,
    ) -> ActionResult {
        let account_id = receipt.receiver_id();
        let actions = action_receipt.actions();
        let action = &actions[index];
        let mut result = match exec_fee(&self.context.config, action, account_id) {
            Ok(gas) => ActionResult::new(gas),
            Err(error) => {
                let mut result = ActionResult::new(near_primitives::types::Gas::ZERO);
                result.fail(overflow(error));
                return result;
            }
        };
        let is_refund = receipt.predecessor_id().is_system();
        let may_create = actions.len() == 1 && !is_refund;
        let allowed = check_existence(action, account.as_ref(), account_id, may_create)
            .and_then(|()| check_actor(action, account.as_ref(), actor_id, account_id));
        if let Err(kind) = allowed {
            result.fail(kind);
            return result;
        }
        match action {
            Action::CreateAccount(_) => {
                self.create_account(receipt, account, actor_id, &mut result);
            }
            Action::Transfer(transfer) => {
                self.transfer(receipt, action_receipt, transfer.deposit, account, actor_id, &mut result);
            }
            Action::DeployContract(deploy) => self.deploy(account_id, account, &deploy.code),
            Action::FunctionCall(call) => {
                let action_hash = create_action_hash_from_receipt_id(receipt.receipt_id(), self.context.height, index);
                let is_last = index + 1 == actions.len();
                let call = Call { receipt, action_receipt, call, action_hash, is_last };
                self.call_function(&call, results, account, &mut result);
            }
            Action::Stake(stake) => Self::stake(account_id, account, stake, &mut result),
            Action::AddKey(add) => self.add_key(account_id, account, add, &mut result),
            Action::DeleteKey(delete) => self.delete_key(account_id, account, &delete.public_key, &mut result),
            Action::DeleteAccount(delete) => {
                self.delete_account(receipt, account, actor_id, &delete.beneficiary_id, &mut result);
            }
            Action::Delegate(signed) => {
                self.delegate(receipt, action_receipt, signed.as_ref().into(), &mut result);
            }
            Action::DelegateV2(signed) => {
                self.delegate(receipt, action_receipt, signed.as_ref().into(), &mut result);
            }
            Action::TransferToGasKey(transfer) => self.transfer_to_gas_key(account_id, transfer, &mut result),
            Action::WithdrawFromGasKey(withdrawal) => {
                self.withdraw_from_gas_key(account_id, account, withdrawal, &mut result);
            }
            Action::DeployGlobalContract(deploy) => {
                self.deploy_global_contract(account_id, account, deploy, &mut result);
            }
            Action::UseGlobalContract(used) => {
                if let Some(account) = account {
                    self.use_global_contract(account_id, account, &used.contract_identifier, &mut result);
                }
            }
            Action::DeterministicStateInit(init) => {
                self.deterministic_state_init(receipt, init, account, &mut result);
            }
            // `admission::actions` refused it before a receipt was made.
            Action::UniversalStateInit(_) => {}
        }
        result
    }
}

fn check_existence(
    action: &Action,
    account: Option<&Account>,
    account_id: &AccountId,
    may_create: bool,
) -> Result<(), ActionErrorKind> {
    let implicit = matches!(
        account_id.get_account_type(),
        AccountType::NearImplicitAccount | AccountType::EthImplicitAccount | AccountType::NearDeterministicAccount
    );
    match (action, account) {
        (Action::CreateAccount(_), Some(_)) => {
            Err(ActionErrorKind::AccountAlreadyExists { account_id: account_id.clone() })
        }
        (Action::CreateAccount(_), None) if account_id.get_account_type().is_implicit() => {
            Err(ActionErrorKind::OnlyImplicitAccountCreationAllowed { account_id: account_id.clone() })
        }
        (Action::CreateAccount(_) | Action::DeterministicStateInit(_), None) | (_, Some(_)) => Ok(()),
        (Action::Transfer(_), None) if implicit && may_create => Ok(()),
        (_, None) => Err(ActionErrorKind::AccountDoesNotExist { account_id: account_id.clone() }),
    }
}

fn check_actor(
    action: &Action,
    account: Option<&Account>,
    actor_id: &AccountId,
    account_id: &AccountId,
) -> Result<(), ActionErrorKind> {
    let own_only = matches!(
        action,
        Action::DeployContract(_)
            | Action::DeployGlobalContract(_)
            | Action::UseGlobalContract(_)
            | Action::Stake(_)
            | Action::AddKey(_)
            | Action::DeleteKey(_)
            | Action::DeleteAccount(_)
            | Action::WithdrawFromGasKey(_)
    );
    if own_only && actor_id != account_id {
        let (account_id, actor_id) = (account_id.clone(), actor_id.clone());
        return Err(ActionErrorKind::ActorNoPermission { account_id, actor_id });
    }
    let staking = account.is_some_and(|account| account.locked() != near_primitives::types::Balance::ZERO);
    if matches!(action, Action::DeleteAccount(_)) && staking {
        return Err(ActionErrorKind::DeleteAccountStaking { account_id: account_id.clone() });
    }
    Ok(())
}
