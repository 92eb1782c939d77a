//! Reviewers: what each has bonded, which of it is free, on duty or leaving, and who may sit on a panel.

use std::collections::{BTreeMap, BTreeSet};

use super::rounds::SEATS;
use super::{Judged, Model, NEAR, Person, SLOT, TaskKey, refuse_if};

pub const SLOTS_MAX: usize = 16;
pub const UNBOND_MS: u64 = 3 * 24 * 60 * 60 * 1_000;
/// A pool of so many slots is looked through as a whole.
pub const PROBES: [usize; 2] = [24, 40];
/// So many reviewers more than seats are needed before anything is drawn.
pub const SLACK: usize = 3;

/// A duty: a task's round.
pub type Duty = (TaskKey, usize);

#[derive(Clone, Debug, Default)]
pub struct Reviewer {
    /// When each free slot was bonded, by its number.
    pub free: BTreeMap<u8, u64>,
    /// Slots on panels, and when each was bonded.
    pub duties: BTreeMap<Duty, (u8, u64)>,
    /// When each leaving slot may be taken out.
    pub leaving: Vec<u64>,
    /// What slots that lost something have left, and its shares of what others lost.
    pub returned: u128,
}

impl Reviewer {
    pub fn slots(&self) -> usize {
        self.free.len() + self.duties.len() + self.leaving.len()
    }

    /// In the pool or on a panel.
    pub fn active(&self) -> usize {
        self.free.len() + self.duties.len()
    }

    /// Every slot is whole, whatever it does.
    pub fn held(&self) -> u128 {
        SLOT * u128::try_from(self.slots()).unwrap() + self.returned
    }
}

impl Model {
    /// Owners of a slot, free or on a panel.
    pub fn active_reviewers(&self) -> usize {
        self.reviewers.values().filter(|reviewer| reviewer.active() > 0).count()
    }

    pub fn pool(&self) -> usize {
        self.reviewers.values().map(|reviewer| reviewer.free.len()).sum()
    }

    pub(super) fn bond(&mut self, by: Person, slots: usize, attached: u128, now_ms: u64) -> Judged {
        let has = self.reviewers.get(&by).map_or(0, Reviewer::slots);
        let needed = SLOT * u128::try_from(slots).unwrap();
        refuse_if(&[
            (slots == 0 || has + slots > SLOTS_MAX, "TASKS_BAD_SLOTS"),
            (attached < needed, "TASKS_NOT_ATTACHED"),
        ])?;
        self.receive(NEAR, needed);
        let reviewer = self.reviewers.entry(by).or_default();
        // The lowest numbers that no slot has.
        let taken: BTreeSet<u8> =
            reviewer.duties.values().map(|duty| duty.0).chain(reviewer.free.keys().copied()).collect();
        let numbers = (0..).filter(|number| !taken.contains(number)).take(slots);
        reviewer.free.extend(numbers.map(|number| (number, now_ms)));
        Ok(())
    }

    pub(super) fn unbond(&mut self, by: Person, slots: usize, now_ms: u64) -> Judged {
        let free = self.reviewers.get(&by).map_or(0, |reviewer| reviewer.free.len());
        refuse_if(&[
            (slots == 0, "TASKS_BAD_SLOTS"),
            (slots > free, "TASKS_SLOTS_BUSY"),
            (!self.reviewers.contains_key(&by), "TASKS_NOT_REVIEWER"),
        ])?;
        let Some(reviewer) = self.reviewers.get_mut(&by) else { unreachable!("it has free slots") };
        for _ in 0..slots {
            reviewer.free.pop_first();
        }
        reviewer.leaving.extend(std::iter::repeat_n(now_ms + UNBOND_MS, slots));
        Ok(())
    }

    /// All that is due goes to the balance.
    pub(super) fn withdraw_bond(&mut self, by: Person, now_ms: u64) -> Judged {
        let Some(reviewer) = self.reviewers.get_mut(&by) else { return Err(vec!["TASKS_NOT_REVIEWER"]) };
        let due = reviewer.leaving.iter().filter(|from_ms| now_ms >= **from_ms).count();
        let amount = SLOT * u128::try_from(due).unwrap() + reviewer.returned;
        refuse_if(&[(amount == 0, "TASKS_NOTHING_DUE")])?;
        reviewer.leaving.retain(|from_ms| now_ms < *from_ms);
        reviewer.returned = 0;
        self.credit(by, NEAR, amount, by);
        Ok(())
    }

    /// INV-TSK-4 and 5: whether these may sit there, and nobody else had to. `None` on the chain means that it found too few.
    fn check_panel(&self, key: TaskKey, round: usize, panel: &[(Person, u8)]) -> Result<(), String> {
        let seats = SEATS[round];
        if panel.is_empty() {
            let fit = self
                .reviewers
                .iter()
                .filter(|(by, reviewer)| reviewer.free.keys().any(|slot| self.check_seat(key, (**by, *slot)).is_ok()));
            let (fit, looked_through) = (fit.count(), self.pool() <= PROBES[round]);
            return if looked_through && fit >= seats {
                Err(format!("INV-TSK-4: no panel, though {fit} could sit on one of {seats}"))
            } else {
                Ok(())
            };
        }
        if panel.len() != seats {
            return Err(format!("INV-TSK-4: {} seats instead of {seats}", panel.len()));
        }
        for (place, seat) in panel.iter().enumerate() {
            if panel[..place].iter().any(|other| other.0 == seat.0) {
                return Err(format!("INV-TSK-4: {} has two seats", seat.0));
            }
            self.check_seat(key, *seat)?;
        }
        Ok(())
    }

    fn check_seat(&self, key: TaskKey, (by, slot): (Person, u8)) -> Result<(), String> {
        let (task, set) = (&self.tasks[&key], self.set_of(key));
        if by == task.worker {
            return Err(format!("INV-TSK-4: {by} judges its own work"));
        }
        if by == set.requester {
            return Err(format!("INV-TSK-4: {by} judges what it asked for"));
        }
        if task.sits(by) {
            return Err(format!("INV-TSK-4: {by} sits there already"));
        }
        if self.is_excluded(set.requester, by) {
            return Err(format!("INV-TSK-4: {by} is excluded"));
        }
        match self.reviewers.get(&by).and_then(|reviewer| reviewer.free.get(&slot)) {
            None => Err(format!("INV-TSK-5: {by} has no free slot {slot}")),
            Some(since_ms) if *since_ms > task.taken_ms => {
                Err(format!("INV-TSK-5: slot {slot} of {by} was bonded after the task was taken"))
            }
            Some(_) => Ok(()),
        }
    }

    /// Whoever was drawn has one slot less in the pool.
    pub(super) fn seat(&mut self, key: TaskKey, round: usize, panel: &[(Person, u8)]) {
        for (by, slot) in panel {
            let reviewer = self.reviewers.get_mut(by).expect("who sits there is a reviewer");
            let since_ms = reviewer.free.remove(slot).expect("it has that slot");
            reviewer.duties.insert((key, round), (*slot, since_ms));
        }
    }

    /// The duty is over: its slot goes back to the pool, or loses some of its bond and is gone. What is left of it, and what
    /// the reviewer gets of others' losses, waits for it.
    pub(super) fn dismiss(&mut self, duty: Duty, by: Person, loses: u128) {
        let reviewer = self.reviewers.get_mut(&by).expect("who sits there is a reviewer");
        let (slot, since_ms) = reviewer.duties.remove(&duty).expect("it has that duty");
        if loses == 0 {
            reviewer.free.insert(slot, since_ms);
        } else {
            reviewer.returned += SLOT - loses;
        }
    }

    pub(super) fn share(&mut self, by: Person, amount: u128) {
        self.reviewers.get_mut(&by).expect("who sat there is a reviewer").returned += amount;
    }
}
