//! Flows on the real wasm, through near-workspaces.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod abi;
mod attestation;
mod conservation;
mod engines;
mod escrow;
mod gas;
mod governance;
mod host;
mod invariants;
mod keys;
mod keys_invariants;
mod ownership;
mod people;
mod permission;
mod refusals;
mod registry;
mod registry_invariants;
mod upgrade;
