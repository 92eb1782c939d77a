//! Both ends of payment channels, with what they have to remember on disk. `docs/payments.md` says how they are used.
//!
//! What the chain shows of channels is told to both with `see`, again and again, and stored by neither: after a start nothing
//! is paid or taken on a channel that nobody has looked at.

mod answer;
mod error;
mod files;
mod ledger;
mod log;
mod payee;
mod payer;
mod promises;
mod record;
mod seen;
mod settle;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use answer::{Accepted, Answer, Refusal, Standing};
pub use error::PayError;
pub use files::{Disk, Files};
pub use ledger::{EXPIRIES_MAX, REPEATS_MAX};
pub use payee::{Margins, Payee};
pub use payer::{Payer, Payment};
pub use promises::Conditions;
pub use seen::Seen;

/// A thread that panicked left what it guards as it was: every change here is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
