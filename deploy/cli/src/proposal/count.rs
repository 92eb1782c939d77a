//! How the votes on a proposal stand, in plain words.

use charter_types::asset::Asset;
use charter_types::governance::{BPS, Member, Proposal};

use super::stake;

pub fn percent(bps: u16) -> String {
    let (whole, rest) = (bps / 100, bps % 100);
    if rest == 0 { format!("{whole} %") } else { format!("{whole}.{rest:0>2} %") }
}

pub fn weight(council: &[Member]) -> u64 {
    council.iter().map(|member| member.weight).fold(0, u64::saturating_add)
}

/// The least that is a share of something: a weight, or stake, which is below 2^114.
pub fn share(of: u128, bps: u16) -> u128 {
    of.saturating_mul(u128::from(bps)).div_ceil(BPS)
}

/// Weight of the council that has to be yes.
pub fn needed(proposal: &Proposal) -> u128 {
    share(weight(&proposal.council).into(), proposal.quorum_bps())
}

/// What was cast so far.
pub fn cast(proposal: &Proposal, asset: Option<&Asset>) -> String {
    let plain = || format!("{} yes, {} no", proposal.yes, proposal.no);
    proposal.stake.as_ref().map_or_else(plain, |vote| stake::cast(vote, asset))
}

/// The same, and what it takes.
pub fn tally(proposal: &Proposal, asset: Option<&Asset>) -> String {
    let (all, needed) = match &proposal.stake {
        Some(vote) => (stake::amount(asset, vote.all.0), stake::needed(proposal, vote, asset)),
        None => (weight(&proposal.council).to_string(), needed(proposal).to_string()),
    };
    let contested =
        if proposal.is_contested() { format!(", and {} of the votes", threshold(proposal)) } else { String::new() };
    format!("{}, of {all}; {needed} yes are needed{contested}", cast(proposal, asset))
}

/// Whose votes count, and how much of them has to be yes.
pub fn decides(proposal: &Proposal, asset: Option<&Asset>) -> String {
    let council = || format!("the council, with {} of {} yes", needed(proposal), weight(&proposal.council));
    proposal.stake.as_ref().map_or_else(council, |vote| stake::decides(vote, asset))
}

/// Which part of the votes has to be yes.
pub fn threshold(proposal: &Proposal) -> String {
    let bps = proposal.params.threshold_bps;
    if proposal.is_contested() && bps <= 6_666 { "two thirds".to_owned() } else { percent(bps) }
}
