//! What a payee takes and what it refuses, by the table in `docs/payments.md`.

use charter_client::offer::{Agreed, Level, Offer, Price};
use charter_client::pay::{Accepted, Answer, Margins, Payee, Refusal, Seen, Standing};
use charter_types::asset::Asset;
use charter_types::escrow::{Channel, ClaimRow, EscrowError, Kind, Voucher, terms_hash};
use charter_types::{Hash32, Signature64, U128};
use serde_json::json;

use crate::chain::{CLAIM_MS, DELAY_MS, DOMAIN, LOOK_MS, START_MS, id, seen, signed, voucher};
use crate::stand_in::FilesStandIn;

pub fn payee(files: &FilesStandIn) -> Payee {
    Payee::with_files(files.clone(), DOMAIN, Margins::default()).unwrap()
}

/// A payee that has looked at channel 1.
fn looking() -> Payee {
    let payee = payee(&FilesStandIn::default());
    payee.see(seen(1)).unwrap();
    payee
}

/// What a voucher is answered, if it is signed as it should be.
async fn answer(payee: &Payee, voucher: &Voucher, price: u128) -> Answer {
    payee.accept(voucher, &signed(voucher), price, START_MS).await.unwrap()
}

async fn code(payee: &Payee, voucher: &Voucher, price: u128) -> &'static str {
    match answer(payee, voucher, price).await {
        Answer::Accepted(Accepted { repeat: false, .. }) => "accepted",
        Answer::Accepted(Accepted { repeat: true, .. }) => "repeat",
        Answer::Refused(refusal) => refusal.code(),
    }
}

fn refused(error: EscrowError) -> Answer {
    Answer::Refused(Refusal::Chain(error))
}

#[tokio::test]
async fn flipping_any_bit_of_a_voucher_or_its_signature_is_refused() {
    let payee = looking();
    let good = voucher(1, 10);
    let signature = signed(&good);
    for bit in 0..512 {
        let mut bent = signature;
        bent.0[bit / 8] ^= 1 << (bit % 8);
        let answer = payee.accept(&good, &bent, 10, START_MS).await.unwrap();
        assert_eq!(answer, refused(EscrowError::Signature {}));
    }
    let far = START_MS + LOOK_MS + CLAIM_MS;
    for change in [
        |voucher: &mut Voucher, _: u64| voucher.counter = 2,
        |voucher: &mut Voucher, far: u64| voucher.expires_at_ms = far,
        |voucher: &mut Voucher, _: u64| voucher.context_root = Hash32([1; 32]),
    ] {
        let mut bent = good.clone();
        change(&mut bent, far);
        let answer = payee.accept(&bent, &signature, 10, START_MS).await.unwrap();
        assert_eq!(answer, refused(EscrowError::Signature {}));
    }
    assert_eq!(code(&payee, &good, 10).await, "accepted");
}

#[tokio::test]
async fn another_channel_contract_or_kind_is_refused() {
    let payee = looking();
    assert_eq!(answer(&payee, &voucher(2, 10), 10).await, refused(EscrowError::UnknownChannel { id: id(2) }));
    let elsewhere = Voucher { domain: Hash32([3; 32]), ..voucher(1, 10) };
    assert_eq!(code(&payee, &elsewhere, 10).await, "ESCROW_BAD_SIGNATURE");
    let response = Voucher { kind: Kind::Response, ..voucher(1, 10) };
    assert_eq!(code(&payee, &response, 10).await, "ESCROW_BAD_SIGNATURE");
    payee.see(Seen { closed: true, at_ms: START_MS + 1, ..seen(1) }).unwrap();
    assert_eq!(code(&payee, &voucher(1, 10), 10).await, "ESCROW_UNKNOWN_CHANNEL");
}

/// Both sides of each bound.
#[tokio::test]
async fn what_could_not_be_claimed_in_time_is_refused() {
    let expiring = |expires_at_ms| Voucher { expires_at_ms, ..voucher(1, 10) };
    // Looked at a minute later at the latest, and claimed in another.
    let claim_by_ms = START_MS + LOOK_MS + CLAIM_MS;
    assert_eq!(code(&looking(), &expiring(START_MS - 1), 10).await, "ESCROW_EXPIRED");
    for expires_at_ms in [START_MS, claim_by_ms - 1] {
        let told = answer(&looking(), &expiring(expires_at_ms), 10).await;
        assert_eq!(told, Answer::Refused(Refusal::ExpiresSoon { claim_by_ms }));
    }
    assert_eq!(code(&looking(), &expiring(claim_by_ms), 10).await, "accepted");
    // In seconds, as others have it.
    assert_eq!(code(&looking(), &expiring(claim_by_ms / 1_000), 10).await, "ESCROW_EXPIRED");

    let closing = |closes_ms| Seen { closes_ms: Some(closes_ms), ..seen(1) };
    for (closes_ms, locked_until_ms, told) in [
        (claim_by_ms, 0, "ESCROW_CLOSING"),
        (claim_by_ms + 1, 0, "accepted"),
        (claim_by_ms, claim_by_ms + 1, "accepted"),
    ] {
        let payee = looking();
        payee.see(Seen { locked_until_ms, ..closing(closes_ms) }).unwrap();
        assert_eq!(code(&payee, &voucher(1, 10), 10).await, told, "{closes_ms} {locked_until_ms}");
    }
}

/// The payer asks right after the payee looked: one delay later it has everything back.
#[tokio::test]
async fn a_channel_that_nobody_has_looked_at_for_long_takes_nothing() {
    let payee = looking();
    let (good, last_ms) = (voucher(1, 10), START_MS + DELAY_MS - LOOK_MS - CLAIM_MS);
    let late = payee.accept(&good, &signed(&good), 10, last_ms).await.unwrap();
    assert_eq!(late, refused(EscrowError::Closing { closes_ms: START_MS + DELAY_MS }));
    // An answer that was overtaken changes nothing.
    payee.see(Seen { at_ms: START_MS - 1, closed: true, ..seen(1) }).unwrap();
    payee.see(Seen { at_ms: START_MS + 1, ..seen(1) }).unwrap();
    let good = payee.accept(&good, &signed(&good), 10, last_ms).await.unwrap();
    assert!(matches!(good, Answer::Accepted(_)));
}

#[tokio::test]
async fn the_deposit_and_the_claims_are_those_of_the_last_look() {
    let payee = looking();
    let over = voucher(1, 1_001);
    assert_eq!(answer(&payee, &over, 1_001).await, refused(EscrowError::OverDeposit { deposited: 1_000 }));
    payee.see(Seen { deposited: 2_000, ..seen(1) }).unwrap();
    assert_eq!(code(&payee, &over, 1_001).await, "accepted");
    // Somebody claimed more than this payee ever took: its folder was lost.
    payee.see(Seen { deposited: 2_000, claimed: 1_500, ..seen(1) }).unwrap();
    let last = Some(ClaimRow::new(&over, &signed(&over)));
    let standing = Standing { channel: id(1), claimed: 1_500, last };
    assert_eq!(answer(&payee, &voucher(1, 1_101), 100).await, Answer::Refused(Refusal::NotNext(Box::new(standing))));
    assert_eq!(code(&payee, &voucher(1, 1_600), 100).await, "accepted");
}

#[tokio::test]
async fn a_voucher_promises_the_price_more_than_the_last_one_neither_less_nor_more() {
    let payee = looking();
    assert_eq!(code(&payee, &voucher(1, 0), 0).await, "ESCROW_NOT_HIGHER");
    assert_eq!(code(&payee, &voucher(1, 10), 0).await, "PAY_WRONG_PRICE");
    for (cumulative, price, told) in [
        (9, 10, "PAY_NOT_NEXT"),
        (11, 10, "PAY_NOT_NEXT"),
        (10, 10, "accepted"),
        (20, 10, "accepted"),
        (15, 5, "PAY_NOT_NEXT"),
        (30, u128::MAX, "PAY_NOT_NEXT"),
    ] {
        assert_eq!(code(&payee, &voucher(1, cumulative), price).await, told, "{cumulative} for {price}");
    }
    let Answer::Refused(Refusal::NotNext(standing)) = answer(&payee, &voucher(1, 31), 10).await else { panic!() };
    assert_eq!((standing.cumulative(), standing.claimed), (20, 0));
    assert_eq!(standing.last, payee.last(id(1)));
    // Who has no voucher is not told where the channel stands.
    let guess = payee.accept(&voucher(1, 31), &Signature64([0; 64]), 10, START_MS).await.unwrap();
    assert_eq!(guess, refused(EscrowError::Signature {}));
}

#[tokio::test]
async fn the_same_voucher_is_answered_as_before_and_pays_once() {
    let payee = looking();
    let good = voucher(1, 10);
    let first = answer(&payee, &good, 10).await;
    let accepted = Accepted { channel: id(1), cumulative: 10, counter: 1, price: 10, repeat: false };
    assert_eq!(first, Answer::Accepted(accepted));
    assert_eq!(code(&payee, &voucher(1, 15), 5).await, "accepted");
    assert_eq!(answer(&payee, &good, 10).await, Answer::Accepted(Accepted { repeat: true, ..accepted }));
    assert_eq!(payee.last(id(1)).unwrap().cumulative, 15);
    // It pays for nothing dearer, and nobody gets an answer who only knows what it says.
    assert_eq!(code(&payee, &good, 11).await, "PAY_NOT_NEXT");
    let guess = payee.accept(&good, &Signature64([0; 64]), 10, START_MS).await.unwrap();
    assert_eq!(guess, refused(EscrowError::Signature {}));
    // Even when nothing new would be taken.
    payee.see(Seen { closes_ms: Some(START_MS), at_ms: START_MS + 1, ..seen(1) }).unwrap();
    assert_eq!(code(&payee, &good, 10).await, "repeat");
    assert_eq!(code(&payee, &voucher(1, 20), 5).await, "ESCROW_CLOSING");
}

fn offer(expires_at_ms: u64) -> Offer {
    Offer {
        payee: "bob.near".parse().unwrap(),
        agent: None,
        service: "s".to_owned(),
        asset: Asset::Near,
        prices: vec![Price { item: "a".to_owned(), amount: U128(10), units_max: 2 }],
        level: Level { answer_within_ms: 0, availability_bps: 0 },
        expires_at_ms,
        parent: None,
    }
}

/// An offer that channel 1 was opened for.
pub fn agreed(expires_at_ms: u64) -> Agreed {
    let offer = offer(expires_at_ms);
    let terms_hash = terms_hash(&[], Some(offer.hash(DOMAIN)), charter_client::sha256);
    Agreed::new(offer, DOMAIN, &channel(json!({ "terms_hash": terms_hash })), &[]).unwrap()
}

/// A channel as JSON has it, with changes.
pub fn channel(changes: serde_json::Value) -> Channel {
    let mut all = json!({
        "id": id(1), "payer": "alice.near", "payee": "bob.near", "asset": "near", "voucher_key": seen(1).voucher_key,
        "deposited": "1000", "claimed": "0", "paid": "0", "refunded": "0", "withdraw_delay_ms": DELAY_MS, "closed": false,
    });
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

#[tokio::test]
async fn prices_are_those_that_were_agreed() {
    let payee = looking();
    payee.agree(id(1), agreed(START_MS));
    assert_eq!(code(&payee, &voucher(1, 15), 15).await, "PAY_WRONG_PRICE");
    assert_eq!(code(&payee, &voucher(1, 30), 30).await, "PAY_WRONG_PRICE");
    assert_eq!(code(&payee, &voucher(1, 20), 20).await, "accepted");
    let next = voucher(1, 30);
    let late = payee.accept(&next, &signed(&next), 10, START_MS + 1).await.unwrap();
    assert_eq!(late, Answer::Refused(Refusal::OfferEnded { expires_at_ms: START_MS }));
    let next = payee.accept(&next, &signed(&next), 10, START_MS).await.unwrap();
    assert!(matches!(next, Answer::Accepted(_)));
}
