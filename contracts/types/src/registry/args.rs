//! Arguments of the contract's methods.

use serde::{Deserialize, Serialize};

use super::{AgentId, Card, Operator, Purpose};
use crate::{AccountId, Ed25519Key, Signature64, from_json};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterAgent {
    pub card: Card,
    #[serde(default)]
    pub agent_account: Option<AccountId>,
    #[serde(default)]
    pub operators: Vec<Operator>,
    #[serde(default)]
    pub guardians: Vec<AccountId>,
}

/// `agent`, `epochs`, `unpause`, `retire`, `accept_transfer`, `cancel_transfer`, `revoke_all`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentRef {
    pub agent: AgentId,
}

/// Compare-and-set: `expected_revision` is the revision being replaced.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetCard {
    pub agent: AgentId,
    pub card: Card,
    pub expected_revision: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetAgentAccount {
    pub agent: AgentId,
    pub agent_account: Option<AccountId>,
}

/// Adds an operator or replaces what one may do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetOperator {
    pub agent: AgentId,
    pub operator: Operator,
}

/// `authority`, `remove_operator`, `set_guardian`, `remove_guardian`, `offer_transfer`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentAccount {
    pub agent: AgentId,
    pub account: AccountId,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddKey {
    pub agent: AgentId,
    pub key: Ed25519Key,
    pub purpose: Purpose,
    pub expires_ms: u64,
    /// The new key's signature over its [`super::KeyProof`].
    pub proof: Signature64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveKey {
    pub agent: AgentId,
    pub key: Ed25519Key,
}

/// Without `for_ms` the pause lasts until the owner ends it; only the owner may order that.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    pub agent: AgentId,
    #[serde(default)]
    pub for_ms: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rearm {
    pub agents: Vec<AgentId>,
}

from_json!(RegisterAgent { card, agent_account, operators = Vec::new(), guardians = Vec::new() });
from_json!(AgentRef { agent });
from_json!(SetCard { agent, card, expected_revision });
from_json!(SetAgentAccount { agent, agent_account });
from_json!(SetOperator { agent, operator });
from_json!(AgentAccount { agent, account });
from_json!(AddKey { agent, key, purpose, expires_ms, proof });
from_json!(RemoveKey { agent, key });
from_json!(Pause { agent, for_ms });
from_json!(Rearm { agents });
