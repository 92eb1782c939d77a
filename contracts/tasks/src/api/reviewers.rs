//! Bonding slots for judging.

use charter_common::{Answer, methods};
use charter_types::U128;
use charter_types::asset::Asset;
use charter_types::tasks::args::Slots;
use charter_types::tasks::{Fact, Place, PoolSlot, SLOT_BOND, TasksError};
use near_sdk::{env, near};

use crate::books::Changed;
use crate::pool::SLOT_BYTES;
use crate::storage::AccountKey;
use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn bond(&mut self, Slots { slots }: Slots) -> Answer {
        let (account, since_ms) = (env::predecessor_account_id(), env::block_timestamp_ms());
        let needed = SLOT_BOND.saturating_mul(u128::from(slots));
        let key = AccountKey(account.clone());
        let mut reviewer = self.reviewers.get(&key).unwrap_or_default();
        let had = reviewer.slots != 0;
        let new = reviewer.bond(slots)?;
        let rest =
            env::attached_deposit().as_yoctonear().checked_sub(needed).ok_or(TasksError::NotAttached { needed })?;
        let payment = self.core.begin_payment_of(&account, rest);
        let bytes = SLOT_BYTES.saturating_mul(u64::from(slots));
        self.core.storage.charge(&account, bytes)?;
        self.pool.pays(bytes);
        for slot in new {
            self.pool.put(&PoolSlot { reviewer: account.clone(), slot, since_ms });
        }
        self.pool.count_reviewer(had, true);
        self.book_in(&Asset::Near, needed)?;
        self.reviewers.put(&key, &account, &reviewer, &mut self.core.storage)?;
        self.emit("reviewers_changed", Fact::Reviewers(vec![reviewer.view(account)]));
        self.core.finish_payment(payment)
    }

    pub fn unbond(&mut self, Slots { slots }: Slots) -> Answer {
        let account = env::predecessor_account_id();
        let mut reviewer = self.load_reviewer(&account)?;
        if slots == 0 {
            return Err(TasksError::BadSlots {}.into());
        }
        let place = |slot: u8| match self.pool.place(&account, slot)? {
            Place::Pool(position) => Some((slot, position)),
            Place::Duty { .. } => None,
        };
        let mut free: Vec<(u8, u32)> = reviewer.numbers().into_iter().filter_map(place).collect();
        let count = u8::try_from(free.len()).unwrap_or(u8::MAX);
        if slots > count {
            return Err(TasksError::SlotsBusy { free: count }.into());
        }
        free.truncate(usize::from(slots));
        let numbers: Vec<u8> = free.iter().map(|(slot, _)| *slot).collect();
        self.pool.take_all(free.into_iter().map(|(_, position)| position).collect());
        for slot in &numbers {
            self.pool.forget(&account, *slot);
        }
        let bytes = SLOT_BYTES.saturating_mul(u64::from(slots));
        self.pool.pays_no_more(bytes);
        self.core.storage.release(&account, bytes);
        reviewer.unbond(&numbers, env::block_timestamp_ms())?;
        self.pool.count_reviewer(true, reviewer.slots != 0);
        // What its slots paid for pays for this.
        self.reviewers.update(&AccountKey(account.clone()), &reviewer, &mut self.core.storage)?;
        self.emit("reviewers_changed", Fact::Reviewers(vec![reviewer.view(account)]));
        Ok(())
    }

    pub fn withdraw_bond(&mut self) -> Answer<U128> {
        let account = env::predecessor_account_id();
        let payment = self.core.begin_payment(&account)?;
        let mut reviewer = self.load_reviewer(&account)?;
        let amount = reviewer.take_due(env::block_timestamp_ms())?;
        self.reviewers.update(&AccountKey(account.clone()), &reviewer, &mut self.core.storage)?;
        let mut changed = Changed::default();
        self.credit((&account, &Asset::Near, amount), &account, &mut changed)?;
        self.emit("reviewers_changed", Fact::Reviewers(vec![reviewer.view(account)]));
        self.tell_balances(changed);
        self.core.finish_payment(payment)?;
        Ok(U128(amount))
    }
}
