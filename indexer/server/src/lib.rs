//! Mirrors the Charter contracts into Postgres and proves that the mirror is true.
//!
//! `source → decode → apply → commit`: final blocks are read over JSON-RPC (`source`), logs of successful receipts are
//! checked against their Merkle proofs and become events, events become changes of rows, and events, rows and cursor are
//! committed in one transaction (`store`). What a row is, and where the truth about it is, [`tables`] say.

pub mod anchor;
pub mod api;
mod apply;
mod blame;
mod contract;
mod database;
mod decode;
pub mod doctor;
mod error;
mod escape;
pub mod letters;
mod light;
mod lookout;
pub mod page;
mod pulse;
pub mod ranking;
mod rebuild;
pub mod reindex;
mod rewind;
mod run;
mod source;
pub mod state;
mod store;
pub mod table;
pub mod tables;
pub mod truth;
mod verify;
pub mod views;
mod wait;
mod watch;

pub use contract::Contract;
pub use database::Database;
pub use error::{IndexerError, Remedy};
pub use light::{Trust, has_head};
pub use run::{Indexer, Progress, Start};
pub use store::Cursor;
pub use verify::{Proof, Report, Thoroughness, Verdict, verify, verify_as, verify_every};
pub use watch::{Seen, Watch};
