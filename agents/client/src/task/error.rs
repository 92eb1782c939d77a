use charter_types::Hash32;
use charter_types::tasks::TaskRef;

use crate::ClientError;

/// Why a worker or a reviewer can't go on.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("there is no task {} in flight of set {}", .0.index, .0.set)]
    NotInFlight(TaskRef),
    #[error("{} has nothing to do with task {} of set {} now", .by, .task.index, .task.set)]
    NoDuty { by: charter_types::AccountId, task: TaskRef },
    /// Without it nothing can be revealed.
    #[error("nothing on disk says what commitment {commitment} hides: it was made in another folder")]
    NoNote { commitment: Hash32 },
    #[error("something else was committed to on task {} of set {}, and it can't be changed", .0.index, .0.set)]
    OtherAnswer(TaskRef),
    #[error("the note of commitment {commitment} is not what was written")]
    Damaged { commitment: Hash32 },
    #[error("a note can't be written or read: {reason}")]
    Storage { reason: String },
}

impl TaskError {
    /// The code, which never changes. What a contract or a node refused has its own.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Client(error) => error.code(),
            Self::NotInFlight(_) => Some("NOTE_NOT_IN_FLIGHT"),
            Self::NoDuty { .. } => Some("NOTE_NO_DUTY"),
            Self::NoNote { .. } => Some("NOTE_MISSING"),
            Self::OtherAnswer(_) => Some("NOTE_OTHER_ANSWER"),
            Self::Damaged { .. } => Some("NOTE_DAMAGED"),
            Self::Storage { .. } => Some("NOTE_STORAGE"),
        }
    }
}

impl From<std::io::Error> for TaskError {
    fn from(error: std::io::Error) -> Self {
        Self::Storage { reason: error.to_string() }
    }
}
