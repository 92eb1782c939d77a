//! Arguments of the contract's methods.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Action, GrantId, Grantee, HostId, Policy, SecretId, Wrap};
use crate::registry::AgentId;
use crate::{AccountId, Base64Bytes, Ed25519Key, Hash32, Signature64, X25519Key, from_json};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterHost {
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
    pub max_staleness_ms: u64,
    /// `sign_key`'s signature over [`HostProof`].
    pub proof: Signature64,
}

/// What a grant allows and how long, wherever it comes from.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantTerms {
    pub grantee: Grantee,
    pub policy: Policy,
    #[serde(default)]
    pub not_before_ms: u64,
    pub expires_ms: u64,
    #[serde(default)]
    pub needs_approval: bool,
    #[serde(default)]
    pub no_delegation: bool,
}

/// Secret, envelope, data keys and first grant in one call.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddCredential {
    pub agent: AgentId,
    pub label_hash: Hash32,
    pub ceiling: Policy,
    pub envelope: Base64Bytes,
    pub wraps: Vec<Wrap>,
    #[serde(default)]
    pub grant: Option<GrantTerms>,
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantSecret {
    pub secret: SecretId,
    /// Preimage of the secret's `ceiling_hash`.
    pub ceiling: Policy,
    pub terms: GrantTerms,
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    pub parent: GrantId,
    /// Preimage of the parent's `policy_hash`.
    pub parent_policy: Policy,
    pub terms: GrantTerms,
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddWraps {
    pub secret: SecretId,
    pub wraps: Vec<Wrap>,
}

/// `secret`, `envelope`, `revoke_secret`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    pub secret: SecretId,
}

/// `grant_of`, `lineage`, `revoke_grant`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRef {
    pub grant: GrantId,
}

/// `host`, `revoke_host`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRef {
    pub host: HostId,
}

/// `wrap`: the data key of a secret as sealed to a host.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrapRef {
    pub secret: SecretId,
    pub host: HostId,
}

/// `check`. No contract can read another in a view, so the caller says what the registry says; whoever relies on the
/// answer reads both at one block.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub grant: GrantId,
    pub policy: Policy,
    pub host: HostId,
    pub asker: AccountId,
    pub authority: crate::registry::Authority,
    pub action: Action,
}

from_json!(RegisterHost { sign_key, encrypt_key, max_staleness_ms, proof });
from_json!(GrantTerms { grantee, policy, not_before_ms = 0, expires_ms, needs_approval = false, no_delegation = false });
from_json!(AddCredential { agent, label_hash, ceiling, envelope, wraps, grant });
from_json!(GrantSecret { secret, ceiling, terms });
from_json!(Delegate { parent, parent_policy, terms });
from_json!(AddWraps { secret, wraps });
from_json!(SecretRef { secret });
from_json!(GrantRef { grant });
from_json!(HostRef { host });
from_json!(WrapRef { secret, host });
from_json!(Check { grant, policy, host, asker, authority, action });
