//! Arguments of the contract's methods; `execute_upgrade` takes [`ExecuteUpgrade`] in borsh.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Choice, LineId, Member, Params, ProposalId, ReleaseContent};
use crate::registry::AgentId;
use crate::{AccountId, Hash32, from_json};

/// `new`: the first line is the one that upgrades Charter's own contracts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Setup {
    pub account: AccountId,
    pub registry: AccountId,
    pub council: Vec<Member>,
    pub params: Params,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateLine {
    pub name: String,
    /// Empty: the owner alone.
    #[serde(default, deserialize_with = "crate::json::or_default")]
    pub council: Vec<Member>,
    #[serde(default, deserialize_with = "crate::json::or_default")]
    pub params: Params,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProposeRelease {
    pub line: LineId,
    pub content: ReleaseContent,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProposeUpgrade {
    pub contract: AccountId,
    pub code_hash: Hash32,
}

/// The voter repeats what is voted on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Vote {
    pub proposal: ProposalId,
    pub content_hash: Hash32,
    pub choice: Choice,
}

/// `proposal`, `queue`, `publish`, `cancel`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProposalRef {
    pub proposal: ProposalId,
}

/// `line`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LineRef {
    pub line: LineId,
}

#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Enroll {
    pub agent: AgentId,
    pub line: LineId,
}

/// `release_for`, `leave`.
#[derive(Clone, Copy, Debug, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AgentRef {
    pub agent: AgentId,
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct ExecuteUpgrade {
    pub proposal: ProposalId,
    pub code: Vec<u8>,
}

from_json!(Setup { account, registry, council, params });
from_json!(CreateLine { name, council = Vec::new(), params = Params::default() });
from_json!(ProposeRelease { line, content });
from_json!(ProposeUpgrade { contract, code_hash });
from_json!(Vote { proposal, content_hash, choice });
from_json!(ProposalRef { proposal });
from_json!(LineRef { line });
from_json!(Enroll { agent, line });
from_json!(AgentRef { agent });
