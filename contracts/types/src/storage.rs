//! NEP-145 storage accounts.

use serde::{Deserialize, Serialize};

use crate::U128;

/// What an account has deposited for storage, and how much of it is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageBalance {
    pub total: U128,
    pub available: U128,
}

/// What `storage_deposit` asks for. There is no upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageBalanceBounds {
    pub min: U128,
    pub max: Option<U128>,
}
