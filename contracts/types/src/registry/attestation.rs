//! What code an agent runs on, shown by a TEE.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::{AgentId, Epochs};
use crate::verifier::TcbStatus;
use crate::{AccountId, Domain, Ed25519Key, Hash32, Sha256, X25519Key};

/// Most measurements that a policy accepts, and most that it lists with those that were revoked.
pub const MEASUREMENTS_MAX: usize = 8;
pub const LISTED_MAX: usize = 32;
/// How long a nonce can be used.
pub const CHALLENGE_MS: u64 = 600_000;
/// Longest time an attestation may be good for.
pub const MAX_AGE_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// A measurement the owner accepts, for a time.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Measurement {
    /// [`crate::verifier::Report::measurement`].
    pub sha256: Hash32,
    #[wire(default)]
    pub from_ms: u64,
    pub until_ms: u64,
    /// Once true it stays true: what was found bad can't come back.
    #[wire(default)]
    pub revoked: bool,
}

/// Which code the owner lets the agent run.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct AttestationPolicy {
    pub measurements: Vec<Measurement>,
    /// How well patched a platform has to be.
    pub tcb: Vec<TcbStatus>,
    pub max_age_ms: u64,
}

/// A nonce that one quote may be bound to.
#[wire]
#[derive(Copy, Default, BorshSerialize, BorshDeserialize)]
pub struct Challenge {
    pub nonce: Hash32,
    /// 0: there is none, or it is consumed.
    pub until_ms: u64,
    /// A quote bound to it is being verified.
    #[wire(default)]
    pub submitted: bool,
}

/// All that is kept about the code an agent runs.
#[wire]
pub struct AttestationRecord {
    pub agent: AgentId,
    pub policy: AttestationPolicy,
    pub challenge: Challenge,
    pub attestation: Option<Attestation>,
}

/// What the workload puts into `report_data`: nothing else can make this quote again, nowhere and at no other time.
/// [`AttestationClaim::report_data`] is its hash under [`ATTESTATION_PURPOSE`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct AttestationClaim {
    pub agent: AgentId,
    pub epoch: u64,
    pub nonce: Hash32,
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
}

pub const ATTESTATION_PURPOSE: &str = "charter/registry/attestation";

impl AttestationClaim {
    /// The hash, and 32 zero bytes.
    pub fn report_data(&self, chain_id: &str, registry: &AccountId, sha256: Sha256) -> [u8; 64] {
        let domain = Domain { purpose: ATTESTATION_PURPOSE, version: 1, chain_id, contract: registry };
        let mut data = [0; 64];
        data[..32].copy_from_slice(&sha256(&domain.message(self, sha256)));
        data
    }
}

/// Keys that a TEE with an accepted measurement holds.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Attestation {
    pub sign_key: Ed25519Key,
    pub encrypt_key: X25519Key,
    pub measurement: Hash32,
    pub tcb: TcbStatus,
    pub verified_ms: u64,
    pub expires_ms: u64,
    pub epochs: Epochs,
}

/// Why an attestation counts for nothing now.
#[wire]
#[derive(Copy)]
pub enum Invalid {
    Expired,
    EpochMoved,
    /// The policy accepts neither measurement nor platform any more.
    Policy,
}

/// An agent's attestation and whether it is good now. Other contracts act on this answer.
#[wire]
pub struct AttestationAnswer {
    pub attestation: Option<Attestation>,
    pub invalid: Option<Invalid>,
}

/// Whether an attestation is good under the policy and the epochs of now.
pub fn attestation_state(
    attestation: &Attestation,
    policy: &AttestationPolicy,
    epochs: Epochs,
    now_ms: u64,
) -> Result<(), Invalid> {
    if attestation.epochs != epochs {
        return Err(Invalid::EpochMoved);
    }
    if !policy.accepts(attestation.measurement, attestation.tcb, now_ms) {
        return Err(Invalid::Policy);
    }
    // A shorter age in the policy shortens what was attested before.
    let expires_ms = attestation.expires_ms.min(attestation.verified_ms.saturating_add(policy.max_age_ms));
    if now_ms < expires_ms { Ok(()) } else { Err(Invalid::Expired) }
}

impl AttestationPolicy {
    pub fn accepts(&self, measurement: Hash32, tcb: TcbStatus, now_ms: u64) -> bool {
        let now = |known: &Measurement| !known.revoked && (known.from_ms..known.until_ms).contains(&now_ms);
        self.tcb.contains(&tcb) && self.measurements.iter().any(|known| known.sha256 == measurement && now(known))
    }
}
