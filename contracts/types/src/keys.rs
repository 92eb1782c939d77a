//! Credentials an agent may use without ever seeing them.

pub mod args;
mod decision;
mod error;
mod policy;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::json::{FromJson, Json, unknown_variant, variant};
use crate::registry::{AgentId, Epochs};
use crate::{AccountId, Base64Bytes, Ed25519Key, Hash32, X25519Key, from_json};

pub use decision::{Action, Decision, Denial, Evidence, Obligations, check_live, decide};
pub use error::KeysError;
pub use policy::{Effect, Inject, Method, PATHS_MAX, Policy, Scheme, TARGETS_MAX, Target};

pub const STANDARD: &str = "charter_keys";
pub const VERSION: &str = "1.0.0";

/// Longest ciphertext kept on chain, bytes.
pub const ENVELOPE_BYTES_MAX: usize = 4_096;
/// Longest sealed data key, bytes.
pub const WRAP_BYTES_MAX: usize = 128;
/// Hosts that one call can seal to.
pub const WRAPS_MAX: usize = 8;
/// A root grant has depth 0; one delegated from it has 1.
pub const DEPTH_MAX: u8 = 4;
/// How old a view a host may act on.
pub const STALENESS_MS_MAX: u64 = 600_000;

pub type SecretId = u64;
pub type GrantId = u64;
pub type HostId = u64;

/// A machine that holds plaintext for the length of one request.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Host {
    pub id: HostId,
    pub operator: AccountId,
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
    pub assurance: Assurance,
    /// Moves when the host is revoked: grants to it die by comparison.
    pub generation: u64,
    pub max_staleness_ms: u64,
}

/// Why anybody should trust a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[borsh(use_discriminant = false)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// Its operator says so.
    Declared,
}

/// What a host's signing key signs to endorse its encryption key. Signed under [`HOST_PROOF_PURPOSE`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct HostProof {
    pub operator: AccountId,
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
}

pub const HOST_PROOF_PURPOSE: &str = "charter/keys/host";

/// A credential whose plaintext no chain ever holds.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Secret {
    pub id: SecretId,
    pub agent: AgentId,
    /// Salted hash of the name; unique per agent.
    pub label_hash: Hash32,
    pub mode: Mode,
    pub version: u32,
    /// Moves when the secret is revoked.
    pub epoch: u64,
    /// Hash of the widest policy any grant of this secret may have.
    pub ceiling_hash: Hash32,
    pub envelope_sha256: Hash32,
    pub envelope_bytes: u32,
    pub epochs: Epochs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[borsh(use_discriminant = false)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Sealed to hosts by HPKE (RFC 9180).
    Sealed,
}

/// What ciphertexts are bound to, as associated data: a swapped row can't be opened.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct EnvelopeContext {
    pub domain: Hash32,
    pub agent: AgentId,
    pub label_hash: Hash32,
    pub version: u32,
    /// The host a data key is sealed to; absent for the envelope itself.
    pub host: Option<HostId>,
}

pub const ENVELOPE_PURPOSE: &str = "charter/keys/envelope";

/// A data key sealed to one host.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrap {
    pub host: HostId,
    pub sealed: Base64Bytes,
}

/// Permission to use one secret in one way.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Grant {
    pub id: GrantId,
    pub agent: AgentId,
    pub secret: SecretId,
    pub parent: Option<GrantId>,
    pub depth: u8,
    pub grantor: AccountId,
    pub grantee: Grantee,
    pub policy_hash: Hash32,
    pub not_before_ms: u64,
    pub expires_ms: u64,
    pub needs_approval: bool,
    pub no_delegation: bool,
    pub revoked: bool,
    /// Moves with every change; what hangs below compares it.
    pub generation: u64,
    pub snapshot: Snapshot,
}

/// Who may use a grant.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    Account(AccountId),
    Host(HostId),
}

/// Everything a grant depends on, as it was when the grant was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Snapshot {
    pub epochs: Epochs,
    pub secret_epoch: u64,
    pub parent_generation: Option<u64>,
    pub host_generation: Option<u64>,
}

/// Payload of a keys event. Ciphertexts are not logged: their hash and length are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    Host(Host),
    Secret(Secret),
    Wrap {
        secret: SecretId,
        version: u32,
        host: HostId,
        sha256: Hash32,
        bytes: u32,
    },
    /// A grant with the preimage of its policy, so that an owner can always read what was granted.
    Granted {
        grant: Grant,
        policy: Policy,
    },
    /// A grant that changed without its policy changing.
    Grant(Grant),
    /// A call that needed authority and had none. Nothing was stored.
    Denied {
        agent: AgentId,
        code: String,
    },
}

from_json!(Wrap { host, sealed });

impl FromJson for Grantee {
    fn from_json(json: Json) -> Result<Self, String> {
        match variant(json)? {
            (name, Some(data)) if name == "account" => FromJson::from_json(data).map(Self::Account),
            (name, Some(data)) if name == "host" => FromJson::from_json(data).map(Self::Host),
            (name, _) => unknown_variant(&name),
        }
    }
}
