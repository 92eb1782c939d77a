//! Calls, views, and what became of them.

use std::fmt;

use charter_types::method::Method;
use near_workspaces::network::Sandbox;
use near_workspaces::result::ExecutionFinalResult;
use near_workspaces::types::{Gas, NearToken};
use near_workspaces::{Account, AccountId, Worker};
use serde::Serialize;

/// What a test looks at.
pub type Outcome = ExecutionFinalResult;

/// Attached to calls, if nothing else is said: more than any of them takes.
const TGAS: u64 = 300;
/// Attached to bytes: batches and code are as large as a transaction may be.
const BYTES_TGAS: u64 = 900;

/// A call of a method, to be sent by any account with any deposit.
#[derive(Clone)]
pub struct Call {
    pub method: String,
    pub args: Vec<u8>,
    pub tgas: u64,
}

impl Call {
    pub fn tgas(self, tgas: u64) -> Self {
        Self { tgas, ..self }
    }
}

/// The method, and its arguments as far as they are short text.
impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let args: String = String::from_utf8_lossy(&self.args).chars().take(300).collect();
        write!(out, "{} {args}", self.method)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A call as it is declared.
pub fn call<M: Method>(_: M, args: &M::Args) -> Call {
    Call { method: M::NAME.to_owned(), args: M::write(args), tgas: TGAS }
}

/// A call of any method by its name, with any JSON: for what is wrong on purpose, and for contracts that are not ours.
///
/// # Panics
/// If the arguments have no JSON.
pub fn raw(method: &str, args: impl Serialize) -> Call {
    let args = serde_json::to_vec(&args).expect("arguments of tests have an encoding");
    Call { method: method.to_owned(), args, tgas: TGAS }
}

/// The same with any bytes.
pub fn raw_bytes(method: &str, args: Vec<u8>) -> Call {
    Call { method: method.to_owned(), args, tgas: BYTES_TGAS }
}

/// An account that calls contracts.
pub trait Caller {
    /// Sends a call with a deposit in yoctoNEAR, and waits until all of it is done.
    fn send(
        &self,
        contract: &AccountId,
        call: Call,
        deposit: u128,
    ) -> impl Future<Output = anyhow::Result<Outcome>> + Send;
}

impl Caller for Account {
    async fn send(&self, contract: &AccountId, call: Call, deposit: u128) -> anyhow::Result<Outcome> {
        let Call { method, args, tgas } = call;
        let transaction = self.call(contract, &method).args(args).gas(Gas::from_tgas(tgas));
        Ok(transaction.deposit(NearToken::from_yoctonear(deposit)).transact().await?)
    }
}

/// What a call of method `M` answered.
pub fn answer<M: Method>(_: M, outcome: &Outcome) -> anyhow::Result<M::Answer> {
    let bytes = outcome.clone().into_result()?.raw_bytes()?;
    M::answer(&bytes).map_err(anyhow::Error::msg)
}

/// What a call that has to go through answers.
///
/// # Panics
/// If it fails.
pub async fn ok<M: Method>(by: &Account, contract: &AccountId, method: M, args: &M::Args, deposit: u128) -> M::Answer {
    let outcome = by.send(contract, call(method, args), deposit).await.expect("the node answers");
    assert!(outcome.is_success(), "{}: {outcome:?}", M::NAME);
    answer(method, &outcome).expect("an answer as declared")
}

/// The code of a call that has to fail.
///
/// # Panics
/// If it goes through.
pub async fn refused<M: Method>(
    by: &Account,
    contract: &AccountId,
    method: M,
    args: &M::Args,
    deposit: u128,
) -> String {
    let outcome = by.send(contract, call(method, args), deposit).await.expect("the node answers");
    failed_with(&outcome).unwrap_or_else(|| panic!("{} went through", M::NAME))
}

/// The code a failed transaction answered with; `None` if it succeeded.
pub fn failed_with(outcome: &Outcome) -> Option<String> {
    Some(code(&format!("{:?}", outcome.clone().into_result().err()?)))
}

/// The code in what a node says about a contract that failed; all of it, if the contract was not even asked.
pub(crate) fn code(text: &str) -> String {
    let Some((_, told)) = text.split_once("Smart contract panicked: ") else { return text.to_owned() };
    told.split([':', '"', '\\']).next().unwrap_or(told).to_owned()
}

/// What a view answers.
pub async fn view<M: Method>(
    worker: &Worker<Sandbox>,
    contract: &AccountId,
    _: M,
    args: &M::Args,
) -> anyhow::Result<M::Answer> {
    let bytes = worker.view(contract, M::NAME).args(M::write(args)).await?.result;
    M::answer(&bytes).map_err(anyhow::Error::msg)
}
