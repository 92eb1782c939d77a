//! The demo's steps, and which of them are done, so that a second run goes on where the first stopped.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::files::notes::Permit;
use crate::files::{DataDir, read_json, write_json};

/// The story's steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Deploy,
    Register,
    Grant,
    Secret,
    Vote,
    Pay,
    Task,
    Attack,
}

impl Step {
    pub fn name(self) -> String {
        let value = self.to_possible_value().expect("no step is hidden from the command line");
        value.get_name().to_owned()
    }
}

/// Ids and counts that later steps and the summary need.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    pub agents: Vec<u64>,
    pub owners: u64,
    pub secret_text: String,
    /// Every grant, in order. The agent's is the first, bob's the second.
    pub permits: Vec<Permit>,
    /// The grant that was delegated from the agent's.
    pub delegated: Option<Permit>,
    pub uses: u64,
    pub secret_leaks: u64,
    pub transcript_bytes: u64,
    pub line: u64,
    pub release: u64,
    pub votes: u64,
    pub taken_back: u64,
    pub upgrades: u64,
    pub release_proposal: u64,
    pub channels: Vec<charter_types::Hash32>,
    pub vouchers: u64,
    pub claim_receipts: u64,
    pub channels_settled: u64,
    pub claimed_yocto: String,
    pub offers_agreed: u64,
    /// Shares of a channel in a token that were sent theirs, and what arrived there.
    pub shares_paid: u64,
    pub shared: u64,
    /// Requests that were answered too late, and what that cost.
    pub late: u64,
    pub late_yocto: u128,
    /// Tasks that reviewers judged, and those of them that others judged anew.
    pub tasks_judged: u64,
    pub tasks_appealed: u64,
    /// What was paid for them: to the worker, and to reviewers.
    pub task_reward_yocto: u128,
    pub task_fees_yocto: u128,
    pub attacks_refused: Vec<String>,
}

/// What one step cost.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Spent {
    pub step: Step,
    pub transactions: u64,
    pub gas: u64,
    pub tokens: u128,
    pub elapsed_ms: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct Stored {
    done: Vec<Spent>,
    facts: Facts,
}

pub struct State {
    path: PathBuf,
    stored: Stored,
    /// What the step in progress has cost.
    transactions: u64,
    gas: u64,
    tokens: u128,
}

impl State {
    pub fn open(folder: &DataDir) -> anyhow::Result<Self> {
        let path = folder.demo();
        let stored = read_json(&path)?.unwrap_or_default();
        Ok(Self { path, stored, transactions: 0, gas: 0, tokens: 0 })
    }

    pub fn facts(&self) -> &Facts {
        &self.stored.facts
    }

    /// Changes the facts and writes them down at once.
    pub fn note(&mut self, change: impl FnOnce(&mut Facts)) -> anyhow::Result<()> {
        change(&mut self.stored.facts);
        write_json(&self.path, &self.stored)
    }

    pub fn spend(&mut self, gas: u64, tokens: u128) {
        self.transactions += 1;
        self.gas += gas;
        self.tokens += tokens;
    }

    pub fn is_done(&self, step: Step) -> bool {
        self.stored.done.iter().any(|spent| spent.step == step)
    }

    pub fn spent(&self) -> &[Spent] {
        &self.stored.done
    }

    pub fn finish(&mut self, step: Step, elapsed: Duration) -> anyhow::Result<()> {
        let spent = Spent {
            step,
            transactions: std::mem::take(&mut self.transactions),
            gas: std::mem::take(&mut self.gas),
            tokens: std::mem::take(&mut self.tokens),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        };
        self.stored.done.push(spent);
        write_json(&self.path, &self.stored)
    }
}

/// Names of the steps that a folder's demo has done.
pub fn steps_done(folder: &DataDir) -> anyhow::Result<Vec<String>> {
    Ok(State::open(folder)?.spent().iter().map(|spent| spent.step.name()).collect())
}
