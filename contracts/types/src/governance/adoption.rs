//! Agents on lines, what their owners let happen to them, and what each of them may run.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::{LineId, ProposalId, ReleaseId};
use crate::registry::{AgentId, Epochs};
use crate::{AccountId, Hash32, U128};

/// An agent on a line.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Enrolment {
    pub agent: AgentId,
    pub line: LineId,
    /// Ends by comparison when the agent changes hands.
    pub epochs: Epochs,
    /// Who put it there. Absent, and `since` with it, if a release up to 0004 wrote the enrolment, or who sold the agent has
    /// its bond back: such an agent is told what to run, and takes no part in rollouts before its owner enrolls it again.
    pub owner: Option<AccountId>,
    /// The first proposal made after it.
    pub since: Option<ProposalId>,
    #[wire(default)]
    pub policy: Policy,
    /// Told this and nothing else, whatever happens to the line; 0: nothing at all.
    pub pin: Option<ReleaseId>,
    /// Permissions that the owner accepted: the hash that releases name.
    pub accepted: Option<Hash32>,
    /// What it runs, as far as is known: what the agent said last, before that what it was enrolled with or its owner chose;
    /// 0: nothing.
    #[wire(default)]
    pub running: ReleaseId,
    /// What it ran before that, and may always go back to.
    #[wire(default)]
    pub before: ReleaseId,
    /// What its owner gets back once it is off the line.
    #[wire(default)]
    pub bond: U128,
    /// Whether it was pinned under the owner that enrolled it, not under a later one.
    #[wire(default)]
    pub own_pin: bool,
    /// Whose good word a release needs before the agent moves to it by itself.
    #[wire(default)]
    pub auditors: Vec<AccountId>,
}

/// Which releases of its line an agent moves to by itself.
#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub enum Policy {
    /// None: its owner accepts each.
    Manual,
    /// Those that differ by no more than this from the one it runs, once they have been published for so long.
    Auto {
        bump: Bump,
        #[wire(default)]
        soak_ms: u64,
        /// Also releases that ask for other permissions than its owner accepted.
        #[wire(default)]
        new_permissions: bool,
    },
}

impl Default for Policy {
    /// Patches and minor versions, as soon as the agent's turn comes, unless they ask for other permissions.
    fn default() -> Self {
        Self::Auto { bump: Bump::Minor, soak_ms: 0, new_permissions: false }
    }
}

/// Which part of a semantic version changes, from small to large.
#[wire]
#[derive(Copy, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum Bump {
    Patch,
    Minor,
    Major,
}

/// What an owner wants of an agent on a line. What is absent stays.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Wanted {
    Policy(Policy),
    /// Told this release from now on, or nothing at all if it is 0.
    Pin(ReleaseId),
    /// As if it had never been pinned or frozen.
    Unpin,
    /// A release, with the permissions that it asks for. With a manual policy the agent is told to run it.
    Accept {
        release: ReleaseId,
        permissions: Hash32,
    },
    /// Moves by itself only to what each of these accounts has stated to be good; none: whoever says nothing.
    Auditors(Vec<AccountId>),
}

/// The root of trust that a host asks at boot and on each beat. Whoever reads it compares `epochs` with the registry's at
/// the same block: if they moved, nothing may be adopted automatically.
#[wire]
pub struct ReleaseFor {
    pub agent: AgentId,
    pub line: Option<LineId>,
    /// What it may run; with none and a line, nothing.
    pub release: Option<ReleaseId>,
    pub seq: u64,
    pub digests: Vec<Hash32>,
    /// Those of them that are code for NEAR. A contract runs nothing else, whoever deploys it.
    #[wire(default)]
    pub wasm: Vec<Hash32>,
    pub reason: Reason,
    pub epochs: Option<Epochs>,
}

/// Why it is this release.
#[wire]
#[derive(Copy)]
pub enum Reason {
    /// The agent is on no line: nobody governs its code.
    Unmanaged,
    /// Its line has nothing for it yet.
    NoRelease,
    /// The line's head.
    Head,
    /// The one before: the newest has not reached it yet.
    Waiting,
    /// Its owner, or a guardian, holds it there.
    Pinned,
    /// What it ran: its owner accepts each release.
    Manual,
    /// What it ran: the next one asks for permissions that its owner has not accepted.
    NewPermissions,
    /// What it ran: the next one differs by more than its owner lets it move.
    LargerBump,
    /// What it ran: the next one has not been out for as long as its owner wants.
    Soaking,
    /// What it ran: somebody whose word its owner wants has said nothing good of the next one.
    Unaudited,
}
