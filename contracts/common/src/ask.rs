//! Asking other contracts: above all the registry, who speaks for an agent.

use borsh::BorshSerialize;
use charter_types::AccountId;
use charter_types::json::{self, FromJson};
use charter_types::method::Method;
use charter_types::registry::args::AgentAccount;
use charter_types::registry::methods::authority;
use charter_types::registry::{AgentId, Authority};
use charter_types::shared::methods::fail;
use near_sdk::{Gas, GasWeight, NearToken, Promise, PromiseError, env};

use crate::Later;

use crate::encoded;

/// Gas for the registry's answer; a view of one agent takes about 2 TGas.
const AUTHORITY_GAS: Gas = Gas::from_tgas(5);
/// Gas for the callback that acts on the answer; whatever is left goes to it as well.
const CALLBACK_GAS: Gas = Gas::from_tgas(10);
/// Longest answer the registry gives.
const AUTHORITY_BYTES_MAX: usize = 4_096;
const FAIL_GAS: Gas = Gas::from_tgas(2);

/// Adds a call of method `M` to a promise, with its arguments as `M::write` has them. What gas is left is shared by weight.
pub fn then_call<M: Method>(promise: Promise, _: M, args: Vec<u8>, gas: Gas, weight: u64) -> Promise {
    promise.function_call_weight(M::NAME, args, NearToken::ZERO, gas, GasWeight(weight))
}

/// The same with a deposit.
pub fn paid_call<M: Method>(promise: Promise, _: M, args: Vec<u8>, yocto: u128, gas: Gas) -> Promise {
    raw_call(promise, M::NAME, args, yocto, gas)
}

/// The same for a contract that is not ours, whose methods we know by name only.
pub fn raw_call(promise: Promise, method: &str, args: Vec<u8>, yocto: u128, gas: Gas) -> Promise {
    promise.function_call_weight(method, args, NearToken::from_yoctonear(yocto), gas, GasWeight(1))
}

/// `registry.authority(agent, account)`, and our own `callback` with `pending` once it has answered.
pub fn ask_authority<C: Method>(
    registry: &AccountId,
    agent: AgentId,
    account: &AccountId,
    callback: C,
    pending: &impl BorshSerialize,
) -> Later<C::Answer> {
    ask_authority_then(registry, (agent, account), (callback, CALLBACK_GAS), pending)
}

/// The same for a callback that needs more gas than most.
pub fn ask_authority_then<C: Method>(
    registry: &AccountId,
    (agent, account): (AgentId, &AccountId),
    callback: (C, Gas),
    pending: &impl BorshSerialize,
) -> Later<C::Answer> {
    let args = authority::write(&AgentAccount { agent, account: account.clone() });
    ask_then(registry, (authority, AUTHORITY_GAS), args, callback, pending)
}

/// A view of another contract, and our own callback with `pending` (as borsh) once it has answered, each with the gas it needs.
pub fn ask_then<V: Method, C: Method>(
    contract: &AccountId,
    (view, gas): (V, Gas),
    args: Vec<u8>,
    (callback, callback_gas): (C, Gas),
    pending: &impl BorshSerialize,
) -> Later<C::Answer> {
    let question = then_call(Promise::new(contract.clone()), view, args, gas, 0);
    let us = Promise::new(env::current_account_id());
    Later::to(callback, question.then(then_call(us, callback, encoded(pending), callback_gas, 1)))
}

/// What the registry answered, in `on_authority`. `None`: it knows no such agent, or the call failed.
pub fn authority_answer() -> Option<Authority> {
    view_answer(authority, AUTHORITY_BYTES_MAX).flatten()
}

/// What a view answered, in the callback. `None`: it failed, or said more than `bytes_max`.
pub fn view_answer<V: Method<Answer: FromJson>>(view: V, bytes_max: usize) -> Option<V::Answer> {
    view_answer_at(0, view, bytes_max)
}

/// The same where the callback waited for several promises, by the view's place among them.
pub fn view_answer_at<V: Method<Answer: FromJson>>(place: u64, _: V, bytes_max: usize) -> Option<V::Answer> {
    json::read(&env::promise_result_checked(place, bytes_max).ok()?).ok()
}

/// Whether a promise went through, whatever it answered.
pub fn succeeded(index: u64) -> bool {
    matches!(env::promise_result_checked(index, 0), Ok(_) | Err(PromiseError::TooLong(_)))
}

/// A receipt of its own that panics with `text`: a callback keeps its books and the transaction still shows as failed.
pub fn fail_later(text: &str) -> Promise {
    then_call(Promise::new(env::current_account_id()), fail, text.as_bytes().to_vec(), FAIL_GAS, 0)
}
