//! Arguments of the contract's methods.

use borsh::BorshSerialize;
use charter_derive::wire;

use super::{
    Action, Allowance, Asker, Envelope, GrantId, Grantee, HostId, HostStatus, LeaseId, Mode, Policy, SecretId, Wrap,
};
use crate::registry::{AgentId, Epochs, Standing};
use crate::{Ed25519Key, Hash32, Signature64, U128, X25519Key};

#[wire(strict)]
pub struct RegisterHost {
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
    pub max_staleness_ms: u64,
    /// `sign_key`'s signature over [`super::HostProof`].
    pub proof: Signature64,
}

/// A host's new keys. Everything sealed or granted to it is dead, and its attestation names other keys.
#[wire(strict)]
pub struct ChangeHostKeys {
    pub host: HostId,
    /// The host's generation now.
    pub generation: u64,
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
    /// `sign_key`'s signature over [`super::HostChange`].
    pub proof: Signature64,
}

#[wire(strict)]
pub struct SetHostStatus {
    pub host: HostId,
    pub status: HostStatus,
}

/// The agent whose attestation in the registry names the host's keys.
#[wire(strict)]
pub struct AttestHost {
    pub host: HostId,
    pub agent: AgentId,
}

/// Uses `from` to `to` of a host, counted from 1, are the leaves of this Merkle tree.
#[wire(strict)]
pub struct AnchorReceipts {
    pub host: HostId,
    pub from: u64,
    pub to: u64,
    pub merkle_root: Hash32,
}

/// What a grant allows and how long, wherever it comes from.
#[wire(strict)]
pub struct GrantTerms {
    pub grantee: Grantee,
    pub policy: Policy,
    #[wire(default)]
    pub not_before_ms: u64,
    pub expires_ms: u64,
    /// Hosts it may be used on, sorted and each once. Named where something is used up: a budget or an approval, or a rate,
    /// which exactly one host counts. Empty: those of the grant above, and all where that names none.
    #[wire(default)]
    pub hosts: Vec<HostId>,
    #[wire(default)]
    pub needs_approval: bool,
    /// Only on hosts attested with one of these, sorted and each once. Empty: as the grant above has it.
    #[wire(default)]
    pub measurements: Vec<Hash32>,
    #[wire(default)]
    pub no_delegation: bool,
    pub budget: Option<Allowance>,
}

/// Secret, envelope, data keys and first grants in one call.
#[wire(strict)]
pub struct AddCredential {
    pub agent: AgentId,
    /// The agent's epochs that envelope and data keys were sealed for. Without them a move in between leaves a secret that
    /// nobody can open.
    pub epochs: Option<Epochs>,
    pub label_hash: Hash32,
    pub ceiling: Policy,
    pub envelope: Envelope,
    pub wraps: Vec<Wrap>,
    #[wire(default)]
    pub rotate_by_ms: u64,
    #[wire(default)]
    pub grants: Vec<GrantTerms>,
}

/// A secret whose ciphertext is not here: derived by MPC, or known by its hash only.
#[wire(strict)]
pub struct CreateSecret {
    pub agent: AgentId,
    pub label_hash: Hash32,
    pub mode: Mode,
    pub ceiling: Policy,
    /// Of the secret, for `external`.
    #[wire(default)]
    pub sha256: Hash32,
    #[wire(default)]
    pub rotate_by_ms: u64,
    #[wire(default)]
    pub grants: Vec<GrantTerms>,
}

/// Compare-and-set: the ciphertext that there is, at another place. A new one has a data key of its own, and a version.
#[wire(strict)]
pub struct PutEnvelope {
    pub secret: SecretId,
    pub expected_version: u32,
    pub envelope: Envelope,
}

#[wire(strict)]
pub struct AddWraps {
    pub secret: SecretId,
    pub expected_version: u32,
    pub wraps: Vec<Wrap>,
}

/// A new value: a version with ciphertext and data keys of its own, for hosts that could open the version before. Its data
/// keys are removed for the hosts named.
#[wire(strict)]
pub struct RotateSecret {
    pub secret: SecretId,
    pub expected_version: u32,
    pub envelope: Envelope,
    pub wraps: Vec<Wrap>,
    #[wire(default)]
    pub rotate_by_ms: u64,
}

#[wire(strict)]
pub struct GrantSecret {
    pub secret: SecretId,
    /// Preimage of the secret's `ceiling_hash`.
    pub ceiling: Policy,
    pub terms: GrantTerms,
}

#[wire(strict)]
pub struct GrantBatch {
    pub secret: SecretId,
    pub ceiling: Policy,
    pub grants: Vec<GrantTerms>,
}

#[wire(strict)]
pub struct Delegate {
    pub parent: GrantId,
    /// Preimage of the parent's `policy_hash`.
    pub parent_policy: Policy,
    pub terms: GrantTerms,
}

/// Takes some of a grant away. What hangs below it is dead: it might allow what the grant no longer does.
#[wire(strict)]
pub struct Narrow {
    pub grant: GrantId,
    /// Preimage of the grant's `policy_hash`.
    pub policy: Policy,
    pub narrower: Policy,
    pub expires_ms: u64,
}

/// Asks for an approval of one action, to be used on one host.
#[wire(strict)]
pub struct RequestApproval {
    pub grant: GrantId,
    pub digest: Hash32,
    pub host: HostId,
    pub expires_ms: u64,
}

#[wire(strict)]
pub struct ApprovalRef {
    pub grant: GrantId,
    /// Absent: one that was asked for in release `faa0a5a`, which knew one for all hosts.
    pub host: Option<HostId>,
    pub digest: Hash32,
}

/// What is approved or rejected: all of what was asked for.
#[wire(strict)]
pub struct AnswerApproval {
    pub grant: GrantId,
    pub host: HostId,
    pub digest: Hash32,
    /// When the approval ends, as it was asked for.
    pub expires_ms: u64,
}

#[wire(strict)]
pub struct Reserve {
    pub grant: GrantId,
    pub host: HostId,
    /// 0 where only an approval is to be consumed.
    pub amount: U128,
    pub for_ms: u64,
    /// The action's digest, if the grant asks for approval.
    pub digest: Option<Hash32>,
}

#[wire(strict)]
pub struct Settle {
    pub lease: LeaseId,
    pub used: U128,
}

#[wire(strict)]
pub struct LeaseRef {
    pub lease: LeaseId,
}

#[wire(strict)]
pub struct RequestKeyRelease {
    pub grant: GrantId,
    pub host: HostId,
    /// What the derived key is encrypted to, as NEAR's MPC contract takes it (`bls12381g1:…`).
    pub app_public_key: String,
    /// The host's signature over [`ReleaseProof`].
    pub proof: Signature64,
}

#[wire(strict)]
pub struct SecretRef {
    pub secret: SecretId,
}

#[wire(strict)]
pub struct GrantRef {
    pub grant: GrantId,
}

#[wire(strict)]
pub struct HostRef {
    pub host: HostId,
}

/// The data key of a secret's newest version as sealed to a host.
#[wire(strict)]
pub struct WrapRef {
    pub secret: SecretId,
    pub host: HostId,
}

#[wire(strict)]
pub struct Received {
    pub secret: SecretId,
    #[wire(default)]
    pub from: u64,
    pub limit: Option<u64>,
}

/// `check`. No contract can read another in a view, so the caller says what the registry says; whoever relies on the
/// answer reads both at one block.
#[wire(strict)]
pub struct Check {
    pub grant: GrantId,
    pub policy: Policy,
    pub host: HostId,
    pub asker: Asker,
    pub standing: Standing,
    pub action: Action,
}

/// `check_live` asks the registry itself, and answers in a callback.
#[wire(strict)]
pub struct CheckLive {
    pub grant: GrantId,
    pub policy: Policy,
    pub host: HostId,
    pub asker: Asker,
    pub action: Action,
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
