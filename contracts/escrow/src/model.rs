//! Pure state transitions: time, caller and deposit are arguments.

mod channel;
mod totals;

pub use channel::{Channel, Payout};
pub use totals::Totals;
