//! Getting paid: claiming vouchers, withdrawing, and sending shares theirs.

use anyhow::{bail, ensure};
use charter_types::asset::Asset;
use charter_types::escrow::args::{Channels, Distribute};
use charter_types::escrow::{
    CLAIM_BATCH_MAX, Channel, ChannelId, ClaimBatch, ClaimResult, DISTRIBUTE_MAX, Split, WITHDRAW_MAX, methods,
};
use charter_types::{AccountId, Hash32, U128};
use serde_json::json;

use super::{open, row, show};
use crate::files::payments::{Id, Known, Payments, id};
use crate::session::Session;
use crate::units::money;

/// What shares are refused with that have got all that is theirs.
const NOTHING_DUE: &str = "ESCROW_NOTHING_DUE";

#[derive(clap::Subcommand)]
pub enum Command {
    /// Presents vouchers, of whomever and for whomever, up to 128. What they bring you is sent to you at once.
    Claim {
        /// As `charter pay voucher` prints it, in hex or JSON, or @FILE with one in each line.
        #[arg(required = true)]
        voucher: Vec<String>,
        /// What they bring you stays in the channels until you withdraw it.
        #[arg(long)]
        keep: bool,
    },
    /// Sends you what is claimed and due to you.
    Withdraw {
        /// Up to 128 [default: those that this folder remembers].
        #[arg(value_parser = id)]
        channel: Vec<Id>,
    },
    /// Sends who has shares of a channel what is due to them.
    Distribute {
        #[arg(value_parser = id)]
        channel: Id,
        /// Who else has a part, as the channel was opened: all of them, in their order [default: as this folder knows it].
        #[arg(long, value_name = "ACCOUNT:PERCENT", value_parser = open::split)]
        split: Vec<Split>,
        /// The hash of the offer that it was opened with, if any.
        #[arg(long, value_name = "HASH", requires = "split")]
        offer: Option<Hash32>,
        /// Only theirs.
        #[arg(long, value_name = "ACCOUNT")]
        to: Vec<AccountId>,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Claim { voucher, keep } => claim(session, &voucher, !keep).await,
        Command::Withdraw { channel } => withdraw(session, &channel).await,
        Command::Distribute { channel, split, offer, to } => distribute(session, &channel, split, offer, &to).await,
    }
}

async fn claim(session: &Session, vouchers: &[String], withdraw: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for text in vouchers {
        rows.extend(row::read(text)?);
    }
    ensure!(
        rows.len() <= CLAIM_BATCH_MAX,
        "ESCROW_BAD_BATCH_SIZE: {CLAIM_BATCH_MAX} vouchers at once, not {}: the best of each channel is enough",
        rows.len()
    );
    let mut ids: Vec<ChannelId> = rows.iter().map(|row| Hash32(row.channel)).collect();
    ids.sort_unstable();
    ids.dedup();
    let before = show::find_all(session, &ids).await?;
    let batch = ClaimBatch { rows, withdraw };
    // Before the call: what can't be written down is no reason to say that a claim failed which went through.
    let mut payments = Payments::open(session)?;
    let own = before.iter().filter(|channel| channel.payee == session.me.id);
    payments.remember_all(own.map(|channel| Known::new(channel.id)))?;
    let results = session.contracts.escrow().call(&session.me, methods::claim_batch, &batch).await?.value;
    if let Some(ClaimResult(channel, code)) =
        results.first().filter(|_| results.iter().all(|row| row.claimed().is_none()))
    {
        bail!("{code}: nothing was claimed on channel {channel}");
    }
    let lines: Vec<String> = results.iter().map(|result| outcome(result, &before)).collect();
    let rows: Vec<_> = results
        .iter()
        .map(|row| {
            let code = row.claimed().is_none().then_some(row.1.as_str());
            json!({ "channel": row.0, "claimed": row.claimed().map(U128), "refused": code })
        })
        .collect();
    session.tell(&rows, &lines.join("\n"))
}

fn outcome(result: &ClaimResult, before: &[Channel]) -> String {
    let ClaimResult(id, code) = result;
    let channel = before.iter().find(|channel| channel.id == *id);
    match (result.claimed(), channel) {
        (Some(claimed), Some(channel)) => {
            format!("channel {id}: {} claimed in all, for {}", money(&channel.asset, claimed), channel.payee)
        }
        (Some(claimed), None) => format!("channel {id}: {claimed} claimed in all"),
        (None, _) => format!("channel {id}: refused, {code}"),
    }
}

async fn withdraw(session: &Session, named: &[Id]) -> anyhow::Result<()> {
    let payments = Payments::open(session)?;
    let mut channels = named.iter().map(|named| payments.channel(named)).collect::<anyhow::Result<Vec<_>>>()?;
    if channels.is_empty() {
        channels = payments.channels().iter().map(|known| known.id).collect();
    }
    let known = show::find_all(session, &channels).await?;
    let own: Vec<&Channel> = known.iter().filter(|channel| channel.payee == session.me.id).collect();
    ensure!(!own.is_empty(), "there is no such channel of which {} is the payee: name it", session.me.id);
    ensure!(
        own.len() <= WITHDRAW_MAX,
        "ESCROW_BAD_WITHDRAW_SIZE: {WITHDRAW_MAX} channels at once, not {}: name some",
        own.len()
    );
    let args = Channels { channels: own.iter().map(|channel| channel.id).collect() };
    let sum = session.contracts.escrow().call(&session.me, methods::withdraw, &args).await?.value;
    let mut assets: Vec<&Asset> = own.iter().map(|channel| &channel.asset).collect();
    assets.dedup();
    let text = match assets.as_slice() {
        [asset] => format!("withdrew {}", money(asset, sum.0)),
        _ => "withdrew what was due, in several assets: see `charter pay list`".to_owned(),
    };
    session.tell(&json!({ "channels": args.channels, "amount": sum }), &text)
}

async fn distribute(
    session: &Session,
    named: &Id,
    splits: Vec<Split>,
    offer: Option<Hash32>,
    to: &[AccountId],
) -> anyhow::Result<()> {
    let payments = Payments::open(session)?;
    let channel = payments.channel(named)?;
    let (shown, _) = show::find(session, channel).await?;
    let (splits, offer) = if splits.is_empty() {
        let known = payments.known(channel);
        (known.splits, known.offer.map(|offer| offer.hash(payments.offers)))
    } else {
        (splits, offer)
    };
    ensure!(
        !splits.is_empty() && splits.len() == shown.shares.len(),
        "ESCROW_WRONG_TERMS: the channel has {} shares, and whose they are is not known here: name each with --split",
        shown.shares.len()
    );
    for account in to {
        ensure!(splits.iter().any(|split| split.account == *account), "{account} has no share of the channel");
    }
    let mut shares = Vec::new();
    for (index, split) in splits.iter().enumerate() {
        if to.is_empty() || to.contains(&split.account) {
            shares.push(u8::try_from(index)?);
        }
    }
    let mut sum = 0_u128;
    for shares in shares.chunks(DISTRIBUTE_MAX) {
        let args = Distribute { channel, splits: splits.clone(), offer, shares: shares.to_vec() };
        let sent = session.contracts.escrow().call(&session.me, methods::distribute, &args).await;
        match sent {
            Ok(done) => sum = sum.saturating_add(done.value.0),
            // Others may have something.
            Err(error) if error.code() == Some(NOTHING_DUE) => {}
            Err(error) => return Err(error.into()),
        }
    }
    ensure!(sum > 0, "{NOTHING_DUE}: nothing is due to these shares");
    let text = format!("sent {} to {} shares of channel {channel}", money(&shown.asset, sum), shares.len());
    session.tell(&json!({ "channel": channel, "amount": U128(sum), "shares": shares }), &text)
}
