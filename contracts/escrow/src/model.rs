//! Pure state transitions: time, caller and deposit are arguments.

mod channel;

pub use channel::{Channel, Payout};
