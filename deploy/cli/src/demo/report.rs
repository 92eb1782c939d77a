//! What the demo did, as a table and as JSON.

use std::fmt;
use std::time::Duration;

use charter_indexer::Report;
use serde::Serialize;

use super::state::Spent;
use super::world::World;
use crate::units::near;

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
    pub taken_back: u64,
    pub upgrades: u64,
    pub vouchers: u64,
    pub claim_receipts: u64,
    pub channels_settled: u64,
    pub offers_agreed: u64,
    pub shares_paid: u64,
    /// What came of it, in the token's smallest unit.
    pub shared: u64,
    pub late_answers: u64,
    /// What they cost, in NEAR, as a decimal number.
    pub late_paid: String,
    pub tasks_judged: u64,
    pub tasks_appealed: u64,
    /// What was paid for them, in NEAR, as decimal numbers.
    pub task_reward: String,
    pub task_fees: String,
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
    pub fn new(world: &World, checked: &Report, elapsed: Duration) -> Self {
        let facts = world.state.facts();
        let steps = world.state.spent().to_vec();
        Self {
            agents: count(&facts.agents),
            owners: facts.owners,
            grants: count(&facts.permits),
            delegated: u64::from(facts.delegated.is_some()),
            credential_uses: facts.uses,
            secret_leaks: facts.secret_leaks,
            transcript_bytes: facts.transcript_bytes,
            votes: facts.votes,
            releases: u64::from(facts.release != 0),
            taken_back: facts.taken_back,
            upgrades: facts.upgrades,
            vouchers: facts.vouchers,
            claim_receipts: facts.claim_receipts,
            channels_settled: facts.channels_settled,
            offers_agreed: facts.offers_agreed,
            shares_paid: facts.shares_paid,
            shared: facts.shared,
            late_answers: facts.late,
            late_paid: near(facts.late_yocto),
            tasks_judged: facts.tasks_judged,
            tasks_appealed: facts.tasks_appealed,
            task_reward: near(facts.task_reward_yocto),
            task_fees: near(facts.task_fees_yocto),
            attacks_refused: count(&facts.attacks_refused),
            attack_codes: facts.attacks_refused.clone(),
            rows: checked.rows,
            mismatches: checked.mismatches,
            verified_height: checked.height,
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
        let mut line = |name: &str, text: fmt::Arguments<'_>| writeln!(out, "{name:<17}{text}");
        let Self { agents, owners, grants, delegated, credential_uses, secret_leaks, transcript_bytes, .. } = self;
        let Self { votes, releases, taken_back, upgrades, vouchers, channels_settled, claim_receipts, .. } = self;
        let Self { attacks_refused, rows, verified_height, mismatches, .. } = self;
        let codes = self.attack_codes.join(", ");
        line("agents", format_args!("{agents} of {owners} owners"))?;
        line("grants", format_args!("{grants}, {delegated} of them delegated"))?;
        let uses =
            format_args!("{credential_uses}, seen by the agents {secret_leaks} times in {transcript_bytes} bytes");
        line("credential uses", uses)?;
        let votes = format_args!(
            "{votes}; {releases} release adopted, {taken_back} taken back when an agent was ill, {upgrades} contract upgraded"
        );
        line("votes", votes)?;
        let payments =
            format_args!("{vouchers} vouchers, {channels_settled} channels settled, {claim_receipts} claim receipt");
        line("micropayments", payments)?;
        let Self { offers_agreed, shares_paid, shared, late_answers, late_paid, .. } = self;
        let agreed = format_args!("{offers_agreed} offer agreed, {shares_paid} share of it paid in a token: {shared}");
        line("split payments", agreed)?;
        line("late answers", format_args!("{late_answers}, compensated with {late_paid} NEAR"))?;
        let Self { tasks_judged, tasks_appealed, task_reward, task_fees, .. } = self;
        let judged = format_args!(
            "{tasks_judged} judged, {tasks_appealed} appealed: {task_reward} NEAR for the work, {task_fees} to reviewers"
        );
        line("tasks", judged)?;
        line("attacks refused", format_args!("{attacks_refused}: {codes}"))?;
        let compared = format_args!("compared with the contracts at block {verified_height}");
        line("rows mirrored", format_args!("{rows} {compared}, {mismatches} mismatches"))
    }
}
