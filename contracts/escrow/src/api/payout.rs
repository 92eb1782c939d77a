//! Paying a payee what it has claimed.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, encoded, methods, then_call};
use charter_types::escrow::args::Channels;
use charter_types::escrow::methods::on_paid;
use charter_types::escrow::{ChannelId, EscrowError, Fact, PaidTo, WITHDRAW_MAX};
use charter_types::{AccountId, U128};
use near_sdk::{Gas, NearToken, Promise, env, near};

use crate::gas::{ON_PAID_BASE, ON_PAID_PER_CHANNEL};
use crate::model::Channel;
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
        let (mut own, mut gone) = (Vec::new(), None);
        for id in channels {
            // A channel that somebody closed meanwhile is gone, and what was due in it is paid: the others don't wait for it.
            let Some(channel) = self.find(&id) else {
                gone = Some(id);
                continue;
            };
            channel.check_payee(&caller)?;
            own.push((id, channel));
        }
        if let (true, Some(id)) = (own.is_empty(), gone) {
            return Err(EscrowError::UnknownChannel { id }.into());
        }
        let (sum, paid) = self.pay_out(&caller, own)?;
        if sum == 0 {
            return Err(EscrowError::NothingDue {}.into());
        }
        self.emit("withdrawn", Fact::Paid(paid));
        Ok(U128(sum))
    }
}

impl Escrow {
    /// Books first, then one transfer, whose callback restores the books if it fails. Channels that were read are written
    /// back. The caller tells what was paid.
    pub(crate) fn pay_out(
        &mut self,
        payee: &AccountId,
        channels: Vec<(ChannelId, Channel)>,
    ) -> Answer<(u128, Vec<PaidTo>)> {
        let (mut parts, mut paid) = (Vec::new(), Vec::new());
        let mut sum = 0_u128;
        for (id, mut channel) in channels {
            // What has too many transfers open stays due: the others don't wait for it.
            let amount = channel.take_due().unwrap_or_default();
            self.save(&id, &channel)?;
            if amount > 0 {
                sum = sum.checked_add(amount).ok_or(EscrowError::Overflow {})?;
                parts.push(Part { channel: id, amount });
                paid.push(PaidTo(id, U128(channel.paid)));
            }
        }
        if sum == 0 {
            return Ok((0, paid));
        }
        self.totals.held = self.less(self.totals.held, sum)?;
        self.totals.in_flight = self.more(self.totals.in_flight, sum)?;
        let count = u64::try_from(parts.len()).unwrap_or(u64::MAX);
        let gas =
            Gas::from_gas(ON_PAID_BASE.as_gas().saturating_add(ON_PAID_PER_CHANNEL.as_gas().saturating_mul(count)));
        let settle = then_call(Promise::new(env::current_account_id()), on_paid, encoded(&parts), gas, 0);
        Promise::new(payee.clone()).transfer(NearToken::from_yoctonear(sum)).then(settle).detach();
        Ok((sum, paid))
    }

    pub(crate) fn more(&self, sum: U128, amount: u128) -> Answer<U128> {
        Ok(sum.0.checked_add(amount).map(U128).ok_or(EscrowError::Overflow {})?)
    }

    pub(crate) fn less(&self, sum: U128, amount: u128) -> Answer<U128> {
        Ok(sum.0.checked_sub(amount).map(U128).ok_or(EscrowError::Overflow {})?)
    }
}
