//! Setting money aside: of one's own, or out of an owner's purse.

use std::path::PathBuf;

use anyhow::ensure;
use charter_client::offer::Offer;
use charter_client::{At, STORAGE_DEPOSIT};
use charter_types::asset::Asset;
use charter_types::escrow::args::{ChannelRef, Draw, DrawTo, OpenDrawn, TransferMsg};
use charter_types::escrow::{Channel, ChannelId, SPLITS_MAX, Split, methods};
use charter_types::registry::AgentId;
use charter_types::shared::methods::storage_balance_of;
use charter_types::storage::StorageOf;
use charter_types::{AccountId, Ed25519Key, U128};
use serde_json::json;

use super::{asset, offer, show, token};
use crate::files::payments::{Id, Known, Payments, id};
use crate::key::input::Consent;
use crate::key::words;
use crate::proposal::percent;
use crate::session::Session;
use crate::token::ask;
use crate::units::{Amount, bps, duration_ms, length, money, some_amount, time};

/// Free in a storage account, this is enough for a draw.
const DRAW_STORAGE: u128 = 20_000_000_000_000_000_000_000;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Opens a channel to a payee, and sets money aside for it. This folder remembers the channel.
    Open {
        payee: AccountId,
        /// In NEAR, of which about 0.005 are for storage until the channel closes; of a token, in its smallest unit.
        #[arg(value_parser = some_amount)]
        amount: Amount,
        /// A token (NEP-141) instead of NEAR.
        #[arg(long, value_name = "ACCOUNT")]
        token: Option<AccountId>,
        #[command(flatten)]
        terms: Box<Terms>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Adds money to a channel of yours.
    TopUp {
        #[arg(value_parser = id)]
        channel: Id,
        /// In NEAR; of a token, in its smallest unit.
        #[arg(value_parser = some_amount)]
        amount: Amount,
        #[command(flatten)]
        consent: Consent,
    },
    /// Opens a channel out of the purse of your owner, as an agent's account, or adds to one that came from there.
    #[command(group = clap::ArgGroup::new("where").required(true))]
    Draw {
        /// In NEAR; of a token, in its smallest unit.
        #[arg(value_parser = some_amount)]
        amount: Amount,
        /// The agent's id [default: the profile's].
        #[arg(long)]
        agent: Option<AgentId>,
        /// Opens a channel to this payee.
        #[arg(long, value_name = "ACCOUNT", group = "where")]
        to: Option<AccountId>,
        /// Adds to this channel.
        #[arg(long, value_name = "CHANNEL", group = "where", value_parser = id)]
        top_up: Option<Id>,
        /// A token (NEP-141) instead of NEAR.
        #[arg(long, value_name = "ACCOUNT")]
        token: Option<AccountId>,
        #[command(flatten)]
        terms: Box<Terms>,
        #[command(flatten)]
        consent: Consent,
    },
}

/// What a channel is opened with.
#[derive(clap::Args)]
pub struct Terms {
    /// How long the payee can claim after you asked to close the channel: 15m to 30d.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "1d")]
    grace: u64,
    /// For how long nobody but the payee can end the channel, as 30d; 366d at most.
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    lock: Option<u64>,
    /// The payee's agent that earns this money.
    #[arg(long, value_name = "AGENT")]
    payee_agent: Option<AgentId>,
    /// Who gets a part of all that is claimed, in percent, as carol.near:10; up to 32. The payee gets the rest.
    #[arg(long, value_name = "ACCOUNT:PERCENT", value_parser = split)]
    split: Vec<Split>,
    /// What the payee offers, signed: from now on no other prices are paid.
    #[arg(long, value_name = "FILE")]
    offer: Option<PathBuf>,
    /// The key of a program that signs the vouchers [default: this folder's].
    #[arg(long, value_name = "KEY")]
    voucher_key: Option<Ed25519Key>,
}

/// `carol.near:10`: an account, and its part of everything.
pub fn split(text: &str) -> Result<Split, String> {
    let (account, part) = text.split_once(':').ok_or("expected ACCOUNT:PERCENT, as carol.near:10")?;
    let account = account.parse().map_err(|error| format!("{account} is no account id: {error}"))?;
    Ok(Split { account, bps: bps(part)? })
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Open { payee, amount, token, terms, consent } => {
            open(session, payee, &amount, asset(token), &terms, &consent).await
        }
        Command::TopUp { channel, amount, consent } => top_up(session, &channel, &amount, &consent).await,
        Command::Draw { amount, agent, to, top_up, token, terms, consent } => {
            let agent = session.agent(agent)?;
            draw(session, agent, (to, top_up), &amount, asset(token), &terms, &consent).await
        }
    }
}

impl Terms {
    /// The arguments of `open`, and what was agreed on. A payee that does not exist could never be paid.
    async fn read(
        &self,
        session: &Session,
        payments: &Payments,
        payee: AccountId,
        asset: &Asset,
    ) -> anyhow::Result<(OpenDrawn, Option<Offer>)> {
        let Self { grace: withdraw_delay_ms, payee_agent: agent, .. } = *self;
        session.check_account(&payee).await?;
        ensure!(
            self.split.len() <= SPLITS_MAX,
            "ESCROW_BAD_SPLITS: there are at most {SPLITS_MAX} splits, not {}",
            self.split.len()
        );
        for split in &self.split {
            session.check_account(&split.account).await?;
        }
        let mut agreed = None;
        if let Some(path) = &self.offer {
            let (signed, hash) = offer::checked(session, payments, path).await?;
            let offer = signed.offer;
            ensure!(
                offer.payee == payee && offer.asset == *asset,
                "OFFER_NOT_AGREED: it is offered by {} for {}",
                offer.payee,
                offer::currency(&offer.asset)
            );
            agreed = Some((offer, hash));
        }
        let voucher_key = self.voucher_key.map_or_else(|| payments.public_key(), Ok)?;
        let mut locked_until_ms = 0;
        if let Some(lock) = self.lock {
            locked_until_ms = session.now_ms().await?.saturating_add(lock);
        }
        let splits = self.split.clone();
        let (agreed, offer) = agreed.unzip();
        let open = OpenDrawn { payee, voucher_key, withdraw_delay_ms, agent, locked_until_ms, splits, offer };
        Ok((open, agreed))
    }

    /// What is agreed to, a line each.
    fn sheet(&self, open: &OpenDrawn, agreed: Option<&Offer>) -> Vec<(&'static str, String)> {
        let whose = if self.voucher_key.is_some() { "" } else { ", of this folder" };
        let mut lines = vec![("voucher key", format!("{}{whose}: what it signs can be claimed", open.voucher_key))];
        lines.push(("grace", format!("{} to claim, once you ask to close it", length(open.withdraw_delay_ms))));
        if open.locked_until_ms > 0 {
            lines.push(("locked", format!("only the payee can end it before {}", time(open.locked_until_ms))));
        }
        if let Some(agent) = open.agent {
            lines.push(("earns", format!("agent {agent}")));
        }
        let share = |split: &Split| format!("{} of all that is claimed goes to {}", percent(split.bps), split.account);
        lines.extend(open.splits.iter().map(|split| ("split", share(split))));
        if let Some(offer) = agreed {
            lines.extend(offer::prices(offer));
        }
        lines
    }
}

async fn open(
    session: &Session,
    payee: AccountId,
    amount: &Amount,
    asset: Asset,
    terms: &Terms,
    consent: &Consent,
) -> anyhow::Result<()> {
    let amount = amount.of(&asset)?;
    let mut payments = Payments::open(session)?;
    let (args, agreed) = terms.read(session, &payments, payee, &asset).await?;
    let what = money(&asset, amount);
    let mut sheet = vec![("this", format!("opens a channel to {}, and sets {what} aside for it", args.payee))];
    sheet.extend(terms.sheet(&args, agreed.as_ref()));
    sheet.push(words::storage("0.005", asset.is_near(), "the channel is closed"));
    ask(session, consent, sheet, (&asset, &session.contracts.escrow)).await?;
    let escrow = session.contracts.escrow();
    let splits = args.splits.clone();
    let attached = if asset.is_near() { amount } else { STORAGE_DEPOSIT };
    let args = args.of(asset);
    let channel = escrow.pay(&session.me, methods::open, &args, attached).await?.value;
    payments.remember(Known { id: channel, splits, offer: agreed })?;
    if let Asset::Nep141(token) = &args.asset {
        let again = format!("channel {channel} is open, with nothing in it: `charter pay top-up {channel} {amount}`");
        token::fill(session, token, amount, &TransferMsg::TopUp { channel }, &again).await?;
    }
    tell(session, channel).await
}

/// Where a channel is now that money came in.
async fn tell(session: &Session, channel: ChannelId) -> anyhow::Result<()> {
    let (shown, _) = show::find(session, channel).await?;
    let Channel { asset, deposited, payee, voucher_key, .. } = &shown;
    let text = format!("channel {channel}: {} can be promised to {payee}, in all", money(asset, deposited.0));
    let value = json!({
        "channel": channel, "payee": payee, "asset": asset, "deposited": deposited, "voucher_key": voucher_key,
    });
    session.tell(&value, &text)
}

async fn top_up(session: &Session, named: &Id, amount: &Amount, consent: &Consent) -> anyhow::Result<()> {
    let channel = Payments::open(session)?.channel(named)?;
    let (before, _) = show::find(session, channel).await?;
    let amount = amount.of(&before.asset)?;
    let what = money(&before.asset, amount);
    let mut sheet = vec![("this", format!("adds {what} to a channel"))];
    sheet.extend(show::lines(&before));
    ask(session, consent, sheet, (&before.asset, &session.contracts.escrow)).await?;
    match &before.asset {
        Asset::Near => {
            let escrow = session.contracts.escrow();
            escrow.pay(&session.me, methods::top_up, &ChannelRef { channel }, amount).await?;
        }
        Asset::Nep141(token) => {
            token::send(session, token, amount, &TransferMsg::TopUp { channel }).await?;
        }
    }
    tell(session, channel).await
}

async fn draw(
    session: &Session,
    agent: AgentId,
    (to, top_up): (Option<AccountId>, Option<Id>),
    amount: &Amount,
    asset: Asset,
    terms: &Terms,
    consent: &Consent,
) -> anyhow::Result<()> {
    let amount = amount.of(&asset)?;
    let mut payments = Payments::open(session)?;
    let what = money(&asset, amount);
    let from = format!("out of the purse of agent {agent}'s owner");
    let mut sheet = Vec::new();
    let mut known = None;
    let to = match (to, top_up) {
        (Some(payee), _) => {
            let (args, agreed) = terms.read(session, &payments, payee, &asset).await?;
            sheet.push(("this", format!("opens a channel to {} with {what} {from}", args.payee)));
            sheet.extend(terms.sheet(&args, agreed.as_ref()));
            known = Some((args.splits.clone(), agreed));
            DrawTo::Open(args)
        }
        (None, Some(named)) => {
            let channel = payments.channel(&named)?;
            sheet.push(("this", format!("adds {what} to channel {channel} {from}")));
            DrawTo::TopUp(channel)
        }
        // clap asks for one of both.
        (None, None) => anyhow::bail!("name --to or --top-up"),
    };
    consent.ask(&words::sheet(&sheet))?;
    let args = Draw { agent, asset, amount: U128(amount), to };
    let escrow = session.contracts.escrow();
    let asked = StorageOf { account_id: session.me.id.clone() };
    let storage = session.rpc().view(&session.contracts.escrow, storage_balance_of, &asked, At::Final).await?;
    let done = if storage.is_some_and(|storage| storage.available.0 >= DRAW_STORAGE) {
        escrow.call(&session.me, methods::draw, &args).await?
    } else {
        escrow.prepay_and_call(&session.me, methods::draw, &args).await?
    };
    let channel = done.value;
    if let Some((splits, offer)) = known {
        payments.remember(Known { id: channel, splits, offer })?;
    }
    tell(session, channel).await
}
