//! The rule once more, over a story's own data. It shares nothing with the program.

use std::collections::{BTreeMap, BTreeSet};

use super::story::Story;

const DAY_MS: u64 = 86_400_000;

/// An agent's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub rank: u64,
    pub agent: u64,
    pub voices: u64,
    pub payers: u64,
    pub amount: u128,
}

/// What somebody paid for an agent's work.
struct Paid<'a> {
    voice: &'a str,
    owner: &'a str,
    agent: u64,
    token: Option<&'a str>,
    amount: u128,
}

struct Judge<'a> {
    /// Owners with an agent of thirty days.
    old: BTreeSet<&'a str>,
    paid: Vec<Paid<'a>>,
    /// By owner, who paid for its agents.
    customers: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Judge<'a> {
    fn new(story: &'a Story, now_ms: u64) -> Self {
        let owners: BTreeSet<&str> = story.agents.iter().map(|agent| agent.owner.as_str()).collect();
        let mut spokesmen: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
        for agent in &story.agents {
            let Some(account) = agent.account.as_deref().filter(|account| agent.confirmed && !owners.contains(account))
            else {
                continue;
            };
            let known = spokesmen.entry(account).or_insert((agent.id, agent.owner.as_str()));
            *known = (*known).min((agent.id, agent.owner.as_str()));
        }
        let mut paid = Vec::new();
        let agents: BTreeMap<u64, _> = story.agents.iter().map(|agent| (agent.id, agent)).collect();
        for payment in &story.payments {
            let Some(agent) = payment.agent.and_then(|agent| agents.get(&agent)) else { continue };
            let voice = spokesmen.get(payment.payer.as_str()).map_or(payment.payer.as_str(), |(_, owner)| *owner);
            if payment.payee == agent.payout && payment.amount > 0 && voice != agent.owner {
                let (token, amount) = (payment.token.as_deref(), payment.amount);
                paid.push(Paid { voice, owner: &agent.owner, agent: agent.id, token, amount });
            }
        }
        let mut customers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for one in &paid {
            customers.entry(one.owner).or_default().insert(one.voice);
        }
        let old = story.agents.iter().filter(|agent| agent.created_ms + 30 * DAY_MS <= now_ms);
        Self { old: old.map(|agent| agent.owner.as_str()).collect(), paid, customers }
    }

    fn counts(&self, voice: &str, ranked: &str) -> bool {
        let earned_from = |customer: &&str| self.old.contains(customer) && **customer != *ranked;
        self.old.contains(voice) && self.customers.get(voice).is_some_and(|customers| customers.iter().any(earned_from))
    }
}

/// All agents, in their order.
pub fn rank(story: &Story, token: Option<&str>, now_ms: u64) -> Vec<Row> {
    let judge = Judge::new(story, now_ms);
    let mut payers: BTreeMap<u64, BTreeMap<&str, u128>> = BTreeMap::new();
    for one in judge.paid.iter().filter(|one| one.token == token) {
        let amount = payers.entry(one.agent).or_default().entry(one.voice).or_default();
        *amount = amount.saturating_add(one.amount);
    }
    let mut rows = Vec::new();
    for agent in &story.agents {
        let mut row = Row { rank: 0, agent: agent.id, voices: 0, payers: 0, amount: 0 };
        for (voice, amount) in payers.get(&agent.id).into_iter().flatten() {
            row.payers += 1;
            if judge.counts(voice, &agent.owner) {
                row.voices += 1;
                row.amount = row.amount.saturating_add(*amount);
            }
        }
        rows.push(row);
    }
    rows.sort_by(|one, other| (other.voices, other.amount, one.agent).cmp(&(one.voices, one.amount, other.agent)));
    let mut before: Option<Row> = None;
    for (place, row) in (1..).zip(&mut rows) {
        let tie = before.filter(|before| (before.voices, before.amount) == (row.voices, row.amount));
        row.rank = tie.map_or(place, |before| before.rank);
        before = Some(*row);
    }
    rows
}
