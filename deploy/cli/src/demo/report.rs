//! What the demo did, as a table and as JSON.

use std::fmt;
use std::time::Duration;

use charter_indexer::Report;
use serde::Serialize;

use super::state::Spent;
use super::world::World;
use crate::output::near;

/// The figures; every one is counted or measured in this run or the ones it resumes.
#[derive(Serialize)]
pub struct Summary {
    pub agents: u64,
    pub owners: u64,
    pub grants: u64,
    pub delegated: u64,
    pub credential_uses: u64,
    pub secret_leaks: u64,
    pub transcript_bytes: u64,
    pub votes: u64,
    pub releases: u64,
    pub upgrades: u64,
    pub vouchers: u64,
    pub claim_receipts: u64,
    pub channels_settled: u64,
    pub attacks_refused: u64,
    pub attack_codes: Vec<String>,
    pub rows: u64,
    pub mismatches: u64,
    pub verified_height: u64,
    pub gas_total: u64,
    /// NEAR burnt, as a decimal number.
    pub near_spent: String,
    pub elapsed_ms: u64,
    pub steps: Vec<Spent>,
}

fn count<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

impl Summary {
    pub fn new(world: &World, checked: Option<&Report>, elapsed: Duration) -> Self {
        let facts = world.state.facts();
        let steps = world.state.spent().to_vec();
        Self {
            agents: count(&facts.agents),
            owners: facts.owners,
            grants: count(&facts.grants),
            delegated: u64::from(facts.delegated_grant != 0),
            credential_uses: facts.uses,
            secret_leaks: facts.secret_leaks,
            transcript_bytes: facts.transcript_bytes,
            votes: facts.votes,
            releases: u64::from(facts.release != 0),
            upgrades: facts.upgrades,
            vouchers: facts.vouchers,
            claim_receipts: facts.claim_receipts,
            channels_settled: facts.channels_settled,
            attacks_refused: count(&facts.attacks_refused),
            attack_codes: facts.attacks_refused.clone(),
            rows: checked.map_or(0, |report| report.rows),
            mismatches: checked.map_or(0, |report| report.mismatches),
            verified_height: checked.map_or(0, |report| report.height),
            gas_total: steps.iter().map(|spent| spent.gas).sum(),
            near_spent: near(steps.iter().map(|spent| spent.tokens).sum()),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            steps,
        }
    }
}

fn tgas(gas: u64) -> String {
    format!("{}.{}", gas / 1_000_000_000_000, gas % 1_000_000_000_000 / 100_000_000_000)
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "\n{:<10}{:>14}{:>12}{:>14}{:>12}", "step", "transactions", "TGas", "NEAR burnt", "ms")?;
        for spent in &self.steps {
            let burnt: String = near(spent.tokens).chars().take(10).collect();
            let name = spent.step.name();
            writeln!(
                out,
                "{name:<10}{:>14}{:>12}{burnt:>14}{:>12}",
                spent.transactions,
                tgas(spent.gas),
                spent.elapsed_ms
            )?;
        }
        let burnt: String = self.near_spent.chars().take(10).collect();
        writeln!(out, "{:<10}{:>14}{:>12}{burnt:>14}{:>12}\n", "all", "", tgas(self.gas_total), self.elapsed_ms)?;
        let lines = [
            ("agents", format!("{} of {} owners", self.agents, self.owners)),
            ("grants", format!("{}, {} of them delegated", self.grants, self.delegated)),
            (
                "credential uses",
                format!(
                    "{}, seen by the agents {} times in {} bytes",
                    self.credential_uses, self.secret_leaks, self.transcript_bytes
                ),
            ),
            (
                "votes",
                format!(
                    "{}; {} release published and adopted, {} contract upgraded",
                    self.votes, self.releases, self.upgrades
                ),
            ),
            (
                "micropayments",
                format!(
                    "{} vouchers, {} channels settled, {} claim receipt",
                    self.vouchers, self.channels_settled, self.claim_receipts
                ),
            ),
            ("attacks refused", format!("{}: {}", self.attacks_refused, self.attack_codes.join(", "))),
            (
                "rows mirrored",
                format!(
                    "{} compared with the contracts at block {}, {} mismatches",
                    self.rows, self.verified_height, self.mismatches
                ),
            ),
        ];
        lines.iter().try_for_each(|(name, text)| writeln!(out, "{name:<17}{text}"))
    }
}
