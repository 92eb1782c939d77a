//! Releases that an agent's own contract takes over.

use charter_derive::wire;

use crate::Hash32;
use crate::error::failures;
use crate::governance::ReleaseId;
use crate::registry::{AgentId, Epochs};

/// What such a contract reads of [`ReleaseFor`](crate::governance::ReleaseFor), and no more: a reason that a later governance
/// knows would else be an answer that it can't read, and it could not even adopt the release that can.
#[wire]
pub struct Told {
    pub agent: AgentId,
    pub release: Option<ReleaseId>,
    #[wire(default)]
    pub wasm: Vec<Hash32>,
    pub epochs: Option<Epochs>,
}

/// Why an agent goes on with the code that it has, and nothing is wrong.
#[wire]
#[derive(Copy)]
pub enum Unchanged {
    /// It is told no release.
    NoRelease,
    /// It runs what it is told.
    Running,
}

failures! {
    /// What an agent's contract refuses to adopt.
    AdoptError {
        NotSelf { caller: crate::AccountId } = "ADOPT_NOT_SELF", "caller {caller} is not the contract itself";
        NoAnswer { agent: AgentId } = "ADOPT_NO_ANSWER", "governance or the registry did not answer about agent {agent}, or nothing that can be read";
        EpochsMoved { agent: AgentId } = "ADOPT_EPOCHS_MOVED", "agent {agent} has changed hands, or its rights were revoked, since it was put on its line: its owner has to enroll it again, or to choose";
        NotOneCode { release: ReleaseId, found: usize } = "ADOPT_NOT_ONE_CODE", "release {release} has {found} artifacts that are code for NEAR; a contract adopts the one of a release that has one";
    }
}
