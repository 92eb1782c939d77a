//! What was answered, and what became of it. The contract forgets both, and has the hash of an answer only as long as it is
//! judged.

use charter_types::registry::AgentId;
use charter_types::tasks::{Answer, Outcome, SetId, Task};
use charter_types::{AccountId, Hash32};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, bytes, number, record, word};
use crate::truth::Truth;

pub static ANSWER: Table = Table {
    name: "answer",
    contract: Contract::Tasks,
    about: "Answers that workers revealed. The row stays when the task has ended.",
    key: Key::Fields(&["set", "index", "attempt"]),
    columns: &[
        number("set_id").of("set").filter(),
        number("place").of("index"),
        account("worker").filter(),
        bytes("answer_hash"),
    ],
    path: "answers",
    record: record::<AnswerRow>,
    truth: Truth::Rebuild,
};

/// An answer, with where it belongs.
#[derive(Serialize, JsonSchema)]
pub struct AnswerRow {
    set: SetId,
    index: u32,
    attempt: u32,
    worker: AccountId,
    answer: Answer,
    answer_hash: Option<Hash32>,
}

/// A worker revealed its answer.
pub fn revealed(task: &Task, answer: &Answer) -> Change {
    let Task { set, index, attempt, answer_hash, .. } = *task;
    ANSWER.put(AnswerRow { set, index, attempt, worker: task.worker.clone(), answer: answer.clone(), answer_hash })
}

pub static TASK_END: Table = Table {
    name: "task_end",
    contract: Contract::Tasks,
    about: "Tasks that have ended, and what came of them. Without an outcome the worker kept silent.",
    key: Key::Fields(&["set", "index", "attempt"]),
    columns: &[
        number("set_id").of("set").filter(),
        number("place").of("index"),
        account("worker").filter(),
        number("agent").filter(),
        word("outcome").filter(),
    ],
    path: "task-ends",
    record: record::<TaskEnd>,
    truth: Truth::Rebuild,
};

/// What became of a task.
#[derive(Serialize, JsonSchema)]
pub struct TaskEnd {
    set: SetId,
    index: u32,
    attempt: u32,
    worker: AccountId,
    agent: Option<AgentId>,
    outcome: Option<Outcome>,
}

/// A task has ended.
pub fn ended(
    (set, index, attempt): (SetId, u32, u32),
    worker: &AccountId,
    agent: Option<AgentId>,
    outcome: Option<Outcome>,
) -> Change {
    TASK_END.put(TaskEnd { set, index, attempt, worker: worker.clone(), agent, outcome })
}
