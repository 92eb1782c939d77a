//! Codes never change: these are all there are, each stands on the pages, and none is used twice.

use charter_client::ack::AckError;
use charter_client::offer::OfferError;
use charter_client::pay::{PayError, Refusal, Standing};
use charter_types::Hash32;
use charter_types::escrow::EscrowError;

use crate::chain::id;

/// What both ends do, and what offers are.
const PAGES: [&str; 2] =
    [include_str!("../../../../docs/payments.md"), include_str!("../../../../contracts/escrow/README.md")];

#[test]
fn codes_are_unique_and_on_the_pages() {
    let (channel, hash) = (id(1), Hash32::default());
    let standing = Standing { channel, claimed: 0, last: None };
    let refusals = [
        Refusal::NotNext(Box::new(standing)),
        Refusal::Price { price: 1 },
        Refusal::ExpiresSoon { claim_by_ms: 1 },
        Refusal::Expiries,
    ];
    let failures = [
        PayError::Unseen { channel },
        PayError::Key { channel },
        PayError::Unproven { channel },
        PayError::Storage { reason: String::new() },
        PayError::Damaged { frame: 1 },
        PayError::OtherLog,
        PayError::InUse,
    ];
    let offers = [
        OfferError::Form { reason: "" },
        OfferError::Ended { expires_at_ms: 1 },
        OfferError::Signature,
        OfferError::NotPayee { reason: "" },
        OfferError::NotAgreed { hash },
        OfferError::NotNext { parent: hash },
    ];
    let acks = [AckError::Slow { deadline_ms: 1 }, AckError::Worthless { reason: "" }];
    let mut codes = [
        refusals.map(|refusal| refusal.code()).as_slice(),
        failures.map(|error| error.code()).as_slice(),
        offers.map(|error| error.code()).as_slice(),
        acks.map(|error| error.code()).as_slice(),
        EscrowError::CODES,
    ]
    .concat();
    let own = "PAY_NOT_NEXT PAY_WRONG_PRICE PAY_EXPIRES_SOON PAY_TOO_MANY_EXPIRIES PAY_UNSEEN PAY_WRONG_KEY PAY_UNPROVEN \
               PAY_STORAGE PAY_LOG_DAMAGED PAY_LOG_OTHER PAY_LOG_IN_USE OFFER_BAD_FORM OFFER_ENDED OFFER_BAD_SIGNATURE \
               OFFER_NOT_PAYEE OFFER_NOT_AGREED OFFER_NOT_NEXT PAY_ACK_SLOW PAY_ACK_WORTHLESS";
    let own: Vec<&str> = own.split_whitespace().collect();
    assert_eq!(codes[..own.len()], own);
    for code in own {
        assert!(PAGES.iter().any(|page| page.contains(&format!("`{code}`"))), "{code}");
    }
    // An offer that ended is refused by that name whoever asks, and what the chain refuses by the chain's.
    assert_eq!(Refusal::OfferEnded { expires_at_ms: 1 }.code(), "OFFER_ENDED");
    assert_eq!(PayError::Refused(Refusal::Chain(EscrowError::Expired {})).code(), "ESCROW_EXPIRED");
    assert_eq!(AckError::Chain(EscrowError::AckSignature {}).code(), "ESCROW_BAD_ACK");
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count, "a code is used twice");
}
