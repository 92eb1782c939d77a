//! Honeypots: what a requester knew before, committed to with the set and shown once a task is decided.

use std::path::Path;

use anyhow::{Context, ensure};
use charter_client::sha256;
use charter_rules::{attribution, honeypot};
use charter_types::tasks::args::{ForgetMarks, ShowHoneypot};
use charter_types::tasks::{SetId, methods};
use charter_types::{AccountId, Hash32};
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
    Show { set: SetId, index: u32 },
    /// Forgets what your honeypots said of accounts: they may take your tasks again, and you have the storage back.
    Forget {
        #[arg(required = true)]
        account: Vec<AccountId>,
    },
}

/// What is shown later, in the order of the tree's leaves.
#[derive(Serialize, Deserialize)]
struct Known {
    index: u32,
    answer_hash: Hash32,
    salt: Hash32,
}

/// Nodes of a tree, row by row from the leaves up. The last one of an odd row goes up as it is.
fn rows(known: &[Known]) -> Vec<Vec<Hash32>> {
    let leaf = |one: &Known| honeypot::leaf(one.index, one.answer_hash, one.salt, sha256);
    let mut rows: Vec<Vec<Hash32>> = vec![known.iter().map(leaf).collect()];
    while let Some(below) = rows.last().filter(|row| row.len() > 1) {
        let above = |pair: &[Hash32]| match pair {
            [one, other] => attribution::node(*one, *other, sha256),
            rest => rest.first().copied().unwrap_or_default(),
        };
        let next = below.chunks(2).map(above).collect();
        rows.push(next);
    }
    rows
}

/// Siblings of a leaf, from the leaf up.
fn proof(rows: &[Vec<Hash32>], mut place: usize) -> Vec<Hash32> {
    let mut siblings = Vec::new();
    for row in rows {
        siblings.extend(row.get(place ^ 1));
        place /= 2;
    }
    siblings
}

fn number(text: &str) -> anyhow::Result<u32> {
    text.trim().parse().ok().with_context(|| format!("expected the number of a task, found \"{text}\""))
}

/// Rows of a table by their tasks' indexes, with what stands in another column.
pub fn by_index(path: &Path, column: &str) -> anyhow::Result<Vec<(u32, String)>> {
    let table = csv::read(&post::text(path)?).with_context(|| format!("{} can't be read", path.display()))?;
    let place = |name: &str| {
        let found = table.columns.iter().position(|known| known == name);
        found.with_context(|| format!("{} has no column {name}", path.display()))
    };
    let (index, value) = (place("index")?, place(column)?);
    let mut found: Vec<(u32, String)> = Vec::new();
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
        known.push(Known { index, answer_hash, salt: Hash32(rand::random()) });
    }
    let root = rows(&known).pop().and_then(|row| row.first().copied());
    let root = root.with_context(|| format!("{} has no honeypot", path.display()))?;
    let place = folder.honeypots(root);
    let above = place.parent().context("honeypots have a folder")?;
    std::fs::create_dir_all(above).with_context(|| format!("{} can't be created", above.display()))?;
    write_json(&place, &known)?;
    Ok(root)
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Show { set, index } => show_one(session, set, index).await,
        Command::Forget { account } => {
            let args = ForgetMarks { accounts: account };
            session.contracts.tasks().call(&session.me, methods::forget_marks, &args).await?;
            let text = format!("{} accounts have no marks of yours any more", args.accounts.len());
            session.tell(&json!({ "accounts": args.accounts }), &text)
        }
    }
}

async fn show_one(session: &Session, id: SetId, index: u32) -> anyhow::Result<()> {
    let set = show::set(session, id).await?;
    let root = set.honeypots.with_context(|| format!("TASKS_NO_HONEYPOTS: set {id} has none"))?;
    let path = session.folder.honeypots(root);
    let known: Vec<Known> = read_json(&path)?.with_context(|| format!("{} does not exist", path.display()))?;
    let found = known.iter().enumerate().find(|(_, one)| one.index == index);
    let (place, one) = found.with_context(|| format!("task {index} of set {id} is no honeypot"))?;
    let proof = proof(&rows(&known), place);
    let args = ShowHoneypot { set: id, index, answer_hash: one.answer_hash, salt: one.salt, proof };
    session.contracts.tasks().call(&session.me, methods::show_honeypot, &args).await?;
    let text = format!("the answer of task {index} of set {id} is shown");
    session.tell(&json!({ "set": id, "index": index }), &text)
}

#[cfg(test)]
mod tests {
    use charter_client::sha256;
    use charter_rules::honeypot::Shown;
    use charter_types::Hash32;

    use super::{Known, proof, rows};

    /// The contract's own rule judges.
    #[test]
    fn each_honeypot_is_under_the_root_and_no_other_is() {
        for count in 1..=9_u32 {
            let known = |index| Known { index, answer_hash: Hash32([3; 32]), salt: Hash32([4; 32]) };
            let known: Vec<Known> = (0..count).map(known).collect();
            let rows = rows(&known);
            let root = rows.last().unwrap()[0];
            for (place, one) in known.iter().enumerate() {
                let proof = proof(&rows, place);
                let shown = Shown { index: one.index, answer: one.answer_hash, salt: one.salt, proof: &proof };
                assert!(shown.is_under(root, sha256), "{place} of {count}");
                assert!(!Shown { index: count, ..shown }.is_under(root, sha256));
            }
        }
    }
}
