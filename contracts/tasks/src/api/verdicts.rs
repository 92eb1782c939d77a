//! Judging it.

use charter_common::{Answer, methods, separator, sha256};
use charter_types::tasks::args::{CommitVerdict, RevealVerdict, TaskRef};
use charter_types::tasks::{VERDICT_PURPOSE, VerdictCommitment};
use near_sdk::{env, near};

use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn commit_verdict(&mut self, CommitVerdict { set, index, hash }: CommitVerdict) -> Answer {
        let at = TaskRef { set, index };
        let (set, mut task) = self.load_task(at)?;
        task.commit_verdict(&env::predecessor_account_id(), hash, &set.deadlines, env::block_timestamp_ms())?;
        self.save_task(at, &set, &task)
    }

    pub fn reveal_verdict(&mut self, args: RevealVerdict) -> Answer {
        let RevealVerdict { set: id, index, verdict, salt } = args;
        let (reviewer, at) = (env::predecessor_account_id(), TaskRef { set: id, index });
        let (set, mut task) = self.load_task(at)?;
        let commitment = VerdictCommitment {
            domain: separator(VERDICT_PURPOSE),
            set: id,
            index,
            attempt: task.attempt,
            round: task.round(),
            reviewer: &reviewer,
            verdict,
            salt,
        };
        let said = (verdict, commitment.hash(sha256));
        task.reveal_verdict(&reviewer, said, &set.deadlines, env::block_timestamp_ms())?;
        self.save_task(at, &set, &task)
    }
}
