//! Sets of tasks, and what becomes of a task until it is judged.

use std::collections::BTreeMap;

use super::rounds::SEATS;
use super::{
    Asset, Judged, Model, NEAR, Outcome, Person, Round, SLACK, Task, TaskKey, Verdict, Windows, Work, refuse_if,
};
use crate::escrow_bytes::climb;
use crate::tasks_bytes::{Hash, honeypot_leaf, work_hash};

pub const TAKE_DEPOSIT_MIN: u128 = 50_000_000_000_000_000_000_000;

#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    pub work_ms: u64,
    pub reveal_ms: u64,
    pub verdict_ms: u64,
    pub verdict_reveal_ms: u64,
    pub appeal_ms: u64,
    pub show_ms: u64,
}

impl Deadlines {
    /// INV-TSK-3: longer than this no task takes, with an appeal and whoever is silent.
    pub fn sum_ms(&self) -> u64 {
        let rounds_ms = 2 * (self.verdict_ms + self.verdict_reveal_ms);
        self.work_ms + self.reveal_ms + rounds_ms + self.appeal_ms + self.show_ms
    }
}

#[derive(Clone, Debug)]
pub struct NewSet {
    pub asset: Asset,
    pub reward: u128,
    pub fee: u128,
    pub count: u32,
    pub at_once: u32,
    pub take_deposit: u128,
    pub deadlines: Deadlines,
    /// The root over the tasks whose answers are known.
    pub honeypots: Option<Hash>,
}

#[derive(Clone, Debug)]
pub struct Set {
    pub requester: Person,
    pub asset: Asset,
    pub reward: u128,
    pub fee: u128,
    pub count: u32,
    pub at_once: u32,
    pub take_deposit: u128,
    pub deadlines: Deadlines,
    pub honeypots: Option<Hash>,
    pub closed: bool,
    /// The first index that nobody ever took.
    pub fresh: u32,
    /// Indexes that came back, the last one on top.
    pub returned: Vec<u32>,
    /// How often an index that came back was taken.
    pub attempts: BTreeMap<u32, u32>,
    /// Tasks that somebody has.
    pub flying: u32,
}

impl Set {
    pub fn escrow_of_one(&self) -> u128 {
        self.reward + self.fee * u128::try_from(SEATS[0]).unwrap()
    }

    /// Tasks that nobody has and somebody may take.
    pub fn left(&self) -> u32 {
        if self.closed { 0 } else { self.count - self.fresh + u32::try_from(self.returned.len()).unwrap() }
    }

    /// INV-TSK-6: what the requester gets back when it closes the set.
    pub fn escrowed(&self) -> u128 {
        self.escrow_of_one() * u128::from(self.left())
    }
}

/// What is said of a task whose answer was known.
#[derive(Clone, Debug)]
pub struct Shown {
    pub answer: Hash,
    pub salt: Hash,
    pub proof: Vec<Hash>,
}

impl Model {
    /// `rest`: what storage leaves of the deposit.
    pub(super) fn post(&mut self, by: Person, new: &NewSet, rest: u128) -> Judged {
        // What is sent with a set in a token comes back.
        if new.asset == NEAR {
            self.receive(NEAR, rest);
            self.credit(by, NEAR, rest, by);
        }
        let low = new.take_deposit < TAKE_DEPOSIT_MIN;
        let bad = new.count == 0 || new.at_once == 0 || new.at_once > new.count;
        refuse_if(&[(low, "TASKS_TAKE_DEPOSIT_SMALL"), (bad, "TASKS_BAD_SET")])?;
        let NewSet { asset, reward, fee, count, at_once, take_deposit, deadlines, honeypots } = new.clone();
        let set = Set {
            requester: by,
            asset,
            reward,
            fee,
            count,
            at_once,
            take_deposit,
            deadlines,
            honeypots,
            closed: false,
            fresh: 0,
            returned: Vec::new(),
            attempts: BTreeMap::new(),
            flying: 0,
        };
        self.debit(by, asset, set.escrowed())?;
        self.sets.insert(self.posted, set);
        self.posted += 1;
        Ok(())
    }

    pub(super) fn close(&mut self, by: Person, id: usize) -> Judged {
        let set = self.sets.get(&id).ok_or_else(|| vec!["TASKS_UNKNOWN_SET"])?;
        refuse_if(&[(set.requester != by, "TASKS_NOT_REQUESTER"), (set.closed, "TASKS_SET_CLOSED")])?;
        let (asset, rest) = (set.asset, set.escrowed());
        self.credit(by, asset, rest, by);
        let set = self.sets.get_mut(&id).expect("it is there");
        set.closed = true;
        set.returned.clear();
        self.sweep_set(id);
        Ok(())
    }

    /// A set of which nothing can come any more is gone.
    pub(super) fn sweep_set(&mut self, id: usize) {
        if self.sets.get(&id).is_some_and(|set| set.left() == 0 && set.flying == 0) {
            self.sets.remove(&id);
        }
    }

    pub(super) fn take(&mut self, by: Person, id: usize, attached: u128, now_ms: u64) -> Judged {
        let set = self.sets.get(&id).ok_or_else(|| vec!["TASKS_UNKNOWN_SET"])?;
        let excluded = self.marks.get(&(set.requester, by)).is_some_and(|marks| is_out(marks.worker));
        refuse_if(&[
            (set.requester == by, "TASKS_OWN_SET"),
            (set.closed, "TASKS_SET_CLOSED"),
            (set.left() == 0, "TASKS_NONE_LEFT"),
            (set.flying >= set.at_once, "TASKS_AT_ONCE"),
            (self.active_reviewers() < SEATS[0] + SLACK, "TASKS_FEW_REVIEWERS"),
            (excluded, "TASKS_EXCLUDED"),
            (attached < set.take_deposit, "TASKS_NOT_ATTACHED"),
        ])?;
        let (deposit, pot) = (set.take_deposit, set.escrow_of_one());
        let set = self.sets.get_mut(&id).expect("it is there");
        let index = set.returned.pop().unwrap_or_else(|| {
            set.fresh += 1;
            set.fresh - 1
        });
        let attempt = set.attempts.get(&index).map_or(1, |before| before + 1);
        set.flying += 1;
        self.receive(NEAR, deposit);
        let task = Task {
            worker: by,
            attempt,
            taken_ms: now_ms,
            deposit,
            work: Work::Taken,
            rounds: Vec::new(),
            drawing: false,
            appellant: None,
            shown: false,
            settled: 0,
            pot,
        };
        self.tasks.insert((id, index), task);
        Ok(())
    }

    fn known(&self, key: TaskKey) -> Judged<&Task> {
        self.tasks.get(&key).ok_or_else(|| vec!["TASKS_UNKNOWN_TASK"])
    }

    pub(super) fn commit_work(&mut self, by: Person, key: TaskKey, hash: Hash, now_ms: u64) -> Judged {
        let task = self.known(key)?;
        let late = now_ms >= task.taken_ms + self.set_of(key).deadlines.work_ms;
        refuse_if(&[
            (task.worker != by, "TASKS_NOT_WORKER"),
            (task.work != Work::Taken, "TASKS_WRONG_STATE"),
            (late, "TASKS_TOO_LATE"),
        ])?;
        self.task(key).work = Work::Committed { hash, at_ms: now_ms };
        Ok(())
    }

    pub(super) fn reveal_work(
        &mut self,
        by: Person,
        key: TaskKey,
        (answer, salt): (Hash, Hash),
        now_ms: u64,
    ) -> Judged {
        let task = self.known(key)?;
        let own = work_hash(&self.chain, self.about(key, task.attempt), &self.names[by], (answer, salt));
        let (other, late) = match task.work {
            Work::Committed { hash, at_ms } => (hash != own, now_ms >= at_ms + self.set_of(key).deadlines.reveal_ms),
            _ => (false, false),
        };
        refuse_if(&[
            (task.worker != by, "TASKS_NOT_WORKER"),
            (!matches!(task.work, Work::Committed { .. }), "TASKS_WRONG_STATE"),
            (late, "TASKS_TOO_LATE"),
            (other, "TASKS_HASH_MISMATCH"),
        ])?;
        let (deposit, requester) = (task.deposit, self.set_of(key).requester);
        self.credit(by, NEAR, deposit, requester);
        let task = self.task(key);
        task.work = Work::Revealed { answer };
        task.drawing = true;
        Ok(())
    }

    /// Whoever asks for a draw that is made already gets none.
    pub(super) fn draw(&self, key: TaskKey) -> Judged {
        refuse_if(&[(!self.known(key)?.drawing, "TASKS_WRONG_STATE")])
    }

    /// The panel that was drawn: who, and by which slot.
    pub fn drawn(&mut self, key: TaskKey, panel: &[(Person, u8)], at_ms: u64) -> Result<(), String> {
        let round = self.tasks[&key].rounds.len();
        self.check_panel(key, round, panel)?;
        self.seat(key, round, panel);
        let deadlines = self.set_of(key).deadlines;
        let windows = Windows { commit_ms: deadlines.verdict_ms, reveal_ms: deadlines.verdict_reveal_ms };
        let task = self.task(key);
        let seats: Vec<Person> = panel.iter().map(|seat| seat.0).collect();
        task.rounds.push(Round::new(&seats, at_ms, windows));
        task.drawing = false;
        Ok(())
    }

    pub(super) fn round_of(&mut self, key: TaskKey) -> Judged<&mut Round> {
        self.known(key)?;
        let task = self.task(key);
        let judging = !task.drawing && task.settled == 0;
        task.rounds.last_mut().filter(|_| judging).ok_or_else(|| vec!["TASKS_WRONG_STATE", "TASKS_NOT_YET"])
    }

    pub(super) fn appeal(&mut self, by: Person, key: TaskKey, now_ms: u64) -> Judged {
        let (task, set) = (self.known(key)?, self.set_of(key));
        let first = task.rounds.first().filter(|_| !task.drawing && task.rounds.len() == 1);
        let decided_ms = first.and_then(|round| round.decided_ms(now_ms));
        let outcome: Outcome = first.and_then(Round::outcome);
        let by_worker = by == task.worker && outcome != Some(Verdict::Good);
        let by_requester = by == set.requester && matches!(outcome, Some(Verdict::Good) | None);
        let late = decided_ms.is_some_and(|decided_ms| now_ms >= decided_ms + set.deadlines.appeal_ms);
        refuse_if(&[
            (first.is_none(), "TASKS_WRONG_STATE"),
            (task.drawing, "TASKS_NOT_YET"),
            (decided_ms.is_none(), "TASKS_TOO_EARLY"),
            (task.appellant.is_some(), "TASKS_APPEALED"),
            (!by_worker && !by_requester, "TASKS_NOT_AGGRIEVED"),
            (late, "TASKS_TOO_LATE"),
            (self.active_reviewers() < SEATS[1] + SLACK, "TASKS_FEW_REVIEWERS"),
        ])?;
        let (asset, costs) = (set.asset, set.fee * u128::try_from(SEATS[1]).unwrap());
        self.debit(by, asset, costs)?;
        let task = self.task(key);
        task.appellant = Some(by);
        task.drawing = true;
        task.pot += costs;
        Ok(())
    }

    /// No money moves because of it.
    pub(super) fn show(&mut self, by: Person, key: TaskKey, shown: &Shown, now_ms: u64) -> Judged {
        let (task, set) = (self.known(key)?, self.set_of(key));
        let final_ms = self.final_ms(key, now_ms);
        let late = final_ms.is_some_and(|final_ms| now_ms >= final_ms + set.deadlines.show_ms);
        let leaf = honeypot_leaf(key.1, shown.answer, shown.salt);
        let is_in = set.honeypots == Some(climb(leaf, &shown.proof));
        refuse_if(&[
            (set.requester != by, "TASKS_NOT_REQUESTER"),
            (set.honeypots.is_none(), "TASKS_NO_HONEYPOTS"),
            (final_ms.is_none(), "TASKS_TOO_EARLY"),
            (final_ms.is_none(), "TASKS_WRONG_STATE"),
            (final_ms.is_none() && task.drawing, "TASKS_NOT_YET"),
            (task.settled > 0, "TASKS_WRONG_STATE"),
            (late, "TASKS_TOO_LATE"),
            (task.shown, "TASKS_SHOWN"),
            (!is_in, "TASKS_BAD_PROOF"),
        ])?;
        let Work::Revealed { answer } = task.work else { unreachable!("it was judged") };
        let good = answer == shown.answer;
        let right = if good { Verdict::Good } else { Verdict::Bad };
        let said: Vec<_> =
            task.rounds.iter().flat_map(|round| &round.seats).map(|seat| (seat.by, seat.verdict)).collect();
        let worker = task.worker;
        self.marks.entry((by, worker)).or_default().worker[usize::from(!good)] += 1;
        for (reviewer, verdict) in said {
            if let Some(verdict) = verdict {
                self.marks.entry((by, reviewer)).or_default().reviewer[usize::from(verdict != right)] += 1;
            }
        }
        self.task(key).shown = true;
        Ok(())
    }

    /// Whether a requester's honeypots keep somebody off its panels.
    pub fn is_excluded(&self, requester: Person, by: Person) -> bool {
        let out = self.marks.iter().filter(|row| row.0.0 == requester && is_out(row.1.reviewer));
        let out: Vec<Person> = out.map(|row| row.0.1).collect();
        // More than a tenth of all reviewers, and nobody is.
        out.contains(&by) && out.len() * 10 <= self.active_reviewers()
    }
}

/// Missed twice at least, and more often than not.
fn is_out([right, missed]: [u32; 2]) -> bool {
    missed >= 2 && missed > right
}
