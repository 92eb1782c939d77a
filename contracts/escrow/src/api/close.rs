//! Closing: the payee at once, the payer after a grace in which the payee may still claim.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Core, arguments};
use charter_types::escrow::ChannelId;
use charter_types::escrow::args::ChannelRef;
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

#[near]
impl Escrow {
    /// Closes a channel: what is claimed goes to the payee, the rest back to the payer. Takes `ChannelRef`. Payee, no
    /// deposit.
    #[handle_result(aliased)]
    pub fn close(&mut self) -> Answer {
        let ChannelRef { channel: id } = arguments()?;
        let channel = self.load(&id)?;
        channel.check_payee(&env::predecessor_account_id())?;
        self.close_channel(id, channel)
    }

    /// Starts the grace after which the payer gets the rest back; claims count until then. Takes `ChannelRef`. Payer, 1
    /// yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn request_close(&mut self) -> Answer {
        let (id, mut channel) = self.payers_channel()?;
        channel.request_close(id, env::block_timestamp_ms())?;
        self.save_and_tell("close_requested", &id, &channel)
    }

    /// Takes `ChannelRef`. Payer, 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn cancel_close(&mut self) -> Answer {
        let (id, mut channel) = self.payers_channel()?;
        channel.cancel_close(id)?;
        self.save_and_tell("close_cancelled", &id, &channel)
    }

    /// Ends a channel whose grace is over, or sends again what a closed one still owes. Takes `ChannelRef`. Anyone, no
    /// deposit.
    #[handle_result(aliased)]
    pub fn finalize_close(&mut self) -> Answer {
        let ChannelRef { channel: id } = arguments()?;
        let channel = self.load(&id)?;
        if !channel.closed {
            channel.check_grace_over(env::block_timestamp_ms())?;
        }
        self.close_channel(id, channel)
    }
}

impl Escrow {
    fn payers_channel(&self) -> Answer<(ChannelId, Channel)> {
        let ChannelRef { channel: id } = arguments()?;
        let channel = self.load(&id)?;
        channel.check_payer(&env::predecessor_account_id())?;
        Core::check_one_yocto()?;
        Ok((id, channel))
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
        let arguments = borsh::to_vec(&Closing { channel: id, payout }).unwrap_or_default();
        let settle =
            Promise::new(env::current_account_id()).function_call("on_closed", arguments, NearToken::ZERO, ON_CLOSED);
        send(&channel.payee, payout.to_payee).and(send(&channel.payer, payout.to_payer)).then(settle).detach();
        Ok(())
    }
}
