//! What calls cost, with account ids of 32 characters, compared with `docs/reference/gas.json`.
//!
//! `cargo xtask gas` writes the table. Every call that a contract declares has a row, and goes through with the gas it is
//! declared with. In CI no row may cost 5 % more than the table says, and none more than its limit.

mod escrow;
mod governance;
mod keys;
mod registry;
mod shared;
mod stake;
mod tasks;

use std::path::PathBuf;

use charter_client::Contracts;
use charter_harness::{Caller, Harness, Outcome, answer, call};
use charter_types::contract::{self, Verifier};
use charter_types::method::{Contract, Kind, Method, Of};
use charter_types::verifier::methods::verify_quote;
use near_workspaces::{Account, AccountId};
use serde::{Deserialize, Serialize};

use crate::attestation::sample;

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

const BY_OWNER: &str = "by the agent's owner";

/// A vote takes from each delegate of the voter what it takes from the delegate's.
const TAKES: &str = "by stake, taken from 8 delegates";

/// As many as a batch can have.
const MANY: &str = "128 rows on as many channels";

/// Shares are a row's, too.
const SHARED: &str = "32 splits, in a token";

/// A call with a limit of its own: over all receipts, and what state grows by. Of a call's limits the first counts that is for
/// its case or for all.
struct Limit {
    contract: &'static str,
    method: &'static str,
    /// All, if it is none.
    case: Option<&'static str>,
    tgas: f64,
    bytes: i64,
}

const fn limit(contract: &'static str, method: &'static str, tgas: f64, bytes: i64) -> Limit {
    Limit { contract, method, case: None, tgas, bytes }
}

impl Limit {
    const fn of(self, case: &'static str) -> Self {
        Self { case: Some(case), ..self }
    }

    fn is_for(&self, row: &Row) -> bool {
        let same = row.contract == self.contract && row.method == self.method;
        same && self.case.is_none_or(|case| case == row.case)
    }
}

const LIMITS: [Limit; 22] = [
    limit("registry", "register_agent", 8.0, 500),
    limit("keys", "grant", 8.5, 400),
    limit("keys", "delegate", 20.0, 400),
    // It asks the registry first.
    limit("keys", "revoke_grant", 7.5, 0).of(BY_OWNER),
    limit("keys", "revoke_grant", 3.0, 0),
    limit("keys", "revoke_secret", 7.5, 0),
    limit("keys", "check", 10.0, 0),
    // It writes eight rows more.
    limit("governance", "vote", 10.0, 1_500).of(TAKES),
    limit("governance", "vote", 5.0, 200),
    limit("governance", "publish", 10.0, 0),
    limit("governance", "advance", 6.0, 0),
    limit("governance", "release_for", 5.0, 0),
    // Half a TGas a row, so 1,000 payments a voucher cost 5e-8 NEAR each.
    limit("escrow", "claim_batch", 64.0, 0).of(MANY),
    limit("escrow", "open", 12.0, 1_500).of(SHARED),
    limit("escrow", "open", 8.0, 450),
    limit("tasks", "take", 10.0, 700),
    limit("tasks", "commit_work", 10.0, 0),
    limit("tasks", "reveal_work", 10.0, 300),
    limit("tasks", "commit_verdict", 10.0, 0),
    limit("tasks", "reveal_verdict", 10.0, 0),
    limit("tasks", "settle", 15.0, 1_500),
    limit("verifier", "verify_quote", 100.0, 0),
];

struct Table {
    harness: Harness,
    /// Where calls go: the contracts that governance has taken over, or those that still have an admin.
    contracts: Contracts,
    rows: Vec<Row>,
}

impl Table {
    fn account<C: Contract>(&self) -> AccountId {
        let Contracts { registry, keys, governance, escrow, tasks, verifier } = &self.contracts;
        let account = [registry, keys, governance, escrow, tasks, verifier].into_iter().zip(contract::all());
        let account = account.into_iter().find(|(_, (name, _))| *name == C::NAME);
        account.map(|(account, _)| account.clone()).unwrap()
    }

    /// The same chain again, without rows.
    async fn fork(&self) -> Self {
        let harness = self.harness.fork().await.unwrap();
        Self { harness, contracts: self.contracts.clone(), rows: Vec::new() }
    }

    async fn usage(&self, contract: &AccountId) -> i64 {
        i64::try_from(self.harness.worker.view_account(contract).await.unwrap().storage_usage).unwrap()
    }

    /// Sends a call with the gas it is declared with, and notes what it cost.
    async fn note<C: Contract, M: Method + Of<C>>(
        &mut self,
        by: &Account,
        (_, method): (C, M),
        case: &str,
        args: &M::Args,
        deposit: u128,
    ) -> M::Answer {
        let account = self.account::<C>();
        let before = self.usage(&account).await;
        let sent = call(method, args).tgas(M::RULE.gas.tgas());
        let outcome = by.send(&account, sent, deposit).await.unwrap();
        assert!(outcome.is_success(), "{}: {outcome:?}", M::NAME);
        let bytes = self.usage(&account).await - before;
        self.add((C::NAME, M::NAME), case, &outcome, bytes);
        answer(method, &outcome).unwrap()
    }

    /// Notes what a call cost.
    fn add(&mut self, (contract, method): (&str, &str), case: &str, outcome: &Outcome, state_bytes: i64) {
        let gas = outcome.total_gas_burnt.as_gas();
        let round = |number: f64| (number * 1_000.0).round() / 1_000.0;
        let tgas = |gas: u64| f64::from(u32::try_from(gas / 1_000_000).unwrap()) / 1_000_000.0;
        println!("{method} {case}: {} TGas", round(tgas(gas)));
        self.rows.push(Row {
            contract: contract.to_owned(),
            method: method.to_owned(),
            case: case.to_owned(),
            gas_tgas: round(tgas(gas)),
            state_bytes,
            log_bytes: outcome.logs().iter().map(|log| log.len()).sum(),
            near: round(tgas(gas)) / 10_000.0,
        });
    }

    async fn person(&self, letter: &str) -> Account {
        let person = self.harness.account(&letter.repeat(22)).await.unwrap();
        assert_eq!(person.id().len(), 32);
        person
    }

    /// Every call of every contract has a row.
    fn check_complete(&self) {
        for (contract, declared) in contract::all() {
            for row in declared.iter().filter(|row| row.kind == Kind::Call) {
                let noted = self.rows.iter().any(|noted| noted.contract == contract && noted.method == row.name);
                assert!(noted, "what does {} of {contract} cost?", row.name);
            }
        }
    }

    fn check_limits(&self) {
        for limit in &LIMITS {
            let (contract, method, case) = (limit.contract, limit.method, limit.case);
            assert!(self.rows.iter().any(|row| limit.is_for(row)), "a limit of nothing: {contract} {method} {case:?}");
        }
        for row in &self.rows {
            let Some(Limit { tgas, bytes, .. }) = LIMITS.iter().find(|limit| limit.is_for(row)) else { continue };
            assert!(row.gas_tgas <= *tgas && row.state_bytes <= *bytes, "limit {tgas} TGas, {bytes} bytes: {row:?}");
        }
    }
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
    let contracts = harness.contracts.clone();
    let mut table = Table { harness, contracts, rows: Vec::new() };
    let (owner, buyer, guard, host) =
        (table.person("o").await, table.person("b").await, table.person("g").await, table.person("h").await);
    let seller = table.person("s").await;
    registry::rows(&mut table, &owner, &buyer, &guard).await;
    keys::rows(&mut table, &owner, &host, &[buyer.clone(), guard.clone()]).await;
    keys::more_rows(&mut table, &seller, &host, &guard).await;
    registry::more_rows(&mut table, &seller, &guard).await;
    governance::rows(&mut table, &seller).await;
    stake::rows(&mut table, &seller, &buyer, &guard).await;
    escrow::rows(&mut table, &owner, &buyer).await;
    let mut apart = table.fork().await;
    let (payer, payee) = (apart.harness.rebind(&owner), apart.harness.rebind(&buyer));
    escrow::more_rows(&mut apart, &payer, &payee).await;
    table.rows.append(&mut apart.rows);
    let mut crowd = table.fork().await;
    let (requester, worker) = (crowd.harness.rebind(&owner), crowd.harness.rebind(&buyer));
    tasks::rows(&mut crowd, &requester, &worker).await;
    table.rows.append(&mut crowd.rows);
    table.note(&host, (Verifier, verify_quote), "a real TDX quote", &sample().question(), 0).await;
    shared::rows(&mut table, &seller, &host).await;
    // Last: what it leaves behind makes every later block slow, and every later call of keys a little dearer.
    table.contracts = table.harness.contracts.clone();
    keys::crowd_rows(&mut table, &owner, &buyer).await;
    table.rows.sort_by_key(|row| contract::all().iter().position(|(name, _)| row.contract == *name));
    table.check_complete();
    table.check_limits();
    if std::env::var("CHARTER_WRITE_GAS").is_ok() {
        std::fs::create_dir_all(reference("")).unwrap();
        std::fs::write(reference("gas.json"), serde_json::to_string_pretty(&table.rows).unwrap() + "\n").unwrap();
        std::fs::write(reference("gas.md"), markdown(&table.rows)).unwrap();
        return;
    }
    let known: Vec<Row> = serde_json::from_slice(&std::fs::read(reference("gas.json")).unwrap()).unwrap();
    assert_eq!(known.len(), table.rows.len(), "run `cargo xtask gas`");
    for (known, now) in known.iter().zip(&table.rows) {
        let names = |row: &Row| (row.contract.clone(), row.method.clone(), row.case.clone());
        assert_eq!(names(known), names(now), "run `cargo xtask gas`");
        assert!(now.gas_tgas <= known.gas_tgas * 1.05, "{now:?} was {} TGas", known.gas_tgas);
        assert!(now.state_bytes <= known.state_bytes + 8, "{now:?} was {} bytes", known.state_bytes);
    }
}
