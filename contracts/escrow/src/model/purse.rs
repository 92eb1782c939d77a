//! A purse: an owner's money that its agent may set aside in channels, within caps.

use charter_types::escrow::args::{PurseRef, SetCaps};
use charter_types::escrow::{self, DAY_MS, DEPOSIT_MIN, EscrowError};
use charter_types::{AccountId, U128};

use super::{Outcome, add};

/// Of fixed size: whoever pays for the row is not asked when others change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    pub balance: u128,
    /// On its way back to the owner.
    pub in_flight: u128,
    pub per_day: u128,
    pub per_payee: u128,
    /// 0: no caps so far.
    pub until_ms: u64,
    /// The day of the last draw, and what was drawn on it.
    pub day: u64,
    pub drawn: u128,
}

/// The same for one payee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    pub day: u64,
    pub amount: u128,
}

pub fn day_of(now_ms: u64) -> u64 {
    now_ms.div_euclid(DAY_MS)
}

impl Purse {
    pub fn fill(&mut self, amount: u128) -> Outcome {
        if amount < DEPOSIT_MIN {
            return Err(EscrowError::Deposit { attached: amount });
        }
        self.put_back(amount)
    }

    /// What comes back from a channel, however little it is.
    pub fn put_back(&mut self, amount: u128) -> Outcome {
        self.balance = self.balance.checked_add(amount).ok_or(EscrowError::Overflow {})?;
        Ok(())
    }

    /// What was drawn today stays drawn.
    pub fn set_caps(&mut self, SetCaps { per_day, per_payee, until_ms, .. }: &SetCaps) {
        (self.per_day, self.per_payee, self.until_ms) = (per_day.0, per_payee.0, *until_ms);
    }

    /// Takes `amount` out for the payee of whom `row` tells.
    pub fn draw(&mut self, row: &mut Drawn, amount: u128, now_ms: u64) -> Outcome {
        if self.until_ms == 0 || now_ms > self.until_ms {
            return Err(EscrowError::NoCaps {});
        }
        let day = day_of(now_ms);
        let of_today = |of: u64, sum: u128| if of == day { sum } else { 0 };
        let (drawn, given) = (of_today(self.day, self.drawn), of_today(row.day, row.amount));
        let left = self.per_day.saturating_sub(drawn).min(self.per_payee.saturating_sub(given));
        if amount > left {
            return Err(EscrowError::OverCaps { left });
        }
        let short = EscrowError::PurseShort { balance: self.balance };
        self.balance = self.balance.checked_sub(amount).ok_or(short)?;
        // Both are within their caps.
        (self.day, self.drawn) = (day, drawn.saturating_add(amount));
        (row.day, row.amount) = (day, given.saturating_add(amount));
        Ok(())
    }

    /// Takes everything out for the owner, whom the caller sends it.
    pub fn empty(&mut self) -> Outcome<u128> {
        if self.balance == 0 && self.in_flight > 0 {
            return Err(EscrowError::InFlight {});
        }
        let amount = self.balance;
        self.in_flight = add(self.in_flight, amount)?;
        self.balance = 0;
        Ok(amount)
    }

    /// The transfer is over.
    pub fn settle(&mut self, amount: u128, arrived: bool) -> Outcome {
        self.in_flight = self.in_flight.saturating_sub(amount);
        if arrived { Ok(()) } else { self.put_back(amount) }
    }

    /// Whether there is nothing in it and nothing on its way: after it was emptied the row can go.
    pub fn is_done(&self) -> bool {
        self.balance == 0 && self.in_flight == 0
    }

    pub fn view(&self, PurseRef { agent, owner, asset }: PurseRef) -> escrow::Purse {
        let Self { balance, in_flight, per_day, per_payee, until_ms, day, drawn } = *self;
        escrow::Purse {
            agent,
            owner,
            asset,
            balance: U128(balance),
            in_flight: U128(in_flight),
            per_day: U128(per_day),
            per_payee: U128(per_payee),
            until_ms,
            day,
            drawn: U128(drawn),
        }
    }
}

impl Drawn {
    pub fn view(&self, PurseRef { agent, owner, asset }: PurseRef, payee: AccountId) -> escrow::Drawn {
        escrow::Drawn { agent, owner, asset, payee, day: self.day, amount: U128(self.amount) }
    }
}

#[cfg(test)]
mod tests {
    use charter_types::escrow::{DAY_MS, EscrowError};

    use super::{Drawn, Purse};

    const NOON_MS: u64 = DAY_MS * 20_000 + DAY_MS / 2;

    fn purse() -> Purse {
        Purse { balance: 10_000, per_day: 5_000, per_payee: 3_000, until_ms: NOON_MS + 2 * DAY_MS, ..Purse::default() }
    }

    #[test]
    fn a_purse_gives_within_its_caps_by_day_and_payee() {
        let (mut purse, mut ann, mut ben) = (purse(), Drawn::default(), Drawn::default());
        assert_eq!(purse.draw(&mut ann, 3_001, NOON_MS), Err(EscrowError::OverCaps { left: 3_000 }));
        purse.draw(&mut ann, 3_000, NOON_MS).unwrap();
        assert_eq!(purse.draw(&mut ann, 1, NOON_MS), Err(EscrowError::OverCaps { left: 0 }));
        assert_eq!(purse.draw(&mut ben, 2_001, NOON_MS), Err(EscrowError::OverCaps { left: 2_000 }));
        purse.draw(&mut ben, 2_000, NOON_MS).unwrap();
        let midnight_ms = NOON_MS + DAY_MS / 2;
        assert_eq!(purse.draw(&mut ben, 1, midnight_ms - 1), Err(EscrowError::OverCaps { left: 0 }));
        // What channels return does not lower them.
        purse.put_back(1_000).unwrap();
        assert_eq!(purse.draw(&mut ben, 1, midnight_ms - 1), Err(EscrowError::OverCaps { left: 0 }));
        purse.draw(&mut ben, 3_000, midnight_ms).unwrap();
        assert_eq!((purse.balance, purse.drawn, ben.amount), (3_000, 3_000, 3_000));
    }

    #[test]
    fn without_caps_after_their_time_and_beyond_its_balance_it_gives_nothing() {
        let mut row = Drawn::default();
        let mut bare = Purse { balance: 10_000, ..Purse::default() };
        assert_eq!(bare.draw(&mut row, 1, 0), Err(EscrowError::NoCaps {}));
        let mut purse = purse();
        assert_eq!(purse.draw(&mut row, 1, purse.until_ms + 1), Err(EscrowError::NoCaps {}));
        purse.draw(&mut row, 1, purse.until_ms).unwrap();
        (purse.per_day, purse.per_payee) = (u128::MAX, u128::MAX);
        assert_eq!(purse.draw(&mut row, u128::MAX, purse.until_ms), Err(EscrowError::OverCaps { left: u128::MAX - 1 }));
        assert_eq!(purse.draw(&mut row, 10_000, purse.until_ms), Err(EscrowError::PurseShort { balance: 9_999 }));
        assert_eq!((row.amount, purse.drawn), (1, 1), "what was refused changes nothing");
    }

    #[test]
    fn what_was_sent_back_and_did_not_arrive_is_there_again() {
        let mut purse = purse();
        assert_eq!(purse.empty(), Ok(10_000));
        assert_eq!(purse.empty(), Err(EscrowError::InFlight {}));
        assert!(!purse.is_done());
        purse.settle(10_000, false).unwrap();
        assert_eq!((purse.balance, purse.in_flight), (10_000, 0));
        assert_eq!(purse.empty(), Ok(10_000));
        purse.put_back(7).unwrap();
        purse.settle(10_000, true).unwrap();
        assert!(!purse.is_done(), "a channel was closed meanwhile");
        assert_eq!(purse.empty(), Ok(7));
        purse.settle(7, true).unwrap();
        assert!(purse.is_done());
        assert_eq!(purse.empty(), Ok(0));
        assert_eq!(purse.fill(999), Err(EscrowError::Deposit { attached: 999 }));
        assert_eq!(purse.fill(u128::MAX), Ok(()));
        assert_eq!(purse.fill(1_000), Err(EscrowError::Overflow {}));
    }
}
