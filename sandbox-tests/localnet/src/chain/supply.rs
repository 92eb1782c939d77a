//! Where every token is: what the properties of this crate add up, and nobody may create.

use borsh::BorshDeserialize;
use near_parameters::RuntimeConfig;
use near_primitives::account::{AccessKey, Account};
use near_primitives::receipt::{Receipt, VersionedReceiptEnum};
use near_primitives::trie_key::col;
use near_primitives::types::Balance;

use super::{Block, Chain};
use crate::fees::{gas_bought, gas_to_balance, total_deposit};

/// All tokens there are after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// Liquid and staked balances, and what gas keys hold.
    pub accounts: Balance,
    /// Deposits and gas bought for receipts that wait or travel.
    pub in_flight: Balance,
    /// Burnt since genesis.
    pub burnt: Balance,
}

impl Supply {
    pub fn total(&self) -> Balance {
        self.accounts.saturating_add(self.in_flight).saturating_add(self.burnt)
    }
}

/// Columns of the state whose values are receipts that wait.
const WAITING: [u8; 3] = [col::POSTPONED_RECEIPT, col::DELAYED_RECEIPT_OR_INDICES, col::PROMISE_YIELD_RECEIPT];

impl Chain {
    /// Where the tokens are after the head.
    pub fn supply(&self) -> Supply {
        let head = self.head();
        let accounts = head.state.range(&[col::ACCOUNT]).map(|(_, value)| {
            let account = Account::try_from_slice(value.bytes());
            account.map_or(Balance::ZERO, |account| account.amount().saturating_add(account.locked()))
        });
        // Nonces of gas keys share a column with the keys, and are too short for one.
        let gas_keys = head.state.range(&[col::ACCESS_KEY]).map(|(_, value)| {
            let key = AccessKey::try_from_slice(value.bytes()).ok();
            key.and_then(|key| Some(key.gas_key_info()?.balance)).unwrap_or(Balance::ZERO)
        });
        let waiting = WAITING.iter().flat_map(|column| head.state.range(&[*column]));
        // The queue's indices share a column with the queue and are no receipt.
        let waiting = waiting.filter_map(|(_, value)| Receipt::try_from_slice(value.bytes()).ok());
        let in_flight = waiting.chain(head.outgoing.iter().map(|receipt| receipt.as_ref().clone()));
        let blocks = self.blocks.iter().filter(|block| block.has_chunk());
        Supply {
            accounts: add_up(accounts.chain(gas_keys)),
            in_flight: add_up(in_flight.map(|receipt| held(&self.config, &receipt))),
            burnt: add_up(blocks.map(|block: &std::sync::Arc<Block>| block.balance_burnt)),
        }
    }
}

fn add_up(balances: impl Iterator<Item = Balance>) -> Balance {
    balances.fold(Balance::ZERO, Balance::saturating_add)
}

/// What a receipt holds until it is executed.
fn held(config: &RuntimeConfig, receipt: &Receipt) -> Balance {
    let (VersionedReceiptEnum::Action(action) | VersionedReceiptEnum::PromiseYield(action)) =
        receipt.versioned_receipt()
    else {
        return Balance::ZERO;
    };
    let deposit = total_deposit(action.actions()).unwrap_or(Balance::ZERO);
    // A refund carries no gas: executing it is free.
    if receipt.predecessor_id().is_system() {
        return deposit;
    }
    let gas = gas_bought(config, action.actions(), receipt.receiver_id());
    let gas = gas.and_then(|gas| gas_to_balance(action.gas_price(), gas)).unwrap_or(Balance::ZERO);
    deposit.saturating_add(gas)
}
