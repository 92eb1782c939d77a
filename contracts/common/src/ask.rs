//! Asking other contracts: above all the registry, who speaks for an agent.

use borsh::BorshSerialize;
use charter_types::AccountId;
use charter_types::json::{self, FromJson};
use charter_types::registry::args::AgentAccount;
use charter_types::registry::{AgentId, Authority};
use near_sdk::{Gas, GasWeight, NearToken, Promise, PromiseError, env};
use serde::Serialize;

/// Gas for the registry's answer; a view of one agent takes about 2 TGas.
const AUTHORITY_GAS: Gas = Gas::from_tgas(5);
/// Gas for the callback that acts on the answer; whatever is left goes to it as well.
const CALLBACK_GAS: Gas = Gas::from_tgas(10);
/// Longest answer the registry gives.
const AUTHORITY_BYTES_MAX: usize = 4_096;
const FAIL_GAS: Gas = Gas::from_tgas(2);

/// `registry.authority(agent, account)`, and our own `on_authority` with `pending` (as borsh) once it has answered.
pub fn ask_authority(
    registry: &AccountId,
    agent: AgentId,
    account: &AccountId,
    pending: &impl BorshSerialize,
) -> Promise {
    let args = AgentAccount { agent, account: account.clone() };
    ask_view(registry, ("authority", AUTHORITY_GAS), &args, "on_authority", pending)
}

/// A view of another contract with the gas it needs, and our own `callback` with `pending` (as borsh) once it has answered.
pub fn ask_view(
    contract: &AccountId,
    (view, gas): (&str, Gas),
    args: &impl Serialize,
    callback: &str,
    pending: &impl BorshSerialize,
) -> Promise {
    let args = serde_json::to_vec(args).unwrap_or_default();
    let pending = borsh::to_vec(pending).unwrap_or_default();
    let (question, answer) = (Promise::new(contract.clone()), Promise::new(env::current_account_id()));
    question.function_call_weight(view, args, NearToken::ZERO, gas, GasWeight(0)).then(answer.function_call_weight(
        callback,
        pending,
        NearToken::ZERO,
        CALLBACK_GAS,
        GasWeight(1),
    ))
}

/// What the registry answered, in `on_authority`. `None`: it knows no such agent, or the call failed.
pub fn authority_answer() -> Option<Authority> {
    view_answer(AUTHORITY_BYTES_MAX)
}

/// What a view answered that may say `null`. `None`: it did, or it failed, or it said more than `bytes_max`.
pub fn view_answer<T: FromJson>(bytes_max: usize) -> Option<T> {
    json::read::<Option<T>>(&env::promise_result_checked(0, bytes_max).ok()?).ok()?
}

/// Whether a promise went through, whatever it answered.
pub fn succeeded(index: u64) -> bool {
    matches!(env::promise_result_checked(index, 0), Ok(_) | Err(PromiseError::TooLong(_)))
}

/// A receipt of its own that panics with `text`: a callback keeps its books and the transaction still shows as failed.
pub fn fail_later(text: &str) -> Promise {
    Promise::new(env::current_account_id()).function_call("fail", text.as_bytes().to_vec(), NearToken::ZERO, FAIL_GAS)
}
