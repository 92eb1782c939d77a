//! Doing it.

use charter_common::{Answer, Later, methods, separator, sha256};
use charter_types::asset::Asset;
use charter_types::tasks::args::{CommitWork, RevealWork, Take, TaskRef};
use charter_types::tasks::{
    ANSWER_BYTES_MAX, Answer as WorkAnswer, Fact, TasksError, URI_BYTES_MAX, WORK_PURPOSE, WorkCommitment,
};
use charter_types::text::is_uri;
use near_sdk::{NearToken, Promise, env, near};

use crate::books::Changed;
use crate::model::Task;
use crate::reserve::{TASK_ROW, task_reserve};
use crate::storage::{BalanceKey, MarkKey, index_and_attempt, task_key};
use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn take(&mut self, Take { set: id, agent }: Take) -> Answer<TaskRef> {
        self.check_running("take")?;
        let worker = env::predecessor_account_id();
        let mut set = self.load_set(id)?;
        set.check_take(&worker, self.pool.reviewers())?;
        let requester = set.requester.clone();
        let mark = self.marks.get(&MarkKey { requester: requester.clone(), account: worker.clone() });
        if mark.is_some_and(|mark| mark.excludes_worker()) {
            return Err(TasksError::Excluded {}.into());
        }
        let needed = set.take_deposit;
        let more =
            env::attached_deposit().as_yoctonear().checked_sub(needed).ok_or(TasksError::NotAttached { needed })?;
        let again = self.take_returned(id, set.returned);
        let index = set.take(again.map(|(index, _)| index));
        let attempt = again.map_or(1, |(_, attempt)| attempt.saturating_add(1));
        let at = TaskRef { set: id, index };
        // Rows that stayed of earlier tasks have taken a part of what was set aside.
        let reserve = task_reserve(&set.asset);
        let missing = reserve.saturating_sub(set.reserved);
        if missing > 0 {
            let short = |_| TasksError::RequesterShort { bytes: missing };
            self.set_aside(&requester, missing).map_err(short)?;
        }
        set.reserved = set.reserved.saturating_add(missing).saturating_sub(reserve);
        let mut task = Task::take(worker.clone(), agent, attempt, env::block_timestamp_ms());
        task.reserved = reserve.saturating_sub(TASK_ROW);
        self.set_free(&requester, TASK_ROW);
        self.tasks.insert(&task_key(at), &requester, &task, &mut self.core.storage)?;
        self.book_in(&Asset::Near, needed)?;
        self.tell_task(at, &set, &task);
        self.save_set(id, &set)?;
        if more > 0 {
            Promise::new(worker).transfer(NearToken::from_yoctonear(more)).detach();
        }
        Ok(at)
    }

    pub fn commit_work(&mut self, CommitWork { set, index, hash }: CommitWork) -> Answer {
        let at = TaskRef { set, index };
        let (set, mut task) = self.load_task(at)?;
        task.commit(&env::predecessor_account_id(), hash, &set.deadlines, env::block_timestamp_ms())?;
        self.save_task(at, &set, &task)
    }

    pub fn reveal_work(&mut self, args: RevealWork) -> Answer<Later<()>> {
        let RevealWork { set: id, index, answer, salt } = args;
        let (worker, at) = (env::predecessor_account_id(), TaskRef { set: id, index });
        let fits = match &answer {
            WorkAnswer::Inline { bytes } => bytes.0.len() <= ANSWER_BYTES_MAX,
            WorkAnswer::At { uri, .. } => uri.len() <= URI_BYTES_MAX && is_uri(uri),
        };
        if !fits {
            return Err(TasksError::BadAnswer {}.into());
        }
        let (set, mut task) = self.load_task(at)?;
        let (domain, answer_hash) = (separator(WORK_PURPOSE), answer.hash(sha256));
        let attempt = task.attempt;
        let commitment = WorkCommitment { domain, set: id, index, attempt, worker: &worker, answer: answer_hash, salt };
        let hash = commitment.hash(sha256);
        task.reveal(&worker, (answer_hash, hash), &set.deadlines, env::block_timestamp_ms())?;
        let mut changed = Changed::default();
        let back = (&worker, &Asset::Near, set.take_deposit);
        if self.balances.contains(&BalanceKey { account: worker.clone(), asset: Asset::Near }) {
            self.credit(back, &set.requester, &mut changed)?;
        } else {
            let mut reserved = task.reserved;
            self.out_of(&set.requester, &mut reserved, |this| this.credit(back, &set.requester, &mut changed))?;
            task.reserved = reserved;
        }
        self.store_task(at, &task)?;
        let shown = Box::new(task.view((id, index), &set));
        self.emit("work_revealed", Fact::Revealed { task: shown, answer });
        self.tell_balances(changed);
        self.send_draw(at, &task)
    }
}

impl Tasks {
    /// The index on top of the pile of those that came back, and how often it was taken.
    fn take_returned(&mut self, set: u64, height: u32) -> Option<(u32, u32)> {
        let key = (set, u64::from(height.checked_sub(1)?));
        let found = self.returned.get(&key)?;
        self.returned.remove(&key, &mut self.core.storage);
        Some(index_and_attempt(found))
    }
}
