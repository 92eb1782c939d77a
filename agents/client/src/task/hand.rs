//! An account that works and reviews.

use charter_types::tasks::args::{CommitVerdict, CommitWork, RevealVerdict, RevealWork, Take};
use charter_types::tasks::{Answer, Seat, SetId, Task, TaskRef, Verdict, methods};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Hash32};

use super::{Note, Notes, TaskError};
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

    /// Takes a task, with the deposit that the set asks for. It comes back at the reveal.
    pub async fn take(&self, set: SetId, agent: Option<AgentId>, deposit: u128) -> Result<TaskRef, TaskError> {
        let tasks = self.contracts.tasks();
        Ok(tasks.pay(self.me, methods::take, &Take { set, agent }, deposit).await?.value)
    }

    /// A task that is in flight, as final blocks have it.
    pub async fn look(&self, task: TaskRef) -> Result<Task, TaskError> {
        let found = self.contracts.tasks().view(self.me.rpc(), methods::task, &task, At::Final).await?;
        found.ok_or(TaskError::NotInFlight(task))
    }

    fn nothing_to_do(&self, task: TaskRef) -> TaskError {
        TaskError::NoDuty { by: self.me.id.clone(), task }
    }

    /// Commits to an answer. Answers with the commitment, which the chain has then. The same answer again is the same
    /// commitment.
    pub async fn commit_work(&self, task: TaskRef, answer: Answer) -> Result<Hash32, TaskError> {
        let shown = self.look(task).await?;
        if shown.worker != self.me.id {
            return Err(self.nothing_to_do(task));
        }
        if let Some(commitment) = shown.commitment {
            return match self.find(commitment).await? {
                Note::Work { answer: known, .. } if known == answer => Ok(commitment),
                _ => Err(TaskError::OtherAnswer(task)),
            };
        }
        let commitment = self.keep(Note::work(task, shown.attempt, answer)).await?;
        let args = CommitWork { task, commitment };
        self.contracts.tasks().call(self.me, methods::commit_work, &args).await?;
        Ok(commitment)
    }

    /// Reveals the answer that was committed to. The panel is drawn in a receipt of its own, which has ended then.
    pub async fn reveal_work(&self, task: TaskRef) -> Result<Answer, TaskError> {
        let shown = self.look(task).await?;
        let commitment = shown.commitment.filter(|_| shown.worker == self.me.id);
        let commitment = commitment.ok_or_else(|| self.nothing_to_do(task))?;
        let Note::Work { answer, salt, .. } = self.find(commitment).await? else {
            return Err(TaskError::Damaged { commitment });
        };
        if shown.answer_hash.is_none() {
            let args = RevealWork { task, answer: answer.clone(), salt };
            self.contracts.tasks().call(self.me, methods::reveal_work, &args).await?;
        }
        Ok(answer)
    }

    /// Commits to a verdict on a task whose panel this account is on. Until the panel's time is over, or all of it have
    /// committed, another verdict takes its place.
    pub async fn commit_verdict(&self, task: TaskRef, verdict: Verdict) -> Result<Hash32, TaskError> {
        let shown = self.look(task).await?;
        let (round, seat) = seat(&shown, &self.me.id).ok_or_else(|| self.nothing_to_do(task))?;
        if let Some(commitment) = seat.commitment
            && matches!(self.find(commitment).await?, Note::Verdict { verdict: known, .. } if known == verdict)
        {
            return Ok(commitment);
        }
        let commitment = self.keep(Note::verdict(task, shown.attempt, round, verdict)).await?;
        let args = CommitVerdict { task, commitment };
        self.contracts.tasks().call(self.me, methods::commit_verdict, &args).await?;
        Ok(commitment)
    }

    /// Reveals the verdict that was committed to, once all of the panel have committed or its time is over.
    pub async fn reveal_verdict(&self, task: TaskRef) -> Result<Verdict, TaskError> {
        let shown = self.look(task).await?;
        let (_, seat) = seat(&shown, &self.me.id).ok_or_else(|| self.nothing_to_do(task))?;
        let commitment = seat.commitment.ok_or_else(|| self.nothing_to_do(task))?;
        let Note::Verdict { verdict, salt, .. } = self.find(commitment).await? else {
            return Err(TaskError::Damaged { commitment });
        };
        if seat.verdict.is_none() {
            let args = RevealVerdict { task, verdict, salt };
            self.contracts.tasks().call(self.me, methods::reveal_verdict, &args).await?;
        }
        Ok(verdict)
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

/// The seat of an account in the round that is judged now, and the round's number.
fn seat<'a>(task: &'a Task, by: &AccountId) -> Option<(u8, &'a Seat)> {
    let round = task.rounds.last()?;
    Some((round.number, round.seats.iter().find(|seat| seat.reviewer == *by)?))
}

/// A disk may take its time, and others are at work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TaskError> + Send + 'static,
) -> Result<T, TaskError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(TaskError::Storage { reason: error.to_string() }))
}
