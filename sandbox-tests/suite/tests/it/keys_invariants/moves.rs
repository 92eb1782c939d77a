//! What is tried in a sequence, and how often.

use std::collections::BTreeMap;

use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::{CID, PATHS};

const TRIES: u8 = 24;

#[derive(Clone, Debug)]
pub struct Op {
    pub by: usize,
    /// Picks a secret, grant, lease or agent, modulo how many there are.
    pub pick: u64,
    /// Who gets a grant: never the guardian.
    pub to: usize,
    pub path: usize,
    pub small: u8,
    /// Who may do it does it, and as often as this another one is looked for if the model would refuse it: else almost
    /// everything would be refused. None: whoever comes along does it.
    pub tries: u8,
    /// With a deposit, or without the one it takes: never right.
    pub wrong_deposit: bool,
    pub what: Move,
}

impl Op {
    /// The id of one of the rows.
    pub fn pick_of<T>(&self, rows: &BTreeMap<u64, T>) -> Option<u64> {
        let index = self.pick.checked_rem(u64::try_from(rows.len()).unwrap())?;
        rows.keys().nth(usize::try_from(index).unwrap()).copied()
    }

    pub fn agent(&self) -> u64 {
        self.pick % 2 + 1
    }

    pub fn host(&self) -> u64 {
        u64::from(self.small % 3) + 1
    }

    /// The same with other things, the `n`th time.
    pub fn again(&self, n: u8) -> Self {
        let mixed = self.pick.wrapping_mul(1 + 2 * u64::from(n)).rotate_left(8 * u32::from(n));
        let path = (self.path + usize::from(n)) % PATHS.len();
        Self { pick: mixed, path, small: self.small.wrapping_add(n), ..self.clone() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Move {
    AddCredential,
    AddWraps,
    Rotate,
    Retire,
    Grant,
    Delegate,
    Narrow,
    Suspend,
    Resume,
    Renounce,
    RevokeGrant,
    RevokeSecret,
    RevokeHost,
    Reserve,
    Settle,
    Expire,
    RevokeAll,
    PanicAll,
    Rearm,
    RegisterHost,
    ChangeHostKeys,
    RemoveHost,
    Clean,
    Forget,
    RemoveGrant,
    /// To the other owner.
    Sell,
    RetireAgent,
    /// Delegates a part of a grant while something that it depends on is taken away.
    Race,
    Wait,
}

/// Mostly one operation; sometimes a few that chance alone seldom puts in a row: a guardian resumes what was suspended just
/// before, a lease is settled or runs out, a secret of who is no longer the owner is forgotten.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop_oneof![
        24 => op().prop_map(|op| vec![op]),
        2 => op().prop_map(|op| {
            let suspend = Op { tries: 1, what: Move::Suspend, ..op.clone() };
            vec![suspend, Op { by: CID, tries: 0, what: Move::Resume, ..op }]
        }),
        2 => row_of([Move::Reserve, Move::Settle]),
        2 => row_of([Move::Reserve, Move::Wait, Move::Expire]),
        1 => row_of([Move::Retire, Move::RevokeAll, Move::Clean, Move::Forget]),
    ]
}

/// Two credentials to begin with: what nobody has yet can only be refused.
pub fn beginning() -> [Op; 2] {
    let first =
        Op { by: 0, pick: 0, to: 1, path: 0, small: 0, tries: TRIES, wrong_deposit: false, what: Move::AddCredential };
    [first.clone(), Op { by: 1, pick: 1, to: 0, small: 1, ..first }]
}

fn row_of<const N: usize>(moves: [Move; N]) -> impl Strategy<Value = Vec<Op>> {
    op().prop_map(move |op| moves.map(|what| Op { what, ..op.clone() }).to_vec())
}

fn op() -> impl Strategy<Value = Op> {
    let what = prop_oneof![
        4 => Just(Move::AddCredential),
        1 => Just(Move::AddWraps),
        1 => Just(Move::Rotate),
        2 => Just(Move::Retire),
        2 => Just(Move::Clean),
        2 => Just(Move::Forget),
        2 => Just(Move::RemoveGrant),
        2 => Just(Move::ChangeHostKeys),
        1 => Just(Move::Sell),
        4 => Just(Move::Grant),
        8 => Just(Move::Delegate),
        3 => Just(Move::Narrow),
        2 => Just(Move::Suspend),
        2 => Just(Move::Resume),
        1 => Just(Move::Renounce),
        2 => Just(Move::RevokeGrant),
        1 => Just(Move::RevokeSecret),
        1 => Just(Move::RevokeHost),
        4 => Just(Move::Reserve),
        3 => Just(Move::Settle),
        2 => Just(Move::Expire),
        1 => Just(Move::RevokeAll),
        1 => Just(Move::PanicAll),
        1 => Just(Move::Rearm),
        1 => Just(Move::RegisterHost),
        3 => Just(Move::Race),
        1 => Just(Move::Wait),
    ];
    // Of what ends everything after it, little.
    let what = prop_oneof![120 => what, 1 => Just(Move::RetireAgent), 1 => Just(Move::RemoveHost)];
    let to = prop_oneof![Just(0_usize), Just(1), Just(3)];
    let who = (0_usize..5, to, proptest::bool::weighted(0.7), proptest::bool::weighted(0.05));
    (who, any::<u64>(), 0..PATHS.len(), any::<u8>(), what).prop_map(|(who, pick, path, small, what)| {
        let (by, to, rightly, wrong_deposit) = who;
        let tries = if rightly { TRIES } else { 0 };
        Op { by, pick, to, path, small, tries, wrong_deposit, what }
    })
}
