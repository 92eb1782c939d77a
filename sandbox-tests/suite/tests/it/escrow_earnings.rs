//! What accounts earn for agents: counted from when somebody made the row, as it arrives, and told to the registry.

use charter_harness::arguments::{DEPOSIT, register};
use charter_harness::{Harness, code_of, failed_with, ok, view};
use charter_types::asset::Asset;
use charter_types::escrow::args::{ChannelRef, Channels, EarningsRef, OfAgent, Open};
use charter_types::escrow::methods as escrow;
use charter_types::registry::args::{AgentRef, ReputationRef, SetReporters};
use charter_types::registry::methods as registry;
use near_workspaces::Account;
use serde_json::json;

use crate::escrow_scene::{Scene, balance, burnt, split};

/// What the account earned for the agent in the scene's token, and in how many payments.
async fn earned(scene: &Scene, agent: u64, account: &Account) -> Option<(u128, u64)> {
    let question = EarningsRef { agent, account: account.id().clone(), asset: scene.asset() };
    scene.look(escrow::earnings, &question).await.map(|row| (row.earned.0, row.payments))
}

async fn open_earnings(scene: &Scene, agent: u64, account: &Account) -> Option<String> {
    scene.told(account, escrow::open_earnings, &OfAgent { agent, asset: scene.asset() }, DEPOSIT).await
}

/// One payment for each channel and transfer, of what arrived, for the agent that the channel names.
#[tokio::test]
async fn what_arrives_counts_and_nothing_else() {
    let scene = Scene::new().await;
    let splits = vec![split(scene.cid.id(), 1_000)];
    let of = |agent| Open { agent, splits: splits.clone(), ..scene.open_args() };
    let mut channels = Vec::new();
    for agent in [Some(1), Some(1), Some(2), None] {
        channels.push(scene.open(&of(agent), 100_000).await);
    }
    let claim_all = async |amount| {
        for channel in &channels {
            assert_eq!(scene.claim(*channel, amount).await, amount.to_string());
        }
    };
    claim_all(10_000).await;
    assert_eq!(scene.withdraw(&scene.ben, &channels).await, Ok(4 * 9_000));
    assert_eq!(earned(&scene, 1, &scene.ben).await, None);
    for account in [&scene.ben, &scene.cid] {
        assert_eq!(open_earnings(&scene, 1, account).await, None);
        assert_eq!(open_earnings(&scene, 1, account).await.as_deref(), Some("ESCROW_EARNINGS_OPEN"));
        assert_eq!(earned(&scene, 1, account).await, Some((0, 0)), "what came before does not count");
    }
    claim_all(20_000).await;
    // What does not arrive does not count.
    scene.tell_token("fail", json!({ "fails": true })).await;
    assert_eq!(scene.withdraw(&scene.ben, &channels).await, Ok(4 * 9_000));
    assert_eq!(earned(&scene, 1, &scene.ben).await, Some((0, 0)));
    scene.tell_token("fail", json!({ "fails": false })).await;
    // Two channels name the agent, in one transfer.
    assert_eq!(scene.withdraw(&scene.ben, &channels).await, Ok(4 * 9_000));
    assert_eq!(earned(&scene, 1, &scene.ben).await, Some((18_000, 2)));
    assert_eq!(earned(&scene, 2, &scene.ben).await, None);
    // A share is paid by the same channel; a close is a transfer, too.
    assert_eq!(scene.distribute(channels[0], &splits, &[0]).await, Ok(2_000));
    assert_eq!(earned(&scene, 1, &scene.cid).await, Some((2_000, 1)));
    claim_all(30_000).await;
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel: channels[1] }, 0).await, None);
    assert_eq!(earned(&scene, 1, &scene.ben).await, Some((27_000, 3)));
    // What goes to creators by way of a reserve is not the payee's.
    let reserved = Channels { channels: vec![channels[0]] };
    assert_eq!(scene.told(&scene.ben, escrow::reserve, &reserved, DEPOSIT).await, None);
    assert_eq!(earned(&scene, 1, &scene.ben).await, Some((27_000, 3)));
}

/// Of the account that the registry says is the agent's payout now: no other one's earnings are its reputation.
#[tokio::test]
async fn the_registry_is_told_what_the_payout_account_earned() {
    let scene = Scene::on(Harness::start_with(code_of).await.unwrap()).await;
    let (escrow_id, registry_id) = (scene.contract().clone(), scene.harness.contracts.registry.clone());
    let agent = register(&scene.harness, &scene.ben, Vec::new()).await;
    let args = Open { agent: Some(agent), ..scene.open_args() };
    let channel = scene.open(&args, 10_000).await;
    let sync = OfAgent { agent, asset: scene.asset() };
    let told = async || {
        let before = balance(&scene.dan).await;
        let outcome = scene.send(&scene.dan, escrow::sync_reputation, &sync, DEPOSIT).await;
        (failed_with(&outcome), before - balance(&scene.dan).await - burnt(&outcome))
    };
    assert_eq!(told().await, (Some("ESCROW_NO_EARNINGS".to_owned()), 0), "the deposit came back");
    // Ben owns the agent, and so is its payout account.
    assert_eq!(open_earnings(&scene, agent, &scene.ben).await, None);
    assert_eq!(scene.claim(channel, 4_000).await, "4000");
    assert_eq!(scene.withdraw(&scene.ben, &[channel]).await, Ok(4_000));
    assert_eq!(told().await, (Some("REGISTRY_NOT_REPORTER".to_owned()), 0), "and the deposit came back");
    let reporters = SetReporters { reporters: vec![escrow_id.clone()] };
    ok(scene.harness.root(), &registry_id, registry::set_reporters, &reporters, 0).await;
    let (code, cost) = told().await;
    assert!(code.is_none() && cost > 0 && cost < DEPOSIT / 10, "{code:?} {cost}: what the registry's row takes");
    let epochs = view(&scene.harness.worker, &registry_id, registry::epochs, &AgentRef { agent }).await.unwrap();
    let epoch = epochs.unwrap().agent;
    let Asset::Nep141(token) = scene.asset() else { unreachable!("it is a token") };
    let known = ReputationRef { agent, epoch, reporter: escrow_id, asset: token.to_string() };
    let row = view(&scene.harness.worker, &registry_id, registry::reputation, &known).await.unwrap();
    let row = row.expect("the registry keeps it");
    assert_eq!((row.earned.0, row.payments), (4_000, 1));
    assert_eq!(scene.claim(channel, 7_000).await, "7000");
    assert_eq!(scene.withdraw(&scene.ben, &[channel]).await, Ok(3_000));
    assert_eq!(told().await.0, None);
    let row = view(&scene.harness.worker, &registry_id, registry::reputation, &known).await.unwrap().unwrap();
    assert_eq!((row.earned.0, row.payments), (7_000, 2));
    let unknown = OfAgent { agent: 999, asset: scene.asset() };
    let code = scene.told(&scene.dan, escrow::sync_reputation, &unknown, DEPOSIT).await;
    assert_eq!(code.as_deref(), Some("ESCROW_UNKNOWN_AGENT"));
}
