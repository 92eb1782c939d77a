//! What two or more Charter contracts share on chain.
//!
//! A contract holds a [`Core`] and calls [`charter_contract!`]; it then has storage accounts (NEP-145), a chain of
//! events, pausing, and an upgrade path, all alike. Its methods stand under `#[methods(…)]`, which ties them to their
//! declaration in `charter-types`.
//!
//! [`adopt`] is for contracts that are not Charter's: agents that take over the releases of their lines.

mod access;
pub mod adopt;
mod ask;
mod core;
mod encode;
mod events;
mod failure;
mod layout;
mod method;
mod migrate;
mod pay;
mod record;
mod rows;
mod shared;
mod signature;
mod storage;

pub use access::{Access, PAUSE_MS_MAX};
pub use ask::{
    ask_authority, ask_authority_then, ask_then, authority_answer, fail_later, paid_call, raw_call, succeeded,
    then_call, view_answer, view_answer_at,
};
pub use charter_derive::methods;
pub use core::{Core, CoreV0, Payment};
pub use encode::{encoded, json_encoded};
pub use events::{EventLog, Standard};
pub use failure::{Answer, Failure};
pub use layout::{EpochsV1, Layout, read_whole};
pub use method::{Answers, HandedOn, Later, arguments_in, check_answer, check_args, check_kind, enter, passed_on};
pub use migrate::{Chartered, LayoutVersion, Migrate, migrate, read_state};
pub use pay::{pay, pay_then, sending};
pub use record::{Stored, row_of};
pub use rows::{RowKey, Rows, Seen, corrupt};
pub use shared::Features;
pub use signature::{is_signed, separator};
pub use storage::{Payer, RESERVED_MS, Reservation, StorageLedger};

/// SHA-256 by the host.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    near_sdk::env::sha256_array(bytes)
}
