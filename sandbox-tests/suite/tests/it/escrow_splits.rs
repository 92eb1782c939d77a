//! Shares of a channel, and locks: what is owed to whom, however it is claimed, and what becomes of it when somebody is gone.

use charter_harness::arguments::{DEPOSIT, unregister};
use charter_types::asset::Asset;
use charter_types::escrow::args::{ChannelRef, Distribute, ExtendLock, Open};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{DISTRIBUTE_MAX, SPLITS_MAX, WITHDRAW_DELAY_MS_MIN};
use charter_types::{AccountId, Hash32};

use crate::escrow_scene::{DAY_MS, HOUR_MS, MINUTE_MS, Scene, split, until};

const NOTHING_DUE: &str = "ESCROW_NOTHING_DUE";

/// Thirds of few: whoever is paid between which claims, shares get `floor(claimed × bps / 10,000)` in the end, and the dust
/// is the payee's. INV-ESC-8.
#[tokio::test]
async fn shares_follow_from_what_was_claimed_in_any_order_and_number_of_claims() {
    let scene = Scene::new().await;
    let splits = vec![split(scene.cid.id(), 3_333), split(scene.dan.id(), 3_333)];
    let had = [scene.tokens(scene.ben.id()).await, scene.tokens(scene.cid.id()).await];
    let args = Open { splits: splits.clone(), ..scene.open_args() };
    let (often, once) = (scene.open(&args, 2_000).await, scene.open(&args, 2_000).await);
    for claimed in [1, 2, 3, 4, 5, 7, 100, 101, 999] {
        assert_eq!(scene.claim(often, claimed).await, claimed.to_string());
        // Everything that can be sent on the way is.
        for result in [scene.withdraw(&scene.ben, &[often]).await, scene.distribute(often, &splits, &[0, 1]).await] {
            assert!(result.is_ok() || result == Err(NOTHING_DUE.to_owned()), "{result:?}");
        }
        let channel = scene.channel(often).await.unwrap();
        let shares: Vec<u128> = channel.shares.iter().map(|share| share.paid.0).collect();
        assert_eq!(shares, [claimed * 3_333 / 10_000; 2]);
        let dust = claimed - shares.iter().sum::<u128>() - channel.paid.0;
        assert!(dust < 2, "{dust} of {claimed} wait, and there are two shares");
    }
    assert_eq!(scene.claim(once, 999).await, "999");
    for channel in [often, once] {
        assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    }
    assert_eq!(scene.distribute(once, &splits, &[1, 0]).await, Ok(2 * 332));
    for channel in [often, once] {
        assert_eq!(scene.channel(channel).await, None);
    }
    // 999 × 0.3333 is 332.9.
    let has = [scene.tokens(scene.ben.id()).await, scene.tokens(scene.cid.id()).await];
    assert_eq!(has, [had[0] + 2 * (999 - 2 * 332), had[1] + 2 * 332]);
    assert_eq!(scene.settled_tokens().await.held.0, 0);
    unregister(&scene.ann, scene.contract()).await;
}

/// Else somebody would say whose a share is.
#[tokio::test]
async fn whoever_distributes_names_the_terms_as_they_were_agreed() {
    let scene = Scene::new().await;
    let splits = vec![split(scene.cid.id(), 2_000), split(scene.dan.id(), 3_000)];
    let offer = Some(Hash32([5; 32]));
    let channel = scene.open(&Open { splits: splits.clone(), offer, ..scene.open_args() }, 10_000).await;
    assert_eq!(scene.claim(channel, 10_000).await, "10000");
    let good = Distribute { channel, splits: splits.clone(), offer, shares: vec![0, 1] };
    let [first, second] = splits.clone().try_into().unwrap();
    let other = split(&"eve.near".parse().unwrap(), 2_000);
    for (number, splits) in [
        vec![second.clone(), first.clone()],
        vec![first.clone()],
        vec![other, second.clone()],
        vec![split(&first.account, 2_001), second],
        Vec::new(),
    ]
    .into_iter()
    .enumerate()
    {
        let told = scene.told(&scene.dan, escrow::distribute, &Distribute { splits, ..good.clone() }, 0).await;
        assert_eq!(told.as_deref(), Some("ESCROW_WRONG_TERMS"), "{number}");
    }
    for offer in [None, Some(Hash32([6; 32]))] {
        let told = scene.told(&scene.dan, escrow::distribute, &Distribute { offer, ..good.clone() }, 0).await;
        assert_eq!(told.as_deref(), Some("ESCROW_WRONG_TERMS"));
    }
    for shares in [vec![], vec![0, 0], vec![2], vec![0, 255], vec![0; DISTRIBUTE_MAX + 1]] {
        let told = scene.told(&scene.dan, escrow::distribute, &Distribute { shares, ..good.clone() }, 0).await;
        assert_eq!(told.as_deref(), Some("ESCROW_BAD_SHARES"));
    }
    let sent = scene.asked(&scene.dan, escrow::distribute, &good, 0).await;
    assert_eq!(sent.map(|sum| sum.0), Ok(5_000));
    let again = scene.told(&scene.dan, escrow::distribute, &good, 0).await;
    assert_eq!(again.as_deref(), Some(NOTHING_DUE));
}

/// It stays due for 90 days of failures, and is the payee's with the call after that.
#[tokio::test]
async fn a_share_whose_receiver_is_gone_for_90_days_goes_to_the_payee() {
    let scene = Scene::new().await;
    let gone: AccountId = "gone.near".parse().unwrap();
    let splits = vec![split(&gone, 4_000), split(scene.cid.id(), 1_000)];
    let args = Open { splits: splits.clone(), ..scene.open_args() };
    let channel = scene.open(&args, 100_000).await;
    scene.tell_token("refuse", serde_json::json!({ "account_id": gone, "refuses": true })).await;
    assert_eq!(scene.claim(channel, 10_000).await, "10000");
    // The other share is sent all the same.
    assert_eq!(scene.distribute(channel, &splits, &[0, 1]).await, Ok(5_000));
    let first_ms = scene.channel(channel).await.unwrap().shares[0].failed_ms.unwrap();
    for days in [1, 30, 89] {
        until(&scene.harness, first_ms + days * DAY_MS).await;
        assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(4_000), "after {days} days it is sent again");
        let share = scene.channel(channel).await.unwrap().shares[0];
        assert_eq!((share.paid.0, share.failed_ms, share.to_payee), (0, Some(first_ms), false), "after {days} days");
    }
    until(&scene.harness, first_ms + 90 * DAY_MS).await;
    assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(4_000));
    let share = scene.channel(channel).await.unwrap().shares[0];
    assert_eq!((share.paid.0, share.to_payee), (0, true), "it failed once more, and that was the last time");
    let had = scene.tokens(scene.ben.id()).await;
    assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(4_000));
    assert_eq!(scene.tokens(scene.ben.id()).await, had + 4_000);
    // The payee's own part is what it was.
    assert_eq!(scene.withdraw(&scene.ben, &[channel]).await, Ok(5_000));
    assert_eq!(scene.settled_tokens().await.paid.0, 10_000);
}

#[tokio::test]
async fn a_share_whose_receiver_comes_back_in_time_gets_all_of_it() {
    let scene = Scene::new().await;
    let splits = vec![split(scene.cid.id(), 4_000)];
    let channel = scene.open(&Open { splits: splits.clone(), ..scene.open_args() }, 100_000).await;
    let refuse = async |refuses: bool| {
        let args = serde_json::json!({ "account_id": scene.cid.id(), "refuses": refuses });
        scene.tell_token("refuse", args).await;
    };
    let had = scene.tokens(scene.cid.id()).await;
    assert_eq!(scene.claim(channel, 10_000).await, "10000");
    refuse(true).await;
    assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(4_000));
    scene.wait(89 * DAY_MS).await;
    refuse(false).await;
    assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(4_000));
    assert_eq!(scene.tokens(scene.cid.id()).await, had + 4_000);
    // A success in between starts the time anew.
    assert_eq!(scene.claim(channel, 20_000).await, "20000");
    refuse(true).await;
    scene.wait(2 * DAY_MS).await;
    assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(4_000));
    let share = scene.channel(channel).await.unwrap().shares[0];
    assert_eq!((share.paid.0, share.to_payee), (4_000, false));
}

/// Payee and payer have theirs at once, whoever is gone; the row waits for the shares, and whoever sends them ends it.
#[tokio::test]
async fn a_closed_channel_stays_until_its_shares_are_sent() {
    let scene = Scene::new().await;
    let splits = vec![split(scene.cid.id(), 3_000), split(scene.dan.id(), 1)];
    let channel = scene.open(&Open { splits: splits.clone(), ..scene.open_args() }, 10_000).await;
    assert_eq!(scene.claim(channel, 4_000).await, "4000");
    let had = [scene.tokens(scene.ann.id()).await, scene.tokens(scene.ben.id()).await];
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    let has = [scene.tokens(scene.ann.id()).await, scene.tokens(scene.ben.id()).await];
    // The second share is owed nothing: 0.4 of the smallest unit.
    assert_eq!(has, [had[0] + 6_000, had[1] + 2_800]);
    let closed = scene.channel(channel).await.unwrap();
    assert!(closed.closed && closed.refunded.0 == 6_000);
    assert_eq!(scene.claim(channel, 5_000).await, "ESCROW_UNKNOWN_CHANNEL");
    assert_eq!(scene.settled_tokens().await.held.0, 1_200);
    assert_eq!(scene.distribute(channel, &splits, &[1]).await, Err(NOTHING_DUE.to_owned()));
    assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(1_200));
    assert_eq!(scene.channel(channel).await, None);
    assert_eq!(scene.settled_tokens().await.held.0, 0);
    unregister(&scene.ann, scene.contract()).await;
}

/// In NEAR an account that is not there takes nothing; nobody else waits for it.
#[tokio::test]
async fn a_share_of_an_account_that_does_not_exist_keeps_nobody_waiting() {
    let scene = Scene::new().await;
    let splits = vec![split(&"gone.near".parse().unwrap(), 2_500), split(scene.cid.id(), 2_500)];
    let args = Open { asset: Asset::Near, splits: splits.clone(), ..scene.open_args() };
    let channel = scene.open(&args, 0).await;
    assert_eq!(scene.claim(channel, 1_000_000).await, "1000000");
    assert_eq!(scene.distribute(channel, &splits, &[0, 1]).await, Ok(500_000));
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    let left = scene.channel(channel).await.unwrap();
    let paid: Vec<u128> = left.shares.iter().map(|share| share.paid.0).collect();
    assert_eq!((paid, left.paid.0), (vec![0, 250_000], 500_000));
    assert_eq!(scene.settled(&Asset::Near).await.held.0, 250_000);
}

#[tokio::test]
async fn splits_that_do_not_add_up_open_nothing() {
    let scene = Scene::new().await;
    let numbered = |bps: u16, count: usize| -> Vec<_> {
        (0..count).map(|number| split(&format!("share{number}.near").parse().unwrap(), bps)).collect()
    };
    let twice = vec![split(scene.cid.id(), 1), split(scene.cid.id(), 1)];
    let bad = [
        numbered(0, 1),
        numbered(10_001, 1),
        numbered(5_001, 2),
        numbered(u16::MAX, 2),
        numbered(1, SPLITS_MAX + 1),
        vec![split(scene.ben.id(), 1)],
        twice,
    ];
    for (number, splits) in bad.into_iter().enumerate() {
        let args = Open { splits, ..scene.open_args() };
        let told = scene.told(&scene.ann, escrow::open, &args, DEPOSIT).await;
        assert_eq!(told.as_deref(), Some("ESCROW_BAD_SPLITS"), "{number}");
    }
    for splits in [numbered(10_000, 1), numbered(312, SPLITS_MAX)] {
        let args = Open { splits: splits.clone(), ..scene.open_args() };
        let channel = scene.open(&args, 1_000_000).await;
        assert_eq!(scene.claim(channel, 1_000_000).await, "1000000");
        let all: Vec<u8> = (0..u8::try_from(splits.len()).unwrap()).collect();
        for some in all.chunks(DISTRIBUTE_MAX) {
            let bps: u128 = some.iter().map(|place| u128::from(splits[usize::from(*place)].bps)).sum();
            assert_eq!(scene.distribute(channel, &splits, some).await, Ok(bps * 100));
        }
    }
}

/// INV-ESC-7: the grace alone ends nothing while there is a lock; the payee claims until both are over, and may always leave.
#[tokio::test]
async fn a_lock_is_a_floor_under_the_payee_and_not_under_the_payer() {
    let scene = Scene::new().await;
    let locked_until_ms = scene.now_ms().await + 2 * HOUR_MS;
    let args = Open { locked_until_ms, ..scene.open_args() };
    let (channel, other) = (scene.open(&args, 10_000).await, scene.open(&args, 10_000).await);
    let reference = ChannelRef { channel };
    assert_eq!(scene.told(&scene.ann, escrow::request_close, &reference, 1).await, None);
    scene.wait(WITHDRAW_DELAY_MS_MIN + 1_000).await;
    let finalize = async || scene.told(&scene.dan, escrow::finalize_close, &reference, 0).await;
    assert_eq!(finalize().await.as_deref(), Some("ESCROW_TOO_EARLY"));
    assert_eq!(scene.claim(channel, 3_000).await, "3000", "the payee may claim until then");
    let extend = async |by, locked_until_ms| {
        scene.told(by, escrow::extend_lock, &ExtendLock { channel, locked_until_ms }, 1).await
    };
    let later_ms = locked_until_ms + HOUR_MS;
    assert_eq!(extend(&scene.ben, later_ms).await.as_deref(), Some("ESCROW_NOT_PAYER"));
    for bad_ms in [0, locked_until_ms - 1, locked_until_ms, scene.now_ms().await + 367 * DAY_MS, u64::MAX] {
        assert_eq!(extend(&scene.ann, bad_ms).await.as_deref(), Some("ESCROW_BAD_LOCK"), "{bad_ms}");
    }
    assert_eq!(extend(&scene.ann, later_ms).await, None);
    scene.until(later_ms - MINUTE_MS).await;
    assert_eq!(finalize().await.as_deref(), Some("ESCROW_TOO_EARLY"));
    scene.until(later_ms).await;
    assert_eq!(finalize().await, None);
    assert_eq!(scene.channel(channel).await, None);
    // The payee waits for nobody.
    let had = scene.tokens(scene.ann.id()).await;
    let far = ExtendLock { channel: other, locked_until_ms: scene.now_ms().await + 300 * DAY_MS };
    assert_eq!(scene.told(&scene.ann, escrow::extend_lock, &far, 1).await, None);
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel: other }, 0).await, None);
    assert_eq!(scene.tokens(scene.ann.id()).await, had + 10_000);
    let too_long = Open { locked_until_ms: scene.now_ms().await + 367 * DAY_MS, ..scene.open_args() };
    assert_eq!(scene.told(&scene.ann, escrow::open, &too_long, DEPOSIT).await.as_deref(), Some("ESCROW_BAD_LOCK"));
}
