//! Offers: their bytes, forms, prices, channels, successors and verdicts, in vectors for other implementations.
//! `CHARTER_WRITE_VECTORS=1 cargo test --test pay` writes `vectors/` anew; without it they are compared.

use charter_client::nep413::Payload;
use charter_client::offer::{Agreed, By, Evidence, Level, Offer, OfferError, Price, SignedOffer};
use charter_client::pay::Refusal;
use charter_client::sha256;
use charter_types::asset::Asset;
use charter_types::escrow::{Split, terms_hash};
use charter_types::registry::{AgentKey, Epochs, Purpose, Standing, Status};
use charter_types::{AccountId, AnyKey, Ed25519Key, Hash32, Signature64, U128};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use crate::payee::channel;
use crate::vectors::compare;
use crate::verdicts::verdicts;

pub const END_MS: u64 = 1_798_761_600_000;
/// The largest number that every reader of JSON reads.
const MOST: u64 = (1 << 53) - 1;

pub fn escrow() -> AccountId {
    "escrow.near".parse().unwrap()
}

pub fn domain() -> Hash32 {
    Offer::domain("mainnet", &escrow())
}

pub fn key(seed: u8) -> (SigningKey, Ed25519Key) {
    let signing = SigningKey::from_bytes(&[seed; 32]);
    let public = Ed25519Key(signing.verifying_key().to_bytes());
    (signing, public)
}

pub fn price(item: &str, amount: u128, units_max: u64) -> Price {
    Price { item: item.to_owned(), amount: U128(amount), units_max }
}

pub fn in_near() -> Offer {
    Offer {
        payee: "bob.near".parse().unwrap(),
        agent: Some(7),
        service: "https://api.bob.example".to_owned(),
        asset: Asset::Near,
        prices: vec![price("POST /v1/chat", 1_500, 1)],
        level: Level { answer_within_ms: 0, availability_bps: 0 },
        expires_at_ms: END_MS,
        parent: None,
    }
}

fn usdt() -> Asset {
    Asset::Nep141("usdt.near".parse().unwrap())
}

fn in_a_token() -> Offer {
    Offer {
        asset: usdt(),
        prices: vec![price("POST /v1/chat", 1_500, 1), price("1,000 tokens", 20, 4_096)],
        level: Level { answer_within_ms: 2_000, availability_bps: 9_990 },
        ..in_near()
    }
}

fn next() -> Offer {
    Offer { prices: vec![price("POST /v1/chat", 1_600, 1)], parent: Some(in_near().hash(domain())), ..in_near() }
}

fn largest() -> Offer {
    Offer {
        agent: Some(MOST),
        service: "s".repeat(256),
        prices: (0..64).map(|index| price(&format!("{index:0>128}"), u128::MAX, MOST)).collect(),
        level: Level { answer_within_ms: MOST, availability_bps: 10_000 },
        expires_at_ms: MOST,
        ..in_near()
    }
}

/// An offer signed by seed 7 as a `Pay` key, or by seed 8 as the payee's.
pub fn signed(offer: Offer, by: By) -> SignedOffer {
    let (seed, message) = match &by {
        By::PayKey => (7, offer.message(domain())),
        By::Account { callback_url } => {
            let shown = offer.payload(domain(), &escrow());
            (8, Payload { callback_url: callback_url.clone(), ..shown }.hash().to_vec())
        }
    };
    let (signing, key) = key(seed);
    SignedOffer { offer, by, key, signature: Signature64(signing.sign(&message).to_bytes()) }
}

fn offers() -> Vec<Value> {
    let callback = Some("https://wallet.example/done".to_owned());
    let offers = [
        ("in NEAR", in_near(), None),
        ("in a token, by the thousand", in_a_token(), callback),
        ("follows the first", next(), None),
        ("the largest", largest(), None),
        ("of no agent", Offer { agent: None, ..in_near() }, None),
    ];
    let vector = |(name, offer, callback_url): (&str, Offer, Option<String>)| {
        let by_key = signed(offer.clone(), By::PayKey).signature;
        let by_account = signed(offer.clone(), By::Account { callback_url: callback_url.clone() }).signature;
        assert_eq!(serde_json::from_value::<Offer>(json!(offer)).unwrap(), offer);
        json!({
            "name": name, "offer": offer, "message": hex::encode(offer.message(domain())), "hash": offer.hash(domain()),
            "text": offer.payload(domain(), &escrow()).message, "pay_key_signature": hex::encode(by_key.0),
            "account_signature": hex::encode(by_account.0), "callback_url": callback_url,
        })
    };
    offers.map(vector).to_vec()
}

fn forms() -> Vec<Value> {
    let service = |service: &str| Offer { service: service.to_owned(), ..in_near() };
    let item = |item: &str| Offer { prices: vec![price(item, 1_500, 1)], ..in_near() };
    let chat = "POST /v1/chat";
    let one = |amount, units_max| Offer { prices: vec![price(chat, amount, units_max)], ..in_near() };
    let many = |prices: usize| {
        let prices = (0..prices).map(|index| price(&format!("item {index}"), 1, 1)).collect();
        Offer { prices, ..in_near() }
    };
    let forms = [
        ("a service of one letter", service("s")),
        ("no service", service("")),
        ("a service with a space", service("a b")),
        ("a service with a line break", service("a\nb")),
        ("a service that is not ASCII", service("bücher")),
        ("a service of 257 bytes", service(&"s".repeat(257))),
        ("no prices", many(0)),
        ("64 prices", many(64)),
        ("65 prices", many(65)),
        ("an item of one letter", item("a")),
        ("no item", item("")),
        ("a space before an item", item(" a")),
        ("a space after an item", item("a ")),
        ("a tab in an item", item("a\tb")),
        ("an item that is not ASCII", item("a–b")),
        ("an item of 128 bytes", item(&"a".repeat(128))),
        ("an item of 129 bytes", item(&"a".repeat(129))),
        ("an item twice", Offer { prices: vec![price(chat, 1_500, 1), price(chat, 1, 1)], ..in_near() }),
        ("for nothing", one(0, 1)),
        ("no unit", one(1_500, 0)),
        ("more than always", Offer { level: Level { answer_within_ms: 0, availability_bps: 10_001 }, ..in_near() }),
    ];
    let vector = |(name, offer): (&str, Offer)| {
        let refused = offer.check().err().map(|error| error.code());
        json!({ "name": name, "offer": offer, "refused": refused })
    };
    forms.map(vector).to_vec()
}

/// A channel that names an offer.
fn named(offer: &Offer) -> Agreed {
    let terms_hash = terms_hash(&[], Some(offer.hash(domain())), sha256);
    let shown = channel(json!({ "payee": offer.payee, "asset": offer.asset, "terms_hash": terms_hash }));
    Agreed::new(offer.clone(), domain(), &shown, &[]).unwrap()
}

/// What a payer says of a price; its payee asks the same function.
fn prices() -> Vec<Value> {
    let (token, most) = ("in a token, by the thousand", "the largest");
    let prices = [
        (token, 0, 0),
        (token, 1_500, 0),
        (token, 1_501, 0),
        (token, 20, 0),
        (token, 10, 0),
        (token, 30, 0),
        (token, 81_920, 0),
        (token, 81_940, 0),
        (token, 1_500, END_MS),
        (token, 1_500, END_MS + 1),
        (token, 1_501, END_MS + 1),
        (token, 0, END_MS + 1),
        (token, u128::MAX, 0),
        (most, u128::MAX, 0),
        (most, 1, 0),
    ];
    let vector = |(name, price, at_ms): (&str, u128, u64)| {
        let offer = if name == token { in_a_token() } else { largest() };
        let refused = crate::payer::refusal(named(&offer), price, at_ms);
        json!({ "offer": name, "price": price.to_string(), "at_ms": at_ms, "refused": refused.as_ref().map(Refusal::code) })
    };
    prices.map(vector).to_vec()
}

/// A name, and what a channel has: payee, asset, terms, splits.
type Case<'a> = (&'a str, &'a str, Asset, Option<Hash32>, &'a [Split]);

fn channels() -> Vec<Value> {
    let split = |account: &str, bps| Split { account: account.parse().unwrap(), bps };
    let both = [split("carol.near", 250), split("dan.near", 1)];
    let of =
        |splits: &[Split], offer: Option<Offer>| terms_hash(splits, offer.map(|offer| offer.hash(domain())), sha256);
    let (bob, eve) = ("bob.near", "eve.near");
    let cases: [Case; 8] = [
        ("it is named", bob, Asset::Near, of(&[], Some(in_near())), &[]),
        ("it is named, beside splits", bob, Asset::Near, of(&both, Some(in_near())), &both),
        ("other splits", bob, Asset::Near, of(&both, Some(in_near())), &[]),
        ("another offer", bob, Asset::Near, of(&[], Some(next())), &[]),
        ("splits and no offer", bob, Asset::Near, of(&both, None), &both),
        ("no terms", bob, Asset::Near, None, &[]),
        ("another payee", eve, Asset::Near, of(&[], Some(in_near())), &[]),
        ("another asset", bob, usdt(), of(&[], Some(in_near())), &[]),
    ];
    let vector = |(name, payee, asset, terms_hash, splits): Case| {
        let shown = json!({ "payee": payee, "asset": asset, "terms_hash": terms_hash });
        let agreed = Agreed::new(in_near(), domain(), &channel(shown.clone()), splits);
        json!({
            "name": name, "offer": "in NEAR", "channel": shown, "splits": splits,
            "refused": agreed.err().map(|error| error.code()),
        })
    };
    cases.map(vector).to_vec()
}

fn successors() -> Vec<Value> {
    let cases = [
        ("the next", next()),
        ("without a parent", Offer { parent: None, ..next() }),
        ("of another parent", Offer { parent: Some(in_a_token().hash(domain())), ..next() }),
        ("of another payee", Offer { payee: "eve.near".parse().unwrap(), ..next() }),
        ("of another service", Offer { service: "https://eve.example".to_owned(), ..next() }),
        ("in another asset", Offer { asset: usdt(), ..next() }),
        ("of another agent", Offer { agent: Some(8), ..next() }),
    ];
    let first = named(&in_near());
    let vector = |(name, next): (&str, Offer)| {
        let followed = first.followed_by(next.clone(), domain());
        let refused = followed.err().map(|error| error.code());
        json!({ "name": name, "offer": "in NEAR", "next": next, "refused": refused })
    };
    cases.map(vector).to_vec()
}

#[test]
fn offers_are_as_written() {
    let vectors = json!({
        "chain_id": "mainnet", "escrow": escrow(), "domain": domain(),
        "pay_key": hex::encode(key(7).1.0), "account_key": hex::encode(key(8).1.0),
        "offers": offers(), "forms": forms(), "prices": prices(), "channels": channels(), "successors": successors(),
        "verdicts": verdicts(),
    });
    compare("offer.json", &vectors);
}

#[test]
fn a_payment_costs_what_its_units_do() {
    let offer = in_a_token();
    for (item, units, cost) in [
        ("POST /v1/chat", 1, Some(1_500)),
        ("POST /v1/chat", 2, None),
        ("1,000 tokens", 0, None),
        ("1,000 tokens", 4_096, Some(81_920)),
        ("1,000 tokens", 4_097, None),
        ("GET /", 1, None),
    ] {
        assert_eq!(offer.price_of(item, units), cost, "{units} of {item}");
        assert!(cost.is_none_or(|cost| offer.has_price(cost)));
    }
    assert_eq!(largest().price_of(&largest().prices[0].item, 2), None);
}

/// An agent of the registry whose work somebody is paid for.
pub fn agent(id: u64, payout: &str, change: impl FnOnce(&mut Standing)) -> Evidence {
    let pay = AgentKey { key: AnyKey::Ed25519(key(7).1), purpose: Purpose::Pay, expires_ms: 101 };
    let owner = "alice.near".parse().unwrap();
    let epochs = Epochs { agent: 1, owner: 1 };
    let mut standing = Standing { owner, status: Status::Active, armed: true, epochs, keys: vec![pay] };
    change(&mut standing);
    Evidence::Agent { id, standing: Box::new(standing), payout: payout.parse().unwrap() }
}

fn code(signed: &SignedOffer, evidence: &Evidence, now_ms: u64) -> Option<&'static str> {
    let checked = signed.check(domain(), &escrow(), evidence, now_ms);
    assert!(checked.as_ref().is_ok_and(|hash| *hash == signed.offer.hash(domain())) || checked.is_err());
    checked.err().map(|error: OfferError| error.code())
}

#[test]
fn an_offer_is_the_word_of_the_agents_pay_key() {
    let good = signed(in_near(), By::PayKey);
    let as_it_is = agent(7, "bob.near", |_| {});
    assert_eq!(code(&good, &as_it_is, 100), None);
    assert_eq!(code(&good, &as_it_is, 101), Some("OFFER_NOT_PAYEE"));
    for other in [
        agent(8, "bob.near", |_| {}),
        agent(7, "eve.near", |_| {}),
        agent(7, "bob.near", |standing| standing.armed = false),
        agent(7, "bob.near", |standing| standing.status = Status::Retired),
        agent(7, "bob.near", |standing| standing.keys[0].purpose = Purpose::Sign),
        agent(7, "bob.near", |standing| standing.keys[0].key = AnyKey::Ed25519(key(8).1)),
        Evidence::Account { full_access: vec![key(7).1] },
    ] {
        assert_eq!(code(&good, &other, 100), Some("OFFER_NOT_PAYEE"), "{other:?}");
    }
    let bent = SignedOffer { offer: Offer { expires_at_ms: END_MS + 1, ..in_near() }, ..good.clone() };
    assert_eq!(code(&bent, &as_it_is, 100), Some("OFFER_BAD_SIGNATURE"));
    let as_wallet = SignedOffer { by: By::Account { callback_url: None }, ..good.clone() };
    assert_eq!(code(&as_wallet, &as_it_is, 100), Some("OFFER_BAD_SIGNATURE"));
    assert_eq!(code(&good, &as_it_is, END_MS + 1), Some("OFFER_ENDED"));
    let formless = SignedOffer { offer: Offer { prices: Vec::new(), ..in_near() }, ..good };
    assert_eq!(code(&formless, &as_it_is, END_MS + 1), Some("OFFER_BAD_FORM"));
}

#[test]
fn an_offer_is_the_word_of_the_payees_account() {
    let full_access = |seed| Evidence::Account { full_access: vec![key(seed).1] };
    for callback_url in [None, Some("https://wallet.example/done".to_owned())] {
        let good = signed(in_near(), By::Account { callback_url });
        assert_eq!(code(&good, &full_access(8), 100), None);
        assert_eq!(code(&good, &full_access(7), 100), Some("OFFER_NOT_PAYEE"));
        assert_eq!(code(&good, &agent(7, "bob.near", |_| {}), 100), Some("OFFER_NOT_PAYEE"));
        let elsewhere = SignedOffer { by: By::Account { callback_url: Some("x".to_owned()) }, ..good.clone() };
        assert_eq!(code(&elsewhere, &full_access(8), 100), Some("OFFER_BAD_SIGNATURE"));
        let other = "escrow2.near".parse().unwrap();
        let checked = good.check(Offer::domain("mainnet", &other), &other, &full_access(8), 100);
        assert_eq!(checked, Err(OfferError::Signature));
        assert_eq!(serde_json::from_value::<SignedOffer>(json!(good)).unwrap(), good);
    }
}
