//! What is tried in a sequence, and how often.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::model::{ANN, Asset, BEN, BPS, NEAR, NOBODY, PEOPLE, Person, TOKEN};

#[derive(Clone, Debug)]
pub struct Op {
    pub by: Person,
    /// Who has the right to it does it, if anybody has, to something that it can be done to.
    pub rightly: bool,
    /// Picks a row of a kind, modulo how many there were.
    pub pick: usize,
    /// Somebody else: who is paid, or told of.
    pub other: Person,
    pub asset: Asset,
    /// Between nothing and more than there is, in thousandths.
    pub share: u128,
    /// One yoctoNEAR too many, or the one too few.
    pub wrong_deposit: bool,
    pub rows: Vec<RowOf>,
    pub splits: Vec<(Person, u128)>,
    pub lock: Lock,
    /// Means something else in every move.
    pub flag: bool,
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

#[derive(Clone, Copy, Debug)]
pub enum Lock {
    None,
    Hours(u64),
    /// Longer than a lock may be.
    TooLong,
}

/// What is presented otherwise than it was signed.
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
pub enum To {
    Channel,
    Purse,
    Edge,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Soon,
    Hour,
    Day,
    /// What share and root wait for.
    Long,
    /// The edge that is picked is over.
    EdgeOver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Open,
    TopUp,
    ExtendLock,
    Claim,
    Withdraw,
    Distribute,
    Close,
    RequestClose,
    CancelClose,
    FinalizeClose,
    /// In one transaction: the close is executed while the payout is on its way.
    WithdrawAndClose,
    ClaimAndClose,
    DistributeAndClose,
    TopUpAndRequest,
    /// Tokens, and what another token says of tokens.
    Send(To),
    Lie(To),
    /// A token that things are in tells of more than there can be.
    LieHugely,
    /// Whom it promised most claims that beside what is honest and good, and is paid all of it.
    ClaimHugely,
    /// Two parties call at once.
    AtOnce,
    FillPurse,
    SetCaps,
    EmptyPurse,
    DrawOpen,
    DrawTopUp,
    ForgetDraws,
    Reserve,
    PostRoot,
    Pull,
    EndRoot,
    ForgetCreators,
    OpenEdge,
    JoinEdge,
    EndEdge,
    CutEdge,
    Escalate,
    Deliver,
    ClaimLate,
    DeliverAndClaim,
    ForgetRequest,
    OpenEarnings,
    Wait(Until),
    /// One of the people deletes its account, or makes it again.
    Vanish,
    /// The token is switched off or on, for all or for one.
    Fail,
    Refuse,
    /// The agent changes hands.
    Sell,
}

/// Mostly one; sometimes a few that chance alone seldom puts in a row.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let of_channels = prop_oneof![
        3 => row_of([Move::Open, Move::Send(To::Channel), Move::Claim, Move::Withdraw]),
        2 => row_of([Move::Open, Move::Send(To::Channel), Move::Claim, Move::Distribute]),
        2 => row_of([Move::RequestClose, Move::Claim, Move::Wait(Until::Hour), Move::FinalizeClose]),
        1 => row_of([Move::RequestClose, Move::CancelClose]),
        1 => row_of([Move::Open, Move::Send(To::Channel), Move::Claim, Move::AtOnce]),
        2 => while_the_token_fails([Move::Open, Move::Send(To::Channel), Move::Claim], Move::Withdraw),
        1 => while_the_token_fails([Move::Open, Move::Send(To::Channel), Move::Claim], Move::Close),
        1 => row_of([Move::Distribute, Move::Wait(Until::Long), Move::Distribute, Move::Distribute]),
    ];
    let of_purses = prop_oneof![
        2 => row_of([Move::FillPurse, Move::Send(To::Purse), Move::SetCaps, Move::DrawOpen, Move::DrawTopUp]),
        1 => row_of([Move::DrawOpen, Move::DrawOpen, Move::Wait(Until::Day), Move::DrawOpen, Move::ForgetDraws]),
        1 => row_of([Move::DrawOpen, Move::Claim, Move::Close, Move::EmptyPurse]),
        1 => while_the_token_fails([Move::FillPurse, Move::Send(To::Purse)], Move::EmptyPurse),
    ];
    let of_roots = prop_oneof![
        3 => row_of([Move::Claim, Move::Reserve, Move::PostRoot, Move::Pull]),
        1 => row_of([Move::PostRoot, Move::Pull, Move::Pull, Move::Pull]),
        2 => while_the_token_fails([Move::Claim, Move::Reserve, Move::PostRoot], Move::Pull),
        1 => row_of([Move::Wait(Until::Long), Move::EndRoot, Move::ForgetCreators]),
    ];
    let of_edges = prop_oneof![
        3 => row_of([Move::OpenEdge, Move::Send(To::Edge), Move::JoinEdge, Move::Send(To::Edge), Move::Escalate]),
        2 => row_of([Move::Escalate, Move::Wait(Until::Soon), Move::ClaimLate, Move::Deliver, Move::ClaimLate]),
        1 => row_of([Move::ClaimLate, Move::CutEdge, Move::EndEdge]),
        1 => row_of([Move::Wait(Until::EdgeOver), Move::ClaimLate, Move::EndEdge, Move::ForgetRequest]),
    ];
    let of_liars = prop_oneof![
        2 => beside_huge_claims(),
        1 => row_of([Move::LieHugely, Move::Claim, Move::LieHugely, Move::Claim]),
    ];
    prop_oneof![
        48 => op().prop_map(|op| vec![op]),
        6 => of_channels,
        4 => of_purses,
        4 => of_roots,
        6 => of_edges,
        1 => of_liars,
    ]
}

/// A batch of claims hardly ever is but for its deposit, and few are by themselves.
fn may_be_refused(what: Move) -> bool {
    matches!(what, Move::Claim | Move::ClaimHugely)
}

/// All in one asset, and rightly, if anybody may.
fn row_of<const N: usize>(moves: [Move; N]) -> impl Strategy<Value = Vec<Op>> {
    let (flags, shares) = (vec(any::<bool>(), N), vec(1_u128..1_000, N));
    (op(), flags, shares).prop_map(move |(op, flags, shares)| {
        let each = moves.into_iter().zip(flags).zip(shares);
        each.map(|((what, flag), share)| Op {
            what,
            flag,
            share,
            rightly: true,
            wrong_deposit: op.wrong_deposit && may_be_refused(what),
            ..op.clone()
        })
        .collect::<Vec<_>>()
    })
}

/// What comes back, after what makes it due: chance alone seldom puts these in a row.
fn while_the_token_fails<const N: usize>(before: [Move; N], fails: Move) -> impl Strategy<Value = Vec<Op>> {
    op().prop_map(move |op| {
        let refused = op.wrong_deposit;
        let token = Op { asset: 1, share: 500, flag: false, rightly: true, wrong_deposit: false, ..op };
        let one = |what| Op { what, wrong_deposit: refused && may_be_refused(what), ..token.clone() };
        let mut ops: Vec<Op> = before.into_iter().map(one).collect();
        for (what, flag) in [(Move::Fail, true), (fails, false), (Move::Fail, false)] {
            ops.push(Op { flag, what, ..token.clone() });
        }
        ops
    })
}

/// Nearly all that there can be is claimed of a token that lies, by its payee in one batch with rows of NEAR that are good;
/// then shares are sent theirs.
fn beside_huge_claims() -> impl Strategy<Value = Vec<Op>> {
    op().prop_map(|op| {
        let refused = op.wrong_deposit;
        let rows = op.rows.iter().map(|row| RowOf { expiry: Expiry::Never, forged: None, ..row.clone() }).collect();
        // The liar tells of all that is left, and nothing of it ends.
        let (pick, share) = (op.pick | 3, 500);
        let (splits, lock) = (Vec::new(), Lock::None);
        let good = Op { pick, share, rows, splits, lock, asset: NEAR, rightly: true, wrong_deposit: false, ..op };
        let one = |what| Op { what, wrong_deposit: refused && may_be_refused(what), ..good.clone() };
        Vec::from([Move::Open, Move::LieHugely, Move::ClaimHugely, Move::LieHugely].map(one))
    })
}

fn what() -> impl Strategy<Value = Move> {
    let to = || prop_oneof![3 => Just(To::Channel), 2 => Just(To::Purse), 2 => Just(To::Edge), 1 => Just(To::Nothing)];
    let until = prop_oneof![
        3 => Just(Until::Soon),
        3 => Just(Until::Hour),
        2 => Just(Until::Day),
        1 => Just(Until::Long),
        1 => Just(Until::EdgeOver),
    ];
    let of_channels = prop_oneof![
        4 => Just(Move::Open),
        2 => Just(Move::TopUp),
        1 => Just(Move::ExtendLock),
        6 => Just(Move::Claim),
        3 => Just(Move::Withdraw),
        4 => Just(Move::Distribute),
        2 => Just(Move::Close),
        3 => Just(Move::RequestClose),
        1 => Just(Move::CancelClose),
        3 => Just(Move::FinalizeClose),
        1 => Just(Move::WithdrawAndClose),
        1 => Just(Move::ClaimAndClose),
        1 => Just(Move::DistributeAndClose),
        1 => Just(Move::TopUpAndRequest),
        4 => to().prop_map(Move::Send),
        1 => to().prop_map(Move::Lie),
        3 => Just(Move::AtOnce),
        1 => Just(Move::OpenEarnings),
    ];
    let of_others = prop_oneof![
        2 => Just(Move::FillPurse),
        2 => Just(Move::SetCaps),
        1 => Just(Move::EmptyPurse),
        3 => Just(Move::DrawOpen),
        2 => Just(Move::DrawTopUp),
        1 => Just(Move::ForgetDraws),
        2 => Just(Move::Reserve),
        2 => Just(Move::PostRoot),
        3 => Just(Move::Pull),
        1 => Just(Move::EndRoot),
        1 => Just(Move::ForgetCreators),
    ];
    let of_edges = prop_oneof![
        2 => Just(Move::OpenEdge),
        2 => Just(Move::JoinEdge),
        2 => Just(Move::EndEdge),
        1 => Just(Move::CutEdge),
        3 => Just(Move::Escalate),
        2 => Just(Move::Deliver),
        3 => Just(Move::ClaimLate),
        1 => Just(Move::DeliverAndClaim),
        1 => Just(Move::ForgetRequest),
    ];
    let of_the_world = prop_oneof![
        5 => until.prop_map(Move::Wait),
        2 => Just(Move::Vanish),
        2 => Just(Move::LieHugely),
        1 => Just(Move::Fail),
        1 => Just(Move::Refuse),
        1 => Just(Move::Sell),
    ];
    prop_oneof![10 => of_channels, 5 => of_others, 5 => of_edges, 2 => of_the_world]
}

fn op() -> impl Strategy<Value = Op> {
    let who = (0..PEOPLE, proptest::bool::weighted(0.8), 0..=NOBODY, proptest::bool::weighted(0.06));
    let lock = prop_oneof![8 => Just(Lock::None), 3 => (1_u64..40).prop_map(Lock::Hours), 1 => Just(Lock::TooLong)];
    let what_of = (prop_oneof![Just(NEAR), Just(TOKEN)], share(), splits(), lock, any::<bool>());
    (who, any::<usize>(), what_of, vec(row(), 1..5), what()).prop_map(|(who, pick, what_of, rows, what)| {
        let (by, rightly, other, wrong_deposit) = who;
        let (asset, share, splits, lock, flag) = what_of;
        Op { by, rightly, pick, other, asset, share, wrong_deposit, rows, splits, lock, flag, what }
    })
}

/// Often none; now and then one account twice, or more than all.
fn splits() -> impl Strategy<Value = Vec<(Person, u128)>> {
    let bps = prop_oneof![
        6 => 1_u128..3_000,
        2 => Just(3_333),
        1 => Just(5_000),
        1 => Just(1),
        1 => Just(BPS),
        1 => Just(0),
    ];
    prop_oneof![2 => Just(Vec::new()), 5 => vec((ANN..=NOBODY, bps), 1..4)]
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

/// Who owns the agent next.
pub fn next_owner(owner: Person) -> Person {
    if owner == ANN { BEN } else { ANN }
}
