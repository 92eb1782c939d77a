//! Workers: taking a task, committing to an answer, revealing it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use charter_client::sha256;
use charter_client::task::{Hand, TaskError};
use charter_types::registry::AgentId;
use charter_types::tasks::args::TaskRef;
use charter_types::tasks::{ANSWER_BYTES_MAX, Answer, SetId, TaskSet};
use charter_types::text::is_uri;
use charter_types::{AccountId, Base64Bytes, Hash32};
use serde_json::json;

use super::honeypot::by_index;
use super::{coded, hand, show, spec};
use crate::files::read;
use crate::key::input::Consent;
use crate::key::words;
use crate::output::Progress;
use crate::session::Session;
use crate::units::{length, money, near};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Takes the next task of a set, and shows what is to be done. The deposit comes back when you reveal an answer.
    Take {
        set: SetId,
        /// An agent that earns the reward, if the registry says that you are paid for it.
        #[arg(long, value_name = "ID")]
        agent: Option<AgentId>,
        #[command(flatten)]
        spec: Spec,
        #[command(flatten)]
        consent: Consent,
    },
    /// Commits to the answer of a task that you took, and reveals it; without an answer, reveals what was committed to. With
    /// --from, takes tasks of the set, as many as there are, and answers each.
    Work {
        set: SetId,
        /// The task that you took.
        #[arg(required_unless_present = "from")]
        index: Option<u32>,
        #[command(flatten)]
        answer: Given,
        /// A CSV file with columns index and answer. Takes tasks until one comes that has no answer there.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["index", "answer", "uri", "commit_only"])]
        from: Option<PathBuf>,
        /// With --from: so many at most.
        #[arg(long, value_name = "COUNT", requires = "from")]
        count: Option<usize>,
        /// With --from: an agent that earns the rewards.
        #[arg(long, value_name = "ID", requires = "from")]
        agent: Option<AgentId>,
        /// Reveals nothing yet: say the same without an answer, later.
        #[arg(long)]
        commit_only: bool,
        #[command(flatten)]
        spec: Spec,
        #[command(flatten)]
        consent: Consent,
    },
}

/// Where the spec is.
#[derive(clap::Args)]
pub struct Spec {
    /// The set's spec, as it is at its URI [default: as this folder knows it].
    #[arg(long = "spec", value_name = "FILE")]
    spec_file: Option<PathBuf>,
}

impl Spec {
    pub fn find(&self, session: &Session, set: &TaskSet) -> anyhow::Result<Option<spec::Spec>> {
        spec::find(&session.folder, self.spec_file.as_deref(), set.spec_hash)
    }
}

/// An answer: a text, or a file and where it can be had.
#[derive(clap::Args)]
pub struct Given {
    /// The answer, up to 1,024 bytes.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["uri", "file"])]
    answer: Option<String>,
    /// Where the answer can be had, if it is longer.
    #[arg(long, value_name = "URI", requires = "file")]
    uri: Option<String>,
    /// The answer that can be had there.
    #[arg(long, value_name = "FILE", requires = "uri")]
    file: Option<PathBuf>,
}

/// A text as an answer.
pub fn inline(text: &str) -> anyhow::Result<Answer> {
    ensure!(
        text.len() <= ANSWER_BYTES_MAX,
        "TASKS_BAD_ANSWER: what has more than {ANSWER_BYTES_MAX} bytes is put somewhere: --uri and --file"
    );
    Ok(Answer::Inline { bytes: Base64Bytes(text.as_bytes().to_vec()) })
}

impl Given {
    fn read(&self, spec: Option<&spec::Spec>) -> anyhow::Result<Option<Answer>> {
        if let Some(text) = &self.answer {
            if let Some(spec) = spec {
                spec.check(text)?;
            }
            return inline(text).map(Some);
        }
        let (Some(uri), Some(file)) = (&self.uri, &self.file) else { return Ok(None) };
        ensure!(is_uri(uri), "expected a URI like https://…, found \"{uri}\"");
        Ok(Some(Answer::At { uri: uri.clone(), hash: Hash32(sha256(&read(file)?)) }))
    }
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Take { set, agent, spec, consent } => take(session, set, agent, &spec, &consent).await,
        Command::Work { set, from: Some(from), count, agent, spec, consent, .. } => {
            many(session, set, (&from, count), agent, &spec, &consent).await
        }
        Command::Work { set, index: Some(index), answer, commit_only, spec, .. } => {
            one(session, TaskRef { set, index }, &answer, commit_only, &spec).await
        }
        // clap asks for one of both.
        Command::Work { .. } => bail!("name a task, or --from"),
    }
}

/// What somebody agrees to who takes tasks of a set.
fn terms(set: &TaskSet) -> Vec<(&'static str, String)> {
    vec![
        ("of", format!("{}, who pays {} for an answer found good", set.requester, money(&set.asset, set.reward.0))),
        (
            "deposit",
            format!("{} NEAR for each, which are in your balance once you reveal an answer", near(set.take_deposit.0)),
        ),
        (
            "in time",
            format!(
                "{} to commit to it, {} to reveal it",
                length(set.deadlines.work_ms),
                length(set.deadlines.reveal_ms)
            ),
        ),
        ("judged", "by three reviewers; whoever is not content can appeal once, to seven others".to_owned()),
    ]
}

/// Fails before anything is signed where a set has nothing to take.
fn check(set: &TaskSet, me: &AccountId) -> anyhow::Result<()> {
    ensure!(!set.closed, "TASKS_SET_CLOSED: set {} is closed", set.id);
    ensure!(set.requester != *me, "TASKS_OWN_SET: set {} is your own", set.id);
    Ok(())
}

async fn take(
    session: &Session,
    id: SetId,
    agent: Option<AgentId>,
    named: &Spec,
    consent: &Consent,
) -> anyhow::Result<()> {
    let set = show::set(session, id).await?;
    check(&set, &session.me.id)?;
    let spec = named.find(session, &set)?;
    let mut sheet = vec![("this", format!("takes a task of set {id}"))];
    sheet.extend(terms(&set));
    consent.ask(&words::sheet(&sheet))?;
    let task = hand(session).take(id, agent, set.take_deposit.0).await.map_err(coded)?;
    let mut sheet = vec![("task", format!("{} of set {id} is yours", task.index))];
    sheet.extend(show::asked(&set, spec.as_ref(), task.index));
    session.tell(&json!({ "task": task }), words::sheet(&sheet).trim_end())
}

async fn one(session: &Session, task: TaskRef, given: &Given, commit_only: bool, named: &Spec) -> anyhow::Result<()> {
    let set = show::set(session, task.set).await?;
    let spec = named.find(session, &set)?;
    let hand = hand(session);
    let TaskRef { set, index } = task;
    if let Some(answer) = given.read(spec.as_ref())? {
        let commitment = hand.commit_work(task, answer).await.map_err(coded)?;
        if commit_only {
            let text = format!(
                "committed to an answer of task {index} of set {set}: `charter task work {set} {index}` reveals it"
            );
            return session.tell(&json!({ "task": task, "commitment": commitment }), &text);
        }
    }
    let answer = hand.reveal_work(task).await.map_err(coded)?;
    let text = format!("task {index} of set {set}: the answer is revealed, and goes to reviewers");
    session.tell(&json!({ "task": task, "answer": answer }), &text)
}

async fn many(
    session: &Session,
    id: SetId,
    (from, count): (&Path, Option<usize>),
    agent: Option<AgentId>,
    named: &Spec,
    consent: &Consent,
) -> anyhow::Result<()> {
    let set = show::set(session, id).await?;
    check(&set, &session.me.id)?;
    let spec = named.find(session, &set)?;
    let answers = by_index(from, "answer")?;
    if let Some(spec) = &spec {
        for (_, answer) in &answers {
            spec.check(answer)?;
        }
    }
    let most = count.unwrap_or(answers.len()).min(answers.len());
    let mut sheet =
        vec![("this", format!("takes up to {most} tasks of set {id}, and answers each from {}", from.display()))];
    sheet.extend(terms(&set));
    consent.ask(&words::sheet(&sheet))?;
    let (hand, progress) = (hand(session), Progress::new(session.json));
    let (mut done, mut left) = (Vec::new(), None);
    while done.len() < most {
        let task = match hand.take(id, agent, set.take_deposit.0).await {
            Ok(task) => task,
            // There may have been more for who came earlier.
            Err(error) if !done.is_empty() && is_over(&error) => break,
            Err(error) => return Err(coded(error)),
        };
        let Some((_, answer)) = answers.iter().find(|(index, _)| *index == task.index) else {
            left = Some(task);
            break;
        };
        answer_one(&hand, task, answer).await?;
        done.push(task);
        progress.step("work", &format!("task {} answered, {} of {most}", task.index, done.len()));
    }
    let mut text = format!("{} tasks of set {id} are answered, and go to reviewers", done.len());
    if let Some(task) = left {
        text = format!("{text}; task {} is yours, and {} has no answer to it", task.index, from.display());
    }
    session.tell(&json!({ "tasks": done, "without_answer": left }), &text)
}

async fn answer_one(hand: &Hand<'_>, task: TaskRef, answer: &str) -> anyhow::Result<()> {
    hand.commit_work(task, inline(answer)?).await.map_err(coded)?;
    hand.reveal_work(task).await.map_err(coded).with_context(|| format!("task {} is not revealed", task.index))?;
    Ok(())
}

/// Whether nobody can take a task now.
fn is_over(error: &TaskError) -> bool {
    error.code().is_some_and(|code| ["TASKS_NONE_LEFT", "TASKS_AT_ONCE", "TASKS_REQUESTER_SHORT"].contains(&code))
}
