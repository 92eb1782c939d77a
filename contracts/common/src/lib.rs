//! What two or more Charter contracts share on chain.
//!
//! A contract holds a [`Core`] and calls [`charter_contract!`]; it then has storage accounts (NEP-145), a chain of
//! events, pausing, and an upgrade path, all alike. Methods read their arguments with [`arguments`], which refuses
//! unknown fields with a code.

mod access;
mod ask;
mod core;
mod events;
mod failure;
mod input;
mod methods;
mod record;
mod rows;
mod signature;
mod storage;

pub use access::{Access, PAUSE_MS_MAX};
pub use ask::{ask_authority, ask_view, authority_answer, fail_later, succeeded, view_answer};
pub use core::{Core, Payment};
pub use events::EventLog;
pub use failure::{Answer, Failure};
pub use input::{arguments, arguments_in, borsh_arguments};
pub use rows::{RowKey, Rows};
pub use signature::{is_signed, separator};
pub use storage::{Payer, StorageLedger};

/// SHA-256 by the host.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    near_sdk::env::sha256_array(bytes)
}
