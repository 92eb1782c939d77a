//! Asking the registry who speaks for an agent.

use borsh::BorshSerialize;
use charter_types::AccountId;
use charter_types::json;
use charter_types::registry::args::AgentAccount;
use charter_types::registry::{AgentId, Authority};
use near_sdk::{Gas, GasWeight, NearToken, Promise, PromiseError, env};

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
    let arguments = serde_json::to_vec(&AgentAccount { agent, account: account.clone() }).unwrap_or_default();
    let question = Promise::new(registry.clone()).function_call_weight(
        "authority",
        arguments,
        NearToken::ZERO,
        AUTHORITY_GAS,
        GasWeight(0),
    );
    let callback = Promise::new(env::current_account_id()).function_call_weight(
        "on_authority",
        borsh::to_vec(pending).unwrap_or_default(),
        NearToken::ZERO,
        CALLBACK_GAS,
        GasWeight(1),
    );
    question.then(callback)
}

/// What the registry answered, in `on_authority`. `None`: it knows no such agent, or the call failed.
pub fn authority_answer() -> Option<Authority> {
    let bytes = env::promise_result_checked(0, AUTHORITY_BYTES_MAX).ok()?;
    json::read::<Option<Authority>>(&bytes).ok()?
}

/// Whether a promise went through, whatever it answered.
pub fn succeeded(index: u64) -> bool {
    matches!(env::promise_result_checked(index, 0), Ok(_) | Err(PromiseError::TooLong(_)))
}

/// A receipt of its own that panics with `text`: a callback keeps its books and the transaction still shows as failed.
pub fn fail_later(text: &str) -> Promise {
    Promise::new(env::current_account_id()).function_call("fail", text.as_bytes().to_vec(), NearToken::ZERO, FAIL_GAS)
}
