//! `charter pay …`: payment channels from the opening to the last payout, purses, offers, and answers in time.

mod claim;
mod close;
mod earnings;
mod edge;
mod offer;
mod open;
mod purse;
mod row;
mod show;
mod token;
mod voucher;

use anyhow::anyhow;
use charter_client::pay::PayError;
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::escrow::args::OfAgent;
use charter_types::registry::AgentId;

use crate::session::{Group, Session};

pub use offer::sign_as_account;

#[derive(clap::Subcommand)]
pub enum Command {
    #[command(flatten)]
    Opens(open::Command),
    #[command(flatten)]
    Vouchers(voucher::Command),
    #[command(flatten)]
    Claims(claim::Command),
    #[command(flatten)]
    Shows(show::Command),
    #[command(flatten)]
    Closes(close::Command),
    /// Purses: money of yours that an agent may open channels from, within caps.
    #[command(subcommand)]
    Purse(purse::Command),
    /// Offers: what a payee sells, at which prices, signed.
    #[command(subcommand)]
    Offer(offer::Command),
    /// Edges: who answers too late pays for it.
    #[command(subcommand)]
    Edge(edge::Command),
    /// What you earn for an agent, counted, and told to the registry.
    #[command(subcommand)]
    Earnings(earnings::Command),
}

/// An agent, and what money.
#[derive(clap::Args)]
pub struct Which {
    /// The agent's id [default: the profile's].
    #[arg(long)]
    agent: Option<AgentId>,
    /// A token (NEP-141) instead of NEAR.
    #[arg(long, value_name = "ACCOUNT")]
    token: Option<AccountId>,
}

impl Which {
    fn read(self, session: &Session) -> anyhow::Result<OfAgent> {
        Ok(OfAgent { agent: session.agent(self.agent)?, asset: asset(self.token) })
    }
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Opens(command) => open::run(&session, command).await,
        Command::Vouchers(command) => voucher::run(&session, command).await,
        Command::Claims(command) => claim::run(&session, command).await,
        Command::Shows(command) => show::run(&session, command).await,
        Command::Closes(command) => close::run(&session, command).await,
        Command::Purse(command) => purse::run(&session, command).await,
        Command::Offer(command) => offer::run(&session, command).await,
        Command::Edge(command) => edge::run(&session, command).await,
        Command::Earnings(command) => earnings::run(&session, command).await,
    }
}

/// What one end of a channel refuses, with its code in front.
pub fn coded(error: PayError) -> anyhow::Error {
    anyhow!("{}: {error}", error.code())
}

/// NEAR, unless a token is named.
fn asset(token: Option<AccountId>) -> Asset {
    token.map_or(Asset::Near, Asset::Nep141)
}
