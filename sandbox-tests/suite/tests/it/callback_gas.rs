//! The worst case of callbacks that have something reserved, beside the gas that is set aside for them: a fifth more at
//! least, or an unlucky call would leave its reservation behind.

mod escrow;
mod governance;
mod tasks;

use std::time::Duration;

use charter_harness::{Call, Caller, Harness, call, ok};
use charter_types::keys::args::{
    AddCredential, AddWraps, CreateSecret, Delegate, GrantBatch, GrantTerms, Narrow, PutEnvelope, RotateSecret,
};
use charter_types::keys::methods as keys;
use charter_types::keys::{Allowance, Envelope, Grantee, Mode, Policy, Unit, Wrap};
use charter_types::registry::args::{AgentAccount, SetHandle, SetRecoverers};
use charter_types::registry::methods as registry_methods;
use charter_types::registry::{HAND_OVER_MARGIN_MS, RECOVERERS_MAX, RECOVERY_MS_MIN, Recoverers};
use charter_types::{Base64Bytes, Hash32, U128};
use near_workspaces::{Account, AccountId};

use crate::grants_in_use::{Scene, scene_on};
use charter_harness::arguments::{DEPOSIT, accept, policy, prepay, register, register_host};

/// What `gas::callback` of the contract gives, in TGas: for nothing, and for each row.
const BASE_TGAS: f64 = 6.0;
const ROW_TGAS: f64 = 1.3;

/// TGas of the last of the contract's own receipts that did something: its callback.
async fn callback_tgas(scene: &Scene, by: &Account, sent: Call) -> f64 {
    callback_tgas_of(&scene.keys, by, sent, 1).await
}

/// The same of any contract.
async fn callback_tgas_of(contract: &AccountId, by: &Account, sent: Call, deposit: u128) -> f64 {
    let what = sent.to_string();
    let outcome = by.send(contract, sent.tgas(100), deposit).await.unwrap();
    assert!(outcome.is_success(), "{what}: {outcome:?}");
    let receipts = outcome.receipt_outcomes();
    let own: Vec<u64> =
        receipts.iter().filter(|each| each.executor_id == *contract).map(|each| each.gas_burnt.as_gas()).collect();
    assert!(own.len() >= 2, "{what} asked nobody");
    f64::from(u32::try_from(own[1] / 1_000_000).unwrap()) / 1_000_000.0
}

/// As long as policies get, and as their events get.
fn widest(path: &str) -> Policy {
    let mut widest = policy("/");
    widest.targets[0].paths = (0..7).map(|number| format!("{path}{number}{}", "p".repeat(110))).collect();
    widest
}

#[tokio::test]
async fn a_callbacks_static_gas_is_a_fifth_above_its_worst_case() {
    let scene = scene_on(Harness::start().await.unwrap()).await;
    let (alice, bob) = (&scene.alice, &scene.bob);
    for seed in 10..16 {
        register_host(&scene.harness, &scene.keys, &scene.hosts[0], seed).await;
    }
    for person in [alice, bob] {
        prepay(person, &scene.keys, 50 * DEPOSIT).await;
    }
    let hosts: Vec<u64> = (1..=8).collect();
    let wraps: Vec<Wrap> =
        hosts.iter().map(|host| Wrap { host: *host, host_generation: 0, sealed: Base64Bytes(vec![2; 128]) }).collect();
    let envelope = Envelope::Inline(Base64Bytes(vec![1; 4_096]));
    let asset = Allowance { unit: Unit::Asset("a".repeat(64)), capacity: U128(9), refill: U128(3), period_ms: 1_000 };
    let terms = |policy: Policy| GrantTerms {
        budget: Some(asset.clone()),
        hosts: vec![1, 2, 3, 4],
        measurements: (1..=4).map(|byte| Hash32([byte; 32])).collect(),
        needs_approval: true,
        policy,
        ..scene.terms(Grantee::Account(bob.id().clone()), "/")
    };
    let (short, long) = (policy("/"), widest("/"));
    let credential = |label, ceiling: &Policy, grants| AddCredential {
        agent: scene.agent,
        epochs: None,
        label_hash: Hash32([label; 32]),
        ceiling: ceiling.clone(),
        envelope: envelope.clone(),
        wraps: wraps.clone(),
        rotate_by_ms: 0,
        grants,
    };
    let mut worst: Vec<(&str, usize, f64)> = Vec::new();
    // As many grants as fit the log; then the longest policies.
    for (label, count, ceiling) in [(1, 6, &short), (2, 4, &long)] {
        let args = credential(label, ceiling, vec![terms(ceiling.clone()); count]);
        let took = callback_tgas(&scene, alice, call(keys::add_credential, &args)).await;
        worst.push(("add_credential", 3 + 2 * 8 + 2 * count, took));
    }
    let create = CreateSecret {
        agent: scene.agent,
        label_hash: Hash32([3; 32]),
        mode: Mode::External,
        ceiling: long.clone(),
        sha256: Hash32([1; 32]),
        rotate_by_ms: 0,
        grants: vec![terms(long.clone()); 4],
    };
    worst.push(("create_secret", 2 + 2 * 4, callback_tgas(&scene, alice, call(keys::create_secret, &create)).await));
    let batch = GrantBatch { secret: 2, ceiling: long.clone(), grants: vec![terms(long.clone()); 4] };
    worst.push(("grant_batch", 2 * 4, callback_tgas(&scene, alice, call(keys::grant_batch, &batch)).await));
    let put = PutEnvelope { secret: 2, expected_version: 1, envelope: envelope.clone() };
    worst.push(("put_envelope", 1, callback_tgas(&scene, alice, call(keys::put_envelope, &put)).await));
    let rotate = RotateSecret { secret: 2, expected_version: 1, envelope, wraps: wraps.clone(), rotate_by_ms: 0 };
    worst.push(("rotate_secret", 1 + 3 * 8, callback_tgas(&scene, alice, call(keys::rotate_secret, &rotate)).await));
    let again = AddWraps { secret: 2, expected_version: 2, wraps };
    worst.push(("add_wraps", 2 * 8, callback_tgas(&scene, alice, call(keys::add_wraps, &again)).await));
    // Of the second credential, with the longest policies: grants 7 to 10.
    let mut parent = 7;
    for _ in 0..4 {
        let part = GrantTerms { hosts: Vec::new(), measurements: Vec::new(), ..terms(long.clone()) };
        let args = Delegate { parent, parent_policy: long.clone(), terms: part };
        let sent = call(keys::delegate, &args);
        let what = sent.to_string();
        let outcome = bob.send(&scene.keys, sent.clone().tgas(100), 1).await.unwrap();
        assert!(outcome.is_success(), "{what}: {outcome:?}");
        parent = charter_harness::answer(keys::delegate, &outcome).unwrap().grants[0];
        let receipts = outcome.receipt_outcomes();
        let own: Vec<u64> =
            receipts.iter().filter(|each| each.executor_id == scene.keys).map(|each| each.gas_burnt.as_gas()).collect();
        worst.push(("delegate", 2, f64::from(u32::try_from(own[1] / 1_000_000).unwrap()) / 1_000_000.0));
    }
    // By the owner, of what bob made: the registry is asked.
    let narrow = Narrow { grant: parent, policy: long.clone(), narrower: long, expires_ms: scene.expires_ms - 1 };
    worst.push(("narrow", 1, callback_tgas(&scene, alice, call(keys::narrow, &narrow)).await));
    for (method, rows, took) in worst {
        let rows_tgas = ROW_TGAS * f64::from(u32::try_from(rows).unwrap());
        let set_aside = BASE_TGAS + rows_tgas;
        println!("{method}: {rows} rows, {took:.2} of {set_aside:.1} TGas");
        assert!(took * 1.2 <= set_aside, "{method} takes {took:.2} TGas, {set_aside:.1} are set aside");
    }
}

/// What `gas::NFT_RESOLVE` of the registry gives.
const NFT_RESOLVE_TGAS: f64 = 25.0;

/// A receiver can give an agent as many recoverers and proposals as there may be before it answers that it keeps nothing.
/// Handing such an agent over takes as long in either direction.
#[tokio::test]
async fn the_way_back_of_an_agent_has_a_fifth_more_gas_than_it_takes_at_most() {
    let harness = Harness::start().await.unwrap();
    let registry = &harness.contracts.registry;
    let (owner, buyer) = (harness.account("owner").await.unwrap(), harness.account("buyer").await.unwrap());
    let mut friends = Vec::new();
    for number in 0..2 * RECOVERERS_MAX {
        friends.push(harness.account(&format!("{number:f>40}")).await.unwrap());
    }
    let guardians = friends[..8].iter().map(|friend| friend.id().clone()).collect();
    let agent = register(&harness, &owner, guardians).await;
    let handle = Some("h".repeat(32));
    ok(&owner, registry, registry_methods::set_handle, &SetHandle { agent, handle }, DEPOSIT).await;
    for group in friends.chunks(RECOVERERS_MAX) {
        let accounts = group.iter().map(|friend| friend.id().clone()).collect();
        let recoverers = Recoverers { accounts, threshold: 8, delay_ms: RECOVERY_MS_MIN };
        ok(&owner, registry, registry_methods::set_recoverers, &SetRecoverers { agent, recoverers }, DEPOSIT).await;
    }
    for friend in &friends[..RECOVERERS_MAX] {
        let to_buyer = AgentAccount { agent, account: buyer.id().clone() };
        ok(friend, registry, registry_methods::propose_recovery, &to_buyer, DEPOSIT).await;
    }
    let to_buyer = AgentAccount { agent, account: buyer.id().clone() };
    ok(&owner, registry, registry_methods::offer_transfer, &to_buyer, DEPOSIT).await;
    harness.wait(Duration::from_millis(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS)).await.unwrap();
    let args = accept(&harness, registry, agent).await;
    let outcome = buyer.send(registry, call(registry_methods::accept_transfer, &args), DEPOSIT).await.unwrap();
    assert!(outcome.is_success(), "{outcome:?}");
    let took = outcome.receipt_outcomes()[0].gas_burnt.as_gas();
    let took = f64::from(u32::try_from(took / 1_000_000).unwrap()) / 1_000_000.0;
    println!("the way back: {took:.2} of {NFT_RESOLVE_TGAS:.1} TGas");
    assert!(took * 1.2 <= NFT_RESOLVE_TGAS, "it takes {took:.2} TGas");
}
