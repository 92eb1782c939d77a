//! What is tried in a sequence, and how often.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::model::{
    ANN, BEN, BOT, BYSTANDERS, CENT, CID, CODE, DAN, EVE, HOUR_MS, MINUTE_MS, NEAR, NOWHERE, PEOPLE, Person, STAKE_MAX,
    TOKEN,
};

/// Of what somebody has.
#[derive(Clone, Copy, Debug)]
pub enum Size {
    Nothing,
    /// Tenths.
    Part(u128),
    All,
    More,
}

/// How long.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    Ms(u64),
    NextPeriod,
    /// The end of the vote on the step's proposal.
    End,
    /// Everything that is being unlocked is ready.
    Ready,
    /// The step's proposal may be forgotten.
    Gone,
}

#[derive(Clone, Debug)]
pub enum Move {
    /// So many yocto; of a token none, which makes the row. With what is locked attached, or one less.
    Lock {
        yocto: u128,
        short: bool,
    },
    /// With a message that says something or not, of the line's token or of another.
    Transfer {
        tokens: u128,
        broken: bool,
        other: bool,
    },
    Lie {
        victim: Person,
        tokens: u128,
        other: bool,
    },
    /// The token is switched off, or on again.
    Fail(bool),
    Unlock(Size),
    Withdraw,
    Delegate {
        to: Person,
        size: Size,
    },
    Stand,
    StandAsAgent,
    StandDown,
    Propose {
        amendment: bool,
    },
    Vote {
        yes: bool,
        of_another: bool,
    },
    VoteAsAgent {
        yes: bool,
        of_another: bool,
    },
    Queue,
    Forget,
    ForgetBallots,
    /// Its owner puts the agent onto the line, or takes it off any.
    Enroll,
    Leave,
    Sell {
        to: Person,
    },
    Wait(Until),
}

/// A step, whether somebody makes it who may, and which of the latest proposals it is about.
#[derive(Clone, Debug)]
pub struct Op {
    pub by: Person,
    pub line: u64,
    pub back: u64,
    pub paid: bool,
    pub rightly: bool,
    pub what: Move,
}

/// By this one, whoever should.
fn by(by: Person, line: u64, what: Move) -> Op {
    Op { by, line, back: 0, paid: true, rightly: false, what }
}

fn vote(yes: bool) -> Move {
    Move::Vote { yes, of_another: false }
}

fn vote_as_agent(yes: bool) -> Move {
    Move::VoteAsAgent { yes, of_another: false }
}

fn propose() -> Move {
    Move::Propose { amendment: false }
}

/// Of NEAR a few tenths and some yocto; of tokens a few, always an even number: what half of people's votes is, rounded
/// or not, is left open.
fn yocto() -> impl Strategy<Value = u128> {
    (10_u128..120, 0_u128..1_000).prop_map(|(cents, yocto)| cents * CENT + yocto)
}

fn tokens() -> impl Strategy<Value = u128> {
    (1_u128..20).prop_map(|pairs| 2 * pairs)
}

/// What makes somebody a holder of what the line is decided by.
fn lock(person: Person, line: u64, yocto: u128, tokens: u128) -> Vec<Op> {
    if line == NEAR {
        return vec![by(person, line, Move::Lock { yocto, short: false })];
    }
    let row = by(person, line, Move::Lock { yocto: 0, short: false });
    vec![row, by(person, line, Move::Transfer { tokens, broken: false, other: false })]
}

fn line() -> impl Strategy<Value = u64> {
    prop_oneof![Just(NEAR), Just(TOKEN)]
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        1 => Just(Size::Nothing),
        6 => (1_u128..10).prop_map(Size::Part),
        2 => Just(Size::All),
        1 => Just(Size::More),
    ]
}

/// A vote from what is locked until it is counted: who delegates to whom, who votes in which order, how late.
fn decided() -> impl Strategy<Value = Vec<Op>> {
    let locked = vec((yocto(), tokens()), 4);
    let delegated = vec((ANN..=DAN, prop_oneof![Just(CID), Just(DAN)], size()), 1..5);
    let votes = vec((0..PEOPLE, any::<bool>(), prop_oneof![4 => Just(0_u64), 1 => Just(25 * MINUTE_MS)]), 2..8);
    (line(), locked, delegated, votes, any::<bool>()).prop_map(|(line, locked, delegated, votes, amendment)| {
        let amounts = locked.into_iter().enumerate();
        let mut ops: Vec<_> = amounts.flat_map(|(person, (yocto, tokens))| lock(person, line, yocto, tokens)).collect();
        ops.extend([CID, DAN].map(|person| by(person, line, Move::Stand)));
        ops.extend(delegated.into_iter().map(|(from, to, size)| by(from, line, Move::Delegate { to, size })));
        ops.push(by(ANN, line, Move::Wait(Until::NextPeriod)));
        ops.push(by(ANN, line, Move::Propose { amendment }));
        for (person, yes, ms) in votes {
            ops.push(by(person, line, vote(yes)));
            if ms > 0 {
                ops.push(by(person, line, Move::Wait(Until::Ms(ms))));
            }
        }
        ops.extend([Move::Queue, Move::Wait(Until::End), vote(true), Move::Queue].map(|what| by(BEN, line, what)));
        ops
    })
}

/// An agent votes with what its owner delegated, much or little beside what people vote with, and its owner may take it
/// back.
fn of_agents() -> impl Strategy<Value = Vec<Op>> {
    let sizes = (yocto(), tokens(), yocto(), tokens(), size());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (line(), sizes, flags).prop_map(|(line, (a, b, c, d, size), (enrolled, early, yes, agrees))| {
        let mut ops = lock(BEN, line, a, b);
        ops.extend(lock(CID, line, c, d));
        ops.extend(lock(BOT, line, c, d));
        ops.push(by(BOT, line, Move::StandAsAgent));
        ops.extend([BEN, CID].map(|from| by(from, line, Move::Delegate { to: BOT, size })));
        ops.push(by(BEN, line, if enrolled { Move::Enroll } else { Move::Leave }));
        ops.push(by(BEN, line, Move::Wait(Until::NextPeriod)));
        ops.push(by(BEN, line, propose()));
        if early {
            ops.push(by(BEN, line, vote(agrees)));
        }
        ops.extend([vote_as_agent(yes), vote(yes)].map(|what| by(BOT, line, what)));
        ops.push(by(BEN, line, Move::Leave));
        ops.extend([vote_as_agent(yes), vote_as_agent(agrees)].map(|what| by(BOT, line, what)));
        ops.extend([CID, BEN].map(|person| by(person, line, vote(!yes))));
        ops.extend([Move::Wait(Until::End), Move::Queue].map(|what| by(CID, line, what)));
        ops
    })
}

/// A delegate that stands down and stands again: before it votes or after that, before the proposal or after it.
fn reborn() -> impl Strategy<Value = Vec<Op>> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let order = prop_oneof![Just([ANN, BEN, CID]), Just([CID, BEN, ANN]), Just([BEN, CID, ANN]), Just([ANN, CID, BEN])];
    (line(), yocto(), tokens(), flags, order).prop_map(|(line, yocto, tokens, flags, order)| {
        let (before, between, again, yes) = flags;
        let reborn = || [Move::StandDown, Move::Stand].map(|what| by(CID, line, what));
        let mut ops = [lock(ANN, line, yocto, tokens), lock(BEN, line, yocto + 1, tokens + 2)].concat();
        ops.push(by(CID, line, Move::Stand));
        ops.push(by(ANN, line, Move::Delegate { to: CID, size: Size::Part(7) }));
        if before {
            ops.extend(reborn());
        }
        ops.push(by(BEN, line, Move::Delegate { to: CID, size: Size::Part(4) }));
        ops.extend([Move::Wait(Until::NextPeriod), propose()].map(|what| by(ANN, line, what)));
        for (place, person) in order.into_iter().enumerate() {
            ops.push(by(person, line, vote(yes)));
            if between && place == 0 {
                ops.extend(reborn());
            }
        }
        ops.extend(reborn());
        ops.push(by(CID, line, vote(!yes)));
        if again {
            // What was delegated to its lives before is dead, and its holders' again.
            ops.extend([ANN, BEN].map(|person| by(person, line, Move::Unlock(Size::All))));
        }
        ops.extend([Move::Wait(Until::End), Move::Queue].map(|what| by(DAN, line, what)));
        ops
    })
}

/// Stake that comes with the proposal or after it.
fn flash() -> impl Strategy<Value = Vec<Op>> {
    (line(), yocto(), tokens(), any::<bool>()).prop_map(|(line, yocto, tokens, late)| {
        let mut ops = lock(BEN, line, yocto, tokens);
        ops.push(by(BEN, line, Move::Wait(Until::NextPeriod)));
        let (locks, proposes) = (lock(DAN, line, 3 * yocto, 3 * tokens), vec![by(BEN, line, propose())]);
        ops.extend(if late { [proposes, locks].concat() } else { [locks, proposes].concat() });
        ops.push(by(DAN, line, Move::Unlock(Size::Part(5))));
        ops.extend([DAN, BEN, EVE].map(|person| by(person, line, vote(true))));
        ops.push(by(DAN, line, Move::Wait(Until::NextPeriod)));
        ops.push(by(DAN, line, vote(false)));
        ops.extend([DAN, EVE].map(|person| by(person, line, propose())));
        ops.push(by(DAN, line, vote(false)));
        ops.push(Op { back: 1, ..by(DAN, line, Move::Wait(Until::End)) });
        ops.push(Op { back: 1, ..by(DAN, line, Move::Queue) });
        ops
    })
}

/// Who goes: all of it, or in two parts of which the second makes the first wait, or is ready behind it.
fn left() -> impl Strategy<Value = Vec<Op>> {
    let parts = prop_oneof![Just(Until::Ms(HOUR_MS)), Just(Until::Ms(4 * HOUR_MS)), Just(Until::Ready)];
    (line(), ANN..=DAN, yocto(), tokens(), parts, any::<bool>()).prop_map(
        |(line, person, yocto, tokens, between, fails)| {
            let mut ops = lock(person, line, yocto, tokens);
            let middle = [Move::Unlock(Size::Part(4)), Move::Withdraw, Move::Wait(between), Move::Unlock(Size::All)];
            ops.extend(middle.map(|what| by(person, line, what)));
            if fails {
                ops.push(by(person, line, Move::Fail(true)));
            }
            let last = [Move::Withdraw, Move::Wait(Until::Ready), Move::Withdraw, Move::Fail(false), Move::Withdraw];
            ops.extend(last.map(|what| by(person, line, what)));
            ops.push(by(person, line, Move::Unlock(Size::Part(1))));
            ops
        },
    )
}

/// To as many as there may be, and to one more; and to one what others have already.
fn spread() -> impl Strategy<Value = Vec<Op>> {
    (line(), ANN..=BEN, yocto()).prop_map(|(line, from, yocto)| {
        let mut ops = lock(from, line, yocto, 200);
        ops.push(by(CID, line, Move::Stand));
        let to = |place| Move::Delegate { to: PEOPLE + place, size: Size::Part(1) };
        ops.extend((0..BYSTANDERS).map(|place| by(from, line, to(place))));
        let one_more = |size| Move::Delegate { to: CID, size };
        let last = [
            one_more(Size::Part(1)),
            Move::Delegate { to: PEOPLE, size: Size::Nothing },
            one_more(Size::More),
            one_more(Size::Part(1)),
            Move::Wait(Until::NextPeriod),
            propose(),
            vote(true),
        ];
        ops.extend(last.map(|what| by(from, line, what)));
        ops.push(by(CID, line, vote(true)));
        ops
    })
}

/// An agent that changes hands before it votes, or after that.
fn sold() -> impl Strategy<Value = Vec<Op>> {
    (line(), yocto(), tokens(), any::<bool>(), any::<bool>()).prop_map(|(line, yocto, tokens, first, yes)| {
        let mut ops = [lock(BEN, line, yocto, tokens), lock(ANN, line, yocto + 3, tokens)].concat();
        ops.push(by(BOT, line, Move::StandAsAgent));
        ops.push(by(BEN, line, Move::Delegate { to: BOT, size: Size::Part(8) }));
        ops.extend([Move::Leave, Move::Wait(Until::NextPeriod), propose()].map(|what| by(BEN, line, what)));
        if first {
            ops.push(by(BOT, line, vote_as_agent(yes)));
        }
        ops.push(by(BEN, line, Move::Sell { to: ANN }));
        let middle = [vote_as_agent(yes), Move::StandDown, Move::StandAsAgent, vote_as_agent(!yes)];
        ops.extend(middle.map(|what| by(BOT, line, what)));
        ops.extend([BEN, ANN].map(|from| by(from, line, Move::Delegate { to: BOT, size: Size::Part(5) })));
        ops.extend([Move::Wait(Until::NextPeriod), propose()].map(|what| by(ANN, line, what)));
        ops.push(by(BOT, line, vote_as_agent(yes)));
        ops.extend([BEN, ANN].map(|person| by(person, line, vote(yes))));
        ops.push(by(ANN, line, Move::Sell { to: BEN }));
        ops
    })
}

/// What is left of a vote goes, too early at first, its votes before it or after.
fn forgotten() -> impl Strategy<Value = Vec<Op>> {
    (line(), yocto(), tokens(), any::<bool>()).prop_map(|(line, yocto, tokens, first)| {
        let mut ops = [lock(BEN, line, yocto, tokens), lock(CID, line, yocto, tokens)].concat();
        ops.push(by(DAN, line, Move::Stand));
        ops.push(by(CID, line, Move::Delegate { to: DAN, size: Size::Part(6) }));
        ops.extend([Move::Wait(Until::NextPeriod), propose()].map(|what| by(BEN, line, what)));
        ops.extend([CID, BEN, DAN].map(|person| by(person, line, vote(true))));
        ops.extend([Move::ForgetBallots, Move::Wait(Until::Gone)].map(|what| by(EVE, line, what)));
        if first {
            ops.push(by(EVE, line, Move::ForgetBallots));
        }
        ops.extend([Move::Forget, vote(true), Move::ForgetBallots].map(|what| by(CID, line, what)));
        ops
    })
}

fn of_stake() -> impl Strategy<Value = Move> {
    let to = || prop_oneof![2 => Just(CID), 2 => Just(DAN), 2 => Just(BOT), 1 => 0..PEOPLE + 2];
    let rarely = || proptest::bool::weighted(0.1);
    let nothing_or = |yocto| prop_oneof![3 => yocto, 2 => Just(0_u128)];
    let some = || prop_oneof![6 => tokens(), 1 => Just(0_u128), 1 => Just(STAKE_MAX)];
    prop_oneof![
        4 => (nothing_or(yocto()), rarely()).prop_map(|(yocto, short)| Move::Lock { yocto, short }),
        4 => (tokens(), rarely(), rarely())
            .prop_map(|(tokens, broken, other)| Move::Transfer { tokens, broken, other }),
        1 => (0..PEOPLE, some(), any::<bool>()).prop_map(|(victim, tokens, other)| Move::Lie { victim, tokens, other }),
        1 => any::<bool>().prop_map(Move::Fail),
        4 => size().prop_map(Move::Unlock),
        2 => Just(Move::Withdraw),
        5 => (to(), size()).prop_map(|(to, size)| Move::Delegate { to, size }),
        2 => Just(Move::Stand),
        1 => Just(Move::StandAsAgent),
        2 => Just(Move::StandDown),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let rarely = || proptest::bool::weighted(0.15);
    let until = prop_oneof![
        3 => (1_000_u64..2 * HOUR_MS).prop_map(Until::Ms),
        2 => Just(Until::NextPeriod),
        1 => Just(Until::End),
        1 => Just(Until::Ready),
    ];
    let what = prop_oneof![
        16 => of_stake(),
        3 => rarely().prop_map(|amendment| Move::Propose { amendment }),
        8 => (any::<bool>(), rarely()).prop_map(|(yes, of_another)| Move::Vote { yes, of_another }),
        2 => (any::<bool>(), rarely()).prop_map(|(yes, of_another)| Move::VoteAsAgent { yes, of_another }),
        2 => Just(Move::Queue),
        1 => Just(Move::Forget),
        1 => Just(Move::ForgetBallots),
        1 => prop_oneof![Just(Move::Enroll), Just(Move::Leave)],
        1 => (ANN..=BEN).prop_map(|to| Move::Sell { to }),
        4 => until.prop_map(Move::Wait),
    ];
    let line = prop_oneof![10 => Just(NEAR), 10 => Just(TOKEN), 1 => Just(CODE), 1 => Just(NOWHERE)];
    (0..PEOPLE, line, 0_u64..3, proptest::bool::weighted(0.95), proptest::bool::weighted(0.6), what)
        .prop_map(|(by, line, back, paid, rightly, what)| Op { by, line, back, paid, rightly, what })
}

pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop_oneof![
        14 => vec(op(), 4),
        3 => decided(),
        2 => of_agents(),
        2 => reborn(),
        1 => flash(),
        2 => left(),
        1 => spread(),
        1 => sold(),
        1 => forgotten(),
    ]
}
