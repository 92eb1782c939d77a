//! Lines, releases, proposals, ballots and enrolments before and after an upgrade.

use std::time::Duration;

use charter_harness::Harness;
use charter_types::Hash32;
use charter_wasm::Contract;
use near_workspaces::Account;
use serde_json::{Value, json};

use super::Filled;
use charter_harness::arguments::{DEPOSIT, prepay, register};

const HOUR: Duration = Duration::from_secs(3_601);
const LINE: u64 = 2;

/// `seq` is the line's as whoever proposes saw it, which releases up to 0004 do not ask for.
fn release(semver: &str, seq: u64) -> Value {
    let kinds = ["near_wasm", "oci_image", "tee_measurement", "model_weights", "source"];
    let artifacts = kinds.map(|kind| json!({ "kind": kind, "digest": Hash32([2; 32]), "bytes": 10 }));
    json!({
        "line": LINE,
        "seq": seq,
        "content": {
            "semver": semver,
            "artifacts": artifacts,
            "source_commit": "ab".repeat(20),
            "permissions": Hash32([3; 32]),
            "reversible": true,
        },
    })
}

async fn proposal(filled: &Filled, id: &Value) -> Value {
    let asked = filled.harness.worker.view(filled.id(), "proposal").args_json(json!({ "proposal": id }));
    asked.await.unwrap().json().unwrap()
}

async fn vote(filled: &Filled, by: &Account, id: &Value, choice: &str) {
    let content_hash = proposal(filled, id).await["content_hash"].clone();
    let args = json!({ "proposal": id, "content_hash": content_hash, "choice": choice });
    filled.ok(by, "vote", args, DEPOSIT).await;
}

/// A published release, and proposals in every state that one can stay in.
async fn fill(harness: Harness) -> Filled {
    let mut people = Vec::new();
    for name in ["alice", "bob"] {
        let person = harness.account(name).await.unwrap();
        prepay(&person, &harness.contracts.governance, DEPOSIT).await;
        people.push(person);
    }
    let (alice, bob) = (people[0].clone(), people[1].clone());
    let agents = [register(&harness, &alice, vec![]).await, register(&harness, &bob, vec![]).await];
    // The contract itself pays for its own line.
    let own = Account::from_secret_key(
        harness.contracts.governance.clone(),
        harness.root().secret_key().clone(),
        &harness.worker,
    );
    people.extend([harness.root().clone(), own]);
    let values = [
        ("account", people.iter().map(|person| json!(person.id())).collect()),
        ("account_id", people.iter().map(|person| json!(person.id())).collect()),
        ("owner", people.iter().map(|person| json!(person.id())).collect()),
        ("by", people.iter().map(|person| json!(person.id())).collect()),
        ("release", (1..=4).map(|id| json!(id)).collect()),
        ("line", vec![json!(1), json!(LINE)]),
        ("proposal", (1..=5).map(|id| json!(id)).collect()),
        ("agent", agents.iter().map(|id| json!(id)).collect()),
    ];
    let filled = Filled::new(Contract::Governance, harness, people, values.into_iter().collect()).await;
    let council = json!([{ "account": alice.id(), "weight": 2 }, { "account": bob.id(), "weight": 1 }]);
    let params = json!({ "vote_ms": 3_600_000, "timelock_ms": 3_600_000, "quorum_bps": 1, "threshold_bps": 6_000 });
    let line = json!({ "name": "scout", "council": council, "params": params });
    assert_eq!(filled.ok(&alice, "create_line", line, DEPOSIT).await, json!(LINE));
    for (person, agent) in [&alice, &bob].into_iter().zip(agents) {
        filled.ok(person, "enroll", json!({ "agent": agent, "line": LINE }), 1).await;
    }
    let published = filled.ok(&alice, "propose_release", release("1.0.0", 0), DEPOSIT).await;
    let rejected = filled.ok(&bob, "propose_release", release("1.0.1", 0), DEPOSIT).await;
    vote(&filled, &alice, &published, "yes").await;
    vote(&filled, &bob, &published, "no").await;
    vote(&filled, &bob, &rejected, "no").await;
    filled.harness.wait(HOUR).await.unwrap();
    for id in [&published, &rejected] {
        filled.ok(&bob, "queue", json!({ "proposal": id }), 0).await;
    }
    filled.harness.wait(HOUR).await.unwrap();
    filled.ok(&bob, "publish", json!({ "proposal": published }), 0).await;
    let cancelled = filled.ok(&alice, "propose_release", release("1.1.0", 1), DEPOSIT).await;
    filled.ok(&alice, "cancel", json!({ "proposal": cancelled }), 0).await;
    let voting = filled.ok(&alice, "propose_release", release("2.0.0", 1), DEPOSIT).await;
    vote(&filled, &bob, &voting, "no").await;
    let upgrade = json!({
        "contract": filled.harness.contracts.registry,
        "code_hash": Hash32([4; 32]),
        "replaces": { "number": 0, "sha256": Hash32([5; 32]) },
    });
    filled.ok(filled.harness.root(), "propose_upgrade", upgrade, DEPOSIT).await;
    filled
}

/// The open vote ends the other way, its release is published, and an agent leaves.
async fn change(filled: &Filled) {
    let [alice, bob, ..] = &filled.people[..] else { panic!("four people") };
    let voting = json!(4);
    let available = filled.available(bob).await;
    vote(filled, bob, &voting, "yes").await;
    assert_eq!(filled.available(bob).await, available, "a vote that changed keeps its size");
    vote(filled, alice, &voting, "yes").await;
    filled.harness.wait(HOUR).await.unwrap();
    filled.ok(bob, "queue", json!({ "proposal": voting }), 0).await;
    filled.harness.wait(HOUR).await.unwrap();
    // Releases up to 0003 did not say which head it follows: it has to be proposed anew, and it can be.
    let anew = filled.ok(alice, "propose_release", release("2.0.1", 1), DEPOSIT).await;
    for member in [alice, bob] {
        vote(filled, member, &anew, "yes").await;
    }
    filled.harness.wait(HOUR).await.unwrap();
    filled.ok(bob, "queue", json!({ "proposal": anew }), 0).await;
    filled.harness.wait(HOUR).await.unwrap();
    filled.ok(bob, "publish", json!({ "proposal": anew }), 0).await;
    let asked = filled.harness.worker.view(filled.id(), "line").args_json(json!({ "line": LINE }));
    let line: Value = asked.await.unwrap().json().unwrap();
    assert_eq!((line["seq"].as_u64(), line["head"].as_u64()), (Some(2), Some(5)));
    let [of_alice, of_bob] = &filled.values["agent"][..] else { panic!("two agents") };
    filled.ok(alice, "enroll", json!({ "agent": of_alice, "line": 1 }), 1).await;
    let asked = filled.harness.worker.view(filled.id(), "enrolment").args_json(json!({ "agent": of_bob }));
    let enrolment: Value = asked.await.unwrap().json().unwrap();
    let key = [vec![5], of_bob.as_u64().unwrap().to_le_bytes().to_vec()].concat();
    let enrolled = u128::try_from(filled.rows().await[&key].len()).unwrap();
    filled.ok(bob, "leave", json!({ "agent": of_bob }), 1).await;
    // The row, its key, and what NEAR adds.
    let mut row = enrolled + 9 + 40;
    if !enrolment["owner"].is_null() {
        // Since 0005 with its owner, and a row of how many agents it has on the line.
        let owner = 4 + u128::try_from(bob.id().len()).unwrap();
        row += 1 + 8 + owner + 20 + 1 + 8 + owner + 8 + 40;
    }
    assert_eq!(filled.available(bob).await, available + row * 10_000_000_000_000_000_000);
}

#[tokio::test]
async fn lines_and_proposals_of_every_release_upgrade() {
    // Rows that change get what they lack, and four bytes that say that the contract pays for it: the proposal two bytes, or
    // three of the first release, eight of what came with 0005, 65 with 0006 and one with 0007; the line nine, 48 with 0006, and
    // one with 0007; a ballot one.
    let grown = |release: &str| match release {
        "faa0a5a" => (3 + 8 + 65 + 1 + 4) + (9 + 48 + 1 + 4) + (1 + 4),
        "0002" | "0003" => (2 + 8 + 65 + 1 + 4) + (9 + 48 + 1 + 4) + (1 + 4),
        "0004" => (8 + 65 + 1 + 4) + (48 + 1 + 4) + (1 + 4),
        "0005" => (65 + 1 + 4) + (48 + 1 + 4) + (1 + 4),
        "0006" => (1 + 4) + (1 + 4),
        _ => 0,
    };
    super::every_release_upgrades(fill, change, grown).await;
}

#[tokio::test]
async fn todays_code_writes_what_the_newest_release_wrote() {
    super::todays_code_writes_what_the_newest_release_wrote(fill).await;
}
