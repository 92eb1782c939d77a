//! `charter stake …`: what is locked on a line to vote with.

mod token;

use anyhow::{Context, ensure};
use charter_client::At;
use charter_types::asset::Asset;
use charter_types::governance::args::{LineRef, LockStake, StakeRef};
use charter_types::governance::{Delegate, LineId, Part, Pool, Since, Stake, methods};
use charter_types::{AccountId, U128};
use serde_json::json;

use crate::delegate;
use crate::key::input::Consent;
use crate::key::words;
use crate::proposal::{self, stake};
use crate::session::{Group, Session};
use crate::token::ask;
use crate::units::{Amount, length, money, some_amount, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Locks NEAR, or the line's token, on a line. From the next period on it votes there.
    Lock {
        line: LineId,
        /// In NEAR; of a token, in its smallest unit.
        #[arg(value_parser = some_amount)]
        amount: Amount,
        #[command(flatten)]
        consent: Consent,
    },
    /// Unlocks what is not delegated. It counts until the period ends, and can be withdrawn the line's time after that;
    /// what was being unlocked already waits anew with it.
    Unlock {
        line: LineId,
        /// In NEAR; of a token, in its smallest unit.
        #[arg(value_parser = some_amount)]
        amount: Amount,
    },
    /// Sends you what is unlocked and ready.
    Withdraw { line: LineId },
    /// Shows what somebody has locked on a line, from when on it counts, and who votes with it.
    Show {
        line: LineId,
        /// Whose [default: yours].
        account: Option<AccountId>,
    },
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Lock { line, amount, consent } => lock(&session, line, &amount, &consent).await,
        Command::Unlock { line, amount } => unlock(&session, line, &amount).await,
        Command::Withdraw { line } => withdraw(&session, line).await,
        Command::Show { line, account } => {
            let account = account.unwrap_or_else(|| session.me.id.clone());
            show(&session, line, account).await
        }
    }
}

/// What is locked on a line; an error if stake never decided there.
pub async fn pool(session: &Session, line: LineId) -> anyhow::Result<Pool> {
    let pool = proposal::pool(session, line).await?;
    pool.with_context(|| format!("GOVERNANCE_NO_POOL: line {line} was never decided by stake"))
}

pub async fn of(session: &Session, line: LineId, account: AccountId) -> anyhow::Result<Option<Stake>> {
    let args = StakeRef { line, account };
    Ok(session.contracts.governance().view(session.rpc(), methods::stake, &args, At::Final).await?)
}

/// The caller's own; an error if it has none.
pub async fn mine(session: &Session, line: LineId) -> anyhow::Result<Stake> {
    let me = &session.me.id;
    let stake = of(session, line, me.clone()).await?;
    stake.with_context(|| format!("GOVERNANCE_NOT_HOLDER: {me} has locked nothing on line {line}"))
}

async fn lock(session: &Session, id: LineId, amount: &Amount, consent: &Consent) -> anyhow::Result<()> {
    let (line, pool) = (proposal::line(session, id).await?, pool(session, id).await?);
    let amount = amount.of(&pool.asset)?;
    let now_ms = session.now_ms().await?;
    let (what, wait) = (money(&pool.asset, amount), length(pool.unlock_ms));
    let mut sheet = vec![
        ("this", format!("locks {what} on line {id}, {}", line.name)),
        ("counts", format!("from {} on, when the next period begins", time(pool.next_period_ms(now_ms)))),
        ("comes back", format!("{wait} after the end of the period in which you unlock it")),
        ("line", stake::locked(&pool, line.stake.as_ref(), line.params.quorum_bps, now_ms)),
    ];
    if of(session, id, session.me.id.clone()).await?.is_none() {
        sheet.push(words::storage("0.005", false, "you have nothing there any more"));
    }
    ask(session, consent, sheet, (&pool.asset, &session.contracts.governance)).await?;
    match &pool.asset {
        Asset::Near => {
            let args = LockStake { line: id, amount: U128(amount) };
            session.contracts.governance().call_with_bond(&session.me, methods::lock, &args, amount).await?;
        }
        Asset::Nep141(token) => token::lock(session, id, token, amount).await?,
    }
    let after = mine(session, id).await?;
    let Since { from_ms, amount: all } = after.locked.last().context("nothing is locked, though it went through")?;
    let text =
        format!("locked {what} on line {id}; {} of yours counts from {} on", money(&pool.asset, all.0), time(*from_ms));
    let value = json!({
        "line": id, "asset": pool.asset, "amount": U128(amount), "locked": all, "from_ms": from_ms,
    });
    session.tell(&value, &text)
}

async fn unlock(session: &Session, id: LineId, amount: &Amount) -> anyhow::Result<()> {
    let (pool, before) = (pool(session, id).await?, mine(session, id).await?);
    let (asset, amount) = (&pool.asset, amount.of(&pool.asset)?);
    let delegates = delegates(session, &before, u64::MAX).await?;
    let available = before.available(|part| stands(&delegates, part));
    ensure!(
        amount <= available,
        "GOVERNANCE_STAKE_SHORT: {} is locked on line {id} and not delegated",
        money(asset, available)
    );
    let args = LockStake { line: id, amount: U128(amount) };
    let ready_ms = session.contracts.governance().call(&session.me, methods::unlock, &args).await?.value;
    let unlocking = mine(session, id).await?.unlocking;
    let text = format!(
        "unlocked {} on line {id}: {} can be withdrawn from {} on, with `charter stake withdraw {id}`",
        money(asset, amount),
        money(asset, unlocking.0),
        time(ready_ms)
    );
    let value = json!({
        "line": id, "asset": asset, "amount": U128(amount), "unlocking": unlocking, "ready_ms": ready_ms,
    });
    session.tell(&value, &text)
}

async fn withdraw(session: &Session, id: LineId) -> anyhow::Result<()> {
    let pool = pool(session, id).await?;
    let governance = session.contracts.governance();
    let amount = governance.call(&session.me, methods::withdraw_stake, &LineRef { line: id }).await?.value;
    let text = if amount.0 == 0 {
        format!("you have nothing on line {id} any more")
    } else {
        format!("withdrew {} from line {id}", money(&pool.asset, amount.0))
    };
    session.tell(&json!({ "line": id, "asset": pool.asset, "amount": amount }), &text)
}

async fn show(session: &Session, id: LineId, account: AccountId) -> anyhow::Result<()> {
    let (line, pool) = (proposal::line(session, id).await?, pool(session, id).await?);
    let held = of(session, id, account.clone()).await?;
    let now_ms = session.now_ms().await?;
    let period = length(pool.period_ms());
    let mut sheet = vec![
        (
            "line",
            format!(
                "{id}, {}: {}",
                line.name,
                stake::locked(&pool, line.stake.as_ref(), line.params.quorum_bps, now_ms)
            ),
        ),
        (
            "unlocking",
            format!("takes {}; a period has {period}, the next begins at {}", length(pool.unlock_ms), {
                time(pool.next_period_ms(now_ms))
            }),
        ),
    ];
    match &held {
        None => sheet.push(("holder", format!("{account}, who has locked nothing"))),
        Some(held) => {
            let delegates = delegates(session, held, now_ms).await?;
            sheet.push(("holder", account.to_string()));
            sheet.extend(lines(held, &pool.asset, &delegates, now_ms));
        }
    }
    let ready = held.as_ref().map(|held| U128(ready(held, now_ms)));
    session.tell(&json!({ "line": id, "pool": pool, "stake": held, "ready": ready }), words::sheet(&sheet).trim_end())
}

/// What counts of a history now, and what will.
fn shown<T>(history: &[T], from_ms: impl Fn(&T) -> u64, now_ms: u64) -> impl Iterator<Item = &T> {
    let now = history.iter().rposition(|entry| from_ms(entry) <= now_ms);
    history.iter().skip(now.unwrap_or_default())
}

/// Those of a holder's delegates who are some still.
pub async fn delegates(session: &Session, held: &Stake, now_ms: u64) -> anyhow::Result<Vec<Delegate>> {
    let mut found = Vec::new();
    for part in shown(&held.delegated, |at| at.from_ms, now_ms).flat_map(|at| &at.parts) {
        found.extend(delegate::find(session, held.line, &part.delegate).await?);
    }
    Ok(found)
}

/// Whether a part's delegate is one still.
pub fn stands(delegates: &[Delegate], part: &Part) -> bool {
    delegates.iter().any(|known| known.account == part.delegate && known.number == part.number)
}

/// What can be withdrawn now.
fn ready(held: &Stake, now_ms: u64) -> u128 {
    let unlocked = if now_ms >= held.ready_ms { held.unlocking.0 } else { 0 };
    held.free.0.saturating_add(unlocked)
}

/// What somebody has locked, and what becomes of it.
fn lines(held: &Stake, asset: &Asset, delegates: &[Delegate], now_ms: u64) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let from = |from_ms| if from_ms > now_ms { format!("from {} on", time(from_ms)) } else { String::new() };
    for locked in shown(&held.locked, |at| at.from_ms, now_ms) {
        let when = Some(from(locked.from_ms)).filter(|when| !when.is_empty());
        let when = when.unwrap_or_else(|| format!("since {}", time(locked.from_ms)));
        lines.push(("locked", format!("{}, counting {when}", money(asset, locked.amount.0))));
    }
    for at in shown(&held.delegated, |at| at.from_ms, now_ms) {
        let from = from(at.from_ms);
        let tell =
            |part| format!("{}{}{from}", delegated(part, asset, delegates), if from.is_empty() { "" } else { ", " });
        lines.extend(at.parts.iter().map(|part| ("delegated", tell(part))));
    }
    let (ready, unlocking) = (ready(held, now_ms), held.unlocking.0);
    if unlocking > 0 && now_ms < held.ready_ms {
        lines.push(("unlocking", format!("{}, ready at {}", money(asset, unlocking), time(held.ready_ms))));
    }
    if ready > 0 {
        lines.push(("free", format!("{}: `charter stake withdraw {}`", money(asset, ready), held.line)));
    }
    if held.in_flight.0 > 0 {
        lines.push(("on its way", money(asset, held.in_flight.0)));
    }
    lines
}

/// A part of what is locked, and whose it is if nobody votes with it any more.
fn delegated(part: &Part, asset: &Asset, delegates: &[Delegate]) -> String {
    let Part { delegate, amount, .. } = part;
    let said = format!("{} of it to {delegate}", money(asset, amount.0));
    if stands(delegates, part) { said } else { format!("{said}, who is that delegate no more: it is yours again") }
}

#[cfg(test)]
mod tests {
    use charter_types::U128;
    use charter_types::asset::Asset;
    use charter_types::governance::{Delegate, Delegated, Part, Since, Stake};

    use super::{lines, ready};
    use crate::key::words::sheet;

    fn held() -> Stake {
        let part = Part { delegate: "d.near".parse().unwrap(), number: 2, amount: U128(30) };
        let since = |from_ms, amount| Since { from_ms, amount: U128(amount) };
        Stake {
            line: 2,
            holder: "a.near".parse().unwrap(),
            unlocking: U128(7),
            ready_ms: 9_000,
            free: U128(4),
            in_flight: U128(1),
            locked: vec![since(0, 20), since(1_000, 50), since(3_000, 60)],
            delegated: vec![Delegated { from_ms: 3_000, parts: vec![part] }],
        }
    }

    #[test]
    fn what_is_locked_says_from_when_on_it_counts() {
        let token = Asset::Nep141("usdc.near".parse().unwrap());
        let delegate = |number| Delegate {
            line: 2,
            account: "d.near".parse().unwrap(),
            number,
            agent: None,
            received: Vec::new(),
        };
        let said = |number, now_ms| sheet(&lines(&held(), &token, &[delegate(number)], now_ms));
        assert_eq!(
            said(2, 2_999),
            "\
locked      50 usdc.near, counting since 1970-01-01T00:00:01Z
locked      60 usdc.near, counting from 1970-01-01T00:00:03Z on
delegated   30 usdc.near of it to d.near, from 1970-01-01T00:00:03Z on
unlocking   7 usdc.near, ready at 1970-01-01T00:00:09Z
free        4 usdc.near: `charter stake withdraw 2`
on its way  1 usdc.near
"
        );
        let later = said(3, 9_000);
        for shown in [
            "locked      60 usdc.near, counting since 1970-01-01T00:00:03Z\n",
            "d.near, who is that delegate no more: it is yours again",
            "free        11 usdc.near: ",
        ] {
            assert!(later.contains(shown), "{shown}: {later}");
        }
        assert!(!later.contains("unlocking"), "{later}");
    }

    #[test]
    fn what_is_delegated_is_not_to_be_unlocked() {
        assert_eq!((held().available(|_| true), held().available(|_| false)), (30, 60));
        assert_eq!((ready(&held(), 8_999), ready(&held(), 9_000)), (4, 11));
    }
}
