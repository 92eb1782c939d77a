//! Purses: an agent spends its owner's money within caps, and nobody else's.

use charter_harness::arguments::{DEPOSIT, accept, prepay, register, unregister};
use charter_harness::{Harness, ok};
use charter_types::asset::Asset;
use charter_types::escrow::args::{
    ChannelRef, Draw, DrawTo, DrawnRef, ForgetDraws, OfAgent, OpenDrawn, PurseRef, SetCaps,
};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{ChannelId, Purse, SPLITS_MAX};
use charter_types::registry::args::{AgentAccount, Rearm, SetAgentAccount};
use charter_types::registry::methods as registry;
use charter_types::{Ed25519Key, Hash32, Nothing, U128};
use near_workspaces::Account;
use serde_json::json;

use crate::escrow_scene::{DAY_MS, HOUR_MS, MINUTE_MS, Scene, balance, split, voucher_key};

const OVER_CAPS: &str = "ESCROW_OVER_CAPS";

/// Ann's agent, whose account is bot; its purse in the scene's token.
struct Robot {
    scene: Scene,
    agent: u64,
    bot: Account,
}

impl Robot {
    async fn new() -> Self {
        Self::on(Scene::new().await, DEPOSIT).await
    }

    /// The agent's account prepays so much.
    async fn on(scene: Scene, prepaid: u128) -> Self {
        let bot = scene.harness.account("bot").await.unwrap();
        let agent = register(&scene.harness, &scene.ann, Vec::new()).await;
        let robot = Self { scene, agent, bot };
        robot.name_account(&robot.scene.ann).await;
        prepay(&robot.bot, robot.scene.contract(), prepaid).await;
        // What a test does next is done within the day.
        let now_ms = robot.scene.now_ms().await;
        robot.scene.until((now_ms / DAY_MS + 1) * DAY_MS + MINUTE_MS).await;
        robot
    }

    async fn name_account(&self, owner: &Account) {
        let own = SetAgentAccount { agent: self.agent, agent_account: Some(self.bot.id().clone()) };
        ok(owner, &self.scene.harness.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
    }

    fn of_agent(&self) -> OfAgent {
        OfAgent { agent: self.agent, asset: self.scene.asset() }
    }

    async fn fill(&self, owner: &Account, amount: u128) {
        ok(owner, self.scene.contract(), escrow::fill_purse, &self.of_agent(), DEPOSIT).await;
        let msg = json!({ "purse": { "agent": self.agent } });
        assert_eq!(self.scene.transfer(owner, self.scene.token.id(), amount, &msg).await, amount);
    }

    async fn set_caps(&self, owner: &Account, per_day: u128, per_payee: u128) {
        let until_ms = self.scene.now_ms().await + 10 * DAY_MS;
        self.set_caps_until(owner, (per_day, per_payee), until_ms).await;
    }

    async fn set_caps_until(&self, owner: &Account, (per_day, per_payee): (u128, u128), until_ms: u64) {
        let (agent, asset) = (self.agent, self.scene.asset());
        let caps = SetCaps { agent, asset, per_day: U128(per_day), per_payee: U128(per_payee), until_ms };
        ok(owner, self.scene.contract(), escrow::set_caps, &caps, DEPOSIT).await;
    }

    fn open(&self, payee: &Account) -> OpenDrawn {
        let open = self.scene.open_args();
        OpenDrawn {
            payee: payee.id().clone(),
            voucher_key: Ed25519Key(voucher_key().verifying_key().to_bytes()),
            withdraw_delay_ms: open.withdraw_delay_ms,
            agent: None,
            locked_until_ms: 0,
            splits: Vec::new(),
            offer: None,
        }
    }

    async fn draw_by(&self, by: &Account, amount: u128, to: DrawTo) -> Result<ChannelId, String> {
        let draw = Draw { agent: self.agent, asset: self.scene.asset(), amount: U128(amount), to };
        self.scene.asked(by, escrow::draw, &draw, 0).await
    }

    /// By the agent, for a new channel.
    async fn draw(&self, payee: &Account, amount: u128) -> Result<ChannelId, String> {
        self.draw_by(&self.bot, amount, DrawTo::Open(self.open(payee))).await
    }

    /// The code that it is refused with.
    async fn refused(&self, payee: &Account, amount: u128) -> String {
        self.draw(payee, amount).await.unwrap_err()
    }

    async fn purse(&self, owner: &Account) -> Option<Purse> {
        let question = PurseRef { agent: self.agent, owner: owner.id().clone(), asset: self.scene.asset() };
        self.scene.look(escrow::purse, &question).await
    }
}

/// A draw ends in a callback, whose refusal undoes nothing. So what is set aside has to be enough for all that it stores, for
/// names as long as they get, and shares as many: whoever prepaid a yocto less is refused before anything happens.
#[tokio::test]
async fn what_a_draw_sets_aside_is_enough_for_the_longest_names() {
    let harness = Harness::start().await.unwrap();
    let long = |letter: &str| letter.repeat(64 - 1 - harness.root().id().len());
    let names = ["a", "b", "c", "d", "t"].map(long);
    let [ann, ben, cid, dan, token] = names.each_ref().map(String::as_str);
    let scene = Scene::of(harness, [ann, ben, cid, dan], token).await;
    let robot = Robot::on(scene, DEPOSIT / 20).await;
    robot.fill(&robot.scene.ann, 100_000).await;
    robot.set_caps(&robot.scene.ann, 50_000, 50_000).await;
    let someone = |n: usize| split(&format!("{}{n:02}", "s".repeat(62)).parse().unwrap(), 100);
    for shares in [0, SPLITS_MAX] {
        let splits = (0..shares).map(someone).collect();
        let locked_until_ms = robot.scene.now_ms().await + HOUR_MS;
        let open = OpenDrawn {
            agent: Some(robot.agent),
            offer: Some(Hash32([9; 32])),
            locked_until_ms,
            splits,
            ..robot.open(&robot.scene.ben)
        };
        let draw = Draw { agent: robot.agent, asset: robot.scene.asset(), amount: U128(1_000), to: DrawTo::Open(open) };
        let refused = robot.scene.send(&robot.bot, escrow::draw, &draw, 0).await;
        let text = format!("{:?}", refused.failures());
        let (_, needed) = text.split_once("storage needs ").unwrap_or_else(|| panic!("{text}"));
        let needed: u128 = needed.split_once(' ').unwrap().0.parse().unwrap();
        prepay(&robot.bot, robot.scene.contract(), needed - 1).await;
        let code = robot.scene.told(&robot.bot, escrow::draw, &draw, 0).await;
        assert_eq!(code.as_deref(), Some("CHARTER_STORAGE_SHORT"), "{shares}");
        let before = robot.purse(&robot.scene.ann).await.unwrap().balance.0;
        prepay(&robot.bot, robot.scene.contract(), 1).await;
        let channel = robot.scene.asked(&robot.bot, escrow::draw, &draw, 0).await.unwrap();
        assert_eq!(robot.scene.channel(channel).await.unwrap().deposited.0, 1_000, "{shares}");
        assert_eq!(robot.purse(&robot.scene.ann).await.unwrap().balance.0, before - 1_000, "{shares}");
    }
}

/// The channel is its owner's: who signs vouchers and gets the rest back.
#[tokio::test]
async fn an_agent_draws_channels_within_its_owners_caps() {
    let robot = Robot::new().await;
    let Scene { ann, ben, cid, .. } = &robot.scene;
    robot.fill(ann, 100_000).await;
    assert_eq!(robot.refused(ben, 1_000).await, "ESCROW_NO_CAPS", "a purse without caps gives nothing");
    robot.set_caps(ann, 50_000, 30_000).await;
    assert_eq!(robot.refused(ben, 30_001).await, OVER_CAPS);
    let channel = robot.draw(ben, 20_000).await.unwrap();
    let seen = robot.scene.channel(channel).await.unwrap();
    assert_eq!((&seen.payer, &seen.payee, seen.deposited.0), (ann.id(), ben.id(), 20_000));
    assert_eq!((seen.purse, seen.asset), (Some(robot.agent), robot.scene.asset()));
    // For one payee, whatever channel it is.
    assert_eq!(robot.refused(ben, 10_001).await, OVER_CAPS);
    assert_eq!(robot.draw_by(&robot.bot, 10_000, DrawTo::TopUp(channel)).await, Ok(channel));
    assert_eq!(robot.refused(ben, 1_000).await, OVER_CAPS);
    // For all.
    assert_eq!(robot.refused(cid, 20_001).await, OVER_CAPS);
    let other = robot.draw(cid, 20_000).await.unwrap();
    assert_eq!(robot.refused(cid, 1_000).await, OVER_CAPS);
    assert_eq!(robot.refused(cid, 999).await, "ESCROW_DEPOSIT_TOO_SMALL");
    assert_eq!(robot.purse(ann).await.unwrap().balance.0, 50_000);
    assert_eq!(robot.scene.claim(channel, 25_000).await, "25000");
    assert_eq!(robot.scene.withdraw(ben, &[channel]).await, Ok(25_000));
    assert_ne!(channel, other);
    assert_eq!(robot.scene.settled_tokens().await.held.0, 75_000);
}

/// All draws of a day, by the chain's clock in UTC; what channels return meanwhile does not make room.
#[tokio::test]
async fn caps_begin_anew_at_midnight_and_not_with_what_comes_back() {
    let robot = Robot::new().await;
    let Scene { ann, ben, cid, .. } = &robot.scene;
    robot.fill(ann, 100_000).await;
    robot.set_caps(ann, 30_000, 30_000).await;
    let channel = robot.draw(ben, 30_000).await.unwrap();
    assert_eq!(robot.scene.told(ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    assert_eq!(robot.purse(ann).await.unwrap().balance.0, 100_000, "it is back in the purse");
    for payee in [ben, cid] {
        assert_eq!(robot.refused(payee, 1_000).await, OVER_CAPS, "and stays drawn");
    }
    // Nor do new caps make room for more than they say.
    robot.set_caps(ann, 31_000, 100_000).await;
    assert_eq!(robot.refused(cid, 1_001).await, OVER_CAPS);
    let midnight_ms = (robot.scene.now_ms().await / DAY_MS + 1) * DAY_MS;
    robot.scene.until(midnight_ms - MINUTE_MS).await;
    assert_eq!(robot.refused(ben, 1_001).await, OVER_CAPS);
    assert!(robot.scene.now_ms().await < midnight_ms);
    robot.scene.until(midnight_ms).await;
    assert!(robot.draw(ben, 31_000).await.is_ok());
    assert_eq!(robot.refused(cid, 1_000).await, OVER_CAPS);
}

/// What an agent locks is back when the purse's time is over, or soon: compare at opening only, and an agent whose owner has
/// shortened the time adds to what it locked for a year before.
#[tokio::test]
async fn what_is_drawn_is_locked_no_longer_than_the_purse_gives() {
    let robot = Robot::new().await;
    let Scene { ann, ben, .. } = &robot.scene;
    robot.fill(ann, 100_000).await;
    let until_ms = robot.scene.now_ms().await + 100 * DAY_MS;
    robot.set_caps_until(ann, (50_000, 50_000), until_ms).await;
    let locked = |locked_until_ms| DrawTo::Open(OpenDrawn { locked_until_ms, ..robot.open(ben) });
    let told = robot.draw_by(&robot.bot, 1_000, locked(until_ms + 1)).await;
    assert_eq!(told.unwrap_err(), "ESCROW_BAD_LOCK");
    let channel = robot.draw_by(&robot.bot, 1_000, locked(until_ms)).await.unwrap();
    robot.set_caps_until(ann, (50_000, 50_000), until_ms - 1).await;
    let told = robot.draw_by(&robot.bot, 1_000, DrawTo::TopUp(channel)).await;
    assert_eq!(told.unwrap_err(), "ESCROW_BAD_LOCK");
}

#[tokio::test]
async fn after_its_time_a_purse_gives_nothing() {
    let robot = Robot::new().await;
    let Scene { ann, ben, .. } = &robot.scene;
    robot.fill(ann, 100_000).await;
    let until_ms = robot.scene.now_ms().await + HOUR_MS;
    robot.set_caps_until(ann, (50_000, 50_000), until_ms).await;
    assert_eq!(robot.draw(ben, 1_000).await.err(), None);
    robot.scene.until(until_ms + 1).await;
    assert_eq!(robot.refused(ben, 1_000).await, "ESCROW_NO_CAPS");
    robot.set_caps_until(ann, (50_000, 50_000), until_ms + DAY_MS / 2).await;
    assert!(robot.draw(ben, 1_000).await.is_ok());
    robot.set_caps_until(ann, (0, 0), until_ms + DAY_MS / 2).await;
    assert_eq!(robot.refused(ben, 1_000).await, OVER_CAPS);
}

/// The registry is asked who owns the agent at the time of the draw. Ask who filled the purse instead, and an agent that
/// was sold spends its seller's money.
#[tokio::test]
async fn a_buyers_agent_can_not_draw_on_the_seller() {
    let robot = Robot::new().await;
    let Scene { ann, ben, cid, harness, .. } = &robot.scene;
    robot.fill(ann, 100_000).await;
    robot.set_caps(ann, 50_000, 50_000).await;
    let before = robot.draw(ben, 10_000).await.unwrap();
    let registry = &harness.contracts.registry;
    let offer = AgentAccount { agent: robot.agent, account: cid.id().clone() };
    ok(ann, registry, registry::offer_transfer, &offer, DEPOSIT).await;
    let taken = accept(harness, registry, robot.agent).await;
    ok(cid, registry, registry::accept_transfer, &taken, DEPOSIT).await;
    robot.name_account(cid).await;
    assert_eq!(robot.refused(ben, 1_000).await, "ESCROW_NO_PURSE");
    robot.fill(cid, 20_000).await;
    robot.set_caps(cid, 20_000, 20_000).await;
    // Not even to what the seller's money opened.
    let told = robot.draw_by(&robot.bot, 1_000, DrawTo::TopUp(before)).await;
    assert_eq!(told.unwrap_err(), "ESCROW_NOT_DRAWN");
    let after = robot.draw(ben, 20_000).await.unwrap();
    assert_eq!(robot.scene.channel(after).await.unwrap().payer, *cid.id());
    assert_eq!(robot.purse(ann).await.unwrap().balance.0, 90_000);
    // The seller has its own back, of the purse and of what it opened.
    let had = robot.scene.tokens(ann.id()).await;
    let emptied = robot.scene.asked(ann, escrow::empty_purse, &robot.of_agent(), 0).await;
    assert_eq!(emptied, Ok(U128(90_000)));
    assert_eq!(robot.scene.told(ben, escrow::close, &ChannelRef { channel: before }, 0).await, None);
    assert_eq!(robot.scene.tokens(ann.id()).await, had + 100_000);
}

#[tokio::test]
async fn what_a_drawn_channel_returns_goes_to_the_purse_or_else_to_its_owner() {
    let robot = Robot::new().await;
    let Scene { ann, ben, .. } = &robot.scene;
    robot.fill(ann, 10_000).await;
    robot.set_caps(ann, 10_000, 10_000).await;
    let (first, last) = (robot.draw(ben, 5_000).await.unwrap(), robot.draw(ben, 5_000).await.unwrap());
    assert_eq!(robot.scene.claim(first, 2_000).await, "2000");
    let had = [robot.scene.tokens(ann.id()).await, robot.scene.tokens(ben.id()).await];
    assert_eq!(robot.scene.told(ben, escrow::close, &ChannelRef { channel: first }, 0).await, None);
    assert_eq!(robot.purse(ann).await.unwrap().balance.0, 3_000);
    let sums = robot.scene.settled_tokens().await;
    assert_eq!((sums.held.0, sums.paid.0, sums.refunded.0), (8_000, 2_000, 0), "it did not leave");
    let emptied = robot.scene.asked(ann, escrow::empty_purse, &robot.of_agent(), 0).await;
    assert_eq!(emptied, Ok(U128(3_000)));
    assert_eq!(robot.purse(ann).await, None);
    assert_eq!(robot.scene.told(ben, escrow::close, &ChannelRef { channel: last }, 0).await, None);
    let has = [robot.scene.tokens(ann.id()).await, robot.scene.tokens(ben.id()).await];
    assert_eq!(has, [had[0] + 8_000, had[1] + 2_000]);
    assert_eq!(robot.scene.settled_tokens().await.held.0, 0);
}

/// What does not arrive is in the purse as before, caps and all.
#[tokio::test]
async fn a_purse_whose_owner_can_not_be_paid_stays() {
    let robot = Robot::new().await;
    let Scene { ann, ben, .. } = &robot.scene;
    robot.fill(ann, 10_000).await;
    robot.set_caps(ann, 10_000, 10_000).await;
    let before = robot.purse(ann).await;
    robot.scene.tell_token("fail", json!({ "fails": true })).await;
    let told = robot.scene.told(ann, escrow::empty_purse, &robot.of_agent(), 0).await;
    assert_eq!(told.as_deref(), Some("TOKEN_FAILS"));
    assert_eq!(robot.purse(ann).await, before);
    robot.scene.tell_token("fail", json!({ "fails": false })).await;
    assert!(robot.draw(ben, 1_000).await.is_ok());
}

#[tokio::test]
async fn nobody_but_the_agents_account_draws_and_not_for_itself() {
    let robot = Robot::new().await;
    let Scene { ann, ben, dan, harness, .. } = &robot.scene;
    robot.fill(ann, 100_000).await;
    robot.set_caps(ann, 50_000, 50_000).await;
    for stranger in [ann, dan] {
        prepay(stranger, robot.scene.contract(), DEPOSIT).await;
        let told = robot.draw_by(stranger, 1_000, DrawTo::Open(robot.open(ben))).await;
        assert_eq!(told.unwrap_err(), "ESCROW_NOT_AGENT");
    }
    assert_eq!(robot.refused(&robot.bot, 1_000).await, "ESCROW_DRAWN_FOR_AGENT");
    let shared = OpenDrawn { splits: vec![split(robot.bot.id(), 9_999)], ..robot.open(ben) };
    let told = robot.draw_by(&robot.bot, 1_000, DrawTo::Open(shared)).await;
    assert_eq!(told.unwrap_err(), "ESCROW_DRAWN_FOR_AGENT");
    // Its own owner neither: a channel has two sides.
    assert_eq!(robot.refused(ann, 1_000).await, "ESCROW_SAME_PAYEE");
    let registry = &harness.contracts.registry;
    ok(ann, registry, registry::panic_all, &Nothing {}, 1).await;
    assert_eq!(robot.refused(ben, 1_000).await, "ESCROW_NOT_AGENT", "its owner pressed the button");
    ok(ann, registry, registry::rearm, &Rearm { agents: vec![robot.agent] }, 1).await;
    // Its owner says anew which account is the agent's.
    assert_eq!(robot.refused(ben, 1_000).await, "ESCROW_NOT_AGENT");
    robot.name_account(ann).await;
    assert_eq!(robot.draw(ben, 1_000).await.err(), None);
}

/// An agent with a purse adds to nobody else's channels, nor to its owner's own.
#[tokio::test]
async fn a_draw_adds_only_to_what_came_out_of_the_purse() {
    let robot = Robot::new().await;
    let Scene { ann, ben, .. } = &robot.scene;
    robot.fill(ann, 100_000).await;
    robot.set_caps(ann, 50_000, 50_000).await;
    let own = robot.scene.open(&robot.scene.open_args(), 10_000).await;
    let top_up = async |channel| robot.draw_by(&robot.bot, 1_000, DrawTo::TopUp(channel)).await;
    assert_eq!(top_up(own).await.unwrap_err(), "ESCROW_NOT_DRAWN");
    let drawn = robot.draw(ben, 1_000).await.unwrap();
    assert_eq!(top_up(drawn).await, Ok(drawn));
    let reference = ChannelRef { channel: drawn };
    assert_eq!(robot.scene.told(ann, escrow::request_close, &reference, 1).await, None);
    assert_eq!(top_up(drawn).await.unwrap_err(), "ESCROW_CLOSING");
    assert_eq!(robot.scene.told(ben, escrow::close, &reference, 0).await, None);
    assert_eq!(top_up(drawn).await.unwrap_err(), "ESCROW_UNKNOWN_CHANNEL");
    // What was refused was not drawn.
    assert_eq!(robot.purse(ann).await.unwrap().drawn.0, 2_000);
}

/// Rows of a day go when it is over, and with them all that the agent's account paid for.
#[tokio::test]
async fn rows_of_a_day_that_is_over_are_forgotten() {
    let robot = Robot::new().await;
    let Scene { ann, ben, cid, dan, .. } = &robot.scene;
    robot.fill(ann, 100_000).await;
    robot.set_caps(ann, 50_000, 50_000).await;
    let channel = robot.draw(ben, 1_000).await.unwrap();
    let (agent, owner, asset) = (robot.agent, ann.id().clone(), robot.scene.asset());
    let drawn = async || {
        let question = DrawnRef { agent, owner: owner.clone(), asset: asset.clone(), payee: ben.id().clone() };
        robot.scene.look(escrow::drawn, &question).await.map(|row| row.amount.0)
    };
    let payees = vec![ben.id().clone(), cid.id().clone()];
    let forget = ForgetDraws { agent, owner: owner.clone(), asset: asset.clone(), payees };
    assert_eq!(robot.scene.told(dan, escrow::forget_draws, &forget, 0).await, None);
    assert_eq!(drawn().await, Some(1_000), "it counts still");
    robot.scene.wait(DAY_MS).await;
    assert_eq!(robot.scene.told(dan, escrow::forget_draws, &forget, 0).await, None);
    assert_eq!(drawn().await, None);
    for payees in [Vec::new(), vec![ben.id().clone(); 33]] {
        let told = robot.scene.told(dan, escrow::forget_draws, &ForgetDraws { payees, ..forget.clone() }, 0).await;
        assert_eq!(told.as_deref(), Some("ESCROW_BAD_NAMED_SIZE"));
    }
    assert_eq!(robot.scene.told(ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    unregister(&robot.bot, robot.scene.contract()).await;
}

/// The same in NEAR, where storage comes out of the deposit.
#[tokio::test]
async fn a_purse_in_near_is_what_storage_leaves_of_the_deposit() {
    let robot = Robot::new().await;
    let Scene { ann, ben, .. } = &robot.scene;
    let of_near = OfAgent { agent: robot.agent, asset: Asset::Near };
    assert_eq!(robot.scene.told(ann, escrow::fill_purse, &of_near, DEPOSIT).await, None);
    let left = robot.scene.settled(&Asset::Near).await.held.0;
    assert!(left < DEPOSIT && left > DEPOSIT * 9 / 10, "{left}");
    // With a row that is there already all of it goes in.
    for (deposit, code) in [(5_000, None), (999, Some("ESCROW_DEPOSIT_TOO_SMALL")), (0, Some("CHARTER_ONE_YOCTO"))] {
        assert_eq!(robot.scene.told(ann, escrow::fill_purse, &of_near, deposit).await.as_deref(), code, "{deposit}");
    }
    let until_ms = robot.scene.now_ms().await + HOUR_MS;
    let (per_day, per_payee) = (U128(u128::MAX), U128(u128::MAX));
    let caps = SetCaps { agent: robot.agent, asset: Asset::Near, per_day, per_payee, until_ms };
    assert_eq!(robot.scene.told(ann, escrow::set_caps, &caps, DEPOSIT).await, None);
    let draw = async |amount: u128| {
        let to = DrawTo::Open(robot.open(ben));
        let draw = Draw { agent: robot.agent, asset: Asset::Near, amount: U128(amount), to };
        robot.scene.asked(&robot.bot, escrow::draw, &draw, 0).await
    };
    for more in [1, u128::MAX - left - 5_000] {
        assert_eq!(draw(left + 5_000 + more).await.unwrap_err(), "ESCROW_PURSE_SHORT", "{more}");
    }
    let channel = draw(left + 4_000).await.unwrap();
    assert_eq!(robot.scene.channel(channel).await.unwrap().deposited.0, left + 4_000);
    let had = balance(ann).await;
    assert_eq!(robot.scene.told(ben, escrow::close, &ChannelRef { channel }, 0).await, None);
    assert_eq!(balance(ann).await, had, "it went to the purse");
    assert_eq!(robot.scene.settled(&Asset::Near).await.held.0, left + 5_000);
}
