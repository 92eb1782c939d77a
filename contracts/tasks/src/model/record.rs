//! What outlives tasks: what an account did as a worker, what honeypots say of it, what it earned for an agent.

use charter_types::tasks::args::EarningsRef;
use charter_types::tasks::{self, EXCLUDED_PART, Outcome};
use charter_types::{AccountId, U128};

use super::Reviewer;

/// Of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub done_good: u64,
    pub done_bad: u64,
    pub silent_work: u64,
    /// Rewards in NEAR.
    pub earned: u128,
}

/// What honeypots of one requester say of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub work_right: u32,
    pub work_missed: u32,
    pub review_right: u32,
    pub review_missed: u32,
}

/// How many reviewers a requester's honeypots exclude.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    pub reviewers: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earnings {
    pub earned: u128,
    pub payments: u64,
}

impl Record {
    /// Its work is judged.
    pub fn judged(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Good => self.done_good = self.done_good.saturating_add(1),
            Outcome::Bad | Outcome::Unfetchable => self.done_bad = self.done_bad.saturating_add(1),
            Outcome::NoMajority => {}
        }
    }

    pub fn silent(&mut self) {
        self.silent_work = self.silent_work.saturating_add(1);
    }

    /// With what it did as a reviewer.
    pub fn view(&self, account: AccountId, reviewer: &Reviewer) -> tasks::Record {
        let Self { done_good, done_bad, silent_work, earned } = *self;
        let Reviewer { majority, minority, silent, earned: fees, .. } = *reviewer;
        let earned = U128(earned.saturating_add(fees));
        tasks::Record { account, done_good, done_bad, silent_work, majority, minority, silent_verdicts: silent, earned }
    }
}

impl Mark {
    pub fn worked(&mut self, right: bool) {
        let count = if right { &mut self.work_right } else { &mut self.work_missed };
        *count = count.saturating_add(1);
    }

    pub fn reviewed(&mut self, right: bool) {
        let count = if right { &mut self.review_right } else { &mut self.review_missed };
        *count = count.saturating_add(1);
    }

    pub fn excludes_worker(&self) -> bool {
        tasks::Mark::is_out(self.work_right, self.work_missed)
    }

    pub fn excludes_reviewer(&self) -> bool {
        tasks::Mark::is_out(self.review_right, self.review_missed)
    }

    pub fn view(&self, requester: AccountId, account: AccountId) -> tasks::Mark {
        let Self { work_right, work_missed, review_right, review_missed } = *self;
        tasks::Mark { requester, account, work_right, work_missed, review_right, review_missed }
    }
}

impl Exclusions {
    pub fn change(&mut self, was: bool, is: bool) {
        match (was, is) {
            (false, true) => self.reviewers = self.reviewers.saturating_add(1),
            (true, false) => self.reviewers = self.reviewers.saturating_sub(1),
            _ => {}
        }
    }

    /// Whether they count: a requester whose honeypots name too many, as false ones do, chooses its panels no more than
    /// others.
    pub fn count_among(&self, reviewers: u32) -> bool {
        self.reviewers > 0 && self.reviewers.saturating_mul(EXCLUDED_PART) <= reviewers
    }
}

impl Earnings {
    /// Whoever sends a token's whole supply round and round gets no further than what fits.
    pub fn credit(&mut self, amount: u128) {
        self.earned = self.earned.saturating_add(amount);
        self.payments = self.payments.saturating_add(1);
    }

    pub fn view(&self, EarningsRef { agent, account, asset }: EarningsRef) -> tasks::Earnings {
        tasks::Earnings { agent, account, asset, earned: U128(self.earned), payments: self.payments }
    }
}

#[cfg(test)]
mod tests {
    use super::Exclusions;

    #[test]
    fn more_than_a_tenth_excludes_nobody() {
        let of = |reviewers| Exclusions { reviewers };
        assert!(!of(0).count_among(100));
        assert!(of(1).count_among(10));
        assert!(!of(1).count_among(9));
        assert!(of(10).count_among(100));
        assert!(!of(11).count_among(100));
        let mut some = of(1);
        for (was, is, count) in [(false, true, 2), (true, true, 2), (true, false, 1), (false, false, 1)] {
            some.change(was, is);
            assert_eq!(some.reviewers, count);
        }
    }
}
