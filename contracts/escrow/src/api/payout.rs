//! Paying a payee what it has claimed.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, encoded, methods, then_call};
use charter_types::escrow::args::Channels;
use charter_types::escrow::methods::on_paid;
use charter_types::escrow::{ChannelId, EscrowError, Fact, WITHDRAW_MAX};
use charter_types::{AccountId, U128};
use near_sdk::{Gas, NearToken, Promise, env, near};

use crate::gas::{ON_PAID_BASE, ON_PAID_PER_CHANNEL};
use crate::{Escrow, EscrowExt};

/// One channel's part of a transfer.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Part {
    pub channel: ChannelId,
    pub amount: u128,
}

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn withdraw(&mut self, Channels { mut channels }: Channels) -> Answer<U128> {
        channels.sort();
        channels.dedup();
        if channels.is_empty() || channels.len() > WITHDRAW_MAX {
            return Err(EscrowError::WithdrawSize { channels: channels.len() }.into());
        }
        let caller = env::predecessor_account_id();
        for id in &channels {
            self.load(id)?.check_payee(&caller)?;
        }
        match self.pay_out(&caller, &channels)? {
            0 => Err(EscrowError::NothingDue {}.into()),
            sum => Ok(U128(sum)),
        }
    }
}

impl Escrow {
    /// Books first, then one transfer, whose callback restores the books if it fails.
    pub(crate) fn pay_out(&mut self, payee: &AccountId, channels: &[ChannelId]) -> Answer<u128> {
        let mut parts = Vec::new();
        let mut sum = 0_u128;
        for id in channels {
            let mut channel = self.load(id)?;
            let amount = channel.take_due()?;
            if amount > 0 {
                sum = sum.checked_add(amount).ok_or(EscrowError::Overflow {})?;
                self.save(id, &channel)?;
                self.emit("withdrawn", Fact::Channel(channel.view(*id)));
                parts.push(Part { channel: *id, amount });
            }
        }
        if sum == 0 {
            return Ok(0);
        }
        self.totals.held = self.less(self.totals.held, sum)?;
        self.totals.in_flight = self.more(self.totals.in_flight, sum)?;
        let count = u64::try_from(parts.len()).unwrap_or(u64::MAX);
        let gas =
            Gas::from_gas(ON_PAID_BASE.as_gas().saturating_add(ON_PAID_PER_CHANNEL.as_gas().saturating_mul(count)));
        let settle = then_call(Promise::new(env::current_account_id()), on_paid, encoded(&parts), gas, 0);
        Promise::new(payee.clone()).transfer(NearToken::from_yoctonear(sum)).then(settle).detach();
        Ok(sum)
    }

    pub(crate) fn more(&self, sum: U128, amount: u128) -> Answer<U128> {
        Ok(sum.0.checked_add(amount).map(U128).ok_or(EscrowError::Overflow {})?)
    }

    pub(crate) fn less(&self, sum: U128, amount: u128) -> Answer<U128> {
        Ok(sum.0.checked_sub(amount).map(U128).ok_or(EscrowError::Overflow {})?)
    }
}
