//! Pure rules: time and caller are arguments.

mod limits;
mod vote;

pub use limits::{check_content, check_council, check_name, check_params};
pub use vote::{cast, check_due, decide, weight_of};
