//! Contracts of earlier releases with data in them, upgraded to today's code: every view answers as before, and every row
//! can be changed and removed for what was paid for it.
//!
//! The oldest wasm is the first that ran anywhere. Take a layout away that `records.rs` or `migrate.rs` of a contract
//! still knows, or change one, and this fails; change one that no release has, and
//! `todays_code_writes_what_the_newest_release_wrote` asks for its wasm in `contracts/history`.

mod escrow;
mod governance;
pub mod history;
pub mod keys;
mod registry;
mod voted;

use std::cell::RefCell;
use std::collections::BTreeMap;

use charter_client::sha256;
use charter_harness::{Caller, Harness, Outcome, call, code_of, failed_with, raw, raw_bytes, view};
use charter_types::admin::Upgrade;
use charter_types::shared::methods as shared;
use charter_types::storage::StorageBalance;
use charter_types::{Hash32, Nothing};
use charter_wasm::Contract;
use near_workspaces::{Account, AccountId};
use serde_json::{Value, json};

use charter_harness::arguments;

/// What differs between releases by its nature.
const OWN: [&str; 4] = ["contract_source_metadata", "version", "deployment", "event_head"];

/// Values for the parameters of views, by their names: each view is asked every combination.
pub type Values = BTreeMap<&'static str, Vec<Value>>;

/// A contract full of data, in some release.
pub struct Filled {
    pub contract: Contract,
    pub harness: Harness,
    /// What the code that runs says of its methods.
    abi: RefCell<Value>,
    /// Whoever has a storage account.
    pub people: Vec<Account>,
    pub values: Values,
}

/// What a call that has to go through returns; null where it is no JSON. By name: it speaks to the code of whatever release.
pub async fn ok(
    by: &Account,
    contract: &AccountId,
    method: &str,
    args: impl serde::Serialize + Send,
    deposit: u128,
) -> Value {
    let outcome = by.send(contract, raw(method, args), deposit).await.unwrap();
    assert!(outcome.is_success(), "{method}: {outcome:?}");
    outcome.json().unwrap_or(Value::Null)
}

impl Filled {
    pub fn id(&self) -> &AccountId {
        let contracts = &self.harness.contracts;
        match self.contract {
            Contract::Registry => &contracts.registry,
            Contract::Keys => &contracts.keys,
            Contract::Governance => &contracts.governance,
            Contract::Escrow => &contracts.escrow,
            Contract::Tasks => &contracts.tasks,
            Contract::Verifier => &contracts.verifier,
        }
    }

    /// A contract in the release that runs.
    pub async fn new(contract: Contract, harness: Harness, people: Vec<Account>, values: Values) -> Self {
        let filled = Self { contract, harness, people, values, abi: RefCell::default() };
        filled.read_abi().await;
        filled
    }

    async fn read_abi(&self) {
        let packed = self.harness.worker.view(self.id(), "__contract_abi").await.unwrap().result;
        let abi = serde_json::from_slice(&zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
        self.abi.replace(abi);
    }

    /// A method as the code that runs declares it; null if it does not.
    fn declared(&self, method: &str) -> Value {
        let abi = self.abi.borrow();
        let functions = abi["body"]["functions"].as_array().unwrap();
        functions.iter().find(|function| function["name"] == method).cloned().unwrap_or_default()
    }

    /// Calls with as much of arguments and deposit as the code that runs takes: later code may want more than earlier code.
    pub async fn ok(&self, by: &Account, method: &str, mut args: Value, deposit: u128) -> Value {
        let declared = self.declared(method);
        if let (Some(params), Some(fields)) = (declared["params"]["args"].as_array(), args.as_object_mut()) {
            fields.retain(|name, _| params.iter().any(|param| param["name"] == name.as_str()));
        }
        ok(by, self.id(), method, args, self.deposit(method, deposit)).await
    }

    /// The code of a call that has to fail.
    pub async fn refused(&self, by: &Account, method: &str, args: Value, deposit: u128) -> String {
        let outcome = by.send(self.id(), raw(method, args), deposit).await.unwrap();
        failed_with(&outcome).unwrap_or_else(|| panic!("{method} went through"))
    }

    /// A deposit, if the code that runs takes any for a method.
    pub fn deposit(&self, method: &str, deposit: u128) -> u128 {
        // The first release's ABI does not say that these take none.
        let is_first = self.declared("deployment").is_null();
        if is_first && ["execute_recovery", "report_reputation"].contains(&method) {
            return 0;
        }
        let declared = self.declared(method);
        let payable = declared["modifiers"].as_array().is_some_and(|all| all.contains(&json!("payable")));
        if payable { deposit } else { 0 }
    }

    /// Views of the release that runs, by its own ABI, with the parameters they can't do without.
    fn views(&self) -> Vec<(String, Vec<String>)> {
        let abi = self.abi.borrow();
        let functions = abi["body"]["functions"].as_array().unwrap();
        let views = functions.iter().filter(|function| function["kind"] == "view");
        let needs = |function: &Value| {
            let given = function["params"]["args"].as_array().cloned().unwrap_or_default();
            let needed = given.iter().filter(|param| !param["type_schema"].to_string().contains("null"));
            needed.map(|param| param["name"].as_str().unwrap().to_owned()).collect()
        };
        let named = views.map(|view| (view["name"].as_str().unwrap().to_owned(), needs(view)));
        named.filter(|(name, _)| !OWN.contains(&name.as_str())).collect()
    }

    /// Every view's answer to every question.
    async fn answers(&self, views: &[(String, Vec<String>)]) -> BTreeMap<String, Value> {
        let mut answers = BTreeMap::new();
        for (view, params) in views {
            let mut questions = vec![json!({})];
            for param in params {
                let values = self.values.get(param.as_str());
                let values = values.unwrap_or_else(|| panic!("{view} asks for {param}: name some values for it"));
                let with = |question: &Value| {
                    let question = question.clone();
                    values.iter().map(move |value| {
                        let mut question = question.clone();
                        question[param] = value.clone();
                        question
                    })
                };
                questions = questions.iter().flat_map(with).collect();
            }
            for question in questions {
                let asked = self.harness.worker.view(self.id(), view).args(question.to_string().into_bytes());
                let answer = asked.await.map_or_else(|_| json!("refused"), |answer| answer.json().unwrap());
                answers.insert(format!("{view} {question}"), answer);
            }
        }
        answers
    }

    async fn rows(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.harness.rows(self.id()).await.unwrap()
    }

    /// Bytes of the contract's account that nobody is charged for: code, its own state, its account. What rows grew by when
    /// they moved to a newer layout is the contract's, too, and not counted.
    pub async fn unpaid(&self) -> u64 {
        let usage = self.harness.worker.view_account(self.id()).await.unwrap().storage_usage;
        let rows = self.rows().await;
        let migrated =
            rows.iter().filter(|_| self.contract == Contract::Keys).map(|(key, row)| grown(key, row)).sum::<u64>();
        usage - migrated - arguments::charged_bytes(&self.harness, self.id(), &self.people).await
    }

    /// What an account could withdraw of its storage money.
    pub async fn available(&self, person: &Account) -> u128 {
        let question = json!({ "account_id": person.id() });
        let asked = self.harness.worker.view(self.id(), "storage_balance_of").args_json(question).await.unwrap();
        asked.json::<StorageBalance>().unwrap().available.0
    }

    /// Upgrades through the contract's own method and compares what it answers and holds.
    pub async fn upgrade(&self) {
        let code = self.contract.code().to_vec();
        let call = if self.declared("deployment").is_null() {
            raw_bytes("upgrade", code.clone())
        } else {
            let replaces = view(&self.harness.worker, self.id(), shared::deployment, &Nothing {}).await.unwrap();
            call(shared::upgrade, &Upgrade { approved: Hash32(sha256(&code)), code: code.clone(), replaces })
        };
        let upgraded = async || self.harness.root().send(self.id(), call.clone(), 0).await.unwrap();
        self.upgrade_by(upgraded).await;
    }

    /// The same, by what somebody does to have it upgraded.
    pub async fn upgrade_by(&self, upgrade: impl AsyncFn() -> Outcome) {
        let views = self.views();
        let (answers, rows) = (self.answers(&views).await, self.rows().await);
        assert!(answers.values().filter(|answer| !answer.is_null()).count() > views.len() / 2, "nothing to compare");
        let upgraded = upgrade().await;
        assert!(upgraded.is_success(), "{upgraded:?}");
        self.read_abi().await;
        assert_eq!(self.harness.worker.view_code(self.id()).await.unwrap(), self.contract.code());
        let now = self.answers(&views).await;
        for (question, answer) in answers {
            assert!(says(&now[&question], &answer), "{question}: {answer} is now {}", now[&question]);
        }
        for (key, row) in self.rows().await {
            assert!(key == b"STATE" || rows[&key] == row, "a row was rewritten: {key:?}");
        }
    }
}

/// What a contract says and holds, and the code it runs.
#[derive(Debug, PartialEq)]
pub struct Whole {
    answers: BTreeMap<String, Value>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    code: Hash32,
}

impl Filled {
    pub async fn whole(&self) -> Whole {
        let code = Hash32(sha256(&self.harness.worker.view_code(self.id()).await.unwrap()));
        Whole { answers: self.answers(&self.views()).await, rows: self.rows().await, code }
    }
}

/// Whether an answer says what another said: later code may add fields.
fn says(now: &Value, before: &Value) -> bool {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            before.iter().all(|(name, before)| now.get(name).is_some_and(|now| says(now, before)))
        }
        (Value::Array(now), Value::Array(before)) => {
            now.len() == before.len() && now.iter().zip(before).all(|(now, before)| says(now, before))
        }
        _ => now == before,
    }
}

/// Bytes that a row of keys gained in a migration: it says so itself, behind its payer and in its version. Storage accounts
/// gain none.
fn grown(key: &[u8], row: &[u8]) -> u64 {
    const SHARED: u8 = 0x80;
    const PAYER_BYTES: usize = 20;
    let shared = key.first() != Some(&0) && row.get(PAYER_BYTES).is_some_and(|version| version & SHARED != 0);
    let share = row.get(PAYER_BYTES + 1..PAYER_BYTES + 5).filter(|_| shared);
    share.map_or(0, |bytes| u64::from(u32::from_le_bytes(bytes.try_into().unwrap())) + 4)
}

/// A change of a layout is a release of its own: the wasm that writes it is kept.
async fn todays_code_writes_what_the_newest_release_wrote(fill: impl AsyncFn(Harness) -> Filled) {
    let newest = history::releases().pop().unwrap();
    let old = fill(Harness::start_with(|contract| history::wasm(&newest, contract)).await.unwrap()).await;
    old.upgrade().await;
    let new = fill(Harness::start_with(code_of).await.unwrap()).await;
    let (old, new) = (old.rows().await, new.rows().await);
    let sizes = |rows: &BTreeMap<Vec<u8>, Vec<u8>>| -> Vec<(Vec<u8>, usize)> {
        rows.iter().map(|(key, row)| (key.clone(), row.len())).collect()
    };
    assert_eq!(sizes(&old), sizes(&new), "a layout changed: add today's wasm to contracts/history");
}

/// Fills every release, upgrades it, and goes on with `change`. What that leaves for the contract to pay, which depends on
/// the release, are bytes by which rows that were migrated have grown, and rows that are nobody's.
async fn every_release_upgrades(
    fill: impl AsyncFn(Harness) -> Filled,
    change: impl AsyncFn(&Filled),
    grown: impl Fn(&str) -> u64,
) {
    for release in history::releases() {
        let filled = fill(Harness::start_with(|contract| history::wasm(&release, contract)).await.unwrap()).await;
        filled.upgrade().await;
        let unpaid = filled.unpaid().await;
        change(&filled).await;
        assert_eq!(
            filled.unpaid().await,
            unpaid + grown(&release),
            "rows cost their payers more or less than they take"
        );
        // Once more, from today's code to itself.
        filled.upgrade().await;
    }
}
