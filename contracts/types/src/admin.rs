//! Arguments of methods that all contracts share.

use serde::{Deserialize, Serialize};

use crate::{AccountId, from_json};

/// `new` of contracts that ask the registry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Admin until governance takes over.
    pub account: AccountId,
    pub registry: AccountId,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PauseFeature {
    pub feature: String,
    pub for_ms: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Feature {
    pub feature: String,
}

from_json!(Setup { account, registry });
from_json!(PauseFeature { feature, for_ms });
from_json!(Feature { feature });
