//! The registry.

use charter_types::registry::{HAND_OVER_MARGIN_MS, RECOVERY_MS_MIN};
use charter_types::verifier::Verdict;
use charter_types::{Ed25519Key, Hash32, X25519Key};
use charter_wasm::Contract::Registry;
use near_workspaces::Account;
use serde_json::{Value, json};

use super::{Stage, is_mended, works_now};
use crate::ownership::RECEIVER;
use charter_harness::arguments::{DEPOSIT, card};
use charter_harness::stand_in_verifier::{report, say};

const HOUR_MS: u64 = 3_600_000;

async fn register(stage: &Stage, owner: &Account) -> Value {
    let args = json!({ "card": card("https://a/card"), "agent_account": null, "operators": [], "guardians": [] });
    stage.ok(owner, "register_agent", args, DEPOSIT).await
}

async fn recoverers(stage: &Stage, owner: &Account, agent: &Value, accounts: &[&Account]) {
    let accounts: Vec<_> = accounts.iter().map(|account| account.id()).collect();
    let delay_ms = if accounts.is_empty() { 0 } else { RECOVERY_MS_MIN };
    let recoverers = json!({ "accounts": accounts, "threshold": accounts.len().min(1), "delay_ms": delay_ms });
    stage.ok(owner, "set_recoverers", json!({ "agent": agent, "recoverers": recoverers }), DEPOSIT).await;
}

/// To `to`, who pays for it.
async fn sell(stage: &Stage, owner: &Account, agent: &Value, to: &Account) {
    stage.ok(owner, "offer_transfer", json!({ "agent": agent, "account": to.id() }), DEPOSIT).await;
    let seen = stage.view("agent", json!({ "agent": agent })).await;
    let (revision, handle) = (&seen["card_revision"], &seen["handle"]);
    let accept = json!({ "agent": agent, "expected_revision": revision, "expected_handle": handle });
    stage.ok(to, "accept_transfer", accept, DEPOSIT).await;
}

async fn open(stage: &Stage, owner: &Account, agent: &Value) {
    stage.ok(owner, "set_transferable", json!({ "agent": agent, "transferable": true }), 1).await;
}

fn token(agent: &Value, to: &Account) -> Value {
    json!({ "receiver_id": to.id(), "token_id": agent.to_string(), "msg": "keep" })
}

/// Sells an agent that a recoverer of before has an old proposal about; the buyer has recoverers of its own.
async fn retake(stage: &Stage, as_token: bool) -> Option<String> {
    let (seller, sock) = (stage.person("seller").await, stage.person("sock").await);
    let (mallory, buyer) = (stage.person("mallory").await, stage.person("buyer").await);
    let agent = register(stage, &seller).await;
    recoverers(stage, &seller, &agent, &[&sock]).await;
    stage.ok(&sock, "propose_recovery", json!({ "agent": agent, "account": mallory.id() }), DEPOSIT).await;
    recoverers(stage, &seller, &agent, &[]).await;
    stage.wait_ms(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS).await;
    recoverers(stage, &seller, &agent, &[]).await;
    if as_token {
        open(stage, &seller, &agent).await;
        stage.ok(&seller, "nft_transfer", token(&agent, &buyer), 1).await;
    } else {
        sell(stage, &seller, &agent, &buyer).await;
    }
    recoverers(stage, &buyer, &agent, &[&mallory]).await;
    stage.code(&seller, "execute_recovery", json!({ "agent": agent, "account": sock.id() }), DEPOSIT).await
}

#[tokio::test]
async fn a_seller_does_not_retake_a_sold_agent_through_a_stale_proposal() {
    is_mended(Registry, "REGISTRY_NO_RECOVERY", async |stage| retake(stage, false).await).await;
    is_mended(Registry, "REGISTRY_NO_RECOVERY", async |stage| retake(stage, true).await).await;
}

#[tokio::test]
async fn a_stale_proposal_for_todays_owner_does_not_corrupt_its_list() {
    is_mended(Registry, "REGISTRY_NO_RECOVERY", async |stage| {
        let (seller, sock, buyer) =
            (stage.person("seller").await, stage.person("sock").await, stage.person("buyer").await);
        let agent = register(stage, &seller).await;
        register(stage, &buyer).await;
        recoverers(stage, &seller, &agent, &[&sock]).await;
        stage.ok(&sock, "propose_recovery", json!({ "agent": agent, "account": buyer.id() }), DEPOSIT).await;
        recoverers(stage, &seller, &agent, &[]).await;
        stage.wait_ms(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS).await;
        recoverers(stage, &seller, &agent, &[]).await;
        sell(stage, &seller, &agent, &buyer).await;
        recoverers(stage, &buyer, &agent, &[&sock]).await;
        let args = json!({ "agent": agent, "account": sock.id() });
        let code = stage.code(&seller, "execute_recovery", args, DEPOSIT).await;
        let owner = stage.view("owner", json!({ "account": buyer.id() })).await;
        assert_eq!(owner["agents"], if stage.is_old { 3 } else { 2 }, "it has two");
        code
    })
    .await;
}

/// Two recoverers have to agree; the one who proposed swaps the proposal while the other agrees.
#[tokio::test]
async fn one_recoverer_does_not_swap_what_another_agrees_to() {
    is_mended(Registry, "CHARTER_BAD_ARGUMENTS", async |stage| {
        let (owner, p, b) = (stage.person("owner").await, stage.person("p").await, stage.person("b").await);
        let (honest, evil) = (stage.person("honest").await, stage.person("evil").await);
        let agent = register(stage, &owner).await;
        let both = json!({ "accounts": [p.id(), b.id()], "threshold": 2, "delay_ms": RECOVERY_MS_MIN });
        stage.ok(&owner, "set_recoverers", json!({ "agent": agent, "recoverers": both }), DEPOSIT).await;
        stage.ok(&p, "propose_recovery", json!({ "agent": agent, "account": honest.id() }), DEPOSIT).await;
        let round = stage.view("recovery_proposals", json!({ "agent": agent })).await[0]["round"].clone();
        stage.ok(&p, "propose_recovery", json!({ "agent": agent, "account": evil.id() }), DEPOSIT).await;
        if !stage.is_old {
            let meant = json!({ "agent": agent, "proposer": p.id(), "new_owner": honest.id(), "round": round });
            let code = stage.code(&b, "approve_recovery", meant, 1).await;
            assert_eq!(code.as_deref(), Some("REGISTRY_PROPOSAL_CHANGED"));
        }
        stage.code(&b, "approve_recovery", json!({ "agent": agent, "account": p.id() }), 1).await
    })
    .await;
}

#[tokio::test]
async fn a_seller_does_not_change_what_a_buyer_has_paid_for() {
    is_mended(Registry, "CHARTER_BAD_ARGUMENTS", async |stage| {
        let (seller, buyer) = (stage.person("seller").await, stage.person("buyer").await);
        let agent = register(stage, &seller).await;
        stage.ok(&seller, "set_handle", json!({ "agent": agent, "handle": "famous" }), DEPOSIT).await;
        stage.ok(&seller, "offer_transfer", json!({ "agent": agent, "account": buyer.id() }), DEPOSIT).await;
        stage.ok(&seller, "set_handle", json!({ "agent": agent, "handle": null }), DEPOSIT).await;
        if !stage.is_old {
            let meant = json!({ "agent": agent, "expected_revision": 1, "expected_handle": "famous" });
            let code = stage.code(&buyer, "accept_transfer", meant, DEPOSIT).await;
            assert_eq!(code.as_deref(), Some("REGISTRY_CHANGED"));
        }
        stage.code(&buyer, "accept_transfer", json!({ "agent": agent }), DEPOSIT).await
    })
    .await;
}

#[tokio::test]
async fn a_market_sells_an_agent_on_by_the_standards_methods() {
    works_now(Registry, "REGISTRY_NOT_TRANSFERABLE", async |stage| {
        let (owner, market, buyer) =
            (stage.person("owner").await, stage.person("market").await, stage.person("buyer").await);
        market.deploy(&wat::parse_str(RECEIVER).unwrap()).await.unwrap().into_result().unwrap();
        let agent = register(stage, &owner).await;
        open(stage, &owner, &agent).await;
        stage.ok(&owner, "nft_transfer_call", token(&agent, &market), 1).await;
        stage.code(&market, "nft_transfer", token(&agent, &buyer), 1).await
    })
    .await;
}

/// The victim's free storage money before and after agents are pushed at it, by token or by recovery.
async fn push(stage: &Stage, by_recovery: bool) -> Option<String> {
    let (mallory, sock, victim) =
        (stage.person("mallory").await, stage.person("sock").await, stage.person("victim").await);
    let before = stage.available(&victim).await;
    for _ in 0..3 {
        let agent = register(stage, &mallory).await;
        if by_recovery {
            recoverers(stage, &mallory, &agent, &[&sock]).await;
            stage.ok(&sock, "propose_recovery", json!({ "agent": agent, "account": victim.id() }), DEPOSIT).await;
            stage.wait_ms(RECOVERY_MS_MIN).await;
            let args = json!({ "agent": agent, "account": sock.id() });
            stage.ok(&sock, "execute_recovery", args, DEPOSIT).await;
        } else {
            open(stage, &mallory, &agent).await;
            stage.ok(&mallory, "nft_transfer", token(&agent, &victim), 1).await;
        }
    }
    let owner = stage.view("owner", json!({ "account": victim.id() })).await;
    assert_eq!(owner["agents"], 3);
    (stage.available(&victim).await == before).then(|| "the pusher paid".to_owned())
}

#[tokio::test]
async fn agents_pushed_at_somebody_cost_it_nothing() {
    is_mended(Registry, "the pusher paid", async |stage| push(stage, false).await).await;
    is_mended(Registry, "the pusher paid", async |stage| push(stage, true).await).await;
}

#[tokio::test]
async fn an_operator_that_attaches_a_deposit_can_store_for_an_owner_who_has_not_prepaid() {
    works_now(Registry, "CHARTER_STORAGE_SHORT", async |stage| {
        let (owner, operator) = (stage.stranger("owner").await, stage.person("operator").await);
        let agent = register(stage, &owner).await;
        let operator_row = json!({ "account": operator.id(), "permissions": ["card"], "expires_ms": u64::MAX });
        stage.ok(&owner, "set_operator", json!({ "agent": agent, "operator": operator_row }), DEPOSIT).await;
        let card = card("https://a.much.longer.name.example/of/the/card.json");
        let args = json!({ "agent": agent, "card": card, "expected_revision": 1 });
        stage.code(&operator, "set_card", args, DEPOSIT).await
    })
    .await;
}

fn policy(sha256: Hash32) -> Value {
    let measurement = json!({ "sha256": sha256, "from_ms": 0, "until_ms": u64::MAX, "revoked": false });
    json!({ "measurements": [measurement], "tcb": ["up_to_date"], "max_age_ms": HOUR_MS })
}

#[tokio::test]
async fn a_revoked_measurement_does_not_come_back_with_a_new_policy() {
    is_mended(Registry, "REGISTRY_BAD_MEASUREMENTS", async |stage| {
        let owner = stage.person("owner").await;
        let agent = register(stage, &owner).await;
        let measured = Hash32([1; 32]);
        let set = |policy| json!({ "agent": agent, "policy": policy });
        stage.ok(&owner, "set_attestation_policy", set(policy(measured)), DEPOSIT).await;
        stage.ok(&owner, "revoke_measurement", json!({ "agent": agent, "sha256": measured }), 1).await;
        stage.ok(&owner, "set_attestation_policy", set(Value::Null), DEPOSIT).await;
        stage.code(&owner, "set_attestation_policy", set(policy(measured)), DEPOSIT).await
    })
    .await;
}

/// Stands in for a verifier that says what it is told, and as the agent's guardian revokes the attestation before it does.
fn revoking_stand_in_verifier(registry: &str, verifier: &str) -> Vec<u8> {
    let args = r"{\22agent\22:1}";
    let text = format!(
        r#"(module
          (import "env" "input" (func $input (param i64)))
          (import "env" "register_len" (func $len (param i64) (result i64)))
          (import "env" "read_register" (func $read (param i64 i64)))
          (import "env" "storage_write" (func $write (param i64 i64 i64 i64 i64) (result i64)))
          (import "env" "storage_read" (func $load (param i64 i64 i64) (result i64)))
          (import "env" "value_return" (func $return (param i64 i64)))
          (import "env" "promise_create" (func $create (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
          (import "env" "promise_then" (func $then (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
          (import "env" "promise_return" (func $promise (param i64)))
          (memory 4)
          (data (i32.const 0) "verdict")
          (data (i32.const 16) "revoke_attestation")
          (data (i32.const 64) "tell")
          (data (i32.const 80) "{args}")
          (data (i32.const 128) "{registry}")
          (data (i32.const 256) "{verifier}")
          (func (export "say")
            (call $input (i64.const 0))
            (call $read (i64.const 0) (i64.const 1024))
            (drop (call $write (i64.const 7) (i64.const 0) (call $len (i64.const 0)) (i64.const 1024) (i64.const 1))))
          (func (export "verify_quote")
            (call $promise (call $then
              (call $create (i64.const {}) (i64.const 128) (i64.const 18) (i64.const 16)
                (i64.const 11) (i64.const 80) (i64.const 400) (i64.const 20000000000000))
              (i64.const {}) (i64.const 256) (i64.const 4) (i64.const 64)
              (i64.const 0) (i64.const 0) (i64.const 400) (i64.const 20000000000000))))
          (func (export "tell")
            (drop (call $load (i64.const 7) (i64.const 0) (i64.const 2)))
            (call $read (i64.const 2) (i64.const 1024))
            (call $return (call $len (i64.const 2)) (i64.const 1024))))"#,
        registry.len(),
        verifier.len(),
    );
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn an_attestation_that_was_revoked_while_it_was_verified_does_not_land() {
    is_mended(Registry, "REGISTRY_EPOCH_MOVED", async |stage| {
        let owner = stage.person("owner").await;
        let (harness, contracts) = (&stage.of.harness, &stage.of.harness.contracts);
        let wasm = revoking_stand_in_verifier(contracts.registry.as_str(), contracts.verifier.as_str());
        harness.worker.patch(&contracts.verifier).code(&wasm).transact().await.unwrap();
        let agent = register(stage, &owner).await;
        let guardian = json!({ "agent": agent, "account": contracts.verifier });
        stage.ok(&owner, "set_guardian", guardian, DEPOSIT).await;
        let (sign_key, encrypt_key) = (Ed25519Key([5; 32]), X25519Key([9; 32]));
        let measured = report([0; 64]).measurement(charter_client::sha256);
        let set = json!({ "agent": agent, "policy": policy(measured) });
        stage.ok(&owner, "set_attestation_policy", set, DEPOSIT).await;
        // Attested once, so that there is something that a guardian can revoke while the next verdict is on its way.
        for last in [false, true] {
            let nonce = stage.ok(&owner, "begin_attestation", json!({ "agent": agent }), 1).await;
            let epoch = stage.view("epochs", json!({ "agent": agent })).await["agent"].as_u64().unwrap();
            let nonce = serde_json::from_value(nonce).unwrap();
            let claim = charter_types::registry::AttestationClaim { agent: 1, epoch, nonce, sign_key, encrypt_key };
            let data = claim.report_data(&harness.chain_id, &contracts.registry, charter_client::sha256);
            say(&owner, &contracts.verifier, &Verdict::Verified(Box::new(report(data)))).await;
            let quote = "AAAA";
            let args = json!({ "agent": agent, "quote": quote, "collateral": quote, "sign_key": sign_key, "encrypt_key": encrypt_key });
            let code = stage.code(&owner, "submit_attestation", args, 1).await;
            if last {
                let record = stage.view("attestations", json!({})).await;
                assert_eq!(record[0]["attestation"].is_null(), !stage.is_old, "{record}");
                return code;
            }
        }
        unreachable!("it returns the second time")
    })
    .await;
}

#[tokio::test]
async fn who_proposed_gets_its_storage_back_when_the_agent_is_sold() {
    works_now(Registry, "CHARTER_STORAGE_IN_USE", async |stage| {
        let (owner, friend, buyer) =
            (stage.person("owner").await, stage.person("friend").await, stage.person("buyer").await);
        let agent = register(stage, &owner).await;
        recoverers(stage, &owner, &agent, &[&friend]).await;
        stage.ok(&friend, "propose_recovery", json!({ "agent": agent, "account": buyer.id() }), DEPOSIT).await;
        recoverers(stage, &owner, &agent, &[]).await;
        stage.wait_ms(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS).await;
        recoverers(stage, &owner, &agent, &[]).await;
        sell(stage, &owner, &agent, &buyer).await;
        stage.code(&friend, "storage_unregister", json!({}), 1).await
    })
    .await;
}

#[tokio::test]
async fn what_a_seller_earned_is_not_the_buyers() {
    is_mended(Registry, "nothing earned yet", async |stage| {
        let (seller, buyer, reporter) =
            (stage.person("seller").await, stage.person("buyer").await, stage.person("reporter").await);
        let agent = register(stage, &seller).await;
        let reporters = json!({ "reporters": [reporter.id()] });
        stage.ok(stage.of.harness.root(), "set_reporters", reporters, 0).await;
        let report = json!({ "agent": agent, "asset": "near", "earned": "100", "payments": 9 });
        stage.ok(&reporter, "report_reputation", report.clone(), DEPOSIT).await;
        sell(stage, &seller, &agent, &buyer).await;
        stage.ok(&reporter, "report_reputation", report, DEPOSIT).await;
        let epoch = stage.view("epochs", json!({ "agent": agent })).await["agent"].clone();
        let question = json!({ "agent": agent, "epoch": epoch, "reporter": reporter.id(), "asset": "near" });
        let known = stage.view("reputation", question).await;
        assert_eq!(known["earned"], "100");
        (known["earned_before"] == "100").then(|| "nothing earned yet".to_owned())
    })
    .await;
}

#[tokio::test]
async fn the_least_storage_account_of_nep_145_can_receive_an_agent() {
    works_now(Registry, "CHARTER_STORAGE_SHORT", async |stage| {
        let (owner, buyer) = (stage.person("owner").await, stage.stranger("buyer").await);
        let agent = register(stage, &owner).await;
        open(stage, &owner, &agent).await;
        let bounds = stage.view("storage_balance_bounds", json!({})).await;
        let least: u128 = bounds["min"].as_str().unwrap().parse().unwrap();
        stage.ok(&buyer, "storage_deposit", json!({}), least).await;
        stage.code(&owner, "nft_transfer", token(&agent, &buyer), 1).await
    })
    .await;
}

#[tokio::test]
async fn pages_of_tokens_list_every_agent_after_one_retired() {
    works_now(Registry, "not all listed", async |stage| {
        let owner = stage.person("owner").await;
        for _ in 0..4 {
            register(stage, &owner).await;
        }
        stage.ok(&owner, "retire", json!({ "agent": 2 }), 1).await;
        let supply: u64 = stage.view("nft_total_supply", json!({})).await.as_str().unwrap().parse().unwrap();
        let mut listed = Vec::new();
        for from in 0..supply {
            let page = stage.view("nft_tokens", json!({ "from_index": from.to_string(), "limit": 1 })).await;
            listed.extend(page.as_array().unwrap().iter().map(|token| token["token_id"].clone()));
        }
        (listed != [json!("1"), json!("3"), json!("4")]).then(|| "not all listed".to_owned())
    })
    .await;
}

#[tokio::test]
async fn an_offer_does_not_outrun_recoverers_that_are_set_after_it() {
    is_mended(Registry, "REGISTRY_NOT_OFFERED", async |stage| {
        let (owner, thief, friend) =
            (stage.person("owner").await, stage.person("thief").await, stage.person("friend").await);
        let agent = register(stage, &owner).await;
        stage.ok(&owner, "offer_transfer", json!({ "agent": agent, "account": thief.id() }), DEPOSIT).await;
        recoverers(stage, &owner, &agent, &[&friend]).await;
        let args = if stage.is_old {
            json!({ "agent": agent })
        } else {
            json!({ "agent": agent, "expected_revision": 1, "expected_handle": null })
        };
        stage.code(&thief, "accept_transfer", args, DEPOSIT).await
    })
    .await;
}

#[tokio::test]
async fn a_token_id_has_one_spelling() {
    is_mended(Registry, "REGISTRY_BAD_TOKEN_ID", async |stage| {
        let (owner, buyer) = (stage.person("owner").await, stage.person("buyer").await);
        let agent = register(stage, &owner).await;
        open(stage, &owner, &agent).await;
        let token = json!({ "receiver_id": buyer.id(), "token_id": format!("+0{agent}") });
        stage.code(&owner, "nft_transfer", token, 1).await
    })
    .await;
}

#[tokio::test]
async fn a_storage_account_is_backed_by_more_than_a_yocto() {
    is_mended(Registry, "REGISTRY_NOT_REGISTERED", async |stage| {
        let (owner, operator) = (stage.person("owner").await, stage.stranger("operator").await);
        let agent = register(stage, &owner).await;
        let row = json!({ "account": operator.id(), "permissions": ["card"], "expires_ms": u64::MAX });
        stage.ok(&owner, "set_operator", json!({ "agent": agent, "operator": row }), DEPOSIT).await;
        let args = json!({ "agent": agent, "card": card("https://b/card"), "expected_revision": 1 });
        stage.ok(&operator, "set_card", args, 1).await;
        if stage.is_old {
            let balance = stage.view("storage_balance_of", json!({ "account_id": operator.id() })).await;
            return (balance["total"] != "1").then(|| format!("{balance}"));
        }
        open(stage, &owner, &agent).await;
        stage.code(&owner, "nft_transfer", token(&agent, &operator), 1).await
    })
    .await;
}

#[tokio::test]
async fn a_card_is_nothing_that_a_reader_would_run() {
    is_mended(Registry, "REGISTRY_BAD_CARD_URI", async |stage| {
        let owner = stage.person("owner").await;
        let args = json!({ "card": card("javascript:alert(1)\u{7}"), "agent_account": null });
        stage.code(&owner, "register_agent", args, DEPOSIT).await
    })
    .await;
}

#[tokio::test]
async fn a_handle_that_was_given_back_is_not_an_impostors_at_once() {
    is_mended(Registry, "REGISTRY_HANDLE_RESTS", async |stage| {
        let (owner, impostor) = (stage.person("owner").await, stage.person("impostor").await);
        let (agent, other) = (register(stage, &owner).await, register(stage, &impostor).await);
        stage.ok(&owner, "set_handle", json!({ "agent": agent, "handle": "famous" }), DEPOSIT).await;
        stage.ok(&owner, "retire", json!({ "agent": agent }), 1).await;
        stage.code(&impostor, "set_handle", json!({ "agent": other, "handle": "famous" }), DEPOSIT).await
    })
    .await;
}

#[tokio::test]
async fn an_account_that_was_only_named_is_shown_as_unconfirmed() {
    is_mended(Registry, "unconfirmed", async |stage| {
        let (owner, famous) = (stage.person("owner").await, stage.stranger("famous").await);
        let agent = register(stage, &owner).await;
        let named = json!({ "agent": agent, "agent_account": famous.id() });
        stage.ok(&owner, "set_agent_account", named, DEPOSIT).await;
        let question = json!({ "agent": agent, "account": famous.id() });
        let roles = stage.view("authority", question).await["roles"].clone();
        assert_eq!(roles["agent"], true);
        (roles["confirmed"] == false).then(|| "unconfirmed".to_owned())
    })
    .await;
}

#[tokio::test]
async fn events_of_an_agent_that_comes_back_name_who_sent_it() {
    is_mended(Registry, "the sender", async |stage| {
        let (owner, shop) = (stage.person("owner").await, stage.person("shop").await);
        shop.deploy(&wat::parse_str(RECEIVER).unwrap()).await.unwrap().into_result().unwrap();
        let agent = register(stage, &owner).await;
        open(stage, &owner, &agent).await;
        let args = json!({ "receiver_id": shop.id(), "token_id": agent.to_string(), "msg": "back" });
        let call = charter_harness::raw("nft_transfer_call", args);
        let sent = charter_harness::Caller::send(&owner, stage.of.id(), call, 1).await.unwrap();
        let by_itself = format!("\"by\":\"{}\"", stage.of.id());
        let events: Vec<_> = sent.logs().into_iter().filter(|log| log.contains("charter_registry")).collect();
        assert!(events.len() >= 6, "{events:?}");
        (!events.iter().any(|log| log.contains(&by_itself))).then(|| "the sender".to_owned())
    })
    .await;
}
