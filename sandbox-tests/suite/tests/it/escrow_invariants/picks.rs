//! What a move comes to: which steps, by whom, with what attached.

use charter_harness::arguments::DEPOSIT;

use super::model::{
    Act, Asset, BOT, Caps, Channel, DAY_MS, Goal, HOUR_MS, Id, Late, MINUTE_MS, NEAR, NOBODY, NewEdge, PEOPLE, Person,
    Root, Row, Step, TOKEN, Target, Terms, WINDOW_MS,
};
use super::moves::{Expiry, Lock, Move, Op, RowOf, To};
use super::{SLACK_MS, World};

const COLLATERAL: u128 = 1_000_000;
const CUT: u128 = 30_000;
/// Of a purse, a thousandth of what is drawn and sent there.
const UNIT: u128 = 10_000;

impl World {
    pub(super) fn channel(&self, op: &Op) -> Option<Id> {
        op.pick.checked_rem(self.model.channels.len())
    }

    pub(super) fn edge(&self, op: &Op) -> Option<Id> {
        op.pick.checked_rem(self.model.edges.len())
    }

    /// One that was escalated, or a number that was not.
    fn request(&self, op: &Op) -> Option<(Id, u64)> {
        let known = self.model.requests.keys().nth(op.pick.checked_rem(self.model.requests.len()).unwrap_or(0));
        known.copied().or_else(|| Some((self.edge(op)?, 0)))
    }

    fn reserve(&self, op: &Op) -> Option<(Person, Asset)> {
        self.model.reserves.keys().nth(op.pick.checked_rem(self.model.reserves.len())?).copied()
    }

    /// Who may, if the sequence wants that, and has an account.
    fn caller(&self, op: &Op) -> Option<Person> {
        let channel = self.channel(op).and_then(|id| self.model.channels[id].as_ref());
        let edge = self.edge(op).and_then(|id| self.model.edges[id].as_ref());
        let purse = self.model.purses.keys().nth(op.pick.checked_rem(self.model.purses.len()).unwrap_or(0));
        let right = match op.what {
            Move::TopUp
            | Move::ExtendLock
            | Move::RequestClose
            | Move::CancelClose
            | Move::TopUpAndRequest
            | Move::Send(To::Channel) => channel.map(|channel| channel.payer),
            Move::Claim
            | Move::Withdraw
            | Move::Close
            | Move::Reserve
            | Move::WithdrawAndClose
            | Move::ClaimAndClose
            | Move::DistributeAndClose => channel.map(|channel| channel.payee),
            Move::ClaimHugely => self.huge_payee(),
            Move::FillPurse => Some(self.model.owner),
            Move::SetCaps | Move::EmptyPurse | Move::Send(To::Purse) => purse.map(|key| key.0),
            Move::DrawOpen | Move::DrawTopUp => Some(BOT),
            Move::PostRoot | Move::EndRoot => self.reserve(op).map(|key| key.0),
            Move::Escalate | Move::CutEdge | Move::EndEdge => edge.map(|edge| edge.asker),
            Move::JoinEdge => edge.map(|edge| edge.terms.acker),
            Move::Send(To::Edge) => edge.map(|edge| if op.flag { edge.asker } else { edge.terms.acker }),
            _ => None,
        };
        let by = right.filter(|_| op.rightly).unwrap_or(op.by);
        Some(by).filter(|by| !self.model.gone.contains(by))
    }

    /// Steps of a transaction and who makes them; nothing, if there is nothing to do it to, or nobody.
    pub(super) fn acts(&self, op: &Op, now_ms: u64) -> Option<(Person, Vec<Act>)> {
        let by = self.caller(op)?;
        let steps = self.steps(op, by, now_ms)?;
        let attach = |step: Step| {
            let attached = self.attached(&step, op);
            Act { step, attached, rest: attached }
        };
        Some((by, steps.into_iter().map(attach).collect()))
    }

    fn steps(&self, op: &Op, by: Person, now_ms: u64) -> Option<Vec<Step>> {
        let one = |step| Some(vec![step]);
        match op.what {
            Move::Open => one(Step::Open { payee: op.other % PEOPLE, asset: op.asset, terms: terms(op, now_ms) }),
            Move::ClaimHugely => one(self.good_claim(op, by)?),
            Move::FillPurse => one(Step::FillPurse(op.asset)),
            Move::SetCaps => {
                let (per_day, per_payee) = (UNIT * 1_500, UNIT * (300 + op.share));
                let until_ms = if op.flag { now_ms + 3 * DAY_MS } else { now_ms + HOUR_MS };
                one(Step::SetCaps { asset: op.asset, caps: Caps { per_day, per_payee, until_ms } })
            }
            Move::EmptyPurse => one(Step::EmptyPurse(op.asset)),
            Move::DrawOpen => {
                let to = Goal::Open { payee: op.other % PEOPLE, terms: terms(op, now_ms) };
                one(Step::Draw { asset: op.asset, amount: UNIT * op.share, to })
            }
            Move::DrawTopUp => {
                one(Step::Draw { asset: op.asset, amount: UNIT * op.share / 2, to: Goal::TopUp(self.channel(op)?) })
            }
            Move::ForgetDraws => {
                let payees = if op.flag { (0..PEOPLE).collect() } else { vec![op.other] };
                one(Step::ForgetDraws { owner: op.pick % 2, asset: op.asset, payees })
            }
            Move::Send(to) => one(self.sent(op, by, self.target(to, op)?)),
            Move::Lie(to) => one(Step::Lie { to: self.target(to, op)?, sender: op.other % PEOPLE, amount: UNIT }),
            Move::PostRoot | Move::Pull | Move::EndRoot | Move::ForgetCreators => self.steps_of_roots(op, by),
            Move::OpenEarnings if op.flag => one(Step::EndEarnings { asset: op.asset }),
            Move::OpenEarnings => one(Step::OpenEarnings { asset: op.asset }),
            Move::OpenEdge
            | Move::JoinEdge
            | Move::EndEdge
            | Move::CutEdge
            | Move::Escalate
            | Move::Deliver
            | Move::ClaimLate
            | Move::DeliverAndClaim
            | Move::ForgetRequest => self.steps_of_edges(op, now_ms),
            Move::Wait(_) | Move::Vanish | Move::Fail | Move::Refuse | Move::Sell | Move::LieHugely | Move::AtOnce => {
                None
            }
            _ => self.steps_of_channels(op, now_ms),
        }
    }

    fn steps_of_channels(&self, op: &Op, now_ms: u64) -> Option<Vec<Step>> {
        let (id, count) = (self.channel(op)?, self.model.channels.len());
        // The first row is about the channel that was picked: else a payee would seldom find its own.
        let claim = || {
            let places = op.rows.iter().enumerate();
            let rows = places.map(|(place, row)| self.row(row, if place == 0 { id } else { row.pick % count }, now_ms));
            Step::Claim { rows: rows.collect(), withdraw: op.flag }
        };
        let mut both = vec![id, (id + 1) % count];
        both.sort_by_key(|one| self.ids[*one]);
        let shares = self.model.channels[id].as_ref().map_or(1, |channel| channel.shares.len());
        let all = (0..shares.max(1)).collect();
        let some = if op.flag { all } else { vec![op.other] };
        let distribute = Step::Distribute { id, own_terms: op.rows[0].forged.is_none(), shares: some };
        Some(match op.what {
            Move::TopUp => vec![Step::TopUp(id)],
            Move::ExtendLock => vec![Step::ExtendLock { id, until_ms: locked_until_ms(op.lock, now_ms) }],
            Move::Claim => vec![claim()],
            Move::Withdraw if op.flag => vec![Step::Withdraw(both)],
            Move::Withdraw => vec![Step::Withdraw(vec![id, id])],
            Move::Reserve if op.flag => vec![Step::Reserve(both)],
            Move::Reserve => vec![Step::Reserve(vec![id])],
            Move::Distribute => vec![distribute],
            Move::Close => vec![Step::Close(id)],
            Move::RequestClose => vec![Step::RequestClose(id)],
            Move::CancelClose => vec![Step::CancelClose(id)],
            Move::FinalizeClose => vec![Step::FinalizeClose(id)],
            Move::WithdrawAndClose => vec![Step::Withdraw(vec![id]), Step::Close(id)],
            Move::ClaimAndClose => vec![claim(), Step::Close(id)],
            Move::DistributeAndClose => vec![distribute, Step::Close(id)],
            Move::TopUpAndRequest => vec![Step::TopUp(id), Step::RequestClose(id)],
            _ => unreachable!("{op:?} is about no channel"),
        })
    }

    fn row(&self, row: &RowOf, channel: Id, now_ms: u64) -> Row {
        let deposited = self.model.channels[channel].as_ref().map_or(DEPOSIT, |channel| channel.deposited);
        let expires_ms = match row.expiry {
            Expiry::Never => 0,
            Expiry::Past => now_ms - SLACK_MS,
            Expiry::Later => now_ms + HOUR_MS,
        };
        let amount = deposited * row.share / 1_000;
        Row { channel, amount, expires_ms, signed: row.forged.is_none() }
    }

    /// Of channels in NEAR, the caller's own first, each more than before. Behind these rows are the liar's.
    fn good_claim(&self, op: &Op, by: Person) -> Option<Step> {
        let known = self.model.channels.iter().enumerate().filter_map(|(id, one)| Some((id, one.as_ref()?)));
        let is_good = |one: &Channel| one.asset == NEAR && !one.closed && one.claimed < one.deposited;
        let mut good: Vec<(Id, &Channel)> = known.filter(|(_, one)| is_good(one)).collect();
        good.sort_by_key(|(_, one)| one.payee != by);
        let raise = |((channel, one), how): ((Id, &Channel), &RowOf)| {
            let more = (one.deposited - one.claimed) * how.share.min(1_000) / 1_000;
            let amount = one.claimed + more.max(1);
            Row { channel, amount, expires_ms: 0, signed: how.forged.is_none() }
        };
        let rows: Vec<Row> = good.into_iter().zip(&op.rows).map(raise).collect();
        (!rows.is_empty()).then_some(Step::Claim { rows, withdraw: true })
    }

    fn target(&self, to: To, op: &Op) -> Option<Target> {
        Some(match to {
            To::Channel => Target::Channel(self.channel(op)?),
            To::Purse => Target::Purse,
            To::Edge => Target::Edge(self.edge(op)?),
            To::Nothing => Target::Nothing,
        })
    }

    /// Of an edge's collateral mostly what is missing.
    fn sent(&self, op: &Op, by: Person, to: Target) -> Step {
        let edge = if let Target::Edge(id) = to { self.model.edges[id].as_ref() } else { None };
        let missing = edge.map(|edge| COLLATERAL.saturating_sub(edge.has[usize::from(by != edge.asker)]));
        let amount = match missing {
            Some(missing) if op.share < 700 => missing,
            Some(_) => COLLATERAL * op.share / 2_000,
            None => UNIT * op.share,
        };
        Step::Send { to, amount }
    }

    fn steps_of_roots(&self, op: &Op, by: Person) -> Option<Vec<Step>> {
        let one = |step| Some(vec![step]);
        match op.what {
            Move::PostRoot => {
                // The caller's own, in either asset.
                let assets = [op.asset, 1 - op.asset];
                let asset = assets.into_iter().find(|asset| self.model.reserves.contains_key(&(by, *asset)))?;
                one(Step::PostRoot { asset, root: self.root(op, (by, asset)) })
            }
            Move::EndRoot => {
                let assets = [op.asset, 1 - op.asset];
                let known = assets.into_iter().find(|asset| self.model.reserves.contains_key(&(by, *asset)));
                one(Step::EndRoot(known.unwrap_or(op.asset)))
            }
            Move::Pull => {
                let (payee, asset) = self.reserve(op)?;
                let owed = &self.model.reserves[&(payee, asset)].root.owed;
                let bent = op.rows[0].forged.is_some();
                // What the root says, or what nobody is owed.
                let known = owed.get(op.other.checked_rem(owed.len()).unwrap_or(0)).copied();
                let (to, amount) = known.filter(|_| op.share < 1_000).unwrap_or((op.other, UNIT * op.share));
                one(Step::Pull { payee, asset, to, amount, bent })
            }
            _ => {
                let number = 1 + u64::try_from(op.pick % 5).unwrap();
                one(Step::ForgetCreators { number, creators: (0..=NOBODY).collect() })
            }
        }
    }

    /// Everybody is owed as much as before or more. Sometimes the root promises more than the total, or the total is more
    /// than the reserve.
    fn root(&self, op: &Op, key: (Person, Asset)) -> Root {
        let reserve = &self.model.reserves[&key];
        let mut owed = reserve.root.owed.clone();
        let before: u128 = owed.iter().map(|one| one.1).sum();
        let free = reserve.reserved.saturating_sub(before);
        for row in &op.rows {
            let (creator, more) = (row.pick % (NOBODY + 1), free * row.share / 4_000);
            match owed.iter_mut().find(|one| one.0 == creator) {
                Some(one) => one.1 += more,
                None => owed.push((creator, more)),
            }
        }
        let sum: u128 = owed.iter().map(|one| one.1).sum();
        let total = match op.share {
            0..700 => sum.min(reserve.reserved),
            700..900 => reserve.root.total + sum.saturating_sub(reserve.root.total) / 2,
            900..1_000 => reserve.root.total,
            1_000 => reserve.reserved,
            _ => reserve.reserved + 1,
        };
        Root { owed, total }
    }

    fn steps_of_edges(&self, op: &Op, now_ms: u64) -> Option<Vec<Step>> {
        let one = |step| Some(vec![step]);
        if op.what == Move::OpenEdge {
            let rate_per_s = 1 + 2 * op.share;
            let cap = COLLATERAL * (1 + op.share % 10) / 10;
            let ends_ms = now_ms + if op.flag { 2 * DAY_MS } else { 6 * HOUR_MS };
            let (acker, cut_to) = (op.other.wrapping_add(op.pick) % PEOPLE, op.other);
            let (asset, collateral, cut) = (op.asset, COLLATERAL, CUT * (op.share % 3));
            let weak = weak(op).map(|which| (which % 3, which / 3));
            let new = NewEdge { acker, asset, collateral, cut, cut_to, rate_per_s, cap, ends_ms, weak };
            return one(Step::OpenEdge(new));
        }
        let ((about, counter), row) = (self.request(op)?, &op.rows[0]);
        let deliver = Step::Deliver { id: about, counter, signed: row.forged.is_none() };
        Some(match op.what {
            Move::JoinEdge => vec![Step::JoinEdge(self.edge(op)?)],
            Move::EndEdge => vec![Step::EndEdge(self.edge(op)?)],
            Move::CutEdge => vec![Step::CutEdge(self.edge(op)?)],
            Move::Escalate => {
                let deadline_ms = match row.expiry {
                    Expiry::Never => now_ms - 5_000,
                    Expiry::Past => now_ms - WINDOW_MS - MINUTE_MS,
                    Expiry::Later => now_ms + MINUTE_MS,
                };
                let counter = u64::try_from(row.pick % 4).unwrap();
                let late = Late { counter, deadline_ms, signed: row.forged.is_none() };
                vec![Step::Escalate { id: self.edge(op)?, late }]
            }
            Move::Deliver => vec![deliver],
            Move::ClaimLate => vec![Step::ClaimLate { id: about, counter }],
            Move::DeliverAndClaim => vec![deliver, Step::ClaimLate { id: about, counter }],
            _ => vec![Step::ForgetRequest { id: about, counter }],
        })
    }

    /// What a step wants, or something else.
    fn attached(&self, step: &Step, op: &Op) -> u128 {
        let near_edge = |id: Id| self.model.edges[id].as_ref().is_none_or(|edge| edge.asset() == NEAR);
        let right = match step {
            Step::Open { .. }
            | Step::FillPurse(_)
            | Step::SetCaps { .. }
            | Step::Reserve(_)
            | Step::Pull { .. }
            | Step::Escalate { .. }
            | Step::OpenEarnings { .. } => DEPOSIT,
            Step::OpenEdge(new) => DEPOSIT + if new.asset == TOKEN { 0 } else { new.collateral },
            Step::TopUp(_) => op.share * DEPOSIT / 1_000,
            Step::JoinEdge(id) => {
                if near_edge(*id) {
                    COLLATERAL
                } else {
                    1
                }
            }
            Step::ExtendLock { .. }
            | Step::RequestClose(_)
            | Step::CancelClose(_)
            | Step::PostRoot { .. }
            | Step::EndRoot(_)
            | Step::CutEdge(_)
            | Step::EndEarnings { .. }
            | Step::Send { .. } => 1,
            _ => 0,
        };
        let wrong = op.wrong_deposit && !matches!(step, Step::Lie { .. });
        match (wrong, right) {
            (false, _) => right,
            (true, 0) => 1,
            (true, _) => 0,
        }
    }
}

fn locked_until_ms(lock: Lock, now_ms: u64) -> u64 {
    match lock {
        Lock::None => 0,
        Lock::Hours(hours) => now_ms + hours * HOUR_MS,
        Lock::TooLong => now_ms + 367 * DAY_MS,
    }
}

fn terms(op: &Op, now_ms: u64) -> Terms {
    Terms {
        splits: op.splits.clone(),
        offer: op.flag,
        locked_until_ms: locked_until_ms(op.lock, now_ms),
        of_agent: op.share.is_multiple_of(2),
        weak: weak(op),
    }
}

/// Once in a while, which of the keys under which anybody can sign.
fn weak(op: &Op) -> Option<usize> {
    op.pick.is_multiple_of(12).then_some(op.pick / 12)
}
