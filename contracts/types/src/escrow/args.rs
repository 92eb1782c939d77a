//! Arguments of the contract's methods; `claim_batch` takes [`super::ClaimBatch`] in borsh.

use serde::{Deserialize, Serialize};

use super::ChannelId;
use crate::{AccountId, Ed25519Key, from_json};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Open {
    pub payee: AccountId,
    #[serde(default)]
    pub agent: Option<u64>,
    pub voucher_key: Ed25519Key,
    pub withdraw_delay_ms: u64,
}

/// `channel`, `top_up`, `close`, `request_close`, `cancel_close`, `finalize_close`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChannelRef {
    pub channel: ChannelId,
}

/// `withdraw`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Channels {
    pub channels: Vec<ChannelId>,
}

from_json!(Open { payee, agent, voucher_key, withdraw_delay_ms });
from_json!(ChannelRef { channel });
from_json!(Channels { channels });
