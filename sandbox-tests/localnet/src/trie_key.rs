//! Trie keys that nearcore builds outside `TrieKey`: prefixes, and keys read back.

use borsh::BorshDeserialize;
use near_crypto::PublicKeyHandle;
use near_primitives::trie_key::{ACCESS_KEY_SEPARATOR, ACCOUNT_DATA_SEPARATOR, TrieKey, col};
use near_primitives::types::{AccountId, NonceIndex};

fn prefixed(column: u8, account_id: &AccountId, separator: u8) -> Vec<u8> {
    [&[column], account_id.as_bytes(), &[separator]].concat()
}

/// What all access keys of an account start with.
pub fn access_key_prefix(account_id: &AccountId) -> Vec<u8> {
    prefixed(col::ACCESS_KEY, account_id, ACCESS_KEY_SEPARATOR)
}

/// What all contract data of an account starts with.
pub fn contract_data_prefix(account_id: &AccountId) -> Vec<u8> {
    prefixed(col::CONTRACT_DATA, account_id, ACCOUNT_DATA_SEPARATOR)
}

/// The handle in a raw access-key key. Gas-key nonces share the prefix and give `None`.
pub fn access_key_handle(account_id: &AccountId, raw: &[u8]) -> Option<PublicKeyHandle> {
    let rest = raw.strip_prefix(access_key_prefix(account_id).as_slice())?;
    PublicKeyHandle::try_from_slice(rest).ok()
}

/// A raw key below an account's access keys as the typed key: of an access key, or of one of a gas key's nonces, whose number
/// stands behind the gas key's.
pub fn parse_key_or_nonce(account_id: &AccountId, raw: &[u8]) -> Option<TrieKey> {
    let mut rest = raw.strip_prefix(access_key_prefix(account_id).as_slice())?;
    let handle = PublicKeyHandle::deserialize(&mut rest).ok()?;
    match *rest {
        [] => Some(TrieKey::access_key(account_id.clone(), handle)),
        [low, high] => Some(TrieKey::gas_key_nonce(account_id.clone(), handle, NonceIndex::from_le_bytes([low, high]))),
        _ => None,
    }
}
