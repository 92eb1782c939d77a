//! Gas and money constants and where their numbers come from.

use near_sdk::{Gas, NearToken};

/// Deploying 370 kB burns 41 TGas, compiling included, and 20 are set aside for the migration: twice of that, because who
/// attaches too little would keep an approved upgrade from succeeding. The migration gets what is left.
pub const UPGRADE: Gas = Gas::from_tgas(120);
/// A view of two numbers, and reading the state that all calls read.
pub const DEPLOYMENT: Gas = Gas::from_tgas(5);
/// `on_upgraded` writes one proposal and logs one event, for 4 TGas, and looks at what the contract answered, which takes up
/// to 16 TGas: 4 MiB is the most that NEAR lets it say.
pub const ON_UPGRADED: Gas = Gas::from_tgas(25);
/// `on_withdrawn` writes a pool and a holder's row, whose delegates, eleven times eight with the longest names, make logs of
/// 15 kB: 9 TGas, and 3 for the failure that it tells of.
pub const ON_WITHDRAWN: Gas = Gas::from_tgas(20);
/// Reads a line and its rollout, and writes the rollout, for 3 TGas.
pub const ON_DRAW: Gas = Gas::from_tgas(10);
/// Longest answer of `deployment`.
pub const DEPLOYMENT_BYTES_MAX: usize = 256;
/// Storage of the contract's own line with the largest council: 32 members of 80 bytes, prepaid from its own balance.
pub const OWN_LINE_STORAGE: NearToken = NearToken::from_millinear(50);
/// Storage of a rollout's row, for lines whose owners did not pay for one.
pub const ROLLOUT_STORAGE: NearToken = NearToken::from_millinear(4);
