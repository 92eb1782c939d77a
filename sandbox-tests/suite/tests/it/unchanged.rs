//! A refusal in the first receipt leaves the state as it was and the deposit with its owner.

use charter_harness::{Call, Harness, failed_with};
use charter_types::registry::args::{AgentAccount, AgentRef, Pause, Rearm, SetCard};
use near_workspaces::{Account, AccountId};
use serde_json::{Value, json};

use crate::people::{DEPOSIT, card, register};

async fn state(harness: &Harness, contract: &AccountId) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows: Vec<_> = harness.worker.view_state(contract).await.unwrap().into_iter().collect();
    rows.sort();
    rows
}

struct Case<'a> {
    caller: &'a Account,
    method: &'static str,
    args: Value,
    deposit: u128,
    code: &'static str,
}

#[tokio::test]
async fn every_wrong_caller_deposit_id_and_argument_has_its_code_and_changes_nothing() {
    let harness = Harness::start().await.unwrap();
    let (alice, eve, guard) = (
        harness.account("alice").await.unwrap(),
        harness.account("eve").await.unwrap(),
        harness.account("guard").await.unwrap(),
    );
    let agent = register(&harness, &alice, vec![guard.id().clone()]).await;
    let by = |caller, method, args: Value, deposit, code| Case { caller, method, args, deposit, code };
    let reference = json!(AgentRef { agent });
    let unknown = json!(AgentRef { agent: 99 });
    let set_card = |uri: &str, expected_revision| json!(SetCard { agent, card: card(uri), expected_revision });
    let to_eve = json!(AgentAccount { agent, account: eve.id().clone() });
    let pause = |for_ms| json!(Pause { agent, for_ms });
    let cases = [
        by(&eve, "set_card", set_card("https://e", 1), 1, "REGISTRY_NOT_PERMITTED"),
        by(&alice, "set_card", set_card("https://e", 2), 1, "REGISTRY_CARD_REVISION"),
        by(&alice, "set_card", set_card("https://e", 1), 0, "CHARTER_ONE_YOCTO"),
        by(&alice, "set_card", set_card(&"u".repeat(129), 1), DEPOSIT, "REGISTRY_CARD_URI"),
        by(&alice, "set_card", json!({ "agent": agent, "extra": 1 }), 1, "CHARTER_BAD_ARGUMENTS"),
        by(&alice, "register_agent", json!({ "card": card("x"), "extra": 1 }), DEPOSIT, "CHARTER_BAD_ARGUMENTS"),
        by(&alice, "register_agent", json!({ "card": card("x") }), 0, "CHARTER_ONE_YOCTO"),
        by(&alice, "register_agent", json!({ "card": card("x") }), 1, "CHARTER_STORAGE_SHORT"),
        by(&alice, "register_agent", json!({ "card": card("") }), DEPOSIT, "REGISTRY_CARD_URI"),
        by(&eve, "retire", reference.clone(), 1, "REGISTRY_NOT_OWNER"),
        by(&alice, "retire", reference.clone(), 2, "CHARTER_ONE_YOCTO"),
        by(&alice, "retire", unknown.clone(), 1, "REGISTRY_UNKNOWN_AGENT"),
        by(&alice, "retire", json!({ "agent": "one" }), 1, "CHARTER_BAD_ARGUMENTS"),
        by(&eve, "pause", pause(Some(1)), 0, "REGISTRY_NOT_GUARDIAN"),
        by(&guard, "pause", pause(None), 0, "REGISTRY_PAUSE_LENGTH"),
        by(&guard, "pause", pause(Some(1)), 1, "CHARTER_NO_DEPOSIT"),
        by(&guard, "unpause", reference.clone(), 1, "REGISTRY_NOT_OWNER"),
        by(&alice, "unpause", reference.clone(), 1, "REGISTRY_NOT_PAUSED"),
        by(&eve, "revoke_all", reference.clone(), 0, "REGISTRY_NOT_GUARDIAN"),
        by(&eve, "panic_all", json!({}), 1, "REGISTRY_NOT_OWNER"),
        by(&alice, "panic_all", json!({}), 0, "CHARTER_ONE_YOCTO"),
        by(&eve, "rearm", json!(Rearm { agents: vec![agent] }), 1, "REGISTRY_NOT_OWNER"),
        by(&alice, "rearm", json!(Rearm { agents: vec![agent; 9] }), 1, "REGISTRY_TOO_MANY_AGENTS"),
        by(&eve, "offer_transfer", to_eve.clone(), 1, "REGISTRY_NOT_OWNER"),
        by(&eve, "accept_transfer", reference.clone(), DEPOSIT, "REGISTRY_NOT_OFFERED"),
        by(&eve, "set_guardian", to_eve.clone(), 1, "REGISTRY_NOT_OWNER"),
        by(
            &eve,
            "remove_guardian",
            json!(AgentAccount { agent, account: guard.id().clone() }),
            1,
            "REGISTRY_NOT_OWNER",
        ),
        by(&alice, "remove_guardian", to_eve, 1, "REGISTRY_UNKNOWN_GUARDIAN"),
        by(&eve, "set_governance", json!({ "account": eve.id() }), 0, "CHARTER_NOT_ADMIN"),
        by(&eve, "pause_feature", json!({ "feature": "register", "for_ms": 1 }), 0, "CHARTER_NOT_PAUSER"),
        by(&eve, "upgrade", json!({}), 0, "CHARTER_NOT_ADMIN"),
        by(&eve, "nft_transfer", json!({ "receiver_id": guard.id(), "token_id": "1" }), 1, "REGISTRY_NOT_OWNER"),
        by(&alice, "nft_transfer", json!({ "receiver_id": eve.id(), "token_id": "1" }), 1, "REGISTRY_NOT_TRANSFERABLE"),
        by(&eve, "storage_withdraw", json!({}), 1, "CHARTER_STORAGE_UNKNOWN"),
    ];
    let registry = &harness.contracts.registry;
    let before = state(&harness, registry).await;
    for Case { caller, method, args, deposit, code } in cases {
        let balance = caller.view_account().await.unwrap().balance.as_yoctonear();
        let outcome = caller.send(registry, method, args.clone(), deposit).await.unwrap();
        assert_eq!(failed_with(&outcome).as_deref(), Some(code), "{method} {args}");
        let spent = balance - caller.view_account().await.unwrap().balance.as_yoctonear();
        let burnt: u128 = outcome.outcomes().iter().map(|each| each.tokens_burnt.as_yoctonear()).sum();
        assert_eq!(spent, burnt, "{method}: the deposit did not come back");
        assert_eq!(state(&harness, registry).await, before, "{method} {args} left a trace");
    }
}
