//! Agents, owners, handles, heartbeats, recoveries, attestations and reputation before and after an upgrade.

use std::time::Duration;

use charter_client::sha256;
use charter_harness::{Harness, view};
use charter_types::registry::args::{AgentRef, ReputationRef};
use charter_types::registry::{
    HANDLE_REST_MS, KEY_PROOF_PURPOSE, KeyProof, Purpose, RECOVERY_MS_MIN, STATEMENT_PURPOSE, Statement, methods,
};
use charter_types::{AnyKey, Base64Bytes, Domain, Ed25519Key, Signature64, X25519Key};
use charter_wasm::Contract;
use ed25519_dalek::{Signer, SigningKey};
use near_workspaces::Account;
use serde_json::{Value, json};

use super::Filled;
use crate::attestation::Attester;
use charter_harness::arguments::{DEPOSIT, card, register};

/// Which ids were retired: one row for 256 of them, which the contract pays for.
const RETIRED_ROW: u64 = 9 + 32 + 40;

fn signing() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn sign_key() -> Ed25519Key {
    Ed25519Key(signing().verifying_key().to_bytes())
}

/// What the agent's key says under a purpose.
fn signed(filled: &Filled, purpose: &str, statement: &impl borsh::BorshSerialize) -> Signature64 {
    let domain = Domain { purpose, version: 1, chain_id: &filled.harness.chain_id, contract: filled.id() };
    Signature64(signing().sign(&domain.message(statement, sha256)).to_bytes())
}

async fn epoch(filled: &Filled, agent: u64) -> u64 {
    view(&filled.harness.worker, filled.id(), methods::epochs, &AgentRef { agent }).await.unwrap().unwrap().agent
}

/// An agent with everything that one can have.
async fn furnish(filled: &Filled, agent: u64) {
    let [alice, bob, carol, bot, _] = &filled.people[..] else { panic!("five people") };
    let expires_ms = filled.harness.now_ms().await.unwrap() + 30 * 24 * 3_600_000;
    let permissions = ["card", "agent_account", "keys", "attest"];
    let operator = json!({ "account": carol.id(), "permissions": permissions, "expires_ms": expires_ms });
    filled.ok(alice, "set_operator", json!({ "agent": agent, "operator": operator }), DEPOSIT).await;
    filled.ok(alice, "set_handle", json!({ "agent": agent, "handle": "scout" }), DEPOSIT).await;
    filled.ok(alice, "set_agent_account", json!({ "agent": agent, "agent_account": bot.id() }), DEPOSIT).await;
    filled.ok(bot, "heartbeat", json!({ "agent": agent }), 0).await;
    let epoch = epoch(filled, agent).await;
    let sealing = AnyKey::X25519(X25519Key([9; 32]));
    for (key, purpose, endorsed_by) in
        [(AnyKey::Ed25519(sign_key()), Purpose::Sign, None), (sealing, Purpose::Encrypt, Some(sign_key()))]
    {
        let proof = signed(filled, KEY_PROOF_PURPOSE, &KeyProof { agent, epoch, key, purpose, expires_ms });
        let args = json!({ "agent": agent, "key": key, "purpose": purpose, "expires_ms": expires_ms, "proof": proof, "endorsed_by": endorsed_by });
        filled.ok(alice, "add_key", args, DEPOSIT).await;
    }
    for account in [bob, carol] {
        filled.ok(alice, "set_payout", json!({ "agent": agent, "account": account.id() }), DEPOSIT).await;
        if account.id() == bob.id() {
            filled.ok(bob, "accept_payout", json!({ "agent": agent, "owner": alice.id() }), 1).await;
        }
    }
    Attester::new(&filled.harness, alice, agent).await.attest(Ed25519Key([5; 32]), X25519Key([9; 32])).await;
    filled.ok(carol, "pause", json!({ "agent": agent, "for_ms": 1_000_000 }), 0).await;
}

/// Three agents of alice's, one with all there is, one on offer, one with recoverers, and one of bob's.
pub async fn fill(harness: Harness) -> Filled {
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol", "bot", "reporter"] {
        people.push(harness.account(name).await.unwrap());
    }
    let mut filled = Filled::new(Contract::Registry, harness, people, super::Values::new()).await;
    let [alice, bob, carol, bot, reporter] = &filled.people[..] else { panic!("five people") };
    for person in &filled.people {
        filled.ok(person, "storage_deposit", json!({}), DEPOSIT).await;
    }
    for owner in [alice, alice, alice, bob] {
        register(&filled.harness, owner, vec![carol.id().clone()]).await;
    }
    furnish(&filled, 1).await;
    filled.ok(alice, "set_transferable", json!({ "agent": 2, "transferable": true }), 1).await;
    filled.ok(alice, "offer_transfer", json!({ "agent": 2, "account": bob.id() }), DEPOSIT).await;
    let measured = json!({ "sha256": charter_types::Hash32([6; 32]), "until_ms": 1_000, "revoked": true });
    let tcb = ["up_to_date", "sw_hardening_needed", "out_of_date"];
    let policy = json!({ "measurements": [measured], "tcb": tcb, "max_age_ms": 1_000 });
    filled.ok(alice, "set_attestation_policy", json!({ "agent": 2, "policy": policy }), DEPOSIT).await;
    filled.ok(alice, "pause", json!({ "agent": 3 }), 1).await;
    for threshold in [2, 1] {
        let accounts = [bob.id(), carol.id()];
        let recoverers = json!({ "accounts": accounts, "threshold": threshold, "delay_ms": RECOVERY_MS_MIN });
        filled.ok(alice, "set_recoverers", json!({ "agent": 3, "recoverers": recoverers }), DEPOSIT).await;
    }
    filled.ok(bob, "propose_recovery", json!({ "agent": 3, "account": carol.id() }), DEPOSIT).await;
    let admin = filled.harness.root();
    filled.ok(admin, "set_reporters", json!({ "reporters": [reporter.id()] }), 0).await;
    let report = json!({ "agent": 1, "asset": "near", "earned": "5", "payments": 2 });
    filled.ok(reporter, "report_reputation", report, DEPOSIT).await;
    filled.ok(admin, "set_pauser", json!({ "account": bot.id() }), 0).await;
    filled.ok(bot, "pause_feature", json!({ "feature": "register", "for_ms": 1 }), 0).await;
    let epoch = epoch(&filled, 1).await;
    let accounts: Vec<Value> = filled.people.iter().map(|person| json!(person.id())).collect();
    let message = b"I was here".to_vec();
    let signature = signed(&filled, STATEMENT_PURPOSE, &Statement { agent: 1, epoch, message: &message });
    let values = [
        ("account", accounts.clone()),
        ("account_id", accounts),
        ("agent", (1..=5).map(|id| json!(id)).collect()),
        ("token_id", vec![json!("1"), json!("4")]),
        ("handle", vec![json!("scout"), json!("nobody")]),
        ("epoch", vec![json!(epoch)]),
        ("asset", vec![json!("near")]),
        ("reporter", vec![json!(reporter.id())]),
        ("message", vec![json!(Base64Bytes(message))]),
        ("public_key", vec![json!(sign_key())]),
        ("signature", vec![json!(signature)]),
    ];
    filled.values = values.into_iter().collect();
    filled
}

async fn unregister(filled: &Filled, person: &Account) {
    let closed = filled.ok(person, "storage_unregister", json!({}), 1).await;
    assert_eq!(closed, json!(true), "{} has not got everything back", person.id());
}

/// Every row is changed, moved to another payer, or removed; in the end all who paid have it back.
async fn change(filled: &Filled) {
    let [alice, bob, carol, bot, reporter] = &filled.people[..] else { panic!("five people") };
    let pause = json!({ "feature": "register", "for_ms": 1 });
    filled.ok(bot, "pause_feature", pause, 0).await;
    let available = filled.available(alice).await;
    let epoch = epoch(filled, 1).await;
    let card = json!({ "agent": 1, "card": card("https://b/card"), "expected_revision": 1 });
    filled.ok(carol, "set_card", card, 0).await;
    filled.ok(bot, "heartbeat", json!({ "agent": 1 }), 0).await;
    filled.ok(alice, "unpause", json!({ "agent": 3 }), 1).await;
    filled.ok(carol, "revoke_attestation", json!({ "agent": 1 }), 0).await;
    assert_eq!(filled.available(alice).await, available, "rows that kept their size");
    let before = filled.available(reporter).await;
    filled
        .ok(
            reporter,
            "report_reputation",
            json!({ "agent": 1, "asset": "near", "earned": "6", "payments": 3 }),
            DEPOSIT,
        )
        .await;
    // Of the payout account, which no release before 0007 asked for: it is counted from here on.
    for (earned, then) in [("900", "6"), ("901", "7")] {
        let report = json!({ "agent": 1, "asset": "near", "earned": earned, "payments": 3, "account": bob.id() });
        filled.ok(reporter, "report_reputation", report, DEPOSIT).await;
        let reporter = reporter.id().clone();
        let known = ReputationRef { agent: 1, epoch, reporter, asset: "near".to_owned() };
        let row = view(&filled.harness.worker, filled.id(), methods::reputation, &known).await.unwrap().unwrap();
        assert_eq!(row.earned.0.to_string(), then);
    }
    assert_eq!(filled.available(reporter).await, before);
    let offered = json!({ "agent": 2, "expected_revision": 1, "expected_handle": null });
    filled.ok(bob, "accept_transfer", offered, DEPOSIT).await;
    assert!(filled.available(alice).await > available, "who hands over gets its storage back");
    let proposals = view(&filled.harness.worker, filled.id(), methods::recovery_proposals, &AgentRef { agent: 3 });
    let round = proposals.await.unwrap()[0].round;
    let agreed = json!({ "agent": 3, "proposer": bob.id(), "new_owner": carol.id(), "round": round });
    filled.ok(carol, "approve_recovery", agreed, 1).await;
    filled.harness.wait(Duration::from_millis(RECOVERY_MS_MIN)).await.unwrap();
    filled.ok(bob, "execute_recovery", json!({ "agent": 3, "account": bob.id() }), DEPOSIT).await;
    let none = json!({ "accounts": [], "threshold": 0, "delay_ms": 0 });
    filled.ok(carol, "set_recoverers", json!({ "agent": 3, "recoverers": none }), DEPOSIT).await;
    filled.harness.wait(Duration::from_millis(RECOVERY_MS_MIN + 25 * 3_600_000)).await.unwrap();
    for (owner, agent) in [(alice, 1), (bob, 2), (carol, 3), (bob, 4)] {
        filled.ok(owner, "retire", json!({ "agent": agent }), 1).await;
    }
    filled.harness.wait(Duration::from_millis(HANDLE_REST_MS)).await.unwrap();
    filled.ok(bob, "release_handle", json!({ "handle": "scout" }), 0).await;
    let reputation = json!({ "agent": 1, "epoch": epoch, "reporter": reporter.id(), "asset": "near" });
    filled.ok(reporter, "remove_reputation", reputation, 0).await;
    for person in &filled.people {
        unregister(filled, person).await;
    }
}

#[tokio::test]
async fn agents_of_every_release_upgrade() {
    super::every_release_upgrades(fill, change, |_| RETIRED_ROW).await;
}

#[tokio::test]
async fn todays_code_writes_what_the_newest_release_wrote() {
    super::todays_code_writes_what_the_newest_release_wrote(fill).await;
}
