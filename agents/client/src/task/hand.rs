//! An account that works and reviews.

use charter_types::registry::AgentId;
use charter_types::tasks::args::{CommitVerdict, CommitWork, RevealVerdict, RevealWork, Take, TaskRef};
use charter_types::tasks::{Answer, Panel, Seat, SetId, Task, TasksError, Verdict, methods};
use charter_types::{AccountId, Hash32};

use super::{Note, Notes, Said, TaskError};
use crate::{Account, At, Contracts};

/// Each step can be done again after whatever went wrong: it looks at the chain first, and then at its notes.
pub struct Hand<'a> {
    me: &'a Account,
    contracts: &'a Contracts,
    notes: Notes,
}

impl<'a> Hand<'a> {
    pub fn new(me: &'a Account, contracts: &'a Contracts, notes: Notes) -> Self {
        Self { me, contracts, notes }
    }

    /// Takes a task, with the deposit that the set asks for. It is in the account's balance once work is revealed.
    pub async fn take(&self, set: SetId, agent: Option<AgentId>, deposit: u128) -> Result<TaskRef, TaskError> {
        let tasks = self.contracts.tasks();
        Ok(tasks.pay(self.me, methods::take, &Take { set, agent }, deposit).await?.value)
    }

    /// A task in work or under judgement, as final blocks have it.
    pub async fn look(&self, task: TaskRef) -> Result<Task, TaskError> {
        let found = self.contracts.tasks().view(self.me.rpc(), methods::task, &task, At::Final).await?;
        Ok(found.ok_or(TasksError::UnknownTask { set: task.set, index: task.index })?)
    }

    async fn mine(&self, task: TaskRef) -> Result<Task, TaskError> {
        let shown = self.look(task).await?;
        if shown.worker != self.me.id {
            return Err(TasksError::NotWorker { caller: self.me.id.clone() }.into());
        }
        Ok(shown)
    }

    /// Commits to an answer. Answers with the commitment, which the chain has then. The same answer again is the same
    /// commitment.
    pub async fn commit_work(&self, task: TaskRef, answer: Answer) -> Result<Hash32, TaskError> {
        let shown = self.mine(task).await?;
        let said = Said::Work(answer);
        if let Some(commitment) = shown.work_hash {
            let same = self.find(commitment).await?.said == said;
            return if same { Ok(commitment) } else { Err(TaskError::OtherAnswer { commitment }) };
        }
        let hash = self.keep(Note::new(named(&shown), said)).await?;
        let args = CommitWork { set: task.set, index: task.index, hash };
        self.contracts.tasks().call(self.me, methods::commit_work, &args).await?;
        Ok(hash)
    }

    /// Reveals the answer that was committed to. The panel is drawn in a receipt of its own, which has ended then.
    pub async fn reveal_work(&self, task: TaskRef) -> Result<Answer, TaskError> {
        let shown = self.mine(task).await?;
        let commitment = shown.work_hash.ok_or(TasksError::WrongState {})?;
        let Note { said: Said::Work(answer), salt, .. } = self.find(commitment).await? else {
            return Err(TaskError::Damaged { commitment });
        };
        if shown.answer_hash.is_none() {
            let args = RevealWork { set: task.set, index: task.index, answer: answer.clone(), salt };
            self.contracts.tasks().call(self.me, methods::reveal_work, &args).await?;
        }
        Ok(answer)
    }

    /// Commits to a verdict on a task whose panel this account is on. Until the panel's time is over, or all of it have
    /// committed, another verdict takes its place.
    pub async fn commit_verdict(&self, task: TaskRef, verdict: Verdict) -> Result<Hash32, TaskError> {
        let shown = self.look(task).await?;
        let (round, seat) = self.seat(&shown)?;
        let said = Said::Verdict { round, verdict };
        if let Some(commitment) = seat.commitment
            && self.find(commitment).await?.said == said
        {
            return Ok(commitment);
        }
        let hash = self.keep(Note::new(named(&shown), said)).await?;
        let args = CommitVerdict { set: task.set, index: task.index, hash };
        self.contracts.tasks().call(self.me, methods::commit_verdict, &args).await?;
        Ok(hash)
    }

    /// Reveals the verdict that was committed to, once all of the panel have committed or its time is over.
    pub async fn reveal_verdict(&self, task: TaskRef) -> Result<Verdict, TaskError> {
        let shown = self.look(task).await?;
        let (_, seat) = self.seat(&shown)?;
        let commitment = seat.commitment.ok_or(TasksError::NotCommitted {})?;
        let Note { said: Said::Verdict { verdict, .. }, salt, .. } = self.find(commitment).await? else {
            return Err(TaskError::Damaged { commitment });
        };
        if seat.verdict.is_none() {
            let args = RevealVerdict { set: task.set, index: task.index, verdict, salt };
            self.contracts.tasks().call(self.me, methods::reveal_verdict, &args).await?;
        }
        Ok(verdict)
    }

    fn seat<'t>(&self, task: &'t Task) -> Result<(u8, &'t Seat), TaskError> {
        let caller = &self.me.id;
        seat(task, caller).ok_or_else(|| TasksError::NotOnPanel { caller: caller.clone() }.into())
    }

    async fn keep(&self, note: Note) -> Result<Hash32, TaskError> {
        let notes = self.notes.clone();
        blocking(move || notes.keep(&note)).await
    }

    async fn find(&self, commitment: Hash32) -> Result<Note, TaskError> {
        let notes = self.notes.clone();
        blocking(move || notes.find(commitment)).await?.ok_or(TaskError::NoNote { commitment })
    }
}

fn named(task: &Task) -> (SetId, u32, u32) {
    (task.set, task.index, task.attempt)
}

/// The panel that judges a task now or judged it last, and its round.
pub fn panel(task: &Task) -> Option<(u8, &Panel)> {
    match &task.appeal {
        Some(appeal) => appeal.panel.as_ref().map(|panel| (2, panel)),
        None => task.panel.as_ref().map(|panel| (1, panel)),
    }
}

/// The seat of an account on it, and its round.
pub fn seat<'a>(task: &'a Task, by: &AccountId) -> Option<(u8, &'a Seat)> {
    let (round, panel) = panel(task)?;
    Some((round, panel.seats.iter().find(|seat| seat.reviewer == *by)?))
}

/// A disk may take its time, and others are at work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TaskError> + Send + 'static,
) -> Result<T, TaskError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(TaskError::Storage { reason: error.to_string() }))
}
