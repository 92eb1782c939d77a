//! `charter`: the one command.

#[macro_use]
mod output;

mod agent;
mod chain;
mod delegate;
mod demo;
mod deploy;
mod files;
mod host;
mod index;
mod init;
mod key;
mod line;
mod log;
mod object;
mod pay;
mod proposal;
mod release;
mod rollout;
mod rules;
mod session;
mod stake;
mod statement;
mod status;
mod token;
mod units;
mod upgrade;
mod vote;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use index::settings;
use log::Format;
use session::Group;

/// Who an agent is, what it may touch, how it may change, and how it is paid: on NEAR, mirrored into Postgres.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs chain, contracts, indexer and database in one process and plays the whole story.
    Demo(demo::Arguments),
    /// Runs a NEAR chain in this process until Ctrl-C.
    Localnet(Box<charter_localnet::cli::Arguments>),
    /// Deploys the contracts that are missing, each with the accounts of the others.
    Deploy(deploy::Arguments),
    /// Notes which account works in this folder, on which chain.
    Init(init::Arguments),
    /// Agents: who they are, who owns them, stopping and recovering them.
    Agent(Group<agent::Command>),
    /// Keys that agents use without having them.
    Key(Box<Group<key::Command>>),
    /// The key host: run it, ask it.
    Host(Group<host::Command>),
    /// Lines of releases, and which release runs.
    Line(Group<line::Command>),
    /// Who decides on a line, and how.
    Council(Group<line::Council>),
    /// Releases: proposing, showing and publishing them.
    Release(Group<release::Command>),
    /// How far a release has got among the agents of its line.
    Rollout(Group<rollout::Command>),
    /// Votes on a proposal, after showing what it is about.
    Vote(vote::Arguments),
    /// What is locked on a line to vote with: locking, unlocking, withdrawing it.
    Stake(Group<stake::Command>),
    /// Who votes with whose stake.
    Delegate(Group<delegate::Command>),
    /// Objects to a proposal, as an owner of agents on its line, after showing what it is about.
    Object(object::Arguments),
    /// What came of looking at a release: audits, builds from source, measurements, tests.
    Statement(Group<statement::Command>),
    /// Payment channels: opening them, vouchers, claiming and closing; purses, offers, answers in time.
    Pay(Box<Group<pay::Command>>),
    /// Code for Charter's own contracts.
    Upgrade(Group<upgrade::Command>),
    /// Mirrors the contracts into Postgres.
    Index(Box<index::Arguments>),
    /// What a data folder holds.
    Status(status::Arguments),
}

/// What clap ends with, too, where options are wrong.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let in_json = std::env::args_os().any(|argument| argument == "--json");
    let command = settings::named(Arguments::command());
    let words = match settings::complete(std::env::args_os().collect(), &command) {
        Ok(words) => words,
        Err(error) => {
            let _ = output::fail(&error, in_json);
            return ExitCode::from(USAGE);
        }
    };
    let parsed = command.try_get_matches_from(words);
    let parsed = parsed.and_then(|matches| Ok((Arguments::from_arg_matches(&matches)?, asks_for_json(&matches))));
    let (arguments, in_json) = match parsed {
        Ok(parsed) => parsed,
        // Help and version are no errors.
        Err(error) if in_json && error.use_stderr() => {
            return output::fail(&anyhow::Error::msg(first_line(&error)), true);
        }
        Err(error) => error.exit(),
    };
    let format = match &arguments.command {
        Command::Index(arguments) => arguments.log,
        _ => Format::Text,
    };
    log::start(format);
    let in_json = in_json || format == Format::Json;
    let result = match arguments.command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Localnet(arguments) => charter_localnet::cli::run(*arguments).await,
        Command::Deploy(arguments) => deploy::run(arguments).await,
        Command::Init(arguments) => init::run(arguments).await,
        Command::Agent(arguments) => agent::run(arguments).await,
        Command::Key(arguments) => key::run(*arguments).await,
        Command::Host(arguments) => host::run(arguments).await,
        Command::Line(arguments) => line::run(arguments).await,
        Command::Council(arguments) => line::run_council(arguments).await,
        Command::Release(arguments) => release::run(arguments).await,
        Command::Rollout(arguments) => rollout::run(arguments).await,
        Command::Vote(arguments) => vote::run(arguments).await,
        Command::Stake(arguments) => stake::run(arguments).await,
        Command::Delegate(arguments) => delegate::run(arguments).await,
        Command::Object(arguments) => object::run(arguments).await,
        Command::Statement(arguments) => statement::run(arguments).await,
        Command::Pay(arguments) => pay::run(*arguments).await,
        Command::Upgrade(arguments) => upgrade::run(arguments).await,
        Command::Index(arguments) => index::run(*arguments).await,
        Command::Status(arguments) => status::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error, in_json),
    }
}

/// Whether a verb was asked for JSON, wherever that was said.
fn asks_for_json(matches: &ArgMatches) -> bool {
    let here = matches.try_get_one("json").is_ok_and(|asked: Option<&bool>| asked == Some(&true));
    here || matches.subcommand().is_some_and(|(_, inner)| asks_for_json(inner))
}

/// What is wrong with a command line, without the usage that follows.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("error: ").unwrap_or(first).to_owned()
}
