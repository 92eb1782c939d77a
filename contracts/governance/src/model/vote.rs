//! Casting votes and deciding on them.

use charter_types::governance::{
    BPS, Ballot, Choice, EXECUTION_MS, GovernanceError, KEPT_MS, Line, Member, Params, Proposal, ProposalState,
    StakeVote,
};
use charter_types::{AccountId, Hash32, U128};

use super::ballot::count_stake;

type Outcome<T = ()> = Result<T, GovernanceError>;

/// A council member's weight as it was when the proposal was made.
pub fn weight_of(council: &[Member], account: &AccountId) -> Outcome<u64> {
    let member = council.iter().find(|member| member.account == *account);
    let stranger = || GovernanceError::NotMember { caller: account.clone() };
    Ok(member.ok_or_else(stranger)?.weight)
}

/// A vote on a proposal, which `change` counts: while it runs, by somebody who repeats what is voted on. One that turns the
/// outcome near the end can be answered.
pub fn voting<T, E: From<GovernanceError>>(
    proposal: &mut Proposal,
    content_hash: Hash32,
    now_ms: u64,
    change: impl FnOnce(&mut Proposal) -> Result<T, E>,
) -> Result<T, E> {
    if proposal.state != ProposalState::Voting || now_ms >= proposal.end_ms {
        return Err(GovernanceError::VoteEnded { end_ms: proposal.end_ms }.into());
    }
    if content_hash != proposal.content_hash {
        return Err(GovernanceError::ContentHash { expected: proposal.content_hash }.into());
    }
    let approved = is_approved(proposal);
    let changed = change(proposal)?;
    if is_approved(proposal) != approved {
        extend(proposal, now_ms);
    }
    Ok(changed)
}

/// Casts or changes a council member's vote: the tally moves by exactly the voter's weight.
pub fn cast(
    proposal: &mut Proposal,
    before: Option<&Ballot>,
    voter: &AccountId,
    content_hash: Hash32,
    choice: Choice,
    now_ms: u64,
) -> Outcome<Ballot> {
    let weight = weight_of(&proposal.council, voter)?;
    voting(proposal, content_hash, now_ms, |proposal| {
        if let Some(before) = before.filter(|before| before.round == proposal.round) {
            let tally = tally(proposal, before.choice);
            *tally = tally.saturating_sub(before.weight);
        }
        let tally = tally(proposal, choice);
        *tally = tally.saturating_add(weight);
        Ok(Ballot { proposal: proposal.id, voter: voter.clone(), choice, weight, round: proposal.round })
    })
}

/// The outcome has turned: the others get time to answer, and the timelock begins later. Never more than one extension in
/// all, so that no vote goes on for ever.
fn extend(proposal: &mut Proposal, now_ms: u64) {
    let Params { vote_ms, extension_ms, .. } = proposal.params;
    let latest = proposal.start_ms.saturating_add(vote_ms).saturating_add(extension_ms);
    let end_ms = proposal.end_ms.max(latest.min(now_ms.saturating_add(extension_ms)));
    proposal.eta_ms = proposal.eta_ms.saturating_add(end_ms.saturating_sub(proposal.end_ms));
    proposal.end_ms = end_ms;
}

/// Whether an objection to a proposal can still do anything.
pub fn check_objectable(proposal: &Proposal, now_ms: u64) -> Outcome {
    let open = matches!(proposal.state, ProposalState::Voting | ProposalState::Queued) && now_ms < proposal.eta_ms;
    if proposal.round == 0 && open { Ok(()) } else { Err(GovernanceError::NotObjectable {}) }
}

/// Counts an owner's objection. While the vote runs, many of them raise what it takes; after it, it is held again.
pub fn object(proposal: &mut Proposal, now_ms: u64) -> Outcome {
    check_objectable(proposal, now_ms)?;
    if proposal.state == ProposalState::Voting && now_ms >= proposal.end_ms {
        // Nobody has counted the votes yet. What was approved by then is not undone by a higher threshold.
        decide(proposal, now_ms)?;
        check_objectable(proposal, now_ms)?;
    }
    let (stretched, contested) = (proposal.is_stretched(), proposal.is_contested());
    let approved = is_approved(proposal);
    proposal.objections = proposal.objections.saturating_add(1);
    if proposal.is_stretched() && !stretched {
        proposal.eta_ms = proposal.eta_ms.saturating_add(proposal.params.timelock_ms);
    }
    if proposal.state == ProposalState::Queued && proposal.is_contested() && !contested {
        vote_again(proposal, now_ms);
    } else if proposal.state == ProposalState::Voting && is_approved(proposal) != approved {
        extend(proposal, now_ms);
    }
    Ok(())
}

fn vote_again(proposal: &mut Proposal, now_ms: u64) {
    let Params { vote_ms, timelock_ms, .. } = proposal.params;
    (proposal.state, proposal.round) = (ProposalState::Voting, 1);
    (proposal.yes, proposal.no) = (0, 0);
    if let Some(StakeVote { yes, no, agents_yes, agents_no, .. }) = &mut proposal.stake {
        (*yes, *no, *agents_yes, *agents_no) = (U128(0), U128(0), U128(0), U128(0));
    }
    proposal.start_ms = now_ms;
    proposal.end_ms = now_ms.saturating_add(vote_ms);
    proposal.eta_ms = proposal.end_ms.saturating_add(timelock_ms);
}

fn tally(proposal: &mut Proposal, choice: Choice) -> &mut u64 {
    match choice {
        Choice::Yes => &mut proposal.yes,
        Choice::No => &mut proposal.no,
    }
}

/// What was cast, of how much. Weights are below 2^64 and stake below 2^114: ten thousand times that fits.
pub struct Count {
    pub yes: u128,
    pub no: u128,
    /// Yes as it counts for the quorum.
    pub quorum: u128,
    pub all: u128,
    /// Yes that it takes, whatever the quorum.
    pub least: u128,
}

/// Whether `part` is at least `bps` of `whole`.
fn reaches(part: u128, whole: u128, bps: u16) -> bool {
    part.saturating_mul(BPS) >= whole.saturating_mul(u128::from(bps))
}

/// The electorates: a council by its members' weight, or what is locked.
fn counted(proposal: &Proposal) -> Count {
    match &proposal.stake {
        Some(stake) => count_stake(stake),
        None => Count {
            yes: proposal.yes.into(),
            no: proposal.no.into(),
            quorum: proposal.yes.into(),
            all: proposal.council.iter().map(|member| u128::from(member.weight)).sum(),
            least: 1,
        },
    }
}

/// Closes the vote. Yes has to be a share of all weight and of what was cast, so silence is a no. Approved proposals wait for
/// their timelock, which runs from the end of the vote, whenever this is called.
pub fn decide(proposal: &mut Proposal, now_ms: u64) -> Outcome {
    if proposal.state != ProposalState::Voting {
        return Err(GovernanceError::NotApproved {});
    }
    if now_ms < proposal.end_ms {
        return Err(GovernanceError::VoteRunning { end_ms: proposal.end_ms });
    }
    proposal.state = if is_approved(proposal) { ProposalState::Queued } else { ProposalState::Rejected };
    Ok(())
}

fn is_approved(proposal: &Proposal) -> bool {
    let Count { yes, no, quorum, all, least } = counted(proposal);
    let votes = yes.saturating_add(no);
    quorum >= least
        && reaches(quorum, all, proposal.quorum_bps())
        && reaches(yes, votes, proposal.params.threshold_bps)
        // Exactly two thirds will do: who has a third of the votes and friends among the owners can't stop a line for good.
        && (!proposal.is_contested() || yes.saturating_mul(3) >= votes.saturating_mul(2))
}

/// Cancels a proposal. Who made it may take it back while its fate is open, and no longer: a veto on what was decided is
/// only the guardian's whom the line's constitution names. Whether it was the guardian.
pub fn stop(proposal: &mut Proposal, line: &Line, caller: &AccountId, now_ms: u64) -> Outcome<bool> {
    let (maker, guardian) = (*caller == proposal.proposer, line.guardian.as_ref() == Some(caller));
    if !maker && !guardian {
        return Err(GovernanceError::NotProposer { caller: caller.clone() });
    }
    // What is voted on again was approved once.
    let open = proposal.state == ProposalState::Voting && now_ms < proposal.end_ms && proposal.round == 0;
    let undone = matches!(proposal.state, ProposalState::Voting | ProposalState::Queued);
    if !(maker && open || guardian && undone) {
        return Err(GovernanceError::NotCancellable {});
    }
    proposal.state = ProposalState::Cancelled;
    // Taking one's own back is no veto.
    Ok(!(maker && open))
}

/// INV-GOV-4: nothing is carried out before its time, after it, or without approval. What an older release counted as
/// approved has to be so by today's rules.
pub fn check_due(proposal: &Proposal, now_ms: u64) -> Outcome {
    if proposal.state != ProposalState::Queued || !is_approved(proposal) {
        return Err(GovernanceError::NotApproved {});
    }
    let eta_ms = proposal.eta_ms;
    if now_ms < eta_ms {
        return Err(GovernanceError::TooEarly { eta_ms });
    }
    let until_ms = eta_ms.saturating_add(EXECUTION_MS);
    if now_ms > until_ms { Err(GovernanceError::TooLate { until_ms }) } else { Ok(()) }
}

/// Whether a proposal's rows may go. Nothing of it can be carried out by then, and whatever was begun has been answered.
pub fn check_forgettable(proposal: &Proposal, now_ms: u64) -> Outcome {
    let until_ms = proposal.eta_ms.saturating_add(EXECUTION_MS).saturating_add(KEPT_MS);
    if now_ms <= until_ms { Err(GovernanceError::Open { until_ms }) } else { Ok(()) }
}

#[cfg(test)]
pub mod tests {
    use charter_types::governance::{
        Ballot, Choice, Constitution, EXECUTION_MS, GovernanceError, Member, Params, Proposal, ProposalKind,
        ProposalState,
    };
    use charter_types::{AccountId, Hash32, U128};

    use super::{cast, check_due, decide, object, stop};
    use crate::model::new_line;

    pub fn account(name: &str) -> AccountId {
        name.parse().unwrap()
    }

    pub fn based(proposal: Proposal, base: Option<u64>) -> Proposal {
        Proposal { base, ..proposal }
    }

    pub fn proposal() -> Proposal {
        let member = |name: &str, weight| Member { account: account(name), weight };
        Proposal {
            id: 1,
            line: 1,
            kind: ProposalKind::Release(1),
            content_hash: Hash32([1; 32]),
            proposer: account("a.near"),
            params: Params {
                vote_ms: 100,
                timelock_ms: 50,
                quorum_bps: 5_000,
                threshold_bps: 6_000,
                extension_ms: 0,
                ..Params::default()
            },
            council: vec![member("a.near", 3), member("b.near", 3), member("c.near", 4)],
            start_ms: 0,
            end_ms: 100,
            eta_ms: 150,
            yes: 0,
            no: 0,
            state: ProposalState::Voting,
            replaces: None,
            base: None,
            failure: None,
            owners: 0,
            objections: 0,
            round: 0,
            bond: U128(0),
            stake: None,
        }
    }

    fn vote(proposal: &mut Proposal, name: &str, choice: Choice) {
        cast(proposal, None, &account(name), Hash32([1; 32]), choice, 99).unwrap();
    }

    #[test]
    fn a_changed_vote_moves_the_tally_by_its_weight() {
        let mut proposal = proposal();
        let hash = Hash32([1; 32]);
        let first = cast(&mut proposal, None, &account("c.near"), hash, Choice::No, 0).unwrap();
        let second = cast(&mut proposal, Some(&first), &account("c.near"), hash, Choice::Yes, 99).unwrap();
        assert_eq!((proposal.yes, proposal.no, second.weight), (4, 0, 4));
        let stranger = cast(&mut proposal, None, &account("eve.near"), hash, Choice::Yes, 0);
        assert_eq!(stranger, Err(GovernanceError::NotMember { caller: account("eve.near") }));
        let late = cast(&mut proposal, None, &account("a.near"), hash, Choice::Yes, 100);
        assert_eq!(late, Err(GovernanceError::VoteEnded { end_ms: 100 }));
        let swapped = cast(&mut proposal, None, &account("a.near"), Hash32([2; 32]), Choice::Yes, 0);
        assert_eq!(swapped, Err(GovernanceError::ContentHash { expected: hash }));
    }

    #[test]
    fn silence_is_no_consent() {
        let mut silent = proposal();
        assert_eq!(decide(&mut silent, 99), Err(GovernanceError::VoteRunning { end_ms: 100 }));
        decide(&mut silent, 100).unwrap();
        assert_eq!(silent.state, ProposalState::Rejected);
        let mut below_quorum = proposal();
        vote(&mut below_quorum, "c.near", Choice::Yes);
        decide(&mut below_quorum, 100).unwrap();
        assert_eq!(below_quorum.state, ProposalState::Rejected);
        // Nine of ten voted, more than half of them yes: but that is less than half of all.
        let mut said_no = proposal();
        vote(&mut said_no, "c.near", Choice::Yes);
        vote(&mut said_no, "a.near", Choice::No);
        said_no.params.threshold_bps = 5_001;
        decide(&mut said_no, 100).unwrap();
        assert_eq!(said_no.state, ProposalState::Rejected);
    }

    /// Let `open` leave out the time and who proposed has a veto after the vote; let `stop` ask for the line's owner and
    /// the owner has one.
    #[test]
    fn only_a_named_guardian_stops_what_was_decided() {
        let council = vec![Member { account: account("a.near"), weight: 1 }];
        let constitution =
            Constitution { council, params: Params::default(), guardian: Some(account("g.near")), stake: None };
        let line = new_line(1, "scout".to_owned(), account("owner.near"), constitution);
        let cancelled = |state, caller: &str, now_ms| {
            let mut proposal = Proposal { state, ..proposal() };
            stop(&mut proposal, &line, &account(caller), now_ms)
        };
        let stranger = |caller| Err(GovernanceError::NotProposer { caller: account(caller) });
        assert_eq!(cancelled(ProposalState::Voting, "owner.near", 0), stranger("owner.near"));
        assert_eq!(cancelled(ProposalState::Voting, "a.near", 99), Ok(false));
        // The vote has ended and nobody has counted it yet.
        assert_eq!(cancelled(ProposalState::Voting, "a.near", 100), Err(GovernanceError::NotCancellable {}));
        assert_eq!(cancelled(ProposalState::Queued, "a.near", 100), Err(GovernanceError::NotCancellable {}));
        let mut again = Proposal { round: 1, ..proposal() };
        assert_eq!(stop(&mut again, &line, &account("a.near"), 0), Err(GovernanceError::NotCancellable {}));
        assert_eq!(cancelled(ProposalState::Queued, "g.near", 100), Ok(true));
        assert_eq!(cancelled(ProposalState::Voting, "g.near", 100), Ok(true));
        for state in [ProposalState::Executing, ProposalState::Executed, ProposalState::Rejected] {
            assert_eq!(cancelled(state, "g.near", 100), Err(GovernanceError::NotCancellable {}), "{state:?}");
        }
    }

    /// Take the line's own quorum, and a fifth of a council makes itself the whole, or has its code run.
    #[test]
    fn who_decides_and_which_code_runs_take_more_than_half_of_all_weight() {
        let council = vec![Member { account: account("b.near"), weight: 1 }];
        let next =
            ProposalKind::Amendment(Constitution { council, params: Params::default(), guardian: None, stake: None });
        let code = ProposalKind::ContractUpgrade { contract: account("keys.near"), code_hash: Hash32::default() };
        for (kind, yes, state) in [
            (ProposalKind::Release(1), &["c.near"][..], ProposalState::Queued),
            (next.clone(), &["c.near"], ProposalState::Rejected),
            (next, &["c.near", "a.near"], ProposalState::Queued),
            (code.clone(), &["c.near"], ProposalState::Rejected),
            (code, &["c.near", "a.near"], ProposalState::Queued),
        ] {
            let mut proposal = Proposal { kind, ..proposal() };
            proposal.params.quorum_bps = 2_000;
            for name in yes {
                vote(&mut proposal, name, Choice::Yes);
            }
            decide(&mut proposal, 100).unwrap();
            assert_eq!(proposal.state, state, "{:?}", proposal.kind);
            // An older release may have let it pass.
            let passed = Proposal { state: ProposalState::Queued, ..proposal };
            assert_eq!(check_due(&passed, 150).is_ok(), state == ProposalState::Queued);
        }
    }

    /// Ten owners in a hundred, and never fewer than three; one is enough to slow it down.
    #[test]
    fn objections_stretch_the_timelock_and_take_the_vote_back() {
        for (owners, stretches, contests) in
            [(1, 1, 3), (30, 1, 3), (31, 1, 4), (100, 1, 10), (101, 2, 11), (1_000, 10, 100)]
        {
            let mut queued = Proposal { owners, state: ProposalState::Queued, ..proposal() };
            for count in 1..=contests {
                assert_eq!(object(&mut queued, 149), Ok(()), "{owners} {count}");
                let round = u8::from(count == contests);
                let eta_ms = if count == contests {
                    149 + 100 + 50
                } else if count >= stretches {
                    200
                } else {
                    150
                };
                assert_eq!((queued.round, queued.eta_ms), (round, eta_ms), "{owners} {count}");
            }
            assert_eq!((queued.state, queued.yes, queued.end_ms), (ProposalState::Voting, 0, 249));
            assert_eq!(object(&mut queued, 160), Err(GovernanceError::NotObjectable {}));
        }
    }

    /// Let `object` look at the state alone, and who owns an agent stops what is carried out already; count `queue` late, and
    /// a vote that nobody closed has no timelock to object in.
    #[test]
    fn an_objection_comes_before_the_timelock_ends() {
        let mut late = Proposal { state: ProposalState::Queued, ..proposal() };
        assert_eq!(object(&mut late, 150), Err(GovernanceError::NotObjectable {}));
        for state in
            [ProposalState::Rejected, ProposalState::Executing, ProposalState::Executed, ProposalState::Cancelled]
        {
            let mut over = Proposal { state, ..proposal() };
            assert_eq!(object(&mut over, 0), Err(GovernanceError::NotObjectable {}), "{state:?}");
        }
        let mut uncounted = Proposal { objections: 2, owners: 3, yes: 6, ..proposal() };
        object(&mut uncounted, 120).unwrap();
        assert_eq!((uncounted.state, uncounted.round, uncounted.yes), (ProposalState::Voting, 1, 0));
        // The third owner's raises what it takes just before the end, and the outcome turns: voters can answer.
        let mut turned = Proposal { objections: 2, owners: 3, yes: 6, no: 4, ..proposal() };
        turned.params.extension_ms = 40;
        object(&mut turned, 99).unwrap();
        assert_eq!((turned.round, turned.end_ms, turned.eta_ms), (0, 139, 189));
        let mut failed = Proposal { objections: 2, owners: 3, ..proposal() };
        assert_eq!(object(&mut failed, 120), Err(GovernanceError::NotObjectable {}));
    }

    #[test]
    fn what_owners_object_to_takes_two_thirds_and_new_votes() {
        let contested = || Proposal { objections: 3, owners: 3, ..proposal() };
        for (votes, state) in
            [(["a.near", "b.near"], ProposalState::Rejected), (["a.near", "c.near"], ProposalState::Queued)]
        {
            let mut running = contested();
            running.params.threshold_bps = 5_001;
            for (name, choice) in [(votes[0], Choice::Yes), (votes[1], Choice::Yes), ("b.near", Choice::No)] {
                if choice == Choice::No && votes[1] == "b.near" {
                    vote(&mut running, "c.near", Choice::No);
                } else {
                    vote(&mut running, name, choice);
                }
            }
            decide(&mut running, 100).unwrap();
            assert_eq!(running.state, state, "{votes:?}");
        }
        // Two of three are two thirds.
        let one = |name: &str| Member { account: account(name), weight: 1 };
        let council = vec![one("a.near"), one("b.near"), one("c.near")];
        let mut exactly = Proposal { council, ..contested() };
        exactly.params.threshold_bps = 5_001;
        for (name, choice) in [("a.near", Choice::Yes), ("b.near", Choice::Yes), ("c.near", Choice::No)] {
            vote(&mut exactly, name, choice);
        }
        decide(&mut exactly, 100).unwrap();
        assert_eq!(exactly.state, ProposalState::Queued);
        // A ballot of the first round takes nothing from the second.
        let mut again = Proposal { round: 1, yes: 3, ..contested() };
        let before = Ballot { proposal: 1, voter: account("c.near"), choice: Choice::Yes, weight: 4, round: 0 };
        let ballot = cast(&mut again, Some(&before), &account("c.near"), Hash32([1; 32]), Choice::No, 99).unwrap();
        assert_eq!((again.yes, again.no, ballot.round), (3, 4, 1));
    }

    /// Compare with `end_ms` alone in `extend`, and a vote that turns now and then never ends; leave `eta_ms` and the timelock
    /// is shorter than owners were promised.
    #[test]
    fn a_late_vote_that_turns_the_outcome_can_be_answered_once() {
        let late = |name, choice, now_ms, proposal: &mut Proposal| {
            cast(proposal, None, &account(name), Hash32([1; 32]), choice, now_ms).unwrap();
            (proposal.end_ms, proposal.eta_ms)
        };
        let mut proposal = proposal();
        (proposal.params.extension_ms, proposal.params.threshold_bps) = (40, 6_001);
        // Early, and late without turning anything.
        assert_eq!(late("a.near", Choice::Yes, 10, &mut proposal), (100, 150));
        assert_eq!(late("b.near", Choice::Yes, 90, &mut proposal), (130, 180));
        // Turned again: no further than one extension beyond the end that was announced.
        assert_eq!(late("c.near", Choice::No, 129, &mut proposal), (140, 190));
        let early = cast(&mut proposal, None, &account("c.near"), Hash32([1; 32]), Choice::No, 139);
        assert!(early.is_ok());
        let over = cast(&mut proposal, None, &account("c.near"), Hash32([1; 32]), Choice::No, 140);
        assert_eq!(over, Err(GovernanceError::VoteEnded { end_ms: 140 }));
    }

    #[test]
    fn the_threshold_is_met_at_exactly_its_share() {
        // 6 of 10 yes is the 60 % asked for.
        let mut met = proposal();
        vote(&mut met, "a.near", Choice::Yes);
        vote(&mut met, "b.near", Choice::Yes);
        vote(&mut met, "c.near", Choice::No);
        decide(&mut met, 100).unwrap();
        assert_eq!(met.state, ProposalState::Queued);
        // 4 of 7 is not.
        let mut missed = proposal();
        vote(&mut missed, "c.near", Choice::Yes);
        vote(&mut missed, "a.near", Choice::No);
        decide(&mut missed, 100).unwrap();
        assert_eq!(missed.state, ProposalState::Rejected);
    }

    #[test]
    fn nothing_is_due_before_its_time_or_after_it() {
        let mut proposal = proposal();
        assert_eq!(check_due(&proposal, 1_000), Err(GovernanceError::NotApproved {}));
        vote(&mut proposal, "a.near", Choice::Yes);
        vote(&mut proposal, "b.near", Choice::Yes);
        decide(&mut proposal, 5_000).unwrap();
        assert_eq!(proposal.eta_ms, 150, "a late call to queue must not move the timelock");
        assert_eq!(check_due(&proposal, 149), Err(GovernanceError::TooEarly { eta_ms: 150 }));
        assert_eq!(check_due(&proposal, 150), Ok(()));
        assert_eq!(check_due(&proposal, 150 + EXECUTION_MS), Ok(()));
        let until_ms = 150 + EXECUTION_MS;
        assert_eq!(check_due(&proposal, until_ms + 1), Err(GovernanceError::TooLate { until_ms }));
    }
}
