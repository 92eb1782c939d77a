//! Accounts whose name is the hash of their first state (NEP-616).

use near_primitives::account::Account;
use near_primitives::action::DeterministicStateInitAction;
use near_primitives::errors::ActionErrorKind;
use near_primitives::receipt::Receipt;
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{AccountId, Balance};

use super::Chunk;
use super::outcome::ActionResult;
use crate::admission::missing_storage_stake;

impl Chunk<'_> {
    /// Creates the account and its state, unless that was done before. The deposit pays what storage lacks; the rest
    /// goes back.
    pub(super) fn deterministic_state_init(
        &mut self,
        receipt: &Receipt,
        action: &DeterministicStateInitAction,
        account: &mut Option<Account>,
        result: &mut ActionResult,
    ) {
        let account_id = receipt.receiver_id();
        if account.is_none() {
            // Anybody may do this, so whoever does has no right over the account: the actor stays who it was.
            *account = Some(self.empty_account());
            result.charge_new_account(&self.context.config);
        }
        let Some(account) = account.as_mut() else { return };
        if account.contract().is_none() {
            self.use_global_contract(account_id, account, action.state_init.code(), result);
            if result.result.is_err() {
                return;
            }
            self.write_first_state(account_id, account, action);
        }
        let missing = missing_storage_stake(account, &self.context.config).unwrap_or(Balance::ZERO);
        let Some(rest) = action.deposit.checked_sub(missing) else {
            let account_id = account_id.clone();
            return result.fail(ActionErrorKind::LackBalanceForState { account_id, amount: missing });
        };
        account.set_amount(account.amount().saturating_add(missing));
        if rest > Balance::ZERO {
            result.new_receipts.push(Receipt::new_balance_refund(receipt.balance_refund_receiver(), rest));
        }
    }

    fn write_first_state(
        &mut self,
        account_id: &AccountId,
        account: &mut Account,
        action: &DeterministicStateInitAction,
    ) {
        let record = self.context.config.fees.storage_usage_config.num_extra_bytes_record;
        let mut usage = account.storage_usage();
        for (key, value) in action.state_init.data() {
            let bytes = u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX);
            usage = usage.saturating_add(bytes).saturating_add(record);
            let key = TrieKey::ContractData { account_id: account_id.clone(), key: key.clone() };
            self.state.set_raw(key, value.clone());
        }
        account.set_storage_usage(usage);
    }
}
