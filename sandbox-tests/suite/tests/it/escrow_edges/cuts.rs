//! No ack: both pay, and nobody gains. Collateral that nobody joins, and ends.

use charter_harness::arguments::DEPOSIT;
use charter_harness::{Harness, failed_with, ok, refused};
use charter_types::escrow::args::OpenEdge;
use charter_types::escrow::methods as escrow;
use charter_types::{Ed25519Key, U128};

use super::{ASKER, CAP, COLLATERAL, CUT, Hop, WINDOW_MS, public, terms};
use crate::escrow::totals;
use crate::escrow_scene::{DAY_MS, balance, burnt, until};

/// Cuts an edge: what comes back to its asker.
async fn cut(hop: &Hop<'_>) -> u128 {
    let had = balance(hop.asker).await;
    let outcome = hop.send(hop.asker, escrow::cut_edge, &hop.reference(), 1).await;
    assert_eq!(failed_with(&outcome), None);
    // But for the yocto that shows who signed.
    balance(hop.asker).await + burnt(&outcome) + 1 - had
}

/// It can't be told whose fault the silence was, so both pay the same, and to neither of them.
#[tokio::test]
async fn without_an_ack_both_pay_the_cut_and_nobody_gains() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let charity = harness.account("charity").await.unwrap();
    let terms = terms(&harness, &ben, charity.id()).await;
    let hop = Hop::open(&harness, &ann, &terms).await;
    let early = hop.told(&ann, escrow::cut_edge, &hop.reference(), 1).await;
    assert_eq!(early.as_deref(), Some("ESCROW_EDGE_NOT_LIVE"));
    ok(&ben, hop.contract(), escrow::join_edge, &hop.reference(), COLLATERAL).await;
    for stranger in [&ben, harness.root()] {
        let told = hop.told(stranger, escrow::cut_edge, &hop.reference(), 1).await;
        assert_eq!(told.as_deref(), Some("ESCROW_NOT_ASKER"), "an acker would run from what it acked");
    }
    let had = [balance(&ben).await, balance(&charity).await];
    assert_eq!(cut(&hop).await, COLLATERAL - CUT, "the asker pays as much as the acker");
    assert_eq!([balance(&ben).await, balance(&charity).await], [had[0] + COLLATERAL - CUT, had[1] + 2 * CUT]);
    assert_eq!(hop.edge().await, None);
    let sums = totals(&harness).await;
    assert_eq!((sums.held.0, sums.in_flight.0, sums.paid.0 + sums.refunded.0), (0, 0, 2 * COLLATERAL));
}

/// The same terms from the same asker are another edge, with collateral of its own.
#[tokio::test]
async fn two_edges_alike_are_two() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let terms = terms(&harness, &ben, harness.root().id()).await;
    let (one, other) = (Hop::open(&harness, &ann, &terms).await, Hop::open(&harness, &ann, &terms).await);
    assert_ne!(one.id, other.id);
    assert_eq!(totals(&harness).await.held.0, 2 * COLLATERAL);
    ok(&ann, one.contract(), escrow::end_edge, &one.reference(), 0).await;
    assert!(one.edge().await.is_none() && other.edge().await.is_some());
}

/// Else the asker would take back by cutting what it has to wait for, or the acker be cut instead of paid.
#[tokio::test]
async fn an_edge_is_not_cut_while_an_escalation_is_open() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let hop = Hop::live(&harness, (&ann, &ben)).await;
    let from_ms = hop.late(1).await;
    let cut = async || hop.told(&ann, escrow::cut_edge, &hop.reference(), 1).await;
    assert_eq!(cut().await.as_deref(), Some("ESCROW_ESCALATIONS_OPEN"));
    until(&harness, from_ms + DAY_MS).await;
    assert_eq!(cut().await.as_deref(), Some("ESCROW_ESCALATIONS_OPEN"), "it owes its cap, and has not paid it");
    assert_eq!(hop.claim_late(1).await, Ok(CAP));
    assert_eq!(cut().await, None);
    assert_eq!(hop.edge().await, None);
}

/// The same from both, if less is left of one: an asker that has eaten up the acker's collateral would pay less than it.
#[tokio::test]
async fn of_a_side_with_less_than_the_cut_both_pay_that() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let charity = harness.account("charity").await.unwrap();
    // One request that is never answered leaves the acker a tenth of the cut.
    let cap = U128(COLLATERAL - CUT / 10);
    let terms = OpenEdge { cap, ..terms(&harness, &ben, charity.id()).await };
    let hop = Hop::open(&harness, &ann, &terms).await;
    ok(&ben, hop.contract(), escrow::join_edge, &hop.reference(), COLLATERAL).await;
    let from_ms = hop.late(1).await;
    until(&harness, from_ms + DAY_MS).await;
    assert_eq!(hop.claim_late(1).await, Ok(cap.0));
    let had = [balance(&ben).await, balance(&charity).await];
    assert_eq!(cut(&hop).await, COLLATERAL - CUT / 10);
    assert_eq!([balance(&ben).await, balance(&charity).await], [had[0], had[1] + 2 * (CUT / 10)]);
    let sums = totals(&harness).await;
    assert_eq!((sums.held.0, sums.in_flight.0), (0, 0));
}

/// A cut whose receiver is gone stays due, and goes back after 90 days of that, half each: as a share does.
#[tokio::test]
async fn a_cut_whose_receiver_is_gone_goes_back_after_90_days() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let gone = "nobody.near".parse().unwrap();
    let hop = Hop::open(&harness, &ann, &terms(&harness, &ben, &gone).await).await;
    ok(&ben, hop.contract(), escrow::join_edge, &hop.reference(), COLLATERAL).await;
    let had = balance(&ben).await;
    assert_eq!(cut(&hop).await, COLLATERAL - CUT, "what is not the cut goes back at once");
    assert_eq!(balance(&ben).await, had + COLLATERAL - CUT);
    let again = async || {
        ok(harness.root(), hop.contract(), escrow::end_edge, &hop.reference(), 0).await;
        hop.edge().await
    };
    for days in [0, 45, 44] {
        until(&harness, harness.now_ms().await.unwrap() + days * DAY_MS).await;
        let edge = again().await.unwrap();
        assert_eq!((edge.cut_due.0, edge.asker_side.0, edge.acker_side.0), (2 * CUT, 0, 0), "{days} days later");
    }
    let had = [balance(&ann).await, balance(&ben).await];
    until(&harness, harness.now_ms().await.unwrap() + 2 * DAY_MS).await;
    // The transfer that fails then was the last one to go there, and the next call sends it to those who paid it.
    for _ in 0..2 {
        if hop.edge().await.is_some() {
            again().await;
        }
    }
    assert_eq!([balance(&ann).await, balance(&ben).await], had.map(|had| had + CUT));
    assert_eq!(hop.edge().await, None);
    let sums = totals(&harness).await;
    assert_eq!((sums.held.0, sums.in_flight.0), (0, 0));
}

/// The other one could let it wait for a year.
#[tokio::test]
async fn before_the_acker_joined_the_asker_takes_its_collateral_back() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let hop = Hop::open(&harness, &ann, &terms(&harness, &ben, harness.root().id()).await).await;
    let stranger = refused(harness.root(), hop.contract(), escrow::end_edge, &hop.reference(), 0).await;
    assert_eq!(stranger, "ESCROW_NOT_ON_EDGE");
    for short in [0, 1, COLLATERAL - 1, COLLATERAL + 1] {
        let told = hop.told(&ben, escrow::join_edge, &hop.reference(), short).await;
        assert_eq!(told.as_deref(), Some("ESCROW_NOT_ATTACHED"), "{short}");
    }
    let told = hop.told(&ann, escrow::join_edge, &hop.reference(), COLLATERAL).await;
    assert_eq!(told.as_deref(), Some("ESCROW_NOT_ACKER"));
    ok(&ann, hop.contract(), escrow::end_edge, &hop.reference(), 0).await;
    assert_eq!(hop.edge().await, None);
    let gone = hop.told(&ben, escrow::join_edge, &hop.reference(), COLLATERAL).await;
    assert_eq!(gone.as_deref(), Some("ESCROW_UNKNOWN_EDGE"));
    assert_eq!(totals(&harness).await.refunded.0, COLLATERAL);
}

/// Each bound of what the two agree on, a step beyond it.
#[tokio::test]
async fn an_edge_that_can_not_work_is_not_opened() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let now_ms = harness.now_ms().await.unwrap();
    let good = terms(&harness, &ben, harness.root().id()).await;
    let bad = [
        OpenEdge { acker: ann.id().clone(), ..good.clone() },
        OpenEdge { cut_to: ann.id().clone(), ..good.clone() },
        OpenEdge { cut_to: ben.id().clone(), ..good.clone() },
        OpenEdge { collateral: U128(999), cut: U128(0), cap: U128(999), rate_per_s: U128(1), ..good.clone() },
        OpenEdge { cut: U128(COLLATERAL + 1), ..good.clone() },
        // Late pay that takes longer than 30 days to its cap.
        OpenEdge {
            collateral: U128(2_592_001),
            cap: U128(2_592_001),
            cut: U128(0),
            rate_per_s: U128(1),
            ..good.clone()
        },
        OpenEdge { cap: U128(COLLATERAL + 1), ..good.clone() },
        OpenEdge { rate_per_s: U128(0), ..good.clone() },
        OpenEdge { window_ms: 59_999, ..good.clone() },
        OpenEdge { window_ms: 30 * DAY_MS + 1, ..good.clone() },
        OpenEdge { ends_ms: now_ms, ..good.clone() },
        OpenEdge { ends_ms: now_ms + 367 * DAY_MS, ..good.clone() },
        OpenEdge { ends_ms: u64::MAX, ..good.clone() },
    ];
    let escrow = &harness.contracts.escrow;
    for (number, terms) in bad.iter().enumerate() {
        let told = refused(&ann, escrow, escrow::open_edge, terms, COLLATERAL + DEPOSIT).await;
        assert_eq!(told, "ESCROW_BAD_EDGE", "{number}");
    }
    let weak = Ed25519Key([0; 32]);
    for terms in [OpenEdge { asker_key: weak, ..good.clone() }, OpenEdge { acker_key: weak, ..good.clone() }] {
        assert_eq!(refused(&ann, escrow, escrow::open_edge, &terms, COLLATERAL + DEPOSIT).await, "ESCROW_WEAK_KEY");
    }
    let told = refused(&ann, escrow, escrow::open_edge, &good, COLLATERAL / 2).await;
    assert!(["ESCROW_NOT_ATTACHED", "CHARTER_STORAGE_SHORT"].contains(&told.as_str()), "{told}");
    // The same that is opened twice are two edges.
    let (one, other) = (Hop::live(&harness, (&ann, &ben)).await, Hop::live(&harness, (&ann, &ben)).await);
    assert_ne!(one.id, other.id);
    assert_eq!(one.edge().await.unwrap().asker_key, public(ASKER));
    assert_eq!(one.edge().await.unwrap().window_ms, WINDOW_MS);
}
