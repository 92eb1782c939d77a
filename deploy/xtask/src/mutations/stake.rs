//! Lines that votes by stake, and the money in them, rest on.

use super::list::Mutation;

const fn stake(breaks: &'static str, file: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    Mutation { breaks, contract: "governance", tests: "stake_invariants::", file, line, instead }
}

const LOCKED: &str = "contracts/governance/src/model/stake.rs";
const BALLOTS: &str = "contracts/governance/src/model/ballot.rs";
const VOTES: &str = "contracts/governance/src/api/ballots.rs";
const CALLS: &str = "contracts/governance/src/api/stake.rs";

pub const STAKE: &[Mutation] = &[
    stake(
        "INV-GOV-3",
        LOCKED,
        "Self { counts_ms: pool.next_period_ms(now_ms), kept_ms }",
        "Self { counts_ms: pool.period_begin_ms(now_ms), kept_ms }",
    ),
    Mutation {
        breaks: "INV-GOV-3",
        contract: "governance",
        tests: "stakes::",
        file: LOCKED,
        line: "now_ms.saturating_sub(pool.period_ms().saturating_mul(PERIODS + 1))",
        instead: "now_ms.saturating_sub(pool.period_ms() * (PERIODS - 7))",
    },
    stake(
        "INV-GOV-2",
        BALLOTS,
        "ballot.received = U128(ballot.received.0.saturating_sub(amount));",
        "ballot.received = U128(ballot.received.0.saturating_sub(amount / 2));",
    ),
    stake(
        "INV-GOV-2",
        VOTES,
        "let taken = row.map_or(0, |row| taken_from(proposal, &row, delegate.number));",
        "let taken = row.map_or(0, |row| taken_from(proposal, &row, 0));",
    ),
    stake(
        "INV-GOV-2",
        BALLOTS,
        "if ballot.agent != agent || (ballot.received.0 > 0 && ballot.number != number) {",
        "if ballot.agent != agent || (ballot.received.0 > 0 && ballot.number == 0) {",
    ),
    stake("INV-GOV-1", BALLOTS, "quorum: vote.quorum_yes(),", "quorum: vote.yes.0.saturating_add(vote.agents_yes.0),"),
    stake(
        "INV-GOV-MODEL",
        LOCKED,
        "let available = stake.available(stands);\n    if amount > available {",
        "let available = stake.available(stands);\n    if amount > available.max(stake.locked_at(u64::MAX)) {",
    ),
    stake(
        "INV-GOV-MODEL",
        LOCKED,
        "let available = stake.available(|_| true);\n    if amount > available {",
        "let available = stake.available(|_| true);\n    if amount > available.max(stake.locked_at(u64::MAX)) {",
    ),
    stake("INV-GOV-MODEL", VOTES, "agent.owner != known.owner)", "agent.owner == *caller)"),
    stake("INV-GOV-MODEL", VOTES, "enrolment.line == proposal.line)", "enrolment.line == 0)"),
    Mutation {
        breaks: "INV-GOV-MODEL",
        contract: "governance",
        tests: "stakes::",
        file: CALLS,
        line: "power > 0 && power.saturating_mul(BPS) >=",
        instead: "power > 0 && power.saturating_mul(BPS * BPS) >=",
    },
    stake(
        "INV-GOV-11",
        VOTES,
        "            self.emit(\"overridden\", voter, Fact::Overridden(row));\n",
        "            let _ = row;\n",
    ),
    stake(
        "INV-GOV-12",
        CALLS,
        "if pool.asset != Asset::Nep141(env::predecessor_account_id()) {",
        "if pool.asset == Asset::Near {",
    ),
    stake(
        "INV-GOV-12",
        LOCKED,
        "stake.free = U128(stake.free.0.checked_add(amount)?);",
        "stake.free = U128(stake.free.0);",
    ),
    stake(
        "INV-GOV-12",
        LOCKED,
        "stake.ready_ms = moment.counts_ms.saturating_add(pool.unlock_ms);",
        "stake.ready_ms = now_ms.saturating_add(pool.unlock_ms);",
    ),
];
