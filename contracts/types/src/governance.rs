//! Which release may run.

mod adoption;
pub mod args;
mod error;
pub mod methods;
mod rollout;
mod stake;

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::admin::{Deployment, SharedFact};
use crate::registry::AgentId;
use crate::{AccountId, Hash32, U128};

pub use adoption::{Bump, Enrolment, Policy, Reason, ReleaseFor, Wanted};
pub use error::GovernanceError;
pub use rollout::{
    FAILURES_BPS, Holding, REPORTS_MIN, Report, Rollout, RolloutState, STAGE_OWNERS_MIN, STAGES, Stage,
    is_worth_a_stage, slot,
};
pub use stake::{
    Delegate, Delegated, DelegatedAgent, HISTORY_MAX, Overridden, PARTS_MAX, PERIODS, PROPOSE_BPS, Part, Pool,
    STAKE_MAX, Since, Stake, StakeBallot, StakeRules, StakeVote, UNLOCK_MS_MAX,
};

pub const STANDARD: &str = "charter_governance";
pub const VERSION: &str = "1.0.0";

pub const MEMBERS_MAX: usize = 32;
pub const ARTIFACTS_MAX: usize = 8;
pub const NAME_BYTES_MAX: usize = 64;
/// Shortest and longest vote and timelock.
pub const PERIOD_MS_MIN: u64 = 60_000;
pub const PERIOD_MS_MAX: u64 = 30 * 24 * 3_600_000;
/// After its timelock an approved proposal may be carried out for this long.
pub const EXECUTION_MS: u64 = 14 * 24 * 3_600_000;
/// How long after that a proposal's rows are kept, whatever became of it.
pub const KEPT_MS: u64 = 24 * 3_600_000;
/// Most reports that one call removes.
pub const FORGOTTEN_MAX: usize = 100;
pub const BPS: u128 = 10_000;
/// Who decides, and which code Charter's contracts run, takes this share of all weight, in 1/10,000, however little the line
/// asks for.
pub const MAJORITY_BPS: u16 = 5_001;

/// Owners that object, of those with agents on the line when it was proposed, in 1/10,000: so many stretch the timelock, so
/// many, and at least [`OBJECTIONS_MIN`], have it voted on again.
pub const OBJECTIONS_STRETCH_BPS: u16 = 100;
pub const OBJECTIONS_CONTEST_BPS: u16 = 1_000;
pub const OBJECTIONS_MIN: u64 = 3;
/// Accounts whose word an owner may want, and bytes of where evidence is.
pub const AUDITORS_MAX: usize = 4;
pub const URI_BYTES_MAX: usize = 256;
/// Longest pause.
pub const PAUSE_MS_MAX: u64 = 7 * 24 * 3_600_000;
/// Smallest bond, 0.01 NEAR: less would not pay for the row of an account that has closed meanwhile. And the largest, 1,000.
pub const BOND_MIN: u128 = 10_000_000_000_000_000_000_000;
pub const BOND_MAX: u128 = 1_000_000_000_000_000_000_000_000_000;

pub type LineId = u64;
pub type ReleaseId = u64;
pub type ProposalId = u64;

/// One line per agent product, and one for Charter's own contracts.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Line {
    pub id: LineId,
    pub name: String,
    pub owner: AccountId,
    pub council: Vec<Member>,
    pub params: Params,
    /// The release published last; 0 before the first.
    pub head: ReleaseId,
    /// Counts heads, and never falls: a replayed old head is visible.
    pub seq: u64,
    /// Counts constitutions: a vote on the next one names the one that it replaces. Events of releases up to 0003 have none.
    #[wire(default)]
    pub version: u64,
    /// May cancel one proposal that is not carried out yet, or pause the line once. That takes its office, until a vote names
    /// a guardian anew, and makes another constitution: amendments that are open then are proposed anew.
    pub guardian: Option<AccountId>,
    /// Until then nothing that was voted for is carried out, and rollouts go back at most.
    #[wire(default)]
    pub paused_until_ms: u64,
    pub stake: Option<StakeRules>,
}

/// What decides about a line, and is itself decided by vote.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Constitution {
    pub council: Vec<Member>,
    pub params: Params,
    pub guardian: Option<AccountId>,
    /// With it who has locked something decides; the council does while too little is locked.
    pub stake: Option<StakeRules>,
}

#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Member {
    pub account: AccountId,
    pub weight: u64,
}

/// How a line votes. Copied into each proposal: a later change alters no running vote.
#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct Params {
    pub vote_ms: u64,
    pub timelock_ms: u64,
    /// Weight that must say yes, in 1/10,000 of all weight: who is silent does not. Another constitution and code of Charter's
    /// contracts take more than half in any case.
    pub quorum_bps: u16,
    /// Share of the weight cast for a choice that must be yes, in 1/10,000; more than half.
    pub threshold_bps: u16,
    /// A vote that turns the outcome when less than this is left moves the end to this long after it, though never by more
    /// in all; 0: it does not.
    #[wire(default)]
    pub extension_ms: u64,
    /// What a proposal takes out of its maker's storage balance until it is over, in yoctoNEAR, whatever becomes of it.
    #[wire(default)]
    pub proposal_bond: U128,
    /// The same for an agent, until it is off the line.
    #[wire(default)]
    pub enrolment_bond: U128,
}

impl Default for Params {
    /// A day to vote, an hour to answer a late vote, an hour to leave, a majority of all weight, no bonds.
    fn default() -> Self {
        Self {
            vote_ms: 24 * 3_600_000,
            timelock_ms: 3_600_000,
            quorum_bps: 5_001,
            threshold_bps: 5_001,
            extension_ms: 3_600_000,
            proposal_bond: U128(0),
            enrolment_bond: U128(0),
        }
    }
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum ArtifactKind {
    NearWasm,
    OciImage,
    TeeMeasurement,
    ModelWeights,
    Source,
}

#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Artifact {
    pub kind: ArtifactKind,
    pub digest: Hash32,
    pub bytes: u64,
}

/// What is voted on: hashes, never the artifacts themselves.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct ReleaseContent {
    pub semver: String,
    pub artifacts: Vec<Artifact>,
    /// Git commit the artifacts are built from, 40 hex digits.
    pub source_commit: String,
    /// Hash of the set of policies the release asks for.
    pub permissions: Hash32,
    /// Whether one can go back to the release before.
    pub reversible: bool,
}

#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Release {
    pub id: ReleaseId,
    pub line: LineId,
    pub content: ReleaseContent,
    /// Head of the line when the release was proposed; 0 if there was none.
    pub parent: ReleaseId,
    pub published: bool,
}

#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum ProposalKind {
    Release(ReleaseId),
    /// Code for one of Charter's own contracts.
    ContractUpgrade {
        contract: AccountId,
        code_hash: Hash32,
    },
    /// Another constitution for the line.
    Amendment(Constitution),
}

/// What somebody says of a release, in the manner of in-toto: which artifact, what was looked at, how it came out, and
/// where that can be read. One an author and release; the last one counts.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Statement {
    pub release: ReleaseId,
    pub by: AccountId,
    pub kind: StatementKind,
    /// The artifact that was looked at.
    pub digest: Hash32,
    pub ok: bool,
    /// Where the evidence is, and the hash of it.
    pub uri: String,
    pub sha256: Hash32,
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum StatementKind {
    /// It was built again from the source, to the same bytes.
    ReproducibleBuild,
    Audit,
    /// What a TEE measured.
    Measurement,
    Test,
}

/// What `content_hash` covers: nothing that is voted on can be swapped, here or on another chain.
#[derive(BorshSerialize)]
pub struct ContentSeed<'a> {
    pub domain: Hash32,
    pub proposal: ProposalId,
    pub line: LineId,
    pub kind: &'a ProposalKind,
    pub base: Option<u64>,
    pub release: Option<&'a ReleaseContent>,
    pub replaces: Option<&'a Deployment>,
}

pub const CONTENT_PURPOSE: &str = "charter/governance/content";

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum ProposalState {
    /// Votes may come in until `end_ms`; what they decide shows when somebody calls `queue`.
    Voting,
    Rejected,
    /// Approved; may be carried out from `eta_ms` on.
    Queued,
    Executing,
    Executed,
    Cancelled,
}

#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    pub id: ProposalId,
    pub line: LineId,
    pub kind: ProposalKind,
    pub content_hash: Hash32,
    pub proposer: AccountId,
    pub params: Params,
    /// The council as it was when the proposal was made; empty where stake decides.
    pub council: Vec<Member>,
    pub start_ms: u64,
    pub end_ms: u64,
    /// End of the timelock, which runs from the end of the vote.
    pub eta_ms: u64,
    pub yes: u64,
    pub no: u64,
    pub state: ProposalState,
    /// For code of a contract: the deployment that it replaces, and no other.
    pub replaces: Option<Deployment>,
    /// The line as it was voted on: its `seq` for a release, its `version` for an amendment. Once the line has moved, the
    /// proposal can't be carried out any more.
    pub base: Option<u64>,
    /// Why the last attempt to upgrade the contract failed.
    pub failure: Option<UpgradeFailure>,
    /// Owners with agents on the line when it was proposed.
    #[wire(default)]
    pub owners: u64,
    /// Those of them that object.
    #[wire(default)]
    pub objections: u64,
    /// 1: it is voted on again, because owners objected to what was approved. Ballots of before count no more.
    #[wire(default)]
    pub round: u8,
    /// What its maker gets back once it is over.
    #[wire(default)]
    pub bond: U128,
    pub stake: Option<StakeVote>,
}

/// What a vote changes of a proposal. The rest, a council and a constitution of 32 perhaps, is not told again each time.
#[wire]
pub struct Tally {
    pub proposal: ProposalId,
    pub end_ms: u64,
    pub eta_ms: u64,
    pub yes: u64,
    pub no: u64,
    pub stake: Option<StakeVote>,
}

impl From<&Proposal> for Tally {
    fn from(proposal: &Proposal) -> Self {
        let Proposal { id, end_ms, eta_ms, yes, no, stake, .. } = *proposal;
        Self { proposal: id, end_ms, eta_ms, yes, no, stake }
    }
}

impl Proposal {
    /// Whether so many owners object that two thirds of the votes have to be yes.
    pub fn is_contested(&self) -> bool {
        self.objections >= OBJECTIONS_MIN && self.is_share(OBJECTIONS_CONTEST_BPS)
    }

    /// Whether so many object that the timelock takes twice as long.
    pub fn is_stretched(&self) -> bool {
        self.round == 0 && self.objections > 0 && self.is_share(OBJECTIONS_STRETCH_BPS)
    }

    fn is_share(&self, bps: u16) -> bool {
        u128::from(self.objections).saturating_mul(BPS) >= u128::from(self.owners).saturating_mul(u128::from(bps))
    }

    /// Weight that must say yes to this one, in 1/10,000 of all weight.
    pub fn quorum_bps(&self) -> u16 {
        match self.kind {
            ProposalKind::Amendment(_) | ProposalKind::ContractUpgrade { .. } => {
                self.params.quorum_bps.max(MAJORITY_BPS)
            }
            ProposalKind::Release(_) => self.params.quorum_bps,
        }
    }
}

/// Why code that was sent to a contract does not run there.
#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum UpgradeFailure {
    /// The contract runs another deployment than the one that was voted on. It has to be voted anew.
    CodeReplaced,
    /// The contract refused the code, or the code failed. The transaction's outcomes say why; it can be tried again.
    Failed,
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum Choice {
    Yes,
    No,
}

#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Ballot {
    pub proposal: ProposalId,
    pub voter: AccountId,
    pub choice: Choice,
    pub weight: u64,
    /// The proposal's when it was cast.
    #[wire(default)]
    pub round: u8,
}

/// An owner's, to a proposal of a line with agents of its own on it.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Objection {
    pub proposal: ProposalId,
    pub owner: AccountId,
    /// One of them.
    pub agent: AgentId,
}

/// Payload of a governance event.
#[wire]
pub enum Fact {
    /// What all contracts tell of themselves.
    Shared(SharedFact),
    Line(Line),
    Release(Release),
    Proposal(Box<Proposal>),
    /// A vote's part of a proposal.
    Tally(Tally),
    Ballot(Ballot),
    Statement(Statement),
    StatementRetracted {
        release: ReleaseId,
        by: AccountId,
    },
    Objection(Objection),
    ObjectionsForgotten {
        proposal: ProposalId,
        owners: Vec<AccountId>,
    },
    Pool(Pool),
    Stake(Stake),
    StakeEnded {
        line: LineId,
        holder: AccountId,
    },
    Delegate(Delegate),
    DelegateEnded {
        line: LineId,
        account: AccountId,
    },
    StakeBallot(StakeBallot),
    Overridden(Overridden),
    /// Votes by stake, and what was taken from delegates' votes, of a proposal that is over.
    BallotsForgotten {
        proposal: ProposalId,
        accounts: Vec<AccountId>,
    },
    Enrolment(Enrolment),
    EnrolmentEnded(AgentId),
    Holding(Holding),
    /// The last agent of an owner has left a line.
    HoldingEnded {
        line: LineId,
        owner: AccountId,
    },
    Rollout(Rollout),
    Report(Report),
    ReportsForgotten {
        release: ReleaseId,
        owners: Vec<AccountId>,
    },
    /// The rows of a proposal are gone, and those of who voted; the release's, too, if it was never published.
    ProposalForgotten {
        proposal: ProposalId,
        voters: Vec<AccountId>,
        release: Option<ReleaseId>,
    },
    /// A call that needed authority and had none. Nothing was stored.
    Denied {
        agent: AgentId,
        code: String,
    },
}
