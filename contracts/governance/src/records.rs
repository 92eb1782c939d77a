//! How records stand in storage. A layout never changes: a record that does gets a version, see `charter_common::stored`.

use charter_common::{EpochsV1, Layout, layout, stored};
use charter_types::admin::Deployment;
use charter_types::asset::{Asset, Books};
use charter_types::governance::{
    Artifact, ArtifactKind, Ballot, Bump, Choice, Constitution, Delegate, Delegated, DelegatedAgent, Enrolment,
    HISTORY_MAX, Holding, Line, Member, Objection, Overridden, Params, Part, Policy, Pool, Proposal, ProposalKind,
    ProposalState, Release, ReleaseContent, Report, Rollout, RolloutState, Since, Stake, StakeBallot, StakeRules,
    StakeVote, Statement, StatementKind, UpgradeFailure,
};
use charter_types::{AccountId, Hash32, U128};

stored!(StoredLine: 3 = LineV4, before 2 = LineV3, before 1 = LineV2, before 0 = LineV1);
stored!(StoredRelease: 0 = ReleaseV1);
stored!(StoredProposal: 5 = ProposalV6, before 4 = ProposalV5, before 3 = ProposalV4, before 2 = ProposalV3, before 1 = ProposalV2, before 0 = ProposalV1);
stored!(StoredBallot: 1 = BallotV2, before 0 = BallotV1);
stored!(StoredObjection: 0 = ObjectionV1);
stored!(StoredStatement: 0 = StatementV1);
stored!(StoredEnrolment: 2 = EnrolmentV3, before 1 = EnrolmentV2, before 0 = EnrolmentV1);
stored!(StoredRollout: 0 = RolloutV1);
stored!(StoredReport: 0 = ReportV1);
stored!(StoredHolding: 0 = HoldingV1);
stored!(StoredPool: 0 = PoolV1);
stored!(StoredStake: 0 = StakeV1);
stored!(StoredDelegate: 0 = DelegateV1);
stored!(StoredStakeBallot: 0 = StakeBallotV1);
stored!(StoredOverridden: 0 = OverriddenV1);

layout! {
    struct LineV1 for Line {
        id: u64,
        name: String,
        owner: AccountId,
        council: Vec<MemberV1>,
        params: ParamsV1,
        head: u64,
        seq: u64,
    } lacks { version: 0, guardian: None, paused_until_ms: 0, stake: None }
}
layout! { struct LineV2 for Line = LineV1, then { version: u64, guardian: Option<AccountId> } }
layout! {
    struct LineV3 for Line {
        id: u64,
        name: String,
        owner: AccountId,
        council: Vec<MemberV1>,
        params: ParamsV2,
        head: u64,
        seq: u64,
        version: u64,
        guardian: Option<AccountId>,
        paused_until_ms: u64,
    } lacks { stake: None }
}
layout! { struct LineV4 for Line = LineV3, then { stake: Option<StakeRulesV1> } }
layout! {
    struct ConstitutionV1 for Constitution { council: Vec<MemberV1>, params: ParamsV1, guardian: Option<AccountId> }
    lacks { stake: None }
}
layout! { struct MemberV1 for Member { account: AccountId, weight: u64 } }
layout! {
    struct ConstitutionV2 for Constitution { council: Vec<MemberV1>, params: ParamsV2, guardian: Option<AccountId> }
    lacks { stake: None }
}
layout! { struct ConstitutionV3 for Constitution = ConstitutionV2, then { stake: Option<StakeRulesV1> } }
layout! { struct StakeRulesV1 for StakeRules { asset: AssetV1, unlock_ms: u64, floor: U128 } }
layout! { enum AssetV1 for Asset { 0 = Near, 1 = Nep141(account: AccountId) } }
layout! {
    struct ParamsV1 for Params { vote_ms: u64, timelock_ms: u64, quorum_bps: u16, threshold_bps: u16 }
    lacks { extension_ms: 0, proposal_bond: U128(0), enrolment_bond: U128(0) }
}
layout! {
    struct ParamsV2 for Params = ParamsV1, then { extension_ms: u64, proposal_bond: U128, enrolment_bond: U128 }
}
layout! {
    struct ReleaseV1 for Release {
        id: u64,
        line: u64,
        content: ReleaseContentV1,
        parent: u64,
        published: bool,
    }
}
layout! {
    struct ReleaseContentV1 for ReleaseContent {
        semver: String,
        artifacts: Vec<ArtifactV1>,
        source_commit: String,
        permissions: Hash32,
        reversible: bool,
    }
}
layout! { struct ArtifactV1 for Artifact { kind: ArtifactKindV1, digest: Hash32, bytes: u64 } }
layout! {
    enum ArtifactKindV1 for ArtifactKind { 0 = NearWasm, 1 = OciImage, 2 = TeeMeasurement, 3 = ModelWeights, 4 = Source }
}
layout! {
    struct ProposalV1 for Proposal {
        id: u64,
        line: u64,
        kind: ProposalKindV1,
        content_hash: Hash32,
        proposer: AccountId,
        params: ParamsV1,
        council: Vec<MemberV1>,
        start_ms: u64,
        end_ms: u64,
        eta_ms: u64,
        yes: u64,
        no: u64,
        state: ProposalStateV1,
    } lacks { replaces: None, base: None, failure: None, owners: 0, objections: 0, round: 0, bond: U128(0), stake: None }
}
layout! { struct ProposalV2 for Proposal = ProposalV1, then { replaces: Option<DeploymentV1> } }
layout! { struct ProposalV3 for Proposal = ProposalV2, then { base: Option<u64>, failure: FailureV1 } }
layout! { struct ProposalV4 for Proposal = ProposalV3, then { owners: u64 } }
layout! {
    struct ProposalV5 for Proposal {
        id: u64,
        line: u64,
        kind: ProposalKindV2,
        content_hash: Hash32,
        proposer: AccountId,
        params: ParamsV2,
        council: Vec<MemberV1>,
        start_ms: u64,
        end_ms: u64,
        eta_ms: u64,
        yes: u64,
        no: u64,
        state: ProposalStateV1,
        replaces: Option<DeploymentV1>,
        base: Option<u64>,
        failure: FailureV1,
        owners: u64,
        objections: u64,
        round: u8,
        bond: U128,
    } lacks { stake: None }
}
layout! { struct ProposalV6 for Proposal = ProposalV5, then { stake: Option<StakeVoteV1> } }
layout! {
    struct StakeVoteV1 for StakeVote {
        snapshot_ms: u64,
        floor: U128,
        all: U128,
        yes: U128,
        no: U128,
        agents_yes: U128,
        agents_no: U128,
    }
}
layout! { struct DeploymentV1 for Deployment { number: u64, sha256: Hash32 } }
layout! {
    enum ProposalKindV1 for ProposalKind {
        0 = Release(release: u64),
        1 = ContractUpgrade { contract: AccountId, code_hash: Hash32 },
        2 = Amendment(constitution: ConstitutionV1),
    }
}
layout! {
    enum ProposalStateV1 for ProposalState {
        0 = Voting,
        1 = Rejected,
        2 = Queued,
        3 = Executing,
        4 = Executed,
        5 = Cancelled,
    }
}
layout! {
    struct BallotV1 for Ballot { proposal: u64, voter: AccountId, choice: ChoiceV1, weight: u64 } lacks { round: 0 }
}
layout! { struct BallotV2 for Ballot = BallotV1, then { round: u8 } }
layout! {
    struct StatementV1 for Statement {
        release: u64,
        by: AccountId,
        kind: StatementKindV1,
        digest: Hash32,
        ok: bool,
        uri: String,
        sha256: Hash32,
    }
}
layout! { enum StatementKindV1 for StatementKind { 0 = ReproducibleBuild, 1 = Audit, 2 = Measurement, 3 = Test } }
layout! { struct ObjectionV1 for Objection { proposal: u64, owner: AccountId, agent: u64 } }
layout! { enum ChoiceV1 for Choice { 0 = Yes, 1 = No } }
layout! {
    struct EnrolmentV1 for Enrolment { agent: u64, line: u64, epochs: EpochsV1 }
    lacks {
        owner: None, since: None, policy: Policy::default(), pin: None, accepted: None, running: 0, before: 0,
        bond: U128(0), own_pin: false, auditors: Vec::new()
    }
}
layout! {
    struct EnrolmentV2 for Enrolment = EnrolmentV1, then {
        owner: Option<AccountId>,
        since: Option<u64>,
        policy: PolicyV1,
        pin: PinV1,
        accepted: Option<Hash32>,
        running: u64,
        before: u64,
    }
}
layout! { struct EnrolmentV3 for Enrolment = EnrolmentV2, then { bond: U128, own_pin: bool, auditors: Vec<AccountId> } }
layout! {
    enum PolicyV1 for Policy { 0 = Manual, 1 = Auto { bump: BumpV1, soak_ms: u64, new_permissions: bool } }
}
layout! { enum BumpV1 for Bump { 0 = Patch, 1 = Minor, 2 = Major } }
layout! {
    struct RolloutV1 for Rollout {
        line: u64,
        owners: u64,
        release: u64,
        previous: u64,
        proposal: u64,
        state: RolloutStateV1,
        stage: u8,
        since_ms: u64,
        last_ms: u64,
        published_ms: u64,
        previous_published_ms: u64,
        reversible: bool,
        seed: Hash32,
        counted: u64,
        ok: u64,
        failed: u64,
        fresh: u64,
    }
}
layout! {
    enum RolloutStateV1 for RolloutState { 0 = Done, 1 = Drawing, 2 = Running, 3 = Held, 4 = RolledBack }
}
layout! { struct ReportV1 for Report { release: u64, owner: AccountId, agent: u64, ok: bool, stage: u8 } }
layout! { struct HoldingV1 for Holding { line: u64, owner: AccountId, agents: u64 } }
layout! {
    struct PoolV1 for Pool {
        line: u64,
        asset: AssetV1,
        unlock_ms: u64,
        books: BooksV1,
        delegates: u64,
        locked: HistoryV1,
    }
}
layout! { struct BooksV1 for Books { held: U128, in_flight: U128 } }
layout! { struct SinceV1 for Since { from_ms: u64, amount: U128 } }
layout! {
    struct StakeV1 for Stake {
        line: u64,
        holder: AccountId,
        unlocking: U128,
        ready_ms: u64,
        free: U128,
        in_flight: U128,
        locked: HistoryV1,
        delegated: Vec<DelegatedV1>,
    }
}
layout! { struct DelegatedV1 for Delegated { from_ms: u64, parts: Vec<PartV1> } }
layout! { struct PartV1 for Part { delegate: AccountId, number: u64, amount: U128 } }
layout! {
    struct DelegateV1 for Delegate {
        line: u64,
        account: AccountId,
        number: u64,
        agent: Option<DelegatedAgentV1>,
        received: HistoryV1,
    }
}
layout! { struct DelegatedAgentV1 for DelegatedAgent { agent: u64, owner: AccountId } }
layout! {
    struct StakeBallotV1 for StakeBallot {
        proposal: u64,
        voter: AccountId,
        choice: ChoiceV1,
        own: U128,
        received: U128,
        number: u64,
        agent: bool,
        round: u8,
    }
}
layout! {
    struct OverriddenV1 for Overridden { proposal: u64, delegate: AccountId, number: u64, round: u8, amount: U128 }
}

/// As long as the longest, however long it is: others change it, and nobody is asked to pay for it then.
pub enum HistoryV1 {}

impl Layout for HistoryV1 {
    type Value = Vec<Since>;

    fn write(value: &Self::Value, row: &mut Vec<u8>) {
        Vec::<SinceV1>::write(value, row);
        let none = Since { from_ms: 0, amount: U128(0) };
        for _ in value.len()..HISTORY_MAX {
            SinceV1::write(&none, row);
        }
    }

    fn read(row: &mut &[u8]) -> Option<Self::Value> {
        let value = Vec::<SinceV1>::read(row)?;
        for _ in value.len()..HISTORY_MAX {
            SinceV1::read(row)?;
        }
        Some(value)
    }
}

/// An amendment of release 0006 has the tag 2 and no stake.
pub enum ProposalKindV2 {}

impl Layout for ProposalKindV2 {
    type Value = ProposalKind;

    fn write(value: &Self::Value, row: &mut Vec<u8>) {
        match value {
            ProposalKind::Amendment(constitution) => {
                row.push(3);
                ConstitutionV3::write(constitution, row);
            }
            other => ProposalKindV1::write(other, row),
        }
    }

    fn read(row: &mut &[u8]) -> Option<Self::Value> {
        let (tag, rest) = row.split_first()?;
        let constitution = match tag {
            2 => ConstitutionV2::read,
            3 => ConstitutionV3::read,
            _ => return ProposalKindV1::read(row),
        };
        *row = rest;
        Some(ProposalKind::Amendment(constitution(row)?))
    }
}

/// Nine bytes, whatever it says: a guardian writes it, and the owner is not asked to pay for it then.
pub enum PinV1 {}

impl Layout for PinV1 {
    type Value = Option<u64>;

    fn write(value: &Self::Value, row: &mut Vec<u8>) {
        bool::write(&value.is_some(), row);
        u64::write(&value.unwrap_or_default(), row);
    }

    fn read(row: &mut &[u8]) -> Option<Self::Value> {
        let pinned = bool::read(row)?;
        Some(Some(u64::read(row)?).filter(|_| pinned))
    }
}

/// One byte, whatever it says: a callback writes it, and nobody is asked to pay for it then.
pub enum FailureV1 {}

impl Layout for FailureV1 {
    type Value = Option<UpgradeFailure>;

    fn write(value: &Self::Value, row: &mut Vec<u8>) {
        row.push(match value {
            None => 0,
            Some(UpgradeFailure::CodeReplaced) => 1,
            Some(UpgradeFailure::Failed) => 2,
        });
    }

    fn read(row: &mut &[u8]) -> Option<Self::Value> {
        Some(match u8::read(row)? {
            0 => None,
            1 => Some(UpgradeFailure::CodeReplaced),
            2 => Some(UpgradeFailure::Failed),
            _ => return None,
        })
    }
}
