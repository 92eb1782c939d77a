//! Calls of keys.

use std::time::Duration;

use charter_harness::{ok, view};
use charter_types::contract::Keys;
use charter_types::keys::args::{
    AddCredential, AddWraps, AnchorReceipts, AnswerApproval, ApprovalRef, AttestHost, Check, CheckLive, CreateSecret,
    Delegate, GrantBatch, GrantRef, GrantSecret, GrantTerms, HostRef, LeaseRef, Narrow, PutEnvelope, ReleaseProof,
    RequestApproval, Reserve, RotateSecret, SecretRef, SetHostStatus, Settle,
};
use charter_types::keys::methods as keys;
use charter_types::keys::{
    Action, Allowance, Asker, Effect, Envelope, Grantee, HostStatus, HttpAction, Method, Mode, Policy, Scheme, Unit,
    Wrap,
};
use charter_types::registry::args::AgentRef;
use charter_types::registry::methods as registry;
use charter_types::{Base64Bytes, Hash32, U128};
use near_workspaces::Account;

use super::{BY_OWNER, Table};
use charter_harness::arguments::{self, DEPOSIT, prepay, register};

/// Of an ordinary size.
fn policy(path: &str) -> Policy {
    Policy { effects: vec![Effect::Read, Effect::Write], ..arguments::policy(path) }
}

fn terms(to: &Account, path: &str, expires_ms: u64) -> GrantTerms {
    arguments::terms(Grantee::Account(to.id().clone()), policy(path), expires_ms)
}

async fn a_month_on(table: &Table) -> u64 {
    table.harness.now_ms().await.unwrap() + 30 * 24 * 3_600_000
}

fn uses(capacity: u128) -> Allowance {
    Allowance { unit: Unit::Uses, capacity: U128(capacity), refill: U128(capacity), period_ms: 86_400_000 }
}

fn action() -> Action {
    Action::Http(HttpAction {
        scheme: Scheme::Https,
        host: "api.example.com".to_owned(),
        port: 443,
        path: "/v1/chat/completions".to_owned(),
        method: Method::Post,
        body_bytes: 1_000,
        content_sha256: Hash32::default(),
        effects: Vec::new(),
    })
}

fn envelope() -> Envelope {
    Envelope::Inline(Base64Bytes(vec![1; 80]))
}

fn wraps() -> Vec<Wrap> {
    vec![Wrap { host: 1, host_generation: 0, sealed: Base64Bytes(vec![2; 80]) }]
}

fn credential(agent: u64, label: u8, grants: Vec<GrantTerms>) -> AddCredential {
    AddCredential {
        agent,
        epochs: None,
        label_hash: Hash32([label; 32]),
        ceiling: policy("/"),
        envelope: envelope(),
        wraps: wraps(),
        rotate_by_ms: 0,
        grants,
    }
}

/// Grants down to depth 4, each held by the next of `people`.
pub async fn rows(table: &mut Table, owner: &Account, host: &Account, people: &[Account; 2]) {
    let contract = table.contracts.keys.clone();
    let agent = register(&table.harness, owner, Vec::new()).await;
    for person in [owner, host].into_iter().chain(people) {
        prepay(person, &contract, 10 * DEPOSIT).await;
    }
    let args = arguments::host(&table.harness, &contract, host, 5);
    table.note(host, (Keys, keys::register_host), "", &args, DEPOSIT).await;
    let expires_ms = a_month_on(table).await;
    let hosts = vec![1];
    let budgeted = GrantTerms { budget: Some(uses(100)), hosts, ..terms(&people[0], "/v1", expires_ms) };
    let args = credential(agent, 1, vec![budgeted]);
    let case = "one host, one grant with a budget";
    let added = table.note(owner, (Keys, keys::add_credential), case, &args, 1).await;
    let secret = added.secret.unwrap();
    let args = GrantSecret { secret, ceiling: policy("/"), terms: terms(&people[0], "/v1", expires_ms) };
    table.note(owner, (Keys, keys::grant), "", &args, 1).await;
    let mut parent = added.grants[0];
    for depth in 1..=4 {
        let (from, to) = (&people[(depth + 1) % 2], &people[depth % 2]);
        let args = Delegate { parent, parent_policy: policy("/v1"), terms: terms(to, "/v1", expires_ms) };
        let case = format!("to depth {depth}");
        parent = table.note(from, (Keys, keys::delegate), &case, &args, 1).await.grants[0];
    }
    let (worker, registry) = (&table.harness.worker, &table.contracts.registry);
    let standing = view(worker, registry, registry::standing, &AgentRef { agent }).await.unwrap();
    let asker = Asker::Account(people[0].id().clone());
    let args =
        Check { grant: parent, policy: policy("/v1"), host: 1, asker, standing: standing.unwrap(), action: action() };
    table.note(owner, (Keys, keys::check), "depth 4", &args, 0).await;
    let args = Reserve { grant: parent, host: 1, amount: U128(5), for_ms: 60_000, digest: None };
    let lease = table.note(host, (Keys, keys::reserve), "depth 4, one budget", &args, 0).await;
    let args = Settle { lease: lease.unwrap(), used: U128(3) };
    table.note(host, (Keys, keys::settle), "depth 4, one budget", &args, 0).await;
    // The first delegation is revoked by who passed it on, without a question; the one below it by who has to be asked about.
    let first = added.grants[0] + 2;
    table.note(&people[0], (Keys, keys::revoke_grant), "by its grantor", &GrantRef { grant: first }, 0).await;
    let args = GrantRef { grant: first + 1 };
    table.note(owner, (Keys, keys::revoke_grant), BY_OWNER, &args, 0).await;
    table.note(owner, (Keys, keys::revoke_secret), BY_OWNER, &SecretRef { secret }, 0).await;
}

/// Grants that hang below one, and rows in the contract's state.
const CROWD: u64 = 100_000;
/// First byte of a grant's storage key, and where the grant's own id stands in the row: after payer and version.
const GRANTS: u8 = 5;
const ID_IN_ROW: std::ops::Range<usize> = 21..29;

/// Revoking a grant with one below it, and with 100,000 in a state as large: all of them copies of the one, patched in.
pub async fn crowd_rows(table: &mut Table, owner: &Account, holder: &Account) {
    let contract = table.contracts.keys.clone();
    let expires_ms = a_month_on(table).await;
    let args = credential(23, 2, vec![terms(holder, "/v1", expires_ms); 3]);
    let added = ok(owner, &contract, keys::add_credential, &args, 1).await;
    let mut children = Vec::new();
    for parent in &added.grants {
        let args = Delegate { parent: *parent, parent_policy: policy("/v1"), terms: terms(owner, "/v1", expires_ms) };
        children.push(ok(holder, &contract, keys::delegate, &args, 1).await.grants[0]);
    }
    let reference = GrantRef { grant: added.grants[0] };
    table.note(owner, (Keys, keys::revoke_grant), "one grant below it", &reference, 0).await;
    let state = table.harness.rows(&contract).await.unwrap();
    let key = |id: u64| [[GRANTS].as_slice(), &id.to_le_bytes()].concat();
    for (index, child) in children[1..].iter().enumerate() {
        let row = &state[&key(*child)];
        let first = 1_000 + u64::try_from(index).unwrap() * CROWD;
        let ids: Vec<u64> = (first..first + CROWD / 2).collect();
        for chunk in ids.chunks(2_000) {
            let copies: Vec<(Vec<u8>, Vec<u8>)> = chunk
                .iter()
                .map(|id| {
                    let mut copy = row.clone();
                    copy[ID_IN_ROW].copy_from_slice(&id.to_le_bytes());
                    (key(*id), copy)
                })
                .collect();
            let copies = copies.iter().map(|(key, copy)| (key.as_slice(), copy.as_slice()));
            table.harness.worker.patch(&contract).states(copies).transact().await.unwrap();
        }
    }
    let case = "50,000 grants below it, 100,000 rows";
    table.note(owner, (Keys, keys::revoke_grant), case, &GrantRef { grant: added.grants[1] }, 0).await;
    let secret = SecretRef { secret: added.secret.unwrap() };
    table.note(owner, (Keys, keys::revoke_secret), "100,000 grants of it", &secret, 0).await;
}

/// What that credential's life left out, on one of another agent.
pub async fn more_rows(table: &mut Table, owner: &Account, host: &Account, holder: &Account) {
    let contract = table.contracts.keys.clone();
    let agent = register(&table.harness, owner, Vec::new()).await;
    prepay(owner, &contract, 10 * DEPOSIT).await;
    let expires_ms = a_month_on(table).await;
    let here = |terms| GrantTerms { hosts: vec![1], ..terms };
    let budgeted = here(GrantTerms { budget: Some(uses(100)), ..terms(holder, "/v1", expires_ms) });
    let asks = here(GrantTerms { needs_approval: true, ..terms(holder, "/v1", expires_ms) });
    let added = ok(owner, &contract, keys::add_credential, &credential(agent, 1, vec![budgeted, asks]), 1).await;
    let secret = added.secret.unwrap();
    approvals(table, owner, holder, added.grants[1]).await;
    grants(table, owner, holder, secret, added.grants[0]).await;
    leases(table, host, added.grants[0]).await;
    let args = GrantRef { grant: added.grants[0] };
    table.note(holder, (Keys, keys::renounce), "", &args, 0).await;
    table.note(owner, (Keys, keys::remove_grant), "with a budget", &args, 0).await;
    hosts(table, holder).await;
    secrets(table, owner, agent, secret).await;
}

async fn approvals(table: &mut Table, owner: &Account, holder: &Account, grant: u64) {
    let expires_ms = table.harness.now_ms().await.unwrap() + 600_000;
    for digest in [Hash32([1; 32]), Hash32([2; 32])] {
        let reference = AnswerApproval { grant, host: 1, digest, expires_ms };
        let args = RequestApproval { grant, digest, host: 1, expires_ms };
        if digest == Hash32([1; 32]) {
            table.note(holder, (Keys, keys::request_approval), "", &args, DEPOSIT).await;
            table.note(owner, (Keys, keys::approve), "by the grantor", &reference, 1).await;
        } else {
            ok(holder, &table.contracts.keys, keys::request_approval, &args, DEPOSIT).await;
            table.note(owner, (Keys, keys::reject), "by the grantor", &reference, 1).await;
        }
    }
    let reference = ApprovalRef { grant, host: Some(1), digest: Hash32([1; 32]) };
    table.note(holder, (Keys, keys::withdraw_approval), "", &reference, 0).await;
}

async fn grants(table: &mut Table, owner: &Account, holder: &Account, secret: u64, grant: u64) {
    let expires_ms = a_month_on(table).await;
    let batch = GrantBatch { secret, ceiling: policy("/"), grants: vec![terms(holder, "/v1", expires_ms); 4] };
    let added = table.note(owner, (Keys, keys::grant_batch), "4 grants", &batch, 1).await;
    let narrow = Narrow {
        grant: added.grants[0],
        policy: policy("/v1"),
        narrower: policy("/v1/chat"),
        expires_ms: expires_ms - 1,
    };
    table.note(owner, (Keys, keys::narrow), "by the grantor", &narrow, 1).await;
    let reference = GrantRef { grant: added.grants[1] };
    table.note(owner, (Keys, keys::suspend), "by the grantor", &reference, 0).await;
    table.note(owner, (Keys, keys::resume), "by the grantor", &reference, 1).await;
    let asker = Asker::Account(holder.id().clone());
    let live = CheckLive { grant, policy: policy("/v1"), host: 1, asker, action: action() };
    table.note(owner, (Keys, keys::check_live), "", &live, 0).await;
}

async fn leases(table: &mut Table, host: &Account, grant: u64) {
    let args = Reserve { grant, host: 1, amount: U128(5), for_ms: 60_000, digest: None };
    let lease = ok(host, &table.contracts.keys, keys::reserve, &args, 0).await.unwrap();
    table.harness.wait(Duration::from_secs(61)).await.unwrap();
    table.note(host, (Keys, keys::expire), "one budget", &LeaseRef { lease }, 0).await;
}

/// A host of its own: what is revoked can't be used any more.
async fn hosts(table: &mut Table, operator: &Account) {
    let id = arguments::register_host(&table.harness, &table.contracts.keys, operator, 6).await;
    let status = SetHostStatus { host: id, status: HostStatus::Suspended };
    table.note(operator, (Keys, keys::set_host_status), "", &status, 0).await;
    let anchor = AnchorReceipts { host: id, from: 1, to: 100, merkle_root: Hash32([1; 32]) };
    table.note(operator, (Keys, keys::anchor_receipts), "", &anchor, 0).await;
    table.note(operator, (Keys, keys::revoke_host), "", &HostRef { host: id }, 0).await;
    let change = arguments::change_of_host(&table.harness, &table.contracts.keys, operator, (id, 1), 7);
    table.note(operator, (Keys, keys::change_host_keys), "", &change, 0).await;
    table.note(operator, (Keys, keys::remove_host), "", &HostRef { host: id }, 0).await;
}

async fn secrets(table: &mut Table, owner: &Account, agent: u64, secret: u64) {
    let put = PutEnvelope { secret, expected_version: 1, envelope: envelope() };
    table.note(owner, (Keys, keys::put_envelope), "same length", &put, 1).await;
    table
        .note(
            owner,
            (Keys, keys::add_wraps),
            "one host, again",
            &AddWraps { secret, expected_version: 1, wraps: wraps() },
            1,
        )
        .await;
    let (envelope, wraps) = (envelope(), wraps());
    let rotate = RotateSecret { secret, expected_version: 1, envelope, wraps, rotate_by_ms: 0 };
    table.note(owner, (Keys, keys::rotate_secret), "one host", &rotate, 1).await;
    table.note(owner, (Keys, keys::retire_secret), "by who pays for it", &SecretRef { secret }, 1).await;
    table.note(owner, (Keys, keys::clean_secret), "2 recipients", &SecretRef { secret }, 0).await;
    // What held the label: the agent's epochs move.
    ok(owner, &table.contracts.registry, registry::revoke_all, &AgentRef { agent }, 1).await;
    table.note(owner, (Keys, keys::forget_secret), "", &SecretRef { secret }, 0).await;
    let create = CreateSecret {
        agent,
        label_hash: Hash32([3; 32]),
        mode: Mode::External,
        ceiling: policy("/"),
        sha256: Hash32([4; 32]),
        rotate_by_ms: 0,
        grants: Vec::new(),
    };
    table.note(owner, (Keys, keys::create_secret), "known by its hash", &create, 1).await;
}

/// A key that a stand-in for the MPC contract derives, for a host that an attestation vouches for. Where keys still has an
/// admin, who says which contract that is.
pub async fn release(table: &mut Table, owner: &Account, host: &Account, agent: u64) {
    let contract = table.contracts.keys.clone();
    let app_public_key = "bls12381g1:6KtVVcAAGacrjNGePN8bp3KV6fYGrw1rFsyc7cVJCqR16Zc2ZFg3HX3hSZxSfv1oH6".to_owned();
    for person in [owner, host] {
        prepay(person, &contract, 10 * DEPOSIT).await;
    }
    arguments::register_host(&table.harness, &contract, host, 5).await;
    table.note(host, (Keys, keys::attest_host), "", &AttestHost { host: 1, agent }, 0).await;
    let terms = arguments::terms(Grantee::Host(1), policy("/v1"), a_month_on(table).await);
    let create = CreateSecret {
        agent,
        label_hash: Hash32([1; 32]),
        mode: Mode::Mpc,
        ceiling: policy("/"),
        sha256: Hash32::default(),
        rotate_by_ms: 0,
        grants: vec![terms],
    };
    ok(owner, &contract, keys::create_secret, &create, 1).await;
    let proof = ReleaseProof { host: 1, host_generation: 0, grant: 1, secret: 1, secret_epoch: 0, app_public_key };
    let args = arguments::release(&table.harness.chain_id, &contract, &proof);
    table.note(host, (Keys, keys::request_key_release), "without NEAR's MPC network", &args, 0).await;
}
