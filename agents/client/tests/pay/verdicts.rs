//! Whose word a signed offer is, in vectors: what is handed out, what the chain says, when, and what is made of them.

use charter_client::offer::{By, Evidence, Offer, SignedOffer};
use charter_types::AnyKey;
use charter_types::registry::{PausedBy, Purpose, Standing, Status};
use serde_json::{Value, json};

use crate::offers::{END_MS, agent, domain, escrow, in_near, key, signed};

const NOW_MS: u64 = 100;
/// So many letters has the longest account id.
const LONGEST: &str = "a23456789-123456789-123456789-123456789-123456789-123456789.near";

/// A name, what is handed out, what the chain says, and when.
type Case = (&'static str, Value, Evidence, u64);

fn by_key() -> Value {
    json!(signed(in_near(), By::PayKey))
}

fn by_account(offer: Offer, callback_url: Option<&str>) -> Value {
    json!(signed(offer, By::Account { callback_url: callback_url.map(str::to_owned) }))
}

/// The same with something else in one place, which nobody signed.
fn bent(mut handed_out: Value, place: &str, value: Value) -> Value {
    *handed_out.pointer_mut(place).unwrap() = value;
    handed_out
}

/// Full-access keys of the payee, by their seeds.
fn full_access(seeds: &[u8]) -> Evidence {
    Evidence::Account { full_access: seeds.iter().map(|seed| key(*seed).1).collect() }
}

fn bob(change: fn(&mut Standing)) -> Evidence {
    agent(7, "bob.near", change)
}

fn paused(standing: &mut Standing, until_ms: Option<u64>) {
    standing.status = Status::Paused { until_ms, by: PausedBy::Owner };
}

fn of_pay_keys() -> Vec<Case> {
    let as_it_is = || bob(|_| {});
    let lasting = || bob(|standing| standing.keys[0].expires_ms = END_MS + 2);
    let nobodys = json!(signed(Offer { agent: None, ..in_near() }, By::PayKey));
    vec![
        ("by a Pay key", by_key(), as_it_is(), NOW_MS),
        ("by a Pay key whose time is over", by_key(), as_it_is(), NOW_MS + 1),
        ("at its last moment", by_key(), lasting(), END_MS),
        ("a moment later", by_key(), lasting(), END_MS + 1),
        ("by a Pay key whose payee is not paid for its agent's work", by_key(), agent(7, "eve.near", |_| {}), NOW_MS),
        ("by a Pay key, of no agent", nobodys, full_access(&[]), NOW_MS),
        ("by a key that is to sign other things", by_key(), bob(|agent| agent.keys[0].purpose = Purpose::Sign), NOW_MS),
        (
            "by a key that is another than the agent's",
            by_key(),
            bob(|agent| agent.keys[0].key = AnyKey::Ed25519(key(8).1)),
            NOW_MS,
        ),
        ("by a key of an agent that has none", by_key(), bob(|agent| agent.keys.clear()), NOW_MS),
        ("of an agent that is disarmed", by_key(), bob(|agent| agent.armed = false), NOW_MS),
        ("of an agent that is retired", by_key(), bob(|agent| agent.status = Status::Retired), NOW_MS),
        ("of an agent that is paused until its owner ends that", by_key(), bob(|agent| paused(agent, None)), NOW_MS),
        ("of an agent that is paused a moment longer", by_key(), bob(|agent| paused(agent, Some(101))), NOW_MS),
        ("of an agent that was paused until now", by_key(), bob(|agent| paused(agent, Some(100))), NOW_MS),
        (
            "by a Pay key, later than it says",
            bent(by_key(), "/offer/expires_at_ms", json!(END_MS + 1)),
            as_it_is(),
            NOW_MS,
        ),
        (
            "by a Pay key, as if by a wallet",
            bent(by_key(), "/by", json!({ "account": { "callback_url": null } })),
            full_access(&[7]),
            NOW_MS,
        ),
        (
            "of another agent than was signed",
            bent(by_key(), "/offer/agent", json!(8)),
            agent(8, "bob.near", |_| {}),
            NOW_MS,
        ),
        ("without prices, over, and not signed", bent(by_key(), "/offer/prices", json!([])), as_it_is(), END_MS + 1),
        ("over, and not signed", bent(by_key(), "/offer/agent", json!(8)), as_it_is(), END_MS + 1),
    ]
}

fn of_accounts() -> Vec<Case> {
    let url = "https://wallet.example/done";
    let plain = || by_account(in_near(), None);
    let longest = Offer { payee: LONGEST.parse().unwrap(), ..in_near() };
    let elsewhere = bent(by_account(in_near(), Some(url)), "/by/account/callback_url", json!("https://eve.example"));
    vec![
        ("by the payee", plain(), full_access(&[8]), NOW_MS),
        ("by one of the payee's keys, with a callback", by_account(in_near(), Some(url)), full_access(&[7, 8]), NOW_MS),
        ("by the payee, with another callback", elsewhere, full_access(&[8]), NOW_MS),
        ("by a key that is not the payee's", plain(), full_access(&[7]), NOW_MS),
        ("by a key, and the payee has none", plain(), full_access(&[]), NOW_MS),
        ("by the payee, as if by a Pay key", bent(plain(), "/by", json!("pay_key")), bob(|_| {}), NOW_MS),
        ("by the payee, under another key's name", bent(plain(), "/key", json!(key(7).1)), full_access(&[7]), NOW_MS),
        ("by a payee with the longest name", by_account(longest, None), full_access(&[8]), NOW_MS),
    ]
}

/// Who is no account is never told apart by keys: the form comes first.
fn of_nobody() -> Vec<Case> {
    let payees = [
        ("a payee of one letter", "b".to_owned()),
        ("a payee of 65 letters", format!("a{LONGEST}")),
        ("a payee in capitals", "Bob.near".to_owned()),
        ("a payee with two dots side by side", "bob..near".to_owned()),
        ("a payee with a dash beside a dot", "bob-.near".to_owned()),
        ("a payee that ends in a dot", "bob.near.".to_owned()),
        ("a payee that begins with a line", "_bob.near".to_owned()),
        ("a payee with a space", "bob near".to_owned()),
    ];
    let payee = |(name, payee)| {
        let handed_out = bent(by_account(in_near(), None), "/offer/payee", Value::String(payee));
        (name, handed_out, full_access(&[8]), NOW_MS)
    };
    let token = bent(by_account(in_near(), None), "/offer/asset", json!({ "nep141": "usdt..near" }));
    payees.map(payee).into_iter().chain([("a token that is no account", token, full_access(&[8]), NOW_MS)]).collect()
}

/// What the chain says, as views and nodes have it.
fn shown(evidence: &Evidence) -> Value {
    match evidence {
        Evidence::Account { full_access } => json!({ "full_access": full_access }),
        Evidence::Agent { id, standing, payout } => json!({ "agent": id, "payout": payout, "standing": standing }),
    }
}

pub fn verdicts() -> Vec<Value> {
    let cases = [of_pay_keys(), of_accounts(), of_nobody()].concat();
    let vector = |(name, handed_out, evidence, at_ms): Case| {
        let read = SignedOffer::read(handed_out.clone());
        let checked = read.and_then(|signed| signed.check(domain(), &escrow(), &evidence, at_ms));
        let refused = checked.err().map(|error| error.code());
        json!({ "name": name, "signed": handed_out, "chain": shown(&evidence), "at_ms": at_ms, "refused": refused })
    };
    cases.into_iter().map(vector).collect()
}
