//! Meta transactions (NEP-366): a relayer pays, the sender's signature decides. Those of version 2 may use a gas key's
//! nonces, which costs that key nothing.

use near_primitives::account::FunctionCallPermission;
use near_primitives::action::Action;
use near_primitives::action::delegate::{VersionedDelegateActionRef, VersionedSignedDelegateActionRef};
use near_primitives::errors::{ActionErrorKind, InvalidAccessKeyError};
use near_primitives::hash::CryptoHash;
use near_primitives::receipt::{ActionReceipt, Receipt, ReceiptEnum, ReceiptV0, VersionedActionReceipt};
use near_primitives::types::Balance;
use near_primitives::version::ProtocolFeature;

use super::Chunk;
use super::outcome::{ActionResult, overflow};
use crate::admission::{NONCES_PER_BLOCK, check_permission};
use crate::fees::{gas_bought, total_prepaid_send_fees};

impl Chunk<'_> {
    pub(super) fn delegate(
        &mut self,
        receipt: &Receipt,
        action_receipt: &VersionedActionReceipt<'_>,
        signed: VersionedSignedDelegateActionRef<'_>,
        result: &mut ActionResult,
    ) {
        let delegate = signed.delegate_action();
        let checked = if !signed.verify() {
            Err(ActionErrorKind::DelegateActionInvalidSignature)
        } else if self.context.height > delegate.max_block_height() {
            Err(ActionErrorKind::DelegateActionExpired)
        } else if delegate.sender_id() != receipt.receiver_id() {
            Err(ActionErrorKind::DelegateActionSenderDoesNotMatchTxReceiver {
                sender_id: delegate.sender_id().clone(),
                receiver_id: receipt.receiver_id().clone(),
            })
        } else {
            self.use_delegate_key(&delegate)
        };
        if let Err(kind) = checked {
            return result.fail(kind);
        }
        let inner = Receipt::V0(ReceiptV0 {
            predecessor_id: delegate.sender_id().clone(),
            receiver_id: delegate.receiver_id().clone(),
            receipt_id: CryptoHash::default(),
            receipt: ReceiptEnum::Action(ActionReceipt {
                signer_id: action_receipt.signer_id().clone(),
                signer_public_key: action_receipt.signer_public_key().clone(),
                gas_price: action_receipt.gas_price(),
                output_data_receivers: Vec::new(),
                input_data_ids: Vec::new(),
                actions: delegate.get_actions(),
            }),
        });
        match self.pay_for_inner(action_receipt, &delegate, result) {
            Ok(()) => result.new_receipts.push(inner),
            Err(kind) => result.fail(kind),
        }
    }

    /// The relayer bought the inner receipt's gas: sending burns some, the rest goes with it.
    fn pay_for_inner(
        &self,
        action_receipt: &VersionedActionReceipt<'_>,
        delegate: &VersionedDelegateActionRef<'_>,
        result: &mut ActionResult,
    ) -> Result<(), ActionErrorKind> {
        let config = &self.context.config;
        let actions = delegate.get_actions();
        let passed_on = gas_bought(config, &actions, delegate.receiver_id()).map_err(overflow)?;
        result.gas_used = result.gas_used.saturating_add(passed_on);
        result.burn(total_prepaid_send_fees(config, action_receipt.actions()).map_err(overflow)?);
        Ok(())
    }

    /// Before 85 a deposit was the last fault to be told.
    fn check_calls(
        &self,
        permission: &FunctionCallPermission,
        delegate: &VersionedDelegateActionRef<'_>,
    ) -> Result<(), InvalidAccessKeyError> {
        let mut actions = delegate.get_actions();
        let checked = check_permission(permission, &actions, delegate.receiver_id());
        let told_first = ProtocolFeature::FixDelegateActionDepositWithFunctionCallError.enabled(self.context.version);
        if let ([Action::FunctionCall(call)], false) = (actions.as_mut_slice(), told_first) {
            call.deposit = Balance::ZERO;
            check_permission(permission, &actions, delegate.receiver_id())?;
        }
        checked
    }

    fn use_delegate_key(&mut self, delegate: &VersionedDelegateActionRef<'_>) -> Result<(), ActionErrorKind> {
        use ActionErrorKind::DelegateActionAccessKeyError as KeyError;
        let (sender_id, key) = (delegate.sender_id(), delegate.public_key());
        let missing = || InvalidAccessKeyError::AccessKeyNotFound {
            account_id: sender_id.clone(),
            public_key: Box::new(key.clone()),
        };
        let mut access_key = self.state.access_key(sender_id, key).ok_or_else(|| KeyError(missing()))?;
        let index = delegate.nonce().nonce_index();
        let ak_nonce = match (index, access_key.gas_key_info()) {
            (None, None) => access_key.nonce,
            (None, Some(_)) => return Err(KeyError(InvalidAccessKeyError::DelegateActionRequiresNonGasKey)),
            (Some(_), None) => return Err(KeyError(InvalidAccessKeyError::DelegateActionRequiresGasKey)),
            (Some(nonce_index), Some(gas_key)) => {
                let num_nonces = gas_key.num_nonces;
                let nonce = self.state.gas_key_nonce(sender_id, key, nonce_index).filter(|_| nonce_index < num_nonces);
                nonce.ok_or(ActionErrorKind::DelegateActionInvalidNonceIndex { nonce_index, num_nonces })?
            }
        };
        let delegate_nonce = delegate.nonce().nonce();
        if delegate_nonce <= ak_nonce {
            return Err(ActionErrorKind::DelegateActionInvalidNonce { delegate_nonce, ak_nonce });
        }
        let upper_bound = self.context.height.saturating_mul(NONCES_PER_BLOCK);
        if delegate_nonce >= upper_bound {
            return Err(ActionErrorKind::DelegateActionNonceTooLarge { delegate_nonce, upper_bound });
        }
        if let Some(permission) = access_key.permission.function_call_permission() {
            self.check_calls(permission, delegate).map_err(KeyError)?;
        }
        if let Some(index) = index {
            self.state.set_gas_key_nonce(sender_id, key, index, delegate_nonce);
        } else {
            access_key.nonce = delegate_nonce;
            self.state.set_access_key(sender_id, key, &access_key);
        }
        Ok(())
    }
}
