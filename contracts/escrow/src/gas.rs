//! Gas constants and where their numbers come from (docs/reference/gas.md is measured on localnet).

use near_sdk::Gas;

/// `on_paid` reads and, after a failure, writes each channel: 0.4 TGas a channel measured, doubled.
pub const ON_PAID_BASE: Gas = Gas::from_tgas(5);
pub const ON_PAID_PER_CHANNEL: Gas = Gas::from_ggas(800);
/// `on_closed` writes or removes one channel and logs one event.
pub const ON_CLOSED: Gas = Gas::from_tgas(10);
