//! The way from earlier layouts of the contract's state to this one. There are none so far.

use charter_common::Migrate;
use near_sdk::env;

use crate::Tasks;

impl Migrate for Tasks {
    fn from_earlier(_: &[u8]) -> Option<Self> {
        None
    }

    /// What is on its way has left the account already. What is charged for rows to come is free to whom it is charged once
    /// they don't come.
    fn held(&self) -> u128 {
        let unused = self.reserved_bytes.saturating_add(self.pool.unused_bytes());
        let price = env::storage_byte_cost().as_yoctonear().saturating_mul(u128::from(unused));
        self.totals.books.held.0.saturating_add(price)
    }
}
