//! Every kind of row in keys has a payer, and an exit by which the payer gets its storage back to the byte.
//!
//! | row | payer | exit |
//! |---|---|---|
//! | storage account | its owner | `storage_unregister` |
//! | host | its operator | `remove_host` |
//! | secret, label | who added it | `retire_secret`, `clean_secret`, `forget_secret` once the agent's epochs moved or it is gone |
//! | envelope | who put it | `retire_secret` |
//! | data key, recipient | who sealed it | `rotate_secret` for hosts that are sealed to again; `clean_secret` |
//! | grant, budget | who granted it | `remove_grant` once it is dead, by `revoke_grant` at the latest |
//! | lease | the host's operator | `settle`; `expire` by anybody |
//! | approval | who asked | use, `withdraw_approval`; by anybody once it is over |
//!
//! Reservations for callbacks are part of the storage account: `storage_withdraw`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use charter_harness::{Harness, ok, refused, view};
use charter_types::keys::args::{
    AddWraps, GrantRef, GrantTerms, HostRef, LeaseRef, RequestApproval, RotateSecret, SecretRef,
};
use charter_types::keys::args::{ApprovalRef, Reserve};
use charter_types::keys::methods as keys;
use charter_types::keys::{Envelope, Host, Wrap};
use charter_types::registry::args::AgentRef;
use charter_types::registry::methods as registry;
use charter_types::shared::methods as shared;
use charter_types::storage::{StorageOf, StorageUnregister, StorageWithdraw};
use charter_types::{Base64Bytes, Hash32, Nothing, U128};
use near_workspaces::{Account, AccountId};

use crate::grants_in_use::{Scene, reserve, scene_on, uses};
use charter_harness::arguments::{DEPOSIT, prepay, register_host};

/// First bytes of storage keys: storage accounts, then the tables in the order of `contracts/keys/src/storage.rs`, without
/// approvals as release `faa0a5a` kept them: `upgrade` has those.
const TABLES: [u8; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11];

async fn tables(scene: &Scene) -> BTreeSet<u8> {
    let rows = scene.harness.rows(&scene.keys).await.unwrap();
    rows.into_keys().filter(|key| key != b"STATE").map(|key| key[0]).collect()
}

async fn usage(scene: &Scene) -> u64 {
    scene.harness.worker.view_account(&scene.keys).await.unwrap().storage_usage
}

/// What an account is charged for. What pays for a row is in its deposit from then on.
async fn charged(scene: &Scene, person: &Account) -> u128 {
    let question = StorageOf { account_id: person.id().clone() };
    let found = view(&scene.harness.worker, &scene.keys, shared::storage_balance_of, &question).await.unwrap();
    found.map_or(0, |balance| balance.total.0 - balance.available.0)
}

async fn available(scene: &Scene, person: &Account) -> u128 {
    let question = StorageOf { account_id: person.id().clone() };
    let found = view(&scene.harness.worker, &scene.keys, shared::storage_balance_of, &question).await.unwrap();
    found.map_or(0, |balance| balance.available.0)
}

fn people(scene: &Scene) -> [&Account; 5] {
    [&scene.alice, &scene.bob, &scene.carol, &scene.hosts[0], &scene.hosts[1]]
}

#[tokio::test]
async fn every_kind_of_row_has_a_payer_and_an_exit() {
    let scene = scene_on(Harness::start().await.unwrap()).await;
    let [hal, hel] = &scene.hosts;
    let (alice, bob) = (&scene.alice, &scene.bob);
    // Hosts 1 and 2 are there.
    let mut own = BTreeMap::new();
    for person in people(&scene) {
        own.insert(person.id().clone(), charged(&scene, person).await);
    }
    let (before, mut seen) = (usage(&scene).await, tables(&scene).await);

    let here = GrantTerms { hosts: vec![1, 2], ..scene.to_bob() };
    let (secret, grant) = scene.add(1, GrantTerms { budget: Some(uses(9)), ..here.clone() }).await;
    let child = scene.delegate(grant, Some(uses(5))).await;
    let (other, asking) = scene.add(2, GrantTerms { needs_approval: true, ..here }).await;
    let wrap = |host| Wrap { host, host_generation: 0, sealed: Base64Bytes(vec![5; 128]) };
    // Of the first version a data key for host 2 is left behind.
    let envelope = Envelope::Inline(Base64Bytes(vec![7; 99]));
    let rotate = RotateSecret { secret, expected_version: 1, envelope, wraps: vec![wrap(1)], rotate_by_ms: 0 };
    scene.ok(alice, keys::rotate_secret, &rotate, 1).await;
    let more = AddWraps { secret, expected_version: 2, wraps: vec![wrap(2)] };
    scene.ok(alice, keys::add_wraps, &more, 1).await;
    let settled = scene.ok(hal, keys::reserve, &reserve(child, 1, 2), 0).await.unwrap();
    let expired = scene.ok(hel, keys::reserve, &reserve(child, 2, 2), 0).await.unwrap();
    let expires_ms = scene.harness.now_ms().await.unwrap() + 600_000;
    for digest in [1, 2, 3] {
        let digest = Hash32([digest; 32]);
        let ask = RequestApproval { grant: asking, digest, host: 1, expires_ms };
        scene.ok(bob, keys::request_approval, &ask, DEPOSIT).await;
        if digest == Hash32([2; 32]) {
            let answer = charter_types::keys::args::AnswerApproval { grant: asking, host: 1, digest, expires_ms };
            scene.ok(alice, keys::reject, &answer, 1).await;
        }
    }
    seen.extend(tables(&scene).await);
    assert_eq!(seen, TABLES.into_iter().collect(), "a kind of row is not walked");

    // Grants, from above, so that leases and approvals below have lost what they stand on.
    let settle = charter_types::keys::args::Settle { lease: settled, used: U128(1) };
    let alive = refused(alice, &scene.keys, keys::remove_grant, &GrantRef { grant }, 0).await;
    assert_eq!(alive, "KEYS_GRANT_ALIVE");
    for (by, grant) in [(alice, grant), (alice, asking)] {
        scene.ok(by, keys::revoke_grant, &GrantRef { grant }, 0).await;
        scene.ok(by, keys::remove_grant, &GrantRef { grant }, 0).await;
    }
    scene.ok(bob, keys::remove_grant, &GrantRef { grant: child }, 0).await;
    scene.ok(hal, keys::settle, &settle, 0).await;
    let withdrawn = |digest| ApprovalRef { grant: asking, host: Some(1), digest: Hash32([digest; 32]) };
    for digest in [1, 2] {
        // The grant is gone, so anybody may clear them away; who asked gets the storage.
        scene.ok(hel, keys::withdraw_approval, &withdrawn(digest), 0).await;
    }
    scene.ok(bob, keys::withdraw_approval, &withdrawn(3), 0).await;
    scene.harness.wait(Duration::from_secs(61)).await.unwrap();
    scene.ok(bob, keys::expire, &LeaseRef { lease: expired }, 0).await;
    // Secrets.
    let registry = scene.harness.contracts.registry.clone();
    for secret in [secret, other] {
        scene.ok(alice, keys::retire_secret, &SecretRef { secret }, 1).await;
        assert_eq!(scene.ok(alice, keys::clean_secret, &SecretRef { secret }, 0).await, 0);
    }
    ok(alice, &registry, registry::revoke_all, &AgentRef { agent: scene.agent }, 1).await;
    for secret in [secret, other] {
        scene.ok(hel, keys::forget_secret, &SecretRef { secret }, 0).await;
    }
    assert_eq!(usage(&scene).await, before, "rows were left behind");
    for person in people(&scene) {
        assert_eq!(charged(&scene, person).await, own[person.id()], "{}", person.id());
    }
    for (by, host) in [(hal, 1), (hel, 2)] {
        scene.ok(by, keys::remove_host, &HostRef { host }, 0).await;
    }
    assert_eq!(tables(&scene).await, BTreeSet::from([0]), "only storage accounts are left");
    for person in people(&scene) {
        assert!(ok(person, &scene.keys, shared::storage_unregister, &StorageUnregister::default(), 1).await);
    }
    assert!(tables(&scene).await.is_empty());
}

/// A label of an agent that is gone is free, too.
#[tokio::test]
async fn labels_of_a_retired_agent_give_their_storage_back() {
    let scene = scene_on(Harness::start().await.unwrap()).await;
    let before = usage(&scene).await;
    let (secret, grant) = scene.add(1, scene.to_bob()).await;
    scene.ok(&scene.alice, keys::retire_secret, &SecretRef { secret }, 1).await;
    scene.ok(&scene.alice, keys::clean_secret, &SecretRef { secret }, 0).await;
    let held = refused(&scene.bob, &scene.keys, keys::forget_secret, &SecretRef { secret }, 0).await;
    assert_eq!(held, "KEYS_LABEL_HELD");
    let registry = &scene.harness.contracts.registry;
    ok(&scene.alice, registry, registry::retire, &AgentRef { agent: scene.agent }, 1).await;
    scene.ok(&scene.bob, keys::forget_secret, &SecretRef { secret }, 0).await;
    scene.ok(&scene.alice, keys::remove_grant, &GrantRef { grant }, 0).await;
    assert_eq!(usage(&scene).await, before);
}

/// Leaves `bytes` of an account reserved, as a callback that never came does.
pub async fn leave_reserved(harness: &Harness, keys: &AccountId, account: &AccountId, bytes: u64) {
    let mut key = vec![0];
    key.extend(&charter_client::sha256(account.as_bytes())[..20]);
    // Deposit and bytes in use; then with a version before them, bytes reserved and the time of the last reservation behind.
    let row = harness.rows(keys).await.unwrap()[&key].clone();
    let (deposited, used) = row.split_at(16);
    let used = (u64::from_le_bytes(used.try_into().unwrap()) + bytes).to_le_bytes();
    let now_ms = harness.now_ms().await.unwrap().to_le_bytes();
    let row = [[1].as_slice(), deposited, &used, &bytes.to_le_bytes(), &now_ms].concat();
    harness.worker.patch(keys).state(&key, &row).transact().await.unwrap();
}

/// X1: what a callback that never came had reserved is its payer's again, an hour later. Today's callbacks come, so the
/// reservation of one that did not is patched in.
#[tokio::test]
async fn what_a_dead_callback_reserved_is_freed_after_an_hour() {
    let scene = scene_on(Harness::start().await.unwrap()).await;
    let carol = &scene.carol;
    let free = available(&scene, carol).await;
    leave_reserved(&scene.harness, &scene.keys, carol.id(), 5_000).await;
    assert_eq!(available(&scene, carol).await, free - 5_000 * 10_000_000_000_000_000_000);
    let (none, all) = (StorageWithdraw { amount: Some(U128(0)) }, StorageWithdraw { amount: None });
    scene.ok(carol, shared::storage_withdraw, &none, 1).await;
    assert_eq!(
        available(&scene, carol).await,
        free - 5_000 * 10_000_000_000_000_000_000,
        "its callback may still come"
    );
    scene.harness.wait(Duration::from_secs(3_601)).await.unwrap();
    scene.ok(&scene.bob, shared::storage_withdraw, &all, 1).await;
    assert_eq!(available(&scene, carol).await, free - 5_000 * 10_000_000_000_000_000_000, "a stranger frees nothing");
    scene.ok(carol, shared::storage_withdraw, &none, 1).await;
    assert_eq!(available(&scene, carol).await, free);
    scene.ok(carol, shared::storage_withdraw, &all, 1).await;
    // A closed account leaves nothing reserved behind either.
    leave_reserved(&scene.harness, &scene.keys, carol.id(), 5_000).await;
    scene.harness.wait(Duration::from_secs(3_601)).await.unwrap();
    assert!(scene.ok(carol, shared::storage_unregister, &StorageUnregister { force: None }, 1).await);
}

/// Whoever does what to whom as often as it likes: no balance but its own goes down.
#[tokio::test]
async fn nobodys_storage_is_spent_by_somebody_else() {
    let scene = scene_on(Harness::start().await.unwrap()).await;
    let [hal, _] = &scene.hosts;
    let (alice, bob) = (&scene.alice, &scene.bob);
    let here = GrantTerms { hosts: vec![1, 2], needs_approval: true, budget: Some(uses(900)), ..scene.to_bob() };
    let (_, grant) = scene.add(1, here).await;
    let child = scene.delegate(grant, None).await;
    prepay(bob, &scene.keys, DEPOSIT).await;
    let own = [available(&scene, alice).await, available(&scene, hal).await];
    for turn in 0..20_u8 {
        let digest = Hash32([turn; 32]);
        let expires_ms = scene.harness.now_ms().await.unwrap() + 600_000;
        let ask = RequestApproval { grant: child, digest, host: 1, expires_ms };
        scene.ok(bob, keys::request_approval, &ask, DEPOSIT).await;
        let narrower = charter_harness::arguments::policy("/v1");
        let narrow = charter_types::keys::args::Narrow {
            grant: child,
            policy: narrower.clone(),
            narrower,
            expires_ms: scene.expires_ms - u64::from(turn) - 1,
        };
        scene.ok(bob, keys::narrow, &narrow, 1).await;
        let unapproved = Reserve { digest: Some(digest), ..reserve(child, 1, 1) };
        assert_eq!(refused(hal, &scene.keys, keys::reserve, &unapproved, 0).await, "KEYS_NOT_APPROVED");
    }
    assert_eq!([available(&scene, alice).await, available(&scene, hal).await], own);
}

/// Take a page without rows for the last, and an owner that looks for grants or hosts is shown none behind a hundred that
/// somebody made and removed.
#[tokio::test]
async fn a_hundred_rows_that_are_gone_hide_nothing() {
    let harness = Harness::start().await.unwrap();
    let (keys, eve) = (harness.contracts.keys.clone(), harness.account("eve").await.unwrap());
    for seed in 0..=100 {
        let host = register_host(&harness, &keys, &eve, seed).await;
        ok(&eve, &keys, keys::remove_host, &HostRef { host }, 0).await;
    }
    let bobs = register_host(&harness, &keys, &harness.account("bob").await.unwrap(), 200).await;
    let rpc = charter_client::Rpc::new(harness.rpc_url());
    let (last, _, _) = view(&harness.worker, &keys, keys::counts, &Nothing {}).await.unwrap();
    let found = rpc.all(&keys, keys::hosts, last, |_: &Host| true).await.unwrap();
    assert_eq!(found.iter().map(|host| host.id).collect::<Vec<_>>(), [bobs]);
}
