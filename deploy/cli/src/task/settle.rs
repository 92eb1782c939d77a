//! Ending tasks: an appeal, and settling.

use charter_types::tasks::args::Settle;
use charter_types::tasks::{APPEAL_PANEL, SetId, Task, TaskRef, methods};
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
        index: u64,
        #[command(flatten)]
        consent: Consent,
    },
    /// Settles a task whose time is over: everybody gets theirs. Anybody can. Without a task: all of the set that are due.
    Settle { set: SetId, index: Option<u64> },
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
    let mut sheet = vec![
        ("this", format!("has {APPEAL_PANEL} others judge task {} of set {}", task.index, task.set)),
        ("state", show::state(&shown, now_ms)),
        ("costs", format!("{} out of your balance, which has {}", words_of(&set.asset, cost), words_of(&set.asset, has))),
        ("comes back", "what those of them would get who are silent or against the final verdict".to_owned()),
    ];
    sheet.push(words::storage("0.02", false, "the task has ended"));
    consent.ask(&words::sheet(&sheet))?;
    session.contracts.tasks().call(&session.me, methods::appeal, &task).await?;
    let text = format!("task {} of set {} is judged anew", task.index, task.set);
    session.tell(&json!({ "task": task, "cost": charter_types::U128(cost) }), &text)
}

/// What became of a task.
#[derive(Serialize)]
struct Settled {
    index: u64,
    outcome: Option<&'static str>,
}

async fn settle(session: &Session, set: SetId, index: Option<u64>) -> anyhow::Result<()> {
    show::set(session, set).await?;
    let now_ms = session.now_ms().await?;
    let due: Vec<Task> = match index {
        Some(index) => vec![show::find(session, TaskRef { set, index }).await?.0],
        None => show::all(session, set).await?.into_iter().filter(|task| task.is_due(now_ms)).collect(),
    };
    let progress = Progress::new(session.json);
    let mut done = Vec::new();
    for task in &due {
        let outcome = task.outcome().map(show::outcome);
        settle_one(session, TaskRef { set, index: task.index }).await?;
        done.push(Settled { index: task.index, outcome });
        let said = outcome.unwrap_or("no answer");
        progress.step("settle", &format!("task {}: {said}, {} of {}", task.index, done.len(), due.len()));
    }
    let text = match done.len() {
        0 => format!("no task of set {set} is due"),
        count => format!("{count} tasks of set {set} are settled"),
    };
    session.tell(&done, &text)
}

/// Of a task with an appeal one call judges one round.
async fn settle_one(session: &Session, task: TaskRef) -> anyhow::Result<()> {
    let args = Settle { task };
    while !session.contracts.tasks().call(&session.me, methods::settle, &args).await?.value.done {}
    Ok(())
}
