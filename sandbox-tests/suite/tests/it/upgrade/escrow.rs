//! Channels, purses, reserves, earnings and edges before and after an upgrade.

use std::time::Duration;

use charter_harness::Harness;
use charter_harness::arguments::{DEPOSIT, prepay, register};
use charter_types::Hash32;
use charter_types::escrow::{DAY_MS, ROOT_MS, WITHDRAW_DELAY_MS_MIN};
use charter_wasm::Contract;
use serde_json::{Value, json};

use super::Filled;
use crate::escrow::{claim, open, row, signing};
use crate::escrow_bytes::leaf;
use crate::escrow_edges::{COLLATERAL, Hop, terms};
use crate::staked::token;

const NEAR: u128 = 1_000_000_000_000_000_000_000_000;
const MONTH_MS: u64 = 30 * DAY_MS;
/// What the bot is owed out of the payee's reserve.
const OWED: u128 = 600;

/// Channels with nothing claimed, with something claimed and paid, with something claimed and owed, and closing; and
/// everything else there can be in a release that has it.
async fn fill(harness: Harness) -> Filled {
    let (payer, payee) = (harness.account("payer").await.unwrap(), harness.account("payee").await.unwrap());
    let bot = harness.account("bot").await.unwrap();
    let token = token(&harness, "token", &[(harness.contracts.escrow.clone(), NEAR)]).await;
    let agent = register(&harness, &payer, Vec::new()).await;
    let mut channels = Vec::new();
    for _ in 0..4 {
        channels.push(open(&harness, &payer, &payee).await);
    }
    claim(&harness, &payee, vec![row(&harness, channels[1], NEAR / 2)], true).await;
    claim(&harness, &payee, vec![row(&harness, channels[2], NEAR / 3)], false).await;
    let values = [
        ("account_id", vec![json!(payer.id()), json!(payee.id())]),
        ("account", vec![json!(payee.id()), json!(bot.id())]),
        ("owner", vec![json!(payer.id())]),
        ("payee", vec![json!(payee.id())]),
        ("agent", vec![json!(agent)]),
        ("channel", channels.iter().map(|id| json!(id)).collect()),
        ("channels", vec![json!(channels)]),
        ("reserve", vec![json!(1), json!(2)]),
        ("edge", Vec::new()),
        ("edges", vec![json!([])]),
        ("counter", vec![json!(1)]),
    ];
    let values = values.into_iter().collect();
    let mut filled = Filled::new(Contract::Escrow, harness, vec![payer, payee, bot, token], values).await;
    let admin = filled.harness.root();
    let [payer, _, bot, _] = &filled.people[..] else { panic!("four people") };
    filled.ok(payer, "top_up", json!({ "channel": channels[0] }), 5_000).await;
    filled.ok(payer, "request_close", json!({ "channel": channels[3] }), 1).await;
    filled.ok(admin, "set_pauser", json!({ "account": payer.id() }), 0).await;
    // Releases up to 0006 have channels in NEAR and nothing else.
    if !filled.declared("open_edge").is_null() {
        let own = json!({ "agent": agent, "agent_account": bot.id() });
        super::ok(payer, &filled.harness.contracts.registry, "set_agent_account", own, DEPOSIT).await;
        let mut ids: Vec<Value> = filled.values["channel"].clone();
        ids.push(in_token(&filled).await);
        ids.push(spent(&filled, true).await);
        kept(&filled).await;
        let edge = late(&filled).await;
        filled.values.insert("channels", vec![json!(ids)]);
        filled.values.insert("channel", ids);
        filled.values.insert("edges", vec![json!([edge])]);
        filled.values.insert("edge", vec![edge]);
    }
    // Last: it is paused for a moment.
    let payer = &filled.people[0];
    filled.ok(payer, "pause_feature", json!({ "feature": "open", "for_ms": 1 }), 0).await;
    filled
}

fn of(channel: &Value) -> Value {
    json!({ "channel": channel })
}

fn id(value: &Value) -> Hash32 {
    serde_json::from_value(value.clone()).unwrap()
}

fn splits(filled: &Filled) -> Value {
    json!([{ "account": filled.people[2].id(), "bps": 1_000 }])
}

/// What is opened for the payee.
fn opening(filled: &Filled) -> Value {
    let voucher_key = charter_types::Ed25519Key(signing().verifying_key().to_bytes());
    let (payee, delay) = (filled.people[1].id(), WITHDRAW_DELAY_MS_MIN);
    json!({ "payee": payee, "voucher_key": voucher_key, "withdraw_delay_ms": delay, "splits": splits(filled) })
}

/// A channel in a token with a share, something due to both.
async fn in_token(filled: &Filled) -> Value {
    let [payer, payee, _, token] = &filled.people[..] else { panic!("four people") };
    let mut args = opening(filled);
    args["asset"] = json!({ "nep141": token.id() });
    let channel = filled.ok(payer, "open", args, DEPOSIT).await;
    let msg = json!({ "top_up": { "channel": channel } }).to_string();
    let told = json!({ "sender_id": payer.id(), "amount": "5000", "msg": msg });
    filled.ok(token, "ft_on_transfer", told, 0).await;
    claim(&filled.harness, payee, vec![row(&filled.harness, id(&channel), 2_000)], false).await;
    channel
}

/// A purse, and a channel that came out of it, if its agent can be asked for.
async fn spent(filled: &Filled, draws: bool) -> Value {
    let [payer, _, bot, _] = &filled.people[..] else { panic!("four people") };
    let agent = &filled.values["agent"][0];
    filled.ok(payer, "fill_purse", json!({ "agent": agent }), DEPOSIT).await;
    let until_ms = filled.harness.now_ms().await.unwrap() + DAY_MS;
    let caps = json!({ "agent": agent, "per_day": "10000", "per_payee": "9000", "until_ms": until_ms });
    filled.ok(payer, "set_caps", caps, DEPOSIT).await;
    if !draws {
        return Value::Null;
    }
    prepay(bot, filled.id(), DEPOSIT).await;
    let mut to = opening(filled);
    // Nothing is drawn for the agent.
    to.as_object_mut().unwrap().remove("splits");
    filled.ok(bot, "draw", json!({ "agent": agent, "amount": "1000", "to": { "open": to } }), 0).await
}

/// A reserve with a root, of which one creator has got its part, and a row of earnings.
async fn kept(filled: &Filled) {
    let [payer, payee, bot, _] = &filled.people[..] else { panic!("four people") };
    let channel = open(&filled.harness, payer, payee).await;
    claim(&filled.harness, payee, vec![row(&filled.harness, channel, 3_000)], false).await;
    filled.ok(payee, "reserve", json!({ "channels": [channel] }), DEPOSIT).await;
    filled.ok(payee, "close", json!({ "channel": channel }), 0).await;
    let root = Hash32(leaf(bot.id().as_str(), OWED));
    filled.ok(payee, "post_root", json!({ "root": root, "total": "1000" }), 1).await;
    let owed = OWED.to_string();
    let pull = json!({ "payee": payee.id(), "account": bot.id(), "amount": owed, "proof": [] });
    filled.ok(payee, "pull", pull, DEPOSIT).await;
    filled.ok(payee, "open_earnings", json!({ "agent": filled.values["agent"][0] }), DEPOSIT).await;
}

/// An edge that is live, with a request that was not answered.
async fn late(filled: &Filled) -> Value {
    let [payer, payee, _, token] = &filled.people[..] else { panic!("four people") };
    let mut agreed = json!(terms(&filled.harness, payee, token.id()).await);
    let now_ms = filled.harness.now_ms().await.unwrap();
    // The id is a hash of it, and the same on a chain that is a little older.
    agreed["ends_ms"] = json!(now_ms / MONTH_MS * MONTH_MS + 2 * MONTH_MS);
    let edge = filled.ok(payer, "open_edge", agreed, DEPOSIT + COLLATERAL).await;
    filled.ok(payee, "join_edge", json!({ "edge": edge }), COLLATERAL).await;
    let hop = Hop { harness: &filled.harness, asker: payer, id: id(&edge) };
    filled.ok(payer, "escalate", json!(hop.ack(1, now_ms)), DEPOSIT).await;
    edge
}

/// All that only later releases have is ended, and what it took given back.
async fn end(filled: &Filled) {
    let [payer, payee, bot, _] = &filled.people[..] else { panic!("four people") };
    let [.., in_token, drawn] = &filled.values["channel"][..] else { panic!("six channels") };
    let (agent, edge) = (&filled.values["agent"][0], &filled.values["edge"][0]);
    let sent = json!({ "channel": in_token, "splits": splits(filled), "shares": [0] });
    filled.ok(payee, "distribute", sent, 0).await;
    for channel in [in_token, drawn] {
        filled.ok(payee, "close", of(channel), 0).await;
    }
    filled.ok(payer, "empty_purse", json!({ "agent": agent }), 0).await;
    filled.harness.wait(Duration::from_millis(ROOT_MS)).await.unwrap();
    let draws = json!({ "agent": agent, "owner": payer.id(), "payees": [payee.id()] });
    filled.ok(payer, "forget_draws", draws, 0).await;
    filled.ok(payee, "end_root", json!({}), 1).await;
    filled.ok(payer, "forget_creators", json!({ "reserve": 1, "accounts": [bot.id()] }), 0).await;
    filled.ok(payee, "end_earnings", json!({ "agent": agent }), 1).await;
    let request = json!({ "edge": edge, "counter": 1 });
    filled.ok(payee, "claim_late", request.clone(), 0).await;
    filled.ok(payee, "end_edge", json!({ "edge": edge }), 0).await;
    filled.ok(payee, "forget_request", request, 0).await;
    assert_eq!(filled.ok(bot, "storage_unregister", json!({}), 1).await, json!(true));
}

/// Everybody gets what is theirs, and the payer all of its storage. Then there is something for the next upgrade.
async fn change(filled: &Filled) {
    let [payer, payee, ..] = &filled.people[..] else { panic!("four people") };
    let channels = &filled.values["channel"];
    let is_early = filled.values["edge"].is_empty();
    if !is_early {
        end(filled).await;
    }
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
    let asked = filled.harness.worker.view(filled.id(), "totals").args_json(json!({}));
    let totals = asked.await.unwrap().json::<Value>().unwrap();
    assert_eq!((totals["held"].as_str(), totals["in_flight"].as_str()), (Some("0"), Some("0")));
    assert_eq!(filled.ok(payer, "storage_unregister", json!({}), 1).await, json!(true));
    in_token(filled).await;
    // A registry of an early release answers less than the escrow asks.
    spent(filled, !is_early).await;
    kept(filled).await;
    late(filled).await;
}

#[tokio::test]
async fn channels_of_every_release_upgrade() {
    super::every_release_upgrades(fill, change, |_| 0).await;
}

#[tokio::test]
async fn todays_code_writes_what_the_newest_release_wrote() {
    super::todays_code_writes_what_the_newest_release_wrote(fill).await;
}
