//! Having it judged again.

use charter_common::{Answer, Later, methods};
use charter_types::tasks::APPEAL_PANEL;
use charter_types::tasks::args::TaskRef;
use near_sdk::{env, near};

use crate::books::Changed;
use crate::model::check_reviewers;
use crate::reserve::appeal_reserve;
use crate::storage::task_key;
use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn appeal(&mut self, at: TaskRef) -> Answer<Later<()>> {
        let appellant = env::predecessor_account_id();
        let payment = self.core.begin_payment(&appellant)?;
        let (set, mut task) = self.load_task(at)?;
        let now_ms = env::block_timestamp_ms();
        let by = task.check_appeal(&set, &appellant, now_ms)?;
        check_reviewers(APPEAL_PANEL, self.pool.reviewers())?;
        let mut changed = Changed::default();
        self.spend((&appellant, &set.asset, set.fees(APPEAL_PANEL)), &mut changed)?;
        let reserved = appeal_reserve(&set.asset);
        self.set_aside(&appellant, reserved)?;
        task.appeal(by, reserved, now_ms);
        if let Some(appeal) = &task.appeal {
            self.appeals.insert(&task_key(at), &appellant, appeal, &mut self.core.storage)?;
        }
        self.core.finish_payment(payment)?;
        self.save_task(at, &set, &task)?;
        self.tell_balances(changed);
        self.send_draw(at, &task)
    }
}
