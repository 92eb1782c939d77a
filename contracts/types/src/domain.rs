//! What a signature is for: without a domain, a signature made for one contract could be replayed on another.

use borsh::BorshSerialize;

use crate::{AccountId, Hash32, Sha256};

/// The context that every signed message starts with.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Domain<'a> {
    /// What is being signed, such as `charter/voucher`.
    pub purpose: &'a str,
    pub version: u8,
    pub chain_id: &'a str,
    pub contract: &'a AccountId,
}

impl Domain<'_> {
    /// sha256 of the borsh encoding.
    pub fn separator(&self, sha256: Sha256) -> Hash32 {
        Hash32::of(self, sha256)
    }

    /// The bytes to sign for `message`: the separator, then the message in borsh.
    pub fn message<T: BorshSerialize>(&self, message: &T, sha256: Sha256) -> Vec<u8> {
        let mut bytes = self.separator(sha256).0.to_vec();
        bytes.extend(crate::hash::borsh_bytes(message));
        bytes
    }
}
