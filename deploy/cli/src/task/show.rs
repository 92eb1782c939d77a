//! Sets and tasks as the chain has them; answers out of an index, compared with the chain's hash.

use anyhow::{Context, ensure};
use charter_client::task::panel;
use charter_client::{At, sha256};
use charter_types::tasks::args::{SetRef, TaskRef, TasksOf};
use charter_types::tasks::{Answer, Outcome, Panel, Seat, SetId, Task, TaskSet, TaskState, Verdict, methods};
use charter_types::{Hash32, PAGE_MAX, Page};
use serde::Deserialize;
use serde_json::json;

use super::{spec, work};
use crate::key::words;
use crate::mirror;
use crate::session::Session;
use crate::units::{left, money};

/// Pages without a set, one behind the other, after which no more are looked for.
const EMPTY_PAGES_MAX: u32 = 10;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Lists sets of tasks, or the tasks of one that somebody has.
    List { set: Option<SetId> },
    /// Shows a set of tasks, or one of its tasks with what is asked and what was answered.
    Show {
        set: SetId,
        index: Option<u32>,
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
    #[arg(long = "index", value_name = "URL", env = "CHARTER_INDEX", hide_env_values = true, value_parser = mirror::address)]
    index_url: Option<String>,
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
    let found = found.with_context(|| {
        format!("TASKS_UNKNOWN_TASK: task {index} of set {set} is not under way: nobody took it, or it has ended")
    })?;
    Ok((found, header.timestamp_nanosec / 1_000_000))
}

/// What a set is, a line each.
fn lines(set: &TaskSet) -> Vec<(&'static str, String)> {
    let money = |amount| money(&set.asset, amount);
    let mut lines = vec![
        ("set", format!("{} of {}: {} tasks", set.id, set.requester, set.count)),
        ("pays", format!("{} to who works, {} to each reviewer", money(set.reward.0), money(set.reviewer_fee.0))),
        ("left", format!("{} to take, {} under way, {} at once", set.remaining(), set.in_work, set.at_once)),
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
    // Ids are given one after the other, and sets that have ended are not shown: a page may be empty, and not the last.
    let mut empty = 0;
    while empty < EMPTY_PAGES_MAX {
        let page = tasks.view(session.rpc(), methods::task_sets, &Page { from, limit: None }, At::Final).await?;
        empty = if page.is_empty() { empty.saturating_add(1) } else { 0 };
        from = from.saturating_add(PAGE_MAX);
        found.extend(page);
    }
    if !session.json {
        for set in &found {
            let pays = money(&set.asset, set.reward.0);
            let closed = if set.closed { "; closed" } else { "" };
            say!("{} of {}: {} of {} left for {pays} each{closed}", set.id, set.requester, set.remaining(), set.count);
        }
        if found.is_empty() {
            say!("there is no set of tasks");
        }
    }
    session.tell_json(&found)
}

async fn list_tasks(session: &Session, id: SetId) -> anyhow::Result<()> {
    let found = all(session, &set(session, id).await?).await?;
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
pub async fn all(session: &Session, set: &TaskSet) -> anyhow::Result<Vec<Task>> {
    let tasks = session.contracts.tasks();
    let page = u32::try_from(PAGE_MAX)?;
    let (mut found, mut from) = (Vec::new(), 0);
    // Those from the next one on nobody has taken yet.
    while from < set.next {
        let args = TasksOf { set: set.id, from, limit: None };
        found.extend(tasks.view(session.rpc(), methods::tasks, &args, At::Final).await?);
        from = from.saturating_add(page);
    }
    Ok(found)
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

/// What is left until a moment, if it is yet to come.
fn until(moment_ms: Option<u64>, now_ms: u64) -> Option<String> {
    moment_ms.and_then(|moment_ms| moment_ms.checked_sub(now_ms)).filter(|ms| *ms > 0).map(left)
}

/// How far a task is, at a time.
pub fn state(task: &Task, now_ms: u64) -> String {
    let timed = |what: String, until_ms: Option<u64>| match until(until_ms, now_ms) {
        Some(rest) => format!("{what}; {rest} left"),
        None => format!("{what}; the time is over"),
    };
    match (task.state, panel(task)) {
        (TaskState::Taken, _) => timed("taken, no answer yet".to_owned(), task.until_ms),
        (TaskState::Committed, _) => timed("an answer is committed to".to_owned(), task.until_ms),
        (TaskState::Drawing, _) => "reviewers are drawn".to_owned(),
        (TaskState::Judging, Some((_, panel))) if now_ms < panel.reveal_from_ms => {
            timed(format!("{} commit to verdicts", panel.seats.len()), Some(panel.commit_until_ms))
        }
        (TaskState::Judging, Some((_, panel))) if now_ms < panel.reveal_until_ms => {
            timed(format!("{} reveal their verdicts", panel.seats.len()), Some(panel.reveal_until_ms))
        }
        (TaskState::Judging | TaskState::Decided, _) => judged(task, now_ms),
        (TaskState::Settling, _) => "settled in part: `charter task settle` does the rest".to_owned(),
    }
}

fn judged(task: &Task, now_ms: u64) -> String {
    let said = task.outcome.map_or("nothing", outcome);
    let appeal = until(task.appeal_until_ms.filter(|_| task.appeal.is_none()), now_ms);
    match (appeal, until(task.settle_from_ms, now_ms)) {
        (Some(rest), _) => format!("judged: {said}; {rest} to appeal"),
        (None, Some(rest)) => format!("judged: {said}; it can be settled in {rest}"),
        (None, None) => format!("judged: {said}; it can be settled"),
    }
}

/// What is asked: the item out of the spec, or where the spec is.
pub fn asked(set: &TaskSet, spec: Option<&spec::Spec>, index: u32) -> Vec<(&'static str, String)> {
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

fn seats(panel: &Panel) -> impl Iterator<Item = (&'static str, String)> {
    let seat = |seat: &Seat| {
        let said = match (seat.verdict, seat.commitment) {
            (Some(verdict), _) => word(verdict),
            (None, Some(_)) => "has committed to a verdict",
            (None, None) => "nothing yet",
        };
        ("reviewer", format!("{}: {said}", seat.reviewer))
    };
    panel.seats.iter().map(seat)
}

/// The answer that an index has of a task, if it is the one whose hash the chain has.
#[derive(Deserialize)]
struct Known {
    answer: Answer,
}

async fn answered(session: &Session, task: &Task, sources: &Sources) -> anyhow::Result<Option<Answer>> {
    let Some(hash) = task.answer_hash else { return Ok(None) };
    let usual = if sources.index_url.is_none() { session.index()? } else { None };
    let Some(url) = sources.index_url.clone().or(usual).filter(|url| !url.is_empty()) else { return Ok(None) };
    let path = format!("/v1/answers/{}/{}/{}", task.set, task.index, task.attempt);
    let found: Option<Known> = mirror::get(&url, &path, &[], "answer").await?;
    let Some(Known { answer }) = found else { return Ok(None) };
    let found = answer.hash(sha256);
    ensure!(
        found == hash,
        "the index has another answer than the chain: its hash is {found}, and the chain has {hash}"
    );
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
    sheet.extend(task.panel.iter().flat_map(seats));
    if let Some(appeal) = &task.appeal {
        sheet.push(("appeal", format!("of {}", appeal.by)));
        sheet.extend(appeal.panel.iter().flat_map(seats));
    }
    session.tell(&json!({ "task": task, "answer": answer }), words::sheet(&sheet).trim_end())
}
