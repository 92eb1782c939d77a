//! Calls and what became of them, by code.

use near_workspaces::result::ExecutionFinalResult;
use near_workspaces::types::NearToken;
use near_workspaces::{Account, AccountId, Worker};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a test looks at.
pub type Outcome = ExecutionFinalResult;

/// Short calls for tests.
pub trait Call {
    /// JSON arguments, a deposit in yoctoNEAR, 300 TGas.
    fn send(
        &self,
        contract: &AccountId,
        method: &str,
        args: impl Serialize + Send,
        deposit: u128,
    ) -> impl Future<Output = anyhow::Result<Outcome>> + Send;

    /// Raw arguments, all gas there is.
    fn send_raw(
        &self,
        contract: &AccountId,
        method: &str,
        args: Vec<u8>,
    ) -> impl Future<Output = anyhow::Result<Outcome>> + Send;
}

impl Call for Account {
    async fn send(
        &self,
        contract: &AccountId,
        method: &str,
        args: impl Serialize + Send,
        deposit: u128,
    ) -> anyhow::Result<Outcome> {
        let args = serde_json::to_vec(&args)?;
        let call = self.call(contract, method).args(args).deposit(NearToken::from_yoctonear(deposit)).max_gas();
        Ok(call.transact().await?)
    }

    async fn send_raw(&self, contract: &AccountId, method: &str, args: Vec<u8>) -> anyhow::Result<Outcome> {
        let gas = near_workspaces::types::Gas::from_tgas(900);
        Ok(self.call(contract, method).args(args).gas(gas).transact().await?)
    }
}

/// The code a failed transaction answered with; `None` if it succeeded.
pub fn failed_with(outcome: &Outcome) -> Option<String> {
    let error = outcome.clone().into_result().err()?;
    let text = format!("{error:?}");
    let text = text.split_once("Smart contract panicked: ").map_or(text.as_str(), |(_, text)| text);
    Some(text.split(": ").next().unwrap_or(text).trim_matches('"').to_owned())
}

/// A view with JSON arguments.
pub async fn view<T: DeserializeOwned>(
    worker: &Worker<near_workspaces::network::Sandbox>,
    contract: &AccountId,
    method: &str,
    args: impl Serialize,
) -> anyhow::Result<T> {
    Ok(worker.view(contract, method).args(serde_json::to_vec(&args)?).await?.json()?)
}
