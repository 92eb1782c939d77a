//! How records stand in storage. A layout never changes: a record that does gets a version, see `charter_common::stored`.

use charter_common::{EpochsV1, Layout, layout, stored};
use charter_types::admin::Deployment;
use charter_types::governance::{
    Artifact, ArtifactKind, Ballot, Choice, Constitution, Enrolment, Line, Member, Params, Proposal, ProposalKind,
    ProposalState, Release, ReleaseContent, UpgradeFailure,
};
use charter_types::{AccountId, Hash32};

stored!(StoredLine: 1 = LineV2, before 0 = LineV1);
stored!(StoredRelease: 0 = ReleaseV1);
stored!(StoredProposal: 2 = ProposalV3, before 1 = ProposalV2, before 0 = ProposalV1);
stored!(StoredBallot: 0 = BallotV1);
stored!(StoredEnrolment: 0 = EnrolmentV1);

layout! {
    struct LineV1 for Line {
        id: u64,
        name: String,
        owner: AccountId,
        council: Vec<MemberV1>,
        params: ParamsV1,
        head: u64,
        seq: u64,
    } lacks { version: 0, guardian: None }
}
layout! { struct LineV2 for Line = LineV1, then { version: u64, guardian: Option<AccountId> } }
layout! {
    struct ConstitutionV1 for Constitution { council: Vec<MemberV1>, params: ParamsV1, guardian: Option<AccountId> }
}
layout! { struct MemberV1 for Member { account: AccountId, weight: u64 } }
layout! { struct ParamsV1 for Params { vote_ms: u64, timelock_ms: u64, quorum_bps: u16, threshold_bps: u16 } }
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
    } lacks { replaces: None, base: None, failure: None }
}
layout! { struct ProposalV2 for Proposal = ProposalV1, then { replaces: Option<DeploymentV1> } }
layout! { struct ProposalV3 for Proposal = ProposalV2, then { base: Option<u64>, failure: FailureV1 } }
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
layout! { struct BallotV1 for Ballot { proposal: u64, voter: AccountId, choice: ChoiceV1, weight: u64 } }
layout! { enum ChoiceV1 for Choice { 0 = Yes, 1 = No } }
layout! { struct EnrolmentV1 for Enrolment { agent: u64, line: u64, epochs: EpochsV1 } }

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
