//! What the contract keeps for an account: what it can post tasks with, and what it was paid.

use charter_client::{At, STORAGE_DEPOSIT};
use charter_types::asset::Asset;
use charter_types::tasks::args::{BalanceRef, OfAsset, TransferMsg, Withdraw};
use charter_types::tasks::{Leaving, Place, Record, Reviewer, Slot, methods};
use charter_types::{AccountId, Named, Nothing, U128};
use serde_json::json;

use super::asset;
use crate::key::input::Consent;
use crate::key::words;
use crate::session::Session;
use crate::token;
use crate::units::{Amount, money, near, some_amount, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Pays into your balance, out of which sets and appeals are paid. Posting a set in NEAR pays in by itself what is missing.
    Fund {
        /// In NEAR; of a token, in its smallest unit.
        #[arg(value_parser = some_amount)]
        amount: Amount,
        /// A token (NEP-141) instead of NEAR.
        #[arg(long, value_name = "ACCOUNT")]
        token: Option<AccountId>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Sends you what is in your balance, or a part of it.
    Withdraw {
        /// In NEAR; of a token, in its smallest unit [default: all].
        #[arg(value_parser = some_amount)]
        amount: Option<Amount>,
        /// A token (NEP-141) instead of NEAR.
        #[arg(long, value_name = "ACCOUNT")]
        token: Option<AccountId>,
    },
    /// Shows what an account has in the contract: balance, record, bond and duties.
    Account {
        /// Whose [default: yours].
        account: Option<AccountId>,
        /// A token (NEP-141) whose balance to show, too.
        #[arg(long, value_name = "ACCOUNT")]
        token: Option<AccountId>,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Fund { amount, token, consent } => fund(session, &amount, asset(token), &consent).await,
        Command::Withdraw { amount, token } => withdraw(session, amount.as_ref(), asset(token)).await,
        Command::Account { account, token } => {
            let account = account.unwrap_or_else(|| session.me.id.clone());
            show_with(session, &account, token.map(Asset::Nep141)).await
        }
    }
}

/// What an account has in an asset. `None`: it has no row.
pub async fn balance(session: &Session, account: &AccountId, asset: &Asset) -> anyhow::Result<Option<u128>> {
    let asked = BalanceRef { account: account.clone(), asset: asset.clone() };
    let found = session.contracts.tasks().view(session.rpc(), methods::balance, &asked, At::Final).await?;
    Ok(found.map(|row| row.amount.0))
}

/// Pays a token in. The row that it goes to is opened first, if there is none.
pub async fn pay_in(session: &Session, token: &AccountId, amount: u128) -> anyhow::Result<()> {
    let asset = Asset::Nep141(token.clone());
    let tasks = session.contracts.tasks();
    if balance(session, &session.me.id, &asset).await?.is_none() {
        tasks.call(&session.me, methods::open_balance, &OfAsset { asset }).await?;
    }
    let msg = serde_json::to_string(&TransferMsg::Deposit {})?;
    token::pay_in(session, token, &session.contracts.tasks, amount, &msg).await
}

async fn fund(session: &Session, amount: &Amount, asset: Asset, consent: &Consent) -> anyhow::Result<()> {
    let amount = amount.of(&asset)?;
    let sheet = vec![
        ("this", format!("pays {} into your balance", money(&asset, amount))),
        ("comes back", "`charter task withdraw` sends you what is not set aside for tasks".to_owned()),
    ];
    token::ask(session, consent, sheet, (&asset, &session.contracts.tasks)).await?;
    match &asset {
        Asset::Near => {
            let attached = amount.saturating_add(STORAGE_DEPOSIT);
            session.contracts.tasks().pay(&session.me, methods::deposit, &Nothing {}, attached).await?;
        }
        Asset::Nep141(token) => pay_in(session, token, amount).await?,
    }
    tell(session, asset).await
}

async fn tell(session: &Session, asset: Asset) -> anyhow::Result<()> {
    let has = balance(session, &session.me.id, &asset).await?.unwrap_or_default();
    let text = format!("your balance is {}", money(&asset, has));
    session.tell(&json!({ "asset": asset, "balance": U128(has) }), &text)
}

async fn withdraw(session: &Session, amount: Option<&Amount>, asset: Asset) -> anyhow::Result<()> {
    let amount = amount.map(|amount| amount.of(&asset)).transpose()?.map(U128);
    let args = Withdraw { asset, amount };
    let sent = session.contracts.tasks().call(&session.me, methods::withdraw, &args).await?.value;
    let text = format!("withdrew {}", money(&args.asset, sent.0));
    session.tell(&json!({ "asset": args.asset, "amount": sent }), &text)
}

/// What an account has in NEAR, and what it did.
pub async fn show(session: &Session, account: &AccountId) -> anyhow::Result<()> {
    show_with(session, account, None).await
}

async fn show_with(session: &Session, account: &AccountId, other: Option<Asset>) -> anyhow::Result<()> {
    let tasks = session.contracts.tasks();
    let named = Named { account: account.clone() };
    let record = tasks.view(session.rpc(), methods::record, &named, At::Final).await?;
    let reviewer = tasks.view(session.rpc(), methods::reviewer, &named, At::Final).await?;
    let slots = tasks.view(session.rpc(), methods::slots, &named, At::Final).await?;
    let mut sheet = vec![("account", account.to_string())];
    let mut balances = Vec::new();
    for asset in std::iter::once(Asset::Near).chain(other) {
        let has = balance(session, account, &asset).await?.unwrap_or_default();
        sheet.push(("balance", money(&asset, has)));
        balances.push(json!({ "asset": asset, "amount": U128(has) }));
    }
    sheet.extend(record.iter().flat_map(work_done));
    sheet.extend(reviewer.iter().flat_map(|reviewer| bonded(reviewer, &slots)));
    let value = json!({
        "account": account, "balances": balances, "record": record, "reviewer": reviewer, "slots": slots,
    });
    session.tell(&value, words::sheet(&sheet).trim_end())
}

fn work_done(record: &Record) -> Vec<(&'static str, String)> {
    let Record { done_good, done_bad, silent_work, majority, minority, silent_verdicts, .. } = record;
    vec![
        ("worked", format!("{done_good} good, {done_bad} bad, {silent_work} never handed in")),
        ("reviewed", format!("{majority} with the majority, {minority} against it, {silent_verdicts} never revealed")),
    ]
}

fn bonded(reviewer: &Reviewer, slots: &[Slot]) -> Vec<(&'static str, String)> {
    let duty = |slot: &Slot| match slot.place {
        Place::Pool(_) => None,
        Place::Duty { set, index, .. } => Some(("duty", format!("task {index} of set {set}"))),
    };
    let duties: Vec<_> = slots.iter().filter_map(duty).collect();
    let free = slots.len().saturating_sub(duties.len());
    let mut lines = vec![("slots", format!("{free} free, {} on duty", duties.len()))];
    lines.extend(duties);
    let leaving = |leaving: &Leaving| ("leaving", format!("{} slots, until {}", leaving.slots, time(leaving.from_ms)));
    lines.extend(reviewer.leaving.iter().map(leaving));
    if reviewer.returned.0 > 0 {
        lines.push((
            "returned",
            format!("{} NEAR, which `charter task unbond --withdraw` pays", near(reviewer.returned.0)),
        ));
    }
    lines
}
