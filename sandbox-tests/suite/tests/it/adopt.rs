//! An agent that is a contract adopts releases by itself, on the real wasm: `charter_common::adopt`.

mod stand_ins;

use std::sync::LazyLock;

use charter_client::sha256;
use charter_harness::arguments::{DEPOSIT, accept, enrolled, prepay};
use charter_harness::{Caller, Harness, Outcome, failed_with, ok, raw, raw_bytes, test_agent};
use charter_types::Hash32;
use charter_types::admin::Deployment;
use charter_types::governance::args::ReportHealth;
use charter_types::governance::methods as governance;
use charter_types::governance::{Artifact, ArtifactKind, ReleaseContent, RolloutState, Wanted};
use charter_types::registry::args::AgentAccount;
use charter_types::registry::methods as registry;
use near_workspaces::types::Gas;
use near_workspaces::{Account, AccountId, ContractState};
use serde_json::{Value, json};

use crate::fleet::{Fleet, LINE, PERIOD, batch, version};
use stand_ins::{brick, liar, other_bytes};

static FIRST: LazyLock<Vec<u8>> = LazyLock::new(|| test_agent(1).unwrap());
static SECOND: LazyLock<Vec<u8>> = LazyLock::new(|| test_agent(2).unwrap());
/// What [`charter_common::adopt::ask`] says is enough.
const TGAS: u64 = 60;

/// A fleet of one, whose agent is a contract that runs the first release.
struct Scene {
    fleet: Fleet,
    robot: Account,
    publisher: Account,
}

impl Scene {
    async fn new() -> Self {
        let fleet = Fleet::new(1).await;
        let contracts = &fleet.harness.contracts;
        let robot = agent_of(&fleet, &contracts.governance, &contracts.registry).await;
        let publisher = fleet.harness.account("publisher").await.unwrap();
        publisher.deploy(&stand_ins::publisher()).await.unwrap().into_result().unwrap();
        Self { fleet, robot, publisher }
    }

    fn harness(&self) -> &Harness {
        &self.fleet.harness
    }

    /// Makes code a global contract, at its own cost.
    async fn deploy(&self, code: &[u8]) {
        let sent = self.publisher.send(self.publisher.id(), raw_bytes("publish", code.to_vec()), 0).await.unwrap();
        assert!(sent.is_success(), "{sent:?}");
    }

    /// Publishes a release with this code, which is a global contract. Its id.
    async fn publish(&self, semver: &str, code: &[u8]) -> u64 {
        self.deploy(code).await;
        self.fleet.publish(release(semver, &[(ArtifactKind::NearWasm, code)])).await
    }

    /// Somebody has the agent adopt.
    async fn adopt(&self) -> Outcome {
        self.adopt_with(TGAS).await
    }

    async fn adopt_with(&self, tgas: u64) -> Outcome {
        self.harness().root().send(self.robot.id(), raw("adopt", json!({})).tgas(tgas), 0).await.unwrap()
    }

    /// What stands in the way of adopting.
    async fn refused(&self) -> String {
        failed_with(&self.adopt().await).unwrap()
    }

    async fn unchanged(&self) -> Value {
        let outcome = self.adopt().await;
        assert!(outcome.is_success(), "{outcome:?}");
        outcome.json().unwrap()
    }

    async fn asked(&self, method: &str) -> u64 {
        asked(self.harness(), self.robot.id(), method).await
    }

    async fn say(&self, words: u64) {
        self.tell("say", json!({ "words": words })).await;
    }

    /// It has finished what it says.
    async fn hush(&self) {
        self.tell("hush", json!({})).await;
    }

    async fn tell(&self, method: &str, args: Value) {
        let sent = self.robot.send(self.robot.id(), raw(method, args), 0).await.unwrap();
        assert!(sent.is_success(), "{sent:?}");
    }

    async fn report(&self, release: u64, code: &[u8], ok: bool) {
        let word = ReportHealth { digest: digest(code), ..self.fleet.word(0, release, ok) };
        charter_harness::ok(&self.robot, self.fleet.contract(), governance::report_health, &word, 0).await;
    }

    /// The first release is what all run, and the second is published.
    async fn second_is_out() -> Self {
        let scene = Self::new().await;
        let first = scene.publish("1.0.0", &FIRST).await;
        scene.report(first, &FIRST, true).await;
        scene.harness().wait(PERIOD).await.unwrap();
        assert_eq!(scene.fleet.advance().await, RolloutState::Done);
        scene.publish("1.1.0", &SECOND).await;
        scene
    }
}

async fn asked(harness: &Harness, agent: &AccountId, method: &str) -> u64 {
    serde_json::from_slice(&harness.raw_view(agent, raw(method, json!({}))).await.unwrap()).unwrap()
}

/// Puts the first release onto the agent's account.
async fn agent_of(fleet: &Fleet, governance: &AccountId, registry: &AccountId) -> Account {
    let robot = fleet.robots[0].clone();
    robot.deploy(&FIRST).await.unwrap().into_result().unwrap();
    let about = json!({ "governance": governance, "registry": registry, "agent": fleet.agents[0] });
    let new = robot.send(robot.id(), raw("new", about), 0).await.unwrap();
    assert!(new.is_success(), "{new:?}");
    robot
}

fn digest(code: &[u8]) -> Hash32 {
    Hash32(sha256(code))
}

fn release(semver: &str, artifacts: &[(ArtifactKind, &[u8])]) -> ReleaseContent {
    let artifact = |(kind, code): &(ArtifactKind, &[u8])| Artifact {
        kind: *kind,
        digest: digest(code),
        bytes: u64::try_from(code.len()).unwrap(),
    };
    ReleaseContent { artifacts: artifacts.iter().map(artifact).collect(), ..version(semver) }
}

/// TGas that each of the receipts of `account` burnt.
fn burnt(outcome: &Outcome, account: &AccountId) -> Vec<f64> {
    let tgas = |gas: Gas| f64::from(u32::try_from(gas.as_gas() / 1_000_000).unwrap()) / 1_000_000.0;
    let receipts = outcome.receipt_outcomes();
    receipts.iter().filter(|each| each.executor_id == *account).map(|each| tgas(each.gas_burnt)).collect()
}

/// Have `settle` call `migrate` without `use_global_contract`, and the code stays; without `migrate`, and the new code can't read
/// the state. Take the answer `Running` out of `decide`, and the last call migrates once more.
#[tokio::test]
async fn an_agent_adopts_a_release_by_its_hash_in_one_receipt() {
    let scene = Scene::new().await;
    assert_eq!(scene.unchanged().await, "no_release");
    scene.say(1).await;
    scene.hush().await;
    let first = scene.publish("1.0.0", &FIRST).await;
    assert_eq!(scene.unchanged().await, "running", "the same code, deployed by its account");
    scene.report(first, &FIRST, true).await;
    scene.harness().wait(PERIOD).await.unwrap();
    assert_eq!(scene.fleet.advance().await, RolloutState::Done);
    scene.publish("1.1.0", &SECOND).await;
    assert_eq!(scene.asked("release").await, 1, "nobody has moved it");
    let outcome = scene.adopt().await;
    assert!(outcome.is_success(), "{outcome:?}");
    let (own, asked) = (burnt(&outcome, scene.robot.id()), burnt(&outcome, scene.fleet.contract()));
    println!(
        "adopt, on_adopt, use and migrate: {own:.2?} TGas; release_for: {asked:.2?}; all: {}",
        outcome.total_gas_burnt
    );
    assert_eq!(own.len(), 3, "code and state moved in one receipt");
    let account = scene.harness().worker.view_account(scene.robot.id()).await.unwrap();
    let ContractState::GlobalHash(hash) = account.contract_state else { panic!("{account:?}") };
    assert_eq!(hash.0, sha256(&SECOND));
    assert_eq!((scene.asked("release").await, scene.asked("words").await, scene.asked("moves").await), (2, 1, 1));
    assert_eq!(scene.unchanged().await, "running");
    assert_eq!(scene.asked("moves").await, 1);
}

/// Have release 1 migrate from its own state only, and there is no way back; take `taken_back` out of governance's `told`, and
/// nobody is told of it.
#[tokio::test]
async fn an_agent_goes_back_when_its_release_is_taken_back() {
    let scene = Scene::second_is_out().await;
    scene.say(1).await;
    scene.hush().await;
    assert!(scene.adopt().await.is_success());
    assert_eq!(scene.asked("release").await, 2);
    scene.report(2, &SECOND, false).await;
    scene.harness().wait(PERIOD).await.unwrap();
    assert_eq!(scene.fleet.advance().await, RolloutState::RolledBack);
    let outcome = scene.adopt().await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!((scene.asked("release").await, scene.asked("words").await), (1, 1));
    assert_eq!(scene.unchanged().await, "running");
    // And on to the next, as often as it takes.
    let third = scene.fleet.publish(release("1.1.1", &[(ArtifactKind::NearWasm, &SECOND)])).await;
    assert!(scene.adopt().await.is_success());
    assert_eq!((third, scene.asked("release").await, scene.asked("moves").await), (3, 2, 1));
}

/// Take `use_global_contract` out of `settle`, and it is said to be adopted; use the code by its deployer's name instead of its
/// hash, and what the deployer puts there runs.
#[tokio::test]
async fn other_bytes_than_approved_are_never_used() {
    let scene = Scene::second_is_out().await;
    let other = other_bytes(&SECOND);
    let next = other_bytes(&other);
    scene.fleet.publish(release("1.1.1", &[(ArtifactKind::NearWasm, &next)])).await;
    scene.deploy(&other).await;
    let told = scene.refused().await;
    assert!(told.contains("GlobalContractDoesNotExist"), "{told}");
    assert_eq!((scene.asked("release").await, scene.asked("words").await), (1, 0));
    scene.say(1).await;
    scene.hush().await;
    // Whoever has the right ones deploys them.
    scene.deploy(&next).await;
    assert!(scene.adopt().await.is_success());
    assert_eq!((scene.asked("release").await, scene.asked("words").await), (2, 1));
}

/// Send the migration in a receipt of its own, and the new code is left with a state that it can't read.
#[tokio::test]
async fn a_failed_migration_leaves_code_and_state_and_can_be_tried_again() {
    let scene = Scene::second_is_out().await;
    scene.say(1).await;
    for _ in 0..2 {
        assert_eq!(scene.refused().await, "AGENT_TALKING");
        assert_eq!((scene.asked("release").await, scene.asked("words").await), (1, 1));
    }
    scene.hush().await;
    assert!(scene.adopt().await.is_success());
    assert_eq!((scene.asked("release").await, scene.asked("words").await, scene.asked("moves").await), (2, 1, 1));
}

/// Take `enrolled != now` out of `decide`, and a buyer's agent follows what the seller wanted.
#[tokio::test]
async fn an_agent_that_changed_hands_waits_for_its_owner() {
    let scene = Scene::second_is_out().await;
    let (seller, agent, contracts) = (&scene.fleet.owners[0], scene.fleet.agents[0], &scene.harness().contracts);
    let buyer = scene.harness().account("buyer").await.unwrap();
    let offer = AgentAccount { agent, account: buyer.id().clone() };
    ok(seller, &contracts.registry, registry::offer_transfer, &offer, DEPOSIT).await;
    let accepted = accept(scene.harness(), &contracts.registry, agent).await;
    ok(&buyer, &contracts.registry, registry::accept_transfer, &accepted, DEPOSIT).await;
    assert_eq!(scene.refused().await, "ADOPT_EPOCHS_MOVED");
    assert_eq!(scene.asked("release").await, 1);
    prepay(&buyer, &contracts.governance, DEPOSIT).await;
    ok(&buyer, &contracts.governance, governance::enroll, &enrolled(agent, LINE), 1).await;
    assert!(scene.adopt().await.is_success());
    assert_eq!(scene.asked("release").await, 2);
    // Everything it was allowed is revoked: it moves no further, nor back.
    ok(&buyer, &contracts.registry, registry::panic_all, &charter_types::Nothing {}, 1).await;
    let next = other_bytes(&SECOND);
    scene.deploy(&next).await;
    scene.fleet.publish(release("1.1.1", &[(ArtifactKind::NearWasm, &next)])).await;
    assert_eq!(scene.refused().await, "ADOPT_EPOCHS_MOVED");
}

/// Take the pin out of governance's `told`, and it is worth nothing: `decide` goes by that answer alone.
#[tokio::test]
async fn a_pinned_agent_stays() {
    let scene = Scene::second_is_out().await;
    scene.fleet.choose(0, Wanted::Pin(1)).await;
    assert_eq!(scene.unchanged().await, "running");
    scene.fleet.choose(0, Wanted::Pin(0)).await;
    assert_eq!(scene.unchanged().await, "no_release");
    assert_eq!(scene.asked("release").await, 1);
    scene.fleet.choose(0, Wanted::Unpin).await;
    assert!(scene.adopt().await.is_success());
    assert_eq!(scene.asked("release").await, 2);
}

/// Take `check_self` out of `settle`, and whoever asks itself has the agent run anything; out of `take_over`, and a stranger
/// migrates.
#[tokio::test]
async fn a_stranger_answers_nothing_that_the_agent_asked() {
    let scene = Scene::second_is_out().await;
    let (agent, eve) = (scene.robot.id(), scene.harness().account("eve").await.unwrap());
    eve.deploy(&liar(agent)).await.unwrap().into_result().unwrap();
    let brick = brick();
    scene.deploy(&brick).await;
    say(&eve, Some(&told(scene.fleet.agents[0], &[digest(&brick)])), Some(&epochs())).await;
    let running = Deployment { number: 0, sha256: digest(&FIRST) };
    let pending = borsh::to_vec(&(scene.fleet.agents[0], running)).unwrap();
    let forged = eve.send(eve.id(), raw_bytes("forge", pending.clone()).tgas(300), 0).await.unwrap();
    assert_eq!(failed_with(&forged).as_deref(), Some("ADOPT_NOT_SELF"));
    for (method, input) in [("on_adopt", pending), ("migrate", borsh::to_vec(&running).unwrap())] {
        let sent = eve.send(agent, raw_bytes(method, input), 0).await.unwrap();
        assert_eq!(failed_with(&sent).as_deref(), Some("ADOPT_NOT_SELF"), "{method}");
    }
    assert_eq!(scene.asked("release").await, 1);
}

/// Read `digests` instead of `wasm`, and anybody who deploys what a release only has beside its code ends the agent.
#[tokio::test]
async fn what_is_no_code_for_near_is_never_adopted() {
    let scene = Scene::second_is_out().await;
    let brick = brick();
    scene.deploy(&brick).await;
    for kind in [ArtifactKind::Source, ArtifactKind::OciImage] {
        scene.fleet.publish(release("1.1.1", &[(kind, &brick)])).await;
        assert_eq!(scene.refused().await, "ADOPT_NOT_ONE_CODE");
        assert_eq!(scene.asked("release").await, 1);
    }
    // Two are one too many, unless it runs one of them.
    let other = other_bytes(&SECOND);
    let two = [(ArtifactKind::NearWasm, SECOND.as_slice()), (ArtifactKind::NearWasm, other.as_slice())];
    scene.fleet.publish(release("1.1.2", &two)).await;
    assert_eq!(scene.refused().await, "ADOPT_NOT_ONE_CODE");
    let both = [(ArtifactKind::Source, brick.as_slice()), (ArtifactKind::NearWasm, SECOND.as_slice())];
    scene.fleet.publish(release("1.1.3", &both)).await;
    assert!(scene.adopt().await.is_success());
    assert_eq!(scene.asked("release").await, 2);
    scene.fleet.publish(release("1.1.4", &two)).await;
    assert_eq!(scene.unchanged().await, "running");
}

/// Take `check_replaced` out of `take_over`, and the second of these migrates what the first has migrated.
#[tokio::test]
async fn two_calls_in_one_block_migrate_once() {
    let scene = Scene::second_is_out().await;
    let adopt = raw("adopt", json!({}));
    let outcome = batch(scene.harness().root(), scene.robot.id(), &[adopt.clone(), adopt]).await;
    assert_eq!(failed_with(&outcome).as_deref(), Some("CHARTER_CODE_REPLACED"), "{outcome:?}");
    assert_eq!(burnt(&outcome, scene.robot.id()).len(), 5, "both were told the same");
    assert_eq!((scene.asked("release").await, scene.asked("moves").await), (2, 1));
    assert_eq!(scene.unchanged().await, "running");
}

/// Take `check_replaced` out of `settle`, and what its account deployed meanwhile is gone again.
#[tokio::test]
async fn an_answer_about_code_that_is_gone_moves_nothing() {
    let scene = Scene::second_is_out().await;
    let other = other_bytes(&FIRST);
    let adopt = near_workspaces::operations::Function::new("adopt").gas(Gas::from_tgas(100));
    let sent = scene.robot.batch(scene.robot.id()).call(adopt).deploy(&other).transact().await.unwrap();
    let logs = format!("{:?}", sent.failures());
    assert!(logs.contains("CHARTER_CODE_REPLACED"), "{sent:?}");
    let account = scene.harness().worker.view_account(scene.robot.id()).await.unwrap();
    let ContractState::LocalHash(hash) = account.contract_state else { panic!("{account:?}") };
    assert_eq!(hash.0, sha256(&other));
    assert!(scene.adopt().await.is_success());
    assert_eq!(scene.asked("release").await, 2);
}

/// Migrate in a receipt of its own, and somewhere between too little gas and enough of it the new code is there, and its state
/// is not.
#[tokio::test]
async fn with_any_gas_an_agent_adopts_all_of_a_release_or_nothing() {
    let scene = Scene::second_is_out().await;
    let agent = scene.robot.id();
    // So many that the migration takes more than what is set aside for it.
    let words = 3_000;
    scene.say(words).await;
    scene.hush().await;
    let mut ended = [0; 4];
    for tgas in (2..=98).step_by(4) {
        let fork = scene.harness().fork().await.unwrap();
        let by = fork.rebind(scene.harness().root());
        let outcome = by.send(agent, raw("adopt", json!({})).tgas(tgas), 0).await.unwrap();
        let adopted = asked(&fork, agent, "release").await == 2;
        assert_eq!((outcome.is_success(), asked(&fork, agent, "words").await), (adopted, words), "{tgas}: {outcome:?}");
        ended[if adopted { 0 } else { burnt(&outcome, agent).len() }] += 1;
    }
    let [adopted, asking, _, migrating] = ended;
    assert!(adopted > 3 && asking > 3 && migrating > 3, "{ended:?}");
    // What is said to be enough is, with a sixth to spare.
    let scene = Scene::second_is_out().await;
    assert!(scene.adopt_with(TGAS * 5 / 6).await.is_success());
}

fn epochs() -> Value {
    json!({ "agent": 3, "owner": 4 })
}

/// Governance's word as it should be.
fn told(agent: u64, wasm: &[Hash32]) -> Value {
    json!({
        "agent": agent, "line": 2, "release": 5, "seq": 9, "digests": wasm, "wasm": wasm, "reason": "head",
        "epochs": epochs(),
    })
}

/// What a stand-in says from now on.
async fn say(liar: &Account, release_for: Option<&Value>, epochs: Option<&Value>) {
    for (method, said) in [("say_release_for", release_for), ("say_epochs", epochs)] {
        if let Some(said) = said {
            let sent = liar.send(liar.id(), raw(method, said), 0).await.unwrap();
            assert!(sent.is_success(), "{sent:?}");
        }
    }
}

/// Take `told.agent == agent`, `TOLD_BYTES_MAX` or `enrolled.is_none()` out of `adopt.rs`, and one of these is believed. Read
/// `ReleaseFor` instead of `Told`, and a reason of tomorrow's ends all adopting.
#[tokio::test]
async fn a_word_that_can_not_be_read_moves_nothing() {
    let fleet = Fleet::new(1).await;
    let agent = fleet.agents[0];
    let liar = fleet.harness.account("liar").await.unwrap();
    liar.deploy(&stand_ins::liar(fleet.robots[0].id())).await.unwrap().into_result().unwrap();
    let robot = agent_of(&fleet, liar.id(), liar.id()).await;
    let publisher = fleet.harness.account("publisher").await.unwrap();
    publisher.deploy(&stand_ins::publisher()).await.unwrap().into_result().unwrap();
    let scene = Scene { fleet, robot, publisher };
    scene.deploy(&SECOND).await;
    let good = told(agent, &[digest(&SECOND)]);
    let with = |field: &str, value: Value| {
        let mut said = good.clone();
        said[field] = value;
        said
    };
    assert_eq!(scene.refused().await, "ADOPT_NO_ANSWER", "governance fails");
    say(&liar, Some(&good), None).await;
    assert_eq!(scene.refused().await, "ADOPT_NO_ANSWER", "the registry fails");
    for (now, said, code) in [
        (epochs(), json!("good"), "ADOPT_NO_ANSWER"),
        (epochs(), with("padding", json!("p".repeat(4_096))), "ADOPT_NO_ANSWER"),
        (epochs(), with("agent", json!(agent + 1)), "ADOPT_NO_ANSWER"),
        (epochs(), with("wasm", json!(["97"])), "ADOPT_NO_ANSWER"),
        (json!("good"), good.clone(), "ADOPT_NO_ANSWER"),
        (json!(null), with("epochs", json!(null)), "ADOPT_EPOCHS_MOVED"),
        (json!(null), good.clone(), "ADOPT_EPOCHS_MOVED"),
        (json!({ "agent": 4, "owner": 4 }), good.clone(), "ADOPT_EPOCHS_MOVED"),
        (epochs(), with("wasm", json!(null)), "ADOPT_NOT_ONE_CODE"),
    ] {
        say(&liar, Some(&said), Some(&now)).await;
        assert_eq!(scene.refused().await, code, "{now} {said}");
        assert_eq!(scene.asked("release").await, 1);
    }
    say(&liar, Some(&with("release", json!(null))), Some(&epochs())).await;
    assert_eq!(scene.unchanged().await, "no_release");
    say(&liar, Some(&with("reason", json!("full_moon"))), None).await;
    assert!(scene.adopt().await.is_success());
    assert_eq!(scene.asked("release").await, 2);
}
