//! A panel: who judges, what each has committed to and revealed, and when it is over.

use charter_types::tasks::{self, Deadlines, Outcome, TasksError, Verdict};
use charter_types::{AccountId, Hash32};

use super::Checked;

/// Without seats: too few could be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Panel {
    pub drawn_ms: u64,
    /// When the last seat committed; 0: not all have.
    pub committed_ms: u64,
    /// When the last seat revealed; 0: not all have.
    pub revealed_ms: u64,
    pub seats: Vec<Seat>,
}

/// A slot of a reviewer that is bonded for this task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    pub reviewer: AccountId,
    pub slot: u8,
    /// When the slot was bonded: the pool wants to know once it is back.
    pub since_ms: u64,
    pub commitment: Option<Hash32>,
    pub verdict: Option<Verdict>,
}

impl Seat {
    pub fn new(reviewer: AccountId, slot: u8, since_ms: u64) -> Self {
        Self { reviewer, slot, since_ms, commitment: None, verdict: None }
    }

    fn view(&self) -> tasks::Seat {
        let Self { reviewer, slot, commitment, verdict, .. } = self.clone();
        tasks::Seat { reviewer, slot, commitment, verdict }
    }
}

impl Panel {
    pub fn new(seats: Vec<Seat>, now_ms: u64) -> Self {
        Self { drawn_ms: now_ms, committed_ms: 0, revealed_ms: 0, seats }
    }

    pub fn view(&self, deadlines: &Deadlines) -> tasks::Panel {
        tasks::Panel {
            seats: self.seats.iter().map(Seat::view).collect(),
            drawn_ms: self.drawn_ms,
            commit_until_ms: self.commit_until_ms(deadlines),
            reveal_from_ms: self.reveal_from_ms(deadlines),
            reveal_until_ms: self.reveal_until_ms(deadlines),
            decided_ms: self.decided_ms(deadlines),
            outcome: self.outcome(),
        }
    }

    fn commit_until_ms(&self, deadlines: &Deadlines) -> u64 {
        self.drawn_ms.saturating_add(deadlines.verdict_ms)
    }

    fn reveal_from_ms(&self, deadlines: &Deadlines) -> u64 {
        if self.committed_ms > 0 { self.committed_ms } else { self.commit_until_ms(deadlines) }
    }

    fn reveal_until_ms(&self, deadlines: &Deadlines) -> u64 {
        self.reveal_from_ms(deadlines).saturating_add(deadlines.verdict_reveal_ms)
    }

    /// INV-TSK-3: a panel is over by its deadlines, whoever is silent.
    pub fn decided_ms(&self, deadlines: &Deadlines) -> u64 {
        if self.seats.is_empty() {
            self.drawn_ms
        } else if self.revealed_ms > 0 {
            self.revealed_ms
        } else {
            self.reveal_until_ms(deadlines)
        }
    }

    /// What more than half of the seats say.
    pub fn outcome(&self) -> Outcome {
        let says = |verdict| self.seats.iter().filter(|seat| seat.verdict == Some(verdict)).count();
        let all = [Verdict::Good, Verdict::Bad, Verdict::Unfetchable];
        let majority = all.into_iter().find(|verdict| says(*verdict) > self.seats.len() / 2);
        majority.map_or(Outcome::NoMajority, Outcome::from)
    }

    pub fn sits(&self, account: &AccountId) -> bool {
        self.seats.iter().any(|seat| seat.reviewer == *account)
    }

    fn seat(&mut self, caller: &AccountId) -> Checked<&mut Seat> {
        let found = self.seats.iter_mut().find(|seat| seat.reviewer == *caller);
        found.ok_or_else(|| TasksError::NotOnPanel { caller: caller.clone() })
    }

    /// The last commitment counts.
    pub fn commit(&mut self, caller: &AccountId, hash: Hash32, deadlines: &Deadlines, now_ms: u64) -> Checked {
        let until_ms = self.commit_until_ms(deadlines).min(self.reveal_from_ms(deadlines));
        let closed = now_ms >= until_ms || self.committed_ms > 0;
        let seat = self.seat(caller)?;
        if closed {
            return Err(TasksError::TooLate { until_ms });
        }
        seat.commitment = Some(hash);
        if self.seats.iter().all(|seat| seat.commitment.is_some()) {
            self.committed_ms = now_ms;
        }
        Ok(())
    }

    /// `hash`: what the verdict, its salt and the caller make. Answers whether all have revealed.
    pub fn reveal(
        &mut self,
        caller: &AccountId,
        (verdict, hash): (Verdict, Hash32),
        deadlines: &Deadlines,
        now_ms: u64,
    ) -> Checked<bool> {
        let (from_ms, until_ms) = (self.reveal_from_ms(deadlines), self.reveal_until_ms(deadlines));
        let seat = self.seat(caller)?;
        if now_ms < from_ms {
            return Err(TasksError::TooEarly { from_ms });
        }
        if now_ms >= until_ms {
            return Err(TasksError::TooLate { until_ms });
        }
        let commitment = seat.commitment.ok_or(TasksError::NotCommitted {})?;
        // INV-TSK-7: what was revealed stays.
        if seat.verdict.is_some() {
            return Err(TasksError::Revealed {});
        }
        if commitment != hash {
            return Err(TasksError::HashMismatch {});
        }
        seat.verdict = Some(verdict);
        let all = self.seats.iter().all(|seat| seat.verdict.is_some());
        if all {
            self.revealed_ms = now_ms;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use charter_types::tasks::{Deadlines, Outcome, TasksError, Verdict};
    use charter_types::{AccountId, Hash32};

    use super::{Panel, Seat};

    const DEADLINES: Deadlines =
        Deadlines { work_ms: 0, reveal_ms: 0, verdict_ms: 100, verdict_reveal_ms: 50, appeal_ms: 0, show_ms: 0 };

    fn account(name: &str) -> AccountId {
        name.parse().unwrap()
    }

    fn panel(names: &[&str]) -> Panel {
        Panel::new(names.iter().map(|name| Seat::new(account(name), 0, 0)).collect(), 1_000)
    }

    #[test]
    fn verdicts_are_revealed_once_all_have_committed_or_the_time_is_over() {
        let mut panel = panel(&["ann", "ben", "cleo"]);
        let (ann, ben, cleo) = (account("ann"), account("ben"), account("cleo"));
        let [one, other] = [1, 2].map(|byte| Hash32([byte; 32]));
        let outside = panel.commit(&account("dan"), one, &DEADLINES, 1_000);
        assert_eq!(outside, Err(TasksError::NotOnPanel { caller: account("dan") }));
        panel.commit(&ann, one, &DEADLINES, 1_000).unwrap();
        panel.commit(&ann, other, &DEADLINES, 1_099).unwrap();
        assert_eq!(panel.commit(&ben, one, &DEADLINES, 1_100), Err(TasksError::TooLate { until_ms: 1_100 }));
        let good = (Verdict::Good, other);
        assert_eq!(panel.reveal(&ann, good, &DEADLINES, 1_099), Err(TasksError::TooEarly { from_ms: 1_100 }));
        let mut late = panel.clone();
        assert_eq!(late.reveal(&ann, good, &DEADLINES, 1_150), Err(TasksError::TooLate { until_ms: 1_150 }));
        assert_eq!(panel.reveal(&ben, good, &DEADLINES, 1_100), Err(TasksError::NotCommitted {}));
        let changed = (Verdict::Good, one);
        assert_eq!(panel.reveal(&ann, changed, &DEADLINES, 1_100), Err(TasksError::HashMismatch {}));
        assert_eq!(panel.reveal(&ann, good, &DEADLINES, 1_149), Ok(false));
        assert_eq!(panel.reveal(&ann, good, &DEADLINES, 1_149), Err(TasksError::Revealed {}));
        assert_eq!((panel.outcome(), panel.decided_ms(&DEADLINES)), (Outcome::NoMajority, 1_150));

        late.commit(&ben, one, &DEADLINES, 1_050).unwrap();
        late.commit(&cleo, one, &DEADLINES, 1_060).unwrap();
        assert_eq!(late.commit(&cleo, other, &DEADLINES, 1_061), Err(TasksError::TooLate { until_ms: 1_060 }));
        let bad = (Verdict::Bad, one);
        assert_eq!(late.reveal(&ann, good, &DEADLINES, 1_060), Ok(false));
        assert_eq!(late.reveal(&ben, bad, &DEADLINES, 1_061), Ok(false));
        assert_eq!(late.outcome(), Outcome::NoMajority);
        assert_eq!(late.reveal(&cleo, bad, &DEADLINES, 1_070), Ok(true));
        assert_eq!((late.outcome(), late.decided_ms(&DEADLINES)), (Outcome::Bad, 1_070));
    }

    #[test]
    fn a_majority_is_of_all_seats_not_of_those_that_spoke() {
        let mut seven = panel(&["a1", "a2", "a3", "a4", "a5", "a6", "a7"]);
        for seat in seven.seats.iter_mut().take(3) {
            seat.verdict = Some(Verdict::Unfetchable);
        }
        assert_eq!(seven.outcome(), Outcome::NoMajority);
        seven.seats[3].verdict = Some(Verdict::Unfetchable);
        assert_eq!(seven.outcome(), Outcome::Unfetchable);
        let nobody = Panel::new(Vec::new(), 7);
        assert_eq!((nobody.outcome(), nobody.decided_ms(&DEADLINES)), (Outcome::NoMajority, 7));
    }
}
