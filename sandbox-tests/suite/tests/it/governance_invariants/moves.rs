//! What is tried in a sequence, and how often.

use charter_types::governance::EXECUTION_MS;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::model::{CENT, CODE, CODES, Constitution, DEAR, Move, PAUSE_MS, PEOPLES, Person};

pub const HOUR_MS: u64 = 3_600_000;
const MINUTE_MS: u64 = 60_000;
/// Each with an agent at first.
pub const PEOPLE: usize = 5;
/// The council of the line for code, after the people.
pub const ROOT: Person = PEOPLE;
/// Members of the largest council there is.
const MEMBERS: usize = 3;

/// A step, whether who may make it makes it, and which of the latest proposals it is about.
#[derive(Clone, Debug)]
pub struct Op {
    pub by: Person,
    pub back: u64,
    pub paid: bool,
    pub rightly: bool,
    pub what: Move,
}

fn rightly(by: Person, back: u64, what: Move) -> Op {
    Op { by, back, paid: true, rightly: true, what }
}

/// By this one, whoever should.
fn by(by: Person, what: Move) -> Op {
    Op { rightly: false, ..rightly(by, 0, what) }
}

fn constitution() -> impl Strategy<Value = Constitution> {
    let members = vec((0..PEOPLE - 1, 1_u64..4), 0..=MEMBERS);
    let share = || prop_oneof![Just(5_001_u64), Just(3_334), Just(6_667), Just(10_000)];
    let extension = prop_oneof![Just(0_u64), Just(HOUR_MS / 2), Just(HOUR_MS)];
    let bonds = (
        prop_oneof![1 => Just(0_u128), 1 => Just(CENT), 1 => Just(3 * CENT)],
        prop_oneof![3 => Just(0_u128), 3 => Just(2 * CENT), 1 => Just(DEAR)],
    );
    (members, (share(), share()), proptest::option::of(0..PEOPLE), extension, bonds).prop_map(
        |(members, (quorum_bps, threshold), guardian, extension_ms, (proposal_bond, enrolment_bond))| Constitution {
            council: members.into_iter().collect(),
            quorum_bps,
            threshold_bps: threshold.max(5_001),
            guardian,
            extension_ms,
            proposal_bond,
            enrolment_bond,
        },
    )
}

fn release() -> Move {
    Move::ProposeRelease { stale: false }
}

fn amendment(next: Constitution) -> Move {
    Move::ProposeAmendment { next, stale: false }
}

fn upgrade(code: usize) -> Move {
    Move::ProposeUpgrade { code, stale: false }
}

/// Votes of everybody but one yes. Beyond the people `no` counts how many vote at all: the first alone says yes, of
/// more the last says no.
fn all_vote(back: u64, no: Person) -> Vec<Op> {
    let last = no.checked_sub(PEOPLE + 1);
    let no = last.filter(|last| *last > 0).unwrap_or(no);
    let vote = |by| rightly(by, back, Move::Vote { yes: by != no, of_another: false });
    let votes = |by: &Person| last.is_none_or(|last| *by <= last || *by == ROOT);
    (0..=ROOT).filter(votes).map(|by| Op { rightly: false, ..vote(by) }).collect()
}

/// Votes of the council's members on the newest proposal, by their places.
fn members_vote(yes: impl Fn(usize) -> bool) -> impl Iterator<Item = Op> {
    (0..MEMBERS).map(move |place| rightly(place, 0, Move::Vote { yes: yes(place), of_another: false }))
}

/// What a few proposals come to: made, voted on, counted, and carried out in some order after some time.
fn story(proposals: Vec<Move>, end: fn(&Move) -> Move) -> impl Strategy<Value = Vec<Op>> {
    let times = prop_oneof![4 => Just(HOUR_MS), 1 => Just(1), 1 => Just(EXECUTION_MS + 2 * HOUR_MS)];
    let count = u64::try_from(proposals.len()).unwrap();
    let order = (any::<bool>(), any::<bool>());
    (0..PEOPLE, 0..PEOPLE + 4, times, order, constitution()).prop_map(move |(by, no, ms, (newest, twice), next)| {
        let mut ops = Vec::new();
        for what in &proposals {
            let what = match what {
                Move::ProposeAmendment { .. } => amendment(next.clone()),
                other => other.clone(),
            };
            ops.push(rightly(by, 0, what));
        }
        let each: Vec<u64> = if newest { (0..count).collect() } else { (0..count).rev().collect() };
        if twice {
            // Somebody else says no at first.
            ops.extend(all_vote(0, (no + 1) % PEOPLE));
        }
        ops.extend(each.iter().flat_map(|back| all_vote(*back, no)));
        ops.push(rightly(by, 0, Move::Wait(HOUR_MS)));
        ops.extend(each.iter().map(|back| rightly(by, *back, Move::Queue)));
        ops.push(rightly(by, 0, Move::Wait(ms)));
        for back in each {
            let index = proposals.len() - 1 - usize::try_from(back).unwrap();
            if matches!(proposals[index], Move::ProposeUpgrade { .. }) {
                // Other bytes first, when the right ones would be taken.
                ops.push(rightly(by, back, Move::Execute { swapped: true }));
            }
            ops.push(rightly(by, back, end(&proposals[index])));
        }
        ops
    })
}

/// A release that is proposed to one council and voted on when there is another.
fn changed_midway() -> impl Strategy<Value = Vec<Op>> {
    (0..PEOPLE, 0..PEOPLE + 4, constitution()).prop_map(|(by, no, next)| {
        let mut ops = vec![rightly(by, 0, amendment(next))];
        ops.extend(all_vote(0, PEOPLE));
        let middle = [Move::Wait(HOUR_MS), Move::Queue, Move::Wait(HOUR_MS), release()];
        ops.extend(middle.map(|what| rightly(by, 0, what)));
        ops.push(rightly(by, 1, Move::Amend));
        ops.extend(all_vote(0, no));
        let last = [Move::Wait(HOUR_MS), Move::Queue, Move::Wait(HOUR_MS), Move::Publish];
        ops.extend(last.map(|what| rightly(by, 0, what)));
        ops
    })
}

/// A release and an amendment that are voted on and forgotten, too early at first.
fn forgotten() -> impl Strategy<Value = Vec<Op>> {
    let times = prop_oneof![Just(HOUR_MS), Just(24 * HOUR_MS)];
    (0..PEOPLE, times, constitution()).prop_map(|(by, ms, next)| {
        let mut ops = vec![rightly(by, 0, amendment(next))];
        ops.push(rightly(by, 0, release()));
        ops.extend(all_vote(0, PEOPLE));
        let times = [Move::Wait(EXECUTION_MS + HOUR_MS), Move::Forget, Move::Wait(ms), Move::Forget];
        ops.extend(times.map(|what| rightly(by, 0, what)));
        ops.extend([Move::Wait(2 * HOUR_MS), Move::Forget].map(|what| rightly(by, 0, what)));
        ops.push(rightly(by, 1, Move::Forget));
        ops
    })
}

/// The outcome of a vote turns again and again in its last part, until that is over.
fn turned() -> impl Strategy<Value = Vec<Op>> {
    let first = prop_oneof![Just(35 * MINUTE_MS), Just(45 * MINUTE_MS)];
    (0..PEOPLE, first, any::<bool>()).prop_map(|(by, first_ms, passes)| {
        let mut ops = vec![rightly(by, 0, release())];
        for (ms, yes) in [(first_ms, true), (20 * MINUTE_MS, false), (20 * MINUTE_MS, passes)] {
            ops.push(rightly(by, 0, Move::Wait(ms)));
            ops.extend(members_vote(|_| yes));
        }
        let last = [Move::Wait(15 * MINUTE_MS), Move::Queue, Move::Wait(HOUR_MS), Move::Queue, Move::Publish];
        ops.extend(last.map(|what| rightly(by, 0, what)));
        ops
    })
}

/// A decision that owners object to: while it is voted on, behind its end, once it is counted, or too late. Somebody's
/// agent came back since, and somebody objects twice. Then it may be voted on again.
fn contested() -> impl Strategy<Value = Vec<Op>> {
    let what = prop_oneof![2 => Just(release()), 1 => constitution().prop_map(amendment)];
    let before = prop_oneof![
        2 => Just(vec![Move::Wait(45 * MINUTE_MS)]),
        1 => Just(vec![Move::Wait(HOUR_MS)]),
        4 => Just(vec![Move::Wait(HOUR_MS), Move::Queue]),
        1 => Just(vec![Move::Wait(HOUR_MS), Move::Queue, Move::Wait(HOUR_MS)]),
    ];
    let objections = prop_oneof![1 => Just(1_usize), 1 => Just(2), 3 => Just(3), 2 => Just(4)];
    let no = || 0..=MEMBERS;
    let between = (any::<bool>(), any::<bool>());
    ((0..PEOPLE, what), before, objections, (no(), no()), between).prop_map(
        |((late, what), before, objections, (no, then_no), (forget, cancel))| {
            let end = end(&what);
            let mut ops = vec![rightly(late, 0, what)];
            ops.push(rightly(late, 0, Move::Leave { agent: late }));
            ops.push(rightly(late, 0, Move::Enroll { agent: late, line: PEOPLES }));
            ops.extend(members_vote(|place| place != no));
            ops.extend(before.into_iter().map(|what| rightly(late, 0, what)));
            let early = |place: usize| rightly(place, 0, Move::Object { agent: place });
            ops.extend((0..objections).map(early));
            ops.extend([late, (late + 1) % PEOPLE].map(|person| by(person, Move::Object { agent: person })));
            if forget {
                ops.push(rightly(late, 0, Move::ForgetObjections));
                // Theirs are gone, and count all the same.
                ops.push(early(0));
            }
            if cancel {
                ops.push(rightly(late, 0, Move::Cancel { own: true }));
            }
            ops.extend(members_vote(|place| place != then_no));
            let last = [Move::Wait(HOUR_MS), Move::Queue, Move::Wait(HOUR_MS), end, Move::ForgetObjections];
            ops.extend(last.map(|what| rightly(late, 0, what)));
            ops
        },
    )
}

/// Something that would be carried out but for the guardian, and is when the pause is over.
fn paused() -> impl Strategy<Value = Vec<Op>> {
    let what =
        prop_oneof![2 => Just(release()), 2 => constitution().prop_map(amendment), 1 => (0..CODES).prop_map(upgrade)];
    (0..PEOPLE, what).prop_map(|(by, what)| {
        let line = if matches!(what, Move::ProposeUpgrade { .. }) { CODE } else { PEOPLES };
        let end = end(&what);
        let mut ops = vec![rightly(by, 0, Move::Pause { line, ms: 3 * HOUR_MS }), rightly(by, 0, what)];
        ops.extend(members_vote(|_| true));
        let last = [Move::Wait(HOUR_MS), Move::Queue, Move::Wait(HOUR_MS), end.clone(), Move::Wait(HOUR_MS), end];
        ops.extend(last.map(|what| rightly(by, 0, what)));
        ops
    })
}

/// Something that was decided and that the guardian, if there is one, cancels: nobody carries it out.
fn vetoed() -> impl Strategy<Value = Vec<Op>> {
    let what = prop_oneof![2 => Just(release()), 1 => constitution().prop_map(amendment), 1 => Just(upgrade(0))];
    (0..PEOPLE, what).prop_map(|(by, what)| {
        let end = end(&what);
        let mut ops = vec![rightly(by, 0, what)];
        ops.extend(members_vote(|_| true));
        let last = [Move::Wait(HOUR_MS), Move::Queue, Move::Cancel { own: false }, Move::Wait(HOUR_MS), end];
        ops.extend(last.map(|what| rightly(by, 0, what)));
        ops
    })
}

/// An agent that is sold, and taken off or enrolled by who owns it now, so that a bond goes to who left it.
fn sold() -> impl Strategy<Value = Vec<Op>> {
    (0..PEOPLE, 0..PEOPLE, 0..PEOPLE, any::<bool>()).prop_map(|(agent, to, other, stays)| {
        let next = if stays { Move::Enroll { agent, line: PEOPLES } } else { Move::Leave { agent } };
        vec![
            rightly(other, 0, Move::Enroll { agent, line: PEOPLES }),
            rightly(other, 0, Move::Sell { agent, to }),
            by(agent, Move::Object { agent }),
            by(to, Move::Object { agent }),
            by(other, next.clone()),
            by(to, next),
        ]
    })
}

fn end(of: &Move) -> Move {
    match of {
        Move::ProposeAmendment { .. } => Move::Amend,
        Move::ProposeUpgrade { .. } => Move::Execute { swapped: false },
        _ => Move::Publish,
    }
}

fn of_agents() -> impl Strategy<Value = Move> {
    let line = prop_oneof![4 => Just(PEOPLES), 1 => Just(CODE)];
    prop_oneof![
        4 => (0..PEOPLE).prop_map(|agent| Move::Object { agent }),
        2 => (0..PEOPLE, line).prop_map(|(agent, line)| Move::Enroll { agent, line }),
        1 => (0..PEOPLE).prop_map(|agent| Move::Leave { agent }),
        1 => (0..PEOPLE, 0..PEOPLE).prop_map(|(agent, to)| Move::Sell { agent, to }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let rarely = || proptest::bool::weighted(0.2);
    let pauses = prop_oneof![Just(0_u64), Just(1), Just(2 * HOUR_MS), Just(PAUSE_MS), Just(PAUSE_MS + 1)];
    let what = prop_oneof![
        2 => rarely().prop_map(|stale| Move::ProposeRelease { stale }),
        2 => (constitution(), rarely()).prop_map(|(next, stale)| Move::ProposeAmendment { next, stale }),
        1 => (0..CODES, rarely()).prop_map(|(code, stale)| Move::ProposeUpgrade { code, stale }),
        8 => (any::<bool>(), rarely()).prop_map(|(yes, of_another)| Move::Vote { yes, of_another }),
        3 => Just(Move::Queue),
        2 => Just(Move::Publish),
        2 => Just(Move::Amend),
        1 => rarely().prop_map(|swapped| Move::Execute { swapped }),
        2 => any::<bool>().prop_map(|own| Move::Cancel { own }),
        2 => Just(Move::Forget),
        2 => prop_oneof![Just(HOUR_MS), Just(1), Just(HOUR_MS / 2)].prop_map(Move::Wait),
        6 => of_agents(),
        1 => Just(Move::ForgetObjections),
        1 => (prop_oneof![Just(CODE), Just(PEOPLES)], pauses).prop_map(|(line, ms)| Move::Pause { line, ms }),
    ];
    (0..PEOPLE, 0_u64..3, proptest::bool::weighted(0.9), proptest::bool::weighted(0.6), what)
        .prop_map(|(by, back, paid, rightly, what)| Op { by, back, paid, rightly, what })
}

pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let amended = || amendment(Constitution::default());
    prop_oneof![
        20 => op().prop_map(|op| vec![op]),
        2 => story(vec![release()], end),
        1 => story(vec![release(), release()], end),
        1 => story(vec![amended(), amended(), release()], end),
        1 => changed_midway(),
        1 => forgotten(),
        1 => (0..CODES).prop_flat_map(|code| story(vec![upgrade(code), upgrade(0)], end)),
        2 => contested(),
        1 => turned(),
        1 => paused(),
        1 => vetoed(),
        1 => sold(),
    ]
}
