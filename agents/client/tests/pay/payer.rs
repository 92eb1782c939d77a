//! What a payer signs, and what it does not.

use charter_client::pay::{Answer, Conditions, PayError, Payment, Refusal, Seen, Standing};
use charter_client::voucher::is_signed;
use charter_client::{Payer, ed25519};
use charter_types::escrow::{ClaimRow, EscrowError, Voucher};
use charter_types::{Ed25519Key, Hash32};
use ed25519_dalek::SigningKey;

use crate::chain::{DOMAIN, START_MS, id, seen, signed, signing, voucher};
use crate::payee::{agreed, payee};
use crate::stand_in::{FilesStandIn, Left};

fn payer(files: &FilesStandIn) -> Payer {
    Payer::with_files(files.clone(), signing(), DOMAIN).unwrap()
}

/// A payer that has looked at channel 1.
fn looking() -> Payer {
    let payer = payer(&FilesStandIn::default());
    payer.see(seen(1)).unwrap();
    payer
}

async fn pay(payer: &Payer, price: u128) -> Result<Payment, PayError> {
    payer.pay(id(1), price, Conditions::default(), START_MS).await
}

fn standing(claimed: u128, last: Option<&Voucher>) -> Standing {
    let last = last.map(|voucher| ClaimRow::new(voucher, &signed(voucher)));
    Standing { channel: id(1), claimed, last }
}

#[tokio::test]
async fn vouchers_say_what_was_asked_for_and_a_payee_takes_them() {
    let (payer, payee) = (looking(), payee(&FilesStandIn::default()));
    payee.see(seen(1)).unwrap();
    let conditions = Conditions { expires_at_ms: START_MS + 200_000, context_root: Hash32([9; 32]) };
    for (counter, price) in [(1, 10), (2, 5)] {
        let Payment { voucher, signature } = payer.pay(id(1), price, conditions, START_MS).await.unwrap();
        assert_eq!((voucher.counter, voucher.context_root), (counter, Hash32([9; 32])));
        assert_eq!(voucher.expires_at_ms, START_MS + 200_000);
        let key = ed25519::unpack(&payer.voucher_key()).unwrap();
        assert!(is_signed(&key, &voucher, &signature));
        let answer = payee.accept(&voucher, &signature, price, START_MS).await.unwrap();
        assert!(matches!(answer, Answer::Accepted(_)));
    }
    assert_eq!(payer.promised(id(1)), 15);
}

#[tokio::test]
async fn nothing_is_promised_that_its_payee_could_not_take() {
    let payer = payer(&FilesStandIn::default());
    assert_eq!(pay(&payer, 10).await, Err(PayError::Unseen { channel: id(1) }));
    let other = Ed25519Key(SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes());
    assert_eq!(payer.see(Seen { voucher_key: other, ..seen(1) }), Err(PayError::Key { channel: id(1) }));
    payer.see(seen(1)).unwrap();
    let refused = |error| Err(PayError::Refused(Refusal::Chain(error)));
    assert_eq!(pay(&payer, 0).await, Err(PayError::Refused(Refusal::Price { price: 0 })));
    assert_eq!(pay(&payer, 1_001).await, refused(EscrowError::OverDeposit { deposited: 1_000 }));
    assert_eq!(pay(&payer, 1_000).await.unwrap().voucher.cumulative, 1_000);
    assert_eq!(pay(&payer, 1).await, refused(EscrowError::OverDeposit { deposited: 1_000 }));
    assert_eq!(pay(&payer, u128::MAX).await, refused(EscrowError::Overflow {}));
    // What was refused was not counted.
    payer.see(Seen { deposited: 2_000, ..seen(1) }).unwrap();
    let next = pay(&payer, 1).await.unwrap().voucher;
    assert_eq!((next.cumulative, next.counter), (1_001, 2));
    let expired = Conditions { expires_at_ms: START_MS - 1, ..Conditions::default() };
    assert_eq!(payer.pay(id(1), 1, expired, START_MS).await, refused(EscrowError::Expired {}));
    payer.see(Seen { closes_ms: Some(START_MS + 1), ..seen(1) }).unwrap();
    assert_eq!(pay(&payer, 1).await, refused(EscrowError::OverDeposit { deposited: 1_000 }));
    payer.see(Seen { closes_ms: Some(START_MS), deposited: 2_000, ..seen(1) }).unwrap();
    assert_eq!(pay(&payer, 1).await, refused(EscrowError::Closing { closes_ms: START_MS }));
    payer.see(Seen { closed: true, ..seen(1) }).unwrap();
    assert_eq!(pay(&payer, 1).await, refused(EscrowError::UnknownChannel { id: id(1) }));
}

#[tokio::test]
async fn prices_are_those_that_were_agreed() {
    let payer = looking();
    payer.agree(id(1), agreed(START_MS));
    assert_eq!(pay(&payer, 15).await, Err(PayError::Refused(Refusal::Price { price: 15 })));
    assert_eq!(pay(&payer, 20).await.unwrap().voucher.cumulative, 20);
    let late = payer.pay(id(1), 10, Conditions::default(), START_MS + 1).await;
    assert_eq!(late, Err(PayError::Refused(Refusal::OfferEnded { expires_at_ms: START_MS })));
}

/// The answer to the second voucher was lost, and then the payee had not got it at all.
#[tokio::test]
async fn a_lost_voucher_is_sent_again_or_corrected() {
    let payer = looking();
    let first = pay(&payer, 10).await.unwrap();
    let second = pay(&payer, 10).await.unwrap();
    assert_eq!(payer.again(id(1)).await.unwrap().as_ref(), Some(&second));
    payer.correct(&standing(0, Some(&first.voucher))).await.unwrap();
    let third = pay(&payer, 3).await.unwrap().voucher;
    assert_eq!((third.cumulative, third.counter), (13, 3));
    // The second may turn up yet.
    assert_eq!(payer.promised(id(1)), 20);
    assert_eq!(payer.again(id(2)).await, Ok(None));
}

/// Take the check of the signature out of `correct`, or that of the claim, and this fails.
#[tokio::test]
async fn a_payee_that_lies_moves_nothing() {
    let payer = looking();
    let first = pay(&payer, 10).await.unwrap().voucher;
    let unproven = Err(PayError::Unproven { channel: id(1) });
    let forged = voucher(1, 900);
    let mut lie = standing(0, Some(&forged));
    lie.last.as_mut().unwrap().signature[0] ^= 1;
    assert_eq!(payer.correct(&lie).await, unproven);
    let elsewhere = Voucher { channel: id(2), ..first.clone() };
    assert_eq!(payer.correct(&standing(0, Some(&elsewhere))).await, unproven);
    let of_another = Voucher { domain: Hash32([2; 32]), ..first };
    assert_eq!(payer.correct(&standing(0, Some(&of_another))).await, unproven);
    assert_eq!(payer.correct(&standing(900, None)).await, unproven);
    assert_eq!(pay(&payer, 1).await.unwrap().voucher.cumulative, 11);
    payer.see(Seen { claimed: 900, ..seen(1) }).unwrap();
    payer.correct(&standing(900, None)).await.unwrap();
    assert_eq!(pay(&payer, 1).await.unwrap().voucher.cumulative, 901);
    assert_eq!(
        payer.correct(&Standing { channel: id(2), ..standing(0, None) }).await,
        Err(PayError::Unseen { channel: id(2) })
    );
}

#[tokio::test]
async fn who_lost_its_folder_goes_on_from_its_own_voucher() {
    let old = looking();
    let mut last = None;
    for _ in 0..5 {
        last = Some(pay(&old, 10).await.unwrap().voucher);
    }
    let new = looking();
    new.correct(&standing(0, last.as_ref())).await.unwrap();
    let next = pay(&new, 10).await.unwrap().voucher;
    assert_eq!((next.cumulative, next.counter), (60, 6));
}

#[tokio::test]
async fn a_start_finds_amounts_and_counters_where_they_were() {
    let files = FilesStandIn::default();
    let payer = self::payer(&files);
    payer.see(seen(1)).unwrap();
    for _ in 0..40 {
        pay(&payer, 10).await.unwrap();
    }
    payer.correct(&standing(0, Some(&voucher(1, 350)))).await.unwrap();
    assert_eq!(files.bytes("log"), 42 * 256);
    payer.compact().await.unwrap();
    assert_eq!(files.bytes("log"), 3 * 256);
    drop(payer);
    let payer = self::payer(&files.crash(Left { tail: 0, names: false }));
    assert_eq!(payer.promised(id(1)), 400);
    assert_eq!(payer.again(id(1)).await.unwrap().unwrap().voucher.cumulative, 400);
    payer.see(seen(1)).unwrap();
    let next = pay(&payer, 10).await.unwrap().voucher;
    assert_eq!((next.cumulative, next.counter), (360, 41));
    payer.forget(id(1));
    assert_eq!(pay(&payer, 10).await, Err(PayError::Unseen { channel: id(1) }));
}

/// What a payer says of a price on a channel with that offer.
pub fn refusal(agreed: charter_client::offer::Agreed, price: u128, at_ms: u64) -> Option<Refusal> {
    let payer = payer(&FilesStandIn::default());
    payer.see(Seen { deposited: u128::MAX, ..seen(1) }).unwrap();
    payer.agree(id(1), agreed);
    let paid = payer.pay(id(1), price, Conditions::default(), at_ms);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match runtime.block_on(paid) {
        Ok(_) => None,
        Err(PayError::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
    }
}
