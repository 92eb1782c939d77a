//! Flows on the real wasm, through near-workspaces.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]
#![expect(clippy::duplicate_mod, reason = "examples are programs of their own that begin alike")]

mod abi;
mod adopt;
mod attacks;
mod attacks_on_keys;
mod attestation;
mod authority_by_promise;
mod callback_gas;
mod engines;
mod epochs_and_panic;
mod escrow;
mod escrow_invariants;
mod examples;
mod first_keys;
mod fleet;
mod funds;
mod gas;
mod governance;
mod governance_invariants;
mod grants_in_use;
mod host;
mod invariants;
mod keys_invariants;
mod keys_rows;
mod lines;
mod many_channels;
mod multitude;
mod objections;
mod ownership;
mod refusals;
mod registry_invariants;
mod registry_rows;
mod replayed;
mod rollout_invariants;
mod rollouts;
mod stake_invariants;
mod staked;
mod stakes;
mod upgrade;
