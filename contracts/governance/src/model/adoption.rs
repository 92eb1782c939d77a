//! What an agent may run: what its line has for it, as far as its owner lets it move.

use charter_types::governance::{
    Bump, Enrolment, Line, Policy, Reason, ReleaseContent, ReleaseId, Rollout, RolloutState,
};

use charter_common::sha256;

/// Release 0 is none.
type Told = (ReleaseId, Reason);

/// What the line has for an agent, whatever its owner wants.
fn offered(enrolment: &Enrolment, line: &Line, rollout: &Rollout) -> Told {
    let waits = rollout.release == line.head && !rollout.reaches(enrolment.agent, enrolment.since, sha256);
    match if waits { (rollout.previous, Reason::Waiting) } else { (line.head, Reason::Head) } {
        (0, _) => (0, Reason::NoRelease),
        offered => offered,
    }
}

/// INV-GOV-6: who is pinned or frozen, or would move further than its owner lets it, is told to stay.
pub fn told(
    enrolment: &Enrolment,
    line: &Line,
    rollout: &Rollout,
    content: impl Fn(ReleaseId) -> Option<ReleaseContent>,
    audited: impl Fn(ReleaseId) -> bool,
    now_ms: u64,
) -> Told {
    if let Some(pinned) = enrolment.pin {
        return (pinned, Reason::Pinned);
    }
    if enrolment.owner.is_none() {
        // Releases up to 0004 had the head for everybody.
        return (line.head, if line.head == 0 { Reason::NoRelease } else { Reason::Head });
    }
    let (next, reason) = offered(enrolment, line, rollout);
    let taken_back = rollout.state == RolloutState::RolledBack;
    // The way back: from what was taken back, or to what it ran before the turn that it has not had yet.
    let back = taken_back && enrolment.running == rollout.release
        || (taken_back || reason == Reason::Waiting) && enrolment.before == next && next < enrolment.running;
    // Where it is, and nowhere, need nobody's leave.
    if next == 0 || next == enrolment.running || back {
        return (next, reason);
    }
    let refuses = |release| {
        let why = refusal(enrolment, release, rollout, &content, now_ms);
        why.or_else(|| (!audited(release)).then_some(Reason::Unaudited))
    };
    let Some(why) = refuses(next) else { return (next, reason) };
    let (running, previous) = (enrolment.running, rollout.previous);
    // Who does not say what it runs will run what all had before. What came between that and the newest was taken back or
    // given up, and nobody stays with it who might go back.
    let strayed = rollout.reversible && previous < running && running < next;
    let might = || strayed && enrolment.before == previous || refuses(previous).is_none();
    let stays = previous == 0 || previous >= next || !(running < previous || strayed) || !might();
    (if stays { running } else { previous }, why)
}

/// Why an agent does not move to a release by itself.
fn refusal(
    enrolment: &Enrolment,
    release: ReleaseId,
    rollout: &Rollout,
    content: impl Fn(ReleaseId) -> Option<ReleaseContent>,
    now_ms: u64,
) -> Option<Reason> {
    let Policy::Auto { bump, soak_ms, new_permissions } = enrolment.policy else { return Some(Reason::Manual) };
    let Some(next) = content(release) else { return Some(Reason::NoRelease) };
    if !new_permissions && enrolment.accepted != Some(next.permissions) {
        return Some(Reason::NewPermissions);
    }
    let larger = |running: ReleaseContent| difference(&running.semver, &next.semver) > bump;
    if content(enrolment.running).is_some_and(larger) {
        return Some(Reason::LargerBump);
    }
    let published_ms = match release {
        id if id == rollout.release => rollout.published_ms,
        id if id == rollout.previous => rollout.previous_published_ms,
        _ => 0,
    };
    (now_ms < published_ms.saturating_add(soak_ms)).then_some(Reason::Soaking)
}

/// Which part of two versions differs, the largest first. What follows the three numbers counts as a patch.
fn difference(one: &str, other: &str) -> Bump {
    let numbers = |version: &str| -> Vec<String> {
        version.split(['-', '+']).next().unwrap_or_default().split('.').map(str::to_owned).collect()
    };
    let (one, other) = (numbers(one), numbers(other));
    match one.iter().zip(&other).position(|(one, other)| one != other) {
        Some(0) => Bump::Major,
        Some(1) => Bump::Minor,
        _ => Bump::Patch,
    }
}

/// The agent says what it runs. What it ran before is where it may go back to.
pub fn moved_to(enrolment: &mut Enrolment, release: ReleaseId) {
    if enrolment.running != release {
        enrolment.before = enrolment.running;
        enrolment.running = release;
    }
}

#[cfg(test)]
mod tests {
    use charter_types::governance::{
        Bump, Constitution, Enrolment, Line, Member, Params, Policy, Reason, ReleaseContent, ReleaseId, Rollout,
        RolloutState,
    };
    use charter_types::registry::Epochs;
    use charter_types::{Hash32, U128};

    use super::{difference, moved_to, told};
    use crate::model::vote::tests::account;
    use crate::model::{new_line, settled};

    const ASKED: Hash32 = Hash32([3; 32]);

    /// 1 is 1.0.0, 2 is 1.1.0, 3 is 2.0.0, and 4, 1.1.1, asks for more.
    fn content(id: ReleaseId) -> Option<ReleaseContent> {
        let semver = *["1.0.0", "1.1.0", "2.0.0", "1.1.1"].get(usize::try_from(id).unwrap().checked_sub(1)?)?;
        let permissions = if id == 4 { Hash32([4; 32]) } else { ASKED };
        Some(ReleaseContent {
            semver: semver.to_owned(),
            artifacts: Vec::new(),
            source_commit: String::new(),
            permissions,
            reversible: true,
        })
    }

    /// Nobody's word is missing.
    fn said(_: ReleaseId) -> bool {
        true
    }

    /// An agent that runs the first release of a line whose head is another.
    fn scene(head: ReleaseId) -> (Enrolment, Line, Rollout) {
        let council = vec![Member { account: account("a.near"), weight: 1 }];
        let constitution = Constitution { council, params: Params::default(), guardian: None, stake: None };
        let mut line = new_line(1, "scout".to_owned(), account("a.near"), constitution);
        line.head = head;
        let enrolment = Enrolment {
            agent: 1,
            line: 1,
            epochs: Epochs::default(),
            owner: Some(account("o.near")),
            since: Some(1),
            policy: Policy::default(),
            pin: None,
            accepted: Some(ASKED),
            running: 1,
            before: 0,
            bond: U128(0),
            own_pin: false,
            auditors: Vec::new(),
        };
        let rollout = Rollout { published_ms: 100, previous: 1, ..settled(&line) };
        (enrolment, line, rollout)
    }

    fn auto(bump: Bump, soak_ms: u64, new_permissions: bool) -> Policy {
        Policy::Auto { bump, soak_ms, new_permissions }
    }

    /// Leave the question out of `told`, and the auditors whom an owner named need not have looked.
    #[test]
    fn an_agent_waits_for_its_auditors() {
        let (enrolment, line, rollout) = scene(2);
        let unaudited = |release| release != 2;
        assert_eq!(told(&enrolment, &line, &rollout, content, unaudited, 150), (1, Reason::Unaudited));
        // What its owner refuses anyway is refused for that reason, and what it runs needs nobody's word.
        let manual = Enrolment { policy: Policy::Manual, ..enrolment.clone() };
        assert_eq!(told(&manual, &line, &rollout, content, unaudited, 150), (1, Reason::Manual));
        let there = Enrolment { running: 2, ..enrolment };
        assert_eq!(told(&there, &line, &rollout, content, unaudited, 150), (2, Reason::Head));
    }

    /// INV-GOV-6: leave any of these questions out of `told`, and an agent moves that should stay.
    #[test]
    fn an_agent_moves_no_further_than_its_owner_lets_it() {
        for (head, policy, accepted, expected) in [
            (2, Policy::default(), Some(ASKED), (2, Reason::Head)),
            (2, Policy::Manual, Some(ASKED), (1, Reason::Manual)),
            (2, auto(Bump::Patch, 0, false), Some(ASKED), (1, Reason::LargerBump)),
            (3, Policy::default(), Some(ASKED), (1, Reason::LargerBump)),
            (3, auto(Bump::Major, 0, false), Some(ASKED), (3, Reason::Head)),
            (4, Policy::default(), Some(ASKED), (1, Reason::NewPermissions)),
            (4, Policy::default(), Some(Hash32([4; 32])), (4, Reason::Head)),
            (4, auto(Bump::Minor, 0, true), None, (4, Reason::Head)),
            (2, Policy::default(), None, (1, Reason::NewPermissions)),
            (2, auto(Bump::Minor, 51, false), Some(ASKED), (1, Reason::Soaking)),
            (2, auto(Bump::Minor, 50, false), Some(ASKED), (2, Reason::Head)),
            (1, Policy::Manual, None, (1, Reason::Head)),
        ] {
            let (enrolment, line, rollout) = scene(head);
            let enrolment = Enrolment { policy, accepted, ..enrolment };
            assert_eq!(
                told(&enrolment, &line, &rollout, content, said, 150),
                expected,
                "{head} {policy:?} {accepted:?}"
            );
            for pin in [0, 1, 9] {
                let pinned = Enrolment { pin: Some(pin), ..enrolment.clone() };
                assert_eq!(told(&pinned, &line, &rollout, content, said, 150), (pin, Reason::Pinned));
            }
        }
    }

    #[test]
    fn who_has_not_been_reached_stays_with_the_one_before() {
        let (enrolment, line, rollout) = scene(2);
        for state in [RolloutState::Drawing, RolloutState::Running] {
            let waiting = Rollout { state, stage: 0, counted: 1_000, ..rollout.clone() };
            // Slot 1,833 of 10,000: not among the first.
            assert_eq!(told(&enrolment, &line, &waiting, content, said, 150), (1, Reason::Waiting), "{state:?}");
            let first = Rollout { previous: 0, ..waiting };
            assert_eq!(told(&enrolment, &line, &first, content, said, 150), (0, Reason::NoRelease), "{state:?}");
        }
        let nothing = Line { head: 0, ..line };
        assert_eq!(told(&enrolment, &nothing, &settled(&nothing), content, said, 150), (0, Reason::NoRelease));
    }

    /// Ask for leave on the way back, too, and a release that failed goes on running where its owner accepted what it asked
    /// for; ask for none on any way down, and a lower version with other permissions gets in.
    #[test]
    fn the_way_back_is_to_what_it_ran_and_to_nothing_else() {
        let (mut enrolment, line, rollout) = scene(1);
        moved_to(&mut enrolment, 4);
        enrolment.accepted = Some(Hash32([4; 32]));
        assert_eq!((enrolment.running, enrolment.before), (4, 1));
        let back = Rollout { state: RolloutState::RolledBack, release: 4, ..rollout.clone() };
        assert_eq!(told(&enrolment, &line, &back, content, said, 150), (1, Reason::Head));
        let other = Line { head: 2, ..line };
        assert_eq!(told(&enrolment, &other, &rollout, content, said, 150), (4, Reason::NewPermissions));
        moved_to(&mut enrolment, 4);
        assert_eq!(enrolment.before, 1, "saying it twice forgets nothing");
    }

    /// Let `before` be enough in any case, and an owner that went back by hand is moved forward by the line.
    #[test]
    fn what_it_ran_before_is_no_leave_to_go_forward() {
        let (enrolment, line, rollout) = scene(2);
        let regrets = Enrolment { policy: Policy::Manual, before: 2, ..enrolment };
        assert_eq!(told(&regrets, &line, &rollout, content, said, 150), (1, Reason::Manual));
        let waits = Rollout { state: RolloutState::Running, stage: 0, counted: 1_000, release: 3, ..rollout };
        let line = Line { head: 3, ..line };
        let canary = Enrolment { running: 2, before: 1, ..regrets };
        assert_eq!(told(&canary, &line, &waits, content, said, 150), (1, Reason::Waiting));
        // Nor is it while something newer is on its way, or was taken back.
        let ahead = Enrolment { running: 1, before: 2, ..canary };
        let waits = Rollout { previous: 2, ..waits };
        assert_eq!(told(&ahead, &line, &waits, content, said, 150), (1, Reason::Manual));
        let (back, line) = (Rollout { state: RolloutState::RolledBack, ..waits }, Line { head: 2, ..line });
        assert_eq!(told(&ahead, &line, &back, content, said, 150), (1, Reason::Manual));
    }

    /// Leave `strayed` out, and a release that was taken back is told once more when the next one is published.
    #[test]
    fn what_was_taken_back_stays_so_when_the_next_one_comes() {
        let (enrolment, line, rollout) = scene(4);
        let next = Rollout { release: 4, previous: 2, reversible: true, ..rollout };
        let canary = Enrolment { running: 3, before: 2, policy: Policy::Manual, ..enrolment };
        assert_eq!(told(&canary, &line, &next, content, said, 150), (2, Reason::Manual));
        // Unless there is no way back.
        let held = Rollout { reversible: false, ..next };
        assert_eq!(told(&canary, &line, &held, content, said, 150), (3, Reason::Manual));
    }

    /// Leave `taken_back` out and an agent that was enrolled with a release that failed goes on with it.
    #[test]
    fn what_was_taken_back_runs_nowhere_but_where_it_is_pinned() {
        let (enrolment, line, rollout) = scene(1);
        let back = Rollout { state: RolloutState::RolledBack, release: 3, ..rollout };
        for policy in [Policy::default(), Policy::Manual, auto(Bump::Patch, 999, false)] {
            let failed = Enrolment { policy, running: 3, accepted: None, ..enrolment.clone() };
            assert_eq!(told(&failed, &line, &back, content, said, 150), (1, Reason::Head), "{policy:?}");
        }
    }

    /// Leave the one before out, and an agent that never speaks is told to go back over all that it was told meanwhile.
    #[test]
    fn who_does_not_speak_stays_with_what_all_had_before() {
        let (enrolment, line, rollout) = scene(4);
        let silent = Rollout { release: 4, previous: 2, ..rollout.clone() };
        assert_eq!(told(&enrolment, &line, &silent, content, said, 150), (2, Reason::NewPermissions));
        // Not if it might not go there either, nor back from what it said it runs.
        let patient = Enrolment { policy: auto(Bump::Patch, 0, false), ..enrolment.clone() };
        assert_eq!(told(&patient, &line, &silent, content, said, 150), (1, Reason::NewPermissions));
        let ahead = Enrolment { running: 3, ..enrolment };
        assert_eq!(told(&ahead, &line, &silent, content, said, 150), (3, Reason::NewPermissions));
    }

    /// Ask for it of the newest alone, and publishing anything ends everybody's patience with the one before.
    #[test]
    fn the_one_before_has_to_soak_as_well() {
        let (enrolment, line, rollout) = scene(3);
        let waits = Rollout {
            state: RolloutState::Running,
            stage: 0,
            counted: 1_000,
            release: 3,
            previous: 2,
            previous_published_ms: 100,
            ..rollout
        };
        for (soak_ms, expected) in [(51, (1, Reason::Soaking)), (50, (2, Reason::Waiting))] {
            let patient = Enrolment { policy: auto(Bump::Minor, soak_ms, false), ..enrolment.clone() };
            assert_eq!(told(&patient, &line, &waits, content, said, 150), expected);
        }
    }

    #[test]
    fn an_enrolment_of_before_is_told_the_head() {
        let (enrolment, line, rollout) = scene(4);
        let rollout = Rollout { state: RolloutState::Running, stage: 0, counted: 1_000, ..rollout };
        let old = Enrolment { owner: None, since: None, accepted: None, running: 0, ..enrolment };
        assert_eq!(told(&old, &line, &rollout, content, said, 150), (4, Reason::Head));
    }

    #[test]
    fn versions_differ_in_their_first_other_number() {
        for (one, other, expected) in [
            ("1.2.3", "1.2.3", Bump::Patch),
            ("1.2.3", "1.2.4-rc.1", Bump::Patch),
            ("1.2.3-rc.1", "1.2.3+b", Bump::Patch),
            ("1.2.3", "1.10.3", Bump::Minor),
            ("1.2.3", "10.2.3", Bump::Major),
            ("0.9.0", "1.0.0", Bump::Major),
        ] {
            assert_eq!(difference(one, other), expected, "{one} {other}");
            assert_eq!(difference(other, one), expected, "{other} {one}");
        }
    }
}
