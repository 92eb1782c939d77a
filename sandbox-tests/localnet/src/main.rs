//! `charter-localnet`: the chain as a process.

use std::process::ExitCode;

use clap::Parser;

/// A NEAR chain in one process. Answers to near-sandbox's command line, too.
#[derive(Parser)]
#[command(version, about)]
struct CommandLine {
    #[command(flatten)]
    arguments: charter_localnet::cli::Arguments,
}

#[tokio::main]
async fn main() -> ExitCode {
    match charter_localnet::cli::run(CommandLine::parse().arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("charter-localnet: {error:#}");
            ExitCode::FAILURE
        }
    }
}
