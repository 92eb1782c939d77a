//! An agent that is a contract takes over the releases of its line by itself.
//!
//! Anybody may call its `adopt`. It asks governance which release the agent may run and the registry for its epochs, both at
//! once; the callback has one receipt use the approved code and migrate: both happen or neither. Code comes by its hash only,
//! as a global contract (NEP-591) that anybody may have deployed, so nobody needs to be trusted with the bytes.
//!
//! ```
//! use charter_common::{Failure, adopt};
//! use charter_types::adopt::Unchanged;
//! use near_sdk::{AccountId, PanicOnDefault, Promise, PromiseOrValue, near};
//!
//! /// What release 1.0.0 kept.
//! #[near(serializers = [borsh])]
//! struct AgentV1 {
//!     governance: AccountId,
//!     registry: AccountId,
//!     agent: u64,
//! }
//!
//! #[near(contract_state)]
//! #[derive(PanicOnDefault)]
//! pub struct Agent {
//!     governance: AccountId,
//!     registry: AccountId,
//!     /// Its id in the registry.
//!     agent: u64,
//!     /// Since release 1.1.0.
//!     words: u64,
//! }
//!
//! #[near]
//! impl Agent {
//!     pub fn adopt(&mut self) -> Promise {
//!         adopt::ask(&self.governance, &self.registry, self.agent, "on_adopt")
//!     }
//!
//!     #[private]
//!     #[handle_result]
//!     pub fn on_adopt(&mut self) -> Result<PromiseOrValue<Unchanged>, Failure> {
//!         adopt::settle("migrate")
//!     }
//!
//!     #[private]
//!     #[init(ignore_state)]
//!     #[handle_result]
//!     pub fn migrate() -> Result<Self, Failure> {
//!         let state = adopt::take_over()?;
//!         // The layout of this release is here as well: a later one may be taken back.
//!         if let Ok(same) = near_sdk::borsh::from_slice(&state) {
//!             return Ok(same);
//!         }
//!         let old: AgentV1 = near_sdk::borsh::from_slice(&state).expect("AGENT_STATE: written by another release");
//!         Ok(Self { governance: old.governance, registry: old.registry, agent: old.agent, words: 0 })
//!     }
//! }
//! ```
//!
//! * A migration is one receipt: what it leaves to promises can fail alone.
//! * What has no `migrate`, or one that fails, is never adopted. What has no `adopt` is adopted, and is the last one.
//! * The way back is the same: the release before is told, and its `migrate` reads the later state or refuses.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::admin::Deployment;
use charter_types::adopt::{AdoptError, Told, Unchanged};
use charter_types::error::CommonError;
use charter_types::governance::args::AgentRef as Enrolled;
use charter_types::governance::methods::release_for;
use charter_types::method::Method;
use charter_types::registry::args::AgentRef;
use charter_types::registry::methods::epochs;
use charter_types::registry::{AgentId, Epochs};
use charter_types::{AccountId, Hash32, json};
use near_sdk::{Gas, Promise, PromiseOrValue, env};

use crate::migrate::STATE;
use crate::shared::{check_replaced, code_hash};
use crate::{Answer, corrupt, encoded, passed_on, raw_call, then_call, view_answer_at};

/// A view that reads an enrolment, a line with its council, a rollout and up to four releases.
const RELEASE_FOR_GAS: Gas = Gas::from_tgas(10);
/// A view that reads an agent and its owner's epoch.
const EPOCHS_GAS: Gas = Gas::from_tgas(5);
/// For [`settle`], with what it hands on; whatever is left goes to it as well.
const SETTLE_GAS: Gas = Gas::from_tgas(30);
/// For the new code's migration, besides what is left: 4 MiB of code take 5 TGas to load. What needs more needs a caller that
/// attaches more.
const MIGRATE_GAS: Gas = Gas::from_tgas(15);
/// Eight artifacts, each twice as 64 digits, and a few numbers.
const TOLD_BYTES_MAX: usize = 4_096;
const EPOCHS_BYTES_MAX: usize = 256;
/// The row with how often a release was taken over, beside whatever the contract stores. It is not in its state, so no release
/// can leave it out of its migration. Each release reads what the ones before have written: row and arguments of `migrate`
/// never change.
const COUNT: &[u8] = b"__charter_adopt";

/// What the agent was when it asked.
#[derive(BorshSerialize, BorshDeserialize)]
struct Pending {
    agent: AgentId,
    running: Deployment,
}

/// Asks `governance` which release `agent` may run, and `registry` for its epochs; the contract's own `callback` gets both.
/// About 60 TGas have to be attached to the call, which leaves the migration 40; more, if it takes more. Too little changes
/// nothing.
pub fn ask(governance: &AccountId, registry: &AccountId, agent: AgentId, callback: &str) -> Promise {
    let question = release_for::write(&Enrolled { agent });
    let told = then_call(Promise::new(governance.clone()), release_for, question, RELEASE_FOR_GAS, 0);
    let question = epochs::write(&AgentRef { agent });
    let now = then_call(Promise::new(registry.clone()), epochs, question, EPOCHS_GAS, 0);
    let pending = encoded(&Pending { agent, running: running() });
    let us = Promise::new(env::current_account_id());
    told.and(now).then(raw_call(us, callback, pending, 0, SETTLE_GAS))
}

/// The callback of [`ask`]. Either the promise of a receipt that uses the approved code and calls its method `migrate`, which
/// answers whatever that answers; or why there is nothing to do.
///
/// # Errors
/// `ADOPT_NOT_SELF`, `ADOPT_NO_ANSWER`, `ADOPT_EPOCHS_MOVED`, `ADOPT_NOT_ONE_CODE`; `CHARTER_CODE_REPLACED` if another release
/// was taken over since it asked. Nothing has changed then; most can be tried again. If nobody has deployed those bytes as a
/// global contract, the receipt fails (`GlobalContractDoesNotExist`).
pub fn settle(migrate: &str) -> Answer<PromiseOrValue<Unchanged>> {
    check_self()?;
    let Pending { agent, running: asked } = passed_on()?;
    let told = told(agent).ok_or(AdoptError::NoAnswer { agent })?;
    let now = view_answer_at(1, epochs, EPOCHS_BYTES_MAX).ok_or(AdoptError::NoAnswer { agent })?;
    let running = running();
    let code = match decide(&told, now, running.sha256)? {
        Decision::Adopt(code) => code,
        Decision::Stay(unchanged) => return Ok(PromiseOrValue::Value(unchanged)),
    };
    check_replaced(running, asked)?;
    let us = Promise::new(env::current_account_id()).use_global_contract(code.0);
    Ok(raw_call(us, migrate, encoded(&asked), 0, MIGRATE_GAS).into())
}

/// In the new code's migration, before anything else: the state as the release before has left it. Two that were told the same
/// at once both get here; the second one fails, and its receipt with it.
///
/// # Errors
/// `ADOPT_NOT_SELF`, `CHARTER_CODE_REPLACED`; `CHARTER_BAD_ARGUMENTS` if the arguments are not [`settle`]'s, or there is no
/// state. A method or key that lets the account call any method of its own would run a migration again: have none.
pub fn take_over() -> Answer<Vec<u8>> {
    check_self()?;
    let replaced: Deployment = passed_on()?;
    let number = count();
    // The code that it replaces is gone: this is the new one.
    check_replaced(Deployment { number, ..replaced }, replaced)?;
    env::storage_write(COUNT, &encoded(&(number + 1)));
    let missing = || CommonError::BadArguments { reason: "no state to migrate".to_owned() };
    Ok(env::storage_read(STATE).ok_or_else(missing)?)
}

/// What strangers say with promises of their own is no answer to what the contract asked.
fn check_self() -> Answer {
    let caller = env::predecessor_account_id();
    if caller == env::current_account_id() { Ok(()) } else { Err(AdoptError::NotSelf { caller }.into()) }
}

fn count() -> u64 {
    env::storage_read(COUNT).map_or(0, |row| borsh::from_slice(&row).unwrap_or_else(|_| corrupt()))
}

fn running() -> Deployment {
    Deployment { number: count(), sha256: code_hash() }
}

/// What governance answered about this agent and no other.
fn told(agent: AgentId) -> Option<Told> {
    let answer = env::promise_result_checked(0, TOLD_BYTES_MAX).ok()?;
    json::read(&answer).ok().filter(|told: &Told| told.agent == agent)
}

enum Decision {
    Adopt(Hash32),
    Stay(Unchanged),
}

/// What to do about what governance says, with the epochs that the registry says.
fn decide(told: &Told, now: Option<Epochs>, running: Hash32) -> Result<Decision, AdoptError> {
    let Told { agent, release, ref wasm, epochs: enrolled } = *told;
    let Some(release) = release else { return Ok(Decision::Stay(Unchanged::NoRelease)) };
    // Of an agent that is gone the registry says nothing, nor does governance of one on no line: that is no agreement.
    if enrolled.is_none() || enrolled != now {
        return Err(AdoptError::EpochsMoved { agent });
    }
    if wasm.contains(&running) {
        return Ok(Decision::Stay(Unchanged::Running));
    }
    match wasm[..] {
        [code] => Ok(Decision::Adopt(code)),
        _ => Err(AdoptError::NotOneCode { release, found: wasm.len() }),
    }
}
