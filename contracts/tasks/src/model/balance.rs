//! What an account has here in an asset.

use charter_types::asset::Asset;
use charter_types::tasks::{self, TasksError};
use charter_types::{AccountId, U128};

use super::{Checked, add};

/// Of fixed size: whoever pays for the row is not asked when others change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub amount: u128,
    /// On its way out.
    pub in_flight: u128,
}

impl Balance {
    pub fn view(&self, account: AccountId, asset: Asset) -> tasks::Balance {
        let Self { amount, in_flight } = *self;
        tasks::Balance { account, asset, amount: U128(amount), in_flight: U128(in_flight) }
    }

    pub fn put(&mut self, amount: u128) -> Checked {
        self.amount = add(self.amount, amount)?;
        Ok(())
    }

    /// Takes out what is spent here.
    pub fn spend(&mut self, needed: u128) -> Checked {
        let available = self.amount;
        self.amount = available.checked_sub(needed).ok_or(TasksError::NotCovered { needed, available })?;
        Ok(())
    }

    /// Takes out what is sent off, all of it if no amount is named.
    pub fn send(&mut self, amount: Option<u128>) -> Checked<u128> {
        let amount = amount.unwrap_or(self.amount);
        if amount == 0 {
            return Err(TasksError::NothingDue {});
        }
        self.spend(amount)?;
        self.in_flight = add(self.in_flight, amount)?;
        Ok(amount)
    }

    /// A transfer is over. What came back was here before, so it fits.
    pub fn settle(&mut self, amount: u128, arrived: bool) {
        self.in_flight = self.in_flight.saturating_sub(amount);
        if !arrived {
            self.amount = self.amount.saturating_add(amount);
        }
    }

    /// Whether the row can go.
    pub fn is_empty(&self) -> bool {
        self.amount == 0 && self.in_flight == 0
    }
}

#[cfg(test)]
mod tests {
    use charter_types::tasks::TasksError;

    use super::Balance;

    #[test]
    fn what_comes_back_is_there_again() {
        let mut balance = Balance::default();
        assert_eq!(balance.send(None), Err(TasksError::NothingDue {}));
        balance.put(10).unwrap();
        assert_eq!(balance.spend(11), Err(TasksError::NotCovered { needed: 11, available: 10 }));
        assert_eq!(balance.send(Some(4)), Ok(4));
        assert_eq!(balance.send(None), Ok(6));
        assert!(!balance.is_empty());
        balance.settle(4, true);
        balance.settle(6, false);
        assert_eq!(balance, Balance { amount: 6, in_flight: 0 });
        assert_eq!(balance.send(None), Ok(6));
        balance.settle(6, true);
        assert!(balance.is_empty());
    }
}
