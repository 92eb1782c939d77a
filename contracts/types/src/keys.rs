//! Credentials an agent may use without ever seeing them.

pub mod args;
mod budget;
mod decision;
mod error;
pub mod methods;
mod policy;

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::admin::SharedFact;
use crate::registry::{AgentId, Epochs};
use crate::{AccountId, Base64Bytes, Ed25519Key, Hash32, X25519Key};

pub use budget::{Allowance, Budget, LEASE_MS_MAX, Lease, LeaseId, Unit};
pub use decision::{Action, Asker, Decision, Denial, GrantRate, HttpAction, NearAction, Obligations};
pub use error::KeysError;
pub use policy::{Effect, Inject, Method, NearCall, Policy, Rate, Scheme, Target};

pub const STANDARD: &str = "charter_keys";
pub const VERSION: &str = "1.0.0";

/// Longest ciphertext kept on chain, bytes.
pub const ENVELOPE_BYTES_MAX: usize = 4_096;
/// Longest address of a ciphertext kept elsewhere, bytes.
pub const ENVELOPE_URI_BYTES_MAX: usize = 128;
/// Longest sealed data key, bytes.
pub const WRAP_BYTES_MAX: usize = 128;
/// Hosts that one call can seal to.
pub const WRAPS_MAX: usize = 8;
/// Grants that one call can make.
pub const GRANTS_MAX: usize = 8;
/// A root grant has depth 0; one delegated from it has 1.
pub const DEPTH_MAX: u8 = 4;
/// How old a view a host may act on.
pub const STALENESS_MS_MAX: u64 = 600_000;
/// How long a host counts as attested without asking the registry again, which may have revoked the attestation since.
pub const ATTESTED_MS_MAX: u64 = 24 * 3_600_000;
/// Hosts, and measurements of hosts, that a grant can name.
pub const NAMED_MAX: usize = 4;
/// Recipients that one call of `clean_secret` forgets.
pub const CLEANED_MAX: u64 = 20;
/// How long an approval can be good for.
pub const APPROVAL_MS_MAX: u64 = 7 * 24 * 3_600_000;

pub type SecretId = u64;
pub type GrantId = u64;
pub type HostId = u64;

/// A machine that holds plaintext for the length of one request.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Host {
    pub id: HostId,
    pub operator: AccountId,
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
    pub assurance: Assurance,
    pub status: HostStatus,
    /// Moves when the host is revoked or changes its keys: grants to it and what was sealed to it die by comparison.
    pub generation: u64,
    pub max_staleness_ms: u64,
    /// Number of the last use whose receipt is anchored.
    pub receipts: u64,
    /// Hash over all anchored Merkle roots: `sha256(previous ‖ root)`.
    pub receipt_root: Hash32,
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum HostStatus {
    Active,
    /// Its operator took it out of service, for a while.
    Suspended,
    /// Its keys may be known to others. It serves again once it has changed them.
    Revoked,
}

/// Why anybody should trust a host.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Assurance {
    /// Its operator says so.
    Declared,
    /// A TEE holds its keys: the registry has an attestation of this agent with them.
    Attested { agent: AgentId, measurement: Hash32, expires_ms: u64 },
}

/// What a host's signing key signs to endorse its encryption key. Signed under [`HOST_PROOF_PURPOSE`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct HostProof {
    pub operator: AccountId,
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
}

pub const HOST_PROOF_PURPOSE: &str = "charter/keys/host";

/// What a host's new signing key signs when the host changes its keys. It names the generation that the change makes, so it
/// is good once. Signed under [`HOST_CHANGE_PURPOSE`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct HostChange {
    pub host: HostId,
    pub generation: u64,
    pub operator: AccountId,
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
}

pub const HOST_CHANGE_PURPOSE: &str = "charter/keys/host-change";

/// A credential whose plaintext no chain ever holds.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Secret {
    pub id: SecretId,
    pub agent: AgentId,
    /// Salted hash of the name; unique per agent.
    pub label_hash: Hash32,
    pub mode: Mode,
    pub status: SecretStatus,
    pub version: u32,
    /// Moves when the secret is revoked.
    pub epoch: u64,
    /// Hash of the widest policy any grant of this secret may have.
    pub ceiling_hash: Hash32,
    /// Hash of the ciphertext, or of the secret where nothing but its hash is known (`External`).
    pub envelope_sha256: Hash32,
    pub envelope_bytes: u32,
    /// When the owner means to replace it at the provider; 0: never.
    pub rotate_by_ms: u64,
    /// To how many hosts some version of it was ever sealed.
    pub recipients: u32,
    pub epochs: Epochs,
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum Mode {
    /// Sealed to hosts by HPKE (RFC 9180).
    Sealed,
    /// Derived by NEAR's MPC network for whoever may use it.
    Mpc,
    /// Only its hash is here; the host has it from elsewhere.
    External,
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum SecretStatus {
    Active,
    /// For good. Its label stays taken, so that nothing else is ever sealed under it, see [`EnvelopeContext`].
    Retired,
}

/// Where a ciphertext is.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Envelope {
    Inline(Base64Bytes),
    Elsewhere { uri: String, sha256: Hash32, bytes: u32 },
}

/// What ciphertexts are bound to, as associated data: a swapped row can't be opened, and neither can one of before under
/// another ceiling. Agent, epochs, label and version together never come back: a label is free again only when the agent's
/// epochs have moved, or the agent is gone.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct EnvelopeContext {
    pub domain: Hash32,
    pub agent: AgentId,
    /// The agent's epochs when the secret was added; [`Secret::epochs`].
    pub epochs: Epochs,
    pub label_hash: Hash32,
    /// [`Secret::ceiling_hash`]: whoever opens it allows no more than that.
    pub ceiling_hash: Hash32,
    pub version: u32,
    /// The host a data key is sealed to; absent for the envelope itself.
    pub host: Option<HostId>,
}

pub const ENVELOPE_PURPOSE: &str = "charter/keys/envelope";

/// A data key sealed to one host.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Wrap {
    pub host: HostId,
    /// The host's generation when its key was read: the key of another one is another key.
    #[wire(default)]
    pub host_generation: u64,
    pub sealed: Base64Bytes,
}

/// A data key as it is kept: what it was sealed to may have moved since.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct SealedKey {
    pub sealed: Base64Bytes,
    /// The host's generation then.
    pub host_generation: u64,
}

/// A host that could open a version of a secret, once. You can't un-know a key.
#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct Recipient {
    pub host: HostId,
    pub version: u32,
    pub since_ms: u64,
}

/// Permission to use one secret in one way.
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of its own, and all of them show in views")]
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
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
    /// Hosts it may be used on. Empty: any that the secret is sealed to.
    #[wire(default)]
    pub hosts: Vec<HostId>,
    /// Its policy's rate, so that it counts for all that is delegated from the grant. Unknown (`null`) in grants of release
    /// `faa0a5a`.
    pub rate: Option<Rate>,
    pub needs_approval: bool,
    /// Only on a host that is attested with one of `measurements`.
    pub needs_attestation: bool,
    #[wire(default)]
    pub measurements: Vec<Hash32>,
    pub no_delegation: bool,
    /// Whether a [`Budget`] is kept for it.
    pub has_budget: bool,
    /// Stands still, with all below it, until resumed.
    pub suspended: Suspension,
    pub revoked: bool,
    /// Moves when the grant is narrowed or revoked; what hangs below compares it.
    pub generation: u64,
    pub snapshot: Snapshot,
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum Suspension {
    No,
    /// By who granted it, who may resume it.
    ByGrantor,
    /// By the agent's owner or a guardian: only the owner may resume it.
    ByOwner,
}

/// Who may use a grant.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Grantee {
    Account(AccountId),
    /// Whoever signs with this key of the agent's.
    AgentKey(Ed25519Key),
    /// The operator of this host, there.
    Host(HostId),
    /// The operator of any host attested with this measurement, there.
    Measurement(Hash32),
}

/// Everything a grant depends on, as it was when the grant was made.
#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct Snapshot {
    pub epochs: Epochs,
    pub secret_epoch: u64,
    pub parent_generation: Option<u64>,
    pub host_generation: Option<u64>,
}

/// A wish to have one action approved on one host, and what became of it. Consumed by the host's `reserve`. One that is
/// rejected stays until its time is over, so that the same is not asked again.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Approval {
    pub grant: GrantId,
    /// [`Action::digest`].
    pub digest: Hash32,
    pub host: HostId,
    pub requested_by: AccountId,
    pub state: ApprovalState,
    pub expires_ms: u64,
    /// The grant's generation then: a grant that changed needs a new approval.
    pub generation: u64,
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum ApprovalState {
    Requested,
    Approved,
    Rejected,
}

/// What NEAR's MPC contract answers `request_app_private_key` with (its CKD response).
#[wire]
pub struct DerivedKey {
    pub big_y: String,
    pub big_c: String,
}

/// What a call stored or touched.
#[wire]
#[derive(Default)]
pub struct Added {
    pub secret: Option<SecretId>,
    pub grants: Vec<GrantId>,
}

/// Receipts of a host's uses `from` to `to`, by the root of their Merkle tree.
#[wire]
pub struct Anchor {
    pub host: HostId,
    pub from: u64,
    pub to: u64,
    pub merkle_root: Hash32,
    pub at_ms: u64,
}

/// Payload of a keys event. Ciphertexts are not logged: their hash and length are.
#[wire]
pub enum Fact {
    /// What all contracts tell of themselves.
    Shared(SharedFact),
    Host(Host),
    Secret(Secret),
    Wrap {
        secret: SecretId,
        version: u32,
        host: HostId,
        host_generation: u64,
        sha256: Hash32,
        bytes: u32,
        /// Its position in `who_received`, if the host is one more that could open this version.
        received: Option<u32>,
        at_ms: u64,
    },
    WrapRemoved {
        secret: SecretId,
        version: u32,
        host: HostId,
    },
    /// A grant with the preimage of its policy, so that an owner can always read what was granted.
    Granted {
        grant: Box<Grant>,
        policy: Policy,
    },
    /// A grant that changed without its policy changing.
    Grant(Box<Grant>),
    Budget(Budget),
    Lease(Lease),
    LeaseEnded(LeaseId),
    Approval(Approval),
    ApprovalRemoved {
        grant: GrantId,
        host: HostId,
        digest: Hash32,
    },
    /// The first `left` who received a secret are remembered, and the `count` after them no more.
    RecipientsRemoved {
        secret: SecretId,
        left: u32,
        count: u32,
    },
    SecretRemoved(SecretId),
    GrantRemoved(GrantId),
    HostRemoved(HostId),
    /// NEAR's MPC network was asked to derive a key. The answer is public, encrypted to `app_public_key`.
    KeyReleased {
        grant: GrantId,
        secret: SecretId,
        host: HostId,
        app_public_key: String,
    },
    Mpc(AccountId),
    /// Kept in events alone: the contract has only the hash over all roots.
    Anchor(Anchor),
    /// A call that needed authority and had none. Nothing was stored.
    Denied {
        agent: AgentId,
        code: String,
    },
}
