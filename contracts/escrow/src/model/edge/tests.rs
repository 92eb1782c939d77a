//! Both sides of every bound. Lines whose removal must fail these, in `take_late`: `min(self.acker_side)`, and the time to
//! show an answer.

use charter_types::asset::Asset;
use charter_types::escrow::args::OpenEdge;
use charter_types::escrow::{
    COLLATERAL_MIN, CUT_RETURNS_MS, EDGE_MS_MAX, EdgeState, EscrowError, SHOW_MS, Signer, WINDOW_MS_MAX, WINDOW_MS_MIN,
};
use charter_types::{AccountId, Ed25519Key, EthAddress, Hash32, U128};

use super::{Edge, EdgePart, Receiver, Request};

const NOW_MS: u64 = 1_000_000;
const ENDS_MS: u64 = NOW_MS + 100 * 24 * 3_600_000;
const ASKED: Hash32 = Hash32([1; 32]);
const ANSWERED: Hash32 = Hash32([2; 32]);

fn id(name: &str) -> AccountId {
    name.parse().unwrap()
}

fn terms() -> OpenEdge {
    OpenEdge {
        acker: id("acker.near"),
        asset: Asset::Near,
        collateral: U128(10_000),
        cut: U128(2_000),
        cut_to: id("pot.near"),
        rate_per_s: U128(10),
        cap: U128(6_000),
        window_ms: WINDOW_MS_MIN,
        ends_ms: ENDS_MS,
        asker_key: Ed25519Key([7; 32]),
        acker_key: Ed25519Key([8; 32]),
        signer: Signer::Ed25519(Ed25519Key([9; 32])),
        offer: None,
    }
}

fn open(terms: OpenEdge) -> Result<Edge, EscrowError> {
    Edge::open(terms, id("asker.near"), NOW_MS)
}

fn live_under(terms: OpenEdge) -> Edge {
    let collateral = terms.collateral.0;
    let mut edge = open(terms).unwrap();
    edge.fill(&id("asker.near"), collateral, NOW_MS).unwrap();
    edge.fill(&id("acker.near"), collateral, NOW_MS).unwrap();
    edge.join(&id("acker.near"), NOW_MS).unwrap();
    assert_eq!(edge.state, EdgeState::Live);
    edge
}

fn live() -> Edge {
    live_under(terms())
}

/// Escalated right at its deadline.
fn escalated(edge: &mut Edge, at_ms: u64) -> Request {
    edge.escalate(&id("asker.near"), (ASKED, at_ms), at_ms).unwrap()
}

/// Escalated so long ago that it is late from then on.
fn late_from(edge: &mut Edge, from_ms: u64) -> Request {
    escalated(edge, from_ms - SHOW_MS)
}

#[test]
fn terms_have_bounds() {
    let fits = |change: fn(&mut OpenEdge)| {
        let mut terms = terms();
        change(&mut terms);
        match open(terms) {
            Ok(_) => true,
            Err(EscrowError::BadEdge { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(fits(|_| {}));
    assert!(!fits(|terms| terms.acker = id("asker.near")));
    assert!(!fits(|terms| terms.cut_to = id("asker.near")));
    assert!(!fits(|terms| terms.cut_to = id("acker.near")));
    let least = |terms: &mut OpenEdge, collateral| {
        (terms.collateral, terms.cut, terms.cap) = (U128(collateral), U128(0), U128(10));
    };
    assert!(fits(|terms| terms.cut = U128(10_000)));
    assert!(!fits(|terms| terms.cut = U128(10_001)));
    assert!(fits(|terms| terms.cap = U128(10_000)));
    assert!(!fits(|terms| terms.cap = U128(10_001)));
    assert!(!fits(|terms| terms.rate_per_s = U128(0)));
    assert!(fits(|terms| terms.rate_per_s = U128(6_000)));
    assert!(!fits(|terms| terms.rate_per_s = U128(6_001)));
    assert!(!fits(|terms| terms.window_ms = WINDOW_MS_MIN - 1));
    assert!(fits(|terms| terms.window_ms = WINDOW_MS_MAX));
    assert!(!fits(|terms| terms.window_ms = WINDOW_MS_MAX + 1));
    assert!(!fits(|terms| terms.ends_ms = NOW_MS));
    assert!(fits(|terms| terms.ends_ms = NOW_MS + EDGE_MS_MAX));
    assert!(!fits(|terms| terms.ends_ms = NOW_MS + EDGE_MS_MAX + 1));
    assert!(!fits(|terms| terms.ends_ms = u64::MAX));
    let (mut enough, mut short) = (terms(), terms());
    least(&mut enough, COLLATERAL_MIN);
    least(&mut short, COLLATERAL_MIN - 1);
    assert!(open(enough).is_ok() && open(short).is_err());
    let named = |model: &str| {
        let signer = Signer::Eip191 { address: EthAddress([3; 20]), model: model.to_owned() };
        open(OpenEdge { signer, ..terms() }).is_ok()
    };
    assert!(named("deepseek-ai/DeepSeek-V3.1") && named(&"m".repeat(64)));
    assert!(!named("") && !named(&"m".repeat(65)) && !named("a:b") && !named("a\n") && !named("é"));
}

#[test]
fn weak_keys_are_refused() {
    let weak = Ed25519Key([0; 32]);
    for terms in [
        OpenEdge { asker_key: weak, ..terms() },
        OpenEdge { acker_key: weak, ..terms() },
        OpenEdge { signer: Signer::Ed25519(weak), ..terms() },
    ] {
        assert_eq!(open(terms), Err(EscrowError::WeakKey {}));
    }
}

#[test]
fn an_edge_is_live_once_both_have_put_theirs_and_the_acker_agreed() {
    let (asker, acker) = (id("asker.near"), id("acker.near"));
    let mut edge = open(terms()).unwrap();
    assert_eq!(edge.join(&asker, NOW_MS), Err(EscrowError::NotAcker { caller: asker.clone() }));
    edge.join(&acker, NOW_MS).unwrap();
    assert_eq!(edge.join(&acker, NOW_MS), Err(EscrowError::EdgeJoined {}));
    let stranger = id("eve.near");
    assert_eq!(edge.fill(&stranger, 1, NOW_MS), Err(EscrowError::NotOnEdge { account: stranger }));
    edge.fill(&asker, 9_999, NOW_MS).unwrap();
    assert_eq!(edge.fill(&asker, 2, NOW_MS), Err(EscrowError::OverCollateral { missing: 1 }));
    assert_eq!(edge.fill(&asker, u128::MAX, NOW_MS), Err(EscrowError::OverCollateral { missing: 1 }));
    edge.fill(&acker, 10_000, NOW_MS).unwrap();
    assert_eq!(edge.state, EdgeState::Joined);
    assert_eq!(edge.fill(&asker, 1, ENDS_MS), Err(EscrowError::EdgeOver { over_ms: ENDS_MS }));
    assert_eq!(edge.escalate(&asker, (ASKED, NOW_MS), NOW_MS), Err(EscrowError::EdgeNotLive {}));
    assert_eq!(edge.cut(&asker, NOW_MS), Err(EscrowError::EdgeNotLive {}));
    edge.fill(&asker, 1, ENDS_MS - 1).unwrap();
    assert_eq!(edge.state, EdgeState::Live);
    assert_eq!(edge.fill(&acker, 1, NOW_MS), Err(EscrowError::OverCollateral { missing: 0 }));
}

#[test]
fn who_waits_for_the_other_may_leave() {
    for leaver in ["asker.near", "acker.near"] {
        let mut edge = open(terms()).unwrap();
        edge.fill(&id("asker.near"), 10_000, NOW_MS).unwrap();
        let stranger = id("eve.near");
        assert_eq!(edge.end(&stranger, ENDS_MS - 1), Err(EscrowError::NotOnEdge { account: stranger }));
        edge.end(&id(leaver), NOW_MS).unwrap();
        assert_eq!(edge.take_due().unwrap(), [EdgePart { to: Receiver::Asker, own: 10_000, earned: 0 }]);
        assert_eq!(edge.join(&id("acker.near"), NOW_MS), Err(EscrowError::EdgeNotLive {}));
    }
    let mut edge = open(terms()).unwrap();
    edge.end(&id("eve.near"), ENDS_MS).unwrap();
    assert!(edge.take_due().unwrap().is_empty() && edge.is_done());
}

#[test]
fn a_request_is_escalated_from_its_deadline_to_the_end_of_the_window() {
    let (asker, mut edge) = (id("asker.near"), live());
    let mut at = |deadline_ms, now_ms| edge.escalate(&asker, (ASKED, deadline_ms), now_ms).map(|_| ());
    let deadline_ms = NOW_MS + 5_000;
    let to_ms = deadline_ms + WINDOW_MS_MIN;
    assert_eq!(at(deadline_ms, deadline_ms - 1), Err(EscrowError::NotLate { from_ms: deadline_ms, to_ms }));
    assert_eq!(at(deadline_ms, to_ms + 1), Err(EscrowError::NotLate { from_ms: deadline_ms, to_ms }));
    assert_eq!(at(u64::MAX, NOW_MS), Err(EscrowError::NotLate { from_ms: u64::MAX, to_ms: u64::MAX }));
    assert_eq!(at(ENDS_MS, ENDS_MS), Err(EscrowError::EdgeOver { over_ms: ENDS_MS }));
    assert_eq!(at(deadline_ms, deadline_ms), Ok(()));
    assert_eq!(at(deadline_ms, to_ms), Ok(()));
    assert_eq!(at(ENDS_MS - 1, ENDS_MS - 1), Ok(()));
    assert_eq!(edge.escalations, 3);
    let acker = id("acker.near");
    let others = edge.escalate(&acker, (ASKED, NOW_MS), NOW_MS);
    assert_eq!(others, Err(EscrowError::NotAsker { caller: acker }));
}

#[test]
fn each_second_begun_costs_up_to_the_cap() {
    let mut edge = live();
    let mut request = late_from(&mut edge, NOW_MS);
    for (after_ms, late, open) in [
        (0, 0, true),
        (1, 10, true),
        (1_000, 10, true),
        (1_001, 20, true),
        (500, 20, true),
        (599_000, 5_990, true),
        (599_001, 6_000, false),
        (u64::MAX - NOW_MS, 6_000, false),
    ] {
        edge.take_late(&mut request, NOW_MS + after_ms).unwrap();
        assert_eq!((request.late, request.open), (late, open), "{after_ms}");
        assert_eq!((edge.late, edge.acker_side), (late, 10_000 - late));
    }
    assert_eq!(edge.escalations, 0);
    let again = edge.deliver(&mut request, ANSWERED, NOW_MS, || panic!("a signature costs gas"));
    assert_eq!(again, Err(EscrowError::RequestSettled {}));
}

#[test]
fn a_response_stops_the_clock_once() {
    let mut edge = live();
    let mut request = late_from(&mut edge, NOW_MS);
    let at_ms = NOW_MS + 2_500;
    let (edge_before, request_before) = (edge.clone(), request.clone());
    let refused = edge.deliver(&mut request, ANSWERED, at_ms, || false);
    assert_eq!(refused, Err(EscrowError::ResponseSignature {}));
    assert_eq!((&edge, &request), (&edge_before, &request_before));
    edge.deliver(&mut request, ANSWERED, at_ms, || true).unwrap();
    assert_eq!((request.late, request.open, edge.escalations), (30, false, 0));
    edge.take_late(&mut request, u64::MAX).unwrap();
    assert_eq!((request.late, edge.asker_due), (30, 30));
    let delivered = request.delivered.unwrap();
    assert_eq!((delivered.at_ms, delivered.response_hash), (at_ms, ANSWERED));
    let again = edge.deliver(&mut request, ASKED, at_ms, || true);
    assert_eq!(again, Err(EscrowError::RequestSettled {}));
}

/// However high the rate.
#[test]
fn an_answer_that_is_shown_within_a_minute_costs_nothing() {
    for (after_ms, late) in [(0, 0), (SHOW_MS, 0), (SHOW_MS + 1, 6_000)] {
        let mut edge = live_under(OpenEdge { rate_per_s: U128(6_000), ..terms() });
        let mut request = escalated(&mut edge, NOW_MS);
        // Nor if the asker asks for late pay before.
        edge.take_late(&mut request, NOW_MS + after_ms / 2).unwrap();
        edge.deliver(&mut request, ANSWERED, NOW_MS + after_ms, || true).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((request.late, request.open, edge.acker_side), (late, false, 10_000 - late), "{after_ms}");
    }
}

#[test]
fn late_pay_is_the_same_in_any_order_and_at_most_the_collateral() {
    for (times, all) in [([60_000, 120_000], 1_800), ([400_000, 500_000], 9_000), ([600_000, 600_000], 10_000)] {
        let mut sums = Vec::new();
        for order in [[0, 1], [1, 0]] {
            let mut edge = live();
            let mut requests = [late_from(&mut edge, NOW_MS), late_from(&mut edge, NOW_MS)];
            // One of them is asked about more often than the other.
            edge.take_late(&mut requests[order[0]], NOW_MS + 1).unwrap();
            for index in order {
                edge.take_late(&mut requests[index], NOW_MS + times[index]).unwrap();
            }
            edge.check_invariant().unwrap();
            assert_eq!(edge.late, requests.iter().map(|request| request.late).sum::<u128>());
            sums.push(edge.late);
        }
        assert_eq!(sums, [all, all]);
    }
}

#[test]
fn an_edge_does_not_end_while_something_is_owed() {
    let (asker, mut edge) = (id("asker.near"), live());
    let mut request = escalated(&mut edge, ENDS_MS - 1);
    let over_ms = ENDS_MS + WINDOW_MS_MIN;
    assert_eq!(edge.cut(&asker, NOW_MS), Err(EscrowError::EscalationsOpen { escalations: 1 }));
    assert_eq!(edge.end(&asker, over_ms), Err(EscrowError::EscalationsOpen { escalations: 1 }));
    edge.take_late(&mut request, u64::MAX).unwrap();
    assert_eq!(edge.end(&asker, over_ms - 1), Err(EscrowError::EdgeNotOver { over_ms }));
    assert_eq!(edge.cut(&asker, over_ms), Err(EscrowError::EdgeOver { over_ms }));
    edge.end(&id("eve.near"), over_ms).unwrap();
    let parts = edge.take_due().unwrap();
    let expected = [
        EdgePart { to: Receiver::Asker, own: 10_000, earned: 6_000 },
        EdgePart { to: Receiver::Acker, own: 4_000, earned: 0 },
    ];
    assert_eq!(parts, expected);
    assert!(edge.take_due().unwrap().is_empty() && !edge.is_done());
    assert_eq!(edge.end(&asker, over_ms), Err(EscrowError::NothingDue {}));
    for part in parts {
        edge.settle(part, true, over_ms);
    }
    assert!(edge.is_done());
}

#[test]
fn a_cut_takes_the_same_of_both_and_no_more_than_there_is() {
    for (late_ms, each) in [(0, 2_000), (800_000, 2_000), (900_000, 1_000)] {
        let mut edge = live_under(OpenEdge { cap: U128(9_000), ..terms() });
        let mut request = late_from(&mut edge, NOW_MS);
        edge.deliver(&mut request, ANSWERED, NOW_MS + late_ms, || true).unwrap();
        let acker = id("acker.near");
        assert_eq!(edge.cut(&acker, NOW_MS), Err(EscrowError::NotAsker { caller: acker }));
        edge.cut(&id("asker.near"), NOW_MS).unwrap();
        edge.check_invariant().unwrap();
        assert_eq!(edge.cut_due, 2 * each);
        assert_eq!((edge.asker_side, edge.acker_side), (10_000 - each, 10_000 - edge.late - each));
        assert_eq!(edge.cut(&id("asker.near"), NOW_MS), Err(EscrowError::EdgeNotLive {}));
    }
}

#[test]
fn what_comes_back_is_where_it_was() {
    let mut edge = live();
    let mut request = late_from(&mut edge, NOW_MS);
    edge.deliver(&mut request, ANSWERED, NOW_MS + 1, || true).unwrap();
    let before = edge.clone();
    let parts = edge.take_due().unwrap();
    assert_eq!(parts, [EdgePart { to: Receiver::Asker, own: 0, earned: 10 }]);
    edge.settle(parts[0], false, NOW_MS);
    assert_eq!(edge, before);
    edge.cut(&id("asker.near"), NOW_MS).unwrap();
    let before = edge.clone();
    let parts = edge.take_due().unwrap();
    assert_eq!(parts.len(), 3);
    for part in &parts {
        edge.settle(*part, false, NOW_MS);
        edge.check_invariant().unwrap();
    }
    assert_eq!(edge, Edge { cut_failed_ms: NOW_MS, ..before });
}

#[test]
fn a_cut_that_nobody_takes_goes_back_after_90_days() {
    let mut edge = live();
    edge.cut(&id("asker.near"), NOW_MS).unwrap();
    let fail = |edge: &mut Edge, now_ms| {
        for part in edge.take_due().unwrap() {
            edge.settle(part, part.to != Receiver::CutTo, now_ms);
        }
    };
    fail(&mut edge, NOW_MS);
    fail(&mut edge, NOW_MS + CUT_RETURNS_MS - 1);
    assert_eq!((edge.cut_due, edge.asker_side, edge.acker_side), (4_000, 0, 0));
    fail(&mut edge, NOW_MS + CUT_RETURNS_MS);
    assert_eq!((edge.cut_due, edge.asker_side, edge.acker_side), (0, 2_000, 2_000));
    edge.check_invariant().unwrap();
    fail(&mut edge, NOW_MS + CUT_RETURNS_MS);
    assert!(edge.is_done());
}

#[test]
fn extremes_of_amounts_and_time_stop_nobody() {
    let half = u128::MAX / 2;
    let (collateral, cap, rate_per_s, cut) = (U128(half), U128(half), U128(half), U128(half));
    let mut edge = live_under(OpenEdge { collateral, cap, rate_per_s, cut, ..terms() });
    let mut request = escalated(&mut edge, NOW_MS);
    edge.take_late(&mut request, u64::MAX).unwrap();
    edge.check_invariant().unwrap();
    assert_eq!((edge.acker_side, edge.late, edge.escalations), (0, half, 0));
    edge.end(&id("asker.near"), u64::MAX).unwrap();
    assert_eq!(edge.take_due().unwrap(), [EdgePart { to: Receiver::Asker, own: half, earned: half }]);
    let mut edge = live_under(OpenEdge { collateral, cap, rate_per_s, cut, ..terms() });
    edge.cut(&id("asker.near"), NOW_MS).unwrap();
    edge.check_invariant().unwrap();
    assert_eq!(edge.cut_due, half * 2);
}

#[test]
fn a_number_is_not_free_before_its_window_is_over() {
    let mut edge = live();
    let mut request = escalated(&mut edge, NOW_MS);
    let over_ms = NOW_MS + WINDOW_MS_MIN;
    let window_ms = Some(WINDOW_MS_MIN);
    assert_eq!(request.check_over(window_ms, u64::MAX), Err(EscrowError::RequestOpen { over_ms }));
    edge.deliver(&mut request, ANSWERED, NOW_MS, || true).unwrap();
    assert_eq!(request.check_over(window_ms, over_ms), Err(EscrowError::RequestOpen { over_ms }));
    assert_eq!(request.check_over(window_ms, over_ms + 1), Ok(()));
    assert_eq!(request.check_over(None, NOW_MS), Ok(()));
}
