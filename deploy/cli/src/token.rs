//! Contracts of tokens (NEP-141). They are not ours.

use charter_client::{Account, Call, Outcome};
use charter_types::{AccountId, U128};
use serde_json::json;

/// Has a token moved to a contract, which is told what it is for. Answers how much was taken there: what is refused is the
/// sender's again, and the transaction succeeds for all that.
pub async fn transfer_call(
    by: &Account,
    token: &AccountId,
    to: &AccountId,
    amount: u128,
    msg: &str,
) -> anyhow::Result<(u128, Outcome)> {
    let args = json!({ "receiver_id": to, "amount": U128(amount), "msg": msg });
    let call = Call::raw("ft_transfer_call", serde_json::to_vec(&args)?).deposit(1);
    let outcome = by.call(token, call).await?;
    let U128(taken) = outcome.value()?;
    Ok((taken, outcome))
}
