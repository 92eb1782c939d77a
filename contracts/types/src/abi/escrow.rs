//! The methods of escrow.

use near_abi::AbiFunctionKind;

use super::{Table, parameter};
use crate::escrow::args::{ChannelRef, Channels, Open};
use crate::escrow::{Channel, ChannelId, ClaimResult, ClaimRow, Totals};
use crate::{Hash32, Named, Nothing, U128};

pub fn table() -> Table {
    let mut table = Table::shared();
    table.init::<Named>("new");
    table.pay::<Open, ChannelId>("open");
    table.pay::<ChannelRef, ()>("top_up");
    // `ClaimBatch`, field by field.
    let args = vec![parameter::<Vec<ClaimRow>>("rows"), parameter::<bool>("withdraw")];
    let results = table.answer::<Vec<ClaimResult>>();
    table.borsh("claim_batch", AbiFunctionKind::Call, args).result = Some(results);
    table.call::<Channels, U128>("withdraw");
    table.call::<ChannelRef, ()>("close");
    table.pay::<ChannelRef, ()>("request_close");
    table.pay::<ChannelRef, ()>("cancel_close");
    table.call::<ChannelRef, ()>("finalize_close");
    table.view::<ChannelRef, Option<Channel>>("channel");
    table.view::<Channels, Vec<Channel>>("channels");
    table.view::<Nothing, Totals>("totals");
    table.view::<Nothing, Hash32>("voucher_domain_of");
    table.callbacks(&["on_paid", "on_closed"]);
    table
}
