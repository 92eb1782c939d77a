//! Agent identity.

pub mod args;
mod error;
pub mod nft;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::json::{Fields, FromJson, Json, unknown_variant};
use crate::{AccountId, Ed25519Key, Hash32, from_json};

pub use error::RegistryError;

pub const STANDARD: &str = "charter_registry";
pub const VERSION: &str = "1.0.0";

/// Longest card address, bytes.
pub const CARD_URI_BYTES_MAX: usize = 128;
pub const OPERATORS_MAX: usize = 8;
pub const GUARDIANS_MAX: usize = 8;
pub const KEYS_MAX: usize = 16;
/// Longest pause a guardian can order; the owner may pause for ever.
pub const GUARDIAN_PAUSE_MS_MAX: u64 = 7 * 24 * 3_600_000;
/// Most agents in one `rearm`.
pub const REARM_MAX: usize = 20;

pub type AgentId = u64;

/// What authority over an agent was when something was stored. Validity is comparison: if either number moved, the
/// thing is dead. Numbers come from one counter per registry and never come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Epochs {
    pub agent: u64,
    pub owner: u64,
}

/// Whether the agent may act.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Status {
    Active,
    /// `until_ms` is absent for a pause that only the owner ends.
    Paused {
        until_ms: Option<u64>,
    },
}

/// A file that describes the agent (ERC-8004 registration or A2A card). The hash makes a swapped file show.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    pub uri: String,
    pub sha256: Hash32,
}

/// What an operator may do. Never money, roles or hand-over.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[borsh(use_discriminant = false)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Change the card.
    Card,
    /// Name the agent's own account.
    AgentAccount,
    /// Add and remove keys.
    Keys,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    pub account: AccountId,
    pub permissions: Vec<Permission>,
    pub expires_ms: u64,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[borsh(use_discriminant = false)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Sign,
    Pay,
}

/// A key that speaks for the agent. It is no access key: nothing of NEAR can be done with it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AgentKey {
    pub key: Ed25519Key,
    pub purpose: Purpose,
    pub expires_ms: u64,
}

/// What a new key signs to show that its holder wants it registered. Signed under [`KEY_PROOF_PURPOSE`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct KeyProof {
    pub agent: AgentId,
    /// The agent's epoch: a proof from before a hand-over is void.
    pub epoch: u64,
    pub key: Ed25519Key,
    pub purpose: Purpose,
    pub expires_ms: u64,
}

pub const KEY_PROOF_PURPOSE: &str = "charter/registry/key";

/// An agent as views and events show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    pub id: AgentId,
    pub owner: AccountId,
    pub status: Status,
    pub card: Card,
    /// Counts changes of the card; `set_card` names the one it replaces.
    pub card_revision: u64,
    /// The agent's own small account.
    pub agent_account: Option<AccountId>,
    pub payout: AccountId,
    pub operators: Vec<Operator>,
    pub guardians: Vec<AccountId>,
    pub keys: Vec<AgentKey>,
    pub epoch: u64,
    /// The owner's epoch when the agent was last armed; another one means that the owner pressed the panic button.
    pub owner_epoch: u64,
    /// Who may take the agent over.
    pub offered_to: Option<AccountId>,
    pub created_ms: u64,
}

/// An owner as views and events show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub account: AccountId,
    pub epoch: u64,
    pub agents: u64,
}

/// The answer other contracts act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    pub owner: AccountId,
    pub status: Status,
    /// False from the owner's panic until the agent is rearmed: nothing new may be stored for it.
    pub armed: bool,
    pub roles: Roles,
    pub epochs: Epochs,
}

/// What one account is to one agent, at the time of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    pub owner: bool,
    pub agent: bool,
    pub guardian: bool,
    pub operator: Vec<Permission>,
}

/// Payload of a registry event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    Agent(Box<Agent>),
    AgentRetired(AgentId),
    Owner(Owner),
}

from_json!(Card { uri, sha256 });
from_json!(enum Permission { "card" => Card, "agent_account" => AgentAccount, "keys" => Keys });
from_json!(Operator { account, permissions, expires_ms });
from_json!(enum Purpose { "sign" => Sign, "pay" => Pay });
from_json!(lenient Epochs { agent, owner });
from_json!(lenient Roles { owner, agent, guardian, operator });
from_json!(lenient Authority { owner, status, armed, roles, epochs });

impl FromJson for Status {
    fn from_json(json: Json) -> Result<Self, String> {
        let mut fields = Fields::of(json)?;
        let state: String = fields.take("state", None)?;
        let status = match state.as_str() {
            "active" => Self::Active,
            "paused" => Self::Paused { until_ms: fields.take("until_ms", None)? },
            _ => return unknown_variant(&state),
        };
        Ok(status)
    }
}
