//! Gas attached to promises, and where the numbers come from.

use near_sdk::Gas;

/// What `authority` takes in the registry, 2 TGas, and as much again.
pub const AUTHORITY: Gas = Gas::from_tgas(5);
/// One view of one agent in the registry takes 2 to 4 TGas.
pub const VIEW: Gas = Gas::from_tgas(6);
/// near/mpc asks for at least 10 TGas and yields until its network has answered.
pub const MPC: Gas = Gas::from_tgas(30);
pub const ON_RELEASED: Gas = Gas::from_tgas(8);

/// A callback that stores no row: it reads the arguments again, and changes a record.
const CALLBACK: Gas = Gas::from_tgas(6);
/// Each row that it may store, with its event.
const PER_ROW: u64 = 1_300_000_000_000;

/// What a callback that stores up to `rows` rows can't run short of: a fifth above the worst case that
/// `suite/tests/it/callback_gas.rs` measures, or what it reserved would stay reserved.
pub fn callback(rows: u64) -> Gas {
    Gas::from_gas(PER_ROW.saturating_mul(rows)).saturating_add(CALLBACK)
}
