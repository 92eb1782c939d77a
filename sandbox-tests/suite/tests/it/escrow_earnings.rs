//! What accounts earn for agents: counted from when somebody made the row, as it arrives, and told to the registry.

use charter_harness::arguments::{DEPOSIT, register};
use charter_harness::{Caller, Harness, code_of, failed_with, ok, raw, view};
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::escrow::ChannelId;
use charter_types::escrow::args::{ChannelRef, Channels, EarningsRef, OfAgent, Open};
use charter_types::escrow::methods as escrow;
use charter_types::method::Method;
use charter_types::registry::Reputation;
use charter_types::registry::args::{AcceptPayout, AgentAccount, AgentRef, ReputationRef, SetReporters};
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
    assert_eq!(scene.distribute(channels[0], &splits, &[0]).await, Ok(2_000));
    assert_eq!(earned(&scene, 1, &scene.cid).await, Some((0, 0)));
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

/// An agent of ben's in a registry that the escrow reports to.
struct Told {
    scene: Scene,
    agent: u64,
    known: ReputationRef,
}

impl Told {
    async fn new() -> Self {
        let scene = Scene::on(Harness::start_with(code_of).await.unwrap()).await;
        let agent = register(&scene.harness, &scene.ben, Vec::new()).await;
        let (registry_id, reporter) = (&scene.harness.contracts.registry, scene.contract().clone());
        let reporters = SetReporters { reporters: vec![reporter.clone()] };
        ok(scene.harness.root(), registry_id, registry::set_reporters, &reporters, 0).await;
        let epochs = view(&scene.harness.worker, registry_id, registry::epochs, &AgentRef { agent }).await.unwrap();
        let Asset::Nep141(token) = scene.asset() else { unreachable!("it is a token") };
        let known = ReputationRef { agent, epoch: epochs.unwrap().agent, reporter, asset: token.to_string() };
        Self { scene, agent, known }
    }

    fn registry(&self) -> &AccountId {
        &self.scene.harness.contracts.registry
    }

    fn sync(&self) -> OfAgent {
        OfAgent { agent: self.agent, asset: self.scene.asset() }
    }

    /// An account that is paid for the agent in a channel, and whose earnings count from now on.
    async fn earner(&self, account: &Account) -> ChannelId {
        let args = Open { payee: account.id().clone(), agent: Some(self.agent), ..self.scene.open_args() };
        let channel = self.scene.open(&args, 1_000_000).await;
        assert_eq!(open_earnings(&self.scene, self.agent, account).await, None);
        channel
    }

    /// It gets so much in all.
    async fn earns(&self, account: &Account, channel: ChannelId, cumulative: u128) {
        assert_eq!(self.scene.claim(channel, cumulative).await, cumulative.to_string());
        self.scene.withdraw(account, &[channel]).await.unwrap();
    }

    /// Ben has another account be paid for the agent, or again itself.
    async fn offer_payout(&self, account: &Account) {
        let args = AgentAccount { agent: self.agent, account: account.id().clone() };
        ok(&self.scene.ben, self.registry(), registry::set_payout, &args, DEPOSIT).await;
    }

    fn accepted(&self) -> AcceptPayout {
        AcceptPayout { agent: self.agent, owner: self.scene.ben.id().clone() }
    }

    async fn pay_to(&self, account: &Account) {
        self.offer_payout(account).await;
        if account.id() != self.scene.ben.id() {
            ok(account, self.registry(), registry::accept_payout, &self.accepted(), 1).await;
        }
    }

    async fn row(&self) -> Option<Reputation> {
        view(&self.scene.harness.worker, self.registry(), registry::reputation, &self.known).await.unwrap()
    }

    /// What the registry says of this epoch, once it was told.
    async fn reported(&self) -> (u128, u64) {
        let code = self.scene.told(&self.scene.dan, escrow::sync_reputation, &self.sync(), DEPOSIT).await;
        assert_eq!(code, None);
        let row = self.row().await.expect("the registry keeps it");
        (row.earned.0 - row.earned_before.0, row.payments - row.payments_before)
    }
}

/// INV-REG-9. An owner can name whom it likes: what an account earned for the agent before it was the payout account, or while
/// another one was, is not counted, however often they change.
#[tokio::test]
async fn another_payout_account_brings_nothing_that_it_earned_before() {
    let told = Told::new().await;
    let [ben, cid, dan] = [&told.scene.ben, &told.scene.cid, &told.scene.dan];
    let (bens, cids, dans) = (told.earner(ben).await, told.earner(cid).await, told.earner(dan).await);
    told.earns(ben, bens, 1_000).await;
    assert_eq!(told.reported().await, (0, 0), "an epoch's first report is what its own are counted from");
    told.earns(ben, bens, 1_010).await;
    assert_eq!(told.reported().await, (10, 1));
    told.earns(cid, cids, 50_000).await;
    told.pay_to(cid).await;
    assert_eq!(told.reported().await, (10, 1), "what it earned before is not this agent's name");
    told.earns(cid, cids, 50_300).await;
    assert_eq!(told.reported().await, (310, 2));
    // Back: neither the difference of the two accounts, nor what came while the other one was the agent's.
    told.earns(ben, bens, 90_000).await;
    told.pay_to(ben).await;
    assert_eq!(told.reported().await, (310, 2));
    told.earns(ben, bens, 90_020).await;
    assert_eq!(told.reported().await, (330, 3));
    // An account that earned nothing yet counts from its first payment, not from where the other one was.
    told.pay_to(dan).await;
    assert_eq!(told.reported().await, (330, 3));
    told.earns(dan, dans, 5).await;
    assert_eq!(told.reported().await, (335, 4));
    assert_eq!(told.reported().await, (335, 4), "said twice it counts once");
    let row = told.row().await.unwrap();
    assert_eq!((row.earned_before.0, row.payments_before), (1_000, 1), "the baseline is the epoch's first report");
}

/// The code of an account that has ben's earnings reported and becomes the payout account in the block after the escrow
/// looked up who is. All it does begins in one receipt, so that blocks can be counted: its `accept_payout` waits for two
/// answers, as the report does, and the report has to be sent then.
fn late_comer(told: &Told) -> Vec<u8> {
    let bytes = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<Vec<_>>().concat();
    let pieces = [
        told.scene.contract().as_bytes().to_vec(),
        b"sync_reputation".to_vec(),
        escrow::sync_reputation::write(&told.sync()),
        told.registry().as_bytes().to_vec(),
        b"agent".to_vec(),
        registry::agent::write(&AgentRef { agent: told.agent }),
        b"accept_payout".to_vec(),
        registry::accept_payout::write(&told.accepted()),
        DEPOSIT.to_le_bytes().to_vec(),
        1_u128.to_le_bytes().to_vec(),
        0_u128.to_le_bytes().to_vec(),
    ];
    let at = |piece: usize| format!("(i64.const {})", 512 * piece);
    let call = |all: [usize; 3], amount: usize, tgas: u64| {
        let said = all.map(|piece| format!("(i64.const {}) {}", pieces[piece].len(), at(piece))).join(" ");
        format!("{said} {} (i64.const {tgas}000000000000)", at(amount))
    };
    let data =
        (0..).zip(&pieces).map(|(place, piece)| format!("(data (i32.const {}) \"{}\")", 512 * place, bytes(piece)));
    let (report, ask, accept) = (call([0, 1, 2], 8, 150), call([3, 4, 5], 10, 20), call([3, 6, 7], 9, 20));
    let text = format!(
        r#"(module
          (import "env" "promise_create" (func $create (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
          (import "env" "promise_then" (func $then (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
          (import "env" "promise_return" (func $promise (param i64)))
          (memory 1)
          {}
          (func (export "go")
            (call $promise (call $create {report}))
            (drop (call $then (call $then (call $create {ask}) {ask}) {accept}))))"#,
        data.collect::<Vec<_>>().join("\n"),
    );
    wat::parse_str(text).unwrap()
}

/// INV-REG-9. What was looked up before the payout account changed is another one's: nothing is counted, and the deposit is
/// back with whoever had it reported.
#[tokio::test]
async fn a_report_that_the_payout_account_overtook_is_refused() {
    let told = Told::new().await;
    let [ben, cid] = [&told.scene.ben, &told.scene.cid];
    let bens = told.earner(ben).await;
    told.earns(ben, bens, 1_000).await;
    told.offer_payout(cid).await;
    told.scene.harness.worker.patch(cid.id()).code(&late_comer(&told)).transact().await.unwrap();
    let before = balance(cid).await;
    let outcome = cid.send(cid.id(), raw("go", json!({})), 0).await.unwrap();
    assert_eq!(failed_with(&outcome).as_deref(), Some("REGISTRY_PAYOUT_MOVED"), "{outcome:?}");
    let asked = AgentRef { agent: told.agent };
    let agent = view(&told.scene.harness.worker, told.registry(), registry::agent, &asked);
    assert_eq!(agent.await.unwrap().unwrap().payout, *cid.id(), "it came between");
    let lost = (before - balance(cid).await).saturating_sub(burnt(&outcome));
    assert!(lost < DEPOSIT / 10, "{lost}: the deposit came back");
    assert_eq!(told.row().await, None);
}
