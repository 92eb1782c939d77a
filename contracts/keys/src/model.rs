//! Pure checks: time and caller are arguments.

mod grant;
mod limits;

pub use grant::{
    check_delegation, check_named, check_narrowing, check_preimage, check_terms, counts_rate, is_dead_for_good,
    named_hosts, named_measurements,
};
pub use limits::{check_envelope, check_same, check_wraps, digest, is_plain};
