//! Lies: of a node alone, by bending valid answers, and of producers who sign them. None is believed: whatever is in
//! the tables meanwhile is the chain's, and once the lie is over they are what an honest node made of them.
//!
//! `CHARTER_LIES` says how many random ones are tried (`cargo xtask lies`). Lines whose removal must fail these: `lite`
//! in `whole_header` and both arms of its `match`, `check_block` in `read`, `check_place` in `proven`, `check_complete`
//! in `read`, and each line that `cargo xtask mutations proof` takes out of the client's verifier.

mod bent;
mod signed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use charter_client::{Contracts, Rpc};
use charter_harness::arguments::{DEPOSIT, card};
use charter_harness::{Caller, Harness, call};
use charter_indexer::{Progress, Trust, tables};
use charter_types::registry::args::RegisterAgent;
use charter_types::registry::methods as registry;
use near_primitives::hash::CryptoHash;
use serde_json::{Value, json};

use crate::epochs::{FIRST, Scene};
use crate::liar::Liar;
use crate::taken::Chance;
use bent::Bend;
use signed::Producers;

/// Random lies, unless somebody wants another number.
const LIES: usize = 100;
/// Steps that an indexer makes while it is lied to, at least.
const STEPS: usize = 4;
/// What is restored between two lies, beside the records.
const OWN: [&str; 5] = ["cursor", "contract", "event", "dead_letter", "trust_range"];

/// A chain of which a part is mirrored, and what an honest node makes of the rest.
struct Ground {
    scene: Scene,
    checkpoint: Trust,
    /// The same chain, on which nothing happened where it did on this one.
    fork: Harness,
    /// The contracts once more, where somebody else may call them what she likes.
    eve: Contracts,
    honest: Vec<String>,
    events: BTreeSet<String>,
}

impl Ground {
    async fn start() -> Self {
        let scene = Scene::start().await;
        let eve = scene.harness.deploy_below("eve").await.unwrap();
        scene.rest().await;
        let stands = scene.mirror(scene.checkpoint().await).await.cursor().height;
        // Some epochs from there on are enough.
        let checkpoint = Trust::Checkpoint(scene.hash(stands - 24).await);
        let mut text = String::new();
        for name in OWN.into_iter().chain(tables::all().map(|table| table.name)) {
            write!(text, "create table kept_{name} as select * from {name};").unwrap();
        }
        scene.run(text).await;
        let fork = scene.harness.fork().await.unwrap();
        fork.make_blocks(100).await.unwrap();
        scene.grow(2).await;
        let agent = call(registry::register_agent, &RegisterAgent::new(card("https://eve/card")));
        assert!(scene.alice.send(&eve.registry, agent, DEPOSIT).await.unwrap().is_success());
        scene.grow(2).await;
        drop(scene.mirror(Trust::Stored).await);
        let (honest, events) = (scene.snapshot().await, scene.events().await);
        Self { scene, checkpoint, fork, eve, honest, events: events.into_iter().collect() }
    }

    fn node(&self) -> String {
        self.scene.harness.rpc_url()
    }

    /// The tables as they were before anybody lied, and no head that was verified.
    async fn restore(&self) {
        let mut text = "delete from light_head;".to_owned();
        for name in OWN {
            write!(text, "delete from {name}; insert into {name} select * from kept_{name};").unwrap();
        }
        for table in tables::all() {
            let name = table.name;
            let back = format!("insert into {name} (key, body, height) select key, body, height from kept_{name};");
            write!(text, "delete from {name}; {back}").unwrap();
        }
        self.scene.run(text).await;
    }

    /// Why an indexer that asks `rpc` does not go on, each time that it does not.
    async fn follow(&self, rpc: Rpc) -> Vec<String> {
        let mut indexer = match self.scene.open(rpc, self.checkpoint).await {
            Ok(indexer) => indexer,
            Err(error) => return vec![error.to_string()],
        };
        let mut why = Vec::new();
        let (mut steps, mut goes_on) = (0, true);
        // On a slow machine they are short.
        while steps < STEPS || goes_on {
            let done = indexer.step().await;
            goes_on = matches!(done, Ok(Progress::Advanced { .. }));
            why.extend(done.err().map(|error| error.to_string()));
            steps += 1;
        }
        why
    }

    /// Nothing false is in the tables, and with an honest node they become what they should be.
    async fn is_unharmed(&self, lie: &str) {
        let found = self.scene.events().await;
        let made_up: Vec<_> = found.iter().filter(|event| !self.events.contains(*event)).collect();
        assert!(made_up.is_empty(), "{lie}: {made_up:?}");
        let mut indexer = self.scene.open(self.scene.rpc(), self.checkpoint).await.unwrap();
        indexer.catch_up().await.unwrap_or_else(|error| panic!("{lie}: {error}"));
        drop(indexer);
        assert_eq!(self.scene.snapshot().await, self.honest, "{lie}");
    }

    /// A lie is refused for a reason, and harms nothing.
    async fn refuses(&self, liar: &Liar, reasons: &[&str], lie: &str) {
        let why = self.follow(liar.rpc()).await;
        let is_refused = why.iter().any(|why| reasons.iter().any(|reason| why.contains(reason)));
        assert!(is_refused, "{lie}: {why:?}");
        liar.stop_lying();
        self.is_unharmed(lie).await;
        self.restore().await;
    }
}

/// How often each question is asked until all is mirrored, about.
const ASKED: [(&str, usize); 9] = [
    ("block", 60),
    ("changes", 40),
    ("light_client_proof", 8),
    ("next_light_client_block", 10),
    ("EXPERIMENTAL_light_client_block_proof", 2),
    ("EXPERIMENTAL_validators_ordered", 1),
    ("EXPERIMENTAL_protocol_config", 8),
    ("query", 6),
    ("status", 1),
];

fn lies() -> usize {
    std::env::var("CHARTER_LIES").ok().and_then(|lies| lies.parse().ok()).unwrap_or(LIES)
}

#[tokio::test]
async fn no_bent_answer_is_believed() {
    let ground = Ground::start().await;
    let liar = Liar::start(ground.node()).await;
    let mut chance = Chance::new();
    let (mut told, mut refused) = (0, 0);
    for number in 0..lies() {
        ground.restore().await;
        let (method, most) = ASKED[chance.below(ASKED.len())];
        // One answer is bent, or all from one on.
        let (which, goes_on, bend) = (chance.below(most), chance.below(3) == 0, Bend::any(&mut chance));
        let struck = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&struck);
        let mut asked = 0;
        liar.lie(move |called, _, answer| {
            if called != method {
                return;
            }
            if asked == which || (goes_on && asked > which) {
                let place = bend.apply(answer);
                noted.lock().unwrap().get_or_insert(place);
            }
            asked += 1;
        });
        refused += usize::from(!ground.follow(liar.rpc()).await.is_empty());
        liar.stop_lying();
        let place = struck.lock().unwrap().take();
        told += usize::from(place.is_some());
        ground.is_unharmed(&format!("lie {number}: {method} {which} {goes_on} {place:?}")).await;
    }
    println!("{told} of {} lies were told, {refused} noticed", lies());
    // Some come too late, and some are about what is nobody's business.
    assert!(told * 3 > lies() && refused * 10 > told, "{refused} of {told} of {} were noticed", lies());
    ground.scene.end().await;
}

/// Changes each answer to one question.
fn when(
    method: &'static str,
    mut lie: impl FnMut(&mut Value) + Send + 'static,
) -> impl FnMut(&str, &Value, &mut Value) + Send {
    move |called, _, answer| {
        if called == method {
            lie(&mut answer["result"]);
        }
    }
}

#[tokio::test]
async fn what_a_node_makes_up_of_blocks_is_refused() {
    let ground = Ground::start().await;
    let liar = Liar::start(ground.node()).await;
    ground.restore().await;
    // A header with another time than its hash is over.
    liar.lie(|method, params, answer| {
        if method == "block" && params["block_id"].is_u64() {
            answer["result"]["header"]["timestamp_nanosec"] = json!("1");
        }
    });
    ground.refuses(&liar, &["PROOF_WRONG_HASH"], "another time").await;
    // Another block of the chain than was asked for.
    let first: Value = ground.scene.rpc().call("block", json!({ "block_id": FIRST })).await.unwrap();
    liar.lie(move |method, params, answer| {
        if method == "block" && params["block_id"].is_u64() {
            answer["result"] = first.clone();
        }
    });
    ground.refuses(&liar, &["the node was asked for block"], "another block").await;
    // Blocks that are valid by themselves, follow those before them, and are not the chain's.
    liar.ask_instead(ground.fork.rpc_url(), &["block", "changes", "query"]);
    ground.refuses(&liar, &["PROOF_BLOCK_PATH"], "another way on").await;
    liar.lie(when("EXPERIMENTAL_light_client_block_proof", |proof| proof["block_proof"] = json!([])));
    ground.refuses(&liar, &["PROOF_BLOCK_PATH"], "a block without a path").await;
    ground.scene.end().await;
}

#[tokio::test]
async fn what_a_node_makes_up_of_receipts_is_refused() {
    let ground = Ground::start().await;
    let liar = Liar::start(ground.node()).await;
    ground.restore().await;
    liar.lie(when("light_client_proof", |proof| {
        if let Some(Value::String(log)) = proof.pointer_mut("/outcome_proof/outcome/logs/0") {
            log.push(' ');
        }
    }));
    ground.refuses(&liar, &["PROOF_OUTCOME_PATH"], "another log").await;
    // eve's contract logs what the registry would, and the node says that it was the registry's.
    let (ours, hers) = (ground.scene.harness.contracts.registry.clone(), ground.eve.registry.clone());
    let node = ground.scene.rpc();
    let mut found = BTreeMap::new();
    for height in 1..=ground.scene.head().await {
        let hash = ground.scene.hash(height).await;
        let params = json!({ "block_id": hash, "changes_type": "account_changes", "account_ids": [hers] });
        let mut changes: Value = node.call("changes", params).await.unwrap();
        for change in changes["changes"].as_array_mut().unwrap() {
            change["change"]["account_id"] = json!(ours);
        }
        if changes["changes"] != json!([]) {
            found.insert(hash, changes["changes"].clone());
        }
    }
    liar.lie(move |method, params, answer| {
        let hash = params["block_id"].as_str().and_then(|hash| hash.parse::<CryptoHash>().ok());
        if let Some(changes) = hash.filter(|_| method == "changes").and_then(|hash| found.get(&hash)) {
            answer["result"]["changes"] = changes.clone();
        }
    });
    ground.refuses(&liar, &["PROOF_OTHER_EXECUTOR"], "another account's logs").await;
    // Everything one block later than it happened.
    let mut before = json!([]);
    liar.lie(when("changes", move |answer| {
        std::mem::swap(&mut answer["changes"], &mut before);
    }));
    ground.refuses(&liar, &["was not executed in block"], "another block's receipts").await;
    liar.lie(when("changes", |answer| answer["changes"] = json!([])));
    ground.refuses(&liar, &["it left some out"], "receipts left out").await;
    ground.scene.end().await;
}

#[tokio::test]
async fn what_a_node_makes_up_of_checkpoints_is_refused() {
    let ground = Ground::start().await;
    let liar = Liar::start(ground.node()).await;
    ground.restore().await;
    let second: Value = ground.scene.rpc().call("block", json!({ "block_id": FIRST + 1 })).await.unwrap();
    let Trust::Checkpoint(trusted) = ground.checkpoint else { panic!("a checkpoint is one") };
    liar.lie(move |method, params, answer| {
        if method == "block" && params["block_id"] == json!(trusted) {
            answer["result"] = second.clone();
        }
    });
    ground.refuses(&liar, &["PROOF_OTHER_BLOCK"], "another checkpoint").await;
    liar.lie(when("EXPERIMENTAL_validators_ordered", |producers| producers.as_array_mut().unwrap().reverse()));
    ground.refuses(&liar, &["PROOF_OTHER_PRODUCERS"], "other producers").await;
    ground.scene.end().await;
}

#[tokio::test]
async fn heads_that_nobody_signed_for_are_refused() {
    let ground = Ground::start().await;
    let liar = Liar::start(ground.node()).await;
    ground.restore().await;
    // One signature, and no others.
    liar.lie(when("next_light_client_block", |head| {
        let approvals = head["approvals_after_next"].as_array_mut().unwrap();
        let others = approvals.iter_mut().filter(|approval| !approval.is_null()).skip(1);
        others.for_each(|approval| *approval = Value::Null);
    }));
    ground.refuses(&liar, &["PROOF_LITTLE_STAKE"], "too few").await;
    // One of them in everybody's place.
    liar.lie(when("next_light_client_block", |head| {
        let approvals = head["approvals_after_next"].as_array_mut().unwrap();
        let one = approvals.iter().find(|approval| !approval.is_null()).unwrap().clone();
        approvals.fill(one);
    }));
    ground.refuses(&liar, &["PROOF_BAD_SIGNATURE"], "one signature for all").await;
    liar.lie(when("next_light_client_block", |head| head["next_bps"] = json!(null)));
    ground.refuses(&liar, &["PROOF_NO_NEXT_PRODUCERS"], "nobody who follows").await;
    liar.lie(when("next_light_client_block", |head| head["next_bps"].as_array_mut().unwrap().reverse()));
    ground.refuses(&liar, &["PROOF_OTHER_PRODUCERS"], "others who follow").await;
    // The first head again and again.
    let mut first = None;
    liar.lie(when("next_light_client_block", move |head| {
        *head = first.get_or_insert_with(|| head.clone()).clone();
    }));
    ground.refuses(&liar, &["PROOF_NOT_HIGHER"], "an old head").await;
    ground.scene.end().await;
}

#[tokio::test]
async fn heads_that_others_signed_for_are_refused() {
    let ground = Ground::start().await;
    let liar = Liar::start(ground.node()).await;
    ground.restore().await;
    let Trust::Checkpoint(trusted) = ground.checkpoint else { panic!("a checkpoint is one") };
    let producers = Producers::after(&ground.scene, trusted).await;
    let tell = |head: Value| {
        // The first time it is asked what follows the checkpoint, for its producers: of a block that there is not nobody
        // would tell them.
        let mut asked = 0;
        liar.lie(when("next_light_client_block", move |answer| {
            asked += 1;
            if asked > 1 {
                *answer = head.clone();
            }
        }));
    };
    // Those who may say that the chain is another: fewer than it takes; all, of an epoch that is not theirs; and those of
    // another one.
    tell(producers.lie(|head| head.inner_lite.outcome_root = CryptoHash::hash_bytes(b"lie"), &producers.too_few()));
    ground.refuses(&liar, &["PROOF_LITTLE_STAKE"], "fewer than two thirds").await;
    tell(producers.lie(|head| head.inner_lite.epoch_id = CryptoHash::hash_bytes(b"lie"), &producers.all()));
    ground.refuses(&liar, &["PROOF_OTHER_EPOCH"], "an epoch that there is not").await;
    tell(producers.lie(|head| head.inner_lite.height = 1, &producers.all()));
    ground.refuses(&liar, &["PROOF_NOT_HIGHER"], "a height that is over").await;
    tell(producers.of_another_epoch());
    ground.refuses(&liar, &["PROOF_BAD_SIGNATURE"], "producers of another epoch").await;
    // Another chain's head, which its own producers signed for.
    let other = Scene::start().await;
    let newest = other.hash(other.head().await - 16).await;
    let others = Producers::after(&other, newest).await;
    tell(others.lie(|head| head.inner_lite.height += 1_000, &others.all()));
    ground.refuses(&liar, &["PROOF_OTHER_EPOCH"], "another chain's head").await;
    other.end().await;
    // Signed anew by all, for what it says: these signatures are as good as the chain's own.
    tell(producers.lie(|_| {}, &producers.all()));
    let why = ground.follow(liar.rpc()).await;
    assert!(why.iter().all(|why| why.contains("PROOF_NOT_HIGHER")), "{why:?}");
    liar.stop_lying();
    ground.is_unharmed("the truth").await;
    ground.scene.end().await;
}
