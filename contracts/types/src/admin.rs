//! Arguments of methods that all contracts share.

use charter_derive::wire;

use crate::AccountId;

/// `new` of contracts that ask the registry.
#[wire(strict)]
pub struct Setup {
    /// Admin until governance takes over.
    pub account: AccountId,
    pub registry: AccountId,
}

#[wire(strict)]
pub struct PauseFeature {
    pub feature: String,
    pub for_ms: u64,
}

#[wire(strict)]
pub struct Feature {
    pub feature: String,
}
