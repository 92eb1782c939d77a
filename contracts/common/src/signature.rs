//! What people sign for the contract that runs: each signature is for one purpose, chain and contract.

use borsh::BorshSerialize;
use charter_types::{Domain, Ed25519Key, Hash32, Signature64};
use near_sdk::env;

use crate::sha256;

fn in_domain<T>(purpose: &str, then: impl FnOnce(&Domain) -> T) -> T {
    let (chain_id, contract) = (env::chain_id(), env::current_account_id());
    then(&Domain { purpose, version: 1, chain_id: &chain_id, contract: &contract })
}

/// The separator of this contract's domain for a purpose.
pub fn separator(purpose: &str) -> Hash32 {
    in_domain(purpose, |domain| domain.separator(sha256))
}

/// Whether `key` signed `statement` for this contract. Points of small order pass NEAR's check for anything: refuse them
/// where a key comes in (`Ed25519Key::is_small_order`).
pub fn is_signed(purpose: &str, statement: &impl BorshSerialize, signature: &Signature64, key: &Ed25519Key) -> bool {
    let message = in_domain(purpose, |domain| domain.message(statement, sha256));
    env::ed25519_verify(&signature.0, message, &key.0)
}
