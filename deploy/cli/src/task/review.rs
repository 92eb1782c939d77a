//! Reviewers: committing to a verdict, and revealing it when its time has come.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use charter_client::At;
use charter_client::task::{Hand, panel, seat};
use charter_types::Named;
use charter_types::tasks::args::TaskRef;
use charter_types::tasks::{Place, SetId, Slot, Task, TaskState, Verdict, methods};
use serde::Serialize;
use serde_json::json;

use super::honeypot::by_index;
use super::{coded, hand, show};
use crate::output::Progress;
use crate::session::Session;
use crate::units::left;

/// How often the chain is asked whether a verdict can be revealed.
const POLL: Duration = Duration::from_secs(1);

#[derive(clap::Subcommand)]
pub enum Command {
    /// Commits to a verdict on a task whose panel you are on, waits until verdicts are revealed, and reveals it. Without a
    /// verdict: shows what there is to judge, or reveals what was committed to. Without a task: all of yours in the set.
    Review {
        set: SetId,
        index: Option<u32>,
        #[arg(value_parser = verdict)]
        verdict: Option<Verdict>,
        /// A CSV file with columns index and verdict. What is not in there is left as it is.
        #[arg(long, value_name = "FILE", conflicts_with = "index")]
        from: Option<PathBuf>,
        /// Waits for nothing: reveals what can be revealed now.
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        sources: show::Sources,
    },
}

/// `good`, `bad`, `unfetchable`.
pub fn verdict(text: &str) -> Result<Verdict, String> {
    match text {
        "good" => Ok(Verdict::Good),
        "bad" => Ok(Verdict::Bad),
        "unfetchable" => Ok(Verdict::Unfetchable),
        _ => Err(format!("expected good, bad or unfetchable, found \"{text}\"")),
    }
}

pub async fn run(session: &Session, command: Command) -> anyhow::Result<()> {
    let Command::Review { set, index, verdict: said, from, no_wait, sources } = command;
    let hand = hand(session);
    if let (Some(index), None) = (index, said) {
        let task = hand.look(TaskRef { set, index }).await.map_err(coded)?;
        if seat(&task, &session.me.id).is_some_and(|(_, seat)| seat.commitment.is_none()) {
            return show::one(session, TaskRef { set, index }, &sources).await;
        }
    }
    let mut verdicts = Vec::new();
    match (index, said, &from) {
        (Some(index), Some(said), _) => verdicts.push((index, said)),
        (None, _, Some(path)) => verdicts = read(path)?,
        _ => {}
    }
    let mine: Vec<TaskRef> = match index {
        Some(index) => vec![TaskRef { set, index }],
        None => duties(session, set).await?,
    };
    let committed = commit_all(session, &hand, &mine, &verdicts).await?;
    let revealed = reveal_all(session, &hand, &mine, no_wait).await?;
    let text = match (committed.len(), revealed.len()) {
        (0, 0) => format!("there is nothing to commit to or to reveal in set {set} now"),
        (committed, 0) => format!("committed to {committed} verdicts: `charter task review {set}` reveals them"),
        (0, revealed) => format!("revealed {revealed} verdicts"),
        (committed, revealed) => format!("committed to {committed} verdicts, revealed {revealed}"),
    };
    session.tell(&json!({ "committed": committed, "revealed": revealed }), &text)
}

fn read(path: &Path) -> anyhow::Result<Vec<(u32, Verdict)>> {
    let rows = by_index(path, "verdict")?.into_iter();
    rows.map(|(index, text)| {
        let verdict = verdict(text.trim()).map_err(anyhow::Error::msg);
        Ok((index, verdict.with_context(|| format!("{}: task {index}", path.display()))?))
    })
    .collect()
}

/// The tasks of a set on whose panels the account is.
async fn duties(session: &Session, set: SetId) -> anyhow::Result<Vec<TaskRef>> {
    let args = Named { account: session.me.id.clone() };
    let slots = session.contracts.tasks().view(session.rpc(), methods::slots, &args, At::Final).await?;
    ensure!(
        !slots.is_empty(),
        "TASKS_NOT_REVIEWER: {} has no bond: `charter task bond` makes it a reviewer",
        session.me.id
    );
    let duty = |slot: &Slot| match slot.place {
        Place::Duty { set: of, index, .. } if of == set => Some(TaskRef { set, index }),
        Place::Duty { .. } | Place::Pool(_) => None,
    };
    let mut mine: Vec<TaskRef> = slots.iter().filter_map(duty).collect();
    mine.sort_unstable_by_key(|task| task.index);
    Ok(mine)
}

/// A verdict that was committed to or revealed.
#[derive(Serialize)]
struct Done {
    index: u32,
    verdict: Verdict,
}

async fn commit_all(
    session: &Session,
    hand: &Hand<'_>,
    mine: &[TaskRef],
    verdicts: &[(u32, Verdict)],
) -> anyhow::Result<Vec<Done>> {
    let progress = Progress::new(session.json);
    let mut done = Vec::new();
    for task in mine {
        let Some((index, verdict)) = verdicts.iter().copied().find(|(index, _)| *index == task.index) else { continue };
        // Of a round that is over there may still be the duty, until the task is settled.
        let shown = hand.look(*task).await.map_err(coded)?;
        if shown.state != TaskState::Judging || seat(&shown, &session.me.id).is_none() {
            ensure!(mine.len() > 1, "TASKS_NOT_ON_PANEL: no verdict of yours is asked for on task {index}");
            continue;
        }
        hand.commit_verdict(*task, verdict).await.map_err(coded)?;
        progress.step("commit", &format!("task {index}"));
        done.push(Done { index, verdict });
    }
    Ok(done)
}

/// Where the verdict of an account stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// It can be revealed now.
    Due,
    /// Others of the panel have not committed, and their time is not over.
    Waits { until_ms: u64 },
    /// There is nothing to reveal, or no more.
    Nothing,
}

fn stand(task: &Task, session: &Session, now_ms: u64) -> Stand {
    let open = seat(task, &session.me.id).is_some_and(|(_, seat)| seat.commitment.is_some() && seat.verdict.is_none());
    match panel(task).filter(|_| open && task.state == TaskState::Judging) {
        Some((_, panel)) if now_ms < panel.reveal_from_ms => Stand::Waits { until_ms: panel.reveal_from_ms },
        Some((_, panel)) if now_ms < panel.reveal_until_ms => Stand::Due,
        _ => Stand::Nothing,
    }
}

/// Reveals all verdicts of these tasks that were committed to and can be revealed; and waits for the others to be.
async fn reveal_all(session: &Session, hand: &Hand<'_>, mine: &[TaskRef], no_wait: bool) -> anyhow::Result<Vec<Done>> {
    let progress = Progress::new(session.json);
    let (mut done, mut told) = (Vec::new(), 0);
    let mut open: Vec<TaskRef> = mine.to_vec();
    loop {
        let now_ms = session.now_ms().await?;
        let mut waiting = Vec::new();
        let mut until_ms = 0;
        for task in open {
            let shown = hand.look(task).await.map_err(coded)?;
            match stand(&shown, session, now_ms) {
                Stand::Due => {
                    let verdict = hand.reveal_verdict(task).await.map_err(coded)?;
                    progress.step("reveal", &format!("task {}", task.index));
                    done.push(Done { index: task.index, verdict });
                }
                Stand::Waits { until_ms: end_ms } => {
                    until_ms = until_ms.max(end_ms);
                    waiting.push(task);
                }
                Stand::Nothing => {}
            }
        }
        if no_wait || waiting.is_empty() {
            return Ok(done);
        }
        if told != waiting.len() {
            told = waiting.len();
            let rest = left(until_ms.saturating_sub(now_ms));
            progress.step("wait", &format!("for others on {told} panels, {rest} at most; the verdicts are kept"));
        }
        open = waiting;
        tokio::time::sleep(POLL).await;
    }
}
