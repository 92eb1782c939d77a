//! Votes by what is locked: stake, those it is delegated to, and what of it a vote counts.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::{BPS, Choice, LineId, ProposalId};
use crate::asset::{Asset, Books};
use crate::registry::AgentId;
use crate::{AccountId, U128};

/// A line's time goes in periods of an eighth of `unlock_ms`. What changes in one counts from the next on, and a vote
/// counts what counted when the period of its proposal began: so nothing that is locked, moved or delegated after a
/// proposal, or in the same block, has a say in it.
pub const PERIODS: u64 = 8;
/// Most entries of a history: those of [`PERIODS`] and one more, of the period to come, and what was before. Rows have room
/// for as many from the beginning, but for [`Delegated`], which only its holder makes longer.
pub const HISTORY_MAX: usize = 11;
/// Delegates that a holder has at once.
pub const PARTS_MAX: usize = 8;
/// Most that one line's stake comes to, 2^112: as much as NEAR has ever been, four times over.
pub const STAKE_MAX: u128 = 1 << 112;
/// Share of what is locked, in 1/10,000, with which a holder or a delegate may propose, besides the council.
pub const PROPOSE_BPS: u16 = 100;
/// Longest wait of what is unlocked.
pub const UNLOCK_MS_MAX: u64 = 120 * 24 * 3_600_000;

/// That a line is decided by stake. Asset and `unlock_ms` are fixed with the first constitution that has them.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct StakeRules {
    pub asset: Asset,
    /// How long what is unlocked stays here: as long as a vote with its extension and twice its timelock, at least.
    pub unlock_ms: u64,
    /// Yes that it takes at least. The council decides while less is locked than so much is the quorum of.
    pub floor: U128,
}

impl StakeRules {
    /// What has to be locked for stake to decide. If its quorum were below the floor, whoever locks or unlocks the last of it
    /// could stop everything by silence.
    pub fn decides_from(&self, quorum_bps: u16) -> u128 {
        let quorum = u128::from(quorum_bps.max(1));
        self.floor.0.saturating_mul(BPS).div_ceil(quorum)
    }
}

/// An amount from a time on.
#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct Since {
    pub from_ms: u64,
    pub amount: U128,
}

/// All that is locked on a line.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Pool {
    pub line: LineId,
    pub asset: Asset,
    pub unlock_ms: u64,
    /// What is here of it, locked or not.
    pub books: Books,
    /// How many delegates there ever were.
    pub delegates: u64,
    /// What is locked in all.
    pub locked: Vec<Since>,
}

/// What one account has locked on a line.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Stake {
    pub line: LineId,
    pub holder: AccountId,
    /// Unlocked, and there until `ready_ms`.
    pub unlocking: U128,
    pub ready_ms: u64,
    /// Unlocked, and ready to be withdrawn; and on its way to the holder.
    pub free: U128,
    pub in_flight: U128,
    pub locked: Vec<Since>,
    /// Which parts of it others vote with.
    pub delegated: Vec<Delegated>,
}

/// What is delegated from a time on.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Delegated {
    pub from_ms: u64,
    pub parts: Vec<Part>,
}

#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Part {
    pub delegate: AccountId,
    /// The delegate's number when it was delegated: an account that stops being a delegate and begins again has another.
    pub number: u64,
    pub amount: U128,
}

/// An account that votes with what others delegate to it.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Delegate {
    pub line: LineId,
    pub account: AccountId,
    pub number: u64,
    /// For an agent's account: whose it was when it became a delegate, and only who owned it delegates to it.
    pub agent: Option<DelegatedAgent>,
    pub received: Vec<Since>,
}

#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct DelegatedAgent {
    pub agent: AgentId,
    pub owner: AccountId,
}

/// The part of a proposal that is decided by stake.
#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct StakeVote {
    /// What counted then counts.
    pub snapshot_ms: u64,
    pub floor: U128,
    /// What was locked in all.
    pub all: U128,
    pub yes: U128,
    pub no: U128,
    /// The same of agents, which count for a third of all votes at most.
    pub agents_yes: U128,
    pub agents_no: U128,
}

/// A vote by stake.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct StakeBallot {
    pub proposal: ProposalId,
    pub voter: AccountId,
    pub choice: Choice,
    /// The voter's own stake, delegated parts included: those are taken from the delegates.
    pub own: U128,
    /// What was delegated to it and not taken from it.
    pub received: U128,
    /// The voter's number as a delegate; 0 if it was none.
    pub number: u64,
    /// An agent's.
    pub agent: bool,
    /// The proposal's when it was cast.
    pub round: u8,
}

/// What holders who voted themselves take from a delegate's vote that was not cast yet. From one that is they take it at
/// once.
#[wire]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Overridden {
    pub proposal: ProposalId,
    pub delegate: AccountId,
    /// The delegate's.
    pub number: u64,
    /// The proposal's.
    pub round: u8,
    pub amount: U128,
}

/// What counts at a time: the last entry of before.
fn at(history: &[Since], ms: u64) -> u128 {
    history.iter().rev().find(|since| since.from_ms <= ms).map_or(0, |since| since.amount.0)
}

impl StakeVote {
    /// Yes as it counts for the quorum: of agents half as much as of people at most. If a no made room for more of it, it
    /// could carry what it is against.
    pub fn quorum_yes(&self) -> u128 {
        self.yes.0.saturating_add(self.agents_yes.0.min(self.yes.0 / 2))
    }
}

impl Pool {
    pub fn locked_at(&self, ms: u64) -> u128 {
        at(&self.locked, ms)
    }

    /// Whether and when what changes now counts: from the next period on.
    pub fn next_period_ms(&self, now_ms: u64) -> u64 {
        self.period_begin_ms(now_ms).saturating_add(self.period_ms())
    }

    /// Begin of the period; a proposal made in it counts what counted then.
    pub fn period_begin_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(now_ms.checked_rem(self.period_ms()).unwrap_or_default())
    }

    pub fn period_ms(&self) -> u64 {
        self.unlock_ms / PERIODS
    }
}

impl Delegate {
    pub fn received_at(&self, ms: u64) -> u128 {
        at(&self.received, ms)
    }
}

impl Stake {
    pub fn locked_at(&self, ms: u64) -> u128 {
        at(&self.locked, ms)
    }

    pub fn parts_at(&self, ms: u64) -> &[Part] {
        let delegated = self.delegated.iter().rev().find(|delegated| delegated.from_ms <= ms);
        delegated.map_or(&[], |delegated| &delegated.parts)
    }

    /// What is locked and not delegated, with all that was changed by now. What was delegated to one that stands no more,
    /// under that number, is not.
    pub fn available(&self, stands: impl Fn(&Part) -> bool) -> u128 {
        let parts = self.parts_at(u64::MAX).iter().filter(|part| stands(part));
        let delegated = parts.fold(0_u128, |sum, part| sum.saturating_add(part.amount.0));
        self.locked_at(u64::MAX).saturating_sub(delegated)
    }
}
