//! Arguments of the NFT methods, as NEP-171, 178 and 181 have them. They tolerate unknown fields.

use serde::{Deserialize, Serialize};

use crate::{AccountId, U128, from_json};

/// `nft_token`. The id is the agent's, in decimal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct NftToken {
    pub token_id: String,
}

/// `nft_transfer`, and `nft_transfer_call` with `msg`. `approval_id` is accepted and ignored: there are no approvals.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct NftTransfer {
    pub receiver_id: AccountId,
    pub token_id: String,
    #[serde(default)]
    pub approval_id: Option<u64>,
    #[serde(default)]
    pub memo: Option<String>,
    #[serde(default)]
    pub msg: Option<String>,
}

/// `nft_on_transfer` of a receiver; it answers whether the token shall go back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct NftOnTransfer {
    pub sender_id: AccountId,
    pub previous_owner_id: AccountId,
    pub token_id: String,
    pub msg: String,
}

/// `nft_resolve_transfer`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct NftResolveTransfer {
    pub previous_owner_id: AccountId,
    pub receiver_id: AccountId,
    pub token_id: String,
    /// What the first hand-over freed of the previous owner's storage, kept for the way back.
    pub reserved_bytes: u64,
}

/// `nft_tokens`, `nft_tokens_for_owner` (with `account_id`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct NftTokens {
    #[serde(default)]
    pub from_index: Option<U128>,
    #[serde(default)]
    pub limit: Option<u64>,
}

/// `nft_tokens_for_owner`, `nft_supply_for_owner`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
pub struct NftTokensOf {
    pub account_id: AccountId,
    #[serde(default)]
    pub from_index: Option<U128>,
    #[serde(default)]
    pub limit: Option<u64>,
}

from_json!(lenient NftToken { token_id });
from_json!(lenient NftTransfer { receiver_id, token_id, approval_id, memo, msg });
from_json!(lenient NftResolveTransfer { previous_owner_id, receiver_id, token_id, reserved_bytes });
from_json!(lenient NftTokens { from_index, limit });
from_json!(lenient NftTokensOf { account_id, from_index, limit });
