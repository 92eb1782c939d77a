//! Standing offers in a card: what its agent sells, signed. Whoever reads cards finds prices, and need not ask anybody whose
//! they are but for those that an account signed.

use charter_types::{AccountId, Hash32};
use serde_json::{Value, json};

use super::{CardError, Subject, check, items, text};
use crate::offer::{By, Evidence, Offer, OfferError, SignedOffer};

/// The field of a card.
pub const OFFERS: &str = "offers";
/// The extension that holds the field in cards of A2A, as a parameter: strict readers of 1.0 refuse a field that they do not
/// know.
pub const OFFERS_URI: &str = "urn:charter:offers:1";
/// Offers that a card is read for.
pub const OFFERS_MAX: usize = 16;
/// Longest signed offer, as JSON without blanks.
pub const OFFER_BYTES_MAX: usize = 32_768;
/// Longest card that is read for its offers.
pub const CARD_BYTES_MAX: usize = 1 << 20;

/// An offer of a card, or why it is none to go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its place among the card's, from 0.
    pub index: usize,
    pub offer: Result<Found, OfferError>,
}

/// An offer that holds, is signed, and is of the card's agent. One that an account signed ([`By::Account`]) is the payee's word
/// if the chain has the key among the payee's, too: [`SignedOffer::check`] with [`Evidence::read`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub signed: SignedOffer,
    pub hash: Hash32,
}

/// The offers of the agent's card, each checked by itself: a bad one hides no good one. Whether the card is the registered
/// one, [`super::compare`] says.
pub fn offers(subject: &Subject<'_>, escrow: &AccountId, bytes: &[u8]) -> Result<Vec<Listed>, CardError> {
    if bytes.len() > CARD_BYTES_MAX {
        return Err(CardError::TooLong);
    }
    check(bytes)?;
    let card: Value = serde_json::from_slice(bytes).map_err(CardError::NotJson)?;
    let Some(field) = within(&card) else { return Ok(Vec::new()) };
    let bad = |index, reason| Listed { index, offer: Err(OfferError::Form { reason }) };
    let Some(all) = field.as_array() else { return Ok(vec![bad(0, "a card's offers are a list")]) };
    let domain = Offer::domain(subject.chain_id, escrow);
    let one = |(index, value)| Listed { index, offer: read(subject, escrow, domain, value) };
    let mut listed: Vec<Listed> = all.iter().take(OFFERS_MAX).enumerate().map(one).collect();
    if all.len() > OFFERS_MAX {
        listed.push(bad(OFFERS_MAX, "a card has 16 offers at most: from here on none is read"));
    }
    Ok(listed)
}

fn read(subject: &Subject<'_>, escrow: &AccountId, domain: Hash32, value: &Value) -> Result<Found, OfferError> {
    if value.to_string().len() > OFFER_BYTES_MAX {
        return Err(OfferError::Form { reason: "a signed offer takes 32,768 bytes at most" });
    }
    let signed = SignedOffer::read(value.clone())?;
    let hash = signed.check_signature(domain, escrow, subject.now_ms)?;
    check_agent(subject, &signed)?;
    Ok(Found { signed, hash })
}

/// Whether who reads the card and who signed the offer mean the same agent, and it is at work.
fn check_agent(subject: &Subject<'_>, signed: &SignedOffer) -> Result<(), OfferError> {
    let no = |reason| Err(OfferError::NotPayee { reason });
    let agent = subject.agent;
    if signed.offer.agent != Some(agent.id) {
        return no("the offer is of another agent than the card, or of none");
    }
    if signed.offer.payee != agent.payout {
        return no("the payee is not who is paid for the agent's work");
    }
    if !subject.is_active() {
        return no("the agent is paused, retired or disarmed");
    }
    match signed.by {
        By::PayKey => signed.check_key(&Evidence::of(agent, subject.armed), subject.now_ms),
        By::Account { .. } => Ok(()),
    }
}

/// What stands where a card has its offers.
pub(super) fn within(card: &Value) -> Option<&Value> {
    let extensions = items(&card["capabilities"], "extensions");
    let parameter = || extensions.iter().find(|one| is_extension(one)).map(|one| &one["params"][OFFERS]);
    let present = |field: &&Value| !field.is_null();
    Some(&card[OFFERS]).filter(present).or_else(parameter).filter(present)
}

pub(super) fn is_extension(one: &Value) -> bool {
    text(one, "uri") == Some(OFFERS_URI)
}

/// The same offers where A2A 1.0 has room for them.
pub(super) fn extension(offers: &Value) -> Value {
    json!({
        "uri": OFFERS_URI,
        "description": "What the agent sells, at which prices, signed for channels of Charter's escrow",
        "required": false,
        "params": { "offers": offers },
    })
}
