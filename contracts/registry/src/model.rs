//! Pure state transitions: time, caller and deposit are arguments.

mod agent;
mod owner;

pub use agent::Agent;
pub use owner::Owner;
