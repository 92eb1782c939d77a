//! The chain from outside: through its handle, its RPC, and other people's clients.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

/// near-sdk contract that runs a script of operations; source beside the recordings.
const PROBE: &[u8] = include_bytes!("../data/probe.wasm");

/// Transactions and their outcomes, recorded from nearcore 2.13.
const HISTORY: &str = include_str!("../data/history.json");

mod actor;
mod block_times;
mod clients;
mod defects;
mod delegate_v2;
mod desk;
mod disagreement;
mod dump;
mod epochs;
mod eth_implicit;
mod faults;
mod gas_keys;
mod gas_keys_by_contracts;
mod hostile;
mod invariants;
mod key_queries;
mod levels;
mod light_client;
mod ml_dsa;
mod near_sandbox;
mod order;
mod ready;
mod recorded_history;
mod recorded_requests;
mod restart;
mod state_init;
mod storage_proof;
mod strict_nonce;
mod traffic;
mod views;
