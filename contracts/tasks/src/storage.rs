//! Storage keys, and rows by id. A key is never given another meaning.

use borsh::BorshSerialize;
use charter_common::{Answer, row_keys};
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::registry::AgentId;
use charter_types::tasks::args::TaskRef;
use charter_types::tasks::{Fact, SetId, TasksError};

use crate::Tasks;
use crate::model::{Reviewer, Set, Task};

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const SETS: u8 = 1;
    pub const RETURNED: u8 = 2;
    pub const TASKS: u8 = 3;
    pub const APPEALS: u8 = 4;
    pub const BALANCES: u8 = 5;
    pub const TOKENS: u8 = 6;
    pub const RECORDS: u8 = 7;
    pub const REVIEWERS: u8 = 8;
    pub const MARKS: u8 = 9;
    pub const EXCLUSIONS: u8 = 10;
    pub const EARNINGS: u8 = 11;
    pub const POOL: u8 = 12;
    pub const PLACES: u8 = 13;
}

/// Of an account.
#[derive(BorshSerialize)]
pub struct AccountKey(pub AccountId);

/// A token's contract.
#[derive(BorshSerialize)]
pub struct TokenKey(pub AccountId);

#[derive(BorshSerialize)]
pub struct BalanceKey {
    pub account: AccountId,
    pub asset: Asset,
}

/// What honeypots of a requester say of an account.
#[derive(BorshSerialize)]
pub struct MarkKey {
    pub requester: AccountId,
    pub account: AccountId,
}

/// Who earned for which agent.
#[derive(BorshSerialize)]
pub struct EarningsKey {
    pub agent: AgentId,
    pub account: AccountId,
    pub asset: Asset,
}

row_keys!(AccountKey, TokenKey, BalanceKey, MarkKey, EarningsKey);

/// A set and an index in it.
pub type TaskKey = (SetId, u64);

pub fn task_key(TaskRef { set, index }: TaskRef) -> TaskKey {
    (set, u64::from(index))
}

/// An index that came back and how often it was taken, in one number.
pub fn returned(index: u32, attempt: u32) -> u64 {
    (u64::from(attempt) << 32) | u64::from(index)
}

pub fn index_and_attempt(returned: u64) -> (u32, u32) {
    let low = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
    (low(returned), low(returned >> 32))
}

impl Tasks {
    pub(crate) fn load_set(&self, set: SetId) -> Answer<Set> {
        Ok(self.sets.get(&set).ok_or(TasksError::UnknownSet { set })?)
    }

    pub(crate) fn save_set(&mut self, id: SetId, set: &Set) -> Answer {
        self.sets.update(&id, set, &mut self.core.storage)?;
        self.emit("set_changed", Fact::Set(Box::new(set.view(id))));
        Ok(())
    }

    /// A task with its appeal, if there is one.
    pub(crate) fn find_task(&self, task: TaskRef) -> Option<Task> {
        let key = task_key(task);
        let mut found = self.tasks.get(&key)?;
        if found.appealed {
            found.appeal = self.appeals.get(&key);
        }
        Some(found)
    }

    pub(crate) fn load_task(&self, task: TaskRef) -> Answer<(Set, Task)> {
        let TaskRef { set, index } = task;
        let known = self.sets.get(&set).zip(self.find_task(task));
        Ok(known.ok_or(TasksError::UnknownTask { set, index })?)
    }

    /// Writes a task back, and its appeal if it has one. Both keep their size, so nobody is asked to pay.
    pub(crate) fn store_task(&mut self, at: TaskRef, task: &Task) -> Answer {
        let key = task_key(at);
        self.tasks.update(&key, task, &mut self.core.storage)?;
        match &task.appeal {
            Some(appeal) => self.appeals.update(&key, appeal, &mut self.core.storage),
            None => Ok(()),
        }
    }

    pub(crate) fn save_task(&mut self, at: TaskRef, set: &Set, task: &Task) -> Answer {
        self.store_task(at, task)?;
        self.tell_task(at, set, task);
        Ok(())
    }

    pub(crate) fn tell_task(&mut self, at: TaskRef, set: &Set, task: &Task) {
        self.emit("task_changed", Fact::Task(Box::new(task.view((at.set, at.index), set))));
    }

    pub(crate) fn load_reviewer(&self, account: &AccountId) -> Answer<Reviewer> {
        let key = AccountKey(account.clone());
        Ok(self.reviewers.get(&key).ok_or(TasksError::NotReviewer { caller: key.0 })?)
    }
}

#[cfg(test)]
mod tests {
    use super::{index_and_attempt, returned};

    #[test]
    fn an_index_and_its_attempt_are_one_number() {
        for (index, attempt) in [(0, 1), (999_999, u32::MAX), (u32::MAX, 0), (7, 2)] {
            assert_eq!(index_and_attempt(returned(index, attempt)), (index, attempt));
        }
    }
}
