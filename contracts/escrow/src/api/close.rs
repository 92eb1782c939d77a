//! Closing: the payee at once, the payer after a grace in which the payee may still claim.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, encoded, methods, then_call};
use charter_types::escrow::ChannelId;
use charter_types::escrow::args::ChannelRef;
use charter_types::escrow::methods::on_closed;
use near_sdk::{NearToken, Promise, env, near};

use crate::gas::ON_CLOSED;
use crate::model::{Channel, Payout};
use crate::{Escrow, EscrowExt};

/// What a closing payout was about.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Closing {
    pub channel: ChannelId,
    pub payout: Payout,
}

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn close(&mut self, ChannelRef { channel: id }: ChannelRef) -> Answer {
        let channel = self.load(&id)?;
        channel.check_payee(&env::predecessor_account_id())?;
        self.close_channel(id, channel)
    }

    pub fn request_close(&mut self, ChannelRef { channel: id }: ChannelRef) -> Answer {
        let mut channel = self.payers_channel(&id)?;
        channel.request_close(id, env::block_timestamp_ms())?;
        self.save_and_tell("close_requested", &id, &channel)
    }

    pub fn cancel_close(&mut self, ChannelRef { channel: id }: ChannelRef) -> Answer {
        let mut channel = self.payers_channel(&id)?;
        channel.cancel_close(id)?;
        self.save_and_tell("close_cancelled", &id, &channel)
    }

    pub fn finalize_close(&mut self, ChannelRef { channel: id }: ChannelRef) -> Answer {
        let channel = self.load(&id)?;
        if !channel.closed {
            channel.check_grace_over(env::block_timestamp_ms())?;
        }
        self.close_channel(id, channel)
    }
}

impl Escrow {
    fn payers_channel(&self, id: &ChannelId) -> Answer<Channel> {
        let channel = self.load(id)?;
        channel.check_payer(&env::predecessor_account_id())?;
        Ok(channel)
    }

    /// Both sides are sent their part by promises of their own; `on_closed` sees which of them failed.
    fn close_channel(&mut self, id: ChannelId, mut channel: Channel) -> Answer {
        let payout = channel.close()?;
        self.save_and_tell("channel_closing", &id, &channel)?;
        let sum = payout.to_payee.saturating_add(payout.to_payer);
        if sum == 0 {
            return self.finish_closed(id, &channel);
        }
        self.totals.held = self.less(self.totals.held, sum)?;
        self.totals.in_flight = self.more(self.totals.in_flight, sum)?;
        let send = |to: &charter_types::AccountId, amount: u128| {
            Promise::new(to.clone()).transfer(NearToken::from_yoctonear(amount))
        };
        let us = Promise::new(env::current_account_id());
        let settle = then_call(us, on_closed, encoded(&Closing { channel: id, payout }), ON_CLOSED, 0);
        send(&channel.payee, payout.to_payee).and(send(&channel.payer, payout.to_payer)).then(settle).detach();
        Ok(())
    }
}
