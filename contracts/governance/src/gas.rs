//! Gas and money constants and where their numbers come from.

use near_sdk::{Gas, NearToken};

/// Deploying 350 kB burns 32 TGas as an action, compiling included; the migration gets what is left.
pub const UPGRADE: Gas = Gas::from_tgas(60);
/// `on_upgraded` writes one proposal and logs one event.
pub const ON_UPGRADED: Gas = Gas::from_tgas(10);
/// Storage of the contract's own line with the largest council: 32 members of 80 bytes, prepaid from its own balance.
pub const OWN_LINE_STORAGE: NearToken = NearToken::from_millinear(50);
