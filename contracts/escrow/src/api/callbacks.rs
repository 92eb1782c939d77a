//! Callbacks. They settle and never fail: an error here would roll back our books but not the transfer already made.

use charter_common::{Answer, methods, succeeded};
use charter_types::escrow::{ChannelId, Fact, PaidTo};
use charter_types::{U128, escrow::EscrowError};
use near_sdk::{env, near};

use super::close::Closing;
use super::payout::Part;
use crate::model::{Channel, Payout};
use crate::{Escrow, EscrowExt};

#[methods(escrow)]
#[near]
impl Escrow {
    /// After a transfer to a payee.
    #[private]
    pub fn on_paid(&mut self) {
        let parts: Vec<Part> = borsh::from_slice(&env::input().unwrap_or_default()).unwrap_or_default();
        let arrived = succeeded(0);
        let (mut returned, mut closed) = (Vec::new(), Vec::new());
        for part in &parts {
            let Some(channel) = self.settle_part(part, arrived) else { continue };
            if !arrived {
                returned.push(PaidTo(part.channel, U128(channel.paid)));
            } else if channel.is_done() && self.channels.remove(&part.channel, &mut self.core.storage) {
                closed.push(part.channel);
            }
        }
        // One event for all: a receipt has a hundred logs at most, and then it would fail with the books as they were.
        if !returned.is_empty() {
            self.emit("payout_returned", Fact::Paid(returned));
        }
        if !closed.is_empty() {
            self.emit("channels_closed", Fact::ChannelsClosed(closed));
        }
    }

    /// After the transfers of a close: the payee's, then the payer's.
    #[private]
    pub fn on_closed(&mut self) {
        let Ok(closing) = borsh::from_slice::<Closing>(&env::input().unwrap_or_default()) else { return };
        let payout = closing.payout;
        let came_back = Payout {
            to_payee: if succeeded(0) { 0 } else { payout.to_payee },
            to_payer: if succeeded(1) { 0 } else { payout.to_payer },
        };
        self.settle_closing(&closing, came_back);
    }
}

impl Escrow {
    /// The channel afterwards.
    fn settle_part(&mut self, part: &Part, arrived: bool) -> Option<Channel> {
        let mut channel = self.find(&part.channel)?;
        channel.settle_due(part.amount, arrived).ok()?;
        self.land(part.amount, if arrived { Landed::Paid } else { Landed::Back });
        self.save(&part.channel, &channel).ok()?;
        Some(channel)
    }

    fn settle_closing(&mut self, closing: &Closing, came_back: Payout) {
        let Some(mut channel) = self.find(&closing.channel) else { return };
        if channel.settle_close(came_back).is_err() {
            return;
        }
        self.land(closing.payout.to_payee.saturating_sub(came_back.to_payee), Landed::Paid);
        self.land(closing.payout.to_payer.saturating_sub(came_back.to_payer), Landed::Refunded);
        self.land(came_back.to_payee.saturating_add(came_back.to_payer), Landed::Back);
        if self.save(&closing.channel, &channel).is_ok() && came_back != Payout::default() {
            self.emit("payout_returned", Fact::Channel(channel.view(closing.channel)));
        }
        let _ = self.finish_closed(closing.channel, &channel);
    }

    /// Removes a closed channel once nothing is owed or on its way; its storage goes back to the payer.
    pub(crate) fn finish_closed(&mut self, id: ChannelId, channel: &Channel) -> Answer {
        if channel.is_done() {
            if !self.channels.remove(&id, &mut self.core.storage) {
                return Err(EscrowError::UnknownChannel { id }.into());
            }
            self.emit("channel_closed", Fact::ChannelClosed(id, U128(channel.paid), U128(channel.refunded)));
        }
        Ok(())
    }

    fn land(&mut self, amount: u128, landed: Landed) {
        let totals = &mut self.totals;
        totals.in_flight = U128(totals.in_flight.0.saturating_sub(amount));
        let sum = match landed {
            Landed::Paid => &mut totals.paid,
            Landed::Refunded => &mut totals.refunded,
            Landed::Back => &mut totals.held,
        };
        *sum = U128(sum.0.saturating_add(amount));
    }
}

/// Where money in flight came down.
enum Landed {
    Paid,
    Refunded,
    Back,
}
