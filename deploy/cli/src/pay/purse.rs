//! Money that an owner lets an agent spend, within caps.

use anyhow::Context;
use charter_client::{At, STORAGE_DEPOSIT};
use charter_types::asset::Asset;
use charter_types::escrow::args::{OfAgent, PurseRef, SetCaps, TransferMsg};
use charter_types::escrow::{DAY_MS, Purse, methods};
use charter_types::{AccountId, U128};
use serde_json::json;

use super::{Which, token};
use crate::key::input::Consent;
use crate::key::words;
use crate::session::Session;
use crate::token::ask;
use crate::units::{Amount, amount, duration_ms, money, some_amount, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Puts money into your purse for an agent. It gives nothing before it has caps.
    Fill {
        /// In NEAR, of which about 0.005 are for storage the first time; of a token, in its smallest unit.
        #[arg(value_parser = some_amount)]
        amount: Amount,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        consent: Consent,
    },
    /// Says how much the agent can take out of it, and until when.
    Caps {
        /// All in all on one day (UTC); 0: nothing. In NEAR; of a token, in its smallest unit.
        #[arg(long, value_name = "AMOUNT", value_parser = amount)]
        per_day: Amount,
        /// For one payee on one day [default: as much as for all].
        #[arg(long, value_name = "AMOUNT", value_parser = amount)]
        per_payee: Option<Amount>,
        /// For how long, as 30d.
        #[arg(long = "for", value_name = "TIME", value_parser = duration_ms)]
        for_ms: u64,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        consent: Consent,
    },
    /// Sends you all that is in your purse. Then it is gone.
    Empty {
        #[command(flatten)]
        which: Which,
    },
    /// Shows a purse, and what can be drawn today.
    Show {
        /// Whose [default: yours].
        #[arg(long, value_name = "ACCOUNT")]
        owner: Option<AccountId>,
        #[command(flatten)]
        which: Which,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Fill { amount, which, consent } => fill(session, &amount, which.read(session)?, &consent).await,
        Command::Caps { per_day, per_payee, for_ms, which, consent } => {
            let OfAgent { agent, asset } = which.read(session)?;
            let all = per_day.of(&asset)?;
            let each = per_payee.map_or(Ok(all), |amount| amount.of(&asset))?;
            let until_ms = session.now_ms().await?.saturating_add(for_ms);
            let caps = SetCaps { agent, asset, per_day: U128(all), per_payee: U128(each), until_ms };
            set_caps(session, caps, &consent).await
        }
        Command::Empty { which } => {
            let args = which.read(session)?;
            let amount = session.contracts.escrow().call(&session.me, methods::empty_purse, &args).await?.value;
            let text =
                format!("{} came back; the purse for agent {} is gone", money(&args.asset, amount.0), args.agent);
            session.tell(&json!({ "agent": args.agent, "asset": args.asset, "amount": amount }), &text)
        }
        Command::Show { owner, which } => {
            let owner = owner.unwrap_or_else(|| session.me.id.clone());
            let args = which.read(session)?;
            show(session, owner, args).await
        }
    }
}

async fn find(session: &Session, owner: AccountId, of: OfAgent) -> anyhow::Result<Option<Purse>> {
    let args = PurseRef { agent: of.agent, owner, asset: of.asset };
    Ok(session.contracts.escrow().view(session.rpc(), methods::purse, &args, At::Final).await?)
}

async fn fill(session: &Session, amount: &Amount, args: OfAgent, consent: &Consent) -> anyhow::Result<()> {
    let (me, escrow) = (&session.me, session.contracts.escrow());
    let amount = amount.of(&args.asset)?;
    let what = money(&args.asset, amount);
    let is_new = find(session, me.id.clone(), args.clone()).await?.is_none();
    let mut sheet = vec![
        ("this", format!("puts {what} into your purse for agent {}", args.agent)),
        ("agent", "its account can open channels from it, within caps that you set".to_owned()),
        ("comes back", "`charter pay purse empty` sends you what is left".to_owned()),
    ];
    if is_new {
        sheet.push(words::storage("0.005", args.asset.is_near(), "the purse is emptied"));
    }
    ask(session, consent, sheet, (&args.asset, &session.contracts.escrow)).await?;
    match &args.asset {
        Asset::Near => {
            escrow.pay(me, methods::fill_purse, &args, amount).await?;
        }
        Asset::Nep141(token) => {
            if is_new {
                escrow.pay(me, methods::fill_purse, &args, STORAGE_DEPOSIT).await?;
            }
            let again = format!("the purse for agent {} is there: fill it again", args.agent);
            token::fill(session, token, amount, &TransferMsg::Purse { agent: args.agent }, &again).await?;
        }
    }
    show(session, me.id.clone(), args).await
}

async fn set_caps(session: &Session, caps: SetCaps, consent: &Consent) -> anyhow::Result<()> {
    let SetCaps { agent, asset, per_day, per_payee, until_ms } = &caps;
    consent.ask(&words::sheet(&[
        ("this", format!("lets agent {agent} draw from your purse")),
        ("per day", money(asset, per_day.0)),
        ("per payee", format!("{} a day", money(asset, per_payee.0))),
        ("until", time(*until_ms)),
    ]))?;
    session.contracts.escrow().call(&session.me, methods::set_caps, &caps).await?;
    let args = OfAgent { agent: caps.agent, asset: caps.asset };
    show(session, session.me.id.clone(), args).await
}

async fn show(session: &Session, owner: AccountId, of: OfAgent) -> anyhow::Result<()> {
    let purse = find(session, owner.clone(), of.clone()).await?;
    let purse = purse.with_context(|| format!("ESCROW_NO_PURSE: {owner} has no purse for agent {}", of.agent))?;
    let now_ms = session.now_ms().await?;
    let money = |amount| money(&purse.asset, amount);
    let mut sheet = vec![("purse", format!("of {owner}, for agent {}", purse.agent)), ("has", money(purse.balance.0))];
    if purse.until_ms == 0 {
        sheet.push(("caps", "none yet: it gives nothing before `charter pay purse caps`".to_owned()));
    } else {
        let drawn = if purse.day == now_ms / DAY_MS { purse.drawn.0 } else { 0 };
        sheet.push(("per day", format!("{}, of which {} are drawn today", money(purse.per_day.0), money(drawn))));
        sheet.push(("per payee", format!("{} a day", money(purse.per_payee.0))));
        let over = if now_ms > purse.until_ms { ": it gives nothing any more" } else { "" };
        sheet.push(("until", format!("{}{over}", time(purse.until_ms))));
    }
    session.tell(&json!({ "purse": purse }), words::sheet(&sheet).trim_end())
}
