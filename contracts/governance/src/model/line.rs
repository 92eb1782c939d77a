//! What moves a line: a release that is published, and a constitution that was voted for. Each was voted on for the line
//! as it was, and moves no other.

use charter_types::AccountId;
use charter_types::governance::{Constitution, GovernanceError, Line, LineId, PAUSE_MS_MAX, Proposal, Release};

type Outcome = Result<(), GovernanceError>;

pub fn new_line(id: LineId, name: String, owner: AccountId, constitution: Constitution) -> Line {
    let Constitution { council, params, guardian, stake } = constitution;
    Line { id, name, owner, council, params, head: 0, seq: 0, version: 0, guardian, paused_until_ms: 0, stake }
}

/// Who proposes says which line it saw: a proposal that lands after the line has moved would be about another change.
pub fn check_unmoved(seen: u64, now: u64) -> Outcome {
    if seen == now { Ok(()) } else { Err(GovernanceError::Superseded {}) }
}

/// The guardian has used its office up. That makes another constitution: what was proposed for the one before, maybe with
/// the guardian still in it, is proposed anew.
pub fn spend_guardian(line: &mut Line) {
    line.version = line.version.saturating_add(1);
    line.guardian = None;
}

/// The guardian's other way to use its office up.
pub fn pause(line: &mut Line, caller: &AccountId, ms: u64, now_ms: u64) -> Outcome {
    if line.guardian.as_ref() != Some(caller) {
        return Err(GovernanceError::NotGuardian { caller: caller.clone() });
    }
    if !(1..=PAUSE_MS_MAX).contains(&ms) {
        return Err(GovernanceError::BadPause {});
    }
    line.paused_until_ms = now_ms.saturating_add(ms);
    spend_guardian(line);
    Ok(())
}

/// Nothing is carried out on a line that is paused.
pub fn check_moving(line: &Line, now_ms: u64) -> Outcome {
    let until_ms = line.paused_until_ms;
    if now_ms < until_ms { Err(GovernanceError::Paused { until_ms }) } else { Ok(()) }
}

/// INV-GOV-5. A release follows the head that its voters saw. An older one that was approved, too, would take the line back
/// and look newer; and a head that came back is not the one that was voted on, so ids alone do not decide.
pub fn move_head(line: &mut Line, proposal: &Proposal, release: &Release) -> Outcome {
    if proposal.base != Some(line.seq) || release.parent != line.head {
        return Err(GovernanceError::Superseded {});
    }
    line.seq = line.seq.saturating_add(1);
    line.head = release.id;
    Ok(())
}

/// The constitution that was voted for takes the place of the one that its voters saw, and of no later one.
pub fn change_constitution(line: &mut Line, proposal: &Proposal, constitution: Constitution) -> Outcome {
    if proposal.base != Some(line.version) {
        return Err(GovernanceError::Superseded {});
    }
    let Constitution { council, params, guardian, stake } = constitution;
    line.version = line.version.saturating_add(1);
    (line.council, line.params, line.guardian, line.stake) = (council, params, guardian, stake);
    Ok(())
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use charter_types::governance::{
        Artifact, ArtifactKind, Constitution, GovernanceError, Line, Member, PAUSE_MS_MAX, Params, Release,
        ReleaseContent,
    };

    use super::{change_constitution, check_moving, check_unmoved, move_head, new_line, pause, spend_guardian};
    use crate::model::vote::tests::{account, based, proposal};

    fn line() -> Line {
        let council = vec![Member { account: account("a.near"), weight: 1 }];
        let constitution = Constitution { council, params: Params::default(), guardian: None, stake: None };
        new_line(2, "scout".to_owned(), account("a.near"), constitution)
    }

    fn release(id: u64, parent: u64) -> Release {
        let content = ReleaseContent {
            semver: "1.0.0".to_owned(),
            artifacts: vec![Artifact { kind: ArtifactKind::OciImage, digest: Hash32([1; 32]), bytes: 1 }],
            source_commit: "0".repeat(40),
            permissions: Hash32::default(),
            reversible: true,
        };
        Release { id, line: 2, content, parent, published: false }
    }

    #[test]
    fn a_release_follows_the_head_it_was_voted_on_and_no_other() {
        let mut line = line();
        let first = based(proposal(), Some(0));
        move_head(&mut line, &first, &release(1, 0)).unwrap();
        assert_eq!((line.head, line.seq), (1, 1));
        let superseded = Err(GovernanceError::Superseded {});
        // Another one that was proposed when there was no head, and the same again.
        assert_eq!(move_head(&mut line, &first, &release(2, 0)), superseded);
        // The head is back, and is another one for all that.
        (line.head, line.seq) = (0, 2);
        assert_eq!(move_head(&mut line, &first, &release(2, 0)), superseded);
        // From before proposals said what they follow.
        assert_eq!(move_head(&mut line, &proposal(), &release(2, 0)), superseded);
        assert_eq!((line.head, line.seq), (0, 2));
    }

    #[test]
    fn an_amendment_replaces_the_constitution_it_was_voted_on_and_no_other() {
        let mut line = line();
        let voted = based(proposal(), Some(0));
        let council = vec![Member { account: account("b.near"), weight: 1 }];
        let next = Constitution { council, params: Params::default(), guardian: Some(account("g.near")), stake: None };
        change_constitution(&mut line, &voted, next.clone()).unwrap();
        assert_eq!((&line.council, &line.guardian, line.version), (&next.council, &next.guardian, 1));
        assert_eq!(change_constitution(&mut line, &voted, next), Err(GovernanceError::Superseded {}));
        assert_eq!(check_unmoved(0, line.version), Err(GovernanceError::Superseded {}));
        assert_eq!(check_unmoved(1, line.version), Ok(()));
    }

    /// Leave `spend_guardian` out of `pause`, and the guardian stops the line for good, seven days at a time.
    #[test]
    fn a_guardian_pauses_once_and_not_for_long() {
        let mut line = line();
        line.guardian = Some(account("g.near"));
        let owner = account("a.near");
        assert_eq!(pause(&mut line, &owner, 1, 5), Err(GovernanceError::NotGuardian { caller: owner.clone() }));
        let guardian = account("g.near");
        for ms in [0, PAUSE_MS_MAX + 1] {
            assert_eq!(pause(&mut line, &guardian, ms, 5), Err(GovernanceError::BadPause {}));
        }
        assert_eq!(check_moving(&line, 5), Ok(()));
        pause(&mut line, &guardian, PAUSE_MS_MAX, 5).unwrap();
        let until_ms = 5 + PAUSE_MS_MAX;
        assert_eq!(check_moving(&line, until_ms - 1), Err(GovernanceError::Paused { until_ms }));
        assert_eq!(check_moving(&line, until_ms), Ok(()));
        assert_eq!(pause(&mut line, &guardian, 1, 6), Err(GovernanceError::NotGuardian { caller: guardian.clone() }));
    }

    /// Leave the version, and the next amendment, approved before the veto, brings the guardian back.
    #[test]
    fn a_spent_guardian_does_not_come_back_by_what_was_voted_before() {
        let mut line = line();
        line.guardian = Some(account("g.near"));
        let voted = based(proposal(), Some(0));
        let next = Constitution {
            council: line.council.clone(),
            params: line.params,
            guardian: line.guardian.clone(),
            stake: None,
        };
        spend_guardian(&mut line);
        assert_eq!(change_constitution(&mut line, &voted, next), Err(GovernanceError::Superseded {}));
        assert_eq!(line.guardian, None);
    }
}
