//! A payer that wants its money back sends vouchers that expire after one that does not: what is good for longer than all
//! that came after it is kept, and claimed.

use charter_client::pay::{Answer, EXPIRIES_MAX, Margins, Payee, REPEATS_MAX, Seen};
use charter_client::sha256;
use charter_types::escrow::{ClaimRow, Voucher};

use crate::chain::{CLAIM_MS, Chain, DELAY_MS, DOMAIN, LOOK_MS, SETTLE_MS, START_MS, id, seen, signed, voucher};
use crate::payee::payee;
use crate::settle::take;
use crate::stand_in::{FilesStandIn, Left};

const NOTHING: Left = Left { tail: 0, names: false };

/// The payee claims only before the end, and nobody looks for longer than the last vouchers are good: without what
/// `Ledger::keep` keeps besides the last ones the payer has 500 back.
#[tokio::test]
async fn a_voucher_for_good_is_claimed_though_many_that_expire_came_after_it() {
    for (compacts, starts) in [(false, false), (false, true), (true, false), (true, true)] {
        let files = FilesStandIn::default();
        let (mut payee, mut chain) = (payee(&files), Chain::new(2));
        payee.see(chain.show(id(1))).unwrap();
        take(&payee, &voucher(1, 500), 500, START_MS).await;
        let expires_at_ms = START_MS + LOOK_MS + CLAIM_MS;
        for cumulative in 501..=540 {
            take(&payee, &Voucher { expires_at_ms, ..voucher(1, cumulative) }, 1, START_MS).await;
        }
        chain.request_close(id(1));
        if compacts {
            payee.compact().await.unwrap();
        }
        if starts {
            payee = self::payee(&files.crash(NOTHING));
        }
        chain.now_ms = expires_at_ms + 1;
        payee.see(chain.show(id(1))).unwrap();
        assert_eq!(payee.unclaimed(chain.now_ms), [(id(1), 500)], "{compacts} {starts}");
        chain.now_ms = START_MS + DELAY_MS - SETTLE_MS;
        let due = payee.due(chain.now_ms);
        assert_eq!(due, [id(1)]);
        for row in payee.claim_rows(&due, chain.now_ms).concat() {
            chain.claim(&row);
        }
        chain.now_ms = START_MS + DELAY_MS;
        chain.finalize_close(id(1));
        let found = chain.show(id(1));
        assert_eq!((found.closed, found.claimed), (true, 500), "{compacts} {starts}");
    }
}

/// Each expires before the one before it, and all are gone from the last ones.
#[tokio::test]
async fn whatever_has_expired_the_best_of_the_rest_is_claimed() {
    let files = FilesStandIn::default();
    let payee = payee(&files);
    payee.see(seen(1)).unwrap();
    let over_ms = |step: u64| START_MS + DELAY_MS - 10_000 * step;
    let step = |step: u64| Voucher { expires_at_ms: over_ms(step), ..voucher(1, step.into()) };
    let most = u64::try_from(EXPIRIES_MAX).unwrap();
    for number in 1..=most {
        take(&payee, &step(number), 1, START_MS).await;
    }
    let told = |voucher: Voucher| {
        let answer = payee.accept(&voucher, &signed(&voucher), 1, START_MS);
        async move {
            match answer.await.unwrap() {
                Answer::Accepted(_) => "accepted",
                Answer::Refused(refusal) => refusal.code(),
            }
        }
    };
    assert_eq!(told(step(most + 1)).await, "PAY_TOO_MANY_EXPIRIES");
    // As many as anybody likes that are good as long as the last.
    let last = u128::from(most) + 2 * u128::try_from(REPEATS_MAX).unwrap();
    for cumulative in u128::from(most) + 1..=last {
        assert_eq!(told(Voucher { cumulative, ..step(most) }).await, "accepted");
    }
    let shorter = Voucher { expires_at_ms: over_ms(most + 1), ..voucher(1, last + 1) };
    assert_eq!(told(shorter.clone()).await, "PAY_TOO_MANY_EXPIRIES");

    let check = |payee: &Payee| {
        for number in 1..=most {
            let now_ms = over_ms(number) - CLAIM_MS;
            let best = if number == most { last } else { number.into() };
            assert_eq!(payee.unclaimed(now_ms), [(id(1), best)], "{number}");
        }
    };
    check(&payee);
    payee.compact().await.unwrap();
    check(&payee);
    let found = self::payee(&files.crash(NOTHING));
    check(&found);
    // Its head, the last ones, and all steps but that of the last ones.
    assert_eq!(files.bytes("log"), (1 + REPEATS_MAX + EXPIRIES_MAX - 1) * 256);

    // What is claimed makes room.
    payee.see(Seen { claimed: 1, ..seen(1) }).unwrap();
    assert_eq!(told(shorter).await, "accepted");
    payee.compact().await.unwrap();
    assert_eq!(files.bytes("log"), (REPEATS_MAX + EXPIRIES_MAX - 1) * 256);
}

/// A frame as it stands in a log.
fn frame(durable: u64, body: &[u8]) -> Vec<u8> {
    let mut rest = [durable.to_le_bytes().as_slice(), body].concat();
    rest.resize(248, 0);
    [&sha256(&rest)[..8], rest.as_slice()].concat()
}

/// Byte by byte as it always was: the frames of a log that knew of the last vouchers only.
#[test]
fn a_log_that_was_written_before_opens() {
    let folder = tempfile::tempdir().unwrap();
    let signature = signed(&voucher(1, 1)).0;
    let accepted = |cumulative: u128| {
        let (expires_at_ms, counter, price) = (0_u64, 1_u64, 1_u128);
        let channel = id(1).0;
        let numbers =
            [cumulative.to_le_bytes().as_slice(), &expires_at_ms.to_le_bytes(), &counter.to_le_bytes()].concat();
        [[1_u8].as_slice(), &channel, &numbers, &[0; 32], &signature, &price.to_le_bytes()].concat()
    };
    let mut log = frame(0, &[[0_u8, 0].as_slice(), &DOMAIN.0, &[0; 32]].concat());
    log.extend((25..=40).flat_map(|cumulative| frame(0, &accepted(cumulative))));
    std::fs::write(folder.path().join("log"), &log).unwrap();
    let payee = Payee::open(folder.path(), DOMAIN, Margins::default()).unwrap();
    payee.see(seen(1)).unwrap();
    let last = ClaimRow { signature, ..ClaimRow::new(&voucher(1, 40), &signed(&voucher(1, 40))) };
    assert_eq!(payee.last(id(1)), Some(last));
    assert_eq!(payee.unclaimed(START_MS), [(id(1), 40)]);
    drop(payee);
    assert_eq!(std::fs::read(folder.path().join("log")).unwrap(), log);
}
