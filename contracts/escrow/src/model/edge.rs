//! An edge: two neighbours with collateral, one of whom answers the other in time or pays for being late.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::escrow::args::OpenEdge;
use charter_types::escrow::{
    self, COLLATERAL_MIN, CUT_RETURNS_MS, Delivered, EDGE_MS_MAX, EdgeId, EdgeState, EscrowError, MODEL_BYTES_MAX,
    SHOW_MS, Signer, WINDOW_MS_MAX, WINDOW_MS_MIN,
};
use charter_types::{AccountId, Hash32, U128};

use super::{Outcome, add, subtract};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub asker: AccountId,
    pub terms: OpenEdge,
    pub state: EdgeState,
    /// What is here of either side's collateral.
    pub asker_side: u128,
    pub acker_side: u128,
    /// All late pay there ever was. It is taken from the acker's side, so it never is more than the collateral.
    pub late: u128,
    /// Late pay, and what a cut cost, that are here still.
    pub asker_due: u128,
    pub cut_due: u128,
    /// Escalations that are open.
    pub escalations: u32,
    /// Transfers whose outcome is not known yet.
    pub transfers_open: u32,
    /// When the cut first came back; 0 if it did not. Of fixed size, as all that changes: the asker pays for the row.
    pub cut_failed_ms: u64,
}

/// A request that was escalated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub asked: Hash32,
    pub deadline_ms: u64,
    pub escalated_ms: u64,
    /// Late pay that was taken for it.
    pub late: u128,
    pub open: bool,
    pub delivered: Option<Delivered>,
}

/// Whom money of an edge goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Receiver {
    Asker,
    Acker,
    CutTo,
}

/// One transfer, and what it is made of: that is where it goes back to if it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EdgePart {
    pub to: Receiver,
    /// Collateral that goes back to whose it is.
    pub own: u128,
    pub earned: u128,
}

/// Longest time in which late pay reaches its cap.
const LATE_S_MAX: u128 = 30 * 86_400;

fn check_terms(terms: &OpenEdge, asker: &AccountId, now_ms: u64) -> Outcome {
    let OpenEdge { acker, cut_to, collateral, cut, rate_per_s, cap, ends_ms, .. } = terms;
    let model_fits = match &terms.signer {
        Signer::Ed25519(key) if key.is_small_order() => return Err(EscrowError::WeakKey {}),
        Signer::Ed25519(_) => true,
        // A colon would let one text be read in two ways.
        Signer::Eip191 { model, .. } => {
            (1..=MODEL_BYTES_MAX).contains(&model.len())
                && model.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b':')
        }
    };
    if terms.asker_key.is_small_order() || terms.acker_key.is_small_order() {
        return Err(EscrowError::WeakKey {});
    }
    let rules = [
        (asker != acker && asker != cut_to && acker != cut_to, "asker, acker and cut_to must differ"),
        (collateral.0 >= COLLATERAL_MIN, "the collateral is at least 1000"),
        (cut <= collateral, "the cut is at most the collateral"),
        (rate_per_s.0 >= 1 && rate_per_s <= cap, "rate_per_s is 1 to the cap"),
        (cap <= collateral, "the cap is at most the collateral"),
        // Or an answer that never comes would hold both collaterals for as long.
        (cap.0 <= rate_per_s.0.saturating_mul(LATE_S_MAX), "the cap is reached within 30 days"),
        ((WINDOW_MS_MIN..=WINDOW_MS_MAX).contains(&terms.window_ms), "window_ms is a minute to 30 days"),
        (now_ms < *ends_ms && *ends_ms <= now_ms.saturating_add(EDGE_MS_MAX), "ends_ms is at most 366 days ahead"),
        (model_fits, "a model is 1 to 64 printable ASCII characters without a colon"),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        Some((_, reason)) => Err(EscrowError::BadEdge { reason }),
        None => Ok(()),
    }
}

impl Edge {
    /// An edge before anybody has put collateral.
    pub fn open(terms: OpenEdge, asker: AccountId, now_ms: u64) -> Outcome<Self> {
        check_terms(&terms, &asker, now_ms)?;
        Ok(Self {
            asker,
            terms,
            state: EdgeState::Open,
            asker_side: 0,
            acker_side: 0,
            late: 0,
            asker_due: 0,
            cut_due: 0,
            escalations: 0,
            transfers_open: 0,
            cut_failed_ms: 0,
        })
    }

    /// INV-ESC-12.
    pub fn check_invariant(&self) -> Outcome {
        let collateral = self.terms.collateral.0;
        let all_cut = self.terms.cut.0.saturating_mul(2);
        let fits = self.asker_side <= collateral
            && add(self.acker_side, self.late)? <= collateral
            && self.asker_due <= self.late
            && self.cut_due <= all_cut;
        if fits { Ok(()) } else { Err(EscrowError::Overflow {}) }
    }

    pub fn view(&self, id: EdgeId) -> escrow::Edge {
        let terms = self.terms.clone();
        escrow::Edge {
            id,
            asker: self.asker.clone(),
            acker: terms.acker,
            asset: terms.asset,
            collateral: terms.collateral,
            cut: terms.cut,
            cut_to: terms.cut_to,
            rate_per_s: terms.rate_per_s,
            cap: terms.cap,
            window_ms: terms.window_ms,
            ends_ms: terms.ends_ms,
            asker_key: terms.asker_key,
            acker_key: terms.acker_key,
            signer: terms.signer,
            offer: terms.offer,
            state: self.state,
            asker_side: U128(self.asker_side),
            acker_side: U128(self.acker_side),
            late: U128(self.late),
            asker_due: U128(self.asker_due),
            cut_due: U128(self.cut_due),
            escalations: self.escalations,
        }
    }

    fn check_asker(&self, caller: &AccountId) -> Outcome {
        if self.asker == *caller { Ok(()) } else { Err(EscrowError::NotAsker { caller: caller.clone() }) }
    }

    fn check_live(&self) -> Outcome {
        if self.state == EdgeState::Live { Ok(()) } else { Err(EscrowError::EdgeNotLive {}) }
    }

    fn check_before(over_ms: u64, now_ms: u64) -> Outcome {
        if now_ms < over_ms { Ok(()) } else { Err(EscrowError::EdgeOver { over_ms }) }
    }

    fn check_no_escalation(&self) -> Outcome {
        let escalations = self.escalations;
        if escalations == 0 { Ok(()) } else { Err(EscrowError::EscalationsOpen { escalations }) }
    }

    /// From when on anybody may end a live edge.
    fn over_ms(&self) -> u64 {
        self.terms.ends_ms.saturating_add(self.terms.window_ms)
    }

    /// Adds to the collateral of the side whose account it is, never more than is missing: nobody's money waits here for
    /// nothing.
    pub fn fill(&mut self, account: &AccountId, amount: u128, now_ms: u64) -> Outcome {
        Self::check_before(self.terms.ends_ms, now_ms)?;
        if !matches!(self.state, EdgeState::Open | EdgeState::Joined) {
            return Err(EscrowError::OverCollateral { missing: 0 });
        }
        let side = if self.asker == *account {
            &mut self.asker_side
        } else if self.terms.acker == *account {
            &mut self.acker_side
        } else {
            return Err(EscrowError::NotOnEdge { account: account.clone() });
        };
        let missing = subtract(self.terms.collateral.0, *side)?;
        if amount > missing {
            return Err(EscrowError::OverCollateral { missing });
        }
        *side = add(*side, amount)?;
        self.go_live();
        Ok(())
    }

    /// The acker agrees.
    pub fn join(&mut self, caller: &AccountId, now_ms: u64) -> Outcome {
        if self.terms.acker != *caller {
            return Err(EscrowError::NotAcker { caller: caller.clone() });
        }
        match self.state {
            EdgeState::Open => {}
            EdgeState::Joined | EdgeState::Live => return Err(EscrowError::EdgeJoined {}),
            EdgeState::Ended => return Err(EscrowError::EdgeNotLive {}),
        }
        Self::check_before(self.terms.ends_ms, now_ms)?;
        self.state = EdgeState::Joined;
        self.go_live();
        Ok(())
    }

    fn go_live(&mut self) {
        let full = [self.asker_side, self.acker_side].iter().all(|side| *side == self.terms.collateral.0);
        if full && self.state == EdgeState::Joined {
            self.state = EdgeState::Live;
        }
    }

    /// A request's deadline is over. Whether it was acked is for the caller to check, who does so last, because it costs
    /// most.
    pub fn escalate(
        &mut self,
        caller: &AccountId,
        (asked, deadline_ms): (Hash32, u64),
        now_ms: u64,
    ) -> Outcome<Request> {
        self.check_asker(caller)?;
        self.check_live()?;
        Self::check_before(self.terms.ends_ms, now_ms)?;
        let to_ms = deadline_ms.saturating_add(self.terms.window_ms);
        if !(deadline_ms..=to_ms).contains(&now_ms) {
            return Err(EscrowError::NotLate { from_ms: deadline_ms, to_ms });
        }
        self.escalations = self.escalations.checked_add(1).ok_or(EscrowError::Overflow {})?;
        Ok(Request { asked, deadline_ms, escalated_ms: now_ms, late: 0, open: true, delivered: None })
    }

    /// Takes what a request owes by now, and was not taken yet, from the acker's side. All of it is the asker's, so the
    /// order in which requests are asked about changes nothing in the sum: it is what they owe together, as far as there is
    /// collateral.
    pub fn take_late(&mut self, request: &mut Request, now_ms: u64) -> Outcome {
        if !request.open {
            return Ok(());
        }
        // Acks are signed before answers, so an asker has one of each request that was answered: to escalate it costs the acker
        // nothing that shows the answer at once.
        let from_ms = request.escalated_ms.saturating_add(SHOW_MS);
        let seconds = now_ms.saturating_sub(from_ms).div_ceil(1_000);
        let cap = self.terms.cap.0;
        let owed = self.terms.rate_per_s.0.saturating_mul(seconds.into()).min(cap);
        let more = owed.saturating_sub(request.late).min(self.acker_side);
        self.acker_side = subtract(self.acker_side, more)?;
        self.asker_due = add(self.asker_due, more)?;
        self.late = add(self.late, more)?;
        request.late = add(request.late, more)?;
        if request.late >= cap || self.acker_side == 0 {
            self.settle_request(request);
        }
        Ok(())
    }

    fn settle_request(&mut self, request: &mut Request) {
        if std::mem::take(&mut request.open) {
            self.escalations = self.escalations.saturating_sub(1);
        }
    }

    /// There is a response. `is_signed` is asked last.
    pub fn deliver(
        &mut self,
        request: &mut Request,
        response_hash: Hash32,
        now_ms: u64,
        is_signed: impl FnOnce() -> bool,
    ) -> Outcome {
        if !request.open {
            return Err(EscrowError::RequestSettled {});
        }
        if !is_signed() {
            return Err(EscrowError::ResponseSignature {});
        }
        self.take_late(request, now_ms)?;
        request.delivered = Some(Delivered { at_ms: now_ms, response_hash });
        self.settle_request(request);
        Ok(())
    }

    /// Both pay the same, to neither of them.
    pub fn cut(&mut self, caller: &AccountId, now_ms: u64) -> Outcome {
        self.check_asker(caller)?;
        self.check_live()?;
        self.check_no_escalation()?;
        Self::check_before(self.over_ms(), now_ms)?;
        let each = self.terms.cut.0.min(self.asker_side).min(self.acker_side);
        self.asker_side = subtract(self.asker_side, each)?;
        self.acker_side = subtract(self.acker_side, each)?;
        self.cut_due = add(each, each)?;
        self.state = EdgeState::Ended;
        Ok(())
    }

    /// Ends the edge. Of one that has ended it is what came back that is sent again.
    pub fn end(&mut self, caller: &AccountId, now_ms: u64) -> Outcome {
        match self.state {
            EdgeState::Ended if self.is_empty() => return Err(EscrowError::NothingDue {}),
            EdgeState::Ended => {}
            EdgeState::Live => {
                let over_ms = self.over_ms();
                if now_ms < over_ms {
                    return Err(EscrowError::EdgeNotOver { over_ms });
                }
                self.check_no_escalation()?;
            }
            // Either may leave what never began: the other could let it wait for a year.
            EdgeState::Open | EdgeState::Joined => {
                let on_edge = self.asker == *caller || self.terms.acker == *caller;
                if !on_edge && now_ms < self.terms.ends_ms {
                    return Err(EscrowError::NotOnEdge { account: caller.clone() });
                }
            }
        }
        self.state = EdgeState::Ended;
        Ok(())
    }

    pub fn receiver(&self, to: Receiver) -> &AccountId {
        match to {
            Receiver::Asker => &self.asker,
            Receiver::Acker => &self.terms.acker,
            Receiver::CutTo => &self.terms.cut_to,
        }
    }

    /// Takes off the books what is due now: late pay, and once the edge has ended all that is here. The caller sends it.
    pub fn take_due(&mut self) -> Outcome<Vec<EdgePart>> {
        let earned = std::mem::take(&mut self.asker_due);
        let mut parts = vec![EdgePart { to: Receiver::Asker, own: 0, earned }];
        if self.state == EdgeState::Ended {
            let own = std::mem::take(&mut self.asker_side);
            let cut = std::mem::take(&mut self.cut_due);
            parts = vec![
                EdgePart { to: Receiver::Asker, own, earned },
                EdgePart { to: Receiver::Acker, own: std::mem::take(&mut self.acker_side), earned: 0 },
                EdgePart { to: Receiver::CutTo, own: 0, earned: cut },
            ];
        }
        parts.retain(|part| part.own > 0 || part.earned > 0);
        let transfers = u32::try_from(parts.len()).map_err(|_| EscrowError::Overflow {})?;
        self.transfers_open = self.transfers_open.checked_add(transfers).ok_or(EscrowError::Overflow {})?;
        Ok(parts)
    }

    /// A transfer has arrived, or come back: then it is where it was before. All of it was here before, so it fits.
    pub fn settle(&mut self, part: EdgePart, arrived: bool, now_ms: u64) {
        self.transfers_open = self.transfers_open.saturating_sub(1);
        if arrived {
            return;
        }
        match part.to {
            Receiver::Asker => {
                self.asker_side = self.asker_side.saturating_add(part.own);
                self.asker_due = self.asker_due.saturating_add(part.earned);
            }
            Receiver::Acker => self.acker_side = self.acker_side.saturating_add(part.own),
            Receiver::CutTo => self.cut_came_back(part.earned, now_ms),
        }
    }

    /// A cut that has no taker in so long goes back to those who paid it.
    fn cut_came_back(&mut self, amount: u128, now_ms: u64) {
        let gone = self.cut_failed_ms != 0 && now_ms >= self.cut_failed_ms.saturating_add(CUT_RETURNS_MS);
        if gone {
            let half = amount / 2;
            self.asker_side = self.asker_side.saturating_add(half);
            self.acker_side = self.acker_side.saturating_add(amount.saturating_sub(half));
        } else {
            self.cut_due = self.cut_due.saturating_add(amount);
        }
        if self.cut_failed_ms == 0 {
            self.cut_failed_ms = now_ms.max(1);
        }
    }

    fn is_empty(&self) -> bool {
        [self.asker_side, self.acker_side, self.asker_due, self.cut_due].iter().all(|sum| *sum == 0)
    }

    /// Whether nothing is owed and nothing on its way: the row can go.
    pub fn is_done(&self) -> bool {
        self.state == EdgeState::Ended && self.transfers_open == 0 && self.is_empty()
    }
}

impl Request {
    pub fn view(&self, edge: EdgeId, counter: u64) -> escrow::Request {
        let Self { asked, deadline_ms, escalated_ms, late, open, delivered } = *self;
        escrow::Request { edge, counter, asked, deadline_ms, escalated_ms, late: U128(late), open, delivered }
    }

    /// Its row may go when its ack can't be presented again: the number could be escalated twice. `window_ms` is the edge's;
    /// nothing is escalated on an edge that is over or gone.
    pub fn check_over(&self, window_ms: Option<u64>, now_ms: u64) -> Outcome {
        let over_ms = self.deadline_ms.saturating_add(window_ms.unwrap_or_default());
        if !self.open && (window_ms.is_none() || now_ms > over_ms) {
            return Ok(());
        }
        Err(EscrowError::RequestOpen { over_ms })
    }
}

#[cfg(test)]
mod tests;
