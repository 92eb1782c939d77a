//! Answers in time, late and never.

use charter_harness::arguments::{DEPOSIT, unregister};
use charter_harness::{Harness, refused};
use charter_types::escrow::args::{Deliver, Escalate, OpenEdge};
use charter_types::escrow::methods as escrow;
use charter_types::{AnySignature, Hash32, Signature64, U128};

use super::{ACKER, AUTHOR, CAP, COLLATERAL, Hop, MINUTE_MS, RATE, WINDOW_MS, key, seconds, signed, terms, what};
use crate::escrow::totals;
use crate::escrow_bytes::{ACK, Asked, Message, RESPONSE, VOUCHER, domain_of};
use crate::escrow_scene::{DAY_MS, HOUR_MS, balance, until};

/// Nothing happens on the chain, and both have everything back when the edge is over.
#[tokio::test]
async fn answered_in_time_costs_nobody_anything() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let hop = Hop::live(&harness, (&ann, &ben)).await;
    let had = [balance(&ann).await, balance(&ben).await];
    let early = refused(harness.root(), hop.contract(), escrow::end_edge, &hop.reference(), 0).await;
    assert_eq!(early, "ESCROW_EDGE_NOT_OVER");
    hop.end().await;
    let has = [balance(&ann).await, balance(&ben).await];
    assert_eq!(has, had.map(|had| had + COLLATERAL));
    assert_eq!(hop.edge().await, None);
    let sums = totals(&harness).await;
    assert_eq!((sums.held.0, sums.in_flight.0, sums.refunded.0), (0, 0, 2 * COLLATERAL));
    unregister(&ann, hop.contract()).await;
}

/// An asker has an ack of everything that was answered, too. Count from the escalation itself, and it presents all of them at
/// once for each one's first second.
#[tokio::test]
async fn to_escalate_what_was_answered_gains_nothing() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    // A second of each would be all there is.
    let answered = 20;
    let rate_per_s = U128(COLLATERAL / u128::from(answered));
    let terms = OpenEdge { rate_per_s, cap: rate_per_s, ..terms(&harness, &ben, harness.root().id()).await };
    let hop = Hop::open(&harness, &ann, &terms).await;
    assert_eq!(hop.told(&ben, escrow::join_edge, &hop.reference(), COLLATERAL).await, None);
    let deadline_ms = harness.now_ms().await.unwrap() + 1_000;
    until(&harness, deadline_ms).await;
    for counter in 1..=answered {
        assert_eq!(hop.escalate(&hop.ack(counter, deadline_ms)).await, None);
        assert_eq!(hop.claim_late(counter).await.unwrap_err(), "ESCROW_NOTHING_DUE");
    }
    for counter in 1..=answered {
        assert_eq!(hop.told(&ben, escrow::deliver, &hop.response(counter), 0).await, None);
        let seen = hop.seen(counter).await;
        assert_eq!((seen.late.0, seen.open), (0, false));
        assert_eq!(seen.delivered.unwrap().response_hash, what("the answer"));
    }
    // However long nobody asks for it.
    until(&harness, deadline_ms + DAY_MS).await;
    assert_eq!(hop.claim_late(1).await.unwrap_err(), "ESCROW_NOTHING_DUE");
    assert_eq!(hop.sides().await, (COLLATERAL, COLLATERAL));
}

/// The clock runs from a minute after the escalation, by the second, and stops at the answer.
#[tokio::test]
async fn late_costs_each_second_begun_until_the_answer() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let hop = Hop::live(&harness, (&ann, &ben)).await;
    let from_ms = hop.late(1).await;
    assert_eq!(hop.claim_late(1).await.unwrap_err(), "ESCROW_NOTHING_DUE", "it may still show that it answered");
    until(&harness, from_ms + MINUTE_MS + 4_500).await;
    let had = balance(&ann).await;
    let first = hop.claim_late(1).await.unwrap();
    assert!(first >= 5 * RATE && first.is_multiple_of(RATE), "{first}");
    // Not the acker alone: whoever has the answer shows it.
    assert_eq!(hop.told(harness.root(), escrow::deliver, &hop.response(1), 0).await, None);
    let at_ms = hop.seen(1).await.delivered.unwrap().at_ms;
    let all = RATE * seconds(from_ms, at_ms);
    assert!(all < CAP, "the test took too long: {all}");
    if all > first {
        assert_eq!(hop.claim_late(1).await, Ok(all - first));
    }
    assert_eq!(balance(&ann).await, had + all);
    let again = hop.told(&ben, escrow::deliver, &hop.response(1), 0).await;
    assert_eq!(again.as_deref(), Some("ESCROW_REQUEST_SETTLED"), "a request has one outcome");
    hop.end().await;
    assert_eq!(totals(&harness).await.paid.0, all);
}

/// At most the cap, and then the rest of the collateral is the acker's again.
#[tokio::test]
async fn never_costs_the_cap() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let hop = Hop::live(&harness, (&ann, &ben)).await;
    hop.late(1).await;
    let edge = hop.edge().await.unwrap();
    assert_eq!(edge.escalations, 1);
    until(&harness, edge.ends_ms + WINDOW_MS).await;
    let open = refused(&ben, hop.contract(), escrow::end_edge, &hop.reference(), 0).await;
    assert_eq!(open, "ESCROW_ESCALATIONS_OPEN");
    assert_eq!(hop.claim_late(1).await, Ok(CAP));
    assert_eq!(hop.claim_late(1).await.unwrap_err(), "ESCROW_NOTHING_DUE");
    let late = hop.told(&ben, escrow::deliver, &hop.response(1), 0).await;
    assert_eq!(late.as_deref(), Some("ESCROW_REQUEST_SETTLED"));
    let had = [balance(&ann).await, balance(&ben).await];
    hop.end().await;
    let has = [balance(&ann).await, balance(&ben).await];
    assert_eq!(has, [had[0] + COLLATERAL, had[1] + COLLATERAL - CAP]);
    assert_eq!(totals(&harness).await.paid.0, CAP);
}

/// Three requests that are never answered cost three caps, and eleven no more than the collateral: INV-ESC-12.
#[tokio::test]
async fn all_late_pay_is_the_ackers_collateral_and_no_more() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let hop = Hop::live(&harness, (&ann, &ben)).await;
    for counter in 1..=12 {
        hop.late(counter).await;
    }
    until(&harness, harness.now_ms().await.unwrap() + HOUR_MS).await;
    let mut all = 0;
    for counter in 1..=12 {
        all += hop.claim_late(counter).await.unwrap_or_default();
    }
    assert_eq!(all, COLLATERAL);
    assert_eq!(hop.sides().await, (COLLATERAL, 0));
    let edge = hop.edge().await.unwrap();
    assert_eq!((edge.late.0, edge.asker_due.0, edge.escalations), (COLLATERAL, 0, 0));
    hop.end().await;
    let sums = totals(&harness).await;
    assert_eq!((sums.paid.0, sums.refunded.0, sums.held.0), (COLLATERAL, COLLATERAL, 0));
}

/// A path of two hops. The far one answers, the middle one keeps the answer for itself: it pays, and nobody else.
#[tokio::test]
async fn a_middle_hop_that_fails_pays_alone() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let cid = harness.account("cid").await.unwrap();
    let (near, far) = (Hop::live(&harness, (&ann, &ben)).await, Hop::live(&harness, (&ben, &cid)).await);
    near.late(1).await;
    until(&harness, harness.now_ms().await.unwrap() + HOUR_MS / 2).await;
    assert_eq!(near.claim_late(1).await, Ok(CAP));
    assert_eq!((near.sides().await, far.sides().await), ((COLLATERAL, COLLATERAL - CAP), (COLLATERAL, COLLATERAL)));
    near.end().await;
    far.end().await;
    assert_eq!(totals(&harness).await.paid.0, CAP);
}

/// The far one is silent. Deadlines are nested, so the middle one has escalated before it is escalated itself, and what it
/// owes the one in front comes from the one behind.
#[tokio::test]
async fn a_far_hop_that_fails_pays_through_the_middle() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let cid = harness.account("cid").await.unwrap();
    let (near, far) = (Hop::live(&harness, (&ann, &ben)).await, Hop::live(&harness, (&ben, &cid)).await);
    let behind_ms = far.late(1).await;
    let front_ms = near.late(1).await;
    assert!(behind_ms <= front_ms, "the client's work: each hop's deadline inside the one before");
    until(&harness, harness.now_ms().await.unwrap() + HOUR_MS / 2).await;
    for hop in [&far, &near] {
        assert_eq!(hop.claim_late(1).await, Ok(CAP));
    }
    // Either side of the middle: what it got as an asker is what it lost as an acker.
    assert_eq!(
        (near.sides().await, far.sides().await),
        ((COLLATERAL, COLLATERAL - CAP), (COLLATERAL, COLLATERAL - CAP))
    );
}

/// Without a window, an acker would have to keep every answer it ever gave.
#[tokio::test]
async fn an_ack_of_a_year_ago_escalates_nothing() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let now_ms = harness.now_ms().await.unwrap();
    let ends_ms = now_ms + 366 * DAY_MS - HOUR_MS;
    let terms = OpenEdge { ends_ms, ..terms(&harness, &ben, harness.root().id()).await };
    let hop = Hop::open(&harness, &ann, &terms).await;
    assert_eq!(hop.told(&ben, escrow::join_edge, &hop.reference(), COLLATERAL).await, None);
    let ack = hop.ack(1, harness.now_ms().await.unwrap() + HOUR_MS);
    assert_eq!(hop.escalate(&ack).await.as_deref(), Some("ESCROW_NOT_IN_WINDOW"), "it is not late yet");
    until(&harness, ack.deadline_ms + WINDOW_MS + 1_000).await;
    assert_eq!(hop.escalate(&ack).await.as_deref(), Some("ESCROW_NOT_IN_WINDOW"), "an hour later");
    until(&harness, now_ms + 365 * DAY_MS).await;
    assert_eq!(hop.escalate(&ack).await.as_deref(), Some("ESCROW_NOT_IN_WINDOW"), "a year later");
    assert_eq!(hop.sides().await, (COLLATERAL, COLLATERAL));
    // Nor does one that was given for a time when the edge is over.
    until(&harness, ends_ms).await;
    let last = hop.ack(2, ends_ms - 1);
    assert_eq!(hop.escalate(&last).await.as_deref(), Some("ESCROW_EDGE_OVER"));
}

/// Of one request, of one edge, of one chain and contract, by one key: anything else is no ack.
#[tokio::test]
async fn an_ack_bites_only_as_it_was_signed() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let (hop, other) = (Hop::live(&harness, (&ann, &ben)).await, Hop::live(&harness, (&ann, &ben)).await);
    let deadline_ms = harness.now_ms().await.unwrap();
    until(&harness, deadline_ms + 1_000).await;
    let good = hop.ack(1, deadline_ms);
    let with = |signature| Escalate { signature, ..good.clone() };
    let message = hop.asked(1).ack(deadline_ms);
    let sign = |message: Message| with(Signature64(message.sign(&key(ACKER))));
    let mut bent = vec![
        with(signed(AUTHOR, &message.bytes())),
        // The request alone, what is asked instead of the request, and kinds that mean something else.
        sign(Message { kind: ACK, ..hop.asked(1).request() }),
        sign(Message { root: hop.asked(1).asked, ..message }),
        sign(Message { kind: VOUCHER, ..message }),
        sign(Message { kind: RESPONSE, ..message }),
        sign(Message { cumulative: 1, ..message }),
        sign(Message { domain: domain_of("mainnet", hop.contract().as_str()), ..message }),
        Escalate { edge: other.id, ..good.clone() },
        Escalate { counter: 2, ..good.clone() },
        Escalate { asked: what("something else"), ..good.clone() },
        Escalate { deadline_ms: deadline_ms + 1, ..good.clone() },
    ];
    for bit in [0, 7, 255, 256, 511] {
        let mut signature = good.signature;
        signature.0[bit / 8] ^= 1 << (bit % 8);
        bent.push(with(signature));
    }
    for (number, ack) in bent.iter().enumerate() {
        assert_eq!(hop.escalate(ack).await.as_deref(), Some("ESCROW_BAD_ACK"), "{number}");
    }
    let stranger = hop.told(&ben, escrow::escalate, &good, DEPOSIT).await;
    assert_eq!(stranger.as_deref(), Some("ESCROW_NOT_ASKER"));
    assert_eq!(hop.escalate(&good).await, None);
    assert_eq!(hop.escalate(&good).await.as_deref(), Some("ESCROW_ESCALATED"), "a number is escalated once");
}

/// Likewise for answers: of this edge, this request, this hash, by the author named at opening.
#[tokio::test]
async fn a_response_stops_only_the_clock_it_was_signed_for() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let (hop, other) = (Hop::live(&harness, (&ann, &ben)).await, Hop::live(&harness, (&ann, &ben)).await);
    let unknown = hop.told(&ben, escrow::deliver, &hop.response(1), 0).await;
    assert_eq!(unknown.as_deref(), Some("ESCROW_UNKNOWN_REQUEST"));
    hop.late(1).await;
    let good = hop.response(1);
    let by = |seed, asked: Asked| {
        let bytes = asked.response(good.response_hash.0).bytes();
        Deliver { signature: AnySignature::Ed25519(signed(seed, &bytes)), ..good.clone() }
    };
    let own = hop.asked(1);
    let bent = [
        by(ACKER, own),
        by(AUTHOR, Asked { counter: 2, ..own }),
        by(AUTHOR, Asked { edge: other.id.0, ..own }),
        by(AUTHOR, Asked { asked: [9; 32], ..own }),
        by(AUTHOR, Asked { domain: [9; 32], ..own }),
        Deliver { response_hash: Hash32([9; 32]), ..good.clone() },
    ];
    for (number, response) in bent.iter().enumerate() {
        let told = hop.told(&ben, escrow::deliver, response, 0).await;
        assert_eq!(told.as_deref(), Some("ESCROW_BAD_RESPONSE"), "{number}");
    }
    assert_eq!(hop.told(&ben, escrow::deliver, &good, 0).await, None);
}

/// A settled one is forgotten once its ack can't be presented again, and its asker's storage is free.
#[tokio::test]
async fn a_request_that_is_settled_is_forgotten_and_does_not_come_back() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let hop = Hop::live(&harness, (&ann, &ben)).await;
    let deadline_ms = harness.now_ms().await.unwrap();
    until(&harness, deadline_ms + 1_000).await;
    let ack = hop.ack(1, deadline_ms);
    assert_eq!(hop.escalate(&ack).await, None);
    let forget = async || hop.told(harness.root(), escrow::forget_request, &hop.request(1), 0).await;
    assert_eq!(forget().await.as_deref(), Some("ESCROW_REQUEST_OPEN"));
    assert_eq!(hop.told(&ben, escrow::deliver, &hop.response(1), 0).await, None);
    assert_eq!(forget().await.as_deref(), Some("ESCROW_REQUEST_OPEN"), "its window is not over");
    until(&harness, deadline_ms + WINDOW_MS + 1_000).await;
    assert_eq!(forget().await, None);
    assert_eq!(forget().await.as_deref(), Some("ESCROW_UNKNOWN_REQUEST"));
    assert_eq!(hop.escalate(&ack).await.as_deref(), Some("ESCROW_NOT_IN_WINDOW"));
    hop.end().await;
    unregister(&ann, hop.contract()).await;
}
