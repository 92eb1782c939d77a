//! Gas attached to promises, and where the numbers come from.

use near_sdk::Gas;

/// The verifier's answer. A real quote takes 19 TGas of it (`docs/reference/gas.md`); the rest is room, and comes back unused.
pub const VERIFY: Gas = Gas::from_tgas(150);
/// Our callback on it.
pub const ON_VERDICT: Gas = Gas::from_tgas(15);
/// `nft_on_transfer` gets what the caller attached beyond this; NEP-171 asks for at least 25 TGas in all.
pub const NFT_ON_TRANSFER: Gas = Gas::from_tgas(5);
/// The way back. `callback_gas.rs` of the suite holds it a fifth above what it takes at most.
pub const NFT_RESOLVE: Gas = Gas::from_tgas(25);
