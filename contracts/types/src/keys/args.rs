//! Arguments of the contract's methods.

use borsh::BorshSerialize;

use super::{
    Action, Allowance, Asker, Envelope, GrantId, Grantee, HostId, HostStatus, LeaseId, Mode, Policy, SecretId, Wrap,
};
use crate::args::arguments;
use crate::registry::{AgentId, Standing};
use crate::{Ed25519Key, Hash32, Signature64, U128, X25519Key};

arguments! {
    RegisterHost {
        sign_key: Ed25519Key,
        encrypt_key: X25519Key,
        max_staleness_ms: u64,
        /// `sign_key`'s signature over [`super::HostProof`].
        proof: Signature64,
    }

    SetHostStatus { host: HostId, status: HostStatus }

    /// The agent whose attestation in the registry names the host's keys.
    AttestHost { host: HostId, agent: AgentId }

    /// Uses `from` to `to` of a host, counted from 1, are the leaves of this Merkle tree.
    AnchorReceipts { host: HostId, from: u64, to: u64, merkle_root: Hash32 }

    /// What a grant allows and how long, wherever it comes from.
    GrantTerms {
        grantee: Grantee,
        policy: Policy,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        not_before_ms: u64 = 0,
        expires_ms: u64,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        needs_approval: bool = false,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        needs_attestation: bool = false,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        no_delegation: bool = false,
        #[serde(default)]
        budget: Option<Allowance>,
    }

    /// Secret, envelope, data keys and first grants in one call.
    AddCredential {
        agent: AgentId,
        label_hash: Hash32,
        ceiling: Policy,
        envelope: Envelope,
        wraps: Vec<Wrap>,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        rotate_by_ms: u64 = 0,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        grants: Vec<GrantTerms> = Vec::new(),
    }

    /// A secret whose ciphertext is not here: derived by MPC, or known by its hash only.
    CreateSecret {
        agent: AgentId,
        label_hash: Hash32,
        mode: Mode,
        ceiling: Policy,
        /// Of the secret, for `external`.
        #[serde(default, deserialize_with = "crate::json::or_default")]
        sha256: Hash32 = Hash32::default(),
        #[serde(default, deserialize_with = "crate::json::or_default")]
        rotate_by_ms: u64 = 0,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        grants: Vec<GrantTerms> = Vec::new(),
    }

    /// Compare-and-set: another ciphertext of the version there is.
    PutEnvelope { secret: SecretId, expected_version: u32, envelope: Envelope }

    AddWraps { secret: SecretId, wraps: Vec<Wrap> }

    /// A new value: a version with ciphertext and data keys of its own. Those of before are removed for the hosts named.
    RotateSecret {
        secret: SecretId,
        expected_version: u32,
        envelope: Envelope,
        wraps: Vec<Wrap>,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        rotate_by_ms: u64 = 0,
    }

    GrantSecret {
        secret: SecretId,
        /// Preimage of the secret's `ceiling_hash`.
        ceiling: Policy,
        terms: GrantTerms,
    }

    GrantBatch { secret: SecretId, ceiling: Policy, grants: Vec<GrantTerms> }

    Delegate {
        parent: GrantId,
        /// Preimage of the parent's `policy_hash`.
        parent_policy: Policy,
        terms: GrantTerms,
    }

    /// Takes some of a grant away. What hangs below it is dead: it might allow what the grant no longer does.
    Narrow {
        grant: GrantId,
        /// Preimage of the grant's `policy_hash`.
        policy: Policy,
        narrower: Policy,
        expires_ms: u64,
    }

    /// Asks for an approval of one action, to be used on one host.
    RequestApproval { grant: GrantId, digest: Hash32, host: HostId, expires_ms: u64 }

    ApprovalRef { grant: GrantId, digest: Hash32 }

    Reserve {
        grant: GrantId,
        host: HostId,
        /// 0 where only an approval is to be consumed.
        amount: U128,
        for_ms: u64,
        /// The action's digest, if the grant asks for approval.
        #[serde(default)]
        digest: Option<Hash32>,
    }

    Settle { lease: LeaseId, used: U128 }

    LeaseRef { lease: LeaseId }

    RequestKeyRelease {
        grant: GrantId,
        host: HostId,
        /// What the derived key is encrypted to, as NEAR's MPC contract takes it (`bls12381g1:…`).
        app_public_key: String,
        /// The host's signature over [`ReleaseProof`].
        proof: Signature64,
    }

    SecretRef { secret: SecretId }
    GrantRef { grant: GrantId }
    HostRef { host: HostId }

    /// The data key of a secret's newest version as sealed to a host.
    WrapRef { secret: SecretId, host: HostId }

    Received {
        secret: SecretId,
        #[serde(default, deserialize_with = "crate::json::or_default")]
        from: u64 = 0,
        #[serde(default)]
        limit: Option<u64>,
    }

    /// `check`. No contract can read another in a view, so the caller says what the registry says; whoever relies on the
    /// answer reads both at one block.
    Check { grant: GrantId, policy: Policy, host: HostId, asker: Asker, standing: Standing, action: Action }

    /// `check_live` asks the registry itself, and answers in a callback.
    CheckLive { grant: GrantId, policy: Policy, host: HostId, asker: Asker, action: Action }
}

/// What a host signs so that a derived key is encrypted to `app_public_key`. Signed under [`RELEASE_PURPOSE`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct ReleaseProof {
    pub host: HostId,
    pub host_generation: u64,
    pub grant: GrantId,
    pub secret: SecretId,
    pub secret_epoch: u64,
    pub app_public_key: String,
}

pub const RELEASE_PURPOSE: &str = "charter/keys/release";
