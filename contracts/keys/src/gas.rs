//! Gas attached to promises, and where the numbers come from.

use near_sdk::Gas;

/// One view of one agent in the registry takes 2 to 4 TGas.
pub const VIEW: Gas = Gas::from_tgas(6);
/// near/mpc asks for at least 10 TGas and yields until its network has answered.
pub const MPC: Gas = Gas::from_tgas(30);
pub const ON_RELEASED: Gas = Gas::from_tgas(8);
