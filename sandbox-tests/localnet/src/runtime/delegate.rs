//! Meta transactions (NEP-366): a relayer pays, the sender's signature decides.

use near_primitives::action::delegate::{DelegateAction, SignedDelegateAction};
use near_primitives::errors::{ActionErrorKind, InvalidAccessKeyError};
use near_primitives::hash::CryptoHash;
use near_primitives::receipt::{ActionReceipt, Receipt, ReceiptEnum, ReceiptV0, VersionedActionReceipt};

use super::Chunk;
use super::outcome::{ActionResult, overflow};
use crate::admission::{NONCES_PER_BLOCK, check_permission};
use crate::fees::{gas_bought, total_prepaid_send_fees};

impl Chunk<'_> {
    pub(super) fn delegate(
        &mut self,
        receipt: &Receipt,
        action_receipt: &VersionedActionReceipt<'_>,
        signed: &SignedDelegateAction,
        result: &mut ActionResult,
    ) {
        let delegate = &signed.delegate_action;
        let checked = if !signed.verify() {
            Err(ActionErrorKind::DelegateActionInvalidSignature)
        } else if self.context.height > delegate.max_block_height {
            Err(ActionErrorKind::DelegateActionExpired)
        } else if delegate.sender_id != *receipt.receiver_id() {
            Err(ActionErrorKind::DelegateActionSenderDoesNotMatchTxReceiver {
                sender_id: delegate.sender_id.clone(),
                receiver_id: receipt.receiver_id().clone(),
            })
        } else {
            self.use_delegate_key(delegate)
        };
        if let Err(kind) = checked {
            return result.fail(kind);
        }
        let inner = Receipt::V0(ReceiptV0 {
            predecessor_id: delegate.sender_id.clone(),
            receiver_id: delegate.receiver_id.clone(),
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
        match self.pay_for_inner(action_receipt, delegate, result) {
            Ok(()) => result.new_receipts.push(inner),
            Err(kind) => result.fail(kind),
        }
    }

    /// The relayer bought the inner receipt's gas: sending burns some, the rest goes with it.
    fn pay_for_inner(
        &self,
        action_receipt: &VersionedActionReceipt<'_>,
        delegate: &DelegateAction,
        result: &mut ActionResult,
    ) -> Result<(), ActionErrorKind> {
        let config = &self.context.config;
        let actions = delegate.get_actions();
        let passed_on = gas_bought(config, &actions, &delegate.receiver_id).map_err(overflow)?;
        result.gas_used = result.gas_used.saturating_add(passed_on);
        result.burn(total_prepaid_send_fees(config, action_receipt.actions()).map_err(overflow)?);
        Ok(())
    }

    fn use_delegate_key(&mut self, delegate: &DelegateAction) -> Result<(), ActionErrorKind> {
        let Some(mut access_key) = self.state.access_key(&delegate.sender_id, &delegate.public_key) else {
            let missing = InvalidAccessKeyError::AccessKeyNotFound {
                account_id: delegate.sender_id.clone(),
                public_key: Box::new(delegate.public_key.clone()),
            };
            return Err(ActionErrorKind::DelegateActionAccessKeyError(missing));
        };
        if delegate.nonce <= access_key.nonce {
            let (delegate_nonce, ak_nonce) = (delegate.nonce, access_key.nonce);
            return Err(ActionErrorKind::DelegateActionInvalidNonce { delegate_nonce, ak_nonce });
        }
        let upper_bound = self.context.height.saturating_mul(NONCES_PER_BLOCK);
        if delegate.nonce >= upper_bound {
            let delegate_nonce = delegate.nonce;
            return Err(ActionErrorKind::DelegateActionNonceTooLarge { delegate_nonce, upper_bound });
        }
        access_key.nonce = delegate.nonce;
        if let Some(permission) = access_key.permission.function_call_permission() {
            check_permission(permission, &delegate.get_actions(), &delegate.receiver_id)
                .map_err(ActionErrorKind::DelegateActionAccessKeyError)?;
        }
        self.state.set_access_key(&delegate.sender_id, &delegate.public_key, &access_key);
        Ok(())
    }
}
