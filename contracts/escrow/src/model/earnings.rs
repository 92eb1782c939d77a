//! What an account earns for an agent.

use charter_types::U128;
use charter_types::escrow;
use charter_types::escrow::args::EarningsRef;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earnings {
    pub earned: u128,
    pub payments: u64,
}

impl Earnings {
    /// Money arrived. Whoever sends a token's whole supply round and round gets no further than what fits.
    pub fn credit(&mut self, amount: u128, payments: u64) {
        self.earned = self.earned.saturating_add(amount);
        self.payments = self.payments.saturating_add(payments);
    }

    pub fn view(&self, EarningsRef { agent, account, asset }: EarningsRef) -> escrow::Earnings {
        escrow::Earnings { agent, account, asset, earned: U128(self.earned), payments: self.payments }
    }
}
