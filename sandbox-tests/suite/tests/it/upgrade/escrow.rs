//! Channels before and after an upgrade.

use std::time::Duration;

use charter_harness::Harness;
use charter_types::escrow::WITHDRAW_DELAY_MS_MIN;
use charter_wasm::Contract;
use serde_json::{Value, json};

use super::Filled;
use crate::escrow::{claim, open, row};

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;

/// Channels with nothing claimed, with something claimed and paid, with something claimed and owed, and closing.
async fn fill(harness: Harness) -> Filled {
    let (payer, payee) = (harness.account("payer").await.unwrap(), harness.account("payee").await.unwrap());
    let mut channels = Vec::new();
    for _ in 0..4 {
        channels.push(open(&harness, &payer, &payee).await);
    }
    claim(&harness, &payee, vec![row(&harness, channels[1], NEAR / 2)], true).await;
    claim(&harness, &payee, vec![row(&harness, channels[2], NEAR / 3)], false).await;
    let values = [
        ("account_id", vec![json!(payer.id()), json!(payee.id())]),
        ("channel", channels.iter().map(|id| json!(id)).collect()),
        ("channels", vec![json!(channels)]),
    ];
    let values = values.into_iter().collect();
    let filled = Filled::new(Contract::Escrow, harness, vec![payer, payee], values).await;
    let admin = filled.harness.root();
    let [payer, _] = &filled.people[..] else { panic!("two people") };
    filled.ok(payer, "top_up", json!({ "channel": channels[0] }), 5_000).await;
    filled.ok(payer, "request_close", json!({ "channel": channels[3] }), 1).await;
    filled.ok(admin, "set_pauser", json!({ "account": payer.id() }), 0).await;
    filled.ok(payer, "pause_feature", json!({ "feature": "open", "for_ms": 1 }), 0).await;
    filled
}

/// Everybody gets what is theirs, and the payer all of its storage.
async fn change(filled: &Filled) {
    let [payer, payee] = &filled.people[..] else { panic!("two people") };
    let channels = &filled.values["channel"];
    let of = |channel: &Value| json!({ "channel": channel });
    let available = filled.available(payer).await;
    filled.ok(payer, "pause_feature", json!({ "feature": "open", "for_ms": 1 }), 0).await;
    filled.ok(payee, "withdraw", json!({ "channels": [channels[2]] }), 0).await;
    filled.ok(payer, "cancel_close", of(&channels[3]), 1).await;
    filled.ok(payer, "request_close", of(&channels[3]), 1).await;
    assert_eq!(filled.available(payer).await, available, "rows that kept their size");
    for channel in &channels[..3] {
        filled.ok(payee, "close", of(channel), 0).await;
    }
    filled.harness.wait(Duration::from_millis(WITHDRAW_DELAY_MS_MIN)).await.unwrap();
    filled.ok(payer, "finalize_close", of(&channels[3]), 0).await;
    let totals = filled.harness.worker.view(filled.id(), "totals").await.unwrap().json::<Value>().unwrap();
    assert_eq!((totals["held"].as_str(), totals["in_flight"].as_str()), (Some("0"), Some("0")));
    assert_eq!(filled.ok(payer, "storage_unregister", json!({}), 1).await, json!(true));
}

#[tokio::test]
async fn channels_of_every_release_upgrade() {
    super::every_release_upgrades(fill, change, |_| 0).await;
}

#[tokio::test]
async fn todays_code_writes_what_the_newest_release_wrote() {
    super::todays_code_writes_what_the_newest_release_wrote(fill).await;
}
