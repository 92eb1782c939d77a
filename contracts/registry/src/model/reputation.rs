//! What counts of the totals that a reporter tells.

use charter_types::registry::Reputation;
use charter_types::{Hash32, U128};

/// An agent's name with a reporter, and where the next report goes on from. Its size does not depend on whose totals were
/// told last, so a report that goes on costs no storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub shown: Reputation,
    /// Hash of the account whose totals were told last; zeros, if they were the agent's as a whole.
    pub(crate) account: Hash32,
    /// The highest that was told of it since.
    pub(crate) earned: U128,
    pub(crate) payments: u64,
}

/// As it was counted before reports named an account, and as an epoch's first report is.
impl From<Reputation> for Counted {
    fn from(shown: Reputation) -> Self {
        Self { account: Hash32::default(), earned: shown.earned, payments: shown.payments, shown }
    }
}

impl Counted {
    /// Counts what has come to an account since it was told of last. What came to another one while it was not paid for the
    /// agent is not the agent's: its first report only says where it stands. Whether anything is new.
    pub fn count(&mut self, account: Hash32, earned: u128, payments: u64) -> bool {
        if self.account != account {
            (self.account, self.earned, self.payments) = (account, U128(earned), payments);
            return true;
        }
        let more = (earned.saturating_sub(self.earned.0), payments.saturating_sub(self.payments));
        self.shown.earned.0 = self.shown.earned.0.saturating_add(more.0);
        self.shown.payments = self.shown.payments.saturating_add(more.1);
        self.earned.0 = self.earned.0.max(earned);
        self.payments = self.payments.max(payments);
        more != (0, 0)
    }
}

#[cfg(test)]
mod tests {
    use charter_types::registry::Reputation;
    use charter_types::{Hash32, U128};

    use super::Counted;

    const A: Hash32 = Hash32([1; 32]);
    const B: Hash32 = Hash32([2; 32]);

    fn counted() -> Counted {
        Counted::from(Reputation {
            agent: 1,
            epoch: 1,
            reporter: "rex.near".parse().unwrap(),
            asset: "near".to_owned(),
            earned: U128(100),
            payments: 10,
            reported_ms: 0,
            earned_before: U128(100),
            payments_before: 10,
        })
    }

    fn shown(counted: &Counted) -> (u128, u64) {
        (counted.shown.earned.0, counted.shown.payments)
    }

    #[test]
    fn only_what_comes_between_two_reports_of_one_account_counts() {
        let mut counted = counted();
        let reports = [
            (A, 5_000, 500, (100, 10)),
            (A, 5_007, 501, (107, 11)),
            // A total that was told before, or is less, as after its account began anew.
            (A, 5_007, 501, (107, 11)),
            (A, 3, 1, (107, 11)),
            (A, 5_008, 1, (108, 11)),
            (B, 0, 0, (108, 11)),
            (B, 2, 1, (110, 12)),
            (A, 9_000, 900, (110, 12)),
            (A, 9_001, 901, (111, 13)),
            // Another contract's way to tell: of the agent as a whole.
            (Hash32::default(), 100_000, 1_000, (111, 13)),
            (Hash32::default(), 100_001, 1_001, (112, 14)),
        ];
        for (account, earned, payments, then) in reports {
            counted.count(account, earned, payments);
            assert_eq!(shown(&counted), then, "{account:?} {earned}");
        }
        assert_eq!((counted.shown.earned_before, counted.shown.payments_before), (U128(100), 10));
    }

    #[test]
    fn what_tells_nothing_new_is_no_news() {
        let mut counted = counted();
        assert!(!counted.count(Hash32::default(), 100, 10));
        assert!(counted.count(A, 100, 10), "another account");
        assert!(!counted.count(A, 99, 9));
        assert!(counted.count(A, 99, 11));
        assert!(counted.count(A, u128::MAX, 11));
        assert!(!counted.count(A, u128::MAX, 11));
        assert!(counted.count(B, 0, 0) && counted.count(B, u128::MAX, u64::MAX));
        assert_eq!(shown(&counted), (u128::MAX, u64::MAX), "and no higher");
    }
}
