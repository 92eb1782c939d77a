//! Channels as the chain has them, of those that this folder remembers.

use anyhow::Context;
use charter_client::At;
use charter_types::escrow::args::{ChannelRef, Channels};
use charter_types::escrow::{Channel, ChannelId, methods};
use serde_json::json;

use super::offer;
use crate::files::payments::{Id, Known, Payments, id};
use crate::key::words;
use crate::proposal::percent;
use crate::session::Session;
use crate::units::{length, money, time};

/// How many the contract shows at once.
const PAGE: usize = 100;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Lists the channels that this folder remembers: what was opened or claimed here. The chain has no such list.
    List,
    /// Shows a channel.
    Show {
        #[arg(value_parser = id)]
        channel: Id,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(session).await,
        Command::Show { channel } => show(session, &channel).await,
    }
}

/// A channel and the time of the block that shows it so.
pub async fn find(session: &Session, channel: ChannelId) -> anyhow::Result<(Channel, u64)> {
    let header = session.rpc().block(At::Final).await?.header;
    let (args, at) = (ChannelRef { channel }, At::Hash(header.hash));
    let shown = session.contracts.escrow().view(session.rpc(), methods::channel, &args, at).await?;
    let shown = shown.with_context(|| format!("ESCROW_UNKNOWN_CHANNEL: there is no channel {channel}, or no more"))?;
    Ok((shown, header.timestamp_nanosec / 1_000_000))
}

/// Those that are there.
pub async fn find_all(session: &Session, ids: &[ChannelId]) -> anyhow::Result<Vec<Channel>> {
    let escrow = session.contracts.escrow();
    let mut found = Vec::new();
    for page in ids.chunks(PAGE) {
        let args = Channels { channels: page.to_vec() };
        found.extend(escrow.view(session.rpc(), methods::channels, &args, At::Final).await?);
    }
    Ok(found)
}

/// How far it is from its opening to its end.
fn state(channel: &Channel) -> String {
    match channel.closes_ms {
        _ if channel.closed => "closed, and not all has arrived yet".to_owned(),
        Some(closes_ms) => format!("its payer can end it from {} on", time(closes_ms.max(channel.locked_until_ms))),
        None => "open".to_owned(),
    }
}

/// What a channel is, a line each.
pub fn lines(channel: &Channel) -> Vec<(&'static str, String)> {
    let money = |amount| money(&channel.asset, amount);
    let mut lines = vec![
        ("channel", channel.id.to_string()),
        ("payer", channel.payer.to_string()),
        ("payee", channel.payee.to_string()),
        ("deposited", money(channel.deposited.0)),
        ("claimed", format!("{}, of which the payee was sent {}", money(channel.claimed.0), money(channel.paid.0))),
        ("state", state(channel)),
        ("grace", format!("{} to claim, once its payer asks to close it", length(channel.withdraw_delay_ms))),
    ];
    if channel.locked_until_ms > 0 {
        lines.push(("locked", format!("only the payee can end it before {}", time(channel.locked_until_ms))));
    }
    lines
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let payments = Payments::open(session)?;
    let ids: Vec<ChannelId> = payments.channels().iter().map(|known| known.id).collect();
    let found = find_all(session, &ids).await?;
    let mut rows = Vec::new();
    for channel in ids {
        let shown = found.iter().find(|shown| shown.id == channel);
        if !session.json {
            let text = shown.map_or_else(|| "gone: closed, and all of it has arrived".to_owned(), short);
            say!("{channel} {text}");
        }
        rows.push(json!({ "id": channel, "channel": shown }));
    }
    if rows.is_empty() && !session.json {
        say!("no channel was opened or claimed here yet");
    }
    session.tell_json(&rows)
}

fn short(channel: &Channel) -> String {
    let Channel { payer, payee, asset, deposited, claimed, .. } = channel;
    let (deposited, claimed) = (money(asset, deposited.0), money(asset, claimed.0));
    format!("{payer} to {payee}: {claimed} of {deposited} claimed; {}", state(channel))
}

async fn show(session: &Session, named: &Id) -> anyhow::Result<()> {
    let payments = Payments::open(session)?;
    let id = payments.channel(named)?;
    let (channel, _) = find(session, id).await?;
    let known = payments.known(id);
    let mut sheet = lines(&channel);
    sheet.push(("voucher key", whose(&payments, &channel)?));
    if let Some(agent) = channel.agent {
        sheet.push(("earns", format!("agent {agent}")));
    }
    if let Some(agent) = channel.purse {
        sheet.push(("came from", format!("the payer's purse for agent {agent}")));
    }
    sheet.extend(shares(&channel, &known));
    if let Some(offer) = &known.offer {
        sheet.extend(offer::prices(offer));
    }
    let value = json!({ "channel": channel, "splits": known.splits, "offer": known.offer });
    session.tell(&value, words::sheet(&sheet).trim_end())
}

fn whose(payments: &Payments, channel: &Channel) -> anyhow::Result<String> {
    let own = payments.public_key()? == channel.voucher_key;
    Ok(format!("{}{}", channel.voucher_key, if own { ", of this folder" } else { "" }))
}

/// Whose a share is, only the terms say.
fn shares(channel: &Channel, known: &Known) -> Vec<(&'static str, String)> {
    let share = |(index, share): (usize, &charter_types::escrow::Share)| {
        let whose = known.splits.get(index).map_or_else(|| format!("share {index}"), |split| split.account.to_string());
        let sent = money(&channel.asset, share.paid.0);
        let failed = if share.failed_ms.is_some() { "; the last transfer failed" } else { "" };
        ("split", format!("{} to {whose}, who was sent {sent}{failed}", percent(share.bps)))
    };
    channel.shares.iter().enumerate().map(share).collect()
}
