//! Views.

use charter_common::{Answer, methods};
use charter_types::Hash32;
use charter_types::escrow::args::{ChannelRef, Channels};
use charter_types::escrow::{Channel, Totals};
use near_sdk::near;

use crate::{Escrow, EscrowExt};

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn channel(&self, ChannelRef { channel: id }: ChannelRef) -> Answer<Option<Channel>> {
        Ok(self.find(&id).map(|channel| channel.view(id)))
    }

    pub fn channels(&self, Channels { channels }: Channels) -> Answer<Vec<Channel>> {
        let found = channels.iter().take(100);
        Ok(found.filter_map(|id| Some(self.find(id)?.view(*id))).collect())
    }

    pub fn totals(&self) -> Totals {
        self.totals.view()
    }

    pub fn voucher_domain_of(&self) -> Hash32 {
        self.voucher_domain()
    }
}
