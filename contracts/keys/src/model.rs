//! Pure checks: time and caller are arguments.

mod grant;
mod limits;

pub use grant::{check_delegation, check_narrowing, check_preimage, check_terms};
pub use limits::{check_envelope, check_wraps};
