//! Wire types of Charter: arguments, views, events, error codes, voucher bytes and permission rules.
//!
//! Contracts, the indexer, clients and tests share these, so a shape is written once. There is no near-sdk here: where a
//! hash is needed it is an argument, the host function on chain and `sha2` off it.
//!
//! JSON: 128-bit numbers are strings, times are numbers of milliseconds, hashes are lower-case hex, keys are
//! `ed25519:` or `x25519:` with base58. Arguments refuse unknown fields and take `null` for one that may be left
//! out; readers of views and events tolerate both.

// Arbitrary values of wire types are made by a file that other crates' tests include, too.
#[cfg(test)]
extern crate self as charter_types;

#[cfg(not(near))]
pub mod abi;
pub mod admin;
pub mod adopt;
pub mod asset;
mod bytes;
pub mod contract;
pub mod domain;
pub mod error;
pub mod escrow;
pub mod ethereum;
pub mod event;
pub mod governance;
pub mod hash;
pub mod json;
pub mod key;
pub mod keys;
pub mod method;
pub mod number;
pub mod origin;
pub mod page;
pub mod registry;
pub mod shared;
pub mod storage;
pub mod tasks;
pub mod text;
pub mod verifier;

pub use bytes::Base64Bytes;
pub use domain::Domain;
pub use error::ErrorCode;
pub use ethereum::EthAddress;
pub use event::{Entry, Envelope};
pub use hash::{Hash32, Sha256};
pub use key::{AnyKey, AnySignature, Ed25519Key, Signature64, Signature65, X25519Key};
pub use near_account_id::{AccountId, AccountIdRef};
pub use number::U128;
pub use page::{Named, Nothing, Page, PageOf, page_size};

/// Whether no item comes twice. For short lists: sorting code is larger than what it saves.
pub fn all_different<T: PartialEq>(items: &[T]) -> bool {
    items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))
}

/// Longest list page that any view returns.
pub const PAGE_MAX: u64 = 100;
