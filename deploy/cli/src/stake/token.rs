//! Locking a token (NEP-141): its contract moves it, and tells governance.

use anyhow::bail;
use charter_client::{At, Call};
use charter_types::governance::LineId;
use charter_types::governance::args::{LineRef, LockStake};
use charter_types::governance::methods;
use charter_types::shared::methods::{storage_balance_bounds, storage_balance_of, storage_deposit};
use charter_types::storage::{StorageDeposit, StorageOf};
use charter_types::{AccountId, Nothing, U128};
use serde_json::json;

use super::of;
use crate::session::Session;
use crate::token::transfer_call;

pub async fn lock(session: &Session, line: LineId, token: &AccountId, amount: u128) -> anyhow::Result<()> {
    make_row(session, line).await?;
    register(session, token).await?;
    let msg = json!(LineRef { line }).to_string();
    let (locked, outcome) = transfer_call(&session.me, token, &session.contracts.governance, amount, &msg).await?;
    if locked != amount {
        let why = outcome.failures().next().unwrap_or_else(|| "governance did not take the rest".to_owned());
        bail!("{why}: {locked} of {amount} {token} are locked, the rest is yours again");
    }
    Ok(())
}

/// Only who has a row is believed to have sent tokens. It has its full size at once: tokens that come make it no larger.
async fn make_row(session: &Session, line: LineId) -> anyhow::Result<()> {
    if of(session, line, session.me.id.clone()).await?.is_none() {
        let empty = LockStake { line, amount: U128(0) };
        session.contracts.governance().call(&session.me, methods::lock, &empty).await?;
    }
    Ok(())
}

/// A token with storage accounts (NEP-145) moves nothing to who has none there. One without them answers nothing.
async fn register(session: &Session, token: &AccountId) -> anyhow::Result<()> {
    let account_id = session.contracts.governance.clone();
    let asked = StorageOf { account_id: account_id.clone() };
    let known = session.rpc().view(token, storage_balance_of, &asked, At::Final).await;
    if !matches!(known, Ok(None)) {
        return Ok(());
    }
    let least = session.rpc().view(token, storage_balance_bounds, &Nothing {}, At::Final).await?.min;
    let args = StorageDeposit { account_id: Some(account_id), registration_only: Some(true) };
    session.me.call(token, Call::new(storage_deposit, &args).deposit(least.0)).await?;
    Ok(())
}
