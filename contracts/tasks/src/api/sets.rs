//! Asking for work.

use charter_common::{Answer, methods};
use charter_types::asset::Asset;
use charter_types::tasks::args::{PostTaskSet, SetRef};
use charter_types::tasks::{FREED_MAX, Fact, SetId, TasksError};
use near_sdk::{env, near};

use crate::books::Changed;
use crate::model::Set;
use crate::reserve::set_reserve;
use crate::storage::BalanceKey;
use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn post_task_set(&mut self, args: PostTaskSet) -> Answer<SetId> {
        self.check_running("post")?;
        let requester = env::predecessor_account_id();
        let payment = self.core.begin_payment(&requester)?;
        let mut set = Set::post(args, requester.clone(), env::block_timestamp_ms())?;
        let asset = set.asset.clone();
        let key = BalanceKey { account: requester.clone(), asset: asset.clone() };
        if asset.is_near() {
            self.open(&key, &requester)?;
        }
        set.reserved = set_reserve(&set);
        self.set_aside(&requester, set.reserved)?;
        self.set_counter += 1;
        let id = self.set_counter;
        self.sets.insert(&id, &requester, &set, &mut self.core.storage)?;
        let mut changed = Changed::default();
        if asset.is_near() {
            // Every row is there: what storage leaves of the deposit is the requester's balance.
            let rest = self.core.rest_of_payment(payment)?;
            self.book_in(&Asset::Near, rest)?;
            self.credit((&requester, &asset, rest), &requester, &mut changed)?;
        } else {
            self.core.finish_payment(payment)?;
        }
        self.spend((&requester, &asset, set.escrowed()), &mut changed)?;
        self.use_asset(&asset, &requester)?;
        self.emit("set_changed", Fact::Set(Box::new(set.view(id))));
        self.tell_balances(changed);
        Ok(id)
    }

    pub fn close_set(&mut self, SetRef { set: id }: SetRef) -> Answer<bool> {
        let mut set = self.load_set(id)?;
        set.check_requester(&env::predecessor_account_id())?;
        if set.closed && set.returned == 0 {
            return Err(TasksError::SetClosed {}.into());
        }
        let rest = set.close();
        let mut changed = Changed::default();
        let (requester, asset) = (set.requester.clone(), set.asset.clone());
        let mut reserved = set.reserved;
        self.out_of(&requester, &mut reserved, |this| {
            this.credit((&requester, &asset, rest), &requester, &mut changed)
        })?;
        set.reserved = reserved;
        for _ in 0..set.returned.min(FREED_MAX) {
            set.returned = set.returned.saturating_sub(1);
            self.returned.remove(&(id, u64::from(set.returned)), &mut self.core.storage);
        }
        let done = set.returned == 0;
        self.end_or_save(id, set)?;
        self.tell_balances(changed);
        Ok(done)
    }
}

impl Tasks {
    /// Writes a set back, or frees its row once nothing can come any more. What is set aside for more tasks than can come
    /// goes back to the requester.
    pub(super) fn end_or_save(&mut self, id: SetId, mut set: Set) -> Answer {
        let needed = set_reserve(&set);
        let surplus = set.reserved.saturating_sub(needed);
        if surplus > 0 {
            self.set_free(&set.requester, surplus);
            set.reserved = needed;
        }
        if !set.is_over() {
            return self.save_set(id, &set);
        }
        self.sets.remove(&id, &mut self.core.storage);
        self.release_asset(&set.asset);
        self.emit("set_ended", Fact::SetEnded(id));
        Ok(())
    }
}
