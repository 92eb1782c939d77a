//! Sets and tasks as the chain has them; answers out of an index, compared with the chain's hash.

use anyhow::{Context, ensure};
use charter_client::{At, sha256};
use charter_types::tasks::args::{SetRef, TasksPage};
use charter_types::tasks::{Answer, Outcome, Round, SetId, Task, TaskRef, TaskSet, TaskState, Verdict, methods};
use charter_types::{Hash32, Page};
use serde::Deserialize;
use serde_json::json;

use super::{spec, work};
use crate::key::words;
use crate::mirror;
use crate::session::Session;
use crate::units::{left, money, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Lists sets of tasks, or the tasks of one that somebody has.
    List { set: Option<SetId> },
    /// Shows a set of tasks, or one of its tasks with what is asked and what was answered.
    Show {
        set: SetId,
        index: Option<u64>,
        #[command(flatten)]
        sources: Sources,
    },
}

/// Where what the chain has only hashes of can be found.
#[derive(clap::Args)]
pub struct Sources {
    #[command(flatten)]
    pub spec: work::Spec,
    /// The URL of an indexer's API, which has answers that were revealed [default: that of the folder's own chain].
    #[arg(long, value_name = "URL", env = "CHARTER_INDEX", hide_env_values = true, value_parser = mirror::address)]
    index: Option<String>,
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { set: None } => list(session).await,
        Command::List { set: Some(id) } => list_tasks(session, id).await,
        Command::Show { set, index: Some(index), sources } => one(session, TaskRef { set, index }, &sources).await,
        Command::Show { set: id, index: None, sources } => {
            let shown = set(session, id).await?;
            let mut sheet = lines(&shown);
            if let Some(spec) = sources.spec.find(session, &shown)? {
                sheet.push(("asks", spec.instructions));
            }
            session.tell(&json!({ "set": shown }), words::sheet(&sheet).trim_end())
        }
    }
}

pub async fn set(session: &Session, set: SetId) -> anyhow::Result<TaskSet> {
    let found = session.contracts.tasks().view(session.rpc(), methods::task_set, &SetRef { set }, At::Final).await?;
    found.with_context(|| format!("TASKS_UNKNOWN_SET: there is no set {set}, or no more"))
}

pub async fn find(session: &Session, task: TaskRef) -> anyhow::Result<(Task, u64)> {
    let header = session.rpc().block(At::Final).await?.header;
    let at = At::Hash(header.hash);
    let found = session.contracts.tasks().view(session.rpc(), methods::task, &task, at).await?;
    let TaskRef { set, index } = task;
    let found = found
        .with_context(|| format!("TASKS_UNKNOWN_TASK: task {index} of set {set} is not under way: nobody took it, or it has ended"))?;
    Ok((found, header.timestamp_nanosec / 1_000_000))
}

/// What a set is, a line each.
fn lines(set: &TaskSet) -> Vec<(&'static str, String)> {
    let money = |amount| money(&set.asset, amount);
    let under_way = set.in_flight;
    let mut lines = vec![
        ("set", format!("{} of {}: {} tasks", set.id, set.requester, set.count)),
        ("pays", format!("{} to who works, {} to each reviewer", money(set.reward.0), money(set.reviewer_fee.0))),
        ("left", format!("{} to take, {under_way} under way, {} at once", set.left(), set.at_once)),
        ("set aside", format!("{} for those that are left", money(set.escrowed.0))),
        ("spec", set.spec_uri.clone()),
        ("sha256", set.spec_hash.to_string()),
    ];
    if set.closed {
        lines.push(("state", "closed: those under way go on to their end".to_owned()));
    }
    lines
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let tasks = session.contracts.tasks();
    let (mut found, mut from) = (Vec::new(), 1);
    loop {
        let page = tasks.view(session.rpc(), methods::task_sets, &Page { from, limit: None }, At::Final).await?;
        let Some(last) = page.last() else { break };
        from = last.id.saturating_add(1);
        found.extend(page);
    }
    if !session.json {
        for set in &found {
            let pays = money(&set.asset, set.reward.0);
            let closed = if set.closed { "; closed" } else { "" };
            say!("{} of {}: {} of {} left for {pays} each{closed}", set.id, set.requester, set.left(), set.count);
        }
        if found.is_empty() {
            say!("there is no set of tasks");
        }
    }
    session.tell_json(&found)
}

async fn list_tasks(session: &Session, id: SetId) -> anyhow::Result<()> {
    set(session, id).await?;
    let found = all(session, id).await?;
    let now_ms = session.now_ms().await?;
    if !session.json {
        for task in &found {
            say!("{} of {}: {}", task.index, task.worker, state(task, now_ms));
        }
        if found.is_empty() {
            say!("no task of set {id} is under way");
        }
    }
    session.tell_json(&found)
}

/// All tasks of a set that are under way.
pub async fn all(session: &Session, set: SetId) -> anyhow::Result<Vec<Task>> {
    let tasks = session.contracts.tasks();
    let (mut found, mut from) = (Vec::<Task>::new(), 0);
    loop {
        let args = TasksPage { set, from, limit: None };
        let page = tasks.view(session.rpc(), methods::tasks, &args, At::Final).await?;
        let Some(last) = page.last() else { return Ok(found) };
        from = last.index.saturating_add(1);
        found.extend(page);
    }
}

pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "good",
        Outcome::Bad => "bad",
        Outcome::Unfetchable => "unfetchable",
        Outcome::NoMajority => "no majority",
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Bad => "bad",
        Verdict::Unfetchable => "unfetchable",
    }
}

/// How far a task is.
pub fn state(task: &Task, now_ms: u64) -> String {
    let rest = |until_ms: u64| {
        if until_ms > now_ms { format!("; {} left", left(until_ms.saturating_sub(now_ms))) } else { "; the time is over".to_owned() }
    };
    let rest = rest(task.due_ms);
    match task.state {
        TaskState::Taken => format!("taken, no answer yet{rest}"),
        TaskState::Committed => format!("an answer is committed to{rest}"),
        TaskState::Drawing => "reviewers are drawn".to_owned(),
        TaskState::Judging => format!("judged by {}{rest}", task.rounds.last().map_or(0, |round| round.seats.len())),
        TaskState::Decided => {
            let said = task.rounds.last().and_then(|round| round.outcome).map_or("nothing", outcome);
            format!("decided: {said}{rest}")
        }
    }
}

/// What is asked: the item out of the spec, or where the spec is.
pub fn asked(set: &TaskSet, spec: Option<&spec::Spec>, index: u64) -> Vec<(&'static str, String)> {
    let Some(spec) = spec else {
        return vec![("spec", format!("{}, sha256 {}: name it with --spec", set.spec_uri, set.spec_hash))];
    };
    let mut lines = vec![("asks", spec.instructions.clone())];
    if !spec.answers.is_empty() {
        lines.push(("answers", spec.answers.join(", ")));
    }
    let item = spec.item(index).unwrap_or_default().into_iter();
    lines.extend(item.map(|(column, value)| ("item", format!("{column}: {value}"))));
    lines
}

fn seats(round: &Round) -> Vec<(&'static str, String)> {
    let seat = |seat: &charter_types::tasks::Seat| {
        let said = match (seat.verdict, seat.commitment) {
            (Some(verdict), _) => word(verdict),
            (None, Some(_)) => "committed to a verdict",
            (None, None) => "nothing yet",
        };
        ("reviewer", format!("{}: {said}", seat.reviewer))
    };
    round.seats.iter().map(seat).collect()
}

/// The answer that an index has of a task, if it is the one whose hash the chain has.
#[derive(Deserialize)]
struct Known {
    answer: Answer,
}

async fn answered(session: &Session, task: &Task, sources: &Sources) -> anyhow::Result<Option<Answer>> {
    let Some(hash) = task.answer_hash else { return Ok(None) };
    let usual = if sources.index.is_none() { session.index()? } else { None };
    let Some(url) = sources.index.clone().or(usual).filter(|url| !url.is_empty()) else { return Ok(None) };
    let path = format!("/v1/answers/{}/{}/{}", task.set, task.index, task.attempt);
    let found: Option<Known> = mirror::get(&url, &path, &[], "answer").await?;
    let Some(Known { answer }) = found else { return Ok(None) };
    let found = answer.hash(sha256);
    ensure!(found == hash, "the index has another answer than the chain: its hash is {found}, and the chain has {hash}");
    Ok(Some(answer))
}

fn answer_line(answer: Option<&Answer>, hash: Option<Hash32>) -> Option<(&'static str, String)> {
    let hash = hash?;
    Some(match answer {
        None => ("answer", format!("with hash {hash}: an index has it, name one with --index")),
        Some(Answer::At { uri, hash }) => ("answer", format!("at {uri}, sha256 {hash}")),
        Some(Answer::Inline { bytes }) => match std::str::from_utf8(&bytes.0) {
            // What a stranger wrote moves no cursor.
            Ok(text) => ("answer", text.escape_debug().to_string()),
            Err(_) => ("answer", format!("{bytes}, in base64")),
        },
    })
}

/// A task, with what is asked and what was answered.
pub async fn one(session: &Session, named: TaskRef, sources: &Sources) -> anyhow::Result<()> {
    let shown_set = set(session, named.set).await?;
    let (task, now_ms) = find(session, named).await?;
    let spec = sources.spec.find(session, &shown_set)?;
    let answer = answered(session, &task, sources).await?;
    let mut sheet = vec![
        ("task", format!("{} of set {}, of {}", task.index, task.set, shown_set.requester)),
        ("worker", task.worker.to_string()),
        ("state", state(&task, now_ms)),
    ];
    sheet.extend(asked(&shown_set, spec.as_ref(), task.index));
    sheet.extend(answer_line(answer.as_ref(), task.answer_hash));
    for round in &task.rounds {
        if let Some(appellant) = &round.appellant {
            sheet.push(("appeal", format!("of {appellant}")));
        }
        sheet.extend(seats(round));
    }
    session.tell(&json!({ "task": task, "answer": answer }), words::sheet(&sheet).trim_end())
}
