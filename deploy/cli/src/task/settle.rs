//! Ending tasks: an appeal, and settling.

use anyhow::ensure;
use charter_types::U128;
use charter_types::tasks::args::TaskRef;
use charter_types::tasks::{APPEAL_PANEL, SetId, Task, methods};
use serde::Serialize;
use serde_json::json;

use super::{money, show};
use crate::key::input::Consent;
use crate::key::words;
use crate::output::Progress;
use crate::session::Session;
use crate::units::money as words_of;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Has seven others judge a task that was decided, once: as its worker or its requester, at your cost if it changes nothing.
    Appeal {
        set: SetId,
        index: u32,
        #[command(flatten)]
        consent: Consent,
    },
    /// Settles a task whose time is over: everybody gets theirs. Anybody can. Without a task: all of the set that are due.
    Settle { set: SetId, index: Option<u32> },
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Appeal { set, index, consent } => appeal(session, TaskRef { set, index }, &consent).await,
        Command::Settle { set, index } => settle(session, set, index).await,
    }
}

async fn appeal(session: &Session, task: TaskRef, consent: &Consent) -> anyhow::Result<()> {
    let set = show::set(session, task.set).await?;
    let (shown, now_ms) = show::find(session, task).await?;
    let cost = set.reviewer_fee.0.saturating_mul(u128::from(APPEAL_PANEL));
    let has = money::balance(session, &session.me.id, &set.asset).await?.unwrap_or_default();
    ensure!(
        has >= cost,
        "TASKS_NOT_COVERED: an appeal costs {}, and your balance has {}: `charter task fund` pays in",
        words_of(&set.asset, cost),
        words_of(&set.asset, has)
    );
    let mut sheet = vec![
        ("this", format!("has {APPEAL_PANEL} others judge task {} of set {}", task.index, task.set)),
        ("state", show::state(&shown, now_ms)),
        (
            "costs",
            format!("{} out of your balance, which has {}", words_of(&set.asset, cost), words_of(&set.asset, has)),
        ),
        ("comes back", "what those of them would get who are silent or against the final verdict".to_owned()),
    ];
    sheet.push(words::storage("0.02", false, "the task has ended"));
    consent.ask(&words::sheet(&sheet))?;
    session.contracts.tasks().call(&session.me, methods::appeal, &task).await?;
    let text = format!("task {} of set {} is judged anew", task.index, task.set);
    session.tell(&json!({ "task": task, "cost": U128(cost) }), &text)
}

/// What became of a task.
#[derive(Serialize)]
struct Settled {
    index: u32,
    outcome: Option<&'static str>,
}

async fn settle(session: &Session, id: SetId, index: Option<u32>) -> anyhow::Result<()> {
    let set = show::set(session, id).await?;
    let now_ms = session.now_ms().await?;
    let is_due = |task: &Task| task.settle_from_ms.is_some_and(|from_ms| from_ms <= now_ms);
    let due: Vec<Task> = match index {
        Some(index) => vec![show::find(session, TaskRef { set: id, index }).await?.0],
        None => show::all(session, &set).await?.into_iter().filter(is_due).collect(),
    };
    let progress = Progress::new(session.json);
    let mut done = Vec::new();
    for task in &due {
        let outcome = task.outcome.map(show::outcome);
        settle_one(session, TaskRef { set: id, index: task.index }).await?;
        done.push(Settled { index: task.index, outcome });
        let said = outcome.unwrap_or("no answer");
        progress.step("settle", &format!("task {}: {said}, {} of {}", task.index, done.len(), due.len()));
    }
    let text = match done.len() {
        0 => format!("no task of set {id} is due"),
        count => format!("{count} tasks of set {id} are settled"),
    };
    session.tell(&done, &text)
}

/// Of a task that was appealed one call settles one panel.
async fn settle_one(session: &Session, task: TaskRef) -> anyhow::Result<()> {
    while !session.contracts.tasks().call(&session.me, methods::settle, &task).await?.value {}
    Ok(())
}
