//! What attackers found, played twice: on the code of release `faa0a5a`, where it works, and on today's, which refuses it.
//!
//! Calls name methods and arguments by text, as the attack had them; what the code that runs does not know of the
//! arguments of an honest call is left out.

mod registry;
mod shared;

use charter_harness::{Caller, Harness, code_of, failed_with, raw};
use charter_wasm::Contract;
use near_workspaces::Account;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::upgrade::{Filled, history};
use charter_harness::arguments::DEPOSIT;

/// The release in which they were found.
const RELEASE: &str = "faa0a5a";

/// A chain with the contracts of that release. Deployed once.
static OLD: OnceCell<Harness> = OnceCell::const_new();

/// The contract under attack, in one release.
struct Stage {
    of: Filled,
    is_old: bool,
}

impl Stage {
    async fn new(contract: Contract, is_old: bool) -> Self {
        let start = || Harness::start_with(|contract| history::wasm(RELEASE, contract));
        let harness = if is_old {
            OLD.get_or_try_init(start).await.unwrap().fork().await.unwrap()
        } else {
            Harness::start_with(code_of).await.unwrap()
        };
        Self { of: Filled::new(contract, harness, Vec::new(), crate::upgrade::Values::new()).await, is_old }
    }

    /// Somebody with storage prepaid.
    async fn person(&self, name: &str) -> Account {
        let person = self.stranger(name).await;
        self.ok(&person, "storage_deposit", json!({}), DEPOSIT).await;
        person
    }

    /// Somebody without.
    async fn stranger(&self, name: &str) -> Account {
        self.of.harness.account(name).await.unwrap()
    }

    async fn ok(&self, by: &Account, method: &str, args: Value, deposit: u128) -> Value {
        self.of.ok(by, method, args, deposit).await
    }

    /// The code of a call exactly as it was found; none, if it goes through.
    async fn code(&self, by: &Account, method: &str, args: Value, deposit: u128) -> Option<String> {
        let call = raw(method, args);
        failed_with(&by.send(self.of.id(), call, self.of.deposit(method, deposit)).await.unwrap())
    }

    async fn view(&self, method: &str, args: Value) -> Value {
        self.of.harness.worker.view(self.of.id(), method).args_json(args).await.unwrap().json().unwrap()
    }

    async fn wait_ms(&self, ms: u64) {
        self.of.harness.wait(std::time::Duration::from_millis(ms)).await.unwrap();
    }

    async fn available(&self, person: &Account) -> u128 {
        self.of.available(person).await
    }
}

/// Plays an attack in both releases: it has to go through in the old one and end with `code` in today's.
async fn is_mended(contract: Contract, code: &str, attack: impl AsyncFn(&Stage) -> Option<String>) {
    assert_eq!(attack(&Stage::new(contract, true).await).await, None, "the attack as it was found");
    assert_eq!(attack(&Stage::new(contract, false).await).await.as_deref(), Some(code));
}

/// Plays something that has to work: the old release refuses it with `code`, today's does it.
async fn works_now(contract: Contract, code: &str, story: impl AsyncFn(&Stage) -> Option<String>) {
    assert_eq!(story(&Stage::new(contract, true).await).await.as_deref(), Some(code), "as it was found");
    assert_eq!(story(&Stage::new(contract, false).await).await, None);
}
