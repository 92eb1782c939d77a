//! Creators: a payee keeps what it owes them in a reserve, says by a root who is owed what, and each pulls its own.

use charter_harness::arguments::{DEPOSIT, unregister};
use charter_harness::{call, failed_with};
use charter_types::asset::Asset;
use charter_types::escrow::args::{
    ChannelRef, Channels, CreatorRef, ForgetCreators, OfAsset, Open, PostRoot, Pull, ReserveOf,
};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{ChannelId, Reserve};
use charter_types::{AccountId, Hash32, U128};
use serde_json::json;

use crate::escrow_bytes::{Tree, leaf};
use crate::escrow_scene::{DAY_MS, MINUTE_MS, Scene, balance};
use crate::staked::together;

/// What ben owes, and to whom.
struct Owed(Vec<(AccountId, u128)>);

impl Owed {
    fn of(creators: &[(&AccountId, u128)]) -> Self {
        Self(creators.iter().map(|(account, amount)| ((*account).clone(), *amount)).collect())
    }

    fn tree(&self) -> Tree {
        Tree::new(self.0.iter().map(|(account, amount)| leaf(account.as_str(), *amount)).collect())
    }

    fn root(&self, asset: Asset, total: u128) -> PostRoot {
        PostRoot { asset, root: Hash32(self.tree().root()), total: U128(total) }
    }

    /// The proof of one of them, by number.
    fn pull(&self, payee: &AccountId, asset: Asset, place: usize) -> Pull {
        let (account, amount) = self.0[place].clone();
        let proof = self.tree().proof(place).into_iter().map(Hash32).collect();
        Pull { payee: payee.clone(), asset, account, amount: U128(amount), proof }
    }
}

/// A channel that pays ben so much, all of it claimed.
async fn earned(scene: &Scene, amount: u128) -> ChannelId {
    let channel = scene.open(&scene.open_args(), amount.max(1_000)).await;
    assert_eq!(scene.claim(channel, amount).await, amount.to_string());
    channel
}

async fn reserve(scene: &Scene, channels: &[ChannelId]) -> Result<u128, String> {
    let channels = Channels { channels: channels.to_vec() };
    scene.asked(&scene.ben, escrow::reserve, &channels, DEPOSIT).await.map(|sum| sum.0)
}

async fn post(scene: &Scene, owed: &Owed, total: u128) -> Option<String> {
    scene.told(&scene.ben, escrow::post_root, &owed.root(scene.asset(), total), 1).await
}

/// By somebody who has nothing to do with it.
async fn pull(scene: &Scene, args: &Pull) -> Result<u128, String> {
    scene.asked(&scene.dan, escrow::pull, args, DEPOSIT).await.map(|sum| sum.0)
}

async fn pull_of(scene: &Scene, owed: &Owed, place: usize) -> Result<u128, String> {
    pull(scene, &owed.pull(scene.ben.id(), scene.asset(), place)).await
}

async fn seen(scene: &Scene) -> Option<Reserve> {
    scene.look(escrow::reserve_of, &ReserveOf { payee: scene.ben.id().clone(), asset: scene.asset() }).await
}

async fn end(scene: &Scene) -> Result<u128, String> {
    scene.asked(&scene.ben, escrow::end_root, &OfAsset { asset: scene.asset() }, 1).await.map(|sum| sum.0)
}

fn code<T>(code: &str) -> Result<T, String> {
    Err(code.to_owned())
}

/// What each was ever owed, less what it was sent: however often a new root comes, and in whatever order they pull.
#[tokio::test]
async fn creators_pull_what_they_are_owed_above_what_they_got() {
    let scene = Scene::new().await;
    let (cid, eve): (_, AccountId) = (scene.cid.id().clone(), "eve.near".parse().unwrap());
    let channels = [earned(&scene, 6_000).await, earned(&scene, 4_000).await];
    assert_eq!(reserve(&scene, &channels).await, Ok(10_000));
    assert_eq!(scene.withdraw(&scene.ben, &channels).await, code("ESCROW_NOTHING_DUE"), "it is the creators' by now");
    assert_eq!(scene.settled_tokens().await.held.0, 10_000);
    let first = Owed::of(&[(&cid, 3_000), (&eve, 1_000), (scene.ann.id(), 0)]);
    assert_eq!(post(&scene, &first, 4_000).await, None);
    let had = scene.tokens(&cid).await;
    assert_eq!(pull_of(&scene, &first, 0).await, Ok(3_000));
    assert_eq!(pull_of(&scene, &first, 0).await, code("ESCROW_NOTHING_DUE"));
    assert_eq!(pull_of(&scene, &first, 2).await, code("ESCROW_NOTHING_DUE"), "who is owed nothing");
    let second = Owed::of(&[(&eve, 2_000), (&cid, 7_000)]);
    assert_eq!(post(&scene, &second, 9_000).await, None);
    assert_eq!(pull_of(&scene, &first, 1).await, code("ESCROW_BAD_PROOF"), "the root before says nothing any more");
    assert_eq!(pull_of(&scene, &second, 1).await, Ok(4_000));
    assert_eq!(pull_of(&scene, &second, 0).await, Ok(2_000));
    assert_eq!((scene.tokens(&cid).await, scene.tokens(&eve).await), (had + 7_000, 2_000));
    let now = seen(&scene).await.unwrap();
    assert_eq!((now.reserved.0, now.total.0, now.pulled.0, now.in_flight.0), (10_000, 9_000, 9_000, 0));
    let sums = scene.settled_tokens().await;
    assert_eq!((sums.held.0, sums.paid.0), (1_000, 9_000));
}

/// Whatever the root says, all that is pulled is at most its total; and a total is at most what is in the reserve.
#[tokio::test]
async fn a_root_that_promises_more_than_its_total_sends_no_more_than_that() {
    let scene = Scene::new().await;
    let channel = earned(&scene, 10_000).await;
    assert_eq!(reserve(&scene, &[channel]).await, Ok(10_000));
    // Somebody else's money is in the contract, too.
    let other = scene.open(&scene.open_args(), 50_000).await;
    let promised = Owed::of(&[(scene.cid.id(), 6_000), (scene.ann.id(), 6_000), (scene.dan.id(), u128::MAX)]);
    for over in [10_001, 12_000, u128::MAX] {
        assert_eq!(post(&scene, &promised, over).await.as_deref(), Some("ESCROW_BAD_TOTAL"), "{over}");
    }
    assert_eq!(post(&scene, &promised, 9_000).await, None);
    assert_eq!(pull_of(&scene, &promised, 2).await, code("ESCROW_OVER_TOTAL"));
    assert_eq!(pull_of(&scene, &promised, 0).await, Ok(6_000));
    assert_eq!(pull_of(&scene, &promised, 1).await, code("ESCROW_OVER_TOTAL"));
    let honest = Owed::of(&[(scene.cid.id(), 6_000), (scene.ann.id(), 3_000)]);
    assert_eq!(post(&scene, &honest, 8_999).await.as_deref(), Some("ESCROW_BAD_TOTAL"), "it never falls");
    assert_eq!(post(&scene, &honest, 9_000).await, None);
    assert_eq!(pull_of(&scene, &honest, 1).await, Ok(3_000));
    assert_eq!(scene.settled_tokens().await.held.0, 51_000);
    assert_eq!(scene.claim(other, 50_000).await, "50000");
    assert_eq!(scene.withdraw(&scene.ben, &[other]).await, Ok(50_000));
}

/// From its own leaf to this payee's root, in this asset.
#[tokio::test]
async fn a_proof_leads_from_its_own_leaf_alone_to_the_root() {
    let scene = Scene::new().await;
    let channel = earned(&scene, 100_000).await;
    let nothing = Owed::of(&[(scene.cid.id(), 1_000)]);
    assert_eq!(post(&scene, &nothing, 0).await.as_deref(), Some("ESCROW_NO_RESERVE"));
    assert_eq!(pull_of(&scene, &nothing, 0).await, code("ESCROW_NO_RESERVE"));
    assert_eq!(reserve(&scene, &[channel]).await, Ok(100_000));
    assert_eq!(pull_of(&scene, &nothing, 0).await, code("ESCROW_BAD_PROOF"), "there is no root yet");
    let names: Vec<AccountId> = (0..7).map(|number| format!("creator{number}.near").parse().unwrap()).collect();
    let creators: Vec<_> = names.iter().map(|name| (name, 1_000_u128)).collect();
    let owed = Owed::of(&creators);
    assert_eq!(post(&scene, &owed, 7_000).await, None);
    let good = owed.pull(scene.ben.id(), scene.asset(), 3);
    let mut bent = vec![
        Pull { amount: U128(1_001), ..good.clone() },
        Pull { amount: U128(0), ..good.clone() },
        Pull { account: names[2].clone(), ..good.clone() },
        Pull { account: scene.cid.id().clone(), ..good.clone() },
        Pull { proof: Vec::new(), ..good.clone() },
        Pull { proof: [good.proof.clone(), vec![Hash32([0; 32])]].concat(), ..good.clone() },
        Pull { proof: good.proof[1..].to_vec(), ..good.clone() },
        Pull { proof: good.proof.iter().rev().copied().collect(), ..good.clone() },
        Pull { proof: vec![good.proof[0]; 33], ..good.clone() },
        Pull { proof: vec![good.proof[0]; 1_000], ..good.clone() },
    ];
    for place in 0..good.proof.len() {
        let mut proof = good.proof.clone();
        proof[place].0[31] ^= 1;
        bent.push(Pull { proof, ..good.clone() });
    }
    for (number, args) in bent.iter().enumerate() {
        assert_eq!(pull(&scene, args).await, code("ESCROW_BAD_PROOF"), "{number}");
    }
    let others = Pull { payee: scene.ann.id().clone(), ..good.clone() };
    assert_eq!(pull(&scene, &others).await, code("ESCROW_NO_RESERVE"));
    let in_near = Pull { asset: Asset::Near, ..good.clone() };
    assert_eq!(pull(&scene, &in_near).await, code("ESCROW_NO_RESERVE"));
    for place in 0..7 {
        assert_eq!(pull_of(&scene, &owed, place).await, Ok(1_000), "{place}");
    }
}

/// Nobody's due is given up by time while its root is young; a reserve that comes after is another one, with another number.
#[tokio::test]
async fn a_reserve_ends_90_days_after_its_last_root_and_a_later_one_counts_anew() {
    let scene = Scene::new().await;
    let cid = scene.cid.id().clone();
    let channel = earned(&scene, 10_000).await;
    assert_eq!(reserve(&scene, &[channel]).await, Ok(10_000));
    let owed = Owed::of(&[(&cid, 4_000), (scene.ann.id(), 2_000)]);
    assert_eq!(post(&scene, &owed, 6_000).await, None);
    assert_eq!(pull_of(&scene, &owed, 0).await, Ok(4_000));
    let number = seen(&scene).await.unwrap().number;
    let forget = ForgetCreators { reserve: number, accounts: vec![cid.clone(), scene.ann.id().clone()] };
    let lives = scene.told(&scene.dan, escrow::forget_creators, &forget, 0).await;
    assert_eq!(lives.as_deref(), Some("ESCROW_RESERVE_LIVES"), "who is forgotten would be sent everything again");
    scene.wait(60 * DAY_MS).await;
    // The same root again: from here on it is 90 days.
    assert_eq!(post(&scene, &owed, 6_000).await, None);
    let posted_ms = seen(&scene).await.unwrap().posted_ms.unwrap();
    scene.until(posted_ms + 90 * DAY_MS - MINUTE_MS).await;
    assert_eq!(end(&scene).await, code("ESCROW_ROOT_IN_USE"));
    let by_another = scene.told(&scene.dan, escrow::end_root, &OfAsset { asset: scene.asset() }, 1).await;
    assert_eq!(by_another.as_deref(), Some("ESCROW_NO_RESERVE"));
    scene.until(posted_ms + 90 * DAY_MS).await;
    let had = scene.tokens(scene.ben.id()).await;
    assert_eq!(end(&scene).await, Ok(6_000));
    assert_eq!(scene.tokens(scene.ben.id()).await, had + 6_000);
    assert_eq!(pull_of(&scene, &owed, 1).await, code("ESCROW_NO_RESERVE"));
    assert_eq!(scene.settled_tokens().await.held.0, 0);
    // What cid was sent before counts for nothing now: it is owed 500, and not 500 less 4,000.
    let again = earned(&scene, 1_000).await;
    assert_eq!(reserve(&scene, &[again]).await, Ok(1_000));
    assert_ne!(seen(&scene).await.unwrap().number, number);
    let owed = Owed::of(&[(&cid, 500)]);
    assert_eq!(post(&scene, &owed, 500).await, None);
    assert_eq!(pull_of(&scene, &owed, 0).await, Ok(500));
    let row = async |reserve| {
        let creator = CreatorRef { reserve, account: cid.clone() };
        scene.look(escrow::creator, &creator).await.map(|row| row.paid.0)
    };
    assert_eq!(row(number).await, Some(4_000));
    assert_eq!(scene.told(&scene.dan, escrow::forget_creators, &forget, 0).await, None);
    assert_eq!((row(number).await, row(seen(&scene).await.unwrap().number).await), (None, Some(500)));
}

/// Without any root there is nobody who could pull.
#[tokio::test]
async fn a_reserve_without_a_root_ends_at_once() {
    let scene = Scene::new().await;
    let channel = earned(&scene, 10_000).await;
    assert_eq!(reserve(&scene, &[channel]).await, Ok(10_000));
    assert_eq!(end(&scene).await, Ok(10_000));
    assert_eq!(seen(&scene).await, None);
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    for payer in [&scene.ann, &scene.ben] {
        unregister(payer, scene.contract()).await;
    }
}

/// It stays due, and its row, which says nothing, is nobody's cost.
#[tokio::test]
async fn a_creator_that_does_not_exist_keeps_its_due_and_nobody_waiting() {
    let scene = Scene::new().await;
    let args = Open { asset: Asset::Near, ..scene.open_args() };
    let channel = scene.open(&args, 0).await;
    assert_eq!(scene.claim(channel, 10_000).await, "10000");
    assert_eq!(reserve(&scene, &[channel]).await, Ok(10_000));
    let ghost: AccountId = format!("ghost.{}", scene.harness.root().id()).parse().unwrap();
    let owed = Owed::of(&[(&ghost, 4_000), (scene.cid.id(), 6_000)]);
    assert_eq!(scene.told(&scene.ben, escrow::post_root, &owed.root(Asset::Near, 10_000), 1).await, None);
    let pull_near = async |place| pull(&scene, &owed.pull(scene.ben.id(), Asset::Near, place)).await;
    assert_eq!(pull_near(0).await, code("ESCROW_TRANSFER_FAILED"));
    assert_eq!(scene.settled(&Asset::Near).await.paid.0, 0);
    let in_near = ReserveOf { payee: scene.ben.id().clone(), asset: Asset::Near };
    let number = scene.look(escrow::reserve_of, &in_near).await;
    let row = CreatorRef { reserve: number.unwrap().number, account: ghost };
    assert_eq!(scene.look(escrow::creator, &row).await, None);
    let had = balance(&scene.cid).await;
    assert_eq!(pull_near(1).await, Ok(6_000));
    assert_eq!(balance(&scene.cid).await, had + 6_000);
    let ghost = scene.harness.account("ghost").await.unwrap();
    let had = balance(&ghost).await;
    assert_eq!(pull_near(0).await, Ok(4_000));
    assert_eq!(balance(&ghost).await, had + 4_000);
}

/// Both in one transaction: the reserve would end with what a creator is still being sent, and if that came back it would be
/// nobody's.
#[tokio::test]
async fn a_reserve_does_not_end_while_a_creator_is_being_paid() {
    let scene = Scene::new().await;
    let channel = earned(&scene, 10_000).await;
    assert_eq!(reserve(&scene, &[channel]).await, Ok(10_000));
    let owed = Owed::of(&[(scene.cid.id(), 4_000)]);
    assert_eq!(post(&scene, &owed, 4_000).await, None);
    scene.wait(91 * DAY_MS).await;
    let args = owed.pull(scene.ben.id(), scene.asset(), 0);
    let both =
        vec![(call(escrow::pull, &args), DEPOSIT), (call(escrow::end_root, &OfAsset { asset: scene.asset() }), 1)];
    let outcome = together(&scene.ben, scene.contract(), both).await;
    assert_eq!(failed_with(&outcome).as_deref(), Some("ESCROW_IN_FLIGHT"));
    assert_eq!(seen(&scene).await.unwrap().pulled.0, 0, "and none of it happened");
    scene.tell_token("fail", json!({ "fails": true })).await;
    let before = seen(&scene).await;
    assert_eq!(pull(&scene, &args).await, code("TOKEN_FAILS"));
    assert_eq!(end(&scene).await, code("TOKEN_FAILS"));
    assert_eq!(seen(&scene).await, before, "the reserve goes on");
    scene.tell_token("fail", json!({ "fails": false })).await;
    assert_eq!(pull(&scene, &args).await, Ok(4_000));
    assert_eq!(end(&scene).await, Ok(6_000));
    assert_eq!(scene.settled_tokens().await.held.0, 0);
}

#[tokio::test]
async fn a_reserve_takes_what_is_due_on_channels_of_one_asset_to_their_payee() {
    let scene = Scene::new().await;
    let in_tokens = earned(&scene, 5_000).await;
    let in_near = scene.open(&Open { asset: Asset::Near, ..scene.open_args() }, 0).await;
    assert_eq!(scene.claim(in_near, 5_000).await, "5000");
    assert_eq!(reserve(&scene, &[in_tokens, in_near]).await, code("ESCROW_WRONG_ASSET"));
    assert_eq!(reserve(&scene, &[]).await, code("ESCROW_BAD_WITHDRAW_SIZE"));
    let many: Vec<_> = (0..129_u8).map(|number| Hash32([number; 32])).collect();
    assert_eq!(reserve(&scene, &many).await, code("ESCROW_BAD_WITHDRAW_SIZE"));
    assert_eq!(reserve(&scene, &many[..128]).await, code("ESCROW_UNKNOWN_CHANNEL"));
    let by_payer = Channels { channels: vec![in_tokens] };
    let told = scene.told(&scene.ann, escrow::reserve, &by_payer, DEPOSIT).await;
    assert_eq!(told.as_deref(), Some("ESCROW_NOT_PAYEE"));
    assert_eq!(reserve(&scene, &[in_tokens, in_tokens]).await, Ok(5_000));
    assert_eq!(reserve(&scene, &[in_tokens]).await, code("ESCROW_NOTHING_DUE"));
    assert_eq!(scene.settled(&Asset::Near).await.paid.0, 0);
}
