//! How a published release reaches the agents of its line.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::{LineId, ProposalId, ReleaseId};
use crate::registry::AgentId;
use crate::{AccountId, Hash32};

/// A stage of a rollout: which share of the agents it reaches, in 1/10,000, and how long it takes at least. The last one
/// takes as long as the line's timelock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    pub bps: u16,
    pub ms: u64,
}

const HOUR_MS: u64 = 3_600_000;
pub const STAGES: [Stage; 4] = [
    Stage { bps: 100, ms: 24 * HOUR_MS },
    Stage { bps: 1_000, ms: 48 * HOUR_MS },
    Stage { bps: 5_000, ms: 24 * HOUR_MS },
    Stage { bps: 10_000, ms: 0 },
];
/// A stage that would reach fewer owners than this, by the share of agents it reaches, is passed by: it could easily reach
/// none, and would say nothing.
pub const STAGE_OWNERS_MIN: u64 = 10;
/// Owners that have to report in each stage, if there are as many as a stage before the last takes.
pub const REPORTS_MIN: u64 = 3;
/// More failures among the reports than this share, in 1/10,000, take a release back.
pub const FAILURES_BPS: u16 = 2_000;

/// The agents of a line, and how far its newest release has got among them.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Rollout {
    pub line: LineId,
    /// Owners with agents on the line now.
    pub owners: u64,
    /// What is rolled out, or was last; 0 before the first.
    pub release: ReleaseId,
    /// What the agents run that are not reached yet, and all of them once it was taken back; 0 if there is nothing.
    pub previous: ReleaseId,
    /// The vote on it. Agents enrolled before that take part.
    pub proposal: ProposalId,
    pub state: RolloutState,
    /// Place in the list of stages: 1 %, 10 %, 50 %, all.
    pub stage: u8,
    /// When the stage began, and how long the last one takes.
    pub since_ms: u64,
    pub last_ms: u64,
    pub published_ms: u64,
    pub previous_published_ms: u64,
    /// Whether all go back to the one before if it fails. Not to none, and not if some run a release without a way back.
    pub reversible: bool,
    /// Decides which agents a stage reaches; zeros before the draw.
    pub seed: Hash32,
    /// Owners with agents on the line when it was proposed.
    pub counted: u64,
    /// Owners whose agents are well, and those with an agent that is not.
    pub ok: u64,
    pub failed: u64,
    /// Owners that have reported since the stage began.
    pub fresh: u64,
}

#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum RolloutState {
    /// All run it.
    Done,
    /// Published; the seed is drawn in a receipt of its own.
    Drawing,
    Running,
    /// It failed and there is no way back, or nobody said how it is: those that run it go on, and nobody else begins.
    Held,
    /// It failed, and all run what was before.
    RolledBack,
}

impl Rollout {
    /// Whether it reaches more agents in time.
    pub fn is_open(&self) -> bool {
        matches!(self.state, RolloutState::Drawing | RolloutState::Running)
    }

    /// Of the stage it is in.
    pub fn stage(&self) -> Stage {
        let last = Stage { bps: 10_000, ms: self.last_ms };
        STAGES.get(usize::from(self.stage)).filter(|stage| stage.bps < last.bps).copied().unwrap_or(last)
    }

    /// Whether a stage before the last would reach enough owners.
    pub fn has_stages(&self) -> bool {
        is_worth_a_stage(self.counted, STAGES[2].bps)
    }

    /// Owners that have to report in a stage.
    pub fn reports_min(&self) -> u64 {
        if self.has_stages() { REPORTS_MIN } else { 1 }
    }

    pub fn reports(&self) -> u64 {
        self.ok.saturating_add(self.failed)
    }

    /// When the next stage may begin.
    pub fn until_ms(&self) -> u64 {
        self.since_ms.saturating_add(self.stage().ms)
    }

    /// Whether an agent's turn has come. In the last stage everybody's has; before, only that of agents that were enrolled
    /// before the release was proposed.
    pub fn reaches(&self, agent: AgentId, since: Option<ProposalId>, sha256: fn(&[u8]) -> [u8; 32]) -> bool {
        let bps = self.stage().bps;
        match self.state {
            RolloutState::Done => true,
            RolloutState::Drawing | RolloutState::RolledBack => false,
            RolloutState::Running | RolloutState::Held => {
                bps == 10_000 || self.counts(since) && slot(self.seed, agent, sha256) < bps
            }
        }
    }

    /// Whether an agent enrolled with `since` as its first proposal was there before this one.
    pub fn counts(&self, since: Option<ProposalId>) -> bool {
        since.is_some_and(|since| since <= self.proposal)
    }
}

/// Whether a stage of `bps` is expected to reach enough of `owners`.
pub fn is_worth_a_stage(owners: u64, bps: u16) -> bool {
    u128::from(owners).saturating_mul(u128::from(bps)) >= u128::from(STAGE_OWNERS_MIN).saturating_mul(super::BPS)
}

/// Place of an agent in the order of a rollout, 0 to 9,999: the first eight bytes of sha256(seed, agent as 8 bytes), both
/// numbers with the lowest byte first, modulo 10,000.
pub fn slot(seed: Hash32, agent: AgentId, sha256: fn(&[u8]) -> [u8; 32]) -> u16 {
    let hash = sha256(&[seed.0.as_slice(), &agent.to_le_bytes()].concat());
    let number = hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    u16::try_from(number % 10_000).unwrap_or_default()
}

/// What an owner's agents said of a release: one voice an owner, however many agents.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Report {
    pub release: ReleaseId,
    pub owner: AccountId,
    /// The agent that spoke last, or the one that is not well.
    pub agent: AgentId,
    /// Once false, it stays so.
    pub ok: bool,
    /// The stage in which it spoke last.
    pub stage: u8,
}

/// How many agents of an owner are on a line.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Holding {
    pub line: LineId,
    pub owner: AccountId,
    pub agents: u64,
}
