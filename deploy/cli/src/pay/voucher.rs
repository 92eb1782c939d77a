//! Signing vouchers, each on disk before it is signed: nothing is promised that was not deposited.

use anyhow::{Context, anyhow};
use charter_client::offer::Agreed;
use charter_client::pay::{Conditions, Seen};
use serde_json::json;

use super::row::Row;
use super::{coded, offer, show};
use crate::files::payments::{Id, Known, Payments, id};
use crate::key::input::Consent;
use crate::key::words;
use crate::session::Session;
use crate::units::{Amount, duration_ms, money, some_amount, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Signs a voucher for so much more than was promised before, and prints it for the payee: `charter pay claim` takes
    /// it. What it promises in all is never more than the channel has.
    Voucher {
        #[arg(value_parser = id)]
        channel: Id,
        /// In NEAR; of a token, in its smallest unit.
        #[arg(value_parser = some_amount, required_unless_present = "again")]
        amount: Option<Amount>,
        /// For how long the voucher is good, as 2d [default: for ever].
        #[arg(long, value_name = "TIME", value_parser = duration_ms)]
        expires: Option<u64>,
        /// Prints the last one once more: it pays once.
        #[arg(long, conflicts_with_all = ["amount", "expires"])]
        again: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Shows the key that this folder signs vouchers with. It is no access key.
    Key,
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Voucher { channel, amount: Some(amount), expires, consent, .. } => {
            voucher(session, &channel, &amount, expires, &consent).await
        }
        Command::Voucher { channel, .. } => again(session, &channel).await,
        Command::Key => {
            let key = Payments::open(session)?.public_key()?;
            session.tell(&json!({ "voucher_key": key }), &key.to_string())
        }
    }
}

async fn voucher(
    session: &Session,
    named: &Id,
    amount: &Amount,
    expires: Option<u64>,
    consent: &Consent,
) -> anyhow::Result<()> {
    let payments = Payments::open(session)?;
    let id = payments.channel(named)?;
    let (channel, now_ms) = show::find(session, id).await?;
    let price = amount.of(&channel.asset)?;
    let payer = payments.payer()?;
    payer.see(Seen::new(&channel, now_ms)).map_err(coded)?;
    let Known { splits, offer, .. } = payments.known(id);
    if let Some(offer) = offer {
        let agreed = Agreed::new(offer, payments.offers, &channel, &splits).map_err(offer::coded)?;
        payer.agree(id, agreed);
    }
    let money = |amount| money(&channel.asset, amount);
    let all = payer.promised(id).max(channel.claimed.0).saturating_add(price);
    let expires_at_ms = expires.map_or(0, |expires| now_ms.saturating_add(expires));
    let good = if expires_at_ms == 0 { "as long as the channel is there".to_owned() } else { time(expires_at_ms) };
    consent.ask(&words::sheet(&[
        ("this", format!("promises {} more, {} in all", money(price), money(all))),
        ("to", format!("{}, on channel {id}", channel.payee)),
        ("deposited", format!("{}, of which {} are claimed", money(channel.deposited.0), money(channel.claimed.0))),
        ("good until", good),
    ]))?;
    let conditions = Conditions { expires_at_ms, ..Conditions::default() };
    let row = Row::new(&payer.pay(id, price, conditions, now_ms).await.map_err(coded)?);
    tell(session, &row)
}

/// The row alone on standard output: so it can be written to a file.
fn tell(session: &Session, row: &Row) -> anyhow::Result<()> {
    let hex = row.hex();
    let mut value = json!(row);
    let fields = value.as_object_mut().ok_or_else(|| anyhow!("a row is an object"))?;
    fields.insert("hex".to_owned(), json!(hex));
    session.tell(&value, &hex)
}

async fn again(session: &Session, named: &Id) -> anyhow::Result<()> {
    let payments = Payments::open(session)?;
    let id = payments.channel(named)?;
    let last = payments.payer()?.again(id).await.map_err(coded)?;
    let last = last.with_context(|| format!("nothing was promised from here on channel {id} yet"))?;
    tell(session, &Row::new(&last))
}
