//! Contracts of tokens (NEP-141). They are not ours.

use anyhow::bail;
use charter_client::{Account, At, Call, Outcome};
use charter_types::shared::methods::{storage_balance_bounds, storage_balance_of, storage_deposit};
use charter_types::storage::{StorageDeposit, StorageOf};
use charter_types::{AccountId, Nothing, U128};
use serde_json::json;

use crate::session::Session;

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

/// The same, and fails unless all of it was taken.
pub async fn pay_in(
    session: &Session,
    token: &AccountId,
    to: &AccountId,
    amount: u128,
    msg: &str,
) -> anyhow::Result<()> {
    let (taken, outcome) = transfer_call(&session.me, token, to, amount, msg).await?;
    if taken != amount {
        let why = outcome.failures().next().unwrap_or_else(|| format!("{to} did not take the rest"));
        bail!("{why}: {taken} of {amount} {token} came in, the rest is yours again");
    }
    Ok(())
}

/// A token with storage accounts (NEP-145) moves nothing to who has none there. One without them answers nothing.
pub async fn register(session: &Session, token: &AccountId, account_id: &AccountId) -> anyhow::Result<()> {
    let asked = StorageOf { account_id: account_id.clone() };
    let known = session.rpc().view(token, storage_balance_of, &asked, At::Final).await;
    if !matches!(known, Ok(None)) {
        return Ok(());
    }
    let least = session.rpc().view(token, storage_balance_bounds, &Nothing {}, At::Final).await?.min;
    let args = StorageDeposit { account_id: Some(account_id.clone()), registration_only: Some(true) };
    session.me.call(token, Call::new(storage_deposit, &args).deposit(least.0)).await?;
    Ok(())
}
