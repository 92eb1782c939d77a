//! NEP-145 storage accounts.

use serde::{Deserialize, Serialize};

use crate::{AccountId, U128, from_json};

/// What an account has deposited for storage, and how much of it is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct StorageBalance {
    pub total: U128,
    pub available: U128,
}

/// What `storage_deposit` asks for. There is no upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct StorageBalanceBounds {
    pub min: U128,
    pub max: Option<U128>,
}

/// Arguments of `storage_deposit` as NEP-145 has them; like all NEP methods it tolerates unknown fields.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct StorageDeposit {
    pub account_id: Option<AccountId>,
    pub registration_only: Option<bool>,
}

/// `storage_withdraw`. Without an amount: everything.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct StorageWithdraw {
    pub amount: Option<U128>,
}

/// `storage_unregister`. `force` changes nothing: rows that others rely on keep their payer.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct StorageUnregister {
    pub force: Option<bool>,
}

/// `storage_balance_of`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct StorageOf {
    pub account_id: AccountId,
}

from_json!(lenient StorageDeposit { account_id, registration_only });
from_json!(lenient StorageWithdraw { amount });
from_json!(lenient StorageUnregister { force });
from_json!(lenient StorageOf { account_id });
