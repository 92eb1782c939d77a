//! Who gets what when a task ends.

use super::rounds::{Outcome, Round, SEATS, Verdict};
use super::{Judged, Model, NEAR, Person, SLOT, Task, TaskKey, Work, refuse_if};

pub const MINORITY_LOSS: u128 = SLOT / 4;
pub const SILENT_LOSS: u128 = SLOT / 2;

/// What becomes of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    Paid,
    Minority,
    Silent,
}

fn lot(verdict: Option<Verdict>, end: Outcome) -> Lot {
    match (verdict, end) {
        (None, _) => Lot::Silent,
        (Some(said), Some(end)) if said != end => Lot::Minority,
        _ => Lot::Paid,
    }
}

fn loss(lot: Lot) -> u128 {
    match lot {
        Lot::Paid => 0,
        Lot::Minority => MINORITY_LOSS,
        Lot::Silent => SILENT_LOSS,
    }
}

/// The worker's part of the reward.
fn earned(end: Outcome, reward: u128) -> u128 {
    match end {
        Some(Verdict::Good) => reward,
        Some(_) => 0,
        None => reward.div_ceil(2),
    }
}

impl Task {
    /// What counts in the end: the second round's majority, else what the first one said.
    pub fn end(&self) -> Outcome {
        let second = self.rounds.get(1).and_then(Round::outcome);
        second.or_else(|| self.rounds.first().and_then(Round::outcome))
    }

    /// Whether the appeal changed anything for who appealed.
    fn is_won(&self, reward: u128) -> bool {
        let Some(appellant) = self.appellant else { return false };
        let before = earned(self.rounds[0].outcome(), reward);
        let after = earned(self.end(), reward);
        if appellant == self.worker { after > before } else { after < before }
    }
}

impl Model {
    /// From when on nobody can change the end of a task any more, if that is so by now.
    pub fn final_ms(&self, key: TaskKey, now_ms: u64) -> Option<u64> {
        let (task, set) = (self.tasks.get(&key)?, self.set_of(key));
        if task.drawing {
            return None;
        }
        let decided_ms = task.rounds.last()?.decided_ms(now_ms)?;
        let waits_ms = if task.appellant.is_some() { 0 } else { set.deadlines.appeal_ms };
        Some(decided_ms + waits_ms).filter(|final_ms| now_ms >= *final_ms)
    }

    /// From when on a worker's silence ends its task.
    fn silent_ms(&self, key: TaskKey) -> Option<u64> {
        let (task, deadlines) = (&self.tasks[&key], self.set_of(key).deadlines);
        match task.work {
            Work::Taken => Some(task.taken_ms + deadlines.work_ms),
            Work::Committed { at_ms, .. } => Some(at_ms + deadlines.reveal_ms),
            Work::Revealed { .. } => None,
        }
    }

    /// Whether all of the task is over then.
    pub(super) fn settle(&mut self, key: TaskKey, now_ms: u64) -> Judged<bool> {
        refuse_if(&[(!self.tasks.contains_key(&key), "TASKS_UNKNOWN_TASK")])?;
        if let Some(silent_ms) = self.silent_ms(key) {
            refuse_if(&[(now_ms < silent_ms, "TASKS_TOO_EARLY")])?;
            self.end_silent(key);
            return Ok(true);
        }
        let set = self.set_of(key);
        let show_ms = if set.honeypots.is_some() { set.deadlines.show_ms } else { 0 };
        let over = self.final_ms(key, now_ms).is_some_and(|final_ms| now_ms >= final_ms + show_ms);
        let settling = self.tasks[&key].settled > 0;
        refuse_if(&[(!over && !settling, "TASKS_TOO_EARLY"), (self.tasks[&key].drawing, "TASKS_NOT_YET")])?;
        let round = self.tasks[&key].settled;
        if round == 0 {
            self.pay_worker(key);
        }
        self.pay_seats(key, round);
        let task = self.task(key);
        task.settled += 1;
        let done = task.settled == task.rounds.len();
        if done {
            self.end_task(key);
        }
        Ok(done)
    }

    /// The worker said nothing: its deposit goes to the requester, and somebody else may take the task.
    fn end_silent(&mut self, key: TaskKey) {
        let task = self.tasks.remove(&key).expect("it is there");
        let set = self.sets.get_mut(&key.0).expect("a task has a set");
        let (requester, asset, escrow, closed) = (set.requester, set.asset, set.escrow_of_one(), set.closed);
        set.flying -= 1;
        if !closed {
            set.returned.push(key.1);
            set.attempts.insert(key.1, task.attempt);
        }
        self.credit(requester, NEAR, task.deposit, requester);
        if closed {
            self.credit(requester, asset, escrow, requester);
        }
        self.record(task.worker).silent_work += 1;
        self.sweep_set(key.0);
    }

    fn pay_worker(&mut self, key: TaskKey) {
        let set = self.set_of(key);
        let (requester, asset, reward) = (set.requester, set.asset, set.reward);
        let task = &self.tasks[&key];
        let (worker, end) = (task.worker, task.end());
        let earns = earned(end, reward);
        self.task(key).pot -= reward;
        self.credit(worker, asset, earns, requester);
        self.credit(requester, asset, reward - earns, requester);
        let record = self.record(worker);
        match end {
            Some(Verdict::Good) => record.done_good += 1,
            Some(_) => record.done_bad += 1,
            None => {}
        }
    }

    /// INV-TSK-2: nobody loses more here than the duty's slot, and whoever agrees with the end loses nothing.
    fn pay_seats(&mut self, key: TaskKey, round: usize) {
        let set = self.set_of(key);
        let (requester, asset, reward, fee) = (set.requester, set.asset, set.reward, set.fee);
        let task = self.tasks[&key].clone();
        let end = task.end();
        let payer = if round == 0 { requester } else { task.appellant.expect("a second round is an appeal") };
        let lots: Vec<(Person, Lot)> =
            task.rounds[round].seats.iter().map(|seat| (seat.by, lot(seat.verdict, end))).collect();
        let paid: Vec<Person> = lots.iter().filter(|one| one.1 == Lot::Paid).map(|one| one.0).collect();
        let seats = u128::try_from(SEATS[round]).unwrap();
        let spent = fee * u128::try_from(paid.len()).unwrap();
        self.task(key).pot -= fee * seats;
        for by in &paid {
            self.credit(*by, asset, fee, payer);
        }
        self.credit(payer, asset, fee * seats - spent, payer);
        let mut forfeit = 0;
        for (by, lot) in &lots {
            forfeit += loss(*lot);
            self.dismiss((key, round), *by, loss(*lot));
            let record = self.record(*by);
            match lot {
                Lot::Paid => record.majority += u64::from(end.is_some()),
                Lot::Minority => record.minority += 1,
                Lot::Silent => record.silent_verdicts += 1,
            }
        }
        if round == 0 && asset == NEAR && task.is_won(reward) {
            let back = forfeit.min(fee * 7);
            self.credit(task.appellant.expect("somebody won it"), NEAR, back, payer);
            forfeit -= back;
        }
        let each = forfeit.checked_div(u128::try_from(paid.len()).unwrap()).unwrap_or_default();
        for by in &paid {
            self.share(*by, each);
        }
        let dust = forfeit - each * u128::try_from(paid.len()).unwrap();
        self.credit(task.worker, NEAR, dust, payer);
    }

    fn end_task(&mut self, key: TaskKey) {
        let task = self.tasks.remove(&key).expect("it is there");
        assert_eq!(task.pot, 0, "INV-TSK-1: the model left something in {key:?}");
        self.sets.get_mut(&key.0).expect("a task has a set").flying -= 1;
        self.sweep_set(key.0);
    }
}
