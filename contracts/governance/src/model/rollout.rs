//! How a release goes from a few agents to all, or back. Nobody in particular is needed for any step: time, the agents'
//! own words and a draw decide.

use charter_types::governance::{
    BPS, EXECUTION_MS, FAILURES_BPS, GovernanceError, Line, Proposal, Release, ReleaseId, Report, Rollout,
    RolloutState, STAGES, is_worth_a_stage,
};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Hash32};

use super::line::check_moving;

type Outcome<T = ()> = Result<T, GovernanceError>;

/// A line of which nothing was ever rolled out: what it has, all run.
pub fn settled(line: &Line) -> Rollout {
    Rollout {
        line: line.id,
        owners: 0,
        release: line.head,
        previous: 0,
        proposal: 0,
        state: RolloutState::Done,
        stage: last_stage(),
        since_ms: 0,
        last_ms: 0,
        published_ms: 0,
        previous_published_ms: 0,
        reversible: false,
        seed: Hash32::default(),
        counted: 0,
        ok: 0,
        failed: 0,
        fresh: 0,
    }
}

fn last_stage() -> u8 {
    u8::try_from(STAGES.len() - 1).unwrap_or_default()
}

/// The first stage from `from` on that is expected to reach enough owners.
fn stage_from(from: u8, counted: u64) -> u8 {
    let worth = |place: &u8| STAGES.get(usize::from(*place)).is_some_and(|stage| is_worth_a_stage(counted, stage.bps));
    (from..last_stage()).find(worth).unwrap_or_else(last_stage)
}

/// Begins with a release, in place of whatever was going on: its voters knew the head that it follows. With nobody to ask
/// how it is, all run it at once.
pub fn begin(rollout: &mut Rollout, head: ReleaseId, proposal: &Proposal, release: &Release, now_ms: u64) {
    let begun = matches!(rollout.state, RolloutState::Running | RolloutState::Held);
    // What all have been told to run, and nothing speaks against, is what the next one comes after, whoever is silent about it.
    let all_run = begun && rollout.stage >= last_stage() && !fails(rollout);
    // Those that run a release without a way back come first, or they would be told to run what they can't.
    let runs_on = begun && !all_run && !rollout.reversible;
    let over = all_run || matches!(rollout.state, RolloutState::Done | RolloutState::RolledBack);
    let previous = if over { head } else { rollout.previous };
    let of_head = previous == rollout.release && previous != 0;
    let first = stage_from(0, proposal.owners);
    *rollout = Rollout {
        line: rollout.line,
        owners: rollout.owners,
        release: release.id,
        previous,
        proposal: proposal.id,
        state: if proposal.owners == 0 && rollout.owners == 0 {
            RolloutState::Done
        } else if runs_on {
            RolloutState::Running
        } else {
            RolloutState::Drawing
        },
        stage: if runs_on { first.max(rollout.stage) } else { first },
        since_ms: now_ms,
        last_ms: proposal.params.timelock_ms,
        published_ms: now_ms,
        previous_published_ms: if of_head { rollout.published_ms } else { rollout.previous_published_ms },
        reversible: release.content.reversible && previous != 0 && !runs_on,
        seed: if runs_on { rollout.seed } else { Hash32::default() },
        counted: proposal.owners,
        ok: 0,
        failed: 0,
        fresh: 0,
    };
}

/// INV-GOV-7. The seed is drawn once, and the first stage begins with it.
pub fn draw(rollout: &mut Rollout, release: ReleaseId, seed: Hash32, now_ms: u64) -> bool {
    let due = rollout.release == release && rollout.state == RolloutState::Drawing;
    if due {
        (rollout.seed, rollout.state, rollout.since_ms) = (seed, RolloutState::Running, now_ms);
    }
    due
}

/// Counts what one of an owner's agents says. Owners have one voice, once a stage, and a failure stays: who has many agents
/// can't drown the one that is not well, nor be louder than others. `None`: it said so before.
pub fn count(
    rollout: &mut Rollout,
    before: Option<&Report>,
    owner: &AccountId,
    agent: AgentId,
    ok: bool,
) -> Option<Report> {
    let stage = rollout.stage;
    let report = match before {
        Some(failed) if !failed.ok => Report { stage, ..failed.clone() },
        _ => Report { release: rollout.release, owner: owner.clone(), agent, ok, stage },
    };
    let (spoke, same) = before.map_or((false, false), |before| (before.stage == stage, before.ok == report.ok));
    if spoke && same {
        return None;
    }
    rollout.fresh = rollout.fresh.saturating_add(u64::from(!spoke));
    if !same {
        rollout.ok = rollout.ok.saturating_sub(u64::from(before.is_some()));
        let counter = if report.ok { &mut rollout.ok } else { &mut rollout.failed };
        *counter = counter.saturating_add(1);
    }
    Some(report)
}

/// Whether more of the reports are failures than may be.
fn fails(rollout: &Rollout) -> bool {
    let share = u128::from(rollout.reports()).saturating_mul(u128::from(FAILURES_BPS));
    u128::from(rollout.failed).saturating_mul(BPS) > share
}

/// One step: on to the next stage or the end, or back. INV-GOV-8: there is one from every stage, for anybody to take, or
/// the reason why not yet.
pub fn advance(rollout: &mut Rollout, line: &mut Line, now_ms: u64) -> Outcome {
    if rollout.state != RolloutState::Running {
        return Err(GovernanceError::NoRollout {});
    }
    let (until_ms, min) = (rollout.until_ms(), rollout.reports_min());
    let over = now_ms >= until_ms;
    // After a time nobody waits for words any more, and what was said may be forgotten.
    let given_up = now_ms > until_ms.saturating_add(EXECUTION_MS);
    // A few voices decide nothing while others may speak, and a single one not before they had the time to.
    let enough = rollout.reports() >= min && (over || rollout.has_stages());
    if fails(rollout) && (enough || given_up) {
        rollout.state = if rollout.reversible { RolloutState::RolledBack } else { RolloutState::Held };
        if rollout.reversible {
            line.head = rollout.previous;
            line.seq = line.seq.saturating_add(1);
        }
        return Ok(());
    }
    // A pause keeps nothing from going back.
    check_moving(line, now_ms)?;
    if !over {
        return Err(GovernanceError::StageRunning { until_ms });
    }
    // Silence is no health.
    if rollout.fresh < min {
        if given_up {
            rollout.state = RolloutState::Held;
            return Ok(());
        }
        return Err(GovernanceError::TooFewReports { needed: min.saturating_sub(rollout.fresh) });
    }
    if rollout.stage >= last_stage() {
        rollout.state = RolloutState::Done;
    } else {
        rollout.stage = stage_from(rollout.stage.saturating_add(1), rollout.counted);
        (rollout.since_ms, rollout.fresh) = (now_ms, 0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use charter_common::sha256;
    use charter_types::Hash32;
    use charter_types::governance::{
        Artifact, ArtifactKind, Constitution, EXECUTION_MS, GovernanceError, Line, Member, Params, Proposal, Release,
        ReleaseContent, Report, Rollout, RolloutState, slot,
    };

    use super::{advance, begin, count, draw, settled};
    use crate::model::new_line;
    use crate::model::vote::tests::{account, proposal};

    const HOUR: u64 = 3_600_000;

    fn line() -> Line {
        let council = vec![Member { account: account("a.near"), weight: 1 }];
        let constitution = Constitution { council, params: Params::default(), guardian: None, stake: None };
        let mut line = new_line(1, "scout".to_owned(), account("a.near"), constitution);
        (line.head, line.seq) = (1, 1);
        line
    }

    pub fn release(id: u64, semver: &str, reversible: bool) -> Release {
        let artifacts = vec![Artifact { kind: ArtifactKind::OciImage, digest: Hash32([7; 32]), bytes: 1 }];
        let content = ReleaseContent {
            semver: semver.to_owned(),
            artifacts,
            source_commit: "0".repeat(40),
            permissions: Hash32::default(),
            reversible,
        };
        Release { id, line: 1, content, parent: 0, published: true }
    }

    fn voted(id: u64, owners: u64) -> Proposal {
        Proposal { id, owners, ..proposal() }
    }

    /// Publishes a release at a time, as `publish` does, and draws.
    fn publish(rollout: &mut Rollout, line: &mut Line, id: u64, owners: u64, reversible: bool, now_ms: u64) {
        begin(rollout, line.head, &voted(id, owners), &release(id, "1.0.1", reversible), now_ms);
        (line.head, line.seq) = (id, line.seq + 1);
        draw(rollout, id, Hash32([u8::try_from(id).unwrap(); 32]), now_ms);
    }

    /// Reports of owners who have not spoken yet.
    fn report(rollout: &mut Rollout, well: u64, failed: u64) {
        for ok in (0..well).map(|_| true).chain((0..failed).map(|_| false)) {
            count(rollout, None, &account("o.near"), 1, ok).unwrap();
        }
    }

    /// Let `advance` leave out the time and the first step needs no day; leave out reports and silence is health; start
    /// `stage_from` at the last stage and all get it at once.
    #[test]
    fn a_healthy_release_takes_four_stages() {
        let (mut line, mut now_ms) = (line(), 0);
        let mut rollout = settled(&line);
        publish(&mut rollout, &mut line, 2, 1_000, true, now_ms);
        for (bps, hours) in [(100, 24), (1_000, 48), (5_000, 24)] {
            assert_eq!(rollout.stage().bps, bps);
            let early = advance(&mut rollout, &mut line, now_ms + hours * HOUR - 1);
            assert_eq!(early, Err(GovernanceError::StageRunning { until_ms: now_ms + hours * HOUR }));
            now_ms += hours * HOUR;
            report(&mut rollout, 2, 0);
            let silent = advance(&mut rollout, &mut line, now_ms);
            assert_eq!(silent, Err(GovernanceError::TooFewReports { needed: 1 }), "{bps}");
            report(&mut rollout, 1, 0);
            advance(&mut rollout, &mut line, now_ms).unwrap();
        }
        assert_eq!((rollout.stage().bps, rollout.stage().ms), (10_000, 50));
        report(&mut rollout, 3, 0);
        advance(&mut rollout, &mut line, now_ms + 50).unwrap();
        assert_eq!((rollout.state, line.head, line.seq), (RolloutState::Done, 2, 2));
        assert_eq!(advance(&mut rollout, &mut line, now_ms + 99), Err(GovernanceError::NoRollout {}));
    }

    #[test]
    fn small_fleets_need_no_ceremony() {
        for (owners, first) in [(0, 10_000), (1, 10_000), (19, 10_000), (20, 5_000), (100, 1_000), (1_000, 100)] {
            let (mut line, mut rollout) = (line(), settled(&line()));
            publish(&mut rollout, &mut line, 2, owners, true, 0);
            assert_eq!(rollout.stage().bps, first, "{owners}");
            // With nobody to ask it is done; with a few the timelock and one voice are enough.
            assert_eq!(rollout.state == RolloutState::Done, owners == 0);
            if first == 10_000 && owners > 0 {
                report(&mut rollout, 1, 0);
                assert_eq!(advance(&mut rollout, &mut line, 49), Err(GovernanceError::StageRunning { until_ms: 50 }));
                advance(&mut rollout, &mut line, 50).unwrap();
                assert_eq!(rollout.state, RolloutState::Done);
            }
        }
    }

    /// Count failures only once the stage is over, and canaries run it for a day for nothing.
    #[test]
    fn a_failing_canary_takes_a_release_back_from_every_stage() {
        for stages in 0..4 {
            let (mut line, mut now_ms) = (line(), 0);
            let mut rollout = settled(&line);
            publish(&mut rollout, &mut line, 2, 1_000, true, now_ms);
            for _ in 0..stages {
                report(&mut rollout, 3, 0);
                now_ms = rollout.until_ms();
                advance(&mut rollout, &mut line, now_ms).unwrap();
            }
            // A fifth of the reports may fail, and no more.
            let (well, failed) = (12 - 3 * stages, 3);
            report(&mut rollout, well, failed);
            assert!(advance(&mut rollout, &mut line, now_ms).is_err());
            report(&mut rollout, 0, 1);
            advance(&mut rollout, &mut line, now_ms).unwrap();
            assert_eq!((rollout.state, line.head, line.seq), (RolloutState::RolledBack, 1, 3), "{stages}");
        }
    }

    /// Leave `has_stages` out and the first voice of a small fleet decides for all, in the call that publishes.
    #[test]
    fn one_early_voice_takes_nothing_back() {
        let (mut line, mut rollout) = (line(), settled(&line()));
        publish(&mut rollout, &mut line, 2, 5, true, 0);
        report(&mut rollout, 0, 1);
        assert!(advance(&mut rollout, &mut line, 49).is_err());
        report(&mut rollout, 4, 0);
        advance(&mut rollout, &mut line, 50).unwrap();
        assert_eq!(rollout.state, RolloutState::Done, "one of five is a fifth");
        publish(&mut rollout, &mut line, 3, 5, true, 100);
        report(&mut rollout, 0, 1);
        advance(&mut rollout, &mut line, 150).unwrap();
        assert_eq!((rollout.state, line.head), (RolloutState::RolledBack, 2), "nobody spoke for it");
    }

    #[test]
    fn without_a_way_back_a_failing_release_is_held_and_the_next_takes_its_place() {
        let (mut line, mut rollout) = (line(), settled(&line()));
        publish(&mut rollout, &mut line, 2, 1_000, false, 0);
        report(&mut rollout, 0, 3);
        advance(&mut rollout, &mut line, 0).unwrap();
        assert_eq!((rollout.state, line.head, line.seq), (RolloutState::Held, 2, 2));
        let (seed, reached) = (rollout.seed, (0..2_000).filter(|agent| rollout.reaches(*agent, Some(1), sha256)));
        let reached: Vec<u64> = reached.collect();
        publish(&mut rollout, &mut line, 3, 1_000, true, 10);
        // Those that run it come first, or they would be told to run what was before.
        assert_eq!((rollout.state, rollout.seed, rollout.previous), (RolloutState::Running, seed, 1));
        assert!(reached.iter().all(|agent| rollout.reaches(*agent, Some(1), sha256)));
        // And they can't go back to it from here either.
        report(&mut rollout, 0, 3);
        advance(&mut rollout, &mut line, 10).unwrap();
        assert_eq!((rollout.state, line.head), (RolloutState::Held, 3));
        // Nor is there anything to go back to before the first.
        let (mut empty, mut first) = (Line { head: 0, seq: 0, ..self::line() }, settled(&self::line()));
        publish(&mut first, &mut empty, 2, 5, true, 0);
        report(&mut first, 0, 1);
        advance(&mut first, &mut empty, 50).unwrap();
        assert_eq!((first.state, empty.head), (RolloutState::Held, 2));
    }

    #[test]
    fn a_silent_release_is_superseded_by_the_next_that_is_approved() {
        let (mut line, mut rollout) = (line(), settled(&line()));
        publish(&mut rollout, &mut line, 2, 1_000, true, 0);
        let until_ms = rollout.until_ms() + EXECUTION_MS;
        assert_eq!(advance(&mut rollout, &mut line, until_ms), Err(GovernanceError::TooFewReports { needed: 3 }));
        let mut abandoned = rollout.clone();
        advance(&mut abandoned, &mut line, until_ms + 1).unwrap();
        assert_eq!((abandoned.state, line.head), (RolloutState::Held, 2));
        publish(&mut rollout, &mut line, 3, 1_000, true, 10);
        assert_eq!((rollout.release, rollout.previous, rollout.reports()), (3, 1, 0));
        assert_eq!((rollout.state, rollout.stage().bps, line.head), (RolloutState::Running, 100, 3));
    }

    /// Leave `all_run` out, and one failure takes a line on which nobody speaks back over all that it ever published.
    #[test]
    fn what_all_run_is_what_the_next_one_comes_after_though_nobody_speaks() {
        let (mut line, mut rollout) = (line(), settled(&line()));
        for id in 2..=9 {
            publish(&mut rollout, &mut line, id, 5, true, id * 100);
        }
        assert_eq!((rollout.previous, rollout.published_ms, rollout.previous_published_ms), (8, 900, 800));
        report(&mut rollout, 0, 1);
        advance(&mut rollout, &mut line, 950).unwrap();
        assert_eq!((rollout.state, line.head), (RolloutState::RolledBack, 8));
        // The one that failed is no way back.
        publish(&mut rollout, &mut line, 10, 5, true, 1_000);
        assert_eq!((rollout.previous, rollout.previous_published_ms), (8, 800));
        report(&mut rollout, 0, 1);
        publish(&mut rollout, &mut line, 11, 5, true, 1_010);
        assert_eq!(rollout.previous, 8);
    }

    /// Let an owner speak once for all stages, and a fleet whose owners have many agents can't finish.
    #[test]
    fn owners_speak_again_in_each_stage() {
        let (mut line, mut rollout) = (line(), settled(&line()));
        publish(&mut rollout, &mut line, 2, 20, true, 0);
        let mut said = vec![None; 3];
        for state in [RolloutState::Running, RolloutState::Done] {
            for (number, said) in said.iter_mut().enumerate() {
                let owner = account(&format!("o{number}.near"));
                *said = Some(count(&mut rollout, said.as_ref(), &owner, 1, true).unwrap());
                assert_eq!(count(&mut rollout, said.as_ref(), &owner, 1, true), None, "once a stage");
            }
            let until_ms = rollout.until_ms();
            advance(&mut rollout, &mut line, until_ms).unwrap();
            assert_eq!((rollout.state, rollout.ok), (state, 3));
        }
    }

    /// Leave the minimum out for a stage that is over, and one owner has a veto on every release of a large line.
    #[test]
    fn one_owner_of_many_takes_nothing_back() {
        let (mut line, mut rollout) = (line(), settled(&line()));
        publish(&mut rollout, &mut line, 2, 1_000, true, 0);
        report(&mut rollout, 0, 1);
        let until_ms = rollout.until_ms();
        let one = advance(&mut rollout, &mut line, until_ms);
        assert_eq!(one, Err(GovernanceError::TooFewReports { needed: 2 }));
        // If nobody contradicts it in all the time there is, it goes back as it would have been held.
        let (mut alone, mut given_up) = (rollout.clone(), line.clone());
        advance(&mut alone, &mut given_up, until_ms + EXECUTION_MS + 1).unwrap();
        assert_eq!((alone.state, given_up.head), (RolloutState::RolledBack, 1));
        report(&mut rollout, 0, 2);
        advance(&mut rollout, &mut line, until_ms).unwrap();
        assert_eq!(rollout.state, RolloutState::RolledBack);
    }

    /// INV-GOV-7. Take the agent out of `slot`'s hash, or draw again for every stage.
    #[test]
    fn cohorts_are_nested_and_as_large_as_they_should_be() {
        let (mut line, mut rollout) = (line(), settled(&line()));
        publish(&mut rollout, &mut line, 2, 1_000, true, 0);
        assert!(!draw(&mut rollout, 2, Hash32([9; 32]), 5), "it is drawn once");
        let mut before = Vec::new();
        for expected in [100, 1_000, 5_000, 10_000] {
            let reached: Vec<u64> = (0..10_000).filter(|agent| rollout.reaches(*agent, Some(1), sha256)).collect();
            assert!(before.iter().all(|agent| reached.contains(agent)), "{expected}");
            let count = u64::try_from(reached.len()).unwrap();
            assert!(count.abs_diff(expected) <= expected / 4, "{count} of {expected}");
            before = reached;
            report(&mut rollout, 3, 0);
            let until_ms = rollout.until_ms();
            advance(&mut rollout, &mut line, until_ms).unwrap();
        }
        assert_eq!(slot(Hash32([0; 32]), 1, sha256), 1_833, "from Python's hashlib");
    }

    /// Leave `counts` out and whoever sees a release coming enrolls agents until one is a canary.
    #[test]
    fn who_came_after_the_proposal_has_no_turn_before_the_last_stage() {
        let (mut line, mut rollout) = (line(), settled(&line()));
        publish(&mut rollout, &mut line, 2, 100, true, 0);
        let reached =
            |rollout: &Rollout, since| (0..1_000).filter(|agent| rollout.reaches(*agent, since, sha256)).count();
        assert!(reached(&rollout, Some(2)) > 0);
        for late in [Some(3), None] {
            assert_eq!(reached(&rollout, late), 0);
        }
        rollout.stage = 3;
        assert_eq!(reached(&rollout, None), 1_000);
    }

    #[test]
    fn nobody_is_reached_before_the_draw_or_after_the_way_back() {
        let mut rollout = Rollout { stage: 3, ..settled(&line()) };
        for (state, reached) in [
            (RolloutState::Drawing, false),
            (RolloutState::RolledBack, false),
            (RolloutState::Held, true),
            (RolloutState::Done, true),
        ] {
            rollout.state = state;
            assert_eq!(rollout.reaches(1, Some(1), sha256), reached, "{state:?}");
        }
    }

    /// Let `count` take what is said last, and a farm of agents drowns the one that fails.
    #[test]
    fn an_owner_has_one_voice_and_a_failure_stays() {
        let mut rollout = settled(&line());
        let owner = account("o.near");
        let mut said: Option<Report> = None;
        for (ok, counts) in [(true, (1, 0)), (true, (1, 0)), (false, (0, 1)), (true, (0, 1)), (false, (0, 1))] {
            if let Some(report) = count(&mut rollout, said.as_ref(), &owner, 1, ok) {
                said = Some(report);
            }
            assert_eq!((rollout.ok, rollout.failed), counts);
        }
        assert_eq!((rollout.fresh, said.unwrap().ok), (1, false));
    }
}
