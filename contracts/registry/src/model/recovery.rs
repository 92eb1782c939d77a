//! Recovering an agent whose owner's key is lost.

use charter_types::registry::{
    RECOVERERS_MAX, RECOVERY_MS_MAX, RECOVERY_MS_MIN, Recoverers, Recovery, RecoveryProposal, RegistryError,
};
use charter_types::{AccountId, all_different};

use super::Outcome;

/// Whether these can be an agent's recoverers, or none.
pub fn check_recoverers(recoverers: &Recoverers, owner: &AccountId) -> Outcome {
    let Recoverers { accounts, threshold, delay_ms } = recoverers;
    let fine = if accounts.is_empty() {
        *threshold == 0 && *delay_ms == 0
    } else {
        accounts.len() <= RECOVERERS_MAX
            && all_different(accounts)
            && !accounts.contains(owner)
            && (1..=accounts.len()).contains(&usize::from(*threshold))
            && (RECOVERY_MS_MIN..=RECOVERY_MS_MAX).contains(delay_ms)
    };
    if fine { Ok(()) } else { Err(RegistryError::BadRecoverers {}) }
}

/// Sets recoverers: at once where there are none, later than a recovery could take where there are. Settled before.
/// `round` is a new one, used for a change at once.
pub fn set_recoverers(recovery: &mut Recovery, recoverers: Recoverers, round: u64, now_ms: u64) {
    let wait_ms = recovery.hand_over_wait_ms(now_ms);
    if wait_ms == 0 {
        recovery.recoverers = recoverers;
        recovery.round = round;
    } else {
        recovery.next = Some(recoverers);
        recovery.next_from_ms = now_ms.saturating_add(wait_ms);
    }
}

/// Writes a change down that is due, in a round of its own; returns the recoverers that it replaces.
pub fn settle(recovery: &mut Recovery, round: u64) -> Option<Recoverers> {
    let next = recovery.next.take()?;
    recovery.round = round;
    Some(std::mem::replace(&mut recovery.recoverers, next))
}

/// Whether a change is due that nobody has written down.
pub fn is_due(recovery: &Recovery, now_ms: u64) -> bool {
    recovery.next.is_some() && recovery.next_from_ms <= now_ms
}

fn position(recovery: &Recovery, account: &AccountId) -> Outcome<usize> {
    let unknown = || RegistryError::NotRecoverer { caller: account.clone() };
    recovery.recoverers.accounts.iter().position(|known| known == account).ok_or_else(unknown)
}

/// A recoverer proposes a new owner; its earlier proposal is replaced. The recovery is settled, here and below.
pub fn propose(
    recovery: &Recovery,
    proposer: &AccountId,
    new_owner: AccountId,
    now_ms: u64,
) -> Outcome<RecoveryProposal> {
    let mut proposal = RecoveryProposal {
        agent: recovery.agent,
        proposer: proposer.clone(),
        new_owner,
        round: recovery.round,
        approvals: 0,
        ready_ms: 0,
    };
    approve(recovery, &mut proposal, proposer, now_ms)?;
    Ok(proposal)
}

/// A recoverer agrees. When enough do, the owner's time to veto starts.
pub fn approve(recovery: &Recovery, proposal: &mut RecoveryProposal, by: &AccountId, now_ms: u64) -> Outcome {
    let position = position(recovery, by)?;
    check_current(recovery, proposal)?;
    proposal.approvals |= 1 << position;
    let enough = proposal.approvals.count_ones() >= u32::from(recovery.recoverers.threshold);
    if enough && proposal.ready_ms == 0 {
        proposal.ready_ms = now_ms.saturating_add(recovery.recoverers.delay_ms);
    }
    Ok(())
}

/// A proposal counts in its own round only, and only while who made it is a recoverer.
fn check_current(recovery: &Recovery, proposal: &RecoveryProposal) -> Outcome {
    let is_recoverer = position(recovery, &proposal.proposer).is_ok();
    if is_recoverer && proposal.round == recovery.round { Ok(()) } else { Err(RegistryError::NoRecovery {}) }
}

/// INV-REG-7: recovery has its threshold (else it is never ready), its delay, and no veto (else the round has moved).
pub fn check_ready(recovery: &Recovery, proposal: &RecoveryProposal, now_ms: u64) -> Outcome {
    check_current(recovery, proposal)?;
    if proposal.ready_ms == 0 {
        return Err(RegistryError::NoRecovery {});
    }
    if now_ms < proposal.ready_ms {
        return Err(RegistryError::NotYet { from_ms: proposal.ready_ms });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use charter_types::AccountId;
    use charter_types::registry::{HAND_OVER_MARGIN_MS, RECOVERY_MS_MIN, Recoverers, Recovery, RegistryError};

    use super::{approve, check_ready, check_recoverers, is_due, propose, set_recoverers, settle};

    fn account(name: &str) -> AccountId {
        name.parse().unwrap()
    }

    fn recoverers(names: &[&str], threshold: u8, delay_ms: u64) -> Recoverers {
        Recoverers { accounts: names.iter().map(|name| account(name)).collect(), threshold, delay_ms }
    }

    fn recovery() -> Recovery {
        let recoverers = recoverers(&["a.near", "b.near", "c.near"], 2, RECOVERY_MS_MIN);
        Recovery { agent: 1, recoverers, round: 0, next: None, next_from_ms: 0 }
    }

    #[test]
    fn both_sides_of_every_bound() {
        let owner = account("owner.near");
        let check = |names: &[&str], threshold, delay| check_recoverers(&recoverers(names, threshold, delay), &owner);
        let many = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"];
        assert_eq!(check(&[], 0, 0), Ok(()));
        assert_eq!(check(&many[..8], 8, RECOVERY_MS_MIN), Ok(()));
        for (names, threshold, delay_ms) in [
            (&many[..0], 1, 0),
            (&many[..], 1, RECOVERY_MS_MIN),
            (&many[..2], 3, RECOVERY_MS_MIN),
            (&many[..2], 0, RECOVERY_MS_MIN),
            (&many[..2], 1, RECOVERY_MS_MIN - 1),
            (&["owner.near"][..], 1, RECOVERY_MS_MIN),
            (&["a1", "a1"][..], 1, RECOVERY_MS_MIN),
        ] {
            assert_eq!(check(names, threshold, delay_ms), Err(RegistryError::BadRecoverers {}), "{names:?}");
        }
    }

    #[test]
    fn recovery_takes_threshold_delay_and_no_veto() {
        let mut recovery = recovery();
        let (a, b, eve) = (account("a.near"), account("b.near"), account("eve.near"));
        assert!(propose(&recovery, &eve, eve.clone(), 10).is_err());
        let mut proposal = propose(&recovery, &a, account("new.near"), 10).unwrap();
        assert_eq!(check_ready(&recovery, &proposal, u64::MAX), Err(RegistryError::NoRecovery {}));
        approve(&recovery, &mut proposal, &a, 11).unwrap();
        assert_eq!(proposal.ready_ms, 0, "one recoverer counts once");
        approve(&recovery, &mut proposal, &b, 20).unwrap();
        let from_ms = 20 + RECOVERY_MS_MIN;
        assert_eq!(check_ready(&recovery, &proposal, from_ms - 1), Err(RegistryError::NotYet { from_ms }));
        assert_eq!(check_ready(&recovery, &proposal, from_ms), Ok(()));
        let gone = Recovery { recoverers: recoverers(&["b.near", "c.near"], 1, RECOVERY_MS_MIN), ..recovery.clone() };
        assert_eq!(check_ready(&gone, &proposal, from_ms), Err(RegistryError::NoRecovery {}), "its proposer is nobody");
        recovery.round = 1;
        assert_eq!(check_ready(&recovery, &proposal, from_ms), Err(RegistryError::NoRecovery {}));
    }

    #[test]
    fn replacing_recoverers_takes_longer_than_they_do() {
        let mut recovery = recovery();
        set_recoverers(&mut recovery, recoverers(&[], 0, 0), 7, 100);
        let due = 100 + RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS;
        assert_eq!((recovery.next_from_ms, recovery.round), (due, 0));
        let proposal = propose(&recovery, &account("a.near"), account("new.near"), due - 1).unwrap();
        assert!(!is_due(&recovery, due - 1) && is_due(&recovery, due));
        assert_eq!(recovery.hand_over_wait_ms(due), 0);
        assert_eq!(settle(&mut recovery, 8).unwrap().accounts.len(), 3);
        assert!(propose(&recovery, &account("a.near"), account("new.near"), due).is_err());
        assert_eq!(check_ready(&recovery, &proposal, due), Err(RegistryError::NoRecovery {}));
        assert_eq!((recovery.round, settle(&mut recovery, 9)), (8, None));
    }
}
