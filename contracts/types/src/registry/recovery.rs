//! Getting an agent back when the owner's key is lost.
//!
//! Not when it is stolen: who holds the owner's key can veto. Recoverers stand outside the epochs and can do nothing but
//! propose a new owner, wait, and be vetoed.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::AgentId;
use crate::AccountId;

pub const RECOVERERS_MAX: usize = 8;
/// Shortest and longest time the owner has to veto.
pub const RECOVERY_MS_MIN: u64 = 3_600_000;
pub const RECOVERY_MS_MAX: u64 = 90 * 24 * 3_600_000;
/// While there are recoverers, handing the agent over and changing them takes this much longer than recovery does, so
/// that somebody with a stolen key can't get rid of them first.
pub const HAND_OVER_MARGIN_MS: u64 = 24 * 3_600_000;
/// Rounds are numbers of the registry's one counter above this; those that the first release counted in each row are below.
pub const ROUNDS_FROM: u64 = 1 << 32;

/// Who together may restore the agent.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Recoverers {
    pub accounts: Vec<AccountId>,
    /// How many of them must agree.
    pub threshold: u8,
    /// How long the owner may veto after that.
    pub delay_ms: u64,
}

/// An agent's recoverers, and those who replace them later.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Recovery {
    pub agent: AgentId,
    pub recoverers: Recoverers,
    /// Moves with every veto, change and recovery: proposals of another round are void.
    pub round: u64,
    /// Recoverers from `next_from_ms` on; none of them: there is no recovery then.
    pub next: Option<Recoverers>,
    pub next_from_ms: u64,
}

impl Recovery {
    /// Recoverers and round at a time: a change that is due counts, whether or not anybody wrote it down. No proposal is ever
    /// made in the round of a change that was not written down.
    pub fn at(&self, now_ms: u64) -> (&Recoverers, u64) {
        match &self.next {
            Some(next) if self.next_from_ms <= now_ms => (next, self.round.saturating_add(1)),
            _ => (&self.recoverers, self.round),
        }
    }

    /// How long a hand-over has to wait.
    pub fn hand_over_wait_ms(&self, now_ms: u64) -> u64 {
        let (recoverers, _) = self.at(now_ms);
        if recoverers.accounts.is_empty() { 0 } else { recoverers.delay_ms.saturating_add(HAND_OVER_MARGIN_MS) }
    }
}

/// One recoverer's proposal, and who agrees with it.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct RecoveryProposal {
    pub agent: AgentId,
    pub proposer: AccountId,
    pub new_owner: AccountId,
    pub round: u64,
    /// Recoverers by position, one bit each.
    pub approvals: u8,
    /// From when on it can be executed; 0 until enough recoverers agree.
    pub ready_ms: u64,
}
