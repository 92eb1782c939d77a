//! What can go wrong, and what helps.

use charter_client::proof::ProofError;
use charter_types::event::EventHead;
use near_primitives::hash::CryptoHash;
use sqlx::migrate::MigrateError;

#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    #[error("{0}")]
    Chain(#[from] charter_client::ClientError),
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database schema can't be brought up to date: {0}")]
    Migration(#[from] MigrateError),
    #[error("the database can't be opened: {0}")]
    Open(String),
    #[error("{addr} can't be listened on: {error}")]
    Listen { addr: String, error: std::io::Error },
    #[error("the database mirrors {found}, not {expected}: use another --data-dir or --database-url")]
    OtherChain { expected: String, found: String },
    #[error("the database mirrors {found}, not {expected}: use another --data-dir or --database-url")]
    OtherContract { expected: String, found: String },
    #[error("block {height} does not follow the indexed one: the chain was rolled back behind a final block")]
    NotContinuous { height: u64 },
    #[error("the node has block {height} and does not know {before}, the one before it")]
    UnknownBlock { height: u64, before: CryptoHash },
    #[error("the node was asked for block {asked} and answered another one, {found}")]
    OtherBlock { asked: String, found: String },
    /// With the proof's code, which never changes.
    #[error("{}: {what} is not proven: {source}", .source.code())]
    Unproven { what: String, source: Box<ProofError> },
    #[error("receipt {receipt} was not executed in block {height}: that is not the one before its outcome's")]
    OtherPlace { receipt: CryptoHash, height: u64 },
    #[error("the node does not know block {hash}, which is final: it lags, or has another chain")]
    BehindHead { hash: CryptoHash },
    #[error("nobody in the database has vouched for a block yet: name one (--checkpoint)")]
    NoHead,
    #[error(
        "block {hash} is too young for a checkpoint: it tells who signs in the next epoch, and that has not begun. Name \
         a block of an epoch before, or wait"
    )]
    YoungCheckpoint { hash: CryptoHash },
    #[error("the node does not know block {hash}: it is another chain's, or so old that only an archival node has it")]
    UnknownCheckpoint { hash: CryptoHash },
    #[error(
        "block {hash} is not proven to be below block {head}, up to which the database has verified the chain: leave \
         the checkpoint out, or use another database"
    )]
    OtherCheckpoint { hash: CryptoHash, head: u64 },
    #[error("{contract} has event {found} where {expected} was due: an event is missing")]
    MissingEvent { contract: String, expected: u64, found: u64 },
    #[error("event {seq} of {contract} follows another one than is in the tables: an event is missing, or another")]
    OtherPast { contract: String, seq: u64 },
    #[error("at block {height} {contract} has {} events and the node showed {}: it left some out", .theirs.seq, .ours.seq)]
    Incomplete { contract: &'static str, height: u64, ours: EventHead, theirs: EventHead },
    #[error(
        "where does the mirror begin? No node is believed that: name a block before the contracts' first events \
         (`index run --from HEIGHT`)"
    )]
    NoBeginning,
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
    #[error("the indexer has hung for {seconds} s {stage}, while the node's chain went on to block {head}")]
    Stuck { stage: &'static str, seconds: u64, head: u64 },
    #[error("the tables are being made again by another program, or were changed by one")]
    Overtaken,
}

/// What helps against an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// To try again: it passes, or somebody sees to it.
    Wait,
    /// To leave something out: it is about what was to be written, and something else may well be written.
    LeaveOut,
    /// Nothing that this program could do.
    Nothing,
}

/// By SQLSTATE, which is a class of two characters and three of its own.
fn of_state(state: &str) -> Remedy {
    match state {
        // A database that was dropped while it was used does not come back, unlike all else of its class.
        "57P04" => Remedy::Nothing,
        // A server that takes no writes, as a standby does; one that gave up waiting for us, or for a lock.
        "25006" | "25P03" | "25P04" | "55006" | "55P03" => Remedy::Wait,
        _ => match state.get(..2) {
            // No connection; a conflict with somebody else; no room; an operator's hand, or a restart; trouble with a
            // disk.
            Some("08" | "40" | "53" | "57" | "58") => Remedy::Wait,
            // Bad data, a broken constraint, more than a limit of the program.
            Some("22" | "23" | "54") => Remedy::LeaveOut,
            // A wrong password (28), no such database (3D), no such table or no right to it (42), and whatever nobody
            // foresaw.
            _ => Remedy::Nothing,
        },
    }
}

fn of_database(error: &sqlx::Error) -> Remedy {
    match error {
        sqlx::Error::Database(error) => error.code().map_or(Remedy::Nothing, |state| of_state(&state)),
        // A connection that was cut, wherever that was noticed.
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Remedy::Wait,
        _ => Remedy::Nothing,
    }
}

fn of_migration(error: &MigrateError) -> Remedy {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => of_database(error),
        _ => Remedy::Nothing,
    }
}

impl IndexerError {
    pub fn remedy(&self) -> Remedy {
        match self {
            // A node may answer anything, so only what no node said is for somebody to mend.
            Self::Chain(error) if error.is_ours() => Remedy::Nothing,
            Self::Chain(_) => Remedy::Wait,
            Self::Database(error) => of_database(error),
            Self::Migration(error) => of_migration(error),
            Self::NoRow { .. } => Remedy::LeaveOut,
            _ if self.is_the_nodes() => Remedy::Wait,
            _ => Remedy::Nothing,
        }
    }

    /// Whether the same step may succeed later.
    pub fn is_transient(&self) -> bool {
        self.remedy() == Remedy::Wait
    }

    /// Whether a node said what can't be, or left something out. Nothing of it was kept; another node may do better, and so
    /// may the same one, later.
    pub fn is_the_nodes(&self) -> bool {
        match self {
            // What the database has nobody can prove.
            Self::Unproven { source, .. } => **source != ProofError::Unreadable,
            Self::Chain(error) => error.is_said(),
            Self::OtherChain { .. }
            | Self::LateStart { .. }
            | Self::YoungCheckpoint { .. }
            | Self::UnknownCheckpoint { .. }
            | Self::OtherCheckpoint { .. }
            | Self::NotContinuous { .. }
            | Self::UnknownBlock { .. }
            | Self::OtherBlock { .. }
            | Self::OtherPlace { .. }
            | Self::BehindHead { .. }
            | Self::MissingEvent { .. }
            | Self::OtherPast { .. }
            | Self::Incomplete { .. } => true,
            _ => false,
        }
    }

    /// Whether it may well be true, and then waiting does not help: somebody began with the wrong words.
    pub fn is_of_a_start(&self) -> bool {
        matches!(self, Self::OtherChain { .. } | Self::LateStart { .. } | Self::OtherCheckpoint { .. })
    }

    /// Whether a receipt can't be what was said of it: by whoever told of it, and who was asked to prove it may be another
    /// one.
    pub fn is_of_a_receipt(&self) -> bool {
        match self {
            Self::OtherPlace { .. } => true,
            Self::Unproven { source, .. } => matches!(**source, ProofError::OtherExecutor { .. }),
            Self::Chain(error) => error.cause() == Some("UNKNOWN_TRANSACTION_OR_RECEIPT"),
            _ => false,
        }
    }

    /// Whether receipts were left out, or made up, in some of the blocks that were read.
    pub fn is_of_the_receipts(&self) -> bool {
        matches!(self, Self::MissingEvent { .. } | Self::OtherPast { .. } | Self::Incomplete { .. })
    }

    /// Whether events are missing between those in the tables and those that a node shows: it left some out, or another
    /// one did before.
    pub fn shows_a_gap(&self) -> bool {
        match self {
            Self::MissingEvent { expected, found, .. } => found > expected,
            // What can't be read may have no number, and counts as the next one.
            Self::OtherPast { .. } => true,
            Self::Incomplete { ours, theirs, .. } => theirs.seq > ours.seq,
            _ => false,
        }
    }

    /// Something that a node said, and why it is not believed.
    pub fn unproven(what: impl Into<String>, source: ProofError) -> Self {
        Self::Unproven { what: what.into(), source: Box::new(source) }
    }

    /// Whether it is about what was to be written, so that something else may well be written.
    pub fn is_refusal(&self) -> bool {
        self.remedy() == Remedy::LeaveOut
    }

    /// Who is at fault, and waited for if waiting helps.
    pub fn party(&self) -> &'static str {
        match self {
            Self::Database(_) | Self::Migration(_) | Self::Open(_) => "the database",
            _ => "the node",
        }
    }

    fn is_of_state(&self, states: &[&str]) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|state| states.contains(&state.as_ref()))
            }
            _ => false,
        }
    }

    /// Whether the server takes no writes. One that was the first and is no more keeps its connections: another
    /// connection may lead to its successor.
    pub fn is_read_only(&self) -> bool {
        self.is_of_state(&["25006"])
    }

    /// Whether somebody else was in the way: nothing was done, and nothing is wrong.
    pub fn is_contention(&self) -> bool {
        self.is_of_state(&["40001", "40P01", "55P03"])
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use charter_client::ClientError;
    use charter_client::proof::ProofError;
    use near_primitives::hash::CryptoHash;
    use serde_json::json;
    use sqlx::migrate::MigrateError;

    use super::{IndexerError, Remedy, of_state};

    /// By PostgreSQL's list of error codes.
    #[test]
    fn what_passes_is_told_from_what_stays_by_sqlstate() {
        let passes = [
            "08000", "08006", "08P01", "25006", "25P03", "40001", "40003", "40P01", "53100", "53200", "53300", "55P03",
            "57000", "57014", "57P01", "57P02", "57P03", "57P05", "58030",
        ];
        let refused = ["22001", "22003", "22P05", "23502", "23505", "23514", "54000", "54001"];
        let stays = ["28000", "28P01", "3D000", "57P04", "0A000", "25P02", "42501", "42703", "42P01", "XX001", "", "5"];
        for (states, remedy) in
            [(&passes[..], Remedy::Wait), (&refused[..], Remedy::LeaveOut), (&stays[..], Remedy::Nothing)]
        {
            for state in states {
                assert_eq!(of_state(state), remedy, "{state}");
            }
        }
    }

    #[test]
    fn what_is_not_proven_is_the_nodes_and_names_its_code() {
        let of = |source| IndexerError::unproven("a head above block 7", source);
        let refused = [
            (of(ProofError::NotHigher { head: 7, height: 7 }), "PROOF_NOT_HIGHER"),
            (of(ProofError::UnknownProtocol { what: "an epoch with version 99".to_owned() }), "PROOF_UNKNOWN_PROTOCOL"),
            (of(ProofError::OtherState), "PROOF_OTHER_STATE"),
        ];
        for (error, code) in refused {
            assert!(error.is_the_nodes() && error.is_transient(), "{error}");
            assert!(error.to_string().starts_with(&format!("{code}: a head above block 7 is not proven: ")), "{error}");
        }
        let of_ours = of(ProofError::Unreadable);
        assert_eq!((of_ours.is_the_nodes(), of_ours.remedy()), (false, Remedy::Nothing));
        for ends in [IndexerError::NoHead, IndexerError::NoBeginning] {
            assert_eq!(ends.remedy(), Remedy::Nothing, "{ends}");
        }
    }

    /// Add a word to those that end a program, and a node that says it ends programs.
    #[test]
    fn nothing_that_a_node_says_ends_the_program() {
        let said = |error: serde_json::Value| ClientError::Rpc { method: "block".to_owned(), error };
        let hash = CryptoHash::default();
        let other = || "another".to_owned();
        for error in [
            IndexerError::from(said(json!({ "cause": { "name": "UNKNOWN_EPOCH" } }))),
            IndexerError::from(said(json!({ "cause": { "name": "OF_THE_FUTURE" } }))),
            IndexerError::from(said(json!({ "code": -32_601, "message": "no such method" }))),
            IndexerError::from(ClientError::Failed { text: "wasm execution failed".to_owned() }),
            IndexerError::from(ClientError::Refused {
                by: "keys.near".parse().unwrap(),
                text: "KEYS_X: no".to_owned(),
            }),
            IndexerError::YoungCheckpoint { hash },
            IndexerError::UnknownCheckpoint { hash },
            IndexerError::OtherCheckpoint { hash, head: 7 },
            IndexerError::OtherChain { expected: other(), found: other() },
            IndexerError::LateStart { contract: "keys", height: 7, seq: 1 },
        ] {
            assert!(error.is_transient() && error.is_the_nodes(), "{error}");
        }
        // Who fails is passed over for that already.
        let failed = IndexerError::from(said(json!({ "cause": { "name": "INTERNAL_ERROR" } })));
        assert!(failed.is_transient() && !failed.is_the_nodes());
        let ours = IndexerError::from(ClientError::Arguments("no JSON".to_owned()));
        assert_eq!((ours.remedy(), ours.is_the_nodes()), (Remedy::Nothing, false));
    }

    #[test]
    fn a_cut_connection_passes_wherever_it_is_noticed_and_a_wrong_setting_does_not() {
        let cut = || sqlx::Error::Io(io::Error::from(io::ErrorKind::ConnectionReset));
        for error in [
            cut(),
            sqlx::Error::Protocol("half a message".to_owned()),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::PoolClosed,
            sqlx::Error::WorkerCrashed,
            sqlx::Error::BeginFailed,
        ] {
            let error = IndexerError::from(error);
            assert!(error.is_transient() && !error.is_refusal(), "{error}");
            assert_eq!(error.party(), "the database");
        }
        assert!(IndexerError::from(MigrateError::ExecuteMigration(cut(), 7)).is_transient());
        for error in [
            IndexerError::from(sqlx::Error::Tls("no TLS".into())),
            IndexerError::from(sqlx::Error::RowNotFound),
            IndexerError::from(MigrateError::VersionMismatch(7)),
            IndexerError::CursorMoved,
        ] {
            assert_eq!(error.remedy(), Remedy::Nothing, "{error}");
        }
    }
}
