//! An offer that is signed and agreed to, paid in a token and shared; and an answer that does not come in time.

use std::time::Duration;

use anyhow::ensure;
use charter_client::offer::{Agreed, By, Evidence, Level, Offer, Price, SignedOffer};
use charter_client::pay::{Answer, Conditions, Margins, Payment, Seen};
use charter_client::{Account, At, Payee, Payer, STORAGE_DEPOSIT, sha256};
use charter_types::asset::Asset;
use charter_types::escrow::args::{ChannelRef, Distribute, EdgeRef, Escalate, Open, OpenEdge, RequestRef, TransferMsg};
use charter_types::escrow::{Channel, ChannelId, ClaimBatch, Exchange, SHOW_MS, Signer, Split, Voucher, methods};
use charter_types::{AccountId, Ed25519Key, Hash32, Signature64, U128};
use ed25519_dalek::{Signer as _, SigningKey};

use super::token;
use super::world::World;
use crate::pay::sign_as_account;
use crate::token::transfer_call;

/// What alice has of the token, and sets aside.
const DEPOSIT: u128 = 10_000;
/// What shop asks for a summary, and how many alice buys.
const PRICE: u128 = 1_000;
const SUMMARIES: u128 = 5;
/// Carol's part: a fifth.
const SHARE_BPS: u16 = 2_000;
const HOUR_MS: u64 = 3_600_000;

/// Each side's collateral: 1 NEAR. A second costs a hundredth, one request a twentieth at most.
const COLLATERAL: u128 = 1_000_000_000_000_000_000_000_000;
const RATE: u128 = COLLATERAL / 100;
const CAP: u128 = COLLATERAL / 20;
const ANSWER_MS: u64 = 60_000;

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    let token = token::deploy(world, DEPOSIT).await?;
    shared(world, &token).await?;
    late(world).await
}

/// What shop sells, signed with its account's key as wallets do, and checked as alice does before she opens a channel.
async fn offered(world: &mut World, asset: &Asset, now_ms: u64) -> anyhow::Result<(Offer, Hash32)> {
    let escrow = world.contracts.escrow.clone();
    let price = Price { item: "a summary".to_owned(), amount: U128(PRICE), units_max: 1 };
    let offer = Offer {
        payee: world.person("shop")?.id,
        agent: None,
        service: "https://shop.example/summaries".to_owned(),
        asset: asset.clone(),
        prices: vec![price],
        level: Level { answer_within_ms: ANSWER_MS, availability_bps: 9_900 },
        expires_at_ms: now_ms + HOUR_MS,
        parent: None,
    };
    let domain = Offer::domain(&world.chain_id(), &escrow);
    let (key, signature) = sign_as_account(&world.secret("shop")?, &offer.payload(domain, &escrow).hash())?;
    let signed = SignedOffer { offer, by: By::Account { callback_url: None }, key, signature };
    let evidence = Evidence::read(&world.rpc, &world.contracts, &signed).await?;
    let hash = signed.check(domain, &escrow, &evidence, now_ms)?;
    Ok((signed.offer, hash))
}

async fn look(world: &World, channel: ChannelId) -> anyhow::Result<Channel> {
    let asked = ChannelRef { channel };
    let shown = world.rpc.view(&world.contracts.escrow, methods::channel, &asked, At::Final).await?;
    shown.ok_or_else(|| anyhow::anyhow!("there is no channel {channel}"))
}

/// Alice's channel to shop in the token, with what both agreed on.
async fn open(world: &mut World, args: &Open, token: &AccountId) -> anyhow::Result<ChannelId> {
    let (alice, contracts) = (world.person("alice")?, world.contracts.clone());
    let done = contracts.escrow().pay(&alice, methods::open, args, STORAGE_DEPOSIT).await?;
    let channel = world.take(done);
    let msg = serde_json::to_string(&TransferMsg::TopUp { channel })?;
    let (taken, outcome) = transfer_call(&alice, token, &contracts.escrow, DEPOSIT, &msg).await?;
    world.pay(&outcome);
    ensure!(taken == DEPOSIT, "escrow took {taken} of {DEPOSIT} {token}");
    Ok(channel)
}

async fn shared(world: &mut World, token: &AccountId) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let (shop, carol) = (world.person("shop")?, world.person("carol")?);
    let asset = Asset::Nep141(token.clone());
    let now_ms = world.session("shop")?.now_ms().await?;
    let (offer, hash) = offered(world, &asset, now_ms).await?;
    let offers = Offer::domain(&world.chain_id(), &contracts.escrow);
    let domain = Voucher::domain(&world.chain_id(), &contracts.escrow, sha256);
    let folder = tempfile::tempdir()?;
    let ours = Payer::open(&folder.path().join("alice"), SigningKey::generate(&mut rand::rngs::OsRng), domain)?;
    let theirs = Payee::open(&folder.path().join("shop"), domain, Margins::default())?;
    let splits = vec![Split { account: carol.id, bps: SHARE_BPS }];
    let plain = Open::new(shop.id.clone(), ours.voucher_key(), HOUR_MS);
    let args = Open { asset, splits: splits.clone(), offer: Some(hash), ..plain };
    let channel = open(world, &args, token).await?;
    let stands = look(world, channel).await?;
    let agreed = Agreed::new(offer, offers, &stands, &splits)?;
    ours.see(Seen::new(&stands, now_ms))?;
    theirs.see(Seen::new(&stands, now_ms))?;
    ours.agree(channel, agreed.clone());
    theirs.agree(channel, agreed);
    // Off chain: nothing but the price that was agreed on.
    let other = ours.pay(channel, PRICE - 1, Conditions::default(), now_ms).await;
    ensure!(other.is_err_and(|error| error.code() == "PAY_WRONG_PRICE"), "alice pays another price than was agreed");
    for _ in 0..SUMMARIES {
        let Payment { voucher, signature } = ours.pay(channel, PRICE, Conditions::default(), now_ms).await?;
        let answer = theirs.accept(&voucher, &signature, PRICE, now_ms).await?;
        ensure!(matches!(answer, Answer::Accepted(_)), "a voucher was refused: {answer:?}");
    }
    world.progress.step("pay", "an offer agreed: its hash is in the channel, and no other price is paid");
    let rows = theirs.claim_rows(&[channel], now_ms).concat();
    let done = contracts.escrow().call(&shop, methods::claim_batch, &ClaimBatch { rows, withdraw: true }).await?;
    world.take(done);
    let args = Distribute { channel, splits, offer: Some(hash), shares: vec![0] };
    let done = contracts.escrow().call(&shop, methods::distribute, &args).await?;
    let sent = world.take(done);
    let (all, part) = (PRICE * SUMMARIES, PRICE * SUMMARIES * u128::from(SHARE_BPS) / 10_000);
    let stands = look(world, channel).await?;
    let arrived = stands.shares.first().is_some_and(|share| share.paid.0 == part);
    ensure!(arrived && sent.0 == part && stands.paid.0 == all - part, "not everybody has theirs: {stands:?}");
    let text = format!("{all} of the token {token} claimed: {} to the shop, {part} to who shares it", all - part);
    world.progress.step("pay", &text);
    let part = u64::try_from(part)?;
    world.state.note(|facts| (facts.offers_agreed, facts.shares_paid, facts.shared) = (1, 1, part))
}

/// Bob agrees to answer alice within a minute, and doesn't: his collateral pays for it.
async fn late(world: &mut World) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let escrow = contracts.escrow();
    let (alice, bob, carol) = (world.person("alice")?, world.person("bob")?, world.person("carol")?);
    let anyone = world.person("shop")?;
    let now_ms = world.session("alice")?.now_ms().await?;
    let acker = SigningKey::generate(&mut rand::rngs::OsRng);
    let public = |key: &SigningKey| Ed25519Key(key.verifying_key().to_bytes());
    let terms = OpenEdge {
        acker: bob.id.clone(),
        asset: Asset::Near,
        collateral: U128(COLLATERAL),
        cut: U128(RATE),
        cut_to: carol.id,
        rate_per_s: U128(RATE),
        cap: U128(CAP),
        window_ms: HOUR_MS,
        ends_ms: now_ms + 24 * HOUR_MS,
        asker_key: public(&SigningKey::generate(&mut rand::rngs::OsRng)),
        acker_key: public(&acker),
        signer: Signer::Ed25519(public(&acker)),
        offer: None,
    };
    let done = escrow.pay(&alice, methods::open_edge, &terms, COLLATERAL + STORAGE_DEPOSIT).await?;
    let edge = world.take(done);
    let done = escrow.pay(&bob, methods::join_edge, &EdgeRef { edge }, COLLATERAL).await?;
    world.take(done);
    // Off chain: a request, and bob's word to answer it in time.
    let domain = Voucher::domain(&world.chain_id(), &contracts.escrow, sha256);
    let asked = Hash32(sha256(b"what is the weather like?"));
    let exchange = Exchange { domain, edge, counter: 1, asked };
    let deadline_ms = now_ms + ANSWER_MS;
    let signature = Signature64(acker.sign(&exchange.ack(deadline_ms, sha256).to_bytes()).to_bytes());
    world.wait(Duration::from_millis(ANSWER_MS + 1_000)).await?;
    let args = Escalate { edge, counter: 1, asked, deadline_ms, signature };
    let done = escrow.call(&alice, methods::escalate, &args).await?;
    world.take(done);
    // It counts from a minute later on.
    world.wait(Duration::from_millis(SHOW_MS + ANSWER_MS)).await?;
    let paid = claim_late(world, &anyone, RequestRef { edge, counter: 1 }).await?;
    ensure!(paid == CAP, "a request that was never answered cost {paid}");
    let text = format!("no answer in time: {} NEAR of the acker's collateral for the asker", crate::units::near(paid));
    world.progress.step("pay", &text);
    world.state.note(|facts| (facts.late, facts.late_yocto) = (1, paid))
}

async fn claim_late(world: &mut World, by: &Account, request: RequestRef) -> anyhow::Result<u128> {
    let contracts = world.contracts.clone();
    let done = contracts.escrow().call(by, methods::claim_late, &request).await?;
    Ok(world.take(done).0)
}
