//! Who owns an agent, who is paid for it, and who gets it back: NFT transfers, payout, recovery, batch, handles.

use std::fmt::Write;
use std::time::Duration;

use charter_harness::{Caller, Harness, answer, call, ok, refused, view};
use charter_types::registry::args::{
    AcceptPayout, AgentAccount, AgentRef, Handle, PlainAgent, RegisterAgents, SetAgentAccount, SetHandle, SetOperator,
    SetRecoverers, SetTransferable,
};
use charter_types::registry::methods as registry;
use charter_types::registry::nft::{NftTokensOf, NftTransfer};
use charter_types::registry::{
    Agent, BATCH_MAX, HAND_OVER_MARGIN_MS, HANDLE_REST_MS, Operator, Permission, RECOVERY_MS_MIN, Recoverers,
    Registered,
};
use charter_types::shared::methods as shared;
use charter_types::storage::StorageDeposit;
use charter_types::{Page, PageOf, U128};
use near_workspaces::operations::Function;
use near_workspaces::types::{Gas, NearToken};
use near_workspaces::{Account, AccountId};
use serde_json::{Value, json};

use charter_harness::arguments::{DEPOSIT, accept, approval, card, prepay, register, unregister};

async fn agent(harness: &Harness, id: u64) -> Agent {
    let found =
        view(&harness.worker, &harness.contracts.registry, registry::agent, &AgentRef { agent: id }).await.unwrap();
    found.unwrap()
}

/// A hand-over as a token; with a message it is for `nft_transfer_call`.
fn hand_over(agent: u64, to: &Account, msg: Option<&str>) -> NftTransfer {
    NftTransfer {
        receiver_id: to.id().clone(),
        token_id: agent.to_string(),
        approval_id: None,
        memo: None,
        msg: msg.map(str::to_owned),
    }
}

/// A receiver of NFTs that keeps what it is sent, gives it back, or fails, as `msg` says.
pub const RECEIVER: &str = r#"
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "register_len" (func $len (param i64) (result i64)))
  (import "env" "read_register" (func $read (param i64 i64)))
  (import "env" "value_return" (func $return (param i64 i64)))
  (memory 1)
  (data (i32.const 0) "falsetrue")
  (func $last (result i32)
    (call $input (i64.const 0))
    (call $read (i64.const 0) (i64.const 64))
    ;; The last letter of msg, which is the last field: {…"msg":"keep"}
    (i32.load8_u (i32.add (i32.const 61) (i32.wrap_i64 (call $len (i64.const 0))))))
  (func (export "nft_on_transfer")
    (local $letter i32)
    (local.set $letter (call $last))
    (if (i32.eq (local.get $letter) (i32.const 112)) ;; kee(p)
      (then (call $return (i64.const 5) (i64.const 0)) (return)))
    (if (i32.eq (local.get $letter) (i32.const 107)) ;; bac(k)
      (then (call $return (i64.const 4) (i64.const 5)) (return)))
    unreachable))
"#;

#[tokio::test]
async fn an_agent_moves_as_a_token_only_if_its_owner_opted_in_and_to_who_has_an_account() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let registry = &harness.contracts.registry;
    let id = register(&harness, &alice, vec![bob.id().clone()]).await;
    let before = agent(&harness, id).await;
    let to_bob = NftTransfer { memo: Some("sold".to_owned()), ..hand_over(id, &bob, None) };
    assert_eq!(refused(&alice, registry, registry::nft_transfer, &to_bob, 1).await, "REGISTRY_NOT_TRANSFERABLE");
    ok(&alice, registry, registry::set_transferable, &SetTransferable { agent: id, transferable: true }, 1).await;
    assert_eq!(refused(&bob, registry, registry::nft_transfer, &to_bob, 1).await, "REGISTRY_NOT_OWNER");
    assert_eq!(refused(&alice, registry, registry::nft_transfer, &to_bob, 0).await, "CHARTER_ONE_YOCTO");
    assert_eq!(refused(&alice, registry, registry::nft_transfer, &to_bob, 1).await, "REGISTRY_NOT_REGISTERED");
    ok(
        &bob,
        registry,
        shared::storage_deposit,
        &StorageDeposit { registration_only: Some(true), ..StorageDeposit::default() },
        DEPOSIT,
    )
    .await;
    // NEP-145's minimum is enough: what alice paid for the agent comes along.
    ok(&alice, registry, registry::nft_transfer, &to_bob, 1).await;
    let after = agent(&harness, id).await;
    assert_eq!((after.owner.as_str(), after.transferable), (bob.id().as_str(), true));
    assert!(after.epoch > before.epoch && after.guardians.is_empty());
    let supply = view(
        &harness.worker,
        registry,
        registry::nft_supply_for_owner,
        &NftTokensOf { account_id: bob.id().clone(), from_index: None, limit: None },
    )
    .await
    .unwrap();
    assert_eq!(supply, U128(1));
    // Alice pays for nothing any more.
    unregister(&alice, registry).await;
}

#[tokio::test]
async fn a_receiver_that_does_not_keep_an_agent_hands_it_back_with_a_new_epoch() {
    let harness = Harness::start().await.unwrap();
    let (alice, shop) = (harness.account("alice").await.unwrap(), harness.account("shop").await.unwrap());
    let registry = &harness.contracts.registry;
    shop.deploy(&wat::parse_str(RECEIVER).unwrap()).await.unwrap().into_result().unwrap();
    prepay(&shop, registry, DEPOSIT).await;
    let id = register(&harness, &alice, vec![]).await;
    prepay(&alice, registry, DEPOSIT).await;
    for (msg, kept) in [("back", false), ("fail", false), ("keep", true)] {
        ok(&alice, registry, registry::set_transferable, &SetTransferable { agent: id, transferable: true }, 1).await;
        let before = agent(&harness, id).await;
        let moved = ok(&alice, registry, registry::nft_transfer_call, &hand_over(id, &shop, Some(msg)), 1).await;
        assert_eq!(moved, kept, "{msg}");
        let after = agent(&harness, id).await;
        let owner = if kept { shop.id() } else { alice.id() };
        assert_eq!(after.owner.as_str(), owner.as_str(), "{msg}");
        assert!(after.epoch > before.epoch, "{msg}");
    }
    // Nothing stayed reserved of what alice had paid.
    unregister(&alice, registry).await;
}

/// A receiver that gives the agent back, but calls the registry first.
fn calling_receiver(registry: &AccountId, method: &str, args: &Value, deposit: u128) -> Vec<u8> {
    let mut yocto = String::new();
    for byte in deposit.to_le_bytes() {
        write!(yocto, "\\{byte:02x}").unwrap();
    }
    let (registry, args) = (registry.as_str(), args.to_string());
    let text = format!(
        r#"(module
          (import "env" "promise_create"
            (func $call (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
          (import "env" "value_return" (func $return (param i64 i64)))
          (memory 1)
          (data (i32.const 0) "{registry}")
          (data (i32.const 100) "{method}")
          (data (i32.const 200) "{yocto}")
          (data (i32.const 300) "true")
          (data (i32.const 400) "{}")
          (func (export "nft_on_transfer")
            (drop (call $call (i64.const {}) (i64.const 0) (i64.const {}) (i64.const 100)
              (i64.const {}) (i64.const 400) (i64.const 200) (i64.const 30000000000000)))
            (call $return (i64.const 4) (i64.const 300))))"#,
        args.replace('"', "\\22"),
        registry.len(),
        method.len(),
        args.len(),
    );
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn an_agent_that_its_receiver_made_larger_comes_back_with_what_that_costs() {
    let harness = Harness::start().await.unwrap();
    let (alice, shop) = (harness.account("alice").await.unwrap(), harness.account("shop").await.unwrap());
    let registry = &harness.contracts.registry;
    let id = register(&harness, &alice, vec![]).await;
    let card = card(&format!("https://{}", "u".repeat(120)));
    // Larger than what its sender paid for; the receiver pays for that itself.
    let fatter = json!({ "agent": id, "card": card, "expected_revision": 1 });
    let receiver = calling_receiver(registry, "set_card", &fatter, 1_000_000_000_000_000_000);
    shop.deploy(&receiver).await.unwrap().into_result().unwrap();
    for account in [&alice, &shop] {
        prepay(account, registry, DEPOSIT).await;
    }
    ok(&alice, registry, registry::set_transferable, &SetTransferable { agent: id, transferable: true }, 1).await;
    let moved = ok(&alice, registry, registry::nft_transfer_call, &hand_over(id, &shop, Some("")), 1).await;
    assert!(!moved, "the way back was not paid for");
    let back = agent(&harness, id).await;
    assert_eq!((back.owner.as_str(), back.card.uri.len()), (alice.id().as_str(), 128));
    let list = view(
        &harness.worker,
        registry,
        registry::agents_of,
        &PageOf { account: alice.id().clone(), from: 0, limit: None },
    )
    .await
    .unwrap();
    assert_eq!(list, [back]);
    ok(&alice, registry, registry::retire, &AgentRef { agent: id }, 1).await;
    for account in [&alice, &shop] {
        unregister(account, registry).await;
    }
}

/// A receiver that had no agent keeps an owner's row for those that it is given before it answers, so a sender's last agent
/// does not bring its own back. Leave the row out of `way_back_bytes` and the refused agent stays where it is.
#[tokio::test]
async fn a_last_agent_comes_back_from_who_has_others_by_then() {
    let harness = Harness::start().await.unwrap();
    let (alice, shop) = (harness.account("alice").await.unwrap(), harness.account("shop").await.unwrap());
    let registry = &harness.contracts.registry;
    let id = register(&harness, &alice, vec![]).await;
    let another = json!({ "card": card("https://another"), "agent_account": null });
    let receiver = calling_receiver(registry, "register_agent", &another, DEPOSIT);
    shop.deploy(&receiver).await.unwrap().into_result().unwrap();
    let least = StorageDeposit { registration_only: Some(true), ..StorageDeposit::default() };
    ok(&shop, registry, shared::storage_deposit, &least, DEPOSIT).await;
    ok(&alice, registry, registry::set_transferable, &SetTransferable { agent: id, transferable: true }, 1).await;
    let to_shop = hand_over(id, &shop, Some(""));
    assert_eq!(refused(&alice, registry, registry::nft_transfer_call, &to_shop, 1).await, "CHARTER_STORAGE_SHORT");
    prepay(&alice, registry, 86 * 10_000_000_000_000_000_000).await;
    let moved = ok(&alice, registry, registry::nft_transfer_call, &to_shop, 1).await;
    assert!(!moved, "the way back was not paid for");
    assert_eq!(agent(&harness, id).await.owner.as_str(), alice.id().as_str());
    assert_eq!(agent(&harness, id + 1).await.owner.as_str(), shop.id().as_str());
    ok(&alice, registry, registry::retire, &AgentRef { agent: id }, 1).await;
    unregister(&alice, registry).await;
}

/// Each of two agents on their way is the last one for the other. Reserve an owner's row for a last agent alone, and the first
/// of two goes to the shop without what its way back costs.
#[tokio::test]
async fn two_agents_on_their_way_both_come_back() {
    let harness = Harness::start().await.unwrap();
    let (alice, shop) = (harness.account("alice").await.unwrap(), harness.account("shop").await.unwrap());
    let registry = &harness.contracts.registry;
    shop.deploy(&wat::parse_str(RECEIVER).unwrap()).await.unwrap().into_result().unwrap();
    register(&harness, &shop, vec![]).await;
    let agents = [register(&harness, &alice, vec![]).await, register(&harness, &alice, vec![]).await];
    for agent in agents {
        ok(&alice, registry, registry::set_transferable, &SetTransferable { agent, transferable: true }, 1).await;
        let to_shop = hand_over(agent, &shop, Some("back"));
        assert_eq!(refused(&alice, registry, registry::nft_transfer_call, &to_shop, 1).await, "CHARTER_STORAGE_SHORT");
    }
    prepay(&alice, registry, 2 * 87 * 10_000_000_000_000_000_000).await;
    let mut both = alice.batch(registry);
    for agent in agents {
        let args = hand_over(agent, &shop, Some("back"));
        let call = Function::new("nft_transfer_call").args_json(args).gas(Gas::from_tgas(120));
        both = both.call(call.deposit(NearToken::from_yoctonear(1)));
    }
    assert!(both.transact().await.unwrap().is_success());
    for id in agents {
        assert_eq!(agent(&harness, id).await.owner.as_str(), alice.id().as_str());
        ok(&alice, registry, registry::retire, &AgentRef { agent: id }, 1).await;
    }
    unregister(&alice, registry).await;
}

#[tokio::test]
async fn payout_changes_only_with_both_consents_and_a_sale_clears_it() {
    let harness = Harness::start().await.unwrap();
    let (alice, bank, op) = (
        harness.account("alice").await.unwrap(),
        harness.account("bank").await.unwrap(),
        harness.account("op").await.unwrap(),
    );
    let registry = &harness.contracts.registry;
    let id = register(&harness, &alice, vec![op.id().clone()]).await;
    let permissions = vec![Permission::Card, Permission::AgentAccount, Permission::Keys, Permission::Attest];
    let operator = Operator { account: op.id().clone(), permissions, expires_ms: u64::MAX };
    ok(&alice, registry, registry::set_operator, &SetOperator { agent: id, operator }, DEPOSIT).await;
    let to_op = AgentAccount { agent: id, account: op.id().clone() };
    assert_eq!(
        refused(&op, registry, registry::set_payout, &to_op, 1).await,
        "REGISTRY_NOT_OWNER",
        "an operator redirects payout"
    );
    let of_alice = AcceptPayout { agent: id, owner: alice.id().clone() };
    assert_eq!(refused(&op, registry, registry::accept_payout, &of_alice, 1).await, "REGISTRY_NOT_OFFERED");
    ok(&alice, registry, registry::set_payout, &AgentAccount { agent: id, account: bank.id().clone() }, DEPOSIT).await;
    assert_eq!(agent(&harness, id).await.payout.as_str(), alice.id().as_str(), "payout moved without consent");
    let of_another = AcceptPayout { owner: op.id().clone(), ..of_alice.clone() };
    assert_eq!(refused(&bank, registry, registry::accept_payout, &of_another, 1).await, "REGISTRY_CHANGED");
    ok(&bank, registry, registry::accept_payout, &of_alice, 1).await;
    assert_eq!(agent(&harness, id).await.payout.as_str(), bank.id().as_str());
    ok(&alice, registry, registry::offer_transfer, &AgentAccount { agent: id, account: op.id().clone() }, DEPOSIT)
        .await;
    ok(&op, registry, registry::accept_transfer, &accept(&harness, registry, id).await, DEPOSIT).await;
    let sold = agent(&harness, id).await;
    assert_eq!((sold.payout.as_str(), sold.payout_offered_to), (op.id().as_str(), None));
}

#[tokio::test]
async fn a_lost_agent_comes_back_by_threshold_and_delay_and_a_veto_stops_it() {
    let harness = Harness::start().await.unwrap();
    let mut people = Vec::new();
    for name in ["alice", "r1", "r2", "new", "eve"] {
        people.push(harness.account(name).await.unwrap());
    }
    let [alice, r1, r2, new, eve] = <[Account; 5]>::try_from(people).unwrap();
    let registry = &harness.contracts.registry;
    let id = register(&harness, &alice, vec![]).await;
    let recoverers =
        Recoverers { accounts: vec![r1.id().clone(), r2.id().clone()], threshold: 2, delay_ms: RECOVERY_MS_MIN };
    ok(&alice, registry, registry::set_recoverers, &SetRecoverers { agent: id, recoverers }, DEPOSIT).await;
    let to_new = AgentAccount { agent: id, account: new.id().clone() };
    let by_r1 = AgentAccount { agent: id, account: r1.id().clone() };
    assert_eq!(refused(&eve, registry, registry::propose_recovery, &to_new, DEPOSIT).await, "REGISTRY_NOT_RECOVERER");
    for veto in [true, false] {
        ok(&r1, registry, registry::propose_recovery, &to_new, DEPOSIT).await;
        let agreed = approval(&harness, registry, id, r1.id()).await;
        assert_eq!(refused(&eve, registry, registry::approve_recovery, &agreed, 1).await, "REGISTRY_NOT_RECOVERER");
        assert_eq!(refused(&eve, registry, registry::execute_recovery, &by_r1, DEPOSIT).await, "REGISTRY_NO_RECOVERY");
        ok(&r2, registry, registry::approve_recovery, &agreed, 1).await;
        assert_eq!(refused(&eve, registry, registry::execute_recovery, &by_r1, DEPOSIT).await, "REGISTRY_NOT_YET");
        harness.wait(Duration::from_millis(RECOVERY_MS_MIN)).await.unwrap();
        if veto {
            ok(&alice, registry, registry::veto_recovery, &AgentRef { agent: id }, 1).await;
            assert_eq!(
                refused(&eve, registry, registry::execute_recovery, &by_r1, DEPOSIT).await,
                "REGISTRY_NO_RECOVERY"
            );
        }
    }
    assert_eq!(refused(&eve, registry, registry::execute_recovery, &by_r1, DEPOSIT).await, "REGISTRY_NOT_REGISTERED");
    let registration_only = StorageDeposit { registration_only: Some(true), ..StorageDeposit::default() };
    ok(&new, registry, shared::storage_deposit, &registration_only, DEPOSIT).await;
    let epoch = agent(&harness, id).await.epoch;
    ok(&eve, registry, registry::execute_recovery, &by_r1, DEPOSIT).await;
    let back = agent(&harness, id).await;
    assert!(back.owner.as_str() == new.id().as_str() && back.epoch > epoch);
    // The lost owner's and the proposer's storage is free again.
    for account in [&alice, &r1] {
        unregister(account, registry).await;
    }
}

#[tokio::test]
async fn recoverers_that_a_stolen_key_named_to_come_do_not_come_after_a_recovery() {
    let harness = Harness::start().await.unwrap();
    let mut people = Vec::new();
    for name in ["alice", "friend", "sock", "new"] {
        let person = harness.account(name).await.unwrap();
        prepay(&person, &harness.contracts.registry, DEPOSIT).await;
        people.push(person);
    }
    let [alice, friend, sock, new] = <[Account; 4]>::try_from(people).unwrap();
    let registry = &harness.contracts.registry;
    let id = register(&harness, &alice, vec![]).await;
    for account in [&friend, &sock] {
        let recoverers = Recoverers { accounts: vec![account.id().clone()], threshold: 1, delay_ms: RECOVERY_MS_MIN };
        ok(&alice, registry, registry::set_recoverers, &SetRecoverers { agent: id, recoverers }, DEPOSIT).await;
    }
    let to_new = AgentAccount { agent: id, account: new.id().clone() };
    ok(&friend, registry, registry::propose_recovery, &to_new, DEPOSIT).await;
    harness.wait(Duration::from_millis(RECOVERY_MS_MIN)).await.unwrap();
    let by_friend = AgentAccount { agent: id, account: friend.id().clone() };
    ok(&friend, registry, registry::execute_recovery, &by_friend, DEPOSIT).await;
    harness.wait(Duration::from_millis(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS)).await.unwrap();
    let to_sock = AgentAccount { agent: id, account: sock.id().clone() };
    let code = refused(&sock, registry, registry::propose_recovery, &to_sock, DEPOSIT).await;
    assert_eq!(code, "REGISTRY_NOT_RECOVERER");
}

#[tokio::test]
async fn a_stolen_key_cannot_outrun_recovery() {
    let harness = Harness::start().await.unwrap();
    let (alice, eve, friend) = (
        harness.account("alice").await.unwrap(),
        harness.account("eve").await.unwrap(),
        harness.account("friend").await.unwrap(),
    );
    let registry = &harness.contracts.registry;
    let id = register(&harness, &alice, vec![]).await;
    let recoverers = Recoverers { accounts: vec![friend.id().clone()], threshold: 1, delay_ms: RECOVERY_MS_MIN };
    ok(&alice, registry, registry::set_recoverers, &SetRecoverers { agent: id, recoverers }, DEPOSIT).await;
    ok(&alice, registry, registry::set_transferable, &SetTransferable { agent: id, transferable: true }, DEPOSIT).await;
    prepay(&eve, registry, DEPOSIT).await;
    // With alice's key: sell it, move it as a token, drop the recoverers.
    let token = hand_over(id, &eve, None);
    assert_eq!(refused(&alice, registry, registry::nft_transfer, &token, 1).await, "REGISTRY_GUARDED");
    ok(&alice, registry, registry::offer_transfer, &AgentAccount { agent: id, account: eve.id().clone() }, DEPOSIT)
        .await;
    assert_eq!(
        refused(&eve, registry, registry::accept_transfer, &accept(&harness, registry, id).await, DEPOSIT).await,
        "REGISTRY_NOT_YET"
    );
    assert_eq!(refused(&alice, registry, registry::retire, &AgentRef { agent: id }, 1).await, "REGISTRY_GUARDED");
    harness.wait(Duration::from_millis(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS - 60_000)).await.unwrap();
    assert_eq!(
        refused(&eve, registry, registry::accept_transfer, &accept(&harness, registry, id).await, DEPOSIT).await,
        "REGISTRY_NOT_YET"
    );
    // Dropping the recoverers ends the offer, and they can act as long as it takes.
    let nobody = Recoverers { accounts: vec![], threshold: 0, delay_ms: 0 };
    ok(&alice, registry, registry::set_recoverers, &SetRecoverers { agent: id, recoverers: nobody }, DEPOSIT).await;
    assert_eq!(
        refused(&eve, registry, registry::accept_transfer, &accept(&harness, registry, id).await, DEPOSIT).await,
        "REGISTRY_NOT_OFFERED"
    );
    harness.wait(Duration::from_millis(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS - 60_000)).await.unwrap();
    ok(
        &friend,
        registry,
        registry::propose_recovery,
        &AgentAccount { agent: id, account: friend.id().clone() },
        DEPOSIT,
    )
    .await;
}

#[tokio::test]
async fn the_largest_batch_fits_and_is_all_or_nothing() {
    let harness = Harness::start().await.unwrap();
    let alice = harness.account(&"a".repeat(40)).await.unwrap();
    let registry = &harness.contracts.registry;
    let bot: AccountId = "b".repeat(64).parse().unwrap();
    let plain = |uri: String| PlainAgent { card: card(&uri), agent_account: Some(bot.clone()) };
    let agents: Vec<PlainAgent> = (0..BATCH_MAX).map(|number| plain(format!("https://{number:0>120}"))).collect();
    let mut spoilt = agents.clone();
    spoilt[BATCH_MAX - 1] = plain(String::new());
    let too_many = [agents.clone(), vec![plain("https://x".to_owned())]].concat();
    for (agents, code) in [
        (spoilt, "REGISTRY_BAD_CARD_URI"),
        (too_many, "REGISTRY_TOO_MANY_AGENTS"),
        (vec![], "REGISTRY_TOO_MANY_AGENTS"),
    ] {
        let args = RegisterAgents { agents };
        assert_eq!(refused(&alice, registry, registry::register_agents, &args, 10 * DEPOSIT).await, code);
    }
    let outcome =
        alice.send(registry, call(registry::register_agents, &RegisterAgents { agents }), 10 * DEPOSIT).await.unwrap();
    let ids = answer(registry::register_agents, &outcome).unwrap();
    assert_eq!(ids, (1..=u64::try_from(BATCH_MAX).unwrap()).collect::<Vec<_>>());
    let logged = outcome.logs().iter().map(|log| log.len()).sum::<usize>();
    assert!(logged < 16_384, "{logged} bytes of logs");
    // The compact event says the same as the views.
    let event: Value = serde_json::from_str(outcome.logs()[0].strip_prefix("EVENT_JSON:").unwrap()).unwrap();
    let registered: Registered = serde_json::from_value(event["data"][0]["new"]["agents"].clone()).unwrap();
    let views = view(&harness.worker, registry, registry::agents, &Page::default()).await.unwrap();
    assert_eq!(registered.agents().collect::<Vec<_>>(), views);
}

#[tokio::test]
async fn handles_are_unique_move_with_the_agent_and_come_free() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    let registry = &harness.contracts.registry;
    let (first, second) = (register(&harness, &alice, vec![]).await, register(&harness, &bob, vec![]).await);
    let set = |agent, handle: Option<&str>| SetHandle { agent, handle: handle.map(str::to_owned) };
    assert_eq!(
        refused(&bob, registry, registry::set_handle, &set(first, Some("scout")), 1).await,
        "REGISTRY_NOT_OWNER"
    );
    assert_eq!(
        refused(&alice, registry, registry::set_handle, &set(first, Some("Scout")), DEPOSIT).await,
        "REGISTRY_BAD_HANDLE"
    );
    ok(&alice, registry, registry::set_handle, &set(first, Some("scout")), DEPOSIT).await;
    assert_eq!(
        refused(&bob, registry, registry::set_handle, &set(second, Some("scout")), DEPOSIT).await,
        "REGISTRY_HANDLE_TAKEN"
    );
    ok(&alice, registry, registry::offer_transfer, &AgentAccount { agent: first, account: bob.id().clone() }, DEPOSIT)
        .await;
    ok(&bob, registry, registry::accept_transfer, &accept(&harness, registry, first).await, DEPOSIT).await;
    let found =
        view(&harness.worker, registry, registry::by_handle, &Handle { handle: "scout".to_owned() }).await.unwrap();
    assert_eq!(found.unwrap().owner.as_str(), bob.id().as_str());
    unregister(&alice, registry).await;
    ok(&bob, registry, registry::retire, &AgentRef { agent: first }, 1).await;
    // Whoever gave it back may take it again, nobody else for a month.
    ok(&bob, registry, registry::set_handle, &set(second, Some("scout")), DEPOSIT).await;
    ok(&bob, registry, registry::set_handle, &set(second, None), 1).await;
    let third = register(&harness, &alice, vec![]).await;
    let scout = Handle { handle: "scout".to_owned() };
    for _ in 0..2 {
        assert_eq!(
            refused(&alice, registry, registry::set_handle, &set(third, Some("scout")), DEPOSIT).await,
            "REGISTRY_HANDLE_RESTS"
        );
        assert_eq!(refused(&alice, registry, registry::release_handle, &scout, 0).await, "REGISTRY_HANDLE_RESTS");
        harness.wait(Duration::from_millis(HANDLE_REST_MS / 2 - 60_000)).await.unwrap();
    }
    harness.wait(Duration::from_mins(2)).await.unwrap();
    ok(&alice, registry, registry::set_handle, &set(third, Some("scout")), DEPOSIT).await;
    ok(&bob, registry, registry::retire, &AgentRef { agent: second }, 1).await;
    unregister(&bob, registry).await;
    ok(&alice, registry, registry::set_handle, &set(third, None), 1).await;
    harness.wait(Duration::from_millis(HANDLE_REST_MS)).await.unwrap();
    ok(&bob, registry, registry::release_handle, &scout, 0).await;
    assert_eq!(refused(&bob, registry, registry::release_handle, &scout, 0).await, "REGISTRY_UNKNOWN_HANDLE");
    ok(&alice, registry, registry::retire, &AgentRef { agent: third }, 1).await;
    unregister(&alice, registry).await;
    let gone = view(&harness.worker, registry, registry::by_handle, &scout).await.unwrap();
    assert_eq!(gone, None);
}

#[tokio::test]
async fn only_the_agents_own_account_says_that_it_is_alive() {
    let harness = Harness::start().await.unwrap();
    let (alice, bot) = (harness.account("alice").await.unwrap(), harness.account("bot").await.unwrap());
    let registry = &harness.contracts.registry;
    let id = register(&harness, &alice, vec![]).await;
    let reference = AgentRef { agent: id };
    let account = SetAgentAccount { agent: id, agent_account: Some(bot.id().clone()) };
    ok(&alice, registry, registry::set_agent_account, &account, DEPOSIT).await;
    assert_eq!(refused(&alice, registry, registry::heartbeat, &reference, 0).await, "REGISTRY_NOT_AGENT");
    assert_eq!(refused(&bot, registry, registry::heartbeat, &reference, 1).await, "CHARTER_NO_DEPOSIT");
    assert_eq!(refused(&bot, registry, registry::heartbeat, &reference, 0).await, "CHARTER_STORAGE_SHORT");
    prepay(&alice, registry, DEPOSIT).await;
    ok(&bot, registry, registry::heartbeat, &reference, 0).await;
    let seen = view(&harness.worker, registry, registry::heartbeats, &Page::default()).await.unwrap();
    assert!(seen.len() == 1 && seen[0].agent == id && seen[0].last_seen_ms > 0);
    ok(&bot, registry, registry::renounce, &reference, 0).await;
    assert_eq!(refused(&bot, registry, registry::heartbeat, &reference, 0).await, "REGISTRY_NOT_AGENT");
}
