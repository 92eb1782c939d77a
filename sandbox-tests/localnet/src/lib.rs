//! A NEAR chain in one process.
pub mod chain;
mod clock;
pub mod code;
pub mod fees;
pub mod genesis;
mod keys;
pub mod replay;
pub mod runtime;
pub mod state;
pub mod store;
pub mod trie;
pub mod verify;
