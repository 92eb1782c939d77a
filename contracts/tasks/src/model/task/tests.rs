use charter_types::tasks::{APPEAL_PANEL, Outcome, TasksError, Verdict};
use charter_types::{AccountId, Hash32};

use super::{Party, Stage, Task};
use crate::model::set::tests::set;
use crate::model::{Seat, Set};

const MINUTE_MS: u64 = 60_000;
const HASH: Hash32 = Hash32([7; 32]);

fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

fn taken() -> (Set, Task) {
    (set(), Task::take(account("bob.near"), None, 1, 1_000))
}

fn seats(names: &[&str]) -> Vec<Seat> {
    names.iter().map(|name| Seat::new(account(name), 0, 0)).collect()
}

/// Revealed at 3,000, its panel drawn at 4,000.
fn judged(names: &[&str]) -> (Set, Task) {
    let (set, mut task) = taken();
    task.commit(&account("bob.near"), HASH, &set.deadlines, 2_000).unwrap();
    task.reveal(&account("bob.near"), (HASH, HASH), &set.deadlines, 3_000).unwrap();
    task.seat(seats(names), 4_000);
    (set, task)
}

/// All of the panel's say, at 5,000.
fn said(set: &Set, task: &mut Task, verdicts: &[(&str, Verdict)]) {
    for (name, _) in verdicts {
        task.commit_verdict(&account(name), HASH, &set.deadlines, 5_000).unwrap();
    }
    for (name, verdict) in verdicts {
        task.reveal_verdict(&account(name), (*verdict, HASH), &set.deadlines, 5_000).unwrap();
    }
}

const PANEL_OF_THREE: [&str; 3] = ["ann", "ben", "cleo"];

fn alike(verdict: Verdict) -> [(&'static str, Verdict); 3] {
    PANEL_OF_THREE.map(|name| (name, verdict))
}

#[test]
fn work_is_committed_and_revealed_by_its_worker_in_time() {
    let (set, mut task) = taken();
    let (bob, eve, deadlines) = (account("bob.near"), account("eve.near"), set.deadlines);
    assert_eq!(task.commit(&eve, HASH, &deadlines, 2_000), Err(TasksError::NotWorker { caller: eve }));
    let until_ms = 1_000 + MINUTE_MS;
    assert_eq!(task.commit(&bob, HASH, &deadlines, until_ms), Err(TasksError::TooLate { until_ms }));
    let early = task.check_settle(&set, until_ms - 1);
    assert_eq!(early, Err(TasksError::TooEarly { from_ms: until_ms }));
    assert_eq!(task.check_settle(&set, until_ms), Ok(()));
    assert_eq!(task.reveal(&bob, (HASH, HASH), &deadlines, 2_000), Err(TasksError::WrongState {}));
    task.commit(&bob, HASH, &deadlines, until_ms - 1).unwrap();
    assert_eq!(task.commit(&bob, HASH, &deadlines, 2_000), Err(TasksError::WrongState {}));
    let other = Hash32([8; 32]);
    assert_eq!(task.reveal(&bob, (HASH, other), &deadlines, 2_000), Err(TasksError::HashMismatch {}));
    let until_ms = until_ms - 1 + 2 * MINUTE_MS;
    assert_eq!(task.reveal(&bob, (HASH, HASH), &deadlines, until_ms), Err(TasksError::TooLate { until_ms }));
    assert_eq!(task.check_settle(&set, until_ms), Ok(()));
    task.reveal(&bob, (other, HASH), &deadlines, until_ms - 1).unwrap();
    assert_eq!(task.check_settle(&set, u64::MAX), Err(TasksError::NotYet {}));
    assert_eq!(task.drawing(5, 6).map(|drawing| (drawing.attempt, drawing.round)), Ok((1, 1)));
}

#[test]
fn a_panel_holds_no_party_nobody_twice_and_no_slot_bonded_after_the_task_was_taken() {
    let (set, task) = judged(&["ann"]);
    let fits = |name: &str, since_ms, drawn: &[&AccountId]| task.fits(&set, (&account(name), since_ms), drawn);
    assert!(fits("ben", 1_000, &[]));
    assert!(!fits("ben", 1_001, &[]));
    assert!(!fits("ben", 0, &[&account("ben")]));
    assert!(fits("ben", 0, &[&account("cleo")]));
    for out in ["ann", "bob.near", "req.near"] {
        assert!(!fits(out, 0, &[]), "{out}");
    }
}

#[test]
fn without_a_panel_nobody_wins() {
    let (set, mut task) = judged(&[]);
    assert_eq!((task.stage, task.outcome()), (Stage::Decided, Outcome::NoMajority));
    let final_ms = 4_000 + 5 * MINUTE_MS;
    assert_eq!(task.final_ms(&set.deadlines), Some(final_ms));
    assert_eq!(task.check_settle(&set, final_ms - 1), Err(TasksError::TooEarly { from_ms: final_ms }));
    assert_eq!(task.check_settle(&set, final_ms), Ok(()));
    assert_eq!(task.check_appeal(&set, &account("req.near"), 4_000), Ok(Party::Requester));
    assert_eq!(task.check_appeal(&set, &account("bob.near"), 4_000), Ok(Party::Worker));
    task.appeal(Party::Worker, 0, 4_000);
    task.seat(Vec::new(), 4_500);
    assert_eq!(
        (task.stage, task.outcome(), task.final_ms(&set.deadlines)),
        (Stage::Decided, Outcome::NoMajority, Some(4_500))
    );
}

#[test]
fn who_lost_may_appeal_once_and_in_time() {
    let (bob, req) = (account("bob.near"), account("req.near"));
    for (verdict, by, other, party) in
        [(Verdict::Good, &req, &bob, Party::Requester), (Verdict::Bad, &bob, &req, Party::Worker)]
    {
        let (set, mut task) = judged(&PANEL_OF_THREE);
        assert_eq!(task.check_appeal(&set, by, 4_500), Err(TasksError::TooEarly { from_ms: 4_000 + 7 * MINUTE_MS }));
        said(&set, &mut task, &alike(verdict));
        assert_eq!(task.check_appeal(&set, other, 5_000), Err(TasksError::NotAggrieved {}));
        assert_eq!(task.check_appeal(&set, &account("eve.near"), 5_000), Err(TasksError::NotAggrieved {}));
        let until_ms = 5_000 + 5 * MINUTE_MS;
        assert_eq!(task.check_appeal(&set, by, until_ms), Err(TasksError::TooLate { until_ms }));
        assert_eq!(task.check_appeal(&set, by, until_ms - 1), Ok(party));
        task.appeal(party, 0, 6_000);
        assert_eq!(task.check_appeal(&set, by, 6_000), Err(TasksError::Appealed {}));
        assert_eq!((task.round(), task.seats()), (2, APPEAL_PANEL));
        let late = task.commit_verdict(&account("ann"), HASH, &set.deadlines, 6_000);
        assert_eq!(late, Err(TasksError::NotYet {}));
        assert_eq!(task.check_settle(&set, u64::MAX), Err(TasksError::NotYet {}));
    }
}

/// Of the seven, four or more decide; else what the three said stands.
#[test]
fn the_second_panel_has_the_last_word_if_it_has_one() {
    let seven = ["d1", "d2", "d3", "d4", "d5", "d6", "d7"];
    for (good, outcome, compensation) in [(4, Outcome::Good, 70), (3, Outcome::Bad, 0)] {
        let (set, mut task) = judged(&PANEL_OF_THREE);
        said(&set, &mut task, &alike(Verdict::Bad));
        task.appeal(Party::Worker, 0, 6_000);
        task.seat(seats(&seven), 7_000);
        let verdicts: Vec<_> = seven.iter().take(good).map(|name| (*name, Verdict::Good)).collect();
        for (name, _) in &verdicts {
            task.commit_verdict(&account(name), HASH, &set.deadlines, 7_000).unwrap();
        }
        let reveal_ms = 7_000 + 3 * MINUTE_MS;
        for (name, verdict) in &verdicts {
            task.reveal_verdict(&account(name), (*verdict, HASH), &set.deadlines, reveal_ms).unwrap();
        }
        assert_eq!((task.outcome(), task.compensation(&set)), (outcome, compensation));
        assert_eq!(task.final_ms(&set.deadlines), Some(reveal_ms + 4 * MINUTE_MS));
    }
}

#[test]
fn honeypots_are_shown_between_the_end_and_the_settlement() {
    let (mut set, mut task) = judged(&PANEL_OF_THREE);
    set.honeypots = Some(HASH);
    said(&set, &mut task, &alike(Verdict::Good));
    let final_ms = 5_000 + 5 * MINUTE_MS;
    let over_ms = final_ms + 6 * MINUTE_MS;
    assert_eq!(task.check_show(&set, final_ms - 1), Err(TasksError::TooEarly { from_ms: final_ms }));
    assert_eq!(task.check_show(&set, final_ms), Ok(()));
    assert_eq!(task.check_show(&set, over_ms), Err(TasksError::TooLate { until_ms: over_ms }));
    assert_eq!(task.check_settle(&set, over_ms - 1), Err(TasksError::TooEarly { from_ms: over_ms }));
    assert_eq!(task.check_settle(&set, over_ms), Ok(()));
    task.shown = true;
    assert_eq!(task.check_show(&set, final_ms), Err(TasksError::Shown {}));
}

/// INV-TSK-3: the longest that a task can take, with everybody silent who can be.
#[test]
fn a_task_ends_within_the_sum_of_its_deadlines() {
    let (mut set, mut task) = taken();
    set.honeypots = Some(HASH);
    let (deadlines, bob) = (set.deadlines, account("bob.near"));
    let mut now_ms = 1_000 + deadlines.work_ms - 1;
    task.commit(&bob, HASH, &deadlines, now_ms).unwrap();
    now_ms += deadlines.reveal_ms - 1;
    task.reveal(&bob, (HASH, HASH), &deadlines, now_ms).unwrap();
    task.seat(seats(&PANEL_OF_THREE), now_ms);
    now_ms += deadlines.verdict_ms + deadlines.verdict_reveal_ms + deadlines.appeal_ms - 1;
    assert_eq!(task.check_appeal(&set, &bob, now_ms), Ok(Party::Worker));
    task.appeal(Party::Worker, 0, now_ms);
    task.seat(seats(&["d1", "d2", "d3", "d4", "d5", "d6", "d7"]), now_ms);
    now_ms += deadlines.verdict_ms + deadlines.verdict_reveal_ms + deadlines.show_ms;
    assert_eq!(task.check_settle(&set, now_ms), Ok(()));
    let rounds_ms = 2 * (deadlines.verdict_ms + deadlines.verdict_reveal_ms);
    let once_ms = deadlines.work_ms + deadlines.reveal_ms + deadlines.appeal_ms + deadlines.show_ms;
    assert!(now_ms <= 1_000 + once_ms + rounds_ms);
}
