//! What is tried in a sequence, and how often.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::PEOPLE;
use super::model::Person;

#[derive(Clone, Debug)]
pub struct Op {
    pub by: Person,
    /// Who has the right to it does it, if anybody has.
    pub rightly: bool,
    /// Picks a channel, modulo how many there were.
    pub pick: usize,
    /// Between nothing and more than there is, in thousandths of a deposit.
    pub share: u128,
    /// One yoctoNEAR too many, or the one too few.
    pub wrong_deposit: bool,
    pub rows: Vec<RowOf>,
    pub withdraw: bool,
    pub what: Move,
}

#[derive(Clone, Debug)]
pub struct RowOf {
    pub pick: usize,
    pub share: u128,
    pub expiry: Expiry,
    pub forged: Option<Forged>,
}

#[derive(Clone, Copy, Debug)]
pub enum Expiry {
    Never,
    Past,
    Later,
}

/// What a row says otherwise than what was signed.
#[derive(Clone, Copy, Debug)]
pub enum Forged {
    Amount,
    Expiry,
    Counter,
    Root,
    Channel,
    Contract,
    Chain,
    Kind,
    Version,
    Key,
    /// A bit of the signature, by number.
    Bit(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Open,
    TopUp,
    Claim,
    Withdraw,
    Close,
    RequestClose,
    CancelClose,
    FinalizeClose,
    /// In one transaction: the close is executed while the payout is on its way.
    WithdrawAndClose,
    ClaimAndClose,
    TopUpAndRequest,
    /// The grace is over.
    Wait,
    /// One of the people deletes its account, or makes it again.
    Vanish,
}

/// Mostly one; sometimes a few that chance alone seldom puts in a row.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop_oneof![
        10 => op().prop_map(|op| vec![op]),
        2 => row_of([Move::Open, Move::Claim, Move::Withdraw]),
        2 => row_of([Move::RequestClose, Move::Claim, Move::Wait, Move::FinalizeClose]),
        1 => row_of([Move::RequestClose, Move::CancelClose]),
    ]
}

fn row_of<const N: usize>(moves: [Move; N]) -> impl Strategy<Value = Vec<Op>> {
    op().prop_map(move |op| moves.map(|what| Op { what, withdraw: false, ..op.clone() }).to_vec())
}

fn op() -> impl Strategy<Value = Op> {
    let what = prop_oneof![
        4 => Just(Move::Open),
        2 => Just(Move::TopUp),
        6 => Just(Move::Claim),
        3 => Just(Move::Withdraw),
        2 => Just(Move::Close),
        3 => Just(Move::RequestClose),
        1 => Just(Move::CancelClose),
        3 => Just(Move::FinalizeClose),
        1 => Just(Move::WithdrawAndClose),
        1 => Just(Move::ClaimAndClose),
        1 => Just(Move::TopUpAndRequest),
        2 => Just(Move::Wait),
        1 => Just(Move::Vanish),
    ];
    let who = (0..PEOPLE, proptest::bool::weighted(0.75), proptest::bool::weighted(0.05), any::<bool>());
    (who, any::<usize>(), share(), vec(row(), 1..5), what).prop_map(|(who, pick, share, rows, what)| {
        let (by, rightly, wrong_deposit, withdraw) = who;
        Op { by, rightly, pick, share, wrong_deposit, rows, withdraw, what }
    })
}

fn share() -> impl Strategy<Value = u128> {
    prop_oneof![8 => 1_u128..1_000, 1 => Just(0), 1 => Just(1_000), 1 => 1_001_u128..2_000]
}

fn row() -> impl Strategy<Value = RowOf> {
    let expiry = prop_oneof![4 => Just(Expiry::Never), 1 => Just(Expiry::Past), 1 => Just(Expiry::Later)];
    let forged = prop_oneof![
        Just(Forged::Amount),
        Just(Forged::Expiry),
        Just(Forged::Counter),
        Just(Forged::Root),
        Just(Forged::Channel),
        Just(Forged::Contract),
        Just(Forged::Chain),
        Just(Forged::Kind),
        Just(Forged::Version),
        Just(Forged::Key),
        (0_u16..512).prop_map(Forged::Bit),
    ];
    let forged = prop_oneof![4 => Just(None), 1 => forged.prop_map(Some)];
    (any::<usize>(), share(), expiry, forged).prop_map(|(pick, share, expiry, forged)| RowOf {
        pick,
        share,
        expiry,
        forged,
    })
}
