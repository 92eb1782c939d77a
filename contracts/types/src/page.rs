//! Paged lists.

use serde::{Deserialize, Serialize};

use crate::{AccountId, PAGE_MAX, from_json};

/// From which id on (or how many to skip, where a list has no ids), and how many at most.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Page {
    #[serde(default, deserialize_with = "crate::json::or_default")]
    pub from: u64,
    #[serde(default)]
    pub limit: Option<u64>,
}

/// The same, of one account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PageOf {
    pub account: AccountId,
    #[serde(default, deserialize_with = "crate::json::or_default")]
    pub from: u64,
    #[serde(default)]
    pub limit: Option<u64>,
}

/// Rows to return for a wished limit.
pub fn page_size(limit: Option<u64>) -> usize {
    usize::try_from(limit.unwrap_or(PAGE_MAX).min(PAGE_MAX)).unwrap_or(0)
}

/// A call without arguments.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// One account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub account: AccountId,
}

from_json!(Page { from = 0, limit });
from_json!(PageOf { account, from = 0, limit });
from_json!(Nothing {});
from_json!(Named { account });
