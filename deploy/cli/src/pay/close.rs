//! Ending channels: at once by the payee, after the grace by the payer.

use charter_client::At;
use charter_types::escrow::args::ChannelRef;
use charter_types::escrow::{ChannelId, methods};
use serde_json::json;

use super::show;
use crate::files::payments::{Id, Payments, id};
use crate::key::input::Consent;
use crate::key::words;
use crate::session::Session;
use crate::units::{money, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Closes a channel at once, as its payee: you get what is claimed, the payer the rest. Claim first: what was not
    /// claimed is lost.
    Close {
        #[arg(value_parser = id)]
        channel: Id,
        #[command(flatten)]
        consent: Consent,
    },
    /// Asks to close a channel, as its payer: after the grace, and the lock, you can have the rest.
    RequestClose {
        #[arg(value_parser = id)]
        channel: Id,
    },
    /// Takes that back: the channel stays open.
    CancelClose {
        #[arg(value_parser = id)]
        channel: Id,
    },
    /// Ends a channel whose grace and lock are over; of one that is closed, sends again what has not arrived.
    Finalize {
        #[arg(value_parser = id)]
        channel: Id,
    },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let payments = Payments::open(session)?;
    let (me, escrow) = (&session.me, session.contracts.escrow());
    match command {
        Command::Close { channel, consent } => close(session, payments.channel(&channel)?, &consent).await,
        Command::RequestClose { channel } => {
            let channel = payments.channel(&channel)?;
            escrow.call(me, methods::request_close, &ChannelRef { channel }).await?;
            let (shown, _) = show::find(session, channel).await?;
            let from_ms = shown.closes_ms.unwrap_or_default().max(shown.locked_until_ms);
            let text = format!(
                "channel {channel}: {} can claim until {}; then `charter pay finalize {channel}`",
                shown.payee,
                time(from_ms)
            );
            session.tell(&json!({ "channel": channel, "from_ms": from_ms }), &text)
        }
        Command::CancelClose { channel } => {
            let channel = payments.channel(&channel)?;
            escrow.call(me, methods::cancel_close, &ChannelRef { channel }).await?;
            session.tell(&json!({ "channel": channel, "from_ms": null }), &format!("channel {channel} stays open"))
        }
        Command::Finalize { channel } => {
            let channel = payments.channel(&channel)?;
            escrow.call(me, methods::finalize_close, &ChannelRef { channel }).await?;
            ended(session, channel).await
        }
    }
}

async fn close(session: &Session, channel: ChannelId, consent: &Consent) -> anyhow::Result<()> {
    let (shown, _) = show::find(session, channel).await?;
    let rest = money(&shown.asset, shown.deposited.0.saturating_sub(shown.claimed.0));
    let mut sheet = vec![("this", format!("closes a channel: {rest} that are not claimed go back to its payer"))];
    sheet.extend(show::lines(&shown));
    consent.ask(&words::sheet(&sheet))?;
    session.contracts.escrow().call(&session.me, methods::close, &ChannelRef { channel }).await?;
    ended(session, channel).await
}

async fn ended(session: &Session, channel: ChannelId) -> anyhow::Result<()> {
    let asked = ChannelRef { channel };
    let left = session.contracts.escrow().view(session.rpc(), methods::channel, &asked, At::Final).await?;
    let text = match &left {
        None => format!("channel {channel} is closed, and everybody has theirs"),
        Some(left) if left.shares.is_empty() => {
            format!(
                "channel {channel} is closed; not all has arrived yet: `charter pay finalize {channel}` sends it again"
            )
        }
        Some(_) => format!("channel {channel} is closed; `charter pay distribute {channel}` sends shares theirs"),
    };
    session.tell(&json!({ "channel": channel, "left": left }), &text)
}
