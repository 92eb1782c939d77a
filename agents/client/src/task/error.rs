use charter_types::tasks::TasksError;
use charter_types::{ErrorCode, Hash32};

use crate::ClientError;

/// Why a worker or a reviewer can't go on.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What the contract would refuse.
    #[error(transparent)]
    Refused(#[from] TasksError),
    /// Without it nothing can be revealed.
    #[error("nothing on disk says what commitment {commitment} hides: it was made in another folder")]
    NoNote { commitment: Hash32 },
    #[error("another answer than this was committed to, and stays: {commitment}")]
    OtherAnswer { commitment: Hash32 },
    #[error("the note of commitment {commitment} is not what was written")]
    Damaged { commitment: Hash32 },
    #[error("a note can't be written or read: {reason}")]
    Storage { reason: String },
}

impl TaskError {
    /// The code, which never changes. What a node refused has none.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Client(error) => error.code(),
            Self::Refused(error) => Some(error.code()),
            Self::NoNote { .. } => Some("NOTE_MISSING"),
            Self::OtherAnswer { .. } => Some("NOTE_OTHER_ANSWER"),
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
