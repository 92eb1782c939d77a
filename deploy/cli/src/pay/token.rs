//! Paying a token in (NEP-141): its contract moves it, and tells escrow what it is for.

use charter_types::AccountId;
use charter_types::escrow::args::TransferMsg;

use crate::output::longer;
use crate::session::Session;
use crate::token;

/// Fails unless all of it was taken.
pub async fn send(session: &Session, asset: &AccountId, amount: u128, msg: &TransferMsg) -> anyhow::Result<()> {
    token::pay_in(session, asset, &session.contracts.escrow, amount, &serde_json::to_string(msg)?).await
}

/// The same for what was just opened for it, and stays open.
pub async fn fill(
    session: &Session,
    asset: &AccountId,
    amount: u128,
    msg: &TransferMsg,
    opened: &str,
) -> anyhow::Result<()> {
    let sent = send(session, asset, amount, msg).await;
    sent.map_err(|error| longer(error, format!("; {opened}")))
}
