//! Channels with as many shares as there can be, in a token.

use charter_types::contract::Escrow;
use charter_types::escrow::args::{ChannelRef, Channels, Distribute, ExtendLock, Open, TransferMsg};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{DAY_MS, DISTRIBUTE_MAX, WITHDRAW_MAX};

use super::super::{SHARED, Table};
use crate::escrow_stage::Stage;
use charter_harness::arguments::DEPOSIT;

/// One channel from its opening to its close, then as many as a call can name, whose payee keeps what is due last for its
/// creators.
pub async fn rows(table: &mut Table, stage: &Stage) {
    let Stage { payer, payee, token, .. } = stage;
    let args = stage.open_args(&table.harness, stage.agent).await;
    let channel = table.note(payer, (Escrow, escrow::open), SHARED, &args, DEPOSIT).await;
    let told = stage.told(payer, 10_000_000, &TransferMsg::TopUp { channel });
    table.note(token, (Escrow, escrow::ft_on_transfer), "to a channel with 32 shares", &told, 0).await;
    let later = ExtendLock { channel, locked_until_ms: args.locked_until_ms + DAY_MS };
    table.note(payer, (Escrow, escrow::extend_lock), "32 shares", &later, 1).await;
    stage.claim(&table.harness, &[channel], 1_000_000).await;
    let Open { splits, offer, .. } = args;
    let sent = Distribute { channel, splits, offer, shares: (0..u8::try_from(DISTRIBUTE_MAX).unwrap()).collect() };
    table.note(payee, (Escrow, escrow::distribute), "8 of 32 shares, in a token", &sent, 0).await;
    let channels = Channels { channels: vec![channel] };
    table.note(payee, (Escrow, escrow::withdraw), "one channel with 32 shares, in a token", &channels, 0).await;
    stage.claim(&table.harness, &[channel], 2_000_000).await;
    let case = "with something for both, 32 shares, in a token";
    table.note(payee, (Escrow, escrow::close), case, &ChannelRef { channel }, 0).await;

    let channels = stage.open(&table.harness, &[stage.agent; WITHDRAW_MAX], 10_000_000).await;
    let case = format!("{WITHDRAW_MAX} channels with 32 shares each, in a token");
    let args = Channels { channels: channels.clone() };
    stage.claim(&table.harness, &channels, 1_000_000).await;
    table.note(payee, (Escrow, escrow::withdraw), &case, &args, 0).await;
    stage.claim(&table.harness, &channels, 2_000_000).await;
    table.note(payee, (Escrow, escrow::reserve), &case, &args, DEPOSIT).await;
}
