//! Pure state transitions: time, caller and deposit are arguments.

mod agent;
mod attestation;
mod handle;
mod owner;
pub mod recovery;
mod reputation;
mod roles;

pub use agent::Agent;
pub use attestation::Attested;
pub use handle::{HandleState, check_handle};
pub use owner::Owner;
pub use reputation::Counted;

use charter_types::registry::RegistryError;

pub type Outcome<T = ()> = Result<T, RegistryError>;
