//! Rounds of verdicts: who sits, what each has said, and when a round is over.

use super::{Faults, Judged, Person, refuse_if};
use crate::tasks_bytes::Hash;

/// Seats of the first round and of an appeal.
pub const SEATS: [usize; 2] = [3, 7];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Bad,
    Unfetchable,
}

/// A majority's verdict, or none.
pub type Outcome = Option<Verdict>;

#[derive(Clone, Debug)]
pub struct Seat {
    pub by: Person,
    pub commit: Option<Hash>,
    pub verdict: Option<Verdict>,
}

/// How long seats may commit, and then reveal.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    pub commit_ms: u64,
    pub reveal_ms: u64,
}

#[derive(Clone, Debug)]
pub struct Round {
    pub seats: Vec<Seat>,
    pub drawn_ms: u64,
    pub windows: Windows,
    /// When the last seat committed, if all did in time.
    pub committed_ms: Option<u64>,
    /// When the last seat revealed, if all did in time.
    pub revealed_ms: Option<u64>,
}

impl Round {
    pub fn new(panel: &[Person], drawn_ms: u64, windows: Windows) -> Self {
        let seats = panel.iter().map(|by| Seat { by: *by, commit: None, verdict: None }).collect();
        Self { seats, drawn_ms, windows, committed_ms: None, revealed_ms: None }
    }

    /// From when on verdicts are revealed.
    fn reveals_from_ms(&self) -> u64 {
        self.committed_ms.unwrap_or(self.drawn_ms + self.windows.commit_ms)
    }

    pub fn ends_ms(&self) -> u64 {
        self.reveals_from_ms() + self.windows.reveal_ms
    }

    /// When it was decided, if it is by now. A round without a panel is at once.
    pub fn decided_ms(&self, now_ms: u64) -> Option<u64> {
        let ends_ms = if self.seats.is_empty() { self.drawn_ms } else { self.ends_ms() };
        self.revealed_ms.or_else(|| (now_ms >= ends_ms).then_some(ends_ms))
    }

    /// What more than half of the panel said alike.
    pub fn outcome(&self) -> Outcome {
        let said = |verdict| self.seats.iter().filter(|seat| seat.verdict == Some(verdict)).count();
        let all = [Verdict::Good, Verdict::Bad, Verdict::Unfetchable];
        all.into_iter().find(|verdict| 2 * said(*verdict) > self.seats.len())
    }

    pub fn commit(&mut self, by: Person, hash: Hash, now_ms: u64) -> Judged {
        let faults = [
            (now_ms >= self.drawn_ms + self.windows.commit_ms, "TASKS_TOO_LATE"),
            (self.committed_ms.is_some(), "TASKS_TOO_LATE"),
        ];
        let seat = self.seat(by, &faults)?;
        refuse_if(&faults)?;
        seat.commit = Some(hash);
        if self.seats.iter().all(|seat| seat.commit.is_some()) {
            self.committed_ms = Some(now_ms);
        }
        Ok(())
    }

    /// INV-TSK-7: a second one is refused, whatever it says.
    pub fn reveal(&mut self, by: Person, (verdict, hash): (Verdict, Hash), now_ms: u64) -> Judged {
        let (early, late) = (now_ms < self.reveals_from_ms(), now_ms >= self.ends_ms());
        let faults = [(early, "TASKS_TOO_EARLY"), (late, "TASKS_TOO_LATE")];
        let seat = self.seat(by, &faults)?;
        let own = [
            (seat.verdict.is_some(), "TASKS_REVEALED"),
            (seat.commit != Some(hash), "TASKS_HASH_MISMATCH"),
            (seat.commit.is_none(), "TASKS_NOT_COMMITTED"),
        ];
        refuse_if(&[&faults[..], &own].concat())?;
        seat.verdict = Some(verdict);
        if self.seats.iter().all(|seat| seat.verdict.is_some()) {
            self.revealed_ms = Some(now_ms);
        }
        Ok(())
    }

    fn seat(&mut self, by: Person, others: &[(bool, &'static str)]) -> Judged<&mut Seat> {
        let faults: Faults = others.iter().filter(|fault| fault.0).map(|fault| fault.1).collect();
        let found = self.seats.iter_mut().find(|seat| seat.by == by);
        found.ok_or_else(|| [vec!["TASKS_NOT_ON_PANEL"], faults].concat())
    }
}
