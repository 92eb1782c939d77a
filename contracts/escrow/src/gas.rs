//! Gas constants and where their numbers come from (docs/reference/gas.md is measured on localnet).

use near_sdk::Gas;

/// `on_paid` writes or removes each channel: a fifth above the worst, which `many_channels` measures.
pub const ON_PAID_BASE: Gas = Gas::from_tgas(5);
pub const ON_PAID_PER_CHANNEL: Gas = Gas::from_ggas(800);
/// `on_closed` writes or removes one channel and logs one event.
pub const ON_CLOSED: Gas = Gas::from_tgas(10);
