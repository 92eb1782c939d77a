//! `charter task …`: work by the piece, posted, taken, judged and settled.

mod bond;
mod csv;
mod earnings;
mod honeypot;
mod money;
mod post;
mod review;
mod settle;
mod show;
mod spec;
mod work;

use charter_client::sha256;
use charter_client::task::{Hand, Notes, TaskError};
use charter_types::asset::Asset;
use charter_types::tasks::Domains;
use charter_types::{AccountId, ErrorCode};

use crate::session::{Group, Session};

#[derive(clap::Subcommand)]
pub enum Command {
    #[command(flatten)]
    Posts(post::Command),
    #[command(flatten)]
    Shows(show::Command),
    #[command(flatten)]
    Works(work::Command),
    #[command(flatten)]
    Reviews(review::Command),
    #[command(flatten)]
    Settles(settle::Command),
    #[command(flatten)]
    Bonds(bond::Command),
    #[command(flatten)]
    Money(money::Command),
    /// Honeypots: tasks of a set whose answers its requester knew before.
    #[command(subcommand)]
    Honeypot(honeypot::Command),
    /// What you earn for an agent, counted, and told to the registry.
    #[command(subcommand)]
    Earnings(earnings::Command),
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::Posts(command) => post::run(&session, command).await,
        Command::Shows(command) => show::run(&session, command).await,
        Command::Works(command) => work::run(&session, command).await,
        Command::Reviews(command) => review::run(&session, command).await,
        Command::Settles(command) => settle::run(&session, command).await,
        Command::Bonds(command) => bond::run(&session, command).await,
        Command::Money(command) => money::run(&session, command).await,
        Command::Honeypot(command) => honeypot::run(&session, command).await,
        Command::Earnings(command) => earnings::run(&session, command).await,
    }
}

/// This account at work, with what its folder knows of its commitments.
fn hand(session: &Session) -> Hand<'_> {
    let contract = &session.contracts.tasks;
    let domains = Domains::of(&session.chain_id, contract, sha256);
    let folder = session.folder.commitments(&session.me.id, contract);
    Hand::new(&session.me, &session.contracts, Notes::new(&folder, domains, session.me.id.clone()))
}

/// What a worker or a reviewer is refused, with its code in front. A contract's refusal has its own.
fn coded(error: TaskError) -> anyhow::Error {
    match error {
        TaskError::Client(error) => error.into(),
        TaskError::Refused(error) => anyhow::Error::msg(error.panic_text()),
        error => match error.code() {
            Some(code) => anyhow::anyhow!("{code}: {error}"),
            None => error.into(),
        },
    }
}

/// NEAR, unless a token is named.
fn asset(token: Option<AccountId>) -> Asset {
    token.map_or(Asset::Near, Asset::Nep141)
}
