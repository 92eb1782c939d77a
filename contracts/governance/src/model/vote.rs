//! Casting votes and deciding on them.

use charter_types::governance::{
    BPS, Ballot, Choice, EXECUTION_MS, GovernanceError, KEPT_MS, Line, Member, Proposal, ProposalState,
};
use charter_types::{AccountId, Hash32};

type Outcome<T = ()> = Result<T, GovernanceError>;

/// A council member's weight as it was when the proposal was made.
pub fn weight_of(council: &[Member], account: &AccountId) -> Outcome<u64> {
    let member = council.iter().find(|member| member.account == *account);
    let stranger = || GovernanceError::NotMember { caller: account.clone() };
    Ok(member.ok_or_else(stranger)?.weight)
}

/// Casts or changes a vote: the tally moves by exactly the voter's weight. The voter repeats what is voted on.
pub fn cast(
    proposal: &mut Proposal,
    before: Option<&Ballot>,
    voter: &AccountId,
    content_hash: Hash32,
    choice: Choice,
    now_ms: u64,
) -> Outcome<Ballot> {
    let weight = weight_of(&proposal.council, voter)?;
    if proposal.state != ProposalState::Voting || now_ms >= proposal.end_ms {
        return Err(GovernanceError::VoteEnded { end_ms: proposal.end_ms });
    }
    if content_hash != proposal.content_hash {
        return Err(GovernanceError::ContentHash { expected: proposal.content_hash });
    }
    if let Some(before) = before {
        let tally = tally(proposal, before.choice);
        *tally = tally.saturating_sub(before.weight);
    }
    let tally = tally(proposal, choice);
    *tally = tally.saturating_add(weight);
    Ok(Ballot { proposal: proposal.id, voter: voter.clone(), choice, weight })
}

fn tally(proposal: &mut Proposal, choice: Choice) -> &mut u64 {
    match choice {
        Choice::Yes => &mut proposal.yes,
        Choice::No => &mut proposal.no,
    }
}

/// Whether `part` is at least `bps` of `whole`.
fn reaches(part: u64, whole: u64, bps: u16) -> bool {
    u128::from(part).saturating_mul(BPS) >= u128::from(whole).saturating_mul(u128::from(bps))
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
    let all = proposal.council.iter().fold(0_u64, |sum, member| sum.saturating_add(member.weight));
    let votes = proposal.yes.saturating_add(proposal.no);
    proposal.yes > 0
        && reaches(proposal.yes, all, proposal.quorum_bps())
        && reaches(proposal.yes, votes, proposal.params.threshold_bps)
}

/// Cancels a proposal. Who made it may take it back while its fate is open, and no longer: a veto on what was decided is
/// only the guardian's whom the line's constitution names. Whether it was the guardian.
pub fn stop(proposal: &mut Proposal, line: &Line, caller: &AccountId, now_ms: u64) -> Outcome<bool> {
    let (maker, guardian) = (*caller == proposal.proposer, line.guardian.as_ref() == Some(caller));
    if !maker && !guardian {
        return Err(GovernanceError::NotProposer { caller: caller.clone() });
    }
    let open = proposal.state == ProposalState::Voting && now_ms < proposal.end_ms;
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
        Choice, Constitution, EXECUTION_MS, GovernanceError, Member, Params, Proposal, ProposalKind, ProposalState,
    };
    use charter_types::{AccountId, Hash32};

    use super::{cast, check_due, decide, stop};
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
            params: Params { vote_ms: 100, timelock_ms: 50, quorum_bps: 5_000, threshold_bps: 6_000 },
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
        let constitution = Constitution { council, params: Params::default(), guardian: Some(account("g.near")) };
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
        let next = ProposalKind::Amendment(Constitution { council, params: Params::default(), guardian: None });
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
