//! Votes by stake.

use charter_types::governance::{Choice, GovernanceError, Overridden, Proposal, StakeBallot, StakeVote};
use charter_types::{AccountId, U128};

use super::vote::Count;

type Outcome<T = ()> = Result<T, GovernanceError>;

/// What somebody votes with.
#[derive(Clone, Copy)]
pub struct Power {
    pub own: u128,
    pub received: u128,
    /// The voter's as a delegate.
    pub number: u64,
    pub agent: bool,
}

fn tally(vote: &mut StakeVote, choice: Choice, agent: bool) -> &mut U128 {
    match (choice, agent) {
        (Choice::Yes, false) => &mut vote.yes,
        (Choice::No, false) => &mut vote.no,
        (Choice::Yes, true) => &mut vote.agents_yes,
        (Choice::No, true) => &mut vote.agents_no,
    }
}

fn add(vote: &mut StakeVote, ballot: &StakeBallot) {
    let sum = tally(vote, ballot.choice, ballot.agent);
    *sum = U128(sum.0.saturating_add(ballot.own.0).saturating_add(ballot.received.0));
}

fn subtract(vote: &mut StakeVote, ballot: &StakeBallot) {
    let sum = tally(vote, ballot.choice, ballot.agent);
    *sum = U128(sum.0.saturating_sub(ballot.own.0).saturating_sub(ballot.received.0));
}

pub fn stake_vote(proposal: &mut Proposal) -> Outcome<&mut StakeVote> {
    proposal.stake.as_mut().ok_or(GovernanceError::NotByStake {})
}

/// A first vote in this round.
pub fn cast_stake(proposal: &mut Proposal, voter: &AccountId, choice: Choice, power: Power) -> Outcome<StakeBallot> {
    let Power { own, received, number, agent } = power;
    if own == 0 && received == 0 {
        return Err(GovernanceError::NoVotes { caller: voter.clone() });
    }
    let ballot = StakeBallot {
        proposal: proposal.id,
        voter: voter.clone(),
        choice,
        own: U128(own),
        received: U128(received),
        number,
        agent,
        round: proposal.round,
    };
    add(stake_vote(proposal)?, &ballot);
    Ok(ballot)
}

/// Another choice: what it counts for stays. What was delegated to the voter is turned by the delegate that it was then, and by
/// none after it has stood down: an agent's account stands again for a new owner, too.
pub fn recast_stake(proposal: &mut Proposal, ballot: &mut StakeBallot, choice: Choice, by: (u64, bool)) -> Outcome {
    let (number, agent) = by;
    if ballot.agent != agent || (ballot.received.0 > 0 && ballot.number != number) {
        return Err(GovernanceError::NoVotes { caller: ballot.voter.clone() });
    }
    let vote = stake_vote(proposal)?;
    subtract(vote, ballot);
    ballot.choice = choice;
    add(vote, ballot);
    Ok(())
}

/// INV-GOV-2. A holder votes itself with what it had delegated: that is taken out of the delegate's vote. Whether that one
/// counted it: an account that stood down and stood again is another delegate.
pub fn take_from(proposal: &mut Proposal, ballot: &mut StakeBallot, number: u64, amount: u128) -> Outcome<bool> {
    if ballot.round != proposal.round || ballot.number != number {
        return Ok(false);
    }
    let vote = stake_vote(proposal)?;
    subtract(vote, ballot);
    ballot.received = U128(ballot.received.0.saturating_sub(amount));
    add(vote, ballot);
    Ok(true)
}

/// The same of one that has not voted yet, added to what others took. Nothing, if others took from a later delegate of that
/// name: this one can't vote any more.
pub fn take_later(
    proposal: &Proposal,
    before: Option<Overridden>,
    (delegate, number): (&AccountId, u64),
    amount: u128,
) -> Option<Overridden> {
    let later = |before: &Overridden| before.round == proposal.round && before.number > number;
    if before.as_ref().is_some_and(later) {
        return None;
    }
    let taken = before.as_ref().map_or(0, |before| taken_from(proposal, before, number));
    let amount = U128(taken.saturating_add(amount));
    Some(Overridden { proposal: proposal.id, delegate: delegate.clone(), number, round: proposal.round, amount })
}

pub fn taken_from(proposal: &Proposal, row: &Overridden, number: u64) -> u128 {
    if row.round == proposal.round && row.number == number { row.amount.0 } else { 0 }
}

/// Agents count for a third of all votes at most, half as much as people: above it their yes and no are scaled down alike,
/// each rounded down.
pub fn count_stake(vote: &StakeVote) -> Count {
    let people = vote.yes.0.saturating_add(vote.no.0);
    let twice = vote.agents_yes.0.saturating_add(vote.agents_no.0).saturating_mul(2);
    let scaled = |part: u128| if twice > people { share(people, part, twice) } else { part };
    Count {
        yes: vote.yes.0.saturating_add(scaled(vote.agents_yes.0)),
        no: vote.no.0.saturating_add(scaled(vote.agents_no.0)),
        quorum: vote.quorum_yes(),
        all: vote.all.0,
        least: vote.floor.0,
    }
}

/// `amount` times `part` by `whole`, rounded down, bit by bit from the highest: the product has more bits than there are
/// numbers for. `part` is `whole` at most, both below 2^114.
fn share(amount: u128, part: u128, whole: u128) -> u128 {
    let (mut quotient, mut rest) = (0_u128, 0_u128);
    for bit in (0..128).rev() {
        quotient = quotient.saturating_mul(2);
        rest = rest.saturating_mul(2);
        if amount >> bit & 1 == 1 {
            rest = rest.saturating_add(part);
        }
        while rest >= whole {
            rest = rest.saturating_sub(whole);
            quotient = quotient.saturating_add(1);
        }
    }
    quotient
}

#[cfg(test)]
mod tests {
    use charter_types::U128;
    use charter_types::governance::{Choice, GovernanceError, Params, Proposal, ProposalState, StakeVote};

    use super::{Count, Power, cast_stake, count_stake, recast_stake, share, take_from, take_later, taken_from};
    use crate::model::decide;
    use crate::model::vote::tests::{account, proposal};

    fn by_stake(all: u128, floor: u128) -> Proposal {
        let none = U128(0);
        let stake = StakeVote {
            snapshot_ms: 0,
            floor: U128(floor),
            all: U128(all),
            yes: none,
            no: none,
            agents_yes: none,
            agents_no: none,
        };
        Proposal { council: Vec::new(), stake: Some(stake), ..proposal() }
    }

    fn power(own: u128, received: u128, number: u64) -> Power {
        Power { own, received, number, agent: false }
    }

    fn outcome(proposal: &Proposal) -> ProposalState {
        let mut proposal = proposal.clone();
        decide(&mut proposal, 100).unwrap();
        proposal.state
    }

    #[test]
    fn what_a_holder_takes_back_leaves_the_delegates_vote_by_exactly_that() {
        let mut proposal = by_stake(100, 1);
        let mut ballot = cast_stake(&mut proposal, &account("d.near"), Choice::Yes, power(5, 20, 3)).unwrap();
        assert_eq!(take_from(&mut proposal, &mut ballot, 2, 7), Ok(false), "that was an earlier delegate");
        assert_eq!(take_from(&mut proposal, &mut ballot, 3, 7), Ok(true));
        cast_stake(&mut proposal, &account("h.near"), Choice::No, power(7, 0, 0)).unwrap();
        let stake = proposal.stake.unwrap();
        assert_eq!((stake.yes.0, stake.no.0, ballot.received.0), (18, 7, 13));
        recast_stake(&mut proposal, &mut ballot, Choice::No, (3, false)).unwrap();
        let stake = proposal.stake.unwrap();
        assert_eq!((stake.yes.0, stake.no.0), (0, 25));
        proposal.round = 1;
        assert_eq!(take_from(&mut proposal, &mut ballot, 3, 7), Ok(false), "a vote of the first round");
        let nobody = cast_stake(&mut proposal, &account("e.near"), Choice::No, power(0, 0, 0));
        assert_eq!(nobody, Err(GovernanceError::NoVotes { caller: account("e.near") }));
    }

    /// Ask for neither, and who bought an agent turns the seller's vote.
    #[test]
    fn what_was_delegated_is_turned_by_the_delegate_that_cast_it() {
        let mut proposal = by_stake(100, 1);
        let by_agent = Power { agent: true, ..power(0, 9, 4) };
        let mut ballot = cast_stake(&mut proposal, &account("bot.near"), Choice::Yes, by_agent).unwrap();
        let none = Err(GovernanceError::NoVotes { caller: account("bot.near") });
        for by in [(5, true), (4, false), (0, false)] {
            assert_eq!(recast_stake(&mut proposal, &mut ballot, Choice::No, by), none, "{by:?}");
        }
        recast_stake(&mut proposal, &mut ballot, Choice::No, (4, true)).unwrap();
        assert_eq!(proposal.stake.unwrap().agents_no.0, 9);
        let mut person = cast_stake(&mut proposal, &account("d.near"), Choice::Yes, power(3, 4, 2)).unwrap();
        assert!(recast_stake(&mut proposal, &mut person, Choice::No, (0, false)).is_err(), "it has stood down");
        let mut alone = cast_stake(&mut proposal, &account("a.near"), Choice::Yes, power(3, 0, 0)).unwrap();
        assert!(recast_stake(&mut proposal, &mut alone, Choice::No, (5, false)).is_ok(), "its own is its own");
    }

    /// Count agents' yes by all that people say, and a no carries a proposal over its quorum.
    #[test]
    fn a_no_more_never_approves_and_a_yes_more_never_rejects() {
        let passes = |yes: u128, no: u128, agents_yes: u128, agents_no: u128| {
            let mut proposal = by_stake(20, 3);
            proposal.params = Params { quorum_bps: 5_001, threshold_bps: 5_001, ..proposal.params };
            let (yes, no, agents_yes, agents_no) = (U128(yes), U128(no), U128(agents_yes), U128(agents_no));
            proposal.stake = proposal.stake.map(|stake| StakeVote { yes, no, agents_yes, agents_no, ..stake });
            outcome(&proposal) == ProposalState::Queued
        };
        let mut passed = 0;
        for (yes, no) in (0..14).flat_map(|yes| (0..8).map(move |no| (yes, no))) {
            for (agents_yes, agents_no) in (0..10).flat_map(|yes| (0..6).map(move |no| (yes, no))) {
                let now = passes(yes, no, agents_yes, agents_no);
                passed += u32::from(now);
                let said = format!("{yes} {no} {agents_yes} {agents_no}");
                assert!(now || !passes(yes, no + 1, agents_yes, agents_no), "a no: {said}");
                assert!(!now || passes(yes + 1, no, agents_yes, agents_no), "a yes: {said}");
            }
        }
        assert!(passed > 100);
    }

    /// Let an earlier delegate's row take the place of a later one's, and what was taken from that one counts twice.
    #[test]
    fn what_is_taken_from_a_vote_to_come_is_the_sum_for_that_delegate() {
        let proposal = by_stake(100, 1);
        let name = account("d.near");
        let first = take_later(&proposal, None, (&name, 2), 3).unwrap();
        let both = take_later(&proposal, Some(first), (&name, 2), 4).unwrap();
        assert_eq!((taken_from(&proposal, &both, 2), taken_from(&proposal, &both, 3)), (7, 0));
        assert_eq!(take_later(&proposal, Some(both.clone()), (&name, 1), 9), None);
        let later = take_later(&proposal, Some(both.clone()), (&name, 3), 5).unwrap();
        assert_eq!((later.number, later.amount.0), (3, 5));
        let again = Proposal { round: 1, ..proposal };
        assert_eq!(taken_from(&again, &both, 2), 0);
        assert_eq!(take_later(&again, Some(both), (&name, 2), 1).unwrap().amount.0, 1);
    }

    #[test]
    fn agents_are_a_third_of_all_votes_at_most() {
        let counted = |yes, no, agents_yes, agents_no| {
            let vote = StakeVote {
                yes: U128(yes),
                no: U128(no),
                agents_yes: U128(agents_yes),
                agents_no: U128(agents_no),
                ..by_stake(1_000, 1).stake.unwrap()
            };
            let Count { yes, no, .. } = count_stake(&vote);
            (yes, no)
        };
        assert_eq!(counted(10, 10, 6, 4), (16, 14), "exactly a third");
        assert_eq!(counted(10, 10, 60, 40), (16, 14));
        assert_eq!(counted(10, 11, 7, 4), (16, 14), "6.68 and 3.82, rounded down");
        assert_eq!(counted(5, 0, 4, 1), (7, 0), "of two and a half, not of two");
        assert_eq!(counted(0, 0, 100, 0), (0, 0), "without people they decide nothing");
        assert_eq!(counted(1, 0, 100, 0), (1, 0));
    }

    #[test]
    fn a_share_is_exact_where_the_product_has_no_number() {
        let large = (1_u128 << 112) - 1;
        assert_eq!(share(large, large, large), large);
        assert_eq!(share(large, large - 1, large), large - 1);
        assert_eq!(share(large / 2, large / 3, large), 865_382_809_755_804_604_755_082_721_536_682);
        for (amount, part, whole) in [(10, 3, 7), (0, 3, 7), (10, 0, 7), (1, 6, 7), (999, 6, 7)] {
            assert_eq!(share(amount, part, whole), amount * part / whole, "{amount} {part} {whole}");
        }
    }

    #[test]
    fn it_takes_the_quorum_of_what_is_locked_and_the_floor() {
        for (all, floor, yes, no, state) in [
            (100, 1, 50, 0, ProposalState::Queued),
            (100, 1, 49, 0, ProposalState::Rejected),
            (100, 1, 50, 34, ProposalState::Rejected),
            (100, 60, 59, 0, ProposalState::Rejected),
            (100, 60, 60, 40, ProposalState::Queued),
        ] {
            let mut proposal = by_stake(all, floor);
            proposal.params = Params { quorum_bps: 5_000, threshold_bps: 6_000, ..proposal.params };
            cast_stake(&mut proposal, &account("a.near"), Choice::Yes, power(yes, 0, 0)).unwrap();
            if no > 0 {
                cast_stake(&mut proposal, &account("b.near"), Choice::No, power(no, 0, 0)).unwrap();
            }
            assert_eq!(outcome(&proposal), state, "{all} {floor} {yes} {no}");
        }
    }
}
