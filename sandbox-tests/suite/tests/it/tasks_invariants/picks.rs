//! What a move is about, and by whom: mostly somebody who may, of something that it can be done to.

use super::World;
use super::moves::{Lie, Move, Op};
use crate::escrow_bytes::Tree;
use crate::tasks_bytes::{Hash, answer_hash, honeypot_leaf, verdict_hash, work_hash};
use crate::tasks_model::{Act, Deadlines, NewSet, Person, SLOT, Shown, Step, Task, TaskKey, Verdict, Work};

pub const MINUTE_MS: u64 = 60_000;
/// Of every deadline but where a set is shorter.
pub const DEADLINE_MS: u64 = 10 * MINUTE_MS;
/// Rewards and fees are so many of these.
pub const UNIT: u128 = 1_000_000;
pub const TAKE_DEPOSIT: u128 = 50_000_000_000_000_000_000_000;
/// Sets have so many tasks at most.
const TASKS: u32 = 6;

/// By whom, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub by: Person,
    set: usize,
    key: TaskKey,
}

/// The answer that a task's requester knows, or another one.
pub fn answer(index: u32, other: bool) -> Vec<u8> {
    format!("label {index} {other}").into_bytes()
}

/// What a person adds to what it commits.
pub fn salt(by: Person) -> Hash {
    [u8::try_from(by).unwrap() + 1; 32]
}

/// What is known of a task's answer before: a leaf's salt.
pub fn leaf_salt(index: u32) -> Hash {
    [u8::try_from(index % 200).unwrap() + 20; 32]
}

impl World {
    /// Of somebody who may, if the move is to go through and there is anybody.
    pub(super) fn target(&self, op: &Op, now_ms: u64) -> Option<(Person, Vec<Act>)> {
        let targets = self.targets(op);
        let with_acts = |target: &Target| Some((target.by, self.acts(op, *target)?));
        if op.rightly {
            let goes = |(by, acts): &(Person, Vec<Act>)| self.model.clone().play(acts, *by, now_ms).is_ok();
            if let Some(found) = targets.iter().filter_map(with_acts).find(goes) {
                return Some(found);
            }
        }
        // Anybody, of anything that was ever there.
        let known = self.keys_ever.len();
        let key = if known == 0 { (0, 0) } else { self.keys_ever[op.pick % known] };
        let set = if self.model.posted == 0 { 0 } else { op.pick % self.model.posted };
        with_acts(&Target { by: op.by, set, key })
    }

    fn targets(&self, op: &Op) -> Vec<Target> {
        let people = super::PEOPLE;
        let everybody = (0..people).map(|place| (op.by + place) % people);
        match op.what {
            Move::Take | Move::Work | Move::Close => {
                let mut sets: Vec<usize> = self.model.sets.keys().copied().collect();
                rotate(&mut sets, op.pick);
                let pairs = sets.into_iter().flat_map(|set| everybody.clone().map(move |by| (set, by)));
                pairs.map(|(set, by)| Target { by, set, key: (set, 0) }).collect()
            }
            _ if is_about_a_task(op.what) => {
                let mut tasks: Vec<(&TaskKey, &Task)> = self.model.tasks.iter().collect();
                rotate(&mut tasks, op.pick);
                tasks.into_iter().flat_map(|(key, task)| self.concerned(op, *key, task)).collect()
            }
            _ => everybody.map(|by| Target { by, set: 0, key: (0, 0) }).collect(),
        }
    }

    /// Whom a task is about, and a stranger.
    fn concerned(&self, op: &Op, key: TaskKey, task: &Task) -> Vec<Target> {
        let requester = self.model.set_of(key).requester;
        let mut parties = vec![task.worker, requester];
        if op.flag {
            parties.reverse();
        }
        let seats = task.rounds.last().into_iter().flat_map(|round| &round.seats).map(|seat| seat.by);
        let all = parties.into_iter().chain(seats).chain([op.by]);
        all.map(|by| Target { by, set: key.0, key }).collect()
    }

    fn acts(&self, op: &Op, target: Target) -> Option<Vec<Act>> {
        let steps = match op.what {
            Move::Work => self.work(op, target)?,
            Move::WithdrawAndEnd => vec![self.step_of(op, target, Move::Withdraw)?, Step::EndBalance(op.asset)],
            what => vec![self.step_of(op, target, what)?],
        };
        Some(steps.into_iter().map(|step| self.act(op, step)).collect())
    }

    fn act(&self, op: &Op, step: Step) -> Act {
        let right = match &step {
            Step::Post(_) => STORAGE,
            step if step.wants_storage() => STORAGE,
            Step::Take(set) => self.model.sets.get(set).map_or(TAKE_DEPOSIT, |set| set.take_deposit),
            Step::Bond(slots) => SLOT * u128::try_from(*slots).unwrap(),
            Step::Deposit => UNIT * (1 + op.share),
            Step::Send { .. } => 1,
            step if step.wants_yocto() => 1,
            _ => 0,
        };
        let attached = match (op.wrong_deposit, right) {
            (false, _) => right,
            (true, 0) => 1,
            (true, _) if matches!(step, Step::Take(_)) && op.flag => right + 1,
            (true, _) if step.wants_storage() || matches!(step, Step::Deposit) => 0,
            (true, right) => right - 1,
        };
        Act { step, attached, rest: attached }
    }

    fn step_of(&self, op: &Op, Target { by, set, key }: Target, what: Move) -> Option<Step> {
        Some(match what {
            Move::Post => Step::Post(self.new_set(op)),
            Move::Close => Step::Close(set),
            Move::Take => Step::Take(set),
            Move::CommitWork => Step::CommitWork { key, hash: self.work_commit(op, by, key) },
            Move::RevealWork => {
                let other = self.answers.get(&key).copied().unwrap_or_default() ^ (op.lie == Some(Lie::Other));
                let salt = if op.lie == Some(Lie::Salt) { [0; 32] } else { salt(by) };
                Step::RevealWork { key, answer: answer(key.1, other), salt }
            }
            Move::Draw => Step::Draw(key),
            Move::CommitVerdict => Step::CommitVerdict { key, hash: self.verdict_commit(op, by, key) },
            Move::RevealVerdict => {
                let said = self.said.get(&(key, by)).copied().unwrap_or(op.verdict);
                let verdict = if op.lie == Some(Lie::Other) { another(said) } else { said };
                let salt = if op.lie == Some(Lie::Salt) { [0; 32] } else { salt(by) };
                Step::RevealVerdict { key, verdict, salt }
            }
            Move::Appeal => Step::Appeal(key),
            Move::Show => Step::Show { key, shown: self.shown(op, key) },
            Move::ForgetMarks if op.flag => Step::ForgetMarks { of: vec![op.other] },
            Move::ForgetMarks => Step::ForgetMarks { of: self.marked_by(by) },
            Move::Settle => Step::Settle(key),
            Move::Bond => Step::Bond(usize::try_from(op.share % 4).unwrap()),
            Move::Unbond => Step::Unbond(usize::try_from(op.share % 3).unwrap()),
            Move::WithdrawBond => Step::WithdrawBond,
            Move::OpenBalance => Step::OpenBalance(op.asset),
            Move::EndBalance => Step::EndBalance(op.asset),
            Move::Deposit => Step::Deposit,
            Move::Withdraw => {
                let has = self.model.balances.get(&(by, op.asset)).copied().unwrap_or_default();
                Step::Withdraw { asset: op.asset, amount: (!op.flag).then_some(has * op.share / 1_000) }
            }
            Move::Send => Step::Send { amount: UNIT * op.share, known: op.lie.is_none() },
            Move::Work | Move::WithdrawAndEnd | Move::AtOnce | Move::Wait(_) | Move::Fail | Move::Refuse => {
                return None;
            }
        })
    }

    /// One task from beginning to end. Which one it is follows from what is left of the set.
    fn work(&self, op: &Op, Target { by, set, .. }: Target) -> Option<Vec<Step>> {
        let of = self.model.sets.get(&set)?;
        let index = of.returned.last().copied().unwrap_or(of.fresh);
        let attempt = of.attempts.get(&index).map_or(1, |before| before + 1);
        let hash = self.work_hash_of((set, index), attempt, by, op.flag);
        let key = (set, index);
        let answer = answer(index, op.flag ^ (op.lie == Some(Lie::Other)));
        let reveal = Step::RevealWork { key, answer, salt: salt(by) };
        Some(vec![Step::Take(set), Step::CommitWork { key, hash }, reveal])
    }

    fn new_set(&self, op: &Op) -> NewSet {
        let times = 1 + u64::try_from(op.pick % 3).unwrap();
        let ms = DEADLINE_MS * times / 3;
        let deadlines = Deadlines {
            work_ms: DEADLINE_MS,
            reveal_ms: ms,
            verdict_ms: ms,
            verdict_reveal_ms: DEADLINE_MS,
            appeal_ms: DEADLINE_MS,
            show_ms: if op.flag { DEADLINE_MS } else { 0 },
        };
        let count = 1 + u32::try_from(op.share % u128::from(TASKS)).unwrap();
        let take_deposit = if op.lie == Some(Lie::Other) { TAKE_DEPOSIT - 1 } else { TAKE_DEPOSIT };
        NewSet {
            asset: op.asset,
            // Odd ones, so that halves and equal parts leave something.
            reward: UNIT * (1 + op.share) + 1,
            fee: UNIT * op.share / 10 + 3,
            count,
            at_once: 1 + u32::try_from(op.pick % 4).unwrap().min(count - 1),
            take_deposit,
            deadlines,
            honeypots: op.flag.then(|| self.tree().root()),
        }
    }

    fn work_hash_of(&self, key: TaskKey, attempt: u32, by: Person, other: bool) -> Hash {
        let (about, worker) = (self.model.about(key, attempt), &self.model.names[by]);
        work_hash(&self.model.chain, about, worker, (answer_hash(&answer(key.1, other)), salt(by)))
    }

    fn work_commit(&self, op: &Op, by: Person, key: TaskKey) -> Hash {
        if op.lie == Some(Lie::Copied) {
            // What another worker committed.
            let others = self.model.tasks.iter().filter(|task| *task.0 != key).map(|task| task.1.work);
            let hashes =
                others.filter_map(|work| if let Work::Committed { hash, .. } = work { Some(hash) } else { None });
            return hashes.last().unwrap_or([7; 32]);
        }
        let attempt = self.model.tasks.get(&key).map_or(0, |task| task.attempt);
        self.work_hash_of(key, attempt, by, op.flag)
    }

    fn verdict_commit(&self, op: &Op, by: Person, key: TaskKey) -> Hash {
        let Some(task) = self.model.tasks.get(&key) else { return [7; 32] };
        if op.lie == Some(Lie::Copied) {
            // What another seat committed, to say the same.
            let seats = task.rounds.last().into_iter().flat_map(|round| &round.seats);
            return seats.filter(|seat| seat.by != by).find_map(|seat| seat.commit).unwrap_or([7; 32]);
        }
        let about = (self.model.about(key, task.attempt), u8::try_from(task.rounds.len()).unwrap());
        verdict_hash(&self.model.chain, about, &self.model.names[by], (op.verdict, salt(by)))
    }

    /// The right leaf of the set's tree, or none.
    fn shown(&self, op: &Op, key: TaskKey) -> Shown {
        let (index, tree) = (key.1, self.tree());
        let place = usize::try_from(index).unwrap().min(usize::try_from(TASKS).unwrap() - 1);
        let known = answer_hash(&answer(index, op.lie == Some(Lie::Other)));
        Shown { answer: known, salt: leaf_salt(index), proof: tree.proof(place) }
    }

    fn marked_by(&self, by: Person) -> Vec<Person> {
        self.model.marks.keys().filter(|row| row.0 == by).map(|row| row.1).collect()
    }

    /// Over all tasks that a set can have: each is a honeypot if the set has any.
    fn tree(&self) -> Tree {
        let leaves = (0..TASKS).map(|index| {
            let known = answer_hash(&answer(index, false));
            honeypot_leaf(index, known, leaf_salt(index))
        });
        Tree::new(leaves.collect())
    }
}

/// More than a set or a row stores.
const STORAGE: u128 = SLOT;

fn rotate<T>(all: &mut [T], by: usize) {
    if !all.is_empty() {
        all.rotate_left(by % all.len());
    }
}

fn another(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Good => Verdict::Bad,
        Verdict::Bad => Verdict::Unfetchable,
        Verdict::Unfetchable => Verdict::Good,
    }
}

fn is_about_a_task(what: Move) -> bool {
    matches!(
        what,
        Move::CommitWork
            | Move::RevealWork
            | Move::Draw
            | Move::CommitVerdict
            | Move::RevealVerdict
            | Move::Appeal
            | Move::Show
            | Move::Settle
    )
}
