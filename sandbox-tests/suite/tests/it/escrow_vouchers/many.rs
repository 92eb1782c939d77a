//! Many rows, many channels, and more payouts on their way than a channel counts.

use std::fmt::Write;

use charter_harness::{Caller, Outcome, call, raw_bytes};
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::escrow::args::{ChannelRef, Open};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{CLAIM_BATCH_MAX, ChannelId, ClaimBatch};
use charter_types::method::Method;
use tokio::task::JoinSet;

use super::BAD_SIGNATURE;
use crate::escrow_scene::{Scene, balance, split};
use crate::staked::together;

/// So many payouts of one channel go out at once: more than a byte counts, even if what the first three callers send is over
/// before the others begin.
const CALLERS: usize = 8;
const EACH: usize = 52;

/// Opened by ann, in NEAR or a token in turn, each with a share, or without.
async fn channels(scene: &Scene, count: usize, shared: bool) -> Vec<ChannelId> {
    let splits = if shared { vec![split(scene.cid.id(), 1_000)] } else { Vec::new() };
    let mut channels = Vec::new();
    for number in 0..count {
        let asset = if number % 2 == 0 { Asset::Near } else { scene.asset() };
        channels.push(scene.open(&Open { asset, splits: splits.clone(), ..scene.open_args() }, 100_000).await);
    }
    channels
}

/// 24 were too many once: each payout was told of by itself.
#[tokio::test]
async fn a_batch_with_24_own_channels_and_one_with_128_pay_all_of_them() {
    let scene = Scene::new().await;
    for (count, shared) in [(24, true), (CLAIM_BATCH_MAX, false)] {
        let channels = channels(&scene, count, shared).await;
        let own = if shared { 9_000 } else { 10_000 };
        let before = scene.settled_tokens().await.paid.0;
        let rows = channels.iter().map(|channel| scene.row(*channel, 10_000)).collect();
        let told = scene.batch(&scene.ben, rows, true).await;
        assert!(told.iter().all(|told| told == "10000"), "{told:?}");
        for channel in [channels[0], channels[1], channels[count - 1]] {
            assert_eq!(scene.channel(channel).await.unwrap().paid.0, own);
        }
        let half = u128::try_from(count / 2).unwrap();
        assert_eq!(scene.settled_tokens().await.paid.0 - before, half * own);
    }
}

const SHARED: usize = 30;

/// What the payee of a shared channel was sent is told beside its row, and a receipt's logs have room for 30. Tell the row
/// alone, and who reads it believes that the payee has all.
#[tokio::test]
async fn a_batch_pays_30_shared_channels_and_tells_what() {
    let scene = Scene::new().await;
    let channels = channels(&scene, CLAIM_BATCH_MAX, true).await;
    let rows = channels.iter().map(|channel| scene.row(*channel, 10_000)).collect();
    let batch = ClaimBatch { rows, withdraw: true };
    let outcome = scene.send(&scene.ben, escrow::claim_batch, &batch, 0).await;
    let told = outcome.logs().into_iter().find(|log| log.contains("claims_paid")).unwrap();
    let fact: serde_json::Value = serde_json::from_str(told.strip_prefix("EVENT_JSON:").unwrap()).unwrap();
    let paid = &fact["data"][0]["new"]["claims_paid"];
    assert_eq!(paid["raised"].as_array().unwrap().len(), 0);
    let due = paid["due"].as_array().unwrap();
    assert!(due.len() == SHARED && due.iter().all(|row| row[1] == "9000"), "{due:?}");
    assert!(paid["rows"].as_array().unwrap().iter().all(|row| row[1] == "10000"));
    let mut left = 0;
    for channel in &channels {
        let seen = scene.channel(*channel).await.unwrap();
        assert_eq!(seen.claimed.0, 10_000);
        left += 9_000 - seen.paid.0;
    }
    let unpaid = u128::try_from(CLAIM_BATCH_MAX - SHARED).unwrap();
    assert_eq!(left, 9_000 * unpaid);
    // The same batch again pays the next ones: those that are paid take no room.
    let rows = channels.iter().map(|channel| scene.row(*channel, 10_000)).collect();
    scene.batch(&scene.ben, rows, true).await;
    let mut still = 0;
    for channel in &channels {
        still += 9_000 - scene.channel(*channel).await.unwrap().paid.0;
    }
    assert_eq!(still, 0);
}

/// The bad one fails alone, wherever it is, and withdrawing goes on without it.
#[tokio::test]
async fn of_128_rows_one_of_which_is_bad_127_count() {
    let scene = Scene::new().await;
    let channels = channels(&scene, CLAIM_BATCH_MAX, true).await;
    let mut claimed = 0;
    for place in [0, 63, CLAIM_BATCH_MAX - 1] {
        claimed += 1_000;
        let mut rows: Vec<_> = channels.iter().map(|channel| scene.row(*channel, claimed)).collect();
        rows[place].signature[0] ^= 1;
        let told = scene.batch(&scene.ben, rows, true).await;
        let good = told.iter().filter(|told| **told == claimed.to_string()).count();
        assert_eq!((good, told[place].as_str()), (CLAIM_BATCH_MAX - 1, BAD_SIGNATURE));
        scene.settled(&Asset::Near).await;
        scene.settled_tokens().await;
    }
}

/// In one transaction the close is executed while the payout is on its way. Both arrive, once.
#[tokio::test]
async fn a_channel_is_closed_while_a_withdrawal_is_on_its_way() {
    let scene = Scene::new().await;
    let near = Open { asset: Asset::Near, ..scene.open_args() };
    for args in [near, scene.open_args()] {
        let channel = scene.open(&args, 10_000).await;
        assert_eq!(scene.claim(channel, 4_000).await, "4000");
        let deposited = scene.channel(channel).await.unwrap().deposited.0;
        // A token's sums start anew with the last that is in it: another channel keeps them.
        scene.open(&args, 1_000).await;
        let before = scene.settled(&args.asset).await;
        let had = [scene.tokens(scene.ann.id()).await, scene.tokens(scene.ben.id()).await];
        let reference = ChannelRef { channel };
        let batch = ClaimBatch { rows: vec![scene.row(channel, 6_000)], withdraw: true };
        let calls = vec![(call(escrow::claim_batch, &batch), 0), (call(escrow::close, &reference), 0)];
        let outcome = together(&scene.ben, scene.contract(), calls).await;
        assert!(outcome.is_success(), "{outcome:?}");
        assert_eq!(scene.channel(channel).await, None);
        let after = scene.settled(&args.asset).await;
        let rest = deposited - 6_000;
        assert_eq!((after.paid.0 - before.paid.0, after.refunded.0 - before.refunded.0), (6_000, rest));
        assert_eq!((after.held.0, after.deposited), (before.held.0 - deposited, before.deposited));
        let has = [scene.tokens(scene.ann.id()).await, scene.tokens(scene.ben.id()).await];
        let arrived = if args.asset == Asset::Near { [0, 0] } else { [rest, 6_000] };
        assert_eq!(has, [had[0] + arrived[0], had[1] + arrived[1]]);
        scene.settled_tokens().await;
    }
}

/// A payee that presents batches of one length each, so many in each call, and the next ones in the next call: whichever
/// caller comes first, each raises what is claimed.
fn presenting(escrow: &AccountId, batches: &[Vec<u8>], each: usize) -> Vec<u8> {
    let (method, length) = (escrow::claim_batch::NAME, batches[0].len());
    let mut text = format!(
        r#"(module
  (import "env" "read_register" (func $read (param i64 i64)))
  (import "env" "storage_read" (func $load (param i64 i64 i64) (result i64)))
  (import "env" "storage_write" (func $store (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "promise_create" (func $call (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (memory 4)
  (data (i32.const 0) "{escrow}")
  (data (i32.const 100) "{method}")
  ;; A key of storage at 200, zeroes at 300: no deposit. At 400 is where the next batches are; the first ones at 1000.
  (data (i32.const 200) "next")
  (data (i32.const 400) "\e8\03")
  (data (i32.const 1000) ""#
    );
    for byte in batches.concat() {
        write!(text, "\\{byte:02x}").unwrap();
    }
    write!(
        text,
        r#"")
  (func (export "present") (local $at i64) (local $end i64)
    (if (i64.eq (call $load (i64.const 4) (i64.const 200) (i64.const 0)) (i64.const 1))
      (then (call $read (i64.const 0) (i64.const 400))))
    (local.set $at (i64.load (i32.const 400)))
    (local.set $end (i64.add (local.get $at) (i64.const {})))
    (i64.store (i32.const 400) (local.get $end))
    (drop (call $store (i64.const 4) (i64.const 200) (i64.const 8) (i64.const 400) (i64.const 0)))
    (loop $next
      (drop (call $call (i64.const {}) (i64.const 0) (i64.const {}) (i64.const 100) (i64.const {length}) (local.get $at)
        (i64.const 300) (i64.const 17000000000000)))
      (local.set $at (i64.add (local.get $at) (i64.const {length})))
      (br_if $next (i64.lt_u (local.get $at) (local.get $end))))))"#,
        each * length,
        escrow.as_str().len(),
        method.len(),
    )
    .unwrap();
    wat::parse_str(&text).unwrap()
}

/// What became of batches that raised what is claimed on one channel.
#[derive(Debug, Default)]
struct Became {
    /// Those that paid it, and those that paid nothing: as many payouts as there can be were on their way.
    paid: usize,
    raised: usize,
}

impl Became {
    fn count(&mut self, outcome: &Outcome) {
        for log in outcome.logs() {
            self.paid += usize::from(log.contains(r#""claims_paid""#));
            self.raised += usize::from(log.contains(r#""claims""#) && !log.contains("ESCROW_"));
        }
    }
}

/// Hundreds of payouts of one channel on their way at once. What can't be counted any more stays due, and is paid later.
#[tokio::test]
async fn hundreds_of_withdrawals_on_their_way_are_all_paid_once() {
    let scene = Scene::new().await;
    let args = Open { asset: Asset::Near, ..scene.open_args() };
    let channel = scene.open(&args, 0).await;
    let batch = |number: usize| {
        let cumulative = 1_000 * (u128::try_from(number).unwrap() + 1);
        let batch = ClaimBatch { rows: vec![scene.row(channel, cumulative)], withdraw: true };
        escrow::claim_batch::write(&batch)
    };
    let batches: Vec<Vec<u8>> = (0..CALLERS * EACH).map(batch).collect();
    let wasm = presenting(scene.contract(), &batches, EACH);
    scene.ben.deploy(&wasm).await.unwrap().into_result().unwrap();
    let mut callers = Vec::new();
    for number in 0..CALLERS {
        callers.push(scene.harness.account(&format!("caller{number}")).await.unwrap());
    }
    let had = balance(&scene.ben).await;
    let mut sent = JoinSet::new();
    for caller in callers {
        let (payee, present) = (scene.ben.id().clone(), raw_bytes("present", Vec::new()).tgas(1_000));
        sent.spawn(async move { caller.send(&payee, present, 0).await.unwrap() });
    }
    let mut became = Became::default();
    while let Some(outcome) = sent.join_next().await {
        let outcome = outcome.unwrap();
        assert!(outcome.is_success() && outcome.receipt_failures().is_empty(), "{outcome:?}");
        became.count(&outcome);
    }
    assert_eq!(became.paid + became.raised, CALLERS * EACH, "each raised what is claimed");
    assert!(became.paid >= usize::from(u8::MAX) && became.raised > 0, "never more than 255 at once: {became:?}");
    let most = 1_000 * u128::try_from(CALLERS * EACH).unwrap();
    let seen = scene.channel(channel).await.unwrap();
    assert_eq!(seen.claimed.0, most, "whatever came first");
    let arrived = scene.settled(&Asset::Near).await.paid;
    assert_eq!(seen.paid, arrived, "what was not sent is due: {became:?}");
    // A contract is rewarded for what is called on it; nothing is taken from it.
    assert!(balance(&scene.ben).await >= had + arrived.0);
    // A later batch may have paid what an earlier one left due.
    if seen.paid.0 < most {
        assert_eq!(scene.withdraw(&scene.ben, &[channel]).await, Ok(most - seen.paid.0));
    }
    assert_eq!(scene.channel(channel).await.unwrap().paid.0, most);
    assert_eq!(scene.settled(&Asset::Near).await.paid.0, most);
    // It closes like any other.
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    assert_eq!(scene.channel(channel).await, None);
}
