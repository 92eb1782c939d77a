//! Everything stops at every step of the disk, and leaves more or less of what was on its way.

use std::collections::BTreeMap;

use charter_client::Payer;
use charter_client::pay::{Answer, Conditions, Margins, Payee, Payment};

use crate::chain::{DOMAIN, START_MS, id, seen, signed, signing, voucher};
use crate::stand_in::{FilesStandIn, Left};

/// More steps than either life below takes.
const STEPS: usize = 60;
/// What is left of what was on its way. `None`: everything, because only the process was killed; what it had written may still
/// be lost later.
const LEFT: [Option<Left>; 6] = [
    None,
    Some(NOTHING),
    Some(Left { tail: 0, names: true }),
    Some(Left { tail: 100, names: false }),
    Some(Left { tail: 256, names: true }),
    Some(Left { tail: usize::MAX, names: true }),
];
const NOTHING: Left = Left { tail: 0, names: false };

fn after(files: &FilesStandIn, left: Option<Left>) -> FilesStandIn {
    left.map_or_else(|| files.clone().stopping_at(usize::MAX), |left| files.crash(left))
}

/// Accepts as long as the disk lets it, with a log made shorter in between. Returns what it answered for.
async fn accepting(files: &FilesStandIn) -> u128 {
    let Ok(payee) = Payee::with_files(files.clone(), DOMAIN, Margins::default()) else { return 0 };
    payee.see(seen(1)).unwrap();
    let mut answered = payee.last(id(1)).map_or(0, |row| row.cumulative);
    for round in 0..6 {
        let next = voucher(1, answered + 1);
        let Ok(Answer::Accepted(_)) = payee.accept(&next, &signed(&next), 1, START_MS).await else { break };
        answered += 1;
        if round % 2 == 1 && payee.compact().await.is_err() {
            break;
        }
    }
    answered
}

/// Remove a sync or the folder's, or put the rename before them, and this fails.
#[tokio::test]
async fn no_accepted_voucher_is_lost_wherever_everything_stops() {
    let mut stopped = 0;
    for (step, left) in (0..STEPS).flat_map(|step| LEFT.map(|left| (step, left))) {
        let files = FilesStandIn::default().stopping_at(step);
        let answered = accepting(&files).await;
        stopped += usize::from(files.steps() > step);
        // Once more, from what is left, and again from what that leaves.
        let files = after(&files, left).stopping_at(step / 2);
        let later = accepting(&files).await;
        let found = files.crash(left.unwrap_or(NOTHING));
        let found = Payee::with_files(found, DOMAIN, Margins::default()).unwrap();
        let last = found.last(id(1)).map_or(0, |row| row.cumulative);
        assert!(last >= answered.max(later), "{step} {left:?}: {last} of {answered} and {later}");
        // What nobody was answered for may be there: one voucher at most.
        assert!(last <= answered.max(later) + 1, "{step} {left:?}: {last} of {answered} and {later}");
    }
    assert!(stopped > 100, "it stopped only {stopped} times");
}

/// All that was ever signed, by counter.
#[derive(Default)]
struct Signed(BTreeMap<u64, Vec<u8>>);

impl Signed {
    fn note(&mut self, payment: &Payment) {
        let bytes = payment.voucher.to_bytes().to_vec();
        let before = self.0.entry(payment.voucher.counter).or_insert_with(|| bytes.clone());
        assert_eq!(*before, bytes, "counter {} was signed twice", payment.voucher.counter);
    }

    /// Pays as long as the disk lets it. The price differs from life to life, so that a counter used again would show.
    async fn paying(&mut self, files: &FilesStandIn, price: u128) {
        let Ok(payer) = Payer::with_files(files.clone(), signing(), DOMAIN) else { return };
        payer.see(seen(1)).unwrap();
        if let Ok(Some(again)) = payer.again(id(1)).await {
            self.note(&again);
        }
        for round in 0..6 {
            let Ok(payment) = payer.pay(id(1), price, Conditions::default(), START_MS).await else { break };
            self.note(&payment);
            if round % 2 == 1 && payer.compact().await.is_err() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn no_counter_is_signed_twice_wherever_everything_stops() {
    for (step, left) in (0..STEPS).flat_map(|step| LEFT.map(|left| (step, left))) {
        let mut signed = Signed::default();
        let files = FilesStandIn::default().stopping_at(step);
        signed.paying(&files, 1).await;
        let files = after(&files, left).stopping_at(step / 2);
        signed.paying(&files, 2).await;
        let files = files.crash(left.unwrap_or(NOTHING));
        signed.paying(&files, 3).await;
        assert!(signed.0.len() >= 6, "{step} {left:?}: the last life signs whatever came before");
    }
}
