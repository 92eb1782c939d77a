//! Tokens: what comes, what goes back, and tokens that fail, lie, burn gas or call back. Whoever took such a token has what
//! it promised, and nobody else notices.

use charter_harness::arguments::{DEPOSIT, prepay, unregister};
use charter_harness::{Caller, answer, call, failed_with, raw};
use charter_types::asset::Asset;
use charter_types::escrow::args::{ChannelRef, Channels, Distribute, Open};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{ChannelId, ClaimBatch, ClaimRow, TRANSFER_YOCTO};
use charter_types::shared::methods as shared;
use charter_types::storage::StorageUnregister;
use charter_types::{AccountId, Hash32, U128};
use near_workspaces::Account;
use serde_json::{Value, json};

use crate::escrow_scene::{Scene, TOKENS, balance, burnt, said, split};
use crate::staked::{together, token, tokens_of};

fn top_up(channel: ChannelId) -> Value {
    json!({ "top_up": { "channel": channel } })
}

/// The same channel in another token.
async fn open_in(scene: &Scene, token: &Account, amount: u128) -> ChannelId {
    let args = Open { asset: Asset::Nep141(token.id().clone()), ..scene.open_args() };
    scene.open(&args, amount).await
}

/// For a channel that is there, in this token, from its payer; anything else goes back to the sender.
#[tokio::test]
async fn tokens_that_are_for_nothing_go_back() {
    let scene = Scene::new().await;
    let channel = scene.open(&scene.open_args(), 5_000).await;
    let in_near = scene.open(&Open { asset: Asset::Near, ..scene.open_args() }, 0).await;
    let other = token(&scene.harness, "other", &[(scene.ann.id().clone(), TOKENS)]).await;
    let had = scene.tokens(scene.ann.id()).await;
    let bad = [
        json!({}),
        json!(""),
        json!("top_up"),
        json!({ "top_up": {} }),
        json!({ "top_up": { "channel": "00" } }),
        json!({ "top_up": { "channel": channel, "for": "ben" } }),
        json!({ "top_up": { "channel": channel }, "purse": { "agent": 1 } }),
        top_up(Hash32([9; 32])),
        top_up(in_near),
        json!({ "purse": { "agent": 1 } }),
        json!({ "edge": { "edge": channel } }),
    ];
    for msg in &bad {
        assert_eq!(scene.transfer(&scene.ann, scene.token.id(), 1_000, msg).await, 0, "{msg}");
    }
    for (by, amount) in [(&scene.ann, 999), (&scene.ann, 1), (&scene.ben, 1_000), (&scene.dan, 1_000)] {
        assert_eq!(scene.transfer(by, scene.token.id(), amount, &top_up(channel)).await, 0, "{} {amount}", by.id());
    }
    assert_eq!(scene.transfer(&scene.ann, other.id(), 1_000, &top_up(channel)).await, 0, "another token");
    assert_eq!(tokens_of(&scene.harness, other.id(), scene.ann.id()).await, TOKENS);
    assert_eq!(scene.tokens(scene.ann.id()).await, had);
    // NEAR is no token either.
    let told = scene.told(&scene.ann, escrow::top_up, &ChannelRef { channel }, 5_000).await;
    assert_eq!(told.as_deref(), Some("ESCROW_WRONG_ASSET"));
    assert_eq!(scene.transfer(&scene.ann, scene.token.id(), 1_000, &top_up(channel)).await, 1_000);
    assert_eq!(scene.told(&scene.ann, escrow::request_close, &ChannelRef { channel }, 1).await, None);
    assert_eq!(scene.transfer(&scene.ann, scene.token.id(), 1_000, &top_up(channel)).await, 0, "it is closing");
    assert_eq!(scene.settled_tokens().await.held.0, 6_000);
}

/// Another token says that ann has sent some: whose word is not this token's.
#[tokio::test]
async fn a_lie_of_another_token_fills_nothing() {
    let scene = Scene::new().await;
    let channel = scene.open(&scene.open_args(), 5_000).await;
    let liar = token(&scene.harness, "liar", &[]).await;
    let args = json!({
        "receiver": scene.contract(),
        "sender_id": scene.ann.id(),
        "amount": U128(1_000_000),
        "msg": top_up(channel).to_string(),
    });
    let told = scene.harness.root().send(liar.id(), raw("lie", args), 0).await.unwrap();
    assert_eq!(failed_with(&told).as_deref(), Some("ESCROW_WRONG_ASSET"));
    assert_eq!(scene.channel(channel).await.unwrap().deposited.0, 5_000);
    // Nor does a person call in a token's place.
    let args = json!({ "sender_id": scene.ann.id(), "amount": U128(1_000), "msg": top_up(channel).to_string() });
    let told = scene.ann.send(scene.contract(), raw("ft_on_transfer", args), 0).await.unwrap();
    assert_eq!(failed_with(&told).as_deref(), Some("ESCROW_WRONG_ASSET"));
    assert_eq!(scene.settled_tokens().await.held.0, 5_000);
}

/// INV-ESC-9. Off for all, or for the payee alone: the books are as they were, the payer has its part, and later everything
/// arrives.
#[tokio::test]
async fn what_a_token_does_not_send_is_due_as_before() {
    let scene = Scene::new().await;
    let channel = scene.open(&scene.open_args(), 10_000).await;
    assert_eq!(scene.claim(channel, 4_000).await, "4000");
    let before = (scene.channel(channel).await, scene.settled_tokens().await);
    scene.tell_token("fail", json!({ "fails": true })).await;
    for _ in 0..3 {
        assert_eq!(scene.withdraw(&scene.ben, &[channel]).await, Ok(4_000));
        assert_eq!((scene.channel(channel).await, scene.settled_tokens().await), before);
    }
    let batch = ClaimBatch { rows: vec![scene.row(channel, 5_000)], withdraw: true };
    let told = scene.asked(&scene.ben, escrow::claim_batch, &batch, 0).await.unwrap();
    assert_eq!(told[0].1, "5000");
    assert_eq!(scene.channel(channel).await.unwrap().paid.0, 0);
    scene.tell_token("fail", json!({ "fails": false })).await;
    scene.tell_token("refuse", json!({ "account_id": scene.ben.id(), "refuses": true })).await;
    let had = [scene.tokens(scene.ann.id()).await, scene.tokens(scene.ben.id()).await];
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    let left = scene.channel(channel).await.unwrap();
    assert_eq!((left.paid.0, left.refunded.0, left.closed), (0, 5_000, true));
    assert_eq!(scene.tokens(scene.ann.id()).await, had[0] + 5_000, "the payer's part arrived");
    // Closed it takes nothing more: nobody could have it back.
    let more = json!({ "top_up": { "channel": channel } });
    assert_eq!(scene.transfer(&scene.ann, scene.token.id(), 1_000, &more).await, 0);
    scene.tell_token("refuse", json!({ "account_id": scene.ben.id(), "refuses": false })).await;
    assert_eq!(scene.told(&scene.dan, escrow::finalize_close, &ChannelRef { channel }, 0).await, None);
    assert_eq!(scene.tokens(scene.ben.id()).await, had[1] + 5_000);
    assert_eq!(scene.channel(channel).await, None);
    assert_eq!(scene.settled_tokens().await.held.0, 0);
    unregister(&scene.ann, scene.contract()).await;
}

const NOT_REGISTERED: &str = "TOKEN_NOT_REGISTERED";
/// What a storage account costs there.
const ACCOUNT_YOCTO: u128 = 1_250_000_000_000_000_000_000;

impl Scene {
    /// Dan pays for somebody's storage account with the token (NEP-145).
    async fn register(&self, account: &AccountId) {
        let paid = raw("storage_deposit", json!({ "account_id": account, "registration_only": true }));
        let paid = self.dan.send(self.token.id(), paid, ACCOUNT_YOCTO).await.unwrap();
        assert!(paid.is_success(), "{paid:?}");
    }

    /// Gives up its own one, and the tokens in it.
    async fn leave(&self, by: &Account) {
        let left = by.send(self.token.id(), raw("storage_unregister", json!({ "force": true })), 1).await.unwrap();
        assert!(left.is_success() && left.clone().json::<bool>().unwrap(), "{left:?}");
    }
}

/// INV-ESC-9. A token with storage accounts (NEP-145) sends nothing to who has none. What payee, payer and share are owed stays
/// due, each by itself, and arrives once somebody has registered them.
#[tokio::test]
async fn who_is_not_registered_with_a_token_is_owed_its_part_until_it_is() {
    let scene = Scene::new().await;
    let splits = vec![split(scene.cid.id(), 2_500)];
    let open = Open { splits: splits.clone(), ..scene.open_args() };
    let channel = scene.asked(&scene.ann, escrow::open, &open, DEPOSIT).await.unwrap();
    scene.tell_token("want_accounts", json!({ "wanted": true })).await;
    // Nobody pays in before the contract itself has one.
    let args = json!({ "receiver_id": scene.contract(), "amount": U128(TOKENS), "msg": top_up(channel).to_string() });
    let paid = scene.ann.send(scene.token.id(), raw("ft_transfer_call", args), 1).await.unwrap();
    assert_eq!(failed_with(&paid).as_deref(), Some(NOT_REGISTERED));
    scene.register(scene.contract()).await;
    assert_eq!(scene.transfer(&scene.ann, scene.token.id(), TOKENS, &top_up(channel)).await, TOKENS);
    for person in [&scene.ann, &scene.ben, &scene.cid] {
        scene.leave(person).await;
    }
    let has = async || {
        let people = [&scene.ann, &scene.ben, &scene.cid];
        let [ann, ben, cid] = people.map(|person| scene.tokens(person.id()));
        [ann.await, ben.await, cid.await]
    };
    assert_eq!(has().await, [0; 3]);
    assert_eq!(scene.claim(channel, 4_000).await, "4000");
    let before = (scene.channel(channel).await, scene.settled_tokens().await);
    assert_eq!(scene.withdraw(&scene.ben, &[channel]).await, Ok(3_000));
    assert_eq!(
        (scene.channel(channel).await, scene.settled_tokens().await),
        before,
        "the payee's part is due as before"
    );
    assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(1_000));
    assert!(scene.channel(channel).await.unwrap().shares[0].failed_ms.is_some());
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    let closed = scene.channel(channel).await.unwrap();
    let sums = (closed.closed, closed.paid.0, closed.refunded.0, closed.shares[0].paid.0);
    assert_eq!((sums, has().await), ((true, 0, 0, 0), [0; 3]));
    assert_eq!(scene.settled_tokens().await.held.0, TOKENS);
    let finalize = async || scene.told(&scene.dan, escrow::finalize_close, &ChannelRef { channel }, 0).await;
    scene.register(scene.ben.id()).await;
    assert_eq!(finalize().await, None);
    assert_eq!(has().await, [0, 3_000, 0], "its payer is still without");
    scene.register(scene.ann.id()).await;
    assert_eq!(finalize().await, None);
    assert_eq!(has().await, [TOKENS - 4_000, 3_000, 0]);
    assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(1_000));
    assert_eq!(has().await, [TOKENS - 4_000, 3_000, 0], "nor does a share arrive where there is no account");
    scene.register(scene.cid.id()).await;
    assert_eq!(scene.distribute(channel, &splits, &[0]).await, Ok(1_000));
    assert_eq!((has().await, scene.channel(channel).await), ([TOKENS - 4_000, 3_000, 1_000], None));
    assert_eq!(scene.settled_tokens().await.held.0, 0);
}

const NOTHING_DUE: &str = "ESCROW_NOTHING_DUE";
const OUT_OF_GAS: &str = "Exceeded the prepaid gas";

/// A token that calls back before its transfer is over, as somebody who is paid by it. Books change before money moves:
/// there is nothing left to take. And if it says then that the transfer failed, what moved all the same is its own affair.
///
/// Of the 12 TGas that a transfer has, what is left to call back with is enough to be told that nothing is due, and never for
/// another transfer: so this would pass if books changed after the money, too. `two_calls_in_one_transaction_pay_once` would
/// not.
#[tokio::test]
async fn a_token_that_calls_back_is_paid_once() {
    for fails in [false, true] {
        let scene = Scene::new().await;
        // The token itself is a payee; of another channel somebody has a share; and others have money in it that it may lose.
        scene.open(&scene.open_args(), 1_000_000).await;
        let own = Open { payee: scene.token.id().clone(), ..scene.open_args() };
        let own = scene.open(&own, 10_000).await;
        let splits = vec![split(scene.cid.id(), 5_000)];
        let shared = scene.open(&Open { splits: splits.clone(), ..scene.open_args() }, 10_000).await;
        let honest = token(&scene.harness, "honest", &[(scene.ann.id().clone(), TOKENS)]).await;
        let other = open_in(&scene, &honest, 7_000).await;
        for channel in [own, shared] {
            assert_eq!(scene.claim(channel, 4_000).await, "4000");
        }
        assert_eq!(scene.withdraw(&scene.token, &[own]).await, Ok(4_000));
        let distribute = Distribute { channel: shared, splits: splits.clone(), offer: None, shares: vec![0] };
        let again = [
            ("distribute", serde_json::to_value(&distribute).unwrap(), NOTHING_DUE),
            ("withdraw", serde_json::to_value(Channels { channels: vec![own] }).unwrap(), NOTHING_DUE),
            // There is something to send back to the payer.
            ("close", serde_json::to_value(ChannelRef { channel: own }).unwrap(), OUT_OF_GAS),
            ("finalize_close", serde_json::to_value(ChannelRef { channel: own }).unwrap(), "ESCROW_NOT_CLOSING"),
        ];
        for (round, (method, args, told)) in (1..).zip(again) {
            let claimed = 4_000 + 1_000 * round;
            assert_eq!(scene.claim(shared, claimed).await, claimed.to_string());
            let (contract, args) = (scene.contract(), args.to_string());
            let reentry = json!({ "called": contract, "method": method, "args": args, "fails": fails });
            scene.tell_token("reenter", reentry).await;
            let had = scene.tokens(scene.cid.id()).await;
            let before = scene.channel(shared).await.unwrap().shares[0].paid.0;
            let due = claimed / 2 - before;
            let outcome = scene.send(&scene.dan, escrow::distribute, &distribute, 0).await;
            assert_eq!(answer(escrow::distribute, &outcome).unwrap(), U128(due), "{method}");
            let failures = outcome.receipt_failures();
            let again: Vec<_> = failures.iter().filter(|one| one.executor_id == *scene.contract()).map(said).collect();
            let [again] = &again[..] else { panic!("{method}: it called back once: {again:?}") };
            assert!(again.contains(told), "{method}: {again}");
            assert_eq!(scene.tokens(scene.cid.id()).await, had + due, "{method}: once, whatever it says of it");
            let books = scene.settled(&scene.asset()).await;
            let after = scene.channel(shared).await.unwrap().shares[0].paid.0;
            assert_eq!(after, if fails { before } else { before + due }, "{method}: {books:?}");
        }
        // Whatever became of those: other money is where it was.
        assert_eq!(scene.claim(other, 7_000).await, "7000");
        assert_eq!(scene.withdraw(&scene.ben, &[other]).await, Ok(7_000));
        assert_eq!(tokens_of(&scene.harness, honest.id(), scene.ben.id()).await, 7_000);
    }
}

/// INV-ESC-9: books first, then the transfer. Both calls are executed before the token is asked anything: were books to
/// change when the transfer is over, both would send the same. As nothing is left to the second, neither is done; what came
/// of one alone the last lines say.
#[tokio::test]
async fn two_calls_in_one_transaction_pay_once() {
    let scene = Scene::new().await;
    let splits = vec![split(scene.cid.id(), 5_000)];
    let channel = scene.open(&Open { splits: splits.clone(), ..scene.open_args() }, 10_000).await;
    assert_eq!(scene.claim(channel, 4_000).await, "4000");
    let has = async || [scene.tokens(scene.ben.id()).await, scene.tokens(scene.cid.id()).await];
    let books = async || (scene.channel(channel).await, scene.settled_tokens().await);
    let (had, before) = (has().await, books().await);
    let distribute = Distribute { channel, splits: splits.clone(), offer: None, shares: vec![0] };
    let withdraw = call(escrow::withdraw, &Channels { channels: vec![channel] });
    let batch = call(escrow::claim_batch, &ClaimBatch { rows: vec![scene.row(channel, 4_000)], withdraw: true });
    let distribute = call(escrow::distribute, &distribute);
    for (by, first, second) in
        [(&scene.dan, &distribute, &distribute), (&scene.ben, &withdraw, &withdraw), (&scene.ben, &batch, &withdraw)]
    {
        let calls = vec![(first.clone(), 0), (second.clone(), 0)];
        let twice = together(by, scene.contract(), calls).await;
        assert_eq!(failed_with(&twice).as_deref(), Some(NOTHING_DUE), "{first} and {second}");
        assert_eq!((has().await, books().await), (had, before.clone()), "{first} and {second}");
    }
    // One of each goes beside the other.
    let calls = vec![(distribute, 0), (withdraw, 0)];
    let once = together(&scene.ben, scene.contract(), calls).await;
    assert!(once.is_success() && once.receipt_failures().is_empty(), "{once:?}");
    assert_eq!(has().await, had.map(|had| had + 2_000));
    assert_eq!(scene.settled_tokens().await.paid.0, 4_000);
}

/// INV-ESC-13. Callbacks have gas of their own, and whatever the token does with what it is given, they settle.
#[tokio::test]
async fn a_token_that_burns_all_gas_or_answers_too_much_leaves_nothing_on_its_way() {
    let scene = Scene::new().await;
    let splits = vec![split(scene.cid.id(), 1_000)];
    let channel = scene.open(&Open { splits: splits.clone(), ..scene.open_args() }, 100_000).await;
    let pay = async |claimed: u128| {
        assert_eq!(scene.claim(channel, claimed).await, claimed.to_string());
        scene.withdraw(&scene.ben, &[channel]).await.unwrap();
        scene.distribute(channel, &splits, &[0]).await.unwrap();
        // That nothing is on its way is what `settled` looks at.
        let sums = scene.settled(&scene.asset()).await;
        (sums.paid.0, scene.tokens(scene.ben.id()).await - TOKENS)
    };
    scene.tell_token("burn", json!({ "burns": true })).await;
    assert_eq!(pay(10_000).await, (0, 0), "nothing arrived, so everything is due");
    scene.tell_token("burn", json!({ "burns": false })).await;
    scene.tell_token("answer", json!({ "bytes": 50_000 })).await;
    assert_eq!(pay(20_000).await, (20_000, 18_000), "what it answers is nobody's business");
    scene.tell_token("answer", json!({ "bytes": 3_000_000 })).await;
    let (paid, arrived) = pay(30_000).await;
    assert!([(20_000, 18_000), (30_000, 27_000)].contains(&(paid, arrived)), "{paid} {arrived}");
    scene.tell_token("answer", json!({ "bytes": 0 })).await;
    assert_eq!(pay(40_000).await, (40_000, 36_000));
    scene.settled_tokens().await;
}

/// It says that it sent what it did not: its users' books say so, too, and its balance is more than what they hold.
#[tokio::test]
async fn a_token_that_only_says_it_pays_cheats_its_own_users() {
    let scene = Scene::new().await;
    let honest = token(&scene.harness, "honest", &[(scene.ann.id().clone(), TOKENS)]).await;
    let (channel, other) = (scene.open(&scene.open_args(), 10_000).await, open_in(&scene, &honest, 10_000).await);
    for channel in [channel, other] {
        assert_eq!(scene.claim(channel, 6_000).await, "6000");
    }
    scene.tell_token("pretend", json!({ "pretends": true })).await;
    let had = scene.tokens(scene.ben.id()).await;
    assert_eq!(scene.withdraw(&scene.ben, &[channel, other]).await, Ok(12_000));
    assert_eq!(scene.tokens(scene.ben.id()).await, had);
    assert_eq!(scene.settled(&scene.asset()).await.paid.0, 6_000);
    assert_eq!(tokens_of(&scene.harness, honest.id(), scene.ben.id()).await, 6_000);
    assert_eq!(scene.settled(&Asset::Nep141(honest.id().clone())).await.held.0, 4_000);
}

/// Five, of which the last stays due: a call has gas for four transfers.
#[tokio::test]
async fn at_most_four_assets_are_paid_at_once_and_the_rest_stays_due() {
    let scene = Scene::new().await;
    let mut channels = vec![scene.open(&Open { asset: Asset::Near, ..scene.open_args() }, 0).await];
    for number in 0..5 {
        let holders = [(scene.ann.id().clone(), TOKENS)];
        let token = token(&scene.harness, &format!("token{number}"), &holders).await;
        channels.push(open_in(&scene, &token, 10_000).await);
    }
    let rows = |amount| -> Vec<ClaimRow> { channels.iter().map(|channel| scene.row(*channel, amount)).collect() };
    let batch = ClaimBatch { rows: rows(1_000), withdraw: true };
    let told = scene.asked(&scene.ben, escrow::claim_batch, &batch, 0).await.unwrap();
    assert!(told.iter().all(|row| row.1 == "1000"), "{told:?}");
    assert_eq!(paid(&scene, &channels).await, 4_000);
    assert_eq!(scene.withdraw(&scene.ben, &channels).await, Ok(2_000));
    assert_eq!(paid(&scene, &channels).await, 6_000);
    let batch = ClaimBatch { rows: rows(2_000), withdraw: false };
    scene.asked(&scene.dan, escrow::claim_batch, &batch, 0).await.unwrap();
    assert_eq!(scene.withdraw(&scene.ben, &channels).await, Ok(4_000));
    assert_eq!(scene.withdraw(&scene.ben, &channels).await, Ok(2_000));
    assert_eq!(scene.withdraw(&scene.ben, &channels).await.unwrap_err(), "ESCROW_NOTHING_DUE");
}

async fn paid(scene: &Scene, channels: &[ChannelId]) -> u128 {
    let seen = scene.look(escrow::channels, &Channels { channels: channels.to_vec() }).await;
    seen.iter().map(|channel| channel.paid.0).sum()
}

/// INV-ESC-13. All there can be of a token, in shares, sent round and round: nothing overflows, and nobody else is stopped.
#[tokio::test]
async fn the_largest_amounts_stop_nobody() {
    let scene = Scene::new().await;
    let huge = token(&scene.harness, "huge", &[(scene.ann.id().clone(), u128::MAX)]).await;
    let splits = vec![split(scene.cid.id(), 9_999)];
    let asset = Asset::Nep141(huge.id().clone());
    let args = Open { asset: asset.clone(), splits: splits.clone(), ..scene.open_args() };
    let (first, second) = (scene.open(&args, u128::MAX - 2_000).await, scene.open(&args, 1_000).await);
    let ordinary = scene.open(&scene.open_args(), 1_000).await;
    // More than all there is comes from a liar alone.
    let lie = json!({
        "receiver": scene.contract(),
        "sender_id": scene.ann.id(),
        "amount": U128(u128::MAX),
        "msg": top_up(second).to_string(),
    });
    let told = scene.harness.root().send(huge.id(), raw("lie", lie), 0).await.unwrap();
    assert_eq!(failed_with(&told).as_deref(), Some("ESCROW_OVERFLOW"));
    for (channel, most) in [(first, u128::MAX - 2_000), (second, 1_000), (ordinary, 1_000)] {
        assert_eq!(scene.claim(channel, u128::MAX).await, "ESCROW_OVER_DEPOSIT");
        assert_eq!(scene.claim(channel, 0).await, "ESCROW_NOT_HIGHER");
        assert_eq!(scene.claim(channel, 1).await, "1");
        assert_eq!(scene.claim(channel, most).await, most.to_string());
    }
    let share = (u128::MAX - 2_000) / 10_000 * 9_999 + (u128::MAX - 2_000) % 10_000 * 9_999 / 10_000;
    assert_eq!(scene.distribute(first, &splits, &[0]).await, Ok(share));
    assert_eq!(tokens_of(&scene.harness, huge.id(), scene.cid.id()).await, share);
    assert_eq!(scene.withdraw(&scene.ben, &[first, second, ordinary]).await.map(|sum| sum > 1_000), Ok(true));
    for channel in [first, second, ordinary] {
        assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    }
    assert_eq!(scene.distribute(second, &splits, &[0]).await, Ok(999));
    for asset in [asset, scene.asset()] {
        assert_eq!(scene.settled(&asset).await.held.0, 0);
    }
    unregister(&scene.ann, scene.contract()).await;
}

/// The yoctos that NEP-141 wants with each transfer: a billion of them, which do not come back.
#[tokio::test]
async fn opening_in_a_token_costs_storage_that_comes_back_and_a_billion_yocto_that_do_not() {
    let scene = Scene::new().await;
    prepay(&scene.ann, scene.contract(), DEPOSIT).await;
    let before = balance(&scene.ann).await;
    let calls = vec![(call(escrow::open, &scene.open_args()), DEPOSIT)];
    let opened = together(&scene.ann, scene.contract(), calls).await;
    let channel = answer(escrow::open, &opened).unwrap();
    let taken = before - balance(&scene.ann).await - burnt(&opened);
    assert!(taken > TRANSFER_YOCTO && taken < DEPOSIT / 10, "{taken}: the rest of the deposit comes back");
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    let has = balance(&scene.ann).await;
    let left = scene.send(&scene.ann, shared::storage_unregister, &StorageUnregister::default(), 1).await;
    let back = balance(&scene.ann).await + burnt(&left) - has;
    let lost = DEPOSIT + taken - back;
    // But for the yocto that shows who signed.
    assert!((TRANSFER_YOCTO..=TRANSFER_YOCTO + 1).contains(&lost), "{lost}");
}
