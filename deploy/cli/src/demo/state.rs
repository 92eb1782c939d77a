//! What the demo has done so far, so that a second run goes on where the first stopped.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Step;
use crate::files::{DataDir, read_json, write_json};

/// Ids and counts that later steps and the summary need.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    pub agents: Vec<u64>,
    pub owners: u64,
    pub host: u64,
    pub host_seed: String,
    pub secret_text: String,
    pub grants: Vec<u64>,
    pub delegated_grant: u64,
    pub uses: u64,
    pub secret_leaks: u64,
    pub transcript_bytes: u64,
    pub line: u64,
    pub release: u64,
    pub votes: u64,
    pub upgrades: u64,
    pub release_proposal: u64,
    pub channels: Vec<charter_types::Hash32>,
    pub vouchers: u64,
    pub claim_receipts: u64,
    pub channels_settled: u64,
    pub claimed_yocto: String,
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
    /// Cost of the step in progress.
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

    pub fn done(&self) -> impl Iterator<Item = Step> {
        self.stored.done.iter().map(|spent| spent.step)
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
