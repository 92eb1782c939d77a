//! A file for each commitment, under its name. The chain shows the commitment, so whoever comes back after a crash finds by it
//! what to reveal; and what has been replaced on chain, or never got there, is in nobody's way.

use std::path::{Path, PathBuf};

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::hash::borsh_bytes;
use charter_types::tasks::{Answer, TaskRef, Verdict, VerdictCommitment, WorkCommitment};
use charter_types::{AccountId, Hash32};

use super::TaskError;
use crate::pay::{Disk, Files};
use crate::sha256;

/// What a note begins with on disk. Another layout gets another number.
const LAYOUT: u8 = 1;

/// What somebody committed to, and the salt that hides it until it is revealed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Note {
    Work { task: TaskRef, attempt: u32, answer: Answer, salt: Hash32 },
    Verdict { task: TaskRef, attempt: u32, round: u8, verdict: Verdict, salt: Hash32 },
}

impl Note {
    /// An answer under a new salt.
    pub fn work(task: TaskRef, attempt: u32, answer: Answer) -> Self {
        Self::Work { task, attempt, answer, salt: Hash32(rand::random()) }
    }

    /// A verdict under a new salt. Without one, each of three words could be tried.
    pub fn verdict(task: TaskRef, attempt: u32, round: u8, verdict: Verdict) -> Self {
        Self::Verdict { task, attempt, round, verdict, salt: Hash32(rand::random()) }
    }

    /// What the chain is told of it before it is revealed.
    pub fn commitment(&self, contract: &AccountId, by: &AccountId) -> Hash32 {
        match self {
            Self::Work { task, attempt, answer, salt } => {
                let answer = answer.hash(sha256);
                WorkCommitment { contract, task: *task, attempt: *attempt, worker: by, answer, salt: *salt }.hash(sha256)
            }
            Self::Verdict { task, attempt, round, verdict, salt } => {
                let (task, attempt, round, verdict, salt) = (*task, *attempt, *round, *verdict, *salt);
                VerdictCommitment { contract, task, attempt, round, reviewer: by, verdict, salt }.hash(sha256)
            }
        }
    }
}

/// The notes of one account at one contract, in a folder that only its owner can read. Any number of processes may use it.
#[derive(Clone, Debug)]
pub struct Notes {
    folder: PathBuf,
    contract: AccountId,
    by: AccountId,
}

impl Notes {
    pub fn new(folder: &Path, contract: AccountId, by: AccountId) -> Self {
        Self { folder: folder.to_owned(), contract, by }
    }

    /// Writes a note down. Answers with the commitment once it is on disk: only then may the chain hear of it.
    pub fn keep(&self, note: &Note) -> Result<Hash32, TaskError> {
        let commitment = note.commitment(&self.contract, &self.by);
        keep_in(&mut Disk::beside_others(&self.folder)?, commitment, note)?;
        Ok(commitment)
    }

    /// What a commitment hides. `None`: it was not made here.
    pub fn find(&self, commitment: Hash32) -> Result<Option<Note>, TaskError> {
        let Some(note) = read_from(&mut Disk::beside_others(&self.folder)?, commitment)? else { return Ok(None) };
        // What does not hash to its name is not what was written, and the chain would refuse it.
        if note.commitment(&self.contract, &self.by) != commitment {
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
