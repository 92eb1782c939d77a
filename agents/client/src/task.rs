//! Working on tasks, and reviewing them. What somebody commits to is on disk before the chain hears of it, so that no crash
//! loses what has to be revealed. `docs/tasks.md` says how it is used.

mod error;
mod hand;
mod notes;

pub use error::TaskError;
pub use hand::{Hand, panel, seat};
pub use notes::{Note, Notes, Said, keep_in, read_from};
