//! What is tried in a sequence, and how often.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::PEOPLE;
use crate::tasks_model::{Asset, NEAR, Person, TOKEN, Verdict};

#[derive(Clone, Debug)]
pub struct Op {
    pub by: Person,
    /// Who has the right to it does it, if anybody has, to something that it can be done to.
    pub rightly: bool,
    /// Picks a row of a kind, modulo how many there are.
    pub pick: usize,
    /// Somebody else.
    pub other: Person,
    pub asset: Asset,
    /// Between nothing and more than there is, in thousandths.
    pub share: u128,
    /// One yoctoNEAR too many, or the one too few.
    pub wrong_deposit: bool,
    pub verdict: Verdict,
    pub lie: Option<Lie>,
    /// Means something else in every move.
    pub flag: bool,
    pub what: Move,
}

impl Op {
    /// What somebody does who has nothing to do with it.
    pub fn stranger(what: Move) -> Self {
        Self {
            by: 0,
            rightly: true,
            pick: 0,
            other: 0,
            asset: NEAR,
            share: 500,
            wrong_deposit: false,
            verdict: Verdict::Good,
            lie: None,
            flag: false,
            what,
        }
    }
}

/// What is presented otherwise than it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Another answer or verdict than was committed.
    Other,
    /// Another salt.
    Salt,
    /// What somebody else committed.
    Copied,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Soon,
    /// What has to be said within a deadline is late.
    Deadline,
    /// Every task that is on its way is over.
    AllOver,
    Unbonded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Post,
    Close,
    Take,
    CommitWork,
    RevealWork,
    /// All three in one transaction.
    Work,
    Draw,
    CommitVerdict,
    RevealVerdict,
    Appeal,
    Show,
    ForgetMarks,
    Settle,
    Bond,
    Unbond,
    WithdrawBond,
    OpenBalance,
    EndBalance,
    Deposit,
    Withdraw,
    /// In one transaction: the row is asked for while money of it is on its way.
    WithdrawAndEnd,
    /// Two parties at once: a task is settled while money of somebody whom it pays is on its way.
    AtOnce,
    Send,
    Wait(Until),
    /// The token is switched off or on, for all or for one.
    Fail,
    Refuse,
}

/// Mostly one; sometimes a few that chance alone seldom puts in a row.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let commit = |seats| vec![Move::CommitVerdict; seats];
    let reveal = |seats| vec![Move::RevealVerdict; seats];
    let late = Move::Wait(Until::Deadline);
    let judged = move |seats| [commit(seats), reveal(seats)].concat();
    let worked = vec![Move::Take, Move::CommitWork, Move::RevealWork];
    let of_one = prop_oneof![
        3 => row_of(worked.clone()),
        1 => row_of(vec![Move::Work]),
        2 => row_of([worked.clone(), judged(3), vec![late, Move::Settle]].concat()),
        1 => row_of(vec![Move::Take, late, Move::Settle]),
        1 => row_of(vec![Move::Take, Move::CommitWork, late, Move::Settle]),
    ];
    let of_rounds = prop_oneof![
        2 => row_of(judged(3)),
        1 => row_of([judged(3), vec![Move::Appeal]].concat()),
        1 => row_of([commit(2), vec![late], reveal(2), vec![late, late, Move::Settle]].concat()),
        1 => row_of([commit(3), reveal(2), vec![late, Move::Appeal]].concat()),
        2 => row_of([judged(3), vec![Move::Appeal], judged(7), vec![late, Move::Settle, Move::Settle]].concat()),
        1 => row_of([judged(3), vec![late, Move::Show, Move::Show, late, Move::Settle]].concat()),
        1 => row_of([vec![Move::Appeal], commit(5), vec![late], reveal(4)].concat()),
    ];
    let of_money = prop_oneof![
        2 => while_the_token_fails(),
        1 => row_of(vec![Move::Unbond, Move::Wait(Until::Unbonded), Move::WithdrawBond]),
        1 => row_of(vec![Move::Post, Move::Take, Move::Close, Move::CommitWork, Move::RevealWork]),
        1 => row_of(vec![Move::Wait(Until::AllOver), Move::Settle, Move::Settle, Move::Settle]),
        1 => row_of(vec![Move::Withdraw, Move::OpenBalance, Move::EndBalance, Move::OpenBalance]),
    ];
    prop_oneof![24 => op().prop_map(|op| vec![op]), 4 => of_one, 4 => of_rounds, 2 => of_money]
}

/// By whoever may, if anybody does. Verdicts agree more often than not.
fn row_of(moves: Vec<Move>) -> impl Strategy<Value = Vec<Op>> {
    let count = moves.len();
    (op(), vec((any::<bool>(), 1_u128..1_000, proptest::bool::weighted(0.3), verdict()), count)).prop_map(
        move |(op, each)| {
            let each = moves.iter().zip(each);
            each.map(|(what, (flag, share, differs, verdict))| Op {
                what: *what,
                flag,
                share,
                verdict: if differs { verdict } else { op.verdict },
                rightly: true,
                wrong_deposit: false,
                lie: None,
                ..op.clone()
            })
            .collect::<Vec<_>>()
        },
    )
}

/// What comes back.
fn while_the_token_fails() -> impl Strategy<Value = Vec<Op>> {
    (op(), any::<bool>()).prop_map(|(op, twice)| {
        let token = Op { asset: TOKEN, share: 500, rightly: true, wrong_deposit: false, lie: None, ..op };
        let one = |what, flag| Op { what, flag, ..token.clone() };
        let money = if twice { Move::WithdrawAndEnd } else { Move::Withdraw };
        vec![one(Move::Send, false), one(Move::Fail, true), one(money, true), one(Move::Fail, false)]
    })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![5 => Just(Verdict::Good), 3 => Just(Verdict::Bad), 1 => Just(Verdict::Unfetchable)]
}

fn what() -> impl Strategy<Value = Move> {
    let until = prop_oneof![
        6 => Just(Until::Soon),
        5 => Just(Until::Deadline),
        1 => Just(Until::AllOver),
        1 => Just(Until::Unbonded),
    ];
    let of_tasks = prop_oneof![
        2 => Just(Move::Post),
        1 => Just(Move::Close),
        5 => Just(Move::Take),
        5 => Just(Move::CommitWork),
        5 => Just(Move::RevealWork),
        2 => Just(Move::Work),
        1 => Just(Move::Draw),
        8 => Just(Move::CommitVerdict),
        8 => Just(Move::RevealVerdict),
        3 => Just(Move::Appeal),
        2 => Just(Move::Show),
        1 => Just(Move::ForgetMarks),
        5 => Just(Move::Settle),
    ];
    let of_money = prop_oneof![
        2 => Just(Move::Bond),
        2 => Just(Move::Unbond),
        1 => Just(Move::WithdrawBond),
        1 => Just(Move::OpenBalance),
        1 => Just(Move::EndBalance),
        1 => Just(Move::Deposit),
        3 => Just(Move::Withdraw),
        1 => Just(Move::WithdrawAndEnd),
        2 => Just(Move::AtOnce),
        2 => Just(Move::Send),
    ];
    let of_the_world = prop_oneof![5 => until.prop_map(Move::Wait), 1 => Just(Move::Fail), 1 => Just(Move::Refuse)];
    prop_oneof![12 => of_tasks, 4 => of_money, 3 => of_the_world]
}

fn op() -> impl Strategy<Value = Op> {
    let who = (0..PEOPLE, proptest::bool::weighted(0.75), 0..PEOPLE, proptest::bool::weighted(0.06));
    let lies = prop_oneof![Just(Lie::Other), Just(Lie::Salt), Just(Lie::Copied)];
    let lie = prop_oneof![5 => Just(None), 1 => lies.prop_map(Some)];
    let what_of = (prop_oneof![2 => Just(NEAR), 1 => Just(TOKEN)], share(), verdict(), lie, any::<bool>());
    (who, any::<usize>(), what_of, what()).prop_map(|(who, pick, what_of, what)| {
        let (by, rightly, other, wrong_deposit) = who;
        let (asset, share, verdict, lie, flag) = what_of;
        Op { by, rightly, pick, other, asset, share, wrong_deposit, verdict, lie, flag, what }
    })
}

fn share() -> impl Strategy<Value = u128> {
    prop_oneof![8 => 1_u128..1_000, 1 => Just(0), 1 => Just(1_000), 1 => 1_001_u128..2_000]
}
