//! Ending a task: everybody gets what is theirs. Anybody may have it ended, and nothing here depends on whether those who are
//! paid have rows, storage accounts, or are there at all.

use charter_common::{Answer, methods};
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::tasks::args::TaskRef;
use charter_types::tasks::{APPEAL_PANEL, Fact, Outcome, PANEL, PoolSlot};
use near_sdk::{env, near};

use crate::books::Changed;
use crate::model::{Lot, Panel, Record, Round, Set, Stage, Task, reward_of};
use crate::pool::SLOT_BYTES;
use crate::storage::{AccountKey, returned, task_key};
use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn settle(&mut self, at: TaskRef) -> Answer<bool> {
        let (set, task) = self.load_task(at)?;
        task.check_settle(&set, env::block_timestamp_ms())?;
        let mut changed = Changed::default();
        let done = match task.stage {
            Stage::Taken | Stage::Committed => {
                self.end_silent(at, set, task, &mut changed)?;
                true
            }
            Stage::Settling => {
                self.settle_appeal(at, set, task, &mut changed)?;
                true
            }
            Stage::Drawing | Stage::Judging | Stage::Decided => self.settle_first(at, set, task, &mut changed)?,
        };
        self.tell_balances(changed);
        Ok(done)
    }
}

/// A panel that is settled, and who pays and gets what.
struct Settling<'a> {
    panel: Option<&'a Panel>,
    seats: u8,
    outcome: Outcome,
    fee: u128,
    asset: &'a Asset,
    /// What goes first to whom.
    compensation: (u128, &'a AccountId),
    /// Who gets fees that nobody earned.
    fees_of: &'a AccountId,
    worker: &'a AccountId,
    /// Out of whose storage come balances that are not there.
    payer: &'a AccountId,
}

impl Tasks {
    /// The worker kept silent: its deposit is the requester's, and the task can be taken again.
    fn end_silent(&mut self, at: TaskRef, mut set: Set, mut task: Task, changed: &mut Changed) -> Answer {
        let back = !set.closed;
        let height = u64::from(set.returned);
        set.end_task(back);
        let mut record = self.record_of(&task.worker);
        record.silent();
        let (set_ref, requester) = (&set, &set.requester);
        let mut reserved = task.reserved;
        self.out_of(requester, &mut reserved, |this| {
            this.tasks.remove(&task_key(at), &mut this.core.storage);
            this.credit((requester, &Asset::Near, set_ref.take_deposit), requester, changed)?;
            if back {
                let pile = returned(at.index, task.attempt);
                this.returned.insert(&(at.set, height), requester, &pile, &mut this.core.storage)?;
            } else {
                this.credit((requester, &set_ref.asset, set_ref.cost()), requester, changed)?;
            }
            this.keep_record(&task.worker, &record, requester)
        })?;
        task.reserved = reserved;
        self.end_task(at, set, task, None)
    }

    /// The worker's reward and the first panel. Answers whether that was all.
    fn settle_first(&mut self, at: TaskRef, mut set: Set, mut task: Task, changed: &mut Changed) -> Answer<bool> {
        let outcome = task.outcome();
        let (reward, back) = reward_of(outcome, set.reward);
        let mut record = self.record_of(&task.worker);
        record.judged(outcome);
        if set.asset.is_near() {
            record.earned = record.earned.saturating_add(reward);
        }
        let compensation = (task.compensation(&set), task.appellant(&set).unwrap_or(&set.requester));
        let settling = Settling {
            panel: task.panel.as_ref(),
            seats: PANEL,
            outcome,
            fee: set.reviewer_fee,
            asset: &set.asset,
            compensation,
            fees_of: &set.requester,
            worker: &task.worker,
            payer: &set.requester,
        };
        let done = task.appeal.is_none();
        let mut reserved = task.reserved;
        self.out_of(&set.requester, &mut reserved, |this| {
            this.credit((&task.worker, &set.asset, reward), &set.requester, changed)?;
            this.credit((&set.requester, &set.asset, back), &set.requester, changed)?;
            this.keep_record(&task.worker, &record, &set.requester)?;
            this.settle_panel(&settling, changed)?;
            if done {
                this.tasks.remove(&task_key(at), &mut this.core.storage);
            }
            Ok(())
        })?;
        task.reserved = reserved;
        if let Some(agent) = task.agent {
            self.credit_earnings(agent, &task.worker, &set.asset, reward);
        }
        if done {
            set.end_task(false);
            self.end_task(at, set, task, Some(outcome))?;
        } else {
            task.stage = Stage::Settling;
            self.save_task(at, &set, &task)?;
        }
        Ok(done)
    }

    /// The panel of the appeal, and the end.
    fn settle_appeal(&mut self, at: TaskRef, mut set: Set, mut task: Task, changed: &mut Changed) -> Answer {
        let outcome = task.outcome();
        let appellant = task.appellant(&set).unwrap_or(&set.requester).clone();
        let appeal = task.appeal.take();
        let settling = Settling {
            panel: appeal.as_ref().and_then(|appeal| appeal.panel.as_ref()),
            seats: APPEAL_PANEL,
            outcome,
            fee: set.reviewer_fee,
            asset: &set.asset,
            compensation: (0, &appellant),
            fees_of: &appellant,
            worker: &task.worker,
            payer: &appellant,
        };
        let mut aside = appeal.as_ref().map_or(0, |appeal| appeal.reserved);
        self.out_of(&appellant, &mut aside, |this| {
            this.appeals.remove(&task_key(at), &mut this.core.storage);
            this.settle_panel(&settling, changed)
        })?;
        self.set_free(&appellant, aside);
        let mut reserved = task.reserved;
        self.out_of(&set.requester, &mut reserved, |this| {
            this.tasks.remove(&task_key(at), &mut this.core.storage);
            Ok(())
        })?;
        task.reserved = reserved;
        set.end_task(false);
        self.end_task(at, set, task, Some(outcome))
    }

    /// Its row is gone: what is left of what was set aside for it is there for the next one.
    fn end_task(&mut self, at: TaskRef, mut set: Set, task: Task, outcome: Option<Outcome>) -> Answer {
        set.reserved = set.reserved.saturating_add(task.reserved);
        let TaskRef { set: id, index } = at;
        let Task { attempt, worker, agent, .. } = task;
        self.emit("task_ended", Fact::TaskEnded { set: id, index, attempt, worker, agent, outcome });
        self.end_or_save(id, set)
    }

    /// Every seat gets its fee and its share, or loses a part of its bond; every slot that lost nothing is free again.
    fn settle_panel(&mut self, settling: &Settling, changed: &mut Changed) -> Answer {
        let Settling { panel, seats, outcome, fee, asset, compensation, fees_of, worker, payer } = *settling;
        let panel_seats = panel.map(|panel| panel.seats.as_slice()).unwrap_or_default();
        let round = Round::of(panel_seats, seats, fee, outcome, compensation.0);
        let mut told = Vec::new();
        for (seat, lot) in panel_seats.iter().zip(&round.lots) {
            let account = &seat.reviewer;
            let mut reviewer = self.load_reviewer(account)?;
            let (paid, had) = (*lot == Lot::Paid, reviewer.slots != 0);
            reviewer.settle(seat.slot, *lot, outcome != Outcome::NoMajority, if paid { round.share } else { 0 });
            if paid {
                let earned = if asset.is_near() { fee.saturating_add(round.share) } else { round.share };
                reviewer.earned = reviewer.earned.saturating_add(earned);
                let (slot, since_ms) = (seat.slot, seat.since_ms);
                self.pool.put(&PoolSlot { reviewer: account.clone(), slot, since_ms });
                self.credit((account, asset, fee), payer, changed)?;
            } else {
                self.pool.forget(account, seat.slot);
                self.pool.pays_no_more(SLOT_BYTES);
                self.core.storage.release(account, SLOT_BYTES);
                self.pool.count_reviewer(had, reviewer.slots != 0);
            }
            self.reviewers.update(&AccountKey(account.clone()), &reviewer, &mut self.core.storage)?;
            told.push(reviewer.view(account.clone()));
        }
        self.credit((fees_of, asset, round.fees_back), payer, changed)?;
        self.credit((compensation.1, &Asset::Near, round.to_appellant), payer, changed)?;
        self.credit((worker, &Asset::Near, round.to_worker), payer, changed)?;
        if !told.is_empty() {
            self.emit("reviewers_changed", Fact::Reviewers(told));
        }
        Ok(())
    }

    fn record_of(&self, account: &AccountId) -> Record {
        self.records.get(&AccountKey(account.clone())).unwrap_or_default()
    }

    fn keep_record(&mut self, account: &AccountId, record: &Record, payer: &AccountId) -> Answer {
        let key = AccountKey(account.clone());
        self.records.put(&key, payer, record, &mut self.core.storage)?;
        let reviewer = self.reviewers.get(&key).unwrap_or_default();
        self.emit("record_changed", Fact::Record(record.view(key.0, &reviewer)));
        Ok(())
    }
}
