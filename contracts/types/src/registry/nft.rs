//! Arguments and answers of the NFT methods, as NEP-171, 177, 178 and 181 have them. Arguments tolerate unknown fields.

use std::collections::BTreeMap;

use charter_derive::wire;

use crate::{AccountId, Base64Bytes, U128};

/// `nft_token`. The id is the agent's, in decimal.
#[wire]
pub struct NftToken {
    pub token_id: String,
}

/// `nft_transfer`, and `nft_transfer_call` with `msg`. `approval_id` is accepted and ignored: there are no approvals.
#[wire]
pub struct NftTransfer {
    pub receiver_id: AccountId,
    pub token_id: String,
    pub approval_id: Option<u64>,
    pub memo: Option<String>,
    pub msg: Option<String>,
}

/// `nft_on_transfer` of a receiver; it answers whether the token shall go back.
#[wire]
pub struct NftOnTransfer {
    pub sender_id: AccountId,
    pub previous_owner_id: AccountId,
    pub token_id: String,
    pub msg: String,
}

/// `nft_resolve_transfer`.
#[wire]
pub struct NftResolveTransfer {
    pub previous_owner_id: AccountId,
    pub receiver_id: AccountId,
    pub token_id: String,
    /// Storage of the previous owner that is kept for the way back, and since when.
    pub reserved_bytes: u64,
    pub reserved_ms: u64,
}

/// `nft_tokens`, `nft_tokens_for_owner` (with `account_id`).
#[wire]
#[derive(Default)]
pub struct NftTokens {
    pub from_index: Option<U128>,
    pub limit: Option<u64>,
}

/// `nft_tokens_for_owner`, `nft_supply_for_owner`.
#[wire]
pub struct NftTokensOf {
    pub account_id: AccountId,
    pub from_index: Option<U128>,
    pub limit: Option<u64>,
}

/// An agent as a token.
#[wire]
pub struct Token {
    pub token_id: String,
    pub owner_id: AccountId,
    pub metadata: Option<TokenMetadata>,
    /// There are none.
    pub approved_account_ids: Option<BTreeMap<AccountId, u64>>,
}

#[wire]
#[derive(Default)]
pub struct TokenMetadata {
    pub title: Option<String>,
    pub description: Option<String>,
    pub media: Option<String>,
    pub media_hash: Option<Base64Bytes>,
    pub copies: Option<u64>,
    pub issued_at: Option<String>,
    pub expires_at: Option<String>,
    pub starts_at: Option<String>,
    pub updated_at: Option<String>,
    pub extra: Option<String>,
    pub reference: Option<String>,
    pub reference_hash: Option<Base64Bytes>,
}

/// The contract as a collection of tokens.
#[wire]
pub struct NFTContractMetadata {
    pub spec: String,
    pub name: String,
    pub symbol: String,
    pub icon: Option<String>,
    pub base_uri: Option<String>,
    pub reference: Option<String>,
    pub reference_hash: Option<Base64Bytes>,
}
