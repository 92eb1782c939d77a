//! The records of tasks.

pub mod done;
pub mod seat;

use charter_types::asset::Asset;
use charter_types::tasks::args::{BalanceRef, EarningsRef, MarksOf, SetRef, TaskRef};
use charter_types::tasks::{Balance, Earnings, Fact, Mark, Record, Reviewer, Task, TaskSet};
use charter_types::{AccountId, Named};
use serde_json::{Value, json};

use super::escrow::asset_of;
use crate::IndexerError;
use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, amount, boolean, bytes, number, record, text, word};
use crate::truth::{Row, Truth};
use crate::views::{self, Chain};

pub use done::{ANSWER, TASK_END};
pub use seat::SEAT;

pub static TABLES: &[&Table] =
    &[&TASK_SET, &TASK, &SEAT, &ANSWER, &TASK_END, &REVIEWER, &BALANCE, &WORK_RECORD, &MARK, &TASK_EARNINGS];

pub static TASK_SET: Table = Table {
    name: "task_set",
    contract: Contract::Tasks,
    about: "Sets of tasks that are there. Without a token they pay NEAR. One that has ended is in event only.",
    key: Key::Fields(&["id"]),
    columns: &[
        number("id"),
        account("requester").filter(),
        text("spec_uri"),
        bytes("spec_hash"),
        account("token").of("asset.nep141").filter(),
        amount("reward"),
        amount("reviewer_fee"),
        number("count"),
        number("next"),
        number("in_work"),
        amount("escrowed"),
        boolean("closed").filter(),
    ],
    path: "task-sets",
    record: record::<TaskSet>,
    truth: Truth::One(|chain, row| Box::pin(task_set(chain, row))),
};

async fn task_set(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Ok(set) = row.key.parse() else { return Ok(None) };
    chain.ask(views::TASK_SET, SetRef { set }).await
}

pub static TASK: Table = Table {
    name: "task",
    contract: Contract::Tasks,
    about: "Tasks that somebody works on, or that are judged. What became of one that has ended is in task_end.",
    key: Key::Fields(&["set", "index"]),
    columns: &[
        number("set_id").of("set").filter(),
        number("place").of("index"),
        number("attempt"),
        account("worker").filter(),
        number("agent").filter(),
        word("state").filter(),
        bytes("answer_hash"),
        word("outcome").filter(),
        number("final_ms"),
        number("settle_from_ms"),
    ],
    path: "tasks",
    record: record::<Task>,
    truth: Truth::One(|chain, row| Box::pin(task(chain, row))),
};

async fn task(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([set, index]) = row.parts() else { return Ok(None) };
    let (Ok(set), Ok(index)) = (set.parse(), index.parse()) else { return Ok(None) };
    chain.ask(views::TASK, TaskRef { set, index }).await
}

pub static REVIEWER: Table = Table {
    name: "reviewer",
    contract: Contract::Tasks,
    about: "Who has ever bonded a slot to review tasks with, and how that went.",
    key: Key::Fields(&["account"]),
    columns: &[
        account("account"),
        number("slots"),
        amount("returned"),
        number("majority"),
        number("minority"),
        number("silent"),
        amount("earned"),
    ],
    path: "reviewers",
    record: record::<Reviewer>,
    truth: Truth::One(|chain, row| Box::pin(reviewer(chain, row))),
};

async fn reviewer(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Ok(account) = row.key.parse() else { return Ok(None) };
    chain.ask(views::REVIEWER, Named { account }).await
}

pub static BALANCE: Table = Table {
    name: "balance",
    contract: Contract::Tasks,
    about: "What tasks keep for accounts that they can withdraw. Without a token it is NEAR.",
    key: Key::Fields(&["account", "asset"]),
    columns: &[
        account("account").filter(),
        account("token").of("asset.nep141").filter(),
        amount("amount"),
        amount("in_flight"),
    ],
    path: "balances",
    record: record::<Balance>,
    truth: Truth::One(|chain, row| Box::pin(balance(chain, row))),
};

async fn balance(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([account, asset]) = row.parts() else { return Ok(None) };
    let (Ok(account), Some(asset)) = (account.parse(), asset_of(asset)) else { return Ok(None) };
    chain.ask(views::BALANCE, BalanceRef { account, asset }).await
}

pub static WORK_RECORD: Table = Table {
    name: "work_record",
    contract: Contract::Tasks,
    about: "What accounts did as workers and as reviewers. It stays when their tasks and bonds are gone.",
    key: Key::Fields(&["account"]),
    columns: &[
        account("account"),
        number("done_good"),
        number("done_bad"),
        number("silent_work"),
        number("majority"),
        number("minority"),
        number("silent_verdicts"),
        amount("earned"),
    ],
    path: "work-records",
    record: record::<Record>,
    truth: Truth::One(|chain, row| Box::pin(work_record(chain, row))),
};

async fn work_record(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Ok(account) = row.key.parse() else { return Ok(None) };
    chain.ask(views::WORK_RECORD, Named { account }).await
}

pub static MARK: Table = Table {
    name: "mark",
    contract: Contract::Tasks,
    about: "What requesters' honeypots say of accounts. It counts in that requester's sets alone.",
    key: Key::Fields(&["requester", "account"]),
    columns: &[
        account("requester").filter(),
        account("account").filter(),
        number("work_right"),
        number("work_missed"),
        number("review_right"),
        number("review_missed"),
    ],
    path: "marks",
    record: record::<Mark>,
    truth: Truth::One(|chain, row| Box::pin(mark(chain, row))),
};

async fn mark(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([requester, account]) = row.parts() else { return Ok(None) };
    let (Ok(requester), Ok(account)) = (requester.parse(), account.parse()) else { return Ok(None) };
    let found: Vec<Value> = chain.ask(views::MARKS, MarksOf { requester, accounts: vec![account] }).await?;
    Ok(found.into_iter().next())
}

pub static TASK_EARNINGS: Table = Table {
    name: "task_earnings",
    contract: Contract::Tasks,
    about: "What accounts were paid for tasks that they took in an agent's name. Without a token it is NEAR.",
    key: Key::Fields(&["agent", "account", "asset"]),
    columns: &[
        number("agent").filter(),
        account("account").filter(),
        account("token").of("asset.nep141").filter(),
        amount("earned"),
        number("payments"),
    ],
    path: "task-earnings",
    record: record::<Earnings>,
    truth: Truth::One(|chain, row| Box::pin(earnings(chain, row))),
};

async fn earnings(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([agent, account, asset]) = row.parts() else { return Ok(None) };
    let (Ok(agent), Ok(account)) = (agent.parse(), account.parse()) else { return Ok(None) };
    let Some(asset) = asset_of(asset) else { return Ok(None) };
    chain.ask(views::TASK_EARNINGS, EarningsRef { agent, account, asset }).await
}

/// What a fact changes.
pub fn changes(fact: &Fact) -> Vec<Change> {
    match fact {
        // Kept in events alone.
        Fact::Shared(_) => Vec::new(),
        Fact::Set(set) => vec![TASK_SET.put(set)],
        Fact::SetEnded(id) => vec![TASK_SET.remove(id)],
        Fact::Task(task) => stands(task),
        Fact::Revealed { task, answer } => {
            let mut changes = stands(task);
            changes.push(done::revealed(task, answer));
            changes
        }
        Fact::TaskEnded { set, index, attempt, worker, agent, outcome } => {
            let mut changes = seat::gone(*set, *index);
            changes.push(TASK.remove(format!("{set}/{index}")));
            changes.push(done::ended((*set, *index, *attempt), worker, *agent, *outcome));
            changes
        }
        Fact::Balances(balances) => balances.iter().map(|balance| BALANCE.put(balance)).collect(),
        Fact::Sent { balance, .. } => vec![BALANCE.put(balance)],
        Fact::BalanceEnded { account, asset } => vec![BALANCE.remove_of(of_account(account, asset))],
        Fact::Reviewers(reviewers) => reviewers.iter().map(|reviewer| REVIEWER.put(reviewer)).collect(),
        Fact::Record(record) => vec![WORK_RECORD.put(record)],
        Fact::Marks(marks) => marks.iter().map(|mark| MARK.put(mark)).collect(),
        Fact::MarksForgotten { requester, accounts } => {
            accounts.iter().map(|account| MARK.remove(format!("{requester}/{account}"))).collect()
        }
        Fact::Earnings(earnings) => vec![TASK_EARNINGS.put(earnings)],
        Fact::EarningsEnded { agent, account, asset } => {
            let (agent, account, asset) = (*agent, account.clone(), asset.clone());
            vec![TASK_EARNINGS.remove_of(EarningsRef { agent, account, asset })]
        }
    }
}

fn of_account(account: &AccountId, asset: &Asset) -> Value {
    json!({ "account": account, "asset": asset })
}

/// A task as it is now, with the seats of its panels.
fn stands(task: &Task) -> Vec<Change> {
    let mut changes = seat::put(task);
    changes.push(TASK.put(task));
    changes
}
