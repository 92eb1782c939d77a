//! Closing: the payee at once, the payer after grace and lock, while the payee may still claim.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, methods, pay_then, sending};
use charter_types::U128;
use charter_types::escrow::args::ChannelRef;
use charter_types::escrow::methods::on_closed;
use charter_types::escrow::{ChannelId, Fact};
use near_sdk::{Promise, env, near};

use super::reputation::Earned;
use crate::gas::ON_CLOSED;
use crate::model::{Channel, Landed, Payout};
use crate::{Escrow, EscrowExt};

/// What a closing payout was about.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Closing {
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
            channel.check_may_end(env::block_timestamp_ms())?;
        }
        self.close_channel(id, channel)
    }
}

impl Escrow {
    pub(super) fn payers_channel(&self, id: &ChannelId) -> Answer<Channel> {
        let channel = self.load(id)?;
        channel.check_payer(&env::predecessor_account_id())?;
        Ok(channel)
    }

    /// Both sides are sent their part by promises of their own; `on_closed` sees which of them failed. What came out of a
    /// purse goes back there, if that is there: it is held as before.
    fn close_channel(&mut self, id: ChannelId, mut channel: Channel) -> Answer {
        let purse = self.purse_of(&channel);
        let (payout, to_purse) = channel.close(purse.is_some())?;
        self.save_and_tell("channel_closing", &id, &channel)?;
        if let Some((key, mut purse)) = purse.filter(|_| to_purse > 0) {
            purse.put_back(to_purse)?;
            self.save_purse(&key, &purse)?;
        }
        let sides = [(&channel.payee, payout.to_payee), (&channel.payer, payout.to_payer)];
        let due = sides.into_iter().filter(|(_, amount)| *amount > 0);
        let sent = due.map(|(to, amount)| sending(&channel.asset, to, amount)).reduce(Promise::and);
        let Some(sent) = sent else {
            self.finish_closed(id, &channel);
            return Ok(());
        };
        self.book_out(&channel.asset, payout.to_payee.saturating_add(payout.to_payer))?;
        pay_then(sent, (on_closed, ON_CLOSED), &Closing { channel: id, payout }).detach();
        Ok(())
    }

    pub(super) fn settle_closing(&mut self, Closing { channel: id, payout }: &Closing, came_back: Payout) {
        let Some(mut channel) = self.find(id) else { return };
        if channel.settle_close(came_back).is_err() {
            return;
        }
        let paid = payout.to_payee.saturating_sub(came_back.to_payee);
        let refunded = payout.to_payer.saturating_sub(came_back.to_payer);
        let back = came_back.to_payee.saturating_add(came_back.to_payer);
        for (amount, landed) in [(paid, Landed::Paid), (refunded, Landed::Refunded), (back, Landed::Back)] {
            self.land(&channel.asset, amount, landed);
        }
        if let (Some(agent), true) = (channel.agent, paid > 0) {
            self.credit(&channel.payee, &channel.asset, &Earned::one(agent, paid));
        }
        if !self.finish_closed(*id, &channel) && self.save(id, &channel).is_ok() && back > 0 {
            self.emit("payout_returned", Fact::Channel(Box::new(channel.view(*id))));
        }
    }

    /// Removes a closed channel once nothing is owed or on its way, and says whether; its storage goes back to who paid for it.
    pub(super) fn finish_closed(&mut self, id: ChannelId, channel: &Channel) -> bool {
        let gone = channel.is_done() && self.channels.remove(&id, &mut self.core.storage);
        if gone {
            self.release_asset(&channel.asset);
            self.emit("channel_closed", Fact::ChannelClosed(id, U128(channel.paid), U128(channel.refunded)));
        }
        gone
    }
}
