//! Every call that somebody may make, made over and over: whatever the contracts then store, its bytes are in nobody's
//! storage balance but the caller's, and nobody else's account pays.

use std::collections::BTreeMap;

use charter_harness::{Call, Caller, Harness};
use charter_types::method::{Deposit, Kind, Method};
use charter_types::registry::methods as registry;
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::{AccountId, Hash32};
use near_workspaces::Account;
use near_workspaces::operations::Function;
use near_workspaces::types::{Gas, NearToken};
use serde_json::{Value, json};

use super::case::{Case, Who, with};
use super::scene::Scene;
use charter_harness::arguments::prepay;

/// `cargo xtask properties` makes a thousand.
const TIMES: u32 = 23;
/// The row of an agent's heartbeats, which its owner pays for once: it named the account that sends them.
const HEARTBEAT_ROW: u128 = 77 * 10_u128.pow(19);
/// How many calls go into a transaction, and the gas of each.
const BATCH: u32 = 20;
const BATCH_GAS: Gas = Gas::from_tgas(45);
/// Enough for the rows of any of the calls.
const STORAGE: u128 = 30_000_000_000_000_000_000_000;

/// What somebody has: free storage at each contract, and its account.
type Balances = BTreeMap<(AccountId, AccountId), u128>;

struct Stage<'a> {
    scene: &'a Scene,
    harness: Harness,
    contract: &'a AccountId,
}

impl Stage<'_> {
    fn person(&self, who: Who) -> Account {
        self.harness.rebind(self.scene.person(who))
    }

    async fn balances(&self, but: Who) -> Balances {
        let mut found = Balances::new();
        for who in Who::ALL.into_iter().filter(|who| *who != but) {
            let id = self.scene.id(who);
            for contract in self.scene.contracts() {
                let question = StorageOf { account_id: id.clone() };
                let balance = self.harness.look(contract, shared::storage_balance_of, &question).await.unwrap();
                if let Some(balance) = balance {
                    found.insert((id.clone(), contract.clone()), balance.available.0);
                }
            }
            let account = self.harness.worker.view_account(&id).await.unwrap();
            found.insert((id.clone(), id), account.balance.as_yoctonear());
        }
        found
    }

    /// Makes a call many times, as long as it goes through; says how often it did.
    async fn repeat(&self, who: Who, case: &Case, deposit: u128, times: u32) -> u32 {
        let by = self.person(who);
        let mut made = 0;
        while made < 3 {
            if by.send(self.contract, nth(case, made), deposit).await.unwrap().is_failure() {
                return made;
            }
            made += 1;
        }
        while made < times {
            let mut batch = by.batch(self.contract);
            for number in made..made + BATCH {
                let Call { method, args, .. } = nth(case, number);
                let function = Function::new(&method).args(args).gas(BATCH_GAS);
                batch = batch.call(function.deposit(NearToken::from_yoctonear(deposit)));
            }
            if batch.transact().await.unwrap().is_failure() {
                break;
            }
            made += BATCH;
        }
        // What can't be batched, for it takes more gas, or for it is refused at some time.
        while made < times && by.send(self.contract, nth(case, made), deposit).await.unwrap().is_success() {
            made += 1;
        }
        made
    }
}

/// A call with what has to be new each time as it has to be.
fn nth(case: &Case, number: u32) -> Call {
    let Some(mut args) = case.args() else { return case.call.clone() };
    renew(&mut args, number);
    with(&case.call, &args)
}

fn renew(args: &mut Value, number: u32) {
    match args {
        Value::Array(items) => items.iter_mut().for_each(|item| renew(item, number)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "expected_revision" | "expected_version" => {
                        *value = json!(value.as_u64().unwrap() + u64::from(number));
                    }
                    "label_hash" | "digest" | "salt" => {
                        let mut bytes = [0xab; 32];
                        bytes[..4].copy_from_slice(&number.to_le_bytes());
                        *value = json!(Hash32(bytes));
                    }
                    "name" | "handle" if value.is_string() => *value = json!(format!("again-{number}")),
                    _ => renew(value, number),
                }
            }
        }
        _ => {}
    }
}

/// Plays every call of a contract as everybody who may make it, each on a fork. Says which went through more than once.
pub async fn lowers_no_balance_but_its_own(scene: &Scene, contract: &AccountId, cases: &[Case]) -> Vec<String> {
    let times = std::env::var("CHARTER_SEQUENCES").map_or(TIMES, |_| 1_000);
    let mut repeated = Vec::new();
    for case in cases.iter().filter(|case| case.kind == Kind::Call) {
        let anybody = case.code.is_empty().then_some(Who::Stranger);
        for who in [case.by].into_iter().chain(case.may.iter().copied()).chain(anybody) {
            let stage = Stage { scene, harness: scene.harness.fork().await.unwrap(), contract };
            let by = stage.person(who);
            let funds = NearToken::from_near(1_000);
            stage.harness.root().transfer_near(by.id(), funds).await.unwrap().into_result().unwrap();
            prepay(&by, contract, 100_000 * 10_u128.pow(21)).await;
            let deposit = match case.rule.deposit {
                Deposit::Nothing => 0,
                Deposit::OneYocto | Deposit::Prepaid => 1,
                Deposit::OneYoctoByOwner => u128::from(who == case.by),
                Deposit::Storage | Deposit::StorageByOwner | Deposit::Amount => STORAGE,
            };
            let before = stage.balances(who).await;
            let made = stage.repeat(who, case, deposit, times).await;
            let after = stage.balances(who).await;
            let what = format!("{} by {who:?}, {made} times", case.name());
            for (whose, had) in &before {
                let has = after.get(whose).copied().unwrap_or_default();
                let once = if case.name() == registry::heartbeat::NAME { HEARTBEAT_ROW } else { 0 };
                assert!(has + once >= *had, "{what}, took {} from {whose:?}", had - has);
            }
            repeated.push((made > 1).then_some(what));
        }
    }
    repeated.into_iter().flatten().collect()
}
