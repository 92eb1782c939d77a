//! How records stand in storage. A layout never changes: a record that does gets a version, see `charter_common::stored`.

use charter_common::{EpochsV1, Layout, layout, stored};
use charter_types::keys::{
    Allowance, Approval, ApprovalState, Assurance, Budget, Envelope, Grant, Grantee, Host, HostStatus, Lease, Mode,
    Rate, Recipient, SealedKey, Secret, SecretStatus, Snapshot, Suspension, Unit,
};
use charter_types::{AccountId, Base64Bytes, Ed25519Key, Hash32, U128, X25519Key};

stored!(StoredHost: 0 = HostV1);
stored!(StoredSecret: 0 = SecretV1);
stored!(StoredEnvelope: bare EnvelopeV1);
stored!(StoredSealedKey: bare SealedKeyV1);
stored!(StoredRecipient: bare RecipientV1);
stored!(StoredGrant: 1 = GrantV2, before 0 = GrantV1);
stored!(StoredBudget: 0 = BudgetV1);
stored!(StoredLease: 0 = LeaseV1);
stored!(StoredApproval: 0 = ApprovalV1);

layout! {
    struct HostV1 for Host {
        id: u64,
        operator: AccountId,
        sign_key: Ed25519Key,
        encrypt_key: X25519Key,
        assurance: AssuranceV1,
        status: HostStatusV1,
        generation: u64,
        max_staleness_ms: u64,
        receipts: u64,
        receipt_root: Hash32,
    }
}
layout! { enum HostStatusV1 for HostStatus { 0 = Active, 1 = Suspended, 2 = Revoked } }
layout! {
    enum AssuranceV1 for Assurance {
        0 = Declared,
        1 = Attested { agent: u64, measurement: Hash32, expires_ms: u64 },
    }
}
layout! {
    struct SecretV1 for Secret {
        id: u64,
        agent: u64,
        label_hash: Hash32,
        mode: ModeV1,
        status: SecretStatusV1,
        version: u32,
        epoch: u64,
        ceiling_hash: Hash32,
        envelope_sha256: Hash32,
        envelope_bytes: u32,
        rotate_by_ms: u64,
        recipients: u32,
        epochs: EpochsV1,
    }
}
layout! { enum ModeV1 for Mode { 0 = Sealed, 1 = Mpc, 2 = External } }
layout! { enum SecretStatusV1 for SecretStatus { 0 = Active, 1 = Retired } }
layout! {
    enum EnvelopeV1 for Envelope {
        0 = Inline(bytes: Base64Bytes),
        1 = Elsewhere { uri: String, sha256: Hash32, bytes: u32 },
    }
}
layout! { struct SealedKeyV1 for SealedKey { sealed: Base64Bytes, host_generation: u64 } }
layout! { struct RecipientV1 for Recipient { host: u64, version: u32, since_ms: u64 } }
/// A grant as release `faa0a5a` has it. It names no hosts, so it is good wherever the secret is sealed to; it names no
/// measurements, so one that needs attestation is dead.
#[expect(clippy::struct_excessive_bools, reason = "as the record had them")]
pub struct EarlyGrant {
    id: u64,
    agent: u64,
    secret: u64,
    parent: Option<u64>,
    depth: u8,
    grantor: AccountId,
    grantee: Grantee,
    policy_hash: Hash32,
    not_before_ms: u64,
    expires_ms: u64,
    needs_approval: bool,
    needs_attestation: bool,
    no_delegation: bool,
    has_budget: bool,
    suspended: Suspension,
    revoked: bool,
    generation: u64,
    snapshot: Snapshot,
}

impl From<EarlyGrant> for Grant {
    fn from(early: EarlyGrant) -> Self {
        Self {
            id: early.id,
            agent: early.agent,
            secret: early.secret,
            parent: early.parent,
            depth: early.depth,
            grantor: early.grantor,
            grantee: early.grantee,
            policy_hash: early.policy_hash,
            not_before_ms: early.not_before_ms,
            expires_ms: early.expires_ms,
            hosts: Vec::new(),
            rate: None,
            needs_approval: early.needs_approval,
            needs_attestation: early.needs_attestation,
            measurements: Vec::new(),
            no_delegation: early.no_delegation,
            has_budget: early.has_budget,
            suspended: early.suspended,
            revoked: early.revoked,
            generation: early.generation,
            snapshot: early.snapshot,
        }
    }
}

/// A rate, or zeros for none: a grant keeps its length when it is narrowed, whoever pays for it.
pub enum RateV1 {}

impl Layout for RateV1 {
    type Value = Option<Rate>;

    fn write(rate: &Self::Value, row: &mut Vec<u8>) {
        let Rate { uses, per_ms } = rate.unwrap_or(Rate { uses: 0, per_ms: 0 });
        u32::write(&uses, row);
        u64::write(&per_ms, row);
    }

    fn read(row: &mut &[u8]) -> Option<Self::Value> {
        let rate = Rate { uses: u32::read(row)?, per_ms: u64::read(row)? };
        Some((rate.uses > 0).then_some(rate))
    }
}

layout! {
    struct GrantV2 for Grant {
        id: u64,
        agent: u64,
        secret: u64,
        parent: Option<u64>,
        depth: u8,
        grantor: AccountId,
        grantee: GranteeV1,
        policy_hash: Hash32,
        not_before_ms: u64,
        expires_ms: u64,
        hosts: Vec<u64>,
        rate: RateV1,
        needs_approval: bool,
        needs_attestation: bool,
        measurements: Vec<Hash32>,
        no_delegation: bool,
        has_budget: bool,
        suspended: SuspensionV1,
        revoked: bool,
        generation: u64,
        snapshot: SnapshotV1,
    }
}
layout! {
    struct GrantV1 for EarlyGrant {
        id: u64,
        agent: u64,
        secret: u64,
        parent: Option<u64>,
        depth: u8,
        grantor: AccountId,
        grantee: GranteeV1,
        policy_hash: Hash32,
        not_before_ms: u64,
        expires_ms: u64,
        needs_approval: bool,
        needs_attestation: bool,
        no_delegation: bool,
        has_budget: bool,
        suspended: SuspensionV1,
        revoked: bool,
        generation: u64,
        snapshot: SnapshotV1,
    }
}
layout! { enum SuspensionV1 for Suspension { 0 = No, 1 = ByGrantor, 2 = ByOwner } }
layout! {
    enum GranteeV1 for Grantee {
        0 = Account(account: AccountId),
        1 = AgentKey(key: Ed25519Key),
        2 = Host(host: u64),
        3 = Measurement(measurement: Hash32),
    }
}
layout! {
    struct SnapshotV1 for Snapshot {
        epochs: EpochsV1,
        secret_epoch: u64,
        parent_generation: Option<u64>,
        host_generation: Option<u64>,
    }
}
layout! {
    struct BudgetV1 for Budget {
        grant: u64,
        allowance: AllowanceV1,
        level: U128,
        updated_ms: u64,
        reserved: U128,
        spent: U128,
    }
}
layout! { struct AllowanceV1 for Allowance { unit: UnitV1, capacity: U128, refill: U128, period_ms: u64 } }
layout! { enum UnitV1 for Unit { 0 = Uses, 1 = Asset(name: String) } }
layout! {
    struct LeaseV1 for Lease {
        id: u64,
        grant: u64,
        host: u64,
        amount: U128,
        expires_ms: u64,
        digest: Option<Hash32>,
    }
}
layout! {
    struct ApprovalV1 for Approval {
        grant: u64,
        digest: Hash32,
        host: u64,
        requested_by: AccountId,
        state: ApprovalStateV1,
        expires_ms: u64,
        generation: u64,
    }
}
layout! { enum ApprovalStateV1 for ApprovalState { 0 = Requested, 1 = Approved, 2 = Rejected } }
