//! A file for each commitment, under its name. The chain shows the commitment, so whoever comes back after a crash finds by it
//! what to reveal; and what has been replaced on chain, or never got there, is in nobody's way.

use std::path::{Path, PathBuf};

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::hash::borsh_bytes;
use charter_types::tasks::{Answer, Domains, SetId, Verdict, VerdictCommitment, WorkCommitment};
use charter_types::{AccountId, Hash32};

use super::TaskError;
use crate::pay::{Disk, Files};
use crate::sha256;

/// What a note begins with on disk. Another layout gets another number.
const LAYOUT: u8 = 1;

/// What somebody committed to.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Said {
    Work(Answer),
    Verdict { round: u8, verdict: Verdict },
}

/// The same, with what it is about, and the salt that hides it until it is revealed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Note {
    pub set: SetId,
    pub index: u32,
    pub attempt: u32,
    pub said: Said,
    pub salt: Hash32,
}

impl Note {
    /// Under a new salt. Without one, answers of a list could be tried, and verdicts anyhow.
    pub fn new((set, index, attempt): (SetId, u32, u32), said: Said) -> Self {
        Self { set, index, attempt, said, salt: Hash32(rand::random()) }
    }

    /// What the chain is told of it before it is revealed.
    pub fn commitment(&self, domains: Domains, by: &AccountId) -> Hash32 {
        let Self { set, index, attempt, salt, .. } = *self;
        match &self.said {
            Said::Work(answer) => {
                let (domain, answer) = (domains.work, answer.hash(sha256));
                WorkCommitment { domain, set, index, attempt, worker: by, answer, salt }.hash(sha256)
            }
            Said::Verdict { round, verdict } => {
                let (domain, round, verdict) = (domains.verdict, *round, *verdict);
                VerdictCommitment { domain, set, index, attempt, round, reviewer: by, verdict, salt }.hash(sha256)
            }
        }
    }
}

/// The notes of one account at one contract, in a folder that only its owner can read. Any number of processes may use it.
#[derive(Clone, Debug)]
pub struct Notes {
    folder: PathBuf,
    domains: Domains,
    by: AccountId,
}

impl Notes {
    /// `domains` are [`Domains::of`] the contract.
    pub fn new(folder: &Path, domains: Domains, by: AccountId) -> Self {
        Self { folder: folder.to_owned(), domains, by }
    }

    /// Writes a note down. Answers with the commitment once it is on disk: only then may the chain hear of it.
    pub fn keep(&self, note: &Note) -> Result<Hash32, TaskError> {
        let commitment = note.commitment(self.domains, &self.by);
        keep_in(&mut Disk::beside_others(&self.folder)?, commitment, note)?;
        Ok(commitment)
    }

    /// What a commitment hides. `None`: it was not made here.
    pub fn find(&self, commitment: Hash32) -> Result<Option<Note>, TaskError> {
        let Some(note) = read_from(&mut Disk::beside_others(&self.folder)?, commitment)? else { return Ok(None) };
        // What does not hash to its name is not what was written, and the chain would refuse it.
        if note.commitment(self.domains, &self.by) != commitment {
            return Err(TaskError::Damaged { commitment });
        }
        Ok(Some(note))
    }
}

/// Writes a note to files of whoever calls, as [`Notes::keep`] does.
pub fn keep_in(files: &mut impl Files, commitment: Hash32, note: &Note) -> Result<(), TaskError> {
    let (name, new) = (commitment.to_string(), format!("{commitment}.new"));
    let bytes = [&[LAYOUT], borsh_bytes(note).as_slice()].concat();
    // What an attempt before left.
    files.cut(&new, 0)?;
    files.append(&new, &bytes)?;
    files.sync(&new)?;
    files.rename(&new, &name)?;
    files.sync_folder()?;
    Ok(())
}

/// Reads one, as [`Notes::find`] does, without comparing it with its name.
pub fn read_from(files: &mut impl Files, commitment: Hash32) -> Result<Option<Note>, TaskError> {
    let Some(bytes) = files.read(&commitment.to_string())? else { return Ok(None) };
    let damaged = TaskError::Damaged { commitment };
    match bytes.split_first() {
        Some((&LAYOUT, rest)) => Note::try_from_slice(rest).map(Some).map_err(|_| damaged),
        _ => Err(damaged),
    }
}
