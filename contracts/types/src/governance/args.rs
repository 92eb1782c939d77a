//! Arguments of the contract's methods; `execute_upgrade` takes [`ExecuteUpgrade`] in borsh.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::{
    Choice, Constitution, LineId, Member, Params, Policy, ProposalId, ReleaseContent, ReleaseId, StakeRules,
    StatementKind, Wanted,
};
use crate::admin::Deployment;
use crate::registry::AgentId;
use crate::{AccountId, Hash32, U128};

/// `new`: the first line is the one that upgrades Charter's own contracts.
#[wire(strict)]
pub struct Setup {
    pub account: AccountId,
    pub registry: AccountId,
    pub council: Vec<Member>,
    pub params: Params,
}

#[wire(strict)]
pub struct CreateLine {
    pub name: String,
    /// Empty: the owner alone.
    #[wire(default)]
    pub council: Vec<Member>,
    #[wire(default)]
    pub params: Params,
    pub guardian: Option<AccountId>,
    pub stake: Option<StakeRules>,
}

#[wire(strict)]
pub struct ProposeRelease {
    pub line: LineId,
    /// The line's `seq` as the proposer saw it: if the head has moved since, it is another change than was meant.
    pub seq: u64,
    pub content: ReleaseContent,
}

#[wire(strict)]
pub struct ProposeUpgrade {
    pub contract: AccountId,
    pub code_hash: Hash32,
    /// What the contract's view `deployment` says now.
    pub replaces: Deployment,
}

#[wire(strict)]
pub struct ProposeAmendment {
    pub line: LineId,
    /// The line's `version` as the proposer saw it.
    pub version: u64,
    pub constitution: Constitution,
}

/// The voter repeats what is voted on.
#[wire(strict)]
#[derive(Copy)]
pub struct Vote {
    pub proposal: ProposalId,
    pub content_hash: Hash32,
    pub choice: Choice,
}

/// `proposal`, `queue`, `publish`, `amend`, `cancel`, `forget_proposal`.
#[wire(strict)]
#[derive(Copy)]
pub struct ProposalRef {
    pub proposal: ProposalId,
}

/// `state`.
#[wire(strict)]
pub struct State {
    pub release: ReleaseId,
    pub kind: StatementKind,
    /// One of the release's artifacts.
    pub digest: Hash32,
    pub ok: bool,
    pub uri: String,
    pub sha256: Hash32,
}

/// `statement`.
#[wire(strict)]
pub struct StatementRef {
    pub release: ReleaseId,
    pub by: AccountId,
}

/// `retract`.
#[wire(strict)]
#[derive(Copy)]
pub struct ReleaseRef {
    pub release: ReleaseId,
}

/// `object`: an owner names one of its agents on the line.
#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct Object {
    pub proposal: ProposalId,
    pub agent: AgentId,
}

/// `objection`.
#[wire(strict)]
pub struct ObjectionRef {
    pub proposal: ProposalId,
    pub owner: AccountId,
}

#[wire(strict)]
pub struct ForgetObjections {
    pub proposal: ProposalId,
    pub owners: Vec<AccountId>,
}

#[wire(strict)]
#[derive(Copy)]
pub struct PauseLine {
    pub line: LineId,
    /// How long, from now.
    pub ms: u64,
}

/// `line`, `rollout`, `advance`, `pool`, `stand`, `stand_down`, `withdraw_stake`, and what `ft_transfer_call` says in `msg`.
#[wire(strict)]
#[derive(Copy)]
pub struct LineRef {
    pub line: LineId,
}

#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct Enroll {
    pub agent: AgentId,
    pub line: LineId,
    #[wire(default)]
    pub policy: Policy,
    /// Permissions that the owner accepts: those of a release, as it names them. With none the agent is told nothing until
    /// its owner accepts a release.
    pub accepted: Option<Hash32>,
}

/// `choose`.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Choose {
    pub agent: AgentId,
    pub wanted: Wanted,
}

/// How an agent is with what it was told to run.
#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct ReportHealth {
    pub agent: AgentId,
    pub release: ReleaseId,
    /// One of the release's artifacts: what it really runs.
    pub digest: Hash32,
    pub ok: bool,
}

/// `report`.
#[wire(strict)]
pub struct ReportRef {
    pub release: ReleaseId,
    pub owner: AccountId,
}

/// `holding`.
#[wire(strict)]
pub struct HoldingRef {
    pub line: LineId,
    pub owner: AccountId,
}

#[wire(strict)]
pub struct ForgetReports {
    pub release: ReleaseId,
    pub owners: Vec<AccountId>,
}

/// `release_for`, `leave`, `freeze`.
#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct AgentRef {
    pub agent: AgentId,
}

/// `lock`, `unlock`.
#[wire(strict)]
#[derive(Copy)]
pub struct LockStake {
    pub line: LineId,
    pub amount: U128,
}

/// `delegate`.
#[wire(strict)]
pub struct DelegateStake {
    pub line: LineId,
    pub to: AccountId,
    /// All that this delegate has from the caller from now on; 0 takes it back.
    pub amount: U128,
}

/// `stand_as_agent`.
#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct StandAsAgent {
    pub line: LineId,
    pub agent: AgentId,
}

/// `vote_as_agent`.
#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct VoteAsAgent {
    pub agent: AgentId,
    pub proposal: ProposalId,
    pub content_hash: Hash32,
    pub choice: Choice,
}

/// `stake`, `delegate_of`.
#[wire(strict)]
pub struct StakeRef {
    pub line: LineId,
    pub account: AccountId,
}

/// `stake_ballot`, `overridden`.
#[wire(strict)]
pub struct VoterRef {
    pub proposal: ProposalId,
    pub account: AccountId,
}

#[wire(strict)]
pub struct ForgetBallots {
    pub proposal: ProposalId,
    /// Who voted, and delegates from whom something was taken.
    pub accounts: Vec<AccountId>,
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct ExecuteUpgrade {
    pub proposal: ProposalId,
    pub code: Vec<u8>,
}
