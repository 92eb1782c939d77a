//! The largest calls about as many channels: events that fit into a receipt's logs, and callbacks that never fail, because
//! then money would have moved that the books know nothing of.

use std::fmt::Write;

use charter_harness::{Call, Caller, Harness, Outcome, answer, call, ok};
use charter_types::escrow::args::{ChannelRef, Channels};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{CLAIM_BATCH_MAX, ChannelId, ClaimBatch, ClaimResult, Fact, PaidRow, PaidTo, WITHDRAW_MAX};
use charter_types::method::Method;
use charter_types::{AccountId, Hash32, U128};
use near_workspaces::Account;
use near_workspaces::operations::Function;
use near_workspaces::types::Gas;

use crate::escrow::{channel, claim, open_with, row, totals};

/// A tenth of a NEAR, storage included.
const DEPOSIT: u128 = 100_000_000_000_000_000_000_000;
/// A receipt's logs may have so many bytes.
const LOG_BYTES_MAX: usize = 16_384;
/// And so many there may be, of logs as of a transaction's actions.
const LOGS_MAX: usize = 100;
const ACTIONS_MAX: usize = 100;

async fn open_many(harness: &Harness, payer: &Account, payee: &Account, count: usize) -> Vec<ChannelId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(open_with(harness, payer, payee, DEPOSIT).await);
    }
    ids
}

fn check_logs(outcome: &Outcome) {
    for receipt in outcome.receipt_outcomes() {
        assert!(receipt.is_success(), "{receipt:?}");
        let bytes: usize = receipt.logs.iter().map(String::len).sum();
        assert!(bytes <= LOG_BYTES_MAX && receipt.logs.len() <= LOGS_MAX, "{bytes} bytes");
    }
}

/// The callback's static gas is a fifth above what it burns at worst, or an unlucky payout would stay in flight for ever.
fn check_callback(outcome: &Outcome, channels: usize) {
    let receipts = outcome.receipt_outcomes();
    let told =
        |logs: &[String]| ["payout_returned", "channels_closed"].iter().any(|event| logs.concat().contains(event));
    let settled: Vec<_> = receipts.iter().filter(|one| told(&one.logs)).collect();
    let [settled] = settled[..] else { panic!("one receipt tells all: {settled:?}") };
    let given = 5_000_000_000_000 + 800_000_000_000 * u64::try_from(channels).unwrap();
    let burnt = settled.gas_burnt.as_gas();
    assert!(settled.is_success() && burnt * 6 / 5 <= given, "{burnt} of {given}");
    assert_eq!(settled.logs.len(), 1, "one event tells all");
}

/// Leave out `Fact::ClaimsPaid` and tell each payout by itself, as it was: 24 channels were too many.
#[tokio::test]
async fn the_largest_batch_pays_all_of_its_channels() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let ids = open_many(&harness, &alice, &bob, CLAIM_BATCH_MAX).await;
    // Half of them were claimed before, by somebody else, and are only due.
    let (earlier, raised) = ids.split_at(CLAIM_BATCH_MAX / 2);
    claim(&harness, &alice, earlier.iter().map(|id| row(&harness, *id, 7_000)).collect(), false).await;
    let again = earlier.iter().map(|id| row(&harness, *id, 6_000));
    let rows = again.chain(raised.iter().map(|id| row(&harness, *id, 5_000))).collect();
    let batch = call(escrow::claim_batch, &ClaimBatch { rows, withdraw: true });
    let outcome = bob.send(&harness.contracts.escrow, batch, 0).await.unwrap();
    check_logs(&outcome);
    let results = answer(escrow::claim_batch, &outcome).unwrap();
    assert!(results[..earlier.len()].iter().all(|result| result.1 == "ESCROW_NOT_HIGHER"));
    assert!(results[earlier.len()..].iter().all(|result| result.1 == "5000"));
    let sum = u128::try_from(CLAIM_BATCH_MAX / 2).unwrap() * 12_000;
    let after = totals(&harness).await;
    assert_eq!((after.paid.0, after.in_flight.0), (sum, 0));
    for (id, paid) in [(ids[0], 7_000), (ids[CLAIM_BATCH_MAX - 1], 5_000)] {
        assert_eq!(channel(&harness, id).await.unwrap().paid.0, paid);
    }
}

/// Amounts as long as they get, of tokens of any kind, in the events that tell of as many channels as a call can name.
#[test]
fn the_largest_events_fit_into_a_receipts_logs() {
    // Standard, event, sequence number, hash, and an account of 64 characters.
    const ENVELOPE: usize = 400;
    let count = u8::try_from(CLAIM_BATCH_MAX).unwrap();
    let (id, amount) = (Hash32([255; 32]), U128(u128::MAX));
    let rows = |text: String| vec![ClaimResult(id, text); CLAIM_BATCH_MAX];
    let due = (0..count).map(|row| PaidRow(row, amount)).collect();
    // The last so many raised nothing, and the first are shared.
    let mixed = |shared: u8, not_raised: u8| {
        let first_due = count - not_raised;
        let mut rows = rows(amount.0.to_string());
        rows[usize::from(first_due)..].iter_mut().for_each(|row| row.1.clear());
        let due = (0..shared).chain(first_due..count).map(|row| PaidRow(row, amount)).collect();
        Fact::ClaimsPaid { rows, raised: (shared..first_due).collect(), due }
    };
    for fact in [
        mixed(30, 0),
        mixed(28, 17),
        mixed(21, 79),
        mixed(18, 105),
        Fact::Claims(rows(amount.0.to_string())),
        Fact::ClaimsPaid { rows: rows(amount.0.to_string()), raised: (0..count).collect(), due: Vec::new() },
        Fact::ClaimsPaid { rows: rows(String::new()), raised: Vec::new(), due },
        Fact::Paid(vec![PaidTo(id, amount); WITHDRAW_MAX]),
        Fact::ChannelsClosed(vec![id; WITHDRAW_MAX]),
    ] {
        let bytes = serde_json::to_string(&fact).unwrap().len();
        assert!(bytes + ENVELOPE <= LOG_BYTES_MAX, "{bytes}: {:.100}", format!("{fact:?}"));
    }
}

/// Closed while their payouts are on their way, as many as one transaction can close. Leave out `Fact::ChannelsClosed` and
/// tell of each by itself: the callback fails, and books and rows stay as they were.
#[tokio::test]
async fn channels_that_were_closed_meanwhile_go_all_at_once() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let ids = open_many(&harness, &alice, &bob, ACTIONS_MAX - 1).await;
    // All of each is claimed: closing sends nothing then, and what is left to happen is the payout's.
    let mut rows = Vec::new();
    for id in &ids {
        rows.push(row(&harness, *id, channel(&harness, *id).await.unwrap().deposited.0));
    }
    claim(&harness, &alice, rows, false).await;
    let function = |Call { method, args, .. }: Call, tgas| Function::new(&method).args(args).gas(Gas::from_tgas(tgas));
    let withdraw = call(escrow::withdraw, &Channels { channels: ids.clone() });
    let mut batch = bob.batch(&harness.contracts.escrow).call(function(withdraw, 250));
    for id in &ids {
        batch = batch.call(function(call(escrow::close, &ChannelRef { channel: *id }), 6));
    }
    let outcome = batch.transact().await.unwrap();
    assert!(outcome.is_success(), "{outcome:?}");
    check_callback(&outcome, ids.len());
    let after = totals(&harness).await;
    assert_eq!((after.held.0, after.in_flight.0), (0, 0));
    assert_eq!(channel(&harness, ids[0]).await, None);
}

/// A payee that asks for its money and deletes its account in the same receipt: what is sent finds nobody.
fn leaving(escrow: &AccountId, heir: &AccountId) -> Vec<u8> {
    let method = escrow::withdraw::NAME;
    let mut text = format!(
        r#"(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "current_account_id" (func $me (param i64)))
  (import "env" "promise_create" (func $call (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "env" "promise_batch_create" (func $batch (param i64 i64) (result i64)))
  (import "env" "promise_batch_action_delete_account" (func $delete (param i64 i64 i64)))
  (memory 1)
  (data (i32.const 0) "{escrow}")
  (data (i32.const 100) "{method}")
  (data (i32.const 200) "{heir}")
  ;; Zeroes at 300: no deposit.
"#
    );
    let register = u64::MAX.cast_signed();
    write!(
        text,
        r#"  (func (export "leave")
    (call $input (i64.const 0))
    (call $me (i64.const 1))
    (drop (call $call (i64.const {}) (i64.const 0) (i64.const {}) (i64.const 100) (i64.const {register}) (i64.const 0)
      (i64.const 300) (i64.const 280000000000000)))
    (call $delete (call $batch (i64.const {register}) (i64.const 1)) (i64.const {}) (i64.const 200))))"#,
        escrow.as_str().len(),
        method.len(),
        heir.as_str().len(),
    )
    .unwrap();
    wat::parse_str(&text).unwrap()
}

#[tokio::test]
async fn as_many_payouts_as_there_can_be_come_back_at_once() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let escrow = &harness.contracts.escrow;
    bob.deploy(&leaving(escrow, alice.id())).await.unwrap().into_result().unwrap();
    let ids = open_many(&harness, &alice, &bob, WITHDRAW_MAX).await;
    claim(&harness, &alice, ids.iter().map(|id| row(&harness, *id, 5_000)).collect(), false).await;
    let before = totals(&harness).await;
    let withdraw = call(escrow::withdraw, &Channels { channels: ids.clone() });
    let outcome = bob.send(bob.id(), Call { method: "leave".to_owned(), ..withdraw }, 0).await.unwrap();
    assert!(outcome.is_success(), "{outcome:?}");
    check_callback(&outcome, ids.len());
    assert_eq!(totals(&harness).await, before);
    for id in &ids {
        assert_eq!(channel(&harness, *id).await.unwrap().paid, U128(0));
    }
    // Who has that name afterwards is owed it.
    let bob = harness.account("bob").await.unwrap();
    let all = u128::try_from(WITHDRAW_MAX).unwrap() * 5_000;
    assert_eq!(ok(&bob, escrow, escrow::withdraw, &Channels { channels: ids }, 0).await, U128(all));
}
