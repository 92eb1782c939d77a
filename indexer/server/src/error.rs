//! What can go wrong, and whether trying again helps.

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
    #[error("the proof of receipt {receipt} does not lead to the block's root: the node's answer can't be trusted")]
    BadProof { receipt: String },
    #[error("{contract} has event {found} where {expected} was due: an event is missing")]
    MissingEvent { contract: String, expected: u64, found: u64 },
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
        matches!(self, Self::Chain(_) | Self::Database(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut))
    }
}
