//! Edges: who answers in time, or pays.

use super::channels::WEAK;
use super::{Asset, Id, Judged, LONG_MS, MINUTE_MS, Model, NEAR, Part, Person, Transfer, refuse_if};

pub const WINDOW_MS: u64 = super::HOUR_MS;
const UNKNOWN: &str = "ESCROW_UNKNOWN_EDGE";
const UNKNOWN_REQUEST: &str = "ESCROW_UNKNOWN_REQUEST";
const OVER: &str = "ESCROW_EDGE_OVER";
const NOT_LIVE: &str = "ESCROW_EDGE_NOT_LIVE";
const COLLATERAL_MIN: u128 = 1_000;
const EDGE_MS_MAX: u64 = 366 * super::DAY_MS;

const ASKER: usize = 0;
const ACKER: usize = 1;

/// What the two agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEdge {
    pub acker: Person,
    pub asset: Asset,
    pub collateral: u128,
    pub cut: u128,
    pub cut_to: Person,
    pub rate_per_s: u128,
    pub cap: u128,
    pub ends_ms: u64,
    /// Whose of asker, acker and signer is one of the keys under which anybody can sign, and which.
    pub weak: Option<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Joined,
    Live,
    Ended,
}

#[derive(Clone, Debug)]
pub struct Edge {
    pub asker: Person,
    pub terms: NewEdge,
    pub state: State,
    /// What is here of the collateral of each.
    pub has: [u128; 2],
    /// All late pay there ever was, and what of it is here still.
    pub late: u128,
    pub asker_due: u128,
    pub cut_due: u128,
    /// When the cut came back first.
    cut_failed_ms: Option<u64>,
}

/// One that was escalated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub deadline_ms: u64,
    pub escalated_ms: u64,
    /// What the acker paid for it.
    pub late: u128,
    pub open: bool,
    pub delivered_ms: Option<u64>,
}

/// An ack that is shown.
#[derive(Clone, Debug)]
pub struct Late {
    pub counter: u64,
    pub deadline_ms: u64,
    /// By the acker's key, over these very bytes.
    pub signed: bool,
}

impl Edge {
    pub fn asset(&self) -> Asset {
        self.terms.asset
    }

    pub fn held(&self) -> u128 {
        self.has[ASKER] + self.has[ACKER] + self.asker_due + self.cut_due
    }

    /// When a live one may be ended.
    fn over_ms(&self) -> u64 {
        self.terms.ends_ms + WINDOW_MS
    }

    fn party(&self, side: usize) -> Person {
        if side == ASKER { self.asker } else { self.terms.acker }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Ended && self.held() == 0
    }

    pub(super) fn cut_failed(&mut self, amount: u128, end_ms: u64) {
        let first_ms = *self.cut_failed_ms.get_or_insert(end_ms);
        if end_ms < first_ms + LONG_MS {
            self.cut_due += amount;
        } else {
            // Both put the same, so it is even.
            self.has = self.has.map(|left| left + amount / 2);
        }
    }

    /// One is live as soon as both have put theirs and agree.
    fn look(&mut self) {
        if self.state == State::Joined && self.has == [self.terms.collateral; 2] {
            self.state = State::Live;
        }
    }

    /// Everything that is here, to whom it belongs.
    fn give_back(&mut self, id: Id) -> Vec<Transfer> {
        let asset = self.asset();
        let mut sent: Vec<_> = [ASKER, ACKER]
            .map(|side| {
                let due = if side == ASKER { std::mem::take(&mut self.asker_due) } else { 0 };
                let parts = vec![(Part::Side(id, side), std::mem::take(&mut self.has[side])), (Part::Late(id), due)];
                Transfer { to: self.party(side), asset, parts }
            })
            .into();
        let cut = std::mem::take(&mut self.cut_due);
        sent.push(Transfer { to: self.terms.cut_to, asset, parts: vec![(Part::Cut(id), cut)] });
        sent
    }
}

impl Request {
    /// Up to now, for each second begun after the minute in which an answer is shown for nothing.
    fn owed(&self, terms: &NewEdge, now_ms: u64) -> u128 {
        let until_ms = self.delivered_ms.unwrap_or(now_ms);
        let seconds = u128::from(until_ms.saturating_sub(self.escalated_ms + MINUTE_MS).div_ceil(1_000));
        terms.cap.min(terms.rate_per_s * seconds)
    }
}

impl Model {
    fn find_edge(&mut self, id: Id) -> Judged<&mut Edge> {
        self.edges.get_mut(id).and_then(Option::as_mut).ok_or_else(|| vec![UNKNOWN])
    }

    pub(super) fn open_edge(&mut self, new: &NewEdge, attached: u128, asker: Person, now_ms: u64) -> Judged {
        let NewEdge { acker, asset, collateral, cut, cut_to, rate_per_s, cap, ends_ms, weak } = *new;
        let good = acker != asker
            && cut_to != asker
            && cut_to != acker
            && collateral >= COLLATERAL_MIN
            && cut <= collateral
            && rate_per_s > 0
            && (rate_per_s..=collateral).contains(&cap)
            && (now_ms + 1..=now_ms + EDGE_MS_MAX).contains(&ends_ms);
        refuse_if(&[
            (!good, "ESCROW_BAD_EDGE"),
            (weak.is_some(), WEAK),
            (asset == NEAR && attached <= collateral, "ESCROW_NOT_ATTACHED"),
        ])?;
        self.take_fee(asset);
        self.deposit(asset, if asset == NEAR { collateral } else { 0 });
        self.edges.push(Some(Edge {
            asker,
            terms: new.clone(),
            state: State::Open,
            has: [if asset == NEAR { collateral } else { 0 }, 0],
            late: 0,
            asker_due: 0,
            cut_due: 0,
            cut_failed_ms: None,
        }));
        Ok(())
    }

    pub(super) fn join_edge(&mut self, id: Id, attached: u128, by: Person, now_ms: u64) -> Judged {
        let edge = self.find_edge(id)?;
        let (near, collateral) = (edge.asset() == NEAR, edge.terms.collateral);
        refuse_if(&[
            (by != edge.terms.acker, "ESCROW_NOT_ACKER"),
            (edge.state != State::Open, "ESCROW_EDGE_JOINED"),
            (edge.state == State::Ended, NOT_LIVE),
            (now_ms >= edge.terms.ends_ms, OVER),
            (near && attached != collateral, "ESCROW_NOT_ATTACHED"),
            (!near && attached != 1, "CHARTER_ONE_YOCTO"),
        ])?;
        edge.state = State::Joined;
        if near {
            edge.has[ACKER] = collateral;
        }
        edge.look();
        if near {
            self.deposit(NEAR, collateral);
        }
        Ok(())
    }

    /// By a transfer of tokens.
    pub(super) fn add_to_edge(&mut self, id: Id, (asset, amount): (Asset, u128), by: Person, now_ms: u64) -> Judged {
        let edge = self.find_edge(id)?;
        let side = if by == edge.asker { ASKER } else { ACKER };
        let missing = edge.terms.collateral.saturating_sub(edge.has[side]);
        refuse_if(&[
            (edge.asset() != asset, "ESCROW_WRONG_ASSET"),
            (by != edge.party(side), "ESCROW_NOT_ON_EDGE"),
            (now_ms >= edge.terms.ends_ms, OVER),
            (edge.state == State::Live || edge.state == State::Ended || amount > missing, "ESCROW_OVER_COLLATERAL"),
        ])?;
        edge.has[side] += amount;
        edge.look();
        self.deposit(asset, amount);
        Ok(())
    }

    pub fn open_escalations(&self, id: Id) -> usize {
        self.requests.iter().filter(|(key, request)| key.0 == id && request.open).count()
    }

    pub(super) fn end_edge(&mut self, id: Id, by: Person, now_ms: u64) -> Judged<Vec<Transfer>> {
        let open = self.open_escalations(id) > 0;
        let edge = self.find_edge(id)?;
        let (live, ours) = (edge.state == State::Live, by == edge.asker || by == edge.terms.acker);
        let never_began = !live && edge.state != State::Ended;
        refuse_if(&[
            (live && now_ms < edge.over_ms(), "ESCROW_EDGE_NOT_OVER"),
            (live && open, "ESCROW_ESCALATIONS_OPEN"),
            (never_began && now_ms < edge.terms.ends_ms && !ours, "ESCROW_NOT_ON_EDGE"),
        ])?;
        edge.state = State::Ended;
        Ok(edge.give_back(id))
    }

    pub(super) fn cut_edge(&mut self, id: Id, by: Person, now_ms: u64) -> Judged<Vec<Transfer>> {
        let open = self.open_escalations(id) > 0;
        let edge = self.find_edge(id)?;
        refuse_if(&[
            (by != edge.asker, "ESCROW_NOT_ASKER"),
            (edge.state != State::Live, NOT_LIVE),
            (open, "ESCROW_ESCALATIONS_OPEN"),
            (now_ms >= edge.over_ms(), OVER),
        ])?;
        let each = edge.terms.cut.min(edge.has[ASKER]).min(edge.has[ACKER]);
        edge.has = edge.has.map(|left| left - each);
        edge.cut_due = 2 * each;
        edge.state = State::Ended;
        Ok(edge.give_back(id))
    }

    pub(super) fn escalate(&mut self, id: Id, late: &Late, by: Person, now_ms: u64) -> Judged {
        let Late { counter, deadline_ms, signed } = *late;
        let known = self.requests.contains_key(&(id, counter));
        let edge = self.find_edge(id)?;
        let window = deadline_ms..=deadline_ms + WINDOW_MS;
        refuse_if(&[
            (by != edge.asker, "ESCROW_NOT_ASKER"),
            (edge.state != State::Live, NOT_LIVE),
            (now_ms >= edge.terms.ends_ms, OVER),
            (!window.contains(&now_ms), "ESCROW_NOT_IN_WINDOW"),
            (known, "ESCROW_ESCALATED"),
            (!signed, "ESCROW_BAD_ACK"),
        ])?;
        let (escalated_ms, delivered_ms) = (now_ms, None);
        self.requests.insert((id, counter), Request { deadline_ms, escalated_ms, late: 0, open: true, delivered_ms });
        Ok(())
    }

    /// Takes from the acker what a request costs by now.
    fn accrue(&mut self, id: Id, counter: u64, now_ms: u64) {
        let (Some(edge), Some(request)) = (self.edges[id].as_mut(), self.requests.get_mut(&(id, counter))) else {
            unreachable!("both were found")
        };
        if request.open {
            let more = (request.owed(&edge.terms, now_ms) - request.late).min(edge.has[ACKER]);
            request.late += more;
            edge.late += more;
            edge.has[ACKER] -= more;
            edge.asker_due += more;
            let settled = request.delivered_ms.is_some() || request.late == edge.terms.cap || edge.has[ACKER] == 0;
            request.open = !settled;
        }
    }

    fn find_request(&mut self, id: Id, counter: u64) -> Judged<&mut Request> {
        self.find_edge(id)?;
        self.requests.get_mut(&(id, counter)).ok_or_else(|| vec![UNKNOWN_REQUEST])
    }

    pub(super) fn deliver(&mut self, id: Id, counter: u64, signed: bool, now_ms: u64) -> Judged {
        let request = self.find_request(id, counter)?;
        refuse_if(&[(!request.open, "ESCROW_REQUEST_SETTLED"), (!signed, "ESCROW_BAD_RESPONSE")])?;
        request.delivered_ms = Some(now_ms);
        self.accrue(id, counter, now_ms);
        Ok(())
    }

    pub(super) fn claim_late(&mut self, id: Id, counter: u64, now_ms: u64) -> Judged<Vec<Transfer>> {
        let before = self.find_request(id, counter)?.clone();
        self.accrue(id, counter, now_ms);
        // One for which there is nothing left is settled, and that is something.
        let same = *self.find_request(id, counter)? == before;
        let edge = self.find_edge(id)?;
        refuse_if(&[(edge.asker_due == 0 && same, "ESCROW_NOTHING_DUE")])?;
        if edge.state == State::Ended {
            return Ok(edge.give_back(id));
        }
        let due = std::mem::take(&mut edge.asker_due);
        Ok(vec![Transfer { to: edge.asker, asset: edge.asset(), parts: vec![(Part::Late(id), due)] }])
    }

    /// Once its ack can't be presented again.
    pub(super) fn forget_request(&mut self, id: Id, counter: u64, now_ms: u64) -> Judged {
        let request = self.requests.get(&(id, counter)).ok_or_else(|| vec![UNKNOWN_REQUEST])?;
        let goes_on = self.edges[id].as_ref().is_some_and(|edge| edge.state != State::Ended);
        let kept = goes_on && now_ms <= request.deadline_ms + WINDOW_MS;
        refuse_if(&[(request.open || kept, "ESCROW_REQUEST_OPEN")])?;
        self.requests.remove(&(id, counter));
        Ok(())
    }
}
