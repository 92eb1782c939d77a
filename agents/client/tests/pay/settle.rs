//! What is claimed, and when.

use charter_client::pay::{Answer, Margins, Payee, Seen};
use charter_types::escrow::{CLAIM_BATCH_MAX, Voucher};

use crate::chain::{CLAIM_MS, DELAY_MS, DOMAIN, LOOK_MS, SETTLE_MS, START_MS, id, seen, signed, voucher};
use crate::payee::payee;
use crate::stand_in::{FilesStandIn, Left};

pub async fn take(payee: &Payee, voucher: &Voucher, price: u128, now_ms: u64) {
    let answer = payee.accept(voucher, &signed(voucher), price, now_ms).await.unwrap();
    assert!(matches!(answer, Answer::Accepted(accepted) if !accepted.repeat), "{answer:?}");
}

/// Both sides of each bound, the most urgent first.
#[tokio::test]
async fn a_channel_is_due_before_its_vouchers_could_be_worth_nothing() {
    let payee = payee(&FilesStandIn::default());
    for number in 1..=4 {
        payee.see(seen(number)).unwrap();
    }
    let (expires_at_ms, closes_ms) = (START_MS + 600_000, START_MS + 500_000);
    take(&payee, &voucher(1, 10), 10, START_MS).await;
    take(&payee, &Voucher { expires_at_ms, ..voucher(2, 10) }, 10, START_MS).await;
    take(&payee, &voucher(3, 10), 10, START_MS).await;
    payee.see(Seen { closes_ms: Some(closes_ms), ..seen(3) }).unwrap();
    // Nothing was accepted on 4.
    assert!(payee.due(closes_ms - SETTLE_MS - 1).is_empty());
    assert_eq!(payee.due(closes_ms - SETTLE_MS), [id(3)]);
    assert_eq!(payee.due(expires_at_ms - SETTLE_MS - 1), [id(3)]);
    assert_eq!(payee.due(expires_at_ms - SETTLE_MS), [id(3), id(2)]);
    payee.see(Seen { claimed: 10, ..seen(2) }).unwrap();
    // Nobody has looked at it for so long that it may have been closing all the time.
    let soonest_ms = START_MS + DELAY_MS;
    assert_eq!(payee.due(soonest_ms - SETTLE_MS - 1), [id(3)]);
    assert_eq!(payee.due(soonest_ms - SETTLE_MS), [id(3), id(1)]);
    payee.see(Seen { at_ms: START_MS + 1, ..seen(1) }).unwrap();
    assert_eq!(payee.due(soonest_ms - SETTLE_MS), [id(3)]);
    payee.see(Seen { at_ms: START_MS + 1, locked_until_ms: soonest_ms + 2, ..seen(1) }).unwrap();
    assert_eq!(payee.due(soonest_ms - SETTLE_MS + 1), [id(3)]);
    // What is claimed or closed is not due.
    payee.see(Seen { claimed: 10, closes_ms: Some(closes_ms), ..seen(3) }).unwrap();
    assert!(payee.due(closes_ms).is_empty());
    payee.see(Seen { claimed: 0, closed: true, ..seen(3) }).unwrap();
    assert!(payee.due(closes_ms).is_empty());
    payee.forget(id(1));
    assert!(payee.due(u64::MAX).is_empty());
}

/// A claim takes its time: one that would come too late is no reason to lose what is good for longer.
#[tokio::test]
async fn a_voucher_that_expires_before_it_is_claimed_gives_way_to_the_best_that_does_not() {
    let payee = payee(&FilesStandIn::default());
    payee.see(seen(1)).unwrap();
    let expires_at_ms = START_MS + 200_000;
    take(&payee, &voucher(1, 10), 10, START_MS).await;
    take(&payee, &Voucher { expires_at_ms, ..voucher(1, 30) }, 20, START_MS).await;
    let in_time_ms = expires_at_ms - CLAIM_MS;
    let claims = |now_ms| payee.claim_rows(&[id(1)], now_ms).concat()[0].cumulative;
    assert_eq!((claims(in_time_ms), payee.unclaimed(in_time_ms)), (30, vec![(id(1), 30)]));
    assert_eq!((claims(in_time_ms + 1), payee.unclaimed(in_time_ms + 1)), (10, vec![(id(1), 10)]));
    // It is tried once the other one is safe.
    assert_eq!(payee.due(expires_at_ms), [id(1)]);
    payee.see(Seen { claimed: 10, ..seen(1) }).unwrap();
    assert_eq!(payee.due(expires_at_ms), [id(1)]);
    assert_eq!((claims(expires_at_ms), payee.unclaimed(expires_at_ms)), (30, vec![(id(1), 20)]));
    assert!(payee.unclaimed(expires_at_ms + 1).is_empty());
    assert!(payee.due(expires_at_ms + 1).is_empty());
}

/// Who claims only shortly before the end still claims what is over before the next look.
#[tokio::test]
async fn what_is_over_before_the_next_look_is_due_whatever_the_margin() {
    let margins = Margins { settle_ms: 0, ..Margins::default() };
    let payee = Payee::with_files(FilesStandIn::default(), DOMAIN, margins).unwrap();
    payee.see(seen(1)).unwrap();
    let expires_at_ms = START_MS + 200_000;
    take(&payee, &Voucher { expires_at_ms, ..voucher(1, 10) }, 10, START_MS).await;
    let last_ms = expires_at_ms - LOOK_MS - CLAIM_MS;
    assert!(payee.due(last_ms - 1).is_empty());
    assert_eq!(payee.due(last_ms), [id(1)]);
}

#[tokio::test]
async fn rows_come_in_batches_that_the_contract_takes_and_in_one_order() {
    let payee = payee(&FilesStandIn::default());
    for number in 0..200 {
        payee.see(seen(number)).unwrap();
        take(&payee, &voucher(number, 10), 10, START_MS).await;
    }
    // The last ones are the most urgent; of two nothing is known.
    let mut channels: Vec<_> = (0..=200).rev().map(id).collect();
    channels.push(id(201));
    let batches = payee.claim_rows(&channels, START_MS);
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [CLAIM_BATCH_MAX, 200 - CLAIM_BATCH_MAX]);
    let ids = |batch: usize| batches[batch].iter().map(|row| row.channel[0]).collect::<Vec<_>>();
    assert_eq!(ids(0), (72..200).collect::<Vec<_>>());
    assert_eq!(ids(1), (0..72).collect::<Vec<_>>());
    assert_eq!(payee.claim_rows(&[], START_MS).len(), 0);
}

#[tokio::test]
async fn after_a_claim_the_log_is_short_and_says_the_same() {
    let files = FilesStandIn::default();
    let payee = payee(&files);
    for number in [1, 2, 3] {
        payee.see(seen(number)).unwrap();
        for cumulative in 1..=40 {
            take(&payee, &voucher(number, cumulative), 1, START_MS).await;
        }
    }
    assert_eq!(files.bytes("log"), (1 + 3 * 40) * 256);
    let closed = Seen { closed: true, ..seen(3) };
    payee.settled(vec![Seen { claimed: 40, ..seen(1) }, closed]).await.unwrap();
    // Those that are known when they come again, of the channels that are open.
    assert_eq!(files.bytes("log"), (1 + 2 * 16) * 256);
    take(&payee, &voucher(1, 41), 1, START_MS).await;
    drop(payee);

    let payee = self::payee(&files.crash(Left { tail: 0, names: false }));
    // After a start nobody knows what has become of the channels.
    assert_eq!(payee.due(START_MS), [id(1), id(2)]);
    payee.see(Seen { claimed: 40, ..seen(1) }).unwrap();
    payee.see(seen(2)).unwrap();
    assert!(payee.due(START_MS).is_empty());
    let last = [1, 2, 3].map(|number| payee.last(id(number)).map(|row| row.cumulative));
    assert_eq!(last, [Some(41), Some(40), None]);
    let again = voucher(2, 25);
    let answer = payee.accept(&again, &signed(&again), 1, START_MS).await.unwrap();
    assert!(matches!(answer, Answer::Accepted(accepted) if accepted.repeat));
    take(&payee, &voucher(2, 41), 1, START_MS).await;
}
