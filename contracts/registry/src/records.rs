//! How records stand in storage. A layout never changes: a record that does gets a version, see `charter_common::stored`.

use charter_common::{EpochsV1, Layout, layout, stored};
use charter_types::registry::{
    AgentKey, Attestation, AttestationPolicy, Card, Challenge, Measurement, Offer, Operator, PausedBy, Permission,
    Purpose, Recoverers, Recovery, RecoveryProposal, Reputation,
};
use charter_types::verifier::TcbStatus;
use charter_types::{AccountId, AnyKey, Ed25519Key, Hash32, U128, X25519Key};

use crate::model::{Agent, Attested, Counted, HandleState, Owner};

stored!(StoredAgent: 1 = AgentV2, before 0 = AgentV1);
stored!(StoredOwner: 1 = OwnerV2, before 0 = OwnerV1);
stored!(StoredHeartbeat: bare u64);
stored!(StoredRecovery: 0 = RecoveryV1);
stored!(StoredProposal: 0 = RecoveryProposalV1);
stored!(StoredAttested: 1 = AttestedV2, before 0 = AttestedV1);
stored!(StoredReputation: 2 = ReputationV3, before 1 = ReputationV2, before 0 = ReputationV1);
stored!(StoredHandle: bare HandleV1);

layout! {
    struct AgentV1 for Agent {
        owner: AccountId,
        paused_until_ms: u64,
        paused_by: PausedByV1,
        handle: Option<String>,
        card: CardV1,
        card_revision: u64,
        agent_account: Option<AccountId>,
        payout: Option<AccountId>,
        payout_offered_to: Option<AccountId>,
        operators: Vec<OperatorV1>,
        guardians: Vec<AccountId>,
        keys: Vec<AgentKeyV1>,
        epoch: u64,
        owner_epoch: u64,
        offer: Option<OfferV1>,
        transferable: bool,
        created_ms: u64,
        position: u64,
    } lacks { confirmed: 0 }
}
layout! { struct AgentV2 for Agent = AgentV1, then { confirmed: u32 } }
layout! { enum PausedByV1 for PausedBy { 0 = Owner, 1 = Guardian } }
layout! { struct CardV1 for Card { uri: String, sha256: Hash32 } }
layout! { struct OperatorV1 for Operator { account: AccountId, permissions: Vec<PermissionV1>, expires_ms: u64 } }
layout! { enum PermissionV1 for Permission { 0 = Card, 1 = AgentAccount, 2 = Keys, 3 = Attest } }
layout! { struct AgentKeyV1 for AgentKey { key: AnyKeyV1, purpose: PurposeV1, expires_ms: u64 } }
layout! { enum AnyKeyV1 for AnyKey { 0 = Ed25519(key: Ed25519Key), 1 = X25519(key: X25519Key) } }
layout! { enum PurposeV1 for Purpose { 0 = Sign, 1 = Encrypt, 2 = Pay, 3 = Host } }
layout! { struct OfferV1 for Offer { to: AccountId, from_ms: u64 } }
layout! { struct OwnerV1 for Owner { epoch: u64, agents: u64 } lacks { key_nonce: 0 } }
layout! { struct OwnerV2 for Owner = OwnerV1, then { key_nonce: u64 } }
layout! {
    struct RecoveryV1 for Recovery {
        agent: u64,
        recoverers: RecoverersV1,
        round: u64,
        next: Option<RecoverersV1>,
        next_from_ms: u64,
    }
}
layout! { struct RecoverersV1 for Recoverers { accounts: Vec<AccountId>, threshold: u8, delay_ms: u64 } }
layout! {
    struct RecoveryProposalV1 for RecoveryProposal {
        agent: u64,
        proposer: AccountId,
        new_owner: AccountId,
        round: u64,
        approvals: u8,
        ready_ms: u64,
    }
}
layout! {
    struct AttestedV1 for Attested {
        policy: AttestationPolicyV1,
        challenge: ChallengeV1,
        is_attested: bool,
        attestation: AttestationV1,
    }
}
layout! {
    struct AttestedV2 for Attested {
        policy: AttestationPolicyV1,
        challenge: ChallengeV2,
        is_attested: bool,
        attestation: AttestationV1,
    }
}
layout! {
    struct AttestationPolicyV1 for AttestationPolicy {
        measurements: Vec<MeasurementV1>,
        tcb: Vec<TcbStatusV1>,
        max_age_ms: u64,
    }
}
layout! { struct MeasurementV1 for Measurement { sha256: Hash32, from_ms: u64, until_ms: u64, revoked: bool } }
layout! {
    enum TcbStatusV1 for TcbStatus {
        0 = UpToDate,
        1 = SwHardeningNeeded,
        2 = ConfigurationNeeded,
        3 = ConfigurationAndSwHardeningNeeded,
        4 = OutOfDate,
        5 = OutOfDateConfigurationNeeded,
    }
}
layout! { struct ChallengeV1 for Challenge { nonce: Hash32, until_ms: u64 } lacks { submitted: false } }
layout! { struct ChallengeV2 for Challenge = ChallengeV1, then { submitted: bool } }
layout! {
    struct AttestationV1 for Attestation {
        sign_key: Ed25519Key,
        encrypt_key: X25519Key,
        measurement: Hash32,
        tcb: TcbStatusV1,
        verified_ms: u64,
        expires_ms: u64,
        epochs: EpochsV1,
    }
}
layout! {
    struct ReputationV1 for Reputation {
        agent: u64,
        epoch: u64,
        reporter: AccountId,
        asset: String,
        earned: U128,
        payments: u64,
        reported_ms: u64,
    } lacks { earned_before: U128(0), payments_before: 0 }
}
layout! { struct ReputationV2 for Reputation = ReputationV1, then { earned_before: U128, payments_before: u64 } }
layout! { struct ReputationV3 for Counted { shown: ReputationV2, account: Hash32, earned: U128, payments: u64 } }

/// The agent that has a handle or, with the highest bit set, when a handle that was given back is free again.
pub enum HandleV1 {}

/// Ids and times stay far below it.
const RESTS: u64 = 1 << 63;

impl Layout for HandleV1 {
    type Value = HandleState;

    fn write(value: &HandleState, row: &mut Vec<u8>) {
        let number = match value {
            HandleState::Held(agent) => *agent,
            HandleState::Rests { until_ms } => until_ms | RESTS,
        };
        u64::write(&number, row);
    }

    fn read(row: &mut &[u8]) -> Option<HandleState> {
        let number = u64::read(row)?;
        let rests = number & RESTS != 0;
        Some(if rests { HandleState::Rests { until_ms: number ^ RESTS } } else { HandleState::Held(number) })
    }
}
