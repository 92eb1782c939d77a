//! Views.

use charter_common::{Answer, methods, separator};
use charter_types::tasks::args::{BalanceRef, EarningsRef, MarksOf, OfAsset, SetRef, TaskRef, TasksOf};
use charter_types::tasks::{
    Balance, Domains, Earnings, Mark, Pool, Record, Reviewer, Slot, Task, TaskSet, Totals, VERDICT_PURPOSE,
    WORK_PURPOSE,
};
use charter_types::{Named, PAGE_MAX, Page, page_size};
use near_sdk::near;

use crate::storage::{AccountKey, BalanceKey, EarningsKey, MarkKey};
use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn task_set(&self, SetRef { set }: SetRef) -> Answer<Option<TaskSet>> {
        Ok(self.sets.get(&set).map(|found| found.view(set)))
    }

    pub fn task_sets(&self, Page { from, limit }: Page) -> Answer<Vec<TaskSet>> {
        let ids = (from.max(1)..=self.set_counter).take(page_size(limit));
        Ok(ids.filter_map(|id| Some(self.sets.get(&id)?.view(id))).collect())
    }

    pub fn task(&self, at: TaskRef) -> Answer<Option<Task>> {
        let set = self.sets.get(&at.set);
        Ok(set.and_then(|set| Some(self.find_task(at)?.view((at.set, at.index), &set))))
    }

    pub fn tasks(&self, TasksOf { set: id, from, limit }: TasksOf) -> Answer<Vec<Task>> {
        let Some(set) = self.sets.get(&id) else { return Ok(Vec::new()) };
        let indexes = (from..set.next).take(page_size(limit));
        let found = |index| Some(self.find_task(TaskRef { set: id, index })?.view((id, index), &set));
        Ok(indexes.filter_map(found).collect())
    }

    pub fn reviewer(&self, Named { account }: Named) -> Answer<Option<Reviewer>> {
        let key = AccountKey(account);
        Ok(self.reviewers.get(&key).map(|reviewer| reviewer.view(key.0)))
    }

    pub fn slots(&self, Named { account }: Named) -> Answer<Vec<Slot>> {
        let key = AccountKey(account);
        let numbers = self.reviewers.get(&key).unwrap_or_default().numbers().into_iter();
        Ok(numbers.filter_map(|slot| Some(Slot { slot, place: self.pool.place(&key.0, slot)? })).collect())
    }

    pub fn pool(&self, Page { from, limit }: Page) -> Answer<Pool> {
        let (size, reviewers) = (self.pool.size(), self.pool.reviewers());
        let from = u32::try_from(from).unwrap_or(u32::MAX);
        let slots = (from..size).take(page_size(limit)).filter_map(|position| self.pool.entry(position)).collect();
        Ok(Pool { size, reviewers, slots })
    }

    pub fn balance(&self, BalanceRef { account, asset }: BalanceRef) -> Answer<Option<Balance>> {
        let key = BalanceKey { account, asset };
        Ok(self.balances.get(&key).map(|balance| balance.view(key.account, key.asset)))
    }

    pub fn record(&self, Named { account }: Named) -> Answer<Option<Record>> {
        let key = AccountKey(account);
        let (record, reviewer) = (self.records.get(&key), self.reviewers.get(&key));
        if record.is_none() && reviewer.is_none() {
            return Ok(None);
        }
        Ok(Some(record.unwrap_or_default().view(key.0, &reviewer.unwrap_or_default())))
    }

    pub fn totals(&self, OfAsset { asset }: OfAsset) -> Answer<Totals> {
        Ok(self.totals_of(&asset).view())
    }

    pub fn marks(&self, MarksOf { requester, accounts }: MarksOf) -> Answer<Vec<Mark>> {
        let named = accounts.into_iter().take(page_size(Some(PAGE_MAX)));
        let found = |account| {
            let key = MarkKey { requester: requester.clone(), account };
            Some(self.marks.get(&key)?.view(key.requester, key.account))
        };
        Ok(named.filter_map(found).collect())
    }

    pub fn earnings(&self, args: EarningsRef) -> Answer<Option<Earnings>> {
        let EarningsRef { agent, account, asset } = args.clone();
        Ok(self.earnings.get(&EarningsKey { agent, account, asset }).map(|row| row.view(args)))
    }

    pub fn domains(&self) -> Domains {
        Domains { work: separator(WORK_PURPOSE), verdict: separator(VERDICT_PURPOSE) }
    }
}
