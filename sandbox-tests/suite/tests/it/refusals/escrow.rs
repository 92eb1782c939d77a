//! Escrow, about a channel that the owner pays into and the friend is paid from, and about what else the two have there.

use charter_harness::arguments::DEPOSIT;
use charter_harness::ok;
use charter_types::asset::{Asset, FtOnTransfer};
use charter_types::escrow::args::{
    ChannelRef, Channels, CreatorRef, Distribute, Draw, DrawTo, DrawnRef, EarningsRef, EdgeRef, Edges, ExtendLock,
    ForgetCreators, ForgetDraws, OfAgent, OfAsset, Open, OpenDrawn, OpenEdge, PostRoot, Pull, PurseRef, RequestRef,
    ReserveOf, SetCaps,
};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{ChannelId, ClaimBatch, DAY_MS, EdgeId, Signer, WINDOW_MS_MIN, WITHDRAW_DELAY_MS_MIN};
use charter_types::{Ed25519Key, Hash32, U128};
use serde_json::{Value, json};

use super::case::{Case, Who};
use super::scene::Scene;
use crate::escrow::{claim, row, signing};
use crate::escrow_bytes::{Tree, leaf};
use crate::escrow_edges::{COLLATERAL, Hop, public, terms};
use crate::escrow_scene::split;

const NOT_PAYER: &str = "ESCROW_NOT_PAYER";
const NOT_PAYEE: &str = "ESCROW_NOT_PAYEE";
const UNKNOWN: &str = "ESCROW_UNKNOWN_CHANNEL";
const UNKNOWN_EDGE: &str = "ESCROW_UNKNOWN_EDGE";
const NO_RESERVE: &str = "ESCROW_NO_RESERVE";
const ONE_YOCTO: &str = "CHARTER_ONE_YOCTO";
const TOO_SMALL: &str = "ESCROW_DEPOSIT_TOO_SMALL";
/// What the guardian and the operator are owed out of the friend's reserve.
const OWED: [u128; 2] = [600, 400];

/// What the owner and the friend have in the escrow beside the scene's channel.
#[derive(Default)]
pub struct Money {
    /// A channel that the guardian has a share of, with something due to all.
    split: ChannelId,
    /// One in a token that the friend is.
    in_token: ChannelId,
    /// An edge that the owner asks on and the friend acks on, with a request that is late.
    live: EdgeId,
    /// One that the friend has not joined.
    offered: EdgeId,
}

impl Money {
    /// Also the owner's purse for agent 1, the friend's reserve with a root, and a row of what it earns for agent 1.
    pub async fn new(scene: &Scene) -> Self {
        let (owner, friend) = (scene.person(Who::Owner), scene.person(Who::Friend));
        let contract = &scene.harness.contracts.escrow;
        let split = ok(owner, contract, escrow::open, &shared(scene), DEPOSIT).await;
        let token = Asset::Nep141(scene.id(Who::Friend));
        let in_token = ok(owner, contract, escrow::open, &Open { asset: token, ..plain(scene) }, DEPOSIT).await;
        ok(owner, contract, escrow::fill_purse, &of_agent(), DEPOSIT).await;
        ok(owner, contract, escrow::set_caps, &caps(scene), DEPOSIT).await;
        claim(&scene.harness, friend, vec![row(&scene.harness, split, 10_000)], false).await;
        ok(friend, contract, escrow::reserve, &Channels { channels: vec![split] }, DEPOSIT).await;
        ok(friend, contract, escrow::post_root, &root(scene), 1).await;
        claim(&scene.harness, friend, vec![row(&scene.harness, split, 20_000)], false).await;
        ok(friend, contract, escrow::open_earnings, &of_agent(), DEPOSIT).await;
        let hop = Hop::live(&scene.harness, (owner, friend)).await;
        hop.late(1).await;
        let live = hop.id;
        let agreed = terms(&scene.harness, friend, scene.harness.root().id()).await;
        let offered = Hop::open(&scene.harness, owner, &agreed).await.id;
        Self { split, in_token, live, offered }
    }
}

fn plain(scene: &Scene) -> Open {
    let voucher_key = Ed25519Key(signing().verifying_key().to_bytes());
    Open { agent: Some(1), ..Open::new(scene.id(Who::Friend), voucher_key, WITHDRAW_DELAY_MS_MIN) }
}

/// With all there can be in NEAR.
fn shared(scene: &Scene) -> Open {
    let splits = vec![split(&scene.id(Who::Guardian), 1_000)];
    Open { locked_until_ms: scene.now_ms + DAY_MS, splits, offer: Some(Hash32([5; 32])), ..plain(scene) }
}

fn of_agent() -> OfAgent {
    OfAgent { agent: 1, asset: Asset::Near }
}

fn caps(scene: &Scene) -> SetCaps {
    let most = U128(1_000_000_000);
    SetCaps { agent: 1, asset: Asset::Near, per_day: most, per_payee: most, until_ms: scene.expires_ms }
}

/// Of the guardian and the operator.
fn creators(scene: &Scene) -> Tree {
    let leaves = [Who::Guardian, Who::Operator].into_iter().zip(OWED);
    Tree::new(leaves.map(|(who, amount)| leaf(scene.id(who).as_str(), amount)).collect())
}

fn root(scene: &Scene) -> PostRoot {
    let (root, total) = (Hash32(creators(scene).root()), U128(OWED.iter().sum()));
    PostRoot { asset: Asset::Near, root, total }
}

fn nothing() -> String {
    "99".repeat(32)
}

/// A case with an argument that is left out where it says nothing.
fn saying(case: Case, field: &str, value: Value) -> Case {
    let mut args = case.args().unwrap();
    args[field] = value;
    Case { call: case.with(&args), ..case }
}

pub fn cases(scene: &Scene) -> Vec<Case> {
    [channels(scene), purses(scene), reserves(scene), earnings(), edges(scene), requests(scene), views(scene)].concat()
}

fn channels(scene: &Scene) -> Vec<Case> {
    let reference = ChannelRef { channel: scene.channel };
    let channels = Channels { channels: vec![scene.channel] };
    let batch = ClaimBatch { rows: vec![row(&scene.harness, scene.channel, 1_000)], withdraw: true };
    let later = ExtendLock { channel: scene.channel, locked_until_ms: scene.expires_ms };
    let msg = json!({ "top_up": { "channel": scene.money.in_token } }).to_string();
    let tokens = FtOnTransfer { sender_id: scene.id(Who::Owner), amount: U128(1_000), msg };
    let Open { splits, offer, .. } = shared(scene);
    let sent = Distribute { channel: scene.money.split, splits, offer, shares: vec![0] };
    let of_channel = |case: Case| case.unknown("channel", nothing(), UNKNOWN);
    let open = Case::new(escrow::open, &shared(scene), "").too_little(&[(0, ONE_YOCTO), (1, TOO_SMALL)]);
    vec![
        saying(open, "asset", json!("near")),
        of_channel(Case::new(escrow::top_up, &reference, NOT_PAYER)).too_little(&[(0, TOO_SMALL), (999, TOO_SMALL)]),
        of_channel(Case::new(escrow::extend_lock, &later, NOT_PAYER)),
        Case::new(escrow::ft_on_transfer, &tokens, "ESCROW_WRONG_ASSET").by(Who::Friend),
        Case::new(escrow::claim_batch, &batch, ""),
        Case::new(escrow::withdraw, &channels, NOT_PAYEE).by(Who::Friend).unknown("channels", vec![nothing()], UNKNOWN),
        of_channel(Case::new(escrow::distribute, &sent, "")),
        of_channel(Case::new(escrow::close, &reference, NOT_PAYEE)).by(Who::Friend),
        of_channel(Case::new(escrow::request_close, &reference, NOT_PAYER)),
        of_channel(Case::new(escrow::cancel_close, &reference, NOT_PAYER)),
        of_channel(Case::new(escrow::finalize_close, &reference, "ESCROW_NOT_CLOSING")),
    ]
}

fn purses(scene: &Scene) -> Vec<Case> {
    let Open { payee, voucher_key, withdraw_delay_ms, agent, locked_until_ms, splits, offer, .. } = shared(scene);
    let opened = OpenDrawn { payee, voucher_key, withdraw_delay_ms, agent, locked_until_ms, splits, offer };
    let draw = Draw { agent: 1, asset: Asset::Near, amount: U128(1_000), to: DrawTo::Open(opened) };
    let payees = vec![scene.id(Who::Friend)];
    let forgotten = ForgetDraws { agent: 1, owner: scene.id(Who::Owner), asset: Asset::Near, payees };
    vec![
        Case::new(escrow::fill_purse, &of_agent(), "").too_little(&[(0, ONE_YOCTO), (999, TOO_SMALL)]),
        Case::new(escrow::set_caps, &caps(scene), ""),
        Case::new(escrow::empty_purse, &of_agent(), "ESCROW_NO_PURSE").unknown("agent", 999, "ESCROW_NO_PURSE"),
        Case::new(escrow::draw, &draw, "ESCROW_NOT_AGENT").by(Who::Agent).unknown("agent", 999, "ESCROW_UNKNOWN_AGENT"),
        Case::new(escrow::forget_draws, &forgotten, ""),
    ]
}

fn reserves(scene: &Scene) -> Vec<Case> {
    let channels = Channels { channels: vec![scene.money.split] };
    let proof = creators(scene).proof(0).into_iter().map(Hash32).collect();
    let (payee, account) = (scene.id(Who::Friend), scene.id(Who::Guardian));
    let pull = Pull { payee, asset: Asset::Near, account: account.clone(), amount: U128(OWED[0]), proof };
    let forgotten = ForgetCreators { reserve: 1, accounts: vec![account] };
    vec![
        Case::new(escrow::reserve, &channels, NOT_PAYEE).by(Who::Friend).unknown("channels", vec![nothing()], UNKNOWN),
        Case::new(escrow::post_root, &root(scene), NO_RESERVE).by(Who::Friend),
        Case::new(escrow::pull, &pull, "").unknown("payee", "nobody.near", NO_RESERVE),
        Case::new(escrow::end_root, &OfAsset::default(), NO_RESERVE).by(Who::Friend),
        Case::new(escrow::forget_creators, &forgotten, "ESCROW_RESERVE_LIVES"),
    ]
}

/// The friend has a row, and is nobody's payout account.
fn earnings() -> Vec<Case> {
    vec![
        Case::new(escrow::open_earnings, &of_agent(), ""),
        Case::new(escrow::end_earnings, &of_agent(), "ESCROW_NO_EARNINGS").by(Who::Friend).unknown(
            "agent",
            999,
            "ESCROW_NO_EARNINGS",
        ),
        Case::new(escrow::sync_reputation, &of_agent(), "ESCROW_NO_EARNINGS").unknown(
            "agent",
            999,
            "ESCROW_UNKNOWN_AGENT",
        ),
    ]
}

fn edges(scene: &Scene) -> Vec<Case> {
    let opened = OpenEdge {
        acker: scene.id(Who::Friend),
        asset: Asset::Near,
        collateral: U128(COLLATERAL),
        cut: U128(1),
        cut_to: scene.id(Who::Host),
        rate_per_s: U128(1),
        cap: U128(2),
        window_ms: WINDOW_MS_MIN,
        ends_ms: scene.expires_ms,
        asker_key: public(1),
        acker_key: public(2),
        signer: Signer::Ed25519(public(3)),
        offer: None,
    };
    let (live, offered) = (EdgeRef { edge: scene.money.live }, EdgeRef { edge: scene.money.offered });
    let of_edge = |case: Case| case.unknown("edge", nothing(), UNKNOWN_EDGE);
    let not_attached = [0, 1, COLLATERAL - 1].map(|yocto| (yocto, "ESCROW_NOT_ATTACHED"));
    vec![
        Case::new(escrow::open_edge, &opened, "").too_little(&not_attached),
        of_edge(Case::new(escrow::join_edge, &offered, "ESCROW_NOT_ACKER")).by(Who::Friend).too_little(&not_attached),
        of_edge(Case::new(escrow::end_edge, &live, "ESCROW_EDGE_NOT_OVER")),
        of_edge(Case::new(escrow::cut_edge, &live, "ESCROW_NOT_ASKER")),
    ]
}

/// The first is late; the second has an ack whose deadline is over.
fn requests(scene: &Scene) -> Vec<Case> {
    let hop = Hop { harness: &scene.harness, asker: scene.person(Who::Owner), id: scene.money.live };
    let of_edge = |case: Case| case.unknown("edge", nothing(), UNKNOWN_EDGE);
    vec![
        of_edge(Case::new(escrow::escalate, &hop.ack(2, scene.now_ms), "ESCROW_NOT_ASKER")),
        of_edge(Case::new(escrow::deliver, &hop.response(1), "")),
        of_edge(Case::new(escrow::claim_late, &hop.request(1), "")),
        Case::new(escrow::forget_request, &hop.request(1), "ESCROW_REQUEST_OPEN").unknown(
            "edge",
            nothing(),
            "ESCROW_UNKNOWN_REQUEST",
        ),
    ]
}

fn views(scene: &Scene) -> Vec<Case> {
    let (owner, friend, asset) = (scene.id(Who::Owner), scene.id(Who::Friend), Asset::Near);
    let purse = PurseRef { agent: 1, owner: owner.clone(), asset: asset.clone() };
    let drawn = DrawnRef { agent: 1, owner, asset: asset.clone(), payee: friend.clone() };
    let earned = EarningsRef { agent: 1, account: friend.clone(), asset: asset.clone() };
    let edge = scene.money.live;
    vec![
        Case::new(escrow::channel, &ChannelRef { channel: scene.channel }, ""),
        Case::new(escrow::channels, &Channels { channels: vec![scene.channel] }, ""),
        Case::new(escrow::totals, &OfAsset::default(), ""),
        Case::new(escrow::purse, &purse, ""),
        Case::new(escrow::drawn, &drawn, ""),
        Case::new(escrow::reserve_of, &ReserveOf { payee: friend, asset }, ""),
        Case::new(escrow::creator, &CreatorRef { reserve: 1, account: scene.id(Who::Guardian) }, ""),
        Case::new(escrow::earnings, &earned, ""),
        Case::new(escrow::edge, &EdgeRef { edge }, ""),
        Case::new(escrow::edges, &Edges { edges: vec![edge] }, ""),
        Case::new(escrow::request, &RequestRef { edge, counter: 1 }, ""),
    ]
}
