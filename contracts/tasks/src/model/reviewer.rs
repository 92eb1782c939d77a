//! A reviewer's slots and bond.

use charter_types::tasks::{self, Leaving, SLOT_BOND, SLOTS_MAX, TasksError, UNBOND_DELAY_MS};
use charter_types::{AccountId, U128};

use super::{Checked, Lot, add};

/// Only its owner's calls change how long it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reviewer {
    /// Bits of slots that are bonded: in the pool or on a panel.
    pub slots: u16,
    pub leaving: Vec<Leaving>,
    pub returned: u128,
    pub majority: u64,
    pub minority: u64,
    pub silent: u64,
    pub earned: u128,
}

impl Reviewer {
    pub fn view(&self, account: AccountId) -> tasks::Reviewer {
        let Self { leaving, returned, majority, minority, silent, earned, .. } = self.clone();
        let (returned, earned) = (U128(returned), U128(earned));
        tasks::Reviewer { account, slots: self.count(), leaving, returned, majority, minority, silent, earned }
    }

    pub fn count(&self) -> u8 {
        u8::try_from(self.slots.count_ones()).unwrap_or(SLOTS_MAX)
    }

    /// Numbers of its slots.
    pub fn numbers(&self) -> Vec<u8> {
        (0..SLOTS_MAX).filter(|slot| self.slots & bit(*slot) != 0).collect()
    }

    /// Adds slots, and returns their numbers.
    pub fn bond(&mut self, slots: u8) -> Checked<Vec<u8>> {
        let leaving: u32 = self.leaving.iter().map(|leaving| u32::from(leaving.slots)).sum();
        let all = leaving.saturating_add(u32::from(self.count())).saturating_add(u32::from(slots));
        if slots == 0 || all > u32::from(SLOTS_MAX) {
            return Err(TasksError::BadSlots {});
        }
        let free = (0..SLOTS_MAX).filter(|slot| self.slots & bit(*slot) == 0);
        let new: Vec<u8> = free.take(usize::from(slots)).collect();
        for slot in &new {
            self.slots |= bit(*slot);
        }
        Ok(new)
    }

    /// Lets slots that are free leave.
    pub fn unbond(&mut self, free: &[u8], now_ms: u64) -> Checked {
        for slot in free {
            self.slots &= !bit(*slot);
        }
        let slots = u8::try_from(free.len()).map_err(|_| TasksError::BadSlots {})?;
        self.leaving.push(Leaving { slots, from_ms: now_ms.saturating_add(UNBOND_DELAY_MS) });
        Ok(())
    }

    /// Takes out what is due now.
    pub fn take_due(&mut self, now_ms: u64) -> Checked<u128> {
        let mut due = std::mem::take(&mut self.returned);
        for leaving in self.leaving.iter().filter(|leaving| now_ms >= leaving.from_ms) {
            due = add(due, SLOT_BOND.saturating_mul(u128::from(leaving.slots)))?;
        }
        self.leaving.retain(|leaving| now_ms < leaving.from_ms);
        if due == 0 { Err(TasksError::NothingDue {}) } else { Ok(due) }
    }

    /// A duty is over: what became of its seat, and what that seat gets of what others lost. A slot that lost something is
    /// gone, and the rest of its bond is to be had.
    pub fn settle(&mut self, slot: u8, lot: Lot, decided: bool, share: u128) {
        match lot {
            Lot::Paid if decided => self.majority = self.majority.saturating_add(1),
            Lot::Paid => {}
            Lot::Minority => self.minority = self.minority.saturating_add(1),
            Lot::Silent => self.silent = self.silent.saturating_add(1),
        }
        let mut back = share;
        if lot != Lot::Paid {
            self.slots &= !bit(slot);
            // INV-TSK-2: a duty costs no more than its slot's bond.
            back = back.saturating_add(SLOT_BOND.saturating_sub(lot.loss()));
        }
        self.returned = self.returned.saturating_add(back);
    }
}

fn bit(slot: u8) -> u16 {
    1_u16.checked_shl(u32::from(slot)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use charter_types::tasks::{MINORITY_LOSS, SILENT_LOSS, SLOT_BOND, TasksError, UNBOND_DELAY_MS};

    use super::{Lot, Reviewer};

    #[test]
    fn slots_are_at_most_sixteen_those_that_leave_among_them() {
        let mut reviewer = Reviewer::default();
        assert_eq!(reviewer.bond(0), Err(TasksError::BadSlots {}));
        assert_eq!(reviewer.bond(17), Err(TasksError::BadSlots {}));
        assert_eq!(reviewer.bond(15), Ok((0..15).collect()));
        reviewer.unbond(&[3, 7], 100).unwrap();
        assert_eq!(reviewer.count(), 13);
        assert_eq!(reviewer.bond(2), Err(TasksError::BadSlots {}));
        assert_eq!(reviewer.bond(1), Ok(vec![3]));
        let due_ms = 100 + UNBOND_DELAY_MS;
        assert_eq!(reviewer.take_due(due_ms - 1), Err(TasksError::NothingDue {}));
        assert_eq!(reviewer.take_due(due_ms), Ok(2 * SLOT_BOND));
        assert_eq!(reviewer.take_due(due_ms), Err(TasksError::NothingDue {}));
        assert_eq!(reviewer.bond(2), Ok(vec![7, 15]));
        assert_eq!(reviewer.numbers(), (0..16).collect::<Vec<_>>());
    }

    #[test]
    fn a_slot_that_loses_something_is_gone_and_its_rest_is_to_be_had() {
        let mut reviewer = Reviewer::default();
        reviewer.bond(3).unwrap();
        reviewer.settle(0, Lot::Paid, true, 5);
        reviewer.settle(1, Lot::Minority, true, 0);
        assert_eq!((reviewer.numbers(), reviewer.returned), (vec![0, 2], 5 + SLOT_BOND - MINORITY_LOSS));
        reviewer.settle(2, Lot::Silent, false, 0);
        reviewer.settle(0, Lot::Paid, false, 0);
        assert_eq!((reviewer.majority, reviewer.minority, reviewer.silent), (1, 1, 1));
        assert_eq!(reviewer.take_due(0), Ok(5 + 2 * SLOT_BOND - MINORITY_LOSS - SILENT_LOSS));
    }
}
