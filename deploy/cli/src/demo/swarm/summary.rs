//! What the crowd did, as a table and as JSON.

use std::fmt;

use charter_indexer::Report;
use serde::Serialize;

use super::Played;
use super::phases::{Phase, Phases, memory_mib, per_second};

/// The figures; every one is counted or measured in this run.
#[derive(Serialize)]
pub struct Summary {
    pub agents: u64,
    pub members: u64,
    pub channels: u64,
    pub vouchers: u64,
    /// Vouchers that were presented to the contract: each covers those before it.
    pub claimed: u64,
    pub grants_revoked: u64,
    pub voters: u64,
    pub transactions: u64,
    pub events: u64,
    /// Rows and events that were compared.
    pub rows: u64,
    pub rows_per_second: u64,
    pub mismatches: u64,
    pub dead_letters: u64,
    pub detail: Vec<String>,
    pub verified_height: u64,
    /// The most that the process ever held, chain and database included. Unknown where there is no Linux.
    pub memory_mib: Option<u64>,
    /// Without starting, and without deploying the contracts.
    pub elapsed_ms: u64,
    pub phases: Vec<Phase>,
}

impl Summary {
    pub fn new(agents: u64, played: &Played, report: &Report, phases: Phases) -> Self {
        let (events, elapsed_ms) = phases.mirrored();
        let (phases, transactions) = phases.finish();
        let compared_ms: u64 = phases.iter().filter(|phase| phase.name == "verify").map(|phase| phase.elapsed_ms).sum();
        Self {
            agents,
            members: played.members,
            channels: agents,
            vouchers: played.vouchers,
            claimed: played.claimed,
            grants_revoked: played.grants,
            voters: played.voters,
            transactions,
            events,
            rows: report.rows,
            rows_per_second: per_second(report.rows, elapsed_ms.saturating_sub(compared_ms)),
            mismatches: report.mismatches,
            dead_letters: report.dead_letters,
            detail: report.detail.clone(),
            verified_height: report.height,
            memory_mib: memory_mib("VmHWM:"),
            elapsed_ms,
            phases,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "\n{:<10}{:>12} {:<10}{:>14}{:>12}{:>12}", "phase", "", "", "transactions", "ms", "a second")?;
        for Phase { name, of, count, transactions, elapsed_ms, per_second } in &self.phases {
            writeln!(out, "{name:<10}{count:>12} {of:<10}{transactions:>14}{elapsed_ms:>12}{per_second:>12}")?;
        }
        let all = per_second(self.transactions, self.elapsed_ms);
        writeln!(out, "{:<33}{:>14}{:>12}{all:>12}\n", "all", self.transactions, self.elapsed_ms)?;
        let mut line = |name: &str, text: fmt::Arguments<'_>| writeln!(out, "{name:<17}{text}");
        let Self { agents, members, channels, vouchers, claimed, grants_revoked, voters, .. } = self;
        let Self { events, rows, rows_per_second, mismatches, verified_height, .. } = self;
        line("agents", format_args!("{agents} of {members} owners"))?;
        line("channels", format_args!("{channels}, {vouchers} vouchers on them, {claimed} of them claimed on chain"))?;
        line("grants", format_args!("{grants_revoked}, revoked by one call"))?;
        line("voters", format_args!("{voters}"))?;
        line("events", format_args!("{events} mirrored meanwhile, {rows_per_second} rows a second"))?;
        if let Some(memory) = self.memory_mib {
            line("memory", format_args!("{memory} MiB at most, chain and database included"))?;
        }
        let compared = format_args!("compared with the contracts at block {verified_height}");
        line("rows mirrored", format_args!("{rows} {compared}, {mismatches} mismatches"))
    }
}
