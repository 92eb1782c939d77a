//! Views.

use charter_common::{Answer, arguments};
use charter_types::Hash32;
use charter_types::escrow::args::{ChannelRef, Channels};
use charter_types::escrow::{Channel, Totals};
use near_sdk::near;

use crate::{Escrow, EscrowExt};

#[near]
impl Escrow {
    /// Takes `ChannelRef`.
    #[handle_result(aliased)]
    pub fn channel(&self) -> Answer<Option<Channel>> {
        let ChannelRef { channel: id } = arguments()?;
        Ok(self.find(&id).map(|channel| channel.view(id)))
    }

    /// Channels by id, at most 100; what is not there is missing. Takes `Channels`.
    #[handle_result(aliased)]
    pub fn channels(&self) -> Answer<Vec<Channel>> {
        let Channels { channels } = arguments()?;
        let found = channels.iter().take(100);
        Ok(found.filter_map(|id| Some(self.find(id)?.view(*id))).collect())
    }

    /// Sums over everything the escrow ever held (INV-ESC-1): `deposited = held + in_flight + paid + refunded`.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// What vouchers for this contract are signed under.
    pub fn voucher_domain_of(&self) -> Hash32 {
        self.voucher_domain()
    }
}
