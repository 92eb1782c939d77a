//! What happened, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use charter_indexer::Report;
use serde_json::{Value, json};

use super::Wanted;
use super::load::Done;
use super::program::Phase;
use super::recorder::Difference;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Indexer,
    Server,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Indexer => "indexer",
            Self::Server => "postmaster",
        }
    }
}

#[derive(Default)]
pub struct Figures {
    hits: BTreeMap<(Target, Phase), u64>,
    /// From a start to the first commit.
    resumptions: Vec<Duration>,
    /// How often the indexer ended that nobody killed.
    ended: u64,
    last_words: String,
    compared: Value,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

impl Figures {
    pub fn killed(&mut self, target: Target, phase: Phase) {
        *self.hits.entry((target, phase)).or_default() += 1;
    }

    pub fn resumed(&mut self, after: Duration) {
        self.resumptions.push(after);
    }

    pub fn ended(&mut self, last_words: String) {
        self.ended += 1;
        self.last_words = last_words;
    }

    /// What so many in a hundred resumptions took at most.
    pub fn resume_ms(&self, percent: usize) -> Option<u64> {
        let mut sorted = self.resumptions.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).checked_sub(1)?;
        sorted.get(place).copied().map(millis)
    }

    pub fn compare(&mut self, wanted: &Wanted, done: &Done, difference: &Difference, events: usize, report: &Report) {
        let Difference { lost, doubled, made_up } = difference;
        self.compared = json!({
            "seed": wanted.seed, "kills": wanted.kills, "calls": done.by_kind, "calls_failed": done.failed,
            "events": events, "lost": lost, "doubled": doubled, "made_up": made_up,
            "rows": report.rows, "mismatches": report.mismatches, "dead_letters": report.dead_letters,
        });
    }

    fn json(&self) -> Value {
        let mut all = self.compared.clone();
        let hits = self.hits.iter();
        let hits: BTreeMap<String, u64> =
            hits.map(|((target, phase), count)| (format!("{}_{}", target.name(), phase.name()), *count)).collect();
        all["hits"] = json!(hits);
        all["ended_by_itself"] = json!(self.ended);
        all["resumptions"] = json!(self.resumptions.len());
        all["resume_p50_ms"] = json!(self.resume_ms(50));
        all["resume_p99_ms"] = json!(self.resume_ms(99));
        all
    }

    /// Says all of it, and writes it down where `cargo xtask chaos` looks for it.
    pub fn tell(&self, report: Option<&str>) {
        let all = self.json();
        if let Some(path) = report {
            std::fs::write(path, format!("{all}\n")).unwrap();
        }
        eprintln!("chaos: {self}");
        let [events, lost, doubled, rows, mismatches] =
            ["events", "lost", "doubled", "rows", "mismatches"].map(|name| &all[name]);
        eprintln!("chaos: {events} events, {lost} lost, {doubled} doubled; {rows} rows, {mismatches} mismatches");
        if self.ended > 0 {
            eprintln!("chaos: when the indexer ended by itself, it last said:\n{}", self.last_words);
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((target, phase), count) in &self.hits {
            let when = match phase {
                Phase::Outside => "outside of transactions",
                Phase::Writing => "in an insert",
                Phase::Committing => "in a commit",
            };
            write!(out, "{} {count} times {when}, ", target.name())?;
        }
        let ms = |percent| self.resume_ms(percent).map_or_else(|| "?".to_owned(), |ms| ms.to_string());
        write!(out, "resumed in {} ms (p50), {} ms (p99), ended by itself {} times", ms(50), ms(99), self.ended)
    }
}
