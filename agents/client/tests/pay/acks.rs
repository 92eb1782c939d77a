//! What an asker takes an ack for: both sides of each bound.

use charter_client::ack::{AckError, ESCALATE_MS, check};
use charter_client::sha256;
use charter_types::asset::Asset;
use charter_types::escrow::args::Escalate;
use charter_types::escrow::{Edge, EdgeState, Exchange, Signer};
use charter_types::{Ed25519Key, Hash32, Signature64, U128};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::chain::{DOMAIN, START_MS, id, signing};

const WINDOW_MS: u64 = 600_000;
const ENDS_MS: u64 = START_MS + 10_000_000;

fn edge() -> Edge {
    let key = Ed25519Key(signing().verifying_key().to_bytes());
    Edge {
        id: id(1),
        asker: "alice.near".parse().unwrap(),
        acker: "bob.near".parse().unwrap(),
        asset: Asset::Near,
        collateral: U128(1_000),
        cut: U128(0),
        cut_to: "carol.near".parse().unwrap(),
        rate_per_s: U128(1),
        cap: U128(1_000),
        window_ms: WINDOW_MS,
        ends_ms: ENDS_MS,
        asker_key: Ed25519Key([9; 32]),
        acker_key: key,
        signer: Signer::Ed25519(key),
        offer: None,
        state: EdgeState::Live,
        asker_side: U128(1_000),
        acker_side: U128(1_000),
        late: U128(0),
        asker_due: U128(0),
        cut_due: U128(0),
        escalations: 0,
    }
}

fn signed_by(key: &SigningKey, deadline_ms: u64) -> Escalate {
    let (edge, counter, asked) = (id(1), 3, Hash32([4; 32]));
    let message = Exchange { domain: DOMAIN, edge, counter, asked }.ack(deadline_ms, sha256).to_bytes();
    Escalate { edge, counter, asked, deadline_ms, signature: Signature64(key.sign(&message).to_bytes()) }
}

fn ack(deadline_ms: u64) -> Escalate {
    signed_by(&signing(), deadline_ms)
}

fn told(edge: &Edge, ack: &Escalate, answer_by_ms: u64) -> &'static str {
    check(edge, DOMAIN, ack, answer_by_ms, START_MS).map_or_else(|error| error.code(), |()| "good")
}

#[test]
fn an_ack_that_could_not_be_escalated_is_worthless() {
    let worth = |deadline_ms| told(&edge(), &ack(deadline_ms), u64::MAX);
    // So long before the end that it gets into a block before.
    let last_ms = ENDS_MS - ESCALATE_MS - 1;
    for (deadline_ms, expected) in [
        (START_MS, "good"),
        (START_MS + 30_000, "good"),
        (last_ms, "good"),
        (last_ms + 1, "PAY_ACK_WORTHLESS"),
        (ENDS_MS, "PAY_ACK_WORTHLESS"),
        (u64::MAX, "PAY_ACK_WORTHLESS"),
        // Its window is all but over.
        (START_MS + ESCALATE_MS - WINDOW_MS, "good"),
        (START_MS + ESCALATE_MS - WINDOW_MS - 1, "PAY_ACK_WORTHLESS"),
        (0, "PAY_ACK_WORTHLESS"),
    ] {
        assert_eq!(worth(deadline_ms), expected, "{deadline_ms}");
    }
    // The shortest window that the contract takes is just long enough.
    assert_eq!(told(&Edge { window_ms: 60_000, ..edge() }, &ack(START_MS), u64::MAX), "good");
    assert_eq!(told(&Edge { acker_side: U128(0), ..edge() }, &ack(START_MS), u64::MAX), "PAY_ACK_WORTHLESS");
    for state in [EdgeState::Open, EdgeState::Joined, EdgeState::Ended] {
        assert_eq!(told(&Edge { state, ..edge() }, &ack(START_MS), u64::MAX), "ESCROW_EDGE_NOT_LIVE");
    }
}

#[test]
fn an_ack_of_a_later_deadline_than_asked_for_is_refused() {
    let by_ms = START_MS + 30_000;
    assert_eq!(told(&edge(), &ack(by_ms), by_ms), "good");
    let slow = check(&edge(), DOMAIN, &ack(by_ms + 1), by_ms, START_MS);
    assert_eq!(slow, Err(AckError::Slow { deadline_ms: by_ms + 1 }));
}

#[test]
fn an_ack_says_only_what_its_acker_signed() {
    let good = ack(START_MS);
    let bent = |change: fn(&mut Escalate)| {
        let mut bent = good.clone();
        change(&mut bent);
        told(&edge(), &bent, u64::MAX)
    };
    assert_eq!(bent(|_| {}), "good");
    for change in [
        |ack: &mut Escalate| ack.counter += 1,
        |ack: &mut Escalate| ack.asked = Hash32([5; 32]),
        |ack: &mut Escalate| ack.deadline_ms += 1,
        |ack: &mut Escalate| ack.signature.0[0] ^= 1,
    ] {
        assert_eq!(bent(change), "ESCROW_BAD_ACK");
    }
    assert_eq!(bent(|ack| ack.edge = id(2)), "ESCROW_UNKNOWN_EDGE");
    let stranger = signed_by(&SigningKey::from_bytes(&[8; 32]), START_MS);
    assert_eq!(told(&edge(), &stranger, u64::MAX), "ESCROW_BAD_ACK");
    let elsewhere = check(&edge(), Hash32([2; 32]), &good, u64::MAX, START_MS).map_err(|error| error.code());
    assert_eq!(elsewhere, Err("ESCROW_BAD_ACK"));
}
