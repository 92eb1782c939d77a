//! Channels: vouchers that bite nowhere else, closes with grace, payouts that fail.

use std::time::Duration;

use charter_client::{VoucherSigner, sha256};
use charter_harness::{Caller, Harness, answer, call, ok, refused, view};
use charter_types::escrow::args::{ChannelRef, Channels, OfAsset, Open};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{
    CLAIM_BATCH_MAX, Channel, ChannelId, ClaimBatch, ClaimResult, ClaimRow, Totals, Voucher, WITHDRAW_DELAY_MS_MIN,
};
use charter_types::{Ed25519Key, Hash32, U128};
use ed25519_dalek::SigningKey;
use near_workspaces::Account;

use charter_harness::arguments::unregister;

const DEPOSIT: u128 = 1_000_000_000_000_000_000_000_000;

pub fn signing() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn domain(harness: &Harness) -> Hash32 {
    Voucher::domain(&harness.chain_id, &harness.contracts.escrow, sha256)
}

pub async fn open(harness: &Harness, payer: &Account, payee: &Account) -> ChannelId {
    open_with(harness, payer, payee, DEPOSIT).await
}

pub async fn open_with(harness: &Harness, payer: &Account, payee: &Account, deposit: u128) -> ChannelId {
    let voucher_key = Ed25519Key(signing().verifying_key().to_bytes());
    let args = Open::new(payee.id().clone(), voucher_key, WITHDRAW_DELAY_MS_MIN);
    ok(payer, &harness.contracts.escrow, escrow::open, &args, deposit).await
}

pub async fn claim(harness: &Harness, caller: &Account, rows: Vec<ClaimRow>, withdraw: bool) -> Vec<ClaimResult> {
    ok(caller, &harness.contracts.escrow, escrow::claim_batch, &ClaimBatch { rows, withdraw }, 0).await
}

pub fn row(harness: &Harness, channel: ChannelId, amount: u128) -> ClaimRow {
    let (voucher, signature) = VoucherSigner::new(signing(), domain(harness), channel).pay(amount).unwrap();
    ClaimRow::new(&voucher, &signature)
}

pub async fn channel(harness: &Harness, id: ChannelId) -> Option<Channel> {
    view(&harness.worker, &harness.contracts.escrow, escrow::channel, &ChannelRef { channel: id }).await.unwrap()
}

pub async fn totals(harness: &Harness) -> Totals {
    view(&harness.worker, &harness.contracts.escrow, escrow::totals, &OfAsset::default()).await.unwrap()
}

#[tokio::test]
async fn a_voucher_bites_only_its_own_channel_contract_chain_and_bytes() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let (id, other) = (open(&harness, &alice, &bob).await, open(&harness, &alice, &bob).await);
    let good = row(&harness, id, 5_000);
    let mut moved = good.clone();
    moved.channel = other.0;
    let elsewhere = |chain: &str, contract: &charter_types::AccountId| {
        let domain = Voucher::domain(chain, contract, sha256);
        let (voucher, signature) = VoucherSigner::new(signing(), domain, id).pay(5_000).unwrap();
        ClaimRow::new(&voucher, &signature)
    };
    let escrow = &harness.contracts.escrow;
    let mut rows = vec![moved, elsewhere("mainnet", escrow), elsewhere("charter-tests", &harness.contracts.keys)];
    // One bit in each variable part, and in the signature.
    for flip in [
        |row: &mut ClaimRow| row.cumulative ^= 1,
        |row: &mut ClaimRow| row.expires_at_ms = u64::MAX,
        |row: &mut ClaimRow| row.counter ^= 1,
        |row: &mut ClaimRow| row.context_root[31] ^= 1,
        |row: &mut ClaimRow| row.signature[0] ^= 1,
        |row: &mut ClaimRow| row.signature[63] ^= 0x10,
    ] {
        let mut bent = good.clone();
        flip(&mut bent);
        rows.push(bent);
    }
    let refused = claim(&harness, &bob, rows, false).await;
    assert!(refused.iter().all(|result| result.1 == "ESCROW_BAD_SIGNATURE"), "{refused:?}");
    let accepted = claim(&harness, &bob, vec![good.clone(), good], false).await;
    assert_eq!((accepted[0].claimed(), accepted[1].1.as_str()), (Some(5_000), "ESCROW_NOT_HIGHER"));
}

#[tokio::test]
async fn the_largest_batch_fits_and_any_order_gives_the_maximum() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let id = open(&harness, &alice, &bob).await;
    let count = u128::try_from(CLAIM_BATCH_MAX).unwrap();
    // Rising: every row is a signature check, a write and a result.
    let rows = (1..=count).map(|number| row(&harness, id, number * 1_000)).collect();
    let largest = call(escrow::claim_batch, &ClaimBatch { rows, withdraw: false });
    let outcome = bob.send(&harness.contracts.escrow, largest, 0).await.unwrap();
    let results = answer(escrow::claim_batch, &outcome).unwrap();
    assert_eq!(results.len(), CLAIM_BATCH_MAX);
    assert!(results.iter().all(|result| result.claimed().is_some()), "{results:?}");
    let per_row = outcome.total_gas_burnt.as_gas() / u64::try_from(CLAIM_BATCH_MAX).unwrap();
    assert!(per_row <= 1_000_000_000_000, "{per_row} gas a row");
    // Falling and repeated: the maximum, once.
    let other = open(&harness, &alice, &bob).await;
    let rows = [3_000, 9_000, 1_000, 9_000, 2_000].map(|amount| row(&harness, other, amount)).to_vec();
    claim(&harness, &bob, rows, false).await;
    assert_eq!(channel(&harness, other).await.unwrap().claimed.0, 9_000);
    let too_many = vec![row(&harness, id, 1); CLAIM_BATCH_MAX + 1];
    let args = ClaimBatch { rows: too_many, withdraw: false };
    assert_eq!(refused(&bob, &harness.contracts.escrow, escrow::claim_batch, &args, 0).await, "ESCROW_BAD_BATCH_SIZE");
}

#[tokio::test]
async fn the_payer_gets_the_rest_only_after_the_grace_and_the_payee_claims_until_then() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let escrow = &harness.contracts.escrow;
    let id = open(&harness, &alice, &bob).await;
    let reference = ChannelRef { channel: id };
    assert_eq!(refused(&bob, escrow, escrow::request_close, &reference, 1).await, "ESCROW_NOT_PAYER");
    ok(&alice, escrow, escrow::request_close, &reference, 1).await;
    assert_eq!(refused(&alice, escrow, escrow::finalize_close, &reference, 0).await, "ESCROW_TOO_EARLY");
    let claimed = claim(&harness, &bob, vec![row(&harness, id, 7_000)], false).await;
    assert_eq!(claimed[0].claimed(), Some(7_000));
    harness.wait(Duration::from_millis(WITHDRAW_DELAY_MS_MIN + 1_000)).await.unwrap();
    ok(&alice, escrow, escrow::finalize_close, &reference, 0).await;
    assert_eq!(channel(&harness, id).await, None);
    let after = totals(&harness).await;
    assert_eq!((after.held.0, after.in_flight.0, after.paid.0), (0, 0, 7_000));
    assert_eq!(after.deposited.0, after.paid.0 + after.refunded.0);
    // Storage is back at its baseline, and the id never works again.
    unregister(&alice, escrow).await;
    assert_eq!(claim(&harness, &bob, vec![row(&harness, id, 8_000)], false).await[0].1, "ESCROW_UNKNOWN_CHANNEL");
}

#[tokio::test]
async fn a_payout_to_an_account_that_is_gone_comes_back_to_the_books() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let escrow = &harness.contracts.escrow;
    let id = open(&harness, &alice, &bob).await;
    claim(&harness, &alice, vec![row(&harness, id, 6_000)], false).await;
    let before = channel(&harness, id).await.unwrap();
    ok(&alice, escrow, escrow::request_close, &ChannelRef { channel: id }, 1).await;
    harness.wait(Duration::from_millis(WITHDRAW_DELAY_MS_MIN + 1_000)).await.unwrap();
    bob.delete_account(alice.id()).await.unwrap().into_result().unwrap();
    let sent = alice.send(escrow, call(escrow::finalize_close, &ChannelRef { channel: id }), 0).await.unwrap();
    assert!(sent.is_success(), "{sent:?}");
    let after = channel(&harness, id).await.unwrap();
    assert!(after.closed);
    assert_eq!((after.paid.0, after.claimed), (0, before.claimed), "the payee's part is still owed");
    assert_eq!(after.refunded.0, after.deposited.0 - after.claimed.0, "the payer's part arrived");
    let sums = totals(&harness).await;
    assert_eq!((sums.held.0, sums.in_flight.0), (6_000, 0));
}

#[tokio::test]
async fn withdrawing_is_for_the_payee_and_pays_what_is_claimed() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let escrow = &harness.contracts.escrow;
    let id = open(&harness, &alice, &bob).await;
    claim(&harness, &alice, vec![row(&harness, id, 6_000)], false).await;
    let args = Channels { channels: vec![id] };
    assert_eq!(refused(&alice, escrow, escrow::withdraw, &args, 0).await, "ESCROW_NOT_PAYEE");
    let gone = Hash32([9; 32]);
    let none = Channels { channels: vec![gone] };
    assert_eq!(refused(&bob, escrow, escrow::withdraw, &none, 0).await, "ESCROW_UNKNOWN_CHANNEL");
    // A payer who closes a channel at the last moment holds up nobody's others.
    let with_gone = Channels { channels: vec![gone, id] };
    assert_eq!(ok(&bob, escrow, escrow::withdraw, &with_gone, 0).await, U128(6_000));
    assert_eq!(refused(&bob, escrow, escrow::withdraw, &args, 0).await, "ESCROW_NOTHING_DUE");
    assert_eq!(totals(&harness).await.paid.0, 6_000);
}
