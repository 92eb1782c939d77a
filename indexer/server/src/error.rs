//! What can go wrong, and whether trying again helps.

use charter_types::event::EventHead;
use near_primitives::hash::CryptoHash;

#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    #[error("{0}")]
    Chain(#[from] charter_client::ClientError),
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database schema can't be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the database can't be opened: {0}")]
    Open(String),
    #[error("{addr} can't be listened on: {error}")]
    Listen { addr: String, error: std::io::Error },
    #[error("the database mirrors {found}, not {expected}: use another --data-dir or --database-url")]
    OtherChain { expected: String, found: String },
    #[error("block {height} does not follow the indexed one: the chain was rolled back behind a final block")]
    NotContinuous { height: u64 },
    #[error("the node has block {height} and does not know {before}, the one before it")]
    UnknownBlock { height: u64, before: CryptoHash },
    #[error("the node was asked for block {asked} and answered another one, {found}")]
    OtherBlock { asked: String, found: String },
    #[error("the proof of receipt {receipt} does not lead to the block's root: the node's answer can't be trusted")]
    BadProof { receipt: String },
    #[error("{contract} has event {found} where {expected} was due: an event is missing")]
    MissingEvent { contract: String, expected: u64, found: u64 },
    #[error("event {seq} of {contract} follows another one than is in the tables: an event is missing, or another")]
    OtherPast { contract: String, seq: u64 },
    #[error("at block {height} {contract} has {} events and the node showed {}: it left some out", .theirs.seq, .ours.seq)]
    Incomplete { contract: &'static str, height: u64, ours: EventHead, theirs: EventHead },
    #[error("{contract} had {seq} events at block {height} already: begin at an earlier block (--from)")]
    LateStart { contract: &'static str, height: u64, seq: u64 },
    #[error("{table} has no row {key} that could change")]
    NoRow { table: &'static str, key: String },
    #[error("the node's answer has a record of {table} that can't be read: {reason}")]
    Record { table: &'static str, reason: String },
    #[error("{what} in the database can't be read: another program wrote it")]
    Unreadable { what: &'static str },
    #[error("{number} is more than a column holds")]
    TooLarge { number: u64 },
    #[error("another indexer moved the cursor")]
    CursorMoved,
}

impl IndexerError {
    /// Whether the same step may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Chain(error) => error.is_transient(),
            Self::Database(error) => matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut),
            _ => self.is_the_nodes(),
        }
    }

    /// Whether a node said what can't be, or left something out. Nothing of it was kept; another node may do better, and so
    /// may the same one, later.
    pub fn is_the_nodes(&self) -> bool {
        matches!(
            self,
            Self::NotContinuous { .. }
                | Self::UnknownBlock { .. }
                | Self::OtherBlock { .. }
                | Self::BadProof { .. }
                | Self::MissingEvent { .. }
                | Self::OtherPast { .. }
                | Self::Incomplete { .. }
        )
    }

    /// Whether it is about what was to be written, so that something else may well be written.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::NoRow { .. } => true,
            // Classes of SQLSTATE: bad data, a broken constraint, more than a limit of the program.
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
            }
            _ => false,
        }
    }
}
