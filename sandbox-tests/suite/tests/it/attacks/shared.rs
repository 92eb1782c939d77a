//! What all contracts have in common, on the registry.

use charter_wasm::Contract::Registry;
use serde_json::json;

use super::{is_mended, works_now};
use charter_harness::arguments::DEPOSIT;

#[tokio::test]
async fn what_an_admin_does_and_who_prepays_is_in_the_chain_of_events() {
    is_mended(Registry, "told", async |stage| {
        let admin = stage.of.harness.root().clone();
        let (pauser, somebody) = (stage.stranger("pauser").await, stage.stranger("somebody").await);
        let calls = [
            (&admin, "set_pauser", json!({ "account": pauser.id() }), 0),
            (&pauser, "pause_feature", json!({ "feature": "register", "for_ms": 1 }), 0),
            (&admin, "unpause_feature", json!({ "feature": "register" }), 0),
            (&somebody, "storage_deposit", json!({}), DEPOSIT),
            (&somebody, "storage_withdraw", json!({}), 1),
            (&somebody, "storage_unregister", json!({}), 1),
            (&admin, "set_governance", json!({ "account": somebody.id() }), 0),
        ];
        let mut told = 0;
        let total = calls.len();
        for (by, method, args, deposit) in calls {
            let before = stage.view("event_head", json!({})).await;
            stage.ok(by, method, args, deposit).await;
            told += usize::from(stage.view("event_head", json!({})).await != before);
        }
        assert!(told == 0 || told == total, "{told} of {total}");
        (told == total).then(|| "told".to_owned())
    })
    .await;
}

#[tokio::test]
async fn a_pause_of_a_moment_does_not_block_the_next_for_days() {
    works_now(Registry, "CHARTER_PAUSE_TOO_LONG", async |stage| {
        let pauser = stage.stranger("pauser").await;
        let admin = stage.of.harness.root();
        stage.ok(admin, "set_pauser", json!({ "account": pauser.id() }), 0).await;
        let pause = |for_ms| json!({ "feature": "register", "for_ms": for_ms });
        stage.ok(&pauser, "pause_feature", pause(1), 0).await;
        stage.wait_ms(1_000).await;
        stage.code(&pauser, "pause_feature", pause(3_600_000), 0).await
    })
    .await;
}

#[tokio::test]
async fn a_governance_account_mistyped_is_not_for_ever() {
    works_now(Registry, "CHARTER_NOT_ADMIN", async |stage| {
        let admin = stage.of.harness.root();
        stage.ok(admin, "set_governance", json!({ "account": "typo.near" }), 0).await;
        stage.code(admin, "set_governance", json!({ "account": "dao.near" }), 0).await
    })
    .await;
}
