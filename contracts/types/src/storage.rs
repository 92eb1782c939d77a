//! NEP-145 storage accounts.

use charter_derive::wire;

use crate::{AccountId, U128};

/// What an account has deposited for storage, and how much of it is free.
#[wire]
#[derive(Copy)]
pub struct StorageBalance {
    pub total: U128,
    pub available: U128,
}

/// What `storage_deposit` asks for. There is no upper bound.
#[wire]
#[derive(Copy)]
pub struct StorageBalanceBounds {
    pub min: U128,
    pub max: Option<U128>,
}

/// Arguments of `storage_deposit` as NEP-145 has them; like all NEP methods it tolerates unknown fields.
#[wire]
#[derive(Default)]
pub struct StorageDeposit {
    pub account_id: Option<AccountId>,
    pub registration_only: Option<bool>,
}

/// `storage_withdraw`. Without an amount: everything.
#[wire]
#[derive(Copy, Default)]
pub struct StorageWithdraw {
    pub amount: Option<U128>,
}

/// `storage_unregister`. `force` changes nothing: rows that others rely on keep their payer.
#[wire]
#[derive(Copy, Default)]
pub struct StorageUnregister {
    pub force: Option<bool>,
}

/// `storage_balance_of`.
#[wire]
pub struct StorageOf {
    pub account_id: AccountId,
}
