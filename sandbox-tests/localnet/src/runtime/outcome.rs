//! What executing the actions of one receipt adds up to.

use near_parameters::ActionCosts;
use near_primitives::errors::{ActionError, ActionErrorKind, ActionsValidationError, IntegerOverflowError};
use near_primitives::profile_data_v3::ProfileDataV3;
use near_primitives::receipt::Receipt;
use near_primitives::types::{Balance, Gas};
use near_vm_runner::logic::ReturnData;

/// Running sums over the actions of a receipt.
pub struct ActionResult {
    pub gas_burnt: Gas,
    pub gas_burnt_for_call: Gas,
    /// Gas burnt plus gas given to new receipts.
    pub gas_used: Gas,
    pub result: Result<ReturnData, ActionError>,
    pub logs: Vec<String>,
    pub new_receipts: Vec<Receipt>,
    pub profile: ProfileDataV3,
    /// Gas whose price is a fixed charge instead of the gas price (creating accounts, from 85).
    pub charged_gas: Gas,
    pub charge: Balance,
    /// Tokens that are no price of gas: what the account paid for the bytes of global contracts, and what gas keys held that
    /// were deleted.
    pub tokens_burnt: Balance,
}

impl ActionResult {
    pub fn new(gas: Gas) -> Self {
        Self {
            gas_burnt: gas,
            gas_burnt_for_call: Gas::ZERO,
            gas_used: gas,
            result: Ok(ReturnData::None),
            logs: Vec::new(),
            new_receipts: Vec::new(),
            profile: ProfileDataV3::default(),
            charged_gas: Gas::ZERO,
            charge: Balance::ZERO,
            tokens_burnt: Balance::ZERO,
        }
    }

    pub fn fail(&mut self, kind: ActionErrorKind) {
        self.result = Err(kind.into());
    }

    /// Burns gas that the receipt's gas paid for.
    pub fn burn(&mut self, gas: Gas) {
        self.gas_burnt = self.gas_burnt.saturating_add(gas);
        self.gas_used = self.gas_used.saturating_add(gas);
    }

    /// An account came to be: from 85 on it costs a fixed amount instead of its gas.
    pub fn charge_new_account(&mut self, config: &near_parameters::RuntimeConfig) {
        if config.account_creation_charge > Balance::ZERO {
            let gas = config.fees.fee(ActionCosts::create_account).exec_fee().gas;
            self.charged_gas = self.charged_gas.saturating_add(gas);
            self.charge = self.charge.saturating_add(config.account_creation_charge);
        }
    }

    /// Adds what the action at `index` did. After a failure nothing but gas, logs and the error remains.
    pub fn merge(&mut self, mut next: Self, index: usize) {
        self.gas_burnt = self.gas_burnt.saturating_add(next.gas_burnt);
        self.gas_burnt_for_call = self.gas_burnt_for_call.saturating_add(next.gas_burnt_for_call);
        self.gas_used = self.gas_used.saturating_add(next.gas_used);
        self.charged_gas = self.charged_gas.saturating_add(next.charged_gas);
        self.charge = self.charge.saturating_add(next.charge);
        self.tokens_burnt = self.tokens_burnt.saturating_add(next.tokens_burnt);
        self.profile.merge(&next.profile);
        self.logs.append(&mut next.logs);
        if let (Err(error), Ok(index)) = (&mut next.result, u64::try_from(index)) {
            error.index = Some(index);
        }
        // A promise returned by an earlier action counts its receipts from this action's first one.
        if let Ok(ReturnData::ReceiptIndex(receipt_index)) = &mut next.result {
            *receipt_index += u64::try_from(self.new_receipts.len()).unwrap_or(u64::MAX);
        }
        self.result = next.result;
        if self.result.is_ok() {
            self.new_receipts.append(&mut next.new_receipts);
        } else {
            self.drop_effects();
        }
    }

    /// A failed receipt sends nothing and creates no account.
    pub fn drop_effects(&mut self) {
        self.new_receipts.clear();
        self.charged_gas = Gas::ZERO;
        self.charge = Balance::ZERO;
        self.tokens_burnt = Balance::ZERO;
    }

    /// Fails the whole receipt after all its actions went well.
    pub fn fail_receipt(&mut self, kind: ActionErrorKind) {
        self.result = Err(ActionError { index: None, kind });
        self.drop_effects();
    }
}

/// Gas or tokens beyond 64 or 128 bits: limits on actions keep honest receipts far below.
pub fn overflow(_: IntegerOverflowError) -> ActionErrorKind {
    ActionErrorKind::NewReceiptValidationError(near_primitives::errors::ReceiptValidationError::ActionsValidation(
        ActionsValidationError::IntegerOverflow,
    ))
}
