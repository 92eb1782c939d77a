//! Calls of the escrow.

mod edges;
mod shares;
mod spending;

use std::time::Duration;

use charter_harness::ok;
use charter_types::Ed25519Key;
use charter_types::contract::Escrow;
use charter_types::escrow::args::{ChannelRef, Channels, Open};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{CLAIM_BATCH_MAX, ClaimBatch, WITHDRAW_DELAY_MS_MIN};
use near_workspaces::Account;

use super::Table;
use crate::escrow::{row, signing};
use crate::escrow_stage::Stage;
use charter_harness::arguments::DEPOSIT;

pub use spending::reputation;

/// With the root's name they are 32.
const LETTERS: usize = 22;

/// One channel that its payer closes, and one that its payee does.
pub async fn rows(table: &mut Table, payer: &Account, payee: &Account) {
    let voucher_key = Ed25519Key(signing().verifying_key().to_bytes());
    let open = Open { agent: Some(1), ..Open::new(payee.id().clone(), voucher_key, WITHDRAW_DELAY_MS_MIN) };
    let channel = table.note(payer, (Escrow, escrow::open), "first of its payer", &open, DEPOSIT).await;
    let reference = ChannelRef { channel };
    table.note(payer, (Escrow, escrow::top_up), "", &reference, DEPOSIT).await;
    let one = ClaimBatch { rows: vec![row(&table.harness, channel, 1_000)], withdraw: false };
    table.note(payee, (Escrow, escrow::claim_batch), "1 row", &one, 0).await;
    let channels = Channels { channels: vec![channel] };
    table.note(payee, (Escrow, escrow::withdraw), "one channel", &channels, 0).await;
    many(table, payer, payee, &open).await;
    let most = u128::try_from(CLAIM_BATCH_MAX).unwrap();
    let rows = (1..=most).map(|number| row(&table.harness, channel, (number + 1) * 1_000)).collect();
    let all = ClaimBatch { rows, withdraw: true };
    let case = format!("{CLAIM_BATCH_MAX} rows on one channel that all count, paid out");
    table.note(payee, (Escrow, escrow::claim_batch), &case, &all, 0).await;
    table.note(payer, (Escrow, escrow::request_close), "", &reference, 1).await;
    table.note(payer, (Escrow, escrow::cancel_close), "", &reference, 1).await;
    ok(payer, &table.contracts.escrow, escrow::request_close, &reference, 1).await;
    table.harness.wait(Duration::from_millis(WITHDRAW_DELAY_MS_MIN + 1_000)).await.unwrap();
    table.note(payer, (Escrow, escrow::finalize_close), "after the grace", &reference, 0).await;
    let channel = table.note(payer, (Escrow, escrow::open), "second of its payer", &open, DEPOSIT).await;
    let some = ClaimBatch { rows: vec![row(&table.harness, channel, 1_000)], withdraw: false };
    ok(payee, &table.contracts.escrow, escrow::claim_batch, &some, 0).await;
    table.note(payee, (Escrow, escrow::close), "with something for both", &ChannelRef { channel }, 0).await;
}

/// All else, with everything that can be large as large as it gets. It takes months: on a chain apart.
pub async fn more_rows(table: &mut Table, payer: &Account, payee: &Account) {
    let stage = Stage::new(&table.harness, (payer, payee), LETTERS).await;
    assert_eq!(stage.name(7).len(), 32);
    shares::rows(table, &stage).await;
    spending::purses(table, &stage).await;
    spending::reserves(table, &stage).await;
    spending::earnings(table, &stage).await;
    edges::rows(table, &stage).await;
}

/// As many channels as a call can name, each of which changes.
async fn many(table: &mut Table, payer: &Account, payee: &Account, args: &Open) {
    let escrow = table.contracts.escrow.clone();
    let mut channels = Vec::new();
    for _ in 0..CLAIM_BATCH_MAX {
        channels.push(ok(payer, &escrow, escrow::open, args, DEPOSIT / 10).await);
    }
    let batch = |table: &Table, amount, withdraw| {
        let rows = channels.iter().map(|channel| row(&table.harness, *channel, amount)).collect();
        ClaimBatch { rows, withdraw }
    };
    for (amount, withdraw, paid) in [(1_000, false, ""), (2_000, true, ", paid out")] {
        let case = format!("{CLAIM_BATCH_MAX} rows on as many channels{paid}");
        let args = batch(table, amount, withdraw);
        table.note(payee, (Escrow, escrow::claim_batch), &case, &args, 0).await;
    }
    let args = batch(table, 3_000, false);
    ok(payee, &escrow, escrow::claim_batch, &args, 0).await;
    let case = format!("{CLAIM_BATCH_MAX} channels");
    table.note(payee, (Escrow, escrow::withdraw), &case, &Channels { channels: channels.clone() }, 0).await;
}
