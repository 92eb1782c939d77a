//! Offers in cards: which of them a reader goes by, and what it says of the others.

use charter_client::card::{
    CARD_BYTES_MAX, CardError, Format, Found, OFFER_BYTES_MAX, OFFERS_MAX, OFFERS_URI, Place, Shape, Subject, export,
    offers, shape,
};
use charter_client::offer::{By, Offer, OfferError, SignedOffer};
use charter_types::registry::{Agent, AgentKey, Purpose, Status};
use charter_types::{AccountId, AnyKey, U128};
use serde_json::{Value, json};

use crate::offers::{END_MS, domain, escrow, in_near, key, price, signed};

#[path = "../shared/agent.rs"]
mod shared;

const NOW_MS: u64 = 100;
const FORM: &str = "OFFER_BAD_FORM";

/// Agent 7, whose work bob is paid for and whose `Pay` key is that of seed 7.
fn agent(card: &[u8]) -> Agent {
    let pay = AgentKey { key: AnyKey::Ed25519(key(7).1), purpose: Purpose::Pay, expires_ms: END_MS };
    Agent { payout: "bob.near".parse().unwrap(), ..shared::agent(card, "ipfs://x", vec![pay]) }
}

/// Each offer's place and hash, or the code of what is wrong with it.
fn told_of(agent: &Agent, armed: bool, now_ms: u64, card: &[u8]) -> Result<Vec<(usize, String)>, CardError> {
    let registry: AccountId = "registry.near".parse().unwrap();
    let subject = Subject { chain_id: "mainnet", registry: &registry, agent, armed, now_ms };
    let told = |offer: Result<Found, OfferError>| match offer {
        Ok(found) => found.hash.to_string(),
        Err(error) => error.code().to_owned(),
    };
    Ok(offers(&subject, &escrow(), card)?.into_iter().map(|listed| (listed.index, told(listed.offer))).collect())
}

fn told(card: &Value) -> Vec<(usize, String)> {
    let card = card.to_string().into_bytes();
    told_of(&agent(&card), true, NOW_MS, &card).unwrap()
}

fn hash(offer: &Offer) -> String {
    offer.hash(domain()).to_string()
}

fn by_account(offer: Offer) -> SignedOffer {
    signed(offer, By::Account { callback_url: None })
}

#[test]
fn a_bad_offer_has_its_code_and_hides_no_good_one() {
    let good = signed(in_near(), By::PayKey);
    let cheaper = Offer { prices: vec![price("POST /v1/chat", 1, 1)], ..in_near() };
    let expired = signed(Offer { expires_at_ms: NOW_MS - 1, ..in_near() }, By::PayKey);
    let mut tampered = good.clone();
    tampered.offer.prices[0].amount = U128(1);
    let formless = signed(Offer { prices: Vec::new(), ..in_near() }, By::PayKey);
    let mut lacking = json!(good);
    lacking.as_object_mut().unwrap().remove("signature");
    let mut more = json!(good);
    more["note"] = json!("cheap");
    let list = json!([
        good,
        expired,
        tampered,
        signed(Offer { agent: Some(8), ..in_near() }, By::PayKey),
        signed(Offer { agent: None, ..in_near() }, By::PayKey),
        by_account(Offer { payee: "eve.near".parse().unwrap(), ..in_near() }),
        SignedOffer { by: By::Account { callback_url: None }, ..good.clone() },
        formless,
        lacking,
        more,
        "cheap",
        null,
        by_account(cheaper.clone()),
    ]);
    let (foreign, bent) = ("OFFER_NOT_PAYEE", "OFFER_BAD_SIGNATURE");
    let (own, other) = (hash(&in_near()), hash(&cheaper));
    let expected = [
        own.as_str(),
        "OFFER_ENDED",
        bent,
        foreign,
        foreign,
        foreign,
        bent,
        FORM,
        FORM,
        FORM,
        FORM,
        FORM,
        other.as_str(),
    ];
    let expected: Vec<_> = expected.into_iter().map(str::to_owned).enumerate().collect();
    assert_eq!(told(&json!({ "name": "scout", "offers": list })), expected);
    for none in [json!({ "name": "scout" }), json!({ "name": "scout", "offers": null }), json!({ "offers": [] })] {
        assert!(told(&none).is_empty(), "{none}");
    }
    assert_eq!(told(&json!({ "name": "scout", "offers": { "0": good } })), [(0, FORM.to_owned())]);
}

/// What the registry says of the agent now is part of it.
#[test]
fn an_agent_that_is_stopped_sold_or_without_the_key_offers_nothing() {
    let card = json!({ "offers": [signed(in_near(), By::PayKey), by_account(in_near())] }).to_string().into_bytes();
    let codes = |change: &dyn Fn(&mut Agent), armed: bool, now_ms: u64| {
        let mut agent = agent(&card);
        change(&mut agent);
        let told = told_of(&agent, armed, now_ms, &card).unwrap();
        told.into_iter().map(|(_, told)| told).collect::<Vec<_>>()
    };
    let (good, foreign) = (hash(&in_near()), "OFFER_NOT_PAYEE".to_owned());
    assert_eq!(codes(&|_| {}, true, NOW_MS), [good.clone(), good.clone()]);
    let neither = [foreign.clone(), foreign.clone()];
    assert_eq!(codes(&|_| {}, false, NOW_MS), neither);
    assert_eq!(codes(&|agent| agent.status = Status::Retired, true, NOW_MS), neither);
    assert_eq!(codes(&|agent| agent.payout = agent.owner.clone(), true, NOW_MS), neither);
    // These are about the agent's key alone.
    let account_alone = [foreign, good];
    assert_eq!(codes(&|agent| agent.keys.clear(), true, NOW_MS), account_alone);
    assert_eq!(codes(&|agent| agent.keys[0].purpose = Purpose::Sign, true, NOW_MS), account_alone);
    assert_eq!(codes(&|_| {}, true, END_MS), account_alone);
    assert_eq!(codes(&|_| {}, true, END_MS + 1), ["OFFER_ENDED".to_owned(), "OFFER_ENDED".to_owned()]);
}

#[test]
fn a_card_is_read_up_to_its_limits() {
    let good = signed(in_near(), By::PayKey);
    let full = told(&json!({ "offers": vec![&good; OFFERS_MAX] }));
    assert!(full.len() == OFFERS_MAX && full.iter().all(|(_, told)| *told == hash(&in_near())), "{full:?}");
    let over = told(&json!({ "offers": vec![&good; OFFERS_MAX + 2] }));
    assert_eq!(over[..OFFERS_MAX], full);
    assert_eq!(over[OFFERS_MAX..], [(OFFERS_MAX, FORM.to_owned())]);

    // The rest of a signed offer is shorter than its own limits allow, so the wallet's address is what is long.
    let long = |bytes: usize| {
        let offer = signed(in_near(), By::Account { callback_url: Some("u".repeat(bytes)) });
        let length = json!(offer).to_string().len();
        (length, told(&json!({ "offers": [offer] })))
    };
    let (short, _) = long(0);
    // Signatures differ by a letter or two in base58.
    let (room, mut sides) = (OFFER_BYTES_MAX - short, [0, 0]);
    for bytes in room - 4..room + 4 {
        let (length, told) = long(bytes);
        let fits = length <= OFFER_BYTES_MAX;
        sides[usize::from(fits)] += 1;
        assert_eq!(told, [(0, if fits { hash(&in_near()) } else { FORM.to_owned() })], "{length}");
    }
    assert!(sides.iter().all(|count| *count > 0), "{sides:?}");

    let card = |bytes: usize| {
        let card = json!({ "offers": [good], "text": "" }).to_string();
        let text = "t".repeat(bytes - card.len());
        json!({ "offers": [good], "text": text }).to_string().into_bytes()
    };
    let (fits, over) = (card(CARD_BYTES_MAX), card(CARD_BYTES_MAX + 1));
    assert_eq!((fits.len(), over.len()), (CARD_BYTES_MAX, CARD_BYTES_MAX + 1));
    assert_eq!(told_of(&agent(&fits), true, NOW_MS, &fits).unwrap().len(), 1);
    assert!(matches!(told_of(&agent(&over), true, NOW_MS, &over), Err(CardError::TooLong)));
    // Of two fields of a name, readers take the first or the last.
    let twice = br#"{"offers":[],"offers":[1]}"#;
    assert!(matches!(told_of(&agent(twice), true, NOW_MS, twice), Err(CardError::NotJson(_))));
}

/// In a card of A2A they stand in an extension, and what is exported has them where its readers look.
#[test]
fn offers_are_found_where_a_card_has_room_for_them_and_survive_exports() {
    let published = |name: &str| -> Value {
        let path = format!("{}/tests/cards/published/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let registry: AccountId = "registry.near".parse().unwrap();
    let exported = |format: Format, card: &Value| {
        let card = card.to_string().into_bytes();
        let agent = agent(&card);
        let subject = Subject { chain_id: "mainnet", registry: &registry, agent: &agent, armed: true, now_ms: NOW_MS };
        let place = Place { endpoint: Some("https://agents.example/a2a"), domain: None };
        export(format, &subject, &card, place).unwrap()
    };
    let list = json!([signed(in_near(), By::PayKey)]);
    let expected = [(0, hash(&in_near()))];
    for name in ["a2a-1.0", "a2a-0.3", "erc-8004"] {
        let mut card = published(name);
        card["offers"] = list.clone();
        assert_eq!(told(&card), expected, "{name}");
        for format in [Format::A2a, Format::Erc8004] {
            let written = exported(format, &card);
            assert_eq!(told(&written), expected, "{name} as {format:?}");
            assert_eq!(written.get("offers").is_some(), format == Format::Erc8004, "{name} as {format:?}");
        }
        // The extension again, as an author would write it: it is there once, whatever is made of it.
        let own = exported(Format::A2a, &card);
        assert_eq!(shape(own.to_string().as_bytes()), Shape::A2a1);
        for again in [exported(Format::A2a, &own), exported(Format::A2a, &exported(Format::Erc8004, &own))] {
            let extensions = again["capabilities"]["extensions"].as_array().unwrap();
            assert_eq!(extensions.iter().filter(|one| one["uri"] == OFFERS_URI).count(), 1, "{name}");
            assert_eq!(told(&again), expected, "{name}");
        }
    }
}
