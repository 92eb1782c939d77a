//! What comes back after a receipt: unspent gas, the price difference, deposits of a failed one.

use near_primitives::receipt::{Receipt, VersionedActionReceipt};
use near_primitives::types::{Balance, Gas};

use super::Chunk;
use super::outcome::ActionResult;
use crate::fees::{gas_bought, gas_to_balance, total_deposit};

impl Chunk<'_> {
    pub(super) fn refunds(
        &mut self,
        receipt: &Receipt,
        action: &VersionedActionReceipt<'_>,
        result: &ActionResult,
    ) -> Vec<Receipt> {
        let mut refunds = Vec::new();
        let deposit = total_deposit(action.actions()).unwrap_or(Balance::ZERO);
        if result.result.is_err() && deposit > Balance::ZERO {
            refunds.push(Receipt::new_balance_refund(receipt.balance_refund_receiver(), deposit));
        }
        let gas_refund = self.gas_refund(receipt, action, result);
        if gas_refund > Balance::ZERO {
            let key = action.signer_public_key().clone();
            refunds.push(Receipt::new_gas_refund(action.signer_id(), gas_refund, key));
        }
        refunds
    }

    fn gas_refund(&mut self, receipt: &Receipt, action: &VersionedActionReceipt<'_>, result: &ActionResult) -> Balance {
        let config = &self.context.config;
        let bought = gas_bought(config, action.actions(), receipt.receiver_id()).unwrap_or(Gas::ZERO);
        let spent = if result.result.is_ok() { result.gas_used } else { result.gas_burnt };
        let gross = bought.saturating_sub(spent);
        let penalty = config.fees.gas_penalty_for_gas_refund(gross);
        let price = action.gas_price();
        let worth = |gas: Gas| gas_to_balance(price, gas).unwrap_or(Balance::MAX);
        if penalty > Gas::ZERO {
            self.balance_burnt = self.balance_burnt.saturating_add(worth(penalty));
        }
        // Gas was bought at the receipt's price and burnt at the block's: the difference goes back.
        let surplus = worth(result.gas_burnt).saturating_sub(self.gas_paid(result));
        worth(gross.saturating_sub(penalty)).saturating_add(surplus)
    }
}
