//! Edges in a token, transfers that fail, and the largest amounts.

use charter_harness::ok;
use charter_types::U128;
use charter_types::asset::Asset;
use charter_types::escrow::EdgeState;
use charter_types::escrow::args::OpenEdge;
use charter_types::escrow::methods as escrow;
use serde_json::json;

use super::{CAP, COLLATERAL, CUT, Hop, MINUTE_MS, RATE, terms};
use crate::escrow_scene::{DAY_MS, HOUR_MS, Scene, until};
use crate::staked::{tell, token};

/// Ann asks, ben answers, in the scene's token.
async fn opened(scene: &Scene) -> Hop<'_> {
    let terms = OpenEdge { asset: scene.asset(), ..terms(&scene.harness, &scene.ben, scene.dan.id()).await };
    Hop::open(&scene.harness, &scene.ann, &terms).await
}

async fn live(scene: &Scene) -> Hop<'_> {
    let hop = opened(scene).await;
    ok(&scene.ben, scene.contract(), escrow::join_edge, &hop.reference(), 1).await;
    for side in [&scene.ann, &scene.ben] {
        let msg = json!({ "edge": { "edge": hop.id } });
        assert_eq!(scene.transfer(side, scene.token.id(), COLLATERAL, &msg).await, COLLATERAL);
    }
    assert_eq!(hop.edge().await.unwrap().state, EdgeState::Live);
    hop
}

/// By transfers, in parts, of both and of nobody else, in this token and in no other; and never more than is missing.
#[tokio::test]
async fn both_put_their_tokens_and_it_is_live_with_the_last_of_them() {
    let scene = Scene::new().await;
    let hop = opened(&scene).await;
    let msg = json!({ "edge": { "edge": hop.id } });
    let other = token(&scene.harness, "other", &[(scene.ann.id().clone(), COLLATERAL)]).await;
    let put = async |by, amount| scene.transfer(by, scene.token.id(), amount, &msg).await;
    assert_eq!(scene.transfer(&scene.ann, other.id(), COLLATERAL, &msg).await, 0, "another token");
    assert_eq!(put(&scene.cid, 10).await, 0, "neither of them");
    assert_eq!(put(&scene.ann, COLLATERAL + 1).await, 0, "too much");
    assert_eq!(put(&scene.ann, 10).await, 10);
    assert_eq!(put(&scene.ann, COLLATERAL).await, 0, "too much by then");
    assert_eq!(put(&scene.ann, COLLATERAL - 10).await, COLLATERAL - 10);
    assert_eq!(put(&scene.ben, COLLATERAL).await, COLLATERAL, "before it has joined");
    assert_eq!(hop.edge().await.unwrap().state, EdgeState::Open);
    let deadline_ms = scene.now_ms().await;
    assert_eq!(hop.escalate(&hop.ack(1, deadline_ms)).await.as_deref(), Some("ESCROW_EDGE_NOT_LIVE"));
    for wrong in [0, 2, COLLATERAL] {
        let told = hop.told(&scene.ben, escrow::join_edge, &hop.reference(), wrong).await;
        assert_eq!(told.as_deref(), Some("CHARTER_ONE_YOCTO"), "{wrong}");
    }
    assert_eq!(hop.told(&scene.ben, escrow::join_edge, &hop.reference(), 1).await, None);
    assert_eq!(hop.edge().await.unwrap().state, EdgeState::Live);
    assert_eq!(put(&scene.ben, 1).await, 0);
    assert_eq!(scene.settled_tokens().await.held.0, 2 * COLLATERAL);
}

/// What can't be sent to the asker stays for it, and keeps nobody else waiting.
#[tokio::test]
async fn late_pay_that_comes_back_is_due_as_before() {
    let scene = Scene::new().await;
    let hop = live(&scene).await;
    hop.late(1).await;
    scene.wait(HOUR_MS).await;
    let had = [scene.tokens(scene.ann.id()).await, scene.tokens(scene.ben.id()).await];
    let refuse = async |refuses: bool| {
        scene.tell_token("refuse", json!({ "account_id": scene.ann.id(), "refuses": refuses })).await;
    };
    refuse(true).await;
    assert_eq!(hop.claim_late(1).await, Ok(CAP));
    let edge = hop.edge().await.unwrap();
    assert_eq!((edge.asker_due.0, edge.late.0, edge.acker_side.0, edge.escalations), (CAP, CAP, COLLATERAL - CAP, 0));
    assert_eq!(scene.settled_tokens().await.held.0, 2 * COLLATERAL);
    hop.end().await;
    // The acker has its own, and the asker's waits.
    assert_eq!(scene.tokens(scene.ben.id()).await, had[1] + COLLATERAL - CAP);
    let edge = hop.edge().await.unwrap();
    assert_eq!((edge.state, edge.asker_side.0, edge.asker_due.0), (EdgeState::Ended, COLLATERAL, CAP));
    refuse(false).await;
    assert_eq!(hop.told(&scene.dan, escrow::end_edge, &hop.reference(), 0).await, None);
    assert_eq!(scene.tokens(scene.ann.id()).await, had[0] + COLLATERAL + CAP);
    assert_eq!(hop.edge().await, None);
    assert_eq!(scene.settled_tokens().await.held.0, 0);
}

/// An acker that has the token refuse whom it owes gains nothing by it, and the clock runs on.
#[tokio::test]
async fn a_token_that_fails_stops_no_clock() {
    let scene = Scene::new().await;
    let hop = live(&scene).await;
    let from_ms = hop.late(1).await;
    scene.tell_token("fail", json!({ "fails": true })).await;
    until(&scene.harness, from_ms + MINUTE_MS + 2_500).await;
    assert!(hop.claim_late(1).await.unwrap() >= 3 * RATE);
    assert_eq!(
        hop.told(&scene.ann, escrow::cut_edge, &hop.reference(), 1).await.as_deref(),
        Some("ESCROW_ESCALATIONS_OPEN")
    );
    scene.wait(DAY_MS).await;
    assert_eq!(hop.claim_late(1).await, Ok(CAP), "all of it: nothing has arrived");
    assert_eq!(hop.edge().await.unwrap().asker_due.0, CAP);
    scene.tell_token("fail", json!({ "fails": false })).await;
    let had = scene.tokens(scene.ann.id()).await;
    assert_eq!(hop.told(&scene.ann, escrow::cut_edge, &hop.reference(), 1).await, None);
    assert_eq!(scene.tokens(scene.ann.id()).await, had + CAP + COLLATERAL - CUT);
    assert_eq!(scene.settled_tokens().await.held.0, 0);
}

/// INV-ESC-13. All there can be of a token, at a rate that a second can't be multiplied with.
#[tokio::test]
async fn the_largest_collateral_and_rate_overflow_nothing() {
    let scene = Scene::new().await;
    // Nobody can have so much twice: a token that says so is its users' business.
    let half = u128::MAX / 2;
    let liar = token(&scene.harness, "liar", &[]).await;
    let asset = Asset::Nep141(liar.id().clone());
    let most = terms(&scene.harness, &scene.ben, scene.dan.id()).await;
    let [collateral, cut, rate_per_s, cap] = [U128(half), U128(half / 3), U128(half / 2), U128(half)];
    let most = OpenEdge { asset, collateral, cut, rate_per_s, cap, ..most };
    let hop = Hop::open(&scene.harness, &scene.ann, &most).await;
    ok(&scene.ben, scene.contract(), escrow::join_edge, &hop.reference(), 1).await;
    let msg = json!({ "edge": { "edge": hop.id } }).to_string();
    for side in [&scene.ann, &scene.ben] {
        let lie = json!({ "receiver": scene.contract(), "sender_id": side.id(), "amount": U128(half), "msg": msg });
        tell(&scene.harness, liar.id(), "lie", lie).await;
    }
    assert_eq!(hop.edge().await.unwrap().state, EdgeState::Live);
    hop.late(1).await;
    scene.wait(20 * DAY_MS).await;
    assert_eq!(hop.claim_late(1).await, Ok(half));
    // It has none of them, so they come back, and are the asker's for ever.
    let edge = hop.edge().await.unwrap();
    assert_eq!((edge.asker_due.0, edge.acker_side.0, edge.escalations), (half, 0, 0));
    hop.end().await;
    assert_eq!(scene.settled(&Asset::Nep141(liar.id().clone())).await.held.0, 2 * half);
    // Who has nothing to do with it notices nothing.
    let other = live(&scene).await;
    other.end().await;
    assert_eq!(scene.settled_tokens().await.held.0, 0);
}
