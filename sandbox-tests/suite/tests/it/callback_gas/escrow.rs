//! Callbacks of the escrow, with names of 64 characters: one that fails leaves money in flight for ever.

use std::time::Duration;

use charter_harness::{Call, Caller, Harness, answer, call, ok};
use charter_types::escrow::args::{
    ChannelRef, Channels, Distribute, Draw, DrawTo, EdgeRef, OfAgent, OfAsset, OpenEdge, PostRoot, Pull, SetCaps,
    TransferMsg,
};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{
    ChannelId, DISTRIBUTE_MAX, MODEL_BYTES_MAX, PAID_AGENTS_MAX, PROOF_MAX, ROOT_MS, SPLITS_MAX, Signer, WITHDRAW_MAX,
};
use charter_types::method::{Deposit, Method};
use charter_types::{AccountId, EthAddress, Hash32, U128};
use near_workspaces::Account;
use serde_json::json;

use crate::escrow_bytes::{climb, leaf};
use crate::escrow_edges::{COLLATERAL, terms};
use crate::escrow_stage::Stage;
use crate::staked::tell;
use charter_harness::arguments::DEPOSIT;

const ACCOUNT_BYTES_MAX: usize = 64;
/// What `gas` of the contract gives, in TGas. `on_paid`: for nothing, each channel, each share, and each agent with a row.
const ON_PAID: [f64; 4] = [6.0, 0.9, 0.01, 0.9];
const ON_CLOSED: f64 = 15.0;
const ON_DISTRIBUTED: f64 = 15.0;
const ON_EMPTIED: f64 = 12.0;
const ON_PULLED: f64 = 15.0;
const ON_REST_SENT: f64 = 15.0;
const ON_AUTHORITY: f64 = 25.0;
const ON_EDGE_PAID: f64 = 12.0;
/// What `on_agent` has beyond what it passes on: 15 for the report and 6 for what comes after that.
const ON_AGENT: f64 = 40.0 - 15.0 - 6.0;
/// What having a failure told takes of a callback's.
const FAIL: f64 = 3.0;

/// A chain with as long names as there are, and what was set aside for which callback, beside the most that one burnt.
struct Worst {
    harness: Harness,
    stage: Stage,
    seen: Vec<(String, f64, f64)>,
}

impl Worst {
    async fn new() -> Self {
        let harness = Harness::start().await.unwrap();
        let letters = ACCOUNT_BYTES_MAX - 1 - harness.root().id().len();
        let payer = harness.account(&"a".repeat(letters)).await.unwrap();
        let payee = harness.account(&"b".repeat(letters)).await.unwrap();
        let stage = Stage::new(&harness, (&payer, &payee), letters).await;
        Self { harness, stage, seen: Vec::new() }
    }

    fn contract(&self) -> &AccountId {
        &self.harness.contracts.escrow
    }

    /// Sends a call as it is declared, and notes the dearest of the receipts of the escrow's that come after it.
    async fn send<M: Method>(&mut self, by: &Account, method: M, args: &M::Args, set_aside: f64) -> Option<M::Answer> {
        let sent: Call = call(method, args).tgas(M::RULE.gas.tgas());
        let deposit = match M::RULE.deposit {
            Deposit::Nothing => 0,
            Deposit::OneYocto | Deposit::Prepaid => 1,
            _ => DEPOSIT,
        };
        let outcome = by.send(self.contract(), sent, deposit).await.unwrap();
        let own = outcome.receipt_outcomes().iter().filter(|one| one.executor_id == *self.contract());
        let burnt: Vec<u64> = own.map(|one| one.gas_burnt.as_gas()).collect();
        assert!(burnt.len() >= 2, "{} called nothing back: {outcome:?}", M::NAME);
        let most = burnt[1..].iter().max().unwrap();
        let took = f64::from(u32::try_from(most / 1_000_000).unwrap()) / 1_000_000.0;
        self.seen.push((M::NAME.to_owned(), took, set_aside));
        outcome.is_success().then(|| answer(method, &outcome).unwrap())
    }

    /// Nothing arrives, or it does again.
    async fn token_fails(&self, fails: bool) {
        tell(&self.harness, self.stage.token.id(), "fail", json!({ "fails": fails })).await;
    }

    fn of_agent(&self, agent: u64) -> OfAgent {
        OfAgent { agent, asset: self.stage.asset() }
    }
}

/// As many channels as a call can name, each with as many shares as there can be, of as many agents as have rows.
async fn payouts(worst: &mut Worst) -> Vec<ChannelId> {
    let payee = worst.stage.payee.clone();
    let agents: Vec<u64> = (1..).take(PAID_AGENTS_MAX).collect();
    for agent in &agents {
        ok(&payee, worst.contract(), escrow::open_earnings, &worst.of_agent(*agent), DEPOSIT).await;
    }
    let named: Vec<u64> = agents.iter().copied().cycle().take(WITHDRAW_MAX).collect();
    let channels = worst.stage.open(&worst.harness, &named, 10_000_000).await;
    let count = |number: usize| f64::from(u32::try_from(number).unwrap());
    let [base, channel, share, agent] = ON_PAID;
    let set_aside = base
        + channel * count(WITHDRAW_MAX)
        + share * count(WITHDRAW_MAX * SPLITS_MAX)
        + agent * count(PAID_AGENTS_MAX);
    worst.stage.claim(&worst.harness, &channels, 1_000_000).await;
    let args = Channels { channels: channels.clone() };
    for fails in [true, false] {
        worst.token_fails(fails).await;
        assert!(worst.send(&payee, escrow::withdraw, &args, set_aside).await.is_some());
    }
    channels
}

/// Shares, which come back and then arrive, and a close that does.
async fn shares(worst: &mut Worst, channel: ChannelId) {
    let payee = worst.stage.payee.clone();
    // Who has a share earns for the agent, too.
    let first = worst.stage.name(0);
    assert_eq!(first.len(), ACCOUNT_BYTES_MAX);
    let (name, _) = first.as_str().split_once('.').unwrap();
    let holder = worst.harness.account(name).await.unwrap();
    ok(&holder, worst.contract(), escrow::open_earnings, &worst.of_agent(1), DEPOSIT).await;
    let (splits, offer) = (worst.stage.splits(), Some(Hash32([5; 32])));
    let shares = (0..u8::try_from(DISTRIBUTE_MAX).unwrap()).collect();
    let args = Distribute { channel, splits, offer, shares };
    for fails in [true, false] {
        worst.token_fails(fails).await;
        assert!(worst.send(&payee, escrow::distribute, &args, ON_DISTRIBUTED).await.is_some());
    }
    worst.stage.claim(&worst.harness, &[channel], 2_000_000).await;
    worst.token_fails(true).await;
    let reference = ChannelRef { channel };
    assert!(worst.send(&payee, escrow::close, &reference, ON_CLOSED).await.is_some());
    worst.token_fails(false).await;
    assert!(worst.send(&payee, escrow::finalize_close, &reference, ON_CLOSED).await.is_some());
}

async fn purse(worst: &mut Worst) {
    let (payer, bot, agent) = (worst.stage.payer.clone(), worst.stage.bot.clone(), worst.stage.agent);
    let (asset, of_agent) = (worst.stage.asset(), worst.of_agent(agent));
    ok(&payer, worst.contract(), escrow::fill_purse, &of_agent, DEPOSIT).await;
    worst.stage.send(&worst.harness, &payer, 1_000_000, &TransferMsg::Purse { agent }).await;
    let (most, until_ms) = (U128(1_000_000), u64::MAX);
    let caps = SetCaps { agent, asset: asset.clone(), per_day: most, per_payee: most, until_ms };
    ok(&payer, worst.contract(), escrow::set_caps, &caps, DEPOSIT).await;
    let to = DrawTo::Open(worst.stage.drawn_args(&worst.harness).await);
    let args = Draw { agent, asset, amount: U128(1_000), to };
    let channel = worst.send(&bot, escrow::draw, &args, ON_AUTHORITY).await.unwrap();
    let more = Draw { to: DrawTo::TopUp(channel), ..args };
    assert!(worst.send(&bot, escrow::draw, &more, ON_AUTHORITY).await.is_some());
    for fails in [true, false] {
        worst.token_fails(fails).await;
        let emptied = worst.send(&payer, escrow::empty_purse, &of_agent, ON_EMPTIED - FAIL).await;
        assert_eq!(emptied.is_none(), fails);
    }
}

async fn reserve(worst: &mut Worst, channels: &[ChannelId]) {
    const OWED: u128 = 1_000;
    let (payee, asset) = (worst.stage.payee.clone(), worst.stage.asset());
    worst.stage.claim(&worst.harness, channels, 3_000_000).await;
    let from = Channels { channels: channels.to_vec() };
    ok(&payee, worst.contract(), escrow::reserve, &from, DEPOSIT).await;
    let account = worst.stage.name(7);
    let proof = vec![[9; 32]; PROOF_MAX];
    let root = Hash32(climb(leaf(account.as_str(), OWED), &proof));
    let root = PostRoot { asset: asset.clone(), root, total: U128(OWED) };
    ok(&payee, worst.contract(), escrow::post_root, &root, 1).await;
    let proof = proof.into_iter().map(Hash32).collect();
    let pull = Pull { payee: payee.id().clone(), asset: asset.clone(), account, amount: U128(OWED), proof };
    for fails in [true, false] {
        worst.token_fails(fails).await;
        assert_eq!(worst.send(&payee, escrow::pull, &pull, ON_PULLED - FAIL).await.is_none(), fails);
    }
    worst.harness.wait(Duration::from_millis(ROOT_MS)).await.unwrap();
    let of_asset = OfAsset { asset };
    for fails in [true, false] {
        worst.token_fails(fails).await;
        assert_eq!(worst.send(&payee, escrow::end_root, &of_asset, ON_REST_SENT - FAIL).await.is_none(), fails);
    }
}

/// The registry takes no report, so the deposit comes back. `on_agent` may have to read more of an agent that has all the
/// operators, guardians and keys there can be.
async fn reputation(worst: &mut Worst) {
    let (payer, agent) = (worst.stage.payer.clone(), worst.stage.agent);
    let earned = worst.of_agent(agent);
    // Who pays and owns the agent is its payout account.
    ok(&payer, worst.contract(), escrow::open_earnings, &earned, DEPOSIT).await;
    assert!(worst.send(&payer, escrow::sync_reputation, &earned, ON_AGENT).await.is_none());
}

/// With the longest terms, cut while nothing arrives, and ended when it does again.
async fn edge(worst: &mut Worst) {
    let (payer, payee) = (worst.stage.payer.clone(), worst.stage.payee.clone());
    let signer = Signer::Eip191 { address: EthAddress([7; 20]), model: "m".repeat(MODEL_BYTES_MAX) };
    let (asset, offer) = (worst.stage.asset(), Some(Hash32([5; 32])));
    let agreed = terms(&worst.harness, &payee, worst.stage.bot.id()).await;
    let agreed = OpenEdge { asset, signer, offer, ..agreed };
    let edge = ok(&payer, worst.contract(), escrow::open_edge, &agreed, DEPOSIT).await;
    for side in [&payer, &payee] {
        worst.stage.send(&worst.harness, side, COLLATERAL, &TransferMsg::Edge { edge }).await;
    }
    let reference = EdgeRef { edge };
    ok(&payee, worst.contract(), escrow::join_edge, &reference, 1).await;
    worst.token_fails(true).await;
    assert!(worst.send(&payer, escrow::cut_edge, &reference, ON_EDGE_PAID).await.is_some());
    worst.token_fails(false).await;
    assert!(worst.send(&payer, escrow::end_edge, &reference, ON_EDGE_PAID).await.is_some());
}

#[tokio::test]
async fn a_callback_of_the_escrow_has_a_fifth_more_gas_than_it_takes_at_most() {
    let mut worst = Worst::new().await;
    let channels = payouts(&mut worst).await;
    shares(&mut worst, channels[0]).await;
    purse(&mut worst).await;
    reserve(&mut worst, &channels[1..]).await;
    reputation(&mut worst).await;
    edge(&mut worst).await;
    for (method, took, set_aside) in &worst.seen {
        println!("{method}: {took:.2} of {set_aside:.1} TGas");
    }
    for (method, took, set_aside) in worst.seen {
        assert!(took * 1.2 <= set_aside, "{method} takes {took:.2} TGas, {set_aside:.1} are set aside");
    }
}
