//! Honeypots: what a requester knew before, committed to with the set and shown once a task is decided.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use charter_client::sha256;
use charter_types::tasks::args::ShowHoneypot;
use charter_types::tasks::{Honeypot, SetId, TaskRef, honeypots, methods};
use charter_types::{Base64Bytes, Hash32};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::spec::Spec;
use super::{csv, post, show, work};
use crate::files::{DataDir, read_json, write_json};
use crate::session::Session;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Shows the answer of a task that is decided, as you committed to it. It counts for and against who worked and reviewed
    /// there, in your sets alone; no money moves by it.
    Show { set: SetId, index: u64 },
    /// Forgets what your honeypots said of accounts: they may take your tasks again, and you have the storage back.
    Forget {
        #[arg(required = true)]
        account: Vec<charter_types::AccountId>,
    },
}

/// What is shown later: the answers, in the order of the tree's leaves.
#[derive(Serialize, Deserialize)]
struct Known {
    honeypots: Vec<Honeypot>,
}

fn number(text: &str) -> anyhow::Result<u64> {
    text.trim().parse().ok().with_context(|| format!("expected the number of a task, found \"{text}\""))
}

/// Rows of a table by their tasks' indexes, with what stands in another column.
pub fn by_index(path: &Path, column: &str) -> anyhow::Result<Vec<(u64, String)>> {
    let table = csv::read(&post::text(path)?).with_context(|| format!("{} can't be read", path.display()))?;
    let place = |name: &str| {
        let found = table.columns.iter().position(|known| known == name);
        found.with_context(|| format!("{} has no column {name}", path.display()))
    };
    let (index, value) = (place("index")?, place(column)?);
    let mut found: Vec<(u64, String)> = Vec::new();
    for row in &table.rows {
        let (Some(index), Some(value)) = (row.get(index), row.get(value)) else { continue };
        let index = number(index)?;
        ensure!(!found.iter().any(|(known, _)| *known == index), "{}: {index} is there twice", path.display());
        found.push((index, value.clone()));
    }
    Ok(found)
}

/// Commits to the answers in a file, and keeps them. Answers with the root that the chain is told.
pub fn make(folder: &DataDir, path: &Path, spec: &Spec) -> anyhow::Result<Hash32> {
    let mut known = Vec::new();
    for (index, answer) in by_index(path, "answer")? {
        ensure!(spec.item(index).is_some(), "{}: there is no task {index}", path.display());
        spec.check(&answer)?;
        let answer_hash = work::inline(&answer)?.hash(sha256);
        known.push(Honeypot { index, answer_hash, salt: Hash32(rand::random()) });
    }
    ensure!(!known.is_empty(), "{} has no honeypot", path.display());
    let root = honeypots::root(&known, sha256);
    let place = folder.honeypots(root);
    let above = place.parent().context("honeypots have a folder")?;
    std::fs::create_dir_all(above).with_context(|| format!("{} can't be created", above.display()))?;
    write_json(&place, &Known { honeypots: known })?;
    Ok(root)
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let (me, tasks) = (&session.me, session.contracts.tasks());
    match command {
        Command::Show { set, index } => show_one(session, TaskRef { set, index }).await,
        Command::Forget { account } => {
            let args = charter_types::tasks::args::ForgetMarks { accounts: account };
            tasks.call(me, methods::forget_marks, &args).await?;
            let text = format!("{} accounts have no marks of yours any more", args.accounts.len());
            session.tell(&json!({ "accounts": args.accounts }), &text)
        }
    }
}

async fn show_one(session: &Session, task: TaskRef) -> anyhow::Result<()> {
    let set = show::set(session, task.set).await?;
    let root = set.honeypots.with_context(|| format!("set {} has no honeypots", task.set))?;
    let place: PathBuf = session.folder.honeypots(root);
    let known: Known = read_json(&place)?.with_context(|| format!("{} does not exist", place.display()))?;
    let found = known.honeypots.iter().position(|honeypot| honeypot.index == task.index);
    let place = found.with_context(|| format!("task {} of set {} is no honeypot", task.index, task.set))?;
    let proof = honeypots::proof(&known.honeypots, place, sha256);
    let Honeypot { answer_hash, salt, .. } = known.honeypots[place];
    let args = ShowHoneypot { task, answer_hash, salt, proof };
    session.contracts.tasks().call(&session.me, methods::show_honeypot, &args).await?;
    let text = format!("the answer of task {} of set {} is shown", task.index, task.set);
    session.tell(&json!({ "task": task }), &text)
}
