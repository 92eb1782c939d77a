//! What calls cost, with account ids of 32 characters, compared with `docs/reference/gas.json`.
//!
//! `cargo xtask gas` writes the table. In CI no row may cost 5 % more than the table says, and none more than its limit.

use std::path::PathBuf;

use charter_harness::{Call, Harness, view};
use charter_types::keys::args::{
    AddCredential, Check, Delegate, GrantRef, GrantSecret, GrantTerms, Reserve, SecretRef, Settle,
};
use charter_types::keys::{
    Action, Added, Allowance, Asker, Effect, Envelope, Grantee, HttpAction, Method, Policy, Scheme, Unit, Wrap,
};
use charter_types::registry::Standing;
use charter_types::registry::args::{AgentAccount, AgentRef, Pause, Rearm, SetCard};
use charter_types::{Base64Bytes, Hash32, Nothing, U128};
use near_workspaces::{Account, AccountId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::attestation::sample;
use crate::people::{self, DEPOSIT, card};

/// One line of the table. Gas is of all receipts, refunds included; state is what the contract's account grew by.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    contract: String,
    method: String,
    case: String,
    gas_tgas: f64,
    state_bytes: i64,
    log_bytes: usize,
    /// Burnt for gas, at the lowest price.
    near: f64,
}

/// Calls with a limit of their own: contract, method, TGas over all receipts, bytes.
const LIMITS: [(&str, &str, f64, i64); 8] = [
    ("registry", "register_agent", 8.0, 500),
    ("keys", "grant", 20.0, 400),
    ("keys", "delegate", 20.0, 400),
    ("keys", "revoke_grant", 5.0, 0),
    ("keys", "revoke_grant (asks)", 20.0, 0),
    ("keys", "revoke_secret", 20.0, 0),
    ("keys", "check", 10.0, 0),
    ("verifier", "verify_quote", 100.0, 0),
];

struct Table {
    harness: Harness,
    rows: Vec<Row>,
}

impl Table {
    async fn usage(&self, contract: &AccountId) -> i64 {
        i64::try_from(self.harness.worker.view_account(contract).await.unwrap().storage_usage).unwrap()
    }

    /// Sends a call and notes what it cost. `name` is the method, with what sets the case apart in brackets.
    async fn note(
        &mut self,
        by: &Account,
        (contract, name, case): (&str, &str, &str),
        args: impl Serialize + Send,
        deposit: u128,
    ) -> Value {
        let method = name.split(' ').next().unwrap_or(name);
        let account: AccountId = format!("{contract}.test.near").parse().unwrap();
        let before = self.usage(&account).await;
        let outcome = by.send(&account, method, args, deposit).await.unwrap();
        assert!(outcome.is_success(), "{method}: {outcome:?}");
        let gas = outcome.total_gas_burnt.as_gas();
        let round = |number: f64| (number * 1_000.0).round() / 1_000.0;
        let tgas = |gas: u64| f64::from(u32::try_from(gas / 1_000_000).unwrap()) / 1_000_000.0;
        self.rows.push(Row {
            contract: contract.to_owned(),
            method: name.to_owned(),
            case: case.to_owned(),
            gas_tgas: round(tgas(gas)),
            state_bytes: self.usage(&account).await - before,
            log_bytes: outcome.logs().iter().map(|log| log.len()).sum(),
            near: round(tgas(gas)) / 10_000.0,
        });
        outcome.json().unwrap_or(Value::Null)
    }

    async fn person(&self, letter: &str) -> Account {
        let person = self.harness.account(&letter.repeat(22)).await.unwrap();
        assert_eq!(person.id().len(), 32);
        person
    }
}

/// Of an ordinary size.
fn policy(path: &str) -> Policy {
    Policy { effects: vec![Effect::Read, Effect::Write], ..people::policy(path) }
}

fn terms(to: &Account, path: &str, expires_ms: u64) -> GrantTerms {
    people::terms(Grantee::Account(to.id().clone()), policy(path), expires_ms)
}

async fn registry_rows(table: &mut Table, owner: &Account, buyer: &Account, guard: &Account) {
    let card = card("https://alice.example/agents/scout.json");
    let plain = json!({ "card": card });
    table.note(owner, ("registry", "register_agent", "first of its owner"), &plain, DEPOSIT).await;
    table.note(owner, ("registry", "register_agent (again)", "second of its owner"), &plain, DEPOSIT).await;
    let batch = json!({ "agents": vec![plain.clone(); 20] });
    table.note(owner, ("registry", "register_agents", "20 agents"), batch, 10 * DEPOSIT).await;
    let agent = 1;
    let reference = AgentRef { agent };
    let of = |account: &Account| AgentAccount { agent, account: account.id().clone() };
    table.note(owner, ("registry", "set_guardian", ""), of(guard), DEPOSIT).await;
    let args = SetCard { agent, card, expected_revision: 1 };
    table.note(owner, ("registry", "set_card", "same length"), args, 1).await;
    let handle = json!({ "agent": agent, "handle": "scout" });
    table.note(owner, ("registry", "set_handle", ""), handle, DEPOSIT).await;
    let bot = json!({ "agent": agent, "agent_account": guard.id() });
    table.note(owner, ("registry", "set_agent_account", ""), bot, DEPOSIT).await;
    owner
        .send(&table.harness.contracts.registry, "storage_deposit", json!({}), DEPOSIT)
        .await
        .unwrap()
        .into_result()
        .unwrap();
    table.note(guard, ("registry", "heartbeat", "first"), reference, 0).await;
    table.note(guard, ("registry", "heartbeat (again)", ""), reference, 0).await;
    table.note(guard, ("registry", "pause", "by a guardian"), Pause { agent, for_ms: Some(1_000) }, 0).await;
    table.note(guard, ("registry", "revoke_all", "by a guardian"), reference, 0).await;
    table.note(owner, ("registry", "panic_all", "22 agents"), Nothing {}, 1).await;
    table.note(owner, ("registry", "rearm", "8 agents"), Rearm { agents: (1..=8).collect() }, 1).await;
    table.note(owner, ("registry", "offer_transfer", ""), of(buyer), DEPOSIT).await;
    table.note(buyer, ("registry", "accept_transfer", ""), reference, DEPOSIT).await;
    table.note(buyer, ("registry", "retire", ""), reference, 1).await;
}

/// Grants down to depth 4, each held by the next of `people`.
async fn keys_rows(table: &mut Table, owner: &Account, host: &Account, people: &[Account; 2]) {
    let (registry, keys) = (table.harness.contracts.registry.clone(), table.harness.contracts.keys.clone());
    let agent: u64 =
        owner.send(&registry, "register_agent", json!({ "card": card("u") }), DEPOSIT).await.unwrap().json().unwrap();
    for person in [owner, host].into_iter().chain(people) {
        person.send(&keys, "storage_deposit", json!({}), 10 * DEPOSIT).await.unwrap().into_result().unwrap();
    }
    let args = people::host(&table.harness, &keys, host, 5);
    table.note(host, ("keys", "register_host", ""), args, DEPOSIT).await;
    let expires_ms = table.harness.now_ms().await.unwrap() + 30 * 24 * 3_600_000;
    let uses = Allowance { unit: Unit::Uses, capacity: U128(100), refill: U128(100), period_ms: 86_400_000 };
    let args = AddCredential {
        agent,
        label_hash: Hash32([1; 32]),
        ceiling: policy("/"),
        envelope: Envelope::Inline(Base64Bytes(vec![1; 80])),
        wraps: vec![Wrap { host: 1, sealed: Base64Bytes(vec![2; 80]) }],
        rotate_by_ms: 0,
        grants: vec![GrantTerms { budget: Some(uses), ..terms(&people[0], "/v1", expires_ms) }],
    };
    let case = "one host, one grant with a budget";
    let added = table.note(owner, ("keys", "add_credential", case), args, 1).await;
    let added: Added = serde_json::from_value(added).unwrap();
    let secret = added.secret.unwrap();
    let args = GrantSecret { secret, ceiling: policy("/"), terms: terms(&people[0], "/v1", expires_ms) };
    table.note(owner, ("keys", "grant", ""), args, 1).await;
    let mut parent = added.grants[0];
    for depth in 1..=4 {
        let (from, to) = (&people[(depth + 1) % 2], &people[depth % 2]);
        let args = Delegate { parent, parent_policy: policy("/v1"), terms: terms(to, "/v1", expires_ms) };
        let name = if depth == 4 { "delegate (depth 4)" } else { "delegate" };
        let added = table.note(from, ("keys", name, &format!("to depth {depth}")), args, 1).await;
        parent = serde_json::from_value::<Added>(added).unwrap().grants[0];
    }
    let standing: Option<Standing> =
        view(&table.harness.worker, &registry, "standing", AgentRef { agent }).await.unwrap();
    let action = Action::Http(HttpAction {
        scheme: Scheme::Https,
        host: "api.example.com".to_owned(),
        port: 443,
        path: "/v1/chat/completions".to_owned(),
        method: Method::Post,
        body_bytes: 1_000,
        content_sha256: Hash32::default(),
        effects: Vec::new(),
    });
    let asker = Asker::Account(people[0].id().clone());
    let args = Check { grant: parent, policy: policy("/v1"), host: 1, asker, standing: standing.unwrap(), action };
    table.note(owner, ("keys", "check", "depth 4"), args, 0).await;
    let args = Reserve { grant: parent, host: 1, amount: U128(5), for_ms: 60_000, digest: None };
    let lease = table.note(host, ("keys", "reserve", "depth 4, one budget"), args, 0).await;
    let args = Settle { lease: lease.as_u64().unwrap(), used: U128(3) };
    table.note(host, ("keys", "settle", "depth 4, one budget"), args, 0).await;
    // The first delegation is revoked by who passed it on, without a question; the one below it by who has to be asked about.
    let first = added.grants[0] + 2;
    table.note(&people[0], ("keys", "revoke_grant", "by its grantor"), GrantRef { grant: first }, 0).await;
    let args = GrantRef { grant: first + 1 };
    table.note(owner, ("keys", "revoke_grant (asks)", "by the agent's owner"), args, 0).await;
    table.note(owner, ("keys", "revoke_secret", "by the agent's owner"), SecretRef { secret }, 0).await;
}

/// Grants that hang below one, and rows in the contract's state.
const CROWD: u64 = 100_000;
/// First byte of a grant's storage key, and where the grant's own id stands in the row: after payer and version.
const GRANTS: u8 = 5;
const ID_IN_ROW: std::ops::Range<usize> = 21..29;

/// Revoking a grant with one below it, and with 100,000 in a state as large: all of them copies of the one, patched in.
async fn crowd_rows(table: &mut Table, owner: &Account, holder: &Account) {
    let keys = table.harness.contracts.keys.clone();
    let expires_ms = table.harness.now_ms().await.unwrap() + 30 * 24 * 3_600_000;
    let args = AddCredential {
        agent: 23,
        label_hash: Hash32([2; 32]),
        ceiling: policy("/"),
        envelope: Envelope::Inline(Base64Bytes(vec![1; 80])),
        wraps: vec![Wrap { host: 1, sealed: Base64Bytes(vec![2; 80]) }],
        rotate_by_ms: 0,
        grants: vec![terms(holder, "/v1", expires_ms); 3],
    };
    let added: Added = owner.send(&keys, "add_credential", args, 1).await.unwrap().json().unwrap();
    let mut children = Vec::new();
    for parent in &added.grants {
        let args = Delegate { parent: *parent, parent_policy: policy("/v1"), terms: terms(owner, "/v1", expires_ms) };
        let child: Added = holder.send(&keys, "delegate", args, 1).await.unwrap().json().unwrap();
        children.push(child.grants[0]);
    }
    table.note(owner, ("keys", "revoke_grant", "one grant below it"), GrantRef { grant: added.grants[0] }, 0).await;
    let state = table.harness.worker.view_state(&keys).await.unwrap();
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
            table.harness.worker.patch(&keys).states(copies).transact().await.unwrap();
        }
    }
    let case = "50,000 grants below it, 100,000 rows";
    table.note(owner, ("keys", "revoke_grant", case), GrantRef { grant: added.grants[1] }, 0).await;
    let secret = added.secret.unwrap();
    table.note(owner, ("keys", "revoke_secret", "100,000 grants of it"), SecretRef { secret }, 0).await;
}

fn reference(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name)
}

fn markdown(rows: &[Row]) -> String {
    let mut text = "# What calls cost\n\nWritten by `cargo xtask gas`, from calls on localnet with protocol 88 and account ids of 32 \
                    characters. Gas is of all\nreceipts, refunds included; NEAR is what it burns at the lowest price; \
                    storage costs 0.00001 NEAR a byte beside it\nand comes back.\n\n| contract | method | case | TGas | state, bytes | \
                    logs, bytes | NEAR |\n|---|---|---|--:|--:|--:|--:|\n"
        .to_owned();
    for Row { contract, method, case, gas_tgas, state_bytes, log_bytes, near } in rows {
        let line =
            format!("| {contract} | `{method}` | {case} | {gas_tgas:.2} | {state_bytes} | {log_bytes} | {near:.5} |\n");
        text.push_str(&line);
    }
    text
}

#[tokio::test]
async fn no_call_costs_more_than_the_table_says() {
    let harness = Harness::start().await.unwrap();
    let mut table = Table { harness, rows: Vec::new() };
    let (owner, buyer, guard, host) =
        (table.person("o").await, table.person("b").await, table.person("g").await, table.person("h").await);
    registry_rows(&mut table, &owner, &buyer, &guard).await;
    keys_rows(&mut table, &owner, &host, &[buyer.clone(), guard]).await;
    crowd_rows(&mut table, &owner, &buyer).await;
    let verifier = table.harness.contracts.verifier.clone();
    let outcome = host.send_raw(&verifier, "verify_quote", sample().question()).await.unwrap();
    let gas_tgas = f64::from(u32::try_from(outcome.total_gas_burnt.as_gas() / 1_000_000).unwrap()) / 1_000_000.0;
    table.rows.push(Row {
        contract: "verifier".to_owned(),
        method: "verify_quote".to_owned(),
        case: "a real TDX quote".to_owned(),
        gas_tgas: (gas_tgas * 1_000.0).round() / 1_000.0,
        state_bytes: 0,
        log_bytes: 0,
        near: (gas_tgas * 1_000.0).round() / 10_000_000.0,
    });
    for (contract, method, tgas, bytes) in LIMITS {
        for row in table.rows.iter().filter(|row| row.contract == contract && row.method == method) {
            assert!(row.gas_tgas <= tgas && row.state_bytes <= bytes, "limit {tgas} TGas, {bytes} bytes: {row:?}");
        }
    }
    if std::env::var("CHARTER_WRITE_GAS").is_ok() {
        std::fs::create_dir_all(reference("")).unwrap();
        std::fs::write(reference("gas.json"), serde_json::to_string_pretty(&table.rows).unwrap() + "\n").unwrap();
        std::fs::write(reference("gas.md"), markdown(&table.rows)).unwrap();
        return;
    }
    let known: Vec<Row> = serde_json::from_slice(&std::fs::read(reference("gas.json")).unwrap()).unwrap();
    assert_eq!(known.len(), table.rows.len(), "run `cargo xtask gas`");
    for (known, now) in known.iter().zip(&table.rows) {
        assert_eq!((&known.contract, &known.method), (&now.contract, &now.method), "run `cargo xtask gas`");
        assert!(now.gas_tgas <= known.gas_tgas * 1.05, "{now:?} was {} TGas", known.gas_tgas);
        assert!(now.state_bytes <= known.state_bytes + 8, "{now:?} was {} bytes", known.state_bytes);
    }
}
