//! Repository chores: `cargo xtask demo|abi|chaos|gas|history|lies|mutations|oracle|properties|schema|tidy`.

mod chaos;
mod demo;
mod mutations;
mod oracle;
mod regenerate;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Repository chores.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Builds contracts and CLI with visible progress, then runs `charter demo`.
    #[command(disable_help_flag = true)]
    Demo {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Writes what follows from the declared methods: `contracts/*/abi.json` and `docs/reference/methods.md`.
    Abi,
    /// Kills the indexer and its PostgreSQL server at random moments while a chain on which things fail is busy: nothing
    /// may be lost or doubled, and 99 of 100 resumptions take 3 seconds at most. Needs a PostgreSQL server installed.
    Chaos {
        #[arg(long, default_value_t = 200)]
        kills: u32,
        /// The same kills and faults as in another run, which said its seed.
        #[arg(long)]
        seed: Option<u64>,
        /// On the embedded database, which dies with the indexer.
        #[arg(long)]
        embedded: bool,
        /// Print one JSON object at the end.
        #[arg(long)]
        json: bool,
    },
    /// Measures what calls cost and writes `docs/reference/gas.json` and `.md`.
    Gas,
    /// Keeps today's wasm as the next release in `contracts/history`.
    History,
    /// Lies to an indexer that believes no node, many more times than the tests do.
    Lies {
        #[arg(default_value_t = 1_000)]
        count: u32,
    },
    /// Takes out the lines that security rests on, one at a time, and looks whether the tests notice. Half a minute each.
    Mutations {
        /// Those about an invariant, contract or file with this in its name.
        #[arg(default_value = "")]
        about: String,
        /// Leaves out those before this one: for a run that was ended.
        #[arg(long, default_value_t = 1)]
        from: usize,
    },
    /// Plays many more random sequences of calls against the contracts' invariants than the tests do.
    Properties {
        /// For each contract.
        #[arg(long, default_value_t = 2_000)]
        sequences: u32,
    },
    /// Compares our decision whether one policy lies within another with Cedar's, on random pairs. Needs Python's pip.
    Oracle {
        #[arg(default_value_t = 10_000)]
        pairs: u32,
    },
    /// Writes `docs/reference/schema.md` and `schema.graphql` from the descriptors of tables.
    Schema,
    /// Checks what no compiler checks: who depends on whom, names, lengths.
    Tidy,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Demo { arguments } => demo::run(&arguments),
        Chore::Abi => regenerate::run(
            &["--test", "abi"],
            "CHARTER_WRITE_ABI",
            "contracts/*/abi.json and docs/reference/methods.md are written",
        ),
        Chore::Chaos { kills, seed, embedded, json } => chaos::run(&chaos::Options { kills, seed, embedded, json }),
        Chore::Gas => {
            let written = "docs/reference/gas.json and gas.md are written";
            regenerate::run(&["--test", "it", "--", "gas::"], "CHARTER_WRITE_GAS", written)
        }
        Chore::History => {
            let written = "contracts/history has today's wasm";
            regenerate::run(&["--test", "it", "--", "upgrade::history"], "CHARTER_WRITE_HISTORY", written)
        }
        Chore::Lies { count } => {
            let told = format!("none of {count} lies was believed");
            let count = count.to_string();
            regenerate::run_with(&["--test", "it", "--", "lying::", "--nocapture"], ("CHARTER_LIES", &count), &told)
        }
        Chore::Properties { sequences } => {
            let sequences = sequences.to_string();
            regenerate::run_with(
                &["--test", "it", "--", "_invariants::", "multitude::", "repeats_a_call"],
                ("CHARTER_SEQUENCES", &sequences),
                "every invariant holds, and whoever repeats a call pays for it alone",
            )
        }
        Chore::Mutations { about, from } => mutations::run(&about, from),
        Chore::Oracle { pairs } => oracle::run(pairs),
        Chore::Schema => {
            let written = "docs/reference/schema.md and schema.graphql are written";
            regenerate::run(&["--test", "it", "--", "schema::"], "CHARTER_WRITE_SCHEMA", written)
        }
        Chore::Tidy => tidy::run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The cargo that runs this.
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
