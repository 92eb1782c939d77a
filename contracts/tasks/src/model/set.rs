//! A set: what is asked, what each of its tasks pays, and what is set aside for those that nobody has taken.

use charter_types::asset::Asset;
use charter_types::tasks::args::PostTaskSet;
use charter_types::tasks::{
    self, AT_ONCE_MAX, DEADLINE_MS_MAX, DEADLINE_MS_MIN, Deadlines, PANEL, REVIEWERS_SLACK, SHOW_MS_MAX, SetId,
    TAKE_DEPOSIT_MIN, TASKS_MAX, TasksError, URI_BYTES_MAX,
};
use charter_types::text::is_uri;
use charter_types::{AccountId, Hash32, U128};

use super::{Checked, add};

/// Of fixed size but for its names, which don't change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    pub requester: AccountId,
    pub spec_uri: String,
    pub spec_hash: Hash32,
    pub asset: Asset,
    pub reward: u128,
    pub reviewer_fee: u128,
    pub count: u32,
    pub at_once: u32,
    pub take_deposit: u128,
    pub deadlines: Deadlines,
    pub honeypots: Option<Hash32>,
    pub posted_ms: u64,
    /// Indexes below this were taken.
    pub next: u32,
    /// Those of them that came back, on a pile.
    pub returned: u32,
    pub in_work: u32,
    pub closed: bool,
    /// Bytes that the requester is charged for, for rows of tasks to come.
    pub reserved: u64,
}

impl Set {
    pub fn post(args: PostTaskSet, requester: AccountId, now_ms: u64) -> Checked<Self> {
        let PostTaskSet { spec_uri, spec_hash, asset, reward, reviewer_fee, count, at_once, .. } = args;
        let PostTaskSet { take_deposit, deadlines, honeypots, .. } = args;
        let bad = |reason| Err(TasksError::BadSet { reason });
        if spec_uri.len() > URI_BYTES_MAX || !is_uri(&spec_uri) {
            return bad("spec_uri is a URI of at most 256 bytes: https, ipfs, ar, ni, near or data");
        }
        if reward.0 == 0 || reviewer_fee.0 == 0 {
            return bad("reward and reviewer_fee are at least 1");
        }
        if !(1..=TASKS_MAX).contains(&count) || !(1..=count.min(AT_ONCE_MAX)).contains(&at_once) {
            return bad("a set has 1 to 1,000,000 tasks, at most 10,000 of them at once, and no more than there are");
        }
        let Deadlines { work_ms, reveal_ms, verdict_ms, verdict_reveal_ms, appeal_ms, show_ms } = deadlines;
        let steps = [work_ms, reveal_ms, verdict_ms, verdict_reveal_ms, appeal_ms];
        if !steps.iter().all(|step_ms| (DEADLINE_MS_MIN..=DEADLINE_MS_MAX).contains(step_ms)) || show_ms > SHOW_MS_MAX {
            return bad("each deadline is 1 minute to 30 days, show_ms at most a day");
        }
        if take_deposit.0 < TAKE_DEPOSIT_MIN {
            return Err(TasksError::TakeDepositSmall {});
        }
        let set = Self {
            requester,
            spec_uri,
            spec_hash,
            asset,
            reward: reward.0,
            reviewer_fee: reviewer_fee.0,
            count,
            at_once,
            take_deposit: take_deposit.0,
            deadlines,
            honeypots,
            posted_ms: now_ms,
            next: 0,
            returned: 0,
            in_work: 0,
            closed: false,
            reserved: 0,
        };
        // All sums that there will be are parts of this one.
        let fees = set.reviewer_fee.checked_mul(u128::from(PANEL)).ok_or(TasksError::Overflow {})?;
        let one = add(set.reward, fees)?;
        one.checked_mul(u128::from(count)).ok_or(TasksError::Overflow {})?;
        Ok(set)
    }

    pub fn view(&self, id: SetId) -> tasks::TaskSet {
        let escrowed = U128(self.escrowed());
        let Self { requester, spec_uri, spec_hash, asset, reward, reviewer_fee, count, at_once, .. } = self.clone();
        let Self { take_deposit, deadlines, honeypots, posted_ms, next, returned, in_work, closed, .. } = *self;
        tasks::TaskSet {
            id,
            requester,
            spec_uri,
            spec_hash,
            asset,
            reward: U128(reward),
            reviewer_fee: U128(reviewer_fee),
            count,
            at_once,
            take_deposit: U128(take_deposit),
            deadlines,
            honeypots,
            posted_ms,
            next,
            returned,
            in_work,
            escrowed,
            closed,
        }
    }

    /// What a task can cost: its reward, and the fees of a panel.
    pub fn cost(&self) -> u128 {
        self.reward.saturating_add(self.fees(PANEL))
    }

    /// The fees of so many seats.
    pub fn fees(&self, seats: u8) -> u128 {
        self.reviewer_fee.saturating_mul(u128::from(seats))
    }

    /// Tasks that can still be taken.
    pub fn remaining(&self) -> u32 {
        if self.closed { 0 } else { self.count.saturating_sub(self.next).saturating_add(self.returned) }
    }

    /// INV-TSK-6: for tasks that nobody has taken, and for no other.
    pub fn escrowed(&self) -> u128 {
        self.cost().saturating_mul(u128::from(self.remaining()))
    }

    pub fn check_requester(&self, caller: &AccountId) -> Checked {
        if self.requester == *caller { Ok(()) } else { Err(TasksError::NotRequester { caller: caller.clone() }) }
    }

    /// Whether a task can be taken now.
    pub fn check_take(&self, worker: &AccountId, reviewers: u32) -> Checked {
        if self.closed {
            return Err(TasksError::SetClosed {});
        }
        if self.requester == *worker {
            return Err(TasksError::OwnSet {});
        }
        if self.remaining() == 0 {
            return Err(TasksError::NoneLeft {});
        }
        if self.in_work >= self.at_once {
            return Err(TasksError::AtOnce { at_once: self.at_once });
        }
        check_reviewers(PANEL, reviewers)
    }

    /// Takes the next index, unless `again` came off the pile of those that came back.
    pub fn take(&mut self, again: Option<u32>) -> u32 {
        self.in_work = self.in_work.saturating_add(1);
        if let Some(index) = again {
            self.returned = self.returned.saturating_sub(1);
            return index;
        }
        let index = self.next;
        self.next = self.next.saturating_add(1);
        index
    }

    /// A task has ended. `back`: its index goes onto the pile.
    pub fn end_task(&mut self, back: bool) {
        self.in_work = self.in_work.saturating_sub(1);
        if back {
            self.returned = self.returned.saturating_add(1);
        }
    }

    /// Ends the taking of tasks, and returns what is set aside for those that nobody took.
    pub fn close(&mut self) -> u128 {
        // INV-TSK-6: what is taken is in the task's pot, out of the requester's reach.
        let rest = self.escrowed();
        self.closed = true;
        rest
    }

    /// So many tasks can come at once still: rows of theirs are paid for beforehand.
    pub fn to_come(&self) -> u32 {
        self.at_once.saturating_sub(self.in_work).min(self.remaining())
    }

    /// Whether nothing can come any more, and nothing is left: the row can go.
    pub fn is_over(&self) -> bool {
        self.remaining() == 0 && self.in_work == 0 && self.returned == 0
    }
}

/// A panel is drawn from more reviewers than it has seats.
pub fn check_reviewers(seats: u8, reviewers: u32) -> Checked {
    let needed = u32::from(seats).saturating_add(REVIEWERS_SLACK);
    if reviewers >= needed { Ok(()) } else { Err(TasksError::FewReviewers { needed, reviewers }) }
}

#[cfg(test)]
pub mod tests {
    use charter_types::tasks::args::PostTaskSet;
    use charter_types::tasks::{Deadlines, TAKE_DEPOSIT_MIN, TasksError};
    use charter_types::{Hash32, U128};

    use super::Set;
    use crate::model::Checked;

    const MINUTE_MS: u64 = 60_000;

    pub fn deadlines() -> Deadlines {
        let (work_ms, reveal_ms, verdict_ms) = (MINUTE_MS, 2 * MINUTE_MS, 3 * MINUTE_MS);
        let (verdict_reveal_ms, appeal_ms, show_ms) = (4 * MINUTE_MS, 5 * MINUTE_MS, 6 * MINUTE_MS);
        Deadlines { work_ms, reveal_ms, verdict_ms, verdict_reveal_ms, appeal_ms, show_ms }
    }

    fn args() -> PostTaskSet {
        PostTaskSet {
            spec_uri: "https://a".to_owned(),
            spec_hash: Hash32([1; 32]),
            asset: charter_types::asset::Asset::Near,
            reward: U128(100),
            reviewer_fee: U128(10),
            count: 3,
            at_once: 2,
            take_deposit: U128(TAKE_DEPOSIT_MIN),
            deadlines: deadlines(),
            honeypots: None,
        }
    }

    fn posted(args: PostTaskSet) -> Checked<Set> {
        Set::post(args, "req.near".parse().unwrap(), 5)
    }

    pub fn set() -> Set {
        posted(args()).unwrap()
    }

    #[test]
    fn both_sides_of_every_bound() {
        let ok = |change: fn(&mut PostTaskSet)| {
            let mut args = args();
            change(&mut args);
            posted(args).map(|_| ())
        };
        let bad = |change: fn(&mut PostTaskSet)| matches!(ok(change), Err(TasksError::BadSet { .. }));
        assert_eq!(ok(|args| (args.count, args.at_once) = (1_000_000, 10_000)), Ok(()));
        assert!(bad(|args| args.count = 1_000_001));
        assert!(bad(|args| args.count = 0));
        assert!(bad(|args| args.at_once = 0));
        assert_eq!(ok(|args| args.at_once = 3), Ok(()));
        assert!(bad(|args| args.at_once = 4));
        assert!(bad(|args| (args.count, args.at_once) = (20_000, 10_001)));
        assert!(bad(|args| args.spec_uri = "http://a".to_owned()));
        assert!(bad(|args| args.spec_uri = format!("https://{}", "a".repeat(249))));
        assert_eq!(ok(|args| args.spec_uri = format!("https://{}", "a".repeat(248))), Ok(()));
        assert!(bad(|args| args.reward = U128(0)));
        assert!(bad(|args| args.reviewer_fee = U128(0)));
        assert!(bad(|args| args.deadlines.work_ms = 59_999));
        assert!(bad(|args| args.deadlines.appeal_ms = 30 * 24 * 3_600_000 + 1));
        assert_eq!(ok(|args| args.deadlines.appeal_ms = 30 * 24 * 3_600_000), Ok(()));
        assert_eq!(ok(|args| args.deadlines.show_ms = 0), Ok(()));
        assert!(bad(|args| args.deadlines.show_ms = 24 * 3_600_000 + 1));
        assert_eq!(ok(|args| args.take_deposit = U128(TAKE_DEPOSIT_MIN - 1)), Err(TasksError::TakeDepositSmall {}));
        assert_eq!(ok(|args| args.reward = U128(u128::MAX / 2)), Err(TasksError::Overflow {}));
        assert_eq!(ok(|args| args.reviewer_fee = U128(u128::MAX / 2)), Err(TasksError::Overflow {}));
    }

    #[test]
    fn tasks_are_taken_come_back_and_are_taken_again() {
        let (mut set, worker) = (set(), "bob.near".parse().unwrap());
        let few = TasksError::FewReviewers { needed: 6, reviewers: 5 };
        assert_eq!(set.check_take(&worker, 5), Err(few));
        assert_eq!(set.check_take(&set.requester.clone(), 6), Err(TasksError::OwnSet {}));
        assert_eq!((set.check_take(&worker, 6), set.escrowed(), set.to_come()), (Ok(()), 390, 2));
        assert_eq!((set.take(None), set.take(None)), (0, 1));
        assert_eq!(set.check_take(&worker, 6), Err(TasksError::AtOnce { at_once: 2 }));
        assert_eq!((set.escrowed(), set.to_come()), (130, 0));
        set.end_task(true);
        assert_eq!((set.escrowed(), set.returned, set.to_come()), (260, 1, 1));
        assert_eq!(set.take(Some(1)), 1);
        set.end_task(false);
        assert_eq!(set.take(None), 2);
        assert_eq!(set.check_take(&worker, 6), Err(TasksError::NoneLeft {}));
        assert_eq!((set.close(), set.is_over()), (0, false));
        set.end_task(false);
        set.end_task(false);
        assert!(set.is_over());
    }

    #[test]
    fn closing_gives_back_what_nobody_took_and_no_more() {
        let mut set = set();
        set.take(None);
        assert_eq!((set.close(), set.close()), (260, 0));
        assert_eq!(set.check_take(&"bob.near".parse().unwrap(), 6), Err(TasksError::SetClosed {}));
        assert!(!set.is_over());
    }
}
