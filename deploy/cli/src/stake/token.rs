//! Locking a token (NEP-141): its contract moves it, and tells governance.

use charter_types::governance::LineId;
use charter_types::governance::args::{LineRef, LockStake};
use charter_types::governance::methods;
use charter_types::{AccountId, U128};
use serde_json::json;

use super::of;
use crate::session::Session;
use crate::token;

pub async fn lock(session: &Session, line: LineId, asset: &AccountId, amount: u128) -> anyhow::Result<()> {
    let governance = &session.contracts.governance;
    make_row(session, line).await?;
    let msg = json!(LineRef { line }).to_string();
    token::pay_in(session, asset, governance, amount, &msg).await
}

/// Only who has a row is believed to have sent tokens. It has its full size at once: tokens that come make it no larger.
async fn make_row(session: &Session, line: LineId) -> anyhow::Result<()> {
    if of(session, line, session.me.id.clone()).await?.is_none() {
        let empty = LockStake { line, amount: U128(0) };
        session.contracts.governance().call(&session.me, methods::lock, &empty).await?;
    }
    Ok(())
}
