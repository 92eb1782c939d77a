//! Paying a token in (NEP-141): its contract moves it, and tells escrow what it is for.

use anyhow::{anyhow, bail};
use charter_client::At;
use charter_types::AccountId;
use charter_types::escrow::args::TransferMsg;
use charter_types::shared::methods::storage_balance_of;
use charter_types::storage::StorageOf;

use crate::output::sentence;
use crate::session::Session;
use crate::token::transfer_call;

/// A token with storage accounts (NEP-145) moves nothing to who has none there. One without them answers nothing.
pub async fn check(session: &Session, token: &AccountId) -> anyhow::Result<()> {
    let escrow = &session.contracts.escrow;
    let asked = StorageOf { account_id: escrow.clone() };
    let known = session.rpc().view(token, storage_balance_of, &asked, At::Final).await;
    if matches!(known, Ok(None)) {
        bail!(
            "PAY_TOKEN_STORAGE: {token} moves nothing to {escrow}, which has no storage account there: call \
             storage_deposit of {token} first, with {{\"account_id\": \"{escrow}\"}}"
        );
    }
    Ok(())
}

/// Pays in, and fails unless all of it was taken.
pub async fn send(session: &Session, token: &AccountId, amount: u128, msg: &TransferMsg) -> anyhow::Result<()> {
    let msg = serde_json::to_string(msg)?;
    let (taken, outcome) = transfer_call(&session.me, token, &session.contracts.escrow, amount, &msg).await?;
    if taken != amount {
        let why = outcome.failures().next().unwrap_or_else(|| "escrow did not take the rest".to_owned());
        bail!("{why}: {taken} of {amount} {token} came in, the rest is yours again");
    }
    Ok(())
}

/// The same for what was just opened for it, and stays open.
pub async fn fill(
    session: &Session,
    token: &AccountId,
    amount: u128,
    msg: &TransferMsg,
    opened: &str,
) -> anyhow::Result<()> {
    let sent = send(session, token, amount, msg).await;
    sent.map_err(|error| anyhow!("{}; {opened}", sentence(&error)))
}
